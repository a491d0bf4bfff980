//! The platform from outside: real processes, real sockets, and clients no one here wrote.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api;
mod death;
mod peers;
mod semantics;
mod support;
