//! The orders that wait at a function: a bounded number of those that someone waits for.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};
use wire::{ChunkId, Refusal};

use super::order::{Order, Verb};

/// Orders that wait at a function, with the one in front, besides deletions.
const N_QUEUED_MAX: usize = 256;

/// Where orders for a function are put, to be taken in the same order.
#[derive(Debug)]
pub(crate) struct Queue {
    orders: mpsc::UnboundedSender<Order>,
    room: Arc<Semaphore>,
}

/// What became of an order that was to be queued at once.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// It is queued.
    Queued,
    /// There is no room for it now.
    Full(Order),
    /// Nothing is taken any more.
    Closed,
}

impl Queue {
    /// An empty queue, and where its orders come out.
    pub(crate) fn new() -> (Queue, mpsc::UnboundedReceiver<Order>) {
        let (orders, taken) = mpsc::unbounded_channel();
        (Queue { orders, room: Arc::new(Semaphore::new(N_QUEUED_MAX)) }, taken)
    }

    /// Queues an order, if there is room.
    pub(crate) fn try_push(&self, mut order: Order) -> Pushed {
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return Pushed::Full(order);
        };
        order.room = Some(room);
        self.orders.send(order).map_or(Pushed::Closed, |()| Pushed::Queued)
    }

    /// Queues an order, once there is room.
    ///
    /// # Errors
    /// If there is none before it is due, or the function is let go.
    pub(crate) async fn push(&self, order: Order) -> Result<(), Refusal> {
        let mut order = match self.try_push(order) {
            Pushed::Queued => return Ok(()),
            Pushed::Closed => return Err(Refusal::Draining),
            Pushed::Full(order) => order,
        };
        let room = timeout_at(order.due, Arc::clone(&self.room).acquire_owned()).await;
        let Ok(room) = room else { return Err(Refusal::Busy) };
        order.room = Some(room.expect("it is never closed"));
        self.orders.send(order).map_err(|_| Refusal::Draining)
    }

    /// Whether someone waits, besides who has the order in front.
    pub(crate) fn is_awaited(&self) -> bool {
        self.room.available_permits() + 1 < N_QUEUED_MAX
    }

    /// Queues a deletion. There is always room: a chunk that was not deleted would take the room
    /// of those that were placed since.
    pub(crate) fn push_deletion(&self, id: ChunkId) {
        // Nobody waits for it: its time begins when it is in front. And a function that is let go
        // keeps nothing.
        let _ = self.orders.send(Order::new(id, Instant::now(), Verb::Delete));
    }
}
