//! The points of a sweep and what came of them, as a table, JSON and CSV.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use report::chart::Estimate;
use report::comparison::{self, Comparison, SystemSummary};
use report::page::Table;
use report::rows::{Cell, ColumnKind, Rows};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::axes::Point;
use crate::best::unbeaten;
use crate::commands::figures::{seeds, write_comparisons};
use crate::output;
use crate::own_page::{self, Contents, latency, n_decimals_of_usd, part};

/// What is told of each point.
struct Measure {
    /// What it is called where a person reads it.
    title: &'static str,
    /// What it is called where a program reads it.
    name: &'static str,
    /// By how much what a program reads is multiplied for a person.
    times: f64,
    /// To how many places a person reads it.
    n_decimals: fn(f64) -> usize,
    /// Nothing where there was none of what it is of.
    of: fn(&SystemSummary) -> Option<f64>,
}

const MEASURES: [Measure; 5] = [
    Measure {
        title: "US$",
        name: "cost_usd_total",
        times: 1.0,
        n_decimals: few_of_usd,
        of: |it| Some(it.cost.total().as_f64()),
    },
    Measure {
        title: "hits, %",
        name: "hit_ratio",
        times: 100.0,
        n_decimals: |_| 2,
        of: |it| part(it.counts.hit_ratio()),
    },
    Measure {
        title: "kept, %",
        name: "availability",
        times: 100.0,
        n_decimals: |_| 2,
        of: |it| part(it.counts.availability()),
    },
    Measure {
        title: "mean, ms",
        name: "latency_ms_mean",
        times: 1.0,
        n_decimals: few,
        of: |it| latency(it).map(|it| it.mean_ms),
    },
    Measure {
        title: "p99, ms",
        name: "latency_ms_p99",
        times: 1.0,
        n_decimals: few,
        of: |it| latency(it).map(|it| it.p99_ms),
    },
];

impl Measure {
    /// The columns of its mean and of the ends of its interval.
    fn columns(&self) -> [String; 3] {
        ["", "_low", "_high"].map(|it| format!("{}{it}", self.name))
    }
}

/// Where they are among the measures.
pub(super) const COST: usize = 0;
pub(super) const HITS: usize = 1;
pub(super) const LATENCY: usize = 3;

/// Decimals for three digits or more.
fn few(number: f64) -> usize {
    match number {
        it if 100.0 <= it => 0,
        it if 10.0 <= it => 1,
        _ => 2,
    }
}

/// Decimals for an amount of money: four below a dollar, and more where those would hide it.
fn few_of_usd(dollars: f64) -> usize {
    if 1.0 <= dollars { 2 } else { n_decimals_of_usd(dollars).max(4) }
}

/// What came of a point, measure by measure; nothing of one that there was none of.
pub(super) type Outcome = [Option<Estimate>; MEASURES.len()];

/// The points of a workload, and what came of each.
pub(super) struct Swept {
    /// The name of the workload; empty where there is one alone.
    pub(super) workload: String,
    pub(super) points: Vec<Point>,
    /// By point: what tells its system from those at the same values, its kind alone if that does.
    labels: Vec<String>,
    /// Whether not all labels are the same.
    has_labels: bool,
    /// By point.
    pub(super) outcomes: Vec<Outcome>,
    /// By point: whether no other costs no more and takes no longer on average, and is better in
    /// one of both; without a GET none takes longer than another.
    pub(super) is_best: Vec<bool>,
    comparisons: Vec<Comparison>,
    notes: Vec<String>,
}

impl Swept {
    pub(super) fn of(
        workload: String,
        points: Vec<Point>,
        comparisons: Vec<Comparison>,
        notes: Vec<String>,
    ) -> Swept {
        let outcome = |index: usize| {
            MEASURES.map(|it| {
                let of = |comparison: &Comparison| (it.of)(&comparison.systems[index]);
                let samples: Vec<f64> = comparisons.iter().filter_map(of).collect();
                (!samples.is_empty()).then(|| seeds::estimate(&samples))
            })
        };
        let outcomes: Vec<_> = (0..points.len()).map(outcome).collect();
        let place = |it: &Outcome| [COST, LATENCY].map(|measure| mean_of(it[measure]));
        let is_best = unbeaten(&outcomes.iter().map(place).collect::<Vec<_>>());
        let labels = labels(&points);
        let has_labels = labels.windows(2).any(|it| it[0] != it[1]);
        Swept { workload, points, labels, has_labels, outcomes, is_best, comparisons, notes }
    }

    /// The names of all axes, in the order in which the points have them.
    pub(super) fn axes(&self) -> Vec<&str> {
        let mut axes: Vec<&str> = Vec::new();
        for (axis, _) in self.points.iter().flat_map(|it| &it.values) {
            if !axes.contains(&axis.as_str()) {
                axes.push(axis);
            }
        }
        axes
    }

