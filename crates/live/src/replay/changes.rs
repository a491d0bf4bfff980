//! What changes an object in the cache, one thing after the other, and what is read in between.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::watch;
use units::ObjectId;

/// The writes and deletions of all objects, in the order in which they begin: each waits for the
/// one before it and for all that was begun in between, and what is begun after it waits for it.
#[derive(Debug, Default)]
pub(super) struct Changes {
    of_objects: BTreeMap<ObjectId, Arc<Reads>>,
}

/// The reads of an object from one write or deletion of it to the next.
#[derive(Debug)]
struct Reads {
    /// The write or deletion that they come after; nothing where there was none.
    after: Option<Begun>,
    state: Mutex<ReadsState>,
}

#[derive(Debug)]
struct ReadsState {
    /// How long the object is: as it was written, or as the first of them would have it.
    length: Option<u64>,
    /// Those of them that have not ended.
    under_way: Begun,
    /// How many of them have begun to fetch the object from the backing store, and put it into the
    /// cache, and who did so last.
    n_fetches: u64,
    fetch: Begun,
    /// Whether the object was fetched or written, or is being, and not deleted since.
    is_known: bool,
}

/// Something under way; it is over when this is gone, and all that it was cloned to.
#[derive(Clone, Debug)]
pub(super) struct Change(Arc<watch::Sender<()>>);

/// Something that may be over. It does not keep what others need to wait for it: there are as many
/// of these as objects.
#[derive(Debug, Default)]
struct Begun(Weak<watch::Sender<()>>);

/// The end of something under way, for who comes after it.
#[derive(Clone, Debug)]
pub(super) struct Turn(watch::Receiver<()>);

/// One read among those of its object, which has noticed so many fetches.
#[derive(Debug)]
pub(super) struct Read {
    reads: Arc<Reads>,
    length: u64,
    n_fetches: u64,
    #[expect(dead_code, reason = "it is dropped")]
    under_way: Change,
}

/// What a read does whose object the cache did not have.
#[derive(Debug)]
pub(super) enum Next {
    /// Asks again, after another's fetch, if that is under way.
    AskAgain(Option<Turn>),
    /// Fetches the object; puts it into the cache when its turn comes.
    Fetch {
        /// The end of the fetch before it, if that is under way.
        turn: Option<Turn>,
        /// What it is itself.
        fetch: Change,
        /// Whether the object was fetched or written before it.
        was_known: bool,
    },
}

impl Change {
    fn begin() -> Change {
        Change(Arc::new(watch::Sender::new(())))
    }

    fn begun(&self) -> Begun {
        Begun(Arc::downgrade(&self.0))
    }
}

impl Begun {
    /// What is under way, unless it is over.
    fn change(&self) -> Option<Change> {
        self.0.upgrade().map(Change)
    }

    /// Its end, unless it is over.
    fn turn(&self) -> Option<Turn> {
        self.change().map(|it| Turn(it.0.subscribe()))
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
    /// Begins a write of this length, or a deletion, which has to wait for these.
    pub(super) fn change(&mut self, object: ObjectId, length: Option<u64>) -> (Vec<Turn>, Change) {
        let change = Change::begin();
        let reads = Reads::new(Some(change.begun()), length);
        let before = self.of_objects.insert(object, Arc::new(reads));
        let turns = before.map(|it| it.after().chain(it.state().under_way.turn()).collect());
        (turns.unwrap_or_default(), change)
    }

    /// Begins a read, which has to wait for these; of this length, where the object is not known.
    pub(super) fn read(&mut self, object: ObjectId, length: u64) -> (Vec<Turn>, Read) {
        let reads = self.of_objects.entry(object);
        let reads = Arc::clone(reads.or_insert_with(|| Arc::new(Reads::new(None, None))));
        let state = &mut *reads.state();
        let under_way = state.under_way.change().unwrap_or_else(Change::begin);
        state.under_way = under_way.begun();
        let length = *state.length.get_or_insert(length);
        let turns = reads.after().chain(state.fetch.turn()).collect();
        let n_fetches = state.n_fetches;
        (turns, Read { reads: Arc::clone(&reads), length, n_fetches, under_way })
    }

    /// How long an object is when all that was begun is over, if that is known here.
    pub(super) fn length(&self, object: ObjectId) -> Option<u64> {
        self.of_objects.get(&object)?.state().length
    }
}

impl Reads {
    fn new(after: Option<Begun>, length: Option<u64>) -> Reads {
        let state = ReadsState {
            length,
            under_way: Begun::default(),
            n_fetches: 0,
            fetch: Begun::default(),
            is_known: length.is_some(),
        };
        Reads { after, state: Mutex::new(state) }
    }

