//! Least frequently used, in constant time.

use units::ObjectId;

use super::chain::{Ends, Links};
use super::{Access, Evict};

/// Evicts the object read least often since it entered; among equals the least recent one.
///
/// Objects of one frequency are a list; the lists are linked in order of frequency, so that
/// moving an object up by one and finding the lowest are both constant time (Shah, Mitra and
/// Matani, "An O(1) algorithm for implementing the LFU cache eviction scheme", 2010).
#[derive(Clone, Debug)]
pub struct Lfu {
    links: Links,
    /// The bucket of each object; meaningless for one that is not cached.
    bucket_of: Vec<u32>,
    buckets: Vec<Bucket>,
    /// Buckets that are linked nowhere and may be used again.
    spare: Vec<u32>,
    lowest: u32,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    frequency: u64,
    objects: Ends,
    lower: u32,
    higher: u32,
}

/// Marks the absence of a bucket.
const NONE: u32 = u32::MAX;

impl Lfu {
    /// An empty policy over ids `0..n_objects`.
    pub fn new(n_objects: usize) -> Lfu {
        Lfu {
            links: Links::new(n_objects),
            bucket_of: vec![NONE; n_objects],
            buckets: Vec::new(),
            spare: Vec::new(),
            lowest: NONE,
        }
    }

    /// The bucket of `frequency`, which belongs right above `lower` (`NONE`: at the bottom).
    fn bucket_above(&mut self, lower: u32, frequency: u64) -> u32 {
        let higher = if lower == NONE { self.lowest } else { self.buckets[lower as usize].higher };
        if higher != NONE && self.buckets[higher as usize].frequency == frequency {
            return higher;
        }
        let bucket = Bucket { frequency, objects: Ends::EMPTY, lower, higher };
        let index = if let Some(index) = self.spare.pop() {
            self.buckets[index as usize] = bucket;
            index
        } else {
            self.buckets.push(bucket);
            u32::try_from(self.buckets.len() - 1).expect("no more buckets than objects")
        };
        match lower {
            NONE => self.lowest = index,
            _ => self.buckets[lower as usize].higher = index,
        }
        if higher != NONE {
            self.buckets[higher as usize].lower = index;
        }
        index
    }

    fn enter(&mut self, bucket: u32, object: ObjectId) {
        self.bucket_of[object.index()] = bucket;
        self.links.push_head(&mut self.buckets[bucket as usize].objects, object);
    }

    /// Takes `object` out of its bucket, and the bucket out of the order where it is left empty.
    fn leave(&mut self, object: ObjectId) {
        let index = self.bucket_of[object.index()];
        let bucket = &mut self.buckets[index as usize];
        self.links.unlink(&mut bucket.objects, object);
        if !bucket.objects.is_empty() {
            return;
        }
        let Bucket { lower, higher, .. } = *bucket;
        match lower {
            NONE => self.lowest = higher,
            _ => self.buckets[lower as usize].higher = higher,
        }
        if higher != NONE {
            self.buckets[higher as usize].lower = lower;
        }
        self.spare.push(index);
    }
}

impl Evict for Lfu {
    fn insert(&mut self, access: Access) {
        let bucket = self.bucket_above(NONE, 1);
        self.enter(bucket, access.object);
    }

    fn touch(&mut self, access: Access) {
        let lower = self.bucket_of[access.object.index()];
        let frequency = self.buckets[lower as usize].frequency + 1;
        let bucket = self.bucket_above(lower, frequency);
        self.leave(access.object);
        self.enter(bucket, access.object);
    }

    fn remove(&mut self, object: ObjectId) {
        self.leave(object);
    }

    fn evict(&mut self) -> Option<ObjectId> {
        let lowest = self.buckets.get(self.lowest as usize)?;
        let victim = lowest.objects.tail().expect("a bucket in the order holds an object");
        self.leave(victim);
        Some(victim)
    }
}
