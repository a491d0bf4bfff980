//! What can be measured of a workload, by the names that the table of targets has for it.

use units::{Bytes, Nanos, Op};

use super::Unit;
use super::cdf::{Cdf, Published};
use crate::lru_stack::LruStack;
use crate::select::Selection;
use crate::statistics::{Hour, Statistics};
use crate::trace::Trace;

/// Something that can be measured of a workload.
pub(super) struct Quantity {
    /// As the table of targets calls it.
    name: &'static str,
    /// As a reader is told.
    pub(super) shown: &'static str,
    pub(super) unit: Unit,
    pub(super) measure: fn(&Measured<'_>) -> f64,
}

impl Quantity {
    /// The one of this name.
    pub(super) fn called(name: &str) -> Option<&'static Quantity> {
        QUANTITIES.iter().find(|it| it.name == name)
    }
}

const fn quantity(
    name: &'static str,
    shown: &'static str,
    unit: Unit,
    measure: fn(&Measured<'_>) -> f64,
) -> Quantity {
    Quantity { name, shown, unit, measure }
}

/// All of them; "large" is over 10 MB.
static QUANTITIES: [Quantity; 44] = [
    quantity("requests", "requests", Unit::Count, |it| it.all.n_gets as f64),
    quantity("objects", "objects", Unit::Count, |it| it.all.n_objects as f64),
    quantity("working-set", "working set", Unit::Bytes, |it| it.all.unique_bytes.get() as f64),
    quantity("requested-bytes", "bytes requested", Unit::Bytes, |it| {
        it.all.requested_bytes.get() as f64
    }),
    quantity("infinite-hit-ratio", "infinite-cache hits", Unit::Percent, |it| {
        100.0 * it.all.infinite_hit_ratio
    }),
    quantity("objects-once", "objects read once", Unit::Percent, |it| {
        100.0 * it.all.n_objects_once as f64 / it.all.n_objects as f64
    }),
    quantity("hottest-object", "hottest object, reads", Unit::Count, |it| {
        it.all.n_requests_hottest as f64
    }),
    quantity("busiest-hour", "busiest hour, requests", Unit::Count, |it| {
        it.per_hour().fold(0.0, f64::max)
    }),
    quantity("quietest-hour", "quietest hour, requests", Unit::Count, |it| {
        it.per_hour().fold(f64::INFINITY, f64::min)
    }),
    quantity("large-requests", "requests over 10 MB", Unit::Percent, |it| {
        100.0 * it.all.large_request_ratio
    }),
    quantity("large-bytes", "bytes over 10 MB", Unit::Percent, |it| {
        100.0 * it.all.large_unique_byte_ratio
    }),
    quantity("large-objects", "objects over 10 MB", Unit::Percent, |it| {
        100.0 * it.all.large_object_ratio
    }),
    quantity("large-hot", "... read 10 times or more", Unit::Percent, |it| {
        100.0 * it.all.large_hot_ratio
    }),
    quantity("large-soon", "... reuse within an hour", Unit::Percent, |it| {
        100.0 * it.all.large_reuse_within_hour_ratio
    }),
    quantity("large-infinite-hit-ratio", "... infinite-cache hits", Unit::Percent, |it| {
        100.0 * it.large_infinite_hit_ratio
    }),
    quantity("large-reads-p50", "... reads, p50", Unit::Count, |it| it.all.large_n_requests.p50),
    quantity("large-reads-p90", "... reads, p90", Unit::Count, |it| it.all.large_n_requests.p90),
    quantity("large-reads-p99", "... reads, p99", Unit::Count, |it| it.all.large_n_requests.p99),
    quantity("large-reuse-p10", "... reuse, p10", Unit::Seconds, |it| {
        it.all.large_reuse_interval_s.p10
    }),
    quantity("large-reuse-p50", "... reuse, p50", Unit::Seconds, |it| {
        it.all.large_reuse_interval_s.p50
    }),
    quantity("large-reuse-p90", "... reuse, p90", Unit::Seconds, |it| {
        it.all.large_reuse_interval_s.p90
    }),
    quantity("reuse-p10", "reuse, p10", Unit::Seconds, |it| it.all.reuse_interval_s.p10),
    quantity("reuse-p50", "reuse, p50", Unit::Seconds, |it| it.all.reuse_interval_s.p50),
    quantity("reuse-p90", "reuse, p90", Unit::Seconds, |it| it.all.reuse_interval_s.p90),
    quantity("request-size-p10", "size of a request, p10", Unit::Bytes, |it| {
        it.all.request_size_bytes.p10
    }),
    quantity("request-size-p50", "size of a request, p50", Unit::Bytes, |it| {
        it.all.request_size_bytes.p50
    }),
    quantity("request-size-p75", "size of a request, p75", Unit::Bytes, |it| {
        it.all.request_size_bytes.p75
    }),
    quantity("request-size-p90", "size of a request, p90", Unit::Bytes, |it| {
        it.all.request_size_bytes.p90
    }),
    quantity("request-size-p95", "size of a request, p95", Unit::Bytes, |it| {
        it.all.request_size_bytes.p95
    }),
    quantity("request-size-p99", "size of a request, p99", Unit::Bytes, |it| {
        it.all.request_size_bytes.p99
    }),
    quantity("lru-50gb", "LRU of 50 GB, hits", Unit::Percent, |it| it.lru_gigabytes(50)),
    quantity("lru-100gb", "LRU of 100 GB, hits", Unit::Percent, |it| it.lru_gigabytes(100)),
    quantity("lru-200gb", "LRU of 200 GB, hits", Unit::Percent, |it| it.lru_gigabytes(200)),
    quantity("lru-400gb", "LRU of 400 GB, hits", Unit::Percent, |it| it.lru_gigabytes(400)),
    quantity("lru-635gb", "LRU of 635 GB, hits", Unit::Percent, |it| it.lru_gigabytes(635)),
    quantity("lru-1%", "LRU of 1 % of it, hits", Unit::Percent, |it| it.lru_part(100)),
    quantity("lru-10%", "LRU of 10 % of it, hits", Unit::Percent, |it| it.lru_part(10)),
    quantity("lru-50%", "LRU of 50 % of it, hits", Unit::Percent, |it| it.lru_part(2)),
    quantity("figure-1a", "sizes, distance", Unit::Distance, |it| {
        it.sizes.distance_to(&Published::of(FIG1A, "Dallas", MIB))
    }),
    quantity("figure-1b", "bytes, distance", Unit::Distance, |it| {
        it.bytes.distance_to(&Published::of(FIG1B, "Dallas", MIB))
    }),
    quantity("figure-1a-london", "sizes, distance", Unit::Distance, |it| {
        it.sizes.distance_to(&Published::of(FIG1A, "London", MIB))
    }),
    quantity("figure-1b-london", "bytes, distance", Unit::Distance, |it| {
        it.bytes.distance_to(&Published::of(FIG1B, "London", MIB))
    }),
    quantity("figure-1c", "... reads, distance", Unit::Distance, |it| {
        it.large_n_reads().distance_to_counts(&Published::of(FIG1C, "Dallas", 1.0))
    }),
    quantity("figure-1d", "... reuse, distance", Unit::Distance, |it| {
        it.large_reuse_in_hours().distance_to(&Published::of(FIG1D, "Dallas", 1.0))
    }),
];

const FIG1A: &str = include_str!("../../../../experiments/reference/fig1a_object_size_cdf.csv");
const FIG1B: &str = include_str!("../../../../experiments/reference/fig1b_byte_cdf_by_size.csv");
const FIG1C: &str = include_str!("../../../../experiments/reference/fig1c_access_count_gt10MB.csv");
const FIG1D: &str =
    include_str!("../../../../experiments/reference/fig1d_reuse_interval_hr_gt10MB.csv");

/// What Figures 1a and 1b count in.
const MIB: f64 = 1_048_576.0;

/// What is known of a workload before it is asked for this or that.
pub(super) struct Measured<'a> {
    trace: &'a Trace,
    pub(super) all: Statistics,
    large_infinite_hit_ratio: f64,
    /// The largest size of each object, in bytes.
    largest: Vec<f64>,
    /// The GETs of each object.
    n_gets: Vec<u32>,
    /// Of objects.
    pub(super) sizes: Cdf,
    /// Of the bytes of objects, by the size of the object.
    pub(super) bytes: Cdf,
    /// Of objects.
    pub(super) n_reads: Cdf,
    /// Between one GET of an object and the next.
    pub(super) reuse_s: Cdf,
}

