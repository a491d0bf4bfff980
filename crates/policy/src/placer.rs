//! Where the chunks of an object go in a pool of functions, and which object makes way.
//!
//! The proxy's side of InfiniCache (FAST'20 section 3.2), after the reference implementation:
//! the client asks for a node per chunk; while those have room the chunks go there, and once
//! one has not, a whole object is evicted by CLOCK and the newcomer takes its places.

mod pick;

use std::str;

use units::{Bytes, NodeId, ObjectId};

pub use self::pick::{NodePicker, Placement, keyed_picks};

/// The proxy's metadata: which objects are cached, and where their chunks are.
///
/// What a function has lost since is not known here; it shows when the function is asked.
#[derive(Clone, Debug)]
pub struct Placer {
    n_chunks: usize,
    capacity: Bytes,
    eviction: Eviction,
    /// The chunk size of an object that would fill the whole pool, or is the largest that has
    /// room on a node that is counted on for no more than its memory.
    room_max: Bytes,
    /// What is counted as used on each node, its overhead included. With [`Eviction::One`] it may
    /// exceed the capacity: a victim's places are taken whatever the sizes.
    used: Vec<Bytes>,
    /// What the chunks on each node take at the sizes they have now, its overhead included. Only
    /// with [`Eviction::One`] it can differ from what is counted.
    held: Vec<Bytes>,
    overcommitted_max: Bytes,
    objects: Vec<Object>,
    /// The node of each chunk, `n_chunks` to an object; of the last placement where the object
    /// is no longer cached.
    nodes: Vec<NodeId>,
    clock: Clock,
}

#[derive(Clone, Copy, Debug)]
struct Object {
    /// As it is counted. With [`Eviction::One`] that of the first placement since the object was
    /// unknown: the reference does not take note of a later one.
    chunk_size: Bytes,
    /// As it was written last.
    written_size: Bytes,
    /// Its slot in the CLOCK array, from its first chunk's placement until it leaves.
    slot: u32,
    state: State,
    is_visited: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Never placed, or deleted since.
    Unknown,
    Cached,
    Evicted,
}

/// An object that was never placed.
const UNKNOWN: Object = Object {
    chunk_size: Bytes::ZERO,
    written_size: Bytes::ZERO,
    slot: 0,
    state: State::Unknown,
    is_visited: false,
};

/// The CLOCK array. Slots are left empty and closed up at the end of a pass, or when most are.
#[derive(Clone, Debug, Default)]
struct Clock {
    slots: Vec<Option<ObjectId>>,
    n_empty: usize,
    cursor: usize,
    /// Where the pass under way ends: objects that came since are for the next one.
    bound: usize,
}

/// What the metadata says of an object that is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Its chunks were placed; ask for them.
    Cached,
    /// It is not cached, and was not evicted either: never placed, or deleted since.
    Unknown,
    /// It was evicted.
    Evicted,
}

/// What became of a SET.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The object was not cached; it is now. `evicted` is the object that made way, if one
    /// had to: its chunks are still on their nodes and must be deleted there.
    New {
        /// The object whose places were taken.
        evicted: Option<ObjectId>,
    },
    /// The object was cached, and its chunks stay where they are. With [`Eviction::One`], the
    /// room that is counted for them stays as it was, too, whatever their size now: the reference
    /// does not take note.
    Again,
    /// The object was cached, and is now larger than what has room: it is no longer cached, and
    /// its chunks must be deleted from their nodes.
    Outgrown,
    /// The object is larger than the whole pool, or, with [`Eviction::Enough`], its chunks than a
    /// node; or a node is full and nothing can make way.
    ///
    /// With [`Eviction::One`], a chunk larger than a node is not refused where another object can
    /// make way: the reference does not look, and commits more of the victim's nodes than they
    /// have.
    NoRoom,
}

