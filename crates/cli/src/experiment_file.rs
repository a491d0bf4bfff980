//! An experiment as its file spells it: what is asked, what is run, and what it is held against.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context;
use policy::EvictionPolicy;
use serde::Deserialize;
use trace::Selection;
use units::{Bytes, Nanos};

use crate::args::{DEFAULT_BOOK, DEFAULT_PROFILE, PriceArgs, UsageError};
use crate::axes::{Axes, Point};
use crate::experiment::{Experiment, Parts};

/// An experiment as its file spells it. Nothing is checked but its shape.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExperimentFile {
    /// What is asked, in a sentence.
    pub(crate) question: String,
    /// The figure or table that is made of it, by the name that `infinisim figures` has for it.
    pub(crate) figure: Option<String>,
    trace: Option<String>,
    #[serde(default)]
    seeds: Option<Seeds>,
    #[serde(default = "default_book")]
    prices: String,
    accounting: Option<String>,
    policy: Option<String>,
    #[serde(default = "default_profile")]
    pub(crate) profile: String,
    #[serde(default)]
    systems: Vec<String>,
    #[serde(default)]
    select: SelectFile,
    /// Several of what `select`, `seeds` and `systems` are one of.
    #[serde(default)]
    workload: Vec<WorkloadFile>,
    /// The values that `{names}` in `systems` stand for.
    #[serde(default)]
    pub(crate) sweep: Axes,
    /// Traces that are described, not replayed.
    #[serde(default)]
    pub(crate) traces: Vec<String>,
    /// How often a microbenchmark measures each thing.
    pub(crate) n_gets: Option<u32>,
    /// Reclaim processes that are looked at by themselves.
    #[serde(default)]
    pub(crate) processes: Vec<String>,
    /// Price books for what follows from prices alone.
    #[serde(default)]
    pub(crate) books: Vec<String>,
    /// Plain caches: their policies.
    #[serde(default)]
    pub(crate) policies: Vec<String>,
    /// Plain caches: their sizes.
    #[serde(default)]
    pub(crate) sizes: Vec<String>,
    /// The published numbers that ours are shown beside.
    #[serde(default)]
    pub(crate) reference: Vec<Reference>,
}

/// A file of published numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reference {
    /// Its path, from the experiment's directory.
    pub(crate) file: String,
    /// Where the numbers were published.
    pub(crate) source: String,
}

/// What part of the trace, under which seeds, on which systems.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadFile {
    name: String,
    seeds: Option<Seeds>,
    systems: Vec<String>,
    #[serde(default)]
    select: SelectFile,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct SelectFile {
    hours: Option<String>,
    min_size: Option<String>,
    max_size: Option<String>,
    scale_size: Option<String>,
    clamp_size: Option<String>,
}

/// Seeds, one by one or from the first to the last.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "a list of numbers, such as [1, 2], or a range, such as \"1-30\"")]
enum Seeds {
    List(Vec<u64>),
    Range(String),
}

/// A workload of an experiment, checked.
pub(crate) struct Named {
    /// What is run, under the name that the file has for it.
    pub(crate) experiment: Experiment,
    /// Its systems, and where they stand on the axes of the sweep, if it is one.
    pub(crate) points: Vec<Point>,
}

impl ExperimentFile {
    /// The experiment in a file, and the file's text.
    pub(crate) fn open(path: &Path) -> anyhow::Result<(ExperimentFile, String)> {
        let text = fs_err::read_to_string(path)?;
        Ok((ExperimentFile::parse(&path.display().to_string(), &text)?, text))
    }

    /// The file `origin` with this text.
    pub(crate) fn parse(origin: &str, text: &str) -> anyhow::Result<ExperimentFile> {
        toml::from_str(text).with_context(|| format!("cannot read `{origin}`"))
    }

    /// The trace that is replayed.
    pub(crate) fn trace(&self) -> Result<&str, UsageError> {
        let missing = || UsageError("`trace` is missing; name a file or synthetic:".to_owned());
        self.trace.as_deref().ok_or_else(missing)
    }

    /// The seeds of all workloads that name none of their own; 1 where none is named.
    pub(crate) fn seeds(&self) -> Result<Vec<u64>, UsageError> {
        self.seeds.as_ref().map_or_else(|| Ok(vec![1]), Seeds::numbers)
    }

    /// What is replayed, on `trace` if one is given, of an experiment that has to replay
    /// something.
    pub(crate) fn experiments_to_run(&self, trace: Option<&str>) -> anyhow::Result<Vec<Named>> {
        self.check_paths_of_world()?;
        let experiments = self.experiments(trace)?;
        if experiments.is_empty() {
            let figure = ", or with `figure` which figure this is";
            let figure = if self.figure.is_none() { figure } else { "" };
            return Err(missing_systems("`systems`", figure).into());
        }
        self.check_path_of_trace(trace)?;
        Ok(experiments)
    }