impl<'a> Measured<'a> {
    pub(super) fn of(trace: &'a Trace) -> Measured<'a> {
        let largest: Vec<f64> = trace.largest_sizes().iter().map(|it| it.get() as f64).collect();
        let mut n_gets = vec![0; largest.len()];
        for request in trace.requests().iter().filter(|it| it.op == Op::Get) {
            n_gets[request.object.index()] += 1;
        }
        let least = Bytes::new(Statistics::LARGE.get() + 1);
        let large = Selection { min_size: Some(least), ..Selection::ALL }.apply(trace.clone());
        let large = large.map_or(0.0, |it| Statistics::of(&it).infinite_hit_ratio);
        let mut measured = Measured {
            trace,
            all: Statistics::of(trace),
            large_infinite_hit_ratio: large,
            sizes: Cdf::of(largest.iter().map(|it| (*it, 1.0))),
            bytes: Cdf::of(largest.iter().map(|it| (*it, *it))),
            n_reads: Cdf::of(n_gets.iter().map(|it| (f64::from(*it), 1.0))),
            reuse_s: Cdf::default(),
            largest,
            n_gets,
        };
        let reuses = measured.reuses(|_| true);
        measured.reuse_s = Cdf::of(reuses.iter().map(|it| (it.as_seconds_f64(), 1.0)));
        measured
    }

    /// The times between one GET and the next of the objects, by index, that are wanted.
    fn reuses(&self, is_wanted: impl Fn(usize) -> bool) -> Vec<Nanos> {
        let mut last_at = vec![None; self.largest.len()];
        let gets = self.trace.requests().iter().filter(|it| it.op == Op::Get);
        let reuse = |request: &units::Request| {
            let index = request.object.index();
            let last = last_at[index].replace(request.at)?;
            is_wanted(index).then(|| request.at.since(last))
        };
        gets.filter_map(reuse).collect()
    }

    fn is_large(&self, index: usize) -> bool {
        (Statistics::LARGE.get() as f64) < self.largest[index]
    }

    /// Of objects over 10 MB.
    fn large_n_reads(&self) -> Cdf {
        let large = (0..self.largest.len()).filter(|it| self.is_large(*it));
        Cdf::of(large.map(|it| (f64::from(self.n_gets[it]), 1.0)))
    }

    /// Of objects over 10 MB, in whole hours as the paper plots them.
    fn large_reuse_in_hours(&self) -> Cdf {
        /// Where the paper plots what is below an hour.
        const FIRST_BIN_H: f64 = 0.113_308;
        let hours = |it: &Nanos| (it.get() / Nanos::HOUR.get()) as f64;
        let reuses = self.reuses(|it| self.is_large(it));
        Cdf::of(reuses.iter().map(|it| (hours(it).max(FIRST_BIN_H), 1.0)))
    }

    fn per_hour(&self) -> impl Iterator<Item = f64> {
        Hour::all_of(self.trace).into_iter().map(|it| it.n_gets as f64)
    }

    /// The hit ratio of an LRU cache, in percent.
    fn lru(&self, capacity: Bytes) -> f64 {
        100.0 * (1.0 - LruStack::new(self.trace).miss_counts(capacity).miss_ratio().as_f64())
    }

    fn lru_gigabytes(&self, n: u64) -> f64 {
        self.lru(Bytes::megabytes(1_000) * n)
    }

    /// Of one part in so many of the working set.
    fn lru_part(&self, one_in: u64) -> f64 {
        self.lru(Bytes::new(self.all.unique_bytes.get() / one_in))
    }
}
