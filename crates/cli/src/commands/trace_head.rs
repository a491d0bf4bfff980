//! `infinisim trace head`: the first rows of a trace as understood.

use units::Op;

use crate::args::TraceHeadArgs;
use crate::{output, trace_input};

/// Prints the first rows.
pub(crate) fn head(args: &TraceHeadArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let input = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?;
    let mut table = vec![["time_s", "op", "size_bytes", "key"].map(str::to_owned).to_vec()];
    for row in input.trace.rows().take(args.rows) {
        let op = match row.op {
            Op::Get => "GET",
            Op::Put => "PUT",
            Op::Delete => "DELETE",
        };
        table.push(vec![
            format!("{:.3}", row.at.as_nanos() as f64 / 1e9),
            op.to_owned(),
            row.size.get().to_string(),
            String::from_utf8_lossy(&row.key).into_owned(),
        ]);
    }
    output::print(&output::columns(&table))
}
