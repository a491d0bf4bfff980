//! Keeps a library that panics at some damaged files from taking the program along.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use parquet::errors::ParquetError;

thread_local! {
    /// Whether this thread is within [`guarded`], and a panic is to be said as an error.
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Does what may panic within the library, and makes an error of it. As little of ours as can be is
/// called in it, so that no mistake of ours looks like a damaged file.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, ParquetError> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let before = panic::take_hook();
        // Nothing is printed of what is caught; everything else goes on as it did.
        panic::set_hook(Box::new(move |info| {
            if !IS_GUARDED.get() {
                before(info);
            }
        }));
    });
    IS_GUARDED.set(true);
    // What was being read is given up with the error.
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    IS_GUARDED.set(false);
    outcome.unwrap_or_else(|_| Err(ParquetError::General("its pages contradict its index".into())))
}
