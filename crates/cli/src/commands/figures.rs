//! `infinisim figures`: the figures and tables of the paper, ours beside theirs.

mod numbers;
mod page;

use std::path::Path;

use anyhow::Context;
use report::chart::{
    CostAtRate, Fig13Hourly, Fig13Total, Fig17, Figure, HourlyCost, Hue, Panel, TotalCost,
    fig13_hourly, fig13_total, fig17,
};
use report::comparison::{self, Comparison, SystemSummary};
use report::published::Published;
use report::{reference, scoreboard, table1};
use trace::Selection;
use units::Bytes;

use self::numbers::Numbers;
use crate::args::FiguresArgs;
use crate::experiment::Experiment;
use crate::trace_input::{self, Input};
use crate::{output, replay};

/// The experiments behind the trace-driven figures. They are part of the program, so that it
/// draws them wherever it is installed.
const EXPERIMENT_ALL: &str = include_str!("../../../../experiments/fast20-all.toml");
const EXPERIMENT_LARGE: &str = include_str!("../../../../experiments/fast20-large.toml");

/// The published curves and numbers.
const FIG13: &str = include_str!("../../../../experiments/reference/fig13_hourly_cost.csv");
const FIG17_ELASTICACHE: &str =
    include_str!("../../../../experiments/reference/fig17_elasticache.csv");
const FIG17_INFINICACHE: &str =
    include_str!("../../../../experiments/reference/fig17_infinicache.csv");
const PUBLISHED: &str = include_str!("../../../../experiments/reference/published.csv");

/// What was run: the workloads of the paper's section 5.2, as far as the trace has them.
pub(crate) struct Runs {
    /// All objects, under each seed; none where the trace has only large ones.
    pub(crate) all: Vec<Comparison>,
    /// Objects over 10 MB, under each seed.
    pub(crate) large: Vec<Comparison>,
    /// What was replayed, in words for captions.
    pub(crate) workload: String,
    /// Whether that is a synthetic trace, which is fitted to some of the published numbers.
    pub(crate) is_synthetic: bool,
}

/// A figure with the name of its files and a title for the page.
struct Drawn {
    name: String,
    title: String,
    figure: Figure,
}

/// Replays, draws, and writes everything into one directory.
pub(crate) fn figures(args: &FiguresArgs) -> anyhow::Result<()> {
    let dir = &args.output_dir;
    output::prepare_dir(dir)?;
    let runs = run(args)?;
    let published = Published::parse(PUBLISHED).context("published.csv")?;
    let numbers = Numbers::of(&runs)?;
    let drawn = draw(&runs, &published, &numbers)?;
    for Drawn { name, figure, .. } in &drawn {
        output::write_text(&dir.join(format!("{name}.svg")), &figure.svg())?;
        let png = figure.png();
        output::write_file(&dir.join(format!("{name}.png")), |out| Ok(out.write_all(&png)?))?;
    }
    let workloads = numbers.table1(&published);
    let rows = published.scoreboard(numbers.ours());
    output::write_text(&dir.join("table1.csv"), &table1::to_csv(&workloads))?;
    output::write_text(&dir.join("scoreboard.csv"), &scoreboard::to_csv(&rows))?;
    write_results(dir, &runs)?;
    let not_run: Vec<&str> = published.without_ours(numbers.ours()).collect();
    let page = page::page(&runs, &drawn, &workloads, &rows, &numbers.half_widths(), &not_run);
    output::write_text(&dir.join("README.md"), &page)?;
    let summary = scoreboard::summary(&rows);
    output::print(&format!("{summary}\nFigures, tables and results are in {}", dir.display()))
}

fn run(args: &FiguresArgs) -> anyhow::Result<Runs> {
    let trace = args.trace.as_deref();
    let (_, all) = Experiment::of_file("fast20-all.toml", EXPERIMENT_ALL, trace)?;
    let (_, large) = Experiment::of_file("fast20-large.toml", EXPERIMENT_LARGE, trace)?;
    let pool = replay::thread_pool(args.jobs.jobs)?;
    let whole = trace_input::load(&all.trace, &args.read, &Selection::ALL)?.trace;
    let is_large = |size: Bytes| large.selection.min_size.is_none_or(|least| least <= size);
    let has_small = whole.requests().iter().any(|it| !is_large(it.size));
    let all_objects = if has_small {
        let input = Input::select(&all.trace, whole.clone(), &all.selection)?;
        replay::replay(&all, &input, &pool)?
    } else {
        output::note("the trace has only large objects: nothing is drawn for all objects");
        Vec::new()
    };
    let input = Input::select(&large.trace, whole, &large.selection)?;
    let workload = match trace {
        None => format!("{} (no trace of IBM's was given)", large.trace),
        Some(path) => {
            Path::new(path).file_name().map_or(path.into(), |it| it.to_string_lossy().into_owned())
        }
    };
    Ok(Runs {
        all: all_objects,
        large: replay::replay(&large, &input, &pool)?,
        workload,
        is_synthetic: trace.is_none(),
    })
}

