//! Keeps a library that panics at some damaged files from taking the program along.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};

use parquet::errors::ParquetError;

thread_local! {
    /// Whether this thread is within [`guarded`], and a panic is to be said as an error.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Has nothing printed of the panics that become errors here: for a program to call, once, before
/// it reads. What it printed of others before is still printed.
pub fn quiet_caught_panics() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !IS_GUARDED.get() {
            before(info);
        }
    }));
}

/// Does what may panic within the library, and makes an error of it. As little of ours as can be is
/// called in it, so that no mistake of ours looks like a damaged file.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, ParquetError> {
    IS_GUARDED.set(true);
    // What was being read is given up with the error.
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(false);
    outcome.unwrap_or_else(|_| Err(ParquetError::General("its pages contradict its index".into())))
}
