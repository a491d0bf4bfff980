//! What a trace is like: how much, how often, how large, and how soon again.

use serde::{Serialize, Serializer};
use units::{Bytes, Nanos, Op, Time};

use crate::trace::Trace;

/// The figures that describe a trace, as `trace info` shows them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// Requests of all operations.
    pub n_requests: u64,
    /// Distinct keys.
    pub n_objects: u64,
    /// Requests that read.
    pub n_gets: u64,
    /// Requests that write.
    pub n_puts: u64,
    /// Requests that remove.
    pub n_deletes: u64,
    /// The sizes of all GETs, summed.
    #[serde(serialize_with = "bytes")]
    pub requested_bytes: Bytes,
    /// The working set: the largest size of each object over its GETs and PUTs, summed.
    #[serde(serialize_with = "bytes")]
    pub unique_bytes: Bytes,
    /// From the first request to the last, in seconds where it is serialised.
    #[serde(serialize_with = "seconds")]
    pub span_s: Nanos,
    /// Objects requested once.
    pub n_objects_once: u64,
    /// Objects requested with more than one size.
    pub n_objects_resized: u64,
    /// Requests to the object that has most.
    pub n_requests_hottest: u64,
    /// Hits of a cache without limits per GET: all GETs but those of an object that was neither
    /// read nor written since it was last removed.
    pub infinite_hit_ratio: f64,
    /// Bytes that those hits serve per byte asked for.
    pub infinite_byte_hit_ratio: f64,
    /// GETs of more than [`Statistics::LARGE`] per GET.
    pub large_request_ratio: f64,
    /// Bytes of those GETs per byte asked for.
    pub large_byte_ratio: f64,
    /// The part of the working set that such objects are.
    pub large_unique_byte_ratio: f64,
    /// GETs of them in the hour that has most.
    pub n_large_gets_hourly_max: u64,
    /// Objects of more than [`Statistics::LARGE`] per object that some GET or PUT names.
    pub large_object_ratio: f64,
    /// Of those objects, the part requested ten times or more.
    pub large_hot_ratio: f64,
    /// Of their reuse intervals, the part below an hour.
    pub large_reuse_within_hour_ratio: f64,
    /// Requests over those objects.
    pub large_n_requests: Percentiles,
    /// Seconds between one request of such an object and the next.
    pub large_reuse_interval_s: Percentiles,
    /// Sizes in bytes over GETs and PUTs.
    pub request_size_bytes: Percentiles,
    /// Largest sizes in bytes over objects that some GET or PUT names.
    pub object_size_bytes: Percentiles,
    /// Seconds between one request of an object and the next, over all such pairs.
    pub reuse_interval_s: Percentiles,
}

