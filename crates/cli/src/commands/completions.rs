//! `infinisim completions`: completions for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::output;

/// Prints the completions for `shell`.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "infinisim", &mut script);
    output::print(&String::from_utf8(script)?)
}
