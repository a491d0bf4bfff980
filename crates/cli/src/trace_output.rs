//! Writing a trace: the format and compression of a file, by flag or by its name.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str;

use flate2::write::GzEncoder;
use indicatif::ProgressBar;
use trace::{
    About, AsideKinds, CsvWriter, Draft, IbmJsonWriter, LcsVersion, PackedCounts, ParquetWriter,
    Row, RowWriter, Trace, WriteError,
};

use crate::args::UsageError;
use crate::trace_args::TargetArgs;
use crate::{output, progress};

/// A format that traces are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TargetFormat {
    Csv,
    OracleGeneral,
    Lcs(LcsVersion),
    IbmJson,
    Parquet,
}

impl TargetFormat {
    /// The names that [`str::parse`] reads.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        FORMATS.iter().map(|it| it.0)
    }

    /// Whether it is written row by row, without a look at the whole.
    pub(crate) fn is_of_rows(self) -> bool {
        row_writer(self, &mut io::sink()).is_some()
    }
}

/// The names of the formats, and the endings of files that stand for them.
const FORMATS: [(&str, &str, TargetFormat); 7] = [
    ("csv", ".csv", TargetFormat::Csv),
    ("oracleGeneral", ".oraclegeneral", TargetFormat::OracleGeneral),
    ("lcs", ".lcs", TargetFormat::Lcs(LcsVersion::V3)),
    ("lcs-v1", ".v1.lcs", TargetFormat::Lcs(LcsVersion::V1)),
    ("lcs-v2", ".v2.lcs", TargetFormat::Lcs(LcsVersion::V2)),
    ("ibm-json", ".json", TargetFormat::IbmJson),
    ("parquet", ".parquet", TargetFormat::Parquet),
];

impl str::FromStr for TargetFormat {
    type Err = UsageError;

    fn from_str(text: &str) -> Result<TargetFormat, UsageError> {
        let found = FORMATS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text));
        found.map(|it| it.2).ok_or_else(|| {
            let names: Vec<String> = TargetFormat::names().map(|it| format!("`{it}`")).collect();
            let names = names.join(", ");
            UsageError(format!("traces are not written as `{text}`; write one of {names}"))
        })
    }
}

/// What a file's name says of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ByName {
    format: Option<TargetFormat>,
    compression: Compression,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Refuses the name of a file that says it is compressed in a way that is not written here.
pub(crate) fn check_ending(path: PathBuf) -> Result<PathBuf, String> {
    const UNKNOWN: [&str; 9] = ["bz2", "xz", "lz4", "zip", "7z", "br", "lzma", "sz", "z"];
    let Some(ending) = path.extension().and_then(|it| it.to_str()) else { return Ok(path) };
    if !UNKNOWN.contains(&&*ending.to_ascii_lowercase()) {
        return Ok(path);
    }
    let rest = path.with_extension("");
    Err(format!(
        "traces are not compressed as .{ending}; write `{}.gz` or `{0}.zst`",
        rest.display()
    ))
}

impl ByName {
    fn of(path: &Path) -> ByName {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let endings = [(".gz", Compression::Gzip), (".zst", Compression::Zstd)];
        let compressed = endings.into_iter().find_map(|(it, compression)| {
            name.strip_suffix(it).map(|rest| (rest.to_owned(), compression))
        });
        let (name, compression) = compressed.unwrap_or((name, Compression::None));
        // The longer ending is the pickier.
        let fitting = FORMATS.iter().filter(|(_, ending, _)| name.ends_with(ending));
        let format = fitting.max_by_key(|(_, ending, _)| ending.len()).map(|it| it.2);
        ByName { format, compression }
    }
}

/// The format that the user says, by flag or by the file's name.
pub(crate) fn format_of(target: &TargetArgs) -> TargetFormat {
    let by_name = target.file().and_then(|it| ByName::of(it).format);
    target.to.or(by_name).unwrap_or(TargetFormat::Csv)
}

/// A writer that takes one row after the other, for a format that can be so written.
pub(crate) fn row_writer<'a>(
    format: TargetFormat,
    out: &'a mut dyn Write,
) -> Option<Box<dyn RowWriter + 'a>> {
    match format {
        TargetFormat::Csv => Some(Box::new(CsvWriter::new(out))),
        TargetFormat::Parquet => Some(Box::new(ParquetWriter::new(out))),
        TargetFormat::IbmJson => Some(Box::new(IbmJsonWriter::new(out))),
        // Each record names the next request of its object, and a header sums up all.
        TargetFormat::OracleGeneral | TargetFormat::Lcs(_) => None,
    }
}

/// Writes `trace` where and how the user says: a file whole or not at all.
pub(crate) fn write(trace: &Trace, target: &TargetArgs) -> anyhow::Result<()> {
    let format = format_of(target);
    let n_requests = trace.requests().len();
    let mut n_written = n_requests as u64;
    write_with(target, n_requests, |out, bar| {
        let counts = match format {
            TargetFormat::OracleGeneral => {
                trace::write_oracle_general(trace, Watched { out, bar, n_bytes: 24 })?
            }
            TargetFormat::Lcs(version) => trace::write_lcs(
                trace,
                version,
                Watched { out, bar, n_bytes: version.n_record_bytes() },
            )?,
            TargetFormat::Csv | TargetFormat::Parquet | TargetFormat::IbmJson => {
                let mut writer = row_writer(format, out).expect("a format of rows");
                trace::write_rows(trace, &mut WatchedRows { writer: writer.as_mut(), bar })?;
                PackedCounts { n_written, n_left_out: 0, n_cut: 0 }
            }
        };
        n_written = counts.n_written;
        if 0 < counts.n_left_out {
            let n = counts.n_left_out;
            output::note(&format!("{n} PUTs and DELETEs left out: the format has no operations"));
        }
        if 0 < counts.n_cut {
            let n = counts.n_cut;
            output::note(&format!(
                "{n} times cut to whole seconds: the format has no parts of them"
            ));
        }
        say_of_asides(trace.asides().kinds(), format);
        Ok(())
    })?;
    say_written(n_written, target);
    Ok(())
}

