//! Makes what figures are drawn from: runs, shapes of traces, microbenchmarks, miss ratios.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use policy::EvictionPolicy;
use pricing::PriceBook;
use rayon::prelude::*;
use sim::Profile;
use sim::microbenchmark::Laboratory;
use trace::{CacheSize, LruStack, Selection, SelectionError, Trace};
use units::{Bytes, Op};

use super::catalogue::{self, Measure};
use super::made::{Made, MissRatios, Outcome, Runs};
use super::microbenchmarks::{Bench, Measured};
use super::references;
use super::trace_shape::TraceShape;
use crate::args::{DEFAULT_BOOK, JobsArgs, ReadArgs};
use crate::experiment::{Experiment, profile_of};
use crate::experiment_file::{ExperimentFile, Named};
use crate::microbenchmarks;
use crate::progress::FigureBars;
use crate::replay::{self, Job, Plan};
use crate::run_store::Store;
use crate::trace_input::{self, Input};
use crate::{args::UsageError, output};

/// How figures are to be made.
pub(crate) struct Ask<'a> {
    /// On this trace instead of the experiments' own.
    pub(crate) trace: Option<&'a str>,
    /// How to read it.
    pub(crate) read: &'a ReadArgs,
    /// So many seeds instead of the experiments'.
    pub(crate) seeds: Option<u16>,
    /// Few seeds.
    pub(crate) is_quick: bool,
    /// How many runs at once.
    pub(crate) jobs: &'a JobsArgs,
}

/// A figure that is to be made.
pub(crate) struct Planned {
    entry: &'static catalogue::Entry,
    /// The path of its experiment.
    origin: String,
    file: ExperimentFile,
    text: String,
    references: Vec<String>,
    workloads: Vec<Named>,
    is_quick: bool,
}

impl Planned {
    /// The figure `entry` as its own experiment has it.
    pub(crate) fn of(entry: &'static catalogue::Entry, ask: &Ask<'_>) -> anyhow::Result<Planned> {
        Planned::of_file(entry, entry.path(), entry.file()?, entry.text.to_owned(), None, ask)
    }

    /// The same figure as another experiment has it, the file `origin`, which lies in `dir`.
    pub(crate) fn of_file(
        entry: &'static catalogue::Entry,
        origin: String,
        file: ExperimentFile,
        text: String,
        dir: Option<&Path>,
        ask: &Ask<'_>,
    ) -> anyhow::Result<Planned> {
        check_lists(entry, &file, ask)?;
        let references = references::texts(&file, dir)?;
        let mut workloads = if entry.measure == Measure::Replay {
            file.experiments_to_run(ask.trace)?
        } else {
            file.experiments(ask.trace)?
        };
        let mut is_quick = ask.is_quick;
        for Named { experiment, .. } in &mut workloads {
            let seeds = &mut experiment.seeds;
            let n_seeds = seeds.len();
            if let Some(n_wanted) = ask.seeds {
                *seeds = (1..=u64::from(n_wanted)).collect();
            } else if ask.is_quick {
                seeds.truncate(if n_seeds < 10 { 1 } else { 2 });
            }
            is_quick |= seeds.len() < n_seeds;
        }
        Ok(Planned { entry, origin, file, text, references, workloads, is_quick })
    }
}

/// Makes sure that an experiment has what its figure is made of, before anything is run.
fn check_lists(
    entry: &catalogue::Entry,
    file: &ExperimentFile,
    ask: &Ask<'_>,
) -> anyhow::Result<()> {
    let own = entry.file()?;
    match file.lacks(&own) {
        // One is given.
        Some(("traces", ..)) if ask.trace.is_some() => Ok(()),
        Some((name, n_ours, n_needed)) => Err(UsageError(format!(
            "`{name}` has {n_ours} of the {n_needed} or more entries that figure `{}` is made of; \
             see {}",
            entry.name,
            entry.path()
        ))
        .into()),
        None => Ok(()),
    }
}

