//! Delimited text (CSV, TSV, semicolons, bars, blanks) whose columns a header or the user names.

use units::{Bytes, Op};

use super::fields::{self, each_row, require_fields};
use super::{Format, Reader, Understood};
use crate::asides::ByteRange;
use crate::builder::{Builder, Key, Record};
use crate::column::{Column, Layout};
use crate::error::{ErrorKind, Failure, ValueProblem, shown};
use crate::input::Input;
use crate::note::Note;
use crate::number::{leading_digits, scaled, size};
use crate::op::classify;
use crate::read::ReadOptions;
use crate::registry::{Kept, RegistryFilter};
use crate::rows::{Row, Rows, Separator};
use crate::time::{Clock, TimeUnit};

pub(super) const READER: Reader = Reader {
    format: Format::Delimited,
    name: "csv",
    description: "delimited text",
    file_endings: &[],
    takes_columns: true,
    is_binary: false,
    recognises: |_, _| true,
    read,
};

/// Reads rows whose names stand apart from them, as a header has them.
pub(super) struct Table {
    layout: Layout,
    reading: Option<Reading>,
}

impl Table {
    /// The table of columns of these names; `unit` is that of its times, if they have one.
    pub(super) fn new(
        names: &[String],
        unit: impl Fn(usize) -> Option<TimeUnit>,
        options: &ReadOptions,
    ) -> Result<Table, ErrorKind> {
        let mut layout = Layout::of_header(names, options)?;
        layout.time_unit_by_name = unit(layout.time).or(layout.time_unit_by_name);
        Ok(Table { layout, reading: None })
    }

    /// The columns that are looked at, by index.
    pub(super) fn columns(&self) -> Vec<usize> {
        let Layout { time, key, size, op, ttl, range, .. } = self.layout;
        let some = [op, ttl, range.map(|it| it.0), range.map(|it| it.1)];
        let mut columns: Vec<usize> =
            [time, key, size].into_iter().chain(some.into_iter().flatten()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Takes a row, or passes over it if it is bad and that is allowed.
    pub(super) fn take(
        &mut self,
        row: &Row<'_>,
        options: &ReadOptions,
        builder: &mut Builder<'_>,
    ) -> Result<(), Failure> {
        let layout = &self.layout;
        let new = || Reading::new(layout.clone(), options, None, row);
        self.reading.get_or_insert_with(new).take_or_skip(row, builder)
    }

    /// What was found out, unless there was no row.
    pub(super) fn understood(self) -> Option<Understood> {
        self.reading.map(Reading::understood)
    }
}

/// Which rows are kept of a trace of a registry.
pub(super) struct Registry {
    pub(super) filter: RegistryFilter,
    /// The column of the status.
    pub(super) status: Option<usize>,
}

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let separator = separator_of(input.first_line());
    let mut rows = Rows::new(input.text(), separator);
    let Some(first) = rows.next()? else { return Err(ErrorKind::Empty.into()) };
    if is_header(&first, options) {
        let layout = Layout::of_header(&texts(&first), options)?;
        return read_rows(&mut rows, layout, options, None, builder);
    }
    if !options.names_columns() {
        let fields: Vec<String> = first.fields().map(shown).collect();
        return Err(ErrorKind::NoHeader { first_row: fields.join(" ") }.into());
    }
    let names: Vec<String> = (1..=first.n_fields()).map(|it| format!("column {it}")).collect();
    let layout = Layout::of_header(&names, options)?;
    let mut reading = Reading::new(layout, options, None, &first);
    reading.take_or_skip(&first, builder)?;
    reading.take_all(&mut rows, builder)
}

/// Reads the rows below a header.
pub(super) fn read_rows<R: std::io::Read>(
    rows: &mut Rows<R>,
    layout: Layout,
    options: &ReadOptions,
    registry: Option<Registry>,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let Some(first) = rows.next()? else { return Err(ErrorKind::NoRows.into()) };
    let mut reading = Reading::new(layout, options, registry, &first);
    reading.take_or_skip(&first, builder)?;
    reading.take_all(rows, builder)
}

/// The fields of a row as text, as a header has them.
pub(super) fn texts(row: &Row<'_>) -> Vec<String> {
    row.fields().map(|it| String::from_utf8_lossy(it.trim_ascii()).into_owned()).collect()
}

/// Takes rows one by one.
struct Reading {
    layout: Layout,
    clock: Clock,
    registry: Option<Registry>,
    notes: Vec<Note>,
}

impl Reading {
    /// Gets ready for rows like `first`.
    fn new(
        mut layout: Layout,
        options: &ReadOptions,
        registry: Option<Registry>,
        first: &Row<'_>,
    ) -> Reading {
        let field = |index: usize| first.fields().nth(index).unwrap_or_default();
        if let Some(op) = layout.op {
            layout.doubt_type_column(options, field(op));
        }
        // A column called `ttl` may say something else; one called `ttl_s` does not.
        let is_doubtful = |ttl: &usize| layout.header[*ttl].trim().eq_ignore_ascii_case("ttl");
        let is_none = |ttl: &usize| fields::ttl_s(field(*ttl), "", first.position()).is_err();
        let mut notes = Vec::new();
        if let Some(ttl) = layout.ttl.filter(is_doubtful).filter(is_none) {
            notes.push(Note::NoTimesToLive { column: layout.header[ttl].clone() });
            layout.ttl = None;
        }
        let clock = Clock::detect(options.time_unit, layout.time_unit_by_name, field(layout.time));
        Reading { layout, clock, registry, notes }
    }

