//! `infinisim trace generate`: a synthetic trace as CSV.

use std::io::{self, Write};

use crate::args::TraceGenerateArgs;
use crate::{output, trace_input};

/// Makes the trace of a profile and writes it.
pub(crate) fn generate(args: &TraceGenerateArgs) -> anyhow::Result<()> {
    let trace = trace_input::generate(&args.profile, args.seed)?;
    let Some(path) = &args.output else {
        let mut out = io::BufWriter::new(io::stdout().lock());
        trace::write_csv(&trace, &mut out)?;
        return Ok(out.flush()?);
    };
    output::write_file(path, |out| Ok(trace::write_csv(&trace, out)?))?;
    output::note(&format!("{} requests in `{}`", trace.requests().len(), path.display()));
    Ok(())
}
