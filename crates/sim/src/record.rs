//! The record of a run: what happened and what was used, hour by hour, and how long it took.

use std::ops;

use pricing::Usage;
use units::{Bytes, Nanos, Request, Time};

use crate::counts::Counts;
use crate::latency::{Distribution, Latencies, Phases};

/// What happened and was used in one hour of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// What happened.
    pub counts: Counts,
    /// What was used.
    pub usage: Usage,
}

/// The record of one system's run.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// How long the run was.
    pub span: Nanos,
    /// One for each hour of the span, the last one perhaps in part. What ends after the span is
    /// in the last.
    pub hours: Vec<Hour>,
    /// How long the GETs took.
    pub latencies: Latencies,
    /// From finding chunks of an object lost until they were all stored again, be it from the
    /// others (a recovery) or from the backing store (a RESET).
    pub times_to_repair: Distribution,
    /// How many events the run consisted of.
    pub n_events: u64,
}

/// How a GET ended; [`Counts`] says what each means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The cache served it.
    Hit,
    /// It was not written or read before, or was deleted since.
    CompulsoryMiss,
    /// It was evicted, or never fitted.
    CapacityMiss,
    /// Too many of its chunks were lost.
    Reset,
}

impl ops::AddAssign for Record {
    /// Adds a run of the same span.
    fn add_assign(&mut self, rhs: Record) {
        let Record { span, hours, latencies, times_to_repair, n_events } = rhs;
        assert_eq!(self.span, span, "the spans differ");
        for (hour, Hour { counts, usage }) in self.hours.iter_mut().zip(hours) {
            hour.counts += counts;
            hour.usage += usage;
        }
        self.latencies += latencies;
        self.times_to_repair += times_to_repair;
        self.n_events += n_events;
    }
}

impl Record {
    /// An empty record of a run of this span: whoever drives a cache, be it a model or the real
    /// one, fills it.
    pub fn new(span: Nanos) -> Record {
        Record { span, hours: vec![Hour::default(); n_hours(span)], ..Record::default() }
    }

    /// All hours together.
    pub fn total(&self) -> Hour {
        let mut total = Hour::default();
        for hour in &self.hours {
            total.counts += hour.counts;
            total.usage += hour.usage.clone();
        }
        total
    }

    /// The hour that `at` lies in; the last one for what comes after the span.
    pub fn hour(&mut self, at: Time) -> &mut Hour {
        let index = usize::try_from(at.index(Nanos::HOUR)).expect("checked with the span");
        let last = self.hours.len() - 1;
        &mut self.hours[index.min(last)]
    }

    /// Tells `each` of every hour and of how much of it lies within the span: what is paid by time
    /// is noted so.
    pub fn for_each_hour(&mut self, mut each: impl FnMut(&mut Hour, Nanos)) {
        let mut left = self.span;
        for hour in &mut self.hours {
            let part = left.min(Nanos::HOUR);
            each(hour, part);
            left = left.saturating_sub(part);
        }
    }

    /// Notes a write of the trace, which came then; hands out its hour.
    pub fn note_put(&mut self, at: Time, size: Bytes) -> &mut Hour {
        let hour = self.hour(at);
        hour.counts.n_puts += 1;
        hour.counts.written_bytes += size;
        hour
    }

    /// Notes how a GET ended and what it consisted of; it counts for the hour in which it came.
    pub(crate) fn settle_phases(&mut self, request: &Request, outcome: Outcome, phases: &Phases) {
        self.latencies.record_phases(phases, outcome == Outcome::Hit);
        self.settle(request, outcome, phases.total());
    }

    /// The same of a GET of which no more is known than how long it took.
    pub fn settle(&mut self, request: &Request, outcome: Outcome, latency: Nanos) {
        let is_hit = outcome == Outcome::Hit;
        self.latencies.record(latency, request.size, is_hit);
        let counts = &mut self.hour(request.at).counts;
        counts.n_gets += 1;
        counts.requested_bytes += request.size;
        match outcome {
            Outcome::Hit => {
                counts.n_hits += 1;
                counts.hit_bytes += request.size;
            }
            Outcome::CompulsoryMiss => {
                counts.n_compulsory_misses += 1;
                counts.compulsory_bytes += request.size;
            }
            Outcome::CapacityMiss => counts.n_capacity_misses += 1,
            Outcome::Reset => counts.n_resets += 1,
        }
    }
}

/// How many hours a span begins, and one at least.
pub(crate) fn n_hours(span: Nanos) -> usize {
    usize::try_from(span.div_ceil(Nanos::HOUR).max(1)).expect("100 years of hours")
}
