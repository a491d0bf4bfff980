//! The network: transfers that share links, each at its max-min fair rate.
//!
//! A transfer has a rate of its own that it never exceeds (a function's bandwidth) and crosses
//! up to [`N_LINKS_MAX`] links. Rates are those of progressive filling (Bertsekas and Gallager,
//! *Data Networks*, section 6.5.2): all transfers grow alike until their own rate or a full link
//! holds them. Where no link could be full, nothing is computed: a transfer then costs as much
//! as an addition.

use units::{Nanos, Time};

/// How many links a transfer may cross: from a host into a proxy and on to another host.
pub(crate) const N_LINKS_MAX: usize = 4;

/// Bytes per nanosecond.
pub(crate) type BytesPerNano = f64;

/// Names a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkId(u32);

impl LinkId {
    /// No link: what a transfer crosses fewer of than it may.
    pub(crate) const NONE: LinkId = LinkId(u32::MAX);
}

/// Names a transfer, also after it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowId {
    index: u32,
    generation: u32,
}

/// What is to be looked at, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Alarm {
    pub(crate) at: Time,
    pub(crate) flow: FlowId,
}

/// A transfer to begin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transfer {
    /// What is moved.
    pub(crate) n_bytes: f64,
    /// The rate that it never exceeds.
    pub(crate) rate_max: BytesPerNano,
    /// What it crosses, each once.
    pub(crate) links: [LinkId; N_LINKS_MAX],
}

/// The links and the transfers in progress, each of which is for something.
///
/// The driver puts every [`Alarm`] of [`Network::alarms`] on its agenda, and asks
/// [`Network::over`] when one is due.
#[derive(Debug)]
pub(crate) struct Network<T> {
    links: Vec<Link>,
    flows: Vec<Flow<T>>,
    spare: Vec<u32>,
    /// The transfers in progress, in no order that matters to a rate.
    active: Vec<u32>,
    /// Those that a full link may hold back, while rates are computed.
    held: Vec<u32>,
    /// Alarms to be set.
    pub(crate) alarms: Vec<Alarm>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    capacity: BytesPerNano,
    n_flows: u32,
    /// What its transfers would take if nothing held them back.
    demand: BytesPerNano,
    /// While rates are computed: what is left, and for how many.
    left: BytesPerNano,
    n_open: u32,
}

#[derive(Clone, Copy, Debug)]
struct Flow<T> {
    what_for: T,
    generation: u32,
    /// Where it stands among the active; none if it is over.
    position: u32,
    links: [LinkId; N_LINKS_MAX],
    rate_max: BytesPerNano,
    rate: BytesPerNano,
    /// What was left to move when the rate last changed, and when that was.
    n_left: f64,
    updated_at: Time,
    /// When its alarm goes off; alarms of other times are of rates since changed.
    alarm_at: Time,
}

const OVER: u32 = u32::MAX;

impl Link {
    /// Whether its transfers could want more than it has. The sum of their rates is kept by
    /// adding and subtracting, so a difference in the last digits is none.
    fn is_contended(&self) -> bool {
        self.capacity * (1.0 + 1e-9) < self.demand
    }

    fn share(&self) -> BytesPerNano {
        (self.left / f64::from(self.n_open)).max(0.0)
    }
}

impl<T> Flow<T> {
    fn links(&self) -> impl Iterator<Item = usize> + use<T> {
        self.links.into_iter().filter(|it| *it != LinkId::NONE).map(|it| it.0 as usize)
    }

    fn n_left_at(&self, now: Time) -> f64 {
        (self.n_left - self.rate * now.since(self.updated_at).get() as f64).max(0.0)
    }

    fn ends_at(&self) -> Time {
        let nanos = libm::ceil(self.n_left / self.rate);
        self.updated_at + Nanos::from_seconds_f64(nanos / 1e9)
    }
}

impl<T> Default for Network<T> {
    fn default() -> Network<T> {
        Network {
            links: Vec::new(),
            flows: Vec::new(),
            spare: Vec::new(),
            active: Vec::new(),
            held: Vec::new(),
            alarms: Vec::new(),
        }
    }
}

