//! First in, first out.

use units::ObjectId;

use super::chain::{Ends, Links};
use super::{Access, Evict};

/// Evicts the object that entered the cache first, read since or not.
#[derive(Clone, Debug)]
pub struct Fifo {
    links: Links,
    queue: Ends,
}

impl Fifo {
    /// An empty policy over ids `0..n_objects`.
    pub fn new(n_objects: usize) -> Fifo {
        Fifo { links: Links::new(n_objects), queue: Ends::EMPTY }
    }
}

impl Evict for Fifo {
    fn insert(&mut self, access: Access) {
        self.links.push_head(&mut self.queue, access.object);
    }

    fn touch(&mut self, _access: Access) {}

    fn remove(&mut self, object: ObjectId) {
        self.links.unlink(&mut self.queue, object);
    }

    fn evict(&mut self) -> Option<ObjectId> {
        self.links.pop_tail(&mut self.queue)
    }
}
