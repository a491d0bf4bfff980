//! The making of the requests.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;
use units::{Nanos, ObjectId, Op, Request, Time};

use super::changes::{Begun, Change, Changes, Lengths, Turn};
use super::{Pace, ReadOutcome, ReadRecord, ReplayPlan, Replayed, WriteRecord};
use crate::client::{Client, ClientError, Fetched, Outcome};
use crate::made::{self, MadeStore};
use crate::object::off_the_async_threads;
use crate::store::BackingStore;

/// A replay under way.
struct Run {
    client: Client,
    store: Arc<MadeStore>,
    plan: ReplayPlan,
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    replayed: Replayed,
    /// By object: whether it was fetched or written, or is being, and not deleted since.
    is_known: Vec<bool>,
    /// What is under way of writes, deletions, and fetches from the backing store.
    changes: Changes,
    /// How long the objects are that were written.
    lengths: BTreeMap<ObjectId, Lengths>,
    n_taken: usize,
}

/// A request that is made.
struct Made {
    number: usize,
    request: Request,
    /// When it was to be made.
    due: Instant,
    /// The changes of its object that had begun by then.
    begun: Begun,
    /// The end of the last of them, if that was under way.
    turn: Option<Turn>,
    /// The change that it is itself, unless it is a read.
    change: Option<Change>,
}

/// Makes all requests, and waits until they are answered, and what was found lost is put back.
///
/// What the cache does not have is read from `store`, and put into the cache again. What changes
/// what the cache has of an object (a write, a deletion, or such a fetch) takes its turn, since of
/// two at once either may be the one to stay; and a read waits for what was begun before it.
pub async fn replay(client: &Client, store: &Arc<MadeStore>, plan: ReplayPlan) -> Replayed {
    let n_objects = plan.keys.len();
    let before = client.recoveries();
    let run = Arc::new(Run {
        client: client.clone(),
        store: Arc::clone(store),
        plan,
        began: Instant::now(),
        state: Mutex::new(State { is_known: vec![false; n_objects], ..State::default() }),
    });
    match run.plan.pace {
        Pace::Open => run.open_loop().await,
        Pace::Closed { n_clients } => run.closed_loop(n_clients).await,
    }
    let took = nanos(run.began.elapsed());
    client.settled().await;
    let mut replayed = std::mem::take(&mut run.lock().replayed);
    let after = client.recoveries();
    replayed.recoveries.n_objects = after.n_objects - before.n_objects;
    replayed.recoveries.n_chunks = after.n_chunks - before.n_chunks;
    replayed.took = took;
    replayed
}

/// What a read does whose object the cache did not have.
enum Next {
    Wait(Turn),
    Retry,
    Fetch { turn: Option<Turn>, fetch: Change, was_known: bool },
}

