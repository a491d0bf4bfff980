//! What the tasks of a proxy share, and the ways of a chunk through it.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use nodefn::{Command, ConnectionError, Invocation};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};
use units::{Nanos, NodeId, Time};
use wire::{ChunkId, Refusal};

pub(crate) use super::admission::is_same;
use super::admission::{Admissions, Arrival};
use super::config::ProxyConfig;
use super::metadata::{Location, Metadata};
use super::metrics::Metrics;
use super::order::{GetReply, Incoming, Order, SetBody, Verb};
use super::queue::{Pushed, Queue};
use super::read::Put;
pub(crate) use super::read::Read;
use super::sessions::Sessions;

/// What the tasks of a proxy share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: ProxyConfig,
    pub(crate) metrics: Metrics,
    pub(crate) functions: Vec<FunctionHandle>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) admissions: Mutex<Admissions>,
    /// Where functions dial.
    pub(crate) endpoint: String,
    /// Nothing new is begun any more.
    pub(crate) stop: watch::Sender<bool>,
    /// What was under way has ended, or its time is over.
    pub(crate) halt: watch::Sender<bool>,
    /// How many functions have ever been up.
    pub(crate) n_up: watch::Sender<usize>,
    metadata: Mutex<Metadata>,
    version_min: u64,
    epoch: Instant,
}

/// How a function's actor is told things.
#[derive(Debug)]
pub(crate) struct FunctionHandle {
    pub(crate) orders: Queue,
    pub(crate) arrivals: mpsc::Sender<Arrival>,
}

/// What became of a request for a chunk.
#[derive(Debug)]
pub(crate) enum Got {
    /// It is here, or coming.
    Chunk(Incoming),
    /// Others settled the read.
    Late,
    /// It cannot be had.
    Refused(Refusal),
}

impl Shared {
    pub(crate) fn new(
        config: ProxyConfig,
        functions: Vec<FunctionHandle>,
        endpoint: String,
        version_min: u64,
    ) -> Shared {
        Shared {
            metadata: Mutex::new(Metadata::new(&config, version_min)),
            config,
            metrics: Metrics::default(),
            functions,
            sessions: Mutex::default(),
            admissions: Mutex::default(),
            endpoint,
            stop: watch::Sender::new(false),
            halt: watch::Sender::new(false),
            n_up: watch::Sender::new(0),
            version_min,
            epoch: Instant::now(),
        }
    }

    /// The time on the proxy's clock.
    pub(crate) fn now(&self) -> Time {
        let nanos = u64::try_from(self.epoch.elapsed().as_nanos()).expect("less than 584 years");
        Time::START + Nanos::new(nanos)
    }

    pub(crate) fn instant(&self, time: Time) -> Instant {
        self.epoch + Duration::from_nanos(time.as_nanos())
    }

