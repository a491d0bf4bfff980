//! Every figure and table: its experiment, what has to be made for it, and what is drawn of that.

use report::chart::{Chart, Panel};

use self::Measure::{MissRatios, Nothing, Replay, Shapes};
use self::Shows::Rows;
use super::made::Made;
use super::tables::TableAndCsv;
use super::{beyond, costs, faults, latencies, microbenchmarks, reclaims, tables, trace_shape};
use crate::args::UsageError;
use crate::experiment_file::ExperimentFile;

/// A figure or a table that can be asked for.
pub(crate) struct Entry {
    /// The name of its files, of its experiment, and what `--only` calls it.
    pub(crate) name: &'static str,
    /// Its experiment, which is part of the program, so that it draws wherever it is installed.
    pub(crate) text: &'static str,
    /// What has to be made for it.
    pub(crate) measure: Measure,
    /// What is shown of it.
    pub(crate) shows: Shows,
}

/// What is made for a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Traces are replayed on systems.
    Replay,
    /// Traces are described.
    Shapes,
    /// Single reads, and those of many clients: those of this figure.
    Microbenchmarks(microbenchmarks::Bench),
    /// Plain caches of one trace.
    MissRatios,
    /// Nothing: all follows from prices, formulas and reclaim processes.
    Nothing,
}

/// What is shown of what was made; nothing where the trace has nothing for it.
#[derive(Clone, Copy)]
pub(crate) enum Shows {
    /// A figure.
    Chart(fn(&Made) -> anyhow::Result<Option<Chart>>),
    /// A table.
    Table(fn(&Made) -> anyhow::Result<Option<TableAndCsv>>),
    /// Rows of the scoreboard alone.
    Rows,
}

macro_rules! entry {
    ($name:literal, $measure:expr, $shows:expr) => {
        Entry {
            name: $name,
            text: include_str!(concat!("../../../../../experiments/", $name, ".toml")),
            measure: $measure,
            shows: $shows,
        }
    };
}

const fn bench(of: microbenchmarks::Bench) -> Measure {
    Measure::Microbenchmarks(of)
}

/// All in the order of the page: what the paper has, and then what is beyond it.
pub(crate) const ENTRIES: &[Entry] = &[
    entry!("table1", Replay, Shows::Table(tables::table1)),
    entry!("availability", Nothing, Shows::Table(tables::availability)),
    entry!("fig1", Shapes, Shows::Chart(trace_shape::fig1)),
    entry!("fig4", bench(microbenchmarks::Bench::Fig4), Shows::Chart(microbenchmarks::fig4)),
    entry!("fig8", Nothing, Shows::Chart(reclaims::fig8)),
    entry!("fig9", Nothing, Shows::Chart(reclaims::fig9)),
    entry!("fig11", bench(microbenchmarks::Bench::Fig11), Shows::Chart(microbenchmarks::fig11)),
    entry!("fig12", bench(microbenchmarks::Bench::Fig12), Shows::Chart(microbenchmarks::fig12)),
    entry!("fig13_total", Replay, Shows::Chart(costs::fig13_total)),
    entry!("fig13_all", Replay, Shows::Chart(|it| costs::fig13_hourly(it, Panel::All))),
    entry!("fig13_large", Replay, Shows::Chart(|it| costs::fig13_hourly(it, Panel::Large))),
    entry!(
        "fig13_large_nobackup",
        Replay,
        Shows::Chart(|it| costs::fig13_hourly(it, Panel::LargeWithoutBackup))
    ),
    entry!("fig14_all", Replay, Shows::Chart(|it| faults::fig14(it, Panel::All))),
    entry!("fig14_large", Replay, Shows::Chart(|it| faults::fig14(it, Panel::Large))),
    entry!(
        "fig14_large_nobackup",
        Replay,
        Shows::Chart(|it| faults::fig14(it, Panel::LargeWithoutBackup))
    ),
    entry!("fig15a", Replay, Shows::Chart(latencies::fig15a)),
    entry!("fig15b", Replay, Shows::Chart(latencies::fig15b)),
    entry!("fig16", Replay, Shows::Chart(latencies::fig16)),
    entry!("fig17", Nothing, Shows::Chart(costs::fig17)),
    entry!("scaled", Replay, Rows),
    entry!("codes", Replay, Shows::Chart(beyond::codes)),
    entry!("break_even", Nothing, Shows::Chart(beyond::break_even)),
    entry!("sensitivity_cost", Replay, Shows::Chart(beyond::tornado_cost)),
    entry!("sensitivity_hits", Replay, Shows::Chart(beyond::tornado_hits)),
    entry!("miss_ratios", MissRatios, Shows::Chart(beyond::miss_ratios)),
];

