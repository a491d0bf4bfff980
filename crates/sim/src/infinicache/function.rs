//! One function as its proxy sees it: the queue of its orders, sent one at a time.

use std::collections::VecDeque;

use des::Agenda;
use policy::link::{Connection, Life, Link, Step, Validity};
use policy::{Backup, WarmUp};
use units::{Bytes, Nanos, NodeId, Time};

use super::backup::Sync;
use super::contents::{BlockId, Slots};
use super::links::Moved;
use super::read::{Answer, ReadId};
use super::session::{Purpose, Session, Starting};
use super::{Event, InfiniCache, InfiniCacheConfig};
use crate::faas::Slot;
use crate::network::{LinkId, N_LINKS_MAX, Transfer};

/// One thing a function is told to do with a chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) verb: Verb,
    pub(super) block: BlockId,
    pub(super) chunk: u32,
    /// The request of the trace for which it is done: whose client sends or gets the bytes.
    pub(super) number: u32,
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

/// A function as the proxy and the platform see it.
#[derive(Debug)]
pub(super) struct Function {
    /// Orders yet to be carried out, the one under way in front.
    pub(super) queue: VecDeque<Order>,
    pub(super) link: Link,
    /// The instance whose connection the proxy uses, or used last.
    pub(super) connected: Option<Slot>,
    /// An invocation that has not answered yet.
    pub(super) starting: Option<Starting>,
    /// The invocation that takes orders.
    pub(super) session: Option<Session>,
    /// When the proxy will have heard that the last session is over.
    pub(super) bye_at: Time,
    /// When the ping under way will be answered.
    pub(super) pong_at: Option<Time>,
    /// When the order in front came there, and when it was sent.
    front_since: Time,
    sent_at: Time,
    /// The peer replica that a backup has invoked.
    pub(super) replica: Option<Starting>,
    /// Whether that replica is up, and takes over once the order under way is done.
    pub(super) replica_is_up: bool,
    /// The invocation that is being backed up, until the replica has it all.
    pub(super) source: Option<Session>,
    pub(super) sync: Sync,
    /// When the timer of the lease fires. Events for other times are of timers since reset.
    pub(super) lease_timer: Option<Time>,
    pub(super) warm_up: Option<WarmUp>,
    pub(super) backup: Option<Backup>,
    /// What the instance in use may move in a burst, as of when.
    pub(super) tokens: (f64, Time),
}

impl Function {
    pub(super) fn new(config: &InfiniCacheConfig) -> Function {
        Function {
            queue: VecDeque::new(),
            link: Link::new(config.link),
            connected: None,
            starting: None,
            session: None,
            bye_at: Time::START,
            pong_at: None,
            front_since: Time::START,
            sent_at: Time::START,
            replica: None,
            replica_is_up: false,
            source: None,
            sync: Sync::default(),
            lease_timer: None,
            warm_up: config.warm_up.map(|it| WarmUp::new(it, Time::START)),
            backup: config.backup.map(|it| Backup::new(it, Time::START)),
            tokens: (0.0, Time::START),
        }
    }

    pub(super) fn active(&mut self, now: Time) {
        if let Some(warm_up) = &mut self.warm_up {
            warm_up.active(now);
        }
    }

    /// Whether an order was sent and is not yet answered.
    pub(super) fn is_serving(&self) -> bool {
        self.link.validity() == Validity::Validated
    }

    /// Lets the proxy know of a BYE that has reached it meanwhile: it is only looked at when
    /// it matters.
    pub(super) fn hear(&mut self, now: Time) {
        if self.session.is_none() && self.link.life() != Life::Sleeping && self.bye_at <= now {
            let step = self.link.bye(now);
            assert_eq!(step, Step::Wait, "nothing was asked of it");
        }
    }
}

