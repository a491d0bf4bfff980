//! A part of a trace: its first hours, or its objects of some sizes.

use std::{fmt, str};

use units::{Bytes, Nanos, Op, Time};

use crate::note::Note;
use crate::trace::{Parts, Trace};

/// Which requests of a trace are replayed, and as how large.
///
/// Sizes are those of GETs and PUTs: a DELETE moves nothing and mostly does not say how large its
/// object was, so it stays whatever its size, which is neither scaled nor clamped. Without it the
/// object would be a hit where it had been removed. That of an object none of whose other requests
/// are kept stays too: who sees one request after the other cannot know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// Requests this long after the first of the source trace, or longer, are dropped.
    pub hours: Option<Nanos>,
    /// GETs and PUTs of less are dropped.
    pub min_size: Option<Bytes>,
    /// GETs and PUTs of more are dropped.
    pub max_size: Option<Bytes>,
    /// Larger sizes become a part of themselves. What is dropped is decided by the size before.
    pub scale_size: Option<ScaleSize>,
    /// Sizes above this become this, after scaling. What is dropped is decided by the size
    /// before.
    pub clamp_size: Option<Bytes>,
}

/// Sizes above a threshold, made smaller: what the reference's replayer calls `-scalesz` and
/// `-scalefrom`, and may have done in the published runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleSize {
    /// What is left of a size, in millionths; from 1 to a million.
    pub millionths: u32,
    /// Sizes up to this stay as they are.
    pub from: Bytes,
}

impl ScaleSize {
    /// Nothing is scaled down to nothing by this.
    const WHOLE: u32 = 1_000_000;

    fn apply(self, size: Bytes) -> Bytes {
        if size <= self.from {
            return size;
        }
        let scaled = u128::from(size.get()) * u128::from(self.millionths);
        let scaled = scaled / u128::from(ScaleSize::WHOLE);
        Bytes::new(u64::try_from(scaled).expect("no more than the size")).max(Bytes::new(1))
    }
}

impl str::FromStr for ScaleSize {
    type Err = String;

    /// Reads `FACTOR` or `FACTOR:SIZE`; without a size, that of the reference.
    fn from_str(text: &str) -> Result<ScaleSize, String> {
        let (factor, from) = text.split_once(':').unwrap_or((text, "100MiB"));
        let wrong = || {
            format!(
                "`{factor}` is not a part of a size; write a number above 0 and up to 1, such as \
                 0.1 or 0.1:100MiB"
            )
        };
        let factor: f64 = factor.parse().map_err(|_| wrong())?;
        let scaled = (factor * f64::from(ScaleSize::WHOLE)).round();
        if !(1.0..=f64::from(ScaleSize::WHOLE)).contains(&scaled) {
            return Err(wrong());
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let millionths = scaled as u32;
        let from = from.parse().map_err(|err: units::QuantityError| err.to_string())?;
        Ok(ScaleSize { millionths, from })
    }
}

impl fmt::Display for ScaleSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let factor = f64::from(self.millionths) / f64::from(ScaleSize::WHOLE);
        write!(f, "{factor}:{}B", self.from.get())
    }
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
    /// Every request is dropped, or by their sizes all GETs and PUTs.
    #[error("none of the {n_requests} requests is left ({why}); select less narrowly")]
    NothingLeft {
        /// Requests before.
        n_requests: u64,
        /// What dropped them.
        why: String,
    },
}

impl Selection {
    /// The whole trace as it is.
    pub const ALL: Selection = Selection {
        hours: None,
        min_size: None,
        max_size: None,
        scale_size: None,
        clamp_size: None,
    };

    /// The selected part of `trace`. Object ids are dense again; times still count from the
    /// first request of `trace`; notes say what was dropped.
    pub fn apply(&self, trace: Trace) -> Result<Trace, SelectionError> {
        if *self == Selection::ALL {
            return Ok(trace);
        }
        let mut selecting = Selecting::new(*self)?;
        let mut parts = trace.into_parts();
        parts.retain(|request| selecting.keeps(request.at, &mut request.size, request.op));
        selecting.check()?;
        parts.notes.extend(selecting.notes());
        let Parts { requests, keys, asides, source, notes } = parts;
        Ok(Trace::renumbered(requests, &keys, asides, source, notes))
    }
}

