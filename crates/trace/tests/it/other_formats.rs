//! A small fixture for each of the formats that others publish.

use std::io;

use trace::{
    Format, IbmJsonWriter, LcsVersion, Method, PackedCounts, ReadOptions, RegistryFilter,
    Resources, Selection, Trace, read_files, write_lcs, write_oracle_general,
};
use units::{Bytes, Op};

use crate::{folded, gzip, notes, read, read_text, shown, written, zstd};

const DETECT: ReadOptions = ReadOptions::DETECT;

/// The format as recognised, the rows, and the notes.
fn understood(bytes: &[u8], options: &ReadOptions) -> String {
    let trace = read(bytes, options).unwrap();
    let notes: Vec<String> = notes(&trace).lines().map(folded).collect();
    format!("{}\n{}\n{}", folded(&trace.source().to_string()), shown(&trace), notes.join("\n"))
}

fn detected(text: &str) -> String {
    understood(text.as_bytes(), &DETECT)
}

/// A record as the registry logs it.
fn record(time: &str, method: &str, uri: &str, status: u16, size: &str) -> String {
    format!(
        r#"{{"host":"786b3803","http.request.duration":0.98,"http.request.method":"{method}",
         "http.request.remoteaddr":"d51e1ab3","http.request.uri":"{uri}",
         "http.request.useragent":"docker/1.10.0 \"q\"","http.response.status":{status},
         "http.response.written":{size},"id":"d8396d1555","timestamp":"{time}"}}"#
    )
}

fn registry() -> String {
    let records = [
        record("2017-06-20T00:00:03.589Z", "GET", "v2/64/ee/blobs/79", 200, "72626"),
        record("2017-06-20T00:00:01Z", "GET", "v2/64/ee/blobs/80", 206, "5.0"),
        record("2017-06-20T00:00:02.000Z", "GET", "v2", 200, "2"),
        record("2017-06-20T00:00:02.100Z", "HEAD", "v2/64/ee/blobs/80", 200, "0"),
        record("2017-06-20T00:00:02.200Z", "GET", "v2/64/ee/manifests/1", 200, "700"),
        record("2017-06-20T00:00:04.000Z", "PUT", "v2/64/ee/blobs/79", 201, "72626"),
    ];
    format!("[{}]", records.join(",\n"))
}

