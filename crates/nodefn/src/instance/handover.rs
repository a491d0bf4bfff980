//! How an instance hands over to a peer replica, and how one takes over.

use bytes::Bytes;
use tokio::time::Instant;
use units::Time;
use wire::{Frame, Message};

use super::{BACKUP_LIMIT, Handover, NodeSession, Session};
use crate::connection::ConnectionError;
use crate::relay::Source;

impl Session<'_> {
    /// The lease is over. Whether to return; otherwise a replica was asked for.
    pub(super) async fn wants_to_return(&mut self, now: Time) -> bool {
        let holds_chunks = self.instance.store.n_chunks() != 0;
        let is_due = self.instance.backup.is_some_and(|it| it.is_due(now, holds_chunks));
        // Close to the platform's limit there is no time for one.
        if is_due && self.replica.is_none() && !self.lease.is_at_its_end(now) {
            let NodeSession { node, session } = self.names();
            if self.send(&Message::InitBackup { node, session }).await.is_ok() {
                self.handover = Handover::Asked(Instant::now() + BACKUP_LIMIT);
                return false;
            }
        }
        self.say_bye().await;
        true
    }

    /// There is no backup now: it is asked for again after another interval.
    pub(super) fn backup_refused(&mut self) {
        let now = self.instance.now();
        if let Some(backup) = &mut self.instance.backup {
            backup.done(now);
        }
        self.handover = Handover::No;
    }

    /// The replica has what it wants: this instance starts over, keeping what it holds.
    pub(super) fn handed_over(&mut self) {
        self.report.was_backed_up = true;
        self.instance.backup = None;
        self.instance.connection = None;
    }

    /// Copies one chunk more from the instance before.
    pub(super) async fn sync_step(&mut self) {
        // A sync under way is work, and announces more.
        self.lease.pinged(self.instance.now());
        let Some(replica) = &mut self.replica else { return };
        let capacity = self.invocation.capacity().get();
        self.report.n_synced += replica.step(&mut self.instance.store, capacity).await;
        if replica.is_done() && !replica.has_failed() {
            self.replica = None;
        }
    }

    /// Whether the instance that this one takes over from, if it does, has said what it holds, or
    /// may say it yet.
    ///
    /// # Errors
    /// If it will not. To serve then would be to lose what it holds: rather this invocation fails,
    /// and the next one is the other instance's.
    pub(super) fn check_source(&self) -> Result<(), ConnectionError> {
        match &self.replica {
            Some(replica) if replica.has_failed() => Err(ConnectionError::Closed),
            _ => Ok(()),
        }
    }

    /// Waits at the relay for a replica to take over.
    pub(super) async fn open_relay(&mut self, token: &Bytes) {
        if !matches!(self.handover, Handover::Asked(_)) {
            return;
        }
        let token = String::from_utf8_lossy(token).into_owned();
        let hello = self.hello(wire::Role::RelaySource, &token);
        // Where the relay is not there, the time for the answer runs out as without one.
        if let Ok(connection) = self.dial(&hello).await {
            self.handover = Handover::Ready(Source::new(connection));
        }
    }

    /// Answers the replica. Whether it wants more.
    pub(super) async fn serve_replica(&mut self, frame: Result<Frame, ConnectionError>) -> bool {
        let ends_at = self.instance.instant(self.lease.ends_at());
        let Handover::Ready(source) = &mut self.handover else { return false };
        let Ok(frame) = frame else { return false };
        let capacity = self.invocation.capacity().get();
        let served = source.serve(frame, &mut self.instance.store, capacity);
        // The platform would end it, and take its memory with it.
        matches!(self.alarm.by(ends_at, served).await, Some(Ok(())))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;
    use units::{Nanos, NodeId};
    use wire::{ChunkId, Role};

    use super::*;
    use crate::connection::Connection;
    use crate::error::SessionError;
    use crate::instance::{Instance, LIMITS};
    use crate::invocation::{Command, Invocation};

    /// Less than a peer may rest.
    const SOON: Duration = Duration::from_secs(10);

    async fn listen(command: Command) -> (TcpListener, Invocation) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let invocation = Invocation {
            command,
            node: 0,
            proxy: listener.local_addr().unwrap().to_string(),
            token: "token".to_owned(),
            relay_token: "relay".to_owned(),
            session_known: 0,
            version_min: 0,
            memory_mb: 2048,
            capacity_bytes: 1 << 30,
            cycle_ms: 1,
            backup_interval_ms: 1,
        };
        (listener, invocation)
    }

    /// Lets in who dials next, which has to be of this role, as a proxy does.
    async fn accept(listener: &TcpListener, expect: Role) -> Connection {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = Connection::new(stream, LIMITS).unwrap();
        let hello = connection.reader.frame_within(SOON).await.unwrap().message;
        assert!(matches!(hello, Message::Hello { role, .. } if role == expect), "{hello:?}");
        if expect == Role::Function {
            let welcome = Message::Welcome { n_data: 4, n_parity: 2, n_nodes: 6 };
            connection.writer.send(&welcome).await.unwrap();
            let pong = connection.reader.frame_within(SOON).await.unwrap().message;
            assert!(matches!(pong, Message::Pong { node: NodeId(0), .. }), "{pong:?}");
        }
        connection
    }

    fn id() -> ChunkId {
        ChunkId { key: Bytes::from_static(b"song"), chunk: 0, version: 1 }
    }

    fn get() -> Message {
        Message::Get { request: 1, id: id(), is_body_wanted: true }
    }

    #[tokio::test]
    async fn a_replica_that_does_not_hear_what_there_is_fails_and_serves_nothing() {
        for order in [None, Some(get())] {
            let (listener, invocation) = listen(Command::BackUp).await;
            let handled = tokio::spawn(async move {
                Instance::new().unwrap().handle(&invocation, Nanos::seconds(60)).await
            });
            let mut relay = accept(&listener, Role::RelayReplica).await;
            let hello = relay.reader.frame_within(SOON).await.unwrap().message;
            assert_eq!(hello, Message::SyncHello);
            let mut proxy = accept(&listener, Role::Function).await;
            if let Some(order) = &order {
                proxy.writer.send(order).await.unwrap();
            }
            drop(relay);
            let handled = tokio::time::timeout(SOON, handled).await.unwrap().unwrap();
            assert!(matches!(handled, Err(SessionError::Relay { .. })), "{order:?}: {handled:?}");
            assert!(proxy.reader.frame().await.unwrap_or(None).is_none(), "{order:?}");
            assert!(proxy.reader.is_closed());
        }
    }

    /// What keeps a replica from taking over.
    #[derive(Clone, Copy, Debug)]
    enum Held {
        /// It never comes.
        Away,
        /// The proxy has turned to it, and it asks for nothing.
        Silent,
        /// It takes nothing of what it asked for.
        Full,
    }

    #[tokio::test]
    async fn a_source_returns_before_the_platforms_limit_and_keeps_what_it_holds() {
        for held in [Held::Away, Held::Silent, Held::Full] {
            let (listener, invocation) = listen(Command::Serve).await;
            let handled = tokio::spawn(async move {
                let mut instance = Instance::new().unwrap();
                let report = instance.handle(&invocation, Nanos::millis(1_500)).await;
                (report.unwrap(), instance)
            });
            let mut proxy = accept(&listener, Role::Function).await;
            assert!(!proxy.reader.is_closed());
            let body = Bytes::from(vec![7; 32 << 20]);
            let set = Message::Set { request: 1, id: id(), body_len: body.len() as u64 };
            proxy.writer.send_with_body(&set, body.clone(), SOON).await.unwrap();
            let stored = proxy.reader.frame_within(SOON).await.unwrap().message;
            assert!(matches!(stored, Message::Stored { .. }), "{stored:?}");
            let init = proxy.reader.frame_within(SOON).await.unwrap().message;
            assert!(matches!(init, Message::InitBackup { .. }), "{init:?}");
            let backup = Message::Backup { token: Bytes::from_static(b"relay") };
            proxy.writer.send(&backup).await.unwrap();
            let mut relay = accept(&listener, Role::RelaySource).await;
            let proxy = Some(proxy).filter(|_| matches!(held, Held::Away));
            if matches!(held, Held::Full) {
                relay.writer.send(&get()).await.unwrap();
            }
            let (report, mut instance) =
                tokio::time::timeout(SOON, handled).await.unwrap().unwrap();
            assert_eq!((report.n_chunks, instance.store.get(&id())), (1, Some(body)), "{held:?}");
            if let Some(mut proxy) = proxy {
                let bye = proxy.reader.frame_within(SOON).await.unwrap().message;
                assert!(matches!(bye, Message::Bye { .. }), "{bye:?}");
            }
            drop(relay);
        }
    }
}
