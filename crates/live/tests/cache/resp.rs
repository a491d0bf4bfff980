//! The door for clients of Redis, where functions fail it.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ec::{ChunkHeader, Code, Codec, Engine, StripeHeader};
use nodefn::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wire::{ChunkId, Message};

use crate::pool::{Cache, LIMIT, config, dial, id, object, run, start};

/// What a client of Redis is told of `song`: its bytes, or nothing.
async fn get(cache: &Cache) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(cache.proxy.addresses.resp.unwrap()).await.unwrap();
    stream.write_all(b"*2\r\n$3\r\nGET\r\n$4\r\nsong\r\n").await.unwrap();
    let mut head = String::new();
    while !head.ends_with("\r\n") {
        head.push(char::from(stream.read_u8().await.unwrap()));
    }
    let n_bytes = head.trim_start_matches('$').trim_end().parse::<i64>().unwrap();
    let mut body = vec![0; usize::try_from(n_bytes).ok()?];
    stream.read_exact(&mut body).await.unwrap();
    Some(body)
}

/// A client that asks for chunk 0 of `song`: its version and body.
async fn chunk(cache: &Cache, request: u64) -> (Connection, u64, Vec<u8>) {
    let mut connection = dial(cache).await;
    let get = Message::Get { request, id: id("song", 0), is_body_wanted: true };
    connection.writer.send(&get).await.unwrap();
    let answer = connection.reader.frame_within(LIMIT).await.unwrap();
    let Message::Chunk { version, body_len, .. } = answer.message else { panic!("{answer:?}") };
    let (body, _) = connection.reader.body(body_len, LIMIT).await.unwrap();
    (connection, version, body.to_vec())
}

