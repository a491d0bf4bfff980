//! One cell of a miss-ratio curve: exactly what one cache misses of one trace.

use policy::evict::{Belady, Clock, Fifo, Lfu, Lru, S3Fifo, Sieve, next_uses};
use policy::{Access, Evict, EvictionPolicy, ObjectCache};
use units::{Bytes, Op, Ratio, Request};

use crate::trace::Trace;

/// What a cache of one policy and size missed of a trace. Only GETs count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MissCounts {
    /// How many GETs there were.
    pub n_requests: u64,
    /// How many of them were not in the cache, first requests included.
    pub n_misses: u64,
    /// The size of all GETs.
    pub requested_bytes: Bytes,
    /// The size of those that missed.
    pub missed_bytes: Bytes,
}

impl MissCounts {
    /// Misses per GET.
    pub fn miss_ratio(&self) -> Ratio {
        Ratio::new(self.n_misses, self.n_requests)
    }
}

/// Replays `trace` through a cache of whole objects.
///
/// A missed object is admitted if it fits into `capacity` at all, after as many others have
/// left as must; a hit keeps the size with which the object entered. A PUT replaces the object,
/// a DELETE removes it, and neither is counted.
pub fn miss_counts(trace: &Trace, policy: EvictionPolicy, capacity: Bytes) -> MissCounts {
    let requests = trace.requests();
    let n_objects = trace.n_objects();
    // One copy of the loop for each policy, so that the calls to it are inlined.
    match policy {
        EvictionPolicy::Lru => count(trace, capacity, Lru::new(n_objects), &[]),
        EvictionPolicy::Fifo => count(trace, capacity, Fifo::new(n_objects), &[]),
        EvictionPolicy::Clock => count(trace, capacity, Clock::new(n_objects), &[]),
        EvictionPolicy::Lfu => count(trace, capacity, Lfu::new(n_objects), &[]),
        EvictionPolicy::Sieve => count(trace, capacity, Sieve::new(n_objects), &[]),
        EvictionPolicy::S3Fifo => count(trace, capacity, S3Fifo::new(n_objects, capacity), &[]),
        EvictionPolicy::Belady => {
            let next_uses = next_uses(requests, n_objects);
            count(trace, capacity, Belady::new(n_objects), &next_uses)
        }
    }
}

/// `next_uses` is the next use at each request, or empty for a policy that is blind to it.
fn count<P: Evict>(trace: &Trace, capacity: Bytes, policy: P, next_uses: &[u32]) -> MissCounts {
    let mut cache = ObjectCache::new(capacity, trace.n_objects(), policy);
    let mut counts = MissCounts::default();
    for (number, request) in trace.requests().iter().enumerate() {
        let Request { size, object, op, .. } = *request;
        let next_use = next_uses.get(number).copied().unwrap_or(Access::NEVER);
        let access = Access { object, size, next_use };
        match op {
            Op::Get => {
                counts.n_requests += 1;
                counts.requested_bytes += size;
                if !cache.get(access) {
                    counts.n_misses += 1;
                    counts.missed_bytes += size;
                    cache.admit(access, |_| ());
                }
            }
            Op::Put => {
                cache.remove(object);
                cache.admit(access, |_| ());
            }
            Op::Delete => {
                cache.remove(object);
            }
        }
    }
    counts
}
