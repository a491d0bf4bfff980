//! Makes the requests of a trace on a cache, and checks every object that it reads.
//!
//! In an open loop each request is made at its time, whether or not those before it are
//! answered, and its latency counts from then: a cache that stalls is seen to stall by all who
//! would have asked meanwhile. In a closed one each client asks when it was answered.

mod changes;
mod run;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use bytes::Bytes;
use units::{Nanos, Request};

pub use self::run::replay;
use crate::client::Recoveries;

/// What is to be asked of a cache.
#[derive(Clone, Debug)]
pub struct ReplayPlan {
    /// The requests, in order of time. A length in a GET counts where the object is not known.
    pub requests: Vec<Request>,
    /// The keys of all objects, by their number.
    pub keys: Vec<Bytes>,
    /// When requests are made.
    pub pace: Pace,
    /// How many requests of an open loop may be under way. Further ones wait, and their waiting
    /// counts. A closed one has as many as clients.
    pub n_at_once_max: usize,
    /// How much the objects of requests that are under way may have together, as long as they
    /// are, whatever a GET says; one that is larger goes alone. Further ones wait, and their
    /// waiting counts. What the client still has of reads that were answered, and whose last
    /// chunks it has not heard of, comes on top of that.
    pub bytes_at_once_max: units::Bytes,
    /// Counts the requests that are over, for whoever wants to watch.
    pub n_done: Arc<AtomicU64>,
}

/// When requests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Each at its time.
    Open,
    /// By so many clients, each of which makes the next one when its last one is answered.
    Closed {
        /// How many; at least one.
        n_clients: usize,
    },
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// The reads, in the order they ended.
    pub reads: Vec<ReadRecord>,
    /// The writes that the cache took, as reads: with their latency. Others are failures.
    pub writes: Vec<WriteRecord>,
    /// How many objects were deleted.
    pub n_deletes: u64,
    /// Requests that the cache failed, each counted once; reads among them went to the backing
    /// store as RESETs, or were answered and could not be cached.
    pub n_failures: u64,
    /// Why the first one did.
    pub failure: Option<String>,
    /// Reads that gave other bytes than they should. Anything but none is a bug of the cache.
    pub n_wrong: u64,
    /// The key of an object that was in the cache before, with other bytes than this replay's; no
    /// more requests were made then.
    pub foreign: Option<Bytes>,
    /// Reads of the backing store.
    pub n_store_gets: u64,
    /// What was found lost of objects that could be decoded.
    pub recoveries: Recoveries,
    /// How late a request of an open loop was made at most, since too many were under way or
    /// this machine was busy. It is in the latencies.
    pub lateness_max: Nanos,
    /// From the start to the last answer.
    pub took: Nanos,
}

/// One read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRecord {
    /// Which request it was, counted from 0.
    pub number: usize,
    /// How it ended.
    pub outcome: ReadOutcome,
    /// From when it was to be made until the object was there.
    pub latency: Nanos,
    /// When it was to be made, counted from the start.
    pub at: Nanos,
}

/// One write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteRecord {
    /// Which request it was, counted from 0.
    pub number: usize,
    /// From when it was to be made until the cache had it.
    pub latency: Nanos,
    /// When it was to be made, counted from the start.
    pub at: Nanos,
}

/// How a read ended; the simulator tells them apart by the same rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// The cache had it.
    Hit,
    /// It had not been read or written before, or was deleted since.
    CompulsoryMiss,
    /// It had, and was not there.
    CapacityMiss,
    /// It was there, and too many of its chunks were lost, or the cache failed.
    Reset,
}
