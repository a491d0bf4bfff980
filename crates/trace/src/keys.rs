//! The keys of a trace, each stored once and named by a dense id.

use std::ops::Deref;

use hashbrown::HashTable;
use twox_hash::XxHash64;
use units::ObjectId;

use crate::number::{DecimalText, leading_digits};

mod numbers;

use numbers::NumberIds;

/// The keys of a trace by [`ObjectId`].
#[derive(Clone, Debug)]
pub struct Keys(Names);

#[derive(Clone, Debug)]
enum Names {
    /// As long as all are numbers as [`number_of`] reads them: half the memory, and nothing to be
    /// written or hashed until someone asks.
    Numbers(Vec<u64>),
    Texts(Texts),
}

/// Texts, all in one piece of memory.
#[derive(Clone, Debug, Default)]
struct Texts {
    arena: Vec<u8>,
    /// Where each ends in the arena; it starts where the one before it ends.
    ends: Vec<usize>,
    /// The xxh64 of each.
    hashes: Vec<u64>,
}

/// A key as it stands in the trace.
#[derive(Clone, Copy, Debug)]
pub struct KeyText<'a>(Form<'a>);

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    Text(&'a [u8]),
    Number(DecimalText),
}

impl Deref for KeyText<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Form::Text(text) => text,
            Form::Number(digits) => digits.as_bytes(),
        }
    }
}

impl<'a> From<&'a [u8]> for KeyText<'a> {
    fn from(text: &'a [u8]) -> KeyText<'a> {
        KeyText(Form::Text(text))
    }
}

impl PartialEq for KeyText<'_> {
    fn eq(&self, other: &KeyText<'_>) -> bool {
        **self == **other
    }
}

impl Eq for KeyText<'_> {}

impl Default for Keys {
    fn default() -> Keys {
        Keys(Names::Numbers(Vec::new()))
    }
}

impl Keys {
    /// How many keys there are; their ids are `0..len`.
    pub fn len(&self) -> usize {
        match &self.0 {
            Names::Numbers(numbers) => numbers.len(),
            Names::Texts(texts) => texts.ends.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the object's key, as they stand in the trace.
    pub fn get(&self, object: ObjectId) -> KeyText<'_> {
        KeyText(match &self.0 {
            Names::Numbers(numbers) => Form::Number(DecimalText::of(numbers[object.index()])),
            Names::Texts(texts) => Form::Text(texts.get(object)),
        })
    }

    /// The 64-bit xxHash (XXH64, seed 0) of the object's key, as the hash ring uses it.
    pub fn hash(&self, object: ObjectId) -> u64 {
        match &self.0 {
            Names::Numbers(_) => XxHash64::oneshot(0, &self.get(object)),
            Names::Texts(texts) => texts.hashes[object.index()],
        }
    }

    /// Appends a key that is not there yet.
    pub(crate) fn push(&mut self, key: &[u8]) {
        match number_of(key) {
            Some(number) => self.push_number(number),
            None => self.texts().push(key, XxHash64::oneshot(0, key)),
        }
    }

    /// The same for the key that is this number, which [`number_of`] can read.
    fn push_number(&mut self, number: u64) {
        match &mut self.0 {
            Names::Numbers(numbers) => numbers.push(number),
            Names::Texts(texts) => texts.push_number(number),
        }
    }

    /// The keys as texts, which they are from now on.
    fn texts(&mut self) -> &mut Texts {
        if let Names::Numbers(numbers) = &mut self.0 {
            let mut texts = Texts::default();
            for number in numbers.iter() {
                texts.push_number(*number);
            }
            self.0 = Names::Texts(texts);
        }
        let Names::Texts(texts) = &mut self.0 else { unreachable!("they are texts now") };
        texts
    }
}

impl Texts {
    fn get(&self, object: ObjectId) -> &[u8] {
        let index = object.index();
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.arena[start..self.ends[index]]
    }

    fn push(&mut self, key: &[u8], hash: u64) {
        self.arena.extend_from_slice(key);
        self.ends.push(self.arena.len());
        self.hashes.push(hash);
    }

    fn push_number(&mut self, number: u64) {
        let digits = DecimalText::of(number);
        self.push(digits.as_bytes(), XxHash64::oneshot(0, digits.as_bytes()));
    }
}

/// Gives each distinct key a dense id, in the order of first appearance.
///
/// Most traces name objects by number. Such a key is looked up by the number alone, which stands
/// in the table itself: half the memory accesses of a key that has to be compared in the arena.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    keys: Keys,
    /// Keys that are numbers as [`number_of`] reads them, with their ids.
    numbers: NumberIds,
    /// The ids of all other keys.
    texts: HashTable<u32>,
}

impl Interner {
    /// The most keys that fit: `u32::MAX` itself stands for "none" elsewhere.
    pub(crate) const N_KEYS_MAX: u32 = u32::MAX - 1;
    /// The id of `key`, new or known, or `None` where no id is left.
    pub(crate) fn intern(&mut self, key: &[u8]) -> Option<ObjectId> {
        match number_of(key) {
            Some(number) => self.numbers.find(number).or_else(|| self.add_number(number)),
            None => self.intern_text(key),
        }
    }

    /// The id of the key that is `number` in decimal digits.
    pub(crate) fn intern_number(&mut self, number: u64) -> Option<ObjectId> {
        if NUMBER_MAX < number {
            return self.intern_text(DecimalText::of(number).as_bytes());
        }
        self.numbers.find(number).or_else(|| self.add_number(number))
    }

