//! `infinisim trace convert`: a trace in another format.

use crate::trace_args::TraceConvertArgs;
use crate::{trace_input, trace_output};

/// Reads a trace and writes it: row by row where format and order allow, or all of it.
pub(crate) fn convert(args: &TraceConvertArgs) -> anyhow::Result<()> {
    trace_input::check_target(&args.trace.trace, &args.trace.read, args.target.file())?;
    if trace_input::convert(args)? {
        return Ok(());
    }
    let selection = args.trace.select.selection();
    let input = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?;
    trace_output::write(&input.trace, &args.target)
}