impl Entry {
    /// The figure of this name, which an experiment gives.
    pub(crate) fn find(name: &str) -> Result<&'static Entry, UsageError> {
        ENTRIES.iter().find(|it| it.name == name).ok_or_else(|| unknown(name))
    }

    /// Its experiment.
    pub(crate) fn file(&self) -> anyhow::Result<ExperimentFile> {
        ExperimentFile::parse(&self.path(), self.text)
    }

    /// Where its experiment is kept.
    pub(crate) fn path(&self) -> String {
        format!("experiments/{}.toml", self.name)
    }
}

/// The figures that `--only` asks for: all without it.
pub(crate) fn wanted(only: &[String]) -> Result<Vec<&'static Entry>, UsageError> {
    if let Some(it) = only.iter().find(|it| !ENTRIES.iter().any(|entry| is_named(entry, it))) {
        return Err(unknown(it));
    }
    let is_wanted =
        |entry: &&Entry| only.is_empty() || only.iter().any(|name| is_named(entry, name));
    Ok(ENTRIES.iter().filter(is_wanted).collect())
}

fn unknown(name: &str) -> UsageError {
    let names: Vec<&str> = ENTRIES.iter().map(|it| it.name).collect();
    UsageError(format!(
        "no figure is called `{name}`; write one of {}, or the start of some, such as fig13",
        names.join(", ")
    ))
}

/// Whether `name` is the entry's, or, being that of none, the start of it that no digit follows:
/// `fig1` is not `fig13_all`.
fn is_named(entry: &Entry, name: &str) -> bool {
    if ENTRIES.iter().any(|it| it.name == name) {
        return entry.name == name;
    }
    let rest = entry.name.strip_prefix(name);
    !name.is_empty() && rest.is_some_and(|it| !it.starts_with(|it: char| it.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_figure_is_asked_for_by_name_or_by_its_start() {
        let names = |only: &str| -> Vec<&str> {
            wanted(&[only.to_owned()]).unwrap().iter().map(|it| it.name).collect()
        };
        assert_eq!(names("fig1"), ["fig1"]);
        assert_eq!(names("fig15"), ["fig15a", "fig15b"]);
        assert_eq!(names("fig13_all"), ["fig13_all"]);
        assert_eq!(names("fig13_large"), ["fig13_large"]);
        assert_eq!(names("fig13").len(), 4);
        assert_eq!(wanted(&[]).unwrap().len(), ENTRIES.len());
        let unknown = wanted(&["fig2".to_owned()]).map(drop).unwrap_err().to_string();
        assert!(
            unknown.starts_with("no figure is called `fig2`; write one of table1, "),
            "{unknown}"
        );
    }

    #[test]
    fn every_figure_has_an_experiment_that_says_what_it_asks() {
        let mut questions = BTreeSet::new();
        for entry in ENTRIES {
            let file = entry.file().unwrap();
            assert_eq!(file.figure.as_deref(), Some(entry.name));
            assert!(file.question.ends_with('?'), "{}", entry.name);
            assert!(questions.insert(file.question.clone()), "{}", file.question);
            file.seeds().unwrap();
            let n_workloads = file.experiments(None).unwrap().len();
            assert_eq!(0 < n_workloads, entry.measure == Measure::Replay, "{}", entry.name);
            for it in super::super::references::texts(&file, None).unwrap() {
                assert!(it.lines().count() > 1);
            }
        }
    }

    #[test]
    fn every_experiment_of_a_figure_is_drawn() {
        let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let mut n_studies = 0;
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|it| it != "toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let file = ExperimentFile::parse(&path.display().to_string(), &text).unwrap();
            match file.figure {
                Some(name) => assert_eq!(Entry::find(&name).unwrap().text, text),
                None => n_studies += 1,
            }
        }
        assert_eq!(n_studies, 1, "prices-2026 is a study without a figure");
    }
}
