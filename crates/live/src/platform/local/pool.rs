//! Which functions there are, which instances they have, and who takes the next invocation.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::error::ApiError;
use super::function::{self, FunctionSpec};
use super::invocation::Invocation;
use super::process::Process;

/// All functions and their instances.
#[derive(Debug)]
pub(super) struct Pool {
    n_instances_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In order of their names.
    functions: BTreeMap<String, Function>,
    /// Every instance there is, those of deleted functions included, with its process once that
    /// was started.
    instances: BTreeMap<InstanceId, Option<Arc<Process>>>,
    n_instances_ever: u64,
    is_closed: bool,
}

#[derive(Debug)]
struct Function {
    spec: Arc<FunctionSpec>,
    /// In order of their starts.
    slots: Vec<Slot>,
    n_started: u32,
}

/// The place of an instance that may still take invocations.
#[derive(Debug)]
struct Slot {
    id: InstanceId,
    /// Takes one invocation, when idle.
    orders: mpsc::Sender<Invocation>,
    /// Since when it has been idle; `None` if it is not.
    idle_since: Option<Instant>,
    is_to_be_reclaimed: bool,
}

/// Names an instance among all that a platform ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct InstanceId(u64);

/// An instance that has to be started, for an invocation that waits for it.
#[derive(Debug)]
pub(super) struct NewInstance {
    pub(super) id: InstanceId,
    /// Which instance of its function it is, counted from 0.
    pub(super) number: u32,
    pub(super) spec: Arc<FunctionSpec>,
    pub(super) orders: mpsc::Receiver<Invocation>,
    pub(super) first: Invocation,
}

/// An instance as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceStatus {
    /// Whether it is frozen and waits for an invocation.
    pub is_idle: bool,
    /// Its process, once that was started.
    pub process: Option<i32>,
}

/// What became of the wish to take an instance back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reclaimed {
    /// It was idle, and is gone.
    Now,
    /// It is running, and will go when it has returned.
    WhenIdle,
}

impl Pool {
    pub(super) fn new(n_instances_max: usize) -> Pool {
        Pool { n_instances_max, state: Mutex::default() }
    }

