//! A trace in the packed formats of libCacheSim: oracleGeneral and lcs.

use std::io::Write;

use units::{Bytes, ObjectId, Op, Request, Time};

use super::WriteError;
use crate::error::shown;
use crate::format::{MAGIC, N_HEADER_BYTES, OP_DELETE, OP_GET, OP_SET, OracleRecord};
use crate::number::DecimalText;
use crate::trace::Trace;

/// What was written and what the format has no room for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackedCounts {
    /// Requests written.
    pub n_written: u64,
    /// PUTs and DELETEs left out, where the format has no operations.
    pub n_left_out: u64,
    /// Requests written of which the time was cut to whole seconds, which is all there is room for.
    pub n_cut: u64,
}

/// A version of lcs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LcsVersion {
    /// The records of oracleGeneral.
    V1,
    /// With operations.
    V2,
    /// With operations, and sizes of 64 bits.
    V3,
}

impl LcsVersion {
    /// How long a record is.
    pub fn n_record_bytes(self) -> usize {
        match self {
            LcsVersion::V1 => 24,
            LcsVersion::V2 => 28,
            LcsVersion::V3 => 36,
        }
    }
}

/// Writes the GETs of `trace` in libCacheSim's oracleGeneral format: 24-byte records, times in
/// whole seconds from the first request.
///
/// Objects keep their numbers if every key is one; otherwise each gets its place in the order of
/// first appearance.
///
/// # Errors
///
/// [`WriteError::NothingWritten`] before anything is written, and those of sizes and of `out`.
pub fn write_oracle_general(
    trace: &Trace,
    mut out: impl Write,
) -> Result<PackedCounts, WriteError> {
    let kind = Kind::OracleGeneral;
    let counts = counts(trace, kind)?;
    write_records(trace, kind, &mut out)?;
    out.flush()?;
    Ok(counts)
}

/// Writes `trace` in libCacheSim's lcs format: a header with statistics of what is written, then
/// records. Of version 1 the GETs; of the others all requests.
///
/// # Errors
///
/// As those of [`write_oracle_general`].
pub fn write_lcs(
    trace: &Trace,
    version: LcsVersion,
    mut out: impl Write,
) -> Result<PackedCounts, WriteError> {
    let kind = match version {
        LcsVersion::V1 => Kind::LcsV1,
        LcsVersion::V2 => Kind::LcsV2,
        LcsVersion::V3 => Kind::LcsV3,
    };
    let counts = counts(trace, kind)?;
    out.write_all(&lcs_header(trace, version, kind))?;
    write_records(trace, kind, &mut out)?;
    out.flush()?;
    Ok(counts)
}

/// Which records are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    OracleGeneral,
    LcsV1,
    LcsV2,
    LcsV3,
}

impl Kind {
    fn has_operations(self) -> bool {
        matches!(self, Kind::LcsV2 | Kind::LcsV3)
    }

    fn name(self) -> &'static str {
        match self {
            Kind::OracleGeneral => "oracleGeneral",
            Kind::LcsV1 => "lcs version 1",
            Kind::LcsV2 => "lcs version 2",
            Kind::LcsV3 => "lcs version 3",
        }
    }

    /// Whether there is a record of a request.
    fn holds(self, request: &Request) -> bool {
        self.has_operations() || request.op == Op::Get
    }
}

fn counts(trace: &Trace, kind: Kind) -> Result<PackedCounts, WriteError> {
    let n_requests = trace.requests().len() as u64;
    let (mut n_written, mut n_cut) = (0, 0);
    for request in trace.requests().iter().filter(|it| kind.holds(it)) {
        n_written += 1;
        n_cut += u64::from(!request.at.as_nanos().is_multiple_of(NANOS_PER_SECOND));
    }
    if n_written == 0 {
        return Err(WriteError::NothingWritten { n_requests, format: kind.name() });
    }
    Ok(PackedCounts { n_written, n_left_out: n_requests - n_written, n_cut })
}

