//! A cache of its own for a command: platform, functions and proxy, which end with it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use des::Streams;
use live::client::{Client, ClientConfig};
use live::platform::local::{NewFunction, Platform, PlatformConfig, ReclaimPlan, SandboxCommand};
use live::proxy::{LambdaInvoker, Picks, Proxy, ProxyConfig, ProxyError, random_token};
use policy::link::LinkTerms;
use policy::placer::Placement;
use pricing::Quantum;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use units::{Bytes, Nanos, Time};

use crate::args::UsageError;
use crate::live_args::PoolArgs;
use crate::live_run::N_AT_ONCE_MAX;
use crate::output;

/// What functions are called, before their number.
pub(crate) const PREFIX: &str = "node-";
/// The program of the functions.
const PROGRAM: &str = "bootstrap";
/// How long all functions together may take until each has been up.
const READY_TIMEOUT: Duration = Duration::from_mins(2);
/// How long functions that nobody asks for anything may hold on.
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(15);
/// Longer than a lease with a backup in it.
pub(crate) const FUNCTION_TIMEOUT: Nanos = Nanos::seconds(60);
/// AWS's own range of memory.
const MEMORY_MB: std::ops::RangeInclusive<u64> = 128..=10_240;

/// A cache that runs in this process.
pub(crate) struct LivePool {
    pub(crate) platform: Platform,
    pub(crate) proxy: Proxy,
    /// What lets a client in.
    pub(crate) token: String,
    /// How many functions there are.
    pub(crate) n_nodes: u32,
    /// What the proxy allows a function before it asks again.
    pub(crate) link: LinkTerms,
    /// When its functions were first invoked, on the platform's clock.
    pub(crate) started_at: Time,
}

/// Which ports a proxy listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    /// 6375 to 6378.
    Usual,
    /// Any that are free.
    Any,
}

impl LivePool {
    /// Starts the cache, and waits until all functions have been up.
    pub(crate) async fn start(
        args: &PoolArgs,
        quantum: Quantum,
        ports: Ports,
        interrupt: &Interrupt,
    ) -> anyhow::Result<LivePool> {
        let memory_mb = memory_mb(args.memory)?;
        let (n_nodes, code) = (args.nodes, args.code);
        if usize::try_from(n_nodes).is_ok_and(|it| it < code.n_chunks()) {
            // Before anything is started, and as what it is: the flags contradict each other.
            return Err(UsageError::from(&ProxyError::TooFewNodes { n_nodes, code }).into());
        }
        let this = std::env::current_exe().context("cannot tell where this program is")?;
        let program = program(args, &this)?;
        let arguments = ["live", "sandbox", "--"].map(OsString::from).to_vec();
        let platform = Platform::start(PlatformConfig {
            cold_start: args.cold_start,
            warm_start: args.warm_start,
            quantum,
            // Each function with a peer replica, and one that takes over.
            n_instances_max: args.nodes * 3,
            ..PlatformConfig::on_loopback(SandboxCommand { program: this, arguments })
        })
        .await
        .context("cannot start the platform")?;
        for name in functions(args.nodes) {
            platform.create_function(NewFunction {
                name,
                program: program.clone(),
                memory_mb,
                timeout: FUNCTION_TIMEOUT,
                environment: [].into(),
            })?;
        }
        let token = random_token()?;
        let mut config = ProxyConfig::local(args.code, args.nodes, memory_mb, token.clone());
        // The simulator's own stream, so that both put chunks on the same functions.
        let mut stream = Streams::new(args.seed).named("placement 0");
        config.picks = Picks::new(move || stream.bits());
        config.placement = args.placement.unwrap_or(Placement::Random);
        (config.warm_up, config.backup) = (args.warmup.0, args.backup.0);
        config.cycle = quantum.length();
        // A replay's own, and as many again for what is left of reads that were answered.
        config.n_connections_max += 2 * N_AT_ONCE_MAX * args.code.n_chunks();
        let link = config.link;
        let config = if ports == Ports::Any { config.on_any_port() } else { config };
        let invoker = Arc::new(LambdaInvoker::new(platform.client(), PREFIX));
        let started_at = platform.now();
        let proxy = Proxy::start(config, invoker).await?;
        let is_ready = tokio::select! {
            it = proxy.ready(READY_TIMEOUT) => Some(it),
            () = interrupt.heard() => None,
        };
        let pool = LivePool { platform, proxy, token, n_nodes: args.nodes, link, started_at };
        match is_ready {
            Some(true) => return Ok(pool),
            // It ends as cleanly as one that was up.
            Some(false) | None => pool.stop().await,
        }
        if is_ready.is_none() {
            return Err(Interrupted.into());
        }
        bail!("not all functions came up within {READY_TIMEOUT:?}; is {} one?", program.display());
    }

    /// Lets the platform take instances back from now on, as the simulator would.
    pub(crate) fn start_reclaims(&self, args: &PoolArgs) {
        let mut stream = Streams::new(args.seed).named("reclaim");
        self.platform.start_reclaims(ReclaimPlan {
            process: args.reclaim.clone().over(self.n_nodes),
            n_per_pool: self.n_nodes as usize,
            functions: functions(self.n_nodes),
            n_instances: 2,
            picks: Box::new(move || stream.bits()),
        });
    }

    /// Connects to the proxy.
    pub(crate) async fn client(&self, n_requests_max: usize) -> anyhow::Result<Client> {
        connect(self.proxy.addresses.client.to_string(), &self.token, n_requests_max).await
    }

