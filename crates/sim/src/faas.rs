//! The function platform: functions, each with any number of instances, on hosts they share.
//!
//! An invocation meets an idle instance if there is one, and starts one otherwise; so two
//! invocations of one function at a time run in two instances. An instance that has returned is
//! frozen with its memory until it is invoked again or taken back.

use std::{fmt, str};

use units::{NodeId, Time};

/// Names an instance of a function. A slot is used again once its instance was taken back.
pub(crate) type Slot = u8;

/// Names a host.
pub(crate) type HostId = u32;

/// Which of its idle instances an invocation of a function meets.
///
/// The platform does not say. In the reference's deployment it was mostly the one used last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstancePick {
    /// The one that returned last.
    MostRecent,
    /// The one that returned first.
    LeastRecent,
    /// Any.
    Random,
}

impl str::FromStr for InstancePick {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<InstancePick, &'static str> {
        match text {
            "mru" => Ok(InstancePick::MostRecent),
            "lru" => Ok(InstancePick::LeastRecent),
            "random" => Ok(InstancePick::Random),
            _ => Err("write mru, lru or random"),
        }
    }
}

impl fmt::Display for InstancePick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            InstancePick::MostRecent => "mru",
            InstancePick::LeastRecent => "lru",
            InstancePick::Random => "random",
        })
    }
}

/// The instances of all functions, and the hosts they are on.
#[derive(Debug)]
pub(crate) struct Platform {
    pick: InstancePick,
    memory_mb: u32,
    functions: Vec<Vec<Instance>>,
    hosts: Hosts,
    /// Orders the returns, so that two at one time are never alike.
    n_returns: u64,
}

/// What an invocation has met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Met {
    pub(crate) slot: Slot,
    /// Whether the instance had to be started.
    pub(crate) is_cold: bool,
}

#[derive(Clone, Copy, Debug)]
struct Instance {
    state: State,
    host: HostId,
    /// How many invocations had returned when its last one did; since when it is idle.
    returned: u64,
    idle_since: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Gone,
    Idle,
    Running,
}

impl Platform {
    /// A platform with functions of this much memory, none of which was ever invoked, on hosts
    /// that have room for `host_memory_mb` of them.
    pub(crate) fn new(
        n_functions: usize,
        memory_mb: u32,
        host_memory_mb: u32,
        pick: InstancePick,
    ) -> Platform {
        Platform {
            pick,
            memory_mb,
            functions: vec![Vec::new(); n_functions],
            hosts: Hosts { memory_mb: host_memory_mb.max(memory_mb), used_mb: Vec::new() },
            n_returns: 0,
        }
    }

    /// Invokes a function. `draw` is asked for a random number where the choice is random.
    pub(crate) fn invoke(&mut self, node: NodeId, draw: impl FnOnce() -> u64) -> Met {
        let instances = &mut self.functions[node.index()];
        let idle = (0..instances.len()).filter(|it| instances[*it].state == State::Idle);
        let met = match self.pick {
            InstancePick::MostRecent => idle.max_by_key(|it| instances[*it].returned),
            InstancePick::LeastRecent => idle.min_by_key(|it| instances[*it].returned),
            InstancePick::Random => {
                let n_idle = idle.clone().count().max(1) as u64;
                let number = (u128::from(draw()) * u128::from(n_idle)) >> 64;
                idle.clone().nth(usize::try_from(number).expect("below their number"))
            }
        };
        if let Some(index) = met {
            instances[index].state = State::Running;
            return Met { slot: slot_of(index), is_cold: false };
        }
        let host = self.hosts.take(self.memory_mb);
        let started =
            Instance { state: State::Running, host, returned: 0, idle_since: Time::START };
        let index = instances.iter().position(|it| it.state == State::Gone);
        let index = index.unwrap_or(instances.len());
        match instances.get_mut(index) {
            Some(gone) => *gone = started,
            None => instances.push(started),
        }
        Met { slot: slot_of(index), is_cold: true }
    }

    /// An invocation has returned: its instance is frozen.
    pub(crate) fn returned(&mut self, now: Time, node: NodeId, slot: Slot) {
        self.n_returns += 1;
        let returned = self.n_returns;
        let instance = &mut self.functions[node.index()][usize::from(slot)];
        assert_eq!(instance.state, State::Running, "only what runs returns");
        *instance = Instance { state: State::Idle, returned, idle_since: now, ..*instance };
    }

    /// Takes an instance back; its memory is lost.
    pub(crate) fn take_back(&mut self, node: NodeId, slot: Slot) {
        let instance = &mut self.functions[node.index()][usize::from(slot)];
        assert_ne!(instance.state, State::Gone, "it was taken back before");
        instance.state = State::Gone;
        let host = instance.host;
        self.hosts.give_back(host, self.memory_mb);
    }

    /// Whether an invocation runs in this instance.
    pub(crate) fn is_running(&self, node: NodeId, slot: Slot) -> bool {
        self.functions[node.index()][usize::from(slot)].state == State::Running
    }

    /// Since when an instance is idle; nothing if it runs or is gone.
    pub(crate) fn idle_since(&self, node: NodeId, slot: Slot) -> Option<Time> {
        let instance = self.functions[node.index()][usize::from(slot)];
        (instance.state == State::Idle).then_some(instance.idle_since)
    }

    /// The instance of a function that was in use last (rank 0), or before that one, and so on;
    /// those that run come first.
    pub(crate) fn by_recency(&self, node: NodeId, rank: usize) -> Option<Slot> {
        let instances = &self.functions[node.index()];
        let recency = |index: usize| match instances[index] {
            Instance { state: State::Running, .. } => u64::MAX - index as u64,
            Instance { returned, .. } => returned,
        };
        let is_there = |it: &usize| instances[*it].state != State::Gone;
        let mut there = (0..instances.len()).filter(is_there);
        // With two at most, which is nearly always so, nothing has to be sorted.
        let (first, second) = (there.next()?, there.next());
        let Some(second) = second else { return (rank == 0).then(|| slot_of(first)) };
        let mut order = vec![first, second];
        order.extend(there);
        order.sort_unstable_by_key(|it| std::cmp::Reverse(recency(*it)));
        order.get(rank).copied().map(slot_of)
    }

    /// How many instances a function has.
    #[cfg(test)]
    fn n_instances(&self, node: NodeId) -> usize {
        self.functions[node.index()].iter().filter(|it| it.state != State::Gone).count()
    }

    /// The host of an instance.
    pub(crate) fn host(&self, node: NodeId, slot: Slot) -> HostId {
        self.functions[node.index()][usize::from(slot)].host
    }
}

fn slot_of(index: usize) -> Slot {
    Slot::try_from(index).expect("fewer instances of a function than 256")
}

/// Hosts, filled greedily: an instance goes to the first one with room (FAST'20 section 4.2).
#[derive(Debug)]
struct Hosts {
    memory_mb: u32,
    used_mb: Vec<u32>,
}

impl Hosts {
    fn take(&mut self, memory_mb: u32) -> HostId {
        let has_room = |used: &u32| used + memory_mb <= self.memory_mb;
        let host = self.used_mb.iter().position(has_room).unwrap_or(self.used_mb.len());
        match self.used_mb.get_mut(host) {
            Some(used) => *used += memory_mb,
            None => self.used_mb.push(memory_mb),
        }
        HostId::try_from(host).expect("no more hosts than instances")
    }

    fn give_back(&mut self, host: HostId, memory_mb: u32) {
        self.used_mb[host as usize] -= memory_mb;
    }
}

#[cfg(test)]
mod tests;
