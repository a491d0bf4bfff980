//! `infinisim live up`: a pool of functions and a proxy on this machine.

use std::ffi::OsString;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use des::Streams;
use live::platform::local::{
    NewFunction, Platform, PlatformConfig, ReclaimPlan, SandboxCommand, sandbox as live_sandbox,
};
use live::proxy::{LambdaInvoker, Proxy, ProxyConfig, random_token};
use pricing::Quantum;
use units::{Bytes, Nanos};

use crate::args::UsageError;
use crate::live_args::LiveUpArgs;
use crate::output;

/// What functions are called, before their number.
const PREFIX: &str = "node-";
/// The program of the functions.
const PROGRAM: &str = "bootstrap";
/// How long all functions together may take until each has been up.
const READY_TIMEOUT: Duration = Duration::from_mins(2);
/// Longer than a lease with a backup in it.
const FUNCTION_TIMEOUT: Nanos = Nanos::seconds(60);
/// AWS's own range of memory.
const MEMORY_MB: std::ops::RangeInclusive<u64> = 128..=10_240;

/// Becomes a function. Returns only with the reason why not.
pub(crate) fn sandbox(arguments: Vec<OsString>) -> anyhow::Result<()> {
    Err(live_sandbox::enter(arguments)).context("cannot start the function")
}

/// Runs until it is interrupted.
pub(crate) fn up(args: &LiveUpArgs) -> anyhow::Result<()> {
    let memory_mb = memory_mb(args.memory)?;
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let program = program(args, &this)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args, memory_mb, program, this))
}

async fn run(
    args: &LiveUpArgs,
    memory_mb: u32,
    program: PathBuf,
    this: PathBuf,
) -> anyhow::Result<()> {
    // Heard of from here on: an interrupt of a start is to end it as cleanly.
    let mut interrupted = std::pin::pin!(interrupt()?);
    let arguments = ["live", "sandbox", "--"].map(OsString::from).to_vec();
    let platform = Platform::start(PlatformConfig {
        cold_start: args.cold_start,
        warm_start: args.warm_start,
        quantum: Quantum::HundredMilliseconds,
        // Each function with a peer replica, and one that takes over.
        n_instances_max: args.nodes * 3,
        ..PlatformConfig::on_loopback(SandboxCommand { program: this, arguments })
    })
    .await
    .context("cannot start the platform")?;
    let functions: Vec<String> = (0..args.nodes).map(|it| format!("{PREFIX}{it}")).collect();
    for name in &functions {
        platform.create_function(NewFunction {
            name: name.clone(),
            program: program.clone(),
            memory_mb,
            timeout: FUNCTION_TIMEOUT,
            environment: [].into(),
        })?;
    }
    let token = random_token()?;
    let mut config = ProxyConfig::local(args.code, args.nodes, memory_mb, token.clone());
    config.seed = args.seed;
    let config = if args.any_ports { config.on_any_port() } else { config };
    let invoker = Arc::new(LambdaInvoker::new(platform.client(), PREFIX));
    let proxy = Proxy::start(config, invoker).await?;
    let is_ready = tokio::select! {
        it = proxy.ready(READY_TIMEOUT) => it,
        () = &mut interrupted => true,
    };
    if !is_ready {
        bail!("not all functions came up within {READY_TIMEOUT:?}; is {} one?", program.display());
    }
    output::print(&endpoints(args, &platform, &proxy, &token))?;
    let mut stream = Streams::new(args.seed).named("reclaim");
    platform.start_reclaims(ReclaimPlan {
        process: args.reclaim.clone(),
        n_per_pool: functions.len(),
        functions,
        n_instances: 2,
        picks: Box::new(move || stream.bits()),
    });
    interrupted.await;
    proxy.stop().await;
    platform.stop().await;
    Ok(())
}

/// Resolves when this program is told to stop: by Ctrl-C, or as a service is.
fn interrupt() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupts = signal(SignalKind::interrupt()).context("cannot hear interrupts")?;
    let mut terminations = signal(SignalKind::terminate()).context("cannot hear interrupts")?;
    Ok(async move {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminations.recv() => {}
        }
    })
}

fn endpoints(args: &LiveUpArgs, platform: &Platform, proxy: &Proxy, token: &str) -> String {
    let at = &proxy.addresses;
    let mut text = format!(
        "{} functions of {} are up, code {}, reclaim {}\n\nclients    {}\ntoken      {token}\n",
        args.nodes, args.memory, args.code, args.reclaim, at.client,
    );
    // Writing to a string cannot fail.
    if let Some(resp) = at.resp {
        let _ = writeln!(text, "redis      {resp}");
    }
    if let Some(metrics) = at.metrics {
        let _ = writeln!(text, "metrics    http://{metrics}/metrics");
    }
    let _ = write!(text, "lambda     {}\n\nCtrl-C stops it all", platform.endpoint_url());
    text
}

fn memory_mb(memory: Bytes) -> anyhow::Result<u32> {
    let memory_mb = memory.get() / Bytes::megabytes(1).get();
    let is_whole = Bytes::megabytes(memory_mb) == memory;
    let found =
        u32::try_from(memory_mb).ok().filter(|_| is_whole && MEMORY_MB.contains(&memory_mb));
    let why = || format!("--memory {memory}: write whole megabytes from 128MB to 10240MB");
    Ok(found.ok_or_else(|| UsageError(why()))?)
}

/// The function's program, by its whole path.
fn program(args: &LiveUpArgs, this: &Path) -> anyhow::Result<PathBuf> {
    let beside = || this.with_file_name(PROGRAM);
    let program = args.bootstrap.clone().unwrap_or_else(beside);
    if program.is_file() {
        return Ok(std::path::absolute(program)?);
    }
    let shown = program.display();
    bail!("there is no {shown}; build it with `cargo build --package nodefn`, or say --bootstrap")
}
