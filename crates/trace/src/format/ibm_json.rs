//! The IBM Docker registry traces (Anwar et al., FAST'18) as published: JSON arrays of records.

use std::borrow::Cow;

use super::fields::refused;
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, Position, ValueProblem};
use crate::input::Input;
use crate::json::{Records, Text};
use crate::number::{leading_digits, size};
use crate::read::ReadOptions;
use crate::registry::{Kept, RegistryFilter};
use crate::source::Columns;
use crate::time::{Clock, KnownBy, TimeScale};

pub(super) const READER: Reader = Reader {
    format: Format::IbmJson,
    name: "ibm-json",
    description: "IBM Docker registry JSON",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises,
    read,
};

pub(crate) const METHOD: &str = "http.request.method";
pub(crate) const URI: &str = "http.request.uri";
pub(crate) const STATUS: &str = "http.response.status";
pub(crate) const SIZE: &str = "http.response.written";
pub(crate) const TIME: &str = "timestamp";

const FIELDS: [&str; 5] = [METHOD, URI, STATUS, SIZE, TIME];

/// The start of a list of records, or of a record.
fn recognises(input: &Input<'_>, options: &ReadOptions) -> bool {
    let mut bytes = input.head_text().iter().filter(|it| !it.is_ascii_whitespace());
    let start = (bytes.next(), bytes.next());
    let is_json = matches!(start, (Some(b'['), Some(b'{' | b']')) | (Some(b'{'), Some(b'"')));
    is_json && !options.names_columns()
}

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let filter = &options.registry;
    let mut records = Records::new(input.text(), FIELDS);
    let mut clock = None;
    while let Some((fields, position)) = records.next()? {
        if let Err(failure) = take(&fields, position, filter, &mut clock, builder) {
            builder.skip(failure)?;
        }
    }
    let columns = Columns {
        time: TIME.to_owned(),
        key: URI.to_owned(),
        size: SIZE.to_owned(),
        op: Some(METHOD.to_owned()),
    };
    let known = clock.as_ref();
    Ok(Understood {
        columns: Some(columns),
        time_scale: known.map_or(TimeScale::DateTime, Clock::scale),
        time_known_by: known.map_or(KnownBy::Format, Clock::known_by),
        is_absolute: known.is_none_or(Clock::is_absolute),
        keeps: Some(filter.shown()),
        notes: Vec::new(),
    })
}

fn take(
    fields: &[Option<Text<'_>>; 5],
    position: Position,
    filter: &RegistryFilter,
    clock: &mut Option<Clock>,
    builder: &mut Builder<'_>,
) -> Result<(), Failure> {
    let field = |index: usize| -> Result<Cow<'_, [u8]>, Failure> {
        let missing = || ErrorKind::MissingField { field: FIELDS[index] }.at(position);
        fields[index].as_ref().map(Text::value).ok_or_else(missing)
    };
    let method = field(0)?;
    let uri = field(1)?;
    let status = fields[2].as_ref().map_or(Cow::Borrowed(&b""[..]), Text::value);
    let status = u16::try_from(leading_digits(&status).0).unwrap_or(0);
    let op = match filter.test(&method, &uri, status) {
        Kept::Yes(op) => op,
        Kept::No(what) => {
            builder.leave_out(what);
            return Ok(());
        }
        Kept::Ignored => {
            builder.ignore(&method);
            return Ok(());
        }
    };
    if uri.is_empty() {
        return Err(refused(&uri, URI, position, ValueProblem::EmptyKey));
    }
    let (written, time) = (field(3)?, field(4)?);
    let size = size(&written).map_err(|it| refused(&written, SIZE, position, it))?;
    let clock = clock.get_or_insert_with(|| Clock::detect(None, None, &time));
    let nanos = clock.nanos(&time).map_err(|it| refused(&time, TIME, position, it))?;
    builder.push(Record { nanos, key: Key::Text(&uri), size, op }, position)
}
