//! A trace as CSV with the columns `time_s,key,size,op`.

use std::io::{self, Write};

use units::Op;

use crate::number::DecimalText;
use crate::trace::Trace;

/// Writes `trace` as CSV with the columns `time_s,key,size,op`, which [`crate::read`] recognises
/// and reads back to the same requests; times keep their nanoseconds.
pub fn write_csv(trace: &Trace, out: impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["time_s", "key", "size", "op"]).map_err(io_error)?;
    let mut time = String::new();
    let mut size = DecimalText::default();
    for row in trace.rows() {
        use std::fmt::Write as _;
        let nanos = row.at.as_nanos();
        time.clear();
        write!(time, "{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
            .expect("a string takes all text");
        let op = match row.op {
            Op::Get => "get",
            Op::Put => "put",
            Op::Delete => "delete",
        };
        let fields: [&[u8]; 4] =
            [time.as_bytes(), row.key, size.text(row.size.get()), op.as_bytes()];
        writer.write_record(fields).map_err(io_error)?;
    }
    writer.flush()
}

/// The error of the writer beneath as it was, so that a caller can tell its kind.
fn io_error(err: csv::Error) -> io::Error {
    match err.into_kind() {
        csv::ErrorKind::Io(err) => err,
        kind => io::Error::other(format!("{kind:?}")),
    }
}