/// How many objects make way for one that finds no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// One, as in the reference implementation: the chunks that found no room take its places
    /// whatever the sizes, and an object that is written again stays counted as it was first. A
    /// node can get two chunks of an object, and be counted on for more than its memory.
    One,
    /// As many as it takes: all chunks take the first one's places, and others make way there. No
    /// node gets two chunks of an object, or is counted on for more than its memory. It is for
    /// functions that are really that small and refuse what they cannot hold.
    Enough,
}

impl str::FromStr for Eviction {
    type Err = String;

    fn from_str(text: &str) -> Result<Eviction, String> {
        match text {
            "one" => Ok(Eviction::One),
            "enough" => Ok(Eviction::Enough),
            _ => Err(format!("`{text}` is not a way to make room; write one or enough")),
        }
    }
}

/// The size and layout of a pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolShape {
    /// How many nodes there are.
    pub n_nodes: u32,
    /// Data and parity chunks per object; at most `n_nodes`.
    pub n_chunks: u32,
    /// The memory of a node.
    pub node_memory: Bytes,
    /// How much of it is counted as used from the start; less than the memory.
    pub node_overhead: Bytes,
    /// How many objects make way for one.
    pub eviction: Eviction,
}

impl Placer {
    /// An empty pool, for objects `0..n_objects`.
    pub fn new(shape: PoolShape, n_objects: usize) -> Placer {
        assert!(shape.n_chunks <= shape.n_nodes, "no two chunks of an object share a node");
        assert!(shape.node_overhead < shape.node_memory, "a node has room for chunks");
        let n_chunks = shape.n_chunks as usize;
        let node_room = (shape.node_memory - shape.node_overhead).get();
        let room_max = match shape.eviction {
            Eviction::One => node_room * u64::from(shape.n_nodes) / u64::from(shape.n_chunks),
            // A node is full when its last byte would be taken.
            Eviction::Enough => node_room - 1,
        };
        Placer {
            n_chunks,
            capacity: shape.node_memory,
            eviction: shape.eviction,
            room_max: Bytes::new(room_max),
            used: vec![shape.node_overhead; shape.n_nodes as usize],
            held: vec![shape.node_overhead; shape.n_nodes as usize],
            overcommitted_max: Bytes::ZERO,
            objects: vec![UNKNOWN; n_objects],
            nodes: vec![NodeId(0); n_objects * n_chunks],
            clock: Clock::default(),
        }
    }

    /// The nodes of the chunks of an object, in chunk order, as last placed.
    pub fn nodes_of(&self, object: ObjectId) -> &[NodeId] {
        &self.nodes[object.index() * self.n_chunks..][..self.n_chunks]
    }

    /// By how much the node with the most chunks ever was over its memory, at the sizes that they
    /// had then; zero with [`Eviction::Enough`].
    pub fn overcommitted_max(&self) -> Bytes {
        self.overcommitted_max
    }

    /// Looks an object up for a GET, and marks it as visited if it is there.
    pub fn get(&mut self, object: ObjectId) -> Lookup {
        let it = &mut self.objects[object.index()];
        match it.state {
            State::Cached => {
                it.is_visited = true;
                Lookup::Cached
            }
            State::Evicted => Lookup::Evicted,
            State::Unknown => Lookup::Unknown,
        }
    }

