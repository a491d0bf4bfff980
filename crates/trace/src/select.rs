//! A part of a trace: its first hours, or its objects of some sizes.

use units::{Bytes, Nanos, Time};

use crate::note::Note;
use crate::trace::Trace;

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
        let Selection { hours, min_size, max_size, clamp_size } = *self;
        if *self == Selection::ALL {
            return Ok(trace);
        }
        let (least, most) = (min_size.unwrap_or(Bytes::ZERO), max_size.unwrap_or(Bytes::TOTAL_MAX));
        if most < least {
            return Err(SelectionError::NoSize { min_size: least, max_size: most });
        }
        let (mut requests, keys, source, mut notes) = trace.into_parts();
        let n_requests = requests.len();
        let (mut n_late, mut n_small, mut n_large, mut n_clamped) = (0, 0, 0, 0);
        requests.retain_mut(|request| {
            if hours.is_some_and(|it| it <= request.at.since(Time::START)) {
                n_late += 1;
                return false;
            }
            if request.size < least {
                n_small += 1;
                return false;
            }
            if most < request.size {
                n_large += 1;
                return false;
            }
            if let Some(clamp) = clamp_size.filter(|it| *it < request.size) {
                n_clamped += 1;
                request.size = clamp;
            }
            true
        });
        let done = [
            (n_late, Note::DroppedLate { n_requests: n_late, kept: hours.unwrap_or_default() }),
            (n_small, Note::DroppedSmall { n_requests: n_small, min_size: least }),
            (n_large, Note::DroppedLarge { n_requests: n_large, max_size: most }),
            (
                n_clamped,
                Note::Clamped { n_requests: n_clamped, size: clamp_size.unwrap_or_default() },
            ),
        ];
        let done = done.into_iter().filter(|(n, _)| 0 < *n).map(|(_, note)| note);
        if requests.is_empty() {
            let why: Vec<String> = done.map(|it| it.to_string()).collect();
            return Err(SelectionError::NothingLeft { n_requests, why: why.join("; ") });
        }
        notes.extend(done);
        Ok(Trace::renumbered(requests, &keys, source, notes))
    }
}
