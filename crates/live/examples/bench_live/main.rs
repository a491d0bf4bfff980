//! GET of 1 kB and of 1, 10 and 100 MB by one and by four clients, from the cache (12 functions,
//! 10+2, through the RESP door), from redis-server, and through a relay that does nothing but
//! relay, in turns: `make bench-live`. Other sizes, in bytes, may be given.

mod bare;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_lambda::config::{BehaviorVersion, Config, Credentials, Region};
use ec::Code;
use live::platform::local::{NewFunction, Platform, PlatformConfig, SandboxCommand};
use live::proxy::{LambdaInvoker, Proxy, ProxyConfig};
use units::Nanos;

use self::bare::Bare;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const N_NODES: u32 = 12;
const MEMORY_MB: u32 = 2048;
/// How often all are measured, in turns; the median counts.
const N_ROUNDS: usize = 5;
/// How much is read in one measurement, at least one object by each client.
const READ_BYTES: usize = 600_000_000;

#[expect(clippy::print_stdout, reason = "the figures are what a bench is for")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [what, address, part_len] = &arguments[..]
        && what == "--part"
    {
        return Ok(bare::serve_part(address, part_len.parse()?)?);
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let sizes: Result<Vec<usize>, _> = arguments.iter().map(|it| it.parse()).collect();
    let sizes = Some(sizes?).filter(|it| !it.is_empty());
    let sizes = sizes.unwrap_or_else(|| vec![1_000, 1_000_000, 10_000_000, 100_000_000]);
    let (platform, proxy) = runtime.block_on(start())?;
    let ours = proxy.addresses.resp.ok_or("no RESP door")?;
    let theirs = SocketAddr::from(([127, 0, 0, 1], 6390));
    let mut redis = Command::new("redis-server")
        .args(["--port", "6390", "--save", "", "--appendonly", "no"])
        .args(["--proto-max-bulk-len", "1gb"])
        .stdout(Stdio::null())
        .spawn()
        .map_err(|it| format!("redis-server (Debian: redis-server) does not start: {it}"))?;
    let outcome = (|| {
        println!(
            "object_bytes,n_clients,ours_mb_per_s,bare_mb_per_s,redis_mb_per_s,ours_to_redis,\
             bare_to_redis,ours_ms,bare_ms,redis_ms"
        );
        for n_bytes in sizes {
            for address in [ours, theirs] {
                set(address, n_bytes)?;
            }
            let bare = Bare::start(n_bytes)?;
            for n_clients in [1, 4] {
                let mut rounds = Vec::new();
                for _ in 0..N_ROUNDS {
                    rounds.push([
                        get(ours, n_bytes, n_clients, Answers::AreChecked)?,
                        get(bare.address, n_bytes, n_clients, Answers::AreAnything)?,
                        get(theirs, n_bytes, n_clients, Answers::AreChecked)?,
                    ]);
                }
                println!("{n_bytes},{n_clients},{}", row(&rounds));
            }
        }
        Ok(())
    })();
    redis.kill()?;
    redis.wait()?;
    runtime.block_on(async {
        proxy.stop().await;
        platform.stop().await;
    });
    outcome
}

/// The medians of what was measured in turns.
fn row(rounds: &[[Measured; 3]]) -> String {
    let median = |of: &dyn Fn(&[Measured; 3]) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let rates = [0, 1, 2].map(|who| format!("{:.0}", median(&|it| it[who].rate / 1e6)));
    let ratios = [0, 1].map(|who| format!("{:.2}", median(&|it| it[who].rate / it[2].rate)));
    let times = [0, 1, 2].map(|who| format!("{:.3}", median(&|it| it[who].latency_ms)));
    [&rates[..], &ratios[..], &times[..]].concat().join(",")
}

async fn start() -> Result<(Platform, Proxy), Failure> {
    let here = std::env::current_exe()?;
    let examples = here.parent().ok_or("no directory")?;
    let program = examples.parent().ok_or("no directory")?.join("sandbox");
    let sandbox = SandboxCommand { program, arguments: Vec::new() };
    let platform = Platform::start(PlatformConfig::on_loopback(sandbox)).await?;
    for node in 0..N_NODES {
        platform.create_function(NewFunction {
            name: format!("node-{node}"),
            program: examples.join("node"),
            memory_mb: MEMORY_MB,
            timeout: Nanos::seconds(900),
            environment: [].into(),
        })?;
    }
    let lambda = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "bench"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(platform.endpoint_url())
        .build();
    let invoker = LambdaInvoker::new(aws_sdk_lambda::Client::from_conf(lambda), "node-");
    let config = ProxyConfig::local(Code::new(10, 2)?, N_NODES, MEMORY_MB, "bench".to_owned());
    let proxy = Proxy::start(config.on_any_port(), Arc::new(invoker)).await?;
    if !proxy.ready(Duration::from_mins(1)).await {
        return Err("the functions do not come up".into());
    }
    Ok((platform, proxy))
}

/// What was measured: bytes per second of all clients, and the mean time of one GET.
struct Measured {
    rate: f64,
    latency_ms: f64,
}

fn connect(address: SocketAddr) -> Result<TcpStream, Failure> {
    for _ in 0..100 {
        if let Ok(stream) = TcpStream::connect(address) {
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            return Ok(stream);
        }
        thread::sleep(Duration::from_millis(50));
    }
    Err(format!("nobody answers at {address}").into())
}

fn set(address: SocketAddr, n_bytes: usize) -> Result<(), Failure> {
    let mut stream = connect(address)?;
    write!(stream, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${n_bytes}\r\n")?;
    stream.write_all(&value(n_bytes))?;
    stream.write_all(b"\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    if answer == *b"+OK\r\n" { Ok(()) } else { Err("SET failed".into()) }
}

fn value(n_bytes: usize) -> Vec<u8> {
    (0..n_bytes).map(|it| (it * 31 % 251).to_le_bytes()[0]).collect()
}

/// What is known of answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answers {
    /// The last one is compared with what was written.
    AreChecked,
    /// Their bytes are any.
    AreAnything,
}

/// Reads the object again and again with so many clients.
fn get(
    address: SocketAddr,
    n_bytes: usize,
    n_clients: usize,
    answers: Answers,
) -> Result<Measured, Failure> {
    let n_gets = (READ_BYTES / n_bytes / n_clients).clamp(1, 500);
    let began = Instant::now();
    let clients: Vec<_> = (0..n_clients)
        .map(|_| thread::spawn(move || get_often(address, n_bytes, n_gets, answers)))
        .collect();
    for client in clients {
        client.join().map_err(|_| "a client failed")??;
    }
    let seconds = began.elapsed().as_secs_f64();
    let rate = (n_gets * n_clients * n_bytes) as f64 / seconds;
    Ok(Measured { rate, latency_ms: seconds * 1e3 / n_gets as f64 })
}

fn get_often(
    address: SocketAddr,
    n_bytes: usize,
    n_gets: usize,
    answers: Answers,
) -> Result<(), Failure> {
    let mut stream = connect(address)?;
    let head = format!("${n_bytes}\r\n");
    let mut answer = vec![0; head.len() + n_bytes + 2];
    for _ in 0..n_gets {
        stream.write_all(b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n")?;
        stream.read_exact(&mut answer)?;
        if !answer.starts_with(head.as_bytes()) || !answer.ends_with(b"\r\n") {
            return Err("GET failed".into());
        }
    }
    let body = &answer[head.len()..head.len() + n_bytes];
    if answers == Answers::AreChecked && body != value(n_bytes) {
        return Err("GET has the wrong bytes".into());
    }
    Ok(())
}
