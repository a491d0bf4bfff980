//! `infinisim trace mrc`: miss ratios over policies and cache sizes.

use policy::EvictionPolicy;
use rayon::prelude::*;
use serde::Serialize;
use trace::{CacheSize, LruStack, MissCounts, Sample, SampleSize};
use units::Bytes;

use crate::args::OutputArgs;
use crate::trace_args::TraceMrcArgs;
use crate::{output, progress, replay, trace_input};

/// One policy at one size, and what it missed.
struct Cell {
    policy: EvictionPolicy,
    asked: CacheSize,
    size: Bytes,
    /// The share of all objects that was replayed: all, if no sample was asked for.
    sample_rate: f64,
    /// Of what was replayed.
    counts: MissCounts,
    /// Of the whole trace, and so are the bytes missed of those asked for.
    miss_ratio: f64,
    byte_miss_ratio: f64,
}

/// A cell as `--json` prints it, its keys in this order. Of a sample the counts are its own, and
/// the ratios those of the whole trace, estimated.
#[derive(Serialize)]
struct Record {
    policy: &'static str,
    size_bytes: u64,
    sample_rate: f64,
    n_requests: u64,
    n_misses: u64,
    miss_ratio: f64,
    byte_miss_ratio: f64,
}

/// Replays the trace once per policy and size, and prints what was missed.
pub(crate) fn mrc(args: &TraceMrcArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let (name, read) = (&args.trace.trace, &args.trace.read);
    let of_rate = args.sample.map(SampleSize::Rate);
    let sampled = of_rate.or(args.sample_objects.map(|it| SampleSize::Objects(it.get())));
    let Sample { trace, rate, whole } = match sampled {
        Some(size) => trace_input::load_sample(name, read, &selection, size, args.seed)?,
        None => Sample::all(trace_input::load(name, read, &selection)?.trace),
    };
    let unique_bytes = parted(trace.unique_bytes(), 1.0 / rate);
    if sampled.is_none() {
        trace_input::say_of_replay(name, &trace);
    } else {
        trace_input::say_of_replay(&format!("sample of {name}"), &trace);
        let n_objects = trace.n_objects();
        output::note(&format!(
            "estimated from {n_objects} objects, at a rate of {rate:.6}; the counts are theirs"
        ));
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
        let cache_size = parted(size, rate);
        let counts = match &lru {
            Some(lru) if *policy == EvictionPolicy::Lru => lru.miss_counts(cache_size),
            _ => trace::miss_counts(&trace, *policy, cache_size),
        };
        bar.inc(1);
        let miss_ratio = estimate(counts.n_misses, whole.n_gets, rate);
        let requested_bytes = whole.requested_bytes.get();
        let byte_miss_ratio = estimate(counts.missed_bytes.get(), requested_bytes, rate);
        let (policy, asked, sample_rate) = (*policy, *asked, rate);
        Cell { policy, asked, size, sample_rate, counts, miss_ratio, byte_miss_ratio }
    };
    let pool = replay::thread_pool(args.jobs.jobs)?;
    let cells: Vec<Cell> = pool.install(|| wanted.par_iter().map(cell).collect());
    bar.finish_and_clear();
    print(&cells, &args.output, sampled.is_some())
}

/// The columns of `--csv`, which are the keys of `--json` too.
const COLUMNS: [&str; 7] = [
    "policy",
    "size_bytes",
    "sample_rate",
    "n_requests",
    "n_misses",
    "miss_ratio",
    "byte_miss_ratio",
];

fn print(cells: &[Cell], output: &OutputArgs, is_sample: bool) -> anyhow::Result<()> {
    if output.json {
        let values: Vec<_> = cells.iter().map(Cell::json).collect();
        return output::print(&serde_json::to_string_pretty(&values)?);
    }
    if output.csv {
        let mut table = vec![COLUMNS.map(str::to_owned).to_vec()];
        table.extend(cells.iter().map(Cell::csv));
        return output::print(&output::csv(&table)?);
    }
    // Misses are counted of these; the ratios are of the whole trace.
    let gets = if is_sample { "GETs sampled" } else { "GETs" };
    let head = ["policy", "size", "", gets, "misses", "miss ratio", "byte miss ratio"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(cells.iter().map(Cell::shown));
    output::print(&output::columns(&table))
}

impl Cell {
    fn json(&self) -> Record {
        Record {
            policy: self.policy.name(),
            size_bytes: self.size.get(),
            sample_rate: self.sample_rate,
            n_requests: self.counts.n_requests,
            n_misses: self.counts.n_misses,
            miss_ratio: self.miss_ratio,
            byte_miss_ratio: self.byte_miss_ratio,
        }
    }

    fn csv(&self) -> Vec<String> {
        vec![
            self.policy.to_string(),
            self.size.get().to_string(),
            self.sample_rate.to_string(),
            self.counts.n_requests.to_string(),
            self.counts.n_misses.to_string(),
            self.miss_ratio.to_string(),
            self.byte_miss_ratio.to_string(),
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
            format!("{:.2} %", 100.0 * self.byte_miss_ratio),
        ]
    }
}

/// What was missed of a sample of this share, as a share of the `whole` trace (SHARDS-adj: what
/// the sample has too many or too few of are hits); zero, where nothing was asked for.
fn estimate(missed: u64, whole: u64, rate: f64) -> f64 {
    if whole == 0 { 0.0 } else { (missed as f64 / (whole as f64 * rate)).min(1.0) }
}

/// As many bytes times `share`: of a sample for those of the whole trace, or the other way round.
fn parted(bytes: Bytes, share: f64) -> Bytes {
    #[expect(clippy::float_cmp, reason = "the rate of a trace of which all is kept")]
    if share == 1.0 {
        return bytes;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "not negative")]
    Bytes::new((bytes.get() as f64 * share).round() as u64)
}
