//! The pages that show everything that was drawn, as HTML and as Markdown.

use std::collections::BTreeMap;

use anyhow::Context as _;
use report::page::{Fact, Making, Page, PageFigure, Scoreboard, Section, Table};
use report::published::Published;
use report::scoreboard::{self, Row};

use super::drawing::{Drawn, Shown};
use super::made::Made;
use super::numbers::Numbers;
use super::references::{MISSES, embedded};

/// What the pages show.
pub(super) struct Everything<'a> {
    pub(super) made: &'a [Made],
    pub(super) shown: &'a [Shown<'a>],
    pub(super) published: &'a Published,
    pub(super) numbers: &'a Numbers,
    pub(super) rows: &'a [Row],
}

/// What a reader should know of a synthetic trace.
const SYNTHETIC: &str = "The synthetic trace is fitted to the working set, the request rate \
                         and the infinite-cache hit ratio of the real one, so ElastiCache's \
                         hit ratios test the trace rather than the model. `make \
                         reproduce-figures TRACE=path` draws from the real one.";

impl Everything<'_> {
    /// What was replayed, in words, and whether it is synthetic.
    fn workload(&self) -> (&str, bool) {
        let first = self.made.iter().find(|it| !it.runs().is_empty());
        first.map_or(("", false), |it| (&it.workload, it.is_synthetic))
    }

    /// The page.
    pub(super) fn page(&self) -> anyhow::Result<Page> {
        let Everything { made, shown, published, numbers, rows } = self;
        let (workload, is_synthetic) = self.workload();
        let seeds = made.iter().find(|it| it.entry.name == "table1").map(Made::seeds);
        let mut lead = vec![format!(
            "Every figure and table of Wang et al., InfiniCache (USENIX FAST 2020), that the \
             models can speak to: the paper's dashed, ours solid. Trace-driven figures are of \
             {workload}; {}.",
            seeds.unwrap_or_default()
        )];
        if is_synthetic {
            lead.push(SYNTHETIC.replace('`', ""));
        }
        let tables = shown.iter().filter_map(|it| match &it.drawn {
            Drawn::Table(table) => {
                Some(Table { made: Some(it.made.making()), ..Table::clone(table) })
            }
            Drawn::Figure(_) => None,
        });
        let figures = |is_wanted: &dyn Fn(&str) -> bool| -> Vec<PageFigure> {
            let wanted = shown.iter().filter(|it| is_wanted(it.made.entry.name));
            wanted.filter_map(Shown::figure).collect()
        };
        let is_paper = |name: &str| name.starts_with("fig");
        Ok(Page {
            title: "InfiniCache, ours beside theirs".to_owned(),
            lead,
            facts: facts(published, numbers),
            scoreboard: Some(Scoreboard {
                rows: rows.to_vec(),
                half_widths: numbers.half_widths(),
                reasons: reasons()?,
                not_run: published.without_ours(numbers.ours()).map(str::to_owned).collect(),
            }),
            tables: tables.collect(),
            sections: vec![
                Section { title: "Figures of the paper".to_owned(), figures: figures(&is_paper) },
                Section {
                    title: "Beyond the paper".to_owned(),
                    figures: figures(&|name| !is_paper(name)),
                },
            ],
            receipts: self.receipts(),
        })
    }

    /// The page as Markdown, for those who look at the repository.
    pub(super) fn readme(&self) -> String {
        let Everything { shown, published, numbers, rows, .. } = self;
        let (workload, is_synthetic) = self.workload();
        let mut text = format!(
            "# InfiniCache (FAST'20), ours beside theirs\n\n\
             Trace-driven figures are of {workload}. Drawn by `infinisim figures`; do not edit.\n\
             index.html shows the same as one page, with the reasons of the misses and how each \
             figure was made; data/ holds the numbers of each figure, as JSON and as Parquet.\n",
        );
        if is_synthetic {
            text.push_str(&format!("\n{SYNTHETIC}\n"));
        }
        for Shown { made, drawn } in *shown {
            let question = &made.file.question;
            match drawn {
                Drawn::Figure(figure) => {
                    let (title, name) = (figure.title(), made.entry.name);
                    text.push_str(&format!(
                        "\n## {title}\n\n{question}\n\n![{title}]({name}.svg)\n"
                    ));
                }
                Drawn::Table(table) => {
                    let (title, markdown) = (&table.title, table.to_markdown());
                    text.push_str(&format!("\n## {title}\n\n{question}\n\n{markdown}"));
                }
            }
        }
        let half_widths = numbers.half_widths();
        let board = scoreboard::to_markdown(rows, &half_widths);
        text.push_str(&format!("\n## Scoreboard\n\n{board}"));
        let not_run: Vec<&str> = published.without_ours(numbers.ours()).collect();
        if !not_run.is_empty() {
            text.push_str(&format!("\nNot run on this trace: {}.\n", not_run.join(", ")));
        }
        text.push_str(&format!("\n## Receipts\n\n- {}\n", self.receipts().join("\n- ")));
        text
    }

    fn receipts(&self) -> Vec<String> {
        self.made.iter().flat_map(Made::receipts).collect()
    }
}

