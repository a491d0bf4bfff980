//! Traces in and out: conversion, samples, profiles, directories.

use insta::assert_snapshot;

use crate::command::{Workplace, small_trace};

/// The hash of a trace's content, which its format does not change.
fn hash_of(workplace: &Workplace, trace: &str) -> String {
    let info = workplace.run(&format!("trace info --json {trace}")).json();
    info["trace_hash"].as_str().expect("a string").to_owned()
}

#[test]
fn a_trace_is_the_same_in_every_format_that_can_hold_it() {
    let workplace = Workplace::new().file("trace.csv", small_trace(300));
    let hash = hash_of(&workplace, "trace.csv");
    for name in ["again.csv.gz", "again.csv.zst", "again.csv", "again.parquet"] {
        workplace.run(&format!("trace convert trace.csv -o {name}")).ok();
        assert_eq!(hash_of(&workplace, name), hash, "{name}");
    }
    let names = ["t.oracleGeneral", "t.lcs", "t.v1.lcs", "t.v2.lcs", "t.oracleGeneral.zst"];
    let hashes = names.map(|name| {
        workplace.run(&format!("trace convert trace.csv -o {name}")).ok();
        hash_of(&workplace, name)
    });
    assert!(hashes.iter().all(|it| *it == hashes[0]), "{hashes:?}");
    workplace.run("trace convert trace.csv --to ibm-json -o t.log").ok();
    let curve = |name: &str| workplace.run(&format!("trace mrc {name} --size 50MB --csv")).ok();
    assert_eq!(curve("t.log"), curve("trace.csv"));
    assert_eq!(curve("t.lcs"), curve("trace.csv"));
}

#[test]
fn what_a_format_has_no_room_for_is_not_counted() {
    let text = "time_s,key,size,op\n0,7,5,put\n1.5,8,5,get\n2.25,7,5,delete\n";
    let workplace = Workplace::new().file("trace.csv", text);
    let said = workplace.run("trace convert trace.csv -o t.oracleGeneral").stderr;
    assert!(said.contains("note: 2 PUTs and DELETEs left out"), "{said}");
    assert!(said.contains("note: 1 requests in `t.oracleGeneral`"), "{said}");
    assert!(said.contains("note: 1 times cut to whole seconds: the format has no"), "{said}");
    let said = workplace.run("trace convert trace.csv -o t.lcs").stderr;
    assert!(said.contains("note: 3 requests in `t.lcs`"), "{said}");
    assert!(said.contains("note: 2 times cut to whole seconds: the format has no"), "{said}");
    workplace.run("trace convert t.lcs -o whole.csv").ok();
    let said = workplace.run("trace convert whole.csv -o again.lcs").stderr;
    assert!(!said.contains("whole seconds"), "{said}");
    let workplace = workplace.file("puts.csv", "time_s,key,size,op\n0,7,5,put\n1,8,5,put\n");
    let ran = workplace.run("trace convert puts.csv -o t.v1.lcs");
    assert!(ran.stderr.contains("error: none of the 2 requests is a GET"), "{}", ran.stderr);
    assert_eq!(ran.exit_code, 1);
    assert!(!workplace.path().join("t.v1.lcs").exists());
}

#[test]
fn what_is_converted_on_the_way_is_what_is_held() {
    let mut text = small_trace(300).replace("size,op", "size,op,ttl");
    text = text.replace("5000000,GET\n", "5000000,PUT,60\n").replace(",GET\n", ",GET,\n");
    // The last is the earliest.
    text.push_str("0.5,early,77,put,9\n");
    let workplace = Workplace::new().file("trace.csv", &text);
    let options = "--min-size 2MB --clamp-size 30MB --hours 0.5";
    for format in ["csv", "parquet"] {
        // A file is converted row by row, what comes by a pipe is held.
        let on_the_way = format!("trace convert trace.csv -o way.{format} {options}");
        let said = workplace.run(&on_the_way).stderr.replace("trace.csv:", "-:");
        let held = format!("trace convert - -o held.{format} {options}");
        let said_held = workplace.run_with_input(&held, &text).stderr;
        assert_eq!(said.replace("way.", "held."), said_held);
        let bytes = |name: &str| {
            std::fs::read(workplace.path().join(format!("{name}.{format}"))).expect("written")
        };
        assert_eq!(bytes("way"), bytes("held"), "{format}");
    }
    let info = workplace.run("trace info way.parquet").ok();
    let line = info.lines().find(|it| it.starts_with("times to live")).expect("it has some");
    assert!(line.ends_with("; the models ignore them"), "{line}");
    let ran = workplace.run("trace convert trace.csv -o t.oracleGeneral");
    assert!(ran.stderr.contains("note: times to live left out"), "{}", ran.stderr);
}

