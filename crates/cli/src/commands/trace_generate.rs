//! `infinisim trace generate`: a synthetic trace as a file, or how like it is to what it imitates.

use trace::Likeness;

use crate::args::UsageError;
use crate::trace_args::TraceGenerateArgs;
use crate::{likeness_table, output, trace_input, trace_output};

/// Makes the trace of a profile and writes it, or holds it against what is published.
pub(crate) fn generate(args: &TraceGenerateArgs) -> anyhow::Result<()> {
    let profile = trace_input::profile(&args.profile)?;
    let draft = trace_input::draft(&profile, args.seed)?;
    if !args.report {
        trace_input::check_profile_target(&args.profile, args.target.file())?;
        return trace_output::write_draft(draft, &args.target);
    }
    let all = Likeness::to_published(&profile, &draft.into_trace());
    if all.is_empty() {
        let name = profile.name();
        return Err(UsageError(format!(
            "nothing is published of `{name}`; `trace fit` tells how near its likeness comes to a \
             trace, and `--report` what the profiles that come with the program are like"
        ))
        .into());
    }
    output::print(&likeness_table::shown(&all))
}