fn write_records(trace: &Trace, kind: Kind, out: &mut impl Write) -> Result<(), WriteError> {
    let numbers = key_numbers(trace);
    let nexts = next_requests(trace, kind);
    let requests = trace.requests().iter().zip(1..).filter(|(it, _)| kind.holds(it));
    for ((request, n_request), next) in requests.zip(nexts) {
        let next = if next == 0 { OracleRecord::NEVER } else { i64::from(next) };
        let time = u32::try_from(seconds(request.at)).expect("a trace spans at most 100 years");
        let object = numbers[request.object.index()];
        let size_of_32_bits = || {
            u32::try_from(request.size.get()).map_err(|_| WriteError::SizeTooLarge {
                n_request,
                key: shown(&trace.key(request.object)),
                size: request.size,
                format: kind.name(),
            })
        };
        let op = match request.op {
            Op::Get => OP_GET,
            Op::Put => OP_SET,
            Op::Delete => OP_DELETE,
        };
        match kind {
            Kind::OracleGeneral | Kind::LcsV1 => {
                let record = OracleRecord { time, object, size: size_of_32_bits()?, next };
                out.write_all(&record.bytes())?;
            }
            Kind::LcsV2 => {
                let mut record = [0; 28];
                record[..4].copy_from_slice(&time.to_le_bytes());
                record[4..12].copy_from_slice(&object.to_le_bytes());
                record[12..16].copy_from_slice(&size_of_32_bits()?.to_le_bytes());
                record[16] = op;
                record[20..].copy_from_slice(&next.to_le_bytes());
                out.write_all(&record)?;
            }
            Kind::LcsV3 => {
                let mut record = [0; 36];
                record[..4].copy_from_slice(&time.to_le_bytes());
                record[4..12].copy_from_slice(&object.to_le_bytes());
                // A size is at most 2^62, so it is the same number with a sign.
                record[12..20].copy_from_slice(&request.size.get().to_le_bytes());
                record[20] = op;
                let ttl_s = trace
                    .asides()
                    .ttl_s(usize::try_from(n_request - 1).unwrap_or(usize::MAX))
                    .unwrap_or(0);
                record[24..28].copy_from_slice(&ttl_s.to_le_bytes());
                record[28..].copy_from_slice(&next.to_le_bytes());
                out.write_all(&record)?;
            }
        }
    }
    Ok(())
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A time as records have it.
fn seconds(at: Time) -> u64 {
    at.as_nanos() / NANOS_PER_SECOND
}

/// Two marks with the version and the first of libCacheSim's statistics between them, which are of
/// what is written: the bytes asked for are those of all operations.
fn lcs_header(trace: &Trace, version: LcsVersion, kind: Kind) -> Vec<u8> {
    const VERSION_OF_STATISTICS: u64 = 1;
    let written = || trace.requests().iter().filter(|it| kind.holds(it));
    let n_of = |op: Op| written().filter(|it| it.op == op).count() as u64;
    let [n_gets, n_puts, n_deletes] = [Op::Get, Op::Put, Op::Delete].map(n_of);
    let requested_bytes: Bytes = written().map(|it| it.size).sum();
    // The largest of each object that is written.
    let mut sizes = vec![None; trace.n_objects()];
    for request in written() {
        let size = &mut sizes[request.object.index()];
        *size = Some(request.size).max(*size);
    }
    let sizes: Vec<Bytes> = sizes.into_iter().flatten().collect();
    let least = sizes.iter().min().map_or(0, |it| it.get());
    let most = sizes.iter().max().map_or(0, |it| it.get());
    let n_objects = sizes.len() as u64;
    let unique_bytes: Bytes = sizes.into_iter().sum();
    let [start, end] =
        [written().next(), written().next_back()].map(|it| it.map_or(0, |it| seconds(it.at)));
    let version = match version {
        LcsVersion::V1 => 1,
        LcsVersion::V2 => 2,
        LcsVersion::V3 => 3,
    };
    let words = [
        MAGIC,
        version,
        VERSION_OF_STATISTICS,
        n_gets + n_puts + n_deletes,
        n_objects,
        requested_bytes.get(),
        unique_bytes.get(),
        start,
        end,
        n_gets,
        n_puts,
        n_deletes,
        least,
        most,
    ];
    let mut header: Vec<u8> = words.iter().flat_map(|it| it.to_le_bytes()).collect();
    header.resize(N_HEADER_BYTES - 8, 0);
    header.extend(MAGIC.to_le_bytes());
    header
}

/// The number that stands for each object.
fn key_numbers(trace: &Trace) -> Vec<u64> {
    let ids = (0..).map(ObjectId).take(trace.n_objects());
    let numbers: Option<Vec<u64>> = ids
        .map(|object| {
            let key = trace.key(object);
            // Only as a number is written: `007` and `7` are two keys.
            let number: u64 = str::from_utf8(&key).ok()?.parse().ok()?;
            Some(number).filter(|it| DecimalText::of(*it).as_bytes() == &*key)
        })
        .collect();
    numbers.unwrap_or_else(|| (0..trace.n_objects() as u64).collect())
}

/// For each request that is written, the number (from 1, among them) of the next of the same
/// object, or zero: never.
fn next_requests(trace: &Trace, kind: Kind) -> Vec<u32> {
    let written = || trace.requests().iter().filter(|it| kind.holds(it));
    let mut nexts = vec![0; written().count()];
    // The number of the last request to each object, or zero.
    let mut last_numbers = vec![0_u32; trace.n_objects()];
    for (number, request) in (1..).zip(written()) {
        let last = std::mem::replace(&mut last_numbers[request.object.index()], number);
        if 0 < last {
            nexts[last as usize - 1] = number;
        }
    }
    nexts
}
