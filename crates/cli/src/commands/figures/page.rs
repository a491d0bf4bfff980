//! The page that shows everything that was drawn, as Markdown.

use std::collections::BTreeMap;

use report::comparison::Receipt;
use report::scoreboard::{self, Row};
use report::table1::{self, Workload};

use super::{Drawn, Runs};

/// The page.
pub(super) fn page(
    runs: &Runs,
    drawn: &[Drawn],
    workloads: &[Workload],
    rows: &[Row],
    half_widths: &BTreeMap<String, f64>,
    not_run: &[&str],
) -> String {
    let mut text = format!(
        "# InfiniCache (FAST'20), ours beside theirs\n\n\
         Trace-driven figures are of {}. Drawn by `infinisim figures`; do not edit.\n",
        runs.workload
    );
    if runs.is_synthetic {
        text.push_str(
            "\nThe synthetic trace is fitted to the working set, the request rate and the \
             infinite-cache hit ratio of the real one, so ElastiCache's hit ratios test the trace \
             rather than the model. `make reproduce-figures TRACE=path` draws from the real one.\n",
        );
    }
    for Drawn { name, title, .. } in drawn {
        text.push_str(&format!("\n## {title}\n\n![{title}]({name}.svg)\n"));
    }
    text.push_str(&format!("\n## Table 1\n\n{}", table1::to_markdown(workloads)));
    text.push_str(&format!("\n## Scoreboard\n\n{}", scoreboard::to_markdown(rows, half_widths)));
    if !not_run.is_empty() {
        text.push_str(&format!("\nNot run on this trace: {}.\n", not_run.join(", ")));
    }
    let receipts = [runs.large.first(), runs.all.first()].into_iter().flatten();
    let listed: Vec<String> = receipts.map(|it| receipt(&it.receipt)).collect();
    text.push_str(&format!("\n## Receipts\n\n{}\n", listed.join("\n")));
    text
}

fn receipt(it: &Receipt) -> String {
    let Receipt { version, seed, experiment_hash, trace_hash, prices } = it;
    format!(
        "- infinisim {version}, seeds from {seed} on, prices {prices},\n  \
         experiment `{experiment_hash}`,\n  trace `{trace_hash}`"
    )
}
