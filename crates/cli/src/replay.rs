//! Replays a trace on the systems of an experiment, several at once.

use std::num::NonZeroUsize;

use anyhow::Context;
use indicatif::ProgressBar;
use pricing::{CostItems, cost};
use rayon::ThreadPool;
use rayon::prelude::*;
use report::comparison::{
    Comparison, HitLatency, HourSummary, LatencySummary, LossSummary, Receipt, SystemSummary,
    TraceSummary,
};
use sim::{Hour, Record, System, SystemKind, Workload};
use trace::Trace;
use units::{ObjectId, Op};

use crate::experiment::Experiment;
use crate::progress;
use crate::run_store::{KeptSummary, Store};
use crate::trace_input::Input;

/// More threads than this only wait for each other.
const N_THREADS_MAX: usize = 256;

/// Threads for runs: as many as asked for, within reason, or one per core.
pub(crate) fn thread_pool(jobs: Option<NonZeroUsize>) -> anyhow::Result<ThreadPool> {
    let n_threads = jobs.map_or(0, |it| it.get().min(N_THREADS_MAX));
    let builder = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
    builder.build().context("cannot start threads")
}

/// An experiment and the requests to run it on.
pub(crate) struct Job<'a> {
    /// What is run.
    pub(crate) experiment: &'a Experiment,
    /// On what.
    pub(crate) input: &'a Input,
}

/// Runs every system under every seed; one comparison for each seed, in their order.
pub(crate) fn replay(
    experiment: &Experiment,
    input: &Input,
    pool: &ThreadPool,
) -> anyhow::Result<Vec<Comparison>> {
    let jobs = [Job { experiment, input }];
    let bar = progress::steps_bar(n_runs(&jobs), "simulating");
    let comparisons = pool.install(|| replay_all(&jobs, None, &bar));
    bar.finish_and_clear();
    Ok(comparisons?.pop().expect("a list of comparisons for each job"))
}

/// How many runs the jobs are, each a step of the bar of [`replay_all`].
pub(crate) fn n_runs(jobs: &[Job<'_>]) -> usize {
    jobs.iter().map(|it| it.experiment.seeds.len() * it.experiment.systems.len()).sum()
}

/// The same for several experiments at once, on the threads of the caller's pool. What is in
/// the store is not run again.
pub(crate) fn replay_all(
    jobs: &[Job<'_>],
    store: Option<&Store>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Vec<Comparison>>> {
    let key_hashes: Vec<Vec<u64>> = jobs.iter().map(|it| key_hashes(&it.input.trace)).collect();
    let mut runs: Vec<Run<'_>> = Vec::with_capacity(n_runs(jobs));
    for (index, job) in jobs.iter().enumerate() {
        for seed in &job.experiment.seeds {
            let run_of = |system| Run { index, seed: *seed, system };
            runs.extend(job.experiment.systems.iter().map(run_of));
        }
    }
    let summarise = |run: &Run<'_>| {
        let Job { experiment, input } = &jobs[run.index];
        let kept = Store::find_or(store, &run.question(experiment, input), || {
            let (requests, span) = (input.trace.requests(), input.span);
            let workload = Workload { requests, key_hashes: &key_hashes[run.index], span };
            let record = sim::run(run.system, &workload, run.seed);
            Ok(KeptSummary::from(&summarise(experiment, run.system, &record)?))
        });
        bar.inc(1);
        kept.map(SystemSummary::from)
    };
    let summaries: anyhow::Result<Vec<SystemSummary>> = runs.par_iter().map(summarise).collect();
    let mut summaries = summaries?.into_iter();
    let comparisons = |job: &Job<'_>| {
        let n_systems = job.experiment.systems.len();
        let comparison =
            |seed: &u64| comparison(job, *seed, summaries.by_ref().take(n_systems).collect());
        job.experiment.seeds.iter().map(comparison).collect()
    };
    Ok(jobs.iter().map(comparisons).collect())
}

/// One system under one seed.
struct Run<'a> {
    /// Of the job.
    index: usize,
    seed: u64,
    system: &'a System,
}

impl Run<'_> {
    /// All that its result depends on, but the program.
    fn question(&self, experiment: &Experiment, input: &Input) -> String {
        let Run { seed, system, .. } = self;
        let (trace, span) = (input.trace.hash(), input.span.get());
        format!("run {} {trace} {span} {seed} {system:?}", experiment.surroundings_hash)
    }
}

/// The xxh64 of each object's key, by object.
pub(crate) fn key_hashes(trace: &Trace) -> Vec<u64> {
    (0_u32..).take(trace.n_objects()).map(|it| trace.key_hash(ObjectId(it))).collect()
}

/// What systems did with a trace under a seed, with its receipt.
pub(crate) fn comparison(job: &Job<'_>, seed: u64, systems: Vec<SystemSummary>) -> Comparison {
    let Job { experiment, input: Input { trace, span } } = job;
    let gets = trace.requests().iter().filter(|it| it.op == Op::Get);
    Comparison {
        receipt: Receipt {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed,
            experiment_hash: experiment.hash.clone(),
            trace_hash: trace.hash().to_string(),
            prices: experiment.prices.name().to_owned(),
        },
        trace: TraceSummary {
            n_requests: trace.requests().len() as u64,
            n_objects: trace.n_objects() as u64,
            requested_bytes: gets.map(|it| it.size).sum(),
            unique_bytes: trace.unique_bytes(),
            span: *span,
        },
        systems,
    }
}

/// What a system did, at the experiment's prices.
pub(crate) fn summarise(
    experiment: &Experiment,
    system: &System,
    record: &Record,
) -> anyhow::Result<SystemSummary> {
    let price = |hour: &Hour| -> anyhow::Result<CostItems> {
        Ok(cost(&experiment.prices, &hour.usage, experiment.accounting)?)
    };
    let hour = |hour: &Hour| -> anyhow::Result<HourSummary> {
        Ok(HourSummary { counts: hour.counts, cost: price(hour)? })
    };
    let total = record.total();
    Ok(SystemSummary {
        name: system.name.clone(),
        counts: total.counts,
        cost: price(&total)?,
        latency: LatencySummary::from(&record.latencies.all),
        hits: HitLatency::from(&record.latencies),
        loss: loss(system, record),
        hours: record.hours.iter().map(hour).collect::<anyhow::Result<Vec<_>>>()?,
    })
}

fn loss(system: &System, record: &Record) -> LossSummary {
    let repaired = &record.times_to_repair;
    LossSummary {
        time_to_repair: (0 < repaired.n_recorded()).then(|| LatencySummary::from(repaired)),
        time_to_object_loss_h_mean: record.total().counts.time_to_object_loss_h_mean(),
        time_to_object_loss_h_closed_form: match &system.kind {
            SystemKind::InfiniCache(config) => {
                config.coded_pool().time_to_loss_h_mean(&config.reclaim)
            }
            SystemKind::ElastiCache(_) | SystemKind::ObjectStore(_) => None,
        },
    }
}
