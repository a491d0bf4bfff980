//! The figures of a run, as text.
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::load::Tally;
use crate::relay::Relay;
use crate::seen::{Sample, Seen};
use crate::watch::median;
use crate::{DEADLINE, Options};

/// What both proxies counted is summed.
const COUNTERS: [&str; 12] = [
    "invocations_backup",
    "invocations_serve",
    "invocations_warm_up",
    "invocations_failed",
    "chunks_lost",
    "chunks_recovered",
    "evictions",
    "pings_expired",
    "unanswered",
    "slow_peers",
    "puts_broken_off",
    "refused",
];

/// Prints what clients met with, what was done to them, and what it took.
pub(crate) fn report(
    options: &Options,
    tally: &mut Tally,
    seen: &Seen,
    relays: &[Relay; 3],
    proxies: &[BTreeMap<String, u64>; 2],
) {
    let Options { code, n_nodes, lasts, n_clients, seed } = options;
    println!("{n_nodes} functions, {code}, {lasts:?}, {n_clients} clients, seed {seed}");
    print_tally(tally);
    println!(
        "killed {} instances in {:.2} instance-hours; proxy killed 1",
        seen.n_kills, seen.instance_hours
    );
    for (relay, of) in relays.iter().zip(["clients", "functions", "clients of Redis"]) {
        let done = &relay.done;
        let [n_connections, n_cut, n_delayed] = [&done.n_connections, &done.n_cut, &done.n_delayed]
            .map(|it| it.load(Ordering::Relaxed));
        println!("connections of {of} {n_connections}: {n_cut} cut; {n_delayed} pieces delayed");
    }
    println!("a backup was under way at {} of {} looks", seen.n_looks_at_backups, seen.n_looks);
    for name in COUNTERS {
        let name = format!("{name}_total");
        let n: u64 = proxies.iter().filter_map(|it| it.get(&name)).sum();
        println!("{name} {n}");
    }
    print_thirds(&seen.samples);
}

fn print_tally(tally: &mut Tally) {
    tally.latencies.sort_unstable();
    let n_gets = tally.latencies.len();
    let latency = |thousandths: usize| {
        let at = (n_gets * thousandths / 1000).min(n_gets.saturating_sub(1));
        tally.latencies.get(at).map_or(0, Duration::as_millis)
    };
    println!(
        "GETs {n_gets}: {} whole, {} recovered, {} misses, {} resets; {} MB; PUTs {} ({} failed), \
         DELETEs {}",
        tally.n_whole,
        tally.n_recovered,
        tally.n_misses,
        tally.n_resets,
        tally.read_bytes / 1_000_000,
        tally.n_puts,
        tally.n_puts_failed,
        tally.n_deletes
    );
    println!("wrong or late {}", tally.faults.len());
    println!(
        "GET ms: p50 {}, p95 {}, p99 {}, longest {} of {}",
        latency(500),
        latency(950),
        latency(990),
        latency(1000),
        DEADLINE.as_millis()
    );
}

/// The medians of each third of the time after the proxy was killed.
fn print_thirds(samples: &[Sample]) {
    let third = samples.len() / 3;
    for (of, from) in [("first", 0), ("second", third), ("last", 2 * third)] {
        let middle = |what: &dyn Fn(&Sample) -> u64| {
            median(samples.iter().skip(from).take(third).map(what).collect())
        };
        println!(
            "{of} third: proxy {} MB, {} descriptors, {} tasks; {} processes, functions {} MB; \
             clients and platform {} MB",
            middle(&|it| it.proxy_kb) / 1000,
            middle(&|it| it.proxy_descriptors),
            middle(&|it| it.proxy_tasks),
            middle(&|it| it.n_processes),
            middle(&|it| it.functions_kb) / 1000,
            middle(&|it| it.here_kb) / 1000
        );
    }
}
