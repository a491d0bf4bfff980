//! The command line of what makes a trace of a trace.

use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{ArgGroup, Args as ArgGroupOf};

use crate::args::TraceArgs;
use crate::trace_output::TargetFormat;

/// Where a trace goes.
#[derive(Clone, Debug, ArgGroupOf)]
pub(crate) struct TargetArgs {
    /// Where to write the trace; `.gz` and `.zst` compress it [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The format: csv, oracleGeneral, lcs (version 3), lcs-v1, lcs-v2, ibm-json,
    /// parquet     /// [default: by the file's name, else csv]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) to: Option<TargetFormat>,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceConvertArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Debug, ArgGroupOf)]
#[command(group = ArgGroup::new("size").required(true).multiple(false))]
pub(crate) struct TraceSampleArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// The share of objects, such as 0.01
    #[arg(long, group = "size", value_parser = parse_rate)]
    pub(crate) rate: Option<f64>,
    /// At most so many objects
    #[arg(long, value_name = "N", group = "size")]
    pub(crate) objects: Option<NonZeroU64>,
    /// Names the hash by which objects are drawn
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceFitArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// Where to write the profile, a TOML file [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// A share of all objects.
pub(crate) fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok().filter(|it| 0.0 < *it && *it <= 1.0);
    rate.ok_or_else(|| "write a share above 0 and at most 1, such as 0.01".to_owned())
}
