//! When an idle function is invoked to keep it from being reclaimed.

use units::{Nanos, Time};

/// The idle timer of one function: fires only if nothing happened for a whole interval.
///
/// So a busy pool is warmed less, which is why warm-up costs fall where requests rise
/// (FAST'20 Fig 13). The driver keeps one timer armed to [`WarmUp::due`].
#[derive(Clone, Copy, Debug)]
pub struct WarmUp {
    interval: Nanos,
    last_activity: Time,
}

/// What to do when the idle timer fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Nothing happened for an interval: invoke the function.
    Invoke,
    /// Something did: arm the timer again to this.
    Until(Time),
}

impl WarmUp {
    /// The timer of a function that was active now.
    pub fn new(interval: Nanos, now: Time) -> WarmUp {
        assert!(Nanos::ZERO < interval, "an interval lasts");
        WarmUp { interval, last_activity: now }
    }

    /// Something happened: a request, a response, an answer to a ping.
    pub fn active(&mut self, now: Time) {
        self.last_activity = now;
    }

    /// When the timer should fire.
    pub fn due(&self) -> Time {
        self.last_activity + self.interval
    }

    /// The timer fired.
    pub fn fired(&self, now: Time) -> Idle {
        if now < self.due() { Idle::Until(self.due()) } else { Idle::Invoke }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activity_puts_the_warm_up_off() {
        let at = |seconds| Time::START + Nanos::seconds(seconds);
        let mut warm_up = WarmUp::new(Nanos::MINUTE, at(0));
        assert_eq!(warm_up.fired(at(60)), Idle::Invoke);
        warm_up.active(at(45));
        assert_eq!(warm_up.fired(at(60)), Idle::Until(at(105)));
        assert_eq!(warm_up.fired(at(105)), Idle::Invoke);
    }
}
