//! IBM Cloud Object Store (SNIA IOTTA 36305): `ms REST.VERB.OBJECT key [size [start end]]`.

use units::{Bytes, Op};

use super::fields::{each_row, refused};
use super::{Format, Reader, Understood};
use crate::asides::ByteRange;
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, ValueProblem};
use crate::input::Input;
use crate::number::{scaled, size};
use crate::op::classify;
use crate::read::ReadOptions;
use crate::rows::{Row, Rows, Separator};
use crate::source::Columns;
use crate::time::{Clock, KnownBy, TimeUnit};

pub(super) const READER: Reader = Reader {
    format: Format::IbmCos,
    name: "ibm-cos",
    description: "IBM Cloud Object Store text",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises,
    read,
};

fn recognises(input: &Input<'_>, options: &ReadOptions) -> bool {
    let mut fields = input.first_line().split(|it| *it == b' ').filter(|it| !it.is_empty());
    let verb = fields.nth(1).unwrap_or_default();
    verb.starts_with(b"REST.") && !options.names_columns()
}

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let mut rows = Rows::new(input.text(), Separator::Blanks);
    let unit = options.time_unit.unwrap_or(TimeUnit::Millis);
    let mut clock: Option<Clock> = None;
    each_row(&mut rows, builder, |row, builder| {
        let new = || Clock::detect(Some(unit), None, row.field(0));
        take(row, clock.get_or_insert_with(new), builder)
    })?;
    let [time, op, key, size] = ["time", "operation", "key", "size"].map(str::to_owned);
    let clock = clock.ok_or(ErrorKind::NoRows)?;
    Ok(Understood {
        columns: Some(Columns { time, key, size, op: Some(op) }),
        time_scale: clock.scale(),
        time_known_by: options.time_unit.map_or(KnownBy::Format, |_| KnownBy::Flag),
        is_absolute: clock.is_absolute(),
        keeps: None,
        notes: Vec::new(),
    })
}

fn take(row: &Row<'_>, clock: &mut Clock, builder: &mut Builder<'_>) -> Result<(), Failure> {
    let (n_fields, position) = (row.n_fields(), row.position());
    if !matches!(n_fields, 3 | 4 | 6) {
        return Err(ErrorKind::RowLength { n_fields, n_expected: 4 }.at(position));
    }
    let Some(op) = classify(row.field(1)) else {
        builder.ignore(row.field(1));
        return Ok(());
    };
    let time = row.field(0);
    let nanos = clock.nanos(time).map_err(|it| refused(time, "time", position, it))?;
    let size = match (op, n_fields) {
        // A DELETE moves nothing, and need not say how large the object was.
        (Op::Delete, _) => Bytes::ZERO,
        (_, 3) => return Err(refused(b"", "size", position, ValueProblem::NotASize)),
        _ => size(row.field(3)).map_err(|it| refused(row.field(3), "size", position, it))?,
    };
    let mut range = None;
    if n_fields == 6 && op == Op::Get {
        // Of an object of no bytes the range is `0 -1`.
        let end = |field: &[u8]| if field == b"-1" { Ok(0) } else { scaled(field, 0) };
        let wrong =
            |index: usize| refused(row.field(index), "range", position, ValueProblem::NotASize);
        let first = end(row.field(4)).map_err(|_| wrong(4))?;
        let last = end(row.field(5)).map_err(|_| wrong(5))?;
        let is_part = 0 < first || last.saturating_add(1) < size.get();
        range = is_part.then_some(ByteRange { first, last });
    }
    builder.push(Record { nanos, key: Key::Text(row.field(2)), size, op }, position)?;
    if let Some(range) = range {
        builder.keep_range(range, position)?;
    }
    Ok(())
}
