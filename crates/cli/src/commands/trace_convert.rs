//! `infinisim trace convert`: a trace in another format.

use crate::trace_args::TraceConvertArgs;
use crate::{trace_input, trace_output};

/// Reads a trace and writes it.
pub(crate) fn convert(args: &TraceConvertArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let input = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?;
    trace_output::write(&input.trace, &args.target)
}
