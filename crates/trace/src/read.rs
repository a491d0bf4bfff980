//! From bytes to a trace.

use std::io::Read;

use jiff::Timestamp;

use crate::builder::Builder;
use crate::column::Column;
use crate::error::{ErrorKind, Failure, TraceError};
use crate::format::{self, Format, Understood};
use crate::input::Input;
use crate::source::Source;
use crate::time::TimeUnit;
use crate::trace::Trace;

/// What a user says of a trace; what is not said is detected.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The format.
    pub format: Option<Format>,
    /// The column that holds the time.
    pub time_column: Option<Column>,
    /// The column that holds the key.
    pub key_column: Option<Column>,
    /// The column that holds the size, in bytes.
    pub size_column: Option<Column>,
    /// The column that holds the operation.
    pub op_column: Option<Column>,
    /// The unit of the time column.
    pub time_unit: Option<TimeUnit>,
}

impl ReadOptions {
    /// Everything is detected.
    pub const DETECT: ReadOptions = ReadOptions {
        format: None,
        time_column: None,
        key_column: None,
        size_column: None,
        op_column: None,
        time_unit: None,
    };

    /// Whether the user names any column.
    pub(crate) fn names_columns(&self) -> bool {
        let columns = [&self.time_column, &self.key_column, &self.size_column, &self.op_column];
        columns.into_iter().any(Option::is_some)
    }
}

/// Reads a whole trace from `input`, which may be compressed with gzip or zstd.
///
/// `source_name` stands in errors and in the trace's [`Source`]; it decides nothing. `progress`
/// is told from time to time how many bytes of `input` have been read.
///
/// # Errors
///
/// [`TraceError`] says what is wrong, where, and what to do about it.
pub fn read(
    source_name: &str,
    input: impl Read,
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Trace, TraceError> {
    Input::open(input, progress)
        .and_then(|mut input| {
            let trace = read_input(source_name, &mut input, options);
            trace.map_err(|failure| input.explain(failure))
        })
        .map_err(|failure| TraceError::new(source_name, failure))
}

fn read_input(
    source_name: &str,
    input: &mut Input<'_>,
    options: &ReadOptions,
) -> Result<Trace, Failure> {
    if input.head().is_empty() {
        return Err(ErrorKind::Empty.into());
    }
    let reader = match options.format {
        Some(format) => format::reader_of(format),
        None => format::detect(input, options)?,
    };
    if options.names_columns() && !reader.takes_columns {
        return Err(ErrorKind::FixedColumns { format: reader.description }.into());
    }
    let compression = input.compression();
    let mut builder = Builder::default();
    let understood = (reader.read)(input, options, &mut builder)?;
    let Understood { columns, time_scale, time_known_by, is_absolute, keeps } = understood;
    let source = |start: u64| Source {
        name: source_name.to_owned(),
        format_name: reader.description,
        compression,
        columns,
        time_scale,
        time_known_by,
        selection: keeps,
        start: Timestamp::from_nanosecond(i128::from(start)).ok().filter(|_| is_absolute),
    };
    builder.finish(source, keeps)
}
