//! What can be wrong with a trace, where, and what to do about it.

use std::{fmt, io};

use units::{Bytes, Nanos};

use crate::column::{Column, Role};
use crate::input::Compression;

/// Why a trace could not be read: which file, where in it, what is wrong, and the remedy.
#[derive(Debug)]
pub struct TraceError {
    source_name: String,
    position: Position,
    kind: ErrorKind,
}

impl TraceError {
    pub(crate) fn new(source_name: &str, failure: Failure) -> TraceError {
        let Failure { position, kind } = failure;
        TraceError { source_name: source_name.to_owned(), position, kind }
    }

    /// The name under which the trace was read.
    pub fn source_name(&self) -> &str {
        &self.source_name
    }

    /// Where in the (decompressed) trace.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What is wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Position::Whole => write!(f, "{}: {}", self.source_name, self.kind),
            place => write!(f, "{}, {place}: {}", self.source_name, self.kind),
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.kind.source()
    }
}

/// A place in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The trace as a whole.
    Whole,
    /// A line of text, counted from 1.
    Line(u64),
    /// A fixed-size record of a binary trace, counted from 1.
    Record(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Whole => f.write_str("the whole trace"),
            Position::Line(line) => write!(f, "line {line}"),
            Position::Record(record) => write!(f, "record {record}"),
        }
    }
}

