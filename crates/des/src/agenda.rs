//! The agenda: what is still to happen, and in what order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use units::{Nanos, Time};

/// The events still to come, earliest first; equal times keep the order of scheduling.
///
/// A heap of everything would be as deep as there are timers, most of which lie far ahead and
/// only make every step longer. So only what happens in the present slot of time is in a heap,
/// which is small; what comes after waits unsorted in the slot it belongs to (a timing wheel,
/// Varghese and Lauck 1987), and what comes after all slots in a heap of its own.
#[derive(Debug)]
pub struct Agenda<E> {
    now: Time,
    n_scheduled: u64,
    /// What happens before the end of the present slot.
    present: BinaryHeap<Reverse<Entry<E>>>,
    /// The number of the present slot, counted from the start of time.
    slot: u64,
    /// What happens in the slots after the present one, each at its number modulo their count.
    wheel: Vec<Vec<Entry<E>>>,
    /// A bit to a slot of the wheel: whether there is anything in it.
    occupied: [u64; N_SLOTS / 64],
    /// What happens after them.
    far: BinaryHeap<Reverse<Entry<E>>>,
}

/// The slots of the wheel reach a little more than a minute ahead, where most timers end.
const N_SLOTS: usize = 1024;

/// A slot is 2^26 nanoseconds long: about 67 ms.
const SLOT_BITS: u32 = 26;

#[derive(Debug)]
struct Entry<E> {
    at: Time,
    /// Breaks ties, so order never depends on the layout of anything. Unique in an agenda.
    sequence: u64,
    event: E,
}

impl<E> Default for Agenda<E> {
    fn default() -> Agenda<E> {
        Agenda {
            now: Time::START,
            n_scheduled: 0,
            present: BinaryHeap::new(),
            slot: 0,
            wheel: std::iter::repeat_with(Vec::new).take(N_SLOTS).collect(),
            occupied: [0; N_SLOTS / 64],
            far: BinaryHeap::new(),
        }
    }
}

impl<E> Agenda<E> {
    /// Lets `event` happen once `delay` has passed.
    pub fn after(&mut self, delay: Nanos, event: E) {
        self.at(self.now + delay, event);
    }

    /// Lets `event` happen at `at`, which must not lie in the past.
    pub fn at(&mut self, at: Time, event: E) {
        assert!(self.now <= at, "{at} is in the past, it is {}", self.now);
        let entry = Entry { at, sequence: self.n_scheduled, event };
        self.n_scheduled += 1;
        self.file(entry);
    }

    /// When the next event happens.
    pub(crate) fn next_at(&mut self) -> Option<Time> {
        self.turn();
        self.present.peek().map(|Reverse(entry)| entry.at)
    }

    /// Lets the time pass to that of an event which was not on the agenda.
    pub(crate) fn advance_to(&mut self, now: Time) {
        self.now = now;
    }

    pub(crate) fn pop(&mut self) -> Option<(Time, E)> {
        self.turn();
        let Reverse(entry) = self.present.pop()?;
        self.now = entry.at;
        Some((entry.at, entry.event))
    }

    /// Puts an entry where its time belongs.
    fn file(&mut self, entry: Entry<E>) {
        let slot = slot_of(entry.at);
        if slot <= self.slot {
            self.present.push(Reverse(entry));
        } else if slot - self.slot < N_SLOTS as u64 {
            let place = place_of(slot);
            self.wheel[place].push(entry);
            self.occupied[place / 64] |= 1 << (place % 64);
        } else {
            self.far.push(Reverse(entry));
        }
    }

    /// Goes on to the next slot with anything in it, if nothing is left in the present one.
    fn turn(&mut self) {
        if !self.present.is_empty() {
            return;
        }
        let far_slot = self.far.peek().map(|Reverse(entry)| slot_of(entry.at));
        let next = match (self.next_occupied(), far_slot) {
            (Some(near), Some(far)) => near.min(far),
            (Some(slot), None) | (None, Some(slot)) => slot,
            (None, None) => return,
        };
        self.slot = next;
        let place = place_of(next);
        self.occupied[place / 64] &= !(1 << (place % 64));
        self.present.extend(self.wheel[place].drain(..).map(Reverse));
        while let Some(Reverse(entry)) = self.far.peek()
            && slot_of(entry.at) - next < N_SLOTS as u64
        {
            let Reverse(entry) = self.far.pop().expect("peeked");
            self.file(entry);
        }
    }

    /// The first slot after the present one with anything in it.
    fn next_occupied(&self) -> Option<u64> {
        const N_WORDS: usize = N_SLOTS / 64;
        let first = place_of(self.slot + 1);
        // The word of the first place comes twice: its upper part at first, its lower at last.
        for turned in 0..=N_WORDS {
            let index = (first / 64 + turned) % N_WORDS;
            let mut word = self.occupied[index];
            if turned == 0 {
                word &= u64::MAX << (first % 64);
            } else if turned == N_WORDS {
                word &= !(u64::MAX << (first % 64));
            }
            if word != 0 {
                let place = index * 64 + word.trailing_zeros() as usize;
                let ahead = (place + N_SLOTS - first) % N_SLOTS;
                return Some(self.slot + 1 + ahead as u64);
            }
        }
        None
    }
}

fn slot_of(at: Time) -> u64 {
    at.as_nanos() >> SLOT_BITS
}

/// Where in the wheel a slot is.
fn place_of(slot: u64) -> usize {
    usize::try_from(slot % N_SLOTS as u64).expect("below their number")
}

impl<E> Entry<E> {
    fn key(&self) -> (Time, u64) {
        (self.at, self.sequence)
    }
}

impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Entry<E>) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Entry<E>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Entry<E>) -> bool {
        self.key() == other.key()
    }
}

impl<E> Eq for Entry<E> {}
