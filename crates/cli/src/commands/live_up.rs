//! `infinisim live up`: a pool of functions and a proxy on this machine.

use std::ffi::OsString;
use std::fmt::Write;
use std::pin::pin;

use anyhow::Context;
use live::platform::local::sandbox as live_sandbox;
use live::proxy::random_token;
use pricing::Quantum;

use crate::live_args::LiveUpArgs;
use crate::live_control::{Bill, BilledKind, Control, Description, Question};
use crate::live_pool::{self, Interrupt, LivePool, Ports};
use crate::output;

/// By what the functions of such a cache are billed, and how long they stay up: it outlives any one
/// replay and its prices.
pub(crate) const QUANTUM: Quantum = Quantum::HundredMilliseconds;

/// Becomes a function. Returns only with the reason why not.
pub(crate) fn sandbox(arguments: Vec<OsString>) -> anyhow::Result<()> {
    Err(live_sandbox::enter(arguments)).context("cannot start the function")
}

/// Runs until it is interrupted, or told to stop.
pub(crate) fn up(args: &LiveUpArgs) -> anyhow::Result<()> {
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false);
    log.with_max_level(args.log).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: &LiveUpArgs) -> anyhow::Result<()> {
    // Heard of from here on: an interrupt of a start is to end it as cleanly.
    let interrupt = Interrupt::listen()?;
    let memory_mb = live_pool::memory_mb(args.pool.memory)?;
    let control = Control::open(&args.name.name).await?;
    let cache = random_token()?;
    let ports = if args.any_ports { Ports::Any } else { Ports::Usual };
    let mut starting = pin!(LivePool::start(&args.pool, QUANTUM, ports, &interrupt));
    let started = tokio::select! {
        started = &mut starting => started,
        // Who tells it to stop now waits for it to close, and so it is kept.
        _asker = control.serve(|_| None) => {
            interrupt.tell();
            if let Ok(pool) = starting.await {
                pool.stop().await;
            }
            drop(control);
            return Ok(());
        }
    };
    let pool = started?;
    output::print(&endpoints(args, &pool))?;
    pool.start_reclaims(&args.pool);
    let description = Description {
        client: pool.proxy.addresses.client.to_string(),
        token: pool.token.clone(),
        system: live_pool::system_text(&args.pool)?,
        memory_mb,
    };
    let answer = |question| match question {
        Question::Describe => serde_json::to_string(&description).ok(),
        Question::Bill => serde_json::to_string(&bill(&pool, &cache)).ok(),
    };
    // Kept until this has ended: who asked for that waits for it to close.
    let _asker = tokio::select! {
        () = interrupt.heard() => None,
        asker = control.serve(answer) => Some(asker),
    };
    pool.stop().await;
    drop(control);
    Ok(())
}

fn bill(pool: &LivePool, cache: &str) -> Bill {
    let usage = pool.platform.usage();
    let small = |it: u128| u64::try_from(it).unwrap_or(u64::MAX);
    let kinds = usage.by_kind.iter().map(|(kind, it)| {
        let billed = BilledKind {
            n_invocations: it.n_invocations,
            billed_mb_ms_by_1ms: small(it.billed_mb_ms_by_1ms),
            billed_mb_ms_by_100ms: small(it.billed_mb_ms_by_100ms),
        };
        (kind.clone(), billed)
    });
    let n_evictions = pool.proxy.metrics().n_evictions.get();
    let (n_reclaims, n_running) = (usage.n_reclaims, pool.n_running());
    let cache = cache.to_owned();
    Bill { cache, kinds: kinds.collect(), n_reclaims, n_evictions, n_running }
}

fn endpoints(args: &LiveUpArgs, pool: &LivePool) -> String {
    let at = &pool.proxy.addresses;
    let mut text = format!(
        "{} functions of {} are up, code {}, reclaim {}\n\nclients    {}\ntoken      {}\n",
        args.pool.nodes, args.pool.memory, args.pool.code, args.pool.reclaim, at.client, pool.token,
    );
    // Writing to a string cannot fail.
    if let Some(resp) = at.resp {
        let _ = writeln!(text, "redis      {resp}");
    }
    if let Some(metrics) = at.metrics {
        let _ = writeln!(text, "metrics    http://{metrics}/metrics");
    }
    let name = match args.name.name.as_str() {
        "live" => String::new(),
        name => format!(" --name {name}"),
    };
    let _ = write!(
        text,
        "lambda     {}\n\nCtrl-C stops it all, and so does `infinisim live down{name}`",
        pool.platform.endpoint_url()
    );
    text
}
