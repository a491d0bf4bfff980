//! Replays a trace on the systems of an experiment, several at once.

use std::num::NonZeroUsize;

use anyhow::Context;
use pricing::{CostItems, cost};
use rayon::ThreadPool;
use rayon::prelude::*;
use report::comparison::{
    Comparison, HourSummary, LatencySummary, Receipt, SystemSummary, TraceSummary,
};
use sim::{Hour, Record, System, Workload};
use units::{ObjectId, Op};

use crate::experiment::Experiment;
use crate::progress;
use crate::trace_input::Input;

/// More threads than this only wait for each other.
const N_THREADS_MAX: usize = 256;

/// Threads for runs: as many as asked for, within reason, or one per core.
pub(crate) fn thread_pool(jobs: Option<NonZeroUsize>) -> anyhow::Result<ThreadPool> {
    let n_threads = jobs.map_or(0, |it| it.get().min(N_THREADS_MAX));
    let builder = rayon::ThreadPoolBuilder::new().num_threads(n_threads);
    builder.build().context("cannot start threads")
}

/// Runs every system under every seed; one comparison for each seed, in their order.
pub(crate) fn replay(
    experiment: &Experiment,
    input: &Input,
    pool: &ThreadPool,
) -> anyhow::Result<Vec<Comparison>> {
    let trace = &input.trace;
    let key_hashes: Vec<u64> =
        (0_u32..).take(trace.n_objects()).map(|it| trace.key_hash(ObjectId(it))).collect();
    let workload =
        Workload { requests: trace.requests(), key_hashes: &key_hashes, span: input.span };
    let runs: Vec<(u64, &System)> = experiment
        .seeds
        .iter()
        .flat_map(|seed| experiment.systems.iter().map(move |system| (*seed, system)))
        .collect();
    let bar = progress::steps_bar(runs.len(), "simulating");
    let run = |(seed, system): &(u64, &System)| {
        let summary = summarise(experiment, system, &sim::run(system, &workload, *seed));
        bar.inc(1);
        summary
    };
    let summaries: anyhow::Result<Vec<SystemSummary>> =
        pool.install(|| runs.par_iter().map(run).collect());
    bar.finish_and_clear();
    let mut summaries = summaries?.into_iter();
    let comparison = |seed: &u64| Comparison {
        receipt: Receipt {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            seed: *seed,
            experiment_hash: experiment.hash.clone(),
            trace_hash: trace.hash().to_string(),
            prices: experiment.prices.name().to_owned(),
        },
        trace: TraceSummary {
            n_requests: trace.requests().len() as u64,
            n_objects: trace.n_objects() as u64,
            requested_bytes: trace
                .requests()
                .iter()
                .filter(|it| it.op == Op::Get)
                .map(|it| it.size)
                .sum(),
            unique_bytes: trace.unique_bytes(),
            span: input.span,
        },
        systems: summaries.by_ref().take(experiment.systems.len()).collect(),
    };
    Ok(experiment.seeds.iter().map(comparison).collect())
}

fn summarise(
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
        hours: record.hours.iter().map(hour).collect::<anyhow::Result<Vec<_>>>()?,
    })
}
