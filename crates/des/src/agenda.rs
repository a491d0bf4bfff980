//! The agenda: what is still to happen, and in what order.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use units::{Nanos, Time};

/// The events still to come, earliest first; equal times keep the order of scheduling.
#[derive(Debug)]
pub struct Agenda<E> {
    now: Time,
    n_scheduled: u64,
    heap: BinaryHeap<Reverse<Entry<E>>>,
}

#[derive(Debug)]
struct Entry<E> {
    at: Time,
    /// Breaks ties, so order never depends on the heap's layout. Unique in an agenda.
    sequence: u64,
    event: E,
}

impl<E> Default for Agenda<E> {
    fn default() -> Agenda<E> {
        Agenda { now: Time::START, n_scheduled: 0, heap: BinaryHeap::new() }
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
        self.heap.push(Reverse(Entry { at, sequence: self.n_scheduled, event }));
        self.n_scheduled += 1;
    }

    /// When the next event happens.
    pub(crate) fn next_at(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// Lets the time pass to that of an event which was not on the agenda.
    pub(crate) fn advance_to(&mut self, now: Time) {
        self.now = now;
    }

    pub(crate) fn pop(&mut self) -> Option<(Time, E)> {
        let Reverse(entry) = self.heap.pop()?;
        self.now = entry.at;
        Some((entry.at, entry.event))
    }
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