impl<T: Copy> Network<T> {
    /// A link that moves this much.
    pub(crate) fn add_link(&mut self, capacity: BytesPerNano) -> LinkId {
        assert!(0.0 < capacity, "a link that moves nothing");
        let link = Link { capacity, n_flows: 0, demand: 0.0, left: 0.0, n_open: 0 };
        self.links.push(link);
        LinkId(u32::try_from(self.links.len() - 1).expect("fewer links than functions"))
    }

    /// Begins a transfer. Its alarm is among those to be set.
    pub(crate) fn start(&mut self, now: Time, transfer: Transfer, what_for: T) -> FlowId {
        let Transfer { n_bytes, rate_max, links } = transfer;
        assert!(0.0 < rate_max, "a transfer that never ends");
        let position = u32::try_from(self.active.len()).expect("fewer flows than orders");
        let mut flow = Flow {
            what_for,
            generation: 0,
            position,
            links,
            rate_max,
            rate: rate_max,
            n_left: n_bytes,
            updated_at: now,
            alarm_at: now,
        };
        flow.alarm_at = flow.ends_at();
        let index = if let Some(index) = self.spare.pop() {
            flow.generation = self.flows[index as usize].generation;
            self.flows[index as usize] = flow;
            index
        } else {
            self.flows.push(flow);
            u32::try_from(self.flows.len() - 1).expect("fewer flows than orders")
        };
        self.active.push(index);
        let mut is_held = false;
        for link in flow.links() {
            let link = &mut self.links[link];
            link.n_flows += 1;
            link.demand += rate_max;
            is_held |= link.is_contended();
        }
        let id = FlowId { index, generation: flow.generation };
        self.alarms.push(Alarm { at: flow.alarm_at, flow: id });
        if is_held {
            self.fill(now);
        }
        id
    }

    /// An alarm went off: what its transfer was for, if that is over. The others then have
    /// what it had.
    pub(crate) fn over(&mut self, now: Time, id: FlowId) -> Option<T> {
        let flow = &mut self.flows[id.index as usize];
        let is_current = flow.generation == id.generation && flow.position != OVER;
        if !is_current || flow.alarm_at != now {
            return None;
        }
        let ends_at = flow.ends_at();
        if now < ends_at {
            flow.alarm_at = ends_at;
            self.alarms.push(Alarm { at: ends_at, flow: id });
            return None;
        }
        let what_for = flow.what_for;
        self.end(now, id.index);
        Some(what_for)
    }

    #[cfg(test)]
    fn rate(&self, id: FlowId) -> BytesPerNano {
        self.flows[id.index as usize].rate
    }

    /// What is left to move of a transfer in progress.
    pub(crate) fn n_left(&self, now: Time, id: FlowId) -> f64 {
        let flow = &self.flows[id.index as usize];
        assert!(flow.generation == id.generation && flow.position != OVER, "it is over");
        flow.n_left_at(now)
    }

    fn end(&mut self, now: Time, index: u32) {
        let flow = self.flows[index as usize];
        self.active.swap_remove(flow.position as usize);
        if let Some(moved) = self.active.get(flow.position as usize) {
            self.flows[*moved as usize].position = flow.position;
        }
        self.flows[index as usize].position = OVER;
        self.flows[index as usize].generation = flow.generation.wrapping_add(1);
        self.spare.push(index);
        let mut was_held = false;
        for link in flow.links() {
            let link = &mut self.links[link];
            was_held |= link.is_contended();
            link.n_flows -= 1;
            link.demand = if link.n_flows == 0 { 0.0 } else { link.demand - flow.rate_max };
        }
        if was_held {
            self.fill(now);
        }
    }

