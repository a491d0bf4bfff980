//! Which chunks the instances of the functions really hold.
//!
//! The proxy's metadata says where chunks were put; this says what is left of them. A function
//! has any number of instances up to eight, and each holds its own copies.

use units::{Bytes, Nanos, NodeId, ObjectId, Time};

use crate::faas::Slot;

/// Names one placement of an object. An object that is evicted and comes back has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockId(u32);

/// Names a chunk of a placement, for as long as the placement is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkId(u32);

/// A set of instances of one function, a bit to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots(u8);

impl Slots {
    const NONE: Slots = Slots(0);

    /// The set of this one instance.
    pub(super) fn one(slot: Slot) -> Slots {
        assert!(u32::from(slot) < u8::BITS, "a function has at most eight instances");
        Slots(1 << slot)
    }

    /// This set and another instance.
    pub(super) fn and(self, slot: Slot) -> Slots {
        Slots(self.0 | Slots::one(slot).0)
    }

    fn has(self, slot: Slot) -> bool {
        self.0 & Slots::one(slot).0 != 0
    }

    fn without(self, slot: Slot) -> Slots {
        Slots(self.0 & !Slots::one(slot).0)
    }
}

/// The chunks of all placements, and the books over their bytes.
#[derive(Debug)]
pub(super) struct Contents {
    n_chunks: usize,
    n_parity: u32,
    blocks: Vec<Block>,
    spare_blocks: Vec<u32>,
    /// `n_chunks` to a block.
    chunks: Vec<Chunk>,
    nodes: Vec<Node>,
    books: Books,
    /// Objects that are cached and could be decoded.
    n_intact: u64,
}

/// Chunk bytes by what became of them: `placed = held + overwritten + deleted + lost`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Books {
    /// Stored in a function.
    pub(super) placed: Bytes,
    /// Held by a function now; a copy in another instance does not count again.
    pub(super) held: Bytes,
    /// Stored over a copy that was there.
    pub(super) overwritten: Bytes,
    /// Deleted at the proxy's order.
    pub(super) deleted: Bytes,
    /// Lost with the last instance that held them.
    pub(super) lost: Bytes,
}

impl Books {
    /// Panics unless every byte that was placed is accounted for.
    pub(super) fn check(self) {
        let Books { placed, held, overwritten, deleted, lost } = self;
        assert_eq!(placed, held + overwritten + deleted + lost, "chunk bytes unaccounted for");
    }
}

#[derive(Debug)]
struct Block {
    object: ObjectId,
    /// Of the object as its chunks will be stored next.
    size: Bytes,
    /// The metadata's, where the object is still cached under this placement, and that of each
    /// order under way. At nothing the block may be used again.
    n_references: u32,
    /// Chunks that no instance holds any more.
    n_lost: u32,
    /// Whether the metadata still has the object here.
    is_cached: bool,
    /// Chunks on their way to be stored again, and since when they are known to be missing.
    n_repairs: u32,
    broken_at: Time,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    node: NodeId,
    /// As it was stored last.
    size: Bytes,
    /// Neighbours in the list of its node, while any instance there holds it.
    newer: u32,
    older: u32,
    holders: Slots,
    is_lost: bool,
}

/// The chunks of a node, those used last first.
#[derive(Clone, Debug)]
struct Node {
    newest: u32,
    /// How many chunks these instances hold, and no others: few sets, so that it takes one
    /// look to know how many chunks a sync has to find.
    by_holders: Vec<(Slots, u32)>,
}

/// No chunk.
const NONE: u32 = u32::MAX;

impl Contents {
    /// Nothing yet, of objects that can do without `n_parity` of `n_chunks` chunks.
    pub(super) fn new(n_chunks: usize, n_parity: u32, n_nodes: usize) -> Contents {
        Contents {
            n_chunks,
            n_parity,
            blocks: Vec::new(),
            spare_blocks: Vec::new(),
            chunks: Vec::new(),
            nodes: vec![Node { newest: NONE, by_holders: Vec::new() }; n_nodes],
            books: Books::default(),
            n_intact: 0,
        }
    }

