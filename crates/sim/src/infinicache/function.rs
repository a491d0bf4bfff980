//! One function: its queue of orders at the proxy, its invocations, its warm-ups and backups.

use std::collections::VecDeque;

use des::Agenda;
use policy::lease::{Expiry, Invoked, Lease};
use policy::{Backup, Idle, WarmUp};
use pricing::{FunctionUsage, Usage};
use units::{Bytes, Nanos, NodeId, Time};

use super::contents::BlockId;
use super::{Event, InfiniCache, InfiniCacheConfig, ReadId};

/// Messages between proxy, source, relay and replica before a sync begins, as round trips:
/// init-backup and its order, the relay's address, the source's connection to it, the
/// replica's to the relay and to the proxy (FAST'20 section 3.4, steps 1 to 9).
const N_BACKUP_ROUND_TRIPS: u64 = 4;

/// How often a running instance is looked at again that the platform wants back.
const RECLAIM_RETRY: Nanos = Nanos::SECOND;

/// One thing a function is told to do with a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) verb: Verb,
    pub(super) block: BlockId,
    pub(super) chunk: u32,
}

/// What is to be done with a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) enum Verb {
    /// Send it, for this read.
    Get(ReadId),
    /// Store it.
    Set,
    /// Drop it.
    Delete,
}

/// The instances of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instance {
    /// The one that answers.
    Primary,
    /// The peer replica, as of the last backup.
    Replica,
}

/// What an invocation is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Serving,
    WarmUp,
    Backup,
}

/// A function as the proxy and the platform see it.
#[derive(Debug)]
pub(super) struct Function {
    /// Orders yet to be carried out, the one under way in front.
    queue: VecDeque<Order>,
    /// The invocation that takes orders.
    session: Option<Session>,
    link: Link,
    /// The invocation that is being backed up, until the replica has it all.
    source: Option<Session>,
    /// When the timer of the lease fires. Events for other times are of timers since reset.
    lease_timer: Option<Time>,
    warm_up: Option<WarmUp>,
    backup: Option<Backup>,
    /// When the primary and the replica last returned.
    returned_at: [Time; 2],
    /// Whether an instance exists that can be invoked without a cold start.
    is_alive: bool,
    /// Whether the next invocation meets another instance than the last one did.
    is_replaced: bool,
}

#[derive(Clone, Copy, Debug)]
struct Session {
    lease: Lease,
    purpose: Purpose,
}

/// What the proxy is doing with a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// Nothing.
    Idle,
    /// Waiting for an invocation to start or a ping to be answered.
    Validating(Purpose),
    /// Waiting for an order to be carried out.
    Serving,
}

impl Function {
    pub(super) fn new(config: &InfiniCacheConfig) -> Function {
        Function {
            queue: VecDeque::new(),
            session: None,
            link: Link::Idle,
            source: None,
            lease_timer: None,
            warm_up: config.warm_up.map(|it| WarmUp::new(it, Time::START)),
            backup: config.backup.map(|it| Backup::new(it, Time::START)),
            returned_at: [Time::START; 2],
            is_alive: false,
            is_replaced: true,
        }
    }

    /// Whether an instance is in use, and cannot be taken back.
    fn is_running(&self, instance: Instance) -> bool {
        match instance {
            Instance::Primary => self.session.is_some() || self.link != Link::Idle,
            Instance::Replica => self.source.is_some(),
        }
    }

    fn active(&mut self, now: Time) {
        if let Some(warm_up) = &mut self.warm_up {
            warm_up.active(now);
        }
    }
}