    /// What each point is called: its values behind what its system is, where there are several
    /// kinds of those.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |(point, label): (&Point, &String)| {
            let values: Vec<&str> = point.values.iter().map(|(_, value)| value.as_str()).collect();
            match values.join(", ") {
                values if values.is_empty() => label.clone(),
                values if !self.has_labels => values,
                values => format!("{label} {values}"),
            }
        };
        self.points.iter().zip(&self.labels).map(name).collect()
    }

    /// The points with what came of them, the cheapest first: behind a mark of the best the words
    /// for each, under their header, and then the numbers, as `cell` writes them.
    fn table(
        &self,
        header: Vec<String>,
        words: impl Fn(usize) -> Vec<String>,
        cell: fn(Estimate, &Measure) -> String,
    ) -> Vec<Vec<String>> {
        let mut order: Vec<usize> = (0..self.points.len()).collect();
        let cost = |it: usize| mean_of(self.outcomes[it][COST]);
        order.sort_by(|a, b| cost(*a).total_cmp(&cost(*b)));
        let mut table = vec![vec![String::new()]];
        table[0].extend(header);
        table[0].extend(MEASURES.iter().map(|it| it.title.to_owned()));
        table.extend(order.into_iter().map(|index| {
            let mut row = vec![if self.is_best[index] { "*" } else { "" }.to_owned()];
            row.extend(words(index));
            let outcomes = self.outcomes[index].iter().zip(&MEASURES);
            row.extend(outcomes.map(|(outcome, measure)| {
                outcome.map_or_else(|| "–".to_owned(), |it| cell(it, measure))
            }));
            row
        }));
        table
    }

    /// The table with a column for each axis.
    fn table_by_axis(&self, cell: fn(Estimate, &Measure) -> String) -> Vec<Vec<String>> {
        let (axes, has_labels) = (self.axes(), self.has_labels);
        let label = has_labels.then(|| "system".to_owned());
        let header = label.into_iter().chain(axes.iter().map(|it| (*it).to_owned())).collect();
        let words = |index: usize| {
            let point = &self.points[index];
            let label = has_labels.then(|| self.labels[index].clone());
            let values = axes.iter().map(|it| point.value(it).unwrap_or("–").to_owned());
            label.into_iter().chain(values).collect()
        };
        self.table(header, words, cell)
    }

    /// The points as a person reads them on a terminal.
    pub(super) fn to_text(&self) -> String {
        /// No line is longer, unless it has to be.
        const WIDTH_MAX: usize = 80;
        let mut notes = vec![format!("{}; the cheapest first", self.best())];
        let mut table = output::columns(&self.table_by_axis(mean));
        if table.lines().any(|it| WIDTH_MAX < it.chars().count()) {
            let names = self.names();
            let header = vec![String::new()];
            table = output::columns(&self.table(header, |it| vec![names[it].clone()], mean));
            notes.extend(self.axes_by_label());
        }
        if 1 < self.comparisons.len() {
            notes.push("means over the seeds; --csv and --json have their intervals".to_owned());
        }
        notes.extend(self.notes.iter().cloned());
        comparison::framed(&self.comparisons, &format!("\n{table}"), &notes)
    }

    /// What the mark of the best says.
    fn best(&self) -> &'static str {
        if self.outcomes.iter().any(|it| it[LATENCY].is_some()) {
            "*: no other is as cheap and, on average, as fast"
        } else {
            "*: no other is as cheap; without a GET none is faster"
        }
    }

    /// Which values the names of points have, in their order.
    fn axes_by_label(&self) -> Vec<String> {
        let mut notes: Vec<String> = Vec::new();
        for (point, label) in self.points.iter().zip(&self.labels) {
            if point.values.is_empty() {
                continue;
            }
            let axes: Vec<&str> = point.values.iter().map(|(axis, _)| axis.as_str()).collect();
            let of = if self.has_labels { label } else { "each" };
            let note = format!("of {of}: {}", axes.join(", "));
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        notes
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.points.len()).map(|index| Row { swept: self, index })
    }

    /// Writes the results, the points, and a page of both into `dir`.
    pub(super) fn write(
        &self,
        dir: &Path,
        question: &str,
        configuration: &str,
    ) -> anyhow::Result<()> {
        output::prepare_dir(dir)?;
        write_comparisons(dir, "results", &self.comparisons)?;
        output::write_text(&dir.join("sweep.csv"), &to_csv(std::slice::from_ref(self)))?;
        let mut rows = self.table_by_axis(with_interval);
        let header = rows.remove(0);
        let table = Table {
            title: "All points".to_owned(),
            caption: format!(
                "{}. The cheapest first; after ± half the 95 % interval over the seeds.",
                self.best()
            ),
            n_words: header.len() - MEASURES.len(),
            header,
            rows,
            made: None,
        };
        let contents = Contents {
            title: "What each choice would cost, hit and lose".to_owned(),
            facts: Vec::new(),
            tables: vec![table],
            charts: self.charts(),
        };
        own_page::write_contents(
            dir,
            &self.comparisons,
            question,
            configuration,
            &self.notes,
            contents,
        )
    }
}

impl Point {
    /// Its value on an axis, if it stands on it.
    pub(super) fn value(&self, axis: &str) -> Option<&str> {
        self.values.iter().find(|(it, _)| it == axis).map(|(_, value)| value.as_str())
    }
}

