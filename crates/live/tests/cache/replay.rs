//! Replays of small traces on functions in this process.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use live::client::{Client, ClientConfig};
use live::made::{self, MadeStore, StoreTerms};
use live::replay::{Pace, ReadOutcome, ReplayPlan, Replayed, replay};
use nodefn::Connection;
use tokio::net::{TcpListener, TcpStream};
use units::{Bytes as Amount, Nanos, ObjectId, Op, Request, Time};
use wire::{Message, Refusal};

use crate::pool::{Cache, LIMIT, LIMITS, TOKEN, config, object, run, start};

/// Requests written as `MILLIS OP OBJECT`, of objects whose sizes grow with their number.
fn plan(script: &[(u64, Op, u32)], pace: Pace, n_at_once_max: usize) -> ReplayPlan {
    let request = |(millis, op, object): &(u64, Op, u32)| Request {
        at: Time::START + Nanos::millis(*millis),
        size: Amount::new(1_000 + u64::from(*object) * 50_000),
        object: ObjectId(*object),
        op: *op,
    };
    ReplayPlan {
        requests: script.iter().map(request).collect(),
        keys: (0..10).map(|it| Bytes::from(format!("object {it}"))).collect(),
        pace,
        n_at_once_max,
        bytes_at_once_max: Amount::megabytes(100),
        n_done: Arc::default(),
    }
}

fn count(replayed: &Replayed, outcome: ReadOutcome) -> usize {
    replayed.reads.iter().filter(|it| it.outcome == outcome).count()
}

/// Runs a script in an open loop, and checks how its reads ended: hits, compulsory and capacity
/// misses, RESETs.
async fn check(cache: &Cache, script: &[(u64, Op, u32)], expect: [usize; 4]) -> Replayed {
    let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
    let replayed = replay(&cache.client, &store, plan(script, Pace::Open, 64)).await;
    let outcomes = [
        ReadOutcome::Hit,
        ReadOutcome::CompulsoryMiss,
        ReadOutcome::CapacityMiss,
        ReadOutcome::Reset,
    ];
    assert_eq!(outcomes.map(|it| count(&replayed, it)), expect, "{script:?}");
    assert_eq!((replayed.n_wrong, replayed.n_failures), (0, 0));
    replayed
}

use Op::{Delete, Get, Put};

#[test]
fn reads_end_as_the_simulator_would_have_them() {
    run(async {
        let cache = start(config()).await;
        check(&cache, &[(0, Get, 1), (150, Get, 1), (200, Get, 2)], [1, 2, 0, 0]).await;
        let written = [(0, Put, 3), (200, Get, 3), (400, Delete, 3), (600, Get, 3)];
        let replayed = check(&cache, &written, [1, 1, 0, 0]).await;
        assert_eq!((replayed.writes.len(), replayed.n_deletes), (1, 1));
        assert_eq!(replayed.n_store_gets, 1);
        for node in 0..6 {
            cache.pool.kill(node);
        }
        check(&cache, &[(0, Get, 1), (400, Get, 1)], [1, 0, 0, 1]).await;
        cache.proxy.stop().await;
    });
}

#[test]
fn who_misses_what_another_is_fetching_waits_for_that() {
    run(async {
        let cache = start(config()).await;
        let script: Vec<(u64, Op, u32)> = (0..20).map(|_| (0, Get, 7)).collect();
        let replayed = check(&cache, &script, [19, 1, 0, 0]).await;
        assert_eq!(replayed.n_store_gets, 1);
        cache.proxy.stop().await;
    });
}

#[test]
fn a_read_waits_for_the_write_before_it() {
    run(async {
        let cache = start(config()).await;
        let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
        let op = |number: u64| if number.is_multiple_of(3) { Put } else { Get };
        let script: Vec<(u64, Op, u32)> = (0..300).map(|it| (it / 6, op(it), 3)).collect();
        let mut plan = plan(&script, Pace::Open, 64);
        for (n_before, request) in (0..).zip(&mut plan.requests) {
            request.size = Amount::new(40_000 + n_before * 1_000);
        }
        let replayed = replay(&cache.client, &store, plan).await;
        assert_eq!((replayed.n_wrong, replayed.n_failures), (0, 0));
        assert_eq!((replayed.writes.len(), count(&replayed, ReadOutcome::Hit)), (100, 200));
        assert_eq!(replayed.n_store_gets, 0);
        cache.proxy.stop().await;
    });
}

