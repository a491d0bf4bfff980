//! The systems of a run side by side: what they cost, hit, lost, and how fast they were.

mod cost_ratio;
mod fields;
mod json;
mod read;
mod split;
mod table;
mod table_rows;
#[cfg(test)]
mod tests;

use pricing::{CostItems, PriceBook, Usage};
use serde::{Deserialize, Serialize};
use sim::{Counts, Distribution, Latencies};
use units::{Bytes, Nanos};

pub use self::cost_ratio::{CostRatio, times_and_half_width};
pub use self::fields::{counts_of, named_counts};
pub use self::json::{to_json, to_json_of_seeds, to_json_with_hours};
pub use self::read::{ResultError, from_json};
pub use self::split::LatencySplit;
pub use self::table::{framed, to_table, to_table_of_seeds};
pub use self::table_rows::{to_csv, to_hourly_rows, to_rows};

/// What several systems did with one trace.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What made this result.
    pub receipt: Receipt,
    /// The trace that was replayed.
    pub trace: TraceSummary,
    /// The systems, in the order in which they are shown. The first is the one that the others
    /// are measured against.
    pub systems: Vec<SystemSummary>,
}

/// What made a result: enough to make it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The version of the program.
    pub version: String,
    /// The seed that every random stream of the run came from.
    pub seed: u64,
    /// Which workload of the experiment it is; empty where that has one alone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workload: String,
    /// A hash of the experiment.
    pub experiment_hash: String,
    /// A hash of the trace.
    pub trace_hash: String,
    /// The name of the price book.
    pub prices: String,
    /// What of the machinery is charged; empty in results of versions that did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub accounting: String,
    /// The name of the price book of the run itself, where other prices were put on its result.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repriced_from: String,
    /// The step in milliseconds to which the price book of the run itself rounds up invocations,
    /// on which depends how long functions stay up; nothing in results of versions that did not
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantum_ms: Option<u64>,
    /// A hash of the price book's content; empty in results of versions that did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prices_hash: String,
    /// The same of `repriced_from`; empty where that is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repriced_from_hash: String,
}

impl Receipt {
    /// What to call the price book.
    pub fn price_book(&self) -> String {
        PriceBook::told_apart(&self.prices, &self.prices_hash)
    }
}

/// The size of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSummary {
    /// All its requests.
    pub n_requests: u64,
    /// The objects it speaks of.
    pub n_objects: u64,
    /// What its requests ask for, together.
    pub requested_bytes: Bytes,
    /// The objects, each counted once.
    pub unique_bytes: Bytes,
    /// From its start to its end.
    pub span: Nanos,
}

/// What one system did with the trace.
#[derive(Clone, Debug, Default)]
pub struct SystemSummary {
    /// What the user calls it.
    pub name: String,
    /// What happened.
    pub counts: Counts,
    /// What it used.
    pub usage: Usage,
    /// What that cost.
    pub cost: CostItems,
    /// How long its GETs took.
    pub latency: LatencySummary,
    /// The same by outcome, phase and size.
    pub latency_split: LatencySplit,
    /// How long its hits took, in more detail.
    pub hits: HitLatency,
    /// How long objects last, and how long it takes to repair them.
    pub loss: LossSummary,
    /// The same hour by hour, from the first; may be left empty.
    pub hours: Vec<HourSummary>,
}

/// How long the GETs took that the cache served; all empty where there were none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HitLatency {
    /// The length in milliseconds that each part of [`HIT_LEVELS`] does not exceed.
    pub quantiles_ms: Vec<f64>,
    /// The 5th, 25th, 50th, 75th and 95th percentile in milliseconds of each size class, as
    /// [`sim::SIZE_CLASSES`] has them; none for a class without hits.
    pub by_size_ms: [Option<[f64; 5]>; 4],
}

/// The parts at which distributions of latencies are kept, so that those of several seeds can
/// be put together.
pub const HIT_LEVELS: [f64; 107] = hit_levels();

const fn hit_levels() -> [f64; 107] {
    let mut levels = [0.0; 107];
    levels[0] = 0.001;
    levels[1] = 0.005;
    let mut percent = 1;
    while percent < 100 {
        levels[percent + 1] = percent as f64 / 100.0;
        percent += 1;
    }
    let last = [0.993, 0.995, 0.997, 0.998, 0.999, 0.9995];
    let mut index = 0;
    while index < last.len() {
        levels[101 + index] = last[index];
        index += 1;
    }
    levels
}

