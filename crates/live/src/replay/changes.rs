//! What changes an object in the cache, one thing after the other, and how long it may be by then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use units::ObjectId;

/// The writes and deletions of all objects, in the order in which they begin: each waits for the
/// one before it and for all that was begun in between, and what is begun after it waits for it.
#[derive(Debug, Default)]
pub(super) struct Changes {
    of_objects: BTreeMap<ObjectId, Arc<Reads>>,
}

/// The reads of an object from one write or deletion of it to the next. It is over when the last
/// of them has dropped it.
#[derive(Debug)]
pub(super) struct Reads {
    /// The end of the write or deletion that they come after; nothing where there was none.
    after: Option<Turn>,
    fetches: Mutex<Fetches>,
    under_way: Change,
}

/// What some of these reads fetch from the backing store and put into the cache.
#[derive(Debug, Default)]
struct Fetches {
    n_begun: u64,
    last: Option<Turn>,
    /// Whether the object was fetched or written, or is being, and not deleted since.
    is_known: bool,
}

/// Something under way; it is over when this is gone.
#[derive(Debug)]
pub(super) struct Change(watch::Sender<()>);

/// The end of something under way, for who comes after it.
#[derive(Clone, Debug)]
pub(super) struct Turn(watch::Receiver<()>);

/// One read among those of its object, which has noticed so many fetches.
#[derive(Debug)]
pub(super) struct Read {
    reads: Arc<Reads>,
    n_fetches: u64,
}

/// What a read does whose object the cache did not have.
#[derive(Debug)]
pub(super) enum Next {
    /// Waits for another's fetch, and asks again.
    Wait(Turn),
    /// Fetches the object; puts it into the cache when its turn comes.
    Fetch {
        /// The end of the fetch before it.
        turn: Option<Turn>,
        /// What it is itself.
        fetch: Change,
        /// Whether the object was fetched or written before it.
        was_known: bool,
    },
}

impl Change {
    fn begin() -> Change {
        Change(watch::Sender::new(()))
    }

    fn turn(&self) -> Turn {
        Turn(self.0.subscribe())
    }
}

impl Turn {
    /// Waits for it.
    pub(super) async fn comes(mut self) {
        // Fails when the change is over: nothing is ever sent.
        let _ = self.0.changed().await;
    }
}

impl Changes {
    /// Begins a write, or a deletion, which has to wait for these.
    pub(super) fn write(&mut self, object: ObjectId, is_deletion: bool) -> (Vec<Turn>, Change) {
        let write = Change::begin();
        let reads = Reads::new(Some(write.turn()), !is_deletion);
        let before = self.of_objects.insert(object, Arc::new(reads));
        let turns =
            before.map(|it| it.after.iter().cloned().chain([it.under_way.turn()]).collect());
        (turns.unwrap_or_default(), write)
    }

    /// Begins a read, which has to wait for these.
    pub(super) fn read(&mut self, object: ObjectId) -> (Vec<Turn>, Read) {
        let reads = self.of_objects.entry(object);
        let reads = Arc::clone(reads.or_insert_with(|| Arc::new(Reads::new(None, false))));
        let (last, n_fetches) = {
            let fetches = reads.fetches();
            (fetches.last.clone(), fetches.n_begun)
        };
        (reads.after.iter().cloned().chain(last).collect(), Read { reads, n_fetches })
    }
}

impl Reads {
    fn new(after: Option<Turn>, is_known: bool) -> Reads {
        let fetches = Mutex::new(Fetches { is_known, ..Fetches::default() });
        Reads { after, fetches, under_way: Change::begin() }
    }

    fn fetches(&self) -> MutexGuard<'_, Fetches> {
        self.fetches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    /// Begins to fetch the object, unless another fetch has begun since this was asked last, and
    /// may be waited for.
    pub(super) fn after_miss(&mut self, may_wait: bool) -> Next {
        let fetches = &mut *self.reads.fetches();
        let n_before = std::mem::replace(&mut self.n_fetches, fetches.n_begun);
        if let Some(last) = &fetches.last
            && may_wait
            && n_before != fetches.n_begun
        {
            return Next::Wait(last.clone());
        }
        fetches.n_begun += 1;
        self.n_fetches += 1;
        let was_known = std::mem::replace(&mut fetches.is_known, true);
        let fetch = Change::begin();
        let turn = fetches.last.replace(fetch.turn());
        Next::Fetch { turn, fetch, was_known }
    }

    /// Whether nothing was done that could have put the object into the cache, or removed it.
    pub(super) fn is_of_what_was_there_before(&self) -> bool {
        self.reads.after.is_none() && self.reads.fetches().n_begun == 0
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

    fn have_come(turns: &[Turn]) -> bool {
        let mut turns = turns.iter().cloned();
        turns.all(|it| {
            pin!(it.comes()).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(())
        })
    }

    /// The fetch that a read begins; whether it is the first, and whether the object was known.
    fn fetch(read: &mut Read) -> (Change, bool, bool) {
        match read.after_miss(true) {
            Next::Fetch { turn, fetch, was_known } => (fetch, turn.is_none(), was_known),
            Next::Wait(_) => panic!("it waits"),
        }
    }

    #[test]
    fn a_write_waits_for_what_was_begun_before_it_and_holds_up_what_is_begun_after_it() {
        let mut changes = Changes::default();
        let (song, film) = (ObjectId(1), ObjectId(2));
        let (before_first, first) = changes.write(song, false);
        let (before_read, read) = changes.read(song);
        let (before_second, second) = changes.write(song, true);
        let (before_late, _late) = changes.read(song);
        let (before_other, _other) = changes.write(film, false);
        assert!(have_come(&before_first) && have_come(&before_other));
        assert!(!have_come(&before_read) && !have_come(&before_second));
        drop(first);
        assert!(have_come(&before_read) && !have_come(&before_second));
        drop(read);
        assert!(have_come(&before_second) && !have_come(&before_late));
        // One that was given up holds up nobody.
        drop(second);
        assert!(have_come(&before_late));
    }

    #[test]
    fn an_object_is_known_by_what_was_begun_before_the_read() {
        let mut changes = Changes::default();
        let song = ObjectId(1);
        let (_, mut first) = changes.read(song);
        let (_, mut beside) = changes.read(song);
        let _write = changes.write(song, false);
        let (_, mut written) = changes.read(song);
        let _deletion = changes.write(song, true);
        let (_, mut deleted) = changes.read(song);
        assert!(first.is_of_what_was_there_before() && !deleted.is_of_what_was_there_before());
        let (under_way, is_first, was_known) = fetch(&mut first);
        assert!(is_first && !was_known && !first.is_of_what_was_there_before());
        let Next::Wait(turn) = beside.after_miss(true) else { panic!("it does not wait") };
        assert!(!have_come(std::slice::from_ref(&turn)));
        drop(under_way);
        assert!(have_come(&[turn]));
        let (_, is_first, was_known) = fetch(&mut beside);
        assert!(!is_first && was_known);
        let [written, deleted] = [&mut written, &mut deleted].map(|it| fetch(it).2);
        assert!(written && !deleted);
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