    /// Places an object whose chunks are of this size and ask for these nodes. What else is to
    /// make way for it [`Placer::evict_more`] tells.
    pub fn set(&mut self, object: ObjectId, chunk_size: Bytes, asked: &[NodeId]) -> Placed {
        assert_eq!(asked.len(), self.n_chunks, "a node is asked for each chunk");
        if self.room_max < chunk_size {
            if self.objects[object.index()].state != State::Cached {
                return Placed::NoRoom;
            }
            self.delete(object);
            return Placed::Outgrown;
        }
        if self.objects[object.index()].state == State::Cached {
            self.rewrite(object, chunk_size);
            return Placed::Again;
        }
        self.resize(object, chunk_size);
        let chunk_size = self.objects[object.index()].chunk_size;
        for (chunk, node) in asked.iter().enumerate() {
            if self.used[node.index()] + chunk_size < self.capacity {
                self.occupy(object, *node);
                self.nodes[object.index() * self.n_chunks + chunk] = *node;
                if chunk == 0 {
                    self.objects[object.index()].slot =
                        self.clock.append(&mut self.objects, object);
                }
                continue;
            }
            let Some(victim) = self.clock.next_victim(&mut self.objects, |it| it != object) else {
                self.release(object, chunk);
                return Placed::NoRoom;
            };
            let n_placed = match self.eviction {
                Eviction::One => chunk,
                // All on the victim's nodes: one of them could be where a chunk was placed.
                Eviction::Enough => {
                    self.release(object, chunk);
                    0
                }
            };
            self.replace(object, n_placed, victim);
            return Placed::New { evicted: Some(victim) };
        }
        self.enter(object);
        Placed::New { evicted: None }
    }

    /// Evicts another object for one that was just placed, if one of its nodes is full beyond its
    /// memory: to be called until nothing is evicted. Where one has to suffice, nothing ever is.
    ///
    /// By CLOCK among those that have a chunk on such a node; the others keep their marks.
    pub fn evict_more(&mut self, object: ObjectId) -> Option<ObjectId> {
        if self.eviction == Eviction::One {
            return None;
        }
        let Placer { used, capacity, nodes, n_chunks, objects, clock, .. } = self;
        let nodes_of = |it: ObjectId| &nodes[it.index() * *n_chunks..][..*n_chunks];
        let is_full = |node: &NodeId| *capacity <= used[node.index()];
        if !nodes_of(object).iter().any(is_full) {
            return None;
        }
        let victim = clock
            .next_victim(objects, |it| it != object && nodes_of(it).iter().any(is_full))
            .expect("a chunk alone on a node does not fill it");
        self.release(victim, self.n_chunks);
        self.objects[victim.index()].state = State::Evicted;
        Some(victim)
    }

    /// Forgets an object at its owner's wish, and that it ever was: one that comes back is new, as
    /// is another that is given its id. Whether it was cached, so that its chunks must be deleted
    /// from [`Placer::nodes_of`] it.
    pub fn delete(&mut self, object: ObjectId) -> bool {
        let is_cached = self.objects[object.index()].state == State::Cached;
        if is_cached {
            self.release(object, self.n_chunks);
        }
        self.objects[object.index()].state = State::Unknown;
        is_cached
    }

    /// Lets `object`, whose first `n_placed` chunks are placed already, take the places of
    /// `victim` for the others, and its slot.
    fn replace(&mut self, object: ObjectId, n_placed: usize, victim: ObjectId) {
        if 0 < n_placed {
            self.clock.leave(self.objects[object.index()].slot);
        }
        let slot = self.objects[victim.index()].slot;
        for chunk in 0..self.n_chunks {
            let node = self.node(victim, chunk);
            self.vacate(victim, node);
            if n_placed <= chunk {
                self.occupy(object, node);
                self.nodes[object.index() * self.n_chunks + chunk] = node;
            }
        }
        self.objects[victim.index()].state = State::Evicted;
        self.clock.slots[slot as usize] = Some(object);
        self.objects[object.index()].slot = slot;
        self.enter(object);
    }

    /// Makes room in the metadata for objects `0..n_objects`. Less than there is changes nothing.
    pub fn grow(&mut self, n_objects: usize) {
        let n_objects = n_objects.max(self.objects.len());
        self.objects.resize(n_objects, UNKNOWN);
        self.nodes.resize(n_objects * self.n_chunks, NodeId(0));
    }

    /// Writes a cached object again where it is, in chunks of this size.
    fn rewrite(&mut self, object: ObjectId, chunk_size: Bytes) {
        for chunk in 0..self.n_chunks {
            self.vacate(object, self.node(object, chunk));
        }
        self.resize(object, chunk_size);
        for chunk in 0..self.n_chunks {
            self.occupy(object, self.node(object, chunk));
        }
    }