impl HitLatency {
    /// The length that `part` of the hits does not exceed, if that part is kept.
    pub fn quantile_ms(&self, part: f64) -> Option<f64> {
        let index = HIT_LEVELS.iter().position(|it| (it - part).abs() < 1e-9)?;
        self.quantiles_ms.get(index).copied()
    }
}

impl From<&Latencies> for HitLatency {
    fn from(latencies: &Latencies) -> HitLatency {
        let Latencies { hits, hits_by_size, .. } = latencies;
        if hits.n_recorded() == 0 {
            return HitLatency::default();
        }
        let spread = |it: &Distribution| {
            let at = |part: f64| it.quantile_ms(part);
            (0 < it.n_recorded()).then(|| [0.05, 0.25, 0.5, 0.75, 0.95].map(at))
        };
        HitLatency {
            quantiles_ms: HIT_LEVELS.iter().map(|it| hits.quantile_ms(*it)).collect(),
            by_size_ms: hits_by_size.each_ref().map(spread),
        }
    }
}

/// How long cached objects last, and how long it takes to repair what is found broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossSummary {
    /// How long it took to store chunks again that were found lost, be it from the others or
    /// from the backing store; nothing where none was.
    pub time_to_repair: Option<LatencySummary>,
    /// How long a cached object lasts on average, in hours; nothing where none was lost.
    pub time_to_object_loss_h_mean: Option<f64>,
    /// The same by the closed form of the paper's section 4.3, which knows no backups; nothing
    /// where nothing is reclaimed by number.
    pub time_to_object_loss_h_closed_form: Option<f64>,
}

/// One hour of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HourSummary {
    /// What happened.
    pub counts: Counts,
    /// What was used.
    pub usage: Usage,
    /// What that cost.
    pub cost: CostItems,
}

/// How long the GETs of a run took, in milliseconds; all 0 where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// Their mean.
    #[serde(rename = "mean")]
    pub mean_ms: f64,
    /// Half of them took no longer.
    #[serde(rename = "p50")]
    pub p50_ms: f64,
    /// 90 of 100 took no longer.
    #[serde(rename = "p90")]
    pub p90_ms: f64,
    /// 95 of 100 took no longer.
    #[serde(rename = "p95")]
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    #[serde(rename = "p99")]
    pub p99_ms: f64,
    /// 999 of 1,000 took no longer.
    #[serde(rename = "p999")]
    pub p999_ms: f64,
    /// The longest.
    #[serde(rename = "max")]
    pub max_ms: f64,
}

impl LatencySummary {
    /// The summary of these numbers, in the order of [`LatencySummary::named`], in milliseconds.
    pub const fn of_ms(ms: [f64; 7]) -> LatencySummary {
        LatencySummary {
            mean_ms: ms[0],
            p50_ms: ms[1],
            p90_ms: ms[2],
            p95_ms: ms[3],
            p99_ms: ms[4],
            p999_ms: ms[5],
            max_ms: ms[6],
        }
    }

    /// The numbers with their names, in the order in which they are listed.
    pub const fn named(&self) -> [(&'static str, f64); 7] {
        let LatencySummary { mean_ms, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, max_ms } = *self;
        [
            ("mean", mean_ms),
            ("p50", p50_ms),
            ("p90", p90_ms),
            ("p95", p95_ms),
            ("p99", p99_ms),
            ("p999", p999_ms),
            ("max", max_ms),
        ]
    }
}

impl From<&Distribution> for LatencySummary {
    fn from(distribution: &Distribution) -> LatencySummary {
        LatencySummary {
            mean_ms: distribution.mean_ms(),
            p50_ms: distribution.quantile_ms(0.5),
            p90_ms: distribution.quantile_ms(0.9),
            p95_ms: distribution.quantile_ms(0.95),
            p99_ms: distribution.quantile_ms(0.99),
            p999_ms: distribution.quantile_ms(0.999),
            max_ms: distribution.max_ms(),
        }
    }
}
