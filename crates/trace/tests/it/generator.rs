//! The generated workload against what is published of the real one.

use trace::{Hour, Likeness, LruStack, Profile, Selection, Statistics, Trace, fit, generate};
use units::{Bytes, Nanos};

use crate::{folded, read_text};

/// A stream of random numbers: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
fn numbers(seed: u64) -> impl FnMut() -> u64 + Clone {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn dallas(seed: u64) -> Trace {
    generate(&Profile::builtin("dallas-50h").unwrap(), numbers(seed)).unwrap()
}

#[track_caller]
fn check(found: f64, expect: f64, tolerance: f64) {
    assert!((found / expect - 1.0).abs() <= tolerance, "{found}, not {expect}");
}

#[test]
fn dallas_is_like_dallas_for_any_seed() {
    for seed in 0..3 {
        let trace = dallas(seed);
        let found = Statistics::of(&trace);
        // FAST'20, Table 1 and section 2; the counts of the published keys.
        assert_eq!((found.n_requests, found.n_objects), (182_700, 58_651));
        check(found.infinite_hit_ratio, 0.679, 0.001);
        check(found.unique_bytes.get() as f64, 1_169e9, 0.001);
        check(found.large_request_ratio, 0.205, 0.03);
        check(found.large_byte_ratio, 0.96, 0.035);
        check(found.n_objects_once as f64, 0.764 * 58_651.0, 0.01);
        check(found.n_requests_hottest as f64, 4_642.0, 0.05);
        assert!(found.span_s < Nanos::HOUR * 50, "{}", found.span_s);
        assert!(Nanos::HOUR * 49 < found.span_s, "{}", found.span_s);

        let large = Selection { min_size: Some(Bytes::megabytes(10)), ..Selection::ALL };
        let found = Statistics::of(&large.apply(trace).unwrap());
        check(found.n_requests as f64, 37_474.0, 0.03);
        assert!((found.infinite_hit_ratio - 0.6653).abs() < 0.01, "{}", found.infinite_hit_ratio);
        check(found.reuse_interval_s.p50, 73.0, 0.2);
    }
}

/// The byte-LRU hit ratios of the real rows, to which nothing is fitted.
#[test]
fn large_dallas_has_the_hit_ratios_of_the_real_one() {
    let profile = Profile::builtin("dallas-50h-large").unwrap();
    for seed in 0..3 {
        let trace = generate(&profile, numbers(seed)).unwrap();
        let found = Statistics::of(&trace);
        assert_eq!((found.n_requests, found.n_objects), (37_474, 12_541));
        check(found.unique_bytes.get() as f64, 1_036e9, 0.001);
        let stack = LruStack::new(&trace);
        for (gigabytes, percent) in
            [(50, 62.57), (100, 63.79), (200, 64.76), (400, 65.71), (635, 66.46)]
        {
            let counts = stack.miss_counts(Bytes::megabytes(1_000) * gigabytes);
            let found = 100.0 * (1.0 - counts.miss_ratio().as_f64());
            assert!((found - percent).abs() < 2.0, "{found} % at {gigabytes} GB, not {percent}");
        }
    }
}

/// Each target of traces/targets.csv that has a limit: Figure 1, Table 1, the published rows.
#[test]
fn no_target_is_missed_by_more_than_it_may() {
    for name in Profile::builtin_names() {
        let profile = Profile::builtin(name).unwrap();
        let trace = generate(&profile, numbers(1)).unwrap();
        let all = Likeness::to_published(&profile, &trace);
        assert!(3 <= all.len(), "{name} has {} targets", all.len());
        for it in all {
            assert!(it.is_within(), "{name}: {it:?}");
        }
    }
}

#[test]
fn a_likeness_is_told_from_another_trace() {
    let trace = dallas(1);
    let profile = Profile::from_toml("again", &fit(&trace, Nanos::HOUR * 50).unwrap()).unwrap();
    let again = generate(&profile, numbers(2)).unwrap();
    let error = |of: &Trace, quantity: &str| {
        let all = Likeness::to_trace(&trace, of);
        let found = all.iter().find(|it| it.quantity == quantity).unwrap();
        assert_eq!(found.within, None);
        found.error()
    };
    assert!(error(&trace, "reuse, distance").abs() < 1e-9);
    assert!(error(&again, "requests").abs() < 1e-9);
    for quantity in ["sizes, distance", "bytes, distance", "reads, distance", "reuse, distance"] {
        assert!(error(&again, quantity) < 0.03, "{quantity}: {}", error(&again, quantity));
    }
    for quantity in ["LRU of 1 % of it, hits", "LRU of 10 % of it, hits"] {
        assert!(error(&again, quantity).abs() < 3.0, "{quantity}: {}", error(&again, quantity));
    }
    let other = generate(&Profile::builtin("london-50h").unwrap(), numbers(1)).unwrap();
    assert!(70.0 < error(&other, "requests").abs());
    assert!(0.03 < error(&other, "bytes, distance"));
}

#[test]
fn a_fitted_profile_gives_a_trace_like_the_one_it_is_of() {
    let trace = dallas(1);
    let profile = Profile::from_toml("again", &fit(&trace, Nanos::HOUR * 50).unwrap()).unwrap();
    let again = generate(&profile, numbers(2)).unwrap();
    let (of, found) = (Statistics::of(&trace), Statistics::of(&again));
    assert_eq!((found.n_requests, found.n_objects), (of.n_requests, of.n_objects));
    check(found.unique_bytes.get() as f64, of.unique_bytes.get() as f64, 0.02);
    check(found.requested_bytes.get() as f64, of.requested_bytes.get() as f64, 0.15);
    check(found.object_size_bytes.p50, of.object_size_bytes.p50, 0.05);
    check(found.object_size_bytes.p99, of.object_size_bytes.p99, 0.05);
    check(found.reuse_interval_s.p50, of.reuse_interval_s.p50, 0.1);
    check(found.reuse_interval_s.p90, of.reuse_interval_s.p90, 0.25);
    check(found.n_requests_hottest as f64, of.n_requests_hottest as f64, 0.05);
    let per_hour = |it: &Trace| Hour::all_of(it).iter().map(|it| it.n_gets).collect::<Vec<_>>();
    for (of, found) in per_hour(&trace).into_iter().zip(per_hour(&again)) {
        check(found as f64, of as f64, 0.03);
    }
}

#[test]
fn of_other_requests_than_gets_there_is_no_profile() {
    let text = "time,key,size,op\n0,a,7,get\n1,b,9000,put\n2,a,7,get\n3,a,900,put\n4,c,5,get\n";
    let trace = read_text(text);
    let again = Profile::from_toml("t", &fit(&trace, trace.span()).unwrap()).unwrap();
    let again = generate(&again, numbers(1)).unwrap();
    for it in Likeness::to_trace(&trace, &again).iter().take(3) {
        assert!(it.error().abs() < 1e-9, "{it:?}");
    }
    let puts = read_text("time,key,size,op\n0,a,7,put\n1,a,7,delete\n");
    let err = fit(&puts, puts.span()).unwrap_err().to_string();
    assert_eq!(err, "a profile is of GETs, and none of the 2 requests is one");
}

#[test]
fn a_profile_lasts_a_year_at_most() {
    let trace = read_text("time_s,key,size\n0,a,7\n31557600,b,7\n");
    Profile::from_toml("t", &fit(&trace, Nanos::HOUR * 8_766).unwrap()).unwrap();
    let err = fit(&trace, Nanos::HOUR * 8_766 + Nanos::SECOND).unwrap_err().to_string();
    insta::assert_snapshot!(folded(&err), @"
    the trace lasts 365.25d, and a profile at most 8766 hours; select as many with
    `--hours 8766`
    ");
}

#[test]
fn a_trace_of_one_request_is_like_itself() {
    let trace = read_text("time,key,size\n0,a,7\n");
    let again = Profile::from_toml("t", &fit(&trace, trace.span()).unwrap()).unwrap();
    for it in Likeness::to_trace(&trace, &generate(&again, numbers(1)).unwrap()) {
        assert!(it.error().abs() < 1e-9, "{it:?}");
    }
}

#[test]
fn the_same_numbers_give_the_same_trace() {
    assert_eq!(dallas(1).hash(), dallas(1).hash());
    assert_ne!(dallas(1).hash(), dallas(2).hash());
    insta::assert_snapshot!(dallas(1).hash(), @"1efd46bfea82698c10757c5533d55705");
    assert_eq!(dallas(1).source().name, "synthetic:dallas-50h");
}

#[test]
fn every_built_in_profile_has_a_name() {
    let names: Vec<&str> = Profile::builtin_names().collect();
    assert_eq!(names, ["dallas-50h", "dallas-50h-large", "london-50h", "dallas-75d"]);
    assert!(Profile::builtin("atlantis").is_none());
}

const SMALL: &str = "
span_h = 1
hourly_weight = [1]
[[class]]
n_requests = 10
n_objects = 4
size_bytes = [[0, 1], [1, 1]]
n_accesses = [[0, 1], [1, 1]]
reuse_s = [[0, 1e9], [1, 1e9]]
";

#[test]
fn the_template_is_a_profile() {
    let text = include_str!("../../../../traces/profiles/template.toml");
    let profile = Profile::from_toml("template", text).unwrap();
    let trace = generate(&profile, numbers(0)).unwrap();
    assert_eq!((trace.requests().len(), trace.n_objects()), (15_000, 7_000));
    check(trace.unique_bytes().get() as f64, 60e9, 0.001);
}

#[test]
fn a_degenerate_profile_still_gives_what_it_says() {
    let profile = Profile::from_toml("test", SMALL).unwrap();
    let trace = generate(&profile, numbers(0)).unwrap();
    assert_eq!((trace.requests().len(), trace.n_objects()), (10, 4));
    assert_eq!(trace.unique_bytes(), Bytes::new(4));
    assert!(trace.span() <= Nanos::HOUR);
}

/// What `generate` says of [`SMALL`] with this working set, sizes of objects, and requests.
#[track_caller]
fn refused(working_set_gb: &str, sizes: &str, n_requests: u64) -> String {
    let text = SMALL
        .replace("hourly", &format!("working_set_gb = {working_set_gb}\nhourly"))
        .replace("[[0, 1], [1, 1]]\nn_acc", &format!("{sizes}\nn_acc"))
        .replace("n_requests = 10", &format!("n_requests = {n_requests}"));
    let profile = Profile::from_toml("test", &text).unwrap();
    folded(&generate(&profile, numbers(0)).unwrap_err().to_string())
}

#[test]
fn a_profile_that_asks_for_too_much_is_refused() {
    insta::assert_snapshot!(refused("4e6", "[[0, 1e8], [1, 1e8]]", 1_000), @"
    the requests of the profile add up to more than 288.2 PB; lower
    `working_set_gb`, or `n_requests`
    ");
    insta::assert_snapshot!(refused("1e9", "[[0, 1e8], [1, 1e8]]", 4), @"
    the largest object of the profile is to be of 250 PB, and 1.13 PB is the most;
    lower `working_set_gb`, or write more objects
    ");
}

#[test]
fn a_working_set_that_cannot_be_is_refused() {
    // Nothing is large; what is large would not stay so; the rest is more already.
    insta::assert_snapshot!(refused("5", "[[0, 185], [1, 185]]", 10), @"
    the objects of the profile come to 740 B at the nearest, and not to the 5 GB of
    `working_set_gb`: only sizes over 10 MB are stretched, and none to less; change
    it, or `class.size_bytes`
    ");
    insta::assert_snapshot!(refused("0.01", "[[0, 2e7], [1, 2e7]]", 10), @"
    the objects of the profile come to 40.0 MB at the nearest, and not to the 10 MB
    of `working_set_gb`: only sizes over 10 MB are stretched, and none to less;
    change it, or `class.size_bytes`
    ");
    insta::assert_snapshot!(refused("0.021", "[[0, 9e6], [0.7, 9e6], [0.7, 2e7], [1, 2e7]]", 10), @"
    the objects of the profile come to 37.0 MB at the nearest, and not to the 21 MB
    of `working_set_gb`: only sizes over 10 MB are stretched, and none to less;
    change it, or `class.size_bytes`
    ");
}
