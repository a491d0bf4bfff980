//! Numbers that no one here made: the reference implementation's verdicts, published hit
//! counts, and the arithmetic of the paper. See facts on each in MODEL.md.

use std::io::Read;
use std::path::Path;

use policy::placer::{Eviction, Lookup, NodePicker, Placed, Placement, Placer, PoolShape};
use trace::{ReadOptions, Selection, Trace};
use units::Bytes;

use crate::command::{Workplace, shared};

/// Runs the reference's sequential replay on our placer: a miss is followed at once by a SET.
/// Checks each verdict, and the books in the summary line.
#[track_caller]
fn check_clock(trace: &str, verdicts: &str, n_nodes: u32, node_megabytes: u64) {
    let (Some(trace), Some(verdicts)) = (shared(trace), shared(verdicts)) else { return };
    let trace = read(&trace);
    let verdicts = text_of(&verdicts);
    let mut lines: Vec<&str> = verdicts.lines().collect();
    let summary = lines.pop().expect("a summary line");
    let shape = PoolShape {
        n_nodes,
        n_chunks: 12,
        node_memory: Bytes::megabytes(node_megabytes),
        node_overhead: Bytes::megabytes(100),
        eviction: Eviction::One,
    };
    let mut placer = Placer::new(shape, trace.n_objects());
    let mut picker = NodePicker::new(Placement::RoundRobin, n_nodes);
    let mut n_evictions = 0;
    assert_eq!(trace.requests().len(), lines.len());
    for (request, expect) in trace.requests().iter().zip(&lines) {
        let is_hit = placer.get(request.object) == Lookup::Cached;
        if !is_hit {
            let asked = picker.pick(12, std::iter::empty()).to_vec();
            match placer.set(request.object, request.size.split(10), &asked) {
                Placed::New { evicted } => n_evictions += u64::from(evicted.is_some()),
                other => panic!("{other:?}"),
            }
        }
        let key = String::from_utf8_lossy(&trace.key(request.object)).into_owned();
        let seen = format!("{} {key}", if is_hit { "hit" } else { "set" });
        assert_eq!(seen, *expect);
    }
    let over = placer.overcommitted_max().get();
    let books = format!("evicts={n_evictions} ");
    assert!(summary.contains(&books), "{books} is not in {summary}");
    assert!(summary.ends_with(&format!("maxOverCapacityBytes={over}")), "{over}: {summary}");
}

fn read(path: &Path) -> Trace {
    let file = std::fs::File::open(path).expect("it exists");
    let trace = trace::read("trace", file, &ReadOptions::DETECT, &mut |_| ()).expect("a trace");
    let clamp = Selection { clamp_size: Some(Bytes::mebibytes(2048)), ..Selection::ALL };
    clamp.apply(trace).expect("something is left")
}

fn text_of(path: &Path) -> String {
    let bytes = std::fs::read(path).expect("it exists");
    if path.extension().is_some_and(|it| it == "gz") {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
        return text;
    }
    String::from_utf8(bytes).expect("text")
}

#[test]
fn clock_decides_as_the_reference_does_request_by_request() {
    let sample = "data/dal09_blobs_sample.csv";
    check_clock(sample, "golden/clock_n12_d10_p2_ovh100000000_cap200000000.txt", 12, 200);
    check_clock(sample, "golden/clock_n24_d10_p2_ovh100000000_cap150000000.txt", 24, 150);
    check_clock(
        "data/dal09_10mb_50h.csv.gz",
        "golden/clock50h_n400_10p2_cap1536_roundrobin.txt.gz",
        400,
        1536,
    );
}

