//! What is written is read back.

use proptest::prelude::*;
use trace::{
    CsvWriter, Format, IbmJsonWriter, LcsVersion, Method, PackedCounts, ReadOptions,
    RegistryFilter, Trace, read_columns, write_columns, write_lcs, write_oracle_general,
    write_rows,
};
use units::Op;

use crate::{folded, notes, read, read_text, shown, written};

fn csv_of(trace: &Trace) -> Vec<u8> {
    written(trace, |out| Box::new(CsvWriter::new(out)))
}

fn read_oracle(bytes: &[u8]) -> Trace {
    let format = Some(Format::OracleGeneral);
    read(bytes, &ReadOptions { format, ..ReadOptions::DETECT }).unwrap()
}

#[test]
fn csv_has_plain_decimal_seconds() {
    let trace = read_text("time_ns,key,size,op\n5,a,1,put\n1500000006,\"b,c\",2,get\n");
    insta::assert_snapshot!(String::from_utf8(csv_of(&trace)).unwrap(), @r#"
    time_s,key,size,op
    0.000000000,a,1,put
    1.500000001,"b,c",2,get
    "#);
}

proptest! {
    #[test]
    fn csv_and_columns_are_read_back_to_the_same_trace(
        rows in prop::collection::vec(
            (0..u64::MAX / 8, "[ -~\n\"\u{e9}]{1,12}", 0..1_u64 << 40, 0..3_usize),
            1..50,
        ),
    ) {
        let mut text = csv::Writer::from_writer(Vec::new());
        text.write_record(["time_ns", "key", "size", "op"]).unwrap();
        for (time, key, size, op) in rows {
            let op = ["get", "put", "del"][op].to_owned();
            text.write_record([time.to_string(), key, size.to_string(), op]).unwrap();
        }
        let trace = read(&text.into_inner().unwrap(), &ReadOptions::DETECT).unwrap();
        let again = read(&csv_of(&trace), &ReadOptions::DETECT).unwrap();
        prop_assert_eq!(again.hash(), trace.hash());
        prop_assert_eq!(again.requests(), trace.requests());
        prop_assert_eq!(shown(&again), shown(&trace));
        let mut columns = Vec::new();
        write_columns(&trace, &mut columns).unwrap();
        let again = read_columns("t", &columns[..]).unwrap();
        prop_assert_eq!(again.requests(), trace.requests());
        prop_assert_eq!(shown(&again), shown(&trace));
        let cut = columns.len() / 2;
        prop_assert!(read_columns("t", &columns[..cut]).is_err());
        columns[cut] ^= 1;
        prop_assert!(read_columns("t", &columns[..]).is_err());
    }
}

#[test]
fn a_copy_keeps_the_start_and_what_is_said_aside() {
    let trace = read_text(
        "time,key,size,op,ttl_s,range_first,range_last\n\
         2017-06-20T00:00:00.123456789Z,a,9,put,60,,\n\
         2017-06-20T00:00:01Z,b,9,get,,2,3\n2017-06-20T00:00:02Z,a,9,get,,,\n",
    );
    let mut columns = Vec::new();
    write_columns(&trace, &mut columns).unwrap();
    let again = read_columns("t", &columns[..]).unwrap();
    let start = again.source().start.unwrap();
    assert_eq!(start.to_string(), "2017-06-20T00:00:00.123456789Z");
    assert_eq!(again.asides(), trace.asides());
    assert_eq!(shown(&again), shown(&trace));
    for index in 0..columns.len() {
        columns[index] ^= 1;
        assert!(read_columns("t", &columns[..]).is_err(), "byte {index} is another");
        columns[index] ^= 1;
    }
}

#[test]
fn oracle_general_is_read_back_but_for_fractions_and_operations() {
    let trace = read_text("time,key,size,op\n0,7,10,get\n1.9,8,20,get\n2.5,9,1,put\n3,7,10,get\n");
    let mut bytes = Vec::new();
    let counts = write_oracle_general(&trace, &mut bytes).unwrap();
    assert_eq!(counts, PackedCounts { n_written: 3, n_left_out: 1, n_cut: 1 });
    assert_eq!(shown(&read_oracle(&bytes)), "0 7 10 get\n1 8 20 get\n3 7 10 get");
    let nexts: Vec<i64> = bytes
        .chunks(24)
        .map(|record| i64::from_le_bytes(record[16..].try_into().unwrap()))
        .collect();
    assert_eq!(nexts, [3, -1, -1]);
}

#[test]
fn objects_without_numbers_get_some() {
    let check = |keys: [&str; 3], expect: &str| {
        let text = format!("time,key,size\n0,{},1\n1,{},2\n2,{},3\n", keys[0], keys[1], keys[2]);
        let mut bytes = Vec::new();
        write_oracle_general(&read_text(&text), &mut bytes).unwrap();
        assert_eq!(shown(&read_oracle(&bytes)), expect);
    };
    check(["5", "0", "5"], "0 5 1 get\n1 0 2 get\n2 5 3 get");
    let largest = u64::MAX.to_string();
    let expect = format!("0 {largest} 1 get\n1 0 2 get\n2 {largest} 3 get");
    check([&largest, "0", &largest], &expect);
    check(["x", "5", "x"], "0 0 1 get\n1 1 2 get\n2 0 3 get");
    check(["7", "07", "7"], "0 0 1 get\n1 1 2 get\n2 0 3 get");
}

#[test]
fn what_oracle_general_has_no_room_for_is_refused() {
    let trace = read_text("time,key,size\n0,a,4294967295\n1,b,4294967296\n");
    let err = write_oracle_general(&trace, Vec::new()).unwrap_err().to_string();
    insta::assert_snapshot!(folded(&err), @"
    request 2 (key `b`) is of 4294967296 bytes, and oracleGeneral holds at most
    4294967295; clamp sizes with `--clamp-size 4GB`, or write CSV or lcs version 3
    ");
}

/// Takes no bytes, as a full disk.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_said() {
    let trace = read_text("time,key,size\n0,a,1\n");
    assert!(write_rows(&trace, &mut CsvWriter::new(Full)).is_err());
    let err = write_oracle_general(&trace, Full).unwrap_err().to_string();
    assert_eq!(err, "cannot be written: no storage space");
}

/// A trace of whole seconds and numbered keys, which every packed format can hold but for what its
/// version has no room for: of GET, PUT and DELETE the first `n_ops`.
fn numbered(rows: &[(u32, u64, u64, usize, Option<u32>)], n_ops: usize) -> Trace {
    let mut text = "time_s,key,size,op,ttl_s\n".to_owned();
    for (time, key, size, op, ttl_s) in rows {
        let op = ["get", "put", "del"][op % n_ops];
        let ttl_s = ttl_s.map_or(String::new(), |it| it.to_string());
        text.push_str(&format!("{time},{key},{size},{op},{ttl_s}\n"));
    }
    read_text(&text)
}

/// Notes on lines of a text with a header, as they would be on records.
fn by_record(notes: &str) -> String {
    let mut pieces = notes.split("line ");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |before, piece| {
        let n_digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let line: u64 = piece[..n_digits].parse().unwrap();
        format!("{before}record {}{}", line - 1, &piece[n_digits..])
    })
}

