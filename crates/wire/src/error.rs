//! What can be wrong with bytes that should be a frame.

use thiserror::Error;

/// Why bytes are not a frame. There is no going on after one of these: where the next frame
/// would start is not known, so the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WireError {
    /// It does not start as a frame does.
    #[error("not a frame: it starts with {start:02x?}, and a frame with `ISWF`")]
    NotAFrame {
        /// How it starts.
        start: [u8; 4],
    },
    /// It was written by another release.
    #[error("frame of version {version}: this release reads version {}", crate::head::VERSION)]
    Version {
        /// The version it names.
        version: u8,
    },
    /// The checksum of header and name does not match.
    #[error("the frame's header is damaged: its checksum is {xxh3:016x}, it says {said:016x}")]
    Damaged {
        /// The checksum of what came.
        xxh3: u64,
        /// What the header says it should be.
        said: u64,
    },
    /// A message this release does not know.
    #[error("unknown frame of kind {kind}")]
    UnknownKind {
        /// Its number.
        kind: u8,
    },
    /// A field holds what it cannot.
    #[error("frame of kind {kind} with a {field} that cannot be: {value}")]
    BadField {
        /// The number of the message.
        kind: u8,
        /// Which field.
        field: &'static str,
        /// What it holds.
        value: u64,
    },
    /// The name is longer than any may be.
    #[error("name of {n_bytes} bytes: the longest has {}", crate::head::NAME_LEN_MAX)]
    NameTooLong {
        /// How long it says it is.
        n_bytes: usize,
    },
    /// The body is longer than this peer takes.
    #[error("body of {n_bytes} bytes: at most {n_bytes_max} are taken")]
    BodyTooLong {
        /// How long it says it is.
        n_bytes: u64,
        /// The most that is taken.
        n_bytes_max: u64,
    },
    /// A body was cut short in a way that cannot be told apart from noise.
    #[error("byte {byte:#04x} after a body: a trailer is 0xa5 (whole) or 0x5a (broken off)")]
    BadTrailer {
        /// The byte.
        byte: u8,
    },
    /// A list of entries ends within one, or holds what it cannot.
    #[error("entry {n_entries} of a list is damaged: {what}")]
    BadEntry {
        /// Its place in the list, from 0.
        n_entries: usize,
        /// What gave it away.
        what: &'static str,
    },
}
