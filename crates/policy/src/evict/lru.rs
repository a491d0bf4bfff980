//! Least recently used.

use units::ObjectId;

use super::chain::{Ends, Links};
use super::{Access, Evict};

/// Evicts the object that has gone unread the longest.
#[derive(Clone, Debug)]
pub struct Lru {
    links: Links,
    queue: Ends,
}

impl Lru {
    /// An empty policy over ids `0..n_objects`.
    pub fn new(n_objects: usize) -> Lru {
        Lru { links: Links::new(n_objects), queue: Ends::EMPTY }
    }
}

impl Evict for Lru {
    fn insert(&mut self, access: Access) {
        self.links.push_head(&mut self.queue, access.object);
    }

    fn touch(&mut self, access: Access) {
        self.links.move_to_head(&mut self.queue, access.object);
    }

    fn remove(&mut self, object: ObjectId) {
        self.links.unlink(&mut self.queue, object);
    }

    fn evict(&mut self) -> Option<ObjectId> {
        self.links.pop_tail(&mut self.queue)
    }
}
