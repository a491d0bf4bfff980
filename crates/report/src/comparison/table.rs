//! A comparison as a person reads it on a terminal.

use units::{Ratio, Usd};

use super::cost_ratio::CostRatio;
use super::fields::latencies;
use super::{Comparison, Receipt, SystemSummary, TraceSummary};
use crate::number::{NONE, grouped, three_digits};

/// No line is longer, unless one word is.
const WIDTH_MAX: usize = 80;
/// Between two columns.
const GAP: usize = 2;

/// The comparison as a table, at most 80 columns wide, the systems side by side; under it how
/// many times cheaper than the first each of the others is, then the `notes`, one a paragraph,
/// and the receipt. Systems whose names do not fit over their columns are numbered, and listed
/// under the table.
pub fn to_table(comparison: &Comparison, notes: &[String]) -> String {
    let Comparison { receipt, trace: _, systems } = comparison;
    let columns: Vec<Vec<String>> =
        systems.iter().map(|it| rows(it).into_iter().map(|(_, cell)| cell).collect()).collect();
    let names: Vec<&str> = systems.iter().map(|it| it.name.as_str()).collect();
    let sides = Sides { labels: labels(), names, columns };
    let headers = sides.headers();

    let mut text = wrapped(&trace_line(comparison), "");
    text.push_str(&sides.to_text());
    if let Some(cheaper) = cheaper_line(systems, &headers) {
        text.push('\n');
        text.push_str(&wrapped(&cheaper, "    "));
    }
    text.push('\n');
    for note in notes {
        text.push_str(&wrapped(&format!("note: {note}"), "    "));
    }
    text.push_str(&wrapped(&receipt_line(receipt), "    "));
    text
}

/// Several seeds of one comparison as a table like that of [`to_table`], of cells that say what
/// they came to: under each of the `labels` one for each of the `systems`, after its name.
pub fn to_table_of_seeds(
    comparisons: &[Comparison],
    labels: &[String],
    systems: &[Vec<String>],
    notes: &[String],
) -> String {
    let sides = Sides {
        labels: labels.iter().map(String::as_str).collect(),
        names: systems.iter().map(|it| it[0].as_str()).collect(),
        columns: systems.iter().map(|it| it[1..].to_vec()).collect(),
    };
    framed(comparisons, &sides.to_text(), notes)
}

/// A table made of several seeds of one comparison, between what was replayed and how it was
/// made: the `notes`, one a paragraph, and the receipt.
pub fn framed(comparisons: &[Comparison], table: &str, notes: &[String]) -> String {
    let Some(first) = comparisons.first() else { return String::new() };
    let mut text = wrapped(&trace_line(first), "");
    text.push_str(table);
    text.push('\n');
    for note in notes {
        text.push_str(&wrapped(&format!("note: {note}"), "    "));
    }
    let seeds: Vec<String> = comparisons.iter().map(|it| it.receipt.seed.to_string()).collect();
    let receipt = receipt_of_seeds(&first.receipt, &format!("seeds {}", seeds.join(", ")));
    text.push_str(&wrapped(&receipt, "    "));
    text
}

/// Systems side by side: the names and cells of each.
struct Sides<'a> {
    labels: Vec<&'a str>,
    names: Vec<&'a str>,
    columns: Vec<Vec<String>>,
}

