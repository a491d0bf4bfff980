//! A cache of whole objects within a capacity in bytes.

use units::{Bytes, ObjectId};

use crate::evict::{Access, Evict};

/// Whole objects in a bounded number of bytes; which leave is the policy's choice.
///
/// An object is admitted if it fits into the capacity at all; then as many leave as must. A
/// hit keeps the size with which the object entered: the cached copy is what it is.
#[derive(Clone, Debug)]
pub struct ObjectCache<P> {
    capacity: Bytes,
    used: Bytes,
    /// The size of each cached object, or `ABSENT`.
    sizes: Vec<u64>,
    policy: P,
}

/// No such object in the cache; above every size a trace may hold.
const ABSENT: u64 = u64::MAX;

impl<P: Evict> ObjectCache<P> {
    /// An empty cache over ids `0..n_objects`.
    pub fn new(capacity: Bytes, n_objects: usize, policy: P) -> ObjectCache<P> {
        ObjectCache { capacity, used: Bytes::ZERO, sizes: vec![ABSENT; n_objects], policy }
    }

    /// What the cached objects take together; never more than the capacity.
    pub fn used(&self) -> Bytes {
        self.used
    }

    /// Whether the object is cached; nothing is told to the policy.
    pub fn contains(&self, object: ObjectId) -> bool {
        self.sizes[object.index()] != ABSENT
    }

    /// The size with which an object entered, if it is cached.
    pub fn size_of(&self, object: ObjectId) -> Option<Bytes> {
        let size = self.sizes[object.index()];
        (size != ABSENT).then_some(Bytes::new(size))
    }

    /// Reads an object: whether it was there.
    pub fn get(&mut self, access: Access) -> bool {
        let is_hit = self.contains(access.object);
        if is_hit {
            self.policy.touch(access);
        }
        is_hit
    }

    /// Lets an object that is not there in, if it fits at all, and tells `evicted` of each that
    /// has to leave for it. Returns whether it was admitted.
    pub fn admit(&mut self, access: Access, mut evicted: impl FnMut(ObjectId)) -> bool {
        assert!(!self.contains(access.object), "{:?} is already cached", access.object);
        if self.capacity < access.size {
            return false;
        }
        while self.capacity < self.used + access.size {
            let victim = self.policy.evict().expect("a cache in use holds an object");
            self.used -= Bytes::new(self.sizes[victim.index()]);
            self.sizes[victim.index()] = ABSENT;
            evicted(victim);
        }
        self.used += access.size;
        self.sizes[access.object.index()] = access.size.get();
        self.policy.insert(access);
        true
    }

    /// Takes an object out for a reason other than space. Returns its size if it was there.
    pub fn remove(&mut self, object: ObjectId) -> Option<Bytes> {
        if !self.contains(object) {
            return None;
        }
        let size = Bytes::new(std::mem::replace(&mut self.sizes[object.index()], ABSENT));
        self.used -= size;
        self.policy.remove(object);
        Some(size)
    }
}
