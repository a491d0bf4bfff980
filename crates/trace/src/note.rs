//! What a reader of the figures should know about how the trace became what it is.

use std::fmt;

use units::{Bytes, Nanos};

use crate::error::Position;

/// Something that was done to a trace, or is peculiar about it, that bears on the figures.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// Rows stood after later ones and were sorted, rows of equal time in file order.
    OutOfOrder {
        /// How many rows.
        n_rows: u64,
        /// The first of them.
        first: Position,
    },
    /// Requests for objects of no bytes, which are kept.
    ZeroSize {
        /// How many requests.
        n_requests: u64,
        /// The first of them.
        first: Position,
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
        keeps: &'static str,
    },
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
            Note::OutOfOrder { n_rows, first } => write!(
                f,
                "{} earlier than one above (first at {first}): sorted by time",
                counted(*n_rows, "row is", "rows are")
            ),
            Note::ZeroSize { n_requests, first } => write!(
                f,
                "{} an object of 0 bytes (first at {first}): kept",
                counted(*n_requests, "request is for", "requests are for")
            ),
            Note::IgnoredOps { n_rows, words } => {
                let words: Vec<String> =
                    words.iter().map(|(word, n)| format!("{word}: {n}")).collect();
                let rows = counted(*n_rows, "row that moves", "rows that move");
                write!(f, "{rows} no object left out ({})", words.join(", "))
            }
            Note::NotSelected { n_rows, keeps } => {
                write!(f, "{} left out: only {keeps} are replayed", counted(*n_rows, "row", "rows"))
            }
            Note::DroppedLate { n_requests, kept } => {
                write!(f, "{} after the first {kept} dropped", requests(*n_requests))
            }
            Note::DroppedSmall { n_requests, min_size } => {
                write!(f, "{} of less than {min_size} dropped", requests(*n_requests))
            }
            Note::DroppedLarge { n_requests, max_size } => {
                write!(f, "{} of more than {max_size} dropped", requests(*n_requests))
            }
            Note::Clamped { n_requests, size } => {
                write!(f, "{} of more than {size} taken as {size}", requests(*n_requests))
            }
        }
    }
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
        check(
            Note::OutOfOrder { n_rows: 3, first: Position::Line(17) },
            "3 rows are earlier than one above (first at line 17): sorted by time",
        );
        check(
            Note::ZeroSize { n_requests: 1, first: Position::Record(2) },
            "1 request is for an object of 0 bytes (first at record 2): kept",
        );
        let words = vec![("HEAD".to_owned(), 2), ("POST".to_owned(), 1)];
        check(
            Note::IgnoredOps { n_rows: 3, words },
            "3 rows that move no object left out (HEAD: 2, POST: 1)",
        );
        check(
            Note::NotSelected { n_rows: 1, keeps: "GETs of blobs" },
            "1 row left out: only GETs of blobs are replayed",
        );
        check(
            Note::DroppedLate { n_requests: 5, kept: Nanos::HOUR },
            "5 requests after the first 1h dropped",
        );
        check(
            Note::Clamped { n_requests: 43, size: Bytes::new(1 << 31) },
            "43 requests of more than 2.15 GB taken as 2.15 GB",
        );
    }
}
