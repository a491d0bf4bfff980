//! Published traces against what is known of them; see `traces/README.md` for where they are.

use policy::EvictionPolicy;
use trace::{ReadOptions, Statistics, Trace, miss_counts};
use units::Bytes;

use crate::{gigabytes, notes, read, shared_data};

fn read_shared(file_name: &str) -> Option<Trace> {
    Some(read(&shared_data(file_name)?, &ReadOptions::DETECT).unwrap())
}

/// Whether `found` is `expect` when rounded to as many digits as `expect` is given with.
#[track_caller]
fn check(found: f64, expect: &str) {
    let n_decimals = expect.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    assert_eq!(format!("{found:.n_decimals$}"), expect);
}

#[test]
fn the_large_objects_of_dallas() {
    let Some(trace) = read_shared("dal09_10mb_50h.csv.gz") else { return };
    let found = Statistics::of(&trace);
    assert_eq!((found.n_requests, found.n_gets), (37_474, 37_474));
    assert_eq!(found.n_objects, 12_541);
    assert_eq!(found.n_objects_once, 9_664);
    assert_eq!(found.n_requests_hottest, 4_638);
    assert_eq!(found.n_objects_resized, 35);
    check(found.requested_bytes.get() as f64 / 1e12, "2.252");
    check(found.unique_bytes.get() as f64 / 1e9, "950.3");
    check(found.span_s.as_seconds_f64(), "179983.803");
    check(found.infinite_hit_ratio, "0.6653");
    check(found.request_size_bytes.p10 / 1e6, "14.8");
    check(found.request_size_bytes.p50 / 1e6, "51.5");
    check(found.request_size_bytes.p75 / 1e6, "54.4");
    check(found.request_size_bytes.p90 / 1e6, "94.8");
    check(found.request_size_bytes.p95 / 1e6, "133");
    check(found.request_size_bytes.p99 / 1e6, "397");
    check(found.request_size_bytes.max / 1e9, "8.49");
    check(found.reuse_interval_s.p10, "7");
    check(found.reuse_interval_s.p50, "73");
    check(found.reuse_interval_s.p90, "2966");
    let n_over_2_gib = trace.requests().iter().filter(|it| 1 << 31 < it.size.get()).count();
    assert_eq!(n_over_2_gib, 43);
    assert_eq!(trace.source().start.unwrap().to_string(), "2017-06-20T00:00:26.626Z");
    assert_eq!(notes(&trace), "");
}

#[test]
fn the_sample_of_dallas() {
    let Some(trace) = read_shared("dal09_blobs_sample.csv") else { return };
    let found = Statistics::of(&trace);
    assert_eq!((found.n_requests, found.n_objects), (999, 566));
    check(found.requested_bytes.get() as f64 / 1e9, "11.24");
    check(found.unique_bytes.get() as f64 / 1e9, "7.21");
    check(found.span_s.as_seconds_f64() / 60.0, "21.4");
    check(found.request_size_bytes.p50 / 1e3, "11.5");
    check(found.request_size_bytes.p90 / 1e6, "35");
    check(found.request_size_bytes.max / 1e6, "690");
    check(found.large_request_ratio * 999.0, "195");
    check(found.large_byte_ratio, "0.95");
}

/// With sizes as they are, those over 2 GiB too.
#[test]
fn byte_lru_over_the_large_objects() {
    let Some(trace) = read_shared("dal09_10mb_50h.csv.gz") else { return };
    let expect = [
        (50, "62.57"),
        (100, "63.79"),
        (200, "64.76"),
        (400, "65.71"),
        (600, "66.43"),
        (635, "66.46"),
        (1_000, "66.53"),
    ];
    for (capacity_gb, hit_percent) in expect {
        let counts = miss_counts(&trace, EvictionPolicy::Lru, gigabytes(capacity_gb));
        assert_eq!(counts.n_requests, 37_474);
        check(100.0 * (1.0 - counts.miss_ratio().as_f64()), hit_percent);
    }
}

#[test]
fn every_policy_over_the_test_trace_of_webcachesim() {
    let Some(trace) = read_shared("webcachesim_test.tr") else { return };
    assert_eq!((trace.requests().len(), trace.n_objects()), (10_492, 960));
    let expect = [
        (EvictionPolicy::Lru, [7_606, 6_552, 5_289, 3_922, 2_427, 1_032]),
        (EvictionPolicy::Fifo, [7_998, 7_040, 5_831, 4_437, 2_881, 1_137]),
        (EvictionPolicy::Sieve, [6_644, 5_573, 4_586, 3_465, 2_242, 1_028]),
        (EvictionPolicy::Lfu, [6_486, 5_283, 4_426, 3_358, 2_241, 1_028]),
        (EvictionPolicy::Belady, [5_576, 4_370, 3_239, 2_202, 1_392, 960]),
    ];
    for (policy, n_misses) in expect {
        let found = [50, 100, 200, 400, 800, 1_600]
            .map(|bytes| miss_counts(&trace, policy, Bytes::new(bytes)).n_misses);
        assert_eq!(found, n_misses, "{policy}");
    }
}

#[test]
fn the_columns_of_cachelib_are_found_by_name_in_any_order() {
    use trace::Column;
    for file_name in ["cachelib/kv_traces_1.csv", "cachelib/kv_traces_2.csv"] {
        let Some(bytes) = shared_data(file_name) else { return };
        let time_column = Some(Column::Name("op_time".to_owned()));
        let trace = read(&bytes, &ReadOptions { time_column, ..ReadOptions::DETECT }).unwrap();
        let columns = trace.source().columns.clone().unwrap();
        assert_eq!((&columns.key[..], &columns.size[..]), ("key", "size"));
        assert_eq!(columns.op.as_deref(), Some("op"));
    }
}