    /// The names of the workloads; an empty one where there is one alone.
    pub(crate) fn workload_names(&self) -> Vec<&str> {
        let names: Vec<&str> = self.workload.iter().map(|it| it.name.as_str()).collect();
        if names.is_empty() { vec![""] } else { names }
    }

    /// The first of the lists that are looked at by themselves of which this experiment has fewer
    /// entries than `other`, the number that it has, and that of the other.
    pub(crate) fn lacks(&self, other: &ExperimentFile) -> Option<(&'static str, usize, usize)> {
        let lists = |it: &ExperimentFile| {
            [
                // Of some any number will do.
                ("processes", it.processes.len().min(1)),
                ("policies", it.policies.len().min(1)),
                ("sizes", it.sizes.len().min(1)),
                ("books", it.books.len()),
                ("reference", it.reference.len()),
                ("traces", it.traces.len().min(1)),
            ]
        };
        let pairs = lists(self).into_iter().zip(lists(other));
        let both = pairs.map(|((name, ours), (_, theirs))| (name, ours, theirs));
        both.into_iter().find(|(_, ours, theirs)| ours < theirs)
    }

    /// What is replayed, on `trace` if one is given; nothing where the experiment replays none.
    pub(crate) fn experiments(&self, trace: Option<&str>) -> anyhow::Result<Vec<Named>> {
        if self.workload.is_empty() && self.systems.is_empty() {
            return Ok(Vec::new());
        }
        if !self.workload.is_empty() && !self.systems.is_empty() {
            return Err(UsageError(
                "`systems` stands beside `workload`; write it into each workload".to_owned(),
            )
            .into());
        }
        if !self.workload.is_empty() && self.select != SelectFile::default() {
            return Err(UsageError(
                "`select` stands beside `workload`; write it into each workload".to_owned(),
            )
            .into());
        }
        self.check_names()?;
        if let Some(it) = self.workload.iter().find(|it| it.systems.is_empty()) {
            let systems = format!("`systems` of workload `{}`", it.name);
            return Err(missing_systems(&systems, "").into());
        }
        let of_workloads = self.workload.iter().flat_map(|it| &it.systems);
        self.sweep.check(self.systems.iter().chain(of_workloads))?;
        if self.workload.is_empty() {
            let (select, seeds) = (&self.select, self.seeds()?);
            return Ok(vec![self.named(String::new(), trace, select, &self.systems, seeds)?]);
        }
        let named = |it: &WorkloadFile| {
            let seeds = it.seeds.as_ref().map_or_else(|| self.seeds(), Seeds::numbers)?;
            self.named(it.name.clone(), trace, &it.select, &it.systems, seeds)
        };
        self.workload.iter().map(named).collect()
    }

    /// Refuses workloads whose results could not be told apart, or would go elsewhere.
    fn check_names(&self) -> Result<(), UsageError> {
        let mut names = BTreeSet::new();
        for WorkloadFile { name, .. } in &self.workload {
            let is_plain = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-');
            if name.is_empty() || !name.chars().all(is_plain) {
                return Err(UsageError(format!(
                    "`workload.name`: `{name}` cannot be a part of file names; write letters, \
                     digits, `_` and `-`"
                )));
            }
            if !names.insert(name) {
                return Err(UsageError(format!(
                    "`workload.name`: two are called `{name}`; give each a name of its own"
                )));
            }
        }
        Ok(())
    }

    fn named(
        &self,
        workload: String,
        trace: Option<&str>,
        select: &SelectFile,
        systems: &[String],
        seeds: Vec<u64>,
    ) -> anyhow::Result<Named> {
        let points = self.sweep.points(systems)?;
        let systems = points.iter().map(|it| it.system.clone()).collect();
        let experiment = self.check(trace, select, systems, seeds)?;
        Ok(Named { experiment: Experiment { workload, ..experiment }, points })
    }

    fn check(
        &self,
        trace: Option<&str>,
        select: &SelectFile,
        systems: Vec<String>,
        seeds: Vec<u64>,
    ) -> anyhow::Result<Experiment> {
        let SelectFile { hours, min_size, max_size, scale_size, clamp_size } = select;
        Experiment::new(Parts {
            trace: trace.map_or_else(|| self.trace(), Ok)?.to_owned(),
            selection: Selection {
                hours: read::<Nanos>("select.hours", hours.as_ref())?,
                min_size: read::<Bytes>("select.min_size", min_size.as_ref())?,
                max_size: read::<Bytes>("select.max_size", max_size.as_ref())?,
                scale_size: read("select.scale_size", scale_size.as_ref())?,
                clamp_size: read::<Bytes>("select.clamp_size", clamp_size.as_ref())?,
            },
            policy: read("policy", self.policy.as_ref())?.unwrap_or(EvictionPolicy::Lru),
            systems,
            prices: &PriceArgs {
                prices: self.prices.clone(),
                accounting: read("accounting", self.accounting.as_ref())?,
            },
            profile: &self.profile,
            seeds,
        })
    }
}

