//! Figs 13 and 17: what the trace costs, in total, by the hour, and over the rate of requests.

use anyhow::Context as _;
use report::chart::{
    Chart, CostAtRate, Fig13Hourly, Fig13Total, Fig17, HourlyCost, Hue, Panel, TotalCost,
};
use report::reference;

use super::Context;
use super::results::Study;
use super::seeds::mean;

const FIG13: &str = include_str!("../../../../../experiments/reference/fig13_hourly_cost.csv");
const FIG17_ELASTICACHE: &str =
    include_str!("../../../../../experiments/reference/fig17_elasticache.csv");
const FIG17_INFINICACHE: &str =
    include_str!("../../../../../experiments/reference/fig17_infinicache.csv");

/// Fig 13 (a).
#[expect(clippy::unnecessary_wraps, reason = "as every figure of the catalogue")]
pub(super) fn fig13_total(context: &Context) -> anyhow::Result<Option<Chart>> {
    let bar = |id: &str, hue, label: &str| TotalCost {
        hue,
        label: label.to_owned(),
        ours_usd: context.numbers.ours().get(id).copied(),
        paper_usd: context.published.get(id),
    };
    let results = &context.results;
    Ok(Some(Chart::TotalCost(Fig13Total {
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
        caption: format!("{}; prices of 2019; {}.", results.workload, results.seeds(Study::Large)),
    })))
}

/// Fig 13 (b) to (d).
pub(super) fn fig13_hourly(context: &Context, panel: Panel) -> anyhow::Result<Option<Chart>> {
    let curves = reference::hourly_costs(FIG13).context("fig13_hourly_cost.csv")?;
    let results = &context.results;
    let seeds = results.pool(panel);
    if seeds.is_empty() {
        return Ok(None);
    }
    let costs: Vec<HourlyCost> =
        seeds.iter().map(|it| HourlyCost::from(it.hours.as_slice())).collect();
    let study = if panel == Panel::All { Study::All } else { Study::Large };
    let hourly = Fig13Hourly {
        ours: mean_hourly(&costs),
        paper: Some(curves.get(panel).clone()),
        caption: format!("{}; {}; {}.", results.workload, panel.title(), results.seeds(study)),
    };
    Ok(Some(Chart::HourlyCost(panel, hourly)))
}

/// Fig 17.
pub(super) fn fig17(context: &Context) -> anyhow::Result<Option<Chart>> {
    let Context { numbers, published, .. } = context;
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
    Ok(Some(Chart::CostOverRate(Fig17 {
        infinicache: ours(&|rate| numbers.infinicache_hourly_usd(rate)),
        elasticache: ours(&|_| numbers.elasticache_hourly_usd()),
        elasticache_paper: reference::cost_at_rates(FIG17_ELASTICACHE)
            .context("fig17_elasticache.csv")?,
        crossover,
        crossover_paper_requests_per_hour: published.get("fig17_crossover"),
        caption: "Equations 4 to 6 of the paper at its prices; no trace.".to_owned(),
        infinicache_paper: plotted,
    })))
}

/// The mean over the seeds, hour by hour.
fn mean_hourly(seeds: &[HourlyCost]) -> HourlyCost {
    let mean_of = |curve: fn(&HourlyCost) -> &Vec<f64>| -> Vec<f64> {
        let n_hours = seeds.iter().map(|it| curve(it).len()).min().unwrap_or(0);
        let at = |hour: usize| seeds.iter().map(|it| curve(it)[hour]).collect::<Vec<_>>();
        (0..n_hours).map(|hour| mean(&at(hour))).collect()
    };
    HourlyCost {
        serving_usd: mean_of(|it| &it.serving_usd),
        backup_usd: mean_of(|it| &it.backup_usd),
        warm_up_usd: mean_of(|it| &it.warm_up_usd),
    }
}
