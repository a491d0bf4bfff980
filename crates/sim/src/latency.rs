//! How long requests took.

use std::ops;

use hdrhistogram::Histogram;
use units::{Bytes, Nanos};

/// The latencies of the GETs of a run: the client's wait from asking to having the object.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    /// All GETs.
    pub all: Distribution,
    /// Those served by the cache.
    pub hits: Distribution,
    /// Those that went to the backing store.
    pub misses: Distribution,
    /// All GETs by size of the object, as [`SIZE_CLASSES`] has them (FAST'20 Fig 16).
    pub by_size: [Distribution; 4],
    /// Those served by the cache, by size of the object.
    pub hits_by_size: [Distribution; 4],
    /// What the hits consist of, phase by phase, where that is known.
    pub hit_phases: [Distribution; N_PHASES],
    /// The same of those that went to the backing store.
    pub miss_phases: [Distribution; N_PHASES],
}

/// What a GET consists of, one after the other: what the client waited for is their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Waiting for orders and requests that came before, and for an object to arrive that is
    /// being fetched for another.
    pub queueing: Nanos,
    /// Waiting for a function to be there: pinged, thawed or started anew.
    pub invocation: Nanos,
    /// Asking the cache, and the bytes (or that there are none) on their way.
    pub transfer: Nanos,
    /// Making the object of its chunks.
    pub decoding: Nanos,
    /// Reading it from the object store.
    pub object_store: Nanos,
}

/// How many phases there are.
pub const N_PHASES: usize = 5;

impl Phases {
    /// Their names, in the order of [`Phases::lengths`].
    pub const NAMES: [&str; N_PHASES] =
        ["queueing", "invocation", "transfer", "decoding", "object_store"];

    /// The length of each, in order.
    pub const fn lengths(&self) -> [Nanos; N_PHASES] {
        let Phases { queueing, invocation, transfer, decoding, object_store } = *self;
        [queueing, invocation, transfer, decoding, object_store]
    }

    /// What the client waited.
    pub fn total(&self) -> Nanos {
        self.lengths().into_iter().sum()
    }
}

/// The size classes: each one's name, and the size that is too large for it.
pub const SIZE_CLASSES: [(&str, Bytes); 4] = [
    ("<1MB", Bytes::megabytes(1)),
    ("1-10MB", Bytes::megabytes(10)),
    ("10-100MB", Bytes::megabytes(100)),
    (">=100MB", Bytes::new(u64::MAX)),
];

/// A distribution of lengths of time: exact count, sum and maximum; quantiles to three
/// significant digits.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// In microseconds: a nanosecond of a simulated network means nothing.
    histogram: Histogram<u64>,
    total_ns: u128,
    max: Nanos,
}

impl Default for Distribution {
    fn default() -> Distribution {
        let histogram = Histogram::new(3).expect("three significant digits are allowed");
        Distribution { histogram, total_ns: 0, max: Nanos::ZERO }
    }
}

impl Distribution {
    /// Adds one.
    pub fn record(&mut self, length: Nanos) {
        let recorded = self.histogram.record(length.div_ceil(Nanos::new(1_000)));
        recorded.expect("a histogram that grows takes any value");
        self.total_ns += u128::from(length.get());
        self.max = self.max.max(length);
    }

    /// How many were recorded.
    pub fn n_recorded(&self) -> u64 {
        self.histogram.len()
    }

    /// The mean in milliseconds; 0 where nothing was recorded.
    pub fn mean_ms(&self) -> f64 {
        match self.n_recorded() {
            0 => 0.0,
            n_recorded => self.total_ns as f64 / 1e6 / n_recorded as f64,
        }
    }

    /// The largest, in milliseconds; 0 where nothing was recorded.
    pub fn max_ms(&self) -> f64 {
        self.max.as_millis_f64()
    }

    /// The length in milliseconds that this part (from 0 to 1) does not exceed; never above
    /// the largest recorded; 0 where nothing was.
    pub fn quantile_ms(&self, quantile: f64) -> f64 {
        (self.histogram.value_at_quantile(quantile) as f64 / 1e3).min(self.max_ms())
    }

    /// The cumulative distribution: pairs of a length in milliseconds and the part that does
    /// not exceed it, one for each distinct length.
    pub fn cumulative(&self) -> Vec<(f64, f64)> {
        let n_recorded = self.n_recorded() as f64;
        let mut n_below = 0;
        self.histogram
            .iter_recorded()
            .map(|it| {
                n_below += it.count_since_last_iteration();
                (it.value_iterated_to() as f64 / 1e3, n_below as f64 / n_recorded)
            })
            .collect()
    }
}

impl ops::AddAssign for Distribution {
    fn add_assign(&mut self, rhs: Distribution) {
        let Distribution { histogram, total_ns, max } = rhs;
        self.histogram.add(histogram).expect("a histogram that grows takes any value");
        self.total_ns += total_ns;
        self.max = self.max.max(max);
    }
}

impl ops::AddAssign for Latencies {
    fn add_assign(&mut self, rhs: Latencies) {
        let Latencies { all, hits, misses, by_size, hits_by_size, hit_phases, miss_phases } = rhs;
        self.all += all;
        self.hits += hits;
        self.misses += misses;
        add_each(&mut self.by_size, by_size);
        add_each(&mut self.hits_by_size, hits_by_size);
        add_each(&mut self.hit_phases, hit_phases);
        add_each(&mut self.miss_phases, miss_phases);
    }
}

fn add_each<const N: usize>(to: &mut [Distribution; N], more: [Distribution; N]) {
    for (to, more) in to.iter_mut().zip(more) {
        *to += more;
    }
}

impl Latencies {
    /// Adds a GET of an object of `size` that was served by the cache or was not.
    pub fn record(&mut self, latency: Nanos, size: Bytes, is_hit: bool) {
        self.all.record(latency);
        let by_outcome = if is_hit { &mut self.hits } else { &mut self.misses };
        by_outcome.record(latency);
        let class = SIZE_CLASSES.iter().position(|(_, below)| size < *below);
        let class = class.unwrap_or(SIZE_CLASSES.len() - 1);
        self.by_size[class].record(latency);
        if is_hit {
            self.hits_by_size[class].record(latency);
        }
    }

    /// Adds what such a GET consisted of.
    pub(crate) fn record_phases(&mut self, phases: &Phases, is_hit: bool) {
        let each = if is_hit { &mut self.hit_phases } else { &mut self.miss_phases };
        for (phase, length) in each.iter_mut().zip(phases.lengths()) {
            phase.record(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_three_digits_and_never_above_the_largest() {
        let mut distribution = Distribution::default();
        for millis in 1..=1000 {
            distribution.record(Nanos::millis(millis));
        }
        let check = |quantile: f64, expect_ms: f64| {
            let seen = distribution.quantile_ms(quantile);
            assert!((seen - expect_ms).abs() <= expect_ms / 500.0, "{quantile}: {seen}");
        };
        check(0.5, 500.0);
        check(0.9, 900.0);
        check(0.999, 999.0);
        assert_eq!(distribution.quantile_ms(1.0).total_cmp(&1000.0), std::cmp::Ordering::Equal);
        assert!((distribution.mean_ms() - 500.5).abs() < 1e-9);
        let (_, whole) = distribution.cumulative().pop().unwrap();
        assert!((whole - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_recorded_is_nothing() {
        let distribution = Distribution::default();
        assert!(distribution.quantile_ms(0.99) + distribution.mean_ms() < 1e-12);
        assert!(distribution.cumulative().is_empty());
    }
}
