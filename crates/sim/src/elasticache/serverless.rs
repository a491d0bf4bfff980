//! What a serverless cache is paid for, hour by hour.

use pricing::ServerlessUsage;
use units::{Bytes, Nanos, Time};

/// Counts what a cache holds and is asked.
#[derive(Debug)]
pub(super) struct Meter {
    /// One for each hour of the span, the last perhaps in part. What is asked after the span is in
    /// the last.
    hours: Vec<ServerlessUsage>,
    /// What the cache holds, and until when that is counted.
    held: Bytes,
    counted_until: Time,
    /// When the span ends; nothing is kept beyond.
    ends_at: Time,
    /// What is paid for at least, hour by hour.
    minimum: Bytes,
}

impl Meter {
    /// The meter of an empty cache that exists for `span`.
    pub(super) fn new(span: Nanos, minimum: Bytes) -> Meter {
        let n_hours = usize::try_from(span.div_ceil(Nanos::HOUR).max(1)).expect("100 years");
        Meter {
            hours: vec![ServerlessUsage::default(); n_hours],
            held: Bytes::ZERO,
            counted_until: Time::START,
            ends_at: Time::START + span,
            minimum,
        }
    }

    /// A request that moves so many bytes.
    pub(super) fn asked(&mut self, now: Time, bytes: Bytes) {
        self.hour(now).record_request(bytes);
    }

    /// From now on the cache holds this much.
    pub(super) fn holds(&mut self, now: Time, bytes: Bytes) {
        let until = now.min(self.ends_at);
        while self.counted_until < until {
            let from = self.counted_until;
            let hour_ends_at = Time::START + Nanos::HOUR * (from.index(Nanos::HOUR) + 1);
            let to = until.min(hour_ends_at);
            let held = self.held;
            self.hour(from).record_stored(held, to.since(from));
            self.counted_until = to;
        }
        self.held = bytes;
    }

    /// The use of each hour of the span, as it is billed.
    pub(super) fn into_hours(mut self) -> Vec<ServerlessUsage> {
        self.holds(self.ends_at, Bytes::ZERO);
        for hour in &mut self.hours {
            let least = u128::from(self.minimum.get()) * hour.existed_ns;
            hour.stored_byte_ns = hour.stored_byte_ns.max(least);
        }
        self.hours
    }

    fn hour(&mut self, at: Time) -> &mut ServerlessUsage {
        let index = usize::try_from(at.index(Nanos::HOUR)).expect("checked with the span");
        let last = self.hours.len() - 1;
        &mut self.hours[index.min(last)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_in_the_hours_in_which_it_is() {
        let at = |minutes: u64| Time::START + Nanos::MINUTE * minutes;
        let mut meter = Meter::new(Nanos::MINUTE * 150, Bytes::new(10));
        meter.holds(at(30), Bytes::new(10));
        meter.holds(at(90), Bytes::new(20));
        meter.asked(at(90), Bytes::new(2_000));
        meter.asked(at(500), Bytes::ZERO);
        // Beyond the span.
        meter.holds(at(200), Bytes::new(1_000));
        let minute = u128::from(Nanos::MINUTE.get());
        let hours = meter.into_hours();
        let stored: Vec<u128> = hours.iter().map(|it| it.stored_byte_ns / minute).collect();
        assert_eq!(stored, [60 * 10, 30 * 10 + 30 * 20, 30 * 20]);
        let existed: Vec<u128> = hours.iter().map(|it| it.existed_ns / minute).collect();
        assert_eq!(existed, [60, 60, 30]);
        assert_eq!(hours.iter().map(|it| it.n_ecpus).collect::<Vec<_>>(), [0, 2, 1]);
    }
}
