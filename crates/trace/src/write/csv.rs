//! A trace as CSV with the columns `time_s,key,size,op`.

use std::io::{self, Write};

use units::Op;

use super::{About, RowWriter, WriteError};
use crate::asides::AsideKinds;
use crate::number::DecimalText;
use crate::trace::Row;

/// Writes CSV with the columns `time_s,key,size,op`, and `ttl_s` or `range_first,range_last` where
/// the trace has such, which [`crate::read`] recognises and reads back to the same requests; times
/// keep their nanoseconds.
pub struct CsvWriter<W: Write> {
    writer: csv::Writer<W>,
    asides: AsideKinds,
    time: String,
}

impl<W: Write> CsvWriter<W> {
    /// A writer to `out`.
    pub fn new(out: W) -> CsvWriter<W> {
        CsvWriter {
            writer: csv::Writer::from_writer(out),
            asides: AsideKinds::default(),
            time: String::new(),
        }
    }

    fn number(&mut self, number: Option<u64>) -> Result<(), WriteError> {
        let text = number.map(DecimalText::of);
        let text = text.as_ref().map_or(&b""[..], DecimalText::as_bytes);
        self.writer.write_field(text).map_err(io_error)
    }
}

impl<W: Write> RowWriter for CsvWriter<W> {
    fn begin(&mut self, about: About) -> Result<(), WriteError> {
        self.asides = about.asides;
        let mut columns = vec!["time_s", "key", "size", "op"];
        if self.asides.ttls {
            columns.push("ttl_s");
        }
        if self.asides.ranges {
            columns.extend(["range_first", "range_last"]);
        }
        self.writer.write_record(columns).map_err(io_error)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), WriteError> {
        use std::fmt::Write as _;
        let nanos = row.at.as_nanos();
        self.time.clear();
        write!(self.time, "{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
            .expect("a string takes all text");
        let op = match row.op {
            Op::Get => "get",
            Op::Put => "put",
            Op::Delete => "delete",
        };
        self.writer.write_field(&self.time).map_err(io_error)?;
        self.writer.write_field(&*row.key).map_err(io_error)?;
        self.number(Some(row.size.get()))?;
        self.writer.write_field(op).map_err(io_error)?;
        if self.asides.ttls {
            self.number(row.ttl_s.map(u64::from))?;
        }
        if self.asides.ranges {
            self.number(row.range.map(|it| it.first))?;
            self.number(row.range.map(|it| it.last))?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(io_error)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        Ok(self.writer.flush()?)
    }
}

/// The error of the writer beneath as it was, so that a caller can tell its kind.
fn io_error(err: csv::Error) -> WriteError {
    WriteError::Io(match err.into_kind() {
        csv::ErrorKind::Io(err) => err,
        kind => io::Error::other(format!("{kind:?}")),
    })
}
