//! `infinisim trace mrc`: exact miss ratios over policies and cache sizes.

use policy::EvictionPolicy;
use rayon::prelude::*;
use serde_json::json;
use trace::{CacheSize, MissCounts};
use units::Bytes;

use crate::args::TraceMrcArgs;
use crate::{output, progress, replay, trace_input};

/// One policy at one size, and what it missed.
struct Cell {
    policy: EvictionPolicy,
    asked: CacheSize,
    size: Bytes,
    counts: MissCounts,
}

/// Replays the trace once per policy and size, and prints what was missed.
pub(crate) fn mrc(args: &TraceMrcArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let trace = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?.trace;
    let unique_bytes = trace.unique_bytes();
    let wanted: Vec<(EvictionPolicy, CacheSize)> = args
        .policy
        .iter()
        .flat_map(|policy| args.size.iter().map(move |size| (*policy, *size)))
        .collect();
    let bar = progress::steps_bar(wanted.len(), "replaying");
    let cell = |(policy, asked): &(EvictionPolicy, CacheSize)| {
        let size = asked.resolve(unique_bytes);
        let counts = trace::miss_counts(&trace, *policy, size);
        bar.inc(1);
        Cell { policy: *policy, asked: *asked, size, counts }
    };
    let pool = replay::thread_pool(args.jobs.jobs)?;
    let cells: Vec<Cell> = pool.install(|| wanted.par_iter().map(cell).collect());
    bar.finish_and_clear();
    if args.output.json {
        let values: Vec<_> = cells.iter().map(Cell::json).collect();
        return output::print(&serde_json::to_string_pretty(&values)?);
    }
    if args.output.csv {
        let head =
            ["policy", "size_bytes", "n_requests", "n_misses", "miss_ratio", "byte_miss_ratio"];
        let mut table = vec![head.map(str::to_owned).to_vec()];
        table.extend(cells.iter().map(Cell::csv));
        return output::print(&output::csv(&table)?);
    }
    let head = ["policy", "size", "", "GETs", "misses", "miss ratio", "byte miss ratio"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(cells.iter().map(Cell::shown));
    output::print(&output::columns(&table))
}

impl Cell {
    fn json(&self) -> serde_json::Value {
        json!({
            "policy": self.policy.name(),
            "size_bytes": self.size.get(),
            "n_requests": self.counts.n_requests,
            "n_misses": self.counts.n_misses,
            "miss_ratio": self.counts.miss_ratio().as_f64(),
            "byte_miss_ratio": self.counts.byte_miss_ratio().as_f64(),
        })
    }

    fn csv(&self) -> Vec<String> {
        vec![
            self.policy.to_string(),
            self.size.get().to_string(),
            self.counts.n_requests.to_string(),
            self.counts.n_misses.to_string(),
            self.counts.miss_ratio().as_f64().to_string(),
            self.counts.byte_miss_ratio().as_f64().to_string(),
        ]
    }

    fn shown(&self) -> Vec<String> {
        let asked = match self.asked {
            CacheSize::Absolute(_) => String::new(),
            CacheSize::WorkingSet { .. } => self.asked.to_string(),
        };
        vec![
            self.policy.to_string(),
            self.size.to_string(),
            asked,
            self.counts.n_requests.to_string(),
            self.counts.n_misses.to_string(),
            self.counts.miss_ratio().to_string(),
            self.counts.byte_miss_ratio().to_string(),
        ]
    }
}
