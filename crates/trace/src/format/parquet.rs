//! Parquet, whose columns a trace's are recognised among by name, as those of a CSV are.

mod guard;

use std::io::Read;

use bytes::Bytes;
use parquet::basic::{LogicalType, TimeUnit as ParquetUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::schema::types::ColumnDescriptor;

use self::guard::guarded;
pub use self::guard::quiet_caught_panics;
use super::delimited::Table;
use super::{Format, Reader, Understood};
use crate::builder::Builder;
use crate::error::{ErrorKind, Failure, Position};
use crate::input::Input;
use crate::number::DecimalText;
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

/// How many rows are decoded at once.
const N_ROWS: usize = 4 << 10;

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
    if let Some(nested) = columns.iter().find(|it| 0 < schema.column(**it).max_rep_level()) {
        let problem = format!("column `{}` is a list", names[*nested]);
        return Err(ErrorKind::Parquet(problem).into());
    }
    let mut rows = RowTexts { texts: vec![Texts::default(); names.len()], ..RowTexts::default() };
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

/// The unit of a column of timestamps.
fn unit_of(column: &ColumnDescriptor) -> Option<TimeUnit> {
    use parquet::basic::ConvertedType;
    // A time of the old kind is read as a count of nanoseconds.
    if column.physical_type() == Type::INT96 {
        return Some(TimeUnit::Nanos);
    }
    match column.logical_type_ref() {
        Some(LogicalType::Timestamp(it)) => Some(match it.unit {
            ParquetUnit::MILLIS => TimeUnit::Millis,
            ParquetUnit::MICROS => TimeUnit::Micros,
            ParquetUnit::NANOS => TimeUnit::Nanos,
        }),
        _ => match column.converted_type() {
            ConvertedType::TIMESTAMP_MILLIS => Some(TimeUnit::Millis),
            ConvertedType::TIMESTAMP_MICROS => Some(TimeUnit::Micros),
            _ => None,
        },
    }
}

/// The fields of some rows of one column as text, so that they are read as those of a CSV.
#[derive(Clone, Default)]
struct Texts {
    text: Vec<u8>,
    /// Where each field ends in `text`.
    ends: Vec<usize>,
}

impl Texts {
    fn field(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
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
                texts.text.clear();
                texts.ends.clear();
                guarded(|| read_texts(reader, column, texts)).map_err(damaged)?;
                if *n_rows.get_or_insert(texts.ends.len()) != texts.ends.len() {
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
            if !texts.ends.is_empty() {
                self.row.extend_from_slice(texts.field(row));
            }
            let span = u32::try_from(start).ok().zip(u32::try_from(self.row.len()).ok());
            let too_long = || ErrorKind::Parquet("a row is longer than 4 GiB".to_owned());
            self.fields.push(span.ok_or_else(too_long)?);
        }
        Ok(())
    }
}

fn read_texts(
    reader: &mut ColumnReader,
    column: &ColumnDescriptor,
    texts: &mut Texts,
) -> Result<(), ParquetError> {
    let is_unsigned = match column.logical_type_ref() {
        Some(LogicalType::Integer(it)) => !it.is_signed,
        _ => false,
    };
    let whole = |number: i64, text: &mut Vec<u8>| {
        if number < 0 {
            text.push(b'-');
        }
        text.extend_from_slice(DecimalText::of(number.unsigned_abs()).as_bytes());
    };
    let float = |number: f64, text: &mut Vec<u8>| text.extend(number.to_string().as_bytes());
    match reader {
        ColumnReader::Int64ColumnReader(reader) => fields(reader, column, texts, |it, text| {
            match *it {
                // The same bits.
                it if is_unsigned => {
                    text.extend_from_slice(DecimalText::of(it.cast_unsigned()).as_bytes());
                }
                it => whole(it, text),
            }
        }),
        ColumnReader::Int32ColumnReader(reader) => fields(reader, column, texts, |it, text| {
            whole(if is_unsigned { i64::from(it.cast_unsigned()) } else { i64::from(*it) }, text);
        }),
        ColumnReader::Int96ColumnReader(reader) => {
            fields(reader, column, texts, |it, text| whole(it.to_nanos(), text))
        }
        ColumnReader::DoubleColumnReader(reader) => {
            fields(reader, column, texts, |it, text| float(*it, text))
        }
        ColumnReader::FloatColumnReader(reader) => {
            fields(reader, column, texts, |it, text| text.extend(it.to_string().as_bytes()))
        }
        ColumnReader::BoolColumnReader(reader) => {
            fields(reader, column, texts, |it, text| text.extend(it.to_string().as_bytes()))
        }
        ColumnReader::ByteArrayColumnReader(reader) => {
            fields(reader, column, texts, |it, text| text.extend_from_slice(it.data()))
        }
        ColumnReader::FixedLenByteArrayColumnReader(reader) => {
            fields(reader, column, texts, |it, text| text.extend_from_slice(it.data()))
        }
    }
}

/// Reads some rows of a column: the text of each value; of a row that has none, no text.
fn fields<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    column: &ColumnDescriptor,
    texts: &mut Texts,
    mut put: impl FnMut(&T::T, &mut Vec<u8>),
) -> Result<(), ParquetError> {
    let mut values = Vec::new();
    let mut levels = Vec::new();
    let is_optional = 0 < column.max_def_level();
    // It may end a page before so many, so it is asked until it has all of them or no more.
    let mut n_rows = 0;
    while n_rows < N_ROWS {
        let wanted = is_optional.then_some(&mut levels);
        let (n_more, _, _) = reader.read_records(N_ROWS - n_rows, wanted, None, &mut values)?;
        if n_more == 0 {
            break;
        }
        n_rows += n_more;
    }
    let mut values = values.iter();
    for row in 0..n_rows {
        let is_there = levels.get(row).is_none_or(|it| *it == column.max_def_level());
        if is_there {
            let value = values.next();
            let value = value.ok_or_else(|| ParquetError::EOF("a value is missing".to_owned()))?;
            put(value, &mut texts.text);
        }
        texts.ends.push(texts.text.len());
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn damaged(err: ParquetError) -> Failure {
    ErrorKind::Parquet(err.to_string()).into()
}
