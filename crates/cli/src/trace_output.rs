//! Writing a trace: the format and compression of a file, by flag or by its name.

use std::io::{self, Write};
use std::path::Path;
use std::str;

use flate2::write::GzEncoder;
use trace::{LcsVersion, Trace};

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
}

/// The names of the formats, and the endings of files that stand for them.
const FORMATS: [(&str, &str, TargetFormat); 6] = [
    ("csv", ".csv", TargetFormat::Csv),
    ("oracleGeneral", ".oraclegeneral", TargetFormat::OracleGeneral),
    ("lcs", ".lcs", TargetFormat::Lcs(LcsVersion::V3)),
    ("lcs-v1", ".v1.lcs", TargetFormat::Lcs(LcsVersion::V1)),
    ("lcs-v2", ".v2.lcs", TargetFormat::Lcs(LcsVersion::V2)),
    ("ibm-json", ".json", TargetFormat::IbmJson),
];

impl str::FromStr for TargetFormat {
    type Err = UsageError;

    fn from_str(text: &str) -> Result<TargetFormat, UsageError> {
        let found = FORMATS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(text));
        found.map(|it| it.2).ok_or_else(|| {
            let names: Vec<String> = FORMATS.iter().map(|it| format!("`{}`", it.0)).collect();
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

/// Writes `trace` where and how the user says: a file whole or not at all.
pub(crate) fn write(trace: &Trace, target: &TargetArgs) -> anyhow::Result<()> {
    let Some(path) = &target.output else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        write_as(trace, target.to.unwrap_or(TargetFormat::Csv), &mut out)?;
        return Ok(out.flush()?);
    };
    let ByName { format, compression } = ByName::of(path);
    let format = target.to.or(format).unwrap_or(TargetFormat::Csv);
    let bar = progress::bytes_bar(None, "writing");
    output::write_file(path, |out| {
        let mut out = bar.wrap_write(out);
        match compression {
            Compression::None => write_as(trace, format, &mut out),
            Compression::Gzip => {
                let encoder = GzEncoder::new(out, flate2::Compression::default());
                let mut buffered = io::BufWriter::new(encoder);
                write_as(trace, format, &mut buffered)?;
                buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
                Ok(())
            }
            Compression::Zstd => {
                let encoder = zstd::Encoder::new(out, zstd::DEFAULT_COMPRESSION_LEVEL)?;
                let mut buffered = io::BufWriter::new(encoder);
                write_as(trace, format, &mut buffered)?;
                buffered.into_inner().map_err(io::IntoInnerError::into_error)?.finish()?;
                Ok(())
            }
        }
    })?;
    bar.finish_and_clear();
    output::note(&format!("{} requests in `{}`", trace.requests().len(), path.display()));
    Ok(())
}

fn write_as(trace: &Trace, format: TargetFormat, out: &mut dyn Write) -> anyhow::Result<()> {
    let counts = match format {
        TargetFormat::Csv => return Ok(trace::write_csv(trace, out)?),
        TargetFormat::IbmJson => return Ok(trace::write_ibm_json(trace, out)?),
        TargetFormat::OracleGeneral => trace::write_oracle_general(trace, out)?,
        TargetFormat::Lcs(version) => trace::write_lcs(trace, version, out)?,
    };
    if 0 < counts.n_left_out {
        let n = counts.n_left_out;
        output::note(&format!("{n} PUTs and DELETEs left out: the format has no operations"));
    }
    Ok(())
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
        check("b", None, Compression::None);
    }
}
