//! What survives between the invocations of a function, and how one runs.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use policy::Backup;
use policy::lease::{Expiry, Lease};
use tokio::time::Instant;
use units::{Nanos, NodeId, Time};
use wire::{ChunkId, Frame, Limits, Message, Refusal, Trailer};

use crate::alarm::Alarm;
use crate::connection::{Connection, ConnectionError};
use crate::error::SessionError;
use crate::invocation::{Command, Invocation, Report};
use crate::pace::Pace;
use crate::relay::{Replica, Source};
use crate::store::Store;

mod handover;

/// A function's instance: what the platform freezes between invocations, and may take back.
#[derive(Debug)]
pub struct Instance {
    session: u64,
    /// Where its clock began.
    epoch: Instant,
    store: Store,
    connection: Option<Connection>,
    backup: Option<Backup>,
    pace: Option<Arc<Pace>>,
}

/// How long a dial, and an answer to it, may take.
pub(crate) const DIAL_LIMIT: Duration = Duration::from_secs(5);

/// How long a peer may rest within a body.
pub(crate) const REST_LIMIT: Duration = Duration::from_secs(30);

/// How long a step of a backup may take.
pub(crate) const BACKUP_LIMIT: Duration = Duration::from_secs(30);

/// The longest body a function takes: more than its memory.
pub(crate) const LIMITS: Limits = Limits { body_len_max: 16 << 30 };

/// One invocation under way.
struct Session<'a> {
    invocation: &'a Invocation,
    /// That of the invocation, for every PONG.
    token: Bytes,
    instance: &'a mut Instance,
    lease: Lease,
    report: Report,
    /// The instance before this one, while it still has chunks that this one lacks.
    replica: Option<Replica>,
    handover: Handover,
    alarm: Alarm,
}

/// How far this instance is in handing over to a peer replica.
enum Handover {
    No,
    /// The proxy was asked; it has until then to answer.
    Asked(Instant),
    /// It waits at the relay for the replica.
    Ready(Source),
}

/// What happened next.
enum Event {
    Frame(Result<Option<Frame>, ConnectionError>),
    /// A chunk more can be copied from the instance before.
    SyncStep,
    RelayFrame(Result<Frame, ConnectionError>),
    LeaseDue,
    HandoverTimeout,
}

impl Instance {
    /// A fresh instance, which holds nothing.
    ///
    /// # Errors
    /// If the system has no random number for its name.
    pub fn new() -> Result<Instance, getrandom::Error> {
        let session = getrandom::u64()?.max(1);
        let epoch = Instant::now();
        let store = Store::new();
        Ok(Instance { session, epoch, store, connection: None, backup: None, pace: None })
    }

    /// Keeps all its connections together to a pace.
    #[must_use]
    pub fn paced(mut self, pace: Option<Pace>) -> Instance {
        self.pace = pace.map(Arc::new);
        self
    }

    /// Runs one invocation to its end, for which the platform gives as long as `limit`.
    ///
    /// # Errors
    /// If the proxy cannot be reached, or refuses, or the instance that this one was to take over
    /// from does not say what it holds.
    pub async fn handle(
        &mut self,
        invocation: &Invocation,
        limit: Nanos,
    ) -> Result<Report, SessionError> {
        let now = self.now();
        let report = Report { node: invocation.node, session: self.session, ..Report::default() };
        let lease = Lease::start(invocation.lease_terms(), now, invocation.why(), limit);
        let mut session = Session {
            invocation,
            token: Bytes::copy_from_slice(invocation.token.as_bytes()),
            instance: self,
            lease,
            report,
            replica: None,
            handover: Handover::No,
            alarm: Alarm::default(),
        };
        if invocation.command != Command::Report {
            session.begin(now).await?;
            session.run().await;
            session.check_source().map_err(|error| session.of_relay(error))?;
        }
        session.report.n_chunks = session.instance.store.n_chunks();
        session.report.used_bytes = session.instance.store.used_bytes();
        Ok(session.report)
    }

    /// The time since this instance was made.
    fn now(&self) -> Time {
        let nanos = u64::try_from(self.epoch.elapsed().as_nanos()).expect("less than 584 years");
        Time::START + Nanos::new(nanos)
    }

