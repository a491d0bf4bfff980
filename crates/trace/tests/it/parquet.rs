//! Parquet, of others and of ours.

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
