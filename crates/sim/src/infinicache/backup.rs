//! Backups: an instance copies to a peer replica what that lacks, and hands over to it.

use des::Agenda;
use policy::link::Connection;
use units::{Bytes, NodeId, Time};

use super::contents::ChunkId;
use super::links::Moved;
use super::session::Purpose;
use super::{Event, InfiniCache};
use crate::faas::Slot;
use crate::network::{FlowId, Transfer};

/// Messages between proxy, source, relay and replica before a sync begins, as round trips:
/// init-backup and its order, the relay's address, the source's connection to it, the
/// replica's to the relay and to the proxy (FAST'20 section 3.4, steps 1 to 9).
const N_BACKUP_ROUND_TRIPS: u64 = 4;

/// What a replica is being sent, chunk after chunk.
#[derive(Debug, Default)]
pub(super) struct Sync {
    flow: Option<FlowId>,
    /// The chunks, and how much will have been moved once each is there.
    pending: Vec<(ChunkId, f64)>,
    n_done: usize,
}

impl InfiniCache<'_> {
    /// Starts a backup: the instance stays up, and has a peer replica invoked, which the
    /// platform must find another instance for.
    pub(super) fn back_up(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let (replica, delay) = self.meet(node, Purpose::Backup);
        let handshake = self.config.function.round_trip * N_BACKUP_ROUND_TRIPS;
        self.functions[node.index()].replica = Some(replica);
        agenda.at(now + handshake + delay, Event::ReplicaUp(node));
    }

    /// The replica is up: it takes over at once, or when the source has answered the order
    /// that is under way.
    pub(super) fn replica_up(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        function.active(now);
        function.replica_is_up = true;
        if !function.is_serving() {
            self.take_over(now, node, agenda);
        }
    }

    /// The replica takes the orders from now on, and copies what it lacks; what was used last comes
    /// first.
    pub(super) fn take_over(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let replica = function.replica.take().expect("a backup has a replica");
        let source = function.session.take().expect("a backup has a source");
        function.source = Some(source);
        function.replica_is_up = false;
        self.begin_session(now, node, replica);
        self.begin_sync(now, node, source.slot, replica.met.slot, agenda);
        let step = self.functions[node.index()].link.pong(Connection::New);
        self.step(now, node, step, agenda);
        self.arm_lease(now, node, agenda);
    }

    /// Each chunk takes a round trip and its transfer, one after the other.
    fn begin_sync(
        &mut self,
        now: Time,
        node: NodeId,
        source: Slot,
        target: Slot,
        agenda: &mut Agenda<Event>,
    ) {
        let round_trip = self.config.function.round_trip;
        let idle_bytes = self.rate_max * round_trip.get() as f64;
        let sync = &mut self.functions[node.index()].sync;
        sync.pending.clear();
        sync.n_done = 0;
        let mut n_bytes = 0.0;
        let mut moved = Bytes::ZERO;
        for (chunk, size) in self.contents.difference(node, source, target) {
            n_bytes += idle_bytes + size.get() as f64;
            moved += size;
            sync.pending.push((chunk, n_bytes));
        }
        self.record.hour(now).counts.synced_bytes += moved;
        if sync.pending.is_empty() {
            sync.flow = None;
            agenda.after(round_trip, Event::Synced(node));
            return;
        }
        let from = self.platform.host(node, source);
        let to = self.platform.host(node, target);
        let proxy = self.proxy_links[node.index() / self.config.n_nodes as usize];
        let links = [
            self.host_links(from).outward,
            proxy.inward,
            proxy.outward,
            self.host_links(to).inward,
        ];
        let transfer = Transfer { n_bytes, rate_max: self.rate_max, links };
        let flow = self.network.start(now, transfer, Moved::Sync(node));
        self.functions[node.index()].sync.flow = Some(flow);
        self.set_alarms(agenda);
    }

    /// Notes what a sync in progress has moved so far.
    pub(super) fn sync_so_far(&mut self, now: Time, node: NodeId) {
        let Some(flow) = self.functions[node.index()].sync.flow else { return };
        let n_left = self.network.n_left(now, flow);
        self.note_copies(node, n_left);
    }

    /// Notes every chunk of a sync that is there once only `n_left` bytes are to be moved.
    fn note_copies(&mut self, node: NodeId, n_left: f64) {
        let function = &mut self.functions[node.index()];
        let source = function.source.as_ref().expect("a sync has a source").slot;
        let target = function.session.as_ref().expect("a sync has a target").slot;
        let Sync { pending, n_done, .. } = &mut function.sync;
        let moved = pending.last().map_or(0.0, |(_, end)| *end) - n_left;
        while let Some((chunk, end)) = pending.get(*n_done)
            && *end <= moved
        {
            self.contents.copy(*chunk, node, source, target);
            *n_done += 1;
        }
    }

    /// The replica has it all: the source returns, and the two have changed places.
    pub(super) fn synced(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        self.note_copies(node, 0.0);
        let function = &mut self.functions[node.index()];
        function.sync.flow = None;
        let source = function.source.take().expect("a sync has a source");
        if let Some(backup) = &mut function.backup {
            backup.done(now);
        }
        self.returned(now, node, source, agenda);
        self.arm_lease(now, node, agenda);
    }
}
