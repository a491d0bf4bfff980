//! How many files this process may have open, sockets among them.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number to the most that is allowed: a shell's usual 1024 are fewer than the sockets
/// of some hundred requests at once, each of which has one for every chunk.
///
/// # Errors
/// If the system refuses.
pub fn raise_limit() -> io::Result<()> {
    let files = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?)
}
