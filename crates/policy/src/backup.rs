//! When a function copies itself to a peer replica.

use units::{Nanos, Time};

/// The backup schedule of one function.
///
/// The function looks at it when its lease ends, which is normally at the end of a warm-up:
/// it cannot run of its own accord (FAST'20 section 3.4).
#[derive(Clone, Copy, Debug)]
pub struct Backup {
    interval: Nanos,
    lifetime_began: Time,
}

impl Backup {
    /// The schedule of a function whose life as the active replica begins now.
    pub fn new(interval: Nanos, now: Time) -> Backup {
        assert!(Nanos::ZERO < interval, "an interval lasts");
        Backup { interval, lifetime_began: now }
    }

    /// Whether a function that is about to return should back itself up first.
    pub fn is_due(&self, now: Time, holds_chunks: bool) -> bool {
        holds_chunks && self.interval <= now.since(self.lifetime_began)
    }

    /// A replica has taken over: its life as the active one begins now.
    pub fn done(&mut self, now: Time) {
        self.lifetime_began = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_backs_up_once_an_interval_and_never_empty() {
        let at = |seconds| Time::START + Nanos::seconds(seconds);
        let mut backup = Backup::new(Nanos::MINUTE * 5, at(0));
        assert!(!backup.is_due(at(299), true));
        assert!(!backup.is_due(at(300), false));
        assert!(backup.is_due(at(300), true));
        backup.done(at(301));
        assert!(!backup.is_due(at(600), true));
        assert!(backup.is_due(at(601), true));
    }
}
