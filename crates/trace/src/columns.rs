//! A trace as we keep it ourselves: columns that are read back without parsing.
//!
//! Little-endian: a mark, the hash of the content, that of all else, the start, what was said of
//! the trace, and then times, sizes, objects, operations, times to live, ranges and keys, each in
//! one piece behind its length.

use std::io::{self, Read, Write};

use jiff::Timestamp;
use twox_hash::XxHash3_128;
use units::{Bytes, ObjectId, Op, Request, Time};

use crate::asides::{Asides, ByteRange};
use crate::error::{ErrorKind, TraceError};
use crate::input::Compression;
use crate::keys::Keys;
use crate::note::Note;
use crate::source::Source;
use crate::time::{KnownBy, TimeScale, TimeUnit};
use crate::trace::Trace;

/// What a file starts with; the last byte is the version.
const MARK: [u8; 16] = *b"infinisim trace\x03";
/// In the place of a start: there is none.
const NO_START: i128 = i128::MIN;

/// Writes `trace` so that [`read_columns`] gives it back: its requests, what they say aside, keys,
/// start, and what was said of it.
pub fn write_columns(trace: &Trace, mut out: impl Write) -> io::Result<()> {
    let requests = trace.requests();
    // In nanoseconds since 1970.
    let start = trace.source().start.map_or(NO_START, Timestamp::as_nanosecond).to_le_bytes();
    let mut said = vec![trace.source().to_string()];
    said.extend(trace.notes().iter().map(ToString::to_string));
    let said = said.join("\n");
    let ttls = trace.asides().ttls_s().iter();
    let ttls = ttls.flat_map(|(index, ttl_s)| [index, ttl_s].map(|it| it.to_le_bytes()));
    let ttls = ttls.collect::<Vec<_>>();
    let ranges = trace.asides().ranges().iter();
    let ranges = ranges.flat_map(|(index, range)| {
        [u64::from(*index), range.first, range.last].map(u64::to_le_bytes)
    });
    let ranges = ranges.collect::<Vec<_>>();
    let (ttls, ranges) = (ttls.as_flattened(), ranges.as_flattened());
    let lengths: Vec<u8> = (0..)
        .map(ObjectId)
        .take(trace.n_objects())
        .flat_map(|it| (trace.key(it).len() as u64).to_le_bytes())
        .collect();
    out.write_all(&MARK)?;
    out.write_all(&trace.hash().0.to_le_bytes())?;
    out.write_all(&hash_of_rest([&start, said.as_bytes(), ttls, ranges]).to_le_bytes())?;
    out.write_all(&start)?;
    write_piece(said.as_bytes(), &mut out)?;
    write_column(requests, |it| it.at.as_nanos().to_le_bytes(), &mut out)?;
    write_column(requests, |it| it.size.get().to_le_bytes(), &mut out)?;
    write_column(requests, |it| it.object.0.to_le_bytes(), &mut out)?;
    write_column(requests, |it| [it.op as u8], &mut out)?;
    write_piece(ttls, &mut out)?;
    write_piece(ranges, &mut out)?;
    write_piece(&lengths, &mut out)?;
    for object in (0..).map(ObjectId).take(trace.n_objects()) {
        out.write_all(&trace.key(object))?;
    }
    out.flush()
}

/// Reads what [`write_columns`] has written, under the name `source_name`.
///
/// # Errors
///
/// [`ErrorKind::Columnar`] where the file is cut short, damaged, or of another version.
pub fn read_columns(source_name: &str, mut input: impl Read) -> Result<Trace, TraceError> {
    read(source_name, &mut input).map_err(|kind| TraceError::new(source_name, kind.into()))
}