#[test]
fn ibm_registry_json() {
    insta::assert_snapshot!(detected(&registry()), @"
    IBM Docker registry JSON; columns: time `timestamp`, key `http.request.uri`,
    size `http.response.written`, operation `http.request.method`; time in
    date-times, UTC unless they say otherwise (by the form of the first value);
    GETs of blobs, of any status, keyed by the whole URI; starts
    2017-06-20T00:00:01Z
    0 v2/64/ee/blobs/80 5 get
    2.589 v2/64/ee/blobs/79 72626 get
    1 row is earlier than one above (first at record 2): sorted by time
    1 row that moves no object left out (HEAD: 1)
    3 rows left out (PUTs: 1, manifests: 1, pings: 1): only GETs of blobs, of any
    status, keyed by the whole URI are replayed
    ");
    let bytes = gzip(registry().as_bytes());
    assert_eq!(read(&bytes, &DETECT).unwrap().hash(), read_text(&registry()).hash());
}

#[test]
fn ibm_registry_json_as_a_user_selects_it() {
    let registry_filter = RegistryFilter {
        methods: vec![Method(Op::Get), Method(Op::Put)],
        resources: Resources::All,
        statuses: vec![200, 201],
    };
    let options = ReadOptions { registry: registry_filter, ..DETECT };
    insta::assert_snapshot!(understood(registry().as_bytes(), &options), @"
    IBM Docker registry JSON; columns: time `timestamp`, key `http.request.uri`,
    size `http.response.written`, operation `http.request.method`; time in
    date-times, UTC unless they say otherwise (by the form of the first value);
    GETs and PUTs of blobs and manifests, of status 200 or 201, keyed by the whole
    URI; starts 2017-06-20T00:00:02.2Z
    0 v2/64/ee/manifests/1 700 get
    1.389 v2/64/ee/blobs/79 72626 get
    1.8 v2/64/ee/blobs/79 72626 put
    1 row is earlier than one above (first at record 5): sorted by time
    1 row that moves no object left out (HEAD: 1)
    2 rows left out (of another status: 1, pings: 1): only GETs and PUTs of blobs
    and manifests, of status 200 or 201, keyed by the whole URI are replayed
    ");
}

#[test]
fn ibm_registry_json_that_is_not_well() {
    let error = |text: &str| folded(&read(text.as_bytes(), &DETECT).unwrap_err().to_string());
    let good = record("2017-06-20T00:00:03.589Z", "GET", "v2/64/ee/blobs/79", 200, "7");
    insta::assert_snapshot!(error(&format!("[{good},")), @"
    t.csv, record 2: the text stops before the list is closed at byte 341, near ``;
    is the file whole, and JSON?
    ");
    insta::assert_snapshot!(error(&format!("[{good},{}", &good[..90])), @r#"
    t.csv, record 2: the text stops in the middle of a record at byte 431, near
    `"GET",\n         "htt`; is the file whole, and JSON?
    "#);
    insta::assert_snapshot!(error(&format!("[{good},{}]", good.replace(":7", ":-7"))), @"
    t.csv, record 2: column `http.response.written`: `-7` is a size below zero;
    remove the row, or correct it to a whole number of bytes
    ");
    insta::assert_snapshot!(error(&format!("[{good},{}]", good.replace(":7", ":null"))), @"
    t.csv, record 2: the record has no field `http.response.written`; complete or
    remove it, or allow it by `--skip-bad`
    ");
    insta::assert_snapshot!(error(&format!("[{}]", good.replace("2017-06", "2017-16"))), @"
    t.csv, record 1: column `timestamp`: `2017-16-20T00:00:03.589Z` is not a
    date-time; it is written `2017-06-20 00:00:26.626`, with `T`, `Z` or an offset
    such as `+02:00` if need be
    ");
    insta::assert_snapshot!(error("[]"), @"t.csv: there is a header but no row below it");
}

#[test]
fn bad_rows_are_passed_over_as_many_as_allowed() {
    let text = "time,key,size\n0,a,1\n1,b,x\n2,c\n3,d,4\n";
    let options = |n_bad_max| ReadOptions { n_bad_max, ..DETECT };
    insta::assert_snapshot!(understood(text.as_bytes(), &options(2)), @"
    delimited text; columns: time `time`, key `key`, size `size`, no operation
    (every row is a GET); time in seconds (assumed; `--time-unit` says otherwise)
    0 a 1 get
    3 d 4 get
    2 bad rows passed over (first at line 3: column `size`: `x` is not a size; a
    size is a whole number of bytes, such as `72626` or `72626.0`)
    ");
    let err = read(text.as_bytes(), &options(1)).unwrap_err().to_string();
    assert!(err.starts_with("t.csv, line 4: the row has 2 fields"), "{err}");
    let record = |size| record("2017-06-20T00:00:03Z", "GET", "v2/64/ee/blobs/79", 200, size);
    let text = format!("[{},{},{}]", record("NaN"), record("1"), record("-1"));
    let trace = read(text.as_bytes(), &options(2)).unwrap();
    assert_eq!(trace.requests().len(), 1);
}

#[test]
fn ibm_cloud_object_store() {
    insta::assert_snapshot!(detected(
        "1219008 REST.PUT.OBJECT 8d4fcda3d675bac9 1056\r\n\
         1221974 REST.HEAD.OBJECT 39d177fb735ac5df 528\r\n\
         1232437 REST.GET.OBJECT 8d4fcda3d675bac9 1056 0 1055\r\n\
         1232777 REST.GET.OBJECT 8d4fcda3d675bac9 1056 0 99\r\n\
         1234000 REST.GET.OBJECT 95f8b5fd6bdfc4cd 0 0 -1\r\n\
         1234545 REST.DELETE.OBJECT 8d4fcda3d675bac9\r\n"
    ), @"
    IBM Cloud Object Store text; columns: time `time`, key `key`, size `size`,
    operation `operation`; time in milliseconds (by the format)
    0 8d4fcda3d675bac9 1056 put
    13.429 8d4fcda3d675bac9 1056 get
    13.769 8d4fcda3d675bac9 1056 get bytes 0-99
    14.992 95f8b5fd6bdfc4cd 0 get
    15.537 8d4fcda3d675bac9 0 delete
    1 request is for an object of 0 bytes (first at line 5): kept
    1 request for a range of bytes, taken as the whole object
    1 row that moves no object left out (REST.HEAD.OBJECT: 1)
    ");
}

#[test]
fn twitter_clusters() {
    insta::assert_snapshot!(detected(
        "0,nz:u:eeW511W3,48,27,66,get,0\n0,nz:u:eeW511W3,48,27,66,set,3600\n\
         1,q:q:1:8WTfjZ,14,0,4,delete,0\n2,q:q:1:8WTfjZ,14,6,4,incr,0\n"
    ), @"
    Twitter cache CSV; columns: time `timestamp`, key `key`, size `key size + value
    size`, operation `op`; time in seconds (assumed; `--time-unit` says otherwise)
    0 nz:u:eeW511W3 75 get
    0 nz:u:eeW511W3 75 put ttl 3600
    1 q:q:1:8WTfjZ 14 delete
    2 q:q:1:8WTfjZ 20 put
    1 request with a time to live, which no model looks at
    ");
}

#[test]
fn cache_lib_by_the_names_of_its_columns() {
    insta::assert_snapshot!(detected(
        "key,op,size,op_count,key_size\nk1,GET,87,2,48\nk2,SET,5,1,48\nk1,GET_LEASE,87,1,48\n"
    ), @"
    CacheLib key-value CSV; columns: time `none`, key `key`, size `size`, operation
    `op`; time in seconds (it has none: a row a second is assumed)
    0 k1 87 get
    0 k1 87 get
    1 k2 5 put
    2 k1 87 get
    ");
    // Files without times follow one another.
    let header = "key,op,size,op_count,key_size\n";
    let files = ["a,GET,1,1,48\na,GET,1,1,48\n", "b,GET,1,1,48\na,GET,1,1,48\n"];
    let files = files.map(|it| format!("{header}{it}"));
    let all = read_all(&[&files[0], &files[1]], &mut |_| ()).unwrap();
    let rows: Vec<String> =
        all.rows().map(|it| format!("{}", String::from_utf8_lossy(&it.key))).collect();
    assert_eq!(rows, ["a", "a", "b", "a"]);
    insta::assert_snapshot!(detected(
        "op_time,key,key_size,op,op_count,size,cache_hits,ttl,usecase,sub_usecase\n\
         604038471,8213,48,GET,1,87,1,0,366,300\n604038473,8213,48,SET,1,87,1,60,366,300\n"
    ), @"
    CacheLib key-value CSV; columns: time `op_time`, key `key`, size `size`,
    operation `op`; time in seconds (assumed; `--time-unit` says otherwise)
    0 8213 87 get
    2 8213 87 put ttl 60
    1 request with a time to live, which no model looks at
    ");
}

#[test]
fn meta_cdn() {
    insta::assert_snapshot!(detected(
        "timestamp,cacheKey,OpType,objectSize,responseSize,responseHeaderSize,rangeStart,rangeEnd,\
         TTL,SamplingRate,cache_hit\n\
         1678900000,111,1,5000,5000,300,-1,-1,86400,0.2,1\n\
         1678900001,112,1,-1,700,300,0,699,-1,0.2,0\n"
    ), @"
    Meta CDN CSV; columns: time `timestamp`, key `cacheKey`, size `objectSize`,
    operation `OpType`; time in seconds (by the magnitude of the first value);
    starts 2023-03-15T17:06:40Z
    0 111 5000 get ttl 86400
    1 112 700 get bytes 0-699
    1 request for a range of bytes, taken as the whole object
    1 request with a time to live, which no model looks at
    ");
}

#[test]
fn azure_functions() {
    insta::assert_snapshot!(detected(
        "Timestamp,AnonRegion,AnonUserId,AnonAppName,AnonFunctionInvocationId,AnonBlobName,\
         BlobType,AnonBlobETag,BlobBytes,Read,Write\n\
         1606150800012,r,u,a,i,blob1,BlockBlob/,tag1,35.0,False,True\n\
         1606150801012,r,u,a,i,blob1,BlockBlob/,tag1,35.0,True,False\n"
    ), @"
    Azure Functions blob CSV; columns: time `Timestamp`, key `AnonBlobName`, size
    `BlobBytes`, operation `Read, Write`; time in milliseconds (by the format);
    starts 2020-11-23T17:00:00.012Z
    0 blob1 35 put
    1 blob1 35 get
    ");
}

#[test]
fn tencent_photos() {
    insta::assert_snapshot!(detected(
        "20160201000000 4b7a 0 o 3122 1 0 5\n20160201000001 4b7a 5 o 1900 0 1 9\n"
    ), @"
    Tencent photo text; columns: time `time`, key `photo_id/format/size_class`,
    size `return_size`, no operation (every row is a GET); time in date-times, UTC
    unless they say otherwise (by the format); starts 2016-02-01T00:00:00Z
    0 4b7a/0/o 3122 get
    1 4b7a/5/o 1900 get
    ");
}

fn lcs(trace: &Trace, version: LcsVersion) -> (Vec<u8>, PackedCounts) {
    let mut bytes = Vec::new();
    let counts = write_lcs(trace, version, &mut bytes).unwrap();
    (bytes, counts)
}

#[test]
fn lcs_is_read_back_as_far_as_its_version_goes() {
    let trace = read_text("time,key,size,op\n0,7,10,get\n1,8,20,put\n2,7,10,get\n3,8,20,delete\n");
    let (bytes, counts) = lcs(&trace, LcsVersion::V1);
    assert_eq!(counts, PackedCounts { n_written: 2, n_left_out: 2, n_cut: 0 });
    assert_eq!(shown(&read(&bytes, &DETECT).unwrap()), "0 7 10 get\n2 7 10 get");
    for version in [LcsVersion::V2, LcsVersion::V3] {
        let (bytes, counts) = lcs(&trace, version);
        assert_eq!(counts, PackedCounts { n_written: 4, n_left_out: 0, n_cut: 0 });
        for bytes in [zstd(&bytes), bytes] {
            assert_eq!(shown(&read(&bytes, &DETECT).unwrap()), shown(&trace));
        }
    }
    let kept = read_text("time,key,size,op,ttl\n0,7,10,get,\n1,8,20,put,60\n");
    let (bytes, _) = lcs(&kept, LcsVersion::V3);
    assert_eq!(shown(&read(&bytes, &DETECT).unwrap()), "0 7 10 get\n1 8 20 put ttl 60");
    let large = read_text("time,key,size\n0,7,4294967296\n");
    let (bytes, _) = lcs(&large, LcsVersion::V3);
    assert_eq!(shown(&read(&bytes, &DETECT).unwrap()), "0 7 4294967296 get");
    let err = write_lcs(&large, LcsVersion::V2, Vec::new()).unwrap_err().to_string();
    assert!(err.contains("and lcs version 2 holds at most 4294967295"), "{err}");
}

/// The statistics of a header of lcs, from the requests on.
#[track_caller]
fn check_header(trace: &Trace, version: LcsVersion, expect: [u64; 11]) {
    let (bytes, _) = lcs(trace, version);
    let word = |index: usize| {
        u64::from_le_bytes(bytes[8 * index..8 * (index + 1)].try_into().expect("8 bytes"))
    };
    assert_eq!(std::array::from_fn::<u64, 11, _>(|it| word(it + 3)), expect, "{version:?}");
}

#[test]
fn the_header_of_lcs_is_of_what_is_written() {
    let trace = read_text(
        "time,key,size,op\n0,5,900,put\n1,7,10,get\n2,8,1,put\n3,8,20,get\n4,7,12,get\n\
         5,7,0,delete\n6,9,2,put\n",
    );
    // Requests, objects, their bytes, first and last time, GETs, PUTs, DELETEs, sizes.
    check_header(&trace, LcsVersion::V1, [3, 2, 42, 32, 1, 4, 3, 0, 0, 12, 20]);
    for version in [LcsVersion::V2, LcsVersion::V3] {
        check_header(&trace, version, [7, 4, 945, 934, 0, 6, 3, 3, 1, 2, 900]);
    }
    let selection = Selection { min_size: Some(Bytes::new(15)), ..Selection::ALL };
    let later = selection.apply(trace).unwrap();
    check_header(&later, LcsVersion::V1, [1, 1, 20, 20, 3, 3, 1, 0, 0, 20, 20]);
}

#[test]
fn a_packed_trace_of_no_gets_is_refused() {
    let trace = read_text("time,key,size,op\n0,5,900,put\n1,7,10,delete\n");
    let mut bytes = Vec::new();
    let err = write_lcs(&trace, LcsVersion::V1, &mut bytes).unwrap_err().to_string();
    insta::assert_snapshot!(folded(&err), @"
    none of the 2 requests is a GET, and lcs version 1 holds nothing else; write
    CSV or lcs version 3
    ");
    assert!(bytes.is_empty());
    assert!(write_oracle_general(&trace, &mut bytes).is_err());
    assert!(bytes.is_empty());
    assert_eq!(
        lcs(&trace, LcsVersion::V2).1,
        PackedCounts { n_written: 2, n_left_out: 0, n_cut: 0 }
    );
}

#[test]
fn lcs_that_is_not() {
    let trace = read_text("time,key,size\n0,7,10\n");
    let (good, _) = lcs(&trace, LcsVersion::V3);
    let error = |bytes: &[u8]| read(bytes, &DETECT).unwrap_err().to_string();
    let mut old = good.clone();
    old[8_184..8_192].fill(0);
    old.copy_within(0..8, 1_016);
    insta::assert_snapshot!(error(&old), @"t.csv: this lcs file has the old header of 1024 bytes; convert it with a libCacheSim of 2024-12 or later");
    insta::assert_snapshot!(error(&good[..100]), @"t.csv: this lcs file has no whole header; convert it with a libCacheSim of 2024-12 or later");
    let mut newer = good.clone();
    newer[8] = 9;
    insta::assert_snapshot!(error(&newer), @"t.csv: this lcs file is of a version above 3; convert it with a libCacheSim of 2024-12 or later");
    insta::assert_snapshot!(error(&good[..good.len() - 1]), @"t.csv, record 1: the last record has 35 of its 36 bytes: the file is cut short, or is not lcs");
    let forced = ReadOptions { format: Some(Format::Lcs), ..DETECT };
    insta::assert_snapshot!(read(b"time,key,size\n", &forced).unwrap_err(), @"t.csv: this lcs file does not start with the mark of one; convert it with a libCacheSim of 2024-12 or later");
}

#[test]
fn registry_json_is_written_as_it_is_read() {
    let text = "time,key,size,op\n0.001,v2/a/b/blobs/c,10,get\n1.5,v2/a/b/blobs/c,10,put\n\
                90000.25,7,20,get\n";
    let trace = read_text(text);
    let bytes = written(&trace, |out| Box::new(IbmJsonWriter::new(out)));
    let registry =
        RegistryFilter { methods: vec![Method(Op::Get), Method(Op::Put)], ..RegistryFilter::PAPER };
    let options = ReadOptions { registry, ..DETECT };
    insta::assert_snapshot!(understood(&bytes, &options), @"
    IBM Docker registry JSON; columns: time `timestamp`, key `http.request.uri`,
    size `http.response.written`, operation `http.request.method`; time in
    date-times, UTC unless they say otherwise (by the form of the first value);
    GETs and PUTs of blobs, of any status, keyed by the whole URI; starts
    2017-06-20T00:00:00Z
    0 v2/a/b/blobs/c 10 get
    1.499 v2/a/b/blobs/c 10 put
    90000.249 v2/0000184a/000052b6/blobs/7 20 get
    ");
    let again = read(&bytes, &options).unwrap();
    assert_eq!(again.requests(), trace.requests());
}

/// Reads these files as one trace.
fn read_all(files: &[&str], progress: &mut dyn FnMut(u64)) -> Result<Trace, String> {
    let files = files.iter().enumerate().map(|(number, text)| {
        let file = io::Result::Ok(io::Cursor::new(text.as_bytes().to_vec()));
        (format!("file-{}", number + 1), file)
    });
    read_files("all", files, &DETECT, progress).map_err(|it| it.to_string())
}

#[test]
fn files_are_merged_by_time() {
    let file = |rows: &[(u32, &str)]| {
        let rows: Vec<String> =
            rows.iter().map(|(time, key)| format!("{time},{key},1\n")).collect();
        format!("time,key,size\n{}", rows.concat())
    };
    let first = file(&[(0, "a"), (5, "b"), (3, "c")]);
    let second = file(&[(4, "d"), (9, "e"), (7, "a")]);
    let third = file(&[(1, "f")]);
    let mut n_bytes = 0;
    let trace = read_all(&[&first, &second, &third], &mut |it| n_bytes = it).unwrap();
    let expect = "0 a 1 get\n1 f 1 get\n3 c 1 get\n4 d 1 get\n5 b 1 get\n7 a 1 get\n9 e 1 get";
    assert_eq!(shown(&trace), expect);
    assert_eq!(n_bytes, (first.len() + second.len() + third.len()) as u64);
    assert_eq!(trace.source().n_files, 3);
    let note = "4 rows are earlier than one above (first at line 4 of `file-1`): sorted by time";
    assert_eq!(notes(&trace), note);
    let trace = read_all(&[&third, &file(&[(2, "g")]), &second], &mut |_| ()).unwrap();
    let note = "1 row is earlier than one above (first at line 4 of `file-3`): sorted by time";
    assert_eq!(notes(&trace), note);
    let json = record("2017-06-20T00:00:03.589Z", "GET", "v2/64/ee/blobs/79", 200, "7");
    insta::assert_snapshot!(read_all(&[&first, &json], &mut |_| ()).unwrap_err(), @"file-2: this is IBM Docker registry JSON, and the files before it are delimited text; read them separately");
    insta::assert_snapshot!(read_all(&[&first, ""], &mut |_| ()).unwrap_err(), @"file-2: the file is empty; a trace has one request per row");
    assert_eq!(
        read_all(&[], &mut |_| ()).unwrap_err(),
        "all: the file is empty; a trace has one request per row"
    );
}
