//! Which chunks the instances of the functions really hold.
//!
//! The proxy's metadata says where chunks were put; this says what is left of them. A function
//! has at most two instances: the primary, which answers, and a peer replica of it.

use units::{Bytes, NodeId, ObjectId};

/// Names one placement of an object. An object that is evicted and comes back has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockId(u32);

/// The chunks of all placements, and the books over their bytes.
#[derive(Debug)]
pub(super) struct Contents {
    n_chunks: usize,
    blocks: Vec<Block>,
    spare_blocks: Vec<u32>,
    /// `n_chunks` to a block.
    chunks: Vec<Chunk>,
    nodes: Vec<Node>,
    books: Books,
}

/// Chunk bytes by what became of them: `placed = held + overwritten + deleted + lost`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Books {
    /// Stored in a function.
    pub(super) placed: Bytes,
    /// Held by a function now; a copy in its replica does not count again.
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

/// What a sync has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) n_chunks: u64,
    pub(super) bytes: Bytes,
}

#[derive(Debug)]
struct Block {
    object: ObjectId,
    /// Of the chunks as they will be stored next.
    chunk_size: Bytes,
    /// The metadata's, where the object is still cached under this placement, and that of each
    /// order under way. At nothing the block may be used again.
    n_references: u32,
}

#[derive(Clone, Copy, Debug)]
struct Chunk {
    node: NodeId,
    /// As it was stored last.
    size: Bytes,
    /// Neighbours in the list of its node, while any instance there holds it.
    newer: u32,
    older: u32,
    in_primary: bool,
    in_replica: bool,
}

/// The chunks of a node, newest first. What the replica lacks is in front, since chunks come
/// in front and a sync copies all.
#[derive(Clone, Copy, Debug)]
struct Node {
    newest: u32,
    has_replica: bool,
}

/// No chunk.
const NONE: u32 = u32::MAX;

impl Contents {
    pub(super) fn new(n_chunks: usize, n_nodes: usize) -> Contents {
        Contents {
            n_chunks,
            blocks: Vec::new(),
            spare_blocks: Vec::new(),
            chunks: Vec::new(),
            nodes: vec![Node { newest: NONE, has_replica: false }; n_nodes],
            books: Books::default(),
        }
    }

    pub(super) fn books(&self) -> Books {
        self.books
    }