/// Sends bytes over a connection, and has this answered.
async fn check(stream: &mut TcpStream, bytes: &str, expect: &str) {
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = vec![0; expect.len()];
    let read = timeout(LIMIT, stream.read_exact(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer);
    assert!(matches!(read, Ok(Ok(_))) && answer == expect, "{bytes:?} says {answer:?}");
}

/// What is said to a HELLO, of the first client.
fn welcome(protocol: u64) -> String {
    let head = if protocol == 3 { "%7" } else { "*14" };
    format!(
        "{head}\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.0.0\r\n\
         $5\r\nproto\r\n:{protocol}\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n\
         $4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n"
    )
}

#[test]
fn a_client_says_which_protocol_it_speaks_and_who_it_is() {
    run(async {
        let cache = start(config()).await;
        let address = cache.proxy.addresses.resp.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // As redis-py 8.1 begins.
        let info = "*4\r\n$6\r\nCLIENT\r\n$7\r\nSETINFO\r\n$8\r\nLIB-NAME\r\n$8\r\nredis-py\r\n";
        let three = welcome(3);
        for (bytes, expect) in [
            ("GET none\r\n", "$-1\r\n"),
            ("*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n", &three),
            (info, "+OK\r\n"),
            ("client setinfo lib-ver 8.1.0\r\n", "+OK\r\n"),
            ("CLIENT SETINFO LIB-AGE 1\r\n", "-ERR Unrecognized option 'LIB-AGE'\r\n"),
            ("GET none\r\n", "_\r\n"),
            ("CLIENT GETNAME\r\n", "_\r\n"),
            ("HELLO 4\r\n", "-NOPROTO unsupported protocol version\r\n"),
            ("HELLO 2 AUTH default\r\n", "-ERR Syntax error in HELLO option 'AUTH'\r\n"),
            ("HELLO two\r\n", "-ERR Protocol version is not an integer or out of range\r\n"),
            ("HELLO\r\n", &three),
            ("COMMAND DOCS\r\n", "%0\r\n"),
            ("HELLO 2 SETNAME bob\r\n", &welcome(2)),
            ("GET none\r\n", "$-1\r\n"),
            ("CLIENT GETNAME\r\n", "$3\r\nbob\r\n"),
            ("*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$0\r\n\r\n", "+OK\r\n"),
            ("CLIENT GETNAME\r\n", "$-1\r\n"),
            ("CLIENT ID\r\n", ":1\r\n"),
            ("CLIENT ID 3\r\n", "-ERR wrong number of arguments for 'client|id' command\r\n"),
            ("CLIENT KILL\r\n", "-ERR unknown subcommand 'KILL' of CLIENT\r\n"),
            ("SELECT 0\r\n", "+OK\r\n"),
            ("SELECT 1\r\n", "-ERR DB index is out of range\r\n"),
            ("SELECT x\r\n", "-ERR value is not an integer or out of range\r\n"),
        ] {
            check(&mut stream, bytes, expect).await;
        }
        cache.proxy.stop().await;
    });
}

/// A cache whose door for Redis wants a password, `open`, and a connection of a stranger to it.
async fn start_with_password() -> (Cache, TcpStream) {
    let mut config = config();
    config.resp_password = Some("open".to_owned());
    let cache = start(config).await;
    let address = cache.proxy.addresses.resp.unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    (cache, stream)
}

#[test]
fn a_password_may_come_with_hello() {
    run(async {
        let (cache, mut stream) = start_with_password().await;
        let wrong = "-WRONGPASS invalid username-password pair\r\n";
        check(&mut stream, "HELLO 3\r\n", "-NOAUTH HELLO must be called").await;
        let rest = " with the client already authenticated, otherwise the HELLO <proto> AUTH \
                    <user> <pass> option can be used to authenticate the client and select the \
                    RESP protocol version at the same time\r\n";
        check(&mut stream, "", rest).await;
        check(&mut stream, "SELECT 0\r\n", "-NOAUTH Authentication required.\r\n").await;
        check(&mut stream, "HELLO 3 AUTH default shut\r\n", wrong).await;
        check(&mut stream, "HELLO 3 SETNAME a AUTH default open\r\n", &welcome(3)).await;
        check(&mut stream, "GET none\r\n", "_\r\n").await;
        check(&mut stream, "AUTH\r\n", "-ERR wrong number of arguments for 'auth' command\r\n")
            .await;
        check(&mut stream, "AUTH open\r\n", "+OK\r\n").await;
        cache.proxy.stop().await;
    });
}

#[test]
fn a_function_that_does_not_answer_holds_up_no_reply() {
    run(async {
        let mut config = config();
        config.request_limit = LIMIT;
        let cache = start(config).await;
        let song = object("song", 1, 4_000);
        cache.client.put(b"song", song.clone()).await.unwrap();
        cache.pool.mute.lock().unwrap().insert(1);
        cache.pool.kill(1);
        let address = cache.proxy.addresses.resp.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let began = Instant::now();
        stream.write_all(&b"GET song\r\n".repeat(20)).await.unwrap();
        let mut answers = vec![0; 20 * (7 + song.len() + 2)];
        stream.read_exact(&mut answers).await.unwrap();
        for answer in answers.chunks(7 + song.len() + 2) {
            assert!(answer == [b"$4000\r\n", &song[..], b"\r\n"].concat());
        }
        assert!(began.elapsed() < LIMIT / 2, "after {:?}", began.elapsed());
        // Nor the end of its connection.
        check(&mut stream, "QUIT\r\n", "+OK\r\n").await;
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0);
        assert!(began.elapsed() < LIMIT / 2, "closed after {:?}", began.elapsed());
        cache.pool.mute.lock().unwrap().clear();
        cache.proxy.stop().await;
    });
}

#[test]
fn an_object_that_is_lost_is_missed_though_a_function_does_not_answer() {
    run(async {
        let mut config = config();
        config.request_limit = LIMIT;
        let cache = start(config).await;
        cache.client.put(b"song", object("song", 1, 4_000)).await.unwrap();
        cache.pool.mute.lock().unwrap().insert(1);
        for node in 0..6 {
            cache.pool.kill(node);
        }
        // Until then some may answer still.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        assert_eq!(get(&cache).await, None);
        assert!(began.elapsed() < LIMIT / 2, "after {:?}", began.elapsed());
        assert_eq!(cache.proxy.n_objects(), 0);
        cache.pool.mute.lock().unwrap().clear();
        cache.proxy.stop().await;
    });
}

#[test]
fn a_client_may_say_all_before_it_listens() {
    run(async {
        let cache = start(config()).await;
        let address = cache.proxy.addresses.resp.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let song = object("song", 1, 1_000_000);
        let set = "*3\r\n$3\r\nSET\r\n$4\r\nsong\r\n$1000000\r\n";
        let get = "\r\n*2\r\n$3\r\nGET\r\n$4\r\nsong\r\n";
        let both = [set.as_bytes(), &song, get.as_bytes()].concat();
        // More than the sockets of either side hold.
        timeout(LIMIT, stream.write_all(&both.repeat(40))).await.unwrap().unwrap();
        let expect = [b"+OK\r\n$1000000\r\n", &song[..], b"\r\n"].concat();
        let mut answer = vec![0; expect.len()];
        for _ in 0..40 {
            timeout(LIMIT, stream.read_exact(&mut answer)).await.unwrap().unwrap();
            assert!(answer == expect);
        }
        assert_eq!(cache.proxy.metrics().n_slow_peers.get(), 0);
        cache.proxy.stop().await;
    });
}

