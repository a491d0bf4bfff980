//! The generated workload against what is published of the real one.

use trace::{Profile, Selection, Statistics, Trace, generate};
use units::{Bytes, Nanos};

/// A stream of random numbers: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn dallas(seed: u64) -> Trace {
    generate(&Profile::builtin("dallas-50h").unwrap(), &mut numbers(seed)).unwrap()
}

#[track_caller]
fn check(found: f64, expect: f64, tolerance: f64) {
    assert!((found / expect - 1.0).abs() <= tolerance, "{found}, not {expect}");
}

#[test]
fn dallas_is_like_dallas_for_any_seed() {
    for seed in 0..4 {
        let trace = dallas(seed);
        let found = Statistics::of(&trace);
        // FAST'20, Table 1 and section 2; the counts of the published keys.
        assert_eq!((found.n_requests, found.n_objects), (182_700, 58_651));
        check(found.infinite_hit_ratio, 0.679, 0.001);
        check(found.unique_bytes.get() as f64, 1_169e9, 0.001);
        check(found.large_request_ratio, 0.205, 0.03);
        check(found.large_byte_ratio, 0.96, 0.025);
        check(found.n_objects_once as f64, 0.764 * 58_651.0, 0.001);
        check(found.n_requests_hottest as f64, 4_642.0, 0.05);
        assert!(found.span_s < Nanos::HOUR * 50, "{}", found.span_s);
        assert!(Nanos::HOUR * 49 < found.span_s, "{}", found.span_s);

        let large = Selection { min_size: Some(Bytes::megabytes(10)), ..Selection::ALL };
        let found = Statistics::of(&large.apply(trace).unwrap());
        check(found.n_requests as f64, 37_474.0, 0.03);
        check(found.infinite_hit_ratio, 0.6653, 0.05);
        check(found.reuse_interval_s.p50, 73.0, 0.5);
    }
}

#[test]
fn the_same_numbers_give_the_same_trace() {
    assert_eq!(dallas(1).hash(), dallas(1).hash());
    assert_ne!(dallas(1).hash(), dallas(2).hash());
    insta::assert_snapshot!(dallas(1).hash(), @"7dd3703bf9b4a730ce6cf7a48f5fd871");
    assert_eq!(dallas(1).source().name, "synthetic:dallas-50h");
}

#[test]
fn every_built_in_profile_has_a_name() {
    let names: Vec<&str> = Profile::builtin_names().collect();
    assert_eq!(names, ["dallas-50h"]);
    assert!(Profile::builtin("atlantis").is_none());
}

const SMALL: &str = "
span_h = 1
n_requests = 10
n_objects = 4
working_set_gb = 1
large_request_ratio = 0
hourly_weight = [1]
object_size_bytes = [[0, 1], [1, 1]]
n_accesses = [[0, 1], [1, 1]]
hot = { n_accesses = 1, size_share_max = 0 }
reuse_interval = [{ n_accesses_max = 1, seconds = [[0, 1e9], [1, 1e9]] }]
";

#[test]
fn a_degenerate_profile_still_gives_what_it_says() {
    let profile = Profile::from_toml("test", SMALL).unwrap();
    let trace = generate(&profile, &mut numbers(0)).unwrap();
    assert_eq!((trace.requests().len(), trace.n_objects()), (10, 4));
    assert_eq!(trace.unique_bytes(), Bytes::new(4));
    assert!(trace.span() <= Nanos::HOUR);
}

#[test]
fn a_profile_that_asks_for_too_much_is_refused() {
    let text = SMALL
        .replace("working_set_gb = 1", "working_set_gb = 1000000000")
        .replace("[[0, 1], [1, 1]]\nn_acc", "[[0, 1e8], [1, 1e8]]\nn_acc")
        .replace("n_requests = 10", "n_requests = 100");
    let profile = Profile::from_toml("test", &text).unwrap();
    let err = generate(&profile, &mut numbers(0)).unwrap_err();
    assert_eq!(
        err.to_string(),
        "the requests of the profile add up to more than 4611.7 PB; lower `working_set_gb`, or \
         `n_requests`"
    );
}
