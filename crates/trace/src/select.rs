//! A part of a trace: its first hours, or its objects of some sizes.

use units::{Bytes, Nanos, Time};

use crate::note::Note;
use crate::trace::{Parts, Trace};

/// Which requests of a trace are replayed, and as how large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Requests this long after the first of the source trace, or longer, are dropped.
    pub hours: Option<Nanos>,
    /// Requests of less are dropped.
    pub min_size: Option<Bytes>,
    /// Requests of more are dropped.
    pub max_size: Option<Bytes>,
    /// Sizes above this become this. What is dropped is decided by the size before.
    pub clamp_size: Option<Bytes>,
}

/// Why a selection gives no trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectionError {
    /// No size is both.
    #[error(
        "no size is at least {min_size} and at most {max_size}; raise `--max-size` above \
         `--min-size`"
    )]
    NoSize {
        /// The least that is kept.
        min_size: Bytes,
        /// The most that is kept.
        max_size: Bytes,
    },
    /// Every request is dropped.
    #[error("none of the {n_requests} requests is left ({why}); select less narrowly")]
    NothingLeft {
        /// Requests before.
        n_requests: usize,
        /// What dropped them.
        why: String,
    },
}

impl Selection {
    /// The whole trace as it is.
    pub const ALL: Selection =
        Selection { hours: None, min_size: None, max_size: None, clamp_size: None };

    /// The selected part of `trace`. Object ids are dense again; times still count from the
    /// first request of `trace`; notes say what was dropped.
    pub fn apply(&self, trace: Trace) -> Result<Trace, SelectionError> {
        if *self == Selection::ALL {
            return Ok(trace);
        }
        let mut selecting = Selecting::new(*self)?;
        let mut parts = trace.into_parts();
        parts.retain(|request| selecting.keeps(request.at, &mut request.size));
        if parts.requests.is_empty() {
            return Err(selecting.nothing_left());
        }
        parts.notes.extend(selecting.notes());
        let Parts { requests, keys, asides, source, notes } = parts;
        Ok(Trace::renumbered(requests, &keys, asides, source, notes))
    }
}

/// A selection at work, and what it has done.
#[derive(Debug)]
pub(crate) struct Selecting {
    selection: Selection,
    n_requests: usize,
    n_late: u64,
    n_small: u64,
    n_large: u64,
    n_clamped: u64,
}

impl Selecting {
    pub(crate) fn new(selection: Selection) -> Result<Selecting, SelectionError> {
        let min_size = selection.min_size.unwrap_or(Bytes::ZERO);
        let max_size = selection.max_size.unwrap_or(Bytes::TOTAL_MAX);
        if max_size < min_size {
            return Err(SelectionError::NoSize { min_size, max_size });
        }
        let (n_requests, n_late, n_small, n_large, n_clamped) = (0, 0, 0, 0, 0);
        Ok(Selecting { selection, n_requests, n_late, n_small, n_large, n_clamped })
    }

    /// Whether the request at this time, for an object of this size, is kept; clamps the size.
    pub(crate) fn keeps(&mut self, at: Time, size: &mut Bytes) -> bool {
        let Selection { hours, min_size, max_size, clamp_size } = self.selection;
        self.n_requests += 1;
        if hours.is_some_and(|it| it <= at.since(Time::START)) {
            self.n_late += 1;
            return false;
        }
        if min_size.is_some_and(|it| *size < it) {
            self.n_small += 1;
            return false;
        }
        if max_size.is_some_and(|it| it < *size) {
            self.n_large += 1;
            return false;
        }
        if let Some(clamp) = clamp_size.filter(|it| it < size) {
            self.n_clamped += 1;
            *size = clamp;
        }
        true
    }

    /// What was done.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let Selecting { selection, n_requests: _, n_late, n_small, n_large, n_clamped } = *self;
        let Selection { hours, min_size, max_size, clamp_size } = selection;
        let mut notes = Vec::new();
        if 0 < n_late {
            let kept = hours.unwrap_or_default();
            notes.push(Note::DroppedLate { n_requests: n_late, kept });
        }
        if 0 < n_small {
            let min_size = min_size.unwrap_or_default();
            notes.push(Note::DroppedSmall { n_requests: n_small, min_size });
        }
        if 0 < n_large {
            let max_size = max_size.unwrap_or_default();
            notes.push(Note::DroppedLarge { n_requests: n_large, max_size });
        }
        if 0 < n_clamped {
            let size = clamp_size.unwrap_or_default();
            notes.push(Note::Clamped { n_requests: n_clamped, size });
        }
        notes
    }

    /// The error of a selection that has kept nothing.
    pub(crate) fn nothing_left(&self) -> SelectionError {
        let why: Vec<String> = self.notes().iter().map(ToString::to_string).collect();
        SelectionError::NothingLeft { n_requests: self.n_requests, why: why.join("; ") }
    }
}
