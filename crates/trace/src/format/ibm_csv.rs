//! The IBM Docker registry traces (Anwar et al., FAST'18) as CSV, one column per JSON field.

use super::delimited::{Registry, read_rows};
use super::fields::{Header, has_columns};
use super::ibm_json::{METHOD, SIZE, STATUS, TIME, URI};
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
    is_binary: false,
    // A user who names columns has something else in mind than the paper.
    recognises: |input, options| {
        !options.names_columns() && has_columns(input, &[TIME, URI, SIZE, METHOD])
    },
    read,
};

/// Reads what the paper replays (Wang et al., FAST'20, section 5.2) unless the user says
/// otherwise: GETs of blobs, the key being the whole URI. Keyed by the digest alone the hit
/// ratio would be 75.0 % where the paper has 67.9 %.
fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let mut rows = Rows::new(input.text(), COMMA);
    let Some(header) = rows.next()? else { return Err(ErrorKind::Empty.into()) };
    let header = Header::of(&header);
    let index = |column: &'static str| header.index(READER.description, column);
    let (time, key, size, op) = (index(TIME)?, index(URI)?, index(SIZE)?, index(METHOD)?);
    let layout = Layout::new(header.names(), time, key, size, Some(op));
    let registry = Registry { filter: options.registry.clone(), status: header.find(STATUS) };
    read_rows(&mut rows, layout, options, Some(registry), builder)
}
