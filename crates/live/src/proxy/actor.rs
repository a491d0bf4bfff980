//! One function at the proxy: its queue, its connection, its invocations.
//!
//! The link machine of `policy` decides; this task carries its steps out on real sockets.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use nodefn::{Alarm, Command, FrameReader, FrameWriter};
use policy::link::{Connection as Via, Link, Step};
use policy::{Idle, WarmUp};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};
use units::{Nanos, NodeId, Time};
use wire::{ChunkId, Frame, Message, Refusal};

use super::admission::Arrival;
use super::invocations::{BACKUP, Returned};
use super::invoke::Invoke;
use super::order::{Order, Verb};
use super::shared::Shared;

/// One function at the proxy.
pub(super) struct Actor {
    pub(super) shared: Arc<Shared>,
    pub(super) node: NodeId,
    pub(super) invoker: Arc<dyn Invoke>,
    link: Link,
    warm_up: Option<WarmUp>,
    pub(super) orders: mpsc::UnboundedReceiver<Order>,
    /// The next of them, taken out when it was looked for another.
    pub(super) waiting: Option<Order>,
    arrivals: mpsc::Receiver<Arrival>,
    /// The order in front of the queue.
    pub(super) front: Option<Order>,
    pub(super) connection: Option<FunctionConnection>,
    ping_due: Option<Time>,
    pub(super) invocations: JoinSet<Returned>,
    /// The number of the invocation whose return says something of the link.
    pub(super) invocation_last: u64,
    /// It was invoked, and has not been heard of since.
    pub(super) awaits_pong: bool,
    /// The function said that it returns, and has until then to have returned.
    pub(super) returning_until: Option<Time>,
    /// What to invoke it for once it has.
    pub(super) deferred: Option<Command>,
    pub(super) n_failed_in_a_row: u32,
    /// Chunks to be deleted that it could not be told of: they take memory until it is.
    pub(super) undeleted: VecDeque<ChunkId>,
    pub(super) n_requests: u64,
    /// The function asked to be backed up.
    pub(super) wants_backup: bool,
    was_up: bool,
    pub(super) alarm: Alarm,
}

/// The connection of the instance in use.
pub(super) struct FunctionConnection {
    /// Nothing while it is lent out.
    pub(super) reader: Option<FrameReader>,
    /// Nothing while it is lent out.
    pub(super) writer: Option<FrameWriter>,
    pub(super) session: u64,
    /// The number under which the order in front was sent, together with the ping.
    pub(super) ahead: Option<u64>,
}

/// How an order that was sent came back without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The connection broke, or nothing came in time.
    Closed,
    /// The function said that it returns.
    Bye,
}

/// How long a function that said goodbye is waited for before it is invoked again: until it
/// has returned it is busy, and the platform would start another instance, without its chunks.
const RETURN_LIMIT: Nanos = Nanos::millis(250);

enum Event {
    Arrival(Option<Arrival>),
    Frame(Option<Frame>),
    Returned(Option<Returned>),
    Order(Option<Order>),
    Due(Due),
}

/// What there is a time for.
#[derive(Clone, Copy)]
enum Due {
    /// The answer to a ping.
    Ping,
    /// The return of an invocation.
    Return,
    /// The order in front.
    Front,
    /// The next warm-up.
    Idle,
}

impl Actor {
    pub(super) fn new(
        shared: Arc<Shared>,
        node: NodeId,
        invoker: Arc<dyn Invoke>,
        orders: mpsc::UnboundedReceiver<Order>,
        arrivals: mpsc::Receiver<Arrival>,
    ) -> Actor {
        let link = Link::new(shared.config.link);
        let warm_up = shared.config.warm_up.map(|it| WarmUp::new(it, shared.now()));
        Actor {
            shared,
            node,
            invoker,
            link,
            warm_up,
            orders,
            waiting: None,
            arrivals,
            front: None,
            connection: None,
            ping_due: None,
            invocations: JoinSet::new(),
            invocation_last: 0,
            awaits_pong: false,
            returning_until: None,
            deferred: None,
            n_failed_in_a_row: 0,
            undeleted: VecDeque::new(),
            n_requests: 0,
            wants_backup: false,
            was_up: false,
            alarm: Alarm::default(),
        }
    }

    /// Runs until the proxy stops.
    pub(super) async fn run(mut self) {
        let step = self.link.warm_up();
        self.carry_out(step, Command::WarmUp).await;
        let shared = Arc::clone(&self.shared);
        let mut halted = pin!(shared.halted());
        loop {
            let event = tokio::select! {
                () = &mut halted => break,
                event = self.next() => event,
            };
            let Some(()) = self.handle(event).await else { break };
            if std::mem::take(&mut self.wants_backup) {
                self.start_backup().await;
            }
        }
        self.drain().await;
    }

    /// Refuses what is queued, and lets the function go.
    async fn drain(&mut self) {
        self.orders.close();
        let front = self.front.take().into_iter().chain(self.waiting.take());
        let queued = std::iter::from_fn(|| self.orders.try_recv().ok());
        for mut order in front.chain(queued) {
            order.refuse(Refusal::Draining);
        }
        // A function whose connection is closed returns, and its invocation with it.
        self.connection = None;
        let returned = async { while self.invocations.join_next().await.is_some() {} };
        if timeout(Duration::from_secs(2), returned).await.is_err() {
            debug!(node = self.node.0, "an invocation outlives the proxy");
        }
    }

