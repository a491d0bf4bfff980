//! Traces that are well, in every format, delimiter and compression.

use std::fmt::Write;

use trace::{Column, Compression, Format, KnownBy, Profile, ReadOptions, TimeScale, TimeUnit};
use units::ObjectId;

use crate::{folded, gzip, notes, oracle_record, read, read_text, shown, zstd};

const DETECT: ReadOptions = ReadOptions::DETECT;

#[track_caller]
fn check(text: &str, expect: &str) {
    assert_eq!(shown(&read_text(text)), expect);
}

const TWO: &str = "0 a 10 get\n1.5 b 20 get";

#[test]
fn any_delimiter_line_end_and_quotes() {
    check("time,key,size\n5,a,10\n6.5,b,20\n", TWO);
    check("time;key;size\n5;a;10\n6.5;b;20", TWO);
    check("time\tkey\tsize\n5\ta\t10\n6.5\tb\t20\n", TWO);
    check("time|key|size\n5|a|10\n6.5|b|20\n", TWO);
    check("time key size\n5 a 10\n6.5  b 20 \n", TWO);
    check("\u{feff}time,key,size\r\n5,a,10\r\n6.5,b,20\r\n", TWO);
    check("\n\"time\",\"key\",\"size\"\n\n5,\"a\",10\n6.5,b,\"20\"\n\n", TWO);
    check("size,x,key,time\n10,,a,5\n20.0,\"1,\n2\",b,6.5\n", TWO);
    check("time,key,size\n0,\"a,\"\"b\"\"\",1\n", "0 a,\"b\" 1 get");
}

