//! The IBM Docker registry traces (Anwar et al., FAST'18) as CSV, one column per JSON field.

use units::Op;

use super::delimited::{Keeps, read_rows, texts};
use super::{Format, Reader, Understood};
use crate::builder::Builder;
use crate::column::Layout;
use crate::error::{ErrorKind, Failure};
use crate::input::Input;
use crate::read::ReadOptions;
use crate::rows::{Rows, Separator};

const COMMA: Separator = Separator::Delimiter(b',');

pub(super) const READER: Reader = Reader {
    format: Format::IbmCsv,
    name: "ibm-csv",
    description: "IBM Docker registry CSV",
    file_endings: &[],
    takes_columns: false,
    recognises,
    read,
};

const TIME: &str = "timestamp";
const URI: &str = "http.request.uri";
const SIZE: &str = "http.response.written";
const METHOD: &str = "http.request.method";

/// A user who names columns has something else in mind than the paper.
fn recognises(input: &Input<'_>, options: &ReadOptions) -> bool {
    let header = String::from_utf8_lossy(input.first_line());
    let names: Vec<&str> = header.split(',').map(|it| it.trim_matches('"')).collect();
    !options.names_columns() && [TIME, URI, SIZE, METHOD].iter().all(|it| names.contains(it))
}

/// Reads what the paper replays (Wang et al., FAST'20, section 5.2): GETs of blobs, the key
/// being the whole URI. Keyed by the digest alone the hit ratio would be 75.0 % where the paper
/// has 67.9 %.
fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder,
) -> Result<Understood, Failure> {
    let mut rows = Rows::new(input.text(), COMMA);
    let Some(header) = rows.next()? else { return Err(ErrorKind::Empty.into()) };
    let header = texts(&header);
    let index = |column: &'static str| {
        let found = header.iter().position(|it| it == column);
        found.ok_or(ErrorKind::NotThisFormat { format: READER.description, column })
    };
    let layout =
        Layout::new(&header, index(TIME)?, index(URI)?, index(SIZE)?, Some(index(METHOD)?));
    let keeps = Keeps {
        what: "GETs of blobs, of any status, keyed by the whole URI",
        test: |op, uri| op == Op::Get && is_blob(uri),
    };
    read_rows(&mut rows, layout, options, Some(keeps), builder)
}

/// Whether the URI is `v2/<namespace>/<repository>/blobs/<digest>`; the others are manifests and
/// pings.
fn is_blob(uri: &[u8]) -> bool {
    uri.windows(7).any(|it| it == b"/blobs/")
}
