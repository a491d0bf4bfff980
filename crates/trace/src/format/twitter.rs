//! Twitter's cache clusters (Yang et al., OSDI'20): CSV without a header,
//! `timestamp,key,key_size,value_size,client_id,op,ttl`.

use units::Op;

use super::fields::{each_row, refused, require_fields, ttl_s};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, ValueProblem};
use crate::input::Input;
use crate::number::{leading_digits, size};
use crate::op::{classify, is_operation};
use crate::read::ReadOptions;
use crate::rows::{Row, Rows, Separator};
use crate::source::Columns;
use crate::time::Clock;

pub(super) const READER: Reader = Reader {
    format: Format::Twitter,
    name: "twitter",
    description: "Twitter cache CSV",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises,
    read,
};

const N_COLUMNS: usize = 7;

fn recognises(input: &Input<'_>, options: &ReadOptions) -> bool {
    let fields: Vec<&[u8]> = input.first_line().split(|it| *it == b',').collect();
    let is_number = |index: usize| {
        let (_, n_digits) = leading_digits(fields[index]);
        0 < n_digits && n_digits == fields[index].len()
    };
    !options.names_columns()
        && fields.len() == N_COLUMNS
        && [0, 2, 3, 6].into_iter().all(is_number)
        && is_operation(fields[5])
}

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let mut rows = Rows::new(input.text(), Separator::Delimiter(b','));
    let mut clock: Option<Clock> = None;
    each_row(&mut rows, builder, |row, builder| {
        let new = || Clock::detect(options.time_unit, None, row.field(0));
        take(row, clock.get_or_insert_with(new), builder)
    })?;
    let clock = clock.ok_or(ErrorKind::NoRows)?;
    let [time, key, size, op] =
        ["timestamp", "key", "key size + value size", "op"].map(str::to_owned);
    Ok(Understood {
        columns: Some(Columns { time, key, size, op: Some(op) }),
        time_scale: clock.scale(),
        time_known_by: clock.known_by(),
        is_absolute: clock.is_absolute(),
        keeps: None,
        notes: Vec::new(),
    })
}

/// The size is that of key and value, as libCacheSim takes it.
fn take(row: &Row<'_>, clock: &mut Clock, builder: &mut Builder<'_>) -> Result<(), Failure> {
    require_fields(row, N_COLUMNS)?;
    let position = row.position();
    let Some(op) = classify(row.field(5)) else {
        builder.ignore(row.field(5));
        return Ok(());
    };
    let (time, key) = (row.field(0), row.field(1));
    if key.is_empty() {
        return Err(refused(key, "key", position, ValueProblem::EmptyKey));
    }
    let nanos = clock.nanos(time).map_err(|it| refused(time, "timestamp", position, it))?;
    let key_size = size(row.field(2)).map_err(|it| refused(row.field(2), "key_size", position, it));
    let value_size =
        size(row.field(3)).map_err(|it| refused(row.field(3), "value_size", position, it));
    // Neither term is above 2^62, so the sum fits.
    let size = key_size? + value_size?;
    let ttl_s = if op == Op::Delete { None } else { ttl_s(row.field(6), "ttl", position)? };
    builder.push(Record { nanos, key: Key::Text(key), size, op }, position)?;
    if let Some(ttl_s) = ttl_s {
        builder.keep_ttl(ttl_s, position)?;
    }
    Ok(())
}
