//! The pages that show everything that was drawn, as HTML and as Markdown.

use std::collections::BTreeMap;

use anyhow::Context as _;
use report::page::{Fact, Page, PageFigure, Scoreboard, Section, Table};
use report::scoreboard::{self, Row};
use report::table1;
use units::Nanos;

use super::reclaims::availability;
use super::results::{Results, Study};
use super::{Context, Drawn, MISSES};

/// What the pages show.
pub(super) struct Everything<'a> {
    pub(super) context: &'a Context,
    pub(super) drawn: &'a [Drawn],
    pub(super) rows: &'a [Row],
}

/// What a reader should know of a synthetic trace.
const SYNTHETIC: &str = "The synthetic trace is fitted to the working set, the request rate \
                         and the infinite-cache hit ratio of the real one, so ElastiCache's \
                         hit ratios test the trace rather than the model. `make \
                         reproduce-figures TRACE=path` draws from the real one.";

/// The page.
pub(super) fn page(everything: &Everything<'_>) -> anyhow::Result<Page> {
    let Everything { context, drawn, rows } = everything;
    let Context { results, published, numbers } = context;
    let mut lead = vec![format!(
        "Every figure and table of Wang et al., InfiniCache (USENIX FAST 2020), that the models \
         can speak to: the paper's dashed, ours solid. Trace-driven figures are of {}; {}.",
        results.workload,
        results.seeds(Study::Large)
    )];
    if results.is_synthetic {
        lead.push(SYNTHETIC.replace('`', ""));
    }
    let workloads = numbers.table1(published);
    let grid = table1::to_rows(&workloads);
    let mut tables = vec![availability_table()];
    tables.insert(
        0,
        Table {
            title: "Table 1".to_owned(),
            caption: "The workloads of section 5.2, and what part of their requests each cache \
                      hit."
                .to_owned(),
            header: grid.0,
            rows: grid.1,
            n_words: 2,
        },
    );
    let figures = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<PageFigure> {
        let wanted = drawn.iter().filter(|it| is_wanted(it.entry.name));
        wanted
            .map(|it| {
                let (configuration, receipt) = it.entry.provenance(results);
                let name = it.entry.name.to_owned();
                PageFigure { name, figure: it.figure.clone(), configuration, receipt }
            })
            .collect()
    };
    let is_paper = |name: &str| name.starts_with("fig");
    Ok(Page {
        title: "InfiniCache, ours beside theirs".to_owned(),
        lead,
        facts: facts(context),
        scoreboard: Some(Scoreboard {
            rows: rows.to_vec(),
            half_widths: numbers.half_widths(),
            reasons: reasons()?,
            not_run: published.without_ours(numbers.ours()).map(str::to_owned).collect(),
        }),
        tables,
        sections: vec![
            Section { title: "Figures of the paper".to_owned(), figures: figures(&is_paper) },
            Section {
                title: "Beyond the paper".to_owned(),
                figures: figures(&|name| !is_paper(name)),
            },
        ],
        receipts: receipts(results),
    })
}

