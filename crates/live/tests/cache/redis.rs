//! Clients that no one here wrote, where they are installed: redis-cli, -benchmark and redis-py.

use std::process::Stdio;

use live::proxy::ProxyConfig;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::pool::{Cache, LIMIT, config, object, run, start};

/// For programs that leave a connection alone while they are busy with others of theirs.
fn patient() -> ProxyConfig {
    ProxyConfig { rest_limit: LIMIT, ..config() }
}

/// What a program prints that is given this input, or nothing where it is not installed.
async fn run_tool(
    cache: &Cache,
    program: &str,
    arguments: &[&str],
    input: &[u8],
) -> Option<String> {
    let port = cache.proxy.addresses.resp.unwrap().port().to_string();
    let spawned = Command::new(program)
        .args(["-p", &port])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut child) = spawned else {
        eprintln!("skipped: {program} is not installed (Debian: redis-tools)");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let fed = tokio::spawn(async move { stdin.write_all(&input).await });
    let output = child.wait_with_output().await.unwrap();
    fed.await.unwrap().ok();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn redis_cli_sets_gets_and_deletes() {
    run(async {
        let cache = start(config()).await;
        let text = format!("{:02x?}", object("text", 1, 200_000));
        let Some(answer) =
            run_tool(&cache, "redis-cli", &["-x", "SET", "song"], text.as_bytes()).await
        else {
            return;
        };
        assert_eq!(answer, "OK\n");
        let check = async |arguments: &[&str], expect: &str| {
            let answer = run_tool(&cache, "redis-cli", arguments, b"").await.unwrap();
            assert!(answer == expect, "{arguments:?} says {}", &answer[..answer.len().min(200)]);
        };
        check(&["GET", "song"], &format!("{text}\n")).await;
        check(&["PING"], "PONG\n").await;
        check(&["EXISTS", "song", "none"], "1\n").await;
        check(&["DEL", "song", "none"], "1\n").await;
        check(&["GET", "song"], "\n").await;
        check(&["SET", "a", "b", "EX", "9"], "ERR options of SET are not known\n\n").await;
        check(&["FLUSHALL"], "ERR unknown command 'FLUSHALL'\n\n").await;
        let info = run_tool(&cache, "redis-cli", &["INFO"], b"").await.unwrap();
        assert!(info.contains("functions:6"), "{info}");
        // What the client library stores, the RESP door finds, and the other way round.
        cache.client.put(b"shared", "both doors".into()).await.unwrap();
        check(&["GET", "shared"], "both doors\n").await;
        // redis-cli takes off what looks like the end of a line.
        let film = format!("{}.", "a film of some length ".repeat(100_000_000 / 22));
        let answer = run_tool(&cache, "redis-cli", &["-x", "SET", "film"], film.as_bytes()).await;
        assert_eq!(answer.as_deref(), Some("OK\n"));
        check(&["GET", "film"], &format!("{film}\n")).await;
        cache.proxy.stop().await;
    });
}

#[test]
fn redis_benchmark_runs_through() {
    run(async {
        let cache = start(patient()).await;
        for (n_bytes, n) in [("1000", "40"), ("1000000", "40"), ("100000000", "4")] {
            let arguments = ["-t", "set,get", "-n", n, "-c", "4", "-d", n_bytes, "--csv"];
            let Some(answer) = run_tool(&cache, "redis-benchmark", &arguments, b"").await else {
                return;
            };
            assert!(answer.contains("\"SET\"") && answer.contains("\"GET\""), "{answer}");
        }
        assert_eq!(cache.proxy.metrics().n_misses.get(), 0);
        cache.proxy.stop().await;
    });
}

/// What a program does that was written for Redis; it ends with 3 where redis-py is not installed.
const PYTHON: &str = r#"
import sys
try:
    import redis
except ImportError:
    sys.exit(3)
for options in [{}, {"protocol": 2}, {"protocol": 3}]:
    client = redis.Redis(port=int(sys.argv[1]), client_name="bob", socket_timeout=20, **options)
    assert client.ping() and client.get("none") is None
    assert client.client_getname() == "bob" or client.client_getname() == b"bob"
    assert client.client_id() > 0 and client.info()["functions"] == 6
    values = [bytes([number]) * 1_000_000 for number in range(20)]
    pipeline = client.pipeline(transaction=False)
    for value in values:
        pipeline.set("song", value).get("song")
    answers = pipeline.execute()
    assert answers[::2] == [True] * 20 and answers[1::2] == values
    assert client.exists(*["song"] * 2_000) == 2_000
    assert client.delete("song", "none") == 1
"#;

#[test]
fn redis_py_works_as_with_redis() {
    run(async {
        let cache = start(patient()).await;
        let port = cache.proxy.addresses.resp.unwrap().port().to_string();
        let output = Command::new("python3").args(["-c", PYTHON, &port]).output().await;
        match output {
            Ok(output) if output.status.code() != Some(3) => {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{said}");
            }
            _ => eprintln!("skipped: redis-py is not installed (pip install redis)"),
        }
        cache.proxy.stop().await;
    });
}
