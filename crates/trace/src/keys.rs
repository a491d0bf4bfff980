//! The keys of a trace, each stored once and named by a dense id.

use hashbrown::HashTable;
use units::ObjectId;
use xxhash_rust::xxh64::xxh64;

use crate::number::{DecimalText, leading_digits};

/// The keys of a trace by [`ObjectId`], all in one piece of memory.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    arena: Vec<u8>,
    /// Where each key ends in the arena; it starts where the one before it ends.
    ends: Vec<usize>,
    /// The xxh64 of each key.
    hashes: Vec<u64>,
}

impl Keys {
    /// How many keys there are; their ids are `0..len`.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The bytes of the object's key, as they stand in the trace.
    pub fn get(&self, object: ObjectId) -> &[u8] {
        let index = object.index();
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.arena[start..self.ends[index]]
    }

    /// The 64-bit xxHash (XXH64, seed 0) of the object's key, as the hash ring uses it.
    pub fn hash(&self, object: ObjectId) -> u64 {
        self.hashes[object.index()]
    }

    /// Appends a key that is not there yet.
    pub(crate) fn push(&mut self, key: &[u8], hash: u64) {
        self.arena.extend_from_slice(key);
        self.ends.push(self.arena.len());
        self.hashes.push(hash);
    }
}

/// Gives each distinct key a dense id, in the order of first appearance.
///
/// Most traces name objects by number. Such a key is looked up by the number alone, which stands
/// in the table itself: half the memory accesses of a key that has to be compared in the arena,
/// and they are what reading a long trace spends its time on.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    keys: Keys,
    /// Keys that are numbers as [`number_of`] reads them, with their ids.
    numbers: HashTable<(u64, u32)>,
    /// The ids of all other keys.
    texts: HashTable<u32>,
}

impl Interner {
    /// The most keys that fit: `u32::MAX` itself stands for "none" elsewhere.
    pub(crate) const N_KEYS_MAX: u32 = u32::MAX - 1;
    /// The largest number of as many digits as always fit; a larger one is a text.
    const NUMBER_MAX: u64 = 9_999_999_999_999_999_999;

    /// The id of `key`, new or known, or `None` where no id is left.
    pub(crate) fn intern(&mut self, key: &[u8]) -> Option<ObjectId> {
        match number_of(key) {
            Some(number) => self.find_number(number).or_else(|| self.add_number(number, key)),
            None => self.intern_text(key),
        }
    }

    /// The id of the key that is `number` in decimal digits.
    pub(crate) fn intern_number(&mut self, number: u64) -> Option<ObjectId> {
        let mut text = DecimalText::default();
        if Self::NUMBER_MAX < number {
            return self.intern_text(text.text(number));
        }
        self.find_number(number).or_else(|| self.add_number(number, text.text(number)))
    }

    /// The keys, once no more come.
    pub(crate) fn into_keys(self) -> Keys {
        self.keys
    }

    fn find_number(&self, number: u64) -> Option<ObjectId> {
        let found = self.numbers.find(spread(number), |(known, _)| *known == number);
        found.map(|(_, id)| ObjectId(*id))
    }

    fn add_number(&mut self, number: u64, key: &[u8]) -> Option<ObjectId> {
        let id = self.next_id()?;
        self.keys.push(key, xxh64(key, 0));
        let spread_of = |(number, _): &(u64, u32)| spread(*number);
        self.numbers.insert_unique(spread(number), (number, id), spread_of);
        Some(ObjectId(id))
    }

    fn intern_text(&mut self, key: &[u8]) -> Option<ObjectId> {
        let hash = xxh64(key, 0);
        let keys = &self.keys;
        if let Some(id) = self.texts.find(hash, |id| keys.get(ObjectId(*id)) == key) {
            return Some(ObjectId(*id));
        }
        let id = self.next_id()?;
        self.keys.push(key, hash);
        let hashes = &self.keys.hashes;
        self.texts.insert_unique(hash, id, |id| hashes[*id as usize]);
        Some(ObjectId(id))
    }

    fn next_id(&self) -> Option<u32> {
        u32::try_from(self.keys.len()).ok().filter(|id| *id < Self::N_KEYS_MAX)
    }
}

/// Every number of so many digits fits into 64 bits.
const N_DIGITS_MAX: usize = 19;

/// The number that `key` is the one way to write: digits, without a zero in front.
fn number_of(key: &[u8]) -> Option<u64> {
    let (number, n_digits) = leading_digits(key);
    let is_number = n_digits == key.len() && (1..=N_DIGITS_MAX).contains(&n_digits);
    let is_only_way = key.first() != Some(&b'0') || n_digits == 1;
    (is_number && is_only_way).then_some(number)
}

/// Spreads numbers over all bits: the two halves of a product, folded.
fn spread(number: u64) -> u64 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(number ^ 0x2545_f491_4f6c_dd1d) * ODD;
    #[expect(clippy::cast_possible_truncation, reason = "both halves are kept")]
    let folded = (product >> 64) as u64 ^ product as u64;
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_share_an_id_and_ids_are_dense() {
        let keys = ["a", "7", "a", "", "7", "07", "00", "0", "+7", "7 ", "18446744073709551623"];
        let mut interner = Interner::default();
        let ids = keys.map(|it| interner.intern(it.as_bytes()).unwrap().0);
        // The last is 7 modulo 2^64.
        assert_eq!(ids, [0, 1, 0, 2, 1, 3, 4, 5, 6, 7, 8]);
        let keys = interner.into_keys();
        assert_eq!(keys.len(), 9);
        assert_eq!(keys.get(ObjectId(1)), b"7");
        assert_eq!(keys.get(ObjectId(2)), b"");
        assert_eq!(keys.hash(ObjectId(1)), xxh64(b"7", 0));
    }

    #[test]
    fn many_keys_survive_the_growth_of_the_tables() {
        let mut interner = Interner::default();
        for round in 0..2 {
            for number in 0..10_000_u32 {
                let text = interner.intern(format!("object-{number}").as_bytes());
                assert_eq!(text, Some(ObjectId(2 * number)), "round {round}");
                let number_alone = interner.intern(number.to_string().as_bytes());
                assert_eq!(number_alone, Some(ObjectId(2 * number + 1)), "round {round}");
            }
        }
    }
}