fn draw(runs: &Runs, published: &Published, numbers: &Numbers) -> anyhow::Result<Vec<Drawn>> {
    let curves = reference::hourly_costs(FIG13).context("fig13_hourly_cost.csv")?;
    let mut drawn = vec![Drawn {
        name: "fig13_total".to_owned(),
        title: "Fig 13 (a): total cost of 50 hours".to_owned(),
        figure: fig13_total(&totals(runs, published, numbers)),
    }];
    for panel in Panel::ALL {
        let seeds = runs.infinicache(panel);
        if seeds.is_empty() {
            continue;
        }
        let costs: Vec<HourlyCost> =
            seeds.iter().map(|it| HourlyCost::from(it.hours.as_slice())).collect();
        let hourly = Fig13Hourly {
            ours: numbers::mean_hourly(&costs),
            paper: Some(curves.get(panel).clone()),
            caption: format!("{}; {}; {}.", runs.workload, panel.title(), runs.seeds()),
        };
        drawn.push(Drawn {
            name: format!("fig13_{}", panel.key()),
            title: format!("Fig 13: hourly cost, {}", panel.title()),
            figure: fig13_hourly(panel, &hourly),
        });
    }
    drawn.push(Drawn {
        name: "fig17".to_owned(),
        title: "Fig 17: hourly cost over the rate of requests".to_owned(),
        figure: fig17(&crossing(published, numbers)?),
    });
    Ok(drawn)
}

fn totals(runs: &Runs, published: &Published, numbers: &Numbers) -> Fig13Total {
    let bar = |id: &str, hue, label: &str| TotalCost {
        hue,
        label: label.to_owned(),
        ours_usd: numbers.ours().get(id).copied(),
        paper_usd: published.get(id),
    };
    Fig13Total {
        bars: vec![
            bar("fig13_elasticache_total", Hue::ElastiCache, "ElastiCache"),
            bar("fig13_all_total", Hue::InfiniCache, "InfiniCache,\nall objects"),
            bar("fig13_large_total", Hue::InfiniCache, "InfiniCache,\nlarge only"),
            bar(
                "fig13_large_nobackup_total",
                Hue::InfiniCacheWithoutBackup,
                "large only,\nno backup",
            ),
        ],
        caption: format!("{}; prices of 2019; {}.", runs.workload, runs.seeds()),
    }
}

fn crossing(published: &Published, numbers: &Numbers) -> anyhow::Result<Fig17> {
    let plotted = reference::cost_at_rates(FIG17_INFINICACHE).context("fig17_infinicache.csv")?;
    let rates = || plotted.iter().map(|it| it.requests_per_hour);
    let ours = |cost: &dyn Fn(f64) -> f64| -> Vec<CostAtRate> {
        let at = |rate| CostAtRate { requests_per_hour: rate, usd_per_hour: cost(rate) };
        rates().map(at).collect()
    };
    let crossover = numbers.ours().get("fig17_crossover").map(|rate| CostAtRate {
        requests_per_hour: *rate,
        usd_per_hour: numbers.infinicache_hourly_usd(*rate),
    });
    Ok(Fig17 {
        infinicache: ours(&|rate| numbers.infinicache_hourly_usd(rate)),
        elasticache: ours(&|_| numbers.elasticache_hourly_usd()),
        elasticache_paper: reference::cost_at_rates(FIG17_ELASTICACHE)
            .context("fig17_elasticache.csv")?,
        crossover,
        crossover_paper_requests_per_hour: published.get("fig17_crossover"),
        caption: "Equations 4 to 6 of the paper at its prices; no trace.".to_owned(),
        infinicache_paper: plotted,
    })
}

fn write_results(dir: &Path, runs: &Runs) -> anyhow::Result<()> {
    for (name, comparisons) in [("results_all", &runs.all), ("results_large", &runs.large)] {
        if let Some(first) = comparisons.first() {
            let path = dir.join(format!("{name}.json"));
            output::write_text(&path, &comparison::to_json_with_hours(first))?;
            let rows = comparison::to_csv(comparisons);
            output::write_text(&dir.join(format!("{name}.csv")), &rows)?;
        }
    }
    Ok(())
}

impl Runs {
    /// The InfiniCache that a panel of Fig 13 shows, under each seed it was run.
    fn infinicache(&self, panel: Panel) -> Vec<&SystemSummary> {
        let (runs, index) = match panel {
            Panel::All => (&self.all, 1),
            Panel::Large => (&self.large, 1),
            Panel::LargeWithoutBackup => (&self.large, 2),
        };
        runs.iter().filter_map(|it| it.systems.get(index)).collect()
    }

    /// What the figures are the mean of.
    fn seeds(&self) -> String {
        match self.large.len() {
            1 => "one seed".to_owned(),
            n_seeds => format!("mean of {n_seeds} seeds"),
        }
    }
}
