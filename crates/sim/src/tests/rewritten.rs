//! Objects that are written again, read at another size, or deleted.

use units::{Bytes, Op};

use super::{N_OBJECTS, Short, replay, requests};
use crate::Counts;

#[test]
fn an_overwrite_counts_at_its_own_size() {
    let check = |system: &str, shorts: &[Short], n_hits: u64, least_ms: f64, most_ms: f64| {
        let record = replay(system, &requests(shorts), 1);
        assert_eq!(record.total().counts.n_hits, n_hits, "{system}");
        let seen = record.latencies.hits.max_ms();
        assert!((least_ms..=most_ms).contains(&seen), "{system}: {seen} ms");
    };
    let pool = "infinicache:nodes=12,reclaim=none";
    // 100 MB are in chunks of 10 MB, at 104 MB/s.
    let grown = [(0, 0, 1, Op::Put), (60, 0, 100, Op::Put), (60, 0, 100, Op::Get)];
    check(pool, &grown, 1, 100.0, 200.0);
    let shrunk = [(0, 0, 100, Op::Put), (60, 0, 1, Op::Put), (60, 0, 1, Op::Get)];
    check(pool, &shrunk, 1, 1.0, 60.0);
    // 100 TB are more than the pool holds.
    let outgrown = [(0, 0, 1, Op::Put), (60, 0, 100_000_000, Op::Put), (60, 0, 1, Op::Get)];
    check(pool, &outgrown, 0, 0.0, 0.0);
    // The fetch of 1 GB that the first read began is no longer waited for.
    let rewritten = [(0, 0, 1_000, Op::Get), (1, 0, 1, Op::Put), (4, 0, 1, Op::Get)];
    check("elasticache:cache.r5.24xlarge", &rewritten, 1, 0.1, 100.0);
}

#[test]
fn a_hit_takes_as_long_as_the_copy_is_large() {
    let check = |system: &str, held: u64, asked: u64, least_ms: f64, most_ms: f64| {
        let record =
            replay(system, &requests(&[(0, 0, held, Op::Put), (60, 0, asked, Op::Get)]), 1);
        let counts = record.total().counts;
        // What was asked for and hit is what the trace says.
        let bytes = [counts.requested_bytes, counts.hit_bytes];
        assert_eq!(bytes, [Bytes::megabytes(asked); 2], "{system}");
        let seen = record.latencies.hits.max_ms();
        assert!((least_ms..=most_ms).contains(&seen), "{system}, {held} for {asked}: {seen} ms");
    };
    // 1 GB is transferred in 962 ms and decoded in 182 ms.
    let pool = "infinicache:nodes=12,reclaim=none";
    check(pool, 1_000, 1, 1_100.0, 1_400.0);
    check(pool, 1, 1_000, 1.0, 60.0);
    check("elasticache:cache.r5.large", 488, 1, 1_000.0, 1_001.0);
    check("elasticache:cache.r5.large", 1, 488, 1.0, 5.0);
    check("elasticache:serverless-valkey", 488, 1, 1_000.0, 1_001.0);
}

/// Of 24 objects of 1 GB written in turn 14 fit: each has a chunk of 100 MB on each of the twelve
/// functions, which hold 1,436 MB.
#[test]
fn what_was_deleted_has_the_size_of_its_next_write() {
    let check = |before: u64, after: u64, least: u64, most: u64| {
        let mut shorts = Vec::new();
        for object in 0..N_OBJECTS {
            shorts.push((60, object, before, Op::Put));
            shorts.push((1, object, 0, Op::Delete));
        }
        for op in [Op::Put, Op::Get] {
            shorts.extend((0..N_OBJECTS).map(|object| (60, object, after, op)));
        }
        let pool = "infinicache:nodes=12,warmup=off,backup=off,reclaim=none";
        let counts = replay(pool, &requests(&shorts), 1).total().counts;
        assert!((least..=most).contains(&counts.n_hits), "{before} to {after}: {counts:?}");
        assert_eq!(counts.overcommitted_max, Bytes::ZERO);
    };
    check(1, 1_000, 0, 14);
    check(1_000, 1, 24, 24);
}

#[test]
fn a_read_of_what_was_deleted_is_a_compulsory_miss_everywhere() {
    // The second object evicts the first, which is then deleted.
    let requests = requests(&[
        (0, 0, 90, Op::Get),
        (600, 1, 90, Op::Get),
        (600, 0, 90, Op::Delete),
        (600, 0, 90, Op::Get),
    ]);
    for system in [
        "infinicache:nodes=1,code=1+0,memory=256MB,backup=off,reclaim=none",
        "infinicache:nodes=1,code=1+0,memory=256MB,backup=off,reclaim=none,eviction=enough",
        "elasticache:cache.r5.large,reserved=99%",
    ] {
        let Counts { n_compulsory_misses, n_evictions, .. } =
            replay(system, &requests, 1).total().counts;
        assert_eq!((n_compulsory_misses, n_evictions), (3, 2), "{system}");
    }
}
