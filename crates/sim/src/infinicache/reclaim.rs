//! What the platform takes back.

use des::Agenda;
use policy::reclaim::Listed;
use units::{Nanos, NodeId, Time};

use super::{Event, InfiniCache};
use crate::faas::Slot;

/// How often a running instance is looked at again that the platform wants back.
const RECLAIM_RETRY: Nanos = Nanos::SECOND;

impl InfiniCache<'_> {
    /// Decides what is taken back in the coming interval: from the instances that were used
    /// last, from those used before them, and so on, each as a pool of its own.
    pub(super) fn reclaim_round(&mut self, now: Time, agenda: &mut Agenda<Event>) {
        let Some(interval) = self.config.reclaim.interval() else { return };
        let spread = self.config.reclaim.spread();
        for first in (0..self.config.n_proxies).map(|it| it * self.config.n_nodes) {
            for rank in 0.. {
                let nodes = (first..first + self.config.n_nodes).map(NodeId);
                let instance = |node| Some((node, self.platform.by_recency(node, rank)?));
                let mut instances: Vec<(NodeId, Slot)> = nodes.filter_map(instance).collect();
                if instances.is_empty() {
                    break;
                }
                let stream = &mut self.reclaim_stream;
                let count = self.config.reclaim.count(now.index(interval), stream.bits());
                // A count is of a full pool: where fewer have such an instance, fewer go.
                let share = instances.len() as f64 / f64::from(self.config.n_nodes);
                let count = f64::from(count) * share + 1.0 - stream.unit();
                let mut left = count.floor();
                while 1.0 <= left && !instances.is_empty() {
                    left -= 1.0;
                    let n_instances = u32::try_from(instances.len()).expect("no more than nodes");
                    let picked = stream.below(n_instances) as usize;
                    let (node, slot) = instances.swap_remove(picked);
                    let part = stream.unit() * spread.as_seconds_f64();
                    let at = now + Nanos::from_seconds_f64(part);
                    if at <= self.ends_at {
                        agenda.at(at, Event::Reclaim(node, slot));
                    }
                }
            }
        }
        if now + interval <= self.ends_at {
            agenda.after(interval, Event::ReclaimRound);
        }
    }

    /// Takes back an instance that is listed, if there is one of its rank.
    pub(super) fn reclaim_listed(&mut self, now: Time, number: u32, agenda: &mut Agenda<Event>) {
        let Listed { function, rank, .. } = self.config.reclaim.listed()[number as usize];
        let node = NodeId(function);
        if node.index() < self.functions.len()
            && let Some(slot) = self.platform.by_recency(node, rank as usize)
        {
            self.reclaim(now, node, slot, agenda);
        }
    }

    /// The platform takes an instance back: at once if it is idle, else once it has returned.
    pub(super) fn reclaim(
        &mut self,
        now: Time,
        node: NodeId,
        slot: Slot,
        agenda: &mut Agenda<Event>,
    ) {
        if self.platform.is_running(node, slot) {
            agenda.after(RECLAIM_RETRY, Event::Reclaim(node, slot));
        } else if self.platform.idle_since(node, slot).is_some() {
            self.record.hour(now).counts.n_reclaims += 1;
            self.lose(now, node, slot);
        }
    }

    /// An instance is gone, with what only it held.
    pub(super) fn lose(&mut self, now: Time, node: NodeId, slot: Slot) {
        self.platform.take_back(node, slot);
        self.note_intact(now);
        self.record.hour(now).counts.n_objects_lost += self.contents.lose(node, slot);
    }

    /// Takes an instance back if it was idle for as long as the platform allows.
    pub(super) fn idle_out(
        &mut self,
        now: Time,
        node: NodeId,
        slot: Slot,
        agenda: &mut Agenda<Event>,
    ) {
        let idle_since = self.platform.idle_since(node, slot);
        let idle_max = self.config.reclaim.idle_max().expect("a limit was set");
        if idle_since.is_some_and(|it| idle_max <= now.since(it)) {
            self.reclaim(now, node, slot, agenda);
        }
    }
}
