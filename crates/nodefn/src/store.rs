//! The chunks that a function holds between invocations.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use wire::{ChunkId, Entry, Refusal};

use crate::room::held_bytes;

/// Chunks in memory, up to a bound.
///
/// Of a chunk, one version is held. One that was deleted leaves a mark, so that a peer replica
/// that still holds it hears of it.
#[derive(Debug, Default)]
pub struct Store {
    chunks: BTreeMap<(Bytes, u8), Held>,
    used_bytes: u64,
    n_held: u64,
    /// Counts uses, so that the latest can be told.
    n_uses: u64,
    /// The chunks deleted, by when; a bounded number.
    marks: BTreeMap<u64, (Bytes, u8)>,
    /// The chunks that may have been deleted without a word, by when they were last used.
    doubtful: BTreeMap<u64, (Bytes, u8)>,
    doubtful_bytes: u64,
}

#[derive(Debug)]
struct Held {
    version: u64,
    /// Nothing where it was deleted.
    body: Option<Bytes>,
    /// The count of uses when it was last used or deleted.
    used_at: u64,
}

impl Held {
    /// Whether just this version was deleted. A SET of it that comes later had been overtaken.
    fn is_mark_of(&self, id: &ChunkId) -> bool {
        self.body.is_none() && self.version == id.version
    }
}

/// Why a chunk was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotStored {
    /// There is no memory left for it.
    Full,
    /// A newer version is held, or was deleted.
    Superseded,
}

/// What a chunk takes besides its body and key, in bytes: entries of maps and allocations.
const OVERHEAD_BYTES: u64 = 160;

/// How many deleted chunks are remembered. A forgotten one takes memory of a replica until that
/// needs it for others, and nothing else: its version is never asked for again.
const N_MARKS_MAX: usize = 4096;

impl Store {
    /// Nothing held.
    pub fn new() -> Store {
        Store::default()
    }

    /// How many chunks are held.
    pub fn n_chunks(&self) -> u64 {
        self.n_held
    }

    /// How much memory they take, keys included, in bytes.
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// The body of a chunk, if this version of it is held.
    pub fn get(&mut self, id: &ChunkId) -> Option<Bytes> {
        let held = self.chunks.get_mut(&(id.key.clone(), id.chunk))?;
        let body = held.body.clone().filter(|_| held.version == id.version)?;
        if self.doubtful.remove(&held.used_at).is_some() {
            self.doubtful_bytes -= footprint(&id.key, Some(&body));
        }
        self.n_uses += 1;
        held.used_at = self.n_uses;
        Some(body)
    }

    /// Whether this version of a chunk, or a newer one, is held or was deleted.
    pub fn is_known(&self, id: &ChunkId) -> bool {
        let held = self.chunks.get(&(id.key.clone(), id.chunk));
        held.is_some_and(|it| id.version <= it.version)
    }

    /// Whether a chunk with a body of this length would be stored in this capacity.
    ///
    /// # Errors
    /// If not.
    pub fn check(&self, id: &ChunkId, body_len: u64, capacity: u64) -> Result<(), NotStored> {
        let held = self.chunks.get(&(id.key.clone(), id.chunk));
        if held.is_some_and(|it| id.version < it.version || it.is_mark_of(id)) {
            return Err(NotStored::Superseded);
        }
        let is_doubtful = held.is_some_and(|it| self.doubtful.contains_key(&it.used_at));
        let replaced = held.filter(|_| !is_doubtful);
        let freed = replaced.map_or(0, |it| footprint(&id.key, it.body.as_ref()));
        let needed = footprint_bytes(id.key.len(), body_len);
        if capacity < (self.used_bytes - freed - self.doubtful_bytes).saturating_add(needed) {
            return Err(NotStored::Full);
        }
        Ok(())
    }

    /// Stores a chunk, in the place of any older version. What makes the store fuller than
    /// `capacity` bytes is refused, and the older version dropped: nobody asks for it again.
    ///
    /// # Errors
    /// If there is no memory left, or a newer version was here.
    pub fn set(&mut self, id: ChunkId, body: Bytes, capacity: u64) -> Result<(), NotStored> {
        let fits = self.check(&id, body.len() as u64, capacity);
        if fits == Err(NotStored::Superseded) {
            return fits;
        }
        let ChunkId { key, chunk, version } = id;
        self.forget(&(key.clone(), chunk));
        fits?;
        let needed = footprint(&key, Some(&body));
        while capacity < self.used_bytes + needed
            && let Some(oldest) = self.doubtful.first_entry().map(|it| it.get().clone())
        {
            self.forget(&oldest);
        }
        self.used_bytes += needed;
        self.n_held += 1;
        self.n_uses += 1;
        let held = Held { version, body: Some(body), used_at: self.n_uses };
        self.chunks.insert((key, chunk), held);
        Ok(())
    }

