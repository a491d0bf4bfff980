//! Rows on their way from a reader to a writer, sorted by time as far as a window reaches.

use std::mem;

use jiff::Timestamp;
use units::{Bytes, Nanos, Op, Time};

use crate::asides::{AsideKinds, ByteRange};
use crate::builder::{Key, Record};
use crate::error::ErrorKind;
use crate::keys::KeyText;
use crate::note::Gap;
use crate::number::DecimalText;
use crate::select::Selecting;
use crate::trace::Row;
use crate::write::{About, RowWriter};

/// Holds the latest rows, sorts them, and writes the earlier half when it is full. Files of which
/// each is a mess of six hours, as those of the registry, so come out in order without being held.
pub(crate) struct Window<'a> {
    writer: &'a mut dyn RowWriter,
    selecting: Selecting,
    rows: Vec<Held>,
    /// The keys of the rows held.
    keys: Vec<u8>,
    /// How many rows are held at most: twice as many as are written at once.
    n_rows_max: usize,
    begun: Option<Begun>,
    n_written: u64,
}

/// What was told to the writer, or is so since it was.
struct Begun {
    /// The time of the first row.
    start: u64,
    /// The time of the last row written or left out, and how many were.
    last: u64,
    n_rows: u64,
    longest_gap: Option<Gap>,
    asides: AsideKinds,
}

struct Held {
    nanos: u64,
    key: (usize, usize),
    size: Bytes,
    op: Op,
    ttl_s: Option<u32>,
    range: Option<ByteRange>,
}

/// What became of the rows.
pub(crate) struct Passed {
    pub(crate) n_written: u64,
    pub(crate) selecting: Selecting,
    /// From the first row to the last, before any were left out.
    pub(crate) span: Nanos,
    /// The longest time between two of them.
    pub(crate) longest_gap: Option<Gap>,
}

impl<'a> Window<'a> {
    /// A window of at most so many rows, from which those that are selected go to `writer`.
    pub(crate) fn new(
        writer: &'a mut dyn RowWriter,
        selecting: Selecting,
        n_rows_max: usize,
    ) -> Window<'a> {
        let (rows, keys) = (Vec::new(), Vec::new());
        Window { writer, selecting, rows, keys, n_rows_max, begun: None, n_written: 0 }
    }

    pub(crate) fn push(&mut self, record: Record<'_>) -> Result<(), ErrorKind> {
        if self.rows.len() == self.n_rows_max {
            self.pass(self.n_rows_max / 2)?;
        }
        let Record { nanos, key, size, op } = record;
        if self.begun.as_ref().is_some_and(|it| nanos < it.last) {
            return Err(ErrorKind::NotInOrder);
        }
        let start = self.keys.len();
        match key {
            Key::Text(key) => self.keys.extend_from_slice(key),
            Key::Number(number) => {
                self.keys.extend_from_slice(DecimalText::of(number).as_bytes());
            }
        }
        let key = (start, self.keys.len());
        self.rows.push(Held { nanos, key, size, op, ttl_s: None, range: None });
        Ok(())
    }

    /// Keeps the time to live of the row pushed last.
    pub(crate) fn keep_ttl(&mut self, ttl_s: u32) -> Result<(), ErrorKind> {
        if self.begun.as_ref().is_some_and(|it| !it.asides.ttls) {
            return Err(ErrorKind::NotInOrder);
        }
        self.rows.last_mut().expect("one was pushed").ttl_s = Some(ttl_s);
        Ok(())
    }

    /// Keeps the range of the row pushed last.
    pub(crate) fn keep_range(&mut self, range: ByteRange) -> Result<(), ErrorKind> {
        if self.begun.as_ref().is_some_and(|it| !it.asides.ranges) {
            return Err(ErrorKind::NotInOrder);
        }
        self.rows.last_mut().expect("one was pushed").range = Some(range);
        Ok(())
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<Passed, ErrorKind> {
        self.pass(self.rows.len())?;
        let Window { writer, selecting, n_written, begun, .. } = self;
        writer.finish().map_err(ErrorKind::Write)?;
        let span = begun.as_ref().map_or(Nanos::ZERO, |it| Nanos::new(it.last - it.start));
        let longest_gap = begun.and_then(|it| it.longest_gap);
        Ok(Passed { n_written, selecting, span, longest_gap })
    }

    /// Tells the writer what is known of the rows by those held, which are sorted.
    fn begin(&mut self) -> Result<(), ErrorKind> {
        let start = self.rows.first().map_or(0, |it| it.nanos);
        let asides = AsideKinds {
            ttls: self.rows.iter().any(|it| it.ttl_s.is_some()),
            ranges: self.rows.iter().any(|it| it.range.is_some()),
        };
        let date = Timestamp::from_nanosecond(i128::from(start)).ok();
        let about = About { start: date.filter(|_| is_date(start)), asides };
        self.writer.begin(about).map_err(ErrorKind::Write)?;
        self.begun = Some(Begun { start, last: start, n_rows: 0, longest_gap: None, asides });
        Ok(())
    }

    /// Writes the `n_rows` that are earliest.
    fn pass(&mut self, n_rows: usize) -> Result<(), ErrorKind> {
        // Stable: rows of one instant stay in the order of the file.
        self.rows.sort_by_key(|it| it.nanos);
        if self.begun.is_none() {
            self.begin()?;
        }
        let Some(begun) = &mut self.begun else { unreachable!("it has just begun") };
        let rest = self.rows.split_off(n_rows);
        for held in mem::replace(&mut self.rows, rest) {
            let Held { nanos, key, mut size, op, ttl_s, range } = held;
            let at = Time::from_nanos(nanos - begun.start);
            if 0 < begun.n_rows {
                let length = Nanos::new(nanos - begun.last);
                begun.longest_gap =
                    begun.longest_gap.max(Some(Gap { length, n_before: begun.n_rows }));
            }
            begun.last = nanos;
            begun.n_rows += 1;
            if self.selecting.keeps(at, &mut size, op) {
                let row = Row {
                    at,
                    key: KeyText::from(&self.keys[key.0..key.1]),
                    size,
                    op,
                    ttl_s,
                    range,
                };
                self.writer.row(&row).map_err(ErrorKind::Write)?;
                self.n_written += 1;
            }
        }
        let keys = mem::take(&mut self.keys);
        for held in &mut self.rows {
            let start = self.keys.len();
            self.keys.extend_from_slice(&keys[held.key.0..held.key.1]);
            held.key = (start, self.keys.len());
        }
        Ok(())
    }
}

/// Whether nanoseconds since wherever a trace counts from are a date of our days: from 2001 on.
fn is_date(nanos: u64) -> bool {
    1_000_000_000_000_000_000 <= nanos
}
