//! The values of a Parquet column as text, so that they are read as those of a CSV.

use jiff::SignedDuration;
use jiff::civil::date;
use parquet::basic::{ConvertedType, LogicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescriptor;

use crate::error::ErrorKind;
use crate::number::DecimalText;

/// How many rows are decoded at once.
const N_ROWS: usize = 4 << 10;

/// How the values of a column are written as text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Spelling {
    /// As they are stored.
    #[default]
    Stored,
    /// As numbers without a sign.
    Unsigned,
    /// As numbers with so many digits after the point.
    Decimal(usize),
    /// As `YYYY-MM-DD`, of days since 1970.
    Date,
}

impl Spelling {
    /// That of a column; an error where what is stored there is not what it says.
    pub(super) fn of(column: &ColumnDescriptor) -> Result<Spelling, ErrorKind> {
        /// So many digits fit into 128 bits.
        const N_DIGITS_MAX: i32 = 38;
        let refused = |holds: &'static str| {
            Err(ErrorKind::ColumnType { column: column.path().string(), holds })
        };
        if 0 < column.max_rep_level() {
            return refused("lists");
        }
        match (column.converted_type(), column.logical_type_ref()) {
            (ConvertedType::DECIMAL, _) if N_DIGITS_MAX < column.type_precision() => {
                refused("decimals of more than 38 digits")
            }
            (ConvertedType::DECIMAL, _) => {
                Ok(Spelling::Decimal(usize::try_from(column.type_scale()).unwrap_or(0)))
            }
            (ConvertedType::DATE, _) => Ok(Spelling::Date),
            (
                ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64,
                _,
            ) => Ok(Spelling::Unsigned),
            (ConvertedType::INTERVAL, _) => refused("intervals"),
            (_, Some(LogicalType::Float16)) => refused("numbers of 16 bits with a point"),
            // Of the types that the older annotation does not know, these are as they are stored.
            (
                ConvertedType::NONE,
                Some(
                    LogicalType::Timestamp(_)
                    | LogicalType::Time(_)
                    | LogicalType::Uuid
                    | LogicalType::Unknown,
                ),
            ) => Ok(Spelling::Stored),
            (ConvertedType::NONE, Some(_)) => refused("values of a special type"),
            _ => Ok(Spelling::Stored),
        }
    }
}

/// The fields of some rows of one column as text.
#[derive(Clone, Default)]
pub(super) struct Texts {
    pub(super) spelling: Spelling,
    text: Vec<u8>,
    /// Where each field ends in `text`.
    ends: Vec<usize>,
}

impl Texts {
    /// How many there are; none where the column is not looked at.
    pub(super) fn n_rows(&self) -> usize {
        self.ends.len()
    }

    /// The field of a row, which must be below [`Texts::n_rows`].
    pub(super) fn field(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[start..self.ends[row]]
    }

    /// Reads the next rows of the column.
    pub(super) fn read(
        &mut self,
        reader: &mut ColumnReader,
        column: &ColumnDescriptor,
    ) -> Result<(), ParquetError> {
        self.text.clear();
        self.ends.clear();
        let spelling = self.spelling;
        match reader {
            ColumnReader::Int64ColumnReader(reader) => {
                self.fields(reader, column, |it, text| put_number(*it, spelling, text))
            }
            ColumnReader::Int32ColumnReader(reader) => {
                self.fields(reader, column, |it, text| match spelling {
                    Spelling::Unsigned => put_number(i64::from(it.cast_unsigned()), spelling, text),
                    _ => put_number(i64::from(*it), spelling, text),
                })
            }
            ColumnReader::Int96ColumnReader(reader) => {
                self.fields(reader, column, |it, text| put_number(it.to_nanos(), spelling, text))
            }
            ColumnReader::DoubleColumnReader(reader) => {
                self.fields(reader, column, |it, text| text.extend(it.to_string().as_bytes()))
            }
            ColumnReader::FloatColumnReader(reader) => {
                self.fields(reader, column, |it, text| text.extend(it.to_string().as_bytes()))
            }
            ColumnReader::BoolColumnReader(reader) => {
                self.fields(reader, column, |it, text| text.extend(it.to_string().as_bytes()))
            }
            ColumnReader::ByteArrayColumnReader(reader) => {
                self.fields(reader, column, |it, text| put_bytes(it.data(), spelling, text))
            }
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                self.fields(reader, column, |it, text| put_bytes(it.data(), spelling, text))
            }
        }
    }

    /// Reads some rows of a column: the text of each value; of a row that has none, no text.
    fn fields<T: DataType>(
        &mut self,
        reader: &mut ColumnReaderImpl<T>,
        column: &ColumnDescriptor,
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
                let missing = || ParquetError::EOF("a value is missing".to_owned());
                put(value.ok_or_else(missing)?, &mut self.text);
            }
            self.ends.push(self.text.len());
        }
        Ok(())
    }
}

