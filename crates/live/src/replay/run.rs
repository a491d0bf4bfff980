//! The making of the requests.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use units::{Nanos, ObjectId, Op, Request, Time};

use super::{Pace, ReadOutcome, ReadRecord, ReplayPlan, Replayed, WriteRecord};
use crate::client::{Client, ClientError, Outcome};
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
    /// By object: whether it was put into the cache, or was to be, and not deleted since.
    was_cached: Vec<bool>,
    /// The fetches from the backing store under way, and how many there were of each object.
    fetching: BTreeMap<ObjectId, watch::Receiver<()>>,
    n_fetched: BTreeMap<ObjectId, u64>,
    n_taken: usize,
}

/// A request that is made.
#[derive(Clone, Copy)]
struct Made {
    number: usize,
    request: Request,
    /// When it was to be made.
    due: Instant,
    /// How often its object had been fetched by then.
    n_fetched: u64,
}

/// Makes all requests, and waits until they are answered, and what was found lost is put back.
///
/// What the cache does not have is read from `store`, and put into the cache again. A read of an
/// object that another one is fetching waits for that.
pub async fn replay(client: &Client, store: &Arc<MadeStore>, plan: ReplayPlan) -> Replayed {
    let n_objects = plan.keys.len();
    let before = client.recoveries();
    let run = Arc::new(Run {
        client: client.clone(),
        store: Arc::clone(store),
        plan,
        began: Instant::now(),
        state: Mutex::new(State { was_cached: vec![false; n_objects], ..State::default() }),
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
            tokio::time::sleep_until(due).await;
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
        let state = self.lock();
        let n_fetched = state.n_fetched.get(&request.object).copied().unwrap_or_default();
        Made { number, request, due, n_fetched }
    }

    /// Carries a request out, to the end of what it leads to.
    async fn carry_out(&self, made: Made, permit: Option<OwnedSemaphorePermit>) {
        let key = &self.plan.keys[made.request.object.index()];
        match made.request.op {
            Op::Get => self.read(made, key).await,
            Op::Put => self.write(made, key).await,
            Op::Delete => {
                // It held nothing that it need wait for.
                let _ = self.store.delete(key).await;
                let outcome = self.client.delete(key).await;
                self.note_failure(outcome.err());
                self.lock().was_cached[made.request.object.index()] = false;
                self.lock().replayed.n_deletes += 1;
            }
        }
        self.plan.n_done.fetch_add(1, Ordering::Relaxed);
        drop(permit);
    }

    async fn write(&self, made: Made, key: &Bytes) {
        let length = made.request.size.get();
        self.store.hold(key, length);
        let object = make_object(key, length).await;
        let outcome = self.client.put(key, object).await;
        let latency = nanos(made.due.elapsed());
        let at = self.at(made.due);
        self.note_failure(outcome.err());
        self.lock().was_cached[made.request.object.index()] = true;
        let write = WriteRecord { number: made.number, latency, at };
        self.lock().replayed.writes.push(write);
    }

    async fn read(&self, made: Made, key: &Bytes) {
        let object = made.request.object;
        let length = self.store.length_or(key, made.request.size.get());
        let mut may_wait = true;
        loop {
            let fetch = self.lock().fetching.get(&object).cloned();
            if let Some(mut fetch) = fetch {
                // Fails when the fetch is over: nothing is ever sent.
                let _ = fetch.changed().await;
            }
            let outcome = match self.client.get(key).await {
                Ok(fetched) => match (fetched.object, fetched.outcome) {
                    (Some(bytes), _) => {
                        self.note_read(made, ReadOutcome::Hit);
                        return self.check(key, length, bytes).await;
                    }
                    (None, Outcome::Reset) => ReadOutcome::Reset,
                    (None, _) if self.lock().was_cached[object.index()] => {
                        ReadOutcome::CapacityMiss
                    }
                    (None, _) => ReadOutcome::CompulsoryMiss,
                },
                Err(error) => {
                    self.note_failure(Some(error));
                    ReadOutcome::Reset
                }
            };
            may_wait &= outcome != ReadOutcome::Reset;
            if let Some(fetch) = self.begin_fetch(made, may_wait) {
                return self.fetch(made, key, outcome, fetch).await;
            }
            // Once: what was fetched and is gone again is fetched again.
            may_wait = false;
        }
    }

    /// Begins to fetch an object, unless it may wait for another fetch of it, under way or over
    /// since this read was made.
    fn begin_fetch(&self, made: Made, may_wait: bool) -> Option<watch::Sender<()>> {
        let object = made.request.object;
        let mut state = self.lock();
        let n_fetched = state.n_fetched.get(&object).copied().unwrap_or_default();
        let is_fetching = state.fetching.contains_key(&object);
        if may_wait && (is_fetching || n_fetched != made.n_fetched) {
            return None;
        }
        let (sender, receiver) = watch::channel(());
        state.fetching.insert(object, receiver);
        Some(sender)
    }

    async fn fetch(&self, made: Made, key: &Bytes, outcome: ReadOutcome, fetch: watch::Sender<()>) {
        let bytes = self.store.get(key).await.ok().flatten();
        self.note_read(made, outcome);
        self.lock().replayed.n_store_gets += 1;
        if let Some(bytes) = bytes {
            let outcome = self.client.put(key, bytes).await;
            self.note_failure(outcome.err());
        }
        {
            let mut state = self.lock();
            let object = made.request.object;
            *state.n_fetched.entry(object).or_default() += 1;
            state.was_cached[object.index()] = true;
            state.fetching.remove(&object);
        }
        drop(fetch);
    }

    /// Checks what was read: the object of the key, as long as the store says, or said when the
    /// read was made.
    async fn check(&self, key: &Bytes, length: u64, bytes: Bytes) {
        let n_bytes = bytes.len();
        let is_length = n_bytes as u64 == length || self.store.length(key) == Some(n_bytes as u64);
        let owned = key.clone();
        let is_right =
            off_the_async_threads(n_bytes, move || made::is_object(&owned, &bytes)).await;
        if !(is_right && is_length) {
            tracing::error!(?key, n_bytes, length, "a read gave other bytes than it should");
            self.lock().replayed.n_wrong += 1;
        }
    }

    fn note_read(&self, made: Made, outcome: ReadOutcome) {
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

async fn make_object(key: &Bytes, length: u64) -> Bytes {
    let n_bytes = usize::try_from(length).expect("as long as objects here");
    let key = key.clone();
    off_the_async_threads(n_bytes, move || made::object(&key, n_bytes)).await
}

fn nanos(length: Duration) -> Nanos {
    Nanos::new(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
}