    pub(super) fn create(&self, spec: FunctionSpec) -> Result<Arc<FunctionSpec>, ApiError> {
        let mut state = self.lock();
        if state.functions.contains_key(&spec.name) {
            return Err(ApiError::Conflict(format!("Function already exist: {}", spec.name)));
        }
        let spec = Arc::new(spec);
        let function = Function { spec: Arc::clone(&spec), slots: Vec::new(), n_started: 0 };
        state.functions.insert(spec.name.clone(), function);
        Ok(spec)
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<FunctionSpec>, ApiError> {
        self.lock().function(name).map(|it| Arc::clone(&it.spec))
    }

    /// Functions in order of their names, from the one after `after`.
    pub(super) fn list(&self, after: Option<&str>, n_max: usize) -> Vec<Arc<FunctionSpec>> {
        let state = self.lock();
        let functions = state.functions.values().map(|it| &it.spec);
        let is_after = |it: &&Arc<FunctionSpec>| after.is_none_or(|after| after < it.name.as_str());
        functions.filter(is_after).take(n_max).cloned().collect()
    }

    /// Changes a function. Its instances so far take no more invocations.
    pub(super) fn update(
        &self,
        name: &str,
        change: impl FnOnce(&FunctionSpec) -> Result<FunctionSpec, ApiError>,
    ) -> Result<Arc<FunctionSpec>, ApiError> {
        let mut state = self.lock();
        let function = state.function(name)?;
        let spec = Arc::new(change(&function.spec)?);
        function.spec = Arc::clone(&spec);
        let slots = std::mem::take(&mut function.slots);
        state.end_idle(&slots);
        Ok(spec)
    }

    /// Deletes a function. What runs of it runs to its end.
    pub(super) fn delete(&self, name: &str) -> Result<(), ApiError> {
        let mut state = self.lock();
        state.function(name)?;
        let slots = state.functions.remove(name).map_or(Vec::new(), |it| it.slots);
        state.end_idle(&slots);
        Ok(())
    }

    /// Hands `invocation` to the instance that became idle last. Where none is idle, it gives
    /// back an instance to be started; where none may be, it answers so.
    pub(super) fn take(&self, mut invocation: Invocation) -> Option<NewInstance> {
        let mut state = self.lock();
        if state.is_closed {
            let why = "the platform is stopping".to_owned();
            invocation.answer(Err(ApiError::Service(why)));
            return None;
        }
        let function = match state.function(&invocation.function) {
            Ok(function) => function,
            Err(err) => {
                invocation.answer(Err(err));
                return None;
            }
        };
        while let Some(slot) = function.last_idle() {
            slot.idle_since = None;
            let Err(err) = slot.orders.try_send(invocation) else { return None };
            // Its process has ended by itself, and it is about to say so.
            invocation = err.into_inner();
            let id = slot.id;
            function.slots.retain(|it| it.id != id);
        }
        if self.n_instances_max <= state.instances.len() {
            let why = format!("Rate Exceeded: {} instances are running", self.n_instances_max);
            invocation.answer(Err(ApiError::TooManyRequests(why)));
            return None;
        }
        Some(state.add(invocation))
    }

    /// Tells the process of an instance. False if the platform has stopped meanwhile, and the
    /// process has to end.
    pub(super) fn started(&self, id: InstanceId, process: &Arc<Process>) -> bool {
        let mut state = self.lock();
        state.instances.insert(id, Some(Arc::clone(process)));
        !state.is_closed
    }

    /// An instance is idle again. False if it has to end: it was changed, deleted or reclaimed.
    pub(super) fn released(&self, name: &str, id: InstanceId) -> Released {
        let mut state = self.lock();
        if state.is_closed {
            return Released::Ends;
        }
        let Some(function) = state.functions.get_mut(name) else { return Released::Ends };
        let Some(slot) = function.slots.iter_mut().find(|it| it.id == id) else {
            return Released::Ends;
        };
        if slot.is_to_be_reclaimed {
            function.slots.retain(|it| it.id != id);
            // Idle by now, and in use last: only what runs comes before it.
            let rank = function.slots.iter().filter(|it| it.idle_since.is_none()).count();
            return Released::IsReclaimed { rank };
        }
        slot.idle_since = Some(Instant::now());
        Released::Stays
    }

    /// An instance has ended.
    pub(super) fn ended(&self, name: &str, id: InstanceId) {
        let mut state = self.lock();
        state.instances.remove(&id);
        if let Some(function) = state.functions.get_mut(name) {
            function.slots.retain(|it| it.id != id);
        }
    }

    /// The instance of a function that has this rank by recency now.
    pub(super) fn instance(&self, name: &str, rank: usize) -> Option<InstanceId> {
        let mut state = self.lock();
        let function = state.functions.get_mut(name)?;
        function.by_recency().get(rank).map(|index| function.slots[*index].id)
    }

    /// Takes back an instance of a function, and gives its rank by recency.
    pub(super) fn reclaim(&self, name: &str, id: InstanceId) -> Option<(Reclaimed, usize)> {
        let mut state = self.lock();
        let function = state.functions.get_mut(name)?;
        let by_recency = function.by_recency();
        let rank = by_recency.iter().position(|index| function.slots[*index].id == id)?;
        let index = by_recency[rank];
        let slot = &mut function.slots[index];
        if slot.idle_since.is_none() {
            let is_new = !std::mem::replace(&mut slot.is_to_be_reclaimed, true);
            return is_new.then_some((Reclaimed::WhenIdle, rank));
        }
        let slot = function.slots.remove(index);
        state.end_idle(&[slot]);
        Some((Reclaimed::Now, rank))
    }

    /// Takes back all instances that were idle for as long as `limit`. Gives the function and
    /// the rank of each, and when the next one will have been, if none is used before.
    pub(super) fn reclaim_idle(
        &self,
        limit: std::time::Duration,
    ) -> (Vec<(String, usize)>, Option<Instant>) {
        let mut state = self.lock();
        let now = Instant::now();
        let mut ended = Vec::new();
        let mut named = Vec::new();
        for (name, function) in &mut state.functions {
            // Those used longest ago first, so that the ranks of the others stay.
            for (rank, index) in function.by_recency().into_iter().enumerate().rev() {
                let idle_since = function.slots[index].idle_since;
                if idle_since.is_some_and(|since| since + limit <= now) {
                    named.push((name.clone(), rank, function.slots[index].id));
                }
            }
            let is_due = |it: &mut Slot| named.iter().any(|(_, _, id)| *id == it.id);
            ended.extend(function.slots.extract_if(.., is_due));
        }
        state.end_idle(&ended);
        let slots = state.functions.values().flat_map(|it| &it.slots);
        let next = slots.filter_map(|it| it.idle_since).min().map(|it| it + limit);
        (named.into_iter().map(|(name, rank, _)| (name, rank)).collect(), next)
    }

    /// Kills an instance of a function, the one of this rank by recency, whatever it does. False
    /// if there is none, or it has no process yet.
    pub(super) fn kill(&self, name: &str, rank: usize) -> bool {
        let mut state = self.lock();
        let Some(function) = state.functions.get_mut(name) else { return false };
        let Some(index) = function.by_recency().get(rank).copied() else { return false };
        let Slot { id, idle_since, .. } = &function.slots[index];
        let (id, is_idle) = (*id, idle_since.is_some());
        if is_idle {
            // Else an invocation could still be given to the dying.
            function.slots.remove(index);
        }
        let process = state.instances.get(&id).and_then(Option::as_ref);
        process.inspect(|it| it.kill()).is_some()
    }

    /// The instances of a function that may take invocations, by recency.
    pub(super) fn instances(&self, name: &str) -> Result<Vec<InstanceStatus>, ApiError> {
        let mut state = self.lock();
        state.function(name)?;
        let function = &state.functions[name];
        let status = |index: usize| {
            let Slot { id, idle_since, .. } = &function.slots[index];
            let process = state.instances.get(id).and_then(Option::as_ref).map(|it| it.id());
            InstanceStatus { is_idle: idle_since.is_some(), process }
        };
        Ok(function.by_recency().into_iter().map(status).collect())
    }

    /// Lets no more instances start, and gives the processes there are.
    pub(super) fn close(&self) -> Vec<Arc<Process>> {
        let mut state = self.lock();
        state.is_closed = true;
        state.instances.values().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an instance has to do after an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Released {
    /// Wait for the next one.
    Stays,
    /// End: its function has changed, or is no more, or the platform stops.
    Ends,
    /// End: it was to be taken back as soon as it is idle.
    IsReclaimed {
        /// Its place among the function's instances by recency.
        rank: usize,
    },
}

impl State {
    fn function(&mut self, name: &str) -> Result<&mut Function, ApiError> {
        let found = self.functions.get_mut(name);
        found.ok_or_else(|| {
            ApiError::NotFound(format!("Function not found: {}", function::arn(name)))
        })
    }

    /// Adds an instance to the function of `first`, which exists.
    fn add(&mut self, first: Invocation) -> NewInstance {
        let id = InstanceId(self.n_instances_ever);
        self.n_instances_ever += 1;
        self.instances.insert(id, None);
        let (sender, orders) = mpsc::channel(1);
        let function = self.functions.get_mut(&first.function).expect("looked up under this lock");
        let number = function.n_started;
        function.n_started += 1;
        let slot = Slot { id, orders: sender, idle_since: None, is_to_be_reclaimed: false };
        function.slots.push(slot);
        NewInstance { id, number, spec: Arc::clone(&function.spec), orders, first }
    }

    /// Ends instances that no longer have a slot, as far as they are idle.
    fn end_idle(&self, slots: &[Slot]) {
        for slot in slots.iter().filter(|it| it.idle_since.is_some()) {
            if let Some(Some(process)) = self.instances.get(&slot.id) {
                process.kill();
            }
        }
    }
}

impl Function {
    fn last_idle(&mut self) -> Option<&mut Slot> {
        let idle = self.slots.iter_mut().filter(|it| it.idle_since.is_some());
        idle.max_by_key(|it| it.idle_since)
    }

    /// Where its slots are, the one in use last first; those that run come before the others,
    /// in order of their starts. It is the simulator's order, too.
    fn by_recency(&self) -> Vec<usize> {
        let mut indexes: Vec<usize> = (0..self.slots.len()).collect();
        // What runs has no time of its last use, and `None` is less than any.
        indexes.sort_by_key(|it| self.slots[*it].idle_since.map(Reverse));
        indexes
    }
}
