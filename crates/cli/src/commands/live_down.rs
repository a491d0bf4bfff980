//! `infinisim live down`: stops what `live up` started.

use crate::live_args::NameArgs;
use crate::live_control;

/// Stops a cache, and waits until it has ended.
pub(crate) fn down(args: &NameArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(live_control::stop(&args.name))
}
