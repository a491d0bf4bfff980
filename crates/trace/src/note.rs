//! What a reader of the figures should know about how the trace became what it is.

use std::fmt;

use units::{Bytes, Nanos};

use crate::error::Position;
use crate::select::ScaleSize;

/// A place in a trace that may be of many files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the file, where there is more than one.
    pub file: Option<String>,
    /// Where in it.
    pub position: Position,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { file, position } = self;
        match file {
            Some(file) => write!(f, "{position} of `{file}`"),
            None => position.fmt(f),
        }
    }
}

/// A stretch of a trace without a request, the longer one the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gap {
    pub(crate) length: Nanos,
    /// How many requests come before it.
    pub(crate) n_before: u64,
}

impl Gap {
    /// No shorter one is worth a note.
    pub(crate) const LIKELY_MAX: Nanos = Nanos::seconds(30 * 24 * 3_600);

    /// The note on it, if it is the longest of a trace of this span and too long to be likely.
    pub(crate) fn note(self, span: Nanos) -> Option<Note> {
        let Gap { length: gap, n_before } = self;
        let is_long = Gap::LIKELY_MAX < gap && span < gap * 2;
        is_long.then_some(Note::LongGap { gap, span, n_before })
    }
}

/// Something that was done to a trace, or is peculiar about it, that bears on the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Rows stood after later ones and were sorted, rows of equal time in file order.
    OutOfOrder {
        /// How many rows.
        n_rows: u64,
        /// The first of them.
        first: Place,
    },
    /// More than half of the trace, and more than a month, is one stretch without a request: more
    /// often a time that is wrong than a trace that rests.
    LongGap {
        /// How long it is.
        gap: Nanos,
        /// How long the trace is.
        span: Nanos,
        /// How many requests come before it.
        n_before: u64,
    },
    /// Requests for objects of no bytes, which are kept.
    ZeroSize {
        /// How many requests.
        n_requests: u64,
        /// The first of them.
        first: Place,
    },
    /// Rows whose operation is none that is known here were left out.
    UnknownOps {
        /// How many rows.
        n_rows: u64,
        /// What they ask for, and how often.
        words: Vec<(String, u64)>,
    },
    /// Rows that move no object, such as HEAD, were left out.
    IgnoredOps {
        /// How many rows.
        n_rows: u64,
        /// The words by which they name their operation, and how many rows have each.
        words: Vec<(String, u64)>,
    },
    /// Rows outside the format's selection were left out.
    NotSelected {
        /// How many rows.
        n_rows: u64,
        /// What the selection keeps.
        keeps: String,
        /// What the rows are instead, and how many are.
        words: Vec<(String, u64)>,
    },
    /// Bad rows were passed over, as the user allowed.
    Skipped {
        /// How many rows.
        n_rows: u64,
        /// The first of them.
        first: Place,
        /// What is wrong with it.
        why: String,
    },
    /// Objects are read at another size than before, with no PUT between.
    Resized {
        /// How many objects.
        n_objects: u64,
    },
    /// Requests for a range of bytes, which are taken as requests for the whole object.
    PartialReads {
        /// How many requests.
        n_requests: u64,
    },
    /// A column that is called as one of times to live is, and does not begin with one, was not
    /// read.
    NoTimesToLive {
        /// The column's name.
        column: String,
    },
    /// Requests that say how long their object may be kept, which no model here looks at.
    TimesToLive {
        /// How many requests.
        n_requests: u64,
    },
    /// The requests of a part of the objects, drawn by the hash of their keys, were kept.
    Sampled {
        /// How many objects there are now.
        n_kept: u64,
        /// The share of hashes that was kept.
        rate: String,
    },
    /// What was said of the trace when it was put into the file it comes from.
    Before(String),
    /// Requests at or after a time were dropped.
    DroppedLate {
        /// How many requests.
        n_requests: u64,
        /// The length of time that was kept.
        kept: Nanos,
    },
    /// Requests of small objects were dropped.
    DroppedSmall {
        /// How many requests.
        n_requests: u64,
        /// The smallest size that was kept.
        min_size: Bytes,
    },
    /// Requests of large objects were dropped.
    DroppedLarge {
        /// How many requests.
        n_requests: u64,
        /// The largest size that was kept.
        max_size: Bytes,
    },
    /// Sizes were made smaller.
    Scaled {
        /// How many requests.
        n_requests: u64,
        /// By how much, and from which size on.
        scale: ScaleSize,
    },
    /// Sizes were clamped.
    Clamped {
        /// How many requests.
        n_requests: u64,
        /// The size they have now.
        size: Bytes,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::OutOfOrder { n_rows, first } => {
                let rows = counted(*n_rows, "row is", "rows are");
                write!(f, "{rows} earlier than one above (first at {first}): sorted by time")
            }
            Note::LongGap { gap, span, n_before } => write!(
                f,
                "{gap} of {span} pass without a request, after the first {}: are the times right?",
                requests(*n_before)
            ),
            Note::ZeroSize { n_requests, first } => write!(
                f,
                "{} an object of 0 bytes (first at {first}): kept",
                counted(*n_requests, "request is for", "requests are for")
            ),
            Note::IgnoredOps { n_rows, words } => {
                let rows = counted(*n_rows, "row that moves", "rows that move");
                write!(f, "{rows} no object left out ({})", listed(words))
            }
            Note::UnknownOps { n_rows, words } => {
                let (rows, words) = (counted(*n_rows, "row", "rows"), listed(words));
                let known = "GET, PUT, DELETE, read, write and the like";
                write!(
                    f,
                    "{rows} left out whose operation is not known here ({words}); {known} are"
                )
            }
            Note::NotSelected { n_rows, keeps, words } => {
                let rows = counted(*n_rows, "row", "rows");
                write!(f, "{rows} left out ({}): only {keeps} are replayed", listed(words))
            }
            Note::Skipped { n_rows, first, why } => {
                let rows = counted(*n_rows, "bad row", "bad rows");
                write!(f, "{rows} passed over (first at {first}: {why})")
            }
            Note::Resized { n_objects } => {
                let objects = counted(*n_objects, "object changes", "objects change");
                write!(f, "{objects} size without a PUT: a cached copy keeps the size it has")
            }
            Note::PartialReads { n_requests: n } => {
                write!(f, "{} for a range of bytes, taken as the whole object", requests(*n))
            }
            Note::NoTimesToLive { column: it } => {
                write!(f, "column `{it}` left out: its first value is no time to live in seconds")
            }
            Note::TimesToLive { n_requests } => {
                write!(f, "{} with a time to live, which no model looks at", requests(*n_requests))
            }
            Note::Sampled { n_kept, rate } => {
                write!(f, "{n_kept} objects drawn, by hash at a rate of {rate}")
            }
            Note::Before(note) => f.write_str(note),
            Note::DroppedLate { n_requests, kept } => {
                write!(f, "{} after the first {kept} dropped", requests(*n_requests))
            }
            Note::DroppedSmall { n_requests, min_size } => {
                write!(f, "{} of less than {min_size} dropped", requests(*n_requests))
            }
            Note::DroppedLarge { n_requests, max_size } => {
                write!(f, "{} of more than {max_size} dropped", requests(*n_requests))
            }
            Note::Scaled { n_requests, scale: ScaleSize { millionths, from } } => {
                let factor = f64::from(*millionths) / 1e6;
                write!(f, "{} of more than {from} taken at {factor} of that", requests(*n_requests))
            }
            Note::Clamped { n_requests, size } => {
                write!(f, "{} of more than {size} taken as {size}", requests(*n_requests))
            }
        }
    }
}

