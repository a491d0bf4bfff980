//! The command line of what makes a trace of a trace.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{ArgGroup, Args as ArgGroupOf};
use policy::EvictionPolicy;
use trace::CacheSize;

use crate::args::{JobsArgs, OutputArgs, TraceArgs, parse_at_least_one, parse_whole};
use crate::one_of::one_of;
use crate::trace_output::{self, TargetFormat};

/// Where a trace goes.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Output")]
pub(crate) struct TargetArgs {
    /// Where to write the trace; `.gz` and `.zst` compress it [default: standard output]
    #[arg(
        long,
        short,
        value_name = "FILE",
        value_parser = PathBufValueParser::new().try_map(trace_output::check_ending)
    )]
    output: Option<PathBuf>,
    /// The format: csv, oracleGeneral, lcs (version 3), lcs-v1, lcs-v2, ibm-json, parquet
    /// [default: by the file's name, else csv]
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = one_of::<TargetFormat>(TargetFormat::names()),
        hide_possible_values = true
    )]
    pub(crate) to: Option<TargetFormat>,
}

impl TargetArgs {
    /// The file; none is standard output, which `-` stands for too.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|it| *it != Path::new("-"))
    }
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
    #[arg(long, group = "size", value_parser = parse_rate, help_heading = "Sampling")]
    pub(crate) rate: Option<f64>,
    /// At most so many objects
    #[arg(
        long,
        value_name = "N",
        group = "size",
        value_parser = parse_at_least_one::<NonZeroU64>,
        help_heading = "Sampling"
    )]
    pub(crate) objects: Option<NonZeroU64>,
    /// Names the hash by which objects are drawn
    #[arg(long, default_value_t = 1, value_parser = parse_whole::<u64>, help_heading = "Sampling")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceFitArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// Where to write the profile, a TOML file [default: standard output]
    #[arg(long, short, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceGenerateArgs {
    /// The profile: one that comes with the program, such as dallas-50h, or a TOML file
    pub(crate) profile: String,
    /// Names the randomness of the trace
    #[arg(long, default_value_t = 1, value_parser = parse_whole::<u64>)]
    pub(crate) seed: u64,
    /// Print how near the workload comes to what is published of the one that it imitates, and
    /// write no trace
    #[arg(long, conflicts_with_all = ["output", "to"])]
    pub(crate) report: bool,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceMrcArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// Policies, separated by commas: lru, fifo, clock, lfu, sieve, s3-fifo, belady
    #[arg(
        long,
        value_name = "POLICIES",
        value_delimiter = ',',
        default_value = "lru",
        value_parser = one_of::<EvictionPolicy>(EvictionPolicy::ALL.map(EvictionPolicy::name)),
        hide_possible_values = true,
        help_heading = "Caches"
    )]
    pub(crate) policy: Vec<EvictionPolicy>,
    /// Cache sizes, separated by commas: `100GB`, or `10%wss` of the working set
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        default_value = "1%wss,2%wss,5%wss,10%wss,20%wss,50%wss,100%wss",
        help_heading = "Caches"
    )]
    pub(crate) size: Vec<CacheSize>,
    /// Estimate from this share of the objects, such as 0.01 (SHARDS): only they are held in
    /// memory, and counts and the working set are theirs
    #[arg(long, value_name = "RATE", value_parser = parse_rate, help_heading = "Sampling")]
    pub(crate) sample: Option<f64>,
    /// Estimate from at most so many objects (SHARDS of a fixed size)
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "sample",
        value_parser = parse_at_least_one::<NonZeroU64>,
        help_heading = "Sampling"
    )]
    pub(crate) sample_objects: Option<NonZeroU64>,
    /// Names the hash by which objects are drawn for a sample
    #[arg(long, default_value_t = 1, value_parser = parse_whole::<u64>, help_heading = "Sampling")]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
}

/// A share of all objects.
pub(crate) fn parse_rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok().filter(|it| 0.0 < *it && *it <= 1.0);
    rate.ok_or_else(|| "write a share above 0 and at most 1, such as 0.01".to_owned())
}
