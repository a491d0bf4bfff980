//! What a figure is drawn from, once it is made.

use anyhow::Context as _;
use report::chart::Hue;
use report::comparison::{self, Comparison, SystemSummary};
use report::page::Table;
use serde::{Deserialize, Serialize};

use super::catalogue::Entry;
use super::microbenchmarks::Measured;
use super::trace_shape::TraceShape;
use crate::commands::compare::notes_of_receipt;
use crate::experiment::hash_of;
use crate::experiment_file::ExperimentFile;
use crate::own_page;

/// A figure's experiment, and what came of it.
pub(crate) struct Made {
    /// The figure.
    pub(crate) entry: &'static Entry,
    /// The path of its experiment.
    pub(crate) origin: String,
    /// Its experiment.
    pub(crate) file: ExperimentFile,
    /// The experiment as it is written.
    pub(crate) text: String,
    /// The texts of its reference files.
    pub(crate) references: Vec<String>,
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// What was replayed, in words for captions.
    pub(crate) workload: String,
    /// Whether that is a synthetic trace, which is fitted to some of the published numbers.
    pub(crate) is_synthetic: bool,
    /// Whether fewer seeds were run than the experiment says.
    pub(crate) is_quick: bool,
}

/// What came of an experiment.
pub(crate) enum Outcome {
    /// Replays, workload by workload.
    Runs(Vec<Runs>),
    /// What traces are like.
    Shapes(Vec<TraceShape>),
    /// Microbenchmarks.
    Measured(Vec<Measured>),
    /// What plain caches miss.
    Misses(Vec<MissRatios>),
    /// Nothing had to be made.
    Nothing,
}

/// The replays of one workload.
pub(crate) struct Runs {
    /// What the experiment calls it; empty where it has one alone.
    pub(crate) name: String,
    /// A comparison for each seed; none where the trace has nothing for it.
    pub(crate) comparisons: Vec<Comparison>,
}

/// What caches of one policy miss of the trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MissRatios {
    pub(crate) policy: String,
    /// Over the size in megabytes: misses per GET.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A system by what it is, however it is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A rented cluster.
    ElastiCache,
    /// Functions.
    InfiniCache,
    /// Functions without backup between replicas.
    InfiniCacheWithoutBackup,
    /// The object store as the paper's replayer saw it.
    StoreAsInPaper,
    /// The object store as others measured it.
    StoreAsMeasured,
}

impl Kind {
    /// What a system is by its name.
    pub(crate) fn of(name: &str) -> Kind {
        match name.split_once(':').map_or(name, |(kind, _)| kind) {
            "elasticache" => Kind::ElastiCache,
            "infinicache" if name.contains("backup=off") => Kind::InfiniCacheWithoutBackup,
            "infinicache" => Kind::InfiniCache,
            _ if name.contains("store=fast20") => Kind::StoreAsInPaper,
            _ => Kind::StoreAsMeasured,
        }
    }

    /// Its colour.
    pub(crate) const fn hue(self) -> Hue {
        match self {
            Kind::ElastiCache => Hue::ElastiCache,
            Kind::InfiniCache => Hue::InfiniCache,
            Kind::InfiniCacheWithoutBackup => Hue::InfiniCacheWithoutBackup,
            Kind::StoreAsInPaper => Hue::S3,
            Kind::StoreAsMeasured => Hue::Series(0),
        }
    }

    /// Its name, as figures have it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Kind::ElastiCache => "ElastiCache",
            Kind::InfiniCache => "InfiniCache",
            Kind::InfiniCacheWithoutBackup => "InfiniCache without backup",
            Kind::StoreAsInPaper => "S3",
            Kind::StoreAsMeasured => "S3 as others measured it",
        }
    }

    /// The first system of this kind in a comparison.
    pub(crate) fn find(self, runs: &Comparison) -> Option<&SystemSummary> {
        runs.systems.iter().find(|it| Kind::of(&it.name) == self)
    }
}

impl Runs {
    /// The systems beside each other as a table for a terminal, means where there are several
    /// seeds; nothing where there are no replays.
    pub(crate) fn printed(&self) -> String {
        let notes = self.comparisons.first().map(notes_of_receipt).unwrap_or_default();
        match self.comparisons.as_slice() {
            [] => String::new(),
            [one] => comparison::to_table(one, &notes),
            several => own_page::to_text(several, &notes),
        }
    }