    /// A placement of `object` on these nodes, referred to once. Nothing is stored yet.
    pub(super) fn place(
        &mut self,
        object: ObjectId,
        chunk_size: Bytes,
        nodes: impl Iterator<Item = NodeId>,
    ) -> BlockId {
        let block = Block { object, chunk_size, n_references: 1 };
        let chunk = |node| Chunk {
            node,
            size: Bytes::ZERO,
            newer: NONE,
            older: NONE,
            in_primary: false,
            in_replica: false,
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

    pub(super) fn chunk_size(&self, block: BlockId) -> Bytes {
        self.blocks[block.0 as usize].chunk_size
    }

    /// The size of a chunk as it was stored last.
    pub(super) fn stored_size(&self, block: BlockId, chunk: u32) -> Bytes {
        self.chunks[self.slot(block, chunk)].size
    }

    /// The object has another size from now on; what is stored stays as it is.
    pub(super) fn resize(&mut self, block: BlockId, chunk_size: Bytes) {
        self.blocks[block.0 as usize].chunk_size = chunk_size;
    }

    pub(super) fn node(&self, block: BlockId, chunk: u32) -> NodeId {
        self.chunks[self.slot(block, chunk)].node
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
            assert!(chunks.iter().all(|it| !it.in_primary), "a chunk nobody will ever delete");
            assert!(chunks.iter().all(|it| !it.in_replica), "a chunk nobody will ever delete");
            self.spare_blocks.push(block.0);
        }
    }

    /// Whether the primary instance can answer with this chunk.
    pub(super) fn is_held(&self, block: BlockId, chunk: u32) -> bool {
        self.chunks[self.slot(block, chunk)].in_primary
    }

    /// Whether a node's primary instance holds any chunk.
    pub(super) fn holds_chunks(&self, node: NodeId) -> bool {
        self.nodes[node.index()].newest != NONE
    }

    /// Whether a node has a peer replica.
    pub(super) fn has_replica(&self, node: NodeId) -> bool {
        self.nodes[node.index()].has_replica
    }

    /// Stores a chunk in its node's primary instance. A replica keeps the copy it may have.
    pub(super) fn store(&mut self, block: BlockId, chunk: u32) {
        let size = self.chunk_size(block);
        let slot = self.slot(block, chunk);
        let before = std::mem::replace(&mut self.chunks[slot].size, size);
        self.books.placed += size;
        self.books.held += size;
        if self.chunks[slot].in_primary {
            self.books.held -= before;
            self.books.overwritten += before;
        } else {
            self.chunks[slot].in_primary = true;
            self.link(slot);
        }
    }

    /// Deletes a chunk from its node, if it is still there.
    pub(super) fn delete(&mut self, block: BlockId, chunk: u32) {
        let slot = self.slot(block, chunk);
        let Chunk { in_primary, size, .. } = self.chunks[slot];
        if in_primary {
            self.books.held -= size;
            self.books.deleted += size;
            self.unlink(slot);
        }
    }

    /// Copies what the replica lacks, starting one if there is none. The two are alike then.
    pub(super) fn sync(&mut self, node: NodeId) -> Moved {
        let mut moved = Moved { n_chunks: 0, bytes: Bytes::ZERO };
        let mut slot = self.nodes[node.index()].newest;
        while slot != NONE && !self.chunks[slot as usize].in_replica {
            self.chunks[slot as usize].in_replica = true;
            moved.n_chunks += 1;
            moved.bytes += self.chunks[slot as usize].size;
            slot = self.chunks[slot as usize].older;
        }
        self.nodes[node.index()].has_replica = true;
        moved
    }

    /// Takes the primary instance back. The replica, if there is one, answers from now on.
    pub(super) fn lose_primary(&mut self, node: NodeId) {
        let mut slot = self.nodes[node.index()].newest;
        while slot != NONE {
            let Chunk { older, in_replica, size, .. } = self.chunks[slot as usize];
            if in_replica {
                self.chunks[slot as usize].in_replica = false;
            } else {
                self.books.held -= size;
                self.books.lost += size;
                self.unlink(slot as usize);
            }
            slot = older;
        }
        self.nodes[node.index()].has_replica = false;
    }

    /// Takes the replica back. The primary goes on alone.
    pub(super) fn lose_replica(&mut self, node: NodeId) {
        let mut slot = self.nodes[node.index()].newest;
        while slot != NONE {
            self.chunks[slot as usize].in_replica = false;
            slot = self.chunks[slot as usize].older;
        }
        self.nodes[node.index()].has_replica = false;
    }

    fn slot(&self, block: BlockId, chunk: u32) -> usize {
        block.0 as usize * self.n_chunks + chunk as usize
    }

    fn link(&mut self, slot: usize) {
        let node = self.chunks[slot].node.index();
        let index = u32::try_from(slot).expect("fewer chunks than 2^32");
        let older = std::mem::replace(&mut self.nodes[node].newest, index);
        self.chunks[slot].newer = NONE;
        self.chunks[slot].older = older;
        if older != NONE {
            self.chunks[older as usize].newer = index;
        }
    }

    /// Takes a chunk out of its node's list and out of both instances.
    fn unlink(&mut self, slot: usize) {
        let Chunk { node, newer, older, .. } = self.chunks[slot];
        match newer {
            NONE => self.nodes[node.index()].newest = older,
            _ => self.chunks[newer as usize].older = older,
        }
        if older != NONE {
            self.chunks[older as usize].newer = newer;
        }
        self.chunks[slot].in_primary = false;
        self.chunks[slot].in_replica = false;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NODE: NodeId = NodeId(0);

    /// Plays `script` on one node with chunks of 1, 2, 4, 8 bytes called a, b, c, d: "+"
    /// stores, "-" deletes, "sync", "lose" and "lose-replica" do what they say. Checks the
    /// bytes that the primary then holds and those that each sync moved.
    #[track_caller]
    fn check(script: &str, held: &str, moved: &[u64]) {
        let mut contents = Contents::new(1, 1);
        let blocks: Vec<BlockId> = (0..4)
            .map(|it| contents.place(ObjectId(it), Bytes::new(1 << it), std::iter::once(NODE)))
            .collect();
        let mut seen = Vec::new();
        for word in script.split_whitespace() {
            let block = blocks.get(usize::from(word.as_bytes()[1].wrapping_sub(b'a')));
            match word {
                "sync" => seen.push(contents.sync(NODE).bytes.get()),
                "lose" => contents.lose_primary(NODE),
                "lose-replica" => contents.lose_replica(NODE),
                _ if word.starts_with('+') => contents.store(*block.unwrap(), 0),
                _ => contents.delete(*block.unwrap(), 0),
            }
        }
        let names = ["a", "b", "c", "d"];
        let is_held = |it: &usize| contents.is_held(blocks[*it], 0);
        let now: String = (0..4).filter(is_held).map(|it| names[it]).collect();
        assert_eq!((now.as_str(), seen.as_slice()), (held, moved), "{script}");
        contents.books().check();
    }

    #[test]
    fn a_reclaimed_node_keeps_what_its_replica_has() {
        check("+a +b lose", "", &[]);
        check("+a +b sync +c lose", "ab", &[3]);
        check("+a +b sync +c sync lose", "abc", &[3, 4]);
        check("+a sync lose +b lose", "", &[1]);
        check("+a sync lose sync +b lose", "a", &[1, 1]);
        check("+a sync lose-replica +b lose", "", &[1]);
    }

    #[test]
    fn a_deleted_chunk_does_not_come_back() {
        check("+a +b sync -a lose", "b", &[3]);
        check("+a -a -a sync", "", &[0]);
    }

    #[test]
    fn an_overwritten_chunk_is_not_moved_again() {
        check("+a sync +a sync", "a", &[1, 0]);
    }

    #[test]
    fn another_size_counts_from_the_next_store_on() {
        let mut contents = Contents::new(1, 1);
        let block = contents.place(ObjectId(0), Bytes::new(10), std::iter::once(NODE));
        contents.store(block, 0);
        contents.resize(block, Bytes::new(3));
        assert_eq!(contents.stored_size(block, 0), Bytes::new(10));
        contents.store(block, 0);
        assert_eq!(contents.stored_size(block, 0), Bytes::new(3));
        let Books { placed, held, overwritten, .. } = contents.books();
        let expect = [13, 3, 10].map(Bytes::new);
        assert_eq!([placed, held, overwritten], expect);
    }

    #[test]
    fn a_released_block_is_used_again() {
        let mut contents = Contents::new(2, 2);
        let nodes = || [NodeId(0), NodeId(1)].into_iter();
        let first = contents.place(ObjectId(0), Bytes::new(5), nodes());
        contents.retain(first);
        contents.release(first);
        let second = contents.place(ObjectId(1), Bytes::new(6), nodes());
        assert_ne!(first, second);
        contents.release(first);
        assert_eq!(contents.place(ObjectId(2), Bytes::new(7), nodes()), first);
        assert_eq!(contents.object(first), ObjectId(2));
    }

    proptest! {
        #[test]
        fn the_books_balance(steps in prop::collection::vec((0..8_u32, 0..10_u8), 1..200)) {
            let mut contents = Contents::new(2, 4);
            let blocks: Vec<BlockId> = (0..8)
                .map(|it| {
                    let nodes = [NodeId(it % 4), NodeId((it + 1) % 4)].into_iter();
                    contents.place(ObjectId(it), Bytes::new(u64::from(it) + 1), nodes)
                })
                .collect();
            for (index, verb) in steps {
                if verb == 9 {
                    contents.resize(blocks[index as usize], Bytes::new(u64::from(index) * 3));
                    continue;
                }
                let (block, node) = (blocks[index as usize], NodeId(index % 4));
                match verb {
                    0..4 => contents.store(block, u32::from(verb % 2)),
                    4 => contents.delete(block, 0),
                    5 => contents.delete(block, 1),
                    6 => contents.lose_primary(node),
                    7 => contents.lose_replica(node),
                    _ => { contents.sync(node); }
                }
                let held: Bytes = blocks
                    .iter()
                    .flat_map(|it| [(*it, 0), (*it, 1)])
                    .filter(|(block, chunk)| contents.is_held(*block, *chunk))
                    .map(|(block, chunk)| contents.stored_size(block, chunk))
                    .sum();
                prop_assert_eq!(contents.books().held, held);
                contents.books().check();
            }
        }
    }
}
