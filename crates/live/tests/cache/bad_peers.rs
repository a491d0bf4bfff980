//! Peers that are wrong, slow, or gone: the proxy answers or closes, and loses nothing else.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use live::client::{Client, ClientConfig, Outcome};
use live::proxy::Counter;
use nodefn::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::{Message, Refusal, Role};

use crate::pool::{Cache, LIMIT, LIMITS, TOKEN, config, dial, hello, id, object, run, start};

async fn refusal(connection: &mut Connection) -> Refusal {
    match connection.reader.frame_within(LIMIT).await.unwrap().message {
        Message::Refused { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

/// Waits until so many were counted, which is just after they were closed, and no more.
async fn until_counted(counter: &Counter, n: u64) {
    while counter.get() < n {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(counter.get(), n);
}

/// An honest client is served as ever.
async fn check_others_are_served(cache: &Cache) {
    cache.client.put(b"fine", object("fine", 1, 700_000)).await.unwrap();
    let fetched = cache.client.get(b"fine").await.unwrap();
    assert!(fetched.object == Some(object("fine", 1, 700_000)));
}

#[test]
fn a_wrong_token_lets_nobody_in() {
    run(async {
        let cache = start(config()).await;
        let proxies = vec![cache.proxy.addresses.client.to_string()];
        let error = Client::connect(ClientConfig::new(proxies, "guess")).await.unwrap_err();
        assert!(error.to_string().ends_with("the token is wrong, or was used before"), "{error}");
        for role in [Role::Function, Role::RelaySource, Role::RelayReplica, Role::Client] {
            let hello = hello(role, TOKEN);
            let address = cache.proxy.addresses.function;
            let mut caller = Connection::dial(address, LIMITS, &hello, LIMIT).await.unwrap();
            assert_eq!(refusal(&mut caller).await, Refusal::Token, "{role:?}");
            assert!(caller.reader.frame().await.unwrap().is_none(), "and is closed");
        }
        check_others_are_served(&cache).await;
        assert!(5 <= cache.proxy.metrics().n_bad_peers.get());
        cache.proxy.stop().await;
    });
}

#[test]
fn bytes_that_are_no_frame_close_the_connection_after_an_answer() {
    run(async {
        let cache = start(config()).await;
        let huge = Message::Set { request: 1, id: id("a", 0), body_len: 1 << 40 };
        for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &huge.to_bytes(), b"ISWF\x01\xff"] {
            let mut garbage = garbage.to_vec();
            garbage.resize(garbage.len().max(64), 0);
            let mut connection = dial(&cache).await;
            connection.writer.send_raw(&garbage[..], LIMIT).await.unwrap();
            assert_eq!(refusal(&mut connection).await, Refusal::NotAFrame);
            assert!(connection.reader.frame().await.unwrap().is_none(), "and is closed");
        }
        // Frames that are not for a proxy to take are answered, and the connection goes on.
        let mut connection = dial(&cache).await;
        for message in [Message::SyncHello, Message::Backup { token: Bytes::new() }] {
            connection.writer.send(&message).await.unwrap();
            assert_eq!(refusal(&mut connection).await, Refusal::OutOfPlace);
        }
        check_others_are_served(&cache).await;
        cache.proxy.stop().await;
    });
}

#[test]
fn a_client_that_vanishes_within_a_put_leaves_nothing_and_breaks_nothing() {
    run(async {
        let cache = start(config()).await;
        cache.client.put(b"song", object("song", 1, 800_000)).await.unwrap();
        for body_len in [1_000, 5_000_000] {
            let mut connection = dial(&cache).await;
            let message = Message::Set { request: body_len, id: id("song", 0), body_len };
            connection.writer.send(&message).await.unwrap();
            connection.writer.send_raw(&[1; 500][..], LIMIT).await.unwrap();
            drop(connection);
            // What there was of the new version is deleted, with the old one.
            while cache.proxy.n_objects() != 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(cache.client.get(b"song").await.unwrap().outcome, Outcome::Miss);
            check_others_are_served(&cache).await;
            assert!(cache.client.delete(b"fine").await.unwrap());
            cache.client.put(b"song", object("song", 1, 800_000)).await.unwrap();
        }
        assert_eq!(cache.proxy.metrics().n_puts_broken_off.get(), 2);
        cache.proxy.stop().await;
    });
}

#[test]
fn a_client_that_takes_nothing_is_given_up_and_its_functions_serve_others() {
    run(async {
        let cache = start(config()).await;
        cache.client.put(b"big", object("big", 1, 120_000_000)).await.unwrap();
        let mut slow = dial(&cache).await;
        let get = Message::Get { request: 1, id: id("big", 0), is_body_wanted: true };
        slow.writer.send(&get).await.unwrap();
        let header = slow.reader.frame_within(LIMIT).await.unwrap();
        assert_eq!(header.body_len, 30_000_064);
        // It takes no more of it than its socket holds, which is less than there is.
        check_others_are_served(&cache).await;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        check_others_are_served(&cache).await;
        assert!(slow.reader.body(header.body_len, LIMIT).await.is_err(), "it was closed");
        until_counted(&cache.proxy.metrics().n_slow_peers, 1).await;
        cache.proxy.stop().await;
    });
}

#[test]
fn clients_that_take_little_at_a_time_do_not_hold_functions_from_others() {
    run(async {
        let cache = start(config()).await;
        cache.client.put(b"big", object("big", 1, 120_000_000)).await.unwrap();
        cache.client.put(b"fine", object("fine", 1, 700_000)).await.unwrap();
        let mut slow = Vec::new();
        for chunk in 0..6 {
            let mut stream = TcpStream::connect(cache.proxy.addresses.client).await.unwrap();
            let get = Message::Get { request: 1, id: id("big", chunk), is_body_wanted: true };
            stream.write_all(&hello(Role::Client, TOKEN).to_bytes()).await.unwrap();
            stream.write_all(&get.to_bytes()).await.unwrap();
            // Never at rest, and at 5 MB/s.
            slow.push(tokio::spawn(async move {
                let mut piece = vec![0; 50_000];
                while stream.read_exact(&mut piece).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        check_others_are_served(&cache).await;
        assert!(4 <= cache.proxy.metrics().n_slow_peers.get());
        for it in slow {
            it.await.unwrap();
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn a_half_open_connection_is_closed_when_its_time_is_over() {
    run(async {
        let mut config = config();
        config.idle_limit = Duration::from_millis(300);
        let cache = start(config).await;
        // One that never says hello, one that stops within a frame, one that is let in and silent.
        let address = cache.proxy.addresses.client;
        let mut mute = TcpStream::connect(address).await.unwrap();
        let mut halved = TcpStream::connect(address).await.unwrap();
        halved.write_all(&hello(Role::Client, TOKEN).to_bytes()[..20]).await.unwrap();
        let mut silent = dial(&cache).await;
        for stream in [&mut mute, &mut halved] {
            assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 0);
        }
        assert!(silent.reader.frame().await.unwrap().is_none());
        let mut function = TcpStream::connect(cache.proxy.addresses.function).await.unwrap();
        assert_eq!(function.read(&mut [0; 64]).await.unwrap(), 0);
        let mut redis = TcpStream::connect(cache.proxy.addresses.resp.unwrap()).await.unwrap();
        redis.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9\r\n1").await.unwrap();
        assert_eq!(redis.read(&mut [0; 64]).await.unwrap(), 0);
        // The silent one is only told to dial again.
        until_counted(&cache.proxy.metrics().n_slow_peers, 3).await;
        until_counted(&cache.proxy.metrics().n_bad_peers, 1).await;
        cache.proxy.stop().await;
    });
}

#[test]
fn a_function_that_never_answers_costs_its_chunks_and_no_more() {
    run(async {
        let mut config = config();
        config.request_limit = Duration::from_millis(500);
        let cache = start(config).await;
        cache.client.put(b"song", object("song", 1, 400_000)).await.unwrap();
        // From now on instances start, and never dial in.
        cache.pool.is_mute.store(true, Ordering::Relaxed);
        for node in [1, 4] {
            cache.pool.kill(node);
        }
        let fetched = cache.client.get(b"song").await.unwrap();
        assert!(fetched.object == Some(object("song", 1, 400_000)));
        for node in 0..6 {
            cache.pool.kill(node);
        }
        // A clean answer within the deadline, and not a wrong one.
        assert!(cache.client.get(b"song").await.is_err());
        assert!(cache.client.put(b"next", object("next", 1, 400_000)).await.is_err());
        assert_eq!(cache.client.get(b"next").await.unwrap().outcome, Outcome::Miss);
        while cache.proxy.metrics().n_unanswered.get() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn a_function_that_dials_in_and_then_answers_nothing_costs_no_more_either() {
    run(async {
        let mut config = config();
        config.request_limit = Duration::from_millis(500);
        let cache = start(config).await;
        cache.client.put(b"song", object("song", 1, 400_000)).await.unwrap();
        cache.pool.is_deaf.store(true, Ordering::Relaxed);
        for node in [0, 5] {
            cache.pool.kill(node);
        }
        let fetched = cache.client.get(b"song").await.unwrap();
        assert!(fetched.object == Some(object("song", 1, 400_000)));
        cache.pool.kill(3);
        assert!(cache.client.get(b"song").await.is_err());
        // Their time is over a little after that of who waited for them.
        while cache.proxy.metrics().n_unanswered.get() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn a_client_of_redis_that_says_too_much_or_vanishes_stores_nothing() {
    run(async {
        let cache = start(config()).await;
        let resp = cache.proxy.addresses.resp.unwrap();
        let mut huge = TcpStream::connect(resp).await.unwrap();
        huge.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$99999999999\r\n").await.unwrap();
        let mut answer = String::new();
        huge.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("-ERR Protocol error: argument of 99999999999 bytes"),
            "{answer}"
        );
        let mut gone = TcpStream::connect(resp).await.unwrap();
        gone.write_all(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000000\r\nsome").await.unwrap();
        drop(gone);
        check_others_are_served(&cache).await;
        assert_eq!(cache.proxy.n_objects(), 1);
        until_counted(&cache.proxy.metrics().n_bad_peers, 1).await;
        cache.proxy.stop().await;
    });
}

#[test]
fn a_write_that_was_held_up_does_not_undo_what_came_after() {
    run(async {
        let cache = start(config()).await;
        let mut early = dial(&cache).await;
        let mut late = dial(&cache).await;
        let delete = Message::Delete { request: 9, id: id("song", 0) };
        early.writer.send(&delete).await.unwrap();
        early.reader.frame_within(LIMIT).await.unwrap();
        cache.client.put(b"song", object("song", 2, 800_000)).await.unwrap();
        // Of the same session, and sent before it was given up.
        let held_up = Message::Set { request: 8, id: id("song", 0), body_len: 100 };
        late.writer.send_with_body(&held_up, Bytes::from(vec![1; 100]), LIMIT).await.unwrap();
        assert_eq!(refusal(&mut late).await, Refusal::OutOfPlace);
        let fetched = cache.client.get(b"song").await.unwrap();
        assert!(fetched.object == Some(object("song", 2, 800_000)));
        cache.proxy.stop().await;
    });
}

#[test]
fn a_client_whose_reads_are_cut_off_is_never_too_busy() {
    run(async {
        let cache = start(config()).await;
        cache.client.put(b"song", object("song", 1, 5_000)).await.unwrap();
        let mut connection = dial(&cache).await;
        // Reads of which the other chunks are never asked for.
        for request in 0..200 {
            let get = Message::Get { request, id: id("song", 1), is_body_wanted: true };
            connection.writer.send(&get).await.unwrap();
            let chunk = connection.reader.frame_within(LIMIT).await.unwrap();
            assert!(matches!(chunk.message, Message::Chunk { .. }), "{:?}", chunk.message);
            connection.reader.skip(chunk.n_bytes_following(), LIMIT).await.unwrap();
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn nothing_listens_beyond_loopback_unless_asked() {
    let usual =
        live::proxy::ProxyConfig::local(ec::Code::new(4, 2).unwrap(), 6, 512, String::new());
    let doors = [
        Some(usual.client_address),
        Some(usual.function_address),
        usual.resp_address,
        usual.metrics_address,
    ];
    assert!(doors.into_iter().flatten().all(|it| it.ip().is_loopback()), "{doors:?}");
}