impl Run {
    async fn open_loop(self: &Arc<Run>) {
        let permits = Arc::new(Semaphore::new(self.plan.n_at_once_max.max(1)));
        let mut tasks = JoinSet::new();
        for number in 0..self.plan.requests.len() {
            let at = Time::START.until(self.plan.requests[number].at);
            let due = self.began + Duration::from_nanos(at.get());
            wait_until(due).await;
            let permit = Arc::clone(&permits).acquire_owned().await.expect("it is never closed");
            let lateness = nanos(due.elapsed());
            {
                let most = &mut self.lock().replayed.lateness_max;
                *most = lateness.max(*most);
            }
            let made = self.make(number, due);
            let run = Arc::clone(self);
            tasks.spawn(async move { run.carry_out(made, Some(permit)).await });
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn closed_loop(self: &Arc<Run>, n_clients: usize) {
        let mut tasks = JoinSet::new();
        for _ in 0..n_clients.max(1) {
            let run = Arc::clone(self);
            tasks.spawn(async move {
                while let Some(made) = run.make_next() {
                    run.carry_out(made, None).await;
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    fn make_next(&self) -> Option<Made> {
        let number = {
            let n_taken = &mut self.lock().n_taken;
            *n_taken += 1;
            *n_taken - 1
        };
        (number < self.plan.requests.len()).then(|| self.make(number, Instant::now()))
    }

    /// Notes that a request is made, in the order in which they are.
    fn make(&self, number: usize, due: Instant) -> Made {
        let request = self.plan.requests[number];
        let object = request.object;
        let state = &mut *self.lock();
        let begun = state.changes.begun(object);
        let (turn, change) = match request.op {
            Op::Get => {
                // For a write that begins before it is carried out.
                self.store.length_or(&self.plan.keys[object.index()], request.size.get());
                (state.changes.last(object), None)
            }
            Op::Put | Op::Delete => {
                state.is_known[object.index()] = request.op == Op::Put;
                let (turn, change) = state.changes.begin(object, true);
                (turn, Some(change))
            }
        };
        Made { number, request, due, begun, turn, change }
    }

    /// Carries a request out, to the end of what it leads to.
    async fn carry_out(&self, mut made: Made, permit: Option<OwnedSemaphorePermit>) {
        let key = &self.plan.keys[made.request.object.index()];
        if let Some(turn) = made.turn.take() {
            turn.comes().await;
        }
        match made.request.op {
            Op::Get => self.read(&made, key).await,
            Op::Put => self.write(&made, key).await,
            Op::Delete => {
                // It held nothing that it need wait for.
                let _ = self.store.delete(key).await;
                let outcome = self.client.delete(key).await;
                self.note_failure(outcome.err());
                self.lock().replayed.n_deletes += 1;
            }
        }
        if let Some(change) = made.change {
            self.lock().changes.end(made.request.object, change);
        }
        self.plan.n_done.fetch_add(1, Ordering::Relaxed);
        drop(permit);
    }

    async fn write(&self, made: &Made, key: &Bytes) {
        let (object, length) = (made.request.object, made.request.size.get());
        self.lock().lengths.entry(object).or_default().begin(self.store.length(key), length);
        self.store.hold(key, length);
        let bytes = make_object(key, length).await;
        let outcome = self.client.put(key, bytes).await;
        let latency = nanos(made.due.elapsed());
        let at = self.at(made.due);
        if let Err(error) = outcome {
            return self.note_failure(Some(error));
        }
        let write = WriteRecord { number: made.number, latency, at };
        let state = &mut *self.lock();
        state.lengths.entry(object).or_default().end();
        state.replayed.writes.push(write);
    }

    async fn read(&self, made: &Made, key: &Bytes) {
        let length = self.store.length_or(key, made.request.size.get());
        let since = self.lock().lengths.get(&made.request.object).map_or(0, Lengths::now);
        let (mut begun, mut may_wait) = (made.begun, true);
        loop {
            let is_reset = match self.client.get(key).await {
                Ok(Fetched { object: Some(bytes), .. }) => {
                    self.note_read(made, ReadOutcome::Hit);
                    return self.check(made, key, (length, since), bytes).await;
                }
                Ok(fetched) => fetched.outcome == Outcome::Reset,
                Err(error) => {
                    self.note_failure(Some(error));
                    true
                }
            };
            may_wait &= !is_reset;
            match self.after_miss(made.request.object, &mut begun, may_wait) {
                Next::Wait(turn) => turn.comes().await,
                Next::Retry => {}
                Next::Fetch { turn, fetch, was_known } => {
                    let outcome = match was_known {
                        _ if is_reset => ReadOutcome::Reset,
                        true => ReadOutcome::CapacityMiss,
                        false => ReadOutcome::CompulsoryMiss,
                    };
                    self.fetch(made, key, outcome, turn).await;
                    return self.lock().changes.end(made.request.object, fetch);
                }
            }
            // Once: what was fetched and is gone again is fetched again.
            may_wait = false;
        }
    }

    /// Begins to fetch an object, unless another write of it has begun meanwhile, or a fetch that
    /// may be waited for, under way or over.
    fn after_miss(&self, object: ObjectId, begun: &mut Begun, may_wait: bool) -> Next {
        let state = &mut *self.lock();
        let before = std::mem::replace(begun, state.changes.begun(object));
        // What was being read made way for what is written.
        let is_written = before.n_writes != begun.n_writes;
        if is_written || may_wait && before.n_changes != begun.n_changes {
            return state.changes.last(object).map_or(Next::Retry, Next::Wait);
        }
        let was_known = std::mem::replace(&mut state.is_known[object.index()], true);
        let (turn, fetch) = state.changes.begin(object, false);
        Next::Fetch { turn, fetch, was_known }
    }

    /// Reads an object from the backing store, and puts it into the cache in its turn.
    async fn fetch(&self, made: &Made, key: &Bytes, outcome: ReadOutcome, turn: Option<Turn>) {
        let bytes = self.store.get(key).await.ok().flatten();
        self.note_read(made, outcome);
        self.lock().replayed.n_store_gets += 1;
        if let Some(turn) = turn {
            turn.comes().await;
        }
        // What was written or deleted meanwhile stands.
        let is_current = |it: &Bytes| self.store.length(key) == Some(it.len() as u64);
        if let Some(bytes) = bytes.filter(is_current) {
            let outcome = self.client.put(key, bytes).await;
            self.note_failure(outcome.err());
        }
    }

    /// Checks what was read: the object of the key, as long as the store says, or said when the
    /// read began, or as it was written since.
    async fn check(&self, made: &Made, key: &Bytes, began: (u64, usize), bytes: Bytes) {
        let n_bytes = bytes.len();
        let is_length = {
            let (length, since) = began;
            let state = self.lock();
            let written = state.lengths.get(&made.request.object).map(|it| it.since(since));
            let written = written.unwrap_or_default().iter().copied();
            written.chain(self.store.length(key)).chain([length]).any(|it| it == n_bytes as u64)
        };
        let owned = key.clone();
        let is_right =
            off_the_async_threads(n_bytes, move || made::is_object(&owned, &bytes)).await;
        if !(is_right && is_length) {
            tracing::error!(?key, n_bytes, "a read gave other bytes than it should");
            self.lock().replayed.n_wrong += 1;
        }
    }

    fn note_read(&self, made: &Made, outcome: ReadOutcome) {
        let (latency, at) = (nanos(made.due.elapsed()), self.at(made.due));
        let read = ReadRecord { number: made.number, outcome, latency, at };
        self.lock().replayed.reads.push(read);
    }

    fn note_failure(&self, error: Option<ClientError>) {
        let Some(error) = error else { return };
        let replayed = &mut self.lock().replayed;
        replayed.n_failures += 1;
        replayed.failure.get_or_insert_with(|| error.to_string());
    }

    fn at(&self, due: Instant) -> Nanos {
        nanos(due.saturating_duration_since(self.began))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until then. The runtime's timer rounds up to the next millisecond, which would be in
/// every latency: the last of it is slept through in a thread.
async fn wait_until(due: Instant) {
    const ROUNDED: Duration = Duration::from_millis(2);
    tokio::time::sleep_until(due.checked_sub(ROUNDED).unwrap_or(due)).await;
    let left = due.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        // It cannot fail: nobody ends it.
        let _ = spawn_blocking(move || std::thread::sleep(left)).await;
    }
}

async fn make_object(key: &Bytes, length: u64) -> Bytes {
    let n_bytes = usize::try_from(length).expect("as long as objects here");
    let key = key.clone();
    off_the_async_threads(n_bytes, move || made::object(&key, n_bytes)).await
}

fn nanos(length: Duration) -> Nanos {
    Nanos::new(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}