#[test]
fn what_is_removed_is_missed_whatever_sizes_are_selected() {
    let text = "timestamp,key,size,op\n0,a,20000000,GET\n600,a,0,DELETE\n1200,a,20000000,GET\n\
                1300,b,20000000,GET\n1400,b,,DELETE\n1500,b,20000000,GET\n";
    let workplace = Workplace::new().file("trace.csv", text);
    for options in ["", "--min-size 10MB", "--max-size 1GB", "--min-size 10MB --sample 1"] {
        let arguments = format!("trace mrc trace.csv --size 100MB --policy lru,fifo {options}");
        let cells = workplace.run(&format!("{arguments} --json")).json();
        for cell in cells.as_array().expect("a list") {
            assert_eq!((&cell["n_misses"], &cell["n_requests"]), (&4.into(), &4.into()), "{cell}");
        }
    }
}

#[test]
fn that_objects_change_size_is_said_where_they_are_replayed() {
    let experiment =
        "question = \"?\"\ntrace = \"trace.csv\"\n[[workload]]\nname = \"w\"\nsystems = [\"s3\"]\n";
    let text = "time_s,key,size\n0,a,5000000\n1,a,6000000\n2,b,5000000\n3,b,5000000\n";
    let workplace = Workplace::new().file("trace.csv", text).file("it.toml", experiment);
    let note = "note: trace.csv: 1 object changes size without a PUT: a cached copy keeps the size";
    let runs = ["compare trace.csv --system s3", "trace mrc trace.csv", "run it.toml"];
    for (arguments, is_said) in
        runs.map(|it| (it, true)).into_iter().chain([("trace convert trace.csv", false)])
    {
        let ran = workplace.run(arguments);
        assert_eq!(ran.stderr.contains(note), is_said, "{arguments}: {}", ran.stderr);
        ran.ok();
    }
    let said = workplace.run("trace mrc trace.csv --sample 1").stderr;
    assert!(said.contains("note: sample of trace.csv: 1 object changes size"), "{said}");
}

#[test]
fn what_a_trace_is_like_is_said_of_which_requests() {
    let text = "time_s,key,size,op\n0,a,20000000,GET\n600,a,,DELETE\n1200,a,20000000,PUT\n\
                1300,a,20000000,GET\n1400,b,30000000,PUT\n1500,c,5,GET\n8000,d,,DELETE\n";
    let workplace = Workplace::new().file("trace.csv", text);
    let shown = workplace.run("trace info trace.csv").ok();
    assert!(shown.lines().all(|it| it.chars().count() <= 80), "{shown}");
    assert_snapshot!(shown, @"
    requests                        7
    operations                      3 GET, 2 PUT, 2 DELETE
    objects                         4, 75.00 % of them in one request only
    hottest object                  4 requests of any kind
    bytes requested                 40.0 MB by GETs
    bytes unique (working set)      50.0 MB by GETs and PUTs
    start                           not a date
    span                            2.22h
    requests over 10 MB             66.67 % of GETs
    ... in the busiest hour         2 by GETs
    bytes over 10 MB                100.00 % of bytes of GETs
    ... unique                      100.00 % of the working set
    objects over 10 MB              66.67 % of objects of GETs and PUTs
    ... requested 10 times or more  0.00 % of these, by all requests
    ... reuse within an hour        100.00 % of their intervals, by all requests
    infinite-cache hit ratio        33.33 % of GETs
    infinite-cache byte hit ratio   50.00 % of bytes of GETs

                     p10    p50    p75    p90    p95    p99    max
    request size     5 B  20 MB  20 MB  30 MB  30 MB  30 MB  30 MB
    object size      5 B  20 MB  30 MB  30 MB  30 MB  30 MB  30 MB
    reuse interval  100s  10min  10min  10min  10min  10min  10min

    Sizes are of GETs and PUTs, of an object the largest of its own; intervals are
    between one request of an object and the next, of any kind.
    ");
}

#[test]
fn what_is_generated_row_by_row_is_the_trace() {
    let workplace = Workplace::new();
    workplace.run("trace generate dallas-50h-large -o t.csv").ok();
    assert_eq!(hash_of(&workplace, "t.csv"), hash_of(&workplace, "synthetic:dallas-50h-large"));
}

#[test]
fn the_report_of_fit_is_the_one_that_is_kept() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let kept = std::fs::read_to_string(root.join("traces/README.md")).expect("a page");
    let workplace = Workplace::new();
    for name in ["dallas-50h", "dallas-50h-large", "london-50h", "dallas-75d"] {
        let report = workplace.run(&format!("trace generate {name} --report")).ok();
        assert!(kept.contains(&report), "traces/README.md is to have, of {name}:\n{report}");
        assert!(report.lines().all(|it| it.chars().count() <= 80), "{report}");
        assert!(!report.contains('!'), "{report}");
    }
    let workplace = workplace.file("trace.csv", small_trace(500));
    let said = workplace.run("trace fit trace.csv -o like.toml").stderr;
    assert!(said.contains("requests                       500       500  +0.0 %"), "{said}");
    let ran = workplace.run("trace generate like.toml --report");
    assert_eq!(ran.exit_code, 2);
    assert!(ran.stderr.contains("nothing is published of `like.toml`"), "{}", ran.stderr);
    assert_eq!(workplace.run("trace generate dallas-50h --report -o x.csv").exit_code, 2);
}

