//! The formats of traces: the table of what is known, and one file per format.

mod azure;
mod cache_lib;
mod delimited;
mod fields;
mod ibm_cos;
mod ibm_csv;
mod ibm_json;
mod lcs;
mod meta_cdn;
mod oracle_general;
mod parquet;
mod tencent_photo;
mod twitter;
mod web_cache_sim;

use std::{fmt, str};

use crate::builder::Builder;
use crate::error::{ErrorKind, Failure};
use crate::input::Input;
use crate::note::Note;
use crate::read::ReadOptions;
use crate::source::Columns;
use crate::time::{KnownBy, TimeScale};

pub use self::parquet::quiet_caught_panics;

pub(crate) use self::ibm_json::{METHOD, SIZE, STATUS, TIME, URI};
pub(crate) use self::lcs::{MAGIC, N_HEADER_BYTES, OP_DELETE, OP_GET, OP_SET};
pub(crate) use self::oracle_general::OracleRecord;

/// A format of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The IBM Docker registry traces as published: JSON arrays.
    IbmJson,
    /// The IBM Docker registry traces as CSV.
    IbmCsv,
    /// IBM Cloud Object Store: `ms REST.VERB.OBJECT key size start end`.
    IbmCos,
    /// Twitter's cache clusters, CSV without a header.
    Twitter,
    /// Meta's key-value traces (CacheLib, MetaKV).
    CacheLib,
    /// Meta's CDN traces.
    MetaCdn,
    /// Blob accesses of Azure Functions.
    AzureFunctions,
    /// Tencent's photo cache.
    TencentPhoto,
    /// Requests of webcachesim: `time id size` without a header.
    WebCacheSim,
    /// Text with a header, its columns recognised or named by the user.
    Delimited,
    /// Parquet, its columns recognised or named by the user.
    Parquet,
    /// libCacheSim's 24-byte records; they have no mark to be recognised by.
    OracleGeneral,
    /// libCacheSim's lcs, versions 1 to 3.
    Lcs,
}

/// How one format is recognised and read. To add a format: a variant of [`Format`], a file
/// with one of these, and its line in [`READERS`].
pub(crate) struct Reader {
    pub(crate) format: Format,
    /// What `--format` calls it.
    name: &'static str,
    /// What messages call it.
    pub(crate) description: &'static str,
    /// Endings of file names that stand for it, without those of compression.
    file_endings: &'static [&'static str],
    /// Whether users may name its columns.
    pub(crate) takes_columns: bool,
    /// Whether it is no text.
    is_binary: bool,
    /// Whether the head of a file is of this format.
    recognises: fn(&Input<'_>, &ReadOptions) -> bool,
    /// Reads all requests.
    pub(crate) read:
        fn(&mut Input<'_>, &ReadOptions, &mut Builder<'_>) -> Result<Understood, Failure>,
}

/// What a reader has found out about a trace besides its requests.
pub(crate) struct Understood {
    pub(crate) columns: Option<Columns>,
    pub(crate) time_scale: TimeScale,
    pub(crate) time_known_by: KnownBy,
    /// Whether times count from 1970.
    pub(crate) is_absolute: bool,
    /// What the format's selection keeps, if it has one.
    pub(crate) keeps: Option<String>,
    /// What else is to be said of it.
    pub(crate) notes: Vec<Note>,
}

/// Every format. The first that recognises a text reads it, so the pickier stand first.
const READERS: [Reader; 13] = [
    lcs::READER,
    parquet::READER,
    ibm_json::READER,
    ibm_csv::READER,
    ibm_cos::READER,
    twitter::READER,
    cache_lib::READER,
    meta_cdn::READER,
    azure::READER,
    tencent_photo::READER,
    web_cache_sim::READER,
    delimited::READER,
    oracle_general::READER,
];

impl Format {
    /// The names that [`str::parse`] reads.
    pub fn names() -> impl Iterator<Item = &'static str> {
        READERS.iter().map(|it| it.name)
    }

    /// The format that a file's name alone tells, compressed or not: the binary ones, which
    /// have no mark in their content.
    pub fn from_file_name(file_name: &str) -> Option<Format> {
        let name = file_name.to_ascii_lowercase();
        let name = [".zst", ".gz"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(&name);
        let found =
            READERS.iter().find(|it| it.file_endings.iter().any(|ending| name.ends_with(ending)));
        found.map(|it| it.format)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(reader_of(*self).name)
    }
}