    pub(crate) fn metadata(&self) -> MutexGuard<'_, Metadata> {
        self.metadata.lock().expect("nothing panics while it holds the lock")
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().expect("nothing panics while it holds the lock")
    }

    pub(crate) fn admissions(&self) -> MutexGuard<'_, Admissions> {
        self.admissions.lock().expect("nothing panics while it holds the lock")
    }

    pub(crate) fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits until the proxy is told to stop: nothing new is begun from then on.
    pub(crate) async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in here.
        let _ = stop.wait_for(|it| *it).await;
    }

    /// Waits until functions are to be let go: what needed them has ended, or had its time.
    pub(crate) async fn halted(&self) {
        let mut halt = self.halt.subscribe();
        // The sender lives in here.
        let _ = halt.wait_for(|it| *it).await;
    }

    /// The payload of an invocation, with a fresh token.
    pub(crate) fn invocation(
        &self,
        node: NodeId,
        command: Command,
        session_known: u64,
        relay_token: String,
    ) -> Result<Invocation, getrandom::Error> {
        let config = &self.config;
        let room = config.node_memory - config.node_overhead;
        // The placer counts as gone what a function keeps until it hears of it, and what is written
        // over: it has a part of the overhead for that.
        let capacity = room.get() + config.node_overhead.get() / 4;
        Ok(Invocation {
            command,
            node: node.0,
            proxy: self.endpoint.clone(),
            token: self.admissions().admit_function(node, command == Command::BackUp)?,
            relay_token,
            session_known,
            version_min: self.version_min,
            memory_mb: config.memory_mb,
            capacity_bytes: capacity,
            cycle_ms: config.cycle.get() / Nanos::MILLISECOND.get(),
            backup_interval_ms: config.backup.map_or(0, |it| it.get() / Nanos::MILLISECOND.get()),
        })
    }

    /// A chunk of a write is stored. The last one makes the object readable.
    pub(crate) fn put_stored(&self, put: &Put) -> Result<(), Refusal> {
        if !put.stored() {
            return Ok(());
        }
        let Location { key, version, .. } = &put.location;
        let is_current = self.metadata().complete(key, *version);
        if is_current { Ok(()) } else { Err(Refusal::Superseded) }
    }

    /// A chunk of a write was not stored: the object is not cached, and what there is of it is
    /// deleted.
    pub(crate) fn put_failed(&self, put: &Put) {
        if !put.fail() {
            return;
        }
        self.metrics.n_puts_broken_off.one();
        let Location { key, version, .. } = &put.location;
        self.remove(key, Some(*version));
    }

    /// Deletes an object. Whether it was cached.
    pub(crate) fn delete(&self, key: &Bytes) -> bool {
        self.remove(key, None)
    }

    /// Forgets an object in this version, too many of whose chunks are lost.
    pub(crate) fn forget(&self, location: &Location) {
        self.remove(&location.key, Some(location.version));
    }

    /// Forgets an object, in this version or in any, and has its chunks deleted. Whether it was
    /// cached.
    fn remove(&self, key: &Bytes, version: Option<u64>) -> bool {
        let mut metadata = self.metadata();
        let removed = metadata.remove(key, version);
        self.discard(removed.as_slice());
        removed.is_some()
    }

    /// Has the chunks of objects deleted from their functions, in the order of their queues.
    pub(super) fn discard(&self, locations: &[Location]) {
        for location in locations {
            for (chunk, node) in (0..).zip(&location.nodes) {
                self.functions[node.index()].orders.push_deletion(location.id(chunk));
            }
        }
    }

    /// Asks for a chunk, to be here by then or to have begun to come, and waits until it comes or
    /// is refused, or its function answers that it holds it, where the read is settled.
    pub(crate) async fn get_chunk(
        &self,
        read: &Arc<Read>,
        chunk: u8,
        due: Instant,
        is_body_wanted: bool,
        is_streamed: bool,
    ) -> Got {
        let (reply, answer) = oneshot::channel();
        let (node, id) = (read.location.nodes[usize::from(chunk)], read.location.id(chunk));
        let (read_too, reply) = (Arc::clone(read), Some(GetReply::One(reply)));
        let verb = Verb::Get { read: read_too, is_body_wanted, is_streamed, reply };
        if let Err(why) = self.order(node, id, due, verb).await {
            return self.refused(read, chunk, why);
        }
        let mut answer = answer;
        let answer = match timeout_at(due, &mut answer).await {
            // It is among the first d, and its body is under way.
            Err(_) if read.is_heard_of(chunk) => {
                timeout_at(due + self.config.body_limit, answer).await
            }
            heard => heard,
        };
        match answer {
            Err(_) => self.refused(read, chunk, Refusal::Deadline),
            Ok(Err(_)) => self.refused(read, chunk, Refusal::Unreachable),
            Ok(Ok(Err(why))) => self.refused(read, chunk, why),
            Ok(Ok(Ok(Incoming::Late))) => {
                self.metrics.n_chunks_late.one();
                Got::Late
            }
            Ok(Ok(Ok(incoming))) => Got::Chunk(incoming),
        }
    }

    /// Moves a body between a client and a function, which is held up meanwhile.
    ///
    /// # Errors
    /// If that takes too long. Where others have waited for the function for half as long as a peer
    /// may rest, the client is to move more at a time, or wait for its turn.
    pub(crate) async fn holding<T>(
        &self,
        node: NodeId,
        moving: impl Future<Output = T>,
    ) -> Result<T, ConnectionError> {
        let orders = &self.functions[node.index()].orders;
        let ProxyConfig { body_limit, rest_limit, .. } = self.config;
        let due = Instant::now() + body_limit;
        let mut moving = pin!(moving);
        let mut was_awaited = false;
        loop {
            let look = due.min(Instant::now() + rest_limit / 2);
            if let Ok(moved) = timeout_at(look, &mut moving).await {
                return Ok(moved);
            }
            if due <= Instant::now() {
                return Err(ConnectionError::Deadline { limit: body_limit });
            }
            let is_awaited = orders.is_awaited();
            if was_awaited && is_awaited {
                return Err(ConnectionError::Deadline { limit: rest_limit });
            }
            was_awaited = is_awaited;
        }
    }

    /// Stores a chunk of a write, or one put back, and waits for it.
    pub(crate) async fn set_chunk(
        &self,
        node: NodeId,
        id: ChunkId,
        body: SetBody,
        limit: Duration,
    ) -> Result<(), Refusal> {
        let body_len = body.len();
        let (reply, answer) = oneshot::channel();
        let due = Instant::now() + limit;
        self.order(node, id, due, Verb::Set { body, reply: Some(reply) }).await?;
        // The body of a stream may take longer than a request.
        let due = due + self.config.body_limit;
        let outcome = match timeout_at(due, answer).await {
            Err(_) => Err(Refusal::Deadline),
            Ok(Err(_)) => Err(Refusal::Unreachable),
            Ok(Ok(outcome)) => outcome,
        };
        match outcome {
            Ok(()) => {
                self.metrics.n_chunks_stored.one();
                self.metrics.stored_bytes.add(body_len);
            }
            Err(_) => self.metrics.n_refused.one(),
        }
        outcome
    }

    /// Asks for a chunk of a read, to be here by then, and leaves the waiting to who holds the
    /// other end of the reply, also for room in the function's queue.
    pub(crate) fn ask_chunk(
        self: &Arc<Shared>,
        read: &Arc<Read>,
        chunk: u8,
        due: Instant,
        is_body_wanted: bool,
        reply: GetReply,
    ) {
        let node = read.location.nodes[usize::from(chunk)];
        let (read, reply) = (Arc::clone(read), Some(reply));
        let id = read.location.id(chunk);
        let verb = Verb::Get { read, is_body_wanted, is_streamed: false, reply };
        let asked = self.functions[node.index()].orders.try_push(Order::new(id, due, verb));
        if let Pushed::Full(order) = asked {
            let shared = Arc::clone(self);
            tokio::spawn(async move {
                // Where there is no room in time, the reply is dropped, which says so.
                let _ = shared.functions[node.index()].orders.push(order).await;
            });
        }
    }

    /// Notes that a chunk cannot be had.
    pub(crate) fn note_refused(&self, read: &Read, chunk: u8, why: Refusal) {
        read.missing(chunk);
        if why != Refusal::ChunkLost {
            self.metrics.n_refused.one();
        } else if !self.metadata().is_superseded(&read.location) {
            // One that made way for a newer one is not lost.
            self.metrics.n_chunks_lost.one();
        }
    }

    fn refused(&self, read: &Read, chunk: u8, why: Refusal) -> Got {
        self.note_refused(read, chunk, why);
        Got::Refused(why)
    }

    /// Queues an order that has to be done by then.
    async fn order(
        &self,
        node: NodeId,
        id: ChunkId,
        due: Instant,
        verb: Verb,
    ) -> Result<(), Refusal> {
        self.functions[node.index()].orders.push(Order::new(id, due, verb)).await
    }
}
