//! What the figures are drawn from: runs of the studies, and what the traces are like.

use std::path::Path;

use indicatif::ProgressBar;
use policy::EvictionPolicy;
use rayon::ThreadPool;
use rayon::prelude::*;
use report::chart::Panel;
use report::comparison::{Comparison, SystemSummary};
use serde::{Deserialize, Serialize};
use sim::Profile;
use trace::{LruStack, Selection, Trace};
use units::Bytes;

use super::microbenchmarks::Measured;
use super::trace_shape::TraceShape;
use crate::experiment::Experiment;
use crate::figures_args::FiguresArgs;
use crate::microbenchmarks::{self, Effort};
use crate::replay::{self, Job};
use crate::run_store::Store;
use crate::trace_input::{self, Input};
use crate::{output, progress};

/// An experiment behind figures. They are part of the program, so that it draws them wherever it
/// is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Study {
    /// The paper's section 5.2, all objects.
    All,
    /// The same, objects over 10 MB.
    Large,
    /// The same, with sizes scaled as the paper's replayer may have done.
    LargeScaled,
    /// Codes and backup intervals.
    Codes,
    /// Each parameter moved.
    Sensitivity,
}

/// What a figure needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The runs of a study.
    Runs(Study),
    /// The distributions of the traces.
    Shapes,
    /// The miss ratios of plain caches.
    MissRatios,
    /// Single reads and many clients.
    Microbenchmarks,
}

/// All that was asked for; what was not is empty.
pub(crate) struct Results {
    /// The comparisons of a study, one for each seed.
    runs: Vec<(Study, Vec<Comparison>)>,
    /// Dallas and London, or the trace that was given.
    pub(crate) shapes: Vec<TraceShape>,
    /// What plain caches miss.
    pub(crate) misses: Vec<MissRatios>,
    /// The microbenchmarks.
    pub(crate) measured: Vec<Measured>,
    /// What was replayed, in words for captions.
    pub(crate) workload: String,
    /// Whether that is a synthetic trace, which is fitted to some of the published numbers.
    pub(crate) is_synthetic: bool,
    /// Whether fewer seeds were run than the experiments say.
    pub(crate) is_quick: bool,
}

/// What caches of one policy miss of the trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MissRatios {
    pub(crate) policy: String,
    /// Over the size in megabytes: misses per GET.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Study {
    pub(crate) const ALL: [Study; 5] =
        [Study::All, Study::Large, Study::LargeScaled, Study::Codes, Study::Sensitivity];

    /// The name and the text of its experiment.
    pub(crate) const fn file(self) -> (&'static str, &'static str) {
        match self {
            Study::All => {
                ("fast20-all.toml", include_str!("../../../../../experiments/fast20-all.toml"))
            }
            Study::Large => {
                ("fast20-large.toml", include_str!("../../../../../experiments/fast20-large.toml"))
            }
            Study::LargeScaled => (
                "fast20-large-scaled.toml",
                include_str!("../../../../../experiments/fast20-large-scaled.toml"),
            ),
            Study::Codes => ("codes.toml", include_str!("../../../../../experiments/codes.toml")),
            Study::Sensitivity => {
                ("sensitivity.toml", include_str!("../../../../../experiments/sensitivity.toml"))
            }
        }
    }

    fn experiment(self, args: &FiguresArgs) -> anyhow::Result<Experiment> {
        let (name, text) = self.file();
        let (_, mut experiment) = Experiment::of_file(name, text, args.trace.as_deref())?;
        if let Some(n_seeds) = args.seeds {
            experiment.seeds = (1..=u64::from(n_seeds)).collect();
        } else if args.quick {
            let n_seeds =
                if matches!(self, Study::All | Study::Large | Study::LargeScaled) { 2 } else { 1 };
            experiment.seeds.truncate(n_seeds);
        }
        Ok(experiment)
    }
}

