//! A comparison as JSON: the same comparison gives the same bytes.

use pricing::Usage;
use serde::{Deserialize, Serialize, Serializer};
use sim::{N_PHASES, Phases, SIZE_CLASSES};

use super::fields::{dollars, events, latencies, loss as loss_fields, more_events, ratios};
use super::{
    Comparison, HourSummary, LatencySplit, LatencySummary, Receipt, SystemSummary, TraceSummary,
};

/// The comparison as JSON, without the hours. Ratios are from 0 to 1 (null where the whole
/// is nothing), costs in dollars, latencies in milliseconds.
pub fn to_json(comparison: &Comparison) -> String {
    write(comparison, false)
}

/// The same, with `hours` in each system: what happened and what it cost, hour by hour.
pub fn to_json_with_hours(comparison: &Comparison) -> String {
    write(comparison, true)
}

/// The comparisons of several seeds: one alone as [`to_json`] has it, several as an array; with
/// the hours of each system if asked.
pub fn to_json_of_seeds(comparisons: &[Comparison], with_hours: bool) -> String {
    match comparisons {
        [one] => write(one, with_hours),
        several => {
            let items: Vec<String> =
                several.iter().map(|it| write(it, with_hours).trim_end().to_owned()).collect();
            format!("[\n{}\n]\n", items.join(",\n"))
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    receipt: &'a Receipt,
    trace: TraceObject,
    systems: Vec<SystemObject<'a>>,
}

/// A trace as it is written and read.
#[derive(Serialize, Deserialize)]
pub(super) struct TraceObject {
    pub(super) n_requests: u64,
    pub(super) n_objects: u64,
    pub(super) requested_bytes: u64,
    pub(super) unique_bytes: u64,
    pub(super) span_s: f64,
}

#[derive(Serialize)]
struct SystemObject<'a> {
    name: &'a str,
    #[serde(flatten)]
    events: Named<u64>,
    #[serde(flatten)]
    ratios: Named<Option<f64>>,
    cost_usd: Named<f64>,
    latency_ms: Named<Option<f64>>,
    latency_ms_hits: Option<LatencySummary>,
    latency_ms_misses: Option<LatencySummary>,
    latency_ms_hits_by_phase: Option<Named<LatencySummary>>,
    latency_ms_misses_by_phase: Option<Named<LatencySummary>>,
    latency_ms_by_size: Named<Option<LatencySummary>>,
    #[serde(flatten)]
    more_events: Named<u64>,
    #[serde(flatten)]
    loss: Named<Option<f64>>,
    usage: &'a Usage,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<Vec<HourObject<'a>>>,
}

#[derive(Serialize)]
struct HourObject<'a> {
    /// Counted from 1.
    hour: usize,
    #[serde(flatten)]
    events: Named<u64>,
    #[serde(flatten)]
    ratios: Named<Option<f64>>,
    cost_usd: Named<f64>,
    #[serde(flatten)]
    more_events: Named<u64>,
    usage: &'a Usage,
}

/// An object whose keys stay in this order.
struct Named<T>(Vec<(&'static str, T)>);

impl<T: Serialize> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

fn write(comparison: &Comparison, with_hours: bool) -> String {
    let Comparison { receipt, trace, systems } = comparison;
    let document = Document {
        receipt,
        trace: trace_object(*trace),
        systems: systems.iter().map(|it| system_object(it, with_hours)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document).expect("every key is a text");
    text.push('\n');
    text
}

fn trace_object(trace: TraceSummary) -> TraceObject {
    let TraceSummary { n_requests, n_objects, requested_bytes, unique_bytes, span } = trace;
    TraceObject {
        n_requests,
        n_objects,
        requested_bytes: requested_bytes.get(),
        unique_bytes: unique_bytes.get(),
        span_s: span.as_seconds_f64(),
    }
}

fn system_object(system: &SystemSummary, with_hours: bool) -> SystemObject<'_> {
    let SystemSummary { name, counts, usage, cost, latency_split, loss, hours, .. } = system;
    let LatencySplit { hits, misses, hit_phases, miss_phases, by_size } = *latency_split;
    let by_phase =
        |it: [LatencySummary; N_PHASES]| Named(Phases::NAMES.into_iter().zip(it).collect());
    let sizes = SIZE_CLASSES.iter().map(|(name, _)| *name);
    SystemObject {
        name,
        events: Named(events(counts).to_vec()),
        ratios: Named(ratios(counts).to_vec()),
        cost_usd: Named(dollars(cost)),
        latency_ms: Named(latencies(system).to_vec()),
        latency_ms_hits: hits,
        latency_ms_misses: misses,
        latency_ms_hits_by_phase: hit_phases.map(by_phase),
        latency_ms_misses_by_phase: miss_phases.map(by_phase),
        latency_ms_by_size: Named(sizes.zip(by_size).collect()),
        more_events: Named(more_events(counts).to_vec()),
        loss: Named(loss_fields(loss).to_vec()),
        usage,
        hours: with_hours.then(|| hours.iter().enumerate().map(hour_object).collect()),
    }
}

fn hour_object((index, hour): (usize, &HourSummary)) -> HourObject<'_> {
    let HourSummary { counts, usage, cost } = hour;
    HourObject {
        hour: index + 1,
        events: Named(events(counts).to_vec()),
        ratios: Named(ratios(counts).to_vec()),
        cost_usd: Named(dollars(cost)),
        more_events: Named(more_events(counts).to_vec()),
        usage,
    }
}
