//! Reads and writes of whole objects under way, each by way of its chunks.

use std::sync::Mutex;
use std::time::Duration;

use policy::fetch::{Fetch, FirstD, Verdict};
use tokio::time::Instant;

use super::config::ProxyConfig;
use super::metadata::Location;

/// A read under way, shared by the requests for its chunks.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) location: Location,
    state: Mutex<ReadState>,
}

#[derive(Debug)]
struct ReadState {
    fetch: Fetch,
    first_d: FirstD,
    n_data: u32,
    n_arrived: u32,
    is_settled: bool,
    /// By chunk: whether it was asked for, and whether it was heard of.
    asked: Vec<bool>,
    heard: Vec<bool>,
}

impl Read {
    pub(crate) fn new(location: Location, config: &ProxyConfig) -> Read {
        let n = |it: usize| u32::try_from(it).expect("at most 255 chunks");
        let (n_data, n_parity) = (n(config.code.n_data()), n(config.code.n_parity()));
        let n_chunks = location.nodes.len();
        let state = ReadState {
            fetch: Fetch::new(n_data, n_parity, config.first_d),
            first_d: config.first_d,
            n_data,
            n_arrived: 0,
            is_settled: false,
            asked: vec![false; n_chunks],
            heard: vec![false; n_chunks],
        };
        Read { location, state: Mutex::new(state) }
    }

    /// Notes that a chunk is asked for. Whether it was not before, and exists.
    pub(crate) fn ask(&self, chunk: u8) -> bool {
        let mut state = self.lock();
        match state.asked.get_mut(usize::from(chunk)) {
            Some(asked) => !std::mem::replace(asked, true),
            None => false,
        }
    }

    /// Whether every chunk was asked for.
    pub(crate) fn is_asked_in_full(&self) -> bool {
        self.lock().asked.iter().all(|it| *it)
    }

    /// A chunk came. Whether it is among the first d, and to be handed on.
    pub(crate) fn arrived(&self, chunk: u8) -> bool {
        let mut state = self.lock();
        if std::mem::replace(&mut state.heard[usize::from(chunk)], true) {
            return false;
        }
        state.n_arrived += 1;
        let is_early = state.n_arrived <= state.n_data;
        state.note(Fetch::arrived);
        is_early
    }

    /// Whether something was heard of a chunk.
    pub(crate) fn is_heard_of(&self, chunk: u8) -> bool {
        self.lock().heard[usize::from(chunk)]
    }

    /// A function no longer holds its chunk, or cannot be reached.
    pub(crate) fn missing(&self, chunk: u8) {
        let mut state = self.lock();
        if !std::mem::replace(&mut state.heard[usize::from(chunk)], true) {
            state.note(Fetch::missing);
        }
    }

    /// Whether the bodies of further chunks are of no use.
    pub(crate) fn is_decodable(&self) -> bool {
        self.lock().fetch.is_decodable()
    }

    /// Whether late chunks need not be waited for. Where all functions have to answer, as the
    /// reference has it, that is never so.
    pub(crate) fn is_settled(&self) -> bool {
        self.lock().is_settled
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ReadState> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}

impl ReadState {
    fn note(&mut self, how: impl FnOnce(&mut Fetch) -> Verdict) {
        if how(&mut self.fetch) == Verdict::Decodable && self.first_d == FirstD::Paper {
            self.is_settled = true;
        }
    }
}

/// A write under way.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) location: Location,
    pub(crate) chunk_len: u64,
    pub(crate) began: Instant,
    /// How long each of its chunks may take.
    pub(crate) limit: Duration,
    state: Mutex<PutState>,
}

#[derive(Debug)]
struct PutState {
    asked: Vec<bool>,
    n_stored: usize,
    has_failed: bool,
}

impl Put {
    pub(crate) fn new(location: Location, chunk_len: u64, limit: Duration) -> Put {
        let asked = vec![false; location.nodes.len()];
        let state = PutState { asked, n_stored: 0, has_failed: false };
        Put { location, chunk_len, began: Instant::now(), limit, state: Mutex::new(state) }
    }

    /// Notes that a chunk comes. Whether it did not before, and exists.
    pub(crate) fn ask(&self, chunk: u8) -> bool {
        let mut state = self.lock();
        match state.asked.get_mut(usize::from(chunk)) {
            Some(asked) => !std::mem::replace(asked, true),
            None => false,
        }
    }

    /// Whether every chunk came.
    pub(crate) fn is_asked_in_full(&self) -> bool {
        self.lock().asked.iter().all(|it| *it)
    }

    /// A chunk is stored. Whether all are now.
    pub(crate) fn stored(&self) -> bool {
        let mut state = self.lock();
        state.n_stored += 1;
        state.n_stored == state.asked.len()
    }

    /// Whether a chunk was not stored.
    pub(crate) fn has_failed(&self) -> bool {
        self.lock().has_failed
    }

    /// A chunk was not stored. Whether it is the first.
    pub(crate) fn fail(&self) -> bool {
        !std::mem::replace(&mut self.lock().has_failed, true)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, PutState> {
        self.state.lock().expect("nothing panics while it holds the lock")
    }
}
