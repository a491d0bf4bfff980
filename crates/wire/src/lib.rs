//! The frames between client, proxy and function: a parser over slices, and a writer.
//!
//! A [`Frame`] is a fixed header, a name (a key or a token), and for some messages a body with a
//! trailer. [`parse`] reads header and name, and says how long the body is; the body itself is
//! not looked at, so that a proxy can hand it on while it is still coming. The [`Trailer`] after
//! a body says whether the sender had all of it to give.
//!
//! The crate holds no socket. It bounds every length before anything is allocated for it.

mod entry;
mod error;
mod frame;
mod head;
mod message;

pub use crate::entry::{Entry, parse_entries};
pub use crate::error::WireError;
pub use crate::frame::{Frame, Limits, Parsed, Trailer, parse};
pub use crate::head::{FIXED_LEN, NAME_LEN_MAX};
pub use crate::message::{ChunkId, Message, Refusal, Role};
