//! The traces of webcachesim (Berger): `time id size`, blank-separated, without a header.

use units::Op;

use super::fields::{each_row, refused};
use super::{Format, Reader, Understood};
use crate::builder::{Builder, Key, Record};
use crate::error::{ErrorKind, Failure};
use crate::input::Input;
use crate::number::{leading_digits, size};
use crate::read::ReadOptions;
use crate::rows::{Rows, Separator};
use crate::source::Columns;
use crate::time::Clock;

pub(super) const READER: Reader = Reader {
    format: Format::WebCacheSim,
    name: "webcachesim",
    description: "webcachesim text (time id size)",
    file_endings: &[],
    takes_columns: false,
    is_binary: false,
    recognises,
    read,
};

/// Three whole numbers or more. A user who names columns has another order in mind.
fn recognises(input: &Input<'_>, options: &ReadOptions) -> bool {
    let is_blank = |it: &u8| matches!(it, b' ' | b'\t');
    let is_integer = |field: &[u8]| leading_digits(field).1 == field.len();
    let fields = || input.first_line().split(is_blank).filter(|it| !it.is_empty());
    !options.names_columns() && 3 <= fields().count() && fields().take(3).all(is_integer)
}

fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let mut rows = Rows::new(input.text(), Separator::Blanks);
    let mut clock: Option<Clock> = None;
    each_row(&mut rows, builder, |row, builder| {
        // More fields may follow: features for learning caches.
        if row.n_fields() < 3 {
            let kind = ErrorKind::RowLength { n_fields: row.n_fields(), n_expected: 3 };
            return Err(kind.at(row.position()));
        }
        let position = row.position();
        let (time, id, bytes) = (row.field(0), row.field(1), row.field(2));
        let clock = clock.get_or_insert_with(|| Clock::detect(options.time_unit, None, time));
        let nanos = clock.nanos(time).map_err(|it| refused(time, "time", position, it))?;
        let size = size(bytes).map_err(|it| refused(bytes, "size", position, it))?;
        builder.push(Record { nanos, key: Key::Text(id), size, op: Op::Get }, position)
    })?;
    let Some(clock) = clock else { return Err(ErrorKind::NoRows.into()) };
    let [time, key, size] = ["time", "id", "size"].map(str::to_owned);
    Ok(Understood {
        columns: Some(Columns { time, key, size, op: None }),
        time_scale: clock.scale(),
        time_known_by: clock.known_by(),
        is_absolute: clock.is_absolute(),
        keeps: None,
        notes: Vec::new(),
    })
}
