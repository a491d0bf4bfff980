//! What may be typed after `infinisim live`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as ArgGroupOf, Subcommand};
use policy::reclaim::Reclaim;
use units::{Bytes, Nanos};

#[derive(Debug, Subcommand)]
pub(crate) enum LiveCommand {
    /// Start a pool of functions and a proxy on this machine, until Ctrl-C
    Up(LiveUpArgs),
    /// Become a function (what `up` starts)
    #[command(hide = true)]
    Sandbox {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct LiveUpArgs {
    /// How many functions the pool has
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = parse_nodes())]
    pub(crate) nodes: u32,
    /// The erasure code, as data+parity chunks
    #[arg(long, value_name = "D+P", default_value = "4+2")]
    pub(crate) code: ec::Code,
    /// The memory of each function, from 128MB to 10240MB
    #[arg(long, value_name = "SIZE", default_value = "512MB")]
    pub(crate) memory: Bytes,
    /// How instances are taken back: none, poisson:RATE/min, zipf:EXPONENT:MAX, idle:TIME,
    /// mass:TIME, schedule:FILE.csv, fig8:DATE or fig9:DATE
    #[arg(long, value_name = "PROCESS", default_value = "none", value_parser = parse_reclaim)]
    pub(crate) reclaim: Reclaim,
    /// The seed of reclaims and of placement
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// From an invocation until a new instance is handed it, at least
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub(crate) cold_start: Nanos,
    /// From an invocation until an idle instance is handed it, at least
    #[arg(long, value_name = "TIME", default_value = "0ms")]
    pub(crate) warm_start: Nanos,
    /// The function's program [default: `bootstrap` beside this one]
    #[arg(long, value_name = "FILE")]
    pub(crate) bootstrap: Option<PathBuf>,
    /// Let the system pick all ports, instead of 6375 to 6378
    #[arg(long)]
    pub(crate) any_ports: bool,
}

fn parse_nodes() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=4_000)
}

fn parse_reclaim(text: &str) -> Result<Reclaim, String> {
    let read_file = |name: &str| fs_err::read_to_string(name).map_err(|err| err.to_string());
    Reclaim::parse(text, &read_file).map_err(|err| err.to_string())
}
