//! Invocations: how they start, how long they last, and what they are billed for.

use des::Agenda;
use policy::Idle;
use policy::lease::{Expiry, Invoked, Lease};
use policy::link::{Connection, Step, Validity};
use pricing::{FunctionUsage, Usage};
use units::{Bytes, Nanos, NodeId, Time};

use super::{Event, InfiniCache};
use crate::faas::{Met, Slot};

/// What an invocation is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Serving,
    WarmUp,
    Backup,
}

/// An invocation that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Session {
    pub(super) slot: Slot,
    pub(super) lease: Lease,
    purpose: Purpose,
}

impl Session {
    /// When it ends unless something is asked of it.
    pub(super) fn ends_at(&self, execution_limit: Nanos) -> Time {
        self.lease.due().min(self.lease.started() + execution_limit)
    }
}

/// An invocation that has not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Starting {
    pub(super) met: Met,
    purpose: Purpose,
}

impl InfiniCache<'_> {
    /// Warms every function, and sets the timers that run until the end.
    pub(super) fn start(&mut self, agenda: &mut Agenda<Event>) {
        for node in (0..self.config.n_proxies * self.config.n_nodes).map(NodeId) {
            if let Some(warm_up) = self.functions[node.index()].warm_up {
                let step = self.functions[node.index()].link.warm_up();
                self.step(Time::START, node, step, agenda);
                agenda.at(warm_up.due(), Event::IdleDue(node));
            }
        }
        agenda.at(Time::START, Event::ReclaimRound);
        for (number, listed) in (0..).zip(self.config.reclaim.listed()) {
            let at = Time::START + listed.after;
            if at <= self.ends_at {
                agenda.at(at, Event::ReclaimListed(number));
            }
        }
    }

    /// Invokes a function on the proxy's behalf.
    pub(super) fn invoke(
        &mut self,
        now: Time,
        node: NodeId,
        purpose: Purpose,
        agenda: &mut Agenda<Event>,
    ) {
        let (starting, delay) = self.meet(node, purpose);
        self.functions[node.index()].starting = Some(starting);
        agenda.at(now + delay, Event::Up(node));
    }

    /// Asks the platform for an instance; and how long until it runs.
    pub(super) fn meet(&mut self, node: NodeId, purpose: Purpose) -> (Starting, Nanos) {
        let stream = &mut self.invocation_stream;
        let met = self.platform.invoke(node, || stream.bits());
        let function = &self.config.function;
        let delay = if met.is_cold {
            function.cold_start
        } else {
            let tail = function.warm_invoke_tail_mean.as_seconds_f64() * stream.exponential();
            function.warm_invoke_floor + Nanos::from_seconds_f64(tail)
        };
        (Starting { met, purpose }, delay)
    }

    /// An invocation has started: the function says PONG.
    pub(super) fn up(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let starting = function.starting.take().expect("an invocation that starts");
        let Starting { met: Met { slot, is_cold }, .. } = starting;
        let is_new = is_cold || function.connected != Some(slot);
        function.active(now);
        self.begin_session(now, node, starting);
        let connection = if is_new { Connection::New } else { Connection::Current };
        let step = self.functions[node.index()].link.pong(connection);
        self.step(now, node, step, agenda);
        if step == Step::Wait {
            self.arm_lease(now, node, agenda);
        }
    }

    /// An instance runs, and takes orders from now on.
    pub(super) fn begin_session(&mut self, now: Time, node: NodeId, starting: Starting) {
        let Starting { met: Met { slot, is_cold }, purpose } = starting;
        let why = match purpose {
            Purpose::WarmUp => Invoked::WarmUp,
            Purpose::Serving | Purpose::Backup => Invoked::Request,
        };
        let lease = Lease::start(self.config.lease, now, why, self.config.execution_limit);
        let function = &mut self.functions[node.index()];
        function.session = Some(Session { slot, lease, purpose });
        function.lease_timer = None;
        // An instance's life as the active one begins when it is started or takes over.
        if is_cold || function.connected != Some(slot) {
            function.connected = Some(slot);
            let burst = self.config.function.burst;
            let tokens = burst.map_or(Bytes::ZERO, |it| if is_cold { it.fresh } else { it.rested });
            function.tokens = (tokens.get() as f64, now);
            if let Some(backup) = &mut function.backup {
                backup.done(now);
            }
        }
        self.record.hour(now).counts.n_invocations += 1;
    }

    /// Sets the timer of the lease, unless one is set that fires earlier.
    pub(super) fn arm_lease(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let Some(session) = &function.session else { return };
        let due = session.ends_at(self.config.execution_limit).max(now);
        if function.lease_timer.is_none_or(|it| due < it) {
            function.lease_timer = Some(due);
            agenda.at(due, Event::LeaseDue(node));
        }
    }

    /// The timer of a lease fires.
    pub(super) fn lease_due(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        if function.lease_timer != Some(now) {
            return;
        }
        function.lease_timer = None;
        // Armed again once the order is done, or the replica has taken over.
        if function.is_serving() || function.replica.is_some() {
            return;
        }
        let holds_chunks = self.contents.holds_chunks(node);
        let session = function.session.as_mut().expect("a timer is of a session");
        let is_syncing = function.source.is_some();
        let limit = session.lease.started() + self.config.execution_limit;
        let is_at_its_end = session.lease.is_at_its_end(now);
        if is_syncing && is_at_its_end {
            // It ends once the replica has what it is being sent, which arms the timer again.
        } else if limit <= now {
            self.end_at_limit(now, node, agenda);
        } else if let Expiry::Until(_) = session.lease.expired(now) {
            self.arm_lease(now, node, agenda);
        } else if is_syncing {
            // A sync under way is work, and announces more.
            session.lease.pinged(now);
            self.arm_lease(now, node, agenda);
        } else if now <= self.ends_at
            && !is_at_its_end
            && function.backup.is_some_and(|it| it.is_due(now, holds_chunks))
        {
            self.back_up(now, node, agenda);
        } else {
            let session = function.session.take().expect("it was there above");
            function.pong_at = None;
            function.bye_at = now + self.config.function.half_round_trip();
            if function.link.validity() == Validity::Validating && function.starting.is_none() {
                // A ping has just missed it.
                agenda.at(function.bye_at, Event::Bye(node));
            }
            self.returned(now, node, session, agenda);
        }
    }

    /// The platform ends an invocation that has run for as long as it may, and its memory is
    /// lost.
    fn end_at_limit(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let session = function.session.take().expect("only what runs is ended");
        function.pong_at = None;
        self.bill(now, session);
        self.platform.returned(now, node, session.slot);
        self.lose(now, node, session.slot);
        self.record.hour(now).counts.n_timeouts += 1;
        let step = self.functions[node.index()].link.closed(now);
        self.step(now, node, step, agenda);
    }

    /// An invocation has returned: it is billed, and its instance is idle from now on.
    pub(super) fn returned(
        &mut self,
        now: Time,
        node: NodeId,
        session: Session,
        agenda: &mut Agenda<Event>,
    ) {
        self.bill(now, session);
        self.platform.returned(now, node, session.slot);
        if let Some(idle_max) = self.config.reclaim.idle_max()
            && now + idle_max <= self.ends_at
        {
            agenda.after(idle_max, Event::IdleOut(node, session.slot));
        }
    }

    fn bill(&mut self, now: Time, session: Session) {
        let returns_after = match &self.config.function.returning {
            Some(returning) => returning.quantile(self.return_stream.unit()),
            None => Nanos::ZERO,
        };
        let purpose: fn(&mut Usage) -> &mut FunctionUsage = match session.purpose {
            Purpose::Serving => |it| &mut it.serving,
            Purpose::WarmUp => |it| &mut it.warm_up,
            Purpose::Backup => |it| &mut it.backup,
        };
        let hour = self.record.hour(session.lease.started());
        let ran_for = now.since(session.lease.started()) + returns_after;
        purpose(&mut hour.usage).record(self.config.memory_mb, ran_for);
    }

    /// The idle timer of a function fires: it is warmed if nothing happened meanwhile.
    pub(super) fn idle_due(&mut self, now: Time, node: NodeId, agenda: &mut Agenda<Event>) {
        let function = &mut self.functions[node.index()];
        let warm_up = function.warm_up.as_mut().expect("the timer is of a warm-up");
        let mut next = warm_up.due();
        if warm_up.fired(now) == Idle::Invoke {
            warm_up.active(now);
            next = warm_up.due();
            function.hear(now);
            let step = function.link.warm_up();
            self.step(now, node, step, agenda);
        }
        if next <= self.ends_at {
            agenda.at(next, Event::IdleDue(node));
        }
    }
}
