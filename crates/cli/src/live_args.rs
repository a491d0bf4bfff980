//! What may be typed after `infinisim live`.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args as ArgGroupOf, Subcommand, ValueEnum};
use policy::placer::Placement;
use policy::reclaim::Reclaim;
use tracing_subscriber::filter::LevelFilter;
use units::{Bytes, Nanos};

use crate::args::{
    OutputArgs, PriceArgs, TraceArgs, parse_at_least_one, parse_between, parse_whole,
};
use crate::one_of::one_of;

#[derive(Debug, Subcommand)]
pub(crate) enum LiveCommand {
    /// Start a pool of functions and a proxy on this machine, until Ctrl-C
    Up(LiveUpArgs),
    /// Stop what `up` started
    Down(NameArgs),
    /// Make the requests of a trace on the cache, each at its time
    Replay(LiveReplayArgs),
    /// Measure the cache with random reads and writes
    Bench(LiveBenchArgs),
    /// Replay a trace live and simulated, and show how far the two are apart
    Validate(LiveValidateArgs),
    /// Become a function (what the others start)
    #[command(hide = true)]
    Sandbox {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// A pool of functions.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Functions")]
pub(crate) struct PoolArgs {
    /// How many functions the pool has
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = parse_nodes)]
    pub(crate) nodes: u32,
    /// The erasure code, as data+parity chunks
    #[arg(long, value_name = "D+P", default_value = "4+2")]
    pub(crate) code: ec::Code,
    /// The memory of each function, from 128MB to 10240MB; the prices of 2019, which replays take
    /// unless --prices names others, know it up to 3008MB in steps of 64MB
    #[arg(long, value_name = "SIZE", default_value = "512MB")]
    pub(crate) memory: Bytes,
    /// How long a function may be idle until it is warmed, or `off`
    #[arg(long, value_name = "TIME", default_value = "1min")]
    pub(crate) warmup: Interval,
    /// How often a function copies itself to a replica, or `off`
    #[arg(long, value_name = "TIME", default_value = "5min")]
    pub(crate) backup: Interval,
    /// Which functions an object asks for: random, round-robin, or keyed (at random, but by its
    /// key) [default: random; keyed for `validate`, so that order does not matter]
    #[arg(
        long,
        value_name = "HOW",
        value_parser = one_of::<Placement>(["random", "round-robin", "keyed"]),
        hide_possible_values = true
    )]
    pub(crate) placement: Option<Placement>,
    /// How instances are taken back: none, poisson:RATE/min, zipf:EXPONENT:MAX, idle:TIME,
    /// mass:TIME, schedule:FILE.csv, fig8:DATE or fig9:DATE. By zipf r a minute, from 0 to MAX,
    /// with probability as 1 / (r + 1)^EXPONENT
    #[arg(long, value_name = "PROCESS", default_value = "none", value_parser = parse_reclaim)]
    pub(crate) reclaim: Reclaim,
    /// The seed of reclaims and of placement
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = parse_whole::<u64>)]
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
}

/// A length of time, or never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval(pub(crate) Option<Nanos>);

#[derive(Debug, ArgGroupOf)]
pub(crate) struct LiveUpArgs {
    #[command(flatten)]
    pub(crate) pool: PoolArgs,
    /// Let the system pick all ports, instead of 6375 to 6378
    #[arg(long, help_heading = "Running")]
    pub(crate) any_ports: bool,
    /// What is logged to standard error: off, error, warn, info, debug or trace
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "warn",
        value_parser = parse_level,
        help_heading = "Running"
    )]
    pub(crate) log: LevelFilter,
    #[command(flatten)]
    pub(crate) name: NameArgs,
}

fn parse_level(text: &str) -> Result<LevelFilter, &'static str> {
    text.parse().map_err(|_| "write off, error, warn, info, debug or trace")
}

#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Which cache")]
pub(crate) struct NameArgs {
    /// Tells caches that run at the same time apart
    #[arg(long, value_name = "NAME", default_value = "live", value_parser = parse_name)]
    pub(crate) name: String,
}

/// Which cache is asked.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Which cache")]
pub(crate) struct WhichArgs {
    /// The one that `live up` started, as it is, instead of one of its own for the run
    #[arg(long, conflicts_with_all = [
        "nodes", "code", "memory", "warmup", "backup", "placement", "reclaim", "cold_start",
        "warm_start", "bootstrap",
    ])]
    pub(crate) running: bool,
    #[command(flatten)]
    pub(crate) name: NameArgs,
}

/// How the store behind the cache answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StoreChoice {
    /// As S3 was measured: its median time to the first byte, and its rate
    Measured,
    /// As the paper's replayer saw it
    Fast20,
    /// At once
    Instant,
}

