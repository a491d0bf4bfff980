//! A comparison as rows: one for each system, and one for each of its hours.

use sim::{N_PHASES, Phases};

use super::fields::{dollars, events, latencies, loss as loss_fields, more_events, ratios};
use super::{Comparison, HourSummary, LatencySplit, LatencySummary, Receipt, SystemSummary};
use crate::rows::{Cell, ColumnKind, Rows};

type NamedCell = (String, ColumnKind, Cell);

/// Comparisons, such as those of several seeds, as rows: one for each system. The columns are
/// those of the JSON, nested names joined with the unit before the item (`cost_usd_total`,
/// `latency_ms_p99`), and the receipt in the last ones; of the phases of latency only the means
/// are among them, and of what size of object took how long nothing is. Without a system there is
/// no row, and no column.
pub fn to_rows(comparisons: &[Comparison]) -> Rows {
    let rows_of = |it: &Comparison| -> Vec<Vec<NamedCell>> {
        it.systems.iter().map(|system| row(system, &it.receipt)).collect()
    };
    Rows::named(comparisons.iter().flat_map(rows_of).collect())
}

/// The same as CSV.
pub fn to_csv(comparisons: &[Comparison]) -> String {
    to_rows(comparisons).to_csv()
}

/// What happened and what it cost hour by hour, as rows: one for each hour of each system under
/// each seed.
pub fn to_hourly_rows(comparisons: &[Comparison]) -> Rows {
    let mut rows = Vec::new();
    for Comparison { receipt, systems, .. } in comparisons {
        for SystemSummary { name, hours, .. } in systems {
            for (hour, HourSummary { counts, usage: _, cost }) in (1..).zip(hours) {
                let mut row = vec![
                    text("name", name),
                    count(("seed", receipt.seed)),
                    // Counted from 1.
                    count(("hour", hour)),
                ];
                row.extend(events(counts).map(count));
                row.extend(ratios(counts).map(optional));
                row.extend(dollars(cost).into_iter().map(|it| prefixed("cost_usd", it)));
                row.extend(more_events(counts).map(count));
                rows.push(row);
            }
        }
    }
    Rows::named(rows)
}

fn row(system: &SystemSummary, receipt: &Receipt) -> Vec<NamedCell> {
    let SystemSummary { name, counts, cost, latency_split, loss, .. } = system;
    let mut row = vec![text("name", name)];
    row.extend(events(counts).map(count));
    row.extend(ratios(counts).map(optional));
    row.extend(dollars(cost).into_iter().map(|it| prefixed("cost_usd", it)));
    let latency = |(item, it)| optional((format!("latency_ms_{item}").as_str(), it));
    row.extend(latencies(system).map(latency));
    let LatencySplit { hits, misses, hit_phases, miss_phases, by_size: _ } = latency_split;
    row.extend(outcome_cells("hits", hits.as_ref(), hit_phases.as_ref()));
    row.extend(outcome_cells("misses", misses.as_ref(), miss_phases.as_ref()));
    row.extend(more_events(counts).map(count));
    row.extend(loss_fields(loss).map(optional));
    row.extend(receipt_cells(receipt));
    row
}

/// How long the GETs took that ended so, and how long each of their phases did on average.
fn outcome_cells(
    outcome: &str,
    all: Option<&LatencySummary>,
    phases: Option<&[LatencySummary; N_PHASES]>,
) -> Vec<NamedCell> {
    let of_all = LatencySummary::default().named().map(|(item, _)| item);
    let numbers = all.map(|it| it.named().map(|(_, number)| number));
    let mut cells: Vec<NamedCell> = Vec::new();
    for (index, item) in of_all.into_iter().enumerate() {
        let number = numbers.map(|it| it[index]);
        cells.push(optional((format!("latency_ms_{outcome}_{item}").as_str(), number)));
    }
    for (index, phase) in Phases::NAMES.into_iter().enumerate() {
        let mean = phases.map(|it| it[index].mean_ms);
        cells.push(optional((format!("latency_ms_{outcome}_{phase}_mean").as_str(), mean)));
    }
    cells
}

fn receipt_cells(receipt: &Receipt) -> [NamedCell; 10] {
    let Receipt {
        version,
        seed,
        workload,
        experiment_hash,
        trace_hash,
        prices,
        accounting,
        repriced_from,
        quantum_ms,
        prices_hash,
        // For who prices it again, which takes JSON.
        repriced_from_hash: _,
    } = receipt;
    [
        text("version", version),
        count(("seed", *seed)),
        text_or_nothing("workload", workload),
        text("experiment_hash", experiment_hash),
        text("trace_hash", trace_hash),
        text("prices", prices),
        text_or_nothing("accounting", accounting),
        text_or_nothing("repriced_from", repriced_from),
        ("quantum_ms".to_owned(), ColumnKind::Count, quantum_ms.map_or(Cell::Nothing, Cell::Count)),
        text_or_nothing("prices_hash", prices_hash),
    ]
}

fn text(column: &str, text: &str) -> NamedCell {
    (column.to_owned(), ColumnKind::Text, Cell::text(text))
}

/// The same where an empty text says that there is none.
fn text_or_nothing(column: &str, text: &str) -> NamedCell {
    let cell = if text.is_empty() { Cell::Nothing } else { Cell::text(text) };
    (column.to_owned(), ColumnKind::Text, cell)
}

fn count((column, count): (&str, u64)) -> NamedCell {
    (column.to_owned(), ColumnKind::Count, Cell::Count(count))
}

/// A number, or nothing where there is none.
fn optional((column, number): (&str, Option<f64>)) -> NamedCell {
    (column.to_owned(), ColumnKind::Number, Cell::number(number))
}

fn prefixed(prefix: &str, (item, number): (&str, f64)) -> NamedCell {
    (format!("{prefix}_{item}"), ColumnKind::Number, Cell::Number(number))
}
