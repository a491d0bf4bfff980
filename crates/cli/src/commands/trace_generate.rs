//! `infinisim trace generate`: a synthetic trace as a file.

use crate::args::TraceGenerateArgs;
use crate::{trace_input, trace_output};

/// Makes the trace of a profile and writes it.
pub(crate) fn generate(args: &TraceGenerateArgs) -> anyhow::Result<()> {
    let draft = trace_input::draft(&args.profile, args.seed)?;
    trace_output::write_draft(draft, &args.target)
}