impl Results {
    /// Makes what is needed, as far as it is not in the store.
    pub(crate) fn make(
        args: &FiguresArgs,
        needs: &[Need],
        store: Option<&Store>,
    ) -> anyhow::Result<Results> {
        let wanted = Study::ALL.into_iter().filter(|it| needs.contains(&Need::Runs(*it)));
        let studies: Vec<(Study, Experiment)> = wanted
            .map(|study| Ok((study, study.experiment(args)?)))
            .collect::<anyhow::Result<_>>()?;
        let name = args.trace.clone().unwrap_or_else(|| DEFAULT_TRACE.to_owned());
        let needs_trace = !studies.is_empty()
            || needs.contains(&Need::MissRatios)
            || needs.contains(&Need::Shapes) && args.trace.is_some();
        let whole = if needs_trace {
            Some(trace_input::load(&name, &args.read, &Selection::ALL)?.trace)
        } else {
            None
        };
        let workload = match &args.trace {
            None => format!("{name} (no trace of IBM's was given)"),
            Some(path) => Path::new(path)
                .file_name()
                .map_or(path.clone(), |it| it.to_string_lossy().into_owned()),
        };
        let (studies, inputs) = inputs(studies, whole.as_ref())?;
        let jobs: Vec<Job<'_>> = studies
            .iter()
            .map(|(_, experiment, input)| Job { experiment, input: &inputs[*input] })
            .collect();

        let (shapes_of, misses_of) =
            (needs.contains(&Need::Shapes), needs.contains(&Need::MissRatios));
        let n_others = [Need::Shapes, Need::MissRatios, Need::Microbenchmarks];
        let n_others = n_others.iter().filter(|it| needs.contains(it)).count();
        let bar = progress::steps_bar(replay::n_runs(&jobs) + n_others, "simulating");
        let threads = replay::thread_pool(args.jobs.jobs)?;
        let effort = Effort { n_gets: if args.quick { 12 } else { 40 }, seed: 1 };
        let given = args.trace.as_ref().and(whole.as_ref());
        let made = threads.install(|| {
            rayon::join(
                || {
                    rayon::join(
                        || {
                            if shapes_of {
                                shapes(given, &workload, store, &bar)
                            } else {
                                Ok(vec![])
                            }
                        },
                        || match whole.as_ref().filter(|_| misses_of) {
                            Some(trace) => miss_ratios(trace, store, &bar),
                            None => Ok(Vec::new()),
                        },
                    )
                },
                || {
                    rayon::join(
                        || {
                            if needs.contains(&Need::Microbenchmarks) {
                                measured(effort, &threads, store, &bar)
                            } else {
                                Ok(Vec::new())
                            }
                        },
                        || replay::replay_all(&jobs, store, &bar),
                    )
                },
            )
        });
        bar.finish_and_clear();
        let ((shapes, misses), (measured, comparisons)) = made;
        let runs = studies.iter().map(|(study, ..)| *study).zip(comparisons?).collect();
        let is_quick = args.quick || args.seeds.is_some_and(|it| it < 10);
        let is_synthetic = args.trace.is_none();
        let (shapes, misses, measured) = (shapes?, misses?, measured?);
        Ok(Results { runs, shapes, misses, measured, workload, is_synthetic, is_quick })
    }

    /// The comparisons of a study, one for each seed; none where it was not needed, or where
    /// the trace has nothing for it.
    pub(crate) fn runs(&self, study: Study) -> &[Comparison] {
        self.runs.iter().find(|(it, _)| *it == study).map_or(&[], |(_, runs)| runs)
    }

    /// The system of this name in a study, under each seed.
    pub(crate) fn system(&self, study: Study, name: &str) -> Vec<&SystemSummary> {
        let of_run = |it: &'_ Comparison| it.systems.iter().position(|it| it.name == name);
        let runs = self.runs(study).iter();
        runs.filter_map(|run| run.systems.get(of_run(run)?)).collect()
    }

    /// The InfiniCache that a panel of Figs 13 and 14 shows, under each seed.
    pub(crate) fn pool(&self, panel: Panel) -> Vec<&SystemSummary> {
        match panel {
            Panel::All => self.system(Study::All, INFINICACHE_ALL),
            Panel::Large => self.system(Study::Large, INFINICACHE),
            Panel::LargeWithoutBackup => self.system(Study::Large, WITHOUT_BACKUP),
        }
    }

    /// What the figures of a study are the mean of, as words for a caption.
    pub(crate) fn seeds(&self, study: Study) -> String {
        let quick = if self.is_quick { " (quick: fewer than the experiment says)" } else { "" };
        match self.runs(study).len() {
            1 => format!("one seed{quick}"),
            n_seeds => format!("mean of {n_seeds} seeds{quick}"),
        }
    }

    /// The same where the figure shows how far the mean may be off.
    pub(crate) fn seeds_with_interval(&self, study: Study) -> String {
        let interval = if self.runs(study).len() < 2 { "" } else { ", with its 95 % interval" };
        format!("{}{interval}", self.seeds(study))
    }
}