#[test]
fn what_is_written_to_a_dash_goes_to_standard_output() {
    let workplace = Workplace::new().file("trace.csv", small_trace(30));
    let expect = workplace.run("trace convert trace.csv").ok();
    assert_eq!(workplace.run("trace convert trace.csv -o -").ok(), expect);
    assert_eq!(workplace.run_with_input("trace convert - -o -", &small_trace(30)).ok(), expect);
    let profile = workplace.run("trace fit trace.csv").ok();
    assert!(profile.contains("span_h = 1\n"), "{profile}");
    assert_eq!(workplace.run("trace fit trace.csv -o -").ok(), profile);
    assert!(!workplace.path().join("-").exists());
    let ran = workplace.run("trace info like.toml");
    assert!(ran.stderr.contains("write `synthetic:like.toml`"), "{}", ran.stderr);
}

/// Of a file and of a pipe it is drawn on the way; some hours are read whole first.
#[test]
fn a_sample_is_the_same_however_it_is_drawn() {
    let workplace = Workplace::new().file("trace.csv", small_trace(500));
    for size in ["--rate 0.3", "--objects 20"] {
        let drawn = workplace.run(&format!("trace sample trace.csv {size}"));
        let held = workplace.run(&format!("trace sample trace.csv {size} --hours 8000"));
        assert_eq!(held.stderr, drawn.stderr);
        let piped = workplace.run_with_input(&format!("trace sample - {size}"), &small_trace(500));
        let (drawn, held, piped) = (drawn.ok(), held.ok(), piped.ok());
        assert!(1 < drawn.lines().count(), "{drawn}");
        assert_eq!((&held, &piped), (&drawn, &drawn));
    }
    let none = workplace.run("trace sample trace.csv --rate 0.000000001");
    assert!(none.stderr.contains("none of the 500 requests is left"), "{}", none.stderr);
    assert_eq!(none.exit_code, 1);
}

/// SHARDS (Waldspurger et al., FAST'15): a part of the objects tells the curve of all.
#[test]
fn a_sample_tells_the_curve() {
    let workplace = Workplace::new();
    let curve = |sample: &str, ratio: &str| -> Vec<f64> {
        let sizes = "--size 1%wss,5%wss,20%wss,50%wss";
        let json =
            workplace.run(&format!("trace mrc synthetic:dallas-50h {sizes} {sample} --json"));
        let json = json.json();
        let cells = json.as_array().expect("a list");
        cells.iter().map(|it| it[ratio].as_f64().expect("a number")).collect()
    };
    // A few large objects are asked for most, and a sample has them or not.
    for (ratio, within) in [("miss_ratio", 0.03), ("byte_miss_ratio", 0.05)] {
        let exact = curve("", ratio);
        for sample in ["--sample 0.3", "--sample-objects 17000"] {
            let found = curve(sample, ratio);
            for (found, exact) in found.iter().zip(&exact) {
                assert!((found - exact).abs() < within, "{ratio}, {sample}: {found}, not {exact}");
            }
            assert_ne!(found, exact);
        }
    }
    let ran = workplace.run("trace mrc synthetic:dallas-50h --sample-objects 17000 --size 1GB");
    assert!(ran.stderr.contains("note: estimated from 17000 objects"), "{}", ran.stderr);
    assert!(ran.ok().contains("GETs sampled  misses  miss ratio"));
}