fn put_number(number: i64, spelling: Spelling, text: &mut Vec<u8>) {
    match spelling {
        Spelling::Stored => {
            if number < 0 {
                text.push(b'-');
            }
            text.extend_from_slice(DecimalText::of(number.unsigned_abs()).as_bytes());
        }
        // The same bits.
        Spelling::Unsigned => {
            text.extend_from_slice(DecimalText::of(number.cast_unsigned()).as_bytes());
        }
        Spelling::Decimal(n_places) => put_decimal(i128::from(number), n_places, text),
        Spelling::Date => {
            let since = number.checked_mul(24).map(SignedDuration::from_hours);
            let date = since.and_then(|it| date(1970, 1, 1).checked_add(it).ok());
            // No calendar here goes so far.
            let shown = date.map_or_else(|| format!("day {number}"), |it| it.to_string());
            text.extend_from_slice(shown.as_bytes());
        }
    }
}

fn put_bytes(bytes: &[u8], spelling: Spelling, text: &mut Vec<u8>) {
    match spelling {
        Spelling::Decimal(n_places) => put_decimal(signed(bytes), n_places, text),
        Spelling::Stored | Spelling::Unsigned | Spelling::Date => text.extend_from_slice(bytes),
    }
}

/// The number that these are the last bytes of, the most significant first, in two's complement.
fn signed(bytes: &[u8]) -> i128 {
    let is_negative = bytes.first().is_some_and(|it| 0x80 <= *it);
    let mut all = [if is_negative { 0xff } else { 0 }; 16];
    // There are more only where a small number is stored in many.
    let kept = bytes.last_chunk::<16>().map_or(bytes, |it| &it[..]);
    all[16 - kept.len()..].copy_from_slice(kept);
    i128::from_be_bytes(all)
}

/// Writes `number` with the point before the last `n_places` digits.
fn put_decimal(number: i128, n_places: usize, text: &mut Vec<u8>) {
    let digits = format!("{:0>1$}", number.unsigned_abs(), n_places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - n_places);
    let sign = if number < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    for part in [sign, whole, point, fraction] {
        text.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_meant() {
        #[track_caller]
        fn check(number: i64, spelling: Spelling, expect: &str) {
            let mut text = Vec::new();
            put_number(number, spelling, &mut text);
            assert_eq!(String::from_utf8(text).unwrap(), expect);
        }
        check(-5, Spelling::Stored, "-5");
        check(-1, Spelling::Unsigned, "18446744073709551615");
        check(1_500, Spelling::Decimal(3), "1.500");
        check(-5, Spelling::Decimal(3), "-0.005");
        check(0, Spelling::Decimal(1), "0.0");
        check(12, Spelling::Decimal(0), "12");
        check(17_337, Spelling::Date, "2017-06-20");
        check(-1, Spelling::Date, "1969-12-31");
        check(i64::from(i32::MAX), Spelling::Date, "day 2147483647");
    }

    #[test]
    fn decimals_are_read_from_any_number_of_bytes() {
        let check = |bytes: &[u8], expect: i128| assert_eq!(signed(bytes), expect, "{bytes:?}");
        check(&[], 0);
        check(&[5], 5);
        check(&[0xff], -1);
        check(&[0x00, 0xff], 255);
        check(&[0xfe, 0x00], -512);
        check(&[0x7f; 16], i128::from_be_bytes([0x7f; 16]));
        check(&[&[0xff; 16][..], &[0xfe]].concat(), -2);
        check(&[&[0; 31][..], &[7]].concat(), 7);
    }
}