/// Makes what the figures need, several things at once, as far as it is not in the store.
pub(crate) fn make(
    mut planned: Vec<Planned>,
    ask: &Ask<'_>,
    store: Option<&Store>,
) -> anyhow::Result<Vec<Made>> {
    let traces = load(&planned, ask)?;
    leave_out_small(&mut planned, &traces, ask);
    let inputs = inputs(&mut planned, &traces, ask)?;
    let mut jobs = Vec::new();
    let mut figure_of_job = Vec::new();
    for (index, it) in planned.iter().enumerate() {
        for Named { experiment, .. } in &it.workloads {
            let input = &inputs[&names_of(experiment)];
            jobs.push(Job { experiment, input });
            figure_of_job.push(index);
        }
    }
    let plan = Plan::of(&jobs);
    let mut n_steps: Vec<(&str, usize)> = planned.iter().map(|it| (it.entry.name, 0)).collect();
    for (job, figure) in figure_of_job.iter().enumerate() {
        n_steps[*figure].1 += plan.n_runs_of(job);
    }
    let others: Vec<usize> = (0..planned.len())
        .filter(|it| !matches!(planned[*it].entry.measure, Measure::Replay | Measure::Nothing))
        .collect();
    for figure in &others {
        n_steps[*figure].1 += 1;
    }
    let bars = FigureBars::new(plan.n_runs() + others.len(), &n_steps);
    let of_figures = |jobs: &[usize]| {
        bars.step(&jobs.iter().map(|it| figure_of_job[*it]).collect::<Vec<_>>());
    };
    let other = |figure: &usize| {
        let outcome = other_of(&planned[*figure], &traces, ask, store);
        bars.step(&[*figure]);
        outcome
    };
    let threads = replay::thread_pool(ask.jobs.jobs)?;
    let (others_made, comparisons) = threads.install(|| {
        rayon::join(
            || others.par_iter().map(other).collect::<anyhow::Result<Vec<_>>>(),
            || plan.replay(store, &of_figures),
        )
    });
    bars.finish();
    let (others_made, comparisons) = (others_made?, comparisons?);
    drop(plan);
    drop(jobs);

    let mut outcomes: BTreeMap<usize, Outcome> = others.into_iter().zip(others_made).collect();
    let mut comparisons = comparisons.into_iter();
    let made = planned.into_iter().enumerate().map(|(index, it)| {
        let Planned { entry, origin, file, text, references, workloads, is_quick } = it;
        let runs = |(named, comparisons): (Named, _)| Runs {
            name: named.experiment.workload,
            comparisons,
        };
        let outcome = outcomes.remove(&index).unwrap_or_else(|| match entry.measure {
            Measure::Replay => {
                Outcome::Runs(workloads.into_iter().zip(&mut comparisons).map(runs).collect())
            }
            _ => Outcome::Nothing,
        });
        let (workload, is_synthetic) = workload_of(&file, ask);
        Made { entry, origin, file, text, references, outcome, workload, is_synthetic, is_quick }
    });
    Ok(made.collect())
}

/// What a figure is of, as words for captions, and whether that is synthetic.
fn workload_of(file: &ExperimentFile, ask: &Ask<'_>) -> (String, bool) {
    let name = ask.trace.or_else(|| file.trace().ok()).unwrap_or_default();
    if name.starts_with("synthetic:") {
        return (format!("{name} (no trace of IBM's was given)"), true);
    }
    let file_name = Path::new(name).file_name();
    (file_name.map_or(name.to_owned(), |it| it.to_string_lossy().into_owned()), name.is_empty())
}

/// Every trace that is replayed, by its name.
fn load(planned: &[Planned], ask: &Ask<'_>) -> anyhow::Result<BTreeMap<String, Trace>> {
    let mut traces = BTreeMap::new();
    let mut add = |name: &str| -> anyhow::Result<()> {
        if !traces.contains_key(name) {
            let trace = trace_input::load(name, ask.read, &Selection::ALL)?.trace;
            trace_input::say_of_replay(name, &trace);
            traces.insert(name.to_owned(), trace);
        }
        Ok(())
    };
    for it in planned {
        for Named { experiment, .. } in &it.workloads {
            add(&experiment.trace)?;
        }
        match (it.entry.measure, ask.trace) {
            (Measure::MissRatios, _) => add(miss_ratio_trace(&it.file, ask)?)?,
            (Measure::Shapes, Some(name)) => add(name)?,
            _ => {}
        }
    }
    Ok(traces)
}

