//! Traces as bytes in, and what becomes of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod errors;
mod formats;
mod generator;
mod golden;
mod lru_stack;
mod other_formats;
mod parquet;
mod sample;
mod selection;
mod statistics;
mod writers;

use trace::{ReadOptions, Row, RowWriter, Trace, TraceError, write_rows};
use units::{Bytes, Op, Time};

/// Reads `bytes` as the trace called `t.csv`.
fn read(bytes: &[u8], options: &ReadOptions) -> Result<Trace, TraceError> {
    trace::read("t.csv", bytes, options, &mut |_| ())
}

/// Reads text in which everything is to be detected.
fn read_text(text: &str) -> Trace {
    read(text.as_bytes(), &ReadOptions::DETECT).unwrap()
}

/// The rows of a trace, one a line: seconds, key, size, operation, and what else is said.
fn shown(trace: &Trace) -> String {
    let show = |Row { at, key, size, op, ttl_s, range }: Row<'_>| {
        let seconds = at.since(Time::START).as_seconds_f64();
        let op = match op {
            Op::Get => "get",
            Op::Put => "put",
            Op::Delete => "delete",
        };
        let ttl = ttl_s.map_or(String::new(), |it| format!(" ttl {it}"));
        let range = range.map_or(String::new(), |it| format!(" bytes {}-{}", it.first, it.last));
        format!("{seconds} {} {} {op}{ttl}{range}", String::from_utf8_lossy(&key), size.get())
    };
    trace.rows().map(show).collect::<Vec<_>>().join("\n")
}

/// What a writer makes of a trace.
fn written(
    trace: &Trace,
    writer: impl for<'a> FnOnce(&'a mut Vec<u8>) -> Box<dyn RowWriter + 'a>,
) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_rows(trace, writer(&mut bytes).as_mut()).unwrap();
    bytes
}

/// A message folded into short lines, for a snapshot that can be read.
fn folded(message: &str) -> String {
    const N_CHARS: usize = 80;
    let mut folded = String::new();
    let mut n_chars = 0;
    for word in message.split(' ') {
        let n_more = word.chars().count() + 1;
        let is_full = N_CHARS < n_chars + n_more;
        folded.push_str(if is_full { "\n" } else { " " });
        folded.push_str(word);
        n_chars = if is_full { n_more } else { n_chars + n_more };
    }
    folded.trim_start().to_owned()
}

fn notes(trace: &Trace) -> String {
    trace.notes().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// A 24-byte record of oracleGeneral.
fn oracle_record(seconds: u32, object: u64, size: u32, next: i64) -> Vec<u8> {
    let mut record = seconds.to_le_bytes().to_vec();
    record.extend(object.to_le_bytes());
    record.extend(size.to_le_bytes());
    record.extend(next.to_le_bytes());
    record
}

/// A file of `shared/data` beside the project, or `None`, said loudly, where it is not there.
fn shared_data(file_name: &str) -> Option<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let path = std::path::Path::new(folder).join(file_name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        #[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
        {
            eprintln!("SKIPPED: {} is not there", path.display());
        }
    }
    bytes
}

fn gigabytes(n: u64) -> Bytes {
    Bytes::megabytes(1_000) * n
}