impl Made {
    /// How it was made, for a page.
    pub(crate) fn making(&self) -> Making {
        Making {
            question: self.file.question.clone(),
            sources: self.file.reference.iter().map(|it| it.source.clone()).collect(),
            configuration: self.configuration(),
            receipts: self.receipts(),
        }
    }
}

/// How many times cheaper, at what availability and latency.
fn facts(published: &Published, numbers: &Numbers) -> Vec<Fact> {
    let half_widths = numbers.half_widths();
    let fact = |id: &str, unit: &str, n_decimals: usize, scale: f64, name: &str| {
        let ours = numbers.ours().get(id)? * scale;
        let half = half_widths.get(id).map(|it| it * scale);
        let paper = published.get(id).map(|it| it * scale);
        Some(Fact {
            value: format!("{ours:.n_decimals$}{unit}"),
            interval: half.map_or(String::new(), |it| format!("± {}", scoreboard::two_digits(it))),
            name: name.to_owned(),
            detail: paper.map_or(String::new(), |it| format!("paper: {it:.n_decimals$}{unit}")),
        })
    };
    [
        fact("fig13_large_saving", "×", 1, 1.0, "cheaper than ElastiCache, objects over 10 MB"),
        fact("fig13_large_nobackup_saving", "×", 1, 1.0, "cheaper without backup of functions"),
        fact(
            "section5_large_available_part",
            " %",
            1,
            1.0,
            "of reads of large objects find them still there, with backup",
        ),
        fact("fig15_large_infinicache_p50", " ms", 0, 1e3, "median read from InfiniCache"),
        fact("fig15_large_elasticache_p50", " ms", 0, 1e3, "median read from ElastiCache"),
        fact("fig15_large_infinicache_p99", " ms", 0, 1e3, "99th percentile, InfiniCache"),
        fact("fig15_large_elasticache_p99", " ms", 0, 1e3, "99th percentile, ElastiCache"),
        fact(
            "fig17_crossover",
            " k/h",
            0,
            1e-3,
            "requests from which ElastiCache is cheaper (closed form)",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Why rows miss, by id, as far as it is known.
fn reasons() -> anyhow::Result<BTreeMap<String, String>> {
    let text = embedded(MISSES).context("the reasons are part of the program")?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize::<(String, String)>();
    rows.collect::<Result<_, _>>().context("misses.csv")
}

#[cfg(test)]
mod tests {
    use super::super::references::PUBLISHED;
    use super::*;

    #[test]
    fn a_reason_is_that_of_a_published_number() {
        let published = Published::parse(embedded(PUBLISHED).unwrap()).unwrap();
        let reasons = reasons().unwrap();
        assert!(!reasons.is_empty());
        for (id, reason) in reasons {
            assert!(published.get(&id).is_some(), "{id}");
            assert!(reason.ends_with('.'), "{id}: {reason}");
        }
    }
}
