//! What a model is asked to do: the requests of a trace.

use units::{Bytes, Nanos, Op, Request, Time};

/// The requests of a trace, with what a model must know of its objects.
#[derive(Clone, Copy, Debug)]
pub struct Workload<'a> {
    /// In order of time.
    pub requests: &'a [Request],
    /// The xxh64 of each object's key, by object: what spreads keys over nodes and proxies.
    pub key_hashes: &'a [u64],
    /// How long the run lasts: what is paid by the hour is paid for this long. No request
    /// comes later.
    pub span: Nanos,
}

impl Workload<'_> {
    /// How many objects there are; every request's object is below.
    pub fn n_objects(&self) -> usize {
        self.key_hashes.len()
    }

    /// The requests as events of a model, each by its number.
    pub(crate) fn arrivals<E>(&self, event: fn(u32) -> E) -> impl Iterator<Item = (Time, E)> {
        (0_u32..).zip(self.requests).map(move |(number, request)| (request.at, event(number)))
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
