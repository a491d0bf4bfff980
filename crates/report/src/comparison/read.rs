//! A result read back from the JSON it was written as, to be priced or shown again.

use std::collections::BTreeMap;

use pricing::{CostItems, Usage};
use serde::Deserialize;
use serde_json::Value;
use sim::{Counts, Phases, SIZE_CLASSES};
use units::{Bytes, Nanos, Usd};

use super::json::TraceObject;
use super::{
    Comparison, HitLatency, HourSummary, LatencySplit, LatencySummary, LossSummary, Receipt,
    SystemSummary, TraceSummary, counts_of,
};

/// Why a text is not a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResultError {
    /// It is no JSON, or of something else.
    #[error("{0}; write a result with `-o DIR` or `--json`")]
    Json(#[from] serde_json::Error),
    /// A system or an hour of it lacks a count.
    #[error("`{system}` has no count `{name}`; make the result again with this version")]
    NoCount {
        /// The system.
        system: String,
        /// The count.
        name: &'static str,
    },
    /// Counts that contradict each other, or amounts beyond any that can be priced.
    #[error("`{system}` has {what}; make the result again")]
    Impossible {
        /// The system.
        system: String,
        /// What it has.
        what: &'static str,
    },
    /// A time or an amount below zero.
    #[error("`{name}` is {number}, which no result has; make the result again")]
    Negative {
        /// Of what.
        name: &'static str,
        /// The number.
        number: f64,
    },
}

/// The comparisons that [`super::to_json`], [`super::to_json_with_hours`] or
/// [`super::to_json_of_seeds`] wrote: all that these write, and costs to the picodollar up to
/// a thousand dollars. The detail of the latencies of hits is not among it, and of times to repair
/// only mean, median and 99th percentile are.
///
/// # Errors
/// If the text is no such result.
pub fn from_json(text: &str) -> Result<Vec<Comparison>, ResultError> {
    // Told apart by the first mark, so that an error names a place in the text.
    let documents: Vec<Document> = if text.trim_start().starts_with('[') {
        serde_json::from_str(text)?
    } else {
        vec![serde_json::from_str(text)?]
    };
    documents.into_iter().map(comparison).collect()
}

#[derive(Deserialize)]
struct Document {
    receipt: Receipt,
    trace: TraceObject,
    systems: Vec<SystemObject>,
}