    /// Waits until every function has returned, or for as long as one may hold on.
    pub(crate) async fn wait_until_idle(&self) {
        let limit = tokio::time::Instant::now() + IDLE_LIMIT;
        while self.n_running() != 0 && tokio::time::Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How many functions run now.
    pub(crate) fn n_running(&self) -> usize {
        let is_running = |name: &String| {
            let instances = self.platform.instances(name).unwrap_or_default();
            instances.iter().any(|it| !it.is_idle)
        };
        functions(self.n_nodes).iter().filter(|it| is_running(it)).count()
    }

    /// Ends everything.
    pub(crate) async fn stop(self) {
        self.proxy.stop().await;
        self.platform.stop().await;
    }
}

/// Connects to a proxy, for so many requests at once, and lets this process open the files that
/// they take.
pub(crate) async fn connect(
    address: String,
    token: &str,
    n_requests_max: usize,
) -> anyhow::Result<Client> {
    live::open_files::raise_limit().context("cannot open as many files as that takes")?;
    let mut config = ClientConfig::new(vec![address], token);
    config.n_requests_max = n_requests_max;
    Ok(Client::connect(config).await?)
}

/// Opens connections for as many requests at once as there are, at most [`N_AT_ONCE_MAX`], and as
/// this process may open files for with as many left over: both ends of each are its own.
pub(crate) async fn prepare(client: &Client, n_requests: usize) -> anyhow::Result<()> {
    let n_files_max = live::open_files::raise_limit().context("cannot open any more files")?;
    let n_files_each = 2 * client.code().n_chunks() as u64;
    let n_allowed = usize::try_from(n_files_max / 2 / n_files_each).unwrap_or(usize::MAX);
    Ok(client.prepare(n_requests.min(N_AT_ONCE_MAX).min(n_allowed)).await?)
}

/// The names of the functions, in the order of their numbers.
pub(crate) fn functions(n_nodes: u32) -> Vec<String> {
    (0..n_nodes).map(|it| format!("{PREFIX}{it}")).collect()
}

/// The pool as the simulator's own system, written as a user would.
pub(crate) fn system_text(args: &PoolArgs) -> anyhow::Result<String> {
    let PoolArgs { nodes, code, warmup, backup, reclaim, .. } = args;
    let placement = args.placement.unwrap_or(Placement::Random);
    let memory_mb = memory_mb(args.memory)?;
    let overhead_mb = ProxyConfig::local(*code, *nodes, memory_mb, String::new()).node_overhead;
    let overhead_mb = overhead_mb.get() / Bytes::megabytes(1).get();
    Ok(format!(
        "infinicache:nodes={nodes},memory={memory_mb}MB,overhead={overhead_mb}MB,code={code},\
         warmup={warmup},backup={backup},placement={placement},\
         eviction=enough,older=drop,reclaim={reclaim}"
    ))
}

/// The memory of a function in MB as the platform counts them.
pub(crate) fn memory_mb(memory: Bytes) -> anyhow::Result<u32> {
    let memory_mb = memory.get() / Bytes::megabytes(1).get();
    let is_whole = Bytes::megabytes(memory_mb) == memory;
    let found =
        u32::try_from(memory_mb).ok().filter(|_| is_whole && MEMORY_MB.contains(&memory_mb));
    let why = || format!("--memory {memory}: write whole megabytes from 128MB to 10240MB");
    Ok(found.ok_or_else(|| UsageError(why()))?)
}

/// The function's program, by its whole path.
fn program(args: &PoolArgs, this: &Path) -> anyhow::Result<PathBuf> {
    let beside = || this.with_file_name(PROGRAM);
    let program = args.bootstrap.clone().unwrap_or_else(beside);
    if program.is_file() {
        return Ok(std::path::absolute(program)?);
    }
    let shown = program.display();
    bail!("there is no {shown}; build it with `cargo build --package nodefn`, or say --bootstrap")
}

/// Someone stopped the program, which has seen to what it had begun. It exits with
/// [`output::INTERRUPTED`].
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(crate) struct Interrupted;

/// Hears when this program is told to stop: by Ctrl-C, or as a service is.
pub(crate) struct Interrupt(watch::Sender<bool>);

impl Interrupt {
    /// Listens from now on.
    pub(crate) fn listen() -> anyhow::Result<Interrupt> {
        let mut interrupts = signal(SignalKind::interrupt()).context("cannot hear interrupts")?;
        let mut terminations = signal(SignalKind::terminate()).context("cannot hear interrupts")?;
        let interrupt = Interrupt(watch::Sender::new(false));
        let sender = interrupt.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupts.recv() => {}
                _ = terminations.recv() => {}
            }
            sender.send_replace(true);
        });
        Ok(interrupt)
    }

    /// Stops what listens as an interrupt would.
    pub(crate) fn tell(&self) {
        self.0.send_replace(true);
    }

    /// Resolves once it was told so, however often this is asked.
    pub(crate) async fn heard(&self) {
        let mut receiver = self.0.subscribe();
        // Its sender is here.
        let _ = receiver.wait_for(|it| *it).await;
    }

    /// Nothing has to be ended with care any more: from now on an interrupt ends the program, as
    /// it does that of other commands.
    ///
    /// # Errors
    /// If there was one already.
    pub(crate) fn hand_over(self) -> anyhow::Result<()> {
        output::clean_up_on_interrupt()?;
        if *self.0.borrow() {
            return Err(Interrupted.into());
        }
        Ok(())
    }
}