    async fn next(&mut self) -> Event {
        let next_due = self.next_due();
        let Actor { connection, orders, waiting, arrivals, invocations, front, alarm, .. } = self;
        let reader = connection.as_mut().and_then(|it| it.reader.as_mut());
        let is_open = reader.is_some();
        let frame = async {
            match reader {
                Some(reader) => reader.frame().await.unwrap_or(None),
                None => None,
            }
        };
        let order = async {
            match waiting.take() {
                Some(order) => Some(order),
                None => orders.recv().await,
            }
        };
        let due = async {
            match next_due {
                Some((due, what)) => {
                    alarm.at(due).await;
                    what
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            arrival = arrivals.recv() => Event::Arrival(arrival),
            frame = frame, if is_open => Event::Frame(frame),
            Some(number) = invocations.join_next() => Event::Returned(number.ok()),
            order = order, if front.is_none() => Event::Order(order),
            due = due => Event::Due(due),
        }
    }

    /// What has the least time left.
    fn next_due(&self) -> Option<(Instant, Due)> {
        let instant = |it| self.shared.instant(it);
        let returning_until = self.returning_until.filter(|_| self.deferred.is_some());
        [
            (self.ping_due.map(instant), Due::Ping),
            (returning_until.map(instant), Due::Return),
            (self.front.as_ref().map(|it| it.due), Due::Front),
            (self.warm_up.map(|it| instant(it.due())), Due::Idle),
        ]
        .into_iter()
        .filter_map(|(due, what)| Some((due?, what)))
        .min_by_key(|(due, _)| *due)
    }

    /// Takes one thing in. Nothing when there is no more to come.
    async fn handle(&mut self, event: Event) -> Option<()> {
        let now = self.shared.now();
        let step = match event {
            Event::Arrival(arrival) => self.arrive(arrival?),
            Event::Frame(frame) => self.hear(frame).await,
            Event::Returned(Some(Returned { number: BACKUP, has_failed: true })) => {
                self.refuse_backup().await;
                Step::Wait
            }
            Event::Returned(_) | Event::Due(Due::Return) if self.deferred.is_some() => {
                self.invoke_deferred();
                Step::Wait
            }
            Event::Returned(Some(it)) if it.number == self.invocation_last => {
                self.link.invocation_returned(now)
            }
            Event::Returned(_) | Event::Due(Due::Return) => Step::Wait,
            Event::Order(order) => {
                let mut order = order?;
                if matches!(order.verb, Verb::Delete) {
                    order.due = Instant::now() + self.shared.config.request_limit;
                }
                if order.is_abandoned() {
                    return Some(());
                }
                if let Some(deletion) = self.deletion_before(&order) {
                    self.waiting = Some(std::mem::replace(&mut order, deletion));
                }
                self.front = Some(order);
                self.active(now);
                self.link.request(now)
            }
            Event::Due(Due::Ping) => {
                self.ping_due = None;
                self.shared.metrics.n_pings_expired.one();
                self.link.ping_expired(now)
            }
            Event::Due(Due::Front) => {
                self.shared.metrics.n_unanswered.one();
                warn!(node = self.node.0, "a function does not come up in time for a request");
                self.give_up();
                self.link.withdrawn();
                Step::Wait
            }
            Event::Due(Due::Idle) => self.idle(now),
        };
        self.carry_out(step, Command::WarmUp).await;
        Some(())
    }

    /// Does what the link machine says, until there is nothing more to do.
    async fn carry_out(&mut self, mut step: Step, why: Command) {
        loop {
            step = match step {
                Step::Wait => return,
                Step::Invoke => {
                    let is_wanted = self.front.is_some();
                    self.ping_due = None;
                    let why = if is_wanted { Command::Serve } else { why };
                    let now = self.shared.now();
                    if self.returning_until.is_some_and(|it| now < it)
                        && !self.invocations.is_empty()
                    {
                        self.deferred = Some(why);
                    } else {
                        self.invoke(why);
                    }
                    return;
                }
                Step::Ping(due) => match self.ping().await {
                    Ok(()) => {
                        self.ping_due = Some(due);
                        return;
                    }
                    Err(_) => self.lose(Lost::Closed),
                },
                Step::Send => {
                    self.ping_due = None;
                    self.send().await
                }
                Step::Fail => {
                    self.give_up();
                    self.link.failed();
                    Step::Wait
                }
            }
        }
    }

    /// A new connection takes the place of any older one, if the link admits it.
    fn arrive(&mut self, Arrival { connection, session, is_replica }: Arrival) -> Step {
        if !self.link.admits(is_replica) {
            debug!(node = self.node.0, session, "a second instance is turned away");
            return Step::Wait;
        }
        let nodefn::Connection { mut reader, writer } = connection;
        if reader.is_closed() {
            // While the one in use had a long order: a replica that could not take over.
            debug!(node = self.node.0, session, "an instance that dialled in has gone again");
            return Step::Wait;
        }
        debug!(node = self.node.0, session, "function dialled in");
        let (reader, writer) = (Some(reader), Some(writer));
        self.connection = Some(FunctionConnection { reader, writer, session, ahead: None });
        self.is_up();
        self.link.pong(Via::New)
    }

    /// Something came over the connection while no order was under way.
    async fn hear(&mut self, frame: Option<Frame>) -> Step {
        let Some(frame) = frame else { return self.lose(Lost::Closed) };
        match frame.message {
            Message::Pong { .. } => {
                self.is_up();
                self.link.pong(Via::Current)
            }
            // Of the invocation before, overtaken by its return.
            Message::Bye { .. } if self.awaits_pong => Step::Wait,
            Message::Bye { .. } => self.lose(Lost::Bye),
            Message::InitBackup { .. } => {
                self.wants_backup = true;
                Step::Wait
            }
            // An answer to an order that was given up.
            _ => {
                let limit = self.shared.config.rest_limit;
                let Some(reader) = self.reader() else { return Step::Wait };
                match reader.skip(frame.n_bytes_following(), limit).await {
                    Ok(()) => Step::Wait,
                    Err(_) => self.lose(Lost::Closed),
                }
            }
        }
    }

    /// Sends the order in front, and waits for the answer.
    async fn send(&mut self) -> Step {
        let Some(mut order) = self.front.take() else {
            self.link.answered();
            return Step::Wait;
        };
        if order.is_abandoned() {
            self.give_up();
            self.link.answered();
            return Step::Wait;
        }
        self.n_requests += 1;
        let outcome = self.exchange(self.n_requests, &mut order).await;
        self.active(self.shared.now());
        match outcome {
            Ok(()) => {
                self.link.answered();
                if self.connection.as_ref().is_some_and(|it| it.reader.is_none()) {
                    return self.lose(Lost::Closed);
                }
                match self.take_undeleted() {
                    Some(deletion) => {
                        self.front = Some(deletion);
                        self.link.request(self.shared.now())
                    }
                    None => Step::Wait,
                }
            }
            Err(lost) => {
                debug!(node = self.node.0, ?lost, "an order came back without an answer");
                if !order.can_be_sent_again() {
                    self.link.cannot_retry();
                }
                self.front = Some(order);
                self.lose(lost)
            }
        }
    }

    /// The instance in use is gone, or about to be.
    fn lose(&mut self, lost: Lost) -> Step {
        let now = self.shared.now();
        self.ping_due = None;
        match lost {
            Lost::Closed => {
                self.connection = None;
                self.link.closed(now)
            }
            Lost::Bye => {
                self.returning_until = Some(now + RETURN_LIMIT);
                self.link.bye(now)
            }
        }
    }

    /// Gives the order in front up. Should its answer come, it is nobody's.
    fn give_up(&mut self) {
        if let Some(mut order) = self.front.take() {
            order.refuse(Refusal::Unreachable);
            if matches!(order.verb, Verb::Delete) {
                self.put_off(order.id);
            }
        }
        if let Some(connection) = &mut self.connection {
            connection.ahead = None;
        }
    }

    /// Asks whether the function is there; behind it what it will be asked for if it is, where
    /// that can wait in its socket, and be asked for again if it is not.
    async fn ping(&mut self) -> Result<(), Lost> {
        self.n_requests += 2;
        self.shared.metrics.n_pings.one();
        let mut bytes = Message::Ping { request: self.n_requests - 1 }.to_bytes();
        let ahead = self.front.as_ref().and_then(|it| it.get_ahead(self.n_requests));
        let request = ahead.as_ref().map(|_| self.n_requests);
        if let Some(message) = ahead {
            message.write(&mut bytes);
        }
        let limit = self.shared.config.rest_limit;
        let connection = self.connection.as_mut().ok_or(Lost::Closed)?;
        // What was sent behind an earlier ping is overtaken.
        connection.ahead = request;
        let writer = connection.writer.as_mut().ok_or(Lost::Closed)?;
        writer.send_raw(bytes, limit).await.map_err(|_| Lost::Closed)
    }

    fn idle(&mut self, now: Time) -> Step {
        let Some(warm_up) = &mut self.warm_up else { return Step::Wait };
        if warm_up.fired(now) != Idle::Invoke {
            return Step::Wait;
        }
        warm_up.active(now);
        self.link.warm_up()
    }

    fn is_up(&mut self) {
        self.active(self.shared.now());
        self.awaits_pong = false;
        self.n_failed_in_a_row = 0;
        if !std::mem::replace(&mut self.was_up, true) {
            self.shared.n_up.send_modify(|it| *it += 1);
        }
    }

    fn active(&mut self, now: Time) {
        if let Some(warm_up) = &mut self.warm_up {
            warm_up.active(now);
        }
    }

    pub(super) fn reader(&mut self) -> Option<&mut FrameReader> {
        self.connection.as_mut()?.reader.as_mut()
    }

    pub(super) fn writer(&mut self) -> Option<&mut FrameWriter> {
        self.connection.as_mut()?.writer.as_mut()
    }
}