    pub(super) fn books(&self) -> Books {
        self.books
    }

    /// How many objects are cached and could be decoded.
    pub(super) fn n_intact(&self) -> u64 {
        self.n_intact
    }

    /// A placement of `object`, which is of this size, on these nodes, referred to once. Nothing
    /// is stored yet.
    pub(super) fn place(
        &mut self,
        object: ObjectId,
        size: Bytes,
        nodes: impl Iterator<Item = NodeId>,
    ) -> BlockId {
        let block = Block {
            object,
            size,
            n_references: 1,
            n_lost: 0,
            is_cached: true,
            n_repairs: 0,
            broken_at: Time::START,
        };
        self.n_intact += 1;
        let chunk = |node| Chunk {
            node,
            size: Bytes::ZERO,
            newer: NONE,
            older: NONE,
            holders: Slots::NONE,
            is_lost: false,
        };
        if let Some(spare) = self.spare_blocks.pop() {
            self.blocks[spare as usize] = block;
            let first = spare as usize * self.n_chunks;
            for (slot, node) in self.chunks[first..][..self.n_chunks].iter_mut().zip(nodes) {
                *slot = chunk(node);
            }
            return BlockId(spare);
        }
        self.blocks.push(block);
        self.chunks.extend(nodes.map(chunk));
        assert_eq!(self.chunks.len(), self.blocks.len() * self.n_chunks, "a node for each chunk");
        BlockId(u32::try_from(self.blocks.len() - 1).expect("fewer blocks than requests"))
    }

    pub(super) fn object(&self, block: BlockId) -> ObjectId {
        self.blocks[block.0 as usize].object
    }

    /// The size of the object as its chunks will be stored next.
    pub(super) fn size(&self, block: BlockId) -> Bytes {
        self.blocks[block.0 as usize].size
    }

    /// The size of each of these chunks.
    pub(super) fn chunk_size(&self, block: BlockId) -> Bytes {
        self.size(block).split(self.n_chunks as u64 - u64::from(self.n_parity))
    }

    /// The size of a chunk as it was stored last.
    pub(super) fn stored_size(&self, block: BlockId, chunk: u32) -> Bytes {
        self.chunks[self.index(block, chunk)].size
    }

    /// The object has another size from now on; what is stored stays as it is.
    pub(super) fn resize(&mut self, block: BlockId, size: Bytes) {
        self.blocks[block.0 as usize].size = size;
    }

    pub(super) fn node(&self, block: BlockId, chunk: u32) -> NodeId {
        self.chunks[self.index(block, chunk)].node
    }

    /// The metadata no longer has the object in this placement: what is lost of it from now on
    /// nobody misses.
    pub(super) fn retire(&mut self, block: BlockId) {
        let block = &mut self.blocks[block.0 as usize];
        assert!(std::mem::take(&mut block.is_cached), "retired before");
        if block.n_lost <= self.n_parity {
            self.n_intact -= 1;
        }
    }

    /// Chunks of an object were found missing, and so many are stored again.
    pub(super) fn repair(&mut self, now: Time, block: BlockId, n_chunks: u32) {
        let block = &mut self.blocks[block.0 as usize];
        if block.n_repairs == 0 {
            block.broken_at = now;
        }
        block.n_repairs += n_chunks;
    }

    /// A chunk was stored: how long the object was broken, if it was and is whole again.
    pub(super) fn repaired(&mut self, now: Time, block: BlockId) -> Option<Nanos> {
        let block = &mut self.blocks[block.0 as usize];
        block.n_repairs = block.n_repairs.checked_sub(1)?;
        (block.n_repairs == 0).then(|| now.since(block.broken_at))
    }