impl ExperimentFile {
    /// Refuses a book or a profile that is not there, before it is taken for a misspelled name.
    pub(crate) fn check_paths_of_world(&self) -> Result<(), UsageError> {
        for (key, name) in [("prices", &self.prices), ("profile", &self.profile)] {
            if Path::new(name).extension().is_some_and(|it| it == "toml") {
                check_path(key, name).map_err(UsageError)?;
            }
        }
        Ok(())
    }

    /// Refuses a trace that is not there, if it is the experiment's own that is replayed.
    pub(crate) fn check_path_of_trace(&self, other: Option<&str>) -> anyhow::Result<()> {
        let is_path = |it: &&str| {
            *it != "-" && !it.starts_with("synthetic:") && !it.contains(['*', '?', '['])
        };
        let own = self.trace.as_deref().filter(|_| other.is_none()).filter(is_path);
        own.map_or(Ok(()), |it| check_path("trace", it)).map_err(anyhow::Error::msg)
    }
}

/// That there is something, and else from which directory on it was looked for: not from the
/// experiment's.
fn check_path(key: &str, name: &str) -> Result<(), String> {
    let path = Path::new(name);
    if path.is_absolute() || path.exists() {
        return Ok(());
    }
    let here = std::env::current_dir().unwrap_or_default();
    Err(format!(
        "`{key}`: there is no `{name}` in `{}`, the working directory, from which paths of traces \
         and prices go out",
        here.display()
    ))
}

impl Seeds {
    fn numbers(&self) -> Result<Vec<u64>, UsageError> {
        /// More are a mistake in writing.
        const N_SEEDS_MAX: u64 = 100_000;
        let seeds = match self {
            Seeds::List(seeds) => seeds.clone(),
            Seeds::Range(text) => {
                let ends = text.split_once('-').and_then(|(from, to)| {
                    Some((from.trim().parse::<u64>().ok()?, to.trim().parse::<u64>().ok()?))
                });
                match ends {
                    Some((from, to)) if from <= to && to - from < N_SEEDS_MAX => {
                        (from..=to).collect()
                    }
                    _ => {
                        return Err(UsageError(format!(
                            "`seeds`: `{text}` is not a range; write the first and the last, such \
                             as \"1-30\""
                        )));
                    }
                }
            }
        };
        if seeds.is_empty() {
            return Err(UsageError("`seeds` is empty; write at least one".to_owned()));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = seeds.iter().find(|it| !seen.insert(**it)) {
            // The same run again says nothing of chance.
            return Err(UsageError(format!("`seeds`: {twice} stands there twice; leave one out")));
        }
        Ok(seeds)
    }
}

fn missing_systems(what: &str, or: &str) -> UsageError {
    UsageError(format!("{what} is missing; write which to run, such as [\"infinicache\"]{or}"))
}

fn read<T: std::str::FromStr<Err: ToString>>(
    field: &str,
    text: Option<&String>,
) -> Result<Option<T>, UsageError> {
    let value = text.map(|it| it.parse()).transpose();
    value.map_err(|err: T::Err| UsageError(format!("`{field}`: {}", err.to_string())))
}

fn default_profile() -> String {
    DEFAULT_PROFILE.to_owned()
}

fn default_book() -> String {
    DEFAULT_BOOK.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_of_the_readme_is_one() {
        let readme = include_str!("../../../experiments/README.md");
        let example = readme.split("```").find_map(|it| it.strip_prefix("toml")).unwrap();
        let file = ExperimentFile::parse("it.toml", example).unwrap();
        let workloads = file.experiments(None).unwrap();
        assert_eq!(workloads[0].points.len(), 3 * 2 * 2 + 3 + 1);
    }

    #[test]
    fn seeds_are_a_list_or_a_range() {
        let of = |text: &str| {
            let file = format!("question = \"?\"\n{text}");
            let file = ExperimentFile::parse("it.toml", &file).unwrap();
            file.seeds().map_err(|err| err.to_string())
        };
        assert_eq!(of(""), Ok(vec![1]));
        assert_eq!(of("seeds = [4, 2]"), Ok(vec![4, 2]));
        assert_eq!(of("seeds = \"2-4\""), Ok(vec![2, 3, 4]));
        assert!(of("seeds = \"4-2\"").unwrap_err().contains("`4-2` is not a range"));
        assert!(of("seeds = []").unwrap_err().contains("is empty"));
        assert!(of("seeds = [1, 2, 1]").unwrap_err().contains("1 stands there twice"));
    }
}
