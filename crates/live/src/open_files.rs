//! How many files this process may have open, sockets among them.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the number to the most that is allowed: a shell's usual 1024 are fewer than the sockets
/// of some hundred requests at once, each of which has one for every chunk. Which number that is.
///
/// # Errors
/// If the system refuses.
pub fn raise_limit() -> io::Result<u64> {
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    Ok(files.maximum.unwrap_or(u64::MAX))
}