/// How many times cheaper, at what availability and latency.
fn facts(context: &Context) -> Vec<Fact> {
    let Context { numbers, published, .. } = context;
    let half_widths = numbers.half_widths();
    let fact = |id: &str, unit: &str, n_decimals: usize, scale: f64, name: &str| {
        let ours = numbers.ours().get(id)? * scale;
        let half = half_widths.get(id).map(|it| it * scale);
        let paper = published.get(id).map(|it| it * scale);
        Some(Fact {
            value: format!("{ours:.n_decimals$}{unit}"),
            interval: half.map_or(String::new(), |it| format!("± {it:.n_decimals$}")),
            name: name.to_owned(),
            detail: paper.map_or(String::new(), |it| format!("paper: {it:.n_decimals$}{unit}")),
        })
    };
    [
        fact("fig13_large_saving", "×", 1, 1.0, "cheaper than ElastiCache, objects over 10 MB"),
        fact(
            "section5_large_availability",
            " %",
            1,
            1.0,
            "of those reads find their object still there",
        ),
        fact("fig15_large_infinicache_p50", " ms", 0, 1e3, "median read from InfiniCache"),
        fact("fig15_large_elasticache_p50", " ms", 0, 1e3, "median read from ElastiCache"),
        fact("fig15_large_infinicache_p99", " ms", 0, 1e3, "99th percentile, InfiniCache"),
        fact(
            "fig17_crossover",
            "k/h",
            0,
            1e-3,
            "requests from which ElastiCache is cheaper (closed form)",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The availability of section 4.3 under each distribution of Fig 9.
pub(super) fn availability_table() -> Table {
    let rows = availability().into_iter().map(|it| {
        let minutes = it.interval.as_seconds_f64() / Nanos::MINUTE.as_seconds_f64();
        vec![
            it.date,
            format!("{minutes:.0} min"),
            format!("{:.4}", it.loss_percent),
            format!("{:.4}", it.loss_approximate_percent),
            format!("{:.2}", it.hourly_percent),
        ]
    });
    Table {
        title: "Availability of section 4.3".to_owned(),
        caption: "How likely an object of 12 chunks on 400 functions is lost, in percent, when \
                  functions are reclaimed as in Fig 9, without backup: by equations 2 and 3 in one \
                  interval, and by 3 whether it is still there after an hour. The paper prints \
                  0.0039 to 0.11 % per minute and 93.36 to 99.76 % per hour."
            .to_owned(),
        header: [
            "reclaims of",
            "interval",
            "loss, equation 2 (%)",
            "loss, equation 3 (%)",
            "there after 1 h (%)",
        ]
        .map(str::to_owned)
        .to_vec(),
        rows: rows.collect(),
        n_words: 2,
    }
}

/// Why rows miss, by id, as far as it is known.
fn reasons() -> anyhow::Result<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(MISSES.as_bytes());
    let rows = reader.deserialize::<(String, String)>();
    rows.collect::<Result<_, _>>().context("misses.csv")
}

/// The page as Markdown, for those who look at the repository.
pub(super) fn readme(everything: &Everything<'_>) -> String {
    let Everything { context, drawn, rows } = everything;
    let Context { results, published, numbers } = context;
    let mut text = format!(
        "# InfiniCache (FAST'20), ours beside theirs\n\n\
         Trace-driven figures are of {}. Drawn by `infinisim figures`; do not edit.\n\
         index.html shows the same as one page, with the reasons of the misses and how each figure \
         was made; data/ holds the numbers of each figure.\n",
        results.workload
    );
    if results.is_synthetic {
        text.push_str(&format!("\n{SYNTHETIC}\n"));
    }
    for Drawn { entry, figure, .. } in *drawn {
        let title = figure.title();
        text.push_str(&format!("\n## {title}\n\n![{title}]({}.svg)\n", entry.name));
    }
    text.push_str(&format!("\n## Table 1\n\n{}", table1::to_markdown(&numbers.table1(published))));
    let half_widths = numbers.half_widths();
    text.push_str(&format!("\n## Scoreboard\n\n{}", scoreboard::to_markdown(rows, &half_widths)));
    let not_run: Vec<&str> = published.without_ours(numbers.ours()).collect();
    if !not_run.is_empty() {
        text.push_str(&format!("\nNot run on this trace: {}.\n", not_run.join(", ")));
    }
    text.push_str(&format!("\n## Receipts\n\n- {}\n", receipts(results).join("\n- ")));
    text
}

fn receipts(results: &Results) -> Vec<String> {
    Study::ALL.into_iter().filter_map(|it| results.receipt(it)).collect()
}

impl Results {
    /// What made the runs of a study, if it was run.
    pub(super) fn receipt(&self, study: Study) -> Option<String> {
        let runs = self.runs(study);
        let it = &runs.first()?.receipt;
        let seeds: Vec<String> = runs.iter().map(|it| it.receipt.seed.to_string()).collect();
        Some(format!(
            "{}: infinisim {}, seeds {}, prices {}, experiment {}, trace {}.",
            study.file().0,
            it.version,
            seeds.join(" "),
            it.prices,
            it.experiment_hash,
            it.trace_hash
        ))
    }
}

#[cfg(test)]
mod tests {
    use report::published::Published;

    use super::*;
    use crate::commands::figures::PUBLISHED;

    #[test]
    fn a_reason_is_that_of_a_published_number() {
        let published = Published::parse(PUBLISHED).unwrap();
        let reasons = reasons().unwrap();
        assert!(!reasons.is_empty());
        for (id, reason) in reasons {
            assert!(published.get(&id).is_some(), "{id}");
            assert!(reason.ends_with('.'), "{id}: {reason}");
        }
    }

    #[test]
    fn availability_is_that_of_the_closed_form() {
        let table = availability_table();
        assert_eq!(table.rows.len(), 6);
        let row = table.rows.iter().find(|it| it[0] == "2020-01-09").unwrap();
        // 0.0893 % by equation 3, as recomputed from Fig 9, and (1 - 0.000893)^60.
        assert_eq!((row[3].as_str(), row[4].as_str()), ("0.0893", "94.78"));
    }
}
