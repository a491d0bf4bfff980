//! Objects that are made from their key: a store that holds any number of them takes no room,
//! and whoever reads one can tell whether it is right.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use policy::placer::keyed_picks;
use tokio::time::Instant;
use twox_hash::XxHash3_64;
use units::Nanos;

use crate::object::off_the_async_threads;
use crate::store::BackingStore;

/// The object of this key and length: always the same bytes, and others for another key or
/// length.
pub fn object(key: &[u8], n_bytes: usize) -> Bytes {
    let mut bytes = Vec::with_capacity(n_bytes.next_multiple_of(WORD_LEN));
    for word in words(key, n_bytes) {
        bytes.extend_from_slice(&word);
    }
    bytes.truncate(n_bytes);
    bytes.into()
}

/// Whether these are the bytes of the object of this key and their length.
pub fn is_object(key: &[u8], bytes: &[u8]) -> bool {
    let mut pieces = bytes.chunks(WORD_LEN).zip(words(key, bytes.len()));
    pieces.all(|(piece, word)| *piece == word[..piece.len()])
}

const WORD_LEN: usize = 8;

/// Numbers that look random, and follow from the key and the length: the same that choose where an
/// object is placed.
fn words(key: &[u8], n_bytes: usize) -> impl Iterator<Item = [u8; WORD_LEN]> {
    let hash = XxHash3_64::oneshot_with_seed(n_bytes as u64, key);
    keyed_picks(hash, 0).map(u64::to_le_bytes).take(n_bytes.div_ceil(WORD_LEN))
}

/// How long a store takes for a read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoreTerms {
    /// Until the first byte.
    pub first_byte: Nanos,
    /// For each byte, in seconds.
    pub seconds_per_byte: f64,
}

impl StoreTerms {
    /// A store that answers as fast as this machine can.
    pub const INSTANT: StoreTerms = StoreTerms { first_byte: Nanos::ZERO, seconds_per_byte: 0.0 };

    fn delay(&self, n_bytes: u64) -> std::time::Duration {
        let seconds = self.first_byte.as_seconds_f64() + n_bytes as f64 * self.seconds_per_byte;
        std::time::Duration::from_secs_f64(seconds)
    }
}

/// A backing store of such objects, which knows the length of each.
#[derive(Debug)]
pub struct MadeStore {
    terms: StoreTerms,
    lengths: Mutex<BTreeMap<Bytes, u64>>,
}

impl MadeStore {
    /// A store without objects.
    pub fn new(terms: StoreTerms) -> MadeStore {
        MadeStore { terms, lengths: Mutex::default() }
    }

    /// The length of an object; of this length from now on if it was not there.
    pub fn length_or(&self, key: &Bytes, n_bytes: u64) -> u64 {
        *self.lengths().entry(key.clone()).or_insert(n_bytes)
    }

    /// The length of an object, if it is there.
    pub fn length(&self, key: &[u8]) -> Option<u64> {
        self.lengths().get(key).copied()
    }

    /// Holds an object of this length from now on.
    pub fn hold(&self, key: &Bytes, n_bytes: u64) {
        self.lengths().insert(key.clone(), n_bytes);
    }

    fn lengths(&self) -> MutexGuard<'_, BTreeMap<Bytes, u64>> {
        self.lengths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BackingStore for MadeStore {
    async fn get(&self, key: &[u8]) -> io::Result<Option<Bytes>> {
        let began = Instant::now();
        let Some(length) = self.length(key) else { return Ok(None) };
        let n_bytes = usize::try_from(length).map_err(io::Error::other)?;
        let key = key.to_vec();
        let made = off_the_async_threads(n_bytes, move || object(&key, n_bytes)).await;
        tokio::time::sleep_until(began + self.terms.delay(length)).await;
        Ok(Some(made))
    }

    /// Keeps its length only.
    async fn put(&self, key: &[u8], object: Bytes) -> io::Result<()> {
        self.hold(&Bytes::copy_from_slice(key), object.len() as u64);
        Ok(())
    }

    async fn delete(&self, key: &[u8]) -> io::Result<bool> {
        Ok(self.lengths().remove(key).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_told_from_any_other() {
        for n_bytes in [0, 1, 7, 8, 9, 1_000] {
            let bytes = object(b"song", n_bytes);
            assert_eq!(bytes.len(), n_bytes);
            assert!(is_object(b"song", &bytes));
            assert_eq!(bytes, object(b"song", n_bytes));
            if 0 < n_bytes {
                assert!(!is_object(b"sons", &bytes), "{n_bytes}");
                assert!(!is_object(b"song", &bytes[1..]) || n_bytes == 1, "{n_bytes}");
                let mut damaged = bytes.to_vec();
                *damaged.last_mut().unwrap() ^= 1;
                assert!(!is_object(b"song", &damaged), "{n_bytes}");
            }
        }
    }

    #[test]
    fn an_object_is_the_same_in_every_version_of_this_program() {
        let expect = b"\x84\x13\x56\x60\xc3\xd5\x6b\x3d\xac\x3e\
            \x0a\x51\x58\x90\xae\xfc\x32\x97\x52\xd2";
        assert_eq!(&object(b"song", 20)[..], expect);
    }

    #[tokio::test]
    async fn a_store_makes_what_it_was_told_of() {
        let store = MadeStore::new(StoreTerms::INSTANT);
        assert_eq!(store.get(b"song").await.unwrap(), None);
        assert_eq!(store.length_or(&Bytes::from_static(b"song"), 100_000), 100_000);
        assert_eq!(store.length_or(&Bytes::from_static(b"song"), 5), 100_000);
        assert_eq!(store.get(b"song").await.unwrap(), Some(object(b"song", 100_000)));
        store.put(b"song", object(b"song", 5)).await.unwrap();
        assert_eq!(store.get(b"song").await.unwrap(), Some(object(b"song", 5)));
        assert!(store.delete(b"song").await.unwrap());
        assert_eq!(store.get(b"song").await.unwrap(), None);
    }
}
