//! `infinisim trace mrc`: miss ratios over policies and cache sizes.

use policy::EvictionPolicy;
use rayon::prelude::*;
use serde::Serialize;
use trace::{CacheSize, LruStack, MissCounts, Sample, SampleSize};
use units::{Bytes, Op};

use crate::trace_args::TraceMrcArgs;
use crate::{output, progress, replay, trace_input};

/// One policy at one size, and what it missed.
struct Cell {
    policy: EvictionPolicy,
    asked: CacheSize,
    size: Bytes,
    /// Of the sample, if there is one.
    counts: MissCounts,
    /// Of the whole trace.
    miss_ratio: f64,
}

/// A cell as `--json` prints it, its keys in this order.
#[derive(Serialize)]
struct Record {
    policy: &'static str,
    size_bytes: u64,
    n_requests: u64,
    n_misses: u64,
    miss_ratio: f64,
    byte_miss_ratio: f64,
}

/// Replays the trace once per policy and size, and prints what was missed.
pub(crate) fn mrc(args: &TraceMrcArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let whole = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?.trace;
    let unique_bytes = whole.unique_bytes();
    let n_gets = whole.requests().iter().filter(|it| it.op == Op::Get).count() as u64;
    let of_rate = args.sample.map(SampleSize::Rate);
    let sampled = of_rate.or(args.sample_objects.map(|it| SampleSize::Objects(it.get())));
    let Sample { trace, rate } = match sampled {
        Some(size) => trace::sample(whole, size, args.seed)?,
        None => Sample { trace: whole, rate: 1.0 },
    };
    if sampled.is_some() {
        let n_objects = trace.n_objects();
        output::note(&format!("estimated from {n_objects} objects, at a rate of {rate:.6}"));
    }
    // One look at the trace for all sizes of LRU.
    let has_lru = args.policy.contains(&EvictionPolicy::Lru);
    let lru = has_lru.then(|| LruStack::new(&trace));
    let wanted: Vec<(EvictionPolicy, CacheSize)> = args
        .policy
        .iter()
        .flat_map(|policy| args.size.iter().map(move |size| (*policy, *size)))
        .collect();
    let bar = progress::steps_bar(wanted.len(), "replaying");
    let cell = |(policy, asked): &(EvictionPolicy, CacheSize)| {
        let size = asked.resolve(unique_bytes);
        let cache_size = scaled(size.get(), rate);
        let counts = match &lru {
            Some(lru) if *policy == EvictionPolicy::Lru => lru.miss_counts(cache_size),
            _ => trace::miss_counts(&trace, *policy, cache_size),
        };
        bar.inc(1);
        let miss_ratio = match sampled {
            // SHARDS-adj: what the sample has too many or too few of are hits.
            Some(_) => (counts.n_misses as f64 / (n_gets as f64 * rate)).min(1.0),
            None => counts.miss_ratio().as_f64(),
        };
        Cell { policy: *policy, asked: *asked, size, counts, miss_ratio }
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
    fn json(&self) -> Record {
        Record {
            policy: self.policy.name(),
            size_bytes: self.size.get(),
            n_requests: self.counts.n_requests,
            n_misses: self.counts.n_misses,
            miss_ratio: self.miss_ratio,
            byte_miss_ratio: self.counts.byte_miss_ratio().as_f64(),
        }
    }

    fn csv(&self) -> Vec<String> {
        vec![
            self.policy.to_string(),
            self.size.get().to_string(),
            self.counts.n_requests.to_string(),
            self.counts.n_misses.to_string(),
            self.miss_ratio.to_string(),
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
            format!("{:.2} %", 100.0 * self.miss_ratio),
            self.counts.byte_miss_ratio().to_string(),
        ]
    }
}

/// A cache of the whole trace, for a sample of this share of it.
fn scaled(bytes: u64, rate: f64) -> Bytes {
    if 1.0 <= rate {
        return Bytes::new(bytes);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    Bytes::new((bytes as f64 * rate).round() as u64)
}
