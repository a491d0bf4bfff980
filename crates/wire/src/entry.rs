//! What a function says it holds, when it is backed up.

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::WireError;
use crate::head::NAME_LEN_MAX;
use crate::message::ChunkId;

/// One line of an inventory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which chunk.
    pub id: ChunkId,
    /// Whether it is held, or was deleted.
    pub is_held: bool,
}

/// An entry without its key: held or deleted, chunk, length of the key, version.
const FIXED_LEN: usize = 1 + 1 + 2 + 8;

impl Entry {
    /// Appends the entry.
    ///
    /// # Panics
    /// If the key is longer than [`NAME_LEN_MAX`].
    pub fn write(&self, to: &mut BytesMut) {
        let ChunkId { key, chunk, version } = &self.id;
        assert!(key.len() <= NAME_LEN_MAX, "a key of {} bytes", key.len());
        to.reserve(FIXED_LEN + key.len());
        to.put_u8(self.is_held.into());
        to.put_u8(*chunk);
        to.put_u16_le(u16::try_from(key.len()).expect("asserted"));
        to.put_u64_le(*version);
        to.put_slice(key);
    }
}

/// Reads a list of `n_entries` entries that fills `bytes`.
///
/// # Errors
/// If it ends early or late, or an entry holds what it cannot.
pub fn parse_entries(bytes: &[u8], n_entries: usize) -> Result<Vec<Entry>, WireError> {
    // What the list says of its length is believed only as far as its bytes reach.
    let mut entries = Vec::with_capacity(n_entries.min(bytes.len() / FIXED_LEN));
    let mut rest = bytes;
    while entries.len() < n_entries {
        let bad = |what| WireError::BadEntry { n_entries: entries.len(), what };
        let Some((fixed, after)) = rest.split_first_chunk::<FIXED_LEN>() else {
            return Err(bad("the list ends within it"));
        };
        let key_len = usize::from(u16::from_le_bytes([fixed[2], fixed[3]]));
        if NAME_LEN_MAX < key_len {
            return Err(bad("its key is too long"));
        }
        let Some((key, after)) = after.split_at_checked(key_len) else {
            return Err(bad("the list ends within its key"));
        };
        let is_held = match fixed[0] {
            0 => false,
            1 => true,
            _ => return Err(bad("it is neither held nor deleted")),
        };
        let version = u64::from_le_bytes(fixed[4..].try_into().expect("8 bytes are 8 bytes"));
        let id = ChunkId { key: Bytes::copy_from_slice(key), chunk: fixed[1], version };
        entries.push(Entry { id, is_held });
        rest = after;
    }
    if !rest.is_empty() {
        let what = "bytes follow the last one";
        return Err(WireError::BadEntry { n_entries: entries.len(), what });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let key = prop::collection::vec(any::<u8>(), 0..40).prop_map(Bytes::from);
        let entry = (key, any::<u8>(), any::<u64>(), any::<bool>());
        let entry = entry.prop_map(|(key, chunk, version, is_held)| Entry {
            id: ChunkId { key, chunk, version },
            is_held,
        });
        prop::collection::vec(entry, 0..20)
    }

    proptest! {
        #[test]
        fn a_list_comes_back_and_no_part_of_it_passes_for_it(list in entries()) {
            let mut bytes = BytesMut::new();
            for entry in &list {
                entry.write(&mut bytes);
            }
            prop_assert_eq!(parse_entries(&bytes, list.len()), Ok(list.clone()));
            for n_bytes in 0..bytes.len() {
                prop_assert!(parse_entries(&bytes[..n_bytes], list.len()).is_err());
            }
            bytes.put_u8(0);
            prop_assert!(parse_entries(&bytes, list.len()).is_err());
        }

        #[test]
        fn anything_is_refused_or_understood(bytes: Vec<u8>, n_entries in 0..usize::MAX) {
            let _ = parse_entries(&bytes, n_entries);
        }
    }
}
