//! The command line of what looks at the models alone, without a trace.

use std::path::PathBuf;

use clap::Args as ArgGroupOf;

use crate::args::{DEFAULT_PROFILE, JobsArgs, OutputArgs, parse_between, parse_whole};

#[derive(Debug, ArgGroupOf)]
pub(crate) struct AvailabilityArgs {
    /// Functions in the pool
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = parse_whole::<u32>)]
    pub(crate) nodes: u32,
    /// The code, as data+parity chunks
    #[arg(long, value_name = "D+P", default_value = "10+2", value_parser = sim::parse_code)]
    pub(crate) code: (u32, u32),
    /// Reclaim processes, repeatable: fig9:DATE, poisson:RATE/min [default: all of Fig 9]
    #[arg(long, value_name = "PROCESS")]
    pub(crate) reclaim: Vec<policy::reclaim::Reclaim>,
    /// Also: how likely is a loss when this many functions are reclaimed at once? [default: 12]
    #[arg(long, value_name = "N", value_parser = parse_whole::<u32>)]
    pub(crate) reclaimed: Option<u32>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct CalibrateArgs {
    /// Start from this profile: aws-2019-fast20, aws-2024, or the path of one
    #[arg(long, value_name = "PROFILE", default_value = DEFAULT_PROFILE)]
    pub(crate) profile: String,
    /// Fit nothing: show how far the profile is from each published point
    #[arg(long, conflicts_with = "output")]
    pub(crate) check: bool,
    /// Write the fitted profile to this file [default: print it, and the errors to standard error]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Print the errors as CSV
    #[arg(long)]
    pub(crate) csv: bool,
    /// GETs behind each point
    #[arg(
        long,
        value_name = "N",
        default_value = "60",
        value_parser = |text: &str| parse_between(text, 2, u32::MAX)
    )]
    pub(crate) gets: u32,
    /// Names the randomness: the same seed, the same profile
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_whole::<u64>)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
}
