//! Our side of the scoreboard: the numbers that stand beside the published ones, by id.

use std::collections::BTreeMap;

use report::comparison::{Comparison, SystemSummary};
use sim::SIZE_CLASSES;
use units::{Bytes, Nanos};

use super::costs::ClosedForms;
use super::made::{Kind, Made, Outcome};
use super::microbenchmarks::Measured;
use super::reclaims::{self, availability, fast20_pool};
use super::seeds::{half_width, mean};
use super::trace_shape::TraceShape;
use crate::experiment::profile_of;

/// Our numbers by id.
#[derive(Default)]
pub(super) struct Numbers {
    /// One sample for each seed; one alone for what no chance enters.
    samples: BTreeMap<String, Vec<f64>>,
    ours: BTreeMap<String, f64>,
}

impl Numbers {
    /// Collects our numbers: those of each figure from what was made for it.
    pub(super) fn of(made: &[Made]) -> anyhow::Result<Numbers> {
        let mut numbers = Numbers::default();
        for it in made {
            numbers.add_figure(it)?;
        }
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

    /// Adds a sample. What is over nothing, such as a part of the hits where there were none, is
    /// no number of ours.
    fn add(&mut self, id: &str, ours: f64) {
        if !ours.is_finite() {
            return;
        }
        self.samples.entry(id.to_owned()).or_default().push(ours);
    }

    fn add_figure(&mut self, made: &Made) -> anyhow::Result<()> {
        match made.entry.name {
            "table1" => {
                for it in made.workloads() {
                    it.comparisons.iter().for_each(|runs| self.add_workload(&it.name, runs));
                }
            }
            "fig13_total" => {
                for it in made.workloads() {
                    it.comparisons.iter().for_each(|runs| self.add_totals(&it.name, runs));
                }
            }
            "fig15a" => made.runs().iter().for_each(|it| self.add_latencies("all", it)),
            "fig15b" => made.runs().iter().for_each(|it| self.add_latencies("large", it)),
            "fig16" => made.runs().iter().for_each(|it| self.add_normalised(it)),
            "scaled" => made.runs().iter().for_each(|it| self.add_scaled(it)),
            "fig17" => self.add_closed_forms(&ClosedForms::of(made)?),
            "availability" => self.add_availability(made)?,
            "fig8" | "fig9" => {
                for (id, ours) in reclaims::numbers(made)? {
                    self.add(&id, ours);
                }
            }
            name => match (name.strip_prefix("fig13_"), name.strip_prefix("fig14_")) {
                (Some(key), _) => made.system(0).iter().for_each(|it| self.add_items(key, it)),
                (_, Some(key)) => made.system(0).iter().for_each(|it| self.add_faults(key, it)),
                _ => self.add_others(made)?,
            },
        }
        Ok(())
    }

    fn add_others(&mut self, made: &Made) -> anyhow::Result<()> {
        match &made.outcome {
            Outcome::Shapes(shapes) => {
                shapes.iter().zip(["dallas", "london"]).for_each(|(it, key)| {
                    self.add_shape(it, key);
                });
            }
            Outcome::Measured(measured) => {
                for (id, ours) in measured.iter().filter_map(Measured::number) {
                    self.add(&id, ours);
                }
                if made.entry.name == "fig11" {
                    self.add_profile(made)?;
                }
                let ids = ["fig11_error_p50", "fig11_error_p90"];
                let errors = Measured::fig11_errors(measured).into_iter().flatten();
                ids.into_iter().zip(errors).for_each(|(id, it)| self.add(id, it));
            }
            Outcome::Runs(_) | Outcome::Misses(_) | Outcome::Nothing => {}
        }
        Ok(())
    }

    /// What section 5.1 says of functions, and the profile has.
    fn add_profile(&mut self, made: &Made) -> anyhow::Result<()> {
        let (profile, _) = profile_of(&made.file.profile)?;
        let function = &profile.function;
        let warm = function.warm_invoke_floor + function.warm_invoke_tail_mean;
        self.add("section5_warm_invocation", 1e3 * warm.as_seconds_f64());
        for memory_mb in [128, 3_008] {
            let seconds = function.bandwidth(memory_mb).time(Bytes::megabytes(1)).as_seconds_f64();
            self.add(&format!("section5_bandwidth_{memory_mb}"), 1.0 / seconds);
        }
        Ok(())
    }

    /// Table 1: the workload, and what part of its requests each cache hit.
    fn add_workload(&mut self, key: &str, runs: &Comparison) {
        let n_hours = runs.trace.span.as_seconds_f64() / 3_600.0;
        let gigabytes = runs.trace.unique_bytes.get() as f64 / Bytes::megabytes(1_000).get() as f64;
        self.add(&format!("table1_{key}_working_set"), gigabytes);
        let percent = |it: &SystemSummary| 100.0 * it.counts.hit_ratio().as_f64();
        if let Some(it) = Kind::ElastiCache.find(runs) {
            self.add(&format!("table1_{key}_gets_per_hour"), it.counts.n_gets as f64 / n_hours);
            self.add(&format!("table1_{key}_elasticache_hit_ratio"), percent(it));
            let most = it.hours.iter().map(|it| it.counts.n_gets).max().unwrap_or(0);
            self.add(&format!("section2_{key}_gets_hourly_max"), most as f64);
        }
        if let Some(it) = Kind::InfiniCache.find(runs) {
            self.add(&format!("table1_{key}_infinicache_hit_ratio"), percent(it));
        }
        if let Some(it) = Kind::InfiniCacheWithoutBackup.find(runs) {
            self.add(&format!("table1_{key}_nobackup_hit_ratio"), percent(it));
            self.add(&format!("section5_{key}_nobackup_hits"), it.counts.n_hits as f64);
        }
    }

    /// Fig 13 (a), and what section 5.2 says of it.
    fn add_totals(&mut self, key: &str, runs: &Comparison) {
        let Some(cluster) = Kind::ElastiCache.find(runs) else { return };
        let cluster_usd = cluster.cost.total().as_f64();
        if key == "large" {
            self.add("fig13_elasticache_total", cluster_usd);
        }
        let pools = [
            (key.to_owned(), Kind::InfiniCache),
            (format!("{key}_nobackup"), Kind::InfiniCacheWithoutBackup),
        ];
        for (key, pool) in pools.iter().filter_map(|(key, kind)| Some((key, kind.find(runs)?))) {
            let total = pool.cost.total().as_f64();
            self.add(&format!("fig13_{key}_total"), total);
            self.add(&format!("fig13_{key}_saving"), cluster_usd / total);
            self.add(&format!("section5_{key}_less"), 100.0 * (1.0 - total / cluster_usd));
        }
    }

    /// Fig 13 (b) to (d), and what section 5.2 says of them.
    fn add_items(&mut self, key: &str, pool: &SystemSummary) {
        let cost = &pool.cost;
        let total = cost.total().as_f64();
        self.add(&format!("fig13_{key}_serving"), cost.serving.as_f64());
        self.add(&format!("fig13_{key}_backup"), cost.backup.as_f64());
        self.add(&format!("fig13_{key}_warm_up"), cost.warm_up.as_f64());
        self.add(&format!("section5_{key}_serving_part"), 100.0 * cost.serving.as_f64() / total);
        let upkeep = (cost.backup + cost.warm_up).as_f64();
        self.add(&format!("section5_{key}_upkeep_part"), 100.0 * upkeep / total);
    }

    /// Fig 14, and what section 5.2 says of it.
    fn add_faults(&mut self, key: &str, pool: &SystemSummary) {
        let counts = &pool.counts;
        self.add(&format!("fig14_{key}_reclaims"), counts.n_reclaims as f64);
        let n_reads_again = counts.n_reads_again();
        self.add(&format!("fig14_{key}_reads_again"), n_reads_again as f64);
        self.add(&format!("fig14_{key}_resets"), counts.n_resets as f64);
        self.add(&format!("fig14_{key}_recoveries"), counts.n_recoveries as f64);
        self.add(&format!("fig14_{key}_recovered_chunks"), counts.n_recovered_chunks as f64);
        let hourly = |of: fn(&sim::Counts) -> u64| {
            pool.hours.iter().map(|it| of(&it.counts)).max().unwrap_or(0) as f64
        };
        let reads_again_max = hourly(sim::Counts::n_reads_again);
        self.add(&format!("fig14_{key}_reads_again_hourly_max"), reads_again_max);
        self.add(&format!("fig14_{key}_resets_hourly_max"), hourly(|it| it.n_resets));
        self.add(&format!("fig14_{key}_recoveries_hourly_max"), hourly(|it| it.n_recoveries));
        let chunks_max = hourly(|it| it.n_recovered_chunks);
        self.add(&format!("fig14_{key}_recovered_chunks_hourly_max"), chunks_max);
        // The paper's availability: RESETs over the reads that hit.
        let per_hit = |count: u64| 100.0 * count as f64 / counts.n_hits as f64;
        self.add(&format!("section5_{key}_available_part"), 100.0 - per_hit(n_reads_again));
        self.add(&format!("section5_{key}_reads_again_part"), per_hit(n_reads_again));
        self.add(&format!("section5_{key}_availability"), 100.0 - per_hit(counts.n_resets));
        self.add(&format!("section5_{key}_lost_part"), per_hit(counts.n_resets));
    }

    /// Fig 15: quantiles of the reads that the cache served, in seconds.
    fn add_latencies(&mut self, key: &str, runs: &Comparison) {
        let systems = [
            ("elasticache", Kind::ElastiCache),
            ("infinicache", Kind::InfiniCache),
            ("s3", Kind::StoreAsInPaper),
        ];
        let quantiles = [
            ("p25", 0.25),
            ("p50", 0.5),
            ("p75", 0.75),
            ("p90", 0.9),
            ("p95", 0.95),
            ("p99", 0.99),
        ];
        for (name, kind) in systems {
            let Some(system) = kind.find(runs) else { continue };
            for (quantile, part) in quantiles {
                if let Some(millis) = system.hits.quantile_ms(part) {
                    self.add(&format!("fig15_{key}_{name}_{quantile}"), millis / 1e3);
                }
            }
        }
        // Level by level: the models do not say of each read how long it took elsewhere.
        let both = Kind::InfiniCache.find(runs).zip(Kind::StoreAsInPaper.find(runs));
        if let Some((pool, store)) = both {
            let pairs = || pool.hits.quantiles_ms.iter().zip(&store.hits.quantiles_ms);
            let n_faster = pairs().filter(|(pool, store)| 100.0 * **pool <= **store).count();
            if 0 < pairs().count() {
                let part = 100.0 * n_faster as f64 / pairs().count() as f64;
                self.add(&format!("section5_{key}_faster_than_s3_part"), part);
            }
        }
    }

    /// Fig 16: medians over that of ElastiCache, by size.
    fn add_normalised(&mut self, runs: &Comparison) {
        let Some(base) = Kind::ElastiCache.find(runs) else { return };
        let ids = ["below_1mb", "1_to_10mb", "10_to_100mb", "from_100mb"];
        let of = |it: &SystemSummary, class: usize| it.hits.by_size_ms[class].map(|it| it[2]);
        for (name, kind) in [("infinicache", Kind::InfiniCache), ("s3", Kind::StoreAsInPaper)] {
            let Some(system) = kind.find(runs) else { continue };
            for (class, id) in ids.iter().enumerate().take(SIZE_CLASSES.len()) {
                if let Some((ours, base)) = of(system, class).zip(of(base, class)) {
                    self.add(&format!("fig16_{name}_{id}"), ours / base);
                }
            }
        }
    }

    /// All of these with sizes scaled.
    fn add_scaled(&mut self, runs: &Comparison) {
        let key = "large_scaled";
        self.add_workload(key, runs);
        self.add_totals(key, runs);
        self.add_latencies(key, runs);
        let pools = [
            (key.to_owned(), Kind::InfiniCache),
            (format!("{key}_nobackup"), Kind::InfiniCacheWithoutBackup),
        ];
        for (key, pool) in pools.iter().filter_map(|(key, kind)| Some((key, kind.find(runs)?))) {
            self.add_items(key, pool);
            self.add_faults(key, pool);
        }
    }

    /// Section 2: what a trace is like.
    fn add_shape(&mut self, shape: &TraceShape, key: &str) {
        if shape.has_small {
            self.add(&format!("fig1_{key}_large_objects"), shape.large_object_percent);
            self.add(&format!("fig1_{key}_large_bytes"), shape.large_byte_percent);
            if let Some(orders) = shape.orders_of_magnitude() {
                self.add(&format!("fig1_{key}_size_orders"), orders);
            }
        }
        // In 50 hours an object is asked for less often, and never after a week.
        if !shape.is_short() {
            self.add(&format!("fig1_{key}_large_hot"), shape.large_hot_percent);
            let soon = shape.large_reuse_within_hour_percent;
            self.add(&format!("fig1_{key}_large_reuse_within_hour"), soon);
        }
    }

    fn add_closed_forms(&mut self, forms: &ClosedForms) {
        let intercept = forms.infinicache_hourly_usd(0.0);
        self.add("fig17_intercept", intercept);
        self.add("fig17_slope", (forms.infinicache_hourly_usd(1e6) - intercept) / 1e6);
        if let Some(crossover) = forms.crossover() {
            self.add("fig17_crossover", crossover);
            self.add("fig17_crossover_per_second", crossover / 3_600.0);
        }
        for (id, ours) in forms.prices() {
            self.add(id, ours);
        }
    }

    /// Section 4.3: an object's loss under each distribution of Fig 9, and the range that the
    /// paper prints for those of a minute.
    fn add_availability(&mut self, made: &Made) -> anyhow::Result<()> {
        let coded = fast20_pool();
        let odds = coded.loses_exactly(3, 12) / coded.loses_exactly(4, 12);
        let excess = coded.loses_object(12) / coded.loses_exactly(3, 12) - 1.0;
        self.add("section4_p3_over_p4", odds);
        self.add("section4_excess", 100.0 * excess);
        let table = availability(&made.file.processes)?;
        for it in &table {
            let date = it.date.replace('-', "_");
            self.add(&format!("section4_loss_{date}"), it.loss_approximate_percent);
            self.add(&format!("section4_hourly_{date}"), it.hourly_percent);
        }
        let by_minute = || table.iter().filter(|it| it.interval == Nanos::MINUTE);
        let losses = || by_minute().map(|it| it.loss_approximate_percent);
        let hourly = || by_minute().map(|it| it.hourly_percent);
        let least = losses().fold(f64::INFINITY, f64::min);
        let most = losses().fold(0.0, f64::max);
        self.add("section4_loss_min", least);
        self.add("section4_loss_max", most);
        self.add("section4_minute_min", 100.0 - most);
        self.add("section4_minute_max", 100.0 - least);
        self.add("section4_hourly_min", hourly().fold(f64::INFINITY, f64::min));
        self.add("section4_hourly_max", hourly().fold(0.0, f64::max));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_nothing_is_no_number_of_ours() {
        let mut numbers = Numbers::default();
        numbers.add_items("large", &SystemSummary::default());
        numbers.add_faults("large", &SystemSummary::default());
        for absent in ["section5_large_available_part", "section5_large_serving_part"] {
            assert!(!numbers.samples.contains_key(absent), "{absent}");
        }
        assert_eq!(numbers.samples["fig14_large_resets"], [0.0]);
        assert!(numbers.samples.values().flatten().all(|it| it.is_finite()));
    }
}