fn read(source_name: &str, input: &mut impl Read) -> Result<Trace, ErrorKind> {
    if read_array(input)? != MARK {
        return Err(ErrorKind::Columnar("has not the mark of this version"));
    }
    let hash = u128::from_le_bytes(read_array(input)?);
    let rest = u128::from_le_bytes(read_array(input)?);
    let start = read_array(input)?;
    let said = read_piece(input)?;
    let times = read_piece(input)?;
    let sizes = read_piece(input)?;
    let objects = read_piece(input)?;
    let ops = read_piece(input)?;
    let (ttls, ranges) = (read_piece(input)?, read_piece(input)?);
    if hash_of_rest([&start, &said, &ttls, &ranges]) != rest {
        return Err(ErrorKind::Columnar("is damaged"));
    }
    let lengths = read_piece(input)?;
    let keys = read_keys(&lengths, input)?;
    let n_requests = ops.len();
    let asides = asides_of(&ttls, &ranges, n_requests)?;
    let (times, sizes) = (times.as_chunks::<8>().0, sizes.as_chunks::<8>().0);
    let objects = objects.as_chunks::<4>().0;
    if [times.len(), sizes.len(), objects.len()] != [n_requests; 3] {
        return Err(ErrorKind::Columnar("has columns of different lengths"));
    }
    let mut requests = Vec::with_capacity(n_requests);
    let columns = times.iter().zip(sizes).zip(objects).zip(&ops);
    for (((time, size), object), op) in columns {
        let object = ObjectId(u32::from_le_bytes(*object));
        let size = u64::from_le_bytes(*size);
        let op = match op {
            0 => Op::Get,
            1 => Op::Put,
            2 => Op::Delete,
            _ => return Err(ErrorKind::Columnar("has an unknown operation")),
        };
        if keys.len() <= object.index() || Bytes::SIZE_MAX.get() < size {
            return Err(ErrorKind::Columnar("has a key or a size that cannot be"));
        }
        let at = Time::from_nanos(u64::from_le_bytes(*time));
        requests.push(Request { at, size: Bytes::new(size), object, op });
    }
    let said = String::from_utf8_lossy(&said);
    let start = i128::from_le_bytes(start);
    let mut said = said.lines().map(|it| Note::Before(it.to_owned()));
    let source = Source {
        name: source_name.to_owned(),
        n_files: 1,
        format_name: "a converted copy",
        compression: Compression::None,
        columns: None,
        time_scale: TimeScale::Count(TimeUnit::Nanos),
        time_known_by: KnownBy::Format,
        selection: said.next().map(|it| format!("made from {it}")),
        start: Timestamp::from_nanosecond(start).ok().filter(|_| start != NO_START),
    };
    let trace = Trace::new(requests, keys, asides, source, said.collect());
    // Time order and dense ids too are as they were, if the content is.
    if trace.hash().0 != hash {
        return Err(ErrorKind::Columnar("is damaged"));
    }
    Ok(trace)
}

/// Of what the hash of a trace's content leaves out: start, what was said, times to live, ranges.
fn hash_of_rest(pieces: [&[u8]; 4]) -> u128 {
    let mut hasher = XxHash3_128::new();
    for piece in pieces {
        hasher.write(piece);
        // Where one piece ends matters too.
        hasher.write(&(piece.len() as u64).to_le_bytes());
    }
    hasher.finish_128()
}

/// The asides that lie in these pieces, of so many requests.
fn asides_of(ttls: &[u8], ranges: &[u8], n_requests: usize) -> Result<Asides, ErrorKind> {
    let mut asides = Asides::default();
    let ((ttls, rest), (ranges, rest_too)) = (ttls.as_chunks::<8>(), ranges.as_chunks::<24>());
    if !rest.is_empty() || !rest_too.is_empty() {
        return Err(ErrorKind::Columnar("has columns of different lengths"));
    }
    let mut n_passed = 0;
    for ttl in ttls {
        let [index, seconds] = [0, 4].map(|at| u32::from_le_bytes(part(ttl, at)));
        let index = next_index(u64::from(index), &mut n_passed, n_requests)?;
        asides.push_ttl(index, seconds);
    }
    let mut n_passed = 0;
    for range in ranges {
        let [index, first, last] = [0, 8, 16].map(|at| u64::from_le_bytes(part(range, at)));
        let index = next_index(index, &mut n_passed, n_requests)?;
        asides.push_range(index, ByteRange { first, last });
    }
    Ok(asides)
}