    /// Drops a chunk, in this version and older ones, and remembers that it was deleted.
    /// Whether it was held.
    pub fn delete(&mut self, id: &ChunkId) -> bool {
        let name = (id.key.clone(), id.chunk);
        if self.chunks.get(&name).is_some_and(|it| id.version < it.version) {
            return false;
        }
        let was_held = self.forget(&name);
        self.n_uses += 1;
        let held = Held { version: id.version, body: None, used_at: self.n_uses };
        self.chunks.insert(name.clone(), held);
        self.marks.insert(self.n_uses, name);
        if N_MARKS_MAX < self.marks.len()
            && let Some((_, oldest)) = self.marks.pop_first()
        {
            self.chunks.remove(&oldest);
        }
        was_held
    }

    /// Drops a chunk in any older version.
    pub fn drop_older(&mut self, id: &ChunkId) {
        let name = (id.key.clone(), id.chunk);
        if self.chunks.get(&name).is_some_and(|it| it.version < id.version) {
            self.forget(&name);
        }
    }

    /// Notes what another instance, which was in use meanwhile, holds and has deleted. What it
    /// knows nothing of makes way where room is needed: more may have been deleted than is
    /// remembered. Or that instance came fresh, in the place of one that was taken back.
    pub fn doubt(&mut self, inventory: &[Entry]) {
        let known: BTreeSet<(&[u8], u8)> =
            inventory.iter().map(|it| (&it.id.key[..], it.id.chunk)).collect();
        self.doubtful.clear();
        self.doubtful_bytes = 0;
        for ((key, chunk), held) in &self.chunks {
            if held.body.is_some() && !known.contains(&(&key[..], *chunk)) {
                self.doubtful.insert(held.used_at, (key.clone(), *chunk));
                self.doubtful_bytes += footprint(key, held.body.as_ref());
            }
        }
    }

    /// Drops all chunks of versions below this one.
    pub fn drop_below(&mut self, version_min: u64) {
        let old = self.chunks.iter().filter(|(_, it)| it.version < version_min);
        let old: Vec<_> = old.map(|(name, _)| name.clone()).collect();
        for name in old {
            self.forget(&name);
        }
    }

    /// What is held, for a peer replica: deleted ones first, then by latest use.
    pub fn inventory(&self) -> Vec<Entry> {
        let mut held: Vec<_> = self.chunks.iter().collect();
        held.sort_by_key(|(_, it)| (it.body.is_some(), std::cmp::Reverse(it.used_at)));
        let entry = |((key, chunk), it): (&(Bytes, u8), &Held)| Entry {
            id: ChunkId { key: key.clone(), chunk: *chunk, version: it.version },
            is_held: it.body.is_some(),
        };
        held.into_iter().map(entry).collect()
    }

    /// Removes every trace of a chunk. Whether it was held.
    fn forget(&mut self, name: &(Bytes, u8)) -> bool {
        let Some(held) = self.chunks.remove(name) else { return false };
        let freed = footprint(&name.0, held.body.as_ref());
        self.used_bytes -= freed;
        if self.doubtful.remove(&held.used_at).is_some() {
            self.doubtful_bytes -= freed;
        }
        self.marks.remove(&held.used_at);
        self.n_held -= u64::from(held.body.is_some());
        held.body.is_some()
    }
}

/// What a chunk with a key and a body of these lengths takes of a function's memory, in bytes.
pub fn footprint_bytes(key_len: usize, body_len: u64) -> u64 {
    (OVERHEAD_BYTES + key_len as u64).saturating_add(held_bytes(body_len))
}

fn footprint(key: &Bytes, body: Option<&Bytes>) -> u64 {
    body.map_or(0, |it| footprint_bytes(key.len(), it.len() as u64))
}

