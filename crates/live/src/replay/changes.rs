//! What changes an object in the cache, one thing after the other, and how long it may be by then.

use std::collections::BTreeMap;

use tokio::sync::watch;
use units::ObjectId;

/// The changes of all objects: writes, deletions, and fetches from the backing store.
#[derive(Debug, Default)]
pub(super) struct Changes {
    of_objects: BTreeMap<ObjectId, OfObject>,
}

#[derive(Debug, Default)]
struct OfObject {
    begun: Begun,
    /// The last of them, while it is under way.
    last: Option<Turn>,
}

/// How many changes of an object have begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) n_changes: u64,
    /// Those that are no fetches.
    pub(super) n_writes: u64,
}

/// A change under way; it is over when this is gone.
#[derive(Debug)]
pub(super) struct Change(watch::Sender<()>);

/// The end of a change, for who comes after it.
#[derive(Clone, Debug)]
pub(super) struct Turn(watch::Receiver<()>);

impl Turn {
    /// Waits for it.
    pub(super) async fn comes(mut self) {
        // Fails when the change is over: nothing is ever sent.
        let _ = self.0.changed().await;
    }
}

impl Changes {
    /// Begins a change, which has to wait for the one before it.
    pub(super) fn begin(&mut self, object: ObjectId, is_write: bool) -> (Option<Turn>, Change) {
        let (sender, receiver) = watch::channel(());
        let of_object = self.of_objects.entry(object).or_default();
        of_object.begun.n_changes += 1;
        of_object.begun.n_writes += u64::from(is_write);
        (of_object.last.replace(Turn(receiver)), Change(sender))
    }

    /// Ends a change.
    pub(super) fn end(&mut self, object: ObjectId, change: Change) {
        let Change(sender) = change;
        let of_object = self.of_objects.entry(object).or_default();
        of_object.last.take_if(|it| it.0.same_channel(&sender.subscribe()));
    }

    /// The last change begun, if it is under way.
    pub(super) fn last(&self, object: ObjectId) -> Option<Turn> {
        self.of_objects.get(&object)?.last.clone()
    }

    /// How many have begun.
    pub(super) fn begun(&self, object: ObjectId) -> Begun {
        self.of_objects.get(&object).map(|it| it.begun).unwrap_or_default()
    }
}

/// How long an object is that is written: the lengths it had, and is to have.
#[derive(Debug, Default)]
pub(super) struct Lengths {
    all: Vec<u64>,
    /// Which of them it had when the last write ended that the cache took.
    now: usize,
}

impl Lengths {
    /// A write begins, before which the object had this length, if any is known.
    pub(super) fn begin(&mut self, before: Option<u64>, length: u64) {
        self.all.extend(before);
        self.all.push(length);
    }

    /// The cache has taken the write.
    pub(super) fn end(&mut self) {
        self.now = self.all.len() - 1;
    }

    /// The present, to be asked for what has come since.
    pub(super) fn now(&self) -> usize {
        self.now
    }

    /// The lengths that the object may have had since then.
    pub(super) fn since(&self, then: usize) -> &[u64] {
        &self.all[then..]
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn has_come(turn: Option<&Turn>) -> bool {
        let Some(turn) = turn.cloned() else { return true };
        pin!(turn.comes()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
    }

    #[test]
    fn each_change_waits_for_the_one_before_it_and_a_read_for_the_last() {
        let mut changes = Changes::default();
        let (song, film) = (ObjectId(1), ObjectId(2));
        let (before_first, first) = changes.begin(song, true);
        let (before_second, second) = changes.begin(song, false);
        let (before_other, _other) = changes.begin(film, true);
        assert!(before_first.is_none() && before_other.is_none());
        let read = changes.last(song);
        assert!(!has_come(before_second.as_ref()) && !has_come(read.as_ref()));
        changes.end(song, first);
        assert!(has_come(before_second.as_ref()) && !has_come(read.as_ref()));
        // One that was given up holds up nobody.
        drop(second);
        assert!(has_come(read.as_ref()) && has_come(changes.last(song).as_ref()));
        let (_, third) = changes.begin(song, true);
        changes.end(song, third);
        assert!(changes.last(song).is_none() && changes.last(film).is_some());
        assert_eq!(changes.begun(song), Begun { n_changes: 3, n_writes: 2 });
        assert_eq!(changes.begun(ObjectId(3)), Begun::default());
    }

    #[test]
    fn an_object_may_have_any_length_that_it_had_since() {
        let mut lengths = Lengths::default();
        lengths.begin(Some(5), 7);
        let within_first = lengths.now();
        assert_eq!(lengths.since(within_first), [5, 7]);
        lengths.end();
        let between = lengths.now();
        assert_eq!(lengths.since(between), [7]);
        // The second is not taken.
        lengths.begin(Some(7), 8);
        lengths.begin(Some(8), 9);
        assert_eq!(lengths.since(lengths.now()), [7, 7, 8, 8, 9]);
        lengths.end();
        assert_eq!(lengths.since(lengths.now()), [9]);
        assert_eq!(lengths.since(within_first), [5, 7, 7, 8, 8, 9]);
    }
}
