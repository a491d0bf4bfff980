//! Every figure: its name, what it needs, and what it is drawn from.

use report::chart::{Chart, Panel};

use super::results::{Need, Study};
use super::{Context, beyond, costs, faults, latencies, microbenchmarks, reclaims, trace_shape};
use crate::args::UsageError;

/// A figure that can be asked for.
pub(super) struct Entry {
    /// The name of its files, and what `--only` calls it.
    pub(super) name: &'static str,
    /// What has to be run for it.
    pub(super) needs: &'static [Need],
    /// Its numbers; nothing where the trace has none for it.
    pub(super) chart: fn(&Context) -> anyhow::Result<Option<Chart>>,
    /// The experiment it is drawn from, or what stands in for one.
    pub(super) source: Source,
}

/// What a figure's numbers come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// The runs of an experiment.
    Study(Study),
    /// Both workloads of section 5.2.
    BothWorkloads,
    /// Something else, in words.
    Words(&'static str),
}

const ALL: &[Need] = &[Need::Runs(Study::All)];
const MICROBENCHMARKS: &[Need] = &[Need::Microbenchmarks];
const LARGE: &[Need] = &[Need::Runs(Study::Large)];
const BOTH: &[Need] = &[Need::Runs(Study::All), Need::Runs(Study::Large)];

/// The figures in the order of the page: those of the paper, and then those beyond it.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        name: "fig1",
        needs: &[Need::Shapes],
        chart: trace_shape::fig1,
        source: Source::Words(
            "the traces themselves: profiles dallas-75d and london-50h (seed 1), or the trace \
             that was given; `infinisim trace info` prints the same",
        ),
    },
    Entry {
        name: "fig4",
        needs: MICROBENCHMARKS,
        chart: microbenchmarks::fig4,
        source: Source::Words("the microbenchmarks of `infinisim calibrate --check`, seed 1"),
    },
    Entry {
        name: "fig8",
        needs: &[],
        chart: reclaims::fig8,
        source: Source::Words("the reclaim processes fig8:DATE and fig9:DATE, seeds 0 to 39"),
    },
    Entry {
        name: "fig9",
        needs: &[],
        chart: reclaims::fig9,
        source: Source::Words("the reclaim processes fig9:DATE, seed 1"),
    },
    Entry {
        name: "fig11",
        needs: MICROBENCHMARKS,
        chart: microbenchmarks::fig11,
        source: Source::Words("the microbenchmarks of `infinisim calibrate --check`, seed 1"),
    },
    Entry {
        name: "fig12",
        needs: MICROBENCHMARKS,
        chart: microbenchmarks::fig12,
        source: Source::Words("the microbenchmarks of `infinisim calibrate --check`, seeds 1 to 3"),
    },
    Entry {
        name: "fig13_total",
        needs: BOTH,
        chart: costs::fig13_total,
        source: Source::BothWorkloads,
    },
    Entry {
        name: "fig13_all",
        needs: ALL,
        chart: |it| costs::fig13_hourly(it, Panel::All),
        source: Source::Study(Study::All),
    },
    Entry {
        name: "fig13_large",
        needs: LARGE,
        chart: |it| costs::fig13_hourly(it, Panel::Large),
        source: Source::Study(Study::Large),
    },
    Entry {
        name: "fig13_large_nobackup",
        needs: LARGE,
        chart: |it| costs::fig13_hourly(it, Panel::LargeWithoutBackup),
        source: Source::Study(Study::Large),
    },
    Entry {
        name: "fig14_all",
        needs: ALL,
        chart: |it| faults::fig14(it, Panel::All),
        source: Source::Study(Study::All),
    },
    Entry {
        name: "fig14_large",
        needs: LARGE,
        chart: |it| faults::fig14(it, Panel::Large),
        source: Source::Study(Study::Large),
    },
    Entry {
        name: "fig14_large_nobackup",
        needs: LARGE,
        chart: |it| faults::fig14(it, Panel::LargeWithoutBackup),
        source: Source::Study(Study::Large),
    },
    Entry {
        name: "fig15a",
        needs: ALL,
        chart: latencies::fig15a,
        source: Source::Study(Study::All),
    },
    Entry {
        name: "fig15b",
        needs: LARGE,
        chart: latencies::fig15b,
        source: Source::Study(Study::Large),
    },
    Entry { name: "fig16", needs: ALL, chart: latencies::fig16, source: Source::Study(Study::All) },
    Entry {
        name: "fig17",
        needs: &[],
        chart: costs::fig17,
        source: Source::Words("`pricing::closed_form` at the prices of aws-us-east-1-2019-12"),
    },
    Entry {
        name: "codes",
        needs: &[Need::Runs(Study::Codes)],
        chart: beyond::codes,
        source: Source::Study(Study::Codes),
    },
    Entry {
        name: "break_even",
        needs: &[],
        chart: beyond::break_even,
        source: Source::Words(
            "`pricing::closed_form` at the prices of aws-us-east-1-2019-12 and \
             aws-us-east-1-2026-09",
        ),
    },
    Entry {
        name: "sensitivity_cost",
        needs: &[Need::Runs(Study::Sensitivity)],
        chart: beyond::tornado_cost,
        source: Source::Study(Study::Sensitivity),
    },
    Entry {
        name: "sensitivity_hits",
        needs: &[Need::Runs(Study::Sensitivity)],
        chart: beyond::tornado_hits,
        source: Source::Study(Study::Sensitivity),
    },
    Entry {
        name: "miss_ratios",
        needs: &[Need::MissRatios],
        chart: beyond::miss_ratios,
        source: Source::Words(
            "the trace replayed through plain caches of whole objects; `infinisim trace mrc` \
             prints the same",
        ),
    },
];

/// The figures that `--only` asks for: all without it.
pub(super) fn wanted(only: &[String]) -> Result<Vec<&'static Entry>, UsageError> {
    if let Some(unknown) = only.iter().find(|it| !ENTRIES.iter().any(|entry| is_named(entry, it))) {
        let names: Vec<&str> = ENTRIES.iter().map(|it| it.name).collect();
        return Err(UsageError(format!(
            "no figure is called `{unknown}`; write one of {}, or the start of some, such as fig13",
            names.join(", ")
        )));
    }
    let is_wanted =
        |entry: &&Entry| only.is_empty() || only.iter().any(|name| is_named(entry, name));
    Ok(ENTRIES.iter().filter(is_wanted).collect())
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
            unknown.starts_with("no figure is called `fig2`; write one of fig1, "),
            "{unknown}"
        );
    }

    #[test]
    fn a_name_stands_for_one_figure() {
        let names: std::collections::BTreeSet<&str> = ENTRIES.iter().map(|it| it.name).collect();
        assert_eq!(names.len(), ENTRIES.len());
    }
}
