//! A table of results as a Parquet file.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use report::rows::{Cell, ColumnKind, Rows};

use crate::{leftovers, output};

/// Writes the table whole or not at all; without columns there is no file.
pub(crate) fn write(path: &Path, rows: &Rows) -> anyhow::Result<()> {
    if rows.columns.is_empty() {
        return leftovers::remove(path);
    }
    let bytes = bytes(rows).with_context(|| format!("cannot write `{}`", path.display()))?;
    output::write_file(path, |out| Ok(out.write_all(&bytes)?))
}

/// The table as Parquet, compressed by zstd: text columns as strings, counts as 64-bit integers
/// without sign, numbers as doubles, and null where there is nothing. The same table gives the
/// same bytes.
fn bytes(rows: &Rows) -> anyhow::Result<Vec<u8>> {
    let field = |column: &report::rows::Column| {
        let name = &column.name;
        match column.kind {
            ColumnKind::Text => format!("optional binary {name} (utf8);"),
            ColumnKind::Count => format!("optional int64 {name} (integer(64,false));"),
            ColumnKind::Number => format!("optional double {name};"),
        }
    };
    let fields: Vec<String> = rows.columns.iter().map(field).collect();
    let schema = parse_message_type(&format!("message results {{ {} }}", fields.join(" ")))?;
    let compression = Compression::ZSTD(ZstdLevel::default());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (index, column) in rows.columns.iter().enumerate() {
        let cells = || rows.rows.iter().map(move |row| &row[index]);
        match column.kind {
            ColumnKind::Text => write_column::<ByteArrayType>(&mut group, cells(), |it| {
                let Cell::Text(text) = it else { return None };
                Some(ByteArray::from(text.as_bytes().to_vec()))
            }),
            ColumnKind::Count => write_column::<Int64Type>(&mut group, cells(), |it| {
                let Cell::Count(count) = it else { return None };
                // The bits are those of a number without sign, as the column says.
                Some(count.cast_signed())
            }),
            ColumnKind::Number => write_column::<DoubleType>(&mut group, cells(), |it| {
                let Cell::Number(number) = it else { return None };
                Some(*number)
            }),
        }?;
    }
    group.close()?;
    Ok(file.into_inner()?)
}

fn write_column<'a, T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    cells: impl Iterator<Item = &'a Cell>,
    value: impl Fn(&Cell) -> Option<T::T>,
) -> anyhow::Result<()> {
    let cells: Vec<Option<T::T>> = cells.map(value).collect();
    let levels: Vec<i16> = cells.iter().map(|it| i16::from(it.is_some())).collect();
    let values: Vec<T::T> = cells.into_iter().flatten().collect();
    let mut column = group.next_column()?.context("a writer for every column")?;
    column.typed::<T>().write_batch(&values, Some(&levels), None)?;
    column.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let columns =
            [("name", ColumnKind::Text), ("n", ColumnKind::Count), ("usd", ColumnKind::Number)];
        let mut rows = Rows::new(&columns);
        rows.rows.push(vec![Cell::text("s3"), Cell::Count(7), Cell::Number(1.5)]);
        rows.rows.push(vec![Cell::text("none"), Cell::Count(u64::MAX), Cell::Nothing]);
        let written = super::bytes(&rows).unwrap();
        assert_eq!(written, super::bytes(&rows).unwrap());
        let reader = SerializedFileReader::new(Bytes::from(written)).unwrap();
        let read: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].get_string(0).unwrap(), "s3");
        assert_eq!(read[0].get_ulong(1).unwrap(), 7);
        assert_eq!(read[1].get_ulong(1).unwrap(), u64::MAX, "as a seed may be");
        assert!((read[0].get_double(2).unwrap() - 1.5).abs() < 1e-12);
        assert!(read[1].get_double(2).is_err(), "nothing is null");
    }
}
