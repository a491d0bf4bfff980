//! S3-FIFO: a small queue for newcomers, a main queue, and a memory of who left.

use units::{Bytes, ObjectId};

use super::chain::{Ends, Links};
use super::{Access, Evict};

/// Evicts quickly what is read once, and keeps what is read again.
///
/// Yang et al., "FIFO Queues are All You Need for Cache Eviction", SOSP'23, Algorithm 1, in
/// bytes: the small queue holds a tenth of the capacity, the ghost queue remembers as many
/// bytes of departed newcomers as the main queue holds. An object moves from small to main
/// when it was read at least twice there, the paper's implementation's threshold.
#[derive(Clone, Debug)]
pub struct S3Fifo {
    links: Links,
    entries: Vec<Entry>,
    small: Queue,
    main: Queue,
    ghost: Queue,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    size: Bytes,
    place: Place,
    /// Reads since it entered its queue, counted up to 3.
    n_reads: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    Small,
    Main,
    Ghost,
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    ends: Ends,
    used: Bytes,
    target: Bytes,
}

/// A read count past this is not worth telling apart.
const N_READS_MAX: u8 = 3;

/// Reads in the small queue that earn a place in the main one.
const N_READS_TO_MOVE: u8 = 2;

impl S3Fifo {
    /// An empty policy over ids `0..n_objects` for a cache of `capacity`.
    pub fn new(n_objects: usize, capacity: Bytes) -> S3Fifo {
        let queue = |target| Queue { ends: Ends::EMPTY, used: Bytes::ZERO, target };
        let small = Bytes::new(capacity.get() / 10);
        let nowhere = Entry { size: Bytes::ZERO, place: Place::Nowhere, n_reads: 0 };
        S3Fifo {
            links: Links::new(n_objects),
            entries: vec![nowhere; n_objects],
            small: queue(small),
            main: queue(capacity - small),
            ghost: queue(capacity - small),
        }
    }

    fn queue(&mut self, place: Place) -> &mut Queue {
        match place {
            Place::Small => &mut self.small,
            Place::Main => &mut self.main,
            Place::Ghost => &mut self.ghost,
            Place::Nowhere => unreachable!("no queue is nowhere"),
        }
    }

    fn enter(&mut self, object: ObjectId, size: Bytes, place: Place) {
        self.entries[object.index()] = Entry { size, place, n_reads: 0 };
        let mut queue = *self.queue(place);
        queue.used += size;
        self.links.push_head(&mut queue.ends, object);
        *self.queue(place) = queue;
    }

    fn leave(&mut self, object: ObjectId) -> Entry {
        let entry = self.entries[object.index()];
        let mut queue = *self.queue(entry.place);
        queue.used -= entry.size;
        self.links.unlink(&mut queue.ends, object);
        *self.queue(entry.place) = queue;
        self.entries[object.index()].place = Place::Nowhere;
        entry
    }

    /// Remembers a departed newcomer, and forgets the oldest ones where they are too many.
    fn remember(&mut self, object: ObjectId, size: Bytes) {
        if self.ghost.target < size {
            return;
        }
        while self.ghost.target < self.ghost.used + size {
            let oldest = self.ghost.ends.tail().expect("used bytes belong to an entry");
            self.leave(oldest);
        }
        self.enter(object, size, Place::Ghost);
    }

    /// The next object to go from the small queue; what was read moves to main on the way.
    fn evict_small(&mut self) -> Option<ObjectId> {
        while let Some(oldest) = self.small.ends.tail() {
            let entry = self.leave(oldest);
            if entry.n_reads < N_READS_TO_MOVE {
                self.remember(oldest, entry.size);
                return Some(oldest);
            }
            self.enter(oldest, entry.size, Place::Main);
        }
        None
    }

    /// The next object to go from the main queue; each read is worth one more round.
    fn evict_main(&mut self) -> Option<ObjectId> {
        while let Some(oldest) = self.main.ends.tail() {
            let entry = self.leave(oldest);
            if entry.n_reads == 0 {
                return Some(oldest);
            }
            self.enter(oldest, entry.size, Place::Main);
            self.entries[oldest.index()].n_reads = entry.n_reads - 1;
        }
        None
    }
}

impl Evict for S3Fifo {
    fn insert(&mut self, access: Access) {
        let was_ghost = self.entries[access.object.index()].place == Place::Ghost;
        if was_ghost {
            self.leave(access.object);
        }
        let place = if was_ghost { Place::Main } else { Place::Small };
        self.enter(access.object, access.size, place);
    }

    fn touch(&mut self, access: Access) {
        let entry = &mut self.entries[access.object.index()];
        entry.n_reads = N_READS_MAX.min(entry.n_reads + 1);
    }

    fn remove(&mut self, object: ObjectId) {
        self.leave(object);
    }

    fn evict(&mut self) -> Option<ObjectId> {
        // Zero-size objects make a queue that is used by nothing and yet not empty.
        let main_first = self.main.target < self.main.used || self.small.ends.is_empty();
        if main_first {
            self.evict_main().or_else(|| self.evict_small())
        } else {
            self.evict_small().or_else(|| self.evict_main())
        }
    }
}
