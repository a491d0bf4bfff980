//! The quantities of a run, each a type of its own, and the one record every trace yields.
//!
//! [`Bytes`], [`Nanos`], [`Time`] and [`Usd`] are integers, so a sum does not depend on its
//! order and a result is the same on every machine. [`ObjectId`] and [`NodeId`] are dense, so
//! that a hot loop indexes an array where it would otherwise hash a key. [`Request`] is what
//! every trace reader yields and every model takes.
//!
//! The crate knows no cache, no cloud and no file. Overflow panics: the readers bound the
//! sizes and times they let in, so that it cannot be reached from a trace.

mod bytes;
mod ids;
mod parse;
mod ratio;
mod request;
mod time;
mod usd;

pub use crate::bytes::Bytes;
pub use crate::ids::{NodeId, ObjectId};
pub use crate::parse::QuantityError;
pub use crate::ratio::Ratio;
pub use crate::request::{Op, Request};
pub use crate::time::{Nanos, Time};
pub use crate::usd::Usd;
