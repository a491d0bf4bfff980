//! `infinisim live replay`: the requests of a trace on the real cache.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use live::client::Client;
use live::made::MadeStore;
use live::platform::local::{InvocationRecord, Platform, ReclaimRecord};
use live::replay::{Pace, Replayed};
use policy::link::LinkTerms;
use policy::reclaim::LOG_HEADER;
use pricing::{PriceBook, Quantum};
use report::comparison;
use tokio::time::Instant;
use units::{Nanos, Time};

use crate::args::{PriceArgs, UsageError};
use crate::commands::live_up;
use crate::experiment::{Experiment, price_book, quantum_ms};
use crate::leftovers::{self, Writer};
use crate::live_args::{LiveReplayArgs, PoolArgs, StoreChoice};
use crate::live_control::{self, Bill};
use crate::live_pool::{
    self, IDLE_LIMIT, Interrupt, Interrupted, LivePool, PREFIX, Ports, connect, prepare,
};
use crate::live_run::{self, Billed, LiveInput, N_AT_ONCE_MAX};
use crate::output;

/// Replays the trace and shows what came of it, as `compare` does.
pub(crate) fn replay(args: &LiveReplayArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let name = &args.which.name.name;
    let system = if args.which.running {
        let description = runtime.block_on(live_control::describe(name))?;
        check_priced(description.memory_mb, &args.prices)?;
        description.system
    } else {
        live_pool::system_text(&args.pool)?
    };
    let profile = crate::args::DEFAULT_PROFILE;
    let experiment =
        Experiment::of_pool(&args.trace, system, &args.prices, profile, args.pool.seed)?;
    let read = experiment.files_read(&args.trace.read)?;
    if let Some(dir) = &args.output_dir {
        Writer::LiveReplay.check(dir, &read)?;
        output::prepare_dir(dir)?;
    }
    let input = LiveInput::load(&args.trace, &args.pace, &experiment)?;
    let ran = runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        let ran = if args.which.running {
            on_running(name, args, &input, &interrupt).await?
        } else {
            let quantum = experiment.prices.function().quantum.value;
            on_own(&args.pool, args.pace.store, quantum, &input, &interrupt).await?.0
        };
        interrupt.hand_over().map(|()| ran)
    })?;
    live_run::check_whole(&ran.replayed, args.which.running)?;
    let record = live_run::record(&experiment, &input, &ran.replayed, &ran.billed);
    let summary = live_run::summarise(&experiment, "live", &record)?;
    let mut compared = live_run::comparison(&experiment, &input, &args.pace, vec![summary]);
    if args.which.running {
        compared.receipt.quantum_ms = Some(quantum_ms(live_up::QUANTUM));
    }
    if let Some(dir) = &args.output_dir {
        Writer::LiveReplay.remove_others(dir, &read)?;
        let json = comparison::to_json_with_hours(&compared);
        output::write_text(&dir.join("results.json"), &json)?;
        let csv = comparison::to_csv(std::slice::from_ref(&compared));
        output::write_text(&dir.join("results.csv"), &csv)?;
        write_log(dir, &ran)?;
    }
    let mut notes = experiment.notes();
    notes.extend(live_run::notes(&ran.replayed, Some(&args.pace)));
    output::print(&if args.form.json {
        comparison::to_json(&compared)
    } else if args.form.csv {
        comparison::to_csv(std::slice::from_ref(&compared))
    } else {
        comparison::to_table(&compared, &notes)
    })?;
    live_run::check(&ran.replayed)
}

/// Refuses a price book under which no function has as much memory as those that run, which no
/// flag changes any more.
fn check_priced(memory_mb: u32, prices: &PriceArgs) -> anyhow::Result<()> {
    let (book, _) = price_book(&prices.prices)?;
    let Err(err) = book.check_function_memory(memory_mb) else { return Ok(()) };
    let knows = |name: &&str| {
        PriceBook::builtin(name).is_ok_and(|it| it.check_function_memory(memory_mb).is_ok())
    };
    let other = PriceBook::builtin_names().find(knows);
    let other = other.map_or(String::new(), |it| format!(", such as {it}"));
    let why = format!("{err}; these run already, so name another book with --prices{other}");
    Err(UsageError(why).into())
}

