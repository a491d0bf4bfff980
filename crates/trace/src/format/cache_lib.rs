//! Meta's key-value traces (CacheLib, OSDI'20; MetaKV): CSV whose columns go by their names.

use super::fields::{Header, each_row, has_columns, refused, require_fields, ttl_s};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, ValueProblem};
use crate::input::Input;
use crate::number::{scaled, size};
use crate::op::classify;
use crate::read::ReadOptions;
use crate::rows::{Row, Rows, Separator};
use crate::source::Columns;
use crate::time::{Clock, KnownBy, TimeScale, TimeUnit};

pub(super) const READER: Reader = Reader {
    format: Format::CacheLib,
    name: "cachelib",
    description: "CacheLib key-value CSV",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises: |input, options| {
        !options.names_columns() && has_columns(input, &["key", "op", "size", "op_count"])
    },
    read,
};

/// A row that stands for more requests than this is a wrong one.
const N_REPEATS_MAX: u64 = 1 << 20;

struct Layout {
    n_columns: usize,
    /// 2024's traces have it, 2022's do not.
    time: Option<usize>,
    key: usize,
    op: usize,
    size: usize,
    op_count: usize,
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
        time: header.find("op_time"),
        key: index("key")?,
        op: index("op")?,
        size: index("size")?,
        op_count: index("op_count")?,
        ttl: header.find("ttl"),
    };
    let mut clock: Option<Clock> = None;
    each_row(&mut rows, builder, |row, builder| {
        let new = |index: usize| Clock::detect(options.time_unit, None, row.field(index));
        require_fields(row, layout.n_columns)?;
        let nanos = match layout.time {
            None => builder.timeless_row() * TimeUnit::Seconds.nanos(),
            Some(index) => {
                let clock = clock.get_or_insert_with(|| new(index));
                let wrong = |it| refused(row.field(index), "op_time", row.position(), it);
                clock.nanos(row.field(index)).map_err(wrong)?
            }
        };
        take(row, nanos, &layout, builder)
    })?;
    let seconds = TimeScale::Count(TimeUnit::Seconds);
    let time = if layout.time.is_some() { "op_time" } else { "none" };
    let [time, key, size, op] = [time, "key", "size", "op"].map(str::to_owned);
    let known = clock.as_ref();
    Ok(Understood {
        columns: Some(Columns { time, key, size, op: Some(op) }),
        time_scale: known.map_or(seconds, Clock::scale),
        time_known_by: known.map_or(KnownBy::NoTimes, Clock::known_by),
        is_absolute: known.is_some_and(Clock::is_absolute),
        keeps: None,
        notes: Vec::new(),
    })
}

/// A row stands for `op_count` equal operations.
fn take(
    row: &Row<'_>,
    nanos: u64,
    layout: &Layout,
    builder: &mut Builder<'_>,
) -> Result<(), Failure> {
    let position = row.position();
    let Some(op) = classify(row.field(layout.op)) else {
        builder.ignore(row.field(layout.op));
        return Ok(());
    };
    let key = row.field(layout.key);
    if key.is_empty() {
        return Err(refused(key, "key", position, ValueProblem::EmptyKey));
    }
    let field = row.field(layout.size);
    let size = size(field).map_err(|it| refused(field, "size", position, it))?;
    let field = row.field(layout.op_count);
    let n = scaled(field, 0).ok().filter(|n| *n <= N_REPEATS_MAX);
    let n = n.ok_or_else(|| refused(field, "op_count", position, ValueProblem::NotACount))?;
    let ttl_s = layout.ttl.map_or(Ok(None), |it| ttl_s(row.field(it), "ttl", position))?;
    for _ in 0..n {
        builder.push(Record { nanos, key: Key::Text(key), size, op }, position)?;
        if let Some(ttl_s) = ttl_s {
            builder.keep_ttl(ttl_s, position)?;
        }
    }
    Ok(())
}