/// A selection at work, and what it has done.
#[derive(Debug)]
pub(crate) struct Selecting {
    selection: Selection,
    n_requests: u64,
    n_late: u64,
    n_small: u64,
    n_large: u64,
    /// DELETEs that are kept.
    n_deletes: u64,
    n_scaled: u64,
    n_clamped: u64,
}

impl Selecting {
    pub(crate) fn new(selection: Selection) -> Result<Selecting, SelectionError> {
        let min_size = selection.min_size.unwrap_or(Bytes::ZERO);
        let max_size = selection.max_size.unwrap_or(Bytes::TOTAL_MAX);
        if max_size < min_size {
            return Err(SelectionError::NoSize { min_size, max_size });
        }
        Ok(Selecting {
            selection,
            n_requests: 0,
            n_late: 0,
            n_small: 0,
            n_large: 0,
            n_deletes: 0,
            n_scaled: 0,
            n_clamped: 0,
        })
    }

    /// Whether the request at this time, for an object of this size, is kept; scales and
    /// clamps the size.
    #[inline]
    pub(crate) fn keeps(&mut self, at: Time, size: &mut Bytes, op: Op) -> bool {
        let Selection { hours, min_size, max_size, scale_size, clamp_size } = self.selection;
        self.n_requests += 1;
        if hours.is_some_and(|it| it <= at.since(Time::START)) {
            self.n_late += 1;
            return false;
        }
        if op == Op::Delete {
            self.n_deletes += 1;
            return true;
        }
        if min_size.is_some_and(|it| *size < it) {
            self.n_small += 1;
            return false;
        }
        if max_size.is_some_and(|it| it < *size) {
            self.n_large += 1;
            return false;
        }
        if let Some(scale) = scale_size.filter(|it| it.from < *size) {
            self.n_scaled += 1;
            *size = scale.apply(*size);
        }
        if let Some(clamp) = clamp_size.filter(|it| it < size) {
            self.n_clamped += 1;
            *size = clamp;
        }
        true
    }

    /// What was done.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let Selecting { selection, n_late, n_small, n_large, n_scaled, n_clamped, .. } = *self;
        let Selection { hours, min_size, max_size, scale_size, clamp_size } = selection;
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
        if let Some(scale) = scale_size.filter(|_| 0 < n_scaled) {
            notes.push(Note::Scaled { n_requests: n_scaled, scale });
        }
        if 0 < n_clamped {
            let size = clamp_size.unwrap_or_default();
            notes.push(Note::Clamped { n_requests: n_clamped, size });
        }
        notes
    }

    /// An error where nothing is kept, or nothing but DELETEs because of what sizes are selected.
    pub(crate) fn check(&self) -> Result<(), SelectionError> {
        let n_of_other_sizes = self.n_small + self.n_large;
        let n_dropped = self.n_late + n_of_other_sizes;
        if n_dropped + self.n_deletes < self.n_requests {
            return Ok(());
        }
        if 0 < self.n_deletes && n_of_other_sizes == 0 {
            return Ok(());
        }
        let mut why: Vec<String> = self.notes().iter().map(ToString::to_string).collect();
        if 0 < self.n_deletes {
            why.push(format!("the others are DELETEs: {}", self.n_deletes));
        }
        Err(SelectionError::NothingLeft { n_requests: self.n_requests, why: why.join("; ") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_above_the_threshold_are_scaled() {
        let check = |text: &str, size: u64, expect: u64| {
            let scale: ScaleSize = text.parse().unwrap();
            assert_eq!(scale.apply(Bytes::new(size)), Bytes::new(expect), "{text} of {size}");
            assert_eq!(scale.to_string().parse(), Ok(scale));
        };
        check("0.1", 104_857_600, 104_857_600);
        check("0.1", 104_857_610, 10_485_761);
        check("0.5:10B", 10, 10);
        check("0.5:10B", 11, 5);
        check("0.000001:0B", 7, 1);
        check("1", u64::from(u32::MAX), u64::from(u32::MAX));
        for bad in ["0", "1.1", "-1", "x", "0.1:x", "nan"] {
            assert!(bad.parse::<ScaleSize>().is_err(), "{bad}");
        }
    }
}
