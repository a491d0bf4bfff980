//! Doubly linked lists over dense ids, without an allocation per entry.

use units::ObjectId;

/// Marks the end of a list.
const NONE: u32 = u32::MAX;

/// The links of every id; an id is in at most one list at a time.
#[derive(Clone, Debug)]
pub(super) struct Links(Vec<Link>);

#[derive(Clone, Copy, Debug)]
struct Link {
    toward_head: u32,
    toward_tail: u32,
}

/// The two ends of one list; entries enter at the head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    head: u32,
    tail: u32,
}

impl Ends {
    /// A list of nothing.
    pub(super) const EMPTY: Ends = Ends { head: NONE, tail: NONE };

    /// The entry that has been in the list longest.
    pub(super) fn tail(self) -> Option<ObjectId> {
        some(self.tail)
    }

    /// Whether nothing is in the list.
    pub(super) fn is_empty(self) -> bool {
        self.head == NONE
    }
}

impl Links {
    /// Links for ids `0..n_ids`.
    pub(super) fn new(n_ids: usize) -> Links {
        Links(vec![Link { toward_head: NONE, toward_tail: NONE }; n_ids])
    }

    /// The neighbour of `id` on the side of the newer entries.
    pub(super) fn toward_head(&self, id: ObjectId) -> Option<ObjectId> {
        some(self.0[id.index()].toward_head)
    }

    /// Puts `id`, which is in no list, at the head.
    pub(super) fn push_head(&mut self, ends: &mut Ends, id: ObjectId) {
        self.0[id.index()] = Link { toward_head: NONE, toward_tail: ends.head };
        match some(ends.head) {
            Some(head) => self.0[head.index()].toward_head = id.0,
            None => ends.tail = id.0,
        }
        ends.head = id.0;
    }

    /// Takes `id`, which is in this list, out of it.
    pub(super) fn unlink(&mut self, ends: &mut Ends, id: ObjectId) {
        let Link { toward_head, toward_tail } = self.0[id.index()];
        match some(toward_head) {
            Some(newer) => self.0[newer.index()].toward_tail = toward_tail,
            None => ends.head = toward_tail,
        }
        match some(toward_tail) {
            Some(older) => self.0[older.index()].toward_head = toward_head,
            None => ends.tail = toward_head,
        }
    }

    /// Moves `id`, which is in this list, to its head.
    pub(super) fn move_to_head(&mut self, ends: &mut Ends, id: ObjectId) {
        if ends.head != id.0 {
            self.unlink(ends, id);
            self.push_head(ends, id);
        }
    }

    /// Takes out the entry at the tail.
    pub(super) fn pop_tail(&mut self, ends: &mut Ends) -> Option<ObjectId> {
        let tail = ends.tail()?;
        self.unlink(ends, tail);
        Some(tail)
    }
}

fn some(id: u32) -> Option<ObjectId> {
    (id != NONE).then_some(ObjectId(id))
}
