//! The cache as a whole: proxy, functions and clients, over real sockets on loopback.

#![expect(clippy::unwrap_used, reason = "a test that fails says where")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod bad_peers;
mod chaos;
#[path = "../../examples/chaos/door.rs"]
mod door;
#[path = "../../examples/chaos/load.rs"]
mod load;
mod objects;
mod overwrites;
mod pool;
mod processes;
mod redis;
#[path = "../../examples/chaos/relay.rs"]
mod relay;
mod replay;
mod resp;