proptest! {
    /// Of packed records many are looked at together, if none is peculiar.
    #[test]
    fn peculiar_records_among_many_are_read_as_rows_of_text_are(
        rows in prop::collection::vec((0..3_u32, 0..50_u64, 1..100_i64, 0..300_u32), 1..300),
    ) {
        let mut text = "time_s,key,size,op,ttl_s\n".to_owned();
        let mut bytes = Vec::new();
        write_lcs(&numbered(&[(0, 0, 1, 0, None)], 1), LcsVersion::V3, &mut bytes).unwrap();
        bytes.truncate(bytes.len() - 36);
        let (mut time, mut n_bad) = (1_000, 0);
        for (pause, mut key, mut size, peculiarity) in rows {
            time += pause;
            let (mut op, mut ttl_s) = ("get", 0);
            match peculiarity {
                0 => time -= 500.min(time),
                1 => size = 0,
                2 | 8 | 9 => key = u64::MAX,
                3 => ttl_s = 7,
                4 => (op, size) = ("del", 0),
                5 => op = "put",
                6 => (size, n_bad) = (-size, n_bad + 1),
                7 => op = "unknown",
                _ => {}
            }
            let ttl = if ttl_s == 0 { String::new() } else { ttl_s.to_string() };
            text.push_str(&format!("{time},{key},{size},{op},{ttl}\n"));
            bytes.extend(time.to_le_bytes());
            bytes.extend(key.to_le_bytes());
            bytes.extend(size.to_le_bytes());
            let op = match op { "get" => 1, "put" => 3, "del" => 9, _ => 99 };
            bytes.extend([op, 0, 0, 0]);
            bytes.extend(u32::to_le_bytes(ttl_s));
            bytes.extend((-1_i64).to_le_bytes());
        }
        let read = |bytes: &[u8], n_bad_max| {
            let options = ReadOptions { n_bad_max, ..ReadOptions::DETECT };
            read(bytes, &options).map(|it| (shown(&it), it.n_objects(), notes(&it)))
        };
        let (packed, rows) = (read(&bytes, n_bad), read(text.as_bytes(), n_bad));
        prop_assert_eq!(packed.is_ok(), rows.is_ok());
        if let (Ok(packed), Ok((rows, n_objects, notes))) = (packed, rows) {
            let notes = by_record(&notes);
            prop_assert_eq!(packed, (rows, n_objects, notes));
        }
        prop_assert!(n_bad == 0 || read(&bytes, n_bad - 1).is_err());
    }

    #[test]
    fn packed_formats_are_read_back_to_the_same_trace(
        rows in prop::collection::vec(
            (0..3_000_000_000_u32, any::<u64>(), 0..=u64::from(u32::MAX), 0..3_usize, Just(None)),
            1..40,
        ),
    ) {
        let gets = numbered(&rows, 1);
        let mut bytes = Vec::new();
        write_oracle_general(&gets, &mut bytes).unwrap();
        prop_assert_eq!(shown(&read_oracle(&bytes)), shown(&gets));
        for (version, n_ops) in [(LcsVersion::V1, 1), (LcsVersion::V2, 3), (LcsVersion::V3, 3)] {
            let trace = numbered(&rows, n_ops);
            let mut bytes = Vec::new();
            write_lcs(&trace, version, &mut bytes).unwrap();
            let again = read(&bytes, &ReadOptions::DETECT).unwrap();
            prop_assert_eq!(again.hash(), trace.hash());
            prop_assert_eq!(shown(&again), shown(&trace));
        }
    }

    #[test]
    fn lcs_version_3_keeps_large_sizes_and_times_to_live(
        rows in prop::collection::vec(
            (
                0..3_000_000_000_u32,
                0..9_u64,
                0..1_u64 << 50,
                0..3_usize,
                prop::option::of(1..=u32::MAX),
            ),
            1..40,
        ),
    ) {
        let trace = numbered(&rows, 3);
        let mut bytes = Vec::new();
        write_lcs(&trace, LcsVersion::V3, &mut bytes).unwrap();
        let again = read(&bytes, &ReadOptions::DETECT).unwrap();
        prop_assert_eq!(shown(&again), shown(&trace));
        prop_assert_eq!(again.asides(), trace.asides());
    }

    #[test]
    fn registry_json_is_read_back_to_the_same_trace(
        rows in prop::collection::vec(
            (0..10_u64.pow(11), "[a-z0-9]{1,8}/[a-z]{1,3}", any::<u32>(), 0..3_usize),
            1..40,
        ),
    ) {
        let mut text = "time_ms,key,size,op\n".to_owned();
        for (time, name, size, op) in rows {
            let op = ["get", "put", "del"][op];
            text.push_str(&format!("{time},v2/{name}/blobs/{size:x},{size},{op}\n"));
        }
        let trace = read_text(&text);
        let bytes = written(&trace, |out| Box::new(IbmJsonWriter::new(out)));
        let methods = [Op::Get, Op::Put, Op::Delete].map(Method).to_vec();
        let registry = RegistryFilter { methods, ..RegistryFilter::PAPER };
        let again = read(&bytes, &ReadOptions { registry, ..ReadOptions::DETECT }).unwrap();
        prop_assert_eq!(shown(&again), shown(&trace));
    }

    /// Whatever a key is: what is no URI of a blob becomes one.
    #[test]
    fn registry_json_is_read_back_to_the_same_requests(
        keys in prop::collection::vec(
            prop_oneof!["[ -~]{1,12}", "/?(v2/)?([ab]/|blobs/|uploads/|manifests/){0,5}[a-c]?"],
            1..40,
        ),
    ) {
        let mut text = csv::Writer::from_writer(Vec::new());
        text.write_record(["time_ms", "key", "size"]).unwrap();
        for (time, key) in keys.iter().enumerate().filter(|(_, key)| !key.is_empty()) {
            text.write_record([&time.to_string(), key, "5"]).unwrap();
        }
        text.write_record(["1000", "last", "5"]).unwrap();
        let trace = read(&text.into_inner().unwrap(), &ReadOptions::DETECT).unwrap();
        let bytes = written(&trace, |out| Box::new(IbmJsonWriter::new(out)));
        let again = read(&bytes, &ReadOptions::DETECT).unwrap();
        prop_assert_eq!(again.requests(), trace.requests());
    }
}
