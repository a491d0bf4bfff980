//! The making of the requests.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::Instant;
use units::{Bytes as Amount, Nanos, ObjectId, Op, Request, Time};

use super::changes::{Change, Changes, Next, Read, Turn};
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
    /// The memory that objects of requests may have yet.
    pages_left: Arc<Semaphore>,
    /// Told where nothing more need be made.
    is_over: Notify,
}

#[derive(Default)]
struct State {
    replayed: Replayed,
    /// What is under way.
    changes: Changes,
    /// The lengths that objects may still have in the cache, since it failed to change them.
    lengths_left: BTreeMap<ObjectId, BTreeSet<u64>>,
}

/// A request that is made.
struct Made {
    number: usize,
    request: Request,
    /// When it was to be made.
    due: Instant,
    /// What was begun before, and has to be over first.
    turns: Vec<Turn>,
    part: Part,
    has_failed: bool,
}

/// What a request is to those for the same object, which end their waiting for it with this.
enum Part {
    Read(Read),
    Change(#[expect(dead_code, reason = "it is dropped")] Change),
}

/// Makes all requests, and waits until they are answered, and what was found lost is put back.
/// Makes no more once it comes upon an object that others have put into the cache.
///
/// What the cache does not have is read from `store`, and put into the cache again. A write or
/// deletion of an object waits for all that was begun before it, and a read for all that changes
/// the object and was begun before it, so that how a read ends does not depend on who is faster.
pub async fn replay(client: &Client, store: &Arc<MadeStore>, plan: ReplayPlan) -> Replayed {
    let before = client.recoveries();
    let pages_left = pages_max(&plan) as usize;
    let run = Arc::new(Run {
        client: client.clone(),
        store: Arc::clone(store),
        plan,
        began: Instant::now(),
        state: Mutex::default(),
        pages_left: Arc::new(Semaphore::new(pages_left)),
        is_over: Notify::new(),
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

impl Run {
    async fn open_loop(self: &Arc<Run>) {
        let permits = Arc::new(Semaphore::new(self.plan.n_at_once_max.max(1)));
        let mut tasks = JoinSet::new();
        for number in 0..self.plan.requests.len() {
            let at = Time::START.until(self.plan.requests[number].at);
            let due = self.began + Duration::from_nanos(at.get());
            tokio::select! {
                () = wait_until(due) => {}
                () = self.is_over.notified() => break,
            }
            let permit = Arc::clone(&permits).acquire_owned().await.expect("it is never closed");
            let room = self.room(number).await;
            let lateness = nanos(due.elapsed());
            {
                let most = &mut self.lock().replayed.lateness_max;
                *most = lateness.max(*most);
            }
            let made = self.make(number, due);
            let run = Arc::clone(self);
            tasks.spawn(async move {
                run.carry_out(made).await;
                drop((permit, room));
            });
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn closed_loop(self: &Arc<Run>, n_clients: usize) {
        let numbers = Arc::new(tokio::sync::Mutex::new(0..self.plan.requests.len()));
        let mut tasks = JoinSet::new();
        for _ in 0..n_clients.max(1) {
            let (run, numbers) = (Arc::clone(self), Arc::clone(&numbers));
            tasks.spawn(async move {
                while let Some((made, room)) = run.make_next(&numbers).await {
                    run.carry_out(made).await;
                    drop(room);
                }
            });
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Makes the first of these requests; one after the other, whoever makes them, so that they
    /// are made in their order. Who has room waits for none that has not.
    async fn make_next(
        &self,
        numbers: &tokio::sync::Mutex<Range<usize>>,
    ) -> Option<(Made, OwnedSemaphorePermit)> {
        let due = Instant::now();
        let mut numbers = numbers.lock().await;
        if self.lock().replayed.foreign.is_some() {
            return None;
        }
        let number = numbers.next()?;
        let room = self.room(number).await;
        Some((self.make(number, due), room))
    }

    /// Room for the object of a request, once there is; what is larger than all that may be under
    /// way goes alone.
    async fn room(&self, number: usize) -> OwnedSemaphorePermit {
        let Request { object, size, op, .. } = self.plan.requests[number];
        let size = match op {
            Op::Put => size,
            Op::Delete => Amount::ZERO,
            Op::Get => {
                let key = &self.plan.keys[object.index()];
                let length = self.lock().changes.length(object).unwrap_or(size.get());
                // The store may know it from before.
                Amount::new(length.max(self.store.length(key).unwrap_or_default()))
            }
        };
        let n_pages = pages(size).min(pages_max(&self.plan));
        let room = Arc::clone(&self.pages_left).acquire_many_owned(n_pages).await;
        room.expect("it is never closed")
    }

    /// Notes that a request is made, in the order in which they are.
    fn make(&self, number: usize, due: Instant) -> Made {
        let request = self.plan.requests[number];
        let (object, length) = (request.object, request.size.get());
        let changes = &mut self.lock().changes;
        let (turns, part) = match request.op {
            Op::Get => {
                let (turns, read) = changes.read(object, length);
                (turns, Part::Read(read))
            }
            Op::Put | Op::Delete => {
                let length = (request.op == Op::Put).then_some(length);
                let (turns, change) = changes.change(object, length);
                (turns, Part::Change(change))
            }
        };
        Made { number, request, due, turns, part, has_failed: false }
    }

    /// Carries a request out, to the end of what it leads to.
    async fn carry_out(&self, mut made: Made) {
        let key = &self.plan.keys[made.request.object.index()];
        for turn in std::mem::take(&mut made.turns) {
            turn.comes().await;
        }
        match made.request.op {
            Op::Get => self.read(&mut made, key).await,
            Op::Put => self.write(&mut made, key).await,
            Op::Delete => self.delete(&mut made, key).await,
        }
        self.plan.n_done.fetch_add(1, Ordering::Relaxed);
    }

    async fn write(&self, made: &mut Made, key: &Bytes) {
        let (before, length) = (self.store.length(key), made.request.size.get());
        self.store.hold(key, length);
        let bytes = make_object(key, length).await;
        let outcome = self.client.put(key, bytes).await;
        let latency = nanos(made.due.elapsed());
        let at = self.at(made.due);
        self.note_left(made.request.object, before, outcome.is_ok());
        if let Err(error) = outcome {
            return self.note_failure(made, Some(error));
        }
        let write = WriteRecord { number: made.number, latency, at };
        self.lock().replayed.writes.push(write);
    }

    async fn delete(&self, made: &mut Made, key: &Bytes) {
        let before = self.store.length(key);
        // It held nothing that it need wait for.
        let _ = self.store.delete(key).await;
        let outcome = self.client.delete(key).await;
        self.note_left(made.request.object, before, outcome.is_ok());
        self.note_failure(made, outcome.err());
        self.lock().replayed.n_deletes += 1;
    }

    /// Notes how long an object was before the cache was to change it: it may still be so, unless
    /// the cache has done so.
    fn note_left(&self, object: ObjectId, before: Option<u64>, is_changed: bool) {
        let left = &mut self.lock().lengths_left;
        if is_changed {
            left.remove(&object);
        } else {
            left.entry(object).or_default().extend(before);
        }
    }

    async fn read(&self, made: &mut Made, key: &Bytes) {
        if let Part::Read(read) = &made.part {
            self.store.length_or(key, read.length());
        }
        let mut may_wait = true;
        loop {
            let is_reset = match self.client.get(key).await {
                Ok(Fetched { object: Some(bytes), .. }) => {
                    self.note_read(made, ReadOutcome::Hit);
                    return self.check(made, key, bytes).await;
                }
                Ok(fetched) => fetched.outcome == Outcome::Reset,
                Err(error) => {
                    self.note_failure(made, Some(error));
                    true
                }
            };
            may_wait &= !is_reset;
            let Part::Read(read) = &mut made.part else { return };
            match read.after_miss(may_wait) {
                Next::AskAgain(None) => {}
                Next::AskAgain(Some(turn)) => turn.comes().await,
                Next::Fetch { turn, fetch, was_known } => {
                    let outcome = match was_known {
                        _ if is_reset => ReadOutcome::Reset,
                        true => ReadOutcome::CapacityMiss,
                        false => ReadOutcome::CompulsoryMiss,
                    };
                    self.fetch(made, key, outcome, turn).await;
                    return drop(fetch);
                }
            }
            // Once: what was fetched and is gone again is fetched again.
            may_wait = false;
        }
    }

    /// Reads an object from the backing store, and puts it into the cache in its turn.
    async fn fetch(&self, made: &mut Made, key: &Bytes, outcome: ReadOutcome, turn: Option<Turn>) {
        let bytes = self.store.get(key).await.ok().flatten();
        self.note_read(made, outcome);
        self.lock().replayed.n_store_gets += 1;
        if let Some(turn) = turn {
            turn.comes().await;
        }
        if let Some(bytes) = bytes {
            let outcome = self.client.put(key, bytes).await;
            self.note_failure(made, outcome.err());
        }
    }

    /// Checks what was read: the object of the key, as long as the store says, or as it may still
    /// be in the cache. Nothing changes it before this is over.
    async fn check(&self, made: &Made, key: &Bytes, bytes: Bytes) {
        let n_bytes = bytes.len();
        let is_length = {
            let length = n_bytes as u64;
            let left = &self.lock().lengths_left;
            self.store.length(key) == Some(length)
                || left.get(&made.request.object).is_some_and(|it| it.contains(&length))
        };
        let owned = key.clone();
        let is_right =
            off_the_async_threads(n_bytes, move || made::is_object(&owned, &bytes)).await;
        if is_right && is_length {
            return;
        }
        if let Part::Read(read) = &made.part
            && read.is_of_what_was_there_before()
        {
            self.lock().replayed.foreign.get_or_insert_with(|| key.clone());
            self.is_over.notify_one();
        } else {
            tracing::error!(?key, n_bytes, "a read gave other bytes than it should");
            self.lock().replayed.n_wrong += 1;
        }
    }

    fn note_read(&self, made: &Made, outcome: ReadOutcome) {
        let (latency, at) = (nanos(made.due.elapsed()), self.at(made.due));
        let read = ReadRecord { number: made.number, outcome, latency, at };
        self.lock().replayed.reads.push(read);
    }

    /// Notes that a request failed: once, however much of it did.
    fn note_failure(&self, made: &mut Made, error: Option<ClientError>) {
        let Some(error) = error else { return };
        let replayed = &mut self.lock().replayed;
        replayed.n_failures += u64::from(!std::mem::replace(&mut made.has_failed, true));
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

/// How much memory that is, in steps that a semaphore can count.
fn pages(size: Amount) -> u32 {
    u32::try_from(size.get().div_ceil(PAGE_BYTES)).unwrap_or(u32::MAX)
}

const PAGE_BYTES: u64 = 4096;

/// How much of it the objects of requests may have together.
fn pages_max(plan: &ReplayPlan) -> u32 {
    pages(plan.bytes_at_once_max).max(1)
}

async fn make_object(key: &Bytes, length: u64) -> Bytes {
    let n_bytes = usize::try_from(length).expect("as long as objects here");
    let key = key.clone();
    off_the_async_threads(n_bytes, move || made::object(&key, n_bytes)).await
}

fn nanos(length: Duration) -> Nanos {
    Nanos::new(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}