    /// Keeps a block from being used again until it is released as often.
    pub(super) fn retain(&mut self, block: BlockId) {
        self.blocks[block.0 as usize].n_references += 1;
    }

    pub(super) fn release(&mut self, block: BlockId) {
        let n_references = &mut self.blocks[block.0 as usize].n_references;
        *n_references -= 1;
        if *n_references == 0 {
            let first = block.0 as usize * self.n_chunks;
            let chunks = &self.chunks[first..][..self.n_chunks];
            let is_gone = chunks.iter().all(|it| it.holders == Slots::NONE);
            assert!(is_gone, "a chunk nobody will ever delete");
            self.spare_blocks.push(block.0);
        }
    }

    /// Whether an instance can answer with this chunk.
    pub(super) fn is_held(&self, block: BlockId, chunk: u32, by: Slot) -> bool {
        self.chunks[self.index(block, chunk)].holders.has(by)
    }

    /// Whether a chunk was lost with the last instance that held it.
    pub(super) fn is_lost(&self, block: BlockId, chunk: u32) -> bool {
        self.chunks[self.index(block, chunk)].is_lost
    }

    /// Whether any instance of a node holds any chunk.
    pub(super) fn holds_chunks(&self, node: NodeId) -> bool {
        self.nodes[node.index()].newest != NONE
    }

    /// The object is about to be stored in another version: no copy there is of it counts any
    /// more.
    pub(super) fn drop_copies(&mut self, block: BlockId) {
        let first = block.0 as usize * self.n_chunks;
        for index in first..first + self.n_chunks {
            let Chunk { holders, size, .. } = self.chunks[index];
            if holders != Slots::NONE {
                self.books.held -= size;
                self.books.overwritten += size;
                self.unlink(index);
            }
        }
    }

    /// Stores a chunk in these instances of its node. Others keep the copy they may have.
    pub(super) fn store(&mut self, block: BlockId, chunk: u32, by: Slots) {
        let size = self.chunk_size(block);
        let index = self.index(block, chunk);
        let it = &mut self.chunks[index];
        let before = std::mem::replace(&mut it.size, size);
        let held_before = it.holders;
        let was_lost = std::mem::take(&mut it.is_lost);
        self.books.placed += size;
        self.books.held += size;
        if held_before != Slots::NONE {
            self.books.held -= before;
            self.books.overwritten += before;
            self.detach(index);
        }
        self.link(index);
        self.set_holders(index, Slots(held_before.0 | by.0));
        if was_lost {
            let block = &mut self.blocks[block.0 as usize];
            block.n_lost -= 1;
            if block.is_cached && block.n_lost == self.n_parity {
                self.n_intact += 1;
            }
        }
    }

    /// Notes that a chunk, which is held, was read: it is in front of those used before.
    pub(super) fn touch(&mut self, block: BlockId, chunk: u32) {
        let index = self.index(block, chunk);
        self.detach(index);
        self.link(index);
    }

    /// Notes that an instance has got a copy of a chunk that another one holds.
    pub(super) fn copy(&mut self, chunk: ChunkId, node: NodeId, from: Slot, to: Slot) {
        let it = self.chunks[chunk.0 as usize];
        // Deleted meanwhile, or even another object's by now: then there is nothing to copy.
        if it.node == node && it.holders.has(from) {
            self.set_holders(chunk.0 as usize, it.holders.and(to));
        }
    }

    pub(super) fn chunk_id(&self, block: BlockId, chunk: u32) -> ChunkId {
        ChunkId(u32::try_from(self.index(block, chunk)).expect("fewer chunks than 2^32"))
    }

    /// Deletes a chunk from its node, if it is still there.
    pub(super) fn delete(&mut self, block: BlockId, chunk: u32) {
        let index = self.index(block, chunk);
        let Chunk { holders, size, .. } = self.chunks[index];
        if holders != Slots::NONE {
            self.books.held -= size;
            self.books.deleted += size;
            self.unlink(index);
        }
    }

