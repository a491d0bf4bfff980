//! The proxy as a process of its own, so that it can be killed and started anew, and what it
//! takes be told apart.

use std::io::Read;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_lambda::config::{BehaviorVersion, Config, Credentials, Region};
use live::proxy::{LambdaInvoker, Proxy, ProxyConfig};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use units::{Bytes, Nanos};

use crate::Failure;

/// The first argument of the process.
pub(crate) const COMMAND: &str = "proxy";

/// What lets clients in.
pub(crate) const TOKEN: &str = "chaos";

/// What functions are called, before their number.
pub(crate) const PREFIX: &str = "node-";

/// A proxy in a process of its own.
pub(crate) struct ProxyProcess {
    child: Child,
    /// It stops when this ends.
    stdin: Option<ChildStdin>,
    pub(crate) id: u32,
    /// Of its doors for clients, functions, clients of Redis, and Prometheus.
    pub(crate) addresses: [SocketAddr; 4],
}

impl ProxyProcess {
    /// Starts one, and waits until its functions are up.
    pub(crate) async fn start(arguments: &[String]) -> Result<ProxyProcess, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(COMMAND)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).await?;
        let addresses: Result<Vec<SocketAddr>, _> =
            line.split_whitespace().map(str::parse).collect();
        let addresses = addresses?.try_into().map_err(|_| format!("the proxy says `{line}`"))?;
        let id = child.id().ok_or("the proxy has ended")?;
        Ok(ProxyProcess { child, stdin, id, addresses })
    }

    /// Ends it without a word.
    pub(crate) async fn kill(mut self) -> Result<(), Failure> {
        Ok(self.child.kill().await?)
    }

    /// Has it stop, which has to succeed.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        self.stdin.take();
        let ended = tokio::time::timeout(Duration::from_secs(30), self.child.wait());
        let status = ended.await.map_err(|_| "the proxy does not stop")??;
        if status.success() { Ok(()) } else { Err(format!("the proxy ends with {status}").into()) }
    }
}

/// Runs as the proxy: arguments are the platform's URL, the code, the number of functions, their
/// memory in MB, and where they dial.
#[expect(clippy::print_stdout, reason = "the addresses are what it has to say")]
pub(crate) async fn run(arguments: &[String]) -> Result<(), Failure> {
    let [url, code, n_nodes, memory_mb, endpoint] = arguments else {
        return Err("a proxy has five arguments".into());
    };
    let lambda = Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "chaos"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url)
        .build();
    let invoker = LambdaInvoker::new(aws_sdk_lambda::Client::from_conf(lambda), PREFIX);
    let (n_nodes, memory_mb) = (n_nodes.parse()?, memory_mb.parse::<u32>()?);
    let config = ProxyConfig {
        function_endpoint: Some(endpoint.clone()),
        // So little room that objects have to make way for others.
        node_overhead: Bytes::megabytes(u64::from(memory_mb) - 2),
        warm_up: Some(Nanos::millis(500)),
        // As often as functions return: so that one is under way somewhere.
        backup: Some(Nanos::millis(50)),
        request_limit: Duration::from_secs(3),
        rest_limit: Duration::from_secs(3),
        body_limit: Duration::from_secs(8),
        ..ProxyConfig::local(code.parse()?, n_nodes, memory_mb, TOKEN.to_owned()).on_any_port()
    };
    let proxy = Proxy::start(config, Arc::new(invoker)).await?;
    let at = proxy.addresses;
    let (Some(resp), Some(metrics)) = (at.resp, at.metrics) else {
        return Err("a door is closed".into());
    };
    // Before the functions are up: they dial where a relay will turn to this.
    println!("{} {} {resp} {metrics}", at.client, at.function);
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    proxy.stop().await;
    Ok(())
}