#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Replay")]
pub(crate) struct PaceArgs {
    /// Let the trace's time pass so many times as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed)]
    pub(crate) speed: f64,
    /// Only the first requests
    #[arg(long, value_name = "N", value_parser = parse_at_least_one::<NonZeroUsize>)]
    pub(crate) limit: Option<NonZeroUsize>,
    /// How the store behind the cache answers: as S3 was `measured`, as in the paper's replays
    /// (`fast20`), or at once (`instant`); its objects are made from their keys
    #[arg(long, value_name = "WHICH", default_value = "measured", hide_possible_values = true)]
    pub(crate) store: StoreChoice,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct LiveReplayArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    #[command(flatten)]
    pub(crate) pool: PoolArgs,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    #[command(flatten)]
    pub(crate) prices: PriceArgs,
    #[command(flatten)]
    pub(crate) form: OutputArgs,
    /// Also write results.json, with the hours, results.csv, and what the platform noted:
    /// invocations.jsonl and reclaims.csv, a schedule for `--reclaim`
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct LiveBenchArgs {
    /// The sizes of objects, separated by commas; each is as likely
    #[arg(long, value_name = "SIZES", value_delimiter = ',', value_parser = parse_object_size,
        default_value = "1kB,100kB,1MB")]
    pub(crate) size: Vec<Bytes>,
    /// How many objects of each size there are; all are written first
    #[arg(long, value_name = "N", default_value = "8", value_parser = parse_n_objects)]
    pub(crate) objects: NonZeroUsize,
    /// How many requests are measured
    #[arg(long, value_name = "N", default_value = "1000", value_parser = parse_n_requests)]
    pub(crate) requests: NonZeroUsize,
    /// The share of reads; the others are writes
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = parse_share)]
    pub(crate) reads: f64,
    /// Closed loop: so many clients, each of which asks again when it was answered
    #[arg(
        long,
        value_name = "N",
        default_value = "4",
        conflicts_with = "rate",
        value_parser = parse_at_least_one::<NonZeroUsize>
    )]
    pub(crate) clients: NonZeroUsize,
    /// Open loop: so many requests in a second, at random times, whatever the answers take
    #[arg(long, value_name = "RATE", value_parser = parse_bench_rate)]
    pub(crate) rate: Option<f64>,
    #[command(flatten)]
    pub(crate) pool: PoolArgs,
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct LiveValidateArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    #[command(flatten)]
    pub(crate) pace: PaceArgs,
    #[command(flatten)]
    pub(crate) pool: PoolArgs,
    #[command(flatten)]
    pub(crate) prices: PriceArgs,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
    /// Also write the comparison (validation.json, validation.svg and .png), both results
    /// (results.json), the calibrated profile.toml, and what the platform noted
    /// (invocations.jsonl, reclaims.csv)
    #[arg(long, short, value_name = "DIR", help_heading = "Output")]
    pub(crate) output_dir: Option<PathBuf>,
}

impl std::str::FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Interval, String> {
        if text == "off" {
            return Ok(Interval(None));
        }
        match text.parse::<Nanos>() {
            Ok(interval) if Nanos::SECOND <= interval => Ok(Interval(Some(interval))),
            Ok(_) => Err("write at least 1s, or off".to_owned()),
            Err(err) => Err(format!("{err}, or off")),
        }
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(interval) => write!(f, "{}ms", interval.get() / Nanos::MILLISECOND.get()),
            None => f.write_str("off"),
        }
    }
}

fn parse_nodes(text: &str) -> Result<u32, String> {
    parse_between(text, 1, 4_000)
}

fn parse_reclaim(text: &str) -> Result<Reclaim, String> {
    let read_file = |name: &str| fs_err::read_to_string(name).map_err(|err| err.to_string());
    Reclaim::parse(text, &read_file).map_err(|err| err.to_string())
}

/// A part of the name of a socket.
fn parse_name(text: &str) -> Result<String, String> {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-';
    if (1..=32).contains(&text.len()) && text.chars().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("write up to 32 letters, digits and `-`".to_owned())
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let speed: Option<f64> = text.parse().ok().filter(|it| (0.001..=10_000.0).contains(it));
    speed.ok_or_else(|| "write a factor from 0.001 to 10000, such as 1 or 60".to_owned())
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share: Option<f64> = text.parse().ok().filter(|it| (0.0..=1.0).contains(it));
    share.ok_or_else(|| "write a share from 0 to 1, such as 0.9".to_owned())
}

fn parse_bench_rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok().filter(|it| (0.01..=100_000.0).contains(it));
    rate.ok_or_else(|| "write requests per second from 0.01 to 100000".to_owned())
}

/// So many that all sizes of them are told apart by ids.
fn parse_n_objects(text: &str) -> Result<NonZeroUsize, String> {
    parse_count(text, 1_000_000)
}

/// So many that they, and what came of each, are held in memory.
fn parse_n_requests(text: &str) -> Result<NonZeroUsize, String> {
    parse_count(text, 10_000_000)
}

fn parse_count(text: &str, max: usize) -> Result<NonZeroUsize, String> {
    let count: Option<NonZeroUsize> = text.parse().ok().filter(|it: &NonZeroUsize| it.get() <= max);
    count.ok_or_else(|| format!("write a number from 1 to {max}"))
}

/// What functions of this machine take.
fn parse_object_size(text: &str) -> Result<Bytes, String> {
    match text.parse() {
        Ok(Bytes::ZERO) => Err("write at least 1B".to_owned()),
        Ok(size) if size <= Bytes::megabytes(1_000) => Ok(size),
        Ok(_) => Err("write at most 1GB".to_owned()),
        Err(err) => Err(units::QuantityError::to_string(&err)),
    }
}