#[test]
fn the_rate_of_a_sample_stands_beside_its_counts() {
    let workplace = Workplace::new().file("trace.csv", small_trace(500));
    let cell = |sample: &str| {
        let json = workplace.run(&format!("trace mrc trace.csv --size 600MB --json {sample}"));
        let cell = json.json()[0].clone();
        let number = |key: &str| cell[key].as_f64().expect("a number");
        [number("sample_rate"), number("n_misses"), number("miss_ratio")]
    };
    let [rate, n_misses, ratio] = cell("");
    assert!((rate - 1.0).abs() < 1e-9 && (ratio - n_misses / 500.0).abs() < 1e-9);
    let [rate, n_misses, ratio] = cell("--sample 0.5");
    assert!((rate - 0.5).abs() < 1e-9 && (ratio - n_misses / 250.0).abs() < 1e-9);
    // A cache of nothing misses all bytes of the sample, which are not a half of all.
    workplace.run("trace sample trace.csv --rate 0.5 -o part.csv").ok();
    let bytes = |trace: &str| {
        let info = workplace.run(&format!("trace info {trace} --json")).json();
        info["requested_bytes"].as_f64().expect("a number")
    };
    let json = workplace.run("trace mrc trace.csv --size 1B --json --sample 0.5").json();
    let found = json[0]["byte_miss_ratio"].as_f64().expect("a number");
    let expect = bytes("part.csv") / (bytes("trace.csv") * 0.5);
    assert!(expect < 0.95 && (found - expect).abs() < 1e-9, "{found}, not {expect}");
    // Of nothing nothing is missed.
    let workplace = workplace.file("puts.csv", "time_s,key,size,op\n0,a,5,put\n1,b,5,put\n");
    for sample in ["", "--sample-objects 1"] {
        let json = workplace.run(&format!("trace mrc puts.csv --size 20MB --json {sample}")).json();
        assert_eq!(
            (&json[0]["miss_ratio"], &json[0]["byte_miss_ratio"]),
            (&0.0.into(), &0.0.into())
        );
    }
}

#[test]
fn keys_of_json_are_in_the_order_of_the_columns() {
    let workplace = Workplace::new().file("trace.csv", small_trace(30));
    let json = workplace.run("trace mrc trace.csv --size 50MB --json").ok();
    let csv = workplace.run("trace mrc trace.csv --size 50MB --csv").ok();
    let keys: Vec<&str> = json.split('"').skip(1).step_by(2).collect();
    let columns: Vec<&str> = csv.lines().next().expect("a header").split(',').collect();
    // The second text is the name of the policy.
    assert_eq!([&keys[..1], &keys[2..]].concat(), columns);
}

#[test]
fn a_directory_of_the_archive_is_one_trace() {
    let workplace = Workplace::new();
    let record = |time: &str, uri: &str| {
        format!(
            "{{\"http.request.method\":\"GET\",\"http.request.uri\":\"{uri}\",\
             \"http.response.status\":200,\"http.response.written\":5,\
             \"timestamp\":\"2017-06-{time}Z\"}}"
        )
    };
    let files = [
        ("dal09", "prod-dal09", "20-0", ["20T00:00:05", "20T00:00:01"]),
        ("dal09", "prod-dal09", "20-1", ["20T06:00:01", "20T06:00:00.500"]),
        ("lon02", "prod-lon02", "20-0", ["20T00:00:00", "20T00:00:02"]),
    ];
    for (dc, env, number, times) in files {
        let dir = workplace.path().join("data_centers").join(dc);
        std::fs::create_dir_all(&dir).expect("a directory can be made");
        let records = times.map(|it| record(it, &format!("v2/a/b/blobs/{dc}")));
        let name = format!("{env}-logstash-2017.06.{number}.json");
        std::fs::write(dir.join(name), format!("[{}]", records.join(","))).expect("a file");
    }
    let n_requests = |trace: &str| workplace.run(&format!("trace info --json {trace}")).json();
    assert_eq!(n_requests("data_centers")["n_requests"], 6);
    assert_eq!(n_requests("data_centers --dc dal09")["n_requests"], 4);
    assert_eq!(n_requests("data_centers/dal09/*-1.json")["n_requests"], 2);
    assert_eq!(n_requests("data_centers --dc dal09")["hours"].as_array().map(Vec::len), Some(7));
    let ran = workplace.run("trace info data_centers --dc fra02");
    assert_eq!(ran.exit_code, 1);
    assert!(
        ran.stderr.contains("no trace file in directory `data_centers` of data centre `fra02`")
    );
    let head = workplace.run("trace head data_centers --dc dal09").ok();
    assert_eq!(
        head.lines().nth(1).map(str::trim_start),
        Some("0.000  GET           5  v2/a/b/blobs/dal09")
    );
}