#[test]
fn how_a_read_ends_does_not_depend_on_who_is_faster() {
    run(async {
        let cache = start(config()).await;
        let orders = [Put, Get, Delete, Get, Put, Get];
        let script: Vec<(u64, Op, u32)> =
            orders.iter().cycle().take(300).map(|it| (0, *it, 3)).collect();
        for pace in [Pace::Open, Pace::Closed { n_clients: 16 }] {
            let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
            let replayed = replay(&cache.client, &store, plan(&script, pace, 64)).await;
            assert_eq!((replayed.n_wrong, replayed.n_failures), (0, 0));
            let outcomes =
                [ReadOutcome::Hit, ReadOutcome::CompulsoryMiss, ReadOutcome::CapacityMiss];
            assert_eq!(outcomes.map(|it| count(&replayed, it)), [100, 50, 0], "{pace:?}");
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn an_object_that_is_not_known_is_as_long_as_the_first_read_has_it() {
    run(async {
        let cache = start(config()).await;
        // Reads of all objects, their deletion, and reads again, each shorter than those before.
        let of_all = |op: Op| (0..10).map(move |it| (0, op, it));
        let reads = || (0..10).flat_map(|_| of_all(Get));
        let script: Vec<(u64, Op, u32)> = reads().chain(of_all(Delete)).chain(reads()).collect();
        for pace in [Pace::Open, Pace::Closed { n_clients: 64 }] {
            let mut plan = plan(&script, pace, 256);
            for (n_before, request) in (0..).zip(&mut plan.requests) {
                request.size = Amount::new(100_000 - n_before);
            }
            let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
            let replayed = replay(&cache.client, &store, plan).await;
            assert_eq!((replayed.n_wrong, replayed.n_failures), (0, 0));
            assert_eq!(count(&replayed, ReadOutcome::CompulsoryMiss), 20);
            for number in 0..10 {
                let key = format!("object {number}");
                assert_eq!(store.length(key.as_bytes()), Some(100_000 - 110 - number), "{pace:?}");
                cache.client.delete(key.as_bytes()).await.unwrap();
            }
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn what_is_fetched_before_a_write_or_a_deletion_does_not_stay_in_its_place() {
    run(async {
        let cache = start(config()).await;
        let store = StoreTerms { first_byte: Nanos::millis(200), seconds_per_byte: 0.0 };
        let store = Arc::new(MadeStore::new(store));
        let script = [(0, Get, 3), (100, Put, 3), (400, Get, 3)];
        let mut written = plan(&script, Pace::Open, 64);
        written.requests[1].size = Amount::new(70_000);
        let replayed = replay(&cache.client, &store, written).await;
        assert_eq!((replayed.n_wrong, count(&replayed, ReadOutcome::Hit)), (0, 1));
        let script = [(0, Get, 4), (100, Delete, 4), (400, Get, 4)];
        let replayed = replay(&cache.client, &store, plan(&script, Pace::Open, 64)).await;
        assert_eq!(count(&replayed, ReadOutcome::CompulsoryMiss), 2);
        cache.proxy.stop().await;
    });
}

#[test]
fn a_write_that_the_cache_does_not_take_is_a_failure() {
    run(async {
        let mut config = config();
        (config.node_memory, config.node_overhead) = (Amount::megabytes(3), Amount::ZERO);
        let cache = start(config).await;
        let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
        let mut plan = plan(&[(0, Put, 1), (0, Put, 2)], Pace::Open, 64);
        plan.requests[0].size = Amount::megabytes(40);
        let replayed = replay(&cache.client, &store, plan.clone()).await;
        assert_eq!((replayed.writes.len(), replayed.n_failures), (1, 1));
        // A request that fails twice is one that failed.
        cache.proxy.stop().await;
        plan.requests[0].op = Get;
        let replayed = replay(&cache.client, &store, plan).await;
        assert_eq!((replayed.reads.len(), replayed.n_failures), (1, 2));
    });
}

/// Reads objects of 1, 51, 101 and 151 kB at once from a store that takes so long for each.
/// Whether the store knows how long they are, or the reads do. How long the longest read took.
async fn read_at_once(
    cache: &Cache,
    bytes_at_once_max: u64,
    pace: Pace,
    is_stored: bool,
    first_byte: Nanos,
) -> Nanos {
    let store = Arc::new(MadeStore::new(StoreTerms { first_byte, seconds_per_byte: 0.0 }));
    let script: Vec<(u64, Op, u32)> = (0..4).map(|it| (0, Get, it)).collect();
    let mut plan = plan(&script, pace, 64);
    plan.bytes_at_once_max = Amount::new(bytes_at_once_max);
    for (request, key) in plan.requests.iter_mut().zip(&plan.keys).filter(|_| is_stored) {
        store.hold(key, request.size.get());
        request.size = Amount::new(1);
    }
    let keys = plan.keys.clone();
    let replayed = replay(&cache.client, &store, plan).await;
    for key in &keys {
        cache.client.delete(key).await.unwrap();
    }
    assert_eq!(replayed.reads.len(), 4);
    replayed.reads.iter().map(|it| it.latency).max().unwrap()
}

#[test]
fn what_is_too_large_to_be_under_way_with_others_waits_and_goes_alone() {
    run(async {
        let cache = start(config()).await;
        let first_byte = Nanos::millis(100);
        for pace in [Pace::Open, Pace::Closed { n_clients: 4 }] {
            for (bytes_at_once_max, n_waits) in [(200_000, 1), (60_000, 2)] {
                for is_stored in [false, true] {
                    let took =
                        read_at_once(&cache, bytes_at_once_max, pace, is_stored, first_byte).await;
                    let least = first_byte * (n_waits + 1);
                    assert!(least <= took, "{bytes_at_once_max}, {pace:?}, {is_stored}: {took:?}");
                }
            }
        }
        // Those that fit do not wait: a store so slow that no machine is.
        let first_byte = Nanos::seconds(3);
        let took = read_at_once(&cache, 1_000_000, Pace::Open, false, first_byte).await;
        assert!(took < first_byte * 2, "{took:?}");
        cache.proxy.stop().await;
    });
}

#[test]
fn a_read_is_as_large_as_the_one_before_it_has_the_object() {
    run(async {
        let cache = start(config()).await;
        let first_byte = Nanos::millis(100);
        let store = StoreTerms { first_byte, seconds_per_byte: 0.0 };
        let store = Arc::new(MadeStore::new(store));
        let mut plan = plan(&[(0, Get, 3), (0, Get, 3)], Pace::Open, 64);
        plan.requests[1].size = Amount::new(1);
        plan.bytes_at_once_max = Amount::new(200_000);
        let replayed = replay(&cache.client, &store, plan).await;
        assert_eq!((replayed.n_wrong, count(&replayed, ReadOutcome::Hit)), (0, 1));
        assert!(first_byte <= replayed.lateness_max, "{:?}", replayed.lateness_max);
        cache.proxy.stop().await;
    });
}

/// A connection from a client to a proxy, over which nothing is stored; deletions are refused.
async fn refuse_deletions(client: TcpStream, proxy: SocketAddr) -> Option<()> {
    let mut client = Connection::new(client, LIMITS).ok()?;
    let hello = client.reader.frame_within(LIMIT).await.ok()?.message;
    let mut proxy = Connection::dial(proxy, LIMITS, &hello, LIMIT).await.ok()?;
    loop {
        let reply = proxy.reader.frame_within(LIMIT).await.ok()?.message;
        let mut body = Bytes::new();
        if let Message::Chunk { body_len, .. } = reply {
            body = proxy.reader.body(body_len, LIMIT).await.ok()?.0;
        }
        client.writer.send_with_body(&reply, body, LIMIT).await.ok()?;
        let mut asked = client.reader.frame().await.ok()??.message;
        while let Message::Delete { request, .. } = asked {
            let why = Refusal::Busy;
            let refused = Message::Refused { request, chunk: 0, version: 0, why };
            client.writer.send_within(&refused, LIMIT).await.ok()?;
            asked = client.reader.frame().await.ok()??.message;
        }
        proxy.writer.send_within(&asked, LIMIT).await.ok()?;
    }
}

#[test]
fn an_object_that_the_cache_does_not_delete_is_none_of_its_bugs() {
    run(async {
        let cache = start(config()).await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let proxy = cache.proxy.addresses.client;
        let between = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(refuse_deletions(client, proxy));
            }
        });
        let client = Client::connect(ClientConfig::new(vec![address], TOKEN)).await.unwrap();
        let mut plan = plan(&[(0, Get, 1), (0, Delete, 1), (0, Get, 1)], Pace::Open, 64);
        plan.requests[2].size = Amount::new(80_000);
        cache.client.put(b"object 1", made::object(b"object 1", 51_000)).await.unwrap();
        let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
        let replayed = replay(&client, &store, plan).await;
        assert_eq!((replayed.n_wrong, replayed.n_failures), (0, 1));
        assert_eq!((count(&replayed, ReadOutcome::Hit), replayed.foreign), (2, None));
        between.abort();
        cache.proxy.stop().await;
    });
}

#[test]
fn what_others_have_put_into_the_cache_ends_a_replay_and_is_no_bug_of_it() {
    run(async {
        let cache = start(config()).await;
        for pace in [Pace::Open, Pace::Closed { n_clients: 1 }] {
            cache.client.put(b"object 1", object("object 1", 1, 51_000)).await.unwrap();
            let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
            let script = [(0, Get, 1), (600_000, Get, 2)];
            let replayed = replay(&cache.client, &store, plan(&script, pace, 64)).await;
            assert_eq!(
                (replayed.foreign.as_deref(), replayed.n_wrong),
                (Some(&b"object 1"[..]), 0)
            );
            assert_eq!(replayed.reads.len(), 1);
            // What the replay itself has written is its own.
            let script = [(0, Put, 1), (0, Get, 1)];
            let replayed = replay(&cache.client, &store, plan(&script, pace, 64)).await;
            assert_eq!((replayed.foreign, replayed.n_wrong), (None, 0));
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn a_stall_is_in_the_latency_of_all_who_would_have_asked_meanwhile() {
    run(async {
        let cache = start(config()).await;
        let first_byte = Nanos::millis(100);
        let store = StoreTerms { first_byte, seconds_per_byte: 0.0 };
        let store = Arc::new(MadeStore::new(store));
        // One at a time: all are to be made at once, and wait for those before them.
        let script: Vec<(u64, Op, u32)> = (0..6).map(|it| (0, Get, it)).collect();
        let replayed = replay(&cache.client, &store, plan(&script, Pace::Open, 1)).await;
        for (before, read) in (0_u64..).zip(&replayed.reads) {
            assert!(first_byte * (before + 1) <= read.latency, "{before}: {read:?}");
        }
        assert!(first_byte * 5 <= replayed.lateness_max);
        cache.proxy.stop().await;
    });
}

#[test]
fn clients_of_a_closed_loop_make_all_requests_between_them() {
    run(async {
        let cache = start(config()).await;
        let store = Arc::new(MadeStore::new(StoreTerms::INSTANT));
        let script: Vec<(u64, Op, u32)> =
            (0..60).map(|it| (0, if it < 10 { Put } else { Get }, it % 10)).collect();
        let plan = plan(&script, Pace::Closed { n_clients: 3 }, 1);
        let n_done = Arc::clone(&plan.n_done);
        let replayed = replay(&cache.client, &store, plan).await;
        assert_eq!((replayed.writes.len(), replayed.reads.len()), (10, 50));
        assert_eq!((replayed.n_wrong, replayed.n_failures), (0, 0));
        assert_eq!(n_done.load(std::sync::atomic::Ordering::Relaxed), 60);
        let numbers: std::collections::BTreeSet<usize> =
            replayed.reads.iter().map(|it| it.number).collect();
        assert_eq!(numbers.len(), 50);
        cache.proxy.stop().await;
    });
}
