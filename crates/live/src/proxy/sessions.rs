//! Reads and writes that clients have under way over several connections.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use wire::Refusal;

use super::read::{Put, Read};

/// What clients have under way, by client and request.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: BTreeMap<u64, Open>,
    reads: BTreeMap<(u64, u64), Arc<Read>>,
    puts: BTreeMap<(u64, u64), Arc<Put>>,
}

/// A client that has connections.
#[derive(Debug, Default)]
struct Open {
    n_connections: usize,
    /// The number of its latest request. They grow.
    request_last: u64,
    /// Its latest requests for objects that are not cached.
    missed: VecDeque<u64>,
}

/// Reads, and writes, that a client may have under way at once.
const N_UNDER_WAY_MAX: usize = 64;

/// After how long a write whose chunks do not come is given up.
const PUT_LIMIT: Duration = Duration::from_mins(2);

impl Sessions {
    /// A connection of this client opened.
    pub(crate) fn opened(&mut self, session: u64) {
        self.open.entry(session).or_default().n_connections += 1;
    }

    /// One closed. With the last one, its reads end, and its writes are handed out to be failed.
    pub(crate) fn closed(&mut self, session: u64) -> Vec<Arc<Put>> {
        let Some(open) = self.open.get_mut(&session) else { return Vec::new() };
        open.n_connections -= 1;
        if open.n_connections != 0 {
            return Vec::new();
        }
        self.open.remove(&session);
        let of_session = (session, 0)..=(session, u64::MAX);
        let reads: Vec<_> = self.reads.range(of_session.clone()).map(|it| *it.0).collect();
        for name in reads {
            self.reads.remove(&name);
        }
        let puts: Vec<_> = self.puts.range(of_session).map(|it| *it.0).collect();
        puts.into_iter().filter_map(|name| self.puts.remove(&name)).collect()
    }

    /// The read under way with this name.
    pub(crate) fn read(&self, name: (u64, u64)) -> Option<Arc<Read>> {
        self.reads.get(&name).cloned()
    }

    /// Lets a read be found by its other chunks. Of too many of one client, the oldest is
    /// forgotten: some of its chunks were never asked for, as where a connection was cut.
    pub(crate) fn add_read(&mut self, name: (u64, u64), read: Arc<Read>) {
        let (session, _) = name;
        let of_session = || (session, 0)..=(session, u64::MAX);
        if N_UNDER_WAY_MAX <= self.reads.range(of_session()).count() {
            let oldest = self.reads.range(of_session()).next().map(|(name, _)| *name);
            oldest.and_then(|it| self.reads.remove(&it));
        }
        self.reads.insert(name, read);
    }

    /// Notes a request that changes something. What was held up on the way, and given up by the
    /// client, is not to undo what came after.
    ///
    /// # Errors
    /// If a later one has overtaken it.
    pub(crate) fn change(&mut self, (session, request): (u64, u64)) -> Result<(), Refusal> {
        let Some(open) = self.open.get_mut(&session) else { return Ok(()) };
        let is_overtaken = request < open.request_last;
        open.request_last = open.request_last.max(request);
        if is_overtaken { Err(Refusal::OutOfPlace) } else { Ok(()) }
    }

    /// Notes that the object of a read is not cached. Whether it is the first of its chunks that
    /// was asked for.
    pub(crate) fn note_miss(&mut self, (session, request): (u64, u64)) -> bool {
        let Some(open) = self.open.get_mut(&session) else { return true };
        if open.missed.contains(&request) {
            return false;
        }
        if open.missed.len() == N_UNDER_WAY_MAX {
            open.missed.pop_front();
        }
        open.missed.push_back(request);
        true
    }

    /// Whether the object of a read was not cached when another of its chunks was asked for.
    pub(crate) fn has_missed(&self, (session, request): (u64, u64)) -> bool {
        self.open.get(&session).is_some_and(|it| it.missed.contains(&request))
    }

    /// Forgets a read all of whose chunks were asked for.
    pub(crate) fn remove_read(&mut self, name: (u64, u64)) {
        self.reads.remove(&name);
    }

    /// The write under way with this name.
    pub(crate) fn put(&self, name: (u64, u64)) -> Option<Arc<Put>> {
        self.puts.get(&name).cloned()
    }

    /// Lets a write be found by its other chunks.
    pub(crate) fn add_put(&mut self, name: (u64, u64), put: Arc<Put>) {
        self.puts.insert(name, put);
    }

    /// Forgets a write.
    pub(crate) fn remove_put(&mut self, name: (u64, u64)) {
        self.puts.remove(&name);
    }

    /// Hands out writes to be failed, since their chunks did not come in time; and whether this
    /// one, if it is new, may be begun.
    pub(crate) fn make_room(&mut self, name: (u64, u64)) -> (Vec<Arc<Put>>, bool) {
        if self.puts.contains_key(&name) {
            return (Vec::new(), true);
        }
        let late = |it: &Arc<Put>| PUT_LIMIT < it.began.elapsed();
        let names: Vec<_> =
            self.puts.iter().filter(|(_, it)| late(it)).map(|(name, _)| *name).collect();
        let expired = names.into_iter().filter_map(|name| self.puts.remove(&name)).collect();
        let of_session = (name.0, 0)..=(name.0, u64::MAX);
        (expired, self.puts.range(of_session).count() < N_UNDER_WAY_MAX)
    }
}
