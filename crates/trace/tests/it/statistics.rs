//! Figures that can be counted by hand.

use policy::EvictionPolicy;
use trace::{CacheSize, Hour, MissCounts, Statistics, miss_counts};
use units::Bytes;

use crate::{folded, read_text};

const TEXT: &str = "time,key,size,op\n\
    0,a,20000000,get\n1,b,5,put\n2,b,5,get\n3,a,30000000,get\n4,b,0,delete\n8,b,5,get\n9,c,1,get\n";

#[test]
fn a_small_trace_is_counted_right() {
    let found = Statistics::of(&read_text(TEXT));
    insta::assert_snapshot!(folded(&format!("{found:?}")), @"
    Statistics { n_requests: 7, n_objects: 3, n_gets: 5, n_puts: 1, n_deletes: 1,
    requested_bytes: Bytes(50000011), unique_bytes: Bytes(30000006), span_s:
    Nanos(9000000000), n_objects_once: 1, n_objects_resized: 1, n_requests_hottest:
    4, infinite_hit_ratio: 0.4, infinite_byte_hit_ratio: 0.599999968000007,
    large_request_ratio: 0.4, large_byte_ratio: 0.9999997800000484,
    large_unique_byte_ratio: 0.99999980000004, n_large_gets_hourly_max: 2,
    large_object_ratio: 0.3333333333333333, large_hot_ratio: 0.0,
    large_reuse_within_hour_ratio: 1.0, large_n_requests: Percentiles { p10: 2.0,
    p25: 2.0, p50: 2.0, p75: 2.0, p90: 2.0, p95: 2.0, p99: 2.0, p999: 2.0, max: 2.0
    }, large_reuse_interval_s: Percentiles { p10: 3.0, p25: 3.0, p50: 3.0, p75:
    3.0, p90: 3.0, p95: 3.0, p99: 3.0, p999: 3.0, max: 3.0 }, request_size_bytes:
    Percentiles { p10: 1.0, p25: 5.0, p50: 5.0, p75: 20000000.0, p90: 30000000.0,
    p95: 30000000.0, p99: 30000000.0, p999: 30000000.0, max: 30000000.0 },
    object_size_bytes: Percentiles { p10: 1.0, p25: 1.0, p50: 5.0, p75: 30000000.0,
    p90: 30000000.0, p95: 30000000.0, p99: 30000000.0, p999: 30000000.0, max:
    30000000.0 }, reuse_interval_s: Percentiles { p10: 1.0, p25: 1.0, p50: 2.0,
    p75: 3.0, p90: 4.0, p95: 4.0, p99: 4.0, p999: 4.0, max: 4.0 } }
    ");
}

#[test]
fn what_is_only_deleted_is_no_part_of_the_working_set() {
    #[track_caller]
    fn check(rows: &str, unique_bytes: u64, p10_bytes: f64) {
        let trace = read_text(&format!("time,key,size,op\n{rows}"));
        let found = Statistics::of(&trace);
        assert_eq!(found.unique_bytes, Bytes::new(unique_bytes), "{rows}");
        assert_eq!(trace.unique_bytes(), found.unique_bytes);
        assert_eq!(found.object_size_bytes.p10.to_bits(), p10_bytes.to_bits(), "{rows}");
    }
    check("0,a,7,get\n1,b,90000000,delete\n", 7, 7.0);
    check("0,a,7,get\n1,a,9,delete\n2,b,0,put\n", 7, 0.0);
    check("0,a,7,delete\n1,a,5,put\n2,a,6,get\n", 6, 6.0);
    check("0,a,7,delete\n", 0, 0.0);
}

#[test]
fn objects_that_change_size_where_nothing_writes_them_are_said() {
    #[track_caller]
    fn check(rows: &str, expect: &str) {
        let trace = read_text(&format!("time,key,size,op\n{rows}"));
        let note = trace.note_on_sizes().map(|it| it.to_string());
        assert_eq!(note.unwrap_or_default(), expect, "{rows}");
    }
    let one = "1 object changes size without a PUT: a cached copy keeps the size it has";
    check("0,a,7,get\n1,b,8,get\n2,a,7,get\n", "");
    check("0,a,7,get\n1,a,8,put\n2,a,8,get\n3,a,9,put\n", "");
    check("0,a,7,get\n1,a,7,delete\n2,a,9,get\n3,a,0,delete\n4,a,8,get\n", "");
    check("0,a,7,get\n1,b,5,get\n2,a,8,get\n3,a,7,get\n4,a,9,put\n5,a,8,get\n", one);
    check("0,a,7,put\n1,a,8,get\n", one);
    let two = "2 objects change size without a PUT: a cached copy keeps the size it has";
    check("0,a,7,get\n1,b,0,get\n2,a,8,get\n3,b,1,get\n", two);
}

#[test]
fn hours_are_counted_one_by_one() {
    let text = "time,key,size,op\n0,a,20000000,get\n3599,b,5,put\n7200,b,5,get\n7201,a,1,delete\n";
    let hours = Hour::all_of(&read_text(text));
    let counts = |it: &Hour| (it.hour, it.n_gets, it.n_puts, it.n_deletes, it.n_new_objects);
    let found: Vec<_> = hours.iter().map(counts).collect();
    assert_eq!(found, [(0, 1, 1, 0, 2), (1, 0, 0, 0, 0), (2, 1, 0, 1, 0)]);
    assert_eq!((hours[0].n_large_gets, hours[2].requested_bytes), (1, Bytes::new(5)));
}

#[test]
fn a_put_enters_the_cache_and_a_delete_leaves_it() {
    let found = miss_counts(&read_text(TEXT), EvictionPolicy::Lru, Bytes::megabytes(100));
    let expect = MissCounts {
        n_requests: 5,
        n_misses: 3,
        requested_bytes: Bytes::new(50_000_011),
        missed_bytes: Bytes::new(20_000_006),
    };
    assert_eq!(found, expect);
}

#[test]
fn an_object_larger_than_the_cache_always_misses() {
    let trace = read_text("time,key,size\n0,a,10\n1,a,10\n2,b,5\n3,b,5\n");
    for policy in EvictionPolicy::ALL {
        assert_eq!(miss_counts(&trace, policy, Bytes::new(9)).n_misses, 3, "{policy}");
    }
}

#[test]
fn a_cache_of_the_whole_working_set_misses_only_first_requests() {
    let trace = read_text("time,key,size\n0,a,10\n1,b,10\n2,c,5\n3,a,10\n4,b,10\n5,c,5\n");
    let whole: CacheSize = "100%wss".parse().unwrap();
    for policy in EvictionPolicy::ALL {
        // S3-FIFO keeps a tenth of the space for newcomers, and so may evict before it must.
        if policy != EvictionPolicy::S3Fifo {
            let capacity = whole.resolve(trace.unique_bytes());
            assert_eq!(miss_counts(&trace, policy, capacity).n_misses, 3, "{policy}");
        }
    }
}
