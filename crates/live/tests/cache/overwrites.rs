//! Objects that are read while they are written anew.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use live::client::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use wire::{Message, Refusal};

use crate::pool::{Cache, LIMIT, config, connect, dial, id, object, run, start};

const N_BYTES: usize = 1_000;

async fn redis(cache: &Cache) -> TcpStream {
    TcpStream::connect(cache.proxy.addresses.resp.unwrap()).await.unwrap()
}

/// A reply as long as `expect`.
async fn ask(stream: &mut TcpStream, command: &[u8], n_bytes: usize) -> Vec<u8> {
    stream.write_all(command).await.unwrap();
    let mut reply = vec![0; n_bytes];
    let read = timeout(LIMIT, stream.read_exact(&mut reply)).await;
    assert!(matches!(read, Ok(Ok(_))), "{}", String::from_utf8_lossy(&reply));
    reply
}

async fn set(stream: &mut TcpStream, song: &[u8]) {
    let head = format!("*3\r\n$3\r\nSET\r\n$4\r\nsong\r\n${}\r\n", song.len());
    let command = [head.as_bytes(), song, b"\r\n"].concat();
    assert_eq!(ask(stream, &command, 5).await, b"+OK\r\n");
}

/// What `song` is, which has to be there.
async fn get(stream: &mut TcpStream) -> Vec<u8> {
    let reply = ask(stream, b"GET song\r\n", 7 + N_BYTES + 2).await;
    assert!(reply.starts_with(b"$1000\r\n"), "{}", String::from_utf8_lossy(&reply[..5]));
    reply[7..][..N_BYTES].to_vec()
}

/// Reads `song` at both doors while so many write it, each its own versions, one after the other.
async fn check(n_writers: usize) {
    let cache = start(config()).await;
    let versions: Vec<Bytes> = (0..600).map(|it| object("song", it, N_BYTES)).collect();
    cache.client.put(b"song", versions[0].clone()).await.unwrap();
    let n_writing = AtomicUsize::new(n_writers);
    let write = async |writer: usize| {
        let mut stream = redis(&cache).await;
        for song in versions[1..].iter().skip(writer).step_by(n_writers) {
            set(&mut stream, song).await;
        }
        n_writing.fetch_sub(1, Ordering::Relaxed);
    };
    let version_of = |song: &[u8]| versions.iter().position(|it| it == song).expect("a version");
    let read = async {
        let mut stream = redis(&cache).await;
        let mut version_read = 0;
        while n_writing.load(Ordering::Relaxed) != 0 {
            assert_eq!(ask(&mut stream, b"EXISTS song\r\n", 4).await, b":1\r\n");
            let version = version_of(&get(&mut stream).await);
            assert!(n_writers != 1 || version_read <= version, "{version} after {version_read}");
            version_read = version;
        }
    };
    let fetch = async {
        while n_writing.load(Ordering::Relaxed) != 0 {
            // Also where it is written over between one chunk and the next.
            let fetched = cache.client.get(b"song").await.unwrap();
            assert_eq!(fetched.outcome, Outcome::Hit);
            assert!(fetched.object.is_some_and(|it| versions.contains(&it)));
        }
    };
    let writers = async {
        match n_writers {
            1 => write(0).await,
            _ => drop(tokio::join!(write(0), write(1))),
        }
    };
    tokio::join!(writers, read, fetch);
    let metrics = cache.proxy.metrics();
    assert_eq!(metrics.n_misses.get(), 0);
    assert_eq!(metrics.n_chunks_lost.get(), 0, "what makes way for a newer one is not lost");
    cache.proxy.stop().await;
}

#[test]
fn an_object_is_there_while_it_is_overwritten() {
    run(check(1));
}

#[test]
fn an_object_is_there_while_two_overwrite_it() {
    run(check(2));
}