impl Sides<'_> {
    /// What stands over the columns: the names, or numbers where those do not fit.
    fn headers(&self) -> Vec<String> {
        if self.fit(&self.widths(&self.names)) {
            return self.names.iter().map(|it| (*it).to_owned()).collect();
        }
        (1..=self.names.len()).map(|it| format!("[{it}]")).collect()
    }

    /// The columns side by side, as many in a block as fit, and under them which number is which
    /// system, where numbers stand over them.
    fn to_text(&self) -> String {
        let headers = self.headers();
        let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
        let widths = self.widths(&headers);
        let mut text = String::new();
        let mut first = 0;
        while first < headers.len() {
            let mut end = first + 1;
            while end < headers.len() && self.fit(&widths[first..=end]) {
                end += 1;
            }
            text.push('\n');
            text.push_str(&self.line("", (first..end).map(|it| (headers[it], widths[it]))));
            for (index, label) in self.labels.iter().enumerate() {
                let cells = (first..end).map(|it| (self.columns[it][index].as_str(), widths[it]));
                text.push_str(&self.line(label, cells));
            }
            first = end;
        }
        if headers != self.names {
            text.push('\n');
            for (header, name) in headers.iter().zip(&self.names) {
                text.push_str(&wrapped(&format!("{header} {name}"), "    "));
            }
        }
        text
    }

    /// How wide each column is, its header included.
    fn widths(&self, headers: &[&str]) -> Vec<usize> {
        let widest = |column: &Vec<String>| column.iter().map(|it| width(it)).max().unwrap_or(0);
        let columns = headers.iter().zip(&self.columns);
        columns.map(|(it, column)| width(it).max(widest(column))).collect()
    }

    /// Whether columns of these widths fit beside the labels.
    fn fit(&self, widths: &[usize]) -> bool {
        self.label_width() + widths.iter().map(|it| GAP + it).sum::<usize>() <= WIDTH_MAX
    }

    fn label_width(&self) -> usize {
        self.labels.iter().map(|it| width(it)).max().unwrap_or(0)
    }

    fn line<'b>(&self, label: &str, cells: impl Iterator<Item = (&'b str, usize)>) -> String {
        let label_width = self.label_width();
        let mut text = format!("{label:<label_width$}");
        for (cell, width) in cells {
            let width = width + GAP;
            text = format!("{text}{cell:>width$}");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

fn labels() -> Vec<&'static str> {
    rows(&SystemSummary::default()).iter().map(|(label, _)| *label).collect()
}

/// Each row of the table: what it shows, and what it shows of `system`.
fn rows(system: &SystemSummary) -> Vec<(&'static str, String)> {
    let SystemSummary { counts, cost, loss, .. } = system;
    let mut rows = vec![("cost", cost.total().to_string())];
    let items = ["  serving", "  warm-up", "  backup", "  nodes", "  backing store", "  proxy"];
    rows.extend(items.into_iter().zip(cost.named().map(|(_, it)| dollars_or_none(it))));
    rows.extend([
        ("GETs", grouped(counts.n_gets)),
        ("hit ratio", percent_or_none(counts.hit_ratio())),
        ("byte hit ratio", percent_or_none(counts.byte_hit_ratio())),
        ("misses, compulsory", grouped(counts.n_compulsory_misses)),
        ("misses, capacity", grouped(counts.n_capacity_misses)),
        ("RESETs", grouped(counts.n_resets)),
        ("recoveries", grouped(counts.n_recoveries)),
        ("  of chunks", grouped(counts.n_recovered_chunks)),
        ("availability", percent_or_none(counts.availability())),
        ("objects lost", grouped(counts.n_objects_lost)),
        ("time to loss, h", digits_or_none(loss.time_to_object_loss_h_mean)),
        ("  closed form", digits_or_none(loss.time_to_object_loss_h_closed_form)),
        ("repair, ms: p50", digits_or_none(loss.time_to_repair.map(|it| it.p50_ms))),
        ("evictions", grouped(counts.n_evictions)),
        ("reclaims", grouped(counts.n_reclaims)),
        ("invocations", grouped(counts.n_invocations)),
    ]);
    let labels = ["latency, ms: mean", "  p50", "  p90", "  p95", "  p99", "  p99.9", "  longest"];
    rows.extend(labels.into_iter().zip(latencies(system).map(|(_, it)| digits_or_none(it))));
    rows
}

fn digits_or_none(number: Option<f64>) -> String {
    number.map_or_else(|| NONE.to_owned(), three_digits)
}

fn dollars_or_none(amount: Usd) -> String {
    if amount == Usd::ZERO { NONE.to_owned() } else { amount.to_string() }
}

fn percent_or_none(ratio: Ratio) -> String {
    if ratio.whole == 0 { NONE.to_owned() } else { ratio.to_string() }
}

/// What was replayed, behind the name of the workload if it has one.
fn trace_line(comparison: &Comparison) -> String {
    let Comparison { receipt, trace, systems: _ } = comparison;
    let TraceSummary { n_requests, n_objects, requested_bytes, unique_bytes, span } = trace;
    let line = format!(
        "{} requests for {} objects in {span}: {requested_bytes} requested, {unique_bytes} unique",
        grouped(*n_requests),
        grouped(*n_objects),
    );
    match receipt.workload.as_str() {
        "" => line,
        name => format!("{name}: {line}"),
    }
}

fn receipt_line(receipt: &Receipt) -> String {
    receipt_of_seeds(receipt, &format!("seed {}", receipt.seed))
}

fn receipt_of_seeds(receipt: &Receipt, seeds: &str) -> String {
    let Receipt { version, experiment_hash, trace_hash, .. } = receipt;
    let prices = receipt.price_book();
    format!(
        "infinisim {version}, {seeds}, prices {prices}, experiment {experiment_hash}, \
         trace {trace_hash}"
    )
}

/// How many times cheaper (or dearer) than the first each of the other systems is; nothing
/// where there is no other, or the first is free.
fn cheaper_line(systems: &[SystemSummary], headers: &[String]) -> Option<String> {
    let (first, others) = systems.split_first()?;
    let (first_header, headers) = headers.split_first()?;
    let cost = |it: &SystemSummary| [it.cost.total()];
    let part = |(system, header): (&SystemSummary, &String)| {
        let of = |times: &[f64]| three_digits(times.first().copied().unwrap_or(1.0));
        Some(match CostRatio::of(&cost(first), &cost(system))? {
            CostRatio::Free => format!("{header} is free"),
            CostRatio::Dearer(times) => format!("{header} is {} times dearer", of(&times)),
            CostRatio::Cheaper(times) => format!("{header} {} times", of(&times)),
        })
    };
    let parts: Vec<String> = others.iter().zip(headers).map(part).collect::<Option<_>>()?;
    let others = parts.join(", ");
    (!parts.is_empty()).then(|| format!("cheaper than {first_header}: {others}"))
}

/// `paragraph` in lines, broken after spaces and commas, all but the first behind `indent`.
fn wrapped(paragraph: &str, indent: &str) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for word in paragraph.split_inclusive([' ', ',']) {
        if WIDTH_MAX < width(&line) + width(word.trim_end()) && indent.len() < line.len() {
            text.push_str(line.trim_end());
            text.push('\n');
            line.clear();
            line.push_str(indent);
        }
        line.push_str(word);
    }
    text.push_str(line.trim_end());
    text.push('\n');
    text
}

fn width(text: &str) -> usize {
    text.chars().count()
}
