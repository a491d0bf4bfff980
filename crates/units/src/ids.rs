//! Names of things, as dense numbers that index arrays.

/// Names an object of a trace: its place in the order of first appearance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

/// Names a cache node (a cloud function, or a server of a cluster) by its place in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl ObjectId {
    /// This id as an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl NodeId {
    /// This id as an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}
