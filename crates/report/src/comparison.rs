//! The systems of a run side by side: what they cost, hit, lost, and how fast they were.

mod csv;
mod fields;
mod json;
mod table;
#[cfg(test)]
mod tests;

use pricing::CostItems;
use sim::{Counts, Distribution};
use units::{Bytes, Nanos};

pub use self::csv::to_csv;
pub use self::json::{to_json, to_json_with_hours};
pub use self::table::to_table;

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The version of the program.
    pub version: String,
    /// The seed that every random stream of the run came from.
    pub seed: u64,
    /// A hash of the experiment.
    pub experiment_hash: String,
    /// A hash of the trace.
    pub trace_hash: String,
    /// The name of the price book.
    pub prices: String,
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
    /// What it cost.
    pub cost: CostItems,
    /// How long its GETs took.
    pub latency: LatencySummary,
    /// The same hour by hour, from the first; may be left empty.
    pub hours: Vec<HourSummary>,
}

/// One hour of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HourSummary {
    /// What happened.
    pub counts: Counts,
    /// What it cost.
    pub cost: CostItems,
}

/// How long the GETs of a run took, in milliseconds; all 0 where there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LatencySummary {
    /// Their mean.
    pub mean_ms: f64,
    /// Half of them took no longer.
    pub p50_ms: f64,
    /// 90 of 100 took no longer.
    pub p90_ms: f64,
    /// 95 of 100 took no longer.
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// 999 of 1,000 took no longer.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl LatencySummary {
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