    /// Computes the rates of all transfers that a full link holds back, or held back so far.
    fn fill(&mut self, now: Time) {
        let Network { links, flows, active, held, alarms, .. } = self;
        held.clear();
        for index in active.iter() {
            let flow = &flows[*index as usize];
            let is_held =
                flow.rate < flow.rate_max || flow.links().any(|it| links[it].is_contended());
            if is_held {
                held.push(*index);
                for link in flow.links() {
                    links[link].left = links[link].capacity;
                    links[link].n_open = 0;
                }
            }
        }
        for index in held.iter() {
            for link in flows[*index as usize].links() {
                links[link].n_open += 1;
            }
        }
        let mut set = |flow: &mut Flow<T>, links: &mut [Link], index: u32, rate: BytesPerNano| {
            for link in flow.links() {
                links[link].left -= rate;
                links[link].n_open -= 1;
            }
            #[expect(clippy::float_cmp, reason = "an unchanged rate needs no new alarm")]
            let is_unchanged = flow.rate == rate;
            if is_unchanged {
                return;
            }
            flow.n_left = flow.n_left_at(now);
            flow.updated_at = now;
            flow.rate = rate;
            let ends_at = flow.ends_at();
            if ends_at < flow.alarm_at {
                flow.alarm_at = ends_at;
                let flow = FlowId { index, generation: flow.generation };
                alarms.push(Alarm { at: ends_at, flow });
            }
        };
        while !held.is_empty() {
            let share_of = |flow: &Flow<T>, links: &[Link]| {
                let contended = flow.links().filter(|it| links[*it].is_contended());
                contended.map(|it| links[it].share()).fold(f64::INFINITY, f64::min)
            };
            let least = held
                .iter()
                .map(|it| share_of(&flows[*it as usize], links))
                .fold(f64::INFINITY, f64::min);
            // Those that want no more than the smallest share of any have it.
            let n_before = held.len();
            held.retain(|index| {
                let flow = &mut flows[*index as usize];
                let has_enough = flow.rate_max <= least;
                if has_enough {
                    let rate_max = flow.rate_max;
                    set(flow, links, *index, rate_max);
                }
                !has_enough
            });
            if held.len() < n_before {
                continue;
            }
            // None: the fullest link divides what it has evenly among those that are left.
            held.retain(|index| {
                let flow = &mut flows[*index as usize];
                let is_bound = share_of(flow, links) <= least * (1.0 + 1e-12);
                if is_bound {
                    set(flow, links, *index, least);
                }
                !is_bound
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A network of links of these capacities, with transfers of these maximal rates over
    /// these links.
    fn network(capacities: &[f64], flows: &[(f64, &[usize])]) -> (Network<()>, Vec<FlowId>) {
        let mut network = Network::default();
        let links: Vec<LinkId> = capacities.iter().map(|it| network.add_link(*it)).collect();
        let flows = flows
            .iter()
            .map(|(rate_max, over)| {
                let mut crossed = [LinkId::NONE; N_LINKS_MAX];
                for (slot, link) in crossed.iter_mut().zip(*over) {
                    *slot = links[*link];
                }
                let n_bytes = 1000.0;
                let transfer = Transfer { n_bytes, rate_max: *rate_max, links: crossed };
                network.start(Time::START, transfer, ())
            })
            .collect();
        (network, flows)
    }

    #[track_caller]
    fn check(capacities: &[f64], flows: &[(f64, &[usize])], rates: &[f64]) {
        let (network, ids) = network(capacities, flows);
        let seen: Vec<f64> = ids.iter().map(|it| network.rate(*it)).collect();
        let is_close = seen.iter().zip(rates).all(|(one, other)| (one - other).abs() < 1e-9);
        assert!(is_close, "{seen:?}, not {rates:?}");
    }

    #[test]
    fn rates_are_fair() {
        check(&[10.0], &[(3.0, &[0]), (4.0, &[0])], &[3.0, 4.0]);
        check(&[10.0], &[(8.0, &[0]), (8.0, &[0])], &[5.0, 5.0]);
        check(&[10.0], &[(2.0, &[0]), (8.0, &[0]), (8.0, &[0])], &[2.0, 4.0, 4.0]);
        // The example of Bertsekas and Gallager: a long way shares with a short one.
        check(&[1.0, 2.0], &[(9.0, &[0, 1]), (9.0, &[0]), (9.0, &[1])], &[0.5, 0.5, 1.5]);
        check(&[4.0, 9.0], &[(3.0, &[0, 1]), (3.0, &[0, 1]), (3.0, &[1])], &[2.0, 2.0, 3.0]);
        check(&[1.0], &[(7.0, &[])], &[7.0]);
    }

    /// Runs a network to its end; when each transfer ended, in nanoseconds.
    fn ends(mut network: Network<()>, ids: &[FlowId]) -> Vec<u64> {
        let mut ends = vec![0; ids.len()];
        let mut alarms = std::mem::take(&mut network.alarms);
        while !alarms.is_empty() {
            let first = (0..alarms.len()).min_by_key(|it| alarms[*it].at).unwrap();
            let Alarm { at, flow } = alarms.remove(first);
            if network.over(at, flow).is_some() {
                ends[ids.iter().position(|it| *it == flow).unwrap()] = at.as_nanos();
            }
            alarms.append(&mut network.alarms);
        }
        assert!(network.active.is_empty());
        ends
    }

    #[test]
    fn what_one_leaves_the_others_take() {
        let check = |capacities: &[f64], flows: &[(f64, &[usize])], expect: &[u64]| {
            let (network, ids) = network(capacities, flows);
            assert_eq!(ends(network, &ids), expect);
        };
        check(&[10.0], &[(4.0, &[0])], &[250]);
        check(&[10.0], &[(10.0, &[0]), (10.0, &[0])], &[200, 200]);
        // 2 and 8; once the slow one is alone it goes no faster.
        check(&[10.0], &[(2.0, &[0]), (20.0, &[0])], &[500, 125]);
        // 5 each until 200; two of three at 10/3 until 300.
        check(&[10.0], &[(10.0, &[0]), (10.0, &[0]), (10.0, &[0])], &[300, 300, 300]);
    }

    #[test]
    fn a_transfer_that_comes_later_slows_the_others() {
        let (mut network, mut ids) = network(&[10.0], &[(10.0, &[0])]);
        let late = Time::from_nanos(50);
        let mut links = [LinkId::NONE; N_LINKS_MAX];
        links[0] = LinkId(0);
        ids.push(network.start(late, Transfer { n_bytes: 250.0, rate_max: 10.0, links }, ()));
        assert!((network.n_left(Time::from_nanos(60), ids[0]) - 450.0).abs() < 1e-9);
        // 500 left at 50; 5 each until the second is through at 100; 250 more at 10.
        assert_eq!(ends(network, &ids), [125, 100]);
    }

    proptest! {
        /// No link moves more than it can, and whoever could go faster crosses a full link on
        /// which nobody goes faster: that is what max-min fair means.
        #[test]
        fn rates_are_max_min_fair(
            capacities in prop::collection::vec(1.0..20.0_f64, 1..5),
            flows in prop::collection::vec(
                (0.5..10.0_f64, prop::collection::btree_set(0..5_usize, 1..=N_LINKS_MAX)),
                1..30,
            ),
            n_ended in 0..10_usize,
        ) {
            let flows: Vec<(f64, Vec<usize>)> = flows
                .into_iter()
                .map(|(rate, over)| {
                    let over = over.into_iter().filter(|it| *it < capacities.len());
                    (rate, over.collect())
                })
                .collect();
            let borrowed: Vec<(f64, &[usize])> =
                flows.iter().map(|(rate, over)| (*rate, over.as_slice())).collect();
            let (mut network, ids) = network(&capacities, &borrowed);
            let n_ended = n_ended.min(flows.len() - 1);
            for id in &ids[..n_ended] {
                network.end(Time::from_nanos(1), id.index);
            }
            let left = &flows[n_ended..];
            let rates: Vec<f64> = ids[n_ended..].iter().map(|it| network.rate(*it)).collect();
            let load = |link: usize| -> f64 {
                let on = left.iter().zip(&rates).filter(|((_, over), _)| over.contains(&link));
                on.map(|(_, rate)| rate).sum()
            };
            for (link, capacity) in capacities.iter().enumerate() {
                prop_assert!(load(link) <= capacity * (1.0 + 1e-6), "link {link}");
            }
            for ((rate_max, over), rate) in left.iter().zip(&rates) {
                let is_held = over.iter().any(|link| {
                    let is_full = capacities[*link] * (1.0 - 1e-6) <= load(*link);
                    let others = left.iter().zip(&rates).filter(|((_, it), _)| it.contains(link));
                    is_full && others.map(|(_, it)| *it).fold(0.0, f64::max) <= rate * (1.0 + 1e-6)
                });
                let is_free = (rate - rate_max).abs() < 1e-9;
                prop_assert!(is_free || is_held, "{rate} of {rate_max} over {over:?}");
            }
        }
    }
}