    /// The chunks that `source` holds and `target` lacks, those used last first, with their sizes.
    pub(super) fn difference(
        &self,
        node: NodeId,
        source: Slot,
        target: Slot,
    ) -> impl Iterator<Item = (ChunkId, Bytes)> {
        let is_missing = move |by: Slots| by.has(source) && !by.has(target);
        let by_holders = self.nodes[node.index()].by_holders.iter();
        let n_missing: u32 = by_holders.filter(|(by, _)| is_missing(*by)).map(|(_, n)| n).sum();
        // What is missing is mostly new, and so near the front.
        self.of_node(node)
            .filter(move |(_, it)| is_missing(it.holders))
            .take(n_missing as usize)
            .map(|(index, it)| (ChunkId(index), it.size))
    }

    /// An instance was taken back with what it held; how many cached objects can no longer be
    /// decoded for it.
    pub(super) fn lose(&mut self, node: NodeId, slot: Slot) -> u64 {
        let mut n_objects_lost = 0;
        let mut index = self.nodes[node.index()].newest;
        while index != NONE {
            let Chunk { older, holders, size, .. } = self.chunks[index as usize];
            let left = holders.without(slot);
            if left == Slots::NONE {
                self.books.held -= size;
                self.books.lost += size;
                self.unlink(index as usize);
                self.chunks[index as usize].is_lost = true;
                let block = &mut self.blocks[index as usize / self.n_chunks];
                block.n_lost += 1;
                if block.is_cached && block.n_lost == self.n_parity + 1 {
                    n_objects_lost += 1;
                }
            } else {
                self.set_holders(index as usize, left);
            }
            index = older;
        }
        self.n_intact -= n_objects_lost;
        n_objects_lost
    }

    fn of_node(&self, node: NodeId) -> impl Iterator<Item = (u32, &Chunk)> {
        let mut next = self.nodes[node.index()].newest;
        std::iter::from_fn(move || {
            let index = (next != NONE).then_some(next)?;
            next = self.chunks[index as usize].older;
            Some((index, &self.chunks[index as usize]))
        })
    }

    fn index(&self, block: BlockId, chunk: u32) -> usize {
        block.0 as usize * self.n_chunks + chunk as usize
    }

    fn link(&mut self, index: usize) {
        let node = self.chunks[index].node.index();
        let name = u32::try_from(index).expect("fewer chunks than 2^32");
        let older = std::mem::replace(&mut self.nodes[node].newest, name);
        self.chunks[index].newer = NONE;
        self.chunks[index].older = older;
        if older != NONE {
            self.chunks[older as usize].newer = name;
        }
    }

    /// Takes a chunk out of its node's list and out of all instances.
    fn unlink(&mut self, index: usize) {
        self.detach(index);
        self.set_holders(index, Slots::NONE);
    }

    /// Takes a chunk out of its node's list.
    fn detach(&mut self, index: usize) {
        let Chunk { node, newer, older, .. } = self.chunks[index];
        match newer {
            NONE => self.nodes[node.index()].newest = older,
            _ => self.chunks[newer as usize].older = older,
        }
        if older != NONE {
            self.chunks[older as usize].newer = newer;
        }
    }

    fn set_holders(&mut self, index: usize, holders: Slots) {
        let Chunk { node, holders: before, .. } = self.chunks[index];
        if before == holders {
            return;
        }
        self.chunks[index].holders = holders;
        let counts = &mut self.nodes[node.index()].by_holders;
        if before != Slots::NONE {
            let count = counts.iter_mut().find(|(by, _)| *by == before);
            count.expect("it was counted").1 -= 1;
        }
        if holders != Slots::NONE {
            match counts.iter_mut().find(|(by, _)| *by == holders) {
                Some((_, count)) => *count += 1,
                None => counts.push((holders, 1)),
            }
        }
    }
}

#[cfg(test)]
mod tests;
