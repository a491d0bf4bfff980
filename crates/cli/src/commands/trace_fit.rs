//! `infinisim trace fit`: a profile like a trace.

use trace::{Likeness, Profile};

use crate::trace_args::TraceFitArgs;
use crate::{likeness_table, output, trace_input};

/// Reads a trace and writes the profile of its likeness; says on stderr how near that comes.
pub(crate) fn fit(args: &TraceFitArgs) -> anyhow::Result<()> {
    let selection = args.trace.select.selection();
    let input = trace_input::load(&args.trace.trace, &args.trace.read, &selection)?;
    let text = trace::fit(&input.trace, input.span);
    match &args.output {
        Some(path) => output::write_text(path, &text)?,
        None => output::print(&text)?,
    }
    let profile = Profile::from_toml("likeness", &text)?;
    let like = trace_input::draft(&profile, trace_input::SYNTHETIC_SEED)?.into_trace();
    let all = Likeness::to_trace(&input.trace, &like);
    output::note(&format!("how near it comes, by one draw:\n{}", likeness_table::shown(&all)));
    Ok(())
}
