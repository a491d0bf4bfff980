//! Why a request of a client fails.

use std::io;
use std::time::Duration;

use policy::Ring;
use thiserror::Error;
use wire::{NAME_LEN_MAX, Refusal};

/// Why a request failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// A proxy cannot be reached.
    #[error("the proxy at {proxy} cannot be reached: {why}")]
    Unreachable {
        /// Its address.
        proxy: String,
        /// What happened.
        why: String,
    },
    /// A proxy does not let the client in, or do what it asks.
    #[error("the proxy at {proxy} refuses: {why}")]
    Refused {
        /// Its address.
        proxy: String,
        /// Why.
        why: Refusal,
    },
    /// The request took longer than it may.
    #[error("the proxy at {proxy} has not answered in full within {limit:?}")]
    Deadline {
        /// Its address.
        proxy: String,
        /// How long it had.
        limit: Duration,
    },
    /// The proxies disagree, or their code cannot be.
    #[error("the proxy at {proxy} has the code {theirs}, and the first one {ours}")]
    Code {
        /// Its address.
        proxy: String,
        /// Its code.
        theirs: String,
        /// That of the first proxy.
        ours: String,
    },
    /// The number of proxies is out of range.
    #[error("{n_proxies} proxies: give 1 to {}", Ring::N_MEMBERS_MAX)]
    Proxies {
        /// How many were given.
        n_proxies: usize,
    },
    /// The key is too long.
    #[error("a key of {n_bytes} bytes: the longest has {NAME_LEN_MAX}")]
    KeyTooLong {
        /// How long it is.
        n_bytes: usize,
    },
    /// The backing store failed.
    #[error("the backing store: {0}")]
    Store(#[from] io::Error),
    /// The system has no random numbers.
    #[error("the system has no random numbers: {0}")]
    Random(#[from] getrandom::Error),
}