/// Words with how often each occurs.
fn listed(words: &[(String, u64)]) -> String {
    words.iter().map(|(word, n)| format!("{word}: {n}")).collect::<Vec<_>>().join(", ")
}

fn requests(n: u64) -> String {
    counted(n, "request", "requests")
}

fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_what_was_done() {
        let check = |note: Note, expect: &str| assert_eq!(note.to_string(), expect);
        let at = |position| Place { file: None, position };
        check(
            Note::OutOfOrder { n_rows: 3, first: at(Position::Line(17)) },
            "3 rows are earlier than one above (first at line 17): sorted by time",
        );
        let second = Place { file: Some("b.csv".to_owned()), position: Position::Line(4) };
        check(
            Note::Skipped { n_rows: 1, first: second, why: "no size".to_owned() },
            "1 bad row passed over (first at line 4 of `b.csv`: no size)",
        );
        check(
            Note::ZeroSize { n_requests: 1, first: at(Position::Record(2)) },
            "1 request is for an object of 0 bytes (first at record 2): kept",
        );
        let words = vec![("HEAD".to_owned(), 2), ("POST".to_owned(), 1)];
        check(
            Note::IgnoredOps { n_rows: 3, words },
            "3 rows that move no object left out (HEAD: 2, POST: 1)",
        );
        check(
            Note::NotSelected {
                n_rows: 1,
                keeps: "GETs of blobs".to_owned(),
                words: vec![("pings".to_owned(), 1)],
            },
            "1 row left out (pings: 1): only GETs of blobs are replayed",
        );
        check(
            Note::DroppedLate { n_requests: 5, kept: Nanos::HOUR },
            "5 requests after the first 1h dropped",
        );
        check(
            Note::Scaled { n_requests: 1, scale: "0.1:1MB".parse().unwrap() },
            "1 request of more than 1 MB taken at 0.1 of that",
        );
        check(
            Note::Clamped { n_requests: 43, size: Bytes::new(1 << 31) },
            "43 requests of more than 2.15 GB taken as 2.15 GB",
        );
    }
}