/// A name that is no format's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is not a format of traces; write one of {}",
    Format::names().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
)]
pub struct UnknownFormat {
    /// The name.
    pub name: String,
}

impl str::FromStr for Format {
    type Err = UnknownFormat;

    /// Reads a name, in any case.
    fn from_str(text: &str) -> Result<Format, UnknownFormat> {
        let found = READERS.iter().find(|it| it.name.eq_ignore_ascii_case(text));
        found.map(|it| it.format).ok_or_else(|| UnknownFormat { name: text.to_owned() })
    }
}

/// The reader of `format`.
pub(crate) fn reader_of(format: Format) -> &'static Reader {
    READERS.iter().find(|it| it.format == format).expect("every format has its line in READERS")
}

/// What users have traces in that is not opened here: where its mark stands, and what to do.
const NOT_OPENED: [(usize, &[u8], &str, &str); 6] = [
    (0, b"BZh", "bzip2", "write `bzcat FILE | infinisim ... -`"),
    (0, b"\xFD7zXZ\0", "xz", "write `xzcat FILE | infinisim ... -`"),
    (0, b"\x04\x22\x4D\x18", "lz4", "write `lz4cat FILE | infinisim ... -`"),
    (0, b"PK\x03\x04", "a zip archive", "unpack it and name the file, or write `unzip -p`"),
    (0, b"ARROW1", "Feather or Arrow", "save it as Parquet"),
    (257, b"ustar", "a tar archive", "unpack it and name the file or the directory"),
];

fn has_mark(head: &[u8], at: usize, mark: &[u8]) -> bool {
    head.get(at..).is_some_and(|it| it.starts_with(mark))
}

/// The reader of the first format that recognises what `input` starts with.
pub(crate) fn detect(
    input: &Input<'_>,
    options: &ReadOptions,
) -> Result<&'static Reader, ErrorKind> {
    let recognised = |reader: &&Reader| (reader.recognises)(input, options);
    if let Some(reader) = READERS.iter().filter(|it| it.is_binary).find(recognised) {
        return Ok(reader);
    }
    if matches!(input.head(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return Err(ErrorKind::Utf16);
    }
    // Text has no control bytes but tab, line feed, carriage return and the like.
    let control = input.head().iter().position(|it| *it < b'\t');
    if let Some(offset) = control {
        if let Some((_, _, what, remedy)) =
            NOT_OPENED.iter().find(|(at, mark, ..)| has_mark(input.head(), *at, mark))
        {
            return Err(ErrorKind::NotOpened { what, remedy });
        }
        return Err(ErrorKind::NotText { byte: input.head()[offset], offset });
    }
    let found = READERS.iter().find(recognised);
    Ok(found.unwrap_or(&delimited::READER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_format_agree() {
        for reader in &READERS {
            assert_eq!(reader.format.to_string().parse(), Ok(reader.format));
            assert_eq!(reader.format.to_string().to_uppercase().parse(), Ok(reader.format));
        }
        let unknown = "xml".parse::<Format>().unwrap_err().to_string();
        let names = "`lcs`, `parquet`, `ibm-json`, `ibm-csv`, `ibm-cos`, `twitter`, `cachelib`, \
                     `meta-cdn`, `azure-functions`, `tencent-photo`, `webcachesim`, `csv`, \
                     `oracleGeneral`";
        assert_eq!(unknown, format!("`xml` is not a format of traces; write one of {names}"));
    }

    #[test]
    fn binary_formats_are_known_by_file_name() {
        let check = |name: &str, expect: Option<Format>| {
            assert_eq!(Format::from_file_name(name), expect, "{name}");
        };
        check("cloud.oracleGeneral", Some(Format::OracleGeneral));
        check("cloud.oracleGeneral.bin", Some(Format::OracleGeneral));
        check("cloud.oracleGeneral.zst", Some(Format::OracleGeneral));
        check("dir.oracleGeneral/trace.csv.gz", None);
    }
}
