//! `infinisim compare` and its kin on traces that can be worked out.

use std::io::Write;

use serde_json::Value;

use crate::command::{Workplace, small_trace};

fn small() -> Workplace {
    Workplace::new().file("trace.csv", small_trace(360))
}

/// A number of a result.
#[track_caller]
fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} is no number in {value}"))
}

#[test]
fn the_default_systems_are_the_papers() {
    let json = small().run("compare trace.csv --json").json();
    let names: Vec<&str> =
        json["systems"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    let expect = ["elasticache:cache.r5.24xlarge", "infinicache", "infinicache:backup=off", "s3"];
    assert_eq!(names, expect);
    // The other book has no such node type.
    let json = small().run("compare trace.csv --json --prices aws-us-east-1-2026-09").json();
    assert_eq!(json["systems"][0]["name"], "elasticache:2xcache.r6g.16xlarge:valkey");
    assert!(0.0 < number(&json["systems"][1]["cost_usd"], "proxy"));
    assert!(0.0 < number(&json["systems"][1]["cost_usd"], "backing_store"));
}

#[test]
fn json_has_what_it_promises() {
    let json = small().run("compare trace.csv --json").json();
    for key in ["version", "seed", "experiment_hash", "trace_hash", "prices"] {
        assert!(!json["receipt"][key].is_null(), "{key}");
    }
    for key in ["n_requests", "n_objects", "requested_bytes", "unique_bytes", "span_s"] {
        number(&json["trace"], key);
    }
    for system in json["systems"].as_array().unwrap() {
        let count = |key| number(system, key);
        let n_misses =
            count("n_compulsory_misses") + count("n_capacity_misses") + count("n_resets");
        assert!((count("n_gets") - count("n_hits") - n_misses).abs() < 0.5, "{system}");
        assert!((count("hit_ratio") - count("n_hits") / count("n_gets")).abs() < 1e-9);
        let held = count("n_hits") + count("n_resets");
        assert!((count("availability") - count("n_hits") / held).abs() < 1e-9);
        for key in ["n_recoveries", "n_evictions", "n_reclaims", "n_invocations", "byte_hit_ratio"]
        {
            count(key);
        }
        let cost = &system["cost_usd"];
        let items = ["serving", "warm_up", "backup", "nodes", "backing_store", "proxy"];
        let total: f64 = items.iter().map(|it| number(cost, it)).sum();
        assert!((number(cost, "total") - total).abs() < 1e-9, "{cost}");
        let latency = &system["latency_ms"];
        let ordered = ["p50", "p90", "p95", "p99", "p999", "max"].map(|it| number(latency, it));
        assert!(ordered.is_sorted(), "{latency}");
        number(latency, "mean");
    }
}

/// The phases of a GET are all of it, whatever served it, and are told apart.
#[test]
fn a_get_is_the_sum_of_its_phases() {
    let systems = [
        "s3",
        "elasticache:cache.r5.large",
        "infinicache:nodes=20",
        "tiers:2MB;s3;infinicache:nodes=20",
    ];
    let flags = systems.map(|it| format!("--system {it}")).join(" ");
    let workplace = Workplace::new().file("trace.csv", small_trace(360));
    let json = workplace.run(&format!("compare trace.csv --json -o out {flags}")).json();
    let mean = |of: &Value| of["mean"].as_f64().unwrap();
    for system in json["systems"].as_array().unwrap() {
        let n_hits = number(system, "n_hits");
        let n_others = number(system, "n_gets") - n_hits;
        let all = number(&system["latency_ms"], "mean") * (n_hits + n_others);
        let mut sum = 0.0;
        for (outcome, n_gets) in [("hits", n_hits), ("misses", n_others)] {
            let whole = &system[format!("latency_ms_{outcome}")];
            let parts = &system[format!("latency_ms_{outcome}_by_phase")];
            if n_gets < 1.0 {
                assert!(whole.is_null() && parts.is_null(), "{system}");
                continue;
            }
            let parts: f64 = parts.as_object().unwrap().values().map(mean).sum();
            assert!((mean(whole) - parts).abs() < 1e-6, "{outcome}: {system}");
            sum += mean(whole) * n_gets;
        }
        assert!((sum - all).abs() < 1e-3, "{system}");
    }
    let check = |index: usize, outcome: &str, name: &str, is_there: bool| {
        let phases = &json["systems"][index][format!("latency_ms_{outcome}_by_phase")];
        assert_eq!(0.0 < mean(&phases[name]), is_there, "{name} of {outcome} of {index}");
    };
    check(0, "hits", "transfer", false);
    check(0, "hits", "object_store", true);
    check(1, "hits", "invocation", false);
    check(1, "hits", "transfer", true);
    check(2, "hits", "invocation", true);
    check(2, "hits", "decoding", true);
    check(2, "hits", "object_store", false);
    check(2, "misses", "object_store", true);
    check(2, "misses", "decoding", false);
    let page = std::fs::read_to_string(workplace.path().join("out/index.html")).unwrap();
    assert!(page.contains("What a GET consists of"));
}

#[test]
fn one_seed_gives_the_same_bytes_whatever_the_threads() {
    let run = |flags: &str| small().run(&format!("compare trace.csv --json {flags}")).ok();
    let reclaims = "--system infinicache:nodes=20,reclaim=poisson:4/min --system s3";
    let one = run(&format!("{reclaims} --seed 7"));
    assert_eq!(one, run(&format!("{reclaims} --seed 7")));
    assert_eq!(one, run(&format!("{reclaims} --seed 7 --jobs 1")));
    assert_eq!(one, run(&format!("{reclaims} --seed 7 --jobs 5")));
    let other = run(&format!("{reclaims} --seed 8"));
    let of = |text: &str| serde_json::from_str::<Value>(text).unwrap()["systems"].clone();
    assert_ne!(of(&one), of(&other));
}

#[test]
fn a_trace_is_the_same_however_it_comes() {
    let text = small_trace(100);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    let workplace = Workplace::new()
        .file("trace.csv", &text)
        .file("named-otherwise", gzip.finish().unwrap())
        .file("trace.tsv", text.replace(',', "\t"));
    let of = |name: &str| workplace.run(&format!("compare {name} --json --system s3")).ok();
    assert_eq!(of("trace.csv"), of("named-otherwise"));
    assert_eq!(of("trace.csv"), of("trace.tsv"));
    let piped = workplace.run_with_input("compare - --json --system s3", &text).ok();
    assert_eq!(of("trace.csv"), piped);
}

#[test]
fn selections_drop_and_clamp() {
    let requests = |flags: &str| {
        let json = small().run(&format!("compare trace.csv --json --system s3 {flags}")).json();
        (json["trace"]["n_requests"].clone(), json["trace"]["span_s"].clone())
    };
    assert_eq!(requests("").0, 360);
    assert_eq!(requests("--hours 0.5"), (180.into(), 1800.0.into()));
    let all = small().run("trace info trace.csv --json --min-size 10MB --max-size 20MB").json();
    assert!(all["request_size_bytes"]["p10"].as_f64().unwrap() >= 10e6);
    assert!(all["request_size_bytes"]["max"].as_f64().unwrap() <= 20e6);
    let clamped = small().run("trace info trace.csv --json --clamp-size 5MB").json();
    assert_eq!(clamped["n_requests"], 360);
    assert_eq!(clamped["request_size_bytes"]["max"], 5e6);
    // A run lasts from the first request that was read, though it be dropped.
    let late = "time_s,key,size\n0,a,1\n36000,b,20000000\n180000,b,20000000\n";
    let late = Workplace::new().file("late.csv", late);
    let json = late.run("compare late.csv --json --system s3 --min-size 10MB").json();
    assert_eq!(json["trace"]["span_s"], 180_000.0);
}

#[test]
fn a_policy_is_that_of_every_cluster_that_names_none() {
    let small_node = "elasticache:cache.r5.large,reserved=99%";
    let hits = |flags: &str| {
        let json = small().run(&format!("compare trace.csv --json {flags}")).json();
        json["systems"][0]["n_hits"].as_u64().unwrap()
    };
    let fifo = hits(&format!("--system {small_node} --policy fifo"));
    assert_eq!(fifo, hits(&format!("--system {small_node},policy=fifo")));
    let belady = hits(&format!("--system {small_node} --policy belady"));
    assert!(fifo < belady, "{fifo} {belady}");
    // The same as the plain cache of `trace mrc`, whatever the timing.
    let misses = |policy: &str| {
        let size = 14_037_181_030_u64 / 100;
        let json = small()
            .run(&format!("trace mrc trace.csv --json --policy {policy} --size {size}B"))
            .json();
        json[0]["n_misses"].as_u64().unwrap()
    };
    assert_eq!((360 - fifo, 360 - belady), (misses("fifo"), misses("belady")));
}
