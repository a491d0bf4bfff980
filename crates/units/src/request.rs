//! The one record that every trace reader yields and every model takes.

use crate::{Bytes, ObjectId, Time};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Op {
    /// Reads the object; on a miss it is fetched from the backing store and cached.
    Get,
    /// Writes the object, through the cache to the backing store.
    Put,
    /// Removes the object from the cache and the backing store.
    Delete,
}

/// One request of a trace: 24 bytes, so that a trace of 40 million fits in a gigabyte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When, counted from the first request of the trace.
    pub at: Time,
    /// The size of the object as this request saw it.
    pub size: Bytes,
    /// Which object.
    pub object: ObjectId,
    /// What is asked for.
    pub op: Op,
}

const _: () = assert!(size_of::<Request>() == 24);
