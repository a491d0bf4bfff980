//! The names that the numbers of a system have in JSON and in CSV, in their order.

use pricing::CostItems;
use sim::Counts;
use units::{Bytes, Nanos, Ratio};

use super::{LossSummary, SystemSummary};

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

/// The same in parts of a whole, from 0 to 1; null or empty where the whole is nothing.
pub(super) fn ratios(counts: &Counts) -> [(&'static str, Option<f64>); 5] {
    let part = |it: Ratio| (0 < it.whole).then(|| it.as_f64());
    [
        ("hit_ratio", part(counts.hit_ratio())),
        ("byte_hit_ratio", part(counts.byte_hit_ratio())),
        ("hit_ratio_without_compulsory", part(counts.hit_ratio_without_compulsory())),
        ("byte_hit_ratio_without_compulsory", part(counts.byte_hit_ratio_without_compulsory())),
        ("availability", part(counts.availability())),
    ]
}

/// The rest of what was counted.
pub(super) const fn more_events(counts: &Counts) -> [(&'static str, u64); 14] {
    [
        ("n_puts", counts.n_puts),
        ("n_deletes", counts.n_deletes),
        ("n_recovered_chunks", counts.n_recovered_chunks),
        ("written_bytes", counts.written_bytes.get()),
        ("requested_bytes", counts.requested_bytes.get()),
        ("hit_bytes", counts.hit_bytes.get()),
        ("compulsory_bytes", counts.compulsory_bytes.get()),
        ("overcommitted_bytes_max", counts.overcommitted_max.get()),
        ("n_objects_lost", counts.n_objects_lost),
        ("intact_object_s", counts.intact_object_s),
        ("n_timeouts", counts.n_timeouts),
        ("n_failed", counts.n_failed),
        ("busy_ns", counts.busy.get()),
        ("synced_bytes", counts.synced_bytes.get()),
    ]
}

/// All counts with the names that JSON and CSV have for them.
pub fn named_counts(counts: &Counts) -> impl Iterator<Item = (&'static str, u64)> + use<> {
    events(counts).into_iter().chain(more_events(counts))
}

/// The counts whose parts are `number_of` their names, which are those of [`named_counts`].
///
/// # Errors
/// The first name of which there is no number.
pub fn counts_of(number_of: impl Fn(&str) -> Option<u64>) -> Result<Counts, &'static str> {
    let of = |name: &'static str| number_of(name).ok_or(name);
    Ok(Counts {
        n_gets: of("n_gets")?,
        n_puts: of("n_puts")?,
        n_deletes: of("n_deletes")?,
        n_hits: of("n_hits")?,
        n_compulsory_misses: of("n_compulsory_misses")?,
        n_capacity_misses: of("n_capacity_misses")?,
        n_resets: of("n_resets")?,
        n_recoveries: of("n_recoveries")?,
        n_recovered_chunks: of("n_recovered_chunks")?,
        n_evictions: of("n_evictions")?,
        n_reclaims: of("n_reclaims")?,
        n_invocations: of("n_invocations")?,
        n_timeouts: of("n_timeouts")?,
        n_failed: of("n_failed")?,
        n_objects_lost: of("n_objects_lost")?,
        intact_object_s: of("intact_object_s")?,
        busy: Nanos::new(of("busy_ns")?),
        synced_bytes: Bytes::new(of("synced_bytes")?),
        written_bytes: Bytes::new(of("written_bytes")?),
        requested_bytes: Bytes::new(of("requested_bytes")?),
        hit_bytes: Bytes::new(of("hit_bytes")?),
        compulsory_bytes: Bytes::new(of("compulsory_bytes")?),
        overcommitted_max: Bytes::new(of("overcommitted_bytes_max")?),
    })
}

/// How long GETs took, in milliseconds; null or empty where there were none.
pub(super) fn latencies(system: &SystemSummary) -> [(&'static str, Option<f64>); 7] {
    let has_gets = 0 < system.counts.n_gets;
    system.latency.named().map(|(name, it)| (name, has_gets.then_some(it)))
}

/// How long objects last and take to repair; what there is nothing of is null or empty.
pub(super) fn loss(loss: &LossSummary) -> [(&'static str, Option<f64>); 5] {
    let LossSummary {
        time_to_repair,
        time_to_object_loss_h_mean,
        time_to_object_loss_h_closed_form,
    } = *loss;
    [
        ("time_to_repair_ms_mean", time_to_repair.map(|it| it.mean_ms)),
        ("time_to_repair_ms_p50", time_to_repair.map(|it| it.p50_ms)),
        ("time_to_repair_ms_p99", time_to_repair.map(|it| it.p99_ms)),
        ("time_to_object_loss_h_mean", time_to_object_loss_h_mean),
        ("time_to_object_loss_h_closed_form", time_to_object_loss_h_closed_form),
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