impl InfiniCache<'_> {
    /// Warms every function, and sets the timers that run until the end.
    pub(super) fn start(&mut self, agenda: &mut Agenda<Event>) {
        for node in (0..self.config.n_proxies * self.config.n_nodes).map(NodeId) {
            if let Some(warm_up) = self.functions[node.index()].warm_up {
                self.invoke(node, Purpose::WarmUp, agenda);
                agenda.at(warm_up.due(), Event::IdleDue(node));
            }
        }
        agenda.at(Time::START, Event::ReclaimRound);
    }

    /// Queues an order for the function that has, or is to have, the chunk.
    pub(super) fn order(&mut self, now: Time, order: Order, agenda: &mut Agenda<Event>) {
        let node = self.contents.node(order.block, order.chunk);
        self.contents.retain(order.block);
        let function = &mut self.functions[node.index()];
        function.queue.push_back(order);
        if function.link == Link::Idle {
            self.validate(now, node, agenda);
        }
    }

    /// Makes sure that a function is up before it is sent an order: pings it, or invokes it.
    fn validate(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        match &mut function.session {
            Some(session) => {
                session.lease.pinged(now);
                function.link = Link::Validating(session.purpose);
                agenda.after(self.config.function.round_trip, Event::Ready(node));
            }
            None => self.invoke(node, Purpose::Serving, agenda),
        }
    }

    fn invoke(&mut self, node: NodeId, purpose: Purpose, agenda: &mut Agenda<Event>) {
        let is_warm = self.functions[node.index()].is_alive;
        let delay = self.start_up(is_warm);
        self.functions[node.index()].link = Link::Validating(purpose);
        agenda.after(delay, Event::Ready(node));
    }

    /// How long the platform takes from an invocation to a running function.
    fn start_up(&mut self, is_warm: bool) -> Nanos {
        let function = &self.config.function;
        if is_warm {
            let tail = function.warm_invoke_tail_mean.as_seconds_f64();
            let tail = tail * self.invocation_stream.exponential();
            function.warm_invoke_floor + Nanos::from_seconds_f64(tail)
        } else {
            function.cold_start
        }
    }

    /// A function is up and listens.
    pub(super) fn ready(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let Link::Validating(purpose) = function.link else {
            panic!("{node:?} answered, and nobody had asked");
        };
        function.active(now);
        if function.session.is_none() {
            let why = match purpose {
                Purpose::WarmUp => Invoked::WarmUp,
                Purpose::Serving | Purpose::Backup => Invoked::Request,
            };
            self.begin_session(now, node, purpose, why);
        }
        self.next(now, node, agenda);
    }

    fn begin_session(&mut self, now: Time, node: NodeId, purpose: Purpose, why: Invoked) {
        let function = &mut self.functions[node.index()];
        let lease = Lease::start(self.config.lease, now, why);
        function.session = Some(Session { lease, purpose });
        function.lease_timer = None;
        function.is_alive = true;
        if std::mem::take(&mut function.is_replaced)
            && let Some(backup) = &mut function.backup
        {
            backup.done(now);
        }
        self.record.hour(now).counts.n_invocations += 1;
    }

    /// Has the function, which is up, carry out its next order, or lets it be.
    fn next(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let Some(order) = function.queue.front().copied() else {
            function.link = Link::Idle;
            self.arm_lease(node, agenda);
            return;
        };
        function.link = Link::Serving;
        let session = function.session.as_mut().expect("a function that is up has a session");
        session.lease.request_began();
        let moved = match order.verb {
            Verb::Get(_) if !self.contents.is_held(order.block, order.chunk) => Bytes::ZERO,
            Verb::Get(_) => self.contents.stored_size(order.block, order.chunk),
            Verb::Set => self.contents.chunk_size(order.block),
            Verb::Delete => Bytes::ZERO,
        };
        let profile = &self.config.function;
        let took = profile.round_trip + profile.bandwidth(self.config.memory_mb).time(moved);
        agenda.at(now + took, Event::Served(node));
    }

    /// A function has carried out an order.
    pub(super) fn served(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let Order { verb, block, chunk } =
            function.queue.pop_front().expect("the order under way is in front");
        let session = function.session.as_mut().expect("a busy function does not return");
        session.lease.request_ended(now);
        function.active(now);
        // The link stays busy while the effects unfold, so that orders they bring only queue.
        match verb {
            Verb::Set => self.contents.store(block, chunk),
            Verb::Delete => self.contents.delete(block, chunk),
            Verb::Get(read) => {
                let is_held = self.contents.is_held(block, chunk);
                self.answered(now, read, chunk, is_held, agenda);
            }
        }
        self.contents.release(block);
        if self.functions[node.index()].queue.is_empty() {
            self.next(now, node, agenda);
        } else {
            self.validate(now, node, agenda);
        }
    }

    /// Sets the timer of the lease, unless one is set that fires earlier.
    fn arm_lease(&mut self, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let due = function.session.as_ref().expect("an idle link is armed").lease.due();
        if function.lease_timer.is_none_or(|it| due < it) {
            function.lease_timer = Some(due);
            agenda.at(due, Event::LeaseDue(node));
        }
    }

    pub(super) fn lease_due(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        if function.lease_timer != Some(now) {
            return;
        }
        function.lease_timer = None;
        if function.link != Link::Idle {
            // Armed again once the function is idle.
            return;
        }
        let session = function.session.as_mut().expect("a timer is of a session");
        if let Expiry::Until(_) = session.lease.expired(now) {
            self.arm_lease(node, agenda);
        } else if function.source.is_some() {
            // A sync under way is work, and announces more.
            session.lease.pinged(now);
            self.arm_lease(node, agenda);
        } else if now <= self.ends_at
            && function.backup.is_some_and(|it| it.is_due(now, self.contents.holds_chunks(node)))
        {
            self.back_up(node, agenda);
        } else {
            let session = function.session.take().expect("it was there above");
            self.bill(now, session);
            self.returned(now, node, Instance::Primary, agenda);
        }
    }

    /// Starts a backup: the instance stays up, and has a peer replica invoked.
    fn back_up(&mut self, node: NodeId, agenda: &mut Agenda<Event>) {
        let handshake = self.config.function.round_trip * N_BACKUP_ROUND_TRIPS;
        let delay = handshake + self.start_up(self.contents.has_replica(node));
        let function = &mut self.functions[node.index()];
        function.source = function.session.take();
        function.link = Link::Validating(Purpose::Backup);
        agenda.after(delay, Event::ReplicaUp(node));
    }

    /// The replica is up: it takes over at once, and copies what it lacks one chunk after the
    /// other.
    pub(super) fn replica_up(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        self.functions[node.index()].active(now);
        self.begin_session(now, node, Purpose::Backup, Invoked::Request);
        let moved = self.contents.sync(node);
        let profile = &self.config.function;
        let took = profile.round_trip * moved.n_chunks
            + profile.bandwidth(self.config.memory_mb).time(moved.bytes);
        agenda.at(now + took, Event::Synced(node));
        self.next(now, node, agenda);
    }

    /// The replica has it all: the source returns, and the two have changed places.
    pub(super) fn synced(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let source = function.source.take().expect("a sync has a source");
        if let Some(backup) = &mut function.backup {
            backup.done(now);
        }
        self.bill(now, source);
        self.returned(now, node, Instance::Replica, agenda);
        if self.functions[node.index()].link == Link::Idle {
            self.arm_lease(node, agenda);
        }
    }

    /// An invocation returns, and is billed.
    fn bill(&mut self, now: Time, session: Session) {
        let purpose: fn(&mut Usage) -> &mut FunctionUsage = match session.purpose {
            Purpose::Serving => |it| &mut it.serving,
            Purpose::WarmUp => |it| &mut it.warm_up,
            Purpose::Backup => |it| &mut it.backup,
        };
        let hour = self.record.hour(session.lease.started());
        let ran_for = now.since(session.lease.started());
        purpose(&mut hour.usage).record(self.config.memory_mb, ran_for);
    }

    /// An instance has returned, and is idle from now on.
    fn returned(
        &mut self,
        now: Time,
        node: NodeId,
        instance: Instance,
        agenda: &mut Agenda<Event>,
    ) {
        self.functions[node.index()].returned_at[instance as usize] = now;
        if let Some(idle_max) = self.config.reclaim.idle_max()
            && now + idle_max <= self.ends_at
        {
            agenda.after(idle_max, Event::IdleOut(node, instance));
        }
    }

    /// Takes an instance back if it was idle for as long as the platform allows.
    pub(super) fn idle_out(
        &mut self,
        now: Time,
        node: NodeId,
        instance: Instance,
        agenda: &mut Agenda<Event>,
    ) {
        let function = &self.functions[node.index()];
        let idle_for = now.since(function.returned_at[instance as usize]);
        if !function.is_running(instance)
            && self.config.reclaim.idle_max().is_some_and(|it| it <= idle_for)
        {
            self.reclaim(now, node, instance, agenda);
        }
    }

    /// The idle timer of a function fires: it is warmed if nothing happened meanwhile.
    pub(super) fn idle_due(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let warm_up = function.warm_up.as_mut().expect("the timer is of a warm-up");
        let mut next = warm_up.due();
        if warm_up.fired(now) == Idle::Invoke {
            warm_up.active(now);
            next = warm_up.due();
            if function.link == Link::Idle && function.session.is_none() {
                self.invoke(node, Purpose::WarmUp, agenda);
            }
        }
        if next <= self.ends_at {
            agenda.at(next, Event::IdleDue(node));
        }
    }

    /// The platform takes an instance back: at once if it is idle, else once it has returned.
    pub(super) fn reclaim(
        &mut self,
        now: Time,
        node: NodeId,
        instance: Instance,
        agenda: &mut Agenda<Event>,
    ) {
        let function = &mut self.functions[node.index()];
        let has_replica = self.contents.has_replica(node);
        let exists = match instance {
            Instance::Primary => function.is_alive,
            Instance::Replica => has_replica,
        };
        if !exists {
            return;
        }
        if function.is_running(instance) {
            agenda.after(RECLAIM_RETRY, Event::Reclaim(node, instance));
            return;
        }
        self.record.hour(now).counts.n_reclaims += 1;
        match instance {
            Instance::Primary => {
                function.is_alive = has_replica;
                function.is_replaced = true;
                // The replica, now the primary, has been idle for as long as it was.
                let [_, replica_returned_at] = function.returned_at;
                function.returned_at[Instance::Primary as usize] = replica_returned_at;
                self.contents.lose_primary(node);
            }
            Instance::Replica => self.contents.lose_replica(node),
        }
    }
}
