//! Which nodes the chunks of an object ask for.

use std::{fmt, str};

use units::NodeId;

/// How a client picks the nodes it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The first d + p of a random permutation of the nodes, as the reference client does.
    Random,
    /// One node after the other, going on where the last object ended.
    RoundRobin,
    /// At random, but by the key: an object asks for the same nodes in whatever order objects
    /// come. See [`keyed_picks`].
    Keyed,
}

/// Uniformly random picks for the object whose key has this hash: the same for the same salt, by
/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014).
pub fn keyed_picks(key_hash: u64, salt: u64) -> impl Iterator<Item = u64> {
    let mut state = key_hash ^ salt;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    })
}

impl str::FromStr for Placement {
    type Err = String;

    fn from_str(text: &str) -> Result<Placement, String> {
        match text {
            "random" => Ok(Placement::Random),
            "round-robin" => Ok(Placement::RoundRobin),
            "keyed" => Ok(Placement::Keyed),
            _ => Err(format!("`{text}` is not a placement; write random, round-robin or keyed")),
        }
    }
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Placement::Random => "random",
            Placement::RoundRobin => "round-robin",
            Placement::Keyed => "keyed",
        })
    }
}

/// Picks the distinct nodes that the chunks of an object ask for.
#[derive(Clone, Debug)]
pub struct NodePicker {
    placement: Placement,
    /// Always a permutation of the nodes.
    nodes: Vec<NodeId>,
    next: usize,
    picked: Vec<NodeId>,
}

impl NodePicker {
    /// A picker among nodes `0..n_nodes`.
    pub fn new(placement: Placement, n_nodes: u32) -> NodePicker {
        let nodes = (0..n_nodes).map(NodeId).collect();
        NodePicker { placement, nodes, next: 0, picked: Vec::new() }
    }

    /// `n_chunks` distinct nodes. A random placement takes one of `picks` for each, which for a
    /// keyed one are those of the object's key.
    pub fn pick(&mut self, n_chunks: usize, mut picks: impl Iterator<Item = u64>) -> &[NodeId] {
        assert!(n_chunks <= self.nodes.len(), "no two chunks of an object share a node");
        self.picked.clear();
        if self.placement == Placement::Keyed {
            // What was picked before is not to matter.
            self.nodes.sort_unstable();
        }
        for chunk in 0..n_chunks {
            let index = match self.placement {
                Placement::RoundRobin => (self.next + chunk) % self.nodes.len(),
                Placement::Random | Placement::Keyed => {
                    // Fisher and Yates, stopped after the first n_chunks.
                    let pick = picks.next().expect("a pick for each chunk");
                    let n_left = (self.nodes.len() - chunk) as u128;
                    let offset = (u128::from(pick) * n_left) >> 64;
                    let other = chunk + usize::try_from(offset).expect("below the node count");
                    self.nodes.swap(chunk, other);
                    chunk
                }
            };
            self.picked.push(self.nodes[index]);
        }
        self.next = (self.next + n_chunks) % self.nodes.len();
        &self.picked
    }
}
