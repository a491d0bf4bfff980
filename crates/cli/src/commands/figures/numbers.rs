//! Our side of the scoreboard: the numbers that stand beside the published ones, by id.

use std::collections::BTreeMap;

use pricing::PriceBook;
use pricing::closed_form::{FAST20_POOL, Pool};
use report::chart::HourlyCost;
use report::comparison::{Comparison, SystemSummary};
use report::published::Published;
use report::table1::{Pair, Workload};
use sim::availability::CodedPool;
use units::{Bytes, Usd};

use super::Runs;
use crate::args::DEFAULT_BOOK;
use crate::experiment::PAPER_NODE;

/// Our numbers by id.
pub(super) struct Numbers {
    /// One sample for each seed; one alone for what no chance enters.
    samples: BTreeMap<String, Vec<f64>>,
    ours: BTreeMap<String, f64>,
    prices: PriceBook,
    node_hourly: Usd,
}

impl Numbers {
    /// Collects our numbers from the runs and the closed forms.
    pub(super) fn of(runs: &Runs) -> anyhow::Result<Numbers> {
        let prices = PriceBook::builtin(DEFAULT_BOOK)?;
        let node_hourly = prices.node(PAPER_NODE)?.per_hour.value;
        let (samples, ours) = (BTreeMap::new(), BTreeMap::new());
        let mut numbers = Numbers { samples, ours, prices, node_hourly };
        for all in &runs.all {
            numbers.add_workload("all", all);
        }
        for large in &runs.large {
            numbers.add_workload("large", large);
        }
        numbers.add_closed_forms();
        for (id, samples) in &numbers.samples {
            numbers.ours.insert(id.clone(), mean(samples));
        }
        Ok(numbers)
    }

    /// The half-width of the 95 % confidence interval of each mean over several seeds, by id.
    pub(super) fn half_widths(&self) -> BTreeMap<String, f64> {
        // Where chance does not enter, the seeds agree to the last digit but one.
        let differ =
            |samples: &[f64]| samples.iter().any(|it| 1e-9 * it.abs() < (it - samples[0]).abs());
        let several = self.samples.iter().filter(|(_, samples)| differ(samples));
        several.map(|(id, samples)| (id.clone(), half_width(samples))).collect()
    }

    /// Ours by id, the mean over the seeds.
    pub(super) fn ours(&self) -> &BTreeMap<String, f64> {
        &self.ours
    }

    /// What the paper's pool costs in an hour with this many requests.
    pub(super) fn infinicache_hourly_usd(&self, requests_per_hour: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
        let n_requests = requests_per_hour.round().max(0.0) as u64;
        FAST20_POOL.hourly_cost(self.prices.function(), n_requests).as_f64()
    }

    /// What the paper's cluster costs in an hour.
    pub(super) fn elasticache_hourly_usd(&self) -> f64 {
        self.node_hourly.as_f64()
    }

    /// Table 1: the paper's numbers beside ours.
    pub(super) fn table1(&self, published: &Published) -> Vec<Workload> {
        let pair = |id: &str, scale: f64| Pair {
            paper: published.get(id).map(|it| it * scale),
            ours: self.ours.get(id).map(|it| it * scale),
        };
        let workload = |name: &str, key: &str| Workload {
            name: name.to_owned(),
            working_set_gb: pair(&format!("table1_{key}_working_set"), 1.0),
            gets_per_hour: pair(&format!("table1_{key}_gets_per_hour"), 1.0),
            elasticache_hit_ratio: pair(&format!("table1_{key}_elasticache_hit_ratio"), 0.01),
            infinicache_hit_ratio: pair(&format!("table1_{key}_infinicache_hit_ratio"), 0.01),
            infinicache_without_backup_hit_ratio: pair(
                &format!("table1_{key}_nobackup_hit_ratio"),
                0.01,
            ),
        };
        vec![workload("all objects", "all"), workload("large objects", "large")]
    }

    fn add(&mut self, id: String, ours: f64) {
        self.samples.entry(id).or_default().push(ours);
    }