/// Writes a generated workload, of the formats that allow it row by row.
pub(crate) fn write_draft<D: FnMut() -> u64 + Clone>(
    draft: Draft<D>,
    target: &TargetArgs,
) -> anyhow::Result<()> {
    let format = format_of(target);
    if !format.is_of_rows() {
        return write(&draft.into_trace(), target);
    }
    write_with(target, draft.n_requests(), |out, bar| {
        let mut writer = row_writer(format, out).expect("a format of rows");
        Ok(draft.write(&mut WatchedRows { writer: writer.as_mut(), bar })?)
    })?;
    say_written(draft.n_requests() as u64, target);
    Ok(())
}

/// Says how much is in the file that was written.
pub(crate) fn say_written(n_requests: u64, target: &TargetArgs) {
    if let Some(path) = target.file() {
        output::note(&format!("{n_requests} requests in `{}`", path.display()));
    }
}

/// Says what the trace has and the format has no room for.
pub(crate) fn say_of_asides(kinds: AsideKinds, format: TargetFormat) {
    let (ttls, ranges) = match format {
        TargetFormat::Csv | TargetFormat::Parquet => (true, true),
        TargetFormat::Lcs(LcsVersion::V3) => (true, false),
        TargetFormat::OracleGeneral | TargetFormat::Lcs(_) | TargetFormat::IbmJson => {
            (false, false)
        }
    };
    for (is_lost, what) in
        [(kinds.ttls && !ttls, "times to live"), (kinds.ranges && !ranges, "ranges")]
    {
        if is_lost {
            output::note(&format!("{what} left out: the format has no room for them"));
        }
    }
}

/// Opens what the user says to write to, and has `put` write `n_requests` to it.
fn write_with(
    target: &TargetArgs,
    n_requests: usize,
    put: impl FnOnce(&mut dyn Write, &ProgressBar) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let bar = progress::requests_bar(n_requests, "writing");
    open(target, |out| put(out, &bar))?;
    bar.finish_and_clear();
    Ok(())
}

/// Opens what the user says to write to, compressed as its name says, and has `put` write to it:
/// a file whole or not at all.
pub(crate) fn open(
    target: &TargetArgs,
    put: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(path) = target.file() else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let written = put(&mut out).and_then(|()| Ok(out.flush()?));
        let is_of_output = |err: &anyhow::Error| err.chain().any(<dyn Error>::is::<io::Error>);
        return written.map_err(|err| match err {
            err if is_of_output(&err) => err.context("standard output"),
            err => err,
        });
    };
    output::write_file(path, |out| match ByName::of(path).compression {
        Compression::None => put(out),
        Compression::Gzip => {
            let encoder = GzEncoder::new(out, flate2::Compression::default());
            let mut buffered = io::BufWriter::new(encoder);
            put(&mut buffered)?;
            buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
            Ok(())
        }
        Compression::Zstd => {
            let encoder = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
            let mut buffered = io::BufWriter::new(encoder);
            put(&mut buffered)?;
            buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
            Ok(())
        }
    })
}

/// Moves the bar with each record.
struct Watched<'a> {
    out: &'a mut dyn Write,
    bar: &'a ProgressBar,
    /// Of a record.
    n_bytes: usize,
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n_bytes = self.out.write(bytes)?;
        if n_bytes == self.n_bytes {
            self.bar.inc(1);
        }
        Ok(n_bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Moves the bar with some rows.
struct WatchedRows<'a> {
    writer: &'a mut dyn RowWriter,
    bar: &'a ProgressBar,
}

impl RowWriter for WatchedRows<'_> {
    fn begin(&mut self, about: About) -> Result<(), WriteError> {
        self.writer.begin(about)
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), WriteError> {
        self.bar.inc(1);
        self.writer.row(row)
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_format_and_compression() {
        #[track_caller]
        fn check(name: &str, format: Option<TargetFormat>, compression: Compression) {
            assert_eq!(ByName::of(Path::new(name)), ByName { format, compression });
        }
        check("a/b.csv", Some(TargetFormat::Csv), Compression::None);
        check("b.oracleGeneral.zst", Some(TargetFormat::OracleGeneral), Compression::Zstd);
        check("b.json.gz", Some(TargetFormat::IbmJson), Compression::Gzip);
        check("b.lcs", Some(TargetFormat::Lcs(LcsVersion::V3)), Compression::None);
        check("b.v2.lcs", Some(TargetFormat::Lcs(LcsVersion::V2)), Compression::None);
        check("b.parquet", Some(TargetFormat::Parquet), Compression::None);
        check("b", None, Compression::None);
    }
}
