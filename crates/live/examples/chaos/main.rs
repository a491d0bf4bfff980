//! Chaos: objects are read and written by clients of both kinds, while functions are killed and
//! backed up, connections cut and delayed, and the proxy is killed once: `make chaos`.
//!
//! `chaos [--code 10+2] [--nodes 24] [--seconds 300] [--clients 6] [--seed 1]`. Every GET has to
//! return the right bytes in time, from the cache or from the store behind it; nothing may be
//! left over. Functions and proxy are processes, behind the Lambda API of the local platform.

mod door;
mod load;
mod proxy;
mod relay;
mod report;
mod seen;
mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use live::client::{Client, ClientConfig};
use live::platform::local::sandbox::{SandboxCommand, enter};
use live::platform::local::{NewFunction, Platform, PlatformConfig};
use live::store::FileStore;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use units::Nanos;

use crate::door::{Door, RespClient};
use crate::load::{Load, Tally};
use crate::proxy::{PREFIX, ProxyProcess, TOKEN};
use crate::relay::{Faults, Relay};
use crate::report::report;
use crate::seen::{Seen, left_here};
use crate::watch::n_descriptors;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

const SANDBOX: &str = "sandbox";
const MEMORY_MB: u32 = 512;
/// Ten times what the paper saw: at most 0.54 reclaims of an instance in an hour.
const KILLS_PER_INSTANCE_HOUR: f64 = 5.4;
/// How long a chunk, and an object, may take a client.
const REQUEST_LIMIT: Duration = Duration::from_secs(3);
const OBJECT_LIMIT: Duration = Duration::from_secs(5);
/// How long a GET may take: from the cache, its repair, or its filling from the store.
const DEADLINE: Duration = Duration::from_secs(11);

/// What was asked for.
struct Options {
    code: String,
    n_nodes: u32,
    lasts: Duration,
    n_clients: u64,
    seed: u64,
}

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|it| it == SANDBOX).is_some() {
        return Err(enter(arguments).into());
    }
    let arguments: Vec<String> = arguments.map(|it| it.to_string_lossy().into_owned()).collect();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match arguments.split_first() {
        Some((command, rest)) if command == proxy::COMMAND => runtime.block_on(proxy::run(rest)),
        _ => runtime.block_on(chaos(options(&arguments)?)),
    }
}

fn options(arguments: &[String]) -> Result<Options, Failure> {
    let mut options = Options {
        code: "10+2".to_owned(),
        n_nodes: 24,
        lasts: Duration::from_mins(5),
        n_clients: 6,
        seed: 1,
    };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--code" => options.code.clone_from(value),
            [name, value] if name == "--nodes" => options.n_nodes = value.parse()?,
            [name, value] if name == "--seconds" => {
                options.lasts = Duration::from_secs(value.parse()?);
            }
            [name, value] if name == "--clients" => options.n_clients = value.parse()?,
            [name, value] if name == "--seed" => options.seed = value.parse()?,
            _ => return Err(format!("not understood: {pair:?}").into()),
        }
    }
    Ok(options)
}

/// The whole of it: what runs, and what is to be left of it at the end.
async fn chaos(options: Options) -> Result<(), Failure> {
    let directory = tempfile::tempdir()?;
    let before = (n_descriptors(std::process::id()), Handle::current().metrics().num_alive_tasks());
    let platform = platform(&options).await?;
    let faults = |one_delayed_in| Faults {
        life_mean: Duration::from_secs(20),
        one_delayed_in,
        delay_max: Duration::from_millis(100),
    };
    let relays = [
        Relay::start(faults(50), "clients", options.seed).await?,
        // Often, since a backup is to take long enough to meet with something.
        Relay::start(faults(8), "functions", options.seed).await?,
        Relay::start(faults(50), "clients of Redis", options.seed).await?,
    ];
    let arguments = [
        platform.endpoint_url(),
        options.code.clone(),
        options.n_nodes.to_string(),
        MEMORY_MB.to_string(),
        relays[1].address.to_string(),
    ];
    let mut proxy = ProxyProcess::start(&arguments).await?;
    turn(&relays, &proxy);
    let load = Arc::new(Load {
        store: FileStore::open(directory.path())?,
        n_shared: 40,
        n_owned: 8,
        object_bytes_max: 8_000_000,
        pause_mean: Duration::from_millis(60),
        deadline: DEADLINE,
        is_over: AtomicBool::new(false),
        seed: options.seed,
    });
    let mut clients = JoinSet::new();
    let mut door = library(&relays[0]).await?;
    load.prepare(&mut door).await?;
    for client in 0..options.n_clients {
        let door = if client % 3 == 2 {
            Door::Resp(RespClient::new(relays[2].address.to_string(), OBJECT_LIMIT))
        } else {
            library(&relays[0]).await?
        };
        clients.spawn(Arc::clone(&load).run(client, door));
    }
    drop(door);
    let mut seen = Seen::new(options.seed);
    let quarter = options.lasts / 4;
    seen.look(&platform, &options, &proxy, quarter).await;
    // Without a word, so that nobody is told.
    let first = seen.metrics(&proxy).await;
    proxy.kill().await?;
    proxy = ProxyProcess::start(&arguments).await?;
    turn(&relays, &proxy);
    seen.look(&platform, &options, &proxy, quarter * 3).await;
    load.is_over.store(true, Ordering::Relaxed);
    let mut tally = Tally::default();
    while let Some(done) = clients.join_next().await {
        tally.add(done?);
    }
    let second = seen.metrics(&proxy).await;
    report(&options, &mut tally, &seen, &relays, &[first, second]);

    let mut left = seen.left(&options, &proxy).await;
    proxy.stop().await?;
    drop(relays);
    platform.stop().await;
    drop(load);
    left.extend(left_here(before).await);
    seen.judge(&mut left);
    left.extend(tally.faults);
    if left.is_empty() { Ok(()) } else { Err(left.join("\n").into()) }
}

async fn platform(options: &Options) -> Result<Platform, Failure> {
    let this = std::env::current_exe()?;
    let node = this.with_file_name("node");
    let sandbox = SandboxCommand { program: this, arguments: vec![SANDBOX.into()] };
    let platform = Platform::start(PlatformConfig {
        cold_start: Nanos::millis(100),
        bandwidth_bytes_per_second: Some(40_000_000),
        ..PlatformConfig::on_loopback(sandbox)
    })
    .await?;
    for number in 0..options.n_nodes {
        platform.create_function(NewFunction {
            name: format!("{PREFIX}{number}"),
            program: node.clone(),
            memory_mb: MEMORY_MB,
            timeout: Nanos::seconds(60),
            environment: [].into(),
        })?;
    }
    Ok(platform)
}

fn turn(relays: &[Relay; 3], proxy: &ProxyProcess) {
    for (relay, address) in relays.iter().zip(proxy.addresses) {
        relay.turn_to(address);
    }
}

/// A client of the library, which may have to call more than once until it is not cut off.
async fn library(relay: &Relay) -> Result<Door, Failure> {
    let mut config = ClientConfig::new(vec![relay.address.to_string()], TOKEN);
    (config.request_limit, config.object_limit) = (REQUEST_LIMIT, OBJECT_LIMIT);
    for _ in 0..9 {
        if let Ok(client) = Client::connect(config.clone()).await {
            return Ok(Door::Library(client));
        }
    }
    Ok(Door::Library(Client::connect(config).await?))
}
