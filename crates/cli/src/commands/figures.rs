//! `infinisim figures`: the figures and tables of the paper, ours beside theirs.

mod beyond;
mod catalogue;
mod costs;
mod faults;
pub(crate) mod latencies;
mod microbenchmarks;
mod numbers;
mod page;
mod reclaims;
mod results;
pub(crate) mod seeds;
mod trace_shape;

use std::path::Path;

use anyhow::Context as _;
use rayon::prelude::*;
use report::chart::{Chart, Figure};
use report::comparison;
use report::published::Published;
use report::{page as html, scoreboard, table1};
use serde::{Deserialize, Serialize};

use self::catalogue::{Entry, Source};
use self::numbers::Numbers;
use self::page::Everything;
use self::results::{Need, Results, Study};
use crate::figures_args::FiguresArgs;
use crate::run_store::Store;
use crate::{output, progress, replay};

const PUBLISHED: &str = include_str!("../../../../experiments/reference/published.csv");
const MISSES: &str = include_str!("../../../../experiments/reference/misses.csv");

/// What figures are drawn from.
pub(crate) struct Context {
    results: Results,
    published: Published,
    numbers: Numbers,
}

/// A figure, drawn.
struct Drawn {
    entry: &'static Entry,
    figure: Figure,
}

/// The two files of a figure, as they are kept.
#[derive(Serialize, Deserialize)]
struct Files {
    svg: String,
    png: Vec<u8>,
}

/// Runs what is needed, draws, and writes everything into one directory.
pub(crate) fn figures(args: &FiguresArgs) -> anyhow::Result<()> {
    let entries = catalogue::wanted(&args.only)?;
    let dir = &args.output_dir;
    output::prepare_dir(dir)?;
    output::prepare_dir(&dir.join("data"))?;
    let store = Store::open(&dir.join(".cache"))?;
    let mut needs: Vec<Need> = entries.iter().flat_map(|it| it.needs).copied().collect();
    if args.only.is_empty() {
        // The scoreboard has rows of these.
        needs.extend([
            Need::Runs(Study::All),
            Need::Runs(Study::Large),
            Need::Runs(Study::LargeScaled),
            Need::Shapes,
            Need::Microbenchmarks,
        ]);
    }
    let results = Results::make(args, &needs, store.as_ref())?;
    let published = Published::parse(PUBLISHED).context("published.csv")?;
    let numbers = Numbers::of(&results)?;
    let context = Context { results, published, numbers };
    let drawn = draw(args, &entries, &context, store.as_ref())?;
    if !args.only.is_empty() {
        let names: Vec<&str> = drawn.iter().map(|it| it.entry.name).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        return output::print(&format!("Drawn into {}: {names}", dir.display()));
    }
    write_tables(dir, &context)?;
    write_results(dir, &context.results)?;
    let rows = context.published.scoreboard(context.numbers.ours());
    let everything = Everything { context: &context, drawn: &drawn, rows: &rows };
    output::write_text(&dir.join("README.md"), &page::readme(&everything))?;
    let text = html::to_html(&page::page(&everything)?);
    output::write_text(&dir.join("index.html"), &text)?;
    if let Some(store) = store.filter(|_| !args.quick && args.seeds.is_none()) {
        store.sweep()?;
    }
    let summary = scoreboard::summary(&rows);
    output::print(&format!(
        "{summary}\nFigures, tables and results are in {}; open its index.html",
        dir.display()
    ))
}

/// Draws the figures and writes their files, several at once.
fn draw(
    args: &FiguresArgs,
    entries: &[&'static Entry],
    context: &Context,
    store: Option<&Store>,
) -> anyhow::Result<Vec<Drawn>> {
    let dir = &args.output_dir;
    let bar = progress::steps_bar(entries.len(), "drawing");
    let draw_one = |entry: &&'static Entry| -> anyhow::Result<Option<Drawn>> {
        let chart = (entry.chart)(context).with_context(|| format!("figure {}", entry.name))?;
        let Some(chart) = chart else { return Ok(None) };
        // Drawn from its file's numbers, so that the file can be drawn again to the same bytes.
        let json = chart.to_json();
        let figure = Chart::from_json(&json)?.draw();
        let files = Store::find_or(store, &format!("drawn {json}"), || {
            Ok(Files { svg: figure.svg(), png: figure.png() })
        })?;
        let name = entry.name;
        output::write_text(&dir.join(format!("data/{name}.json")), &json)?;
        output::write_text(&dir.join(format!("{name}.svg")), &files.svg)?;
        let png = dir.join(format!("{name}.png"));
        output::write_file(&png, |out| Ok(out.write_all(&files.png)?))?;
        bar.inc(1);
        Ok(Some(Drawn { entry, figure }))
    };
    let pool = replay::thread_pool(args.jobs.jobs)?;
    let drawn: anyhow::Result<Vec<Option<Drawn>>> =
        pool.install(|| entries.par_iter().map(draw_one).collect());
    bar.finish_and_clear();
    Ok(drawn?.into_iter().flatten().collect())
}

fn write_tables(dir: &Path, context: &Context) -> anyhow::Result<()> {
    let Context { published, numbers, .. } = context;
    let workloads = numbers.table1(published);
    output::write_text(&dir.join("table1.csv"), &table1::to_csv(&workloads))?;
    let rows = published.scoreboard(numbers.ours());
    output::write_text(&dir.join("scoreboard.csv"), &scoreboard::to_csv(&rows))?;
    let table = page::availability_table();
    let lines = [table.header].into_iter().chain(table.rows).collect::<Vec<_>>();
    output::write_text(&dir.join("availability.csv"), &output::csv(&lines)?)
}

fn write_results(dir: &Path, results: &Results) -> anyhow::Result<()> {
    for (name, study) in [
        ("all", Study::All),
        ("large", Study::Large),
        ("large_scaled", Study::LargeScaled),
        ("codes", Study::Codes),
        ("sensitivity", Study::Sensitivity),
    ] {
        let comparisons = results.runs(study);
        if let Some(first) = comparisons.first() {
            let path = dir.join(format!("results_{name}.csv"));
            output::write_text(&path, &comparison::to_csv(comparisons))?;
            // The hours of one seed; those of the workloads of the paper are enough.
            if matches!(study, Study::All | Study::Large) {
                let path = dir.join(format!("results_{name}.json"));
                output::write_text(&path, &comparison::to_json_with_hours(first))?;
            }
        }
    }
    Ok(())
}

impl Entry {
    /// What the figure is drawn from, as a reader would write it, and what made that.
    fn provenance(&self, results: &Results) -> (String, String) {
        let studies: &[Study] = match &self.source {
            Source::Study(study) => std::slice::from_ref(study),
            Source::BothWorkloads => &[Study::All, Study::Large],
            Source::Words(words) => {
                return ((*words).to_owned(), format!("infinisim {}", env!("CARGO_PKG_VERSION")));
            }
        };
        let files: Vec<String> = studies
            .iter()
            .map(|it| {
                let (name, text) = it.file();
                format!("experiments/{name}\n\n{text}")
            })
            .collect();
        let receipts: Vec<String> = studies.iter().filter_map(|it| results.receipt(*it)).collect();
        (files.join("\n"), receipts.join(" "))
    }
}
