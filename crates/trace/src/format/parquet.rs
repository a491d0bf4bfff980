//! Parquet, whose columns a trace's are recognised among by name, as those of a CSV are.

mod guard;
mod texts;

use std::io::Read;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::column::reader::ColumnReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::schema::types::ColumnDescriptor;

use self::guard::guarded;
pub use self::guard::quiet_caught_panics;
use self::texts::{Spelling, Texts};
use super::delimited::Table;
use super::{Format, Reader, Understood};
use crate::builder::Builder;
use crate::error::{ErrorKind, Failure, Position};
use crate::input::Input;
use crate::read::ReadOptions;
use crate::rows::Row;
use crate::time::TimeUnit;

pub(super) const READER: Reader = Reader {
    format: Format::Parquet,
    name: "parquet",
    description: "Parquet",
    file_endings: &[".parquet"],
    takes_columns: true,
    is_binary: true,
    recognises: |input, _| input.head().starts_with(b"PAR1"),
    read,
};

/// The index of its columns stands at the end of the file, which therefore is read whole, as it
/// is compressed; rows are decoded a few at a time.
fn read(
    input: &mut Input<'_>,
    options: &ReadOptions,
    builder: &mut Builder<'_>,
) -> Result<Understood, Failure> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes)?;
    let bytes = Bytes::from(bytes);
    let file = guarded(|| SerializedFileReader::new(bytes)).map_err(damaged)?;
    let schema = file.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.columns().iter().map(|it| it.path().string()).collect();
    let unit = |index: usize| unit_of(&schema.column(index));
    let mut table = Table::new(&names, unit, options)?;
    let columns = table.columns();
    let mut rows = RowTexts { texts: vec![Texts::default(); names.len()], ..RowTexts::default() };
    for index in &columns {
        rows.texts[*index].spelling = Spelling::of(&schema.column(*index))?;
    }
    for index in 0..file.num_row_groups() {
        let group = guarded(|| file.get_row_group(index)).map_err(damaged)?;
        rows.read_group(group.as_ref(), &columns, |row| table.take(row, options, builder))?;
    }
    table.understood().ok_or_else(|| ErrorKind::NoRows.into())
}

/// Whether a column can lie where the index says: the library panics where it is before the file.
fn check_place(chunk: &ColumnChunkMetaData) -> Result<(), Failure> {
    let start = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    if start < 0 || chunk.compressed_size() < 0 {
        let problem =
            format!("column `{}` begins or ends before the file", chunk.column_path().string());
        return Err(ErrorKind::Parquet(problem).into());
    }
    Ok(())
}

/// The unit of a column of timestamps, or of times of the day.
fn unit_of(column: &ColumnDescriptor) -> Option<TimeUnit> {
    // A time of the old kind is read as a count of nanoseconds.
    if column.physical_type() == Type::INT96 {
        return Some(TimeUnit::Nanos);
    }
    match (column.converted_type(), column.logical_type_ref()) {
        (ConvertedType::TIMESTAMP_MILLIS | ConvertedType::TIME_MILLIS, _) => Some(TimeUnit::Millis),
        (ConvertedType::TIMESTAMP_MICROS | ConvertedType::TIME_MICROS, _) => Some(TimeUnit::Micros),
        // The older annotation, which the library adds to the newer, has no nanoseconds.
        (_, Some(LogicalType::Timestamp(_) | LogicalType::Time(_))) => Some(TimeUnit::Nanos),
        _ => None,
    }
}

/// Rows put together from columns.
#[derive(Default)]
struct RowTexts {
    n_rows: u64,
    texts: Vec<Texts>,
    row: Vec<u8>,
    fields: Vec<(u32, u32)>,
}

impl RowTexts {
    fn read_group(
        &mut self,
        group: &dyn RowGroupReader,
        columns: &[usize],
        mut take: impl FnMut(&Row<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let reader = |index: &usize| {
            check_place(group.metadata().column(*index))?;
            guarded(|| group.get_column_reader(*index)).map_err(damaged)
        };
        let mut readers: Vec<ColumnReader> =
            columns.iter().map(reader).collect::<Result<_, _>>()?;
        let descriptor = |index: &usize| group.metadata().column(*index).column_descr_ptr();
        let descriptors: Vec<_> = columns.iter().map(descriptor).collect();
        loop {
            let mut n_rows = None;
            for ((index, reader), column) in columns.iter().zip(&mut readers).zip(&descriptors) {
                let texts = &mut self.texts[*index];
                guarded(|| texts.read(reader, column)).map_err(damaged)?;
                if *n_rows.get_or_insert(texts.n_rows()) != texts.n_rows() {
                    let problem = "its columns are of different lengths".to_owned();
                    return Err(ErrorKind::Parquet(problem).into());
                }
            }
            let n_rows = n_rows.unwrap_or(0);
            if n_rows == 0 {
                return Ok(());
            }
            for row in 0..n_rows {
                self.put_together(row)?;
                take(&Row::new(Position::Record(self.n_rows), &self.row, &self.fields))?;
            }
        }
    }

    /// Makes a row of the fields of the columns; those that are not looked at are empty.
    fn put_together(&mut self, row: usize) -> Result<(), Failure> {
        self.n_rows += 1;
        self.row.clear();
        self.fields.clear();
        for texts in &self.texts {
            let start = self.row.len();
            if 0 < texts.n_rows() {
                self.row.extend_from_slice(texts.field(row));
            }
            let span = u32::try_from(start).ok().zip(u32::try_from(self.row.len()).ok());
            let too_long = || ErrorKind::Parquet("a row is longer than 4 GiB".to_owned());
            self.fields.push(span.ok_or_else(too_long)?);
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn damaged(err: ParquetError) -> Failure {
    ErrorKind::Parquet(err.to_string()).into()
}
