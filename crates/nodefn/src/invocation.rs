//! What an invocation brings, and what it returns.

use policy::lease::{Invoked, LeaseTerms};
use serde::{Deserialize, Serialize};
use units::{Bytes, Nanos};

/// The payload of an invocation: JSON, as the proxy writes it and the function reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// What to do.
    pub command: Command,
    /// Which function of the pool this is.
    pub node: u32,
    /// Where the proxy listens for functions, as `address:port`.
    pub proxy: String,
    /// Lets one connection in at the proxy, and stands in every PONG of this invocation.
    pub token: String,
    /// Lets one connection in at the relay; for [`Command::BackUp`] only.
    #[serde(default)]
    pub relay_token: String,
    /// The instance whose connection the proxy holds, or 0: any other instance dials.
    pub session_known: u64,
    /// Chunks of versions below this are of a proxy that has forgotten them.
    pub version_min: u64,
    /// The memory the function was created with, in MB as the platform counts it.
    pub memory_mb: u32,
    /// How much of it chunks may take, in bytes.
    pub capacity_bytes: u64,
    /// The billing cycle to end with, in milliseconds.
    pub cycle_ms: u64,
    /// How old an active instance grows before it is backed up, in milliseconds; 0 for never.
    pub backup_interval_ms: u64,
}

/// What an invocation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Dial in, and serve a request that waits.
    Serve,
    /// Dial in, so as not to be reclaimed.
    WarmUp,
    /// Take over from the instance that waits at the relay.
    BackUp,
    /// Return a report at once, without dialling.
    Report,
}

/// What an invocation returns: JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Which function.
    pub node: u32,
    /// Which instance of it.
    pub session: u64,
    /// Requests served in this invocation.
    pub n_served: u64,
    /// GETs answered with a chunk in this invocation.
    pub n_hits: u64,
    /// GETs of chunks that were not there in this invocation.
    pub n_misses: u64,
    /// Chunks copied from the instance before it in this invocation.
    pub n_synced: u64,
    /// Whether this invocation handed over to a peer replica.
    pub was_backed_up: bool,
    /// Chunks held now.
    pub n_chunks: u64,
    /// Memory that they take, in bytes.
    pub used_bytes: u64,
}

impl Invocation {
    /// Why the lease is granted.
    pub(crate) fn why(&self) -> Invoked {
        match self.command {
            Command::WarmUp | Command::Report => Invoked::WarmUp,
            Command::Serve | Command::BackUp => Invoked::Request,
        }
    }

    /// What the lease goes by. A cycle of 0 counts as 1 ms.
    pub(crate) fn lease_terms(&self) -> LeaseTerms {
        LeaseTerms::of(self.memory_mb, millis(self.cycle_ms.max(1)))
    }

    /// How old an active instance grows before it is backed up, if it is.
    pub(crate) fn backup_interval(&self) -> Option<Nanos> {
        (self.backup_interval_ms != 0).then(|| millis(self.backup_interval_ms))
    }

    /// How much memory chunks may take.
    pub(crate) fn capacity(&self) -> Bytes {
        Bytes::new(self.capacity_bytes)
    }
}

/// A length of time from a payload, which may say anything: a day at the most.
fn millis(millis: u64) -> Nanos {
    Nanos::millis(millis.min(24 * 3_600_000))
}
