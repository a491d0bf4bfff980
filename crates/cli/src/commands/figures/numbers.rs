//! Our side of the scoreboard: the numbers that stand beside the published ones, by id.

use std::collections::BTreeMap;

use pricing::PriceBook;
use pricing::closed_form::FAST20_POOL;
use report::comparison::{Comparison, SystemSummary};
use report::published::Published;
use report::table1::{Pair, Workload};
use sim::SIZE_CLASSES;
use units::{Bytes, Nanos, Usd};

use super::microbenchmarks::Measured;
use super::reclaims::{availability, fast20_pool};
use super::results::{
    ELASTICACHE, INFINICACHE, INFINICACHE_ALL, Results, S3_AS_IN_PAPER, Study, WITHOUT_BACKUP,
};
use super::seeds::{half_width, mean};
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
    pub(super) fn of(results: &Results) -> anyhow::Result<Numbers> {
        let prices = PriceBook::builtin(DEFAULT_BOOK)?;
        let node_hourly = prices.node(PAPER_NODE)?.per_hour.value;
        let (samples, ours) = (BTreeMap::new(), BTreeMap::new());
        let mut numbers = Numbers { samples, ours, prices, node_hourly };
        for all in results.runs(Study::All) {
            numbers.add_workload("all", all);
        }
        for large in results.runs(Study::Large) {
            numbers.add_workload("large", large);
        }
        numbers.add_shape(results);
        for scaled in results.runs(Study::LargeScaled) {
            numbers.add_workload("large_scaled", scaled);
        }
        for (id, error) in ["fig11_error_p50", "fig11_error_p90"]
            .into_iter()
            .zip(Measured::fig11_errors(&results.measured).into_iter().flatten())
        {
            numbers.add(id.to_owned(), error);
        }
        for (id, ours) in results.measured.iter().filter_map(Measured::number) {
            numbers.add(id, ours);
        }
        numbers.add_closed_forms();
        numbers.add_availability();
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

    fn add_workload(&mut self, key: &str, runs: &Comparison) {
        let n_hours = runs.trace.span.as_seconds_f64() / 3_600.0;
        let gigabytes = runs.trace.unique_bytes.get() as f64 / Bytes::megabytes(1_000).get() as f64;
        self.add(format!("table1_{key}_working_set"), gigabytes);
        let system = |name: &str| runs.systems.iter().find(|it| it.name == name);
        let pool = if key == "all" { INFINICACHE_ALL } else { INFINICACHE };
        let (Some(elasticache), Some(infinicache)) = (system(ELASTICACHE), system(pool)) else {
            panic!("the experiments behind the figures have the systems of the paper");
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
        if let Some(it) = system(WITHOUT_BACKUP) {
            self.add(format!("table1_{key}_nobackup_hit_ratio"), percent(it));
            self.add_pool(&format!("{key}_nobackup"), it, cluster_usd);
        }
        let systems = [
            ("elasticache", Some(elasticache)),
            ("infinicache", Some(infinicache)),
            ("s3", system(S3_AS_IN_PAPER)),
        ];
        for (name, system) in systems.into_iter().filter_map(|(name, it)| Some((name, it?))) {
            self.add_latency(key, name, system);
        }
        if key == "all" {
            let others = [("infinicache", Some(infinicache)), ("s3", system(S3_AS_IN_PAPER))];
            for (name, it) in others.into_iter().filter_map(|(name, it)| Some((name, it?))) {
                self.add_normalised(name, it, elasticache);
            }
        }
    }

    /// Fig 15: quantiles of the reads that the cache served, in seconds.
    fn add_latency(&mut self, key: &str, name: &str, system: &SystemSummary) {
        for (quantile, part) in [("p25", 0.25), ("p50", 0.5), ("p75", 0.75), ("p90", 0.9)]
            .into_iter()
            .chain([("p95", 0.95), ("p99", 0.99)])
        {
            if let Some(millis) = system.hits.quantile_ms(part) {
                self.add(format!("fig15_{key}_{name}_{quantile}"), millis / 1e3);
            }
        }
    }

    /// Fig 16: medians over that of ElastiCache, by size.
    fn add_normalised(&mut self, name: &str, system: &SystemSummary, base: &SystemSummary) {
        let ids = ["below_1mb", "1_to_10mb", "10_to_100mb", "from_100mb"];
        let of = |it: &SystemSummary, class: usize| it.hits.by_size_ms[class].map(|it| it[2]);
        for (class, id) in ids.iter().enumerate().take(SIZE_CLASSES.len()) {
            if let Some((ours, base)) = of(system, class).zip(of(base, class)) {
                self.add(format!("fig16_{name}_{id}"), ours / base);
            }
        }
    }

    /// Section 2: what the trace is like.
    fn add_shape(&mut self, results: &Results) {
        for (shape, key) in results.shapes.iter().zip(["dallas", "london"]) {
            self.add(format!("fig1_{key}_large_objects"), shape.large_object_percent);
            self.add(format!("fig1_{key}_large_bytes"), shape.large_byte_percent);
            // In 50 hours an object is asked for less often, and never after a week.
            if shape.name.contains("50h") {
                continue;
            }
            self.add(format!("fig1_{key}_large_hot"), shape.large_hot_percent);
            let soon = shape.large_reuse_within_hour_percent;
            self.add(format!("fig1_{key}_large_reuse_within_hour"), soon);
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
        let n_chunks = pool.counts.n_recovered_chunks as f64;
        self.add(format!("fig14_{key}_recovered_chunks"), n_chunks);
        let hourly = |of: fn(&sim::Counts) -> u64| {
            pool.hours.iter().map(|it| of(&it.counts)).max().unwrap_or(0) as f64
        };
        self.add(format!("fig14_{key}_resets_hourly_max"), hourly(|it| it.n_resets));
        self.add(format!("fig14_{key}_recoveries_hourly_max"), hourly(|it| it.n_recoveries));
        self.add(format!("section5_{key}_serving_part"), 100.0 * cost.serving.as_f64() / total);
        let upkeep = (cost.backup + cost.warm_up).as_f64();
        self.add(format!("section5_{key}_upkeep_part"), 100.0 * upkeep / total);
        self.add(format!("section5_{key}_less"), 100.0 * (1.0 - total / cluster_usd));
        let lost = pool.counts.n_resets as f64;
        let hits = pool.counts.n_hits as f64;
        // The paper's availability: RESETs over the reads that hit.
        self.add(format!("section5_{key}_availability"), 100.0 * (1.0 - lost / hits));
        self.add(format!("section5_{key}_lost_part"), 100.0 * lost / hits);
    }

    fn add_closed_forms(&mut self) {
        let function = self.prices.function();
        let at = |n_requests| FAST20_POOL.hourly_cost(function, n_requests).as_f64();
        let intercept = at(0);
        let slope = (at(1_000_000) - intercept) / 1e6;
        let crossover = FAST20_POOL.crossover(function, self.node_hourly);
        let coded = fast20_pool();
        let odds = coded.loses_exactly(3, 12) / coded.loses_exactly(4, 12);
        let excess = coded.loses_object(12) / coded.loses_exactly(3, 12) - 1.0;
        self.add("section4_excess".to_owned(), 100.0 * excess);
        self.add("fig17_intercept".to_owned(), intercept);
        self.add("fig17_slope".to_owned(), slope);
        if let Some(crossover) = crossover {
            self.add("fig17_crossover".to_owned(), crossover as f64);
            self.add("fig17_crossover_per_second".to_owned(), crossover as f64 / 3_600.0);
        }
        self.add("section4_p3_over_p4".to_owned(), odds);
    }

    /// Section 4.3: an object's loss under each distribution of Fig 9, and the range that the
    /// paper prints for those of a minute.
    fn add_availability(&mut self) {
        let table = availability();
        for it in &table {
            let date = it.date.replace('-', "_");
            self.add(format!("section4_loss_{date}"), it.loss_approximate_percent);
            self.add(format!("section4_hourly_{date}"), it.hourly_percent);
        }
        let by_minute = || table.iter().filter(|it| it.interval == Nanos::MINUTE);
        let losses = || by_minute().map(|it| it.loss_approximate_percent);
        let hourly = || by_minute().map(|it| it.hourly_percent);
        self.add("section4_loss_min".to_owned(), losses().fold(f64::INFINITY, f64::min));
        self.add("section4_loss_max".to_owned(), losses().fold(0.0, f64::max));
        self.add("section4_hourly_min".to_owned(), hourly().fold(f64::INFINITY, f64::min));
        self.add("section4_hourly_max".to_owned(), hourly().fold(0.0, f64::max));
    }
}