impl InfiniCache<'_> {
    /// Queues an order for the function that has, or is to have, the chunk.
    pub(super) fn order(&mut self, now: Time, order: Order, agenda: &mut Agenda<Event>) {
        let node = self.contents.node(order.block, order.chunk);
        self.contents.retain(order.block);
        let function = &mut self.functions[node.index()];
        function.queue.push_back(order);
        // Orders that an answer brings only queue until the link is free again.
        if function.queue.len() == 1 && !function.is_serving() {
            self.request(now, node, agenda);
        }
    }

    /// An order has come to the front of its queue.
    fn request(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        function.front_since = now;
        if function.link.validity() == Validity::Unvalidated {
            function.hear(now);
        }
        let step = function.link.request(now);
        self.step(now, node, step, agenda);
    }

    /// Does what the link asks for.
    pub(super) fn step(&mut self, now: Time, node: NodeId, step: Step, agenda: &mut Agenda<Event>) {
        match step {
            Step::Wait => {}
            Step::Invoke => {
                let is_wanted = !self.functions[node.index()].queue.is_empty();
                let purpose = if is_wanted { Purpose::Serving } else { Purpose::WarmUp };
                self.invoke(now, node, purpose, agenda);
            }
            Step::Ping(deadline) => self.ping(now, node, deadline, agenda),
            Step::Send => self.send(now, node, agenda),
            Step::Fail => unreachable!("an instance is not ended while it serves"),
        }
    }

    /// Sends a ping. One that comes when the function has returned is not answered, and the
    /// BYE that is on its way tells.
    fn ping(&mut self, now: Time, node: NodeId, deadline: Time, agenda: &mut Agenda<Event>) {
        let half = self.config.function.half_round_trip();
        let round_trip = self.config.function.round_trip;
        let function = &mut self.functions[node.index()];
        // One that waits for its replica stays up for as long as that takes.
        let is_waiting = function.replica.is_some();
        let returns_by = |it: &Session| it.ends_at(self.config.execution_limit);
        match &mut function.session {
            Some(session) if !is_waiting && returns_by(session) <= now + half => {}
            Some(session) => {
                session.lease.pinged(now);
                if now + round_trip < deadline {
                    function.pong_at = Some(now + round_trip);
                    agenda.after(round_trip, Event::Pong(node));
                } else {
                    agenda.at(deadline, Event::PingExpired(node));
                }
            }
            None => agenda.at(function.bye_at, Event::Bye(node)),
        }
    }

    /// A ping was answered.
    pub(super) fn pong(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        if function.pong_at == Some(now) {
            function.pong_at = None;
            function.active(now);
            let step = function.link.pong(Connection::Current);
            self.step(now, node, step, agenda);
        }
    }

    /// A ping was not answered in time.
    pub(super) fn ping_expired(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let step = self.functions[node.index()].link.ping_expired(now);
        self.step(now, node, step, agenda);
    }

    /// The BYE of a function has reached the proxy while a ping was on its way.
    pub(super) fn bye(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        if function.session.is_none() && function.starting.is_none() {
            let step = function.link.bye(now);
            self.step(now, node, step, agenda);
        }
    }

    /// Sends the order in front to the function, which is up.
    fn send(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        self.sync_so_far(now, node);
        let function = &mut self.functions[node.index()];
        let order = *function.queue.front().expect("there is one that was asked for");
        function.sent_at = now;
        let session = function.session.as_mut().expect("a function that answers is up");
        session.lease.request_began();
        let slot = session.slot;
        let source = function.source.as_ref().map(|it| it.slot);
        let Order { verb, block, chunk, number } = order;
        let host = self.platform.host(node, slot);
        let proxy = self.proxy_links[node.index() / self.config.n_nodes as usize];
        let client = self.client_of(number);
        let (moved, links) = match verb {
            Verb::Delete => (Bytes::ZERO, [LinkId::NONE; N_LINKS_MAX]),
            Verb::Set => {
                let into = self.host_links(host).inward;
                (
                    self.contents.chunk_size(block),
                    [client.outward, proxy.outward, into, LinkId::NONE],
                )
            }
            Verb::Get(_) => {
                let out = self.host_links(host).outward;
                let size = self.contents.stored_size(block, chunk);
                let held_by_source = source.filter(|it| self.contents.is_held(block, chunk, *it));
                if self.contents.is_held(block, chunk, slot) {
                    (size, [out, proxy.inward, client.inward, LinkId::NONE])
                } else if let Some(source) = held_by_source {
                    // The replica fetches it through the relay, and passes it on as it comes.
                    let first = self.host_links(self.platform.host(node, source)).outward;
                    (size, [first, proxy.outward, out, proxy.inward])
                } else {
                    (Bytes::ZERO, [LinkId::NONE; N_LINKS_MAX])
                }
            }
        };
        self.transfer(now, node, moved, links, agenda);
    }

    /// Moves the bytes of an order. What takes less than a round trip when nothing else is on
    /// its way has no time to settle into a share: it is over before a share could bind it.
    fn transfer(
        &mut self,
        now: Time,
        node: NodeId,
        moved: Bytes,
        links: [LinkId; N_LINKS_MAX],
        agenda: &mut Agenda<Event>,
    ) {
        let round_trip = self.config.function.round_trip;
        if moved == Bytes::ZERO {
            agenda.after(round_trip, Event::Served(node));
            return;
        }
        let slowdown = self.config.function.straggler_slowdown_mean;
        let slowdown = 1.0 + slowdown * self.straggler_stream.exponential();
        let n_bytes = moved.get() as f64;
        let rate_max = self.rate_with_burst(now, node, n_bytes) / slowdown;
        let alone = Nanos::from_seconds_f64(n_bytes / rate_max / 1e9);
        if alone <= round_trip {
            agenda.after(round_trip + alone, Event::Served(node));
        } else {
            let transfer = Transfer { n_bytes, rate_max, links };
            self.network.start(now, transfer, Moved::Order(node));
            self.set_alarms(agenda);
        }
    }

    /// How fast a function moves so many bytes when nothing holds it back: what its bucket has
    /// tokens for at the rate of a burst, and the rest at its bandwidth.
    fn rate_with_burst(&mut self, now: Time, node: NodeId, n_bytes: f64) -> f64 {
        let Some(burst) = &self.config.function.burst else { return self.rate_max };
        let (tokens, since) = self.functions[node.index()].tokens;
        let rested = burst.rested.get() as f64;
        let filled = tokens + self.rate_max * now.since(since).get() as f64;
        let tokens = filled.min(tokens.max(rested));
        let fast = tokens.min(n_bytes);
        self.functions[node.index()].tokens = (tokens - fast, now);
        let nanos = fast / burst.rate.bytes_per_nano() + (n_bytes - fast) / self.rate_max;
        n_bytes / nanos
    }

    /// A function has carried out an order.
    pub(super) fn served(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let Order { verb, block, chunk, .. } =
            function.queue.pop_front().expect("the order under way is in front");
        let session = function.session.as_mut().expect("a busy function does not return");
        session.lease.request_ended(now);
        let slot = session.slot;
        function.active(now);
        let source = function.source.as_ref().map(|it| it.slot);
        let (asked_at, sent_at) = (function.front_since, function.sent_at);
        match verb {
            Verb::Set => {
                let mut by = Slots::one(slot);
                if let Some(source) = source {
                    by = by.and(source);
                }
                if self.contents.is_lost(block, chunk) {
                    self.note_intact(now);
                }
                self.contents.store(block, chunk, by);
                if let Some(broken_for) = self.contents.repaired(now, block) {
                    self.record.times_to_repair.record(broken_for);
                }
            }
            Verb::Delete => self.contents.delete(block, chunk),
            Verb::Get(read) => {
                if let Some(source) = source {
                    // What came through the relay was kept.
                    let id = self.contents.chunk_id(block, chunk);
                    self.contents.copy(id, node, source, slot);
                }
                let is_held = self.contents.is_held(block, chunk, slot);
                if is_held {
                    self.contents.touch(block, chunk);
                }
                self.answered(now, read, &Answer { chunk, is_held, asked_at, sent_at }, agenda);
            }
        }
        self.contents.release(block);
        let function = &mut self.functions[node.index()];
        let busy_for = now.since(sent_at);
        self.record.hour(now).counts.busy += busy_for;
        function.link.answered();
        if function.replica_is_up {
            self.take_over(now, node, agenda);
        }
        if self.functions[node.index()].queue.is_empty() {
            self.arm_lease(now, node, agenda);
        } else {
            self.request(now, node, agenda);
            self.arm_lease(now, node, agenda);
        }
    }
}
