//! From a trace back to bytes.

use std::io::{self, Write};

use units::{Bytes, ObjectId, Op};

use crate::error::shown;
use crate::format::OracleRecord;
use crate::number::{DecimalText, scaled};
use crate::trace::Trace;

/// Why a trace could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The bytes could not be put down.
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
    /// A size that the format has no room for.
    #[error(
        "request {n_request} (key `{key}`) is of {} bytes, and oracleGeneral holds at most \
         {}; clamp sizes with `--clamp-size 4GB`, or write CSV", size.get(), u32::MAX
    )]
    SizeTooLarge {
        /// The request's number, from 1.
        n_request: u64,
        /// Its key.
        key: String,
        /// Its size.
        size: Bytes,
    },
}

/// What was written and what the format has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OracleGeneralCounts {
    /// GETs written.
    pub n_written: u64,
    /// PUTs and DELETEs left out: the format has no operations.
    pub n_left_out: u64,
}

/// Writes `trace` as CSV with the columns `time_s,key,size,op`, which [`crate::read`] recognises
/// and reads back to the same requests; times keep their nanoseconds.
pub fn write_csv(trace: &Trace, out: impl Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(["time_s", "key", "size", "op"])?;
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
        writer.write_record(fields)?;
    }
    writer.flush()
}

/// Writes the GETs of `trace` in libCacheSim's oracleGeneral format: 24-byte records, times in
/// whole seconds from the first request.
///
/// Objects keep their numbers if every key is one; otherwise each gets its place in the order of
/// first appearance.
pub fn write_oracle_general(
    trace: &Trace,
    mut out: impl Write,
) -> Result<OracleGeneralCounts, WriteError> {
    let mut counts = OracleGeneralCounts::default();
    let numbers = key_numbers(trace);
    let nexts = next_gets(trace);
    let gets = trace.requests().iter().zip(1..).filter(|(it, _)| it.op == Op::Get);
    for ((request, n_request), next) in gets.zip(nexts) {
        let seconds = request.at.as_nanos() / 1_000_000_000;
        let record = OracleRecord {
            time: u32::try_from(seconds).expect("a trace spans at most 100 years"),
            object: numbers[request.object.index()],
            size: u32::try_from(request.size.get()).map_err(|_| WriteError::SizeTooLarge {
                n_request,
                key: shown(trace.key(request.object)),
                size: request.size,
            })?,
            next,
        };
        out.write_all(&record.bytes())?;
        counts.n_written += 1;
    }
    counts.n_left_out = trace.requests().len() as u64 - counts.n_written;
    out.flush()?;
    Ok(counts)
}

/// The number that stands for each object.
fn key_numbers(trace: &Trace) -> Vec<u64> {
    let mut text = DecimalText::default();
    let ids = (0..).map(ObjectId).take(trace.n_objects());
    let numbers: Option<Vec<u64>> = ids
        .map(|object| {
            let key = trace.key(object);
            // Only as a number is written: `007` and `7` are two keys.
            scaled(key, 0).ok().filter(|number| text.text(*number) == key)
        })
        .collect();
    numbers.unwrap_or_else(|| (0..trace.n_objects() as u64).collect())
}

/// For each GET, the number (from 1, among GETs) of the next of the same object, or never.
fn next_gets(trace: &Trace) -> Vec<i64> {
    let gets = || trace.requests().iter().filter(|it| it.op == Op::Get);
    let mut nexts = vec![OracleRecord::NEVER; gets().count()];
    let mut last_index: Vec<Option<usize>> = vec![None; trace.n_objects()];
    for (index, request) in gets().enumerate() {
        let number = i64::try_from(index).expect("fewer than 2^32 requests") + 1;
        if let Some(last) = last_index[request.object.index()].replace(index) {
            nexts[last] = number;
        }
    }
    nexts
}
