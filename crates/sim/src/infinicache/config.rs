//! What there is to choose about an InfiniCache.

use std::{fmt, str};

use policy::fetch::FirstD;
use policy::lease::LeaseTerms;
use policy::link::LinkTerms;
use policy::placer::{Eviction, Placement};
use policy::reclaim::Reclaim;
use units::{Bytes, Nanos};

use crate::availability::CodedPool;
use crate::faas::InstancePick;
use crate::profile::{CodecProfile, FunctionProfile, NetworkProfile, ObjectStoreProfile};

/// What older copies of a chunk are worth once it was written again, after a RESET or by a PUT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OlderCopies {
    /// They stand in for it, as in the reference, which knows a chunk by its key alone.
    Serve,
    /// They are of another version and serve nobody, as in the live cache, where objects may
    /// change.
    Drop,
}

impl str::FromStr for OlderCopies {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<OlderCopies, &'static str> {
        match text {
            "serve" => Ok(OlderCopies::Serve),
            "drop" => Ok(OlderCopies::Drop),
            _ => Err("write serve or drop"),
        }
    }
}

impl fmt::Display for OlderCopies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            OlderCopies::Serve => "serve",
            OlderCopies::Drop => "drop",
        })
    }
}

/// A pool of functions behind one proxy or several.
#[derive(Clone, Debug)]
pub struct InfiniCacheConfig {
    /// How many proxies; keys are spread over them by the consistent-hash ring.
    pub n_proxies: u32,
    /// Functions per proxy; no fewer than chunks per object.
    pub n_nodes: u32,
    /// The memory of a function in MB, as the platform sizes and bills it.
    pub memory_mb: u32,
    /// What of a function's memory counts as its capacity, the overhead included.
    pub node_memory: Bytes,
    /// What of that is taken from the start; less than the capacity.
    pub node_overhead: Bytes,
    /// Data chunks per object; at least one.
    pub n_data: u32,
    /// Parity chunks per object.
    pub n_parity: u32,
    /// How long a function may be idle before it is warmed; never if `None`.
    pub warm_up: Option<Nanos>,
    /// How old a function gets before it copies itself to a peer replica; never if `None`.
    pub backup: Option<Nanos>,
    /// What the platform takes back.
    pub reclaim: Reclaim,
    /// Where chunks go.
    pub placement: Placement,
    /// How many objects make way for one that finds no room.
    pub eviction: Eviction,
    /// Which answers settle a read.
    pub first_d: FirstD,
    /// What older copies of a chunk are worth.
    pub older_copies: OlderCopies,
    /// The billed-duration control of the functions.
    pub lease: LeaseTerms,
    /// What a proxy allows a function before it asks again.
    pub link: LinkTerms,
    /// Which of its instances an invocation meets.
    pub instance_pick: InstancePick,
    /// How many clients with a link of their own send the requests in turn; at nothing, they
    /// run on the machines of the proxies.
    pub n_clients: u32,
    /// How long an invocation may run.
    pub execution_limit: Nanos,
    /// What functions, proxies and clients share.
    pub network: NetworkProfile,
    /// How functions start and transfer.
    pub function: FunctionProfile,
    /// How long the client codes.
    pub codec: CodecProfile,
    /// The virtual machine of each proxy, as the price book has it.
    pub proxy_machine: String,
    /// The backing store.
    pub object_store: ObjectStoreProfile,
}

impl InfiniCacheConfig {
    /// Chunks per object.
    pub fn n_chunks(&self) -> u32 {
        self.n_data + self.n_parity
    }

    /// Its pool and code, for the closed form.
    pub fn coded_pool(&self) -> CodedPool {
        let (n_nodes, n_chunks) = (self.n_nodes, self.n_chunks());
        CodedPool { n_nodes, n_chunks, n_parity: self.n_parity }
    }

    /// How long the client computes parity. Without parity there is nothing to compute.
    pub(super) fn encode_time(&self, size: Bytes) -> Nanos {
        if self.n_parity == 0 { Nanos::ZERO } else { self.codec.encode.time(size) }
    }

    /// How long the client checks and rebuilds an object from its chunks.
    pub(super) fn decode_time(&self, size: Bytes) -> Nanos {
        if self.n_parity == 0 { Nanos::ZERO } else { self.codec.decode.time(size) }
    }
}
