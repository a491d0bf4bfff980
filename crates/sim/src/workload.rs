//! What a model is asked to do: the requests of a trace.

use std::sync::OnceLock;

use units::{Bytes, Nanos, Op, Request, Time};

use crate::objstore::stored::stored_byte_ns;

/// The requests of a trace, with what a model must know of its objects.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    /// In order of time.
    pub requests: &'a [Request],
    /// The xxh64 of each object's key, by object: what spreads keys over nodes and proxies.
    pub key_hashes: &'a [u64],
    /// How long the run lasts: what is paid by the hour is paid for this long. No request
    /// comes later.
    pub span: Nanos,
    /// What a store of its objects keeps, once it was asked for: every system on it asks again.
    stored_byte_ns: OnceLock<Vec<u128>>,
}

impl<'a> Workload<'a> {
    /// The workload of these requests, in order of time and none later than `span`, with the xxh64
    /// of the key of every object they speak of.
    pub const fn new(requests: &'a [Request], key_hashes: &'a [u64], span: Nanos) -> Workload<'a> {
        Workload { requests, key_hashes, span, stored_byte_ns: OnceLock::new() }
    }

    /// How many objects there are; every request's object is below.
    pub fn n_objects(&self) -> usize {
        self.key_hashes.len()
    }

    /// The requests as events of a model, each by its number.
    pub(crate) fn arrivals<E>(&self, event: fn(u32) -> E) -> impl Iterator<Item = (Time, E)> {
        (0_u32..).zip(self.requests).map(move |(number, request)| (request.at, event(number)))
    }

    /// What a store of the objects keeps in each hour of the span times how long, in
    /// byte-nanoseconds.
    pub(crate) fn stored_byte_ns(&self) -> &[u128] {
        self.stored_byte_ns
            .get_or_init(|| stored_byte_ns(self.requests, self.n_objects(), self.span))
    }

    /// The working set: what the objects take together, each at the largest of its GETs and PUTs.
    pub fn unique_bytes(&self) -> Bytes {
        self.largest_sizes().into_iter().sum()
    }

    /// The largest size of each object, by object; nothing where it is only ever deleted.
    pub(crate) fn largest_sizes(&self) -> Vec<Bytes> {
        let mut largest = vec![Bytes::ZERO; self.n_objects()];
        for request in self.requests.iter().filter(|it| it.op != Op::Delete) {
            let size = &mut largest[request.object.index()];
            *size = request.size.max(*size);
        }
        largest
    }
}
