//! A comparison as CSV: a row for each system, a column for each number.

use super::fields::{dollars, events, loss as loss_fields, more_events, ratios};
use super::{Comparison, Receipt, SystemSummary};
use crate::grid::Grid;

/// Comparisons, such as those of several seeds, as one CSV. The columns are those of the JSON,
/// nested names joined with the unit before the item (`cost_usd_total`, `latency_ms_p99`), and
/// the receipt in the last ones. Without a system there is no row, and no header.
pub fn to_csv(comparisons: &[Comparison]) -> String {
    let rows_of = |it: &Comparison| -> Vec<Vec<(String, String)>> {
        it.systems.iter().map(|system| row(system, &it.receipt)).collect()
    };
    let rows: Vec<Vec<(String, String)>> = comparisons.iter().flat_map(rows_of).collect();
    let Some(first) = rows.first() else { return String::new() };
    let grid = Grid {
        header: first.iter().map(|(column, _)| column.as_str()).collect(),
        rows: rows.iter().map(|row| row.iter().map(|(_, cell)| cell.clone()).collect()).collect(),
    };
    grid.to_csv()
}

fn row(system: &SystemSummary, receipt: &Receipt) -> Vec<(String, String)> {
    let SystemSummary { name, counts, cost, latency, hits: _, loss, hours: _ } = system;
    let mut row = vec![("name".to_owned(), name.clone())];
    let count = |(column, it): (&str, u64)| (column.to_owned(), it.to_string());
    row.extend(events(counts).map(count));
    row.extend(ratios(counts).map(|(column, it)| (column.to_owned(), it.to_string())));
    row.extend(dollars(cost).iter().map(|(item, it)| (format!("cost_usd_{item}"), it.to_string())));
    row.extend(latency.named().map(|(item, it)| (format!("latency_ms_{item}"), it.to_string())));
    row.extend(more_events(counts).map(count));
    let number = |it: f64| it.to_string();
    row.extend(
        loss_fields(loss)
            .map(|(column, it)| (column.to_owned(), it.map_or_else(String::new, number))),
    );
    let Receipt { version, seed, experiment_hash, trace_hash, prices } = receipt;
    let receipt = [
        ("version", version.clone()),
        ("seed", seed.to_string()),
        ("experiment_hash", experiment_hash.clone()),
        ("trace_hash", trace_hash.clone()),
        ("prices", prices.clone()),
    ];
    row.extend(receipt.map(|(column, it)| (column.to_owned(), it)));
    row
}
