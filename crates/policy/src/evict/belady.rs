//! Belady's rule: the best that knowing the future allows, more or less.

use std::collections::BinaryHeap;

use units::{ObjectId, Op, Request};

use super::{Access, Evict};

/// Evicts the object whose next read is furthest away.
///
/// Optimal where all objects have one size (Belady 1966); with sizes it is a strong
/// reference, not a proven bound. Needs the future: [`next_uses`].
#[derive(Clone, Debug)]
pub struct Belady {
    /// The next use of each cached object, or `ABSENT`.
    next_use: Vec<u64>,
    /// Cached objects by next use; entries that `next_use` contradicts are stale.
    by_next_use: BinaryHeap<(u64, ObjectId)>,
    n_cached: usize,
}

/// No such object in the cache; above every next use, `Access::NEVER` included.
const ABSENT: u64 = u64::MAX;

impl Belady {
    /// An empty policy over ids `0..n_objects`.
    pub fn new(n_objects: usize) -> Belady {
        Belady { next_use: vec![ABSENT; n_objects], by_next_use: BinaryHeap::new(), n_cached: 0 }
    }

    fn note(&mut self, access: Access) {
        let next_use = u64::from(access.next_use);
        self.next_use[access.object.index()] = next_use;
        self.by_next_use.push((next_use, access.object));
        // Stale entries are dropped in bulk, so that memory stays bounded by the objects.
        if 4 * self.n_cached + 1024 < self.by_next_use.len() {
            let next_use = &self.next_use;
            self.by_next_use.retain(|(at, object)| next_use[object.index()] == *at);
        }
    }
}

impl Evict for Belady {
    fn insert(&mut self, access: Access) {
        self.n_cached += 1;
        self.note(access);
    }

    fn touch(&mut self, access: Access) {
        self.note(access);
    }

    fn remove(&mut self, object: ObjectId) {
        self.n_cached -= 1;
        self.next_use[object.index()] = ABSENT;
    }

    fn evict(&mut self) -> Option<ObjectId> {
        loop {
            let (next_use, object) = self.by_next_use.pop()?;
            if self.next_use[object.index()] == next_use {
                self.remove(object);
                return Some(object);
            }
        }
    }
}

/// For each request, the number of the next GET of the same object, or [`Access::NEVER`].
pub fn next_uses(requests: &[Request], n_objects: usize) -> Vec<u32> {
    let mut next_use = vec![Access::NEVER; requests.len()];
    let mut next_get = vec![Access::NEVER; n_objects];
    for (number, request) in requests.iter().enumerate().rev() {
        let next = &mut next_get[request.object.index()];
        next_use[number] = *next;
        if request.op == Op::Get {
            *next = u32::try_from(number).expect("a trace has fewer than 2^32 requests");
        }
    }
    next_use
}