fn miss_ratio_trace<'a>(file: &'a ExperimentFile, ask: &Ask<'a>) -> Result<&'a str, UsageError> {
    ask.trace.map_or_else(|| file.trace(), Ok)
}

/// What `FAST'20` calls a large object is larger than this.
const LARGE: Bytes = Bytes::megabytes(10);

/// Leaves out the workloads of all objects where the given trace has only large ones.
fn leave_out_small(planned: &mut [Planned], traces: &BTreeMap<String, Trace>, ask: &Ask<'_>) {
    let Some(trace) = ask.trace.and_then(|it| traces.get(it)) else { return };
    // A DELETE may say any size, as it moves nothing.
    if trace.requests().iter().any(|it| it.op != Op::Delete && it.size < LARGE) {
        return;
    }
    let why = format!("the trace has no objects below {LARGE}: left out is what is of all objects");
    // Those of large objects say so.
    leave_out(planned, &why, |it| it.selection.min_size.is_some());
}

/// Leaves out the workloads that are not kept, and says why, if there are any.
fn leave_out(planned: &mut [Planned], why: &str, keeps: impl Fn(&Experiment) -> bool) {
    let mut names = Vec::new();
    for it in planned {
        let n_before = it.workloads.len();
        it.workloads.retain(|it| keeps(&it.experiment));
        if it.workloads.len() < n_before {
            let of = if it.workloads.is_empty() { "" } else { " (in part)" };
            names.push(format!("{}{of}", it.entry.name));
        }
    }
    if !names.is_empty() {
        output::note(&format!("{why}, {}", names.join(", ")));
    }
}

/// The names of a trace and of what is selected of it.
type InputNames = (String, String);

fn names_of(experiment: &Experiment) -> InputNames {
    (experiment.trace.clone(), format!("{:?}", experiment.selection))
}

/// What each workload replays, made once for those that replay the same. Where a trace is given,
/// of which the experiments know nothing, those are left out that select nothing of it.
fn inputs(
    planned: &mut [Planned],
    traces: &BTreeMap<String, Trace>,
    ask: &Ask<'_>,
) -> anyhow::Result<BTreeMap<InputNames, Input>> {
    let mut inputs = BTreeMap::new();
    let mut empty = BTreeMap::new();
    for Named { experiment, .. } in planned.iter().flat_map(|it| &it.workloads) {
        let Experiment { trace, selection, .. } = experiment;
        let names = names_of(experiment);
        if inputs.contains_key(&names) || empty.contains_key(&names) {
            continue;
        }
        let selected = Input::select(trace, traces[trace].clone(), selection);
        let nothing_left = selected.as_ref().err().and_then(|err| match err.downcast_ref() {
            Some(SelectionError::NothingLeft { why, .. }) => Some(why.clone()),
            _ => None,
        });
        if let Some(why) = nothing_left.filter(|_| ask.trace.is_some()) {
            empty.insert(names, why);
        } else {
            inputs.insert(names, selected?);
        }
    }
    for (names, why) in &empty {
        let why = format!("a part of the trace is empty ({why}): left out is what is of it");
        leave_out(planned, &why, |it| names_of(it) != *names);
    }
    Ok(inputs)
}

fn other_of(
    planned: &Planned,
    traces: &BTreeMap<String, Trace>,
    ask: &Ask<'_>,
    store: Option<&Store>,
) -> anyhow::Result<Outcome> {
    let Planned { entry, file, references, is_quick, .. } = planned;
    Ok(match entry.measure {
        Measure::Shapes => Outcome::Shapes(match ask.trace {
            Some(name) => {
                let trace = &traces[name];
                let (name, _) = workload_of(file, ask);
                let question = format!("shape {name} {}", trace.hash());
                vec![Store::find_or(store, &question, || Ok(TraceShape::of(&name, trace)))?]
            }
            None => shapes(&file.traces, ask, store)?,
        }),
        Measure::Microbenchmarks(bench) => {
            let reference = references.first().context("a microbenchmark has a reference")?;
            Outcome::Measured(measured(bench, file, reference, *is_quick, store)?)
        }
        Measure::MissRatios => {
            let trace = &traces[miss_ratio_trace(file, ask)?];
            Outcome::Misses(miss_ratios(file, trace, store)?)
        }
        Measure::Replay | Measure::Nothing => Outcome::Nothing,
    })
}