/// What is wrong with a trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes could not be had.
    #[error("cannot be read: {0}")]
    Io(#[source] io::Error),
    /// A compressed stream stops in the middle.
    #[error("the {0} data stops before its end: the file is cut short; copy or download it again")]
    Truncated(Compression),
    /// A compressed stream breaks its own format.
    #[error("the {compression} data is damaged ({cause}); copy or download the file again")]
    Corrupt {
        /// How the file is compressed.
        compression: Compression,
        /// What the decoder says.
        #[source]
        cause: io::Error,
    },
    /// There is nothing in it.
    #[error("the file is empty; a trace has one request per row")]
    Empty,
    /// The start holds bytes that text does not.
    #[error(
        "this is not text (byte {byte:#04x} at offset {offset}) and no binary format has a mark \
         to know it by; if it is a binary trace, name its format, such as `--format oracleGeneral`"
    )]
    NotText {
        /// The first byte that text does not hold.
        byte: u8,
        /// Where it stands.
        offset: usize,
    },
    /// A container or a compression that is not opened here.
    #[error("this is {what}, which is not opened here; {remedy}")]
    NotOpened {
        /// What it is.
        what: &'static str,
        /// How to read it all the same.
        remedy: &'static str,
    },
    /// Text of two bytes a character.
    #[error("this is text in UTF-16; save it as UTF-8, as by `iconv -f UTF-16 -t UTF-8`")]
    Utf16,
    /// A header and nothing below it.
    #[error("there is a header but no row below it")]
    NoRows,
    /// Rows, and none that counts as a request.
    #[error("none of the {n_rows} rows is a request: {why}")]
    NoRequests {
        /// How many rows there are.
        n_rows: u64,
        /// What they are instead, and the remedy.
        why: String,
    },
    /// The first row looks like data.
    #[error(
        "the first row (`{first_row}`) is data, not column names; give the columns by number, \
         such as `--time-column 1 --key-column 2 --size-column 3`"
    )]
    NoHeader {
        /// The first row as it stands.
        first_row: String,
    },
    /// A format that the user names does not fit.
    #[error("this is not {format}: there is no column `{column}`; leave out `--format`")]
    NotThisFormat {
        /// The format it is read as.
        format: &'static str,
        /// A column that the format has.
        column: &'static str,
    },
    /// The user names columns of a format that fixes them.
    #[error(
        "the columns of {format} are fixed; leave out the flags that name columns, or read it as \
         `--format csv`"
    )]
    FixedColumns {
        /// The format it is read as.
        format: &'static str,
    },
    /// The user says what to keep of the trace of a registry, and this is none.
    #[error(
        "this is {format}, and `--method`, `--blobs` and `--status` choose among the records of a \
         Docker registry; leave them out"
    )]
    NoRegistry {
        /// The format it is read as.
        format: &'static str,
    },
    /// Needed columns are not recognised by name.
    #[error(
        "no column is recognised as the {}; the columns are {columns}; say which with {}",
        list_roles(missing, Role::name, " or the "),
        list_roles(missing, Role::flag, " and ")
    )]
    ColumnsNotRecognised {
        /// What is missing.
        missing: Vec<Role>,
        /// The columns that are there, quoted and separated.
        columns: String,
    },
    /// The user names a column that is not there.
    #[error(
        "there is no column {wanted} for the {}; the columns are {columns}; say which with {}",
        role.name(),
        role.flag()
    )]
    NoSuchColumn {
        /// What the column was to hold.
        role: Role,
        /// What the user wrote.
        wanted: Column,
        /// The columns that are there, quoted and separated.
        columns: String,
    },
    /// Two columns have the name of the one that is wanted.
    #[error(
        "columns {} and {} are both called `{name}`; say which holds the {} by its number, such \
         as with {} {}",
        numbers[0], numbers[1], role.name(), role.flag().trim_matches('`'), numbers[0]
    )]
    ColumnTwice {
        /// Their name.
        name: String,
        /// What the column is to hold.
        role: Role,
        /// Where they stand, counted from 1.
        numbers: [usize; 2],
    },
    /// Two columns have the name of one that the format has once.
    #[error(
        "columns {} and {} are both called `{column}`, of which {format} has one; rename or \
         remove the other",
        numbers[0], numbers[1]
    )]
    FixedColumnTwice {
        /// The format it is read as.
        format: &'static str,
        /// Their name.
        column: &'static str,
        /// Where they stand, counted from 1.
        numbers: [usize; 2],
    },
    /// A row has more or fewer fields than the first.
    #[error(
        "the row has {n_fields} fields where the first has {n_expected}; a field that holds the \
         delimiter must stand in double quotes, and a row cut short be completed or removed"
    )]
    RowLength {
        /// Fields in this row.
        n_fields: usize,
        /// Fields in the first row.
        n_expected: usize,
    },
    /// A row that does not end within what a row may be.
    #[error("the row is longer than {limit}; is this a text trace, with a request per row?")]
    RowTooLong {
        /// The longest row that is read.
        limit: Bytes,
    },
    /// A double quote that is never closed.
    #[error("a double quote opens a field and none closes it; close it, or write it twice")]
    UnclosedQuote,
    /// One field does not say what its column should.
    #[error("column `{column}`: `{value}` {problem}{}", remedy(*problem, *is_fixed))]
    Value {
        /// The column's name.
        column: String,
        /// The field as it stands, shortened.
        value: String,
        /// What is wrong with it.
        problem: ValueProblem,
        /// Whether the format fixes its columns, so that no other can be named.
        is_fixed: bool,
    },
    /// A binary trace that is not a whole number of records.
    #[error(
        "the last record has {n_bytes} of its {n_expected} bytes: the file is cut short, or is \
         not {format}"
    )]
    PartialRecord {
        /// Bytes there are.
        n_bytes: usize,
        /// Bytes of a whole record.
        n_expected: usize,
        /// The format it was read as.
        format: &'static str,
    },
    /// A binary record that the format cannot hold.
    #[error(
        "this is not {format}: the number of the next request to the object cannot be {next}; \
         name another `--format`"
    )]
    NotOracleGeneral {
        /// The format it was read as.
        format: &'static str,
        /// The impossible value.
        next: i64,
    },
    /// A JSON text that breaks the grammar, or is no list of flat records.
    #[error("{problem} at byte {offset}, near `{near}`; is the file whole, and JSON?")]
    Json {
        /// What is wrong.
        problem: &'static str,
        /// Where, from the start of the file.
        offset: u64,
        /// What stands there.
        near: String,
    },
    /// A record without a field that it needs.
    #[error(
        "the record has no field `{field}`; complete or remove it, or allow it by `--skip-bad`"
    )]
    MissingField {
        /// The field.
        field: &'static str,
    },
    /// An lcs file of a kind that is not read.
    #[error("this lcs file {0}; convert it with a libCacheSim of 2024-12 or later")]
    Lcs(&'static str),
    /// A Parquet file that is damaged, or holds what is not read.
    #[error("this Parquet file cannot be read: {0}; is it whole? Copy or write it again")]
    Parquet(String),
    /// A column of a Parquet file that is of a type that is not read.
    #[error(
        "column `{column}` holds {holds}, which are not read; write numbers, times or text into \
         it, or name another column"
    )]
    ColumnType {
        /// The column's name.
        column: String,
        /// What it holds, in the plural.
        holds: &'static str,
    },
    /// A trace file of ours that is damaged or of another version.
    #[error("this infinisim trace file {0}; make it again with `infinisim trace convert`")]
    Columnar(&'static str),
    /// A row that comes after later ones have been passed on.
    #[error("the row is too late to be sorted on the way")]
    NotInOrder,
    /// What is read could not be written on.
    #[error(transparent)]
    Write(crate::write::WriteError),
    /// Nothing is selected.
    #[error(transparent)]
    Selection(crate::select::SelectionError),
    /// Sources of one trace that are of different formats.
    #[error("this is {found}, and the files before it are {expected}; read them separately")]
    MixedFormats {
        /// The format of this one.
        found: &'static str,
        /// The format of the first.
        expected: &'static str,
    },
    /// More requests than ids.
    #[error("a trace of more than {limit} requests cannot be held; read a part of it")]
    TooManyRequests {
        /// The most that can be held.
        limit: u32,
    },
    /// More objects than ids.
    #[error("a trace of more than {limit} objects cannot be held; read a part of it")]
    TooManyObjects {
        /// The most that can be held.
        limit: u32,
    },
    /// The sizes add up to too much.
    #[error("the sizes up to here add up to more than {limit}; is the size column in bytes?")]
    TotalTooLarge {
        /// The most that a trace may ask for.
        limit: Bytes,
    },
    /// First and last request lie too far apart.
    #[error(
        "this time lies more than {} years from another in the trace; is the unit of time right? \
         Say it with `--time-unit s|ms|us|ns`",
        limit.get() / Nanos::HOUR.get() / 8_766
    )]
    SpanTooLong {
        /// The longest span of a trace.
        limit: Nanos,
    },
}

