//! The command line of `infinisim figures`.

use std::path::PathBuf;

use clap::Args as ArgGroupOf;

use crate::args::{JobsArgs, ReadArgs, parse_between};

#[derive(Debug, ArgGroupOf)]
pub(crate) struct FiguresArgs {
    /// Draw the trace-driven figures from this trace instead of the synthetic one
    #[arg(long)]
    pub(crate) trace: Option<String>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// Draw only these, separated by commas, by name or its start: fig15, codes; the page and
    /// the scoreboard are left as they are
    #[arg(long, value_name = "FIGURES", value_delimiter = ',', help_heading = "Figures")]
    pub(crate) only: Vec<String>,
    /// Run this many seeds instead of those of the experiments
    #[arg(
        long,
        value_name = "N",
        value_parser = |text: &str| parse_between(text, 1_u16, 1_000),
        help_heading = "Figures"
    )]
    pub(crate) seeds: Option<u16>,
    /// Run few seeds, and say so in the captions
    #[arg(long, conflicts_with = "seeds", help_heading = "Figures")]
    pub(crate) quick: bool,
    /// Where to put the figures; finished runs are kept in its .cache, by the hash of all that
    /// they depend on
    #[arg(long, short, value_name = "DIR", default_value = "figures", help_heading = "Output")]
    pub(crate) output_dir: PathBuf,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
}
