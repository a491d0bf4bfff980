//! SIEVE: a queue that is never reordered, and a hand that sifts it.

use units::ObjectId;

use super::chain::{Ends, Links};
use super::{Access, Evict};

/// Evicts the first object the hand meets that was not read since it last passed.
///
/// Zhang et al., "SIEVE is Simpler than LRU", NSDI'24, Algorithm 1.
#[derive(Clone, Debug)]
pub struct Sieve {
    links: Links,
    queue: Ends,
    visited: Vec<bool>,
    /// Where the next search starts; `None` is the tail.
    hand: Option<ObjectId>,
}

impl Sieve {
    /// An empty policy over ids `0..n_objects`.
    pub fn new(n_objects: usize) -> Sieve {
        Sieve {
            links: Links::new(n_objects),
            queue: Ends::EMPTY,
            visited: vec![false; n_objects],
            hand: None,
        }
    }
}

impl Evict for Sieve {
    fn insert(&mut self, access: Access) {
        self.visited[access.object.index()] = false;
        self.links.push_head(&mut self.queue, access.object);
    }

    fn touch(&mut self, access: Access) {
        self.visited[access.object.index()] = true;
    }

    fn remove(&mut self, object: ObjectId) {
        if self.hand == Some(object) {
            self.hand = self.links.toward_head(object);
        }
        self.links.unlink(&mut self.queue, object);
    }

    fn evict(&mut self) -> Option<ObjectId> {
        let mut hand = self.hand.or(self.queue.tail())?;
        while self.visited[hand.index()] {
            self.visited[hand.index()] = false;
            // Past the head the hand starts again at the tail, which exists: `hand` is queued.
            hand = self.links.toward_head(hand).or(self.queue.tail())?;
        }
        self.hand = Some(hand);
        self.remove(hand);
        Some(hand)
    }
}
