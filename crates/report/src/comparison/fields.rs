//! The names that the numbers of a system have in JSON and in CSV, in their order.

use pricing::CostItems;
use sim::Counts;

/// What every reader of a result looks for.
pub(super) const fn events(counts: &Counts) -> [(&'static str, u64); 9] {
    [
        ("n_gets", counts.n_gets),
        ("n_hits", counts.n_hits),
        ("n_compulsory_misses", counts.n_compulsory_misses),
        ("n_capacity_misses", counts.n_capacity_misses),
        ("n_resets", counts.n_resets),
        ("n_recoveries", counts.n_recoveries),
        ("n_evictions", counts.n_evictions),
        ("n_reclaims", counts.n_reclaims),
        ("n_invocations", counts.n_invocations),
    ]
}

/// The same in parts of a whole, from 0 to 1; 0 where the whole is nothing.
pub(super) fn ratios(counts: &Counts) -> [(&'static str, f64); 3] {
    [
        ("hit_ratio", counts.hit_ratio().as_f64()),
        ("byte_hit_ratio", counts.byte_hit_ratio().as_f64()),
        ("availability", counts.availability().as_f64()),
    ]
}

/// The rest of what was counted.
pub(super) const fn more_events(counts: &Counts) -> [(&'static str, u64); 6] {
    [
        ("n_puts", counts.n_puts),
        ("n_deletes", counts.n_deletes),
        ("n_recovered_chunks", counts.n_recovered_chunks),
        ("requested_bytes", counts.requested_bytes.get()),
        ("hit_bytes", counts.hit_bytes.get()),
        ("overcommitted_bytes_max", counts.overcommitted_max.get()),
    ]
}

/// The total and the items, in dollars.
pub(super) fn dollars(costs: &CostItems) -> Vec<(&'static str, f64)> {
    let items = costs.named().into_iter();
    [("total", costs.total())]
        .into_iter()
        .chain(items)
        .map(|(name, it)| (name, it.as_f64()))
        .collect()
}
