//! The ids of keys that are numbers.

use units::ObjectId;

use crate::builder::{N_AT_ONCE, NO_ID};

/// Ids by number: a table with open addressing and linear probing, at most five eighths full.
///
/// A long trace spends its reading waiting for the memory that such a table lies in. So the slot
/// holds the number itself, and [`NumberIds::find_or_add`] lets a reader that knows what comes next
/// wait for many slots at once, which no table of a library offers.
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
        self.make_room(1);
        let index = self.index(number);
        debug_assert!(self.slots[index].id == NO_ID, "it has an id");
        self.slots[index] = Slot { number, id };
        self.n_taken += 1;
    }

    /// The ids of numbers, at most [`N_AT_ONCE`]; where one has none yet, that from `new`.
    pub(super) fn find_or_add(
        &mut self,
        numbers: impl Iterator<Item = u64> + Clone,
        ids: &mut [ObjectId],
        mut new: impl FnMut(u64) -> ObjectId,
    ) {
        self.make_room(ids.len());
        // All slots are brought near the processor at once, as no look waits for another.
        let mut homes = [0; N_AT_ONCE];
        let mut all = 0;
        for (home, number) in homes.iter_mut().zip(numbers.clone()) {
            *home = self.home(number);
            all ^= self.slots[*home].id.0;
        }
        std::hint::black_box(all);
        for ((id, home), number) in ids.iter_mut().zip(homes).zip(numbers) {
            let index = self.index_from(home, number);
            if self.slots[index].id == NO_ID {
                self.slots[index] = Slot { number, id: new(number) };
                self.n_taken += 1;
            }
            *id = self.slots[index].id;
        }
    }

    /// Where `number` is, or where it would be put.
    fn index(&self, number: u64) -> usize {
        self.index_from(self.home(number), number)
    }

    /// The same, where the search begins at this place.
    fn index_from(&self, home: usize, number: u64) -> usize {
        let mut index = home;
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

    /// Grows, unless there is room for so many numbers more.
    fn make_room(&mut self, n_numbers: usize) {
        while self.slots.len() * 5 < (self.n_taken + n_numbers) * 8 {
            self.grow();
        }
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