#[test]
fn operations_that_no_one_knows_are_not_said_to_move_nothing() {
    let trace =
        read_text("time,key,size,op\n0,a,1,r\n1,a,1,fetch\n2,a,1,HEAD\n3,a,1,W\n4,b,1,fetch\n");
    assert_eq!(shown(&trace), "0 a 1 get\n3 a 1 put");
    insta::assert_snapshot!(folded(&notes(&trace)), @"
    1 row that moves no object left out (HEAD: 1)
    2 rows left out whose operation
    is not known here (fetch: 2); GET, PUT, DELETE, read, write and the like are
    ");
}

#[test]
fn a_stretch_of_months_without_a_request_is_noted() {
    let check = |last_day: u64, expect: &str| {
        let rows = [0, 1, 2, 86_400 * last_day].map(|it| format!("{it},a,1\n")).concat();
        assert_eq!(notes(&read_text(&format!("time_s,key,size\n{rows}"))), expect);
    };
    check(20, "");
    check(
        100,
        "100.00d of 100.00d pass without a request, after the first 3 requests: are the times \
         right?",
    );
}

#[test]
fn operations_are_classified_counted_and_left_out() {
    let trace = read_text(
        "time,key,size,op\n0,a,1,PUT\n1,a,1,GET\n2,a,1,HEAD\n3,a,1,head\n4,a,,DELETE\n5,b,2,HEAD\n\
         6,a,1,REST.GET.OBJECT\n",
    );
    assert_eq!(shown(&trace), "0 a 1 put\n1 a 1 get\n4 a 0 delete\n6 a 1 get");
    assert_eq!(trace.n_objects(), 1);
    insta::assert_snapshot!(
        folded(&notes(&trace)),
        @"3 rows that move no object left out (HEAD: 2, head: 1)"
    );
}

#[test]
fn a_column_called_ttl_may_say_something_else() {
    let text = |name: &str| format!("time,key,size,{name}\n0,a,1,soon\n1,b,2,60\n");
    let trace = read_text(&text("TTL"));
    assert_eq!(shown(&trace), "0 a 1 get\n1 b 2 get");
    insta::assert_snapshot!(
        notes(&trace),
        @"column `TTL` left out: its first value is no time to live in seconds"
    );
    let err = read(text("ttl_s").as_bytes(), &DETECT).unwrap_err().to_string();
    assert!(
        err.starts_with("t.csv, line 2: column `ttl_s`: `soon` is not a time to live"),
        "{err}"
    );
}

#[test]
fn a_content_type_is_not_taken_for_an_operation() {
    let trace = read_text("time,key,size,type\n0,a,1,image/png\n1,b,2,get\n");
    assert_eq!(shown(&trace), "0 a 1 get\n1 b 2 get");
    let trace = read_text("time,key,size,type\n0,a,1,put\n1,b,2,get\n");
    assert_eq!(shown(&trace), "0 a 1 put\n1 b 2 get");
}

#[test]
fn time_that_runs_backwards_is_sorted_with_a_note_and_ids_stay_in_order() {
    let trace = read_text("time,key,size\n7,a,1\n5,b,2\n9,c,3\n5,d,4\n7,e,5\n");
    assert_eq!(shown(&trace), "0 b 2 get\n0 d 4 get\n2 a 1 get\n2 e 5 get\n4 c 3 get");
    let ids: Vec<u32> = trace.requests().iter().map(|it| it.object.0).collect();
    assert_eq!(ids, [0, 1, 2, 3, 4]);
    assert_eq!(*trace.key(ObjectId(1)), *b"d");
    insta::assert_snapshot!(
        notes(&trace),
        @"3 rows are earlier than one above (first at line 3): sorted by time"
    );
}

#[test]
fn the_unit_of_time_is_echoed() {
    #[track_caller]
    fn check(header: &str, times: [&str; 2], flag: Option<TimeUnit>, expect: &str) {
        let text = format!("{header},key,size\n{},a,10\n{},b,20\n", times[0], times[1]);
        let trace = read(text.as_bytes(), &ReadOptions { time_unit: flag, ..DETECT }).unwrap();
        assert_eq!(shown(&trace), TWO);
        let source = trace.source();
        let start = source.start.map_or("no date".to_owned(), |it| it.to_string());
        let found = format!("{}, {}, {start}", source.time_scale, source.time_known_by);
        assert_eq!(found, expect);
    }
    let millis = ["1497916826626", "1497916828126"];
    let date = "2017-06-20T00:00:26.626Z";
    check(
        "time",
        millis,
        None,
        &format!("milliseconds, by the magnitude of the first value, {date}"),
    );
    check("time_ms", millis, None, &format!("milliseconds, by the column's name, {date}"));
    check("time (us)", ["0", "1500000"], None, "microseconds, by the column's name, no date");
    check(
        "time",
        ["1", "1500000001"],
        Some(TimeUnit::Nanos),
        "nanoseconds, as told by `--time-unit`, no date",
    );
    check("time_s", ["0", "1.5"], None, "seconds, by the column's name, no date");
    check("time", ["0", "1.5"], None, "seconds, assumed; `--time-unit` says otherwise, no date");
    check(
        "date",
        ["2017-06-20 00:00:26.626", "2017-06-20T02:00:28.126+02:00"],
        None,
        &format!(
            "date-times, UTC unless they say otherwise, by the form of the first value, {date}"
        ),
    );
}

#[test]
fn columns_are_named_by_flags_and_echoed() {
    let name = |it: &str| Some(Column::Name(it.to_owned()));
    let options = ReadOptions {
        time_column: name("when"),
        key_column: Some(Column::Number(3)),
        op_column: name("what"),
        ..DETECT
    };
    let text = "when,what,who,size,key\n5,read,a,10,x\n6.5,read,b,20,y\n";
    let trace = read(text.as_bytes(), &options).unwrap();
    assert_eq!(shown(&trace), TWO);
    insta::assert_snapshot!(
        folded(&trace.source().to_string()),
        @"
    delimited text; columns: time `when`, key `who`, size `size`, operation `what`;
    time in seconds (assumed; `--time-unit` says otherwise)
    "
    );
}

#[test]
fn a_file_without_a_header_is_read_by_numbers() {
    let number = |it: usize| Some(Column::Number(it));
    // As the traces of Twitter are: time, key, key size, value size, client, operation, ttl.
    let options = ReadOptions {
        time_column: number(1),
        key_column: number(2),
        size_column: number(4),
        op_column: number(6),
        ..DETECT
    };
    let text = "0,k1,2,100,7,get,0\n1,k2,2,200,7,set,0\n";
    assert_eq!(shown(&read(text.as_bytes(), &options).unwrap()), "0 k1 100 get\n1 k2 200 put");
}

#[test]
fn the_first_row_of_a_file_without_a_header_counts() {
    let number = |it: usize| Some(Column::Number(it));
    let options = ReadOptions {
        time_column: number(1),
        key_column: number(2),
        size_column: number(3),
        op_column: number(4),
        ..DETECT
    };
    let check = |first: &str, expect: &str| {
        let text = format!("{first}\n6.5,b,20,get\n8,c,30,get\n");
        let text = |n_bad_max| read(text.as_bytes(), &ReadOptions { n_bad_max, ..options.clone() });
        let passed_over = text(1).unwrap();
        let found = match text(0) {
            Ok(trace) => shown(&trace).lines().next().unwrap().to_owned(),
            Err(err) => err.to_string(),
        };
        assert!(found.starts_with(expect), "{first}: {found}");
        let n_bad = u64::from(expect.starts_with("t.csv"));
        assert_eq!(passed_over.notes().len() as u64, n_bad, "{first}");
    };
    check("5,a,10,get", "0 a 10 get");
    check("5,a,,delete", "0 a 0 delete");
    check("5,a,-1,get", "t.csv, line 1: column `column 3`: `-1` is a size below zero");
    check("5,a,12x,get", "t.csv, line 1: column `column 3`: `12x` is not a size");
    check("-5,a,x,get", "t.csv, line 1: column `column 1`: `-5` is a time below zero");
    check("soon,a,10,get", "t.csv, line 1: column `column 1`: `soon` is not a number of seconds");
    // Names are names, though no one asks for them.
    check("when,who,size (B),what", "0 b 20 get");
    let dated = read(b"2017-06-20,a,,delete\n2017-06-21,a,5,get\n", &options).unwrap();
    assert_eq!(shown(&dated), "0 a 0 delete\n86400 a 5 get");
}

#[test]
fn webcachesim_needs_no_header() {
    check("5 1 10\n7 2 20 0.5 x\n", "0 1 10 get\n2 2 20 get");
    assert_eq!(read_text("5 1 10\n").source().columns.as_ref().unwrap().key, "id");
}

const IBM: &str = "\
,Unnamed: 0,host,http.request.duration,http.request.method,http.request.remoteaddr,\
http.request.uri,http.request.useragent,http.response.status,http.response.written,id,timestamp
1,1,h,0.5,GET,c,v2/n/r/blobs/b1,docker,200,72626.0,i,2017-06-20 00:00:03.589
2,2,h,0.5,GET,c,v2/n/r/manifests/m1,docker,200,500.0,i,2017-06-20 00:00:04
3,3,h,0.5,HEAD,c,v2/n/r/blobs/b1,docker,200,,i,2017-06-20 00:00:04
4,4,h,0.5,PUT,c,v2/n/r/blobs/b2,docker,201,9.0,i,2017-06-20 00:00:04
5,5,h,0.5,GET,c,v2/n/r/blobs/b3,\"docker, (x)\",206,10.0,i,2017-06-20 00:00:05.589
";

#[test]
fn of_the_ibm_registry_the_paper_replays_gets_of_blobs() {
    let trace = read_text(IBM);
    let expect = "0 v2/n/r/blobs/b1 72626 get\n2 v2/n/r/blobs/b3 10 get";
    assert_eq!(shown(&trace), expect);
    insta::assert_snapshot!(folded(&notes(&trace)), @"
    1 row that moves no object left out (HEAD: 1)
    2 rows left out (PUTs: 1,
    manifests: 1): only GETs of blobs, of any status, keyed by the whole URI are
    replayed
    ");
    insta::assert_snapshot!(
        folded(&trace.source().to_string()),
        @"
    IBM Docker registry CSV; columns: time `timestamp`, key `http.request.uri`,
    size `http.response.written`, operation `http.request.method`; time in
    date-times, UTC unless they say otherwise (by the form of the first value);
    GETs of blobs, of any status, keyed by the whole URI; starts
    2017-06-20T00:00:03.589Z
    "
    );
}

#[test]
fn oracle_general_is_read_if_named() {
    let mut bytes = oracle_record(100, 7, 10, 3);
    bytes.extend(oracle_record(101, 8, 20, -1));
    bytes.extend(oracle_record(103, 7, 10, i64::MAX));
    let options = ReadOptions { format: Some(Format::OracleGeneral), ..DETECT };
    for bytes in [bytes.clone(), zstd(&bytes)] {
        let trace = read(&bytes, &options).unwrap();
        assert_eq!(shown(&trace), "0 7 10 get\n1 8 20 get\n3 7 10 get");
        assert_eq!(trace.source().time_scale, TimeScale::Count(TimeUnit::Seconds));
        assert_eq!(trace.source().time_known_by, KnownBy::Format);
    }
}

/// Two of its bytes are those that gzip starts with.
#[test]
fn a_time_is_not_taken_for_gzip() {
    let options = ReadOptions { format: Some(Format::OracleGeneral), ..DETECT };
    for seconds in [0x5948_8b1f, 0x5908_8b1f, 0xe108_8b1f] {
        let bytes = [oracle_record(seconds, 7, 10, -1), oracle_record(seconds + 1, 8, 20, -1)];
        let trace = read(&bytes.concat(), &options);
        assert_eq!(shown(&trace.unwrap()), "0 7 10 get\n1 8 20 get", "{seconds:#x}");
    }
}

#[test]
fn copies_of_a_trace_have_one_hash() {
    // Long enough for many blocks of every decoder.
    let mut text = "time,key,size\n".to_owned();
    for number in 0..20_000 {
        writeln!(text, "{number},{},{}", number % 977, number % 31).unwrap();
    }
    let plain = read_text(&text);
    insta::assert_snapshot!(plain.hash(), @"319a4cc27fb459844ac22ec2a646ec96");
    let (head, tail) = text.as_bytes().split_at(50_001);
    let two_members = [gzip(head), gzip(tail)].concat();
    let two_frames = [zstd(head), zstd(tail)].concat();
    let skippable = [b"\x50\x2a\x4d\x18\x03\0\0\0abc", &zstd(text.as_bytes())[..]].concat();
    let padded = [two_members.clone(), vec![0; 40_000]].concat();
    let apart = [&gzip(head)[..], &[0; 512], &gzip(tail)].concat();
    for (bytes, compression) in [
        (gzip(text.as_bytes()), Compression::Gzip),
        (two_members, Compression::Gzip),
        (padded, Compression::Gzip),
        (apart, Compression::Gzip),
        (zstd(text.as_bytes()), Compression::Zstd),
        (two_frames, Compression::Zstd),
        (skippable, Compression::Zstd),
    ] {
        let trace = read(&bytes, &DETECT).unwrap();
        assert_eq!(trace.hash(), plain.hash());
        assert_eq!(trace.source().compression, compression);
    }
    let other = read_text(&text.replace("5,5,5\n", "5,5,6\n"));
    assert_ne!(other.hash(), plain.hash());
}

#[test]
fn zstd_windows_may_be_long() {
    let text = b"time,key,size\n0,a,1\n";
    // By hand, as `zstd --long=28` writes it: magic, descriptor, a window of 2^28, and one raw
    // block, the last.
    let n_bytes = u8::try_from(text.len()).unwrap();
    let mut frame = b"\x28\xb5\x2f\xfd\x00\x90".to_vec();
    frame.extend([n_bytes << 3 | 1, 0, 0]);
    frame.extend(text);
    assert_eq!(shown(&read(&frame, &DETECT).unwrap()), "0 a 1 get");
}

#[test]
fn progress_counts_the_bytes_of_the_file() {
    let bytes = gzip(b"time,key,size\n0,a,1\n");
    let mut seen = Vec::new();
    trace::read("t.gz", &bytes[..], &DETECT, &mut |n_bytes| seen.push(n_bytes)).unwrap();
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&(bytes.len() as u64)));
}

/// What the fuzz targets start from is well.
#[test]
fn every_seed_is_read() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut formats = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let ending = path.extension().unwrap().to_str().unwrap();
        if ending == "toml" {
            Profile::from_toml(name, std::str::from_utf8(&bytes).unwrap()).unwrap();
        } else if ending == "infinisim" {
            trace::read_columns(name, &bytes[..]).unwrap();
        } else {
            let options = ReadOptions { format: Format::from_file_name(name), ..DETECT };
            let read = read(&bytes, &options).unwrap_or_else(|err| panic!("{name}: {err}"));
            formats.insert(read.source().format_name);
        }
    }
    assert_eq!(formats.len(), Format::names().count(), "{formats:?}");
}
