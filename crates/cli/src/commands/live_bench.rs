//! `infinisim live bench`: random reads and writes on the real cache, and how fast they were.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::bail;
use bytes::Bytes;
use des::Streams;
use live::client::Client;
use live::made::MadeStore;
use live::replay::{Pace, Replayed};
use pricing::Quantum;
use serde_json::{Value, json};
use sim::Distribution;
use units::{Nanos, ObjectId, Op, Request, Time};

use crate::args::UsageError;
use crate::live_args::{LiveBenchArgs, StoreChoice};
use crate::live_control;
use crate::live_pool::{Interrupt, Interrupted, LivePool, Ports, connect};
use crate::live_run::{self, LiveInput, N_AT_ONCE_MAX};
use crate::output;

/// Writes all objects, then makes the requests, and shows how long they took by size.
pub(crate) fn bench(args: &LiveBenchArgs) -> anyhow::Result<()> {
    let mut sizes = BTreeSet::new();
    if let Some(twice) = args.size.iter().find(|it| !sizes.insert(**it)) {
        return Err(UsageError(format!("--size has {twice} twice; leave one out")).into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let replayed = runtime.block_on(run(args))?;
    let measured = Measured::of(args, &replayed);
    output::print(&if args.json { measured.to_json() } else { measured.to_table(args) })?;
    live_run::check(&replayed)
}

async fn run(args: &LiveBenchArgs) -> anyhow::Result<Replayed> {
    let interrupt = Interrupt::listen()?;
    if args.which.running {
        let description = live_control::describe(&args.which.name.name).await?;
        let client = connect(description.client, &description.token, 2 * N_AT_ONCE_MAX).await?;
        return on(&client, args, &interrupt).await;
    }
    let quantum = Quantum::HundredMilliseconds;
    let pool = LivePool::start(&args.pool, quantum, Ports::Any, &interrupt).await?;
    let client = pool.client(2 * N_AT_ONCE_MAX).await?;
    pool.start_reclaims(&args.pool);
    let replayed = on(&client, args, &interrupt).await;
    pool.stop().await;
    replayed
}

async fn on(
    client: &Client,
    args: &LiveBenchArgs,
    interrupt: &Interrupt,
) -> anyhow::Result<Replayed> {
    let store: Arc<MadeStore> = live_run::store(StoreChoice::Instant)?;
    let one = NonZeroUsize::MIN.get();
    let written = input(args, first_writes(args));
    let pace = Pace::Closed { n_clients: one };
    let filled = live_run::drive(client, &store, &written, pace, interrupt).await;
    let Some(filled) = filled else { return Err(Interrupted.into()) };
    if let Some(failure) = filled.failure {
        bail!("the objects cannot be written: {failure}");
    }
    let asked = input(args, requests(args));
    let pace = match args.rate {
        Some(_) => Pace::Open,
        None => Pace::Closed { n_clients: args.clients.get() },
    };
    let replayed = live_run::drive(client, &store, &asked, pace, interrupt).await;
    Ok(replayed.ok_or(Interrupted)?)
}

fn input(args: &LiveBenchArgs, requests: Vec<Request>) -> LiveInput {
    let n_objects = args.size.len() * args.objects.get();
    let keys = (0..n_objects).map(|it| Bytes::from(format!("bench {} {it}", args.pool.seed)));
    let span = Nanos::ZERO;
    let (key_hashes, hash) = (Vec::new(), String::new());
    LiveInput { requests, keys: keys.collect(), key_hashes, span, hash }
}

/// Of object `index`, those of each size after those of the one before.
fn request(args: &LiveBenchArgs, index: usize, op: Op, at: Time) -> Request {
    let object = ObjectId(u32::try_from(index).expect("fewer objects than requests"));
    Request { at, object, size: args.size[index / args.objects.get()], op }
}

fn first_writes(args: &LiveBenchArgs) -> Vec<Request> {
    let n_objects = args.size.len() * args.objects.get();
    (0..n_objects).map(|it| request(args, it, Op::Put, Time::START)).collect()
}

fn requests(args: &LiveBenchArgs) -> Vec<Request> {
    let mut stream = Streams::new(args.pool.seed).named("bench");
    let n_objects = u32::try_from(args.size.len() * args.objects.get()).unwrap_or(u32::MAX);
    let mut at = Time::START;
    let mut one = |_| {
        if let Some(rate) = args.rate {
            at = at + Nanos::from_seconds_f64(stream.exponential() / rate);
        }
        let index = stream.below(n_objects) as usize;
        // A part from above 0 to 1, so that all are reads at 1 and none is at 0.
        let op = if stream.unit() <= args.reads { Op::Get } else { Op::Put };
        request(args, index, op, at)
    };
    (0..args.requests.get()).map(&mut one).collect()
}

/// How long requests took, by what they were.
struct Measured {
    rows: Vec<(String, Distribution, f64)>,
    seconds: f64,
    hit_ratio: f64,
    failures: u64,
}

impl Measured {
    fn of(args: &LiveBenchArgs, replayed: &Replayed) -> Measured {
        let requests = requests(args);
        let seconds = replayed.took.as_seconds_f64().max(f64::MIN_POSITIVE);
        let reads = replayed.reads.iter().map(|it| (it.number, it.latency));
        let writes = replayed.writes.iter().map(|it| (it.number, it.latency));
        let all: Vec<(usize, Nanos)> = reads.chain(writes).collect();
        let mut rows = Vec::new();
        for (verb, op) in [("GET", Op::Get), ("PUT", Op::Put)] {
            for size in &args.size {
                let mut distribution = Distribution::default();
                for (number, latency) in &all {
                    let it = &requests[*number];
                    if it.op == op && it.size == *size {
                        distribution.record(*latency);
                    }
                }
                if 0 < distribution.n_recorded() {
                    let bytes = distribution.n_recorded() as f64 * size.get() as f64;
                    rows.push((format!("{verb} {size}"), distribution, bytes / seconds / 1e6));
                }
            }
        }
        let n_hits =
            replayed.reads.iter().filter(|it| it.outcome == live::replay::ReadOutcome::Hit).count();
        let hit_ratio = n_hits as f64 / replayed.reads.len().max(1) as f64;
        Measured { rows, seconds, hit_ratio, failures: replayed.n_failures }
    }

    fn to_table(&self, args: &LiveBenchArgs) -> String {
        let heads = ["", "requests", "per s", "MB/s", "p50 ms", "p95 ms", "p99 ms", "max ms"];
        let mut table = vec![heads.map(str::to_owned).to_vec()];
        for (name, it, mb_per_s) in &self.rows {
            table.push(vec![
                name.clone(),
                it.n_recorded().to_string(),
                format!("{:.1}", it.n_recorded() as f64 / self.seconds),
                format!("{mb_per_s:.1}"),
                format!("{:.2}", it.quantile_ms(0.5)),
                format!("{:.2}", it.quantile_ms(0.95)),
                format!("{:.2}", it.quantile_ms(0.99)),
                format!("{:.2}", it.max_ms()),
            ]);
        }
        let how = match args.rate {
            Some(rate) => format!("open loop, {rate} requests/s"),
            None => format!("closed loop, {} clients", args.clients),
        };
        format!(
            "{how}, {:.2} s, {:.1} % of reads hit, {} failed; every object read was checked\n\n{}",
            self.seconds,
            100.0 * self.hit_ratio,
            self.failures,
            output::columns(&table)
        )
    }

    fn to_json(&self) -> String {
        let row = |(name, it, mb_per_s): &(String, Distribution, f64)| {
            json!({
                "name": name,
                "n_requests": it.n_recorded(),
                "mb_per_s": mb_per_s,
                "latency_ms": {
                    "mean": it.mean_ms(),
                    "p50": it.quantile_ms(0.5),
                    "p95": it.quantile_ms(0.95),
                    "p99": it.quantile_ms(0.99),
                    "max": it.max_ms(),
                },
            })
        };
        let rows: Vec<Value> = self.rows.iter().map(row).collect();
        let Measured { seconds, hit_ratio, failures, .. } = self;
        let all = json!({
            "took_s": seconds, "hit_ratio": hit_ratio, "n_failures": failures, "requests": rows,
        });
        format!("{all:#}\n")
    }
}
