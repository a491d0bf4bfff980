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

/// Removes what an earlier comparison or validation wrote into a directory of results, and a live
/// replay does not.
pub(crate) fn remove_of_other_commands(dir: &Path) -> anyhow::Result<()> {
    const NAMES: [&str; 6] = [
        "index.html",
        "results.parquet",
        "results_hours.parquet",
        "validation.json",
        "validation.svg",
        "validation.png",
    ];
    NAMES.iter().try_for_each(|it| remove(&dir.join(it)))
}
