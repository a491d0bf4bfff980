//! `infinisim trace generate`: a synthetic trace as a file.

use crate::args::TraceGenerateArgs;
use crate::{trace_input, trace_output};

/// Makes the trace of a profile and writes it.
pub(crate) fn generate(args: &TraceGenerateArgs) -> anyhow::Result<()> {
    let trace = trace_input::generate(&args.profile, args.seed)?;
    trace_output::write(&trace, &args.target)
}