#[test]
fn what_lies_beside_a_trace_in_a_directory() {
    let workplace = Workplace::new().file("trace.csv", small_trace(300));
    let dir = workplace.path().join("traces");
    std::fs::create_dir(&dir).expect("a directory can be made");
    let put = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("a file");
    let run = |trace: &str| workplace.run(&format!("trace info --json {trace}"));
    for name in ["traces/a.oracleGeneral", "traces/b.oracleGeneral.zst"] {
        workplace.run(&format!("trace convert trace.csv -o {name}")).ok();
    }
    put("README.md", "# Traces");
    put("LICENSE", "None.");
    // Each file's own name tells its format.
    assert_eq!(run("traces").json()["n_requests"], 600);
    assert_eq!(run("traces --cache copies").json()["n_requests"], 600);
    assert_eq!(run("traces --cache copies").json()["n_requests"], 600);
    put("c.json", "[]");
    let ran = run("traces");
    assert_eq!(ran.exit_code, 1);
    let expect = "c.json: this is IBM Docker registry JSON, and the files before it are \
                  oracleGeneral; read them separately";
    assert!(ran.stderr.contains(expect), "{}", ran.stderr);
}

#[test]
fn a_sample_and_a_profile_are_traces_too() {
    let workplace = Workplace::new().file("trace.csv", small_trace(500));
    workplace.run("trace sample trace.csv --objects 10 -o part.csv").ok();
    let part = workplace.run("trace info part.csv --json").json();
    assert_eq!(part["n_objects"], 10);
    assert_eq!(workplace.run("trace sample trace.csv").exit_code, 2);
    workplace.run("trace fit trace.csv -o like.toml").ok();
    let like = workplace.run("trace info synthetic:like.toml --json").json();
    assert_eq!((&like["n_requests"], &like["n_objects"]), (&500.into(), &40.into()));
    let exact = workplace.run("trace mrc trace.csv --size 100MB,400MB --json").json();
    let all = workplace.run("trace mrc trace.csv --size 100MB,400MB --json --sample 1").json();
    assert_eq!(exact, all);
    assert_eq!(workplace.run("trace mrc trace.csv --sample 2").exit_code, 2);
}

#[test]
fn bad_rows_can_be_passed_over() {
    let workplace = Workplace::new().file("trace.csv", "time,key,size\n0,a,1\n1,b,x\n2,c,3\n");
    assert_eq!(workplace.run("trace info trace.csv").exit_code, 1);
    let ran = workplace.run("trace info trace.csv --skip-bad 1");
    assert!(ran.stderr.contains("1 bad row passed over (first at line 3"), "{}", ran.stderr);
    assert!(ran.ok().contains("requests"));
}

#[test]
fn a_converted_copy_is_read_when_the_content_is_the_same() {
    let workplace = Workplace::new().file("trace.csv", small_trace(300));
    let read = |trace: &str| {
        let ran = workplace.run(&format!("trace info {trace} --cache copies --json"));
        (ran.stderr.contains("a converted copy"), ran.json())
    };
    let (is_copy, first) = read("trace.csv");
    assert!(!is_copy);
    let (is_copy, again) = read("trace.csv");
    assert!(is_copy);
    assert_eq!(again, first);
    // Read differently, or another content: not this copy.
    assert!(!read("trace.csv --time-unit ms").0);
    let workplace_path = workplace.path().join("trace.csv");
    std::fs::write(workplace_path, small_trace(301)).expect("a file can be written");
    let (is_copy, more) = read("trace.csv");
    assert!(!is_copy);
    assert_eq!(more["n_requests"], 301);
    // A damaged copy is not taken for the trace.
    for entry in std::fs::read_dir(workplace.path().join("copies")).expect("copies") {
        let path = entry.expect("a file").path();
        let mut bytes = std::fs::read(&path).expect("a copy");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(path, bytes).expect("a file can be written");
    }
    let (is_copy, mended) = read("trace.csv");
    assert!(!is_copy);
    assert_eq!(mended, more);
}
