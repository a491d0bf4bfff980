//! Reads and writes that clients have under way over several connections.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use wire::Refusal;

use super::read::{Put, Read};

/// What clients have under way, by client and request.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    n_connections: BTreeMap<u64, usize>,
    reads: BTreeMap<(u64, u64), Arc<Read>>,
    puts: BTreeMap<(u64, u64), Arc<Put>>,
}

/// Reads, and writes, that a client may have under way at once.
const N_UNDER_WAY_MAX: usize = 64;

/// After how long a write whose chunks do not come is given up.
const PUT_LIMIT: Duration = Duration::from_mins(2);

impl Sessions {
    /// A connection of this client opened.
    pub(crate) fn opened(&mut self, session: u64) {
        *self.n_connections.entry(session).or_default() += 1;
    }

    /// One closed. With the last one, its reads end, and its writes are handed out to be failed.
    pub(crate) fn closed(&mut self, session: u64) -> Vec<Arc<Put>> {
        let Some(n_connections) = self.n_connections.get_mut(&session) else { return Vec::new() };
        *n_connections -= 1;
        if *n_connections != 0 {
            return Vec::new();
        }
        self.n_connections.remove(&session);
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

    /// Lets a read be found by its other chunks.
    ///
    /// # Errors
    /// If the client has too many under way.
    pub(crate) fn add_read(&mut self, name: (u64, u64), read: Arc<Read>) -> Result<(), Refusal> {
        let (session, _) = name;
        let of_session = (session, 0)..=(session, u64::MAX);
        if N_UNDER_WAY_MAX <= self.reads.range(of_session).count() {
            return Err(Refusal::Busy);
        }
        self.reads.insert(name, read);
        Ok(())
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