#[derive(Deserialize)]
struct SystemObject {
    name: String,
    usage: Usage,
    cost_usd: CostObject,
    latency_ms: LatencyObject,
    #[serde(flatten)]
    split: SplitObject,
    time_to_repair_ms_mean: Option<f64>,
    time_to_repair_ms_p50: Option<f64>,
    time_to_repair_ms_p99: Option<f64>,
    time_to_object_loss_h_mean: Option<f64>,
    time_to_object_loss_h_closed_form: Option<f64>,
    #[serde(default)]
    hours: Vec<HourObject>,
    #[serde(flatten)]
    numbers: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct HourObject {
    usage: Usage,
    cost_usd: CostObject,
    #[serde(flatten)]
    numbers: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct CostObject {
    serving: f64,
    warm_up: f64,
    backup: f64,
    nodes: f64,
    backing_store: f64,
    proxy: f64,
}

/// All null where there was no GET.
#[derive(Deserialize)]
struct LatencyObject {
    mean: Option<f64>,
    p50: Option<f64>,
    p90: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    max: Option<f64>,
}

/// All of it missing in results of versions that did not say.
#[derive(Deserialize)]
struct SplitObject {
    latency_ms_hits: Option<LatencySummary>,
    latency_ms_misses: Option<LatencySummary>,
    latency_ms_hits_by_phase: Option<BTreeMap<String, LatencySummary>>,
    latency_ms_misses_by_phase: Option<BTreeMap<String, LatencySummary>>,
    #[serde(default)]
    latency_ms_by_size: BTreeMap<String, Option<LatencySummary>>,
}

fn comparison(document: Document) -> Result<Comparison, ResultError> {
    let Document { receipt, trace, systems } = document;
    let TraceObject { n_requests, n_objects, requested_bytes, unique_bytes, span_s } = trace;
    Ok(Comparison {
        receipt,
        trace: TraceSummary {
            n_requests,
            n_objects,
            requested_bytes: Bytes::new(requested_bytes),
            unique_bytes: Bytes::new(unique_bytes),
            span: Nanos::from_seconds_f64(not_negative("span_s", span_s)?),
        },
        systems: systems.into_iter().map(system).collect::<Result<_, _>>()?,
    })
}

fn system(object: SystemObject) -> Result<SystemSummary, ResultError> {
    let counts = counts(&object.name, &object.numbers)?;
    check_usage(&object.name, &object.usage)?;
    let hour = |hour: HourObject| {
        let HourObject { usage, cost_usd, numbers } = hour;
        let counts = self::counts(&object.name, &numbers)?;
        check_usage(&object.name, &usage)?;
        Ok(HourSummary { counts, usage, cost: cost(&cost_usd)? })
    };
    let time_to_repair = object.time_to_repair_ms_mean.map(|mean_ms| LatencySummary {
        mean_ms,
        p50_ms: object.time_to_repair_ms_p50.unwrap_or_default(),
        p99_ms: object.time_to_repair_ms_p99.unwrap_or_default(),
        ..LatencySummary::default()
    });
    Ok(SystemSummary {
        counts,
        cost: cost(&object.cost_usd)?,
        latency: latency(&object.latency_ms),
        latency_split: split(&object.split),
        hits: HitLatency::default(),
        loss: LossSummary {
            time_to_repair,
            time_to_object_loss_h_mean: object.time_to_object_loss_h_mean,
            time_to_object_loss_h_closed_form: object.time_to_object_loss_h_closed_form,
        },
        hours: object.hours.into_iter().map(hour).collect::<Result<_, ResultError>>()?,
        usage: object.usage,
        name: object.name,
    })
}

fn counts(system: &str, numbers: &BTreeMap<String, Value>) -> Result<Counts, ResultError> {
    let counts = counts_of(|name| numbers.get(name).and_then(Value::as_u64))
        .map_err(|name| ResultError::NoCount { system: system.to_owned(), name })?;
    let Counts { n_hits, n_compulsory_misses, n_capacity_misses, n_resets, .. } = counts;
    let settled = [n_hits, n_compulsory_misses, n_capacity_misses, n_resets];
    let settled: u128 = settled.into_iter().map(u128::from).sum();
    let known_bytes = [counts.hit_bytes, counts.compulsory_bytes].map(|it| u128::from(it.get()));
    let requested_bytes = u128::from(counts.requested_bytes.get());
    if settled != u128::from(counts.n_gets) || requested_bytes < known_bytes.iter().sum() {
        let what = "hits, misses and RESETs that do not add up to its GETs";
        return Err(ResultError::Impossible { system: system.to_owned(), what });
    }
    Ok(counts)
}

fn check_usage(system: &str, usage: &Usage) -> Result<(), ResultError> {
    if usage.can_be_priced() {
        return Ok(());
    }
    let what = "used more than can be priced";
    Err(ResultError::Impossible { system: system.to_owned(), what })
}

fn cost(object: &CostObject) -> Result<CostItems, ResultError> {
    let CostObject { serving, warm_up, backup, nodes, backing_store, proxy } = *object;
    let usd = |name, dollars| Ok::<_, ResultError>(Usd::from_f64(not_negative(name, dollars)?));
    Ok(CostItems {
        serving: usd("serving", serving)?,
        warm_up: usd("warm_up", warm_up)?,
        backup: usd("backup", backup)?,
        nodes: usd("nodes", nodes)?,
        backing_store: usd("backing_store", backing_store)?,
        proxy: usd("proxy", proxy)?,
    })
}

fn not_negative(name: &'static str, number: f64) -> Result<f64, ResultError> {
    // JSON has neither infinity nor what is no number.
    if number < 0.0 { Err(ResultError::Negative { name, number }) } else { Ok(number) }
}

fn latency(object: &LatencyObject) -> LatencySummary {
    let LatencyObject { mean, p50, p90, p95, p99, p999, max } = *object;
    let numbers = [mean, p50, p90, p95, p99, p999, max];
    LatencySummary::of_ms(numbers.map(Option::unwrap_or_default))
}

fn split(object: &SplitObject) -> LatencySplit {
    let phases = |it: &Option<BTreeMap<String, LatencySummary>>| {
        let phases = it.as_ref()?;
        Some(Phases::NAMES.map(|name| phases.get(name).copied().unwrap_or_default()))
    };
    LatencySplit {
        hits: object.latency_ms_hits,
        misses: object.latency_ms_misses,
        hit_phases: phases(&object.latency_ms_hits_by_phase),
        miss_phases: phases(&object.latency_ms_misses_by_phase),
        by_size: SIZE_CLASSES
            .map(|(name, _)| object.latency_ms_by_size.get(name).copied().flatten()),
    }
}

#[cfg(test)]
mod tests;