    fn take_all<R: std::io::Read>(
        mut self,
        rows: &mut Rows<R>,
        builder: &mut Builder<'_>,
    ) -> Result<Understood, Failure> {
        each_row(rows, builder, |row, builder| self.take(row, builder))?;
        Ok(self.understood())
    }

    fn understood(self) -> Understood {
        Understood {
            columns: Some(self.layout.names),
            time_scale: self.clock.scale(),
            time_known_by: self.clock.known_by(),
            is_absolute: self.clock.is_absolute(),
            keeps: self.registry.map(|it| it.filter.shown()),
            notes: self.notes,
        }
    }

    fn take_or_skip(&mut self, row: &Row<'_>, builder: &mut Builder<'_>) -> Result<(), Failure> {
        self.take(row, builder).or_else(|failure| builder.skip(failure))
    }

    fn take(&mut self, row: &Row<'_>, builder: &mut Builder<'_>) -> Result<(), Failure> {
        let layout = &self.layout;
        require_fields(row, layout.header.len())?;
        let key = row.field(layout.key);
        let word = layout.op.map(|index| row.field(index));
        let kept = match (&self.registry, word) {
            (None, None) => Kept::Yes(Op::Get),
            (None, Some(word)) => classify(word).map_or(Kept::Ignored, Kept::Yes),
            (Some(Registry { filter, status }), word) => {
                let status = status.map_or(&b""[..], |it| row.field(it));
                let status = u16::try_from(leading_digits(status).0).unwrap_or(0);
                filter.test(word.unwrap_or_default(), key, status)
            }
        };
        let op = match kept {
            Kept::Yes(op) => op,
            Kept::No(what) => {
                builder.leave_out(what);
                return Ok(());
            }
            Kept::Ignored => {
                builder.ignore(word.unwrap_or_default());
                return Ok(());
            }
        };
        let position = row.position();
        if key.is_empty() {
            return Err(self.refused(row, layout.key, ValueProblem::EmptyKey));
        }
        let nanos = match self.clock.nanos(row.field(layout.time)) {
            Ok(nanos) => nanos,
            Err(problem) => return Err(self.refused(row, layout.time, problem)),
        };
        let size_field = row.field(layout.size);
        let size = match size(size_field) {
            Ok(size) => size,
            // A delete need not know how large the object was.
            Err(_) if op == Op::Delete && size_field.trim_ascii().is_empty() => Bytes::ZERO,
            Err(problem) => return Err(self.refused(row, layout.size, problem)),
        };
        // Looked at first, as a row that says nonsense here is not taken either.
        let ttl = layout.ttl.map(|it| fields::ttl_s(row.field(it), &layout.header[it], position));
        let (ttl_s, range) = (ttl.transpose()?.flatten(), self.range(row)?);
        builder.push(Record { nanos, key: Key::Text(key), size, op }, position)?;
        if let Some(ttl_s) = ttl_s {
            builder.keep_ttl(ttl_s, position)?;
        }
        if let Some(range) = range {
            builder.keep_range(range, position)?;
        }
        Ok(())
    }

    /// Which part of its object the request of the row reads, where it says so.
    fn range(&self, row: &Row<'_>) -> Result<Option<ByteRange>, Failure> {
        let is_said = |index: usize| !row.field(index).is_empty();
        let range = self.layout.range.filter(|it| is_said(it.0) || is_said(it.1));
        let Some((first, last)) = range else { return Ok(None) };
        let byte = |index: usize| {
            let byte = scaled(row.field(index), 0);
            byte.map_err(|_| self.refused(row, index, ValueProblem::NotASize))
        };
        Ok(Some(ByteRange { first: byte(first)?, last: byte(last)? }))
    }

    /// The error of a field that does not say what its column should.
    #[cold]
    fn refused(&self, row: &Row<'_>, index: usize, problem: ValueProblem) -> Failure {
        let (column, value) = (self.layout.header[index].clone(), shown(row.field(index)));
        let is_fixed = self.registry.is_some();
        ErrorKind::Value { column, value, problem, is_fixed }.at(row.position())
    }
}

/// The separator that parts the first line into most fields; blanks only where no other stands.
fn separator_of(first_line: &[u8]) -> Separator {
    let n_fields = |delimiter: u8| first_line.split(|it| *it == delimiter).count();
    let mut best = Separator::Blanks;
    let mut n_best = 1;
    for delimiter in [b',', b';', b'\t', b'|'] {
        if n_best < n_fields(delimiter) {
            best = Separator::Delimiter(delimiter);
            n_best = n_fields(delimiter);
        }
    }
    best
}

/// Whether the first row holds names. Where the user gives the columns by number it may not: it
/// does then if neither its time nor its size is like one, be they right or wrong. Else it does
/// unless all its fields are numbers.
fn is_header(first: &Row<'_>, options: &ReadOptions) -> bool {
    use Column::Number;
    let ReadOptions { time_column, key_column, size_column, .. } = options;
    let (Some(Number(at_time)), Some(Number(_)), Some(Number(at_size))) =
        (time_column, key_column, size_column)
    else {
        return !first.fields().all(|it| scaled(it, 0).is_ok());
    };
    let field = |number: usize| first.fields().nth(number.saturating_sub(1)).unwrap_or_default();
    let time = Clock::detect(None, None, field(*at_time)).nanos(field(*at_time));
    let is_time = !matches!(time, Err(ValueProblem::NotATime(_)));
    !is_time && matches!(size(field(*at_size)), Err(ValueProblem::NotASize))
}
