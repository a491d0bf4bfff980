//! An experiment as its file spells it: what is asked, what is run, and what it is held against.

use anyhow::Context;
use policy::EvictionPolicy;
use serde::Deserialize;
use trace::Selection;
use units::{Bytes, Nanos};

use crate::args::{DEFAULT_BOOK, DEFAULT_PROFILE, PriceArgs, UsageError};
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

#[derive(Clone, Debug, Default, Deserialize)]
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
    /// What the file calls it; empty where it has one alone.
    pub(crate) name: String,
    /// What is run.
    pub(crate) experiment: Experiment,
}

impl ExperimentFile {
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
        if self.workload.is_empty() {
            let experiment = self.check(trace, &self.select, &self.systems, self.seeds()?)?;
            return Ok(vec![Named { name: String::new(), experiment }]);
        }
        let named = |it: &WorkloadFile| {
            let seeds = it.seeds.as_ref().map_or_else(|| self.seeds(), Seeds::numbers)?;
            let experiment = self.check(trace, &it.select, &it.systems, seeds)?;
            Ok(Named { name: it.name.clone(), experiment })
        };
        self.workload.iter().map(named).collect()
    }

    fn check(
        &self,
        trace: Option<&str>,
        select: &SelectFile,
        systems: &[String],
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
            systems: systems.to_vec(),
            prices: &PriceArgs {
                prices: self.prices.clone(),
                accounting: read("accounting", self.accounting.as_ref())?,
            },
            profile: &self.profile,
            seeds,
        })
    }
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
        Ok(seeds)
    }
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
    }
}