fn shapes(
    names: &[String],
    ask: &Ask<'_>,
    store: Option<&Store>,
) -> anyhow::Result<Vec<TraceShape>> {
    let shape = |name: &String| {
        // A file may change under its name; what comes with the program does not.
        let profile = name.strip_prefix("synthetic:").and_then(trace::Profile::builtin);
        let store = store.filter(|_| profile.is_some());
        Store::find_or(store, &format!("shape {name}"), || {
            let trace = trace_input::load(name, ask.read, &Selection::ALL)?.trace;
            Ok(TraceShape::of(name, &trace))
        })
    };
    names.par_iter().map(shape).collect()
}

/// Measures each thing so often where fewer seeds were asked for.
const N_GETS_QUICK: u32 = 12;

fn measured(
    bench: Bench,
    file: &ExperimentFile,
    reference: &str,
    is_quick: bool,
    store: Option<&Store>,
) -> anyhow::Result<Vec<Measured>> {
    let (profile, profile_text): (Profile, String) = profile_of(&file.profile)?;
    let n_gets = if is_quick { N_GETS_QUICK } else { file.n_gets.unwrap_or(N_GETS_QUICK) };
    if n_gets < 2 {
        // What is measured is the time from the first to the last.
        return Err(UsageError(format!("`n_gets` is {n_gets}; write at least 2")).into());
    }
    let seeds = file.seeds()?;
    let question = format!("{bench:?} {n_gets} {seeds:?} {profile_text} {reference}");
    Store::find_or(store, &question, || {
        let prices = PriceBook::builtin(DEFAULT_BOOK)?;
        let seed = seeds[0];
        let laboratory = Laboratory { prices: &prices, profile: &profile, n_gets, seed };
        let points = match bench {
            Bench::Fig4 => microbenchmarks::fig4(laboratory, reference)?,
            Bench::Fig11 => microbenchmarks::fig11(laboratory, reference)?,
            Bench::Fig12 => microbenchmarks::fig12(laboratory, reference, &seeds)?,
        };
        Ok(points.iter().map(Measured::from).collect())
    })
}

fn miss_ratios(
    file: &ExperimentFile,
    trace: &Trace,
    store: Option<&Store>,
) -> anyhow::Result<Vec<MissRatios>> {
    let policies: Vec<EvictionPolicy> = file
        .policies
        .iter()
        .map(|it| it.parse::<EvictionPolicy>().map_err(|err| UsageError(err.to_string())))
        .collect::<Result<_, _>>()?;
    let sizes: Vec<Bytes> = file
        .sizes
        .iter()
        .map(|it| it.parse::<CacheSize>().map_err(|err| UsageError(err.to_string())))
        .map(|it| it.map(|size| size.resolve(trace.unique_bytes())))
        .collect::<Result<_, _>>()?;
    let curve = |policy: &EvictionPolicy| {
        let question = format!("misses {policy} {sizes:?} {}", trace.hash());
        Store::find_or(store, &question, || {
            let lru = (*policy == EvictionPolicy::Lru).then(|| LruStack::new(trace));
            let point = |size: &Bytes| {
                let counts = match &lru {
                    Some(lru) => lru.miss_counts(*size),
                    None => trace::miss_counts(trace, *policy, *size),
                };
                (size.get() as f64 / 1e6, counts.miss_ratio().as_f64())
            };
            let points = sizes.iter().map(point).collect();
            Ok(MissRatios { policy: policy.to_string(), points })
        })
    };
    policies.par_iter().map(curve).collect()
}
