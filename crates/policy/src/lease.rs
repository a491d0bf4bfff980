//! How long a function stays up inside its billing cycles.

use units::{Nanos, Time};

/// What a lease goes by: the platform's billing cycle, and the margins of the function.
///
/// FAST'20 section 3.3 and Fig 7; the values are those of the reference implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseTerms {
    /// The platform bills a whole number of these.
    pub cycle: Nanos,
    /// How long before the end of a cycle the function returns, so as not to be billed for
    /// the next. Shorter than the cycle.
    pub margin: Nanos,
    /// What is added after a warm-up, and after the first request of an invocation.
    pub extension_short: Nanos,
    /// What is added when an invocation starts for a request, and after a ping that announces
    /// one.
    pub extension_hold: Nanos,
}

impl LeaseTerms {
    /// The terms of a function of this much memory (in MB as the platform counts it).
    ///
    /// Functions below 1792 MB have less than a whole core, so they keep a margin of 10 ms
    /// instead of 2; those below 896 MB hold for 10 s instead of 1. Where the cycle is no
    /// longer than the margin there is nothing to gain by holding on to its end, so the margin
    /// is nothing and the short extension one cycle (InfiniStore's setting for 1 ms cycles).
    pub fn of(memory_mb: u32, cycle: Nanos) -> LeaseTerms {
        let margin = Nanos::millis(if memory_mb < 1792 { 10 } else { 2 });
        let hold = Nanos::seconds(if memory_mb < 896 { 10 } else { 1 });
        let is_fine = cycle <= margin;
        LeaseTerms {
            cycle,
            margin: if is_fine { Nanos::ZERO } else { margin },
            extension_short: if is_fine { cycle } else { Nanos::millis(10) },
            extension_hold: hold,
        }
    }
}

/// Why an invocation was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invoked {
    /// To keep the instance from being reclaimed.
    WarmUp,
    /// To serve a request, or to take over from a peer replica.
    Request,
}

/// The billed-duration control of one invocation.
///
/// The function arms a timer to [`Lease::due`]. When it fires, [`Lease::expired`] says whether
/// to return or to wait on.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    terms: LeaseTerms,
    started: Time,
    extension: Nanos,
    due: Time,
    /// It is due no later than this, unless a request was announced before.
    ends_by: Time,
    /// How long one that was announced is waited for at most.
    holds_until: Time,
    n_served: u32,
    is_busy: bool,
}

/// What to do when the timer of a lease fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// The lease is over: say goodbye and return.
    Return,
    /// A request is being served, or the lease was extended: arm the timer again to this.
    Until(Time),
}

impl Lease {
    /// How long before the platform's limit an invocation returns that is never left alone, but of
    /// a short limit no more than a tenth. Half of it is for a request that was announced. One that
    /// takes beyond the limit is ended by the platform, and all memory lost.
    const LIMIT_MARGIN: Nanos = Nanos::SECOND;

    /// The lease of an invocation that starts now, and may last as long as `limit`.
    pub fn start(terms: LeaseTerms, now: Time, why: Invoked, limit: Nanos) -> Lease {
        let extension = match why {
            Invoked::WarmUp => terms.extension_short,
            Invoked::Request => terms.extension_hold,
        };
        let margin = Lease::LIMIT_MARGIN.min(Nanos::new(limit.get() / 10));
        let ends_by = now + (limit - margin);
        let holds_until = now + (limit - Nanos::new(margin.get() / 2));
        let mut lease = Lease {
            terms,
            started: now,
            extension,
            due: now,
            ends_by,
            holds_until,
            n_served: 0,
            is_busy: false,
        };
        lease.extend(now, extension, ends_by);
        lease
    }

    /// When the invocation started.
    pub fn started(&self) -> Time {
        self.started
    }

    /// When the timer should fire.
    pub fn due(&self) -> Time {
        self.due
    }

    /// When it is over, whatever else comes, but for a request that is announced before.
    pub fn ends_at(&self) -> Time {
        self.ends_by.max(self.due)
    }

    /// Whether it is over, whatever else comes.
    pub fn is_at_its_end(&self, now: Time) -> bool {
        self.ends_at() <= now
    }

    /// A ping came: a request will follow, so hold on for it.
    pub fn pinged(&mut self, now: Time) {
        self.extend(now, self.terms.extension_hold, self.holds_until);
    }

    /// A request has begun to be served.
    pub fn request_began(&mut self) {
        assert!(!self.is_busy, "a function serves one request at a time");
        self.is_busy = true;
    }

    /// The request has been served: after the first one the function returns in this cycle if
    /// it can; a second one is a sign of more, and is worth one more cycle.
    pub fn request_ended(&mut self, now: Time) {
        assert!(self.is_busy, "no request was being served");
        self.is_busy = false;
        self.n_served += 1;
        let again = self.terms.cycle.max(self.terms.extension_short);
        let extension = if self.n_served == 1 { self.terms.extension_short } else { again };
        self.extend(now, extension, self.ends_by);
    }

