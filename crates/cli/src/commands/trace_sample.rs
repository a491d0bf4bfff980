//! `infinisim trace sample`: the requests of a part of the objects.

use trace::SampleSize;

use crate::args::UsageError;
use crate::trace_args::TraceSampleArgs;
use crate::{output, trace_input, trace_output};

/// Reads a trace, draws objects and writes their requests.
pub(crate) fn sample(args: &TraceSampleArgs) -> anyhow::Result<()> {
    let size = match (args.rate, args.objects) {
        (Some(rate), _) => SampleSize::Rate(rate),
        (None, Some(n)) => SampleSize::Objects(n.get()),
        (None, None) => return Err(UsageError("write --rate or --objects".to_owned()).into()),
    };
    let selection = args.trace.select.selection();
    let (name, read) = (&args.trace.trace, &args.trace.read);
    trace_input::check_target(name, read, args.target.file())?;
    let sample = trace_input::load_sample(name, read, &selection, size, args.seed)?;
    let (n_objects, rate) = (sample.trace.n_objects(), sample.rate);
    output::note(&format!("{n_objects} objects drawn; scale cache sizes by {rate:.6}"));
    trace_output::write(&sample.trace, &args.target)
}