/// The systems of the studies of section 5.2.
pub(crate) const ELASTICACHE: &str = "elasticache:cache.r5.24xlarge";
pub(crate) const INFINICACHE: &str = "infinicache";
/// That of the study of all objects, with the reclaims that the paper's run of these met.
pub(crate) const INFINICACHE_ALL: &str = "infinicache:reclaim=fig14:all";
pub(crate) const WITHOUT_BACKUP: &str = "infinicache:backup=off";
pub(crate) const S3_AS_IN_PAPER: &str = "s3:store=fast20";
pub(crate) const S3_AS_MEASURED: &str = "s3";

const DEFAULT_TRACE: &str = "synthetic:dallas-50h";

/// Studies, each with the number of its input.
type WithInputs = Vec<(Study, Experiment, usize)>;

/// What each study replays, made once for those that replay the same. A study of all objects is
/// left out where the trace has only those of another.
fn inputs(
    studies: Vec<(Study, Experiment)>,
    whole: Option<&Trace>,
) -> anyhow::Result<(WithInputs, Vec<Input>)> {
    let mut inputs: Vec<(Selection, Input)> = Vec::new();
    let mut with_inputs = Vec::new();
    for (study, experiment) in studies {
        let whole = whole.expect("loaded where there are studies");
        let large = Bytes::megabytes(10);
        let has_small = whole.requests().iter().any(|it| it.size < large);
        if study == Study::All && !has_small {
            output::note("the trace has only large objects: nothing is drawn for all objects");
            continue;
        }
        let selection = experiment.selection;
        let known = inputs.iter().position(|(it, _)| *it == selection);
        let index = known.unwrap_or(inputs.len());
        if known.is_none() {
            let input = Input::select(&experiment.trace, whole.clone(), &selection)?;
            inputs.push((selection, input));
        }
        with_inputs.push((study, experiment, index));
    }
    Ok((with_inputs, inputs.into_iter().map(|(_, input)| input).collect()))
}

fn shapes(
    given: Option<&Trace>,
    name: &str,
    store: Option<&Store>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<TraceShape>> {
    let shapes = match given {
        Some(trace) => {
            let question = format!("shape {name} {}", trace.hash());
            vec![Store::find_or(store, &question, || Ok(TraceShape::of(name, trace)))?]
        }
        None => ["dallas-75d", "london-75d", "london-50h"]
            .into_par_iter()
            // Of London the longer profile, where there is one.
            .filter(|it| trace::Profile::builtin(it).is_some())
            .map(|profile| {
                Store::find_or(store, &format!("shape {profile}"), || {
                    let trace = trace_input::generate(profile, 1)?;
                    Ok(TraceShape::of(&format!("synthetic:{profile}"), &trace))
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?
            .into_iter()
            .take(2)
            .collect(),
    };
    bar.inc(1);
    Ok(shapes)
}

fn measured(
    effort: Effort,
    threads: &ThreadPool,
    store: Option<&Store>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Measured>> {
    // The profile is part of the program.
    let measured = Store::find_or(store, &format!("microbenchmarks {effort:?}"), || {
        let points = microbenchmarks::measure(&Profile::aws_2019_fast20(), effort, threads)?;
        Ok(points.iter().map(Measured::from).collect())
    });
    bar.inc(1);
    measured
}

/// The sizes for which misses are counted, in per mille of the working set.
const SIZES_PERMILLE: [u64; 12] = [5, 10, 20, 50, 100, 150, 200, 300, 400, 550, 750, 1_000];

fn miss_ratios(
    trace: &Trace,
    store: Option<&Store>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<MissRatios>> {
    let working_set = trace.unique_bytes().get();
    let curve = |policy: &EvictionPolicy| {
        let question = format!("misses {policy} {SIZES_PERMILLE:?} {}", trace.hash());
        Store::find_or(store, &question, || {
            let lru = (*policy == EvictionPolicy::Lru).then(|| LruStack::new(trace));
            let point = |permille: &u64| {
                let size = Bytes::new(working_set / 1_000 * permille);
                let counts = match &lru {
                    Some(lru) => lru.miss_counts(size),
                    None => trace::miss_counts(trace, *policy, size),
                };
                (size.get() as f64 / 1e6, counts.miss_ratio().as_f64())
            };
            let points = SIZES_PERMILLE.iter().map(point).collect();
            Ok(MissRatios { policy: policy.to_string(), points })
        })
    };
    let policies = [
        EvictionPolicy::Lru,
        EvictionPolicy::Fifo,
        EvictionPolicy::Lfu,
        EvictionPolicy::Sieve,
        EvictionPolicy::S3Fifo,
        EvictionPolicy::Belady,
    ];
    let curves = policies.par_iter().map(curve).collect();
    bar.inc(1);
    curves
}
