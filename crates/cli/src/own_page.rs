//! The page of a user's own comparison: the same kind as that of the paper's figures.

use std::path::Path;

use report::chart::{Chart, Curve, CurveChart, Estimate, Hue, Naming, Plot, Scale, Ticks};
use report::comparison::{self, Comparison, LatencySummary, SystemSummary};
use report::page::{self, Fact, Making, Page, PageFigure, Section, Table};
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
    pub(crate) table: Table,
    /// The figures, each with its name.
    pub(crate) charts: Vec<(&'static str, Chart)>,
}

impl Contents {
    fn of(comparisons: &[Comparison]) -> Contents {
        let systems = Systems::of(comparisons);
        Contents {
            title: "What a cache would cost, hit and lose".to_owned(),
            facts: systems.facts(),
            table: systems.table(),
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

/// The means over the seeds with their intervals, as a table for a terminal.
pub(crate) fn to_text(comparisons: &[Comparison], notes: &[String]) -> String {
    let Table { header, rows, caption, .. } = Systems::of(comparisons).table();
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
    let Contents { title, facts, table, charts } = contents;
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
                it.version, it.seed, it.prices, it.experiment_hash, it.trace_hash
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
        tables: vec![table],
        sections: vec![Section { title: "Figures".to_owned(), figures }],
        receipts,
    })
}

/// The systems, each under every seed.
struct Systems<'a>(Vec<(Hue, Vec<&'a SystemSummary>)>);

impl<'a> Systems<'a> {
    fn of(comparisons: &'a [Comparison]) -> Systems<'a> {
        let n_systems = comparisons.first().map_or(0, |it| it.systems.len());
        let mut hues: Vec<Hue> = Vec::new();
        let systems = (0..n_systems).map(|index| {
            let seeds: Vec<&SystemSummary> =
                comparisons.iter().map(|it| &it.systems[index]).collect();
            let own = hue_of(&seeds[0].name);
            // Two of a kind are told apart, if not by their own colour.
            let others = [0, 1, 3, 2, 4, 5].map(Hue::Series);
            let is_free = |it: &Hue| !hues.contains(it);
            let hue = Some(own).filter(is_free).or(others.into_iter().find(is_free));
            let hue = hue.unwrap_or(own);
            hues.push(hue);
            (hue, seeds)
        });
        Systems(systems.collect())
    }

    /// The first system is what the others are measured against.
    fn facts(&self) -> Vec<Fact> {
        let [(_, base), others @ ..] = self.0.as_slice() else { return Vec::new() };
        let cost = |it: &SystemSummary| it.cost.total().as_f64();
        let mut facts = Vec::new();
        for (_, seeds) in others {
            let ratios: Vec<f64> = base
                .iter()
                .zip(seeds)
                .filter(|(_, it)| 0.0 < cost(it))
                .map(|(base, it)| cost(base) / cost(it))
                .collect();
            if ratios.is_empty() {
                continue;
            }
            let hits = samples(seeds, |it| percent(it.counts.hit_ratio()));
            let p50 = samples(seeds, |it| latency(it).map(|it| it.p50_ms));
            let of_gets = || {
                let (hits, p50) = (seeds::mean(&hits), seeds::mean(&p50));
                format!("hits {hits:.1} %, median latency {p50:.0} ms")
            };
            let times = seeds::estimate(&ratios);
            facts.push(Fact {
                value: format!("{:.1}×", times.mean),
                interval: interval(times, 1),
                name: format!("cheaper than {}: {}", base[0].name, seeds[0].name),
                detail: if hits.is_empty() { "no GETs".to_owned() } else { of_gets() },
            });
        }
        facts
    }

    fn table(&self) -> Table {
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
        let row = |(_, seeds): &(Hue, Vec<&SystemSummary>)| {
            let cell = |of: fn(&SystemSummary) -> Option<f64>, n_decimals: usize| {
                cell(&samples(seeds, of), n_decimals)
            };
            let costs = samples(seeds, |it| Some(it.cost.total().as_f64()));
            vec![
                seeds[0].name.clone(),
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
            rows: self.0.iter().map(row).collect(),
            n_words: 1,
            made: None,
        }
    }

    fn charts(&self) -> Vec<(&'static str, Chart)> {
        let hour = || Scale::linear("Hour of the replay (h)");
        let chart = |title: &str, caption: &str, x: Scale, y: Scale, curves: Vec<Curve>| {
            let (title, caption) = (title.to_owned(), caption.to_owned());
            let plots = vec![Plot { title: String::new(), x, y, curves }];
            Chart::Curves(CurveChart {
                title,
                caption,
                n_columns: 1,
                plots,
                naming: Naming::Legend,
            })
        };
        let latencies = self.0.iter().filter_map(|(hue, it)| cdf(&it[0].name, *hue, it)).collect();
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
        let curve = |(hue, seeds): &(Hue, Vec<&SystemSummary>)| {
            let series: Vec<Vec<f64>> = seeds.iter().map(|it| of(it)).collect();
            let hours = || (1_u32..).map(f64::from);
            let estimates = seeds::estimates(&series);
            let points = hours().zip(estimates.iter().map(|it| it.mean)).collect();
            let mut curve = Curve::ours(&seeds[0].name, *hue, points);
            if 1 < seeds.len() {
                let ends = estimates.iter().map(|it| (it.low.max(0.0), it.high));
                curve.interval =
                    hours().zip(ends).map(|(hour, (low, high))| (hour, low, high)).collect();
            }
            curve
        };
        self.0.iter().map(curve).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_has_a_colour_of_its_own() {
        let names = ["s3", "infinicache", "infinicache:nodes=20", "infinicache:backup=off"];
        let comparison = Comparison {
            receipt: report::comparison::Receipt {
                version: String::new(),
                seed: 1,
                workload: String::new(),
                experiment_hash: String::new(),
                trace_hash: String::new(),
                prices: String::new(),
                accounting: String::new(),
                repriced_from: String::new(),
                quantum_ms: None,
                prices_hash: String::new(),
            },
            trace: report::comparison::TraceSummary {
                n_requests: 0,
                n_objects: 0,
                requested_bytes: units::Bytes::ZERO,
                unique_bytes: units::Bytes::ZERO,
                span: units::Nanos::HOUR,
            },
            systems: names
                .map(|it| SystemSummary { name: it.to_owned(), ..SystemSummary::default() })
                .to_vec(),
        };
        let comparisons = [comparison];
        let hues: Vec<Hue> = Systems::of(&comparisons).0.iter().map(|it| it.0).collect();
        let expect = [Hue::S3, Hue::InfiniCache, Hue::Series(0), Hue::InfiniCacheWithoutBackup];
        assert_eq!(hues, expect);
        // A run of nothing makes a page all the same.
        let page = page_of(&comparisons, "Why?", "", &[], Contents::of(&comparisons)).unwrap();
        assert!(page::to_html(&page).contains("<p>Why?</p>"));
    }
}
