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

/// What there is of an object for a read.
enum LookUp {
    /// All of it.
    Read(Arc<Read>),
    /// A write of it, which has not ended.
    Written(watch::Receiver<()>),
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

    /// Begins a read, if the object is cached. Where it is being written, that is waited for.
    pub(crate) async fn open_read(&self, key: &Bytes) -> Result<Arc<Read>, Refusal> {
        let due = self.write_due();
        loop {
            match self.look_up(key)? {
                LookUp::Read(read) => return Ok(read),
                LookUp::Written(write) => self.written(write, due).await?,
            }
        }
    }

    /// The read of this name, begun now if its object is cached. Where that is being written, it is
    /// waited for.
    pub(crate) async fn join_read(
        &self,
        name: (u64, u64),
        key: &Bytes,
    ) -> Result<Arc<Read>, Refusal> {
        let due = self.write_due();
        loop {
            let outcome = match self.look_up_joint(name, key) {
                Ok(LookUp::Read(read)) => return Ok(read),
                Ok(LookUp::Written(write)) => self.written(write, due).await,
                Err(why) => Err(why),
            };
            if let Err(why) = outcome {
                let is_first = why == Refusal::NotCached && self.sessions().note_miss(name);
                self.metrics.n_misses.add(is_first.into());
                return Err(why);
            }
        }
    }

    fn look_up_joint(&self, name: (u64, u64), key: &Bytes) -> Result<LookUp, Refusal> {
        let mut sessions = self.sessions();
        if let Some(read) = sessions.read(name) {
            return Ok(LookUp::Read(read));
        }
        let found = self.look_up(key)?;
        if let LookUp::Read(read) = &found {
            self.metrics.n_hits.one();
            sessions.add_read(name, Arc::clone(read));
        }
        Ok(found)
    }

    fn look_up(&self, key: &Bytes) -> Result<LookUp, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Draining);
        }
        let mut metadata = self.metadata();
        if let Some(location) = metadata.get(key) {
            return Ok(LookUp::Read(Arc::new(Read::new(location, &self.config))));
        }
        metadata.write_under_way(key).map(LookUp::Written).ok_or(Refusal::NotCached)
    }

    /// Until when a read waits for a write: half of its time is left to it.
    fn write_due(&self) -> Instant {
        Instant::now() + self.config.request_limit / 2
    }

    /// Waits until a write has ended. Who writes for longer makes the object one that is not
    /// cached.
    async fn written(&self, mut write: watch::Receiver<()>, due: Instant) -> Result<(), Refusal> {
        tokio::select! {
            () = self.stopped() => Err(Refusal::Draining),
            // Nothing is ever sent: what is waited for is that nothing can be.
            ended = timeout_at(due, write.changed()) => match ended {
                Ok(_) => Ok(()),
                Err(_) => Err(Refusal::NotCached),
            },
        }
    }

    /// The write of this name, begun now if it is new.
    pub(crate) fn join_put(
        &self,
        name: (u64, u64),
        key: &Bytes,
        chunk_len: u64,
    ) -> Result<Arc<Put>, Refusal> {
        let mut sessions = self.sessions();
        if let Some(put) = sessions.put(name) {
            return Ok(put);
        }
        sessions.change(name)?;
        let put = self.open_put(key, chunk_len)?;
        sessions.add_put(name, Arc::clone(&put));
        Ok(put)
    }

    /// Begins a write.
    pub(crate) fn open_put(&self, key: &Bytes, chunk_len: u64) -> Result<Arc<Put>, Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Draining);
        }
        let mut metadata = self.metadata();
        // While nothing else is placed: whoever is given room finds the deletions that make it
        // in the queues already.
        match metadata.put(key, chunk_len) {
            Ok((location, evicted)) => {
                self.metrics.n_evictions.add(evicted.len() as u64);
                self.discard(&evicted);
                Ok(Arc::new(Put::new(location, chunk_len)))
            }
            Err((why, before)) => {
                self.discard(before.as_slice());
                Err(why)
            }
        }
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
    fn discard(&self, locations: &[Location]) {
        for location in locations {
            for (chunk, node) in (0..).zip(&location.nodes) {
                self.functions[node.index()].orders.push_deletion(location.id(chunk));
            }
        }
    }

    /// Asks for a chunk, and waits until it comes or is refused, or its function answers that it
    /// holds it, where the read is settled.
    pub(crate) async fn get_chunk(
        &self,
        read: &Arc<Read>,
        chunk: u8,
        is_body_wanted: bool,
        is_streamed: bool,
    ) -> Got {
        let (reply, answer) = oneshot::channel();
        let (node, id) = (read.location.nodes[usize::from(chunk)], read.location.id(chunk));
        let (read_too, reply) = (Arc::clone(read), Some(GetReply::One(reply)));
        let verb = Verb::Get { read: read_too, is_body_wanted, is_streamed, reply };
        let due = match self.order(node, id, verb).await {
            Ok(due) => due,
            Err(why) => return self.refused(read, chunk, why),
        };
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
    ) -> Result<(), Refusal> {
        let body_len = body.len();
        let (reply, answer) = oneshot::channel();
        let due = self.order(node, id, Verb::Set { body, reply: Some(reply) }).await?;
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

    /// Asks for a chunk of a read, and leaves the waiting to who holds the other end of the reply,
    /// also for room in the function's queue.
    pub(crate) fn ask_chunk(
        self: &Arc<Shared>,
        read: &Arc<Read>,
        chunk: u8,
        is_body_wanted: bool,
        reply: GetReply,
    ) {
        let node = read.location.nodes[usize::from(chunk)];
        let (read, reply) = (Arc::clone(read), Some(reply));
        let due = Instant::now() + self.config.request_limit;
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
        if why == Refusal::ChunkLost {
            self.metrics.n_chunks_lost.one();
        } else {
            self.metrics.n_refused.one();
        }
    }

    fn refused(&self, read: &Read, chunk: u8, why: Refusal) -> Got {
        self.note_refused(read, chunk, why);
        Got::Refused(why)
    }

    /// Queues an order; until when it has to be done.
    async fn order(&self, node: NodeId, id: ChunkId, verb: Verb) -> Result<Instant, Refusal> {
        let due = Instant::now() + self.config.request_limit;
        self.functions[node.index()].orders.push(Order::new(id, due, verb)).await?;
        Ok(due)
    }
}
