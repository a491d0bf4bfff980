//! `infinisim figures`: the figures and tables of the paper, ours beside theirs.

mod beyond;
mod catalogue;
mod costs;
mod drawing;
mod faults;
pub(crate) mod latencies;
mod made;
mod making;
mod microbenchmarks;
mod numbers;
mod page;
mod reclaims;
mod references;
pub(crate) mod seeds;
mod tables;
mod trace_shape;

use anyhow::Context as _;
use report::comparison::Comparison;
use report::published::Published;
use report::{page as html, scoreboard};

pub(crate) use self::catalogue::Entry;
pub(crate) use self::drawing::{Drawn, Shown, draw, write_comparisons};
pub(crate) use self::made::{Kind, Made, Runs};
pub(crate) use self::making::{Ask, Planned, make};
use self::numbers::Numbers;
use self::page::Everything;
pub(crate) use self::references::texts as reference_texts;
use crate::figures_args::FiguresArgs;
use crate::output;
use crate::run_store::Store;

/// Runs what is needed, draws, and writes everything into one directory.
pub(crate) fn figures(args: &FiguresArgs) -> anyhow::Result<()> {
    let entries = catalogue::wanted(&args.only)?;
    let dir = &args.output_dir;
    output::prepare_dir(dir)?;
    output::prepare_dir(&dir.join("data"))?;
    let store = Store::open(&dir.join(".cache"))?;
    let ask = Ask {
        trace: args.trace.as_deref(),
        read: &args.read,
        seeds: args.seeds,
        is_quick: args.quick,
        jobs: &args.jobs,
    };
    let planned = entries.iter().map(|it| Planned::of(it, &ask)).collect::<anyhow::Result<_>>()?;
    let made = make(planned, &ask, store.as_ref())?;
    let shown = draw(&made, dir, &args.jobs, store.as_ref())?;
    for (stem, comparisons) in made.iter().flat_map(results) {
        write_comparisons(dir, &stem, comparisons)?;
    }
    if !args.only.is_empty() {
        let names: Vec<&str> = shown.iter().map(|it| it.made.entry.name).collect();
        let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        return output::print(&format!("Drawn into {}: {names}", dir.display()));
    }
    let text = references::embedded(references::PUBLISHED).context("it is part of the program")?;
    let published = Published::parse(text)?;
    let numbers = Numbers::of(&made)?;
    let rows = published.scoreboard(numbers.ours());
    output::write_text(&dir.join("scoreboard.csv"), &scoreboard::to_csv(&rows))?;
    let everything = Everything {
        made: &made,
        shown: &shown,
        published: &published,
        numbers: &numbers,
        rows: &rows,
    };
    output::write_text(&dir.join("README.md"), &everything.readme())?;
    output::write_text(&dir.join("index.html"), &html::to_html(&everything.page()?))?;
    if let Some(store) = store.filter(|_| !args.quick && args.seeds.is_none()) {
        store.sweep()?;
    }
    output::print(&format!(
        "{}\nFigures, tables and results are in {}; open its index.html",
        scoreboard::summary(&rows),
        dir.display()
    ))
}

/// The replays whose results are files of their own, behind the stem of their names; none where the
/// trace has nothing for them. Others are parts of these.
fn results(made: &Made) -> Vec<(String, &[Comparison])> {
    let stem = |workload: &str| match (made.entry.name, workload) {
        ("table1", workload) => Some(format!("results_{workload}")),
        ("sensitivity_cost", _) => Some("results_sensitivity".to_owned()),
        (name @ ("scaled" | "codes"), _) => Some(format!("results_{name}")),
        _ => None,
    };
    let names = made.file.workload_names().into_iter();
    names.filter_map(|name| Some((stem(name)?, made.runs_of(name)))).collect()
}
