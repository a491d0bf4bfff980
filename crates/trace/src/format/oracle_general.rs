//! libCacheSim's oracleGeneral: packed little-endian records of 24 bytes.
//!
//! `u32` time in seconds, `u64` object, `u32` size, `i64` number of the next request to the
//! object, from 1, or -1 or `i64::MAX` for none. The format has no mark and no operations.

use std::cell::Cell;

use units::{Bytes, Op};

use super::fields::each_record;
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Numbered, Record};
use crate::error::{ErrorKind, Failure, Position};
use crate::input::Input;
use crate::read::ReadOptions;
use crate::time::{KnownBy, TimeScale, TimeUnit};

pub(super) const READER: Reader = Reader {
    format: Format::OracleGeneral,
    name: "oracleGeneral",
    description: "oracleGeneral",
    file_endings: &[".oraclegeneral", ".oraclegeneral.bin"],
    takes_columns: false,
    is_binary: true,
    recognises: |_, _| false,
    read,
};

/// One record, as it stands in the file.
pub(crate) struct OracleRecord {
    pub(crate) time: u32,
    pub(crate) object: u64,
    pub(crate) size: u32,
    pub(crate) next: i64,
}

impl OracleRecord {
    /// No later request to the object.
    pub(crate) const NEVER: i64 = -1;

    fn parse(record: &[u8; N_RECORD_BYTES]) -> OracleRecord {
        let [t0, t1, t2, t3, o0, o1, o2, o3, o4, o5, o6, o7, s0, s1, s2, s3, next @ ..] = *record;
        OracleRecord {
            time: u32::from_le_bytes([t0, t1, t2, t3]),
            object: u64::from_le_bytes([o0, o1, o2, o3, o4, o5, o6, o7]),
            size: u32::from_le_bytes([s0, s1, s2, s3]),
            next: i64::from_le_bytes(next),
        }
    }

    pub(crate) fn bytes(&self) -> [u8; N_RECORD_BYTES] {
        let mut record = [0; N_RECORD_BYTES];
        record[..4].copy_from_slice(&self.time.to_le_bytes());
        record[4..12].copy_from_slice(&self.object.to_le_bytes());
        record[12..16].copy_from_slice(&self.size.to_le_bytes());
        record[16..].copy_from_slice(&self.next.to_le_bytes());
        record
    }
}

pub(super) const N_RECORD_BYTES: usize = 24;

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let counting = Counting::new(options);
    let name = READER.description;
    each_record(
        input,
        name,
        builder,
        |it| plain(it, &counting),
        |it, position, builder| take(it, name, position, &counting, builder),
    )?;
    Ok(counting.understood())
}

/// What a record says, if that can be.
#[inline]
pub(super) fn plain(record: &[u8; N_RECORD_BYTES], counting: &Counting) -> Numbered {
    let OracleRecord { time, object, size, next } = OracleRecord::parse(record);
    let size = Bytes::new(u64::from(size));
    let nanos = counting.nanos(time);
    Numbered { is_plain: is_next(next), nanos, number: object, size, op: Op::Get }
}

/// Takes one record of a trace that calls itself `format`.
pub(super) fn take(
    record: &[u8; N_RECORD_BYTES],
    format: &'static str,
    position: Position,
    counting: &Counting,
    builder: &mut Builder<'_>,
) -> Result<(), Failure> {
    let OracleRecord { time, object, size, next } = OracleRecord::parse(record);
    check_next(next, format, position)?;
    let nanos = counting.nanos(time);
    let size = Bytes::new(u64::from(size));
    builder.push(Record { nanos, key: Key::Number(object), size, op: Op::Get }, position)
}

/// Whether `next` can be the number of a request. What is no such record has numbers far above.
pub(super) fn is_next(next: i64) -> bool {
    /// No trace has so many requests.
    const NEXT_MAX: i64 = 1 << 48;
    matches!(next, -1 | 0..=NEXT_MAX | i64::MAX)
}

/// Refuses a record with a `next` that is none.
pub(super) fn check_next(
    next: i64,
    format: &'static str,
    position: Position,
) -> Result<(), Failure> {
    if is_next(next) {
        Ok(())
    } else {
        Err(ErrorKind::NotOracleGeneral { format, next }.at(position))
    }
}

/// The times of a trace that counts whole units.
pub(super) struct Counting {
    unit: TimeUnit,
    /// How many nanoseconds one of the unit is.
    unit_nanos: u64,
    known_by: KnownBy,
    is_absolute: Cell<Option<bool>>,
}

impl Counting {
    pub(super) fn new(options: &ReadOptions) -> Counting {
        let unit = options.time_unit.unwrap_or(TimeUnit::Seconds);
        Counting {
            unit,
            unit_nanos: unit.nanos(),
            known_by: options.time_unit.map_or(KnownBy::Format, |_| KnownBy::Flag),
            is_absolute: Cell::new(None),
        }
    }

    /// The time that the trace calls `count`.
    #[inline]
    pub(super) fn nanos(&self, count: u32) -> u64 {
        if self.is_absolute.get().is_none() {
            self.is_absolute.set(Some(self.unit.is_date(u64::from(count))));
        }
        u64::from(count) * self.unit_nanos
    }

    pub(super) fn understood(&self) -> Understood {
        Understood {
            columns: None,
            time_scale: TimeScale::Count(self.unit),
            time_known_by: self.known_by,
            is_absolute: self.is_absolute.get().unwrap_or(false),
            keeps: None,
            notes: Vec::new(),
        }
    }
}
