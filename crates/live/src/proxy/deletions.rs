//! Chunks deleted from a function, many at once: an object may make room for thousands.

use std::collections::VecDeque;

use bytes::BytesMut;
use tokio::time::Instant;
use tracing::warn;
use wire::{ChunkId, Message};

use super::actor::{Actor, Lost};
use super::order::{Order, Verb};

/// How many deletions are sent before the first is answered. Their answers wait in the socket.
const N_AT_ONCE_MAX: usize = 256;

/// How many deletions are kept for later. Beyond, a chunk stays until its instance is no more.
const N_UNDELETED_MAX: usize = 1 << 16;

impl Actor {
    /// Has the chunk of this order deleted, together with those whose deletion was put off, and
    /// those whose orders follow it.
    pub(super) async fn delete_all(&mut self, order: &Order) -> Result<(), Lost> {
        let mut ids = VecDeque::from([order.id.clone()]);
        while ids.len() < N_AT_ONCE_MAX {
            let Some(id) = self.undeleted.pop_front().or_else(|| self.take_deletion()) else {
                break;
            };
            ids.push_back(id);
        }
        let outcome = self.delete_each(&mut ids).await;
        // That of the order is still in the hands of who has the order.
        ids.retain(|it| *it != order.id);
        self.keep_undeleted(ids);
        outcome
    }

    /// The next deletion that was put off, to be done at once.
    pub(super) fn take_undeleted(&mut self) -> Option<Order> {
        let due = Instant::now() + self.shared.config.request_limit;
        self.undeleted.pop_front().map(|id| Order::new(id, due, Verb::Delete))
    }

    /// What is to be deleted before another order is done, which may count on the room; nothing
    /// where that is a deletion itself, or has no time left.
    pub(super) fn deletion_before(&mut self, order: &Order) -> Option<Order> {
        if matches!(order.verb, Verb::Delete) || order.due <= Instant::now() {
            return None;
        }
        self.take_undeleted()
    }

    /// Puts a deletion off that the function could not be told of, together with those whose orders
    /// follow it: they would fare no better.
    pub(super) fn put_off(&mut self, id: ChunkId) {
        self.keep_undeleted([id]);
        while let Some(id) = self.take_deletion() {
            self.keep_undeleted([id]);
        }
    }

    /// Deletions to be made another time.
    fn keep_undeleted(&mut self, ids: impl IntoIterator<Item = ChunkId>) {
        let n_left = N_UNDELETED_MAX.saturating_sub(self.undeleted.len());
        self.undeleted.extend(ids.into_iter().take(n_left));
    }

    /// The chunk to be deleted by the next order in the queue, if it is a deletion.
    fn take_deletion(&mut self) -> Option<ChunkId> {
        if self.waiting.is_some() {
            return None;
        }
        let order = self.orders.try_recv().ok()?;
        if matches!(order.verb, Verb::Delete) {
            return Some(order.id);
        }
        self.waiting = Some(order);
        None
    }

    /// Sends the deletions, and takes out of `ids` what is answered.
    async fn delete_each(&mut self, ids: &mut VecDeque<ChunkId>) -> Result<(), Lost> {
        let first = self.n_requests + 1;
        self.n_requests += ids.len() as u64;
        let mut bytes = BytesMut::new();
        for (id, request) in ids.iter().zip(first..) {
            Message::Delete { request, id: id.clone() }.write(&mut bytes);
        }
        let limit = self.shared.config.rest_limit;
        let writer = self.writer().ok_or(Lost::Closed)?;
        writer.send_raw(bytes, limit).await.map_err(|_| Lost::Closed)?;
        for request in first..=self.n_requests {
            match self.answer(request).await?.message {
                Message::Deleted { was_there, .. } => {
                    self.shared.metrics.n_chunks_deleted.add(was_there.into());
                    ids.pop_front();
                }
                message => {
                    warn!(node = self.node.0, ?message, "a function answers something else");
                    return Err(Lost::Closed);
                }
            }
        }
        Ok(())
    }
}
