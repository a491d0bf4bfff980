//! Tencent's photo cache (Zhou et al., ICS'18): blank-separated `YYYYMMDDHHMMSS photo_id format
//! size_class return_size cache_hit terminal response_ms`; an object is photo, format and class.

use units::Op;

use super::fields::{each_row, refused, require_fields};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure, ValueProblem};
use crate::input::Input;
use crate::number::size;
use crate::read::ReadOptions;
use crate::rows::{Row, Rows, Separator};
use crate::source::Columns;
use crate::time::{Clock, KnownBy, TimeScale};

pub(super) const READER: Reader = Reader {
    format: Format::TencentPhoto,
    name: "tencent-photo",
    description: "Tencent photo text",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises,
    read,
};

const N_COLUMNS: usize = 8;

fn recognises(input: &Input<'_>, options: &ReadOptions) -> bool {
    let fields = || input.first_line().split(u8::is_ascii_whitespace).filter(|it| !it.is_empty());
    let is_time = fields().next().is_some_and(|it| spelled_out(it).is_some());
    is_time && fields().count() == N_COLUMNS && !options.names_columns()
}

fn read(
    input: &mut Input<'_>,
    _options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let mut rows = Rows::new(input.text(), Separator::Blanks);
    let mut clock = Clock::detect(None, None, b"2016-02-01 00:00:00");
    let mut key = Vec::new();
    let mut is_empty = true;
    each_row(&mut rows, builder, |row, builder| {
        is_empty = false;
        take(row, &mut clock, &mut key, builder)
    })?;
    if is_empty {
        return Err(ErrorKind::NoRows.into());
    }
    let [time, key, size] =
        ["time", "photo_id/format/size_class", "return_size"].map(str::to_owned);
    Ok(Understood {
        columns: Some(Columns { time, key, size, op: None }),
        time_scale: TimeScale::DateTime,
        time_known_by: KnownBy::Format,
        is_absolute: true,
        keeps: None,
        notes: Vec::new(),
    })
}

fn take(
    row: &Row<'_>,
    clock: &mut Clock,
    key: &mut Vec<u8>,
    builder: &mut Builder<'_>,
) -> Result<(), Failure> {
    require_fields(row, N_COLUMNS)?;
    let position = row.position();
    let time = row.field(0);
    let nanos = spelled_out(time).ok_or(ValueProblem::NotADateTime).and_then(|it| clock.nanos(&it));
    let nanos = nanos.map_err(|it| refused(time, "time", position, it))?;
    let size =
        size(row.field(4)).map_err(|it| refused(row.field(4), "return_size", position, it))?;
    key.clear();
    for (index, separator) in [(1, &b"/"[..]), (2, b"/"), (3, b"")] {
        key.extend_from_slice(row.field(index));
        key.extend_from_slice(separator);
    }
    builder.push(Record { nanos, key: Key::Text(key), size, op: Op::Get }, position)
}

/// `YYYYMMDDHHMMSS` as `YYYY-MM-DD HH:MM:SS`.
fn spelled_out(time: &[u8]) -> Option<[u8; 19]> {
    const PLACES: [usize; 14] = [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18];
    let digits: &[u8; 14] = time.try_into().ok()?;
    let mut text = *b"0000-00-00 00:00:00";
    for (place, digit) in PLACES.into_iter().zip(digits) {
        text[place] = *digit;
    }
    let is_year = matches!(digits, [b'1', b'9', ..] | [b'2', b'0', ..]);
    (is_year && digits.iter().all(u8::is_ascii_digit)).then_some(text)
}
