//! `infinisim trace info`: what a trace is like.

use serde::Serialize;
use trace::{Hour, Percentiles, Statistics};
use units::{Bytes, Nanos, Ratio};

use crate::args::TraceInfoArgs;
use crate::{output, trace_input};

/// What `--json` prints.
#[derive(Serialize)]
struct Info {
    trace_hash: String,
    start: Option<String>,
    #[serde(flatten)]
    statistics: Statistics,
    /// Which no model looks at.
    n_requests_with_ttl: u64,
    /// Which the models take as requests for the whole object.
    n_requests_of_ranges: u64,
    hours: Vec<Hour>,
}

/// Prints the statistics of a trace.
pub(crate) fn info(args: &TraceInfoArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let input = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?;
    let statistics = Statistics::of(&input.trace);
    let asides = input.trace.asides();
    let (n_ttls, n_ranges) = (asides.ttls_s().len() as u64, asides.ranges().len() as u64);
    let start = input.trace.source().start.map(|it| it.to_string());
    if args.json {
        let trace_hash = input.trace.hash().to_string();
        let info = Info {
            trace_hash,
            start,
            statistics,
            n_requests_with_ttl: n_ttls,
            n_requests_of_ranges: n_ranges,
            hours: Hour::all_of(&input.trace),
        };
        return output::print(&serde_json::to_string_pretty(&info)?);
    }
    let mut facts = facts(&statistics, start);
    if 0 < n_ttls {
        let what = "the models ignore them";
        facts.push(("times to live", format!("{}; {what}", requests(n_ttls))));
    }
    if 0 < n_ranges {
        let what = "the models read the whole object";
        facts.push(("ranges", format!("{}; {what}", requests(n_ranges))));
    }
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): &(&str, String)| format!("{name:width$}  {value}\n");
    let text: String = facts.iter().map(line).collect();
    let table = output::columns(&percentiles(&statistics));
    output::print(&format!("{text}\n{table}\n{BASES}"))
}

/// Of which requests the percentiles are.
const BASES: &str = "Sizes are of GETs and PUTs, of an object the largest of its own; intervals are
between one request of an object and the next, of any kind.";

fn facts(it: &Statistics, start: Option<String>) -> Vec<(&'static str, String)> {
    let percent = |ratio: f64, of: &str| format!("{:.2} % of {of}", 100.0 * ratio);
    let operations = format!("{} GET, {} PUT, {} DELETE", it.n_gets, it.n_puts, it.n_deletes);
    let soon = "their intervals, by all requests";
    let once = Ratio::new(it.n_objects_once, it.n_objects);
    vec![
        ("requests", it.n_requests.to_string()),
        ("operations", operations),
        ("objects", format!("{}, {once} of them in one request only", it.n_objects)),
        ("hottest object", format!("{} of any kind", requests(it.n_requests_hottest))),
        ("bytes requested", format!("{} by GETs", it.requested_bytes)),
        ("bytes unique (working set)", format!("{} by GETs and PUTs", it.unique_bytes)),
        ("start", start.unwrap_or_else(|| "not a date".to_owned())),
        ("span", it.span_s.to_string()),
        ("requests over 10 MB", percent(it.large_request_ratio, "GETs")),
        ("... in the busiest hour", format!("{} by GETs", it.n_large_gets_hourly_max)),
        ("bytes over 10 MB", percent(it.large_byte_ratio, "bytes of GETs")),
        ("... unique", percent(it.large_unique_byte_ratio, "the working set")),
        ("objects over 10 MB", percent(it.large_object_ratio, "objects of GETs and PUTs")),
        ("... requested 10 times or more", percent(it.large_hot_ratio, "these, by all requests")),
        ("... reuse within an hour", percent(it.large_reuse_within_hour_ratio, soon)),
        ("infinite-cache hit ratio", percent(it.infinite_hit_ratio, "GETs")),
        ("infinite-cache byte hit ratio", percent(it.infinite_byte_hit_ratio, "bytes of GETs")),
    ]
}

fn requests(n: u64) -> String {
    format!("{n} request{}", if n == 1 { "" } else { "s" })
}

fn percentiles(it: &Statistics) -> Vec<Vec<String>> {
    let size = |bytes: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size")]
        Bytes::new(bytes as u64).to_string()
    };
    let time = |seconds: f64| Nanos::from_seconds_f64(seconds).to_string();
    let row = |name: &str, of: &Percentiles, shown: &dyn Fn(f64) -> String| {
        let values = [of.p10, of.p50, of.p75, of.p90, of.p95, of.p99, of.max];
        let mut row = vec![name.to_owned()];
        row.extend(values.map(shown));
        row
    };
    let head = ["", "p10", "p50", "p75", "p90", "p95", "p99", "max"].map(str::to_owned);
    vec![
        head.to_vec(),
        row("request size", &it.request_size_bytes, &size),
        row("object size", &it.object_size_bytes, &size),
        row("reuse interval", &it.reuse_interval_s, &time),
    ]
}
