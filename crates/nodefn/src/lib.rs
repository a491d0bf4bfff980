//! The function that holds chunks: what survives between invocations, and what one does.
//!
//! An [`Instance`] is what a sandbox of the platform keeps: the [`Store`] and the connection to
//! the proxy. [`Instance::handle`] runs one invocation: it dials out to the proxy that the
//! [`Invocation`] names, serves what comes while `policy::lease` lets it, and returns a
//! [`Report`]. The binary `bootstrap` hands it the invocations of AWS Lambda, or of what speaks
//! its Runtime API; tests hand it theirs.
//!
//! [`Connection`] is a socket that speaks frames; the proxy uses the same.

mod alarm;
mod connection;
mod error;
mod instance;
mod invocation;
mod pace;
mod platform;
mod relay;
mod room;
mod store;

pub use crate::alarm::Alarm;
pub use crate::connection::{BodyEnd, Connection, ConnectionError, FrameReader, FrameWriter};
pub use crate::error::SessionError;
pub use crate::instance::Instance;
pub use crate::invocation::{Command, Invocation, Report};
pub use crate::pace::{BANDWIDTH_VARIABLE, Pace};
pub use crate::platform::serve_platform;
pub use crate::store::{NotStored, Store, footprint_bytes};
