//! Parquet, of others and of ours.

use std::sync::Arc;

use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use proptest::prelude::*;
use trace::{Column, Format, ParquetWriter, ReadOptions, Trace, read_columns, write_columns};

use crate::{folded, notes, read, read_text, shown, written};

/// Made by pyarrow 22: snappy, a dictionary, missing values, timestamps, two groups of rows.
const PYARROW: &[u8] = include_bytes!("../fixtures/pyarrow.parquet");
/// Made by pyarrow 22: gzip, floating-point numbers, numbers without a sign.
const NUMBERS: &[u8] = include_bytes!("../fixtures/numbers.parquet");
/// Found by fuzzing: a column that begins before the file, at which the library panics.
const NEGATIVE_OFFSET: &[u8] = include_bytes!("../fixtures/negative-offset.parquet");
/// The same: the dictionary that a page refers to is missing.
const NO_DICTIONARY: &[u8] = include_bytes!("../fixtures/no-dictionary.parquet");

fn parquet_of(trace: &Trace) -> Vec<u8> {
    written(trace, |out| Box::new(ParquetWriter::new(out)))
}

#[test]
fn files_of_others_are_read() {
    let trace = read(PYARROW, &ReadOptions::DETECT).unwrap();
    insta::assert_snapshot!(shown(&trace), @r#"
    0 v2/a/b/blobs/c 72626 get
    1.5 d,"e 5000000000 put ttl 60
    2 v2/a/b/blobs/c 72626 get
    3 d,"e 0 delete
    "#);
    insta::assert_snapshot!(folded(&trace.source().to_string()), @"
    Parquet; columns: time `timestamp`, key `uri`, size `object_size`, operation
    `Method`; time in microseconds (by the column's name); starts
    2017-06-20T00:00:26.626Z
    ");
    let trace = read(NUMBERS, &ReadOptions::DETECT).unwrap();
    insta::assert_snapshot!(shown(&trace), @"
    0 7 1 get
    0.5 18446744073709551615 2 get
    1000 7 1 get
    ");
}

/// The values of a column in two rows.
#[derive(Clone, Copy)]
enum Two {
    Int32([i32; 2]),
    Int64([i64; 2]),
    Bytes([&'static [u8]; 2]),
}

/// A trace of two requests of which one column is this, which `role` is in other files.
fn with_column(role: &str, column: &str, values: Two) -> Vec<u8> {
    let mut columns = [
        ("time", "required int64 time", Two::Int64([0, 1])),
        ("key", "required int64 key", Two::Int64([7, 8])),
        ("size", "required int64 size", Two::Int64([10, 20])),
    ];
    let replaced = columns.iter_mut().find(|it| it.0 == role).unwrap();
    *replaced = (role, column, values);
    let fields = columns.map(|it| format!("{};", it.1)).concat();
    let schema = parse_message_type(&format!("message trace {{ {fields} }}")).unwrap();
    let properties = Arc::new(WriterProperties::default());
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties).unwrap();
    let mut group = file.next_row_group().unwrap();
    for (_, column, values) in columns {
        let mut writer = group.next_column().unwrap().unwrap();
        // Each is a list of one, where it may be a list.
        let levels = column.starts_with("repeated").then_some(([1, 1], [0, 0]));
        let defined = levels.as_ref().map(|it| &it.0[..]);
        let repeated = levels.as_ref().map(|it| &it.1[..]);
        let written = match (writer.untyped(), values) {
            (ColumnWriter::Int32ColumnWriter(it), Two::Int32(values)) => {
                it.write_batch(&values, defined, repeated)
            }
            (ColumnWriter::Int64ColumnWriter(it), Two::Int64(values)) => {
                it.write_batch(&values, defined, repeated)
            }
            (ColumnWriter::ByteArrayColumnWriter(it), Two::Bytes(values)) => {
                it.write_batch(&values.map(ByteArray::from), defined, repeated)
            }
            (ColumnWriter::FixedLenByteArrayColumnWriter(it), Two::Bytes(values)) => {
                let values = values.map(|it| ByteArray::from(it).into());
                it.write_batch(&values, defined, repeated)
            }
            _ => panic!("`{column}` has other values"),
        };
        written.unwrap();
        writer.close().unwrap();
    }
    group.close().unwrap();
    file.into_inner().unwrap()
}

#[test]
fn values_are_what_their_type_says() {
    #[track_caller]
    fn check(role: &str, column: &str, values: Two, expect: &str) {
        let trace = read(&with_column(role, column, values), &ReadOptions::DETECT).unwrap();
        assert_eq!(shown(&trace), expect, "{column}");
    }
    let times = "0 7 10 get\n0.75 8 20 get";
    check("time", "required int32 time (decimal(6,3))", Two::Int32([1_500, 2_250]), times);
    check("time", "required int64 time (decimal(15,3))", Two::Int64([1_500, 2_250]), times);
    let bytes = Two::Bytes([&[0, 0, 0, 0, 0, 5, 0xdc], &[0, 0, 0, 0, 0, 8, 0xca]]);
    check("time", "required fixed_len_byte_array(7) time (decimal(15,3))", bytes, times);
    let bytes = Two::Bytes([&[5, 0xdc], &[8, 0xca]]);
    check("time", "required binary time (decimal(15,3))", bytes, times);
    let sizes = "0 7 10 get\n1 8 20 get";
    check("size", "required int64 size (decimal(18,2))", Two::Int64([1_000, 2_000]), sizes);
    let keys = "0 0.07 10 get\n1 -1.00 20 get";
    check("key", "required int64 key (decimal(18,2))", Two::Int64([7, -100]), keys);
    let days = "0 7 10 get\n172800 8 20 get";
    check("time", "required int32 date (date)", Two::Int32([17_337, 17_339]), days);
    let names = "0 2017-06-20 10 get\n1 1969-12-31 20 get";
    check("key", "required int32 key (date)", Two::Int32([17_337, -1]), names);
    let times = "0 7 10 get\n2 8 20 get";
    let millis = Two::Int32([1_000, 3_000]);
    check("time", "required int32 time (time_millis)", millis, times);
    check("time", "required int32 time (time(millis,true))", millis, times);
    let micros = Two::Int64([1_000_000, 3_000_000]);
    check("time", "required int64 time (time_micros)", micros, times);
    check("time", "required int64 time (timestamp(micros,false))", micros, times);
    let nanos = Two::Int64([1_000_000_000, 3_000_000_000]);
    check("time", "required int64 time (time(nanos,false))", nanos, times);
    check("time", "required int64 time (timestamp(nanos,true))", nanos, times);
    let keys = "0 18446744073709551615 10 get\n1 5 20 get";
    check("key", "required int64 key (uint_64)", Two::Int64([-1, 5]), keys);
    check("key", "required int64 key (integer(64,false))", Two::Int64([-1, 5]), keys);
    let keys = "0 4294967295 10 get\n1 5 20 get";
    check("key", "required int32 key (uint_32)", Two::Int32([-1, 5]), keys);
}

#[test]
fn a_type_that_is_not_read_is_refused() {
    let error = |role: &str, column: &str, values: Two| {
        let bytes = with_column(role, column, values);
        folded(&read(&bytes, &ReadOptions::DETECT).unwrap_err().to_string())
    };
    let bytes = Two::Bytes([&[0; 12], &[1; 12]]);
    let interval = error("time", "required fixed_len_byte_array(12) time (interval)", bytes);
    insta::assert_snapshot!(interval, @"
    t.csv: column `time` holds intervals, which are not read; write numbers, times
    or text into it, or name another column
    ");
    let bytes = Two::Bytes([&[0; 2], &[1; 2]]);
    let half = error("size", "required fixed_len_byte_array(2) size (float16)", bytes);
    insta::assert_snapshot!(half, @"
    t.csv: column `size` holds numbers of 16 bits with a point, which are not read;
    write numbers, times or text into it, or name another column
    ");
    let bytes = Two::Bytes([&[0; 32], &[1; 32]]);
    let long = error("size", "required fixed_len_byte_array(32) size (decimal(76,0))", bytes);
    insta::assert_snapshot!(long, @"
    t.csv: column `size` holds decimals of more than 38 digits, which are not read;
    write numbers, times or text into it, or name another column
    ");
    insta::assert_snapshot!(error("key", "repeated int64 key", Two::Int64([1, 2])), @"
    t.csv: column `key` holds lists, which are not read; write numbers, times or
    text into it, or name another column
    ");
    let numbers = Two::Int64([150, 200]);
    insta::assert_snapshot!(error("size", "required int64 size (decimal(18,2))", numbers), @"
    t.csv, record 1: column `size`: `1.50` is not a whole number of bytes; is
    `--size-column` right?
    ");
}

#[test]
fn columns_can_be_named() {
    let key_column = Some(Column::Name("note".to_owned()));
    let options = ReadOptions { key_column, n_bad_max: 2, ..ReadOptions::DETECT };
    let trace = read(PYARROW, &options).unwrap();
    assert_eq!(shown(&trace), "0 x 5000000000 put ttl 60\n1.5 y 0 delete");
    assert!(notes(&trace).starts_with("2 bad rows passed over (first at record 1: column `note`"));
    let key_column = Some(Column::Number(9));
    let options = ReadOptions { key_column, ..ReadOptions::DETECT };
    insta::assert_snapshot!(folded(&read(PYARROW, &options).unwrap_err().to_string()), @"
    t.csv: there is no column number 9 for the key; the columns are `Method`,
    `note`, `object_size`, `uri`, `timestamp`, `ttl`; say which with `--key-column`
    ");
}

#[test]
fn what_is_damaged_is_refused() {
    let whole = parquet_of(&read_text("time,key,size\n0,a,1\n5,b,2\n"));
    let error = |bytes: &[u8]| read(bytes, &ReadOptions::DETECT).unwrap_err().to_string();
    insta::assert_snapshot!(error(NEGATIVE_OFFSET), @"t.csv: this Parquet file cannot be read: column `ttl` begins or ends before the file; is it whole? Copy or write it again");
    insta::assert_snapshot!(error(NO_DICTIONARY), @"t.csv: this Parquet file cannot be read: Parquet error: its pages contradict its index; is it whole? Copy or write it again");
    for n_bytes in [4, 12, whole.len() / 2, whole.len() - 1] {
        let message = error(&whole[..n_bytes]);
        assert!(message.starts_with("t.csv: this Parquet file cannot be read: "), "{message}");
    }
    let format = Some(Format::Parquet);
    let options = ReadOptions { format, ..ReadOptions::DETECT };
    let message = read(b"time,key,size\n0,a,1\n", &options).unwrap_err().to_string();
    assert!(message.starts_with("t.csv: this Parquet file cannot be read: "), "{message}");
}

#[test]
fn the_same_trace_gives_the_same_bytes() {
    let trace = read_text("time,key,size,ttl\n0,a,1,\n5,b,2,60\n");
    assert_eq!(parquet_of(&trace), parquet_of(&trace));
}

#[test]
fn many_rows_are_in_many_groups() {
    let mut text = "time,key,size\n".to_owned();
    for number in 0..300_000_u64 {
        text.push_str(&format!("{number},{},{}\n", number % 1_000, number % 77));
    }
    let trace = read_text(&text);
    let again = read(&parquet_of(&trace), &ReadOptions::DETECT).unwrap();
    assert_eq!(again.hash(), trace.hash());
}

#[test]
fn a_key_that_is_no_text_is_refused() {
    let trace = read(b"time,key,size\n0,a,1\n1,\xff,2\n", &ReadOptions::DETECT).unwrap();
    let err = trace::write_rows(&trace, &mut ParquetWriter::new(Vec::new())).unwrap_err();
    let expect = "the key `\u{fffd}` of request 2 is no UTF-8 text, as Parquet asks; write CSV";
    assert_eq!(err.to_string(), expect);
}

proptest! {
    #[test]
    fn a_trace_comes_back_whole(
        rows in prop::collection::vec(
            (
                0..u64::MAX / 8,
                "[ -~\n\u{e9}]{1,12}",
                0..1_u64 << 40,
                0..3_usize,
                prop::option::of(1..=u32::MAX),
                prop::option::of((0..9_u64, 9..1_u64 << 62)),
            ),
            1..50,
        ),
    ) {
        let mut text = csv::Writer::from_writer(Vec::new());
        let head = ["time_ns", "key", "size", "op", "ttl_s", "range_first", "range_last"];
        text.write_record(head).unwrap();
        for (time, key, size, op, ttl_s, range) in rows {
            let op = ["get", "put", "del"][op].to_owned();
            let shown = |it: Option<u64>| it.map_or(String::new(), |it| it.to_string());
            let (first, last) = (range.map(|it| it.0), range.map(|it| it.1));
            let asides = [ttl_s.map(u64::from), first, last].map(shown);
            text.write_record([time.to_string(), key, size.to_string(), op].iter().chain(&asides))
                .unwrap();
        }
        let trace = read(&text.into_inner().unwrap(), &ReadOptions::DETECT).unwrap();
        let again = read(&parquet_of(&trace), &ReadOptions::DETECT).unwrap();
        prop_assert_eq!(again.requests(), trace.requests());
        prop_assert_eq!(shown(&again), shown(&trace));
        // CSV and our own copy hold as much.
        let csv = written(&trace, |out| Box::new(trace::CsvWriter::new(out)));
        let again = read(&csv, &ReadOptions::DETECT).unwrap();
        prop_assert_eq!(shown(&again), shown(&trace));
        let mut columns = Vec::new();
        write_columns(&trace, &mut columns).unwrap();
        let again = read_columns("t", &columns[..]).unwrap();
        prop_assert_eq!(again.asides(), trace.asides());
    }
}
