//! CLOCK: first in, first out, with a second chance.

use units::ObjectId;

use super::chain::{Ends, Links};
use super::{Access, Evict};

/// Evicts the oldest object that was not read since the hand last passed it.
///
/// The hand of the textbook is the tail of a queue here: an object that is given a second
/// chance goes to the head, which is the same order with nothing to sweep.
#[derive(Clone, Debug)]
pub struct Clock {
    links: Links,
    queue: Ends,
    visited: Vec<bool>,
}

impl Clock {
    /// An empty policy over ids `0..n_objects`.
    pub fn new(n_objects: usize) -> Clock {
        Clock { links: Links::new(n_objects), queue: Ends::EMPTY, visited: vec![false; n_objects] }
    }
}

impl Evict for Clock {
    fn insert(&mut self, access: Access) {
        self.visited[access.object.index()] = false;
        self.links.push_head(&mut self.queue, access.object);
    }

    fn touch(&mut self, access: Access) {
        self.visited[access.object.index()] = true;
    }

    fn remove(&mut self, object: ObjectId) {
        self.links.unlink(&mut self.queue, object);
    }

    fn evict(&mut self) -> Option<ObjectId> {
        loop {
            let oldest = self.queue.tail()?;
            if !self.visited[oldest.index()] {
                return self.links.pop_tail(&mut self.queue);
            }
            self.visited[oldest.index()] = false;
            self.links.move_to_head(&mut self.queue, oldest);
        }
    }
}
