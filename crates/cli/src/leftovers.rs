//! Files of an earlier run, where this one has nothing to put into their place.

use std::io::ErrorKind;
use std::path::Path;

/// Removes a file, if it is there: beside new results it would pass for one of them.
pub(crate) fn remove(path: &Path) -> anyhow::Result<()> {
    match fs_err::remove_file(path) {
        Err(err) if err.kind() != ErrorKind::NotFound => Err(err.into()),
        _ => Ok(()),
    }
}
