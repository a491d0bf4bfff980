//! `infinisim trace fit`: a profile like a trace.

use crate::trace_args::TraceFitArgs;
use crate::{output, trace_input};

/// Reads a trace and writes the profile of its likeness.
pub(crate) fn fit(args: &TraceFitArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let input = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?;
    let text = trace::fit(&input.trace, input.span);
    match &args.output {
        Some(path) => output::write_text(path, &text),
        None => output::print(&text),
    }
}