    /// The end of what they come after, unless it is over.
    fn after(&self) -> impl Iterator<Item = Turn> {
        self.after.iter().filter_map(Begun::turn)
    }

    fn state(&self) -> MutexGuard<'_, ReadsState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    /// How long its object is, unless the backing store knows better.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Begins to fetch the object, unless another fetch has begun since this was asked last, and
    /// may be waited for.
    pub(super) fn after_miss(&mut self, may_wait: bool) -> Next {
        let state = &mut *self.reads.state();
        let n_before = std::mem::replace(&mut self.n_fetches, state.n_fetches);
        let turn = state.fetch.turn();
        if may_wait && n_before != state.n_fetches {
            return Next::AskAgain(turn);
        }
        state.n_fetches += 1;
        self.n_fetches += 1;
        let was_known = std::mem::replace(&mut state.is_known, true);
        let fetch = Change::begin();
        state.fetch = fetch.begun();
        Next::Fetch { turn, fetch, was_known }
    }

    /// Whether nothing was done that could have put the object into the cache, or removed it.
    pub(super) fn is_of_what_was_there_before(&self) -> bool {
        self.reads.after.is_none() && self.reads.state().n_fetches == 0
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

    /// The fetch that a read begins; whether it comes after another, and whether the object was
    /// known.
    fn fetch(read: &mut Read, may_wait: bool) -> (Change, bool, bool) {
        match read.after_miss(may_wait) {
            Next::Fetch { turn, fetch, was_known } => (fetch, turn.is_some(), was_known),
            Next::AskAgain(_) => panic!("it asks again"),
        }
    }

    #[test]
    fn a_write_waits_for_what_was_begun_before_it_and_holds_up_what_is_begun_after_it() {
        let mut changes = Changes::default();
        let (song, film) = (ObjectId(1), ObjectId(2));
        let (before_first, first) = changes.change(song, Some(5));
        let (before_read, read) = changes.read(song, 5);
        let (before_second, second) = changes.change(song, None);
        let (before_late, _late) = changes.read(song, 5);
        let (before_other, _other) = changes.change(film, Some(5));
        assert!(have_come(&before_first) && have_come(&before_other));
        assert!(!have_come(&before_read) && !have_come(&before_second));
        drop(first);
        assert!(have_come(&before_read) && !have_come(&before_second));
        drop(read);
        assert!(have_come(&before_second) && !have_come(&before_late));
        // One that was given up holds up nobody.
        drop(second);
        assert!(have_come(&before_late));
        assert!(changes.read(song, 5).0.is_empty(), "there is nothing to wait for any more");
    }

    #[test]
    fn an_object_is_known_by_what_was_begun_before_the_read() {
        let mut changes = Changes::default();
        let song = ObjectId(1);
        let (_, mut first) = changes.read(song, 5);
        let (_, mut beside) = changes.read(song, 5);
        let _write = changes.change(song, Some(5));
        let (_, mut written) = changes.read(song, 5);
        let _deletion = changes.change(song, None);
        let (_, mut deleted) = changes.read(song, 5);
        assert!(first.is_of_what_was_there_before() && !deleted.is_of_what_was_there_before());
        let (under_way, is_after_another, was_known) = fetch(&mut first, true);
        assert!(!is_after_another && !was_known && !first.is_of_what_was_there_before());
        let Next::AskAgain(Some(turn)) = beside.after_miss(true) else { panic!("it goes ahead") };
        assert!(!have_come(std::slice::from_ref(&turn)));
        let (under_way_too, is_after_another, was_known) = fetch(&mut beside, true);
        assert!(is_after_another && was_known);
        drop(under_way);
        assert!(have_come(&[turn]));
        drop(under_way_too);
        // What was fetched meanwhile is asked for, though it is over.
        assert!(matches!(first.after_miss(true), Next::AskAgain(None)));
        let (_, is_after_another, was_known) = fetch(&mut first, false);
        assert!(!is_after_another && was_known);
        let [written, deleted] = [&mut written, &mut deleted].map(|it| fetch(it, true).2);
        assert!(written && !deleted);
    }

    #[test]
    fn an_object_is_as_long_as_it_was_written_or_as_the_first_read_has_it() {
        let mut changes = Changes::default();
        let song = ObjectId(1);
        assert_eq!(changes.length(song), None);
        let read = |changes: &mut Changes, length| changes.read(song, length).1.length();
        assert_eq!([5, 6].map(|it| read(&mut changes, it)), [5, 5]);
        drop(changes.change(song, Some(7)));
        assert_eq!((changes.length(song), read(&mut changes, 8)), (Some(7), 7));
        drop(changes.change(song, None));
        assert_eq!(changes.length(song), None);
        assert_eq!([9, 8].map(|it| read(&mut changes, it)), [9, 9]);
        assert_eq!(changes.length(song), Some(9));
    }
}