/// A replay that is over.
pub(crate) struct Ran {
    pub(crate) replayed: Replayed,
    pub(crate) billed: Billed,
    /// What the platform took back, on the clock of the replay.
    pub(crate) reclaims: Vec<ReclaimRecord>,
    /// How long the functions had been there when it began.
    pub(crate) lead: Nanos,
}

/// On a cache that ends with the replay.
pub(crate) async fn on_own(
    pool_args: &PoolArgs,
    store: StoreChoice,
    quantum: Quantum,
    input: &LiveInput,
    interrupt: &Interrupt,
) -> anyhow::Result<(Ran, LinkTerms)> {
    let pool = LivePool::start(pool_args, quantum, Ports::Any, interrupt).await?;
    let client = pool.client(2 * N_AT_ONCE_MAX).await?;
    prepare(&client, input.requests.len()).await?;
    let store = live_run::store(store)?;
    pool.start_reclaims(pool_args);
    let began = pool.platform.now();
    let mut noted = Noted::default();
    let noting = async {
        loop {
            noted.take_from(&pool.platform);
            tokio::time::sleep(NOTED_EVERY).await;
        }
    };
    let replayed = tokio::select! {
        replayed = to_its_end(&client, &store, input, interrupt) => replayed,
        () = noting => None,
    };
    let Some(replayed) = replayed else {
        pool.stop().await;
        return Err(Interrupted.into());
    };
    pool.wait_until_idle().await;
    let n_evictions = pool.proxy.metrics().n_evictions.get();
    let lead = pool.started_at.until(began);
    noted.take_from(&pool.platform);
    let (invocations, reclaims) = noted.since(began, input.span);
    let n_dropped = pool.platform.usage().n_records_dropped;
    let link = pool.link;
    pool.stop().await;
    if n_dropped != 0 {
        output::note(&format!("{n_dropped} records are not in the bill: more than are kept"));
    }
    let at = |it: &ReclaimRecord| Time::START.until(it.at);
    let reclaimed = reclaims.iter().map(at).collect();
    let billed = Billed::Each { invocations, reclaims: reclaimed, n_evictions };
    Ok((Ran { replayed, billed, reclaims, lead }, link))
}

/// Makes the requests, and waits for the end of the span: a run is as long as the simulator's,
/// though nobody may ask for anything at its end. Nothing if that was interrupted.
async fn to_its_end(
    client: &Client,
    store: &Arc<MadeStore>,
    input: &LiveInput,
    interrupt: &Interrupt,
) -> Option<Replayed> {
    let ends_at = Instant::now() + Duration::from_nanos(input.span.get());
    let replayed = live_run::drive(client, store, input, Pace::Open, interrupt).await?;
    if replayed.foreign.is_some() {
        return Some(replayed);
    }
    tokio::select! {
        () = tokio::time::sleep_until(ends_at) => Some(replayed),
        () = interrupt.heard() => None,
    }
}

/// How often what a platform notes is taken from it, which keeps only so much.
const NOTED_EVERY: Duration = Duration::from_mins(1);

/// What a platform noted.
#[derive(Default)]
struct Noted {
    invocations: Vec<InvocationRecord>,
    reclaims: Vec<ReclaimRecord>,
}

impl Noted {
    fn take_from(&mut self, platform: &Platform) {
        self.invocations.append(&mut platform.take_records());
        self.reclaims.append(&mut platform.take_reclaims());
    }

