//! How many invocations a second the local platform carries, and what it adds to each.
//!
//! `cargo run --release -p live --example invocation_rate`, with the example `answer` beside it.
//! Its clients write to sockets themselves, so that what is measured is the platform and the
//! function; one line is by aws-sdk-lambda.

use std::error::Error;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use live::platform::local::sandbox::{SandboxCommand, enter};
use live::platform::local::{NewFunction, Platform, PlatformConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use units::Nanos;

const SANDBOX: &str = "sandbox";
const N_INVOCATIONS: usize = 4_000;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|it| it == SANDBOX).is_some() {
        return Err(enter(arguments).into());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

#[expect(clippy::print_stdout, reason = "the figures are what it has to say")]
async fn measure() -> Result<(), Box<dyn Error + Send + Sync>> {
    let program = std::env::current_exe()?;
    let answer = program.with_file_name("answer");
    let sandbox = SandboxCommand { program, arguments: vec![SANDBOX.into()] };
    let platform = Platform::start(PlatformConfig::on_loopback(sandbox)).await?;
    for index in 0..16 {
        platform.create_function(NewFunction {
            name: format!("node-{index}"),
            program: answer.clone(),
            memory_mb: 128,
            timeout: Nanos::seconds(60),
            environment: [].into(),
        })?;
    }
    println!("clients  invocations/s  p50 ms  p95 ms  p99 ms  longest ms");
    for n_clients in [1, 4, 16] {
        // The first of each starts its function.
        let mut connections = Vec::new();
        for index in 0..n_clients {
            let mut connection = Connection::new(platform.address(), index).await?;
            connection.invoke().await?;
            connections.push(connection);
        }
        platform.take_records();
        let began_at = Instant::now();
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|connection| tokio::spawn(connection.invoke_many(N_INVOCATIONS / n_clients)))
            .collect();
        let mut latencies = Vec::new();
        for task in tasks {
            latencies.extend(task.await??);
        }
        println!("{n_clients:7}  {}", row(latencies, began_at.elapsed()));
    }
    let own: Vec<Duration> =
        platform.take_records().iter().map(|it| Duration::from_nanos(it.duration.get())).collect();
    println!("in the function, of the last row: {}", row(own, Duration::from_secs(1)));
    println!("by the SDK, one client: {}", by_sdk(&platform).await?);
    println!("starts: {}", starts(&platform).await?);
    platform.stop().await;
    Ok(())
}

async fn by_sdk(platform: &Platform) -> Result<String, Box<dyn Error + Send + Sync>> {
    let client = platform.client();
    let (began_at, mut latencies) = (Instant::now(), Vec::new());
    for _ in 0..N_INVOCATIONS / 4 {
        let asked_at = Instant::now();
        client.invoke().function_name("node-0").send().await?;
        latencies.push(asked_at.elapsed());
    }
    Ok(row(latencies, began_at.elapsed()))
}

/// Starts of instances, one after the other.
async fn starts(platform: &Platform) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut connection = Connection::new(platform.address(), 0).await?;
    let (began_at, mut latencies) = (Instant::now(), Vec::new());
    for _ in 0..50 {
        platform.reclaim("node-0", 0);
        let asked_at = Instant::now();
        connection.invoke().await?;
        latencies.push(asked_at.elapsed());
    }
    Ok(row(latencies, began_at.elapsed()))
}

fn row(mut latencies: Vec<Duration>, span: Duration) -> String {
    latencies.sort_unstable();
    let at = |part: usize| latencies[(latencies.len() - 1) * part / 100].as_secs_f64() * 1e3;
    let rate = latencies.len() as f64 / span.as_secs_f64();
    format!("{rate:13.0}  {:6.3}  {:6.3}  {:6.3}  {:10.3}", at(50), at(95), at(99), at(100))
}

/// A client of one function, on one connection.
struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Connection {
    async fn new(
        address: SocketAddr,
        index: usize,
    ) -> Result<Connection, Box<dyn Error + Send + Sync>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!(
            "POST /2015-03-31/functions/node-{index}/invocations HTTP/1.1\r\nHost: localhost\r\n\
             Authorization: any\r\nContent-Length: 2\r\n\r\n{{}}"
        );
        Ok(Connection { stream, request: request.into_bytes(), response: vec![0; 64 * 1024] })
    }

    async fn invoke(&mut self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.stream.write_all(&self.request).await?;
        let mut n_bytes = 0;
        loop {
            n_bytes += match self.stream.read(&mut self.response[n_bytes..]).await? {
                0 => return Err("the connection has ended".into()),
                more => more,
            };
            let text = std::str::from_utf8(&self.response[..n_bytes])?;
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|it| it.strip_prefix("content-length: "));
            if length.ok_or("an answer without a length")?.parse() == Ok(body.len()) {
                let is_ok = head.starts_with("HTTP/1.1 200") && body.contains("n_invocations");
                return if is_ok { Ok(()) } else { Err(text.into()) };
            }
        }
    }

    async fn invoke_many(
        mut self,
        n_invocations: usize,
    ) -> Result<Vec<Duration>, Box<dyn Error + Send + Sync>> {
        let mut latencies = Vec::with_capacity(n_invocations);
        for _ in 0..n_invocations {
            let asked_at = Instant::now();
            self.invoke().await?;
            latencies.push(asked_at.elapsed());
        }
        Ok(latencies)
    }
}
