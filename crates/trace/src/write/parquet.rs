//! A trace as Parquet, with the columns that CSV has.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use units::Op;

use super::{About, RowWriter, WriteError};
use crate::asides::AsideKinds;
use crate::error::shown;
use crate::trace::Row;

/// Writes Parquet, compressed by zstd, with the columns `time_ns`, `key`, `size`, `op`, and `ttl_s`
/// or `range_first`, `range_last` where the trace has such, which [`crate::read`] recognises and
/// reads back to the same requests.
pub struct ParquetWriter<W: Write> {
    out: W,
    /// Writes to memory, which is emptied into `out`; from [`RowWriter::begin`] on.
    file: Option<SerializedFileWriter<Vec<u8>>>,
    asides: AsideKinds,
    rows: RowGroup,
    n_rows_before: u64,
}

const NAME: &str = "Parquet";

/// The rows of one group: so many that they compress well, and are held until it is full.
const N_ROWS: usize = 1 << 18;

#[derive(Default)]
struct RowGroup {
    times_ns: Vec<i64>,
    sizes: Vec<i64>,
    ops: Vec<Op>,
    keys: Vec<u8>,
    /// Where each key ends in `keys`.
    key_ends: Vec<usize>,
    /// In seconds.
    ttls: Optional,
    firsts: Optional,
    lasts: Optional,
}

/// A column that some rows have nothing in.
#[derive(Default)]
struct Optional {
    values: Vec<i64>,
    /// For each row one or zero values.
    levels: Vec<i16>,
}

impl Optional {
    fn push(&mut self, value: Option<u64>) {
        // What comes from numbers of 64 bits with a sign goes back into such.
        self.values.extend(value.map(signed));
        self.levels.push(i16::from(value.is_some()));
    }
}

impl<W: Write> ParquetWriter<W> {
    /// A writer to `out`.
    pub fn new(out: W) -> ParquetWriter<W> {
        let (asides, rows) = (AsideKinds::default(), RowGroup::default());
        ParquetWriter { out, file: None, asides, rows, n_rows_before: 0 }
    }

    /// Writes the rows held as one group, and hands down what has been written.
    fn write_group(&mut self) -> Result<(), WriteError> {
        let rows = std::mem::take(&mut self.rows);
        let Some(file) = &mut self.file else { return Ok(()) };
        self.n_rows_before += rows.ops.len() as u64;
        let mut columns = rows.columns(self.asides).into_iter();
        let mut group = file.next_row_group().map_err(encoder)?;
        while let Some(mut writer) = group.next_column().map_err(encoder)? {
            let column = columns.next().expect("a column of the schema");
            column.write(writer.untyped()).map_err(encoder)?;
            writer.close().map_err(encoder)?;
        }
        group.close().map_err(encoder)?;
        self.hand_down()
    }

    fn hand_down(&mut self) -> Result<(), WriteError> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.flush()?;
        let written = std::mem::take(file.inner_mut());
        Ok(self.out.write_all(&written)?)
    }
}

impl<W: Write> RowWriter for ParquetWriter<W> {
    fn begin(&mut self, about: About) -> Result<(), WriteError> {
        self.asides = about.asides;
        let schema = parse_message_type(&schema(self.asides)).map_err(encoder)?;
        let properties = WriterProperties::builder()
            // The default names the version of the library, and so would another file be made.
            .set_created_by("infinisim".to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_column_dictionary_enabled(ColumnPath::from("time_ns"), false)
            .set_column_encoding(ColumnPath::from("time_ns"), Encoding::DELTA_BINARY_PACKED)
            .build();
        let file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties));
        self.file = Some(file.map_err(encoder)?);
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), WriteError> {
        let rows = &mut self.rows;
        rows.ops.push(row.op);
        if std::str::from_utf8(&row.key).is_err() {
            let n_request = self.n_rows_before + rows.ops.len() as u64;
            return Err(WriteError::KeyNotText { n_request, key: shown(&row.key), format: NAME });
        }
        rows.times_ns.push(signed(row.at.as_nanos()));
        rows.sizes.push(signed(row.size.get()));
        rows.keys.extend_from_slice(&row.key);
        rows.key_ends.push(rows.keys.len());
        if self.asides.ttls {
            rows.ttls.push(row.ttl_s.map(u64::from));
        }
        if self.asides.ranges {
            rows.firsts.push(row.range.map(|it| it.first));
            rows.lasts.push(row.range.map(|it| it.last));
        }
        if rows.ops.len() == N_ROWS { self.write_group() } else { Ok(()) }
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        if !self.rows.ops.is_empty() {
            self.write_group()?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.finish().map_err(encoder)?;
        self.hand_down()?;
        Ok(self.out.flush()?)
    }
}

/// One column of a group.
enum Values {
    Numbers(Vec<i64>),
    Texts(Vec<ByteArray>),
    Optional(Optional),
}

impl RowGroup {
    /// In the order of the schema.
    fn columns(self, asides: AsideKinds) -> Vec<Values> {
        let RowGroup { times_ns, sizes, ops, keys, key_ends, ttls, firsts, lasts } = self;
        let keys = Bytes::from(keys);
        let starts = std::iter::once(0).chain(key_ends.iter().copied());
        let spans = starts.zip(&key_ends);
        let keys = spans.map(|(start, end)| ByteArray::from(keys.slice(start..*end))).collect();
        let words = ["get", "put", "delete"].map(ByteArray::from);
        let op = |op: &Op| match op {
            Op::Get => words[0].clone(),
            Op::Put => words[1].clone(),
            Op::Delete => words[2].clone(),
        };
        let ops = ops.iter().map(op).collect();
        let mut columns = vec![
            Values::Numbers(times_ns),
            Values::Texts(keys),
            Values::Numbers(sizes),
            Values::Texts(ops),
        ];
        if asides.ttls {
            columns.push(Values::Optional(ttls));
        }
        if asides.ranges {
            columns.extend([Values::Optional(firsts), Values::Optional(lasts)]);
        }
        columns
    }
}

impl Values {
    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<usize, ParquetError> {
        match (self, writer) {
            (Values::Numbers(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, None, None)
            }
            (Values::Optional(it), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(&it.values, Some(&it.levels), None)
            }
            (Values::Texts(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, None, None)
            }
            _ => Err(ParquetError::General("a column is not of its type".to_owned())),
        }
    }
}

fn schema(asides: AsideKinds) -> String {
    let mut columns = "required int64 time_ns; required binary key (STRING); \
                       required int64 size; required binary op (STRING);"
        .to_owned();
    if asides.ttls {
        columns.push_str(" optional int64 ttl_s;");
    }
    if asides.ranges {
        columns.push_str(" optional int64 range_first; optional int64 range_last;");
    }
    format!("message trace {{ {columns} }}")
}

/// The number with a sign; what is too large for it is no time, size or place in an object.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` hands it over")]
fn encoder(err: ParquetError) -> WriteError {
    WriteError::Encoder { format: NAME, cause: err.to_string() }
}
