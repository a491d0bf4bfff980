//! `infinisim trace fit`: a profile like a trace.

use std::path::Path;

use anyhow::Context;
use trace::{Likeness, Profile};

use crate::trace_args::TraceFitArgs;
use crate::{likeness_table, output, trace_input};

/// Reads a trace and writes the profile of its likeness, once that is seen to be one; says on
/// stderr how near that comes.
pub(crate) fn fit(args: &TraceFitArgs) -> anyhow::Result<()> {
    let name = &args.trace.trace;
    let selection = args.trace.select.selection();
    let target = args.output.as_deref().filter(|it| *it != Path::new("-"));
    trace_input::check_target(name, &args.trace.read, target)?;
    let input = trace_input::load(name, &args.trace.read, &selection)?;
    let text = trace::fit(&input.trace, input.span).with_context(|| format!("`{name}`"))?;
    let profile = Profile::from_toml("likeness", &text)?;
    let draft = trace_input::draft(&profile, trace_input::SYNTHETIC_SEED)?;
    match target {
        Some(path) => output::write_text(path, &text)?,
        None => output::print(&text)?,
    }
    let all = Likeness::to_trace(&input.trace, &draft.into_trace());
    output::note(&format!("how near it comes, by one draw:\n{}", likeness_table::shown(&all)));
    Ok(())
}
