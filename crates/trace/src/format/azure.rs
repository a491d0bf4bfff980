//! Blob accesses of Azure Functions (Romero et al., SoCC'21): CSV whose columns go by their names.

use units::Op;

use super::fields::{Header, each_row, has_columns, refused, require_fields};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, ValueProblem};
use crate::input::Input;
use crate::number::size;
use crate::read::ReadOptions;
use crate::rows::{Row, Rows, Separator};
use crate::source::Columns;
use crate::time::{Clock, KnownBy, TimeUnit};

pub(super) const READER: Reader = Reader {
    format: Format::AzureFunctions,
    name: "azure-functions",
    description: "Azure Functions blob CSV",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises: |input, options| {
        !options.names_columns()
            && has_columns(input, &["Timestamp", "AnonBlobETag", "BlobBytes", "Read", "Write"])
    },
    read,
};

struct Layout {
    n_columns: usize,
    time: usize,
    key: usize,
    key_name: &'static str,
    size: usize,
    is_read: usize,
    is_write: usize,
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
    // The tag names a version of a blob; the name, where it is there, the blob.
    let (key_name, key) = match header.find("AnonBlobName") {
        Some(index) => ("AnonBlobName", index),
        None => ("AnonBlobETag", index("AnonBlobETag")?),
    };
    let layout = Layout {
        n_columns: header.n_columns(),
        time: index("Timestamp")?,
        key,
        key_name,
        size: index("BlobBytes")?,
        is_read: index("Read")?,
        is_write: index("Write")?,
    };
    let unit = options.time_unit.unwrap_or(TimeUnit::Millis);
    let mut clock: Option<Clock> = None;
    each_row(&mut rows, builder, |row, builder| {
        require_fields(row, layout.n_columns)?;
        let new = || Clock::detect(Some(unit), None, row.field(layout.time));
        take(row, clock.get_or_insert_with(new), &layout, builder)
    })?;
    let clock = clock.ok_or(ErrorKind::NoRows)?;
    let [time, key, size, op] =
        ["Timestamp", key_name, "BlobBytes", "Read, Write"].map(str::to_owned);
    Ok(Understood {
        columns: Some(Columns { time, key, size, op: Some(op) }),
        time_scale: clock.scale(),
        time_known_by: options.time_unit.map_or(KnownBy::Format, |_| KnownBy::Flag),
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
    let is_true = |index: usize| row.field(index).eq_ignore_ascii_case(b"true");
    let op = if is_true(layout.is_write) {
        Op::Put
    } else if is_true(layout.is_read) {
        Op::Get
    } else {
        builder.ignore(b"neither read nor write");
        return Ok(());
    };
    let (time, key) = (row.field(layout.time), row.field(layout.key));
    if key.is_empty() {
        return Err(refused(key, layout.key_name, position, ValueProblem::EmptyKey));
    }
    let nanos = clock.nanos(time).map_err(|it| refused(time, "Timestamp", position, it))?;
    let field = row.field(layout.size);
    let size = size(field).map_err(|it| refused(field, "BlobBytes", position, it))?;
    builder.push(Record { nanos, key: Key::Text(key), size, op }, position)
}
