//! Objects go in and come out, whatever is lost on the way.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use live::client::{Client, ClientConfig, ClientError, Fetched, Outcome, Recoveries};
use live::store::{BackingStore, FileStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use units::{Bytes as Amount, Nanos};

use crate::pool::{TOKEN, config, connect, object, run, start};

#[track_caller]
fn hit(fetched: &Fetched, name: &str, version: u64, n_bytes: usize) {
    assert_eq!(fetched.outcome, Outcome::Hit, "{name}");
    let expect = object(name, version, n_bytes);
    assert!(fetched.object.as_ref() == Some(&expect), "{name} has the right bytes");
}

async fn put(client: &Client, name: &str, version: u64, n_bytes: usize) {
    client.put(name.as_bytes(), object(name, version, n_bytes)).await.unwrap();
}

#[test]
fn objects_of_all_sizes_come_back_and_are_replaced_and_deleted() {
    run(async {
        let cache = start(config()).await;
        let client = &cache.client;
        for n_bytes in [0, 1, 100, 4_096, 262_144, 262_145, 1_000_000, 12_345_678] {
            let name = n_bytes.to_string();
            for version in [1, 2] {
                put(client, &name, version, n_bytes).await;
                hit(&client.get(name.as_bytes()).await.unwrap(), &name, version, n_bytes);
            }
        }
        assert!(client.delete(b"100").await.unwrap());
        assert!(!client.delete(b"100").await.unwrap());
        assert_eq!(client.get(b"100").await.unwrap().outcome, Outcome::Miss);
        assert_eq!(client.get(b"never").await.unwrap().outcome, Outcome::Miss);
        assert_eq!(cache.proxy.n_objects(), 7);
        cache.proxy.stop().await;
    });
}

#[test]
fn lost_chunks_are_put_back_and_an_object_that_lost_too_many_is_fetched_anew() {
    run(async {
        let cache = start(config()).await;
        let client = &cache.client;
        let directory = tempfile::tempdir().unwrap();
        let store = FileStore::open(directory.path()).unwrap();
        client.put_through(&store, b"song", object("song", 1, 900_000)).await.unwrap();
        for node in [0, 3] {
            cache.pool.kill(node);
        }
        // Whichever chunks are first, one read finds all that are lost, and puts them back.
        hit(&client.get(b"song").await.unwrap(), "song", 1, 900_000);
        client.settled().await;
        assert_eq!(client.recoveries(), Recoveries { n_objects: 1, n_chunks: 2 });
        assert_eq!(cache.proxy.metrics().n_chunks_recovered.get(), 2);
        for node in [1, 2] {
            cache.pool.kill(node);
        }
        hit(&client.get(b"song").await.unwrap(), "song", 1, 900_000);
        for node in 0..6 {
            cache.pool.kill(node);
        }
        assert_eq!(client.get(b"song").await.unwrap().outcome, Outcome::Reset);
        let fetched = client.get_through(&store, b"song").await.unwrap();
        assert!(fetched.object == Some(object("song", 1, 900_000)));
        hit(&client.get(b"song").await.unwrap(), "song", 1, 900_000);
        store.delete(b"song").await.unwrap();
        cache.proxy.stop().await;
    });
}

#[test]
fn the_resp_door_puts_back_what_it_hears_was_lost_after_it_has_answered() {
    run(async {
        let cache = start(config()).await;
        put(&cache.client, "song", 1, 900_000).await;
        let mut stream = TcpStream::connect(cache.proxy.addresses.resp.unwrap()).await.unwrap();
        for round in 1..=3 {
            for node in [0, 3] {
                cache.pool.kill(node);
            }
            // Those two have to be invoked first, and the others are enough.
            stream.write_all(b"*2\r\n$3\r\nGET\r\n$4\r\nsong\r\n").await.unwrap();
            let mut answer = vec![0; b"$900000\r\n".len() + 900_000 + 2];
            stream.read_exact(&mut answer).await.unwrap();
            assert!(answer[9..][..900_000] == object("song", 1, 900_000)[..], "round {round}");
            let metrics = cache.proxy.metrics();
            while metrics.n_chunks_recovered.get() < 2 * round {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(metrics.n_chunks_recovered.get(), 2 * round);
        }
        drop(stream);
        cache.proxy.stop().await;
    });
}

#[test]
fn a_full_pool_evicts_by_clock_and_refuses_what_cannot_fit() {
    run(async {
        let mut config = config();
        (config.node_memory, config.node_overhead) = (Amount::megabytes(3), Amount::ZERO);
        let cache = start(config).await;
        let client = &cache.client;
        // Chunks of just under 1 MB: a function has room for three of them.
        for name in ["a", "b", "c", "d"] {
            put(client, name, 1, 3_990_000).await;
        }
        let mut n_there = 0;
        for name in ["a", "b", "c", "d"] {
            let fetched = client.get(name.as_bytes()).await.unwrap();
            if fetched.outcome == Outcome::Hit {
                hit(&fetched, name, 1, 3_990_000);
                n_there += 1;
            }
        }
        assert_eq!((n_there, cache.proxy.metrics().n_evictions.get()), (3, 1));
        // None is refused, however large those are that make way, and written again as it is.
        for round in 0..40_usize {
            let name = ["a", "b", "c", "d", "e"][round % 5];
            let len = [3_990_000, 40_000, 2_000_000, 8_000_000, 400_000, 5_000_000][round % 6];
            put(client, name, 1, len).await;
            hit(&client.get(name.as_bytes()).await.unwrap(), name, 1, len);
        }
        let error = client.put(b"huge", object("huge", 1, 40_000_000)).await.unwrap_err();
        assert!(error.to_string().ends_with("the object has no room in the pool"), "{error}");
        cache.proxy.stop().await;
    });
}

#[test]
fn one_object_may_take_the_places_of_hundreds() {
    run(async {
        let mut config = config();
        (config.node_memory, config.node_overhead) = (Amount::megabytes(3), Amount::ZERO);
        let cache = start(config).await;
        for round in 1..3 {
            for name in 0..700 {
                put(&cache.client, &name.to_string(), round, 16_000).await;
            }
            put(&cache.client, "film", round, 11_000_000).await;
            hit(&cache.client.get(b"film").await.unwrap(), "film", round, 11_000_000);
        }
        assert!(1_300 < cache.proxy.metrics().n_evictions.get());
        // A chunk that is not there is missed once, however many chunks are asked for.
        let n_misses = cache.proxy.metrics().n_misses.get();
        assert_eq!(cache.client.get(b"none").await.unwrap().outcome, Outcome::Miss);
        assert_eq!(cache.proxy.metrics().n_misses.get(), n_misses + 1);
        cache.proxy.stop().await;
    });
}

#[test]
fn functions_that_are_never_left_alone_return_in_time_and_keep_what_they_hold() {
    run(async {
        let cache = start(config()).await;
        cache.pool.limit_ms.store(1_500, Ordering::Relaxed);
        for node in 0..6 {
            cache.pool.kill(node);
        }
        put(&cache.client, "song", 1, 400_000).await;
        let metrics = cache.proxy.metrics();
        let n_invocations = || metrics.n_invocations_serve.get();
        let n_before = n_invocations();
        // A request every few milliseconds, for three invocations and a half of each.
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            hit(&cache.client.get(b"song").await.unwrap(), "song", 1, 400_000);
        }
        assert!((12..60).contains(&(n_invocations() - n_before)), "{}", n_invocations());
        assert_eq!(metrics.n_chunks_lost.get(), 0);
        cache.proxy.stop().await;
    });
}

#[test]
fn a_backup_hands_every_chunk_to_a_replica_while_reads_go_on() {
    run(async {
        let mut config = config();
        config.backup = Some(Nanos::millis(300));
        config.warm_up = Some(Nanos::millis(200));
        let cache = start(config).await;
        let client = &cache.client;
        for name in 0..20 {
            put(client, &name.to_string(), 1, 300_000).await;
        }
        // Warm-ups come when nothing else does, and backups at their ends.
        while cache.proxy.metrics().n_invocations_backup.get() < 12 {
            tokio::time::sleep(Duration::from_millis(400)).await;
            for name in 0..20 {
                let name = name.to_string();
                hit(&client.get(name.as_bytes()).await.unwrap(), &name, 1, 300_000);
            }
        }
        // Only what the replicas had not got would have been lost on the way.
        assert_eq!(cache.proxy.metrics().n_chunks_lost.get(), 0);
        cache.proxy.stop().await;
    });
}

#[test]
fn a_proxy_that_starts_anew_finds_functions_and_memory_free() {
    run(async {
        let first = start(config()).await;
        put(&first.client, "song", 1, 500_000).await;
        let (pool, addresses) = (first.pool, first.proxy.addresses);
        first.proxy.stop().await;
        let mut again = config();
        (again.client_address, again.function_address) = (addresses.client, addresses.function);
        let proxy = live::proxy::Proxy::start(again, pool).await.unwrap();
        assert!(proxy.ready(Duration::from_secs(20)).await);
        // The client of before dials again.
        assert_eq!(first.client.get(b"song").await.unwrap().outcome, Outcome::Miss);
        let client = connect(&proxy).await;
        put(&client, "song", 2, 500_000).await;
        hit(&first.client.get(b"song").await.unwrap(), "song", 2, 500_000);
        proxy.stop().await;
    });
}

#[test]
fn several_proxies_share_the_keys_and_one_that_stops_takes_only_its_own() {
    run(async {
        let caches = [start(config()).await, start(config()).await, start(config()).await];
        let proxies = || caches.iter().map(|it| it.proxy.addresses.client.to_string()).collect();
        let client = Client::connect(ClientConfig::new(proxies(), TOKEN)).await.unwrap();
        let names: Vec<String> = (0..60).map(|it| format!("song {it}")).collect();
        for name in &names {
            put(&client, name, 1, 50_000).await;
        }
        let n_objects = caches.each_ref().map(|it| it.proxy.n_objects());
        assert!(n_objects.iter().all(|it| 5 < *it) && n_objects.iter().sum::<usize>() == 60);
        // Another client agrees on who has what.
        let other = Client::connect(ClientConfig::new(proxies(), TOKEN)).await.unwrap();
        for name in &names {
            hit(&other.get(name.as_bytes()).await.unwrap(), name, 1, 50_000);
        }
        let [gone, second, third] = caches;
        gone.proxy.stop().await;
        let mut n_failed = 0;
        for name in &names {
            match client.get(name.as_bytes()).await {
                Ok(fetched) => hit(&fetched, name, 1, 50_000),
                Err(ClientError::Unreachable { .. }) => n_failed += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(n_failed, n_objects[0]);
        second.proxy.stop().await;
        third.proxy.stop().await;
    });
}

#[test]
fn a_proxy_that_stops_ends_what_is_under_way() {
    run(async {
        let cache = start(config()).await;
        let song = object("song", 1, 60_000_000);
        cache.client.put(b"song", song.clone()).await.unwrap();
        let address = cache.proxy.addresses.resp.unwrap();
        let mut reader = TcpStream::connect(address).await.unwrap();
        reader.write_all(b"GET song\r\n").await.unwrap();
        let mut head = [0; 11];
        reader.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"$60000000\r\n");
        let stopping = tokio::spawn(cache.proxy.stop());
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).await.unwrap();
        assert!(rest.strip_suffix(b"\r\n") == Some(&song[..]), "all of it came");
        stopping.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn a_function_that_cannot_be_told_of_a_deletion_hears_of_it_later() {
    run(async {
        let mut config = config();
        config.request_limit = Duration::from_millis(300);
        let cache = start(config).await;
        put(&cache.client, "song", 1, 400_000).await;
        while cache.pool.n_idle() < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cache.pool.is_mute.store(true, Ordering::Relaxed);
        assert!(cache.client.delete(b"song").await.unwrap());
        let metrics = cache.proxy.metrics();
        while metrics.n_unanswered.get() < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(metrics.n_chunks_deleted.get(), 0);
        cache.pool.is_mute.store(false, Ordering::Relaxed);
        // Whatever they are asked for next takes it along.
        while cache.client.put(b"next", object("next", 1, 400_000)).await.is_err() {}
        while metrics.n_chunks_deleted.get() < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn prometheus_reads_what_was_counted() {
    run(async {
        let cache = start(config()).await;
        put(&cache.client, "song", 1, 100_000).await;
        hit(&cache.client.get(b"song").await.unwrap(), "song", 1, 100_000);
        let address = cache.proxy.addresses.metrics.unwrap();
        let ask = async |what: &str| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("{what} HTTP/1.1\r\nHost: proxy\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let answer = ask("GET /metrics").await;
        for row in [
            "# TYPE infinisim_hits_total counter",
            "infinisim_hits_total 1",
            "infinisim_chunks_stored_total 6",
            "infinisim_bad_peers_total 0",
            "# TYPE infinisim_objects gauge",
            "infinisim_objects 1",
            "infinisim_relays 0",
        ] {
            assert!(answer.lines().any(|it| it == row), "`{row}` is not in {answer}");
        }
        for (what, expect) in [
            ("GET /", "HTTP/1.1 404 "),
            ("GET /metricsx", "HTTP/1.1 404 "),
            ("DELETE /metrics", "HTTP/1.1 404 "),
            ("GET /metrics?x=1", "HTTP/1.1 200 "),
        ] {
            let answer = ask(what).await;
            assert!(answer.starts_with(expect) && !answer.ends_with("\r\n\r\n"), "{answer}");
        }
        let answer = ask("HEAD /metrics").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"), "{answer}");
        // Those who say nothing hold up nobody.
        let mut idle = Vec::new();
        for _ in 0..3 {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let began = Instant::now();
        assert!(ask("GET /metrics").await.starts_with("HTTP/1.1 200 "));
        assert!(began.elapsed() < Duration::from_secs(4), "after {:?}", began.elapsed());
        cache.proxy.stop().await;
    });
}

#[test]
fn many_clients_at_once_get_what_is_theirs() {
    run(async {
        let cache = start(config()).await;
        let mut tasks = tokio::task::JoinSet::new();
        for index in 0..16 {
            let client = cache.client.clone();
            tasks.spawn(async move {
                let name = format!("object {index}");
                for version in 0..5 {
                    let n_bytes = 17_000 * (index + 1);
                    put(&client, &name, version, n_bytes).await;
                    hit(&client.get(name.as_bytes()).await.unwrap(), &name, version, n_bytes);
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        cache.proxy.stop().await;
    });
}