    /// The systems of an experiment are, in order: ElastiCache, InfiniCache, and perhaps
    /// InfiniCache without backup.
    fn add_workload(&mut self, key: &str, runs: &Comparison) {
        let n_hours = runs.trace.span.as_seconds_f64() / 3_600.0;
        let gigabytes = runs.trace.unique_bytes.get() as f64 / Bytes::megabytes(1_000).get() as f64;
        self.add(format!("table1_{key}_working_set"), gigabytes);
        let [elasticache, infinicache, without_backup @ ..] = runs.systems.as_slice() else {
            panic!("the experiments behind the figures have two systems or three");
        };
        let n_gets = elasticache.counts.n_gets as f64;
        self.add(format!("table1_{key}_gets_per_hour"), n_gets / n_hours);
        let percent = |it: &SystemSummary| 100.0 * it.counts.hit_ratio().as_f64();
        self.add(format!("table1_{key}_elasticache_hit_ratio"), percent(elasticache));
        self.add(format!("table1_{key}_infinicache_hit_ratio"), percent(infinicache));
        let cluster_usd = elasticache.cost.total().as_f64();
        if key == "large" {
            self.add("fig13_elasticache_total".to_owned(), cluster_usd);
        }
        self.add_pool(key, infinicache, cluster_usd);
        for it in without_backup {
            self.add(format!("table1_{key}_nobackup_hit_ratio"), percent(it));
            self.add_pool(&format!("{key}_nobackup"), it, cluster_usd);
        }
    }

    fn add_pool(&mut self, key: &str, pool: &SystemSummary, cluster_usd: f64) {
        let cost = &pool.cost;
        let total = cost.total().as_f64();
        self.add(format!("fig13_{key}_total"), total);
        self.add(format!("fig13_{key}_saving"), cluster_usd / total);
        self.add(format!("fig13_{key}_serving"), cost.serving.as_f64());
        self.add(format!("fig13_{key}_backup"), cost.backup.as_f64());
        self.add(format!("fig13_{key}_warm_up"), cost.warm_up.as_f64());
        self.add(format!("fig14_{key}_reclaims"), pool.counts.n_reclaims as f64);
        self.add(format!("fig14_{key}_resets"), pool.counts.n_resets as f64);
        self.add(format!("fig14_{key}_recoveries"), pool.counts.n_recoveries as f64);
    }

    fn add_closed_forms(&mut self) {
        let function = self.prices.function();
        let at = |n_requests| FAST20_POOL.hourly_cost(function, n_requests).as_f64();
        let intercept = at(0);
        let slope = (at(1_000_000) - intercept) / 1e6;
        let crossover = FAST20_POOL.crossover(function, self.node_hourly);
        let Pool { n_functions, n_chunks, .. } = FAST20_POOL;
        let coded = CodedPool {
            n_nodes: u32::try_from(n_functions).expect("400"),
            n_chunks: u32::try_from(n_chunks).expect("12"),
            n_parity: 2,
        };
        let odds = coded.loses_exactly(3, 12) / coded.loses_exactly(4, 12);
        self.add("fig17_intercept".to_owned(), intercept);
        self.add("fig17_slope".to_owned(), slope);
        if let Some(crossover) = crossover {
            self.add("fig17_crossover".to_owned(), crossover as f64);
        }
        self.add("section4_p3_over_p4".to_owned(), odds);
    }
}

/// The mean over the seeds, hour by hour.
pub(super) fn mean_hourly(seeds: &[HourlyCost]) -> HourlyCost {
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

fn mean(samples: &[f64]) -> f64 {
    samples.iter().sum::<f64>() / samples.len() as f64
}

/// Half the width of the 95 % confidence interval of the mean of two samples or more, by
/// Student's t distribution.
fn half_width(samples: &[f64]) -> f64 {
    /// The 97.5th percentiles for 1 to 29 degrees of freedom; beyond, nearly the normal one.
    const T: [f64; 29] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
        2.052, 2.048, 2.045,
    ];
    let n_samples = samples.len() as f64;
    let mean = mean(samples);
    let squares: f64 = samples.iter().map(|it| (it - mean) * (it - mean)).sum();
    let t = T.get(samples.len() - 2).copied().unwrap_or(1.96);
    t * (squares / (n_samples - 1.0) / n_samples).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_students() {
        // Mean 5, standard deviation 2.5820, of 4 samples: 3.182 x 2.5820 / 2.
        let samples = [2.0, 4.0, 6.0, 8.0];
        assert!((mean(&samples) - 5.0).abs() < 1e-12);
        assert!((half_width(&samples) - 4.1080).abs() < 1e-3, "{}", half_width(&samples));
    }
}