#[test]
fn an_object_is_read_however_many_overwrite_it() {
    run(async {
        let cache = start(config()).await;
        let versions: Vec<Bytes> = (0..40).map(|it| object("song", it, N_BYTES)).collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let mut writers = JoinSet::new();
        for version in versions.clone() {
            let (mut stream, is_over) = (redis(&cache).await, Arc::clone(&is_over));
            writers.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    set(&mut stream, &version).await;
                }
            });
        }
        for version in &versions[..4] {
            let (version, is_over) = (version.clone(), Arc::clone(&is_over));
            let client = connect(&cache.proxy).await;
            writers.spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    client.put(b"song", version.clone()).await.unwrap();
                }
            });
        }
        cache.client.put(b"song", versions[0].clone()).await.unwrap();
        let mut stream = redis(&cache).await;
        for _ in 0..30 {
            assert!(versions.contains(&get(&mut stream).await.into()));
            let fetched = cache.client.get(b"song").await.unwrap();
            assert_ne!(fetched.outcome, Outcome::Miss);
            assert!(fetched.object.is_none_or(|it| versions.contains(&it)));
        }
        assert_eq!(cache.proxy.metrics().n_misses.get(), 0);
        is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = writers.join_next().await {
            ended.unwrap();
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn a_write_that_is_overtaken_hears_so_of_each_chunk() {
    run(async {
        let cache = start(config()).await;
        let mut writer = dial(&cache).await;
        let mut stream = redis(&cache).await;
        for chunk in 0..3 {
            let message = Message::Set { request: 1, id: id("song", chunk), body_len: 100 };
            let body = Bytes::from(vec![1; 100]);
            writer.writer.send_with_body(&message, body, LIMIT).await.unwrap();
            let answer = writer.reader.frame_within(LIMIT).await.unwrap().message;
            if chunk == 0 {
                assert!(matches!(answer, Message::Stored { .. }), "{answer:?}");
                set(&mut stream, &object("song", 1, N_BYTES)).await;
            } else {
                let Message::Refused { why, .. } = answer else { panic!("{answer:?}") };
                assert_eq!(why, Refusal::Superseded, "chunk {chunk}");
            }
        }
        assert!(get(&mut stream).await == object("song", 1, N_BYTES));
        cache.proxy.stop().await;
    });
}

#[test]
fn a_read_that_waited_for_a_write_has_the_rest_of_its_time() {
    run(async {
        let config = config();
        let limit = config.request_limit;
        let cache = start(config).await;
        let mut writer = dial(&cache).await;
        let mut stream = redis(&cache).await;
        let mut began = Instant::now();
        for chunk in 0..6 {
            if chunk == 5 {
                stream.write_all(b"GET song\r\n").await.unwrap();
                began = Instant::now();
                tokio::time::sleep(limit * 2 / 5).await;
            }
            let set = Message::Set { request: 1, id: id("song", chunk), body_len: 100 };
            let body = Bytes::from(vec![1; 100]);
            writer.writer.send_with_body(&set, body, LIMIT).await.unwrap();
            let answer = writer.reader.frame_within(LIMIT).await.unwrap().message;
            let Message::Stored { node, .. } = answer else { panic!("{answer:?}") };
            // It holds its chunk, and is not there when that is asked for.
            cache.pool.mute.lock().unwrap().insert(node.0);
            cache.pool.kill(node.0);
        }
        assert_eq!(ask(&mut stream, b"", 5).await, b"$-1\r\n");
        let took = began.elapsed();
        assert!(limit <= took && took < limit * 6 / 5, "after {took:?}");
        cache.pool.mute.lock().unwrap().clear();
        cache.proxy.stop().await;
    });
}

#[test]
fn a_write_that_does_not_end_holds_readers_up_for_a_while_only() {
    run(async {
        let cache = start(config()).await;
        cache.client.put(b"song", object("song", 1, N_BYTES)).await.unwrap();
        let mut writer = dial(&cache).await;
        let body = Bytes::from(vec![1; 100]);
        let first_chunk = Message::Set { request: 1, id: id("song", 0), body_len: 100 };
        writer.writer.send_with_body(&first_chunk, body, LIMIT).await.unwrap();
        writer.reader.frame_within(LIMIT).await.unwrap();
        let mut stream = redis(&cache).await;
        assert_eq!(ask(&mut stream, b"GET song\r\n", 5).await, b"$-1\r\n");
        assert_eq!(cache.client.get(b"song").await.unwrap().outcome, Outcome::Miss);
        // Those who wait are answered at once where it is given up.
        stream.write_all(b"GET song\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(writer);
        let began = Instant::now();
        assert_eq!(ask(&mut stream, b"", 5).await, b"$-1\r\n");
        assert!(began.elapsed() < Duration::from_secs(1), "after {:?}", began.elapsed());
        cache.proxy.stop().await;
    });
}
