//! libCacheSim's lcs, versions 1 to 3: a header of 8192 bytes, then packed little-endian records.
//!
//! Version 1 has the records of oracleGeneral; 2 adds operation and tenant; 3 has sizes of 64
//! bits and a time to live.

use units::{Bytes, Op};

use super::fields::{each_record, part, refused};
use super::oracle_general::{self, Counting, check_next};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, Position, ValueProblem};
use crate::input::Input;
use crate::read::ReadOptions;

pub(super) const READER: Reader = Reader {
    format: Format::Lcs,
    name: "lcs",
    description: "lcs",
    file_endings: &[".lcs"],
    takes_columns: false,
    is_binary: true,
    recognises: |input, _| input.head().starts_with(&MAGIC.to_le_bytes()),
    read,
};

/// What a file starts with, and its header ends with.
pub(crate) const MAGIC: u64 = 0x1234_5678_9abc_def0;
pub(crate) const N_HEADER_BYTES: usize = 8_192;
/// The header of files before December 2024, whose records are others.
const N_OLD_HEADER_BYTES: usize = 1_024;

/// The operations as libCacheSim numbers them.
pub(crate) const OP_GET: u8 = 1;
pub(crate) const OP_SET: u8 = 3;
pub(crate) const OP_DELETE: u8 = 9;

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let version = version_of(input.head())?;
    input.skip(N_HEADER_BYTES);
    let name = READER.description;
    let mut counting = Counting::new(options);
    match version {
        1 => each_record(input, name, builder, |record, position, builder| {
            oracle_general::take(record, name, position, &mut counting, builder)
        }),
        2 => each_record(input, name, builder, |record: &[u8; 28], position, builder| {
            let size = u64::from(u32::from_le_bytes(part(record, 12)));
            let (op, next) = (record[16], i64::from_le_bytes(part(record, 20)));
            check_next(next, name, position)?;
            push(record, size, op, position, &mut counting, builder).map(drop)
        }),
        3 => each_record(input, name, builder, |record: &[u8; 36], position, builder| {
            let size = i64::from_le_bytes(part(record, 12));
            let (op, next) = (record[20], i64::from_le_bytes(part(record, 28)));
            check_next(next, name, position)?;
            let wrong = |problem| refused(size.to_string().as_bytes(), "size", position, problem);
            let size = u64::try_from(size).map_err(|_| wrong(ValueProblem::NegativeSize))?;
            if Bytes::SIZE_MAX.get() < size {
                return Err(wrong(ValueProblem::SizeTooLarge));
            }
            let ttl_s = u32::from_le_bytes(part(record, 24));
            if push(record, size, op, position, &mut counting, builder)? && 0 < ttl_s {
                builder.keep_ttl(ttl_s, position)?;
            }
            Ok(())
        }),
        _ => Err(ErrorKind::Lcs("is of a version above 3").into()),
    }?;
    Ok(counting.understood())
}

fn version_of(head: &[u8]) -> Result<u64, ErrorKind> {
    let number = |at: usize| head.get(at..at + 8).map(|it| u64::from_le_bytes(part(it, 0)));
    if number(0) != Some(MAGIC) {
        return Err(ErrorKind::Lcs("does not start with the mark of one"));
    }
    if number(N_HEADER_BYTES - 8) == Some(MAGIC) {
        return Ok(number(8).expect("the header is longer than this"));
    }
    Err(ErrorKind::Lcs(if number(N_OLD_HEADER_BYTES - 8) == Some(MAGIC) {
        "has the old header of 1024 bytes"
    } else {
        "has no whole header"
    }))
}

/// Takes what versions 2 and 3 have in common; whether it is a request.
fn push(
    record: &[u8],
    size: u64,
    op: u8,
    position: Position,
    counting: &mut Counting,
    builder: &mut Builder<'_>,
) -> Result<bool, Failure> {
    let time = u32::from_le_bytes(part(record, 0));
    let object = u64::from_le_bytes(part(record, 4));
    let op = match op {
        // Get, gets, read; and none, where the trace it was made from has no operations.
        0 | OP_GET | 2 | 12 => Op::Get,
        // Set, add, cas, replace, append, prepend, incr, decr, write, update.
        OP_SET..=8 | 10 | 11 | 13 | 14 => Op::Put,
        OP_DELETE => Op::Delete,
        _ => {
            builder.ignore(b"unknown");
            return Ok(false);
        }
    };
    let (nanos, size) = (counting.nanos(time), Bytes::new(size));
    builder.push(Record { nanos, key: Key::Number(object), size, op }, position)?;
    Ok(true)
}
