//! From bytes to a trace.

use std::io::{self, Read};

use jiff::Timestamp;

use crate::builder::Builder;
use crate::column::{Column, Role};
use crate::error::{ErrorKind, Failure, TraceError};
use crate::format::{self, Format, Reader, Understood};
use crate::input::{Compression, Input};
use crate::note::Note;
use crate::registry::RegistryFilter;
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
    /// What is kept of a trace of a Docker registry.
    pub registry: RegistryFilter,
    /// How many bad rows are passed over before one is an error.
    pub n_bad_max: u64,
}

impl ReadOptions {
    /// Everything is detected, and everything is to be well.
    pub const DETECT: ReadOptions = ReadOptions {
        format: None,
        time_column: None,
        key_column: None,
        size_column: None,
        op_column: None,
        time_unit: None,
        registry: RegistryFilter::PAPER,
        n_bad_max: 0,
    };

    /// Whether the user names any column.
    pub(crate) fn names_columns(&self) -> bool {
        let columns = [&self.time_column, &self.key_column, &self.size_column, &self.op_column];
        columns.into_iter().any(Option::is_some)
    }
}

/// Reads a whole trace from `input`, which may be compressed with gzip or zstd.
///
/// `source_name` stands in errors and in the trace's [`Source`], and tells the format where it can
/// ([`Format::from_file_name`]) and the user does not. `progress` is told from time to time how
/// many bytes of `input` have been read.
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
    read_files(source_name, [(source_name.to_owned(), Ok(input))], options, progress)
}

/// Reads one trace from many files of one format, such as a directory of the registry archive,
/// whose requests are merged by time.
///
/// A file is opened when its turn comes, and its own name may tell its format. Files in the order
/// of their times need the least memory. `progress` is told how many bytes of all of them have been
/// read.
///
/// # Errors
///
/// [`TraceError`] names the file.
pub fn read_files<R: Read>(
    name: &str,
    files: impl IntoIterator<Item = (String, io::Result<R>)>,
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<Trace, TraceError> {
    let mut builder = Builder::new(options.n_bad_max);
    let read = read_into(&mut builder, name, files, options, progress)?;
    let trace = builder.finish(|start| read.source(name, start), read.keeps());
    let mut trace = trace.map_err(|it| TraceError::new(name, read.with_remedy(it)))?;
    trace.add_notes(read.notes);
    Ok(trace)
}

/// What was found out of files beside their requests.
pub(crate) struct FilesRead {
    n_files: usize,
    first: First,
    /// What is to be said of them beside what is said of their requests.
    pub(crate) notes: Vec<Note>,
}

impl FilesRead {
    /// What of the trace the format keeps, where that is not all.
    pub(crate) fn keeps(&self) -> Option<&str> {
        self.first.understood.keeps.as_deref()
    }

    /// The error of a trace without requests, with what its format offers against that.
    pub(crate) fn with_remedy(&self, mut failure: Failure) -> Failure {
        if let ErrorKind::NoRequests { why, .. } = &mut failure.kind {
            if self.keeps().is_some() {
                why.push_str("; say which to keep with `--method`, `--blobs` or `--status`");
            } else if self.first.reader.takes_columns {
                why.push_str("; if the operations stand in another column, name it with ");
                why.push_str(Role::Op.flag());
            }
        }
        failure
    }

    /// The source of a trace that starts so many nanoseconds from wherever it counts.
    pub(crate) fn source(&self, name: &str, start: u64) -> Source {
        let First { reader, compression, understood } = &self.first;
        let date = Timestamp::from_nanosecond(i128::from(start)).ok();
        Source {
            name: name.to_owned(),
            n_files: self.n_files,
            format_name: reader.description,
            compression: *compression,
            columns: understood.columns.clone(),
            time_scale: understood.time_scale,
            time_known_by: understood.time_known_by,
            selection: understood.keeps.clone(),
            start: date.filter(|_| understood.is_absolute),
        }
    }
}

/// Hands the requests of all files to `builder`.
pub(crate) fn read_into<R: Read>(
    builder: &mut Builder<'_>,
    name: &str,
    files: impl IntoIterator<Item = (String, io::Result<R>)>,
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64),
) -> Result<FilesRead, TraceError> {
    let mut first: Option<First> = None;
    let mut notes: Vec<Note> = Vec::new();
    let mut n_files = 0;
    let mut n_bytes_before = 0;
    for (file_name, file) in files {
        n_files += 1;
        let mut n_bytes = 0;
        let mut told = |n_read: u64| {
            n_bytes = n_read;
            progress(n_bytes_before + n_read);
        };
        let format = options.format.or_else(|| Format::from_file_name(&file_name));
        builder.begin_source(&file_name);
        let more = read_file(file, format, options, &mut told, builder, &mut first)
            .map_err(|failure| TraceError::new(&file_name, failure))?;
        notes.extend(more);
        builder.finish_source();
        n_bytes_before += n_bytes;
    }
    let first = first.ok_or_else(|| TraceError::new(name, ErrorKind::Empty.into()))?;
    // What is said of one file is mostly so of all.
    notes.dedup();
    Ok(FilesRead { n_files, first, notes })
}

/// How the first file of a trace was read, which holds for the others too.
struct First {
    reader: &'static Reader,
    compression: Compression,
    understood: Understood,
}

/// Hands the requests of a file to `builder`; what is to be said of it besides.
fn read_file(
    file: io::Result<impl Read>,
    format: Option<Format>,
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64),
    builder: &mut Builder<'_>,
    first: &mut Option<First>,
) -> Result<Vec<Note>, Failure> {
    let mut input = Input::open(file?, progress)?;
    if input.head().is_empty() {
        return Err(ErrorKind::Empty.into());
    }
    let reader = match format {
        Some(format) => format::reader_of(format),
        None => format::detect(&input, options)?,
    };
    if options.names_columns() && !reader.takes_columns {
        return Err(ErrorKind::FixedColumns { format: reader.description }.into());
    }
    let is_registry = matches!(reader.format, Format::IbmJson | Format::IbmCsv);
    if options.registry != RegistryFilter::PAPER && !is_registry {
        return Err(ErrorKind::NoRegistry { format: reader.description }.into());
    }
    if let Some(first) = first.as_ref().filter(|it| it.reader.format != reader.format) {
        let (found, expected) = (reader.description, first.reader.description);
        return Err(ErrorKind::MixedFormats { found, expected }.into());
    }
    let compression = input.compression();
    let understood = (reader.read)(&mut input, options, builder);
    let mut understood = understood.map_err(|failure| input.explain(failure))?;
    let notes = std::mem::take(&mut understood.notes);
    first.get_or_insert(First { reader, compression, understood });
    Ok(notes)
}
