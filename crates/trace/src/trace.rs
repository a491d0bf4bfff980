//! A trace in memory.

use std::fmt;
use std::sync::OnceLock;

use twox_hash::XxHash3_128;
use units::{Bytes, Nanos, ObjectId, Op, Request, Time};

use crate::asides::{Asides, ByteRange};
use crate::builder::NO_ID;
use crate::keys::{KeyText, Keys};
use crate::note::Note;
use crate::source::Source;

/// The requests of a trace in time order, over dense object ids, and what is known of them.
#[derive(Clone, Debug)]
pub struct Trace {
    // Invariants: sorted by time; object ids are dense, in the order of first appearance.
    requests: Vec<Request>,
    keys: Keys,
    /// Of these requests.
    asides: Asides,
    source: Source,
    notes: Vec<Note>,
    /// Computed when someone asks for it.
    hash: OnceLock<TraceHash>,
}

/// Names a trace by its content: the 128-bit XXH3 of time, key hash, size and operation of each
/// request in order. Copies of a trace compressed or in another format have the same, where the
/// format holds all of that; a copy of a selection that drops the first request does not have the
/// selection's, as whoever reads it counts time from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceHash(pub u128);

impl fmt::Display for TraceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One request with its key, as a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// When, counted from the first request of the trace.
    pub at: Time,
    /// The key as it stands in the trace.
    pub key: KeyText<'a>,
    /// The size of the object as this request saw it.
    pub size: Bytes,
    /// What is asked for.
    pub op: Op,
    /// For how many seconds the object may be kept, where the request says so.
    pub ttl_s: Option<u32>,
    /// The bytes that are read, where they are not all.
    pub range: Option<ByteRange>,
}

impl Trace {
    /// The trace of these requests, which are in time order and name objects in the order of
    /// first appearance.
    pub(crate) fn new(
        requests: Vec<Request>,
        keys: Keys,
        asides: Asides,
        source: Source,
        notes: Vec<Note>,
    ) -> Trace {
        Trace { requests, keys, asides, source, notes, hash: OnceLock::new() }
    }

    /// The trace of these requests, which are in time order and name objects by any of `keys`.
    pub(crate) fn renumbered(
        mut requests: Vec<Request>,
        keys: &Keys,
        asides: Asides,
        source: Source,
        notes: Vec<Note>,
    ) -> Trace {
        let mut new_ids = vec![NO_ID; keys.len()];
        let mut kept = Keys::default();
        for request in &mut requests {
            let new_id = &mut new_ids[request.object.index()];
            if *new_id == NO_ID {
                let n_kept = u32::try_from(kept.len()).expect("no more keys than before");
                *new_id = ObjectId(n_kept);
                kept.push(&keys.get(request.object));
            }
            request.object = *new_id;
        }
        Trace::new(requests, kept, asides, source, notes)
    }

    /// The requests, in time order; requests of one instant are in the order of the file.
    pub fn requests(&self) -> &[Request] {
        &self.requests
    }

    /// How many objects are requested; their ids are `0..n_objects`, by first appearance.
    pub fn n_objects(&self) -> usize {
        self.keys.len()
    }

    /// Times to live and ranges, which no model looks at.
    pub fn asides(&self) -> &Asides {
        &self.asides
    }

