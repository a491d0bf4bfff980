//! How often something happened in the files of a trace, and where first.

use crate::error::Position;
use crate::note::{Note, Place};

/// How often something happened, and where first.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How often.
    pub(crate) n: u64,
    /// Where first, and how many files had been begun by then.
    first: Option<(usize, Position)>,
}

impl Tally {
    /// Counts what happened at `position` of the last of so many files.
    pub(crate) fn add(&mut self, n_files: usize, position: Position) {
        self.n += 1;
        self.first.get_or_insert((n_files, position));
    }

    /// Where it happened first, if it did, once all `files` are read.
    pub(crate) fn first(&self, files: &[String]) -> Option<Place> {
        let (n_files, position) = self.first?;
        let file = n_files.checked_sub(1).and_then(|index| files.get(index));
        Some(Place { file: file.filter(|_| 1 < files.len()).cloned(), position })
    }

    /// The note that `make` makes of it, if it happened.
    pub(crate) fn note(&self, files: &[String], make: fn(u64, Place) -> Note) -> Option<Note> {
        self.first(files).map(|first| make(self.n, first))
    }
}