/// The index of a request that says something aside, which is not among those passed.
fn next_index(index: u64, n_passed: &mut usize, n_requests: usize) -> Result<usize, ErrorKind> {
    let found = usize::try_from(index).ok().filter(|it| (*n_passed..n_requests).contains(it));
    let found =
        found.ok_or(ErrorKind::Columnar("says something of a request that is not there"))?;
    *n_passed = found + 1;
    Ok(found)
}

/// The bytes of `of` from `at` on.
fn part<const N: usize>(of: &[u8], at: usize) -> [u8; N] {
    *of[at..].first_chunk().expect("it is long enough")
}

fn write_column<const N: usize>(
    requests: &[Request],
    value: impl Fn(&Request) -> [u8; N],
    out: &mut impl Write,
) -> io::Result<()> {
    const N_VALUES: usize = 4 << 10;
    out.write_all(&(requests.len() as u64 * N as u64).to_le_bytes())?;
    let mut block = Vec::with_capacity(N_VALUES * N);
    for requests in requests.chunks(N_VALUES) {
        block.clear();
        block.extend(requests.iter().flat_map(&value));
        out.write_all(&block)?;
    }
    Ok(())
}

fn write_piece(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    out.write_all(&(bytes.len() as u64).to_le_bytes())?;
    out.write_all(bytes)
}

fn read_array<const N: usize>(input: &mut impl Read) -> Result<[u8; N], ErrorKind> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes).map_err(cut_short)?;
    Ok(bytes)
}

fn read_piece(input: &mut impl Read) -> Result<Vec<u8>, ErrorKind> {
    let n_bytes = u64::from_le_bytes(read_array(input)?);
    read_bytes(n_bytes, input)
}

/// Reads so many bytes; takes no more memory than there are, whatever a damaged length says.
fn read_bytes(n_bytes: u64, input: &mut impl Read) -> Result<Vec<u8>, ErrorKind> {
    let mut bytes = Vec::new();
    input.take(n_bytes).read_to_end(&mut bytes).map_err(ErrorKind::Io)?;
    if bytes.len() as u64 == n_bytes { Ok(bytes) } else { Err(ErrorKind::Columnar("is cut short")) }
}

fn read_keys(lengths: &[u8], input: &mut impl Read) -> Result<Keys, ErrorKind> {
    let mut keys = Keys::default();
    let mut all = Vec::new();
    input.read_to_end(&mut all).map_err(ErrorKind::Io)?;
    let mut rest = &all[..];
    for length in lengths.as_chunks::<8>().0 {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let key = rest.split_off(..length).ok_or(ErrorKind::Columnar("is cut short"))?;
        keys.push(key);
    }
    Ok(keys)
}

fn cut_short(err: io::Error) -> ErrorKind {
    match err.kind() {
        io::ErrorKind::UnexpectedEof => ErrorKind::Columnar("is cut short"),
        _ => ErrorKind::Io(err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether these indices can be those of times to live, and of ranges, of three requests.
    #[track_caller]
    fn check(indices: &[u32], is_good: bool) {
        let ttls: Vec<u8> =
            indices.iter().flat_map(|it| [*it, 60]).flat_map(u32::to_le_bytes).collect();
        let ranges = indices.iter().flat_map(|it| [u64::from(*it), 1, 2]);
        let ranges: Vec<u8> = ranges.flat_map(u64::to_le_bytes).collect();
        assert_eq!(asides_of(&ttls, &[], 3).is_ok(), is_good, "{indices:?}");
        assert_eq!(asides_of(&[], &ranges, 3).is_ok(), is_good, "{indices:?}");
    }

    #[test]
    fn what_is_said_aside_is_said_by_a_request() {
        check(&[], true);
        check(&[0, 1, 2], true);
        check(&[2], true);
        check(&[3], false);
        check(&[1, 1], false);
        check(&[2, 0], false);
        check(&[u32::MAX], false);
    }
}