    /// Takes note of the chunk size of an object of which nothing is counted at the moment.
    fn resize(&mut self, object: ObjectId, chunk_size: Bytes) {
        let it = &mut self.objects[object.index()];
        it.written_size = chunk_size;
        if self.eviction == Eviction::Enough || it.state == State::Unknown {
            it.chunk_size = chunk_size;
        }
    }

    /// Counts a chunk of an object on a node.
    fn occupy(&mut self, object: ObjectId, node: NodeId) {
        let Object { chunk_size, written_size, .. } = self.objects[object.index()];
        self.used[node.index()] += chunk_size;
        let held = &mut self.held[node.index()];
        *held += written_size;
        // Where enough make way, some may be about to.
        if self.eviction == Eviction::One {
            let over = held.checked_sub(self.capacity).unwrap_or(Bytes::ZERO);
            self.overcommitted_max = self.overcommitted_max.max(over);
        }
    }

    /// No longer counts a chunk of an object on a node.
    fn vacate(&mut self, object: ObjectId, node: NodeId) {
        let Object { chunk_size, written_size, .. } = self.objects[object.index()];
        self.used[node.index()] -= chunk_size;
        self.held[node.index()] -= written_size;
    }

    /// Gives back the slot of an object and the room of its first `n_placed` chunks.
    fn release(&mut self, object: ObjectId, n_placed: usize) {
        for chunk in 0..n_placed {
            self.vacate(object, self.node(object, chunk));
        }
        if 0 < n_placed {
            self.clock.leave(self.objects[object.index()].slot);
        }
    }

    fn enter(&mut self, object: ObjectId) {
        let it = &mut self.objects[object.index()];
        it.state = State::Cached;
        it.is_visited = true;
    }

    fn node(&self, object: ObjectId, chunk: usize) -> NodeId {
        self.nodes[object.index() * self.n_chunks + chunk]
    }
}

impl Clock {
    fn append(&mut self, objects: &mut [Object], object: ObjectId) -> u32 {
        if self.slots.len() < 2 * self.n_empty {
            self.close_up(objects);
        }
        self.slots.push(Some(object));
        u32::try_from(self.slots.len() - 1).expect("no more slots than 2^32")
    }

    /// The next of the objects in question that was not visited since the hand last passed it.
    ///
    /// Three passes suffice: the rest of one, one that clears every mark, one that finds.
    fn next_victim(
        &mut self,
        objects: &mut [Object],
        is_in_question: impl Fn(ObjectId) -> bool,
    ) -> Option<ObjectId> {
        for _ in 0..3 {
            while self.cursor < self.bound {
                let slot = self.slots[self.cursor];
                self.cursor += 1;
                let Some(candidate) = slot.filter(|it| is_in_question(*it)) else { continue };
                let it = &mut objects[candidate.index()];
                if !it.is_visited {
                    return Some(candidate);
                }
                it.is_visited = false;
            }
            self.begin_pass(objects);
        }
        None
    }

    fn leave(&mut self, slot: u32) {
        self.slots[slot as usize] = None;
        self.n_empty += 1;
    }

    /// Closes up the empty slots. Nothing else changes: neither the order, nor where the hand is.
    fn close_up(&mut self, objects: &mut [Object]) {
        let n_taken = |slots: &[Option<ObjectId>]| slots.iter().flatten().count();
        self.cursor = n_taken(&self.slots[..self.cursor]);
        self.bound = n_taken(&self.slots[..self.bound]);
        self.slots.retain(Option::is_some);
        self.n_empty = 0;
        for (slot, object) in (0_u32..).zip(self.slots.iter().flatten()) {
            objects[object.index()].slot = slot;
        }
    }

    fn begin_pass(&mut self, objects: &mut [Object]) {
        self.close_up(objects);
        self.cursor = 0;
        self.bound = self.slots.len();
    }
}

#[cfg(test)]
mod tests;
