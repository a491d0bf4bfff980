//! From a trace back to bytes.

mod csv;
mod ibm_json;
mod packed;

use std::io;

use units::Bytes;

pub use self::csv::write_csv;
pub use self::ibm_json::write_ibm_json;
pub use self::packed::{LcsVersion, PackedCounts, write_lcs, write_oracle_general};

/// Why a trace could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The bytes could not be put down.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A size that the format has no room for.
    #[error(
        "request {n_request} (key `{key}`) is of {} bytes, and {format} holds at most \
         {}; clamp sizes with `--clamp-size 4GB`, or write CSV or lcs version 3",
        size.get(), u32::MAX
    )]
    SizeTooLarge {
        /// The request's number, from 1.
        n_request: u64,
        /// Its key.
        key: String,
        /// Its size.
        size: Bytes,
        /// The format.
        format: &'static str,
    },
}
