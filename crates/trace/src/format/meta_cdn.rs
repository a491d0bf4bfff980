//! Meta's CDN traces (2023): CSV whose columns go by their names; -1 stands for none.

use units::Op;

use super::fields::{Header, each_row, has_columns, refused, require_fields};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, ValueProblem};
use crate::input::Input;
use crate::number::size;
use crate::op::classify;
use crate::read::ReadOptions;
use crate::rows::{Row, Rows, Separator};
use crate::source::Columns;
use crate::time::Clock;

pub(super) const READER: Reader = Reader {
    format: Format::MetaCdn,
    name: "meta-cdn",
    description: "Meta CDN CSV",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises: |input, options| {
        !options.names_columns() && has_columns(input, &["timestamp", "cacheKey", "objectSize"])
    },
    read,
};

struct Layout {
    n_columns: usize,
    time: usize,
    key: usize,
    op: Option<usize>,
    object_size: usize,
    response_size: Option<usize>,
    range_start: Option<usize>,
    ttl: Option<usize>,
}

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder,
) -> Result<Understood, Failure> {
    let mut rows = Rows::new(input.text(), Separator::Delimiter(b','));
    let Some(first) = rows.next()? else { return Err(ErrorKind::Empty.into()) };
    let header = Header::of(&first);
    let index = |column: &'static str| header.index(READER.description, column);
    let layout = Layout {
        n_columns: header.n_columns(),
        time: index("timestamp")?,
        key: index("cacheKey")?,
        op: header.find("OpType"),
        object_size: index("objectSize")?,
        response_size: header.find("responseSize"),
        range_start: header.find("rangeStart"),
        ttl: header.find("TTL"),
    };
    let mut clock: Option<Clock> = None;
    each_row(&mut rows, builder, |row, builder| {
        require_fields(row, layout.n_columns)?;
        let new = || Clock::detect(options.time_unit, None, row.field(layout.time));
        take(row, clock.get_or_insert_with(new), &layout, builder)
    })?;
    let clock = clock.ok_or(ErrorKind::NoRows)?;
    let [time, key, size] = ["timestamp", "cacheKey", "objectSize"].map(str::to_owned);
    Ok(Understood {
        columns: Some(Columns { time, key, size, op: layout.op.map(|_| "OpType".to_owned()) }),
        time_scale: clock.scale(),
        time_known_by: clock.known_by(),
        is_absolute: clock.is_absolute(),
        keeps: None,
    })
}

fn take(
    row: &Row<'_>,
    clock: &mut Clock,
    layout: &Layout,
    builder: &mut Builder,
) -> Result<(), Failure> {
    let position = row.position();
    let is_none = |field: &[u8]| matches!(field, b"" | b"-1");
    let word = layout.op.map_or(&b""[..], |it| row.field(it));
    let is_number = word.iter().all(|it| it.is_ascii_digit() || *it == b'-');
    // An operation that is only numbered is not explained; what a CDN is asked for is to read.
    let op = if is_number { Some(Op::Get) } else { classify(word) };
    let Some(op) = op else {
        builder.ignore(word);
        return Ok(());
    };
    let (time, key) = (row.field(layout.time), row.field(layout.key));
    if key.is_empty() {
        return Err(refused(key, "cacheKey", position, ValueProblem::EmptyKey));
    }
    let nanos = clock.nanos(time).map_err(|it| refused(time, "timestamp", position, it))?;
    let response = layout.response_size.map(|it| row.field(it));
    let object = row.field(layout.object_size);
    let (column, field) = match response {
        Some(response) if is_none(object) => ("responseSize", response),
        _ => ("objectSize", object),
    };
    let size = size(field).map_err(|it| refused(field, column, position, it))?;
    if layout.range_start.is_some_and(|it| !is_none(row.field(it))) {
        builder.note_partial(position);
    }
    if layout.ttl.is_some_and(|it| !is_none(row.field(it)) && row.field(it) != b"0") {
        builder.note_ttl(position);
    }
    builder.push(Record { nanos, key: Key::Text(key), size, op }, position)
}
