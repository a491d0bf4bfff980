//! The ids of keys that are numbers.

use prefetch_index::prefetch_index;
use units::ObjectId;

use crate::builder::NO_ID;

/// Ids by number: a table with open addressing and linear probing, at most five eighths full.
///
/// A long trace spends its reading waiting for the memory that such a table lies in. So the slot
/// holds the number itself, and [`NumberIds::fetch`] lets a reader that knows what comes next ask
/// for many slots ahead, which no table of a library offers.
#[derive(Debug, Default)]
pub(super) struct NumberIds {
    /// A power of two of them, or none.
    slots: Vec<Slot>,
    n_taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u64,
    /// [`NO_ID`] where the slot is free.
    id: ObjectId,
}

const FREE: Slot = Slot { number: 0, id: NO_ID };

impl NumberIds {
    const N_SLOTS_MIN: usize = 64;

    /// The id of `number`, if it has one.
    pub(super) fn find(&self, number: u64) -> Option<ObjectId> {
        if self.slots.is_empty() {
            return None;
        }
        let slot = self.slots[self.index(number)];
        (slot.id != NO_ID).then_some(slot.id)
    }

    /// Gives `number`, which has none, this id.
    pub(super) fn insert(&mut self, number: u64, id: ObjectId) {
        if self.slots.len() * 5 <= self.n_taken * 8 {
            self.grow();
        }
        let index = self.index(number);
        debug_assert!(self.slots[index].id == NO_ID, "it has an id");
        self.slots[index] = Slot { number, id };
        self.n_taken += 1;
    }

    /// Has the slots of numbers that are about to be looked up brought near the processor, without
    /// waiting for any.
    pub(super) fn fetch(&self, numbers: impl Iterator<Item = u64>) {
        if self.slots.is_empty() {
            return;
        }
        for number in numbers {
            prefetch_index(&self.slots, self.home(number));
        }
    }

    /// Where `number` is, or where it would be put.
    fn index(&self, number: u64) -> usize {
        let mut index = self.home(number);
        while self.slots[index].number != number && self.slots[index].id != NO_ID {
            index = (index + 1) & (self.slots.len() - 1);
        }
        index
    }

    /// Where the search for `number` begins.
    fn home(&self, number: u64) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits count")]
        let spread = spread(number) as usize;
        spread & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let n_slots = (2 * self.slots.len()).max(Self::N_SLOTS_MIN);
        let before = std::mem::replace(&mut self.slots, vec![FREE; n_slots]);
        for slot in before.into_iter().filter(|it| it.id != NO_ID) {
            let index = self.index(slot.number);
            self.slots[index] = slot;
        }
    }
}

/// Spreads numbers over all bits: the two halves of a product, folded.
fn spread(number: u64) -> u64 {
    const ODD: u128 = 0x9e37_79b9_7f4a_7c15;
    let product = u128::from(number ^ 0x2545_f491_4f6c_dd1d) * ODD;
    #[expect(clippy::cast_possible_truncation, reason = "both halves are kept")]
    let folded = (product >> 64) as u64 ^ product as u64;
    folded
}
