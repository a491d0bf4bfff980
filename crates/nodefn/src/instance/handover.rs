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
        if replica.is_done() {
            self.replica = None;
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
        let Handover::Ready(source) = &mut self.handover else { return false };
        let capacity = self.invocation.capacity().get();
        match frame {
            Ok(frame) => source.serve(frame, &mut self.instance.store, capacity).await.is_ok(),
            Err(_) => false,
        }
    }
}
