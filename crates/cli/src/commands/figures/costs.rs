//! Figs 13 and 17: what the trace costs, in total, by the hour, and over the rate of requests.

use anyhow::Context as _;
use pricing::PriceBook;
use pricing::closed_form::FAST20_POOL;
use report::chart::{
    Chart, CostAtRate, Fig13Hourly, Fig13Total, Fig17, HourlyCost, Panel, TotalCost,
};
use report::published::Published;
use report::reference;
use units::Usd;

use super::made::{Kind, Made};
use super::seeds::{estimate, estimates, mean};
use crate::experiment::{PAPER_NODE, price_book};

/// Fig 13 (a).
pub(super) fn fig13_total(made: &Made) -> anyhow::Result<Option<Chart>> {
    let published = Published::parse(made.reference(0)?)?;
    let bar = |id: &str, workload: &str, kind: Kind, label: &str| {
        let runs = made.runs_of(workload).iter();
        let ours: Vec<f64> =
            runs.filter_map(|it| Some(kind.find(it)?.cost.total().as_f64())).collect();
        let ours = (!ours.is_empty()).then(|| estimate(&ours));
        TotalCost {
            hue: kind.hue(),
            label: label.to_owned(),
            ours_usd: ours,
            paper_usd: published.get(id),
        }
    };
    let without = Kind::InfiniCacheWithoutBackup;
    Ok(Some(Chart::TotalCost(Fig13Total {
        bars: vec![
            bar("fig13_elasticache_total", "large", Kind::ElastiCache, "ElastiCache"),
            bar("fig13_all_total", "all", Kind::InfiniCache, "InfiniCache,\nall objects"),
            bar("fig13_large_total", "large", Kind::InfiniCache, "InfiniCache,\nlarge only"),
            bar("fig13_large_nobackup_total", "large", without, "large only,\nno backup"),
        ],
        caption: format!("{}; prices of 2019; {}.", made.workload, made.seeds_with_interval()),
    })))
}

/// Fig 13 (b) to (d).
pub(super) fn fig13_hourly(made: &Made, panel: Panel) -> anyhow::Result<Option<Chart>> {
    let curves = reference::hourly_costs(made.reference(0)?)?;
    let seeds = made.system(0);
    if seeds.is_empty() {
        return Ok(None);
    }
    let costs: Vec<HourlyCost> =
        seeds.iter().map(|it| HourlyCost::from(it.hours.as_slice())).collect();
    let totals: Vec<Vec<f64>> = seeds
        .iter()
        .map(|it| it.hours.iter().map(|it| it.cost.total().as_f64()).collect())
        .collect();
    let interval = if seeds.len() < 2 { Vec::new() } else { estimates(&totals) };
    let hourly = Fig13Hourly {
        ours: mean_hourly(&costs),
        interval_usd: interval.iter().map(|it| (it.low, it.high)).collect(),
        paper: Some(curves.get(panel).clone()),
        caption: format!(
            "{}; {}; {} of the total.",
            made.workload,
            panel.title(),
            made.seeds_with_interval()
        ),
    };
    Ok(Some(Chart::HourlyCost(panel, hourly)))
}

/// Fig 17.
pub(super) fn fig17(made: &Made) -> anyhow::Result<Option<Chart>> {
    let forms = ClosedForms::of(made)?;
    let published = Published::parse(made.reference(2)?)?;
    let plotted = reference::cost_at_rates(made.reference(0)?)?;
    let rates = || plotted.iter().map(|it| it.requests_per_hour);
    let ours = |cost: &dyn Fn(f64) -> f64| -> Vec<CostAtRate> {
        let at = |rate| CostAtRate { requests_per_hour: rate, usd_per_hour: cost(rate) };
        rates().map(at).collect()
    };
    let crossover = forms.crossover().map(|rate| CostAtRate {
        requests_per_hour: rate,
        usd_per_hour: forms.infinicache_hourly_usd(rate),
    });
    Ok(Some(Chart::CostOverRate(Fig17 {
        infinicache: ours(&|rate| forms.infinicache_hourly_usd(rate)),
        elasticache: ours(&|_| forms.elasticache_hourly_usd()),
        elasticache_paper: reference::cost_at_rates(made.reference(1)?)?,
        crossover,
        crossover_paper_requests_per_hour: published.get("fig17_crossover"),
        caption: "Equations 4 to 6 of the paper at its prices; no trace.".to_owned(),
        infinicache_paper: plotted,
    })))
}

/// What the paper's pool and its cluster cost by the equations of section 4.3.
pub(super) struct ClosedForms {
    prices: PriceBook,
    node_hourly: Usd,
}

impl ClosedForms {
    /// At the prices of the experiment.
    pub(super) fn of(made: &Made) -> anyhow::Result<ClosedForms> {
        let (prices, _) = price_book(made.file.books.first().context("`books` is empty")?)?;
        let node_hourly = prices.node(PAPER_NODE)?.per_hour.value;
        Ok(ClosedForms { prices, node_hourly })
    }

    /// What the pool costs in an hour with this many requests.
    pub(super) fn infinicache_hourly_usd(&self, requests_per_hour: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
        let n_requests = requests_per_hour.round().max(0.0) as u64;
        FAST20_POOL.hourly_cost(self.prices.function(), n_requests).as_f64()
    }

    /// What the cluster costs in an hour.
    pub(super) fn elasticache_hourly_usd(&self) -> f64 {
        self.node_hourly.as_f64()
    }

    /// The prices and sizes that the paper prints, by the ids of the scoreboard.
    pub(super) fn prices(&self) -> Vec<(&'static str, f64)> {
        const GIB: f64 = (1_u64 << 30) as f64;
        let function = self.prices.function();
        let memory = self.prices.node_memory(PAPER_NODE).map_or(f64::NAN, |it| it.get() as f64);
        vec![
            ("section4_invocation_price", 1e6 * function.per_request.value.as_f64()),
            ("section4_gb_second_price", function.per_gb_second.value.as_f64()),
            ("section5_node_price", self.elasticache_hourly_usd()),
            ("section5_node_memory", memory / GIB),
        ]
    }

    /// The requests per hour from which the cluster is cheaper.
    pub(super) fn crossover(&self) -> Option<f64> {
        FAST20_POOL.crossover(self.prices.function(), self.node_hourly).map(|it| it as f64)
    }
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