/// What is wrong with one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueProblem {
    /// A size that is not a number.
    #[error("is not a size; a size is a whole number of bytes, such as `72626` or `72626.0`")]
    NotASize,
    /// A size below zero.
    #[error("is a size below zero; remove the row, or correct it to a whole number of bytes")]
    NegativeSize,
    /// A size with a part of a byte.
    #[error("is not a whole number of bytes")]
    FractionalSize,
    /// A size that cannot be held.
    #[error("is more than the largest size, 1 PiB")]
    SizeTooLarge,
    /// A time that is not a number.
    #[error(
        "is not a number of {0}; a date-time is written `2017-06-20 00:00:26.626` and needs no \
         `--time-unit`"
    )]
    NotATime(crate::time::TimeUnit),
    /// A time below zero.
    #[error("is a time below zero; times count up from zero or from 1970")]
    NegativeTime,
    /// A time that cannot be held.
    #[error("is too far in the future; is the unit of time right? Say it with `--time-unit`")]
    TimeTooLarge,
    /// A date-time that is not one.
    #[error(
        "is not a date-time; it is written `2017-06-20 00:00:26.626`, with `T`, `Z` or an \
         offset such as `+02:00` if need be"
    )]
    NotADateTime,
    /// A date-time before the epoch.
    #[error("is before 1970, where times begin; correct or remove the row")]
    BeforeEpoch,
    /// A count that is not a number, or of more than any row stands for.
    #[error("is not a count of requests up to a million; correct or remove the row")]
    NotACount,
    /// A time to live that is none.
    #[error(
        "is not a time to live: a whole number of seconds up to 4294967295, or nothing; correct \
         or remove the row"
    )]
    NotATimeToLive,
    /// A key of no bytes.
    #[error("is an empty key")]
    EmptyKey,
}

impl ValueProblem {
    /// What the column is to hold, where it may be the wrong one.
    fn doubted(self) -> Option<Role> {
        match self {
            ValueProblem::FractionalSize | ValueProblem::SizeTooLarge => Some(Role::Size),
            ValueProblem::NotATime(_) => Some(Role::Time),
            ValueProblem::EmptyKey => Some(Role::Key),
            ValueProblem::NotASize
            | ValueProblem::NegativeSize
            | ValueProblem::NegativeTime
            | ValueProblem::TimeTooLarge
            | ValueProblem::NotADateTime
            | ValueProblem::BeforeEpoch
            | ValueProblem::NotACount
            | ValueProblem::NotATimeToLive => None,
        }
    }
}

/// An error on its way up, before the name of the trace is put to it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) position: Position,
    pub(crate) kind: ErrorKind,
}

impl From<ErrorKind> for Failure {
    fn from(kind: ErrorKind) -> Failure {
        Failure { position: Position::Whole, kind }
    }
}

impl From<io::Error> for Failure {
    fn from(err: io::Error) -> Failure {
        Failure::from(ErrorKind::Io(err))
    }
}

impl ErrorKind {
    /// Whether only one row is bad, so that the others can be read.
    pub(crate) fn is_of_one_row(&self) -> bool {
        matches!(
            self,
            ErrorKind::Value { .. }
                | ErrorKind::RowLength { .. }
                | ErrorKind::MissingField { .. }
                | ErrorKind::SpanTooLong { .. }
        )
    }

    /// This error, found at `position`.
    pub(crate) fn at(self, position: Position) -> Failure {
        Failure { position, kind: self }
    }
}

/// A field as a message shows it: as text, and not too much of it.
pub(crate) fn shown(field: &[u8]) -> String {
    const N_CHARS_MAX: usize = 60;
    let text = String::from_utf8_lossy(field);
    let mut shown = String::new();
    for char in text.chars().take(N_CHARS_MAX) {
        if char.is_control() {
            shown.extend(char.escape_default());
        } else {
            shown.push(char);
        }
    }
    if text.chars().nth(N_CHARS_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// What to do about a field, where its problem does not say so itself.
fn remedy(problem: ValueProblem, is_fixed: bool) -> String {
    match problem.doubted() {
        Some(role) if !is_fixed => format!("; is {} right?", role.flag()),
        Some(_) => "; correct or remove the row".to_owned(),
        None => String::new(),
    }
}

fn list_roles(roles: &[Role], show: fn(Role) -> &'static str, separator: &str) -> String {
    roles.iter().map(|it| show(*it)).collect::<Vec<_>>().join(separator)
}
