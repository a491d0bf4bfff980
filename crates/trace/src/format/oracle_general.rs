//! libCacheSim's oracleGeneral: packed little-endian records of 24 bytes.
//!
//! `u32` time in seconds, `u64` object, `u32` size, `i64` number of the next request to the
//! object, from 1, or -1 or `i64::MAX` for none. The format has no mark and no operations.

use std::io::Read;

use units::{Bytes, Op};

use super::{Format, Reader, Understood};
use crate::builder::{Builder, Record};
use crate::error::{ErrorKind, Failure, Position};
use crate::input::Input;
use crate::number::DecimalText;
use crate::read::ReadOptions;
use crate::time::{Clock, KnownBy, TimeUnit};

pub(super) const READER: Reader = Reader {
    format: Format::OracleGeneral,
    name: "oracleGeneral",
    description: "oracleGeneral",
    file_endings: &[".oraclegeneral", ".oraclegeneral.bin"],
    takes_columns: false,
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

const N_RECORD_BYTES: usize = 24;

/// No trace has so many requests; text taken for a record has numbers far above.
const NEXT_MAX: i64 = 1 << 48;

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder,
) -> Result<Understood, Failure> {
    const N_RECORDS: usize = 4 << 10;
    let mut block = Vec::with_capacity(N_RECORDS * N_RECORD_BYTES);
    let mut decimal = DecimalText::default();
    let mut n_records = 0;
    let mut first_time = None;
    let unit = options.time_unit.unwrap_or(TimeUnit::Seconds);
    loop {
        block.clear();
        let n_bytes_max = (N_RECORDS * N_RECORD_BYTES) as u64;
        input.by_ref().take(n_bytes_max).read_to_end(&mut block)?;
        if block.is_empty() {
            break;
        }
        let (records, rest) = block.as_chunks::<N_RECORD_BYTES>();
        for record in records {
            n_records += 1;
            let position = Position::Record(n_records);
            let OracleRecord { time, object, size, next } = OracleRecord::parse(record);
            let is_next = matches!(next, -1 | 0..=NEXT_MAX | i64::MAX);
            if !is_next {
                let format = READER.description;
                return Err(ErrorKind::NotOracleGeneral { format, next }.at(position));
            }
            first_time.get_or_insert(time);
            builder.push(
                Record {
                    nanos: u64::from(time) * unit.nanos(),
                    key: decimal.text(object),
                    size: Bytes::new(u64::from(size)),
                    op: Op::Get,
                },
                position,
            )?;
        }
        if !rest.is_empty() {
            let (n_bytes, format) = (rest.len(), READER.description);
            let kind = ErrorKind::PartialRecord { n_bytes, n_expected: N_RECORD_BYTES, format };
            return Err(kind.at(Position::Record(n_records + 1)));
        }
    }
    let first_value = decimal.text(u64::from(first_time.unwrap_or_default()));
    let clock = Clock::detect(Some(unit), None, first_value);
    Ok(Understood {
        columns: None,
        time_scale: clock.scale(),
        time_known_by: options.time_unit.map_or(KnownBy::Format, |_| KnownBy::Flag),
        is_absolute: clock.is_absolute(),
        keeps: None,
    })
}