    /// Makes ready for keys that are these numbers; see [`NumberIds::fetch`].
    pub(crate) fn fetch_numbers(&self, numbers: impl Iterator<Item = u64>) {
        self.numbers.fetch(numbers);
    }

    /// The ids of the keys that are these numbers, none above [`NUMBER_MAX`], as many as there is
    /// room for in `ids`; and there [is room](Interner::has_room) for new ones.
    pub(crate) fn intern_numbers(
        &mut self,
        numbers: impl Iterator<Item = u64>,
        ids: &mut [ObjectId],
    ) {
        for (id, number) in ids.iter_mut().zip(numbers) {
            let found = self.numbers.find(number).or_else(|| self.add_number(number));
            *id = found.expect("there are enough ids");
        }
    }

    /// Whether there are ids for so many keys more.
    pub(crate) fn has_room(&self, n_keys: usize) -> bool {
        self.keys.len() + n_keys <= Self::N_KEYS_MAX as usize
    }

    /// The keys that have an id.
    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The keys, once no more come.
    pub(crate) fn into_keys(self) -> Keys {
        self.keys
    }

    fn add_number(&mut self, number: u64) -> Option<ObjectId> {
        let id = ObjectId(self.next_id()?);
        self.keys.push_number(number);
        self.numbers.insert(number, id);
        Some(id)
    }

    fn intern_text(&mut self, key: &[u8]) -> Option<ObjectId> {
        let hash = XxHash64::oneshot(0, key);
        let next_id = self.next_id();
        let texts = self.keys.texts();
        if let Some(id) = self.texts.find(hash, |id| texts.get(ObjectId(*id)) == key) {
            return Some(ObjectId(*id));
        }
        let id = next_id?;
        texts.push(key, hash);
        self.texts.insert_unique(hash, id, |id| texts.hashes[*id as usize]);
        Some(ObjectId(id))
    }

    fn next_id(&self) -> Option<u32> {
        u32::try_from(self.keys.len()).ok().filter(|id| *id < Self::N_KEYS_MAX)
    }
}

/// Every number of so many digits fits into 64 bits.
const N_DIGITS_MAX: usize = 19;

/// The largest number of as many digits; a key that is a larger one is a text.
pub(crate) const NUMBER_MAX: u64 = 9_999_999_999_999_999_999;

/// The number that `key` is the one way to write: digits, without a zero in front.
pub(crate) fn number_of(key: &[u8]) -> Option<u64> {
    let (number, n_digits) = leading_digits(key);
    let is_number = n_digits == key.len() && (1..=N_DIGITS_MAX).contains(&n_digits);
    let is_only_way = key.first() != Some(&b'0') || n_digits == 1;
    (is_number && is_only_way).then_some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::builder::{N_AT_ONCE, NO_ID};

    #[test]
    fn equal_keys_share_an_id_and_ids_are_dense() {
        let keys = ["a", "7", "a", "", "7", "07", "00", "0", "+7", "7 ", "18446744073709551623"];
        let mut interner = Interner::default();
        let ids = keys.map(|it| interner.intern(it.as_bytes()).unwrap().0);
        // The last is 7 modulo 2^64.
        assert_eq!(ids, [0, 1, 0, 2, 1, 3, 4, 5, 6, 7, 8]);
        let keys = interner.into_keys();
        assert_eq!(keys.len(), 9);
        assert_eq!(*keys.get(ObjectId(1)), *b"7");
        assert_eq!(*keys.get(ObjectId(2)), *b"");
        assert_eq!(keys.hash(ObjectId(1)), XxHash64::oneshot(0, b"7"));
    }

    #[test]
    fn keys_are_the_same_as_numbers_and_as_texts() {
        let mut numbers = Interner::default();
        let mut mixed = Interner::default();
        for number in [7, 0, 9_999_999_999_999_999_999, 12] {
            assert_eq!(numbers.intern_number(number), mixed.intern_number(number));
        }
        assert_eq!(mixed.intern(b"a text"), Some(ObjectId(4)));
        assert_eq!(mixed.intern(b"12"), Some(ObjectId(3)));
        assert_eq!(mixed.intern_number(13), Some(ObjectId(5)));
        let (numbers, mixed) = (numbers.into_keys(), mixed.into_keys());
        for id in (0..4).map(ObjectId) {
            assert_eq!(numbers.get(id), mixed.get(id));
            assert_eq!(numbers.hash(id), mixed.hash(id));
        }
        assert_eq!(mixed.hash(ObjectId(5)), XxHash64::oneshot(0, b"13"));
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

    proptest! {
        #[test]
        fn many_numbers_at_once_have_the_ids_that_each_would_have(
            numbers in prop::collection::vec(0..400_u64, 0..1_000),
            n_at_once in 1..=N_AT_ONCE,
        ) {
            let (mut at_once, mut by_one) = (Interner::default(), Interner::default());
            for some in numbers.chunks(n_at_once) {
                let mut ids = vec![NO_ID; some.len()];
                at_once.intern_numbers(some.iter().copied(), &mut ids);
                for (number, id) in some.iter().zip(ids) {
                    prop_assert_eq!(by_one.intern_number(*number), Some(id));
                    prop_assert_eq!(at_once.intern_number(*number), Some(id));
                }
            }
        }
    }
}