    /// The keys of all objects.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The key of the object, as it stands in the trace.
    pub fn key(&self, object: ObjectId) -> KeyText<'_> {
        self.keys.get(object)
    }

    /// The 64-bit xxHash (XXH64, seed 0) of the object's key, as the hash ring uses it.
    pub fn key_hash(&self, object: ObjectId) -> u64 {
        self.keys.hash(object)
    }

    /// Where the trace comes from and how it was understood.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// What was done to the trace, or is peculiar about it.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The content of the trace as a number.
    pub fn hash(&self) -> TraceHash {
        *self.hash.get_or_init(|| hash_of(&self.requests, &self.keys))
    }

    /// From the first request to the last.
    pub fn span(&self) -> Nanos {
        match &self.requests[..] {
            [first, .., last] => last.at.since(first.at),
            _ => Nanos::ZERO,
        }
    }

    /// The requests as a person reads them, first to last.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.requests.iter().enumerate().map(|(index, it)| {
            let Request { at, size, object, op } = *it;
            let (ttl_s, range) = (self.asides.ttl_s(index), self.asides.range(index));
            Row { at, key: self.key(object), size, op, ttl_s, range }
        })
    }

    /// The largest size of each object over its GETs and PUTs, by id; nothing where it is only ever
    /// deleted, as a DELETE stores nothing.
    pub fn largest_sizes(&self) -> Vec<Bytes> {
        let mut sizes = vec![Bytes::ZERO; self.n_objects()];
        for request in self.requests.iter().filter(|it| it.op != Op::Delete) {
            let size = &mut sizes[request.object.index()];
            *size = request.size.max(*size);
        }
        sizes
    }

    /// The working set: the largest size of each object over its GETs and PUTs, summed.
    pub fn unique_bytes(&self) -> Bytes {
        self.largest_sizes().into_iter().sum()
    }

    /// What whoever replays the trace should know of its sizes: how many objects are read at
    /// another size than before, with no PUT or DELETE between. A cache keeps the size with which
    /// an object entered, so that what it holds and serves is not what is asked for.
    pub fn note_on_sizes(&self) -> Option<Note> {
        // Neither is the size of an object.
        const UNKNOWN: Bytes = Bytes::new(u64::MAX);
        const COUNTED: Bytes = Bytes::new(u64::MAX - 1);
        let mut last_sizes = vec![UNKNOWN; self.n_objects()];
        let mut n_objects = 0;
        for request in &self.requests {
            let last = &mut last_sizes[request.object.index()];
            let is_other = *last != UNKNOWN && *last != request.size;
            *last = match request.op {
                _ if *last == COUNTED => COUNTED,
                Op::Get if is_other => {
                    n_objects += 1;
                    COUNTED
                }
                Op::Get | Op::Put => request.size,
                Op::Delete => UNKNOWN,
            };
        }
        (0 < n_objects).then_some(Note::Resized { n_objects })
    }

    /// Says more of the trace.
    pub(crate) fn add_notes(&mut self, notes: Vec<Note>) {
        self.notes.extend(notes);
    }

    /// Takes the trace apart, for one that is made from it.
    pub(crate) fn into_parts(self) -> Parts {
        let Trace { requests, keys, asides, source, notes, hash: _ } = self;
        Parts { requests, keys, asides, source, notes }
    }
}

/// A trace taken apart.
pub(crate) struct Parts {
    pub(crate) requests: Vec<Request>,
    pub(crate) keys: Keys,
    pub(crate) asides: Asides,
    pub(crate) source: Source,
    pub(crate) notes: Vec<Note>,
}

impl Parts {
    /// [`retain`] of all its requests.
    pub(crate) fn retain(&mut self, keep: impl FnMut(&mut Request) -> bool) {
        retain(&mut self.requests, &mut self.asides, keep);
    }
}

/// Keeps the requests that `keep` says, and what they say aside.
pub(crate) fn retain(
    requests: &mut Vec<Request>,
    asides: &mut Asides,
    mut keep: impl FnMut(&mut Request) -> bool,
) {
    if asides.is_empty_from(0) {
        return requests.retain_mut(keep);
    }
    let mut new_indices = Vec::with_capacity(requests.len());
    let mut n_kept = 0;
    requests.retain_mut(|request| {
        let is_kept = keep(request);
        new_indices.push(is_kept.then_some(n_kept));
        n_kept += u32::from(is_kept);
        is_kept
    });
    asides.moved(|index| new_indices[index as usize]);
}

fn hash_of(requests: &[Request], keys: &Keys) -> TraceHash {
    const N_RECORD_BYTES: usize = 25;
    const N_RECORDS: usize = 256;
    let hashes: Vec<u64> = (0..).map(ObjectId).take(keys.len()).map(|it| keys.hash(it)).collect();
    let mut content = XxHash3_128::new();
    let mut block = [0; N_RECORD_BYTES * N_RECORDS];
    for requests in requests.chunks(N_RECORDS) {
        for (record, request) in block.chunks_exact_mut(N_RECORD_BYTES).zip(requests) {
            record[..8].copy_from_slice(&request.at.as_nanos().to_le_bytes());
            record[8..16].copy_from_slice(&hashes[request.object.index()].to_le_bytes());
            record[16..24].copy_from_slice(&request.size.get().to_le_bytes());
            record[24] = match request.op {
                Op::Get => 0,
                Op::Put => 1,
                Op::Delete => 2,
            };
        }
        content.write(&block[..requests.len() * N_RECORD_BYTES]);
    }
    TraceHash(content.finish_128())
}