/// The mean of what may be none, which is then as good as nothing.
fn mean_of(it: Option<Estimate>) -> f64 {
    it.map_or(0.0, |it| it.mean)
}

fn mean(it: Estimate, measure: &Measure) -> String {
    let mean = measure.times * it.mean;
    let n_decimals = (measure.n_decimals)(mean);
    format!("{mean:.n_decimals$}")
}

/// The mean, and how far it may be off.
fn with_interval(it: Estimate, measure: &Measure) -> String {
    let half = measure.times * (it.high - it.low) / 2.0;
    let n_decimals = (measure.n_decimals)(measure.times * it.mean);
    let mean = mean(it, measure);
    if half < 1e-12 { mean } else { format!("{mean} ± {half:.n_decimals$}") }
}

/// See [`Swept::labels`].
fn labels(points: &[Point]) -> Vec<String> {
    let mut n_alike: BTreeMap<_, usize> = BTreeMap::new();
    for Point { system, values } in points {
        *n_alike.entry((kind(system), values.as_slice())).or_default() += 1;
    }
    let label = |Point { system, values }: &Point| {
        let is_told = n_alike[&(kind(system), values.as_slice())] == 1 && !values.is_empty();
        if is_told { kind(system) } else { system }.to_owned()
    };
    points.iter().map(label).collect()
}

/// What a system is, without its options.
pub(super) fn kind(system: &str) -> &str {
    system.split_once(':').map_or(system, |(kind, _)| kind)
}

/// The columns beside those of the axes and the measures.
const WORKLOAD: &str = "workload";
const SYSTEM: &str = "system";
const N_SEEDS: &str = "n_seeds";
const IS_BEST: &str = "is_best";

/// Whether a column that is none of an axis has this name.
pub(super) fn is_column(name: &str) -> bool {
    let measures = MEASURES.iter().flat_map(Measure::columns);
    [WORKLOAD, SYSTEM, N_SEEDS, IS_BEST].contains(&name)
        || measures.into_iter().any(|it| it == name)
}

/// A point as a program reads it.
pub(super) struct Row<'a> {
    swept: &'a Swept,
    index: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Row { swept, index } = *self;
        let point = &swept.points[index];
        let values: BTreeMap<&str, &str> =
            point.values.iter().map(|(axis, value)| (axis.as_str(), value.as_str())).collect();
        let mut map = serializer.serialize_map(None)?;
        if !swept.workload.is_empty() {
            map.serialize_entry(WORKLOAD, &swept.workload)?;
        }
        map.serialize_entry(SYSTEM, &point.system)?;
        map.serialize_entry("values", &values)?;
        map.serialize_entry(N_SEEDS, &swept.comparisons.len())?;
        for (measure, outcome) in MEASURES.iter().zip(&swept.outcomes[index]) {
            map.serialize_entry(measure.name, outcome)?;
        }
        map.serialize_entry(IS_BEST, &swept.is_best[index])?;
        map.end()
    }
}

/// The points as CSV, a line for each, in the order in which the experiment has them.
pub(super) fn to_csv(all: &[Swept]) -> String {
    let mut axes: Vec<&str> = all.iter().flat_map(Swept::axes).collect();
    let mut seen = BTreeSet::new();
    axes.retain(|it| seen.insert(*it));
    let has_names = all.iter().any(|it| !it.workload.is_empty());
    let mut columns: Vec<(String, ColumnKind)> = Vec::new();
    columns.extend(has_names.then(|| (WORKLOAD.to_owned(), ColumnKind::Text)));
    columns.push((SYSTEM.to_owned(), ColumnKind::Text));
    columns.extend(axes.iter().map(|it| ((*it).to_owned(), ColumnKind::Text)));
    columns.push((N_SEEDS.to_owned(), ColumnKind::Count));
    for measure in &MEASURES {
        columns.extend(measure.columns().map(|it| (it, ColumnKind::Number)));
    }
    columns.push((IS_BEST.to_owned(), ColumnKind::Count));
    let row = |Row { swept, index }: Row<'_>| {
        let point = &swept.points[index];
        let mut row = Vec::new();
        row.extend(has_names.then(|| Cell::text(&swept.workload)));
        row.push(Cell::text(&point.system));
        row.extend(axes.iter().map(|it| point.value(it).map_or(Cell::Nothing, Cell::text)));
        row.push(Cell::Count(swept.comparisons.len() as u64));
        for it in swept.outcomes[index] {
            let numbers =
                it.map(|Estimate { mean, low, high }| [mean, low, high].map(Cell::Number));
            row.extend(numbers.unwrap_or([const { Cell::Nothing }; 3]));
        }
        row.push(Cell::Count(swept.is_best[index].into()));
        row
    };
    let columns: Vec<(&str, ColumnKind)> =
        columns.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    let mut rows = Rows::new(&columns);
    rows.rows = all.iter().flat_map(Swept::rows).map(row).collect();
    rows.to_csv()
}
