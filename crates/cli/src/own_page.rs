//! The page of a user's own comparison: the same kind as that of the paper's figures.

#[cfg(test)]
mod tests;

use std::path::Path;

use report::chart::{Chart, Curve, CurveChart, Estimate, Hue, Naming, Plot, Scale, Ticks};
use report::comparison::{
    self, Comparison, CostRatio, LatencySplit, LatencySummary, SystemSummary,
};
use report::page::{self, Fact, Making, Page, PageFigure, Section, Table};
use sim::{Counts, N_PHASES};
use units::{Ratio, Usd};

use crate::commands::figures::{Kind, latencies::cdf, seeds};
use crate::output;

/// Writes index.html into `dir`: the systems beside each other in a table and three figures.
/// `question` is what was asked, `configuration` how, and `notes` what to know of the result.
pub(crate) fn write(
    dir: &Path,
    comparisons: &[Comparison],
    question: &str,
    configuration: &str,
    notes: &[String],
) -> anyhow::Result<()> {
    let contents = Contents::of(comparisons);
    write_contents(dir, comparisons, question, configuration, notes, contents)
}

/// What a page shows, beside what it is of and how it was made.
pub(crate) struct Contents {
    /// What all of it is about.
    pub(crate) title: String,
    /// What is said first.
    pub(crate) facts: Vec<Fact>,
    /// The numbers.
    pub(crate) tables: Vec<Table>,
    /// The figures, each with its name.
    pub(crate) charts: Vec<(&'static str, Chart)>,
}

impl Contents {
    fn of(comparisons: &[Comparison]) -> Contents {
        let systems = Systems::of(comparisons);
        Contents {
            title: "What a cache would cost, hit and lose".to_owned(),
            facts: systems.facts(),
            tables: vec![
                systems.table(systems.full_names()),
                systems.phases(&systems.full_names()),
            ],
            charts: systems.charts(),
        }
    }
}

/// Writes index.html of these contents into `dir`; the rest as [`write()`] has it.
pub(crate) fn write_contents(
    dir: &Path,
    comparisons: &[Comparison],
    question: &str,
    configuration: &str,
    notes: &[String],
    contents: Contents,
) -> anyhow::Result<()> {
    let page = page_of(comparisons, question, configuration, notes, contents)?;
    output::write_text(&dir.join("index.html"), &page::to_html(&page))
}

/// The means over the seeds with their intervals, as a table for a page.
pub(crate) fn table(comparisons: &[Comparison]) -> Table {
    let systems = Systems::of(comparisons);
    systems.table(systems.names())
}

/// The same as a table for a terminal.
pub(crate) fn to_text(comparisons: &[Comparison], notes: &[String]) -> String {
    let Table { header, rows, caption, .. } = table(comparisons);
    let mut notes = notes.to_vec();
    notes.insert(0, caption);
    comparison::to_table_of_seeds(comparisons, &header[1..], &rows, &notes)
}

fn page_of(
    comparisons: &[Comparison],
    question: &str,
    configuration: &str,
    notes: &[String],
    contents: Contents,
) -> anyhow::Result<Page> {
    let Contents { title, facts, tables, charts } = contents;
    let Some(first) = comparisons.first() else { panic!("a run has at least one seed") };
    let trace = first.trace;
    let mut lead = vec![
        question.to_owned(),
        format!(
            "{} requests for {} objects in {:.2} hours: {} requested, {} unique; {}.",
            trace.n_requests,
            trace.n_objects,
            trace.span.as_seconds_f64() / 3_600.0,
            trace.requested_bytes,
            trace.unique_bytes,
            match comparisons.len() {
                1 => "one seed".to_owned(),
                n_seeds => format!("means of {n_seeds} seeds"),
            }
        ),
    ];
    lead.extend(notes.iter().cloned());
    let receipts: Vec<String> = comparisons
        .iter()
        .map(|it| {
            let it = &it.receipt;
            format!(
                "infinisim {}, seed {}, prices {}, experiment {}, trace {}.",
                it.version,
                it.seed,
                it.price_book(),
                it.experiment_hash,
                it.trace_hash
            )
        })
        .collect();
    let figures = charts
        .into_iter()
        .map(|(name, chart)| {
            Ok(PageFigure {
                name: name.to_owned(),
                figure: Chart::from_json(&chart.to_json())?.draw(),
                made: Making {
                    configuration: configuration.to_owned(),
                    receipts: receipts.clone(),
                    ..Making::default()
                },
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Page {
        title,
        lead,
        facts,
        scoreboard: None,
        tables,
        sections: vec![Section { title: "Figures".to_owned(), figures }],
        receipts,
    })
}

/// The systems, each under every seed.
struct Systems<'a>(Vec<(Look, Vec<&'a SystemSummary>)>);

/// How the curves of a system look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    hue: Hue,
    is_dashed: bool,
}

impl Look {
    /// That of the system called `name`, unlike those of the `others` as long as there are any.
    fn unlike(others: &[Look], name: &str) -> Look {
        let own = hue_of(name);
        // Two of a kind are told apart, if not by their own colour, and dashed once there is none.
        let hues = || [own].into_iter().chain([0, 1, 3, 2, 4, 5].map(Hue::Series));
        let of = |is_dashed: bool| hues().map(move |hue| Look { hue, is_dashed });
        let is_like = |it: &Look, other: &Look| {
            it.is_dashed == other.is_dashed && it.hue.looks_like(other.hue)
        };
        let is_free = |it: &Look| others.iter().all(|other| !is_like(it, other));
        let free = of(false).chain(of(true)).find(is_free);
        free.unwrap_or(Look { hue: own, is_dashed: true })
    }
}

impl<'a> Systems<'a> {
    fn of(comparisons: &'a [Comparison]) -> Systems<'a> {
        let n_systems = comparisons.first().map_or(0, |it| it.systems.len());
        let mut looks: Vec<Look> = Vec::new();
        let systems = (0..n_systems).map(|index| {
            let seeds: Vec<&SystemSummary> =
                comparisons.iter().map(|it| &it.systems[index]).collect();
            let look = Look::unlike(&looks, &seeds[0].name);
            looks.push(look);
            (look, seeds)
        });
        Systems(systems.collect())
    }

    /// What stands in a legend for each: its name, or where one of those is too long its number.
    fn labels(&self) -> Vec<String> {
        if !self.is_numbered() {
            return self.names();
        }
        (1..=self.0.len()).map(|it| format!("[{it}]")).collect()
    }

    /// Whether legends have numbers for names, as the table on a terminal has.
    fn is_numbered(&self) -> bool {
        /// Two of these fit beside each other.
        const N_LETTERS_MAX: usize = 40;
        self.names().iter().any(|it| N_LETTERS_MAX < it.chars().count())
    }

    fn names(&self) -> Vec<String> {
        self.0.iter().map(|(_, seeds)| seeds[0].name.clone()).collect()
    }

    /// The names, each behind its number where legends have that.
    fn full_names(&self) -> Vec<String> {
        let (names, labels) = (self.names(), self.labels());
        if !self.is_numbered() {
            return names;
        }
        labels.iter().zip(&names).map(|(label, name)| format!("{label} {name}")).collect()
    }

    /// The first system is what the others are measured against.
    fn facts(&self) -> Vec<Fact> {
        let [(_, base), others @ ..] = self.0.as_slice() else { return Vec::new() };
        let costs = |seeds: &[&SystemSummary]| -> Vec<Usd> {
            seeds.iter().map(|it| it.cost.total()).collect()
        };
        let mut facts = Vec::new();
        let names = self.full_names();
        for ((_, seeds), name) in others.iter().zip(&names[1..]) {
            let Some(ratio) = CostRatio::of(&costs(base), &costs(seeds)) else { continue };
            let times = |all: &[f64]| {
                let it = seeds::estimate(all);
                let half = (it.high - it.low) / 2.0;
                let (times, half_shown) = comparison::times_and_half_width(it.mean, half);
                let is_exact = half < 1e-12;
                let interval = if is_exact { String::new() } else { format!("± {half_shown}") };
                (format!("{times}×"), interval)
            };
            let ((value, interval), than) = match &ratio {
                CostRatio::Free => (("free".to_owned(), String::new()), "beside"),
                CostRatio::Cheaper(all) => (times(all), "cheaper than"),
                CostRatio::Dearer(all) => (times(all), "dearer than"),
            };
            let hits = samples(seeds, |it| percent(it.counts.hit_ratio()));
            let p50 = samples(seeds, |it| latency(it).map(|it| it.p50_ms));
            let of_gets = || {
                let (hits, p50) = (seeds::mean(&hits), seeds::mean(&p50));
                format!("hits {hits:.1} %, median latency {p50:.0} ms")
            };
            facts.push(Fact {
                value,
                interval,
                name: format!("{than} {}: {name}", names[0]),
                detail: if hits.is_empty() { "no GETs".to_owned() } else { of_gets() },
            });
        }
        facts
    }

    /// The numbers of the systems, under these names.
    fn table(&self, names: Vec<String>) -> Table {
        let header = [
            "system",
            "cost (US$)",
            "hit ratio (%)",
            "byte hit ratio (%)",
            "availability (%)",
            "RESETs",
            "recoveries",
            "time to loss (h)",
            "by closed form (h)",
            "p50 of repair (ms)",
            "p50 (ms)",
            "p99 (ms)",
        ];
        let row = |((_, seeds), name): (&(Look, Vec<&SystemSummary>), String)| {
            let cell = |of: fn(&SystemSummary) -> Option<f64>, n_decimals: usize| {
                cell(&samples(seeds, of), n_decimals)
            };
            let costs = samples(seeds, |it| Some(it.cost.total().as_f64()));
            vec![
                name,
                self::cell(&costs, n_decimals_of_usd(seeds::mean(&costs))),
                cell(|it| percent(it.counts.hit_ratio()), 2),
                cell(|it| percent(it.counts.byte_hit_ratio()), 2),
                cell(|it| percent(it.counts.availability()), 2),
                cell(|it| Some(it.counts.n_resets as f64), 0),
                cell(|it| Some(it.counts.n_recoveries as f64), 0),
                cell(|it| it.loss.time_to_object_loss_h_mean, 2),
                cell(|it| it.loss.time_to_object_loss_h_closed_form, 2),
                cell(|it| it.loss.time_to_repair.map(|it| it.p50_ms), 1),
                cell(|it| latency(it).map(|it| it.p50_ms), 1),
                cell(|it| latency(it).map(|it| it.p99_ms), 1),
            ]
        };
        Table {
            title: "Side by side".to_owned(),
            caption:
                "Of all GETs; misses take as long as the store behind the cache. After ± half \
                      the 95 % interval over the seeds."
                    .to_owned(),
            header: header.map(str::to_owned).to_vec(),
            rows: self.0.iter().zip(names).map(row).collect(),
            n_words: 1,
            made: None,
        }
    }

    /// What the hits and the others of each system consist of.
    fn phases(&self, names: &[String]) -> Table {
        let header = ["system", "GETs", "number", "all of it"];
        let phases = ["queueing", "invocation", "transfer", "decoding", "object store"];
        let row = |name: &str, seeds: &[&SystemSummary], is_hit: bool| {
            let of = |it: &SystemSummary| {
                let LatencySplit { hits, misses, hit_phases, miss_phases, .. } = it.latency_split;
                if is_hit { (hits, hit_phases) } else { (misses, miss_phases) }
            };
            let n_gets = seeds.iter().map(|it| {
                let Counts { n_gets, n_hits, .. } = it.counts;
                (if is_hit { n_hits } else { n_gets - n_hits }) as f64
            });
            let means: Vec<f64> = seeds.iter().filter_map(|it| Some(of(it).0?.mean_ms)).collect();
            let mut row =
                vec![name.to_owned(), (if is_hit { "hits" } else { "others" }).to_owned()];
            row.push(cell(&n_gets.collect::<Vec<_>>(), 0));
            row.push(cell(&means, 1));
            for phase in 0..N_PHASES {
                let means = seeds.iter().filter_map(|it| Some(of(it).1?[phase].mean_ms));
                row.push(cell(&means.collect::<Vec<_>>(), 1));
            }
            row
        };
        let rows = |((_, seeds), name): (&(Look, Vec<&SystemSummary>), &String)| {
            [row(name, seeds, true), row(name, seeds, false)]
        };
        Table {
            title: "What a GET consists of".to_owned(),
            caption:
                "In milliseconds, on average. The phases add up to all of it: waiting for what \
                      came before, for a function to be there, and for the bytes; making the \
                      object of its chunks; reading it from the object store. Of a live run no \
                      phases are known."
                    .to_owned(),
            header: header.into_iter().chain(phases).map(str::to_owned).collect(),
            rows: self.0.iter().zip(names).flat_map(rows).collect(),
            n_words: 2,
            made: None,
        }
    }

    fn charts(&self) -> Vec<(&'static str, Chart)> {
        let hour = || Scale::linear("Hour of the replay (h)");
        let chart = |title: &str, caption: &str, x: Scale, y: Scale, curves: Vec<Curve>| {
            let numbers = if self.is_numbered() { " Numbers are those of the table." } else { "" };
            let (title, caption) = (title.to_owned(), format!("{caption}{numbers}"));
            let plots = vec![Plot { title: String::new(), x, y, curves }];
            Chart::Curves(CurveChart {
                title,
                caption,
                n_columns: 1,
                plots,
                naming: Naming::Legend,
            })
        };
        let latency = |((look, it), label): (&(Look, Vec<&SystemSummary>), &String)| {
            Some(Curve { is_dashed: look.is_dashed, ..cdf(label, look.hue, it)? })
        };
        let latencies = self.0.iter().zip(&self.labels()).filter_map(latency).collect();
        vec![
            (
                "cost",
                chart(
                    "What it cost so far",
                    "The bill up to the end of each hour.",
                    hour(),
                    Scale::logarithmic("Cost so far (US$)"),
                    self.hourly(&cost_so_far),
                ),
            ),
            (
                "hits",
                chart(
                    "Hit ratio by the hour",
                    "Hits among all GETs of the hour, first requests included.",
                    hour(),
                    Scale::linear("Hits per GET (%)").between(0.0, 100.0),
                    self.hourly(&|it| {
                        let ratio = |it: &report::comparison::HourSummary| {
                            100.0 * it.counts.hit_ratio().as_f64()
                        };
                        it.hours.iter().map(ratio).collect()
                    }),
                ),
            ),
            (
                "latency",
                chart(
                    "Latency of reads that the cache served",
                    "The part of the hits that took no longer; for the object store, of all GETs.",
                    Scale::logarithmic("Latency").written(Ticks::Seconds),
                    Scale::linear("Part of the hits").between(0.0, 1.0),
                    latencies,
                ),
            ),
        ]
    }

    /// A curve for each system over the ends of the hours.
    fn hourly(&self, of: &dyn Fn(&SystemSummary) -> Vec<f64>) -> Vec<Curve> {
        let curve = |((look, seeds), label): (&(Look, Vec<&SystemSummary>), &String)| {
            let series: Vec<Vec<f64>> = seeds.iter().map(|it| of(it)).collect();
            let hours = || (1_u32..).map(f64::from);
            let estimates = seeds::estimates(&series);
            let points = hours().zip(estimates.iter().map(|it| it.mean)).collect();
            let mut curve = Curve::ours(label, look.hue, points);
            curve.is_dashed = look.is_dashed;
            if 1 < seeds.len() {
                let ends = estimates.iter().map(|it| (it.low.max(0.0), it.high));
                curve.interval =
                    hours().zip(ends).map(|(hour, (low, high))| (hour, low, high)).collect();
            }
            curve
        };
        self.0.iter().zip(&self.labels()).map(curve).collect()
    }
}

/// A number under each of the seeds under which there is one.
fn samples(seeds: &[&SystemSummary], of: fn(&SystemSummary) -> Option<f64>) -> Vec<f64> {
    seeds.iter().filter_map(|it| of(it)).collect()
}

/// A ratio from 0 to 1; nothing where the whole is nothing.
pub(crate) fn part(ratio: Ratio) -> Option<f64> {
    (0 < ratio.whole).then(|| ratio.as_f64())
}

fn percent(ratio: Ratio) -> Option<f64> {
    part(ratio).map(|it| 100.0 * it)
}

/// How long the GETs took; nothing where there were none.
pub(crate) fn latency(system: &SystemSummary) -> Option<LatencySummary> {
    (0 < system.counts.n_gets).then_some(system.latency)
}

/// The mean and how far it may be off, or that there is none.
fn cell(samples: &[f64], n_decimals: usize) -> String {
    if samples.is_empty() {
        return "–".to_owned();
    }
    let it = seeds::estimate(samples);
    format!("{:.n_decimals$} {}", it.mean, interval(it, n_decimals)).trim().to_owned()
}

/// To how many places an amount of money is shown wherever it is.
pub(crate) fn n_decimals_of_usd(dollars: f64) -> usize {
    let shown = Usd::from_f64(dollars).to_string();
    shown.split_once('.').map_or(0, |(_, decimals)| decimals.len())
}

fn cost_so_far(system: &SystemSummary) -> Vec<f64> {
    let add = |total: &mut f64, it: &report::comparison::HourSummary| {
        *total += it.cost.total().as_f64();
        Some(*total)
    };
    system.hours.iter().scan(0.0, add).collect()
}

fn interval(it: Estimate, n_decimals: usize) -> String {
    let half = (it.high - it.low) / 2.0;
    if half < 1e-12 { String::new() } else { format!("± {half:.n_decimals$}") }
}

fn hue_of(name: &str) -> Hue {
    match Kind::of(name) {
        Kind::StoreAsMeasured => Hue::S3,
        kind => kind.hue(),
    }
}
