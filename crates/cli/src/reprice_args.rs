//! The command line of `infinisim reprice`.

use std::path::PathBuf;

use clap::Args as ArgGroupOf;
use pricing::Accounting;

use crate::args::OutputArgs;
use crate::one_of::one_of;

#[derive(Debug, ArgGroupOf)]
pub(crate) struct RepriceArgs {
    /// A result: what `compare`, `run` and `live replay` print with --json, results.json of the
    /// directory that they write with -o, or that directory; `-` for standard input
    pub(crate) result: PathBuf,
    /// The name of a price book (see `infinisim prices list`), or the path of one [default: that
    /// of the result]
    #[arg(long, value_name = "BOOK", help_heading = "Prices")]
    pub(crate) prices: Option<String>,
    /// `paper` leaves out the proxy's machine and the store behind a cache, `full` charges
    /// both [default: as the book says, or without --prices as in the result]
    #[arg(
        long,
        value_name = "WHICH",
        value_parser = one_of::<Accounting>(Accounting::ALL.map(Accounting::name)),
        hide_possible_values = true,
        help_heading = "Prices"
    )]
    pub(crate) accounting: Option<Accounting>,
    #[command(flatten)]
    pub(crate) form: OutputArgs,
}