#[test]
fn a_client_that_takes_nothing_has_little_taken_in_and_is_given_up() {
    run(async {
        let mut config = config();
        config.body_len_max = 1_000_000;
        let cache = start(config).await;
        cache.client.put(b"song", object("song", 1, 900_000)).await.unwrap();
        let address = cache.proxy.addresses.resp.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let gets = b"GET song\r\n".repeat(100_000);
        let mut n_bytes = 0;
        while let Ok(Ok(())) = timeout(LIMIT, stream.write_all(&gets)).await {
            n_bytes += gets.len();
            assert!(n_bytes < 100_000_000, "all is taken in");
        }
        while cache.proxy.metrics().n_slow_peers.get() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn a_client_that_takes_nothing_is_given_up_though_it_goes_on_talking() {
    run(async {
        let mut config = config();
        config.body_limit = config.rest_limit;
        let cache = start(config).await;
        cache.client.put(b"song", object("song", 1, 900_000)).await.unwrap();
        let address = cache.proxy.addresses.resp.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        // More than the sockets of either side hold.
        stream.write_all(&b"GET song\r\n".repeat(40)).await.unwrap();
        let talks = async {
            // A little at a time, never at rest.
            while stream.write_all(b"\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(timeout(LIMIT, talks).await.is_ok(), "it is not closed");
        while cache.proxy.metrics().n_slow_peers.get() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        cache.proxy.stop().await;
    });
}

#[test]
fn many_keys_are_counted_and_deleted_at_once() {
    run(async {
        let cache = start(config()).await;
        let address = cache.proxy.addresses.resp.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        check(&mut stream, "SET \"a key\" 'some words'\r\n", "+OK\r\n").await;
        check(&mut stream, "GET 'a key'\r\n", "$10\r\nsome words\r\n").await;
        let keys = "$5\r\na key\r\n".repeat(5_000);
        check(&mut stream, &format!("*5001\r\n$6\r\nEXISTS\r\n{keys}"), ":5000\r\n").await;
        check(&mut stream, &format!("*5001\r\n$3\r\nDEL\r\n{keys}"), ":1\r\n").await;
        check(
            &mut stream,
            "*99999\r\n",
            "-ERR Protocol error: too many arguments: at most 65536\r\n",
        )
        .await;
        cache.proxy.stop().await;
    });
}

#[test]
fn a_stranger_says_few_words_and_a_long_text_is_no_key() {
    run(async {
        let (cache, mut stream) = start_with_password().await;
        let address = cache.proxy.addresses.resp.unwrap();
        let few = "-ERR Protocol error: too many arguments: at most 16\r\n";
        check(&mut stream, "*17\r\n", few).await;
        assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "it is closed");
        let mut stream = TcpStream::connect(address).await.unwrap();
        check(&mut stream, "AUTH open\r\n", "+OK\r\n").await;
        let key = "k".repeat(5_000);
        for command in ["GET", "SET"] {
            let refused = "-ERR a key has at most ";
            let mut stream = TcpStream::connect(address).await.unwrap();
            check(&mut stream, "AUTH open\r\n", "+OK\r\n").await;
            check(&mut stream, &format!("{command} {key} 1\r\n"), refused).await;
        }
        check(&mut stream, &format!("PING {key}\r\n"), &format!("$5000\r\n{key}\r\n")).await;
        check(&mut stream, &format!("EXISTS {key}\r\n"), ":0\r\n").await;
        cache.proxy.stop().await;
    });
}

#[test]
fn a_damaged_chunk_is_done_without_and_put_back() {
    // Checked by who received it, and only when the object is decoded.
    for n_bytes in [400_000, 4_000_000] {
        run(async {
            let cache = start(config()).await;
            let song = object("song", 1, n_bytes);
            cache.client.put(b"song", song.clone()).await.unwrap();
            let (mut connection, version, mut body) = chunk(&cache, 1).await;
            let whole = body.clone();
            body[1_000] ^= 1;
            let id = ChunkId { version, ..id("song", 0) };
            let body_len = body.len() as u64;
            let set = Message::Set { request: 2, id: id.clone(), body_len };
            connection.writer.send_with_body(&set, body.into(), LIMIT).await.unwrap();
            let answer = connection.reader.frame_within(LIMIT).await.unwrap();
            assert!(matches!(answer.message, Message::Stored { .. }), "{answer:?}");
            // One that is longer than its place is not taken at all.
            let set = Message::Set { request: 3, id, body_len: body_len + 1 };
            let long = Bytes::from(vec![0; whole.len() + 1]);
            connection.writer.send_with_body(&set, long, LIMIT).await.unwrap();
            let answer = connection.reader.frame_within(LIMIT).await.unwrap();
            assert!(matches!(answer.message, Message::Refused { .. }), "{answer:?}");
            // Which chunks are the first d is up to chance.
            for request in 4.. {
                assert!(get(&cache).await.unwrap() == song, "{n_bytes} bytes");
                if chunk(&cache, request).await.2 == whole {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            cache.proxy.stop().await;
        });
    }
}

#[test]
fn chunks_that_are_whole_and_make_no_object_are_a_miss_and_go() {
    for n_bytes in [400_000, 4_000_000] {
        run(async {
            let cache = start(config()).await;
            let song = object("song", 1, n_bytes);
            let codec = Codec::new(Code::new(4, 2).unwrap());
            let whole = StripeHeader::whole(codec.engine().family(), codec.code(), &song);
            // As who codes stripe by stripe begins an object.
            let stripe = StripeHeader { is_last: false, ..whole };
            let mut connection = dial(&cache).await;
            for (index, bytes) in codec.encode_bytes(&song).into_iter().enumerate() {
                let header = ChunkHeader::new(stripe, index, &bytes).to_bytes();
                let body = Bytes::from([&header[..], &bytes].concat());
                let id = id("song", u8::try_from(index).unwrap());
                let set = Message::Set { request: 1, id, body_len: body.len() as u64 };
                connection.writer.send_with_body(&set, body, LIMIT).await.unwrap();
                let answer = connection.reader.frame_within(LIMIT).await.unwrap();
                assert!(matches!(answer.message, Message::Stored { .. }), "{answer:?}");
            }
            assert_eq!(cache.proxy.n_objects(), 1);
            assert_eq!(get(&cache).await, None, "{n_bytes} bytes");
            assert_eq!(cache.proxy.n_objects(), 0);
            cache.proxy.stop().await;
        });
    }
}

#[test]
fn a_web_page_can_have_nothing_written_or_deleted() {
    run(async {
        let cache = start(config()).await;
        let song = object("song", 1, 400_000);
        cache.client.put(b"song", song.clone()).await.unwrap();
        for start in ["POST / HTTP/1.1", "PUT / HTTP/1.1", "Host: 127.0.0.1:6376"] {
            let request = format!("{start}\r\nAccept: */*\r\n\r\nSET song evil\r\nDEL song\r\n");
            let address = cache.proxy.addresses.resp.unwrap();
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            // What was not read has the connection reset; the answer may go with it.
            let _ = stream.read_to_string(&mut answer).await;
            assert!(answer.lines().count() <= 1 && !answer.contains("OK"), "{answer}");
            assert!(get(&cache).await.unwrap() == song, "{start}");
        }
        assert_eq!(cache.proxy.metrics().n_bad_peers.get(), 3);
        cache.proxy.stop().await;
    });
}

#[test]
fn an_object_whose_functions_do_not_answer_is_missed_and_stays() {
    run(async {
        let mut config = config();
        config.request_limit = Duration::from_millis(300);
        let cache = start(config).await;
        let song = object("song", 1, 400_000);
        cache.client.put(b"song", song.clone()).await.unwrap();
        while cache.pool.n_idle() < 6 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        cache.pool.is_mute.store(true, Ordering::Relaxed);
        assert_eq!(get(&cache).await, None);
        cache.pool.is_mute.store(false, Ordering::Relaxed);
        let metrics = cache.proxy.metrics();
        assert_eq!((metrics.n_hits.get(), metrics.n_misses.get()), (0, 1));
        while get(&cache).await.is_none() {}
        assert!(get(&cache).await.unwrap() == song);
        // One that is lost is not.
        for node in 0..6 {
            cache.pool.kill(node);
        }
        assert_eq!(get(&cache).await, None);
        assert_eq!(cache.proxy.n_objects(), 0);
        cache.proxy.stop().await;
    });
}