/// Percentiles by nearest rank: the smallest value with at least that share at or below it. All
/// zero where there are no values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Percentiles {
    pub p10: f64,
    pub p25: f64,
    pub p50: f64,
    pub p75: f64,
    pub p90: f64,
    pub p95: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Statistics {
    /// What is above this is a large object, as in FAST'20 section 2.
    pub const LARGE: Bytes = Bytes::megabytes(10);

    /// The figures of `trace`.
    pub fn of(trace: &Trace) -> Statistics {
        let requests = trace.requests();
        let largest_sizes = trace.largest_sizes();
        let counts = Counts::of(trace, &largest_sizes);
        let n_of = |op: Op| requests.iter().filter(|it| it.op == op).count() as u64;
        let n_gets = n_of(Op::Get);
        let requested_bytes = counts.requested.get();
        let large_n_requests: Vec<u64> = counts
            .of_object
            .iter()
            .zip(&largest_sizes)
            .filter(|(_, size)| Statistics::LARGE < **size)
            .map(|(n, _)| u64::from(*n))
            .collect();
        let n_hot = large_n_requests.iter().filter(|it| 10 <= **it).count() as u64;
        let n_large = large_n_requests.len() as u64;
        let unique_bytes: Bytes = largest_sizes.iter().copied().sum();
        let large_unique_bytes: Bytes =
            largest_sizes.iter().copied().filter(|it| Statistics::LARGE < *it).sum();
        let n_large_reuses = counts.large_reuse_nanos.len() as u64;
        let is_soon = |it: &&u64| **it < Nanos::HOUR.get();
        let n_soon = counts.large_reuse_nanos.iter().filter(is_soon).count() as u64;
        // One after the other, as each takes as much memory as a third of the trace.
        let reuse_interval_s = Percentiles::of(counts.reuse_nanos, 1e9);
        let request_size_bytes = Percentiles::of(
            requests.iter().filter(|it| it.op != Op::Delete).map(|it| it.size.get()).collect(),
            1.0,
        );
        Statistics {
            n_requests: requests.len() as u64,
            n_objects: trace.n_objects() as u64,
            n_gets,
            n_puts: n_of(Op::Put),
            n_deletes: n_of(Op::Delete),
            requested_bytes: counts.requested,
            unique_bytes,
            span_s: trace.span(),
            n_objects_once: counts.of_object.iter().filter(|it| **it == 1).count() as u64,
            n_objects_resized: counts.n_objects_resized,
            n_requests_hottest: u64::from(
                counts.of_object.iter().copied().max().unwrap_or_default(),
            ),
            infinite_hit_ratio: ratio(counts.n_hits, n_gets),
            infinite_byte_hit_ratio: ratio(counts.hit.get(), requested_bytes),
            large_request_ratio: ratio(counts.n_large, n_gets),
            large_byte_ratio: ratio(counts.large.get(), requested_bytes),
            large_unique_byte_ratio: ratio(large_unique_bytes.get(), unique_bytes.get()),
            n_large_gets_hourly_max: Hour::all_of(trace)
                .iter()
                .map(|it| it.n_large_gets)
                .max()
                .unwrap_or_default(),
            large_object_ratio: ratio(n_large, counts.sizes.len() as u64),
            large_hot_ratio: ratio(n_hot, n_large),
            large_reuse_within_hour_ratio: ratio(n_soon, n_large_reuses),
            large_n_requests: Percentiles::of(large_n_requests, 1.0),
            large_reuse_interval_s: Percentiles::of(counts.large_reuse_nanos, 1e9),
            request_size_bytes,
            object_size_bytes: Percentiles::of(counts.sizes, 1.0),
            reuse_interval_s,
        }
    }
}

/// What was asked for in one hour of a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hour {
    /// Hours since the first request.
    pub hour: u64,
    /// Requests that read.
    pub n_gets: u64,
    /// Requests that write.
    pub n_puts: u64,
    /// Requests that remove.
    pub n_deletes: u64,
    /// Requests of objects that were not requested before.
    pub n_new_objects: u64,
    /// GETs of more than [`Statistics::LARGE`].
    pub n_large_gets: u64,
    /// The sizes of all GETs, summed.
    #[serde(serialize_with = "bytes")]
    pub requested_bytes: Bytes,
}

impl Hour {
    /// Every hour of `trace`, the empty ones too.
    pub fn all_of(trace: &Trace) -> Vec<Hour> {
        let n_hours = trace.span().get() / Nanos::HOUR.get() + 1;
        let mut hours: Vec<Hour> =
            (0..n_hours).map(|hour| Hour { hour, ..Hour::default() }).collect();
        let mut n_seen = 0;
        let start = trace.requests().first().map_or(Time::START, |it| it.at);
        for request in trace.requests() {
            let index = request.at.since(start).get() / Nanos::HOUR.get();
            let hour = &mut hours[usize::try_from(index).expect("a trace spans 100 years")];
            // Ids are dense, in the order of first appearance.
            if n_seen <= request.object.index() {
                n_seen += 1;
                hour.n_new_objects += 1;
            }
            match request.op {
                Op::Get => {
                    hour.n_gets += 1;
                    hour.n_large_gets += u64::from(Statistics::LARGE < request.size);
                    hour.requested_bytes += request.size;
                }
                Op::Put => hour.n_puts += 1,
                Op::Delete => hour.n_deletes += 1,
            }
        }
        hours
    }
}

