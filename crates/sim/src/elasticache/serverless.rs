//! What a serverless cache is paid for, hour by hour.

use pricing::ServerlessUsage;
use units::{Bytes, Nanos, Time};

use crate::record::Record;

/// Notes what a cache holds and is asked in the hours of a record.
#[derive(Debug)]
pub(super) struct Meter {
    engine: String,
    /// What the cache holds, and until when that is noted.
    held: Bytes,
    noted_until: Time,
    /// When the span ends; nothing is kept beyond.
    ends_at: Time,
}

impl Meter {
    /// The meter of an empty cache that exists for the `span` of `record`.
    pub(super) fn new(engine: &str, span: Nanos, record: &mut Record) -> Meter {
        for hour in &mut record.hours {
            hour.usage.serverless.insert(engine.to_owned(), ServerlessUsage::default());
        }
        Meter {
            engine: engine.to_owned(),
            held: Bytes::ZERO,
            noted_until: Time::START,
            ends_at: Time::START + span,
        }
    }

    /// A request that moves so many bytes.
    pub(super) fn asked(&self, now: Time, bytes: Bytes, record: &mut Record) {
        self.used(now, record).record_request(bytes);
    }

    /// From now on the cache holds this much.
    pub(super) fn holds(&mut self, now: Time, bytes: Bytes, record: &mut Record) {
        let until = now.min(self.ends_at);
        while self.noted_until < until {
            let from = self.noted_until;
            let hour_ends_at = Time::START + Nanos::HOUR * (from.index(Nanos::HOUR) + 1);
            let to = until.min(hour_ends_at);
            self.used(from, record).record_held(self.held, to.since(from));
            self.noted_until = to;
        }
        self.held = bytes;
    }

    /// Notes the rest of the span.
    pub(super) fn finish(mut self, record: &mut Record) {
        self.holds(self.ends_at, Bytes::ZERO, record);
    }

    fn used<'a>(&self, at: Time, record: &'a mut Record) -> &'a mut ServerlessUsage {
        record.hour(at).usage.serverless.get_mut(&self.engine).expect("every hour has it")
    }
}

#[cfg(test)]
mod tests {
    use pricing::CacheHour;

    use super::*;

    #[test]
    fn what_is_held_is_noted_in_the_hours_in_which_it_is() {
        let at = |minutes: u64| Time::START + Nanos::MINUTE * minutes;
        let span = Nanos::MINUTE * 150;
        let mut record = Record::new(span);
        let mut meter = Meter::new("valkey", span, &mut record);
        meter.holds(at(30), Bytes::new(10), &mut record);
        meter.holds(at(90), Bytes::new(20), &mut record);
        meter.asked(at(90), Bytes::new(2_000), &mut record);
        meter.asked(at(500), Bytes::ZERO, &mut record);
        // Beyond the span.
        meter.holds(at(200), Bytes::new(1_000), &mut record);
        meter.finish(&mut record);
        let minute = u128::from(Nanos::MINUTE.get());
        let hours: Vec<ServerlessUsage> =
            record.hours.iter().map(|it| it.usage.serverless["valkey"].clone()).collect();
        let hour = |bytes_minutes, minutes| {
            let (held_byte_ns, existed_ns) = (bytes_minutes * minute, minutes * minute);
            vec![CacheHour { held_byte_ns, existed_ns }]
        };
        let held: Vec<Vec<CacheHour>> = hours.iter().map(|it| it.hours.clone()).collect();
        assert_eq!(held, [hour(30 * 10, 60), hour(30 * 10 + 30 * 20, 60), hour(30 * 20, 30)]);
        assert_eq!(hours.iter().map(|it| it.n_ecpus).collect::<Vec<_>>(), [0, 2, 1]);
    }
}