    /// The timer fired.
    pub fn expired(&mut self, now: Time) -> Expiry {
        if self.is_busy && self.due <= now {
            self.extend(now, self.extension, self.ends_by);
            if self.due <= now {
                // The extension ends just where the margin of this cycle begins, or there is none
                // any more.
                let next = self.due + self.terms.cycle;
                self.due = if now < next { next } else { now + self.terms.cycle };
            }
        }
        if now < self.due { Expiry::Until(self.due) } else { Expiry::Return }
    }

    /// Sets the lease to end a margin before the end of the cycle in which `extension` from
    /// now falls, but by `latest`.
    fn extend(&mut self, now: Time, extension: Nanos, latest: Time) {
        self.extension = extension;
        let elapsed = now.since(self.started) + extension;
        let due = self.started + (elapsed.round_up_to(self.terms.cycle) - self.terms.margin);
        self.due = due.min(latest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Nanos = Nanos::seconds(900);

    fn at(millis: u64) -> Time {
        Time::START + Nanos::millis(millis)
    }

    /// Serves requests that end at these milliseconds, and checks when the lease then is due.
    #[track_caller]
    fn check(memory_mb: u32, ends_ms: &[u64], due_ms: u64) {
        let terms = LeaseTerms::of(memory_mb, Nanos::millis(100));
        let mut lease = Lease::start(terms, Time::START, Invoked::Request, LIMIT);
        for end in ends_ms {
            lease.request_began();
            lease.request_ended(at(*end));
        }
        assert_eq!(lease.due(), at(due_ms), "{memory_mb} MB, requests end at {ends_ms:?}");
    }

    #[test]
    fn the_worked_values_of_the_reference() {
        for end in [1, 5, 30, 88] {
            check(1536, &[end], 90);
            check(2048, &[end], 98);
        }
        for end in [91, 95] {
            check(1536, &[end], 190);
            check(2048, &[end], 198);
        }
        for end in [30, 60, 95] {
            check(1536, &[1, end], 190);
            check(2048, &[1, end], 198);
        }
        check(1536, &[], 990);
        check(2048, &[], 998);
    }

    #[test]
    fn an_invocation_that_is_never_left_alone_returns_before_its_limit() {
        let terms = LeaseTerms::of(1536, Nanos::millis(100));
        let mut lease = Lease::start(terms, Time::START, Invoked::Request, Nanos::seconds(60));
        for second in 1..59 {
            lease.pinged(at(second * 1_000));
            assert!(at(second * 1_000) < lease.due() && lease.due() <= at(59_500));
            lease.request_began();
            lease.request_ended(at(second * 1_000));
            assert!(lease.due() <= at(59_000) && !lease.is_at_its_end(at(second * 1_000)));
        }
        lease.pinged(at(58_999));
        assert!(!lease.is_at_its_end(at(59_001)), "one was announced");
        lease.request_began();
        // What is being served is served to its end.
        assert_eq!(lease.expired(at(59_500)), Expiry::Until(at(59_600)));
        lease.request_ended(at(59_550));
        assert!(lease.is_at_its_end(at(59_550)));
        assert_eq!(lease.expired(at(59_550)), Expiry::Return);
    }

    #[test]
    fn a_ping_holds_the_function_for_about_a_second() {
        for (memory_mb, due_ms) in [(1536, 1090), (2048, 1098)] {
            for now in [1, 50] {
                let terms = LeaseTerms::of(memory_mb, Nanos::millis(100));
                let mut lease = Lease::start(terms, Time::START, Invoked::WarmUp, LIMIT);
                lease.pinged(at(now));
                assert_eq!(lease.due(), at(due_ms), "{memory_mb} MB, pinged at {now} ms");
            }
        }
    }

    #[test]
    fn a_warm_up_costs_one_cycle() {
        let lease =
            |cycle| Lease::start(LeaseTerms::of(1536, cycle), Time::START, Invoked::WarmUp, LIMIT);
        assert_eq!(lease(Nanos::millis(100)).due(), at(90));
        assert_eq!(lease(Nanos::millis(1)).due(), at(1));
    }

    #[test]
    fn a_busy_function_does_not_return() {
        let terms = LeaseTerms::of(1536, Nanos::millis(100));
        let mut lease = Lease::start(terms, Time::START, Invoked::WarmUp, LIMIT);
        lease.request_began();
        assert_eq!(lease.expired(at(90)), Expiry::Until(at(190)));
        lease.request_ended(at(95));
        assert_eq!(lease.expired(at(100)), Expiry::Until(at(190)));
        assert_eq!(lease.expired(at(190)), Expiry::Return);
    }
}
