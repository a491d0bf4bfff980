//! libCacheSim's lcs, versions 1 to 3: a header of 8192 bytes, then packed little-endian records.
//!
//! Version 1 has the records of oracleGeneral; 2 adds operation and tenant; 3 has sizes of 64
//! bits and a time to live.

use units::{Bytes, Op};

use super::fields::{each_record, part, refused};
use super::oracle_general::{self, Counting, check_next, is_next};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Numbered, Record};
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
    let counting = &Counting::new(options);
    match version {
        1 => {
            let plain = |it: &_| oracle_general::plain(it, counting);
            each_record(input, name, builder, plain, |it, position, builder| {
                oracle_general::take(it, name, position, counting, builder)
            })
        }
        2 => {
            let plain = |it: &_| LcsRecord::v2(it).plain(counting);
            each_record(input, name, builder, plain, |it, position, builder| {
                LcsRecord::v2(it).take(position, counting, builder)
            })
        }
        3 => {
            let plain = |it: &_| LcsRecord::v3(it).plain(counting);
            each_record(input, name, builder, plain, |it, position, builder| {
                LcsRecord::v3(it).take(position, counting, builder)
            })
        }
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

/// One record of version 2 or 3, as it stands in the file.
struct LcsRecord {
    time: u32,
    object: u64,
    size: i64,
    op: u8,
    ttl_s: u32,
    next: i64,
}

impl LcsRecord {
    fn v2(record: &[u8; 28]) -> LcsRecord {
        LcsRecord {
            time: u32::from_le_bytes(part(record, 0)),
            object: u64::from_le_bytes(part(record, 4)),
            size: i64::from(u32::from_le_bytes(part(record, 12))),
            op: record[16],
            ttl_s: 0,
            next: i64::from_le_bytes(part(record, 20)),
        }
    }

    fn v3(record: &[u8; 36]) -> LcsRecord {
        LcsRecord {
            time: u32::from_le_bytes(part(record, 0)),
            object: u64::from_le_bytes(part(record, 4)),
            size: i64::from_le_bytes(part(record, 12)),
            op: record[20],
            ttl_s: u32::from_le_bytes(part(record, 24)),
            next: i64::from_le_bytes(part(record, 28)),
        }
    }

    /// The operation, where it is a request for an object.
    fn op(&self) -> Option<Op> {
        match self.op {
            // Get, gets, read; and none, where the trace it was made from has no operations.
            0 | OP_GET | 2 | 12 => Some(Op::Get),
            // Set, add, cas, replace, append, prepend, incr, decr, write, update.
            OP_SET..=8 | 10 | 11 | 13 | 14 => Some(Op::Put),
            OP_DELETE => Some(Op::Delete),
            _ => None,
        }
    }

    fn size(&self) -> Result<Bytes, ValueProblem> {
        let size = u64::try_from(self.size).map_err(|_| ValueProblem::NegativeSize)?;
        let size = Some(Bytes::new(size)).filter(|it| *it <= Bytes::SIZE_MAX);
        size.ok_or(ValueProblem::SizeTooLarge)
    }

    /// What it says, if that can be, and is all.
    fn plain(&self, counting: &Counting) -> Numbered {
        let (op, size) = (self.op(), self.size());
        Numbered {
            is_plain: op.is_some() && size.is_ok() && self.ttl_s == 0 && is_next(self.next),
            nanos: counting.nanos(self.time),
            number: self.object,
            size: size.unwrap_or(Bytes::ZERO),
            op: op.unwrap_or(Op::Get),
        }
    }

    fn take(
        &self,
        position: Position,
        counting: &Counting,
        builder: &mut Builder<'_>,
    ) -> Result<(), Failure> {
        check_next(self.next, READER.description, position)?;
        let wrong = |problem| refused(self.size.to_string().as_bytes(), "size", position, problem);
        let size = self.size().map_err(wrong)?;
        let Some(op) = self.op() else {
            builder.ignore(b"unknown");
            return Ok(());
        };
        let nanos = counting.nanos(self.time);
        builder.push(Record { nanos, key: Key::Number(self.object), size, op }, position)?;
        if self.ttl_s == 0 { Ok(()) } else { builder.keep_ttl(self.ttl_s, position) }
    }
}