    /// The same as a table for a page.
    pub(crate) fn table(&self) -> Option<Table> {
        let of = if self.name.is_empty() { String::new() } else { format!(": {}", self.name) };
        let table = own_page::table(&self.comparisons);
        (!self.comparisons.is_empty())
            .then(|| Table { title: format!("Side by side{of}"), ..table })
    }
}

impl Made {
    /// Whether it is made of replays, though the trace may have nothing for them.
    pub(crate) fn is_replay(&self) -> bool {
        matches!(self.outcome, Outcome::Runs(_))
    }

    /// All replays, workload by workload.
    pub(crate) fn workloads(&self) -> &[Runs] {
        match &self.outcome {
            Outcome::Runs(runs) => runs,
            _ => &[],
        }
    }

    /// The replays of the workload of this name, one for each seed.
    pub(crate) fn runs_of(&self, name: &str) -> &[Comparison] {
        let found = self.workloads().iter().find(|it| it.name == name);
        found.map_or(&[], |it| &it.comparisons)
    }

    /// The replays of an experiment of one workload.
    pub(crate) fn runs(&self) -> &[Comparison] {
        self.workloads().first().map_or(&[], |it| &it.comparisons)
    }

    /// The system of this number under each seed.
    pub(crate) fn system(&self, number: usize) -> Vec<&SystemSummary> {
        self.runs().iter().filter_map(|it| it.systems.get(number)).collect()
    }

    /// The first system of this kind under each seed.
    pub(crate) fn systems_of(&self, kind: Kind) -> Vec<&SystemSummary> {
        self.runs().iter().filter_map(|it| kind.find(it)).collect()
    }

    /// What the microbenchmarks gave.
    pub(crate) fn measured(&self) -> &[Measured] {
        match &self.outcome {
            Outcome::Measured(measured) => measured,
            _ => &[],
        }
    }

    /// The text of the reference file of this number.
    pub(crate) fn reference(&self, number: usize) -> anyhow::Result<&str> {
        let text = self.references.get(number).map(String::as_str);
        text.with_context(|| {
            format!("{} has no reference file of number {}", self.origin, number + 1)
        })
    }

    /// What the figure is the mean of, as words for a caption.
    pub(crate) fn seeds(&self) -> String {
        let quick = if self.is_quick { " (quick: fewer than the experiment says)" } else { "" };
        let run: Vec<(&str, usize)> = self
            .workloads()
            .iter()
            .map(|it| (it.name.as_str(), it.comparisons.len()))
            .filter(|(_, n_seeds)| 0 < *n_seeds)
            .collect();
        let is_same = run.windows(2).all(|it| it[0].1 == it[1].1);
        match run.as_slice() {
            [(_, 1), ..] if is_same => format!("one seed{quick}"),
            [(_, n_seeds), ..] if is_same => format!("mean of {n_seeds} seeds{quick}"),
            several => {
                let each: Vec<String> =
                    several.iter().map(|(name, n_seeds)| format!("{n_seeds} ({name})")).collect();
                format!("mean of {} seeds{quick}", each.join(" and "))
            }
        }
    }

    /// The same where the figure shows how far the mean may be off.
    pub(crate) fn seeds_with_interval(&self) -> String {
        let has_several = self.workloads().iter().any(|it| 1 < it.comparisons.len());
        let interval = if has_several { ", with its 95 % interval" } else { "" };
        format!("{}{interval}", self.seeds())
    }

    /// What made it, for a reader who wants it again.
    pub(crate) fn receipts(&self) -> Vec<String> {
        let version = env!("CARGO_PKG_VERSION");
        let path = &self.origin;
        let of_runs = |it: &Runs| {
            let receipt = &it.comparisons.first()?.receipt;
            let seeds: Vec<String> =
                it.comparisons.iter().map(|it| it.receipt.seed.to_string()).collect();
            let name = if it.name.is_empty() { String::new() } else { format!(" ({})", it.name) };
            Some(format!(
                "{path}{name}: infinisim {version}, seeds {}, prices {}, experiment {}, trace {}.",
                seeds.join(" "),
                receipt.price_book(),
                receipt.experiment_hash,
                receipt.trace_hash
            ))
        };
        if let Outcome::Runs(runs) = &self.outcome {
            return runs.iter().filter_map(of_runs).collect();
        }
        let hash = hash_of(&self.text);
        vec![format!("{path}: infinisim {version}, experiment {hash}.")]
    }

    /// The experiment, and where its reference is from.
    pub(crate) fn configuration(&self) -> String {
        format!("{}\n\n{}", self.origin, self.text)
    }
}
