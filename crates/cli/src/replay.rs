//! Replays a trace on the systems of an experiment, several at once.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use anyhow::Context;
use pricing::{CostItems, cost};
use rayon::ThreadPool;
use rayon::prelude::*;
use report::comparison::{
    Comparison, HitLatency, HourSummary, LatencySplit, LatencySummary, LossSummary, SystemSummary,
    TraceSummary,
};
use sim::{Hour, Record, System, SystemKind, Workload};
use trace::{Selection, Trace};
use units::{ObjectId, Op};

use crate::args::ReadArgs;
use crate::experiment::Experiment;
use crate::experiment_file::Named;
use crate::run_store::{KeptSummary, Store};
use crate::trace_input::Input;
use crate::{progress, trace_input};

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

/// What these workloads of an experiment replay, each its own part of one trace, which is read
/// once: standard input is there only once, and a long trace takes long.
pub(crate) fn inputs(workloads: &[Named], read: &ReadArgs) -> anyhow::Result<Vec<Input>> {
    let Some(Named { experiment: Experiment { trace: name, .. }, .. }) = workloads.first() else {
        return Ok(Vec::new());
    };
    if let [Named { experiment, .. }] = workloads {
        let input = trace_input::load(name, read, &experiment.selection)?;
        trace_input::say_of_replay(name, &input.trace);
        return Ok(vec![input]);
    }
    let trace = trace_input::load(name, read, &Selection::ALL)?.trace;
    trace_input::say_of_replay(name, &trace);
    let select = |it: &Named| Input::select(name, trace.clone(), &it.experiment.selection);
    workloads.iter().map(select).collect()
}

/// Runs every system under every seed, as far as it is not in the store; one comparison for each
/// seed, in their order.
pub(crate) fn replay(
    experiment: &Experiment,
    input: &Input,
    pool: &ThreadPool,
    store: Option<&Store>,
) -> anyhow::Result<Vec<Comparison>> {
    let jobs = [Job { experiment, input }];
    let plan = Plan::of(&jobs);
    let bar = progress::steps_bar(plan.n_runs(), "simulating");
    let comparisons = pool.install(|| plan.replay(store, &|_| bar.inc(1)));
    bar.finish_and_clear();
    Ok(comparisons?.pop().expect("a list of comparisons for each job"))
}

/// The runs of several experiments; one that several ask for is run once.
pub(crate) struct Plan<'a> {
    jobs: &'a [Job<'a>],
    runs: Vec<Run<'a>>,
    /// For each job the numbers of its runs: seed by seed, system by system.
    runs_of: Vec<Vec<usize>>,
}

impl<'a> Plan<'a> {
    /// The plan for these experiments.
    pub(crate) fn of(jobs: &'a [Job<'a>]) -> Plan<'a> {
        let mut runs: Vec<Run<'a>> = Vec::new();
        let mut number_of: BTreeMap<String, usize> = BTreeMap::new();
        let mut runs_of = Vec::with_capacity(jobs.len());
        for (index, job) in jobs.iter().enumerate() {
            let mut numbers = Vec::new();
            for seed in &job.experiment.seeds {
                for system in &job.experiment.systems {
                    let question = question(job, system, *seed);
                    let number = *number_of.entry(question.clone()).or_insert(runs.len());
                    if number == runs.len() {
                        let (seed, users) = (*seed, Vec::new());
                        runs.push(Run { index, seed, system, question, users });
                    }
                    runs[number].users.push(index);
                    numbers.push(number);
                }
            }
            runs_of.push(numbers);
        }
        Plan { jobs, runs, runs_of }
    }

    /// How many runs there are.
    pub(crate) fn n_runs(&self) -> usize {
        self.runs.len()
    }

    /// How many of them a job needs.
    pub(crate) fn n_runs_of(&self, job: usize) -> usize {
        self.runs_of[job].len()
    }

    /// Runs what is not in the store, several at once on the threads of the caller's pool, and
    /// tells `is_done` the jobs that each run was for. For each job a comparison for each seed.
    pub(crate) fn replay(
        &self,
        store: Option<&Store>,
        is_done: &(dyn Fn(&[usize]) + Sync),
    ) -> anyhow::Result<Vec<Vec<Comparison>>> {
        let key_hashes: Vec<Vec<u64>> =
            self.jobs.iter().map(|it| key_hashes(&it.input.trace)).collect();
        let hashed = self.jobs.iter().zip(&key_hashes);
        let workloads: Vec<Workload<'_>> = hashed
            .map(|(Job { input, .. }, key_hashes)| {
                Workload::new(input.trace.requests(), key_hashes, input.span)
            })
            .collect();
        let summary = |run: &Run<'_>| {
            let Run { index, seed, system, question, users } = run;
            let kept = Store::find_or(store, question, || {
                let record = sim::run(system, &workloads[*index], *seed);
                let experiment = self.jobs[*index].experiment;
                Ok(KeptSummary::from(&summarise(experiment, system, &record)?))
            });
            is_done(users);
            kept.map(SystemSummary::from)
        };
        let summaries: anyhow::Result<Vec<SystemSummary>> =
            self.runs.par_iter().map(summary).collect();
        let summaries = summaries?;
        let comparisons = |(job, numbers): (&Job<'_>, &Vec<usize>)| {
            let of_seed = numbers.chunks(job.experiment.systems.len().max(1));
            let systems = of_seed.map(|it| it.iter().map(|it| summaries[*it].clone()).collect());
            let seeds = job.experiment.seeds.iter();
            seeds.zip(systems).map(|(seed, systems)| comparison(job, *seed, systems)).collect()
        };
        Ok(self.jobs.iter().zip(&self.runs_of).map(comparisons).collect())
    }
}

/// One system under one seed.
struct Run<'a> {
    /// The first job that it is for.
    index: usize,
    seed: u64,
    system: &'a System,
    question: String,
    /// All jobs that it is for.
    users: Vec<usize>,
}

/// All that the result of a run depends on, but the program.
fn question(job: &Job<'_>, system: &System, seed: u64) -> String {
    let Job { experiment, input } = job;
    let (trace, span) = (input.trace.hash(), input.span.get());
    format!("run {} {trace} {span} {seed} {system:?}", experiment.surroundings_hash)
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
        receipt: experiment.receipt(seed, trace.hash().to_string()),
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
        Ok(HourSummary { counts: hour.counts, usage: hour.usage.clone(), cost: price(hour)? })
    };
    let total = record.total();
    Ok(SystemSummary {
        name: system.name.clone(),
        counts: total.counts,
        cost: price(&total)?,
        usage: total.usage,
        latency: LatencySummary::from(&record.latencies.all),
        latency_split: LatencySplit::from(&record.latencies),
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
                config.coded_pool().time_to_loss_h_mean(&config.reclaim, record.span)
            }
            SystemKind::ElastiCache(_) | SystemKind::ObjectStore(_) | SystemKind::Tiers(_) => None,
        },
    }
}
