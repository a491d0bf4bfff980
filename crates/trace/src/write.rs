//! From a trace back to bytes.

mod csv;
mod ibm_json;
mod packed;
mod parquet;

use std::io;

use jiff::Timestamp;
use units::Bytes;

use crate::asides::AsideKinds;
use crate::trace::{Row, Trace};

pub use self::csv::CsvWriter;
pub use self::ibm_json::IbmJsonWriter;
pub use self::packed::{LcsVersion, PackedCounts, write_lcs, write_oracle_general};
pub use self::parquet::ParquetWriter;

/// Writes a trace row by row, holding little of it: [`begin`](RowWriter::begin) once, then each
/// row in the order of time, then [`finish`](RowWriter::finish) once.
pub trait RowWriter {
    /// Starts the output.
    fn begin(&mut self, about: About) -> Result<(), WriteError>;

    /// Writes one row.
    fn row(&mut self, row: &Row<'_>) -> Result<(), WriteError>;

    /// Ends the output and flushes what is beneath.
    fn finish(&mut self) -> Result<(), WriteError>;
}

/// What has to be known of a trace before its first row is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The date of the first request, where the trace has dates.
    pub start: Option<Timestamp>,
    /// What the rows say beside time, key, size and operation.
    pub asides: AsideKinds,
}

impl Trace {
    /// What a [`RowWriter`] has to know of it.
    pub fn about(&self) -> About {
        About { start: self.source().start, asides: self.asides().kinds() }
    }
}

/// Writes all of `trace` by `writer`.
///
/// # Errors
///
/// [`WriteError`] of the writer.
pub fn write_rows(trace: &Trace, writer: &mut dyn RowWriter) -> Result<(), WriteError> {
    writer.begin(trace.about())?;
    for row in trace.rows() {
        writer.row(&row)?;
    }
    writer.finish()
}

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
    /// A trace of which a format without operations holds no request.
    #[error(
        "none of the {n_requests} requests is a GET, and {format} holds nothing else; write CSV \
         or lcs version 3"
    )]
    NothingWritten {
        /// PUTs and DELETEs.
        n_requests: u64,
        /// The format.
        format: &'static str,
    },
    /// A key that a format of text cannot hold.
    #[error("the key `{key}` of request {n_request} is no UTF-8 text, as {format} asks; write CSV")]
    KeyNotText {
        /// The request's number, from 1.
        n_request: u64,
        /// Its key.
        key: String,
        /// The format.
        format: &'static str,
    },
    /// The encoder of a format gave up.
    #[error("cannot be written as {format}: {cause}")]
    Encoder {
        /// The format.
        format: &'static str,
        /// What the encoder says.
        cause: String,
    },
}