/// The same through the whole simulator: its events change when things happen, not what.
#[test]
fn the_simulated_cache_hits_as_the_reference_does() {
    // At the prices of our days, since those of 2019 have no functions of 200 or 150 MB.
    let check = |trace: &str, system: &str, [n_hits, n_capacity_misses, n_evictions]: [u64; 3]| {
        let trace = shared(trace)?;
        let json = Workplace::new()
            .run(&format!(
                "compare {} --json --clamp-size 2GiB --prices aws-us-east-1-2026-09 --system \
                 infinicache:reclaim=none,placement=round-robin,{system}",
                trace.display()
            ))
            .json();
        let seen = &json["systems"][0];
        assert_eq!(seen["n_hits"], n_hits, "{system}");
        assert_eq!(seen["n_capacity_misses"], n_capacity_misses, "{system}");
        assert_eq!(seen["n_evictions"], n_evictions, "{system}");
        assert_eq!(seen["n_resets"], 0, "{system}");
        seen["overcommitted_bytes_max"].as_u64()
    };
    let (sample, large) = ("data/dal09_blobs_sample.csv", "data/dal09_10mb_50h.csv.gz");
    let over = check(sample, "nodes=12,memory=200MB", [357, 76, 444]);
    assert_eq!(over, shared(sample).map(|_| 165_396_205));
    check(sample, "nodes=24,memory=150MB", [371, 62, 424]);
    let over = check(large, "memory=1536MB", [24_770, 163, 5_549]);
    assert_eq!(over, shared(large).map(|_| 627_631_984));
    check(large, "memory=1024MB", [24_508, 425, 8_009]);
}

#[test]
fn byte_lru_hits_as_published() {
    let Some(trace) = shared("data/dal09_10mb_50h.csv.gz") else { return };
    let json = Workplace::new()
        .run(&format!(
            "trace mrc {} --json --policy lru \
             --size 50GB,100GB,200GB,400GB,600GB,635GB,1TB",
            trace.display()
        ))
        .json();
    let cells = json.as_array().expect("an array");
    let seen: Vec<String> = cells
        .iter()
        .map(|it| {
            let miss_ratio = it["miss_ratio"].as_f64().expect("a ratio");
            format!("{:.2}", 100.0 * (1.0 - miss_ratio))
        })
        .collect();
    assert_eq!(seen, ["62.57", "63.79", "64.76", "65.71", "66.43", "66.46", "66.53"]);
    assert!(cells.iter().all(|it| it["n_requests"] == 37_474));
}

#[test]
fn every_policy_misses_as_the_references_do() {
    let Some(trace) = shared("data/webcachesim_test.tr") else { return };
    let json = Workplace::new()
        .run(&format!(
            "trace mrc {} --json --policy lru,fifo,sieve,lfu,belady \
             --size 50B,100B,200B,400B,800B,1600B",
            trace.display()
        ))
        .json();
    let cells = json.as_array().expect("an array");
    let misses = |policy: &str| -> Vec<u64> {
        let of_policy = cells.iter().filter(|it| it["policy"] == policy);
        of_policy.map(|it| it["n_misses"].as_u64().expect("a count")).collect()
    };
    assert_eq!(misses("lru"), [7606, 6552, 5289, 3922, 2427, 1032]);
    assert_eq!(misses("fifo"), [7998, 7040, 5831, 4437, 2881, 1137]);
    assert_eq!(misses("sieve"), [6644, 5573, 4586, 3465, 2242, 1028]);
    assert_eq!(misses("lfu"), [6486, 5283, 4426, 3358, 2241, 1028]);
    assert_eq!(misses("belady"), [5576, 4370, 3239, 2202, 1392, 960]);
}

#[test]
fn the_papers_cluster_costs_what_the_paper_says() {
    let Some(trace) = shared("data/dal09_10mb_50h.csv.gz") else { return };
    let json = Workplace::new()
        .run(&format!("compare {} --json --system elasticache:cache.r5.24xlarge", trace.display()))
        .json();
    assert_eq!(json["trace"]["n_requests"], 37_474);
    assert_eq!(json["trace"]["n_objects"], 12_541);
    let cost = &json["systems"][0]["cost_usd"];
    assert_eq!(cost["nodes"].to_string(), "518.4");
    assert_eq!(cost["total"].to_string(), "518.4");
}

#[test]
fn the_closed_form_of_loss_gives_the_papers_example() {
    let json = Workplace::new().run("availability --json --reclaim fig9:2020-01-09").json();
    let [three, four] =
        [0, 1].map(|it| json["loss_probability_by_chunks"][it][1].as_f64().expect("a probability"));
    assert_eq!(format!("{:.3}", three / four), "18.765");
    assert_eq!(format!("{:.6}", json["loss_probability"].as_f64().expect("one")), "0.003916");
    let loss = json["processes"][0]["loss_probability_approximate"].as_f64().expect("one");
    assert_eq!(format!("{:.4}", 100.0 * loss), "0.0893");
}