impl From<NotStored> for Refusal {
    fn from(why: NotStored) -> Refusal {
        match why {
            NotStored::Full => Refusal::Full,
            NotStored::Superseded => Refusal::Superseded,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CAPACITY: u64 = 2_000;

    fn id(key: &'static str, chunk: u8, version: u64) -> ChunkId {
        ChunkId { key: Bytes::from_static(key.as_bytes()), chunk, version }
    }

    fn body(n_bytes: usize) -> Bytes {
        Bytes::from(vec![7; n_bytes])
    }

    #[test]
    fn a_version_answers_to_its_own_name_only() {
        let mut store = Store::new();
        assert_eq!(store.set(id("a", 0, 5), body(10), CAPACITY), Ok(()));
        assert_eq!(store.get(&id("a", 0, 5)), Some(body(10)));
        assert_eq!(store.get(&id("a", 0, 4)), None);
        assert_eq!(store.get(&id("a", 1, 5)), None);
        assert_eq!(store.set(id("a", 0, 4), body(10), CAPACITY), Err(NotStored::Superseded));
        assert_eq!(store.set(id("a", 0, 6), body(20), CAPACITY), Ok(()));
        assert_eq!((store.n_chunks(), store.get(&id("a", 0, 5))), (1, None));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_what_it_replaces_is_gone() {
        let mut store = Store::new();
        assert_eq!(store.set(id("a", 0, 1), body(1_000), CAPACITY), Ok(()));
        assert_eq!(store.set(id("b", 0, 2), body(1_000), CAPACITY), Err(NotStored::Full));
        assert_eq!(store.set(id("a", 0, 3), body(1_500), CAPACITY), Ok(()));
        assert_eq!(store.set(id("a", 0, 4), body(1_900), CAPACITY), Err(NotStored::Full));
        assert_eq!((store.n_chunks(), store.used_bytes()), (0, 0));
    }

    #[test]
    fn a_deleted_chunk_leaves_a_mark_for_the_replica() {
        let mut store = Store::new();
        for (key, version) in [("a", 1), ("b", 2), ("c", 3)] {
            assert_eq!(store.set(id(key, 0, version), body(10), CAPACITY), Ok(()));
        }
        store.get(&id("a", 0, 1));
        assert!(!store.delete(&id("b", 0, 1)), "an older DELETE leaves the newer version");
        assert!(store.delete(&id("b", 0, 2)));
        let list: Vec<_> = store.inventory().into_iter().map(|it| (it.id, it.is_held)).collect();
        let expect = [(id("b", 0, 2), false), (id("a", 0, 1), true), (id("c", 0, 3), true)];
        assert_eq!(list, expect);
        assert!(store.is_known(&id("b", 0, 2)));
        for version in [1, 2] {
            let overtaken = store.set(id("b", 0, version), body(10), CAPACITY);
            assert_eq!(overtaken, Err(NotStored::Superseded));
        }
    }

    #[test]
    fn a_restarted_proxy_finds_the_memory_free() {
        let mut store = Store::new();
        assert_eq!(store.set(id("a", 0, 1), body(10), CAPACITY), Ok(()));
        assert_eq!(store.set(id("a", 1, 9), body(10), CAPACITY), Ok(()));
        store.drop_below(9);
        assert_eq!(
            (store.n_chunks(), store.used_bytes()),
            (1, footprint(&"a".into(), Some(&body(10))))
        );
    }

    #[test]
    fn what_the_other_instance_knows_nothing_of_makes_way() {
        let mut store = Store::new();
        for (key, version) in [("a", 1), ("b", 2), ("c", 3)] {
            assert_eq!(store.set(id(key, 0, version), body(400), CAPACITY), Ok(()));
        }
        assert_eq!(store.set(id("d", 0, 4), body(900), CAPACITY), Err(NotStored::Full));
        store.doubt(&[Entry { id: id("c", 0, 3), is_held: true }]);
        // It is still served, and then is in doubt no longer.
        assert_eq!(store.get(&id("a", 0, 1)), Some(body(400)));
        assert_eq!(store.set(id("d", 0, 4), body(900), CAPACITY), Err(NotStored::Full));
        assert_eq!(store.set(id("d", 0, 4), body(500), CAPACITY), Ok(()));
        assert_eq!(store.get(&id("b", 0, 2)), None);
        for (key, version, len) in [("a", 1, 400), ("c", 3, 400), ("d", 4, 500)] {
            assert_eq!(store.get(&id(key, 0, version)), Some(body(len)));
        }
        store.drop_older(&id("a", 0, 1));
        assert_eq!(store.n_chunks(), 3);
        store.drop_older(&id("a", 0, 2));
        assert_eq!(store.n_chunks(), 2);
    }

    proptest! {
        #[test]
        fn the_books_balance(
            orders in prop::collection::vec((0..5_u8, 0..4_u8, 0..9_u64, 0..900_usize), 0..99),
        ) {
            let mut store = Store::new();
            for (verb, chunk, version, n_bytes) in orders {
                let id = id("k", chunk, version);
                match verb {
                    0 => { let _ = store.set(id, body(n_bytes), CAPACITY); }
                    1 => { store.delete(&id); }
                    2 => store.doubt(&[Entry { id, is_held: true }]),
                    3 => store.drop_older(&id),
                    _ => { store.get(&id); }
                }
                let held = || store.chunks.iter().filter(|(_, it)| it.body.is_some());
                let used: u64 = held().map(|(name, it)| footprint(&name.0, it.body.as_ref())).sum();
                prop_assert_eq!(store.used_bytes(), used);
                prop_assert_eq!(store.n_chunks(), held().count() as u64);
                prop_assert!(used <= CAPACITY);
                let doubtful = held().filter(|(_, it)| store.doubtful.contains_key(&it.used_at));
                let n_doubtful = doubtful.clone().count();
                let footprints = doubtful.map(|(name, it)| footprint(&name.0, it.body.as_ref()));
                let n_bytes: u64 = footprints.sum();
                let noted = (store.doubtful.len(), store.doubtful_bytes);
                prop_assert_eq!((n_doubtful, n_bytes), noted);
                let n_marks = store.chunks.values().filter(|it| it.body.is_none()).count();
                prop_assert_eq!(store.marks.len(), n_marks);
            }
        }
    }
}