    /// On a clock that began then, what belongs to a run of this span. What was before counts for
    /// the beginning.
    fn since(self, began: Time, span: Nanos) -> (Vec<InvocationRecord>, Vec<ReclaimRecord>) {
        let Noted { mut invocations, mut reclaims } = self;
        let since = |at: Time| Time::START + began.until(at);
        let ends_at = Time::START + span;
        for it in &mut invocations {
            it.received_at = since(it.received_at);
        }
        // After the end only what requests led to still counts.
        invocations.retain(|it| it.received_at <= ends_at || it.kind == "serve");
        for it in &mut reclaims {
            it.at = since(it.at);
        }
        reclaims.retain(|it| it.at <= ends_at);
        (invocations, reclaims)
    }
}

/// On the cache that `live up` started.
async fn on_running(
    name: &str,
    args: &LiveReplayArgs,
    input: &LiveInput,
    interrupt: &Interrupt,
) -> anyhow::Result<Ran> {
    let description = live_control::describe(name).await?;
    let client = connect(description.client, &description.token, 2 * N_AT_ONCE_MAX).await?;
    prepare(&client, input.requests.len()).await?;
    let store = live_run::store(args.pace.store)?;
    let mut before = live_control::bill(name).await?;
    let mut bills = Vec::new();
    let hour = Duration::from_hours(1);
    let mut hours = tokio::time::interval_at(Instant::now() + hour, hour);
    let since = |now: &Bill, before: &Bill| {
        now.since(before).with_context(|| format!("`{name}` was started anew during the replay"))
    };
    let billing = async {
        loop {
            hours.tick().await;
            // What is not heard now is heard with the next hour's.
            let now = live_control::bill(name).await.unwrap_or_else(|_| before.clone());
            match since(&now, &before) {
                Ok(bill) => bills.push(bill),
                Err(err) => break err,
            }
            before = now;
        }
    };
    let replayed = tokio::select! {
        replayed = to_its_end(&client, &store, input, interrupt) => replayed,
        err = billing => return Err(err),
    };
    let Some(replayed) = replayed else { return Err(Interrupted.into()) };
    bills.push(since(&final_bill(name).await?, &before)?);
    Ok(Ran { replayed, billed: Billed::ByHour(bills), reclaims: Vec::new(), lead: Nanos::ZERO })
}

/// The bill once every function has returned, or could have: what runs is not in it before.
async fn final_bill(name: &str) -> anyhow::Result<Bill> {
    let limit = Instant::now() + IDLE_LIMIT;
    loop {
        let bill = live_control::bill(name).await?;
        if bill.n_running == 0 || limit <= Instant::now() {
            return Ok(bill);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes what the platform noted into `dir`; of a cache that goes on running nothing was noted.
pub(crate) fn write_log(dir: &Path, ran: &Ran) -> anyhow::Result<()> {
    let (log, schedule_file) = (dir.join("invocations.jsonl"), dir.join("reclaims.csv"));
    let Billed::Each { invocations, .. } = &ran.billed else {
        leftovers::remove(&log)?;
        return leftovers::remove(&schedule_file);
    };
    let lines = invocations.iter().map(|it| format!("{}\n", it.to_json()));
    output::write_text(&log, &lines.collect::<String>())?;
    output::write_text(&schedule_file, &schedule(&ran.reclaims))
}

/// Reclaims as a schedule that `--reclaim` reads.
pub(crate) fn schedule(reclaims: &[ReclaimRecord]) -> String {
    let mut text = format!("{LOG_HEADER}\n");
    for it in reclaims {
        let function = it.function.strip_prefix(PREFIX).unwrap_or(&it.function);
        let seconds = Time::START.until(it.at).as_seconds_f64();
        text.push_str(&format!("{seconds:.6},{function},{}\n", it.rank));
    }
    text
}

/// The same as `policy` has it, on a clock that began so much earlier.
pub(crate) fn listed(reclaims: &[ReclaimRecord], lead: Nanos) -> Vec<policy::reclaim::Listed> {
    let one = |it: &ReclaimRecord| {
        let function = it.function.strip_prefix(PREFIX)?.parse().ok()?;
        let after = lead + Time::START.until(it.at);
        Some(policy::reclaim::Listed { after, function, rank: u32::try_from(it.rank).ok()? })
    };
    reclaims.iter().filter_map(one).collect()
}
