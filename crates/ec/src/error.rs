//! What can be wrong with a call.

use thiserror::Error;

use crate::code::Code;

/// Why a code cannot be had, or why chunks cannot be coded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EcError {
    /// No field of 255 points has so many chunks, or there is nothing to code.
    #[error(
        "a code of {n_data} data and {n_parity} parity chunks is out of range: \
         give at least 1 data chunk and at most 255 chunks in all"
    )]
    CodeOutOfRange {
        /// Chunks of data asked for.
        n_data: usize,
        /// Chunks of parity asked for.
        n_parity: usize,
    },
    /// A text that should name a code does not.
    #[error("`{text}` is not a code: write data and parity chunks as `10+2`")]
    NotACode {
        /// The text.
        text: String,
    },
    /// Too many chunks are gone.
    #[error(
        "{n_given} chunks are not enough: {code} needs any {} of its {}",
        code.n_data(),
        code.n_chunks()
    )]
    TooFewChunks {
        /// The code in use.
        code: Code,
        /// How many different chunks there are.
        n_given: usize,
    },
    /// A chunk that the code does not have.
    #[error("there is no chunk {index} in {code}: its chunks are 0 to {}", code.n_chunks() - 1)]
    NoSuchChunk {
        /// The code in use.
        code: Code,
        /// The index given.
        index: usize,
    },
    /// An index stands twice among the chunks given, or is both given and asked for.
    #[error("chunk {index} is named twice: name each chunk once, as given or as wanted")]
    NamedTwice {
        /// The index.
        index: usize,
    },
    /// A parity chunk stands where one of data is meant, or the reverse.
    #[error(
        "chunk {index} of {code} is not {kind_needed}: \
         its data chunks are 0 to {}, and the others parity",
        code.n_data() - 1
    )]
    WrongKind {
        /// The code in use.
        code: Code,
        /// The index given.
        index: usize,
        /// `data` or `parity`.
        kind_needed: &'static str,
    },
    /// The number of slices does not fit the code.
    #[error("{n_given} {kind} chunks were given: {code} has {n_needed}")]
    WrongCount {
        /// The code in use.
        code: Code,
        /// `data` or `parity`.
        kind: &'static str,
        /// How many were given.
        n_given: usize,
        /// How many the code has.
        n_needed: usize,
    },
    /// Chunks of one object are equally long, and this one is not.
    #[error("chunk {index} has {n_bytes} bytes: it should have {n_bytes_needed} like the others")]
    WrongLength {
        /// The chunk.
        index: usize,
        /// How long it is.
        n_bytes: usize,
        /// How long it should be.
        n_bytes_needed: usize,
    },
}