/// What one pass over a trace counts.
#[derive(Default)]
struct Counts {
    requested: Bytes,
    n_hits: u64,
    hit: Bytes,
    n_large: u64,
    large: Bytes,
    /// Requests by object.
    of_object: Vec<u32>,
    /// The largest sizes of the objects that some GET or PUT names.
    sizes: Vec<u64>,
    n_objects_resized: u64,
    reuse_nanos: Vec<u64>,
    large_reuse_nanos: Vec<u64>,
}

/// What is known of an object in the course of that pass.
#[derive(Clone, Copy)]
struct Seen {
    last_at: Time,
    /// Of the last request that says; none is so large as [`Seen::UNKNOWN`].
    size: Bytes,
    is_resized: bool,
    is_stored: bool,
}

impl Seen {
    const UNKNOWN: Bytes = Bytes::new(u64::MAX);
}

impl Counts {
    fn of(trace: &Trace, largest_sizes: &[Bytes]) -> Counts {
        let n_objects = trace.n_objects();
        let mut counts = Counts { of_object: vec![0; n_objects], ..Counts::default() };
        let (last_at, size) = (Time::START, Seen::UNKNOWN);
        let unseen = Seen { last_at, size, is_resized: false, is_stored: false };
        let mut objects = vec![unseen; n_objects];
        for request in trace.requests() {
            let index = request.object.index();
            let seen = &mut objects[index];
            if 0 < counts.of_object[index] {
                let nanos = request.at.since(seen.last_at).get();
                counts.reuse_nanos.push(nanos);
                if Statistics::LARGE < largest_sizes[index] {
                    counts.large_reuse_nanos.push(nanos);
                }
            }
            // A trace has fewer than 2^32 requests.
            counts.of_object[index] += 1;
            // A DELETE does not say how large the object was.
            if request.op != Op::Delete {
                seen.is_resized |= seen.size != Seen::UNKNOWN && seen.size != request.size;
                seen.size = request.size;
            }
            seen.last_at = request.at;
            if request.op == Op::Get {
                counts.requested += request.size;
                if seen.is_stored {
                    counts.n_hits += 1;
                    counts.hit += request.size;
                }
                if Statistics::LARGE < request.size {
                    counts.n_large += 1;
                    counts.large += request.size;
                }
            }
            seen.is_stored = request.op != Op::Delete;
        }
        counts.n_objects_resized = objects.iter().filter(|it| it.is_resized).count() as u64;
        let sized = objects.iter().zip(largest_sizes).filter(|(it, _)| it.size != Seen::UNKNOWN);
        counts.sizes = sized.map(|(_, size)| size.get()).collect();
        counts
    }
}

impl Percentiles {
    /// The percentiles of `values`, each divided by `unit`.
    fn of(mut values: Vec<u64>, unit: f64) -> Percentiles {
        let Some(last) = values.len().checked_sub(1) else { return Percentiles::default() };
        values.sort_unstable();
        let at = |permille: usize| {
            let rank = (values.len() * permille).div_ceil(1000);
            values[rank.saturating_sub(1)] as f64 / unit
        };
        Percentiles {
            p10: at(100),
            p25: at(250),
            p50: at(500),
            p75: at(750),
            p90: at(900),
            p95: at(950),
            p99: at(990),
            p999: at(999),
            max: values[last] as f64 / unit,
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    units::Ratio::new(part, whole).as_f64()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn bytes<S: Serializer>(amount: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(amount.get())
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn seconds<S: Serializer>(length: &Nanos, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(length.as_seconds_f64())
}
