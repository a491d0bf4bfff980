//! Traces that are not well: each error says where, what, and what to do.

use std::io::{self, Read};

use trace::{Column, ErrorKind, Format, Position, ReadOptions, TimeUnit};

use crate::{folded, gzip, oracle_record, read, shown, zstd};

const DETECT: ReadOptions = ReadOptions::DETECT;

fn error(bytes: &[u8], options: &ReadOptions) -> String {
    folded(&read(bytes, options).unwrap_err().to_string())
}

fn text_error(text: &str) -> String {
    error(text.as_bytes(), &DETECT)
}

/// The error of a trace whose last row is `row`, which stands at line 3.
fn row_error(row: &str) -> String {
    text_error(&format!("time,key,size\n0,a,1\n{row}\n"))
}

#[test]
fn nothing_to_read() {
    insta::assert_snapshot!(
        text_error(""),
        @"t.csv: the file is empty; a trace has one request per row"
    );
    insta::assert_snapshot!(
        error(&gzip(b""), &DETECT),
        @"t.csv: the file is empty; a trace has one request per row"
    );
    insta::assert_snapshot!(
        text_error("\n\n"),
        @"t.csv: the file is empty; a trace has one request per row"
    );
    insta::assert_snapshot!(
        text_error("time,key,size\n"),
        @"t.csv: there is a header but no row below it"
    );
    insta::assert_snapshot!(text_error("time,key,size,op\n1,a,1,HEAD\n2,a,1,POST\n"), @"
    t.csv: none of the 2 rows is a request: 2 rows that move no object left out
    (HEAD: 1, POST: 1); if the operations stand in another column, name it with
    `--op-column`
    ");
}

#[test]
fn what_is_not_opened_here_is_named() {
    let check = |start: &[u8], what: &str| {
        let mut bytes = start.to_vec();
        bytes.extend([0; 300]);
        let found = error(&bytes, &DETECT);
        assert!(found.contains(&format!("this is {what}, which is not opened here; ")), "{found}");
    };
    check(b"BZh91AY&SY", "bzip2");
    check(b"\xFD7zXZ\0", "xz");
    check(b"\x04\x22\x4D\x18", "lz4");
    check(b"PK\x03\x04", "a zip archive");
    check(b"ARROW1\0\0", "Feather or Arrow");
    check(&[&[b'a'; 257][..], b"ustar"].concat(), "a tar archive");
}

#[test]
fn the_remedy_is_one_that_the_format_takes() {
    let registry = "timestamp,http.request.uri,http.response.written,http.request.method\n\
                    2017-06-20,v2/a/b/blobs/c,5.5,PUT\n";
    insta::assert_snapshot!(text_error(registry), @"
    t.csv: none of the 1 rows is a request: 1 row left out (PUTs: 1): only GETs of
    blobs, of any status, keyed by the whole URI are replayed; say which to keep
    with `--method`, `--blobs` or `--status`
    ");
    insta::assert_snapshot!(text_error(&registry.replace("PUT", "GET")), @"
    t.csv, line 2: column `http.response.written`: `5.5` is not a whole number of
    bytes; correct or remove the row
    ");
    insta::assert_snapshot!(text_error("0,k,1,2,3,touch,0\n"), @"
    t.csv: none of the 1 rows is a request: 1 row that moves no object left out
    (touch: 1)
    ");
    insta::assert_snapshot!(
        text_error("0,,1,2,3,get,0\n"),
        @"t.csv, line 1: column `key`: `` is an empty key; correct or remove the row"
    );
    let azure = "Timestamp,AnonBlobETag,BlobBytes,Read,Write\n1,,5,True,False\n";
    insta::assert_snapshot!(text_error(azure), @"
    t.csv, line 2: column `AnonBlobETag`: `` is an empty key; correct or remove the
    row
    ");
    insta::assert_snapshot!(text_error("time,key,size,TTL_s\n0,a,1,soon\n"), @"
    t.csv, line 2: column `TTL_s`: `soon` is not a time to live: a whole number of
    seconds up to 4294967295, or nothing; correct or remove the row
    ");
    let ranges = "time,key,size,Range First,range_last\n0,a,1,x,5\n";
    insta::assert_snapshot!(text_error(ranges), @"
    t.csv, line 2: column `Range First`: `x` is not a size; a size is a whole
    number of bytes, such as `72626` or `72626.0`
    ");
}

#[test]
fn compressed_data_that_is_cut_short_or_damaged() {
    let text = "time,key,size\n".to_owned() + &"123456,key,7890\n".repeat(20_000);
    for (bytes, name) in [(gzip(text.as_bytes()), "gzip"), (zstd(text.as_bytes()), "zstd")] {
        for n_bytes in [bytes.len() / 2, bytes.len() - 5, 12] {
            let message = error(&bytes[..n_bytes], &DETECT);
            let expect = format!("t.csv: the {name} data stops before its end: the file is cut");
            assert!(message.starts_with(&expect), "{message} at {n_bytes} bytes");
        }
        let mut damaged = bytes.clone();
        let n_bytes = damaged.len();
        damaged[n_bytes / 2..n_bytes / 2 + 8].fill(0xff);
        let message = error(&damaged, &DETECT);
        assert!(message.starts_with(&format!("t.csv: the {name} data is damaged (")), "{message}");
        let rest = [bytes, b"rubbish behind".to_vec()].concat();
        let message = error(&rest, &DETECT);
        assert!(message.starts_with(&format!("t.csv: the {name} data is damaged (")), "{message}");
    }
}

#[test]
fn what_is_not_a_text_trace() {
    insta::assert_snapshot!(error(b"PK\x03\x04\x14\0\0\0", &DETECT), @"
    t.csv: this is a zip archive, which is not opened here; unpack it and name the
    file, or write `unzip -p`
    ");
    insta::assert_snapshot!(error(&oracle_record(1, 2, 3, -1), &DETECT), @"
    t.csv: this is not text (byte 0x01 at offset 0) and no binary format has a mark
    to know it by; if it is a binary trace, name its format, such as `--format
    oracleGeneral`
    ");
    insta::assert_snapshot!(error(b"\xff\xfet\0i\0m\0e\0", &DETECT), @"
    t.csv: this is text in UTF-16; save it as UTF-8, as by `iconv -f UTF-16 -t
    UTF-8`
    ");
    insta::assert_snapshot!(text_error("[{\"host\": \"a\", \"id\": \"b\"}]"), @"
    t.csv, record 1: the record has no field `http.request.method`; complete or
    remove it, or allow it by `--skip-bad`
    ");
    insta::assert_snapshot!(text_error("1,2,3\n4,5,6\n"), @"
    t.csv: the first row (`1 2 3`) is data, not column names; give the columns by
    number, such as `--time-column 1 --key-column 2 --size-column 3`
    ");
}

#[test]
fn columns_that_are_not_there() {
    insta::assert_snapshot!(text_error("when,what,how_much\n1,a,2\n"), @"
    t.csv: no column is recognised as the time or the key or the size; the columns
    are `when`, `what`, `how_much`; say which with `--time-column` and
    `--key-column` and `--size-column`
    ");
    insta::assert_snapshot!(text_error("when,key,size_mb\n1,a,2\n"), @"
    t.csv: no column is recognised as the time or the size; the columns are `when`,
    `key`, `size_mb`; say which with `--time-column` and `--size-column`
    ");
    let name = |it: &str| Some(Column::Name(it.to_owned()));
    let options = ReadOptions { op_column: name("verb"), ..DETECT };
    insta::assert_snapshot!(error(b"time,key,size\n1,a,2\n", &options), @"
    t.csv: there is no column `verb` for the operation; the columns are `time`,
    `key`, `size`; say which with `--op-column`
    ");
    let options = ReadOptions { time_column: Some(Column::Number(0)), ..DETECT };
    insta::assert_snapshot!(error(b"time,key,size\n1,a,2\n", &options), @"
    t.csv: there is no column number 0 for the time; the columns are `time`, `key`,
    `size`; say which with `--time-column`
    ");
    let options = ReadOptions { size_column: name("bites"), ..DETECT };
    insta::assert_snapshot!(error(b"time,key,size\n1,a,2\n", &options), @"
    t.csv: there is no column `bites` for the size; the columns are `time`, `key`,
    `size`; say which with `--size-column`
    ");
    let options = ReadOptions { size_column: Some(Column::Number(4)), ..DETECT };
    insta::assert_snapshot!(error(b"time,key,size\n1,a,2\n", &options), @"
    t.csv: there is no column number 4 for the size; the columns are `time`, `key`,
    `size`; say which with `--size-column`
    ");
    let options = ReadOptions { format: Some(Format::IbmCsv), ..DETECT };
    insta::assert_snapshot!(error(b"time,key,size\n1,a,2\n", &options), @"
    t.csv: this is not IBM Docker registry CSV: there is no column `timestamp`;
    leave out `--format`
    ");
    let options = ReadOptions { size_column: name("size"), ..options };
    insta::assert_snapshot!(error(b"time,key,size\n1,a,2\n", &options), @"
    t.csv: the columns of IBM Docker registry CSV are fixed; leave out the flags
    that name columns, or read it as `--format csv`
    ");
}

#[test]
fn columns_of_one_name() {
    insta::assert_snapshot!(text_error("time,key,size,size\n1,a,2,3\n"), @"
    t.csv: columns 3 and 4 are both called `size`; say which holds the size by its
    number, such as with --size-column 3
    ");
    let name = |it: &str| Some(Column::Name(it.to_owned()));
    let options = ReadOptions { key_column: name("x"), ..DETECT };
    insta::assert_snapshot!(error(b"x,time,size,x\n1,a,2,3\n", &options), @"
    t.csv: columns 1 and 4 are both called `x`; say which holds the key by its
    number, such as with --key-column 1
    ");
    let options = ReadOptions { size_column: Some(Column::Number(4)), ..DETECT };
    let trace = read(b"time,key,size,size,note,note\n1,a,2,3,,\n", &options).unwrap();
    assert_eq!(trace.unique_bytes().get(), 3);
    insta::assert_snapshot!(
        text_error(
            "timestamp,http.request.uri,http.response.written,http.request.method,timestamp\n"
        ),
        @"
    t.csv: columns 1 and 5 are both called `timestamp`, of which IBM Docker
    registry CSV has one; rename or remove the other
    "
    );
}

#[test]
fn a_row_that_is_passed_over_leaves_nothing_behind() {
    let options = ReadOptions { n_bad_max: 2, ..DETECT };
    let text = "time,key,size,ttl,range_first,range_last\n0,a,1,5,,\n1,b,1,soon,,\n\
                2,c,1,,0,x\n3,d,1,,0,0\n";
    let trace = read(text.as_bytes(), &options).unwrap();
    assert_eq!(shown(&trace), "0 a 1 get ttl 5\n3 d 1 get bytes 0-0");
}

#[test]
fn the_form_of_times_is_not_learned_from_a_bad_row() {
    let options = ReadOptions { n_bad_max: 1, ..DETECT };
    let text = "time,key,size\nsoon,a,1\n2017-06-20 00:00:26,b,2\n2017-06-20 00:00:28,c,3\n";
    let trace = read(text.as_bytes(), &options).unwrap();
    assert_eq!(shown(&trace), "0 b 2 get\n2 c 3 get");
    assert_eq!(trace.source().start.unwrap().to_string(), "2017-06-20T00:00:26Z");
    let text = "time,key,size\n,a,1\n1497916826626,b,2\n1497916828126,c,3\n";
    assert_eq!(shown(&read(text.as_bytes(), &options).unwrap()), "0 b 2 get\n1.5 c 3 get");
}

#[test]
fn a_bad_field_is_named_with_line_column_and_value() {
    insta::assert_snapshot!(row_error("1,a,-5"), @"
    t.csv, line 3: column `size`: `-5` is a size below zero; remove the row, or
    correct it to a whole number of bytes
    ");
    insta::assert_snapshot!(row_error("1,a,large"), @"
    t.csv, line 3: column `size`: `large` is not a size; a size is a whole number
    of bytes, such as `72626` or `72626.0`
    ");
    insta::assert_snapshot!(row_error("1,a,"), @"
    t.csv, line 3: column `size`: `` is not a size; a size is a whole number of
    bytes, such as `72626` or `72626.0`
    ");
    insta::assert_snapshot!(row_error("1,a,NaN"), @"
    t.csv, line 3: column `size`: `NaN` is not a size; a size is a whole number of
    bytes, such as `72626` or `72626.0`
    ");
    insta::assert_snapshot!(row_error("1,a,5.25"), @"
    t.csv, line 3: column `size`: `5.25` is not a whole number of bytes; is
    `--size-column` right?
    ");
    insta::assert_snapshot!(row_error("1,a,4611686018427387905"), @"
    t.csv, line 3: column `size`: `4611686018427387905` is more than the largest
    size, 1 PiB; is `--size-column` right?
    ");
    insta::assert_snapshot!(row_error("-1,a,5"), @"
    t.csv, line 3: column `time`: `-1` is a time below zero; times count up from
    zero or from 1970
    ");
    insta::assert_snapshot!(row_error("soon,a,5"), @"
    t.csv, line 3: column `time`: `soon` is not a number of seconds; a date-time is
    written `2017-06-20 00:00:26.626` and needs no `--time-unit`; is
    `--time-column` right?
    ");
    insta::assert_snapshot!(row_error("99999999999,a,5"), @"
    t.csv, line 3: column `time`: `99999999999` is too far in the future; is the
    unit of time right? Say it with `--time-unit`
    ");
    insta::assert_snapshot!(
        row_error("1,,5"),
        @"t.csv, line 3: column `key`: `` is an empty key; is `--key-column` right?"
    );
    let long = row_error(&format!("1,a,{}", "x".repeat(500)));
    assert!(long.len() < 250, "{long}");
}

#[test]
fn a_bad_date_time() {
    let check = |time: &str| text_error(&format!("time,key,size\n2017-06-20,a,1\n{time},a,2\n"));
    insta::assert_snapshot!(check("2017-06-31 00:00:00"), @"
    t.csv, line 3: column `time`: `2017-06-31 00:00:00` is not a date-time; it is
    written `2017-06-20 00:00:26.626`, with `T`, `Z` or an offset such as `+02:00`
    if need be
    ");
    insta::assert_snapshot!(check("1960-01-01 00:00:00"), @"
    t.csv, line 3: column `time`: `1960-01-01 00:00:00` is before 1970, where times
    begin; correct or remove the row
    ");
    let options = ReadOptions { time_unit: Some(TimeUnit::Millis), ..DETECT };
    insta::assert_snapshot!(
        error(b"time,key,size\n2017-06-20 00:00:00,a,1\n", &options),
        @"
    t.csv, line 2: column `time`: `2017-06-20 00:00:00` is not a number of
    milliseconds; a date-time is written `2017-06-20 00:00:26.626` and needs no
    `--time-unit`; is `--time-column` right?
    "
    );
}

#[test]
fn rows_that_are_not_whole() {
    insta::assert_snapshot!(row_error("1,a"), @"
    t.csv, line 3: the row has 2 fields where the first has 3; a field that holds
    the delimiter must stand in double quotes, and a row cut short be completed or
    removed
    ");
    insta::assert_snapshot!(row_error("1,a,2,3"), @"
    t.csv, line 3: the row has 4 fields where the first has 3; a field that holds
    the delimiter must stand in double quotes, and a row cut short be completed or
    removed
    ");
    insta::assert_snapshot!(row_error("1,\"a,2"), @"
    t.csv, line 3: a double quote opens a field and none closes it; close it, or
    write it twice
    ");
    insta::assert_snapshot!(text_error("0 1 2\n3 4\n"), @"
    t.csv, line 2: the row has 2 fields where the first has 3; a field that holds
    the delimiter must stand in double quotes, and a row cut short be completed or
    removed
    ");
    insta::assert_snapshot!(text_error("0 1 2\n3 4 x\n"), @"
    t.csv, line 2: column `size`: `x` is not a size; a size is a whole number of
    bytes, such as `72626` or `72626.0`
    ");
}

#[test]
fn sums_that_cannot_be_held() {
    // 256 objects of 1 PiB are the most, together and each.
    let rows: Vec<String> = (0..257).map(|it| format!("{it},a,{}", 1_u64 << 50)).collect();
    let text = format!("time,key,size\n{}\n", rows.join("\n"));
    insta::assert_snapshot!(text_error(&text), @"
    t.csv, line 258: the sizes up to here add up to more than 288.2 PB; is the size
    column in bytes?
    ");
    insta::assert_snapshot!(text_error("time,key,size\n0,a,1\n3155760001,a,1\n"), @"
    t.csv, line 3: this time lies more than 100 years from another in the trace; is
    the unit of time right? Say it with `--time-unit s|ms|us|ns`
    ");
    assert!(read(b"time,key,size\n0,a,1\n3155760000,a,1\n", &DETECT).is_ok());
}

#[test]
fn oracle_general_that_is_not() {
    let options = ReadOptions { format: Some(Format::OracleGeneral), ..DETECT };
    let mut bytes = oracle_record(1, 2, 3, -1);
    bytes.extend(&oracle_record(1, 2, 3, -1)[..10]);
    insta::assert_snapshot!(error(&bytes, &options), @"
    t.csv, record 2: the last record has 10 of its 24 bytes: the file is cut short,
    or is not oracleGeneral
    ");
    insta::assert_snapshot!(error(b"time,key,size\n0,a,1\n1,a,1\n", &options), @"
    t.csv, record 1: this is not oracleGeneral: the number of the next request to
    the object cannot be 3197885799545777249; name another `--format`
    ");
    let options = ReadOptions { key_column: Some(Column::Number(1)), ..options };
    insta::assert_snapshot!(error(&bytes, &options), @"
    t.csv: the columns of oracleGeneral are fixed; leave out the flags that name
    columns, or read it as `--format csv`
    ");
}

/// Gives some bytes and then fails, as a disk may.
struct Failing<'a>(&'a [u8]);

impl Read for Failing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            // EIO: the operating system's, not a decoder's.
            0 => Err(io::Error::from_raw_os_error(5)),
            n_bytes => Ok(n_bytes),
        }
    }
}

#[test]
fn a_disk_that_fails_is_not_taken_for_damage() {
    let text = "time,key,size\n".to_owned() + &"1,a,2\n".repeat(20_000);
    for bytes in [text.as_bytes().to_vec(), gzip(text.as_bytes()), zstd(text.as_bytes())] {
        let half = &bytes[..bytes.len() / 2];
        let err = trace::read("t.csv", Failing(half), &DETECT, &mut |_| ()).unwrap_err();
        assert!(matches!(err.kind(), ErrorKind::Io(_)), "{err}");
        assert_eq!(err.position(), Position::Whole);
        assert!(err.to_string().starts_with("t.csv: cannot be read: "), "{err}");
    }
}
