//! Meta's CDN traces (2023): CSV whose columns go by their names; -1 stands for none.

use units::Op;

use super::fields::{self, Header, each_row, has_columns, refused, require_fields};
use super::{Format, Reader, Understood};
use crate::asides::ByteRange;
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, Position, ValueProblem};
use crate::input::Input;
use crate::number::{scaled, size};
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
    range_end: Option<usize>,
    ttl: Option<usize>,
}

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
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
        range_end: header.find("rangeEnd"),
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
        notes: Vec::new(),
    })
}

fn take(
    row: &Row<'_>,
    clock: &mut Clock,
    layout: &Layout,
    builder: &mut Builder<'_>,
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
    let column = |index: Option<usize>| index.map_or(&b""[..], |it| row.field(it));
    let range = range(column(layout.range_start), column(layout.range_end), position)?;
    let ttl_s = fields::ttl_s(column(layout.ttl), "TTL", position)?;
    builder.push(Record { nanos, key: Key::Text(key), size, op }, position)?;
    // Without an end it is read to the object's.
    if let Some((first, last)) = range {
        let last = last.unwrap_or(size.get().saturating_sub(1).max(first));
        builder.keep_range(ByteRange { first, last }, position)?;
    }
    if let Some(ttl_s) = ttl_s {
        builder.keep_ttl(ttl_s, position)?;
    }
    Ok(())
}

/// The first byte that is read and, where it is said, the last; nothing, where all are.
fn range(
    start: &[u8],
    end: &[u8],
    position: Position,
) -> Result<Option<(u64, Option<u64>)>, Failure> {
    if matches!(start, b"" | b"-1") {
        return Ok(None);
    }
    let byte = |field: &[u8], column: &str| {
        scaled(field, 0).map_err(|_| refused(field, column, position, ValueProblem::NotASize))
    };
    let first = byte(start, "rangeStart")?;
    let last =
        if matches!(end, b"" | b"-1") { None } else { Some(byte(end, "rangeEnd")?.max(first)) };
    Ok(Some((first, last)))
}
