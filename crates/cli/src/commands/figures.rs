//! `infinisim figures`: the figures and tables of the paper, ours beside theirs.

use crate::args::FiguresArgs;

/// Draws.
pub(crate) fn figures(_args: &FiguresArgs) -> anyhow::Result<()> {
    Ok(())
}