    fn instant(&self, time: Time) -> Instant {
        self.epoch + Duration::from_nanos(time.as_nanos())
    }
}

impl Session<'_> {
    /// Gets in touch with the proxy, and with the instance that this one takes over from.
    async fn begin(&mut self, now: Time) -> Result<(), SessionError> {
        let instance = &mut *self.instance;
        instance.store.drop_below(self.invocation.version_min);
        let interval = self.invocation.backup_interval();
        let is_over = self.invocation.command == Command::BackUp || instance.backup.is_none();
        if is_over {
            instance.backup = interval.map(|it| Backup::new(it, now));
        }
        let is_known = self.invocation.session_known == instance.session;
        if self.invocation.command == Command::BackUp || !is_known {
            instance.connection = None;
        }
        if self.invocation.command == Command::BackUp {
            let hello = self.hello(wire::Role::RelayReplica, &self.invocation.relay_token);
            let relay = self.dial(&hello).await.map_err(|error| self.of_relay(error))?;
            self.replica = Some(Replica::new(relay));
            if let Some(replica) = &mut self.replica {
                replica.hello().await.map_err(|error| self.of_relay(error))?;
            }
        }
        let pong = self.pong(0);
        if let Some(connection) = &mut self.instance.connection
            && connection.writer.send_within(&pong, DIAL_LIMIT).await.is_ok()
        {
            return Ok(());
        }
        let hello = self.hello(wire::Role::Function, &self.invocation.token);
        let proxy = || self.invocation.proxy.clone();
        let dialled = self.dial(&hello).await;
        let mut connection =
            dialled.map_err(|source| SessionError::Proxy { proxy: proxy(), source })?;
        let welcome = async {
            let answer = connection.reader.frame_within(DIAL_LIMIT).await?;
            connection.writer.send_within(&pong, DIAL_LIMIT).await?;
            Ok(answer.message)
        };
        match welcome.await {
            Ok(Message::Welcome { .. }) => {}
            Ok(Message::Refused { why, .. }) => {
                return Err(SessionError::Refused { proxy: proxy(), why });
            }
            Ok(_) => {
                let why = Refusal::OutOfPlace;
                return Err(SessionError::Refused { proxy: proxy(), why });
            }
            Err(source) => return Err(SessionError::Proxy { proxy: proxy(), source }),
        }
        self.instance.connection = Some(connection);
        Ok(())
    }

    /// Serves until the lease is over, or nobody is there to be served.
    async fn run(&mut self) {
        loop {
            match self.next().await {
                Event::Frame(Ok(Some(frame))) => {
                    if self.serve(frame).await.is_err() {
                        self.instance.connection = None;
                    }
                }
                // The proxy went away, or turned to the replica that takes over.
                Event::Frame(_) => self.instance.connection = None,
                Event::SyncStep => self.sync_step().await,
                Event::RelayFrame(frame) => {
                    if !self.serve_replica(frame).await {
                        return self.handed_over();
                    }
                }
                Event::LeaseDue => {
                    let now = self.instance.now();
                    if self.lease.expired(now) == Expiry::Return && self.wants_to_return(now).await
                    {
                        return;
                    }
                }
                // Nobody took over in time, or not all: what is held here stays, and a replica is
                // asked for after another interval.
                Event::HandoverTimeout => {
                    self.backup_refused();
                    return self.say_bye().await;
                }
            }
            if self.check_source().is_err() {
                self.instance.connection = None;
            }
            let is_source = matches!(self.handover, Handover::Ready(_));
            if self.instance.connection.is_none() && !is_source {
                return;
            }
        }
    }

    async fn next(&mut self) -> Event {
        // What keeps coming does not keep it beyond its limit.
        if self.lease.is_at_its_end(self.instance.now()) {
            let is_handing_over = !matches!(self.handover, Handover::No);
            return if is_handing_over { Event::HandoverTimeout } else { Event::LeaseDue };
        }
        let due = self.instance.instant(self.lease.due());
        let ends_at = self.instance.instant(self.lease.ends_at());
        let wants_sync = self.replica.as_ref().is_some_and(Replica::has_next);
        let connection = &mut self.instance.connection;
        let is_open = connection.is_some();
        let frame = async {
            match connection {
                Some(connection) => connection.reader.frame().await,
                None => Ok(None),
            }
        };
        let (handover_due, relay) = match &mut self.handover {
            Handover::No => (None, None),
            Handover::Asked(until) => (Some(*until), None),
            Handover::Ready(source) => (Some(source.due()), Some(source)),
        };
        let is_handing_over = handover_due.is_some();
        let relay_frame = async {
            match relay {
                Some(source) => source.frame(!is_open).await,
                None => std::future::pending().await,
            }
        };
        let is_due = self.alarm.at(handover_due.map_or(due, |it| it.min(ends_at)));
        tokio::select! {
            biased;
            frame = frame, if is_open => Event::Frame(frame),
            frame = relay_frame => Event::RelayFrame(frame),
            () = std::future::ready(()), if wants_sync => Event::SyncStep,
            () = is_due => if is_handing_over { Event::HandoverTimeout } else { Event::LeaseDue },
        }
    }

    async fn say_bye(&mut self) {
        let NodeSession { node, session } = self.names();
        if self.send(&Message::Bye { node, session }).await.is_err() {
            self.instance.connection = None;
        }
    }

    /// Answers the proxy.
    async fn serve(&mut self, frame: Frame) -> Result<(), ConnectionError> {
        match frame.message {
            Message::Ping { request } => {
                self.lease.pinged(self.instance.now());
                let pong = self.pong(request);
                let connection =
                    self.instance.connection.as_mut().ok_or(ConnectionError::Closed)?;
                match connection.reader.get_here() {
                    // What it announces is here, and its answer takes the PONG along.
                    Some(get) => {
                        connection.writer.queue(&pong);
                        self.work(get, 0).await
                    }
                    None => self.send(&pong).await,
                }
            }
            Message::Backup { token } => {
                self.open_relay(&token).await;
                Ok(())
            }
            // A replica that is no more may have taken over before.
            Message::Refused { .. } => {
                if !matches!(self.handover, Handover::No) {
                    self.backup_refused();
                }
                Ok(())
            }
            message @ (Message::Get { .. } | Message::Set { .. } | Message::Delete { .. }) => {
                self.work(message, frame.body_len).await
            }
            _ => {
                if let Some(connection) = &mut self.instance.connection {
                    connection.reader.skip(frame.n_bytes_following(), REST_LIMIT).await?;
                }
                let why = Refusal::OutOfPlace;
                self.send(&Message::Refused { request: 0, chunk: 0, version: 0, why }).await
            }
        }
    }

    /// Does what was asked for, which the lease counts as work.
    async fn work(&mut self, message: Message, body_len: u64) -> Result<(), ConnectionError> {
        self.lease.request_began();
        let result = self.serve_request(message, body_len).await;
        self.lease.request_ended(self.instance.now());
        self.report.n_served += 1;
        result
    }

    async fn serve_request(
        &mut self,
        message: Message,
        body_len: u64,
    ) -> Result<(), ConnectionError> {
        match message {
            Message::Get { request, id, is_body_wanted } => {
                let body = self.get(&id).await;
                self.check_source()?;
                let count = if body.is_some() {
                    &mut self.report.n_hits
                } else {
                    &mut self.report.n_misses
                };
                *count += 1;
                self.answer_get(request, &id, body, is_body_wanted).await
            }
            Message::Set { request, id, .. } => {
                let outcome = self.set(&id, body_len).await?;
                let ChunkId { chunk, version, .. } = id;
                let NodeSession { node, .. } = self.names();
                self.send(&match outcome {
                    Ok(()) => Message::Stored { request, chunk, version, node },
                    Err(why) => Message::Refused { request, chunk, version, why },
                })
                .await
            }
            Message::Delete { request, id } => {
                let was_there = self.instance.store.delete(&id);
                if let Some(replica) = &mut self.replica {
                    replica.delete(&id).await;
                }
                self.check_source()?;
                self.send(&Message::Deleted { request, chunk: id.chunk, was_there }).await
            }
            _ => Ok(()),
        }
    }

    /// A chunk held here, or by the instance that this one takes over from.
    async fn get(&mut self, id: &ChunkId) -> Option<Bytes> {
        if let Some(body) = self.instance.store.get(id) {
            return Some(body);
        }
        if let Some(connection) = &mut self.instance.connection {
            // A PONG need not wait for the instance before.
            connection.writer.flush(REST_LIMIT).await.ok()?;
        }
        let store = &mut self.instance.store;
        let body = match &mut self.replica {
            Some(replica) if !store.is_known(id) => replica.get(id, store).await?,
            _ => return None,
        };
        // Where there is no room for a copy, it is handed on all the same.
        let capacity = self.invocation.capacity().get();
        let _ = self.instance.store.set(id.clone(), body.clone(), capacity);
        Some(body)
    }

    async fn answer_get(
        &mut self,
        request: u64,
        id: &ChunkId,
        body: Option<Bytes>,
        is_body_wanted: bool,
    ) -> Result<(), ConnectionError> {
        let Some(connection) = &mut self.instance.connection else {
            return Err(ConnectionError::Closed);
        };
        let ChunkId { chunk, version, .. } = *id;
        let Some(body) = body else {
            let why = Refusal::ChunkLost;
            let message = Message::Refused { request, chunk, version, why };
            return connection.writer.send_within(&message, REST_LIMIT).await;
        };
        if !is_body_wanted {
            let message = Message::Late { request, chunk, version };
            return connection.writer.send_within(&message, REST_LIMIT).await;
        }
        let body_len = body.len() as u64;
        let message = Message::Chunk { request, chunk, version, body_len };
        connection.writer.send_with_body(&message, body, REST_LIMIT).await
    }

    /// Takes a chunk in from the proxy.
    async fn set(
        &mut self,
        id: &ChunkId,
        body_len: u64,
    ) -> Result<Result<(), Refusal>, ConnectionError> {
        let Some(connection) = &mut self.instance.connection else {
            return Err(ConnectionError::Closed);
        };
        let capacity = self.invocation.capacity().get();
        let store = &mut self.instance.store;
        if let Some(replica) = &mut self.replica {
            // What came before this chunk has to be told from what comes with it.
            replica.take_in_inventory(store).await;
            if replica.has_failed() {
                return Err(ConnectionError::Closed);
            }
        }
        if let Err(why) = store.check(id, body_len, capacity) {
            let n_bytes = if body_len == 0 { 0 } else { body_len + 1 };
            connection.reader.skip(n_bytes, REST_LIMIT).await?;
            return Ok(Err(why.into()));
        }
        // There is not always room for both.
        store.drop_older(id);
        let (body, trailer) = connection.reader.body(body_len, REST_LIMIT).await?;
        if trailer == Trailer::BrokenOff {
            return Ok(Err(Refusal::BrokenOff));
        }
        if let Some(replica) = &mut self.replica {
            replica.set(id, body.clone()).await;
        }
        Ok(self.instance.store.set(id.clone(), body, capacity).map_err(Refusal::from))
    }

    async fn send(&mut self, message: &Message) -> Result<(), ConnectionError> {
        match &mut self.instance.connection {
            Some(connection) => connection.writer.send_within(message, REST_LIMIT).await,
            None => Err(ConnectionError::Closed),
        }
    }

    async fn dial(&self, hello: &Message) -> Result<Connection, ConnectionError> {
        let proxy = self.invocation.proxy.as_str();
        let dialled = Connection::dial(proxy, LIMITS, hello, DIAL_LIMIT).await;
        dialled.map(|it| it.of_function(self.instance.pace.as_ref()))
    }

    fn of_relay(&self, source: ConnectionError) -> SessionError {
        SessionError::Relay { proxy: self.invocation.proxy.clone(), source }
    }

    fn names(&self) -> NodeSession {
        NodeSession { node: NodeId(self.invocation.node), session: self.instance.session }
    }

    fn hello(&self, role: wire::Role, token: &str) -> Message {
        let NodeSession { node, session } = self.names();
        Message::Hello { role, node, session, token: Bytes::copy_from_slice(token.as_bytes()) }
    }

    fn pong(&self, request: u64) -> Message {
        let NodeSession { node, session } = self.names();
        Message::Pong { request, node, session, token: self.token.clone() }
    }
}

/// How this instance names itself.
struct NodeSession {
    node: NodeId,
    session: u64,
}
