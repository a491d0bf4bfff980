//! The command line: what can be typed, before it is looked at more closely.

use std::fmt::Display;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args as ArgGroupOf, Parser, Subcommand};
use clap_complete::Shell;
use policy::EvictionPolicy;
use pricing::Accounting;
use trace::{Column, Format, Method, Resources, ScaleSize, Selection, TimeUnit};
use units::{Bytes, Nanos};

use crate::ec_args::EcCommand;
use crate::figures_args::FiguresArgs;
use crate::live_args::LiveCommand;
use crate::model_args::{AvailabilityArgs, CalibrateArgs};
use crate::one_of::one_of;
use crate::reprice_args::RepriceArgs;
use crate::trace_args::{
    TraceConvertArgs, TraceFitArgs, TraceGenerateArgs, TraceMrcArgs, TraceSampleArgs,
};

/// Something was typed that makes no sense. The program exits with 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

impl UsageError {
    /// This error for whatever `err` says.
    pub(crate) fn from(err: &impl ToString) -> UsageError {
        UsageError(err.to_string())
    }
}

/// What would a trace of object requests cost, how fast would it be and what would be lost, if
/// the objects were cached in serverless functions (InfiniCache), in a rented in-memory cluster
/// (ElastiCache), or not at all (S3)?
#[derive(Debug, Parser)]
#[command(name = "infinisim", version, max_term_width = 80)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Replay a trace on all systems and show them side by side: cost, hits, latency, loss
    Compare(CompareArgs),
    /// Run one experiment: all its systems and seeds
    Run(RunArgs),
    /// Run an experiment at every combination of the values of its `sweep`, and show which none
    /// beats
    Sweep(RunArgs),
    /// Draw the figures and tables of the paper, ours beside theirs, and the scoreboard
    Figures(FiguresArgs),
    /// Look at a trace, make one, or replay one through plain caches
    Trace {
        #[command(subcommand)]
        command: TraceCommand,
    },
    /// The closed form for the loss of erasure-coded objects (FAST'20 section 4.3)
    Availability(AvailabilityArgs),
    /// Fit a platform profile to the paper's microbenchmarks (FAST'20 Figs 4, 11 and 12)
    Calibrate(CalibrateArgs),
    /// List the price books that come with the program, or show one
    Prices {
        #[command(subcommand)]
        command: PricesCommand,
    },
    /// Put other prices on a finished result, without running it again
    Reprice(RepriceArgs),
    /// Try the erasure codec on files, or measure it
    Ec {
        #[command(subcommand)]
        command: EcCommand,
    },
    /// Run the cache itself: functions, a proxy, real sockets and real time
    Live {
        #[command(subcommand)]
        command: LiveCommand,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Requests, objects, bytes, sizes, reuse: what a trace is like
    Info(TraceInfoArgs),
    /// The first rows as understood
    Head(TraceHeadArgs),
    /// Write a trace in another format
    Convert(TraceConvertArgs),
    /// Keep a part of the objects, drawn by the hash of their keys (SHARDS)
    Sample(TraceSampleArgs),
    /// Make a synthetic trace
    Generate(TraceGenerateArgs),
    /// Make a profile from a trace, to share a likeness instead of the trace
    Fit(TraceFitArgs),
    /// Miss ratios over policies and cache sizes, exact or on a sample
    Mrc(TraceMrcArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// The price books that come with the program
    List,
    /// Every price of a book, with its source and date
    Show {
        /// The name of a book, or the path of one
        book: String,
        /// Print the book as it is written, in the form that --prices takes
        #[arg(long, group = "form", help_heading = "Output")]
        toml: bool,
        #[command(flatten)]
        output: OutputArgs,
    },
}

/// A trace and how to read it.
#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceArgs {
    /// A trace file (plain, gzip or zstd), a directory or a quoted pattern of such, `-` for
    /// standard input, or synthetic:PROFILE
    pub(crate) trace: String,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
}

/// How to read a trace where that is not clear.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Reading the trace")]
pub(crate) struct ReadArgs {
    /// The format, where the content does not tell
    #[arg(
        long,
        value_name = "FORMAT",
        value_parser = one_of::<Format>(Format::names()),
        hide_possible_values = true
    )]
    pub(crate) format: Option<Format>,
    /// The column of the time, by name or number
    #[arg(long, value_name = "COLUMN")]
    pub(crate) time_column: Option<Column>,
    /// The column of the key
    #[arg(long, value_name = "COLUMN")]
    pub(crate) key_column: Option<Column>,
    /// The column of the size in bytes
    #[arg(long, value_name = "COLUMN")]
    pub(crate) size_column: Option<Column>,
    /// The column of the operation
    #[arg(long, value_name = "COLUMN")]
    pub(crate) op_column: Option<Column>,
    /// The unit of a numeric time: s, ms, us or ns
    #[arg(
        long,
        value_name = "UNIT",
        value_parser = one_of::<TimeUnit>(TimeUnit::ALL.map(TimeUnit::symbol)),
        hide_possible_values = true
    )]
    pub(crate) time_unit: Option<TimeUnit>,
    /// Pass over as many bad rows, and count them
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = parse_whole::<u64>)]
    pub(crate) skip_bad: u64,
    /// Registry traces: methods to keep, separated by commas: GET, PUT, DELETE [default: GET]
    #[arg(
        long,
        value_name = "METHODS",
        value_delimiter = ',',
        value_parser = one_of::<Method>(["GET", "PUT", "DELETE"]),
        hide_possible_values = true
    )]
    pub(crate) method: Vec<Method>,
    /// Registry traces: `only` blobs, `none` (manifests) or `any` of both
    #[arg(
        long,
        value_name = "WHICH",
        default_value = "only",
        value_parser = one_of::<Resources>(["only", "none", "any"]),
        hide_possible_values = true
    )]
    pub(crate) blobs: Resources,
    /// Registry traces: status codes to keep, separated by commas [default: all]
    #[arg(
        long,
        value_name = "CODES",
        value_delimiter = ',',
        value_parser = parse_whole::<u16>
    )]
    pub(crate) status: Vec<u16>,
    /// Registry traces in a directory: only this data centre, such as dal09
    #[arg(long, value_name = "NAME")]
    pub(crate) dc: Option<String>,
    /// Keep a converted copy in this directory, which is read instead when the same content is
    /// read in the same way again
    #[arg(long, value_name = "DIR")]
    pub(crate) cache: Option<PathBuf>,
}

/// Which requests to keep.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Selecting requests")]
pub(crate) struct SelectArgs {
    /// Only the first hours: `50`, or a time such as `90min`
    #[arg(long, value_name = "TIME", value_parser = parse_hours)]
    pub(crate) hours: Option<Nanos>,
    /// Drop GETs and PUTs of smaller objects, such as `10MB`; DELETEs stay, whatever their size
    #[arg(long, value_name = "SIZE")]
    pub(crate) min_size: Option<Bytes>,
    /// Drop GETs and PUTs of larger objects; DELETEs stay
    #[arg(long, value_name = "SIZE")]
    pub(crate) max_size: Option<Bytes>,
    /// Take objects above a size to be a part of theirs, as the reference's replayer can:
    /// FACTOR or FACTOR:SIZE, such as 0.1 [SIZE: 100MiB]
    #[arg(long, value_name = "FACTOR")]
    pub(crate) scale_size: Option<ScaleSize>,
    /// Take larger objects to be of this size
    #[arg(long, value_name = "SIZE")]
    pub(crate) clamp_size: Option<Bytes>,
}

impl SelectArgs {
    /// The selection that was typed.
    pub(crate) fn selection(&self) -> Selection {
        let SelectArgs { hours, min_size, max_size, scale_size, clamp_size } = *self;
        Selection { hours, min_size, max_size, scale_size, clamp_size }
    }
}

/// How to print a result.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(group = ArgGroup::new("form").multiple(false), next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print JSON
    #[arg(long, group = "form")]
    pub(crate) json: bool,
    /// Print CSV
    #[arg(long, group = "form")]
    pub(crate) csv: bool,
}

/// How to run.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Running")]
pub(crate) struct JobsArgs {
    /// How many runs at once; the results do not depend on it [default: one per core]
    #[arg(long, short, value_name = "N", value_parser = parse_at_least_one::<NonZeroUsize>)]
    pub(crate) jobs: Option<NonZeroUsize>,
}

/// Which prices, and what is charged.
#[derive(Clone, Debug, ArgGroupOf)]
#[command(next_help_heading = "Prices")]
pub(crate) struct PriceArgs {
    /// The name of a price book (see `infinisim prices list`), or the path of one
    #[arg(long, value_name = "BOOK", default_value = DEFAULT_BOOK)]
    pub(crate) prices: String,
    /// `paper` leaves out the proxy's machine and the store behind a cache, `full` charges
    /// both [default: as the book says]
    #[arg(
        long,
        value_name = "WHICH",
        value_parser = one_of::<Accounting>(Accounting::ALL.map(Accounting::name)),
        hide_possible_values = true
    )]
    pub(crate) accounting: Option<Accounting>,
}

/// The price book of the paper.
pub(crate) const DEFAULT_BOOK: &str = "aws-us-east-1-2019-12";

/// Which systems, and under which randomness.
#[derive(Debug, ArgGroupOf)]
#[command(next_help_heading = "Systems")]
pub(crate) struct SystemArgs {
    /// A system, as below; repeat for more [default: the paper's cluster, InfiniCache with and
    /// without backup, S3]
    #[arg(long = "system", value_name = "SYSTEM")]
    pub(crate) systems: Vec<String>,
    /// The eviction policy of clusters that do not name one: lru, fifo, clock, lfu, sieve,
    /// s3-fifo, belady
    #[arg(
        long,
        default_value_t = EvictionPolicy::Lru,
        value_parser = one_of::<EvictionPolicy>(EvictionPolicy::ALL.map(EvictionPolicy::name)),
        hide_possible_values = true
    )]
    pub(crate) policy: EvictionPolicy,
    /// How functions, networks and stores behave: aws-2019-fast20, aws-2024, or the path of a
    /// profile
    #[arg(long, value_name = "PROFILE", default_value = DEFAULT_PROFILE)]
    pub(crate) profile: String,
    /// Names the randomness of the run
    #[arg(long, default_value_t = 1, value_parser = parse_whole::<u64>)]
    pub(crate) seed: u64,
}

/// The profile of the paper.
pub(crate) const DEFAULT_PROFILE: &str = "aws-2019-fast20";

/// The systems that can be written, for the end of a help text.
const SYSTEMS_HELP: &str = "\
SYSTEM is one of
  elasticache:[COUNTx]NODE_TYPE[,OPTION..]   as elasticache:10xcache.r5.xlarge
    policy=lru            as --policy
    reserved=25%          memory that holds no objects (default 0%)
  elasticache:serverless-ENGINE[,OPTION..]   as elasticache:serverless-valkey
    max=100GB             what it may hold at most (default: anything)
    policy=lru            as --policy
  infinicache[:OPTION,..]                    as infinicache:nodes=200,code=4+2
    nodes=400             functions per proxy
    proxies=1             proxies on the ring
    memory=1536MB         of a function
    overhead=100MB        of it that holds no chunks
    code=10+2             data and parity chunks of an object
    warmup=1min|off       how long a function may be idle
    backup=5min|off       how often it copies itself to a replica
    reclaim=none          or poisson:RATE/min, zipf:EXPONENT:MAX, idle:27min,
                          mass:6h, fig8:DATE, fig9:DATE, schedule:FILE.csv,
                          fig14:RUN; by default that of the paper's run.
                          zipf: r a minute, from 0 to MAX, with probability
                          as 1 / (r + 1)^EXPONENT
    placement=random      or round-robin, keyed (at random, by the key)
    eviction=one|enough   as the reference does, whatever the sizes, or until
                          no function holds more than its memory
    first_d=paper|code    wait for d chunks, or for all d+p answers
    older=serve|drop      what older copies of a chunk written again are worth
    instance=mru          or lru, random: which idle instance is invoked
    clients=0             with a link each; 0: on the proxies' machines
    codec=paper           or ec-native: how fast clients code
    proxy=c5n.4xlarge     the machine of each proxy
  s3                                         no cache
  each with store=measured|fast20, how S3 answers; or two of these
  tiers:SIZE;SYSTEM;SYSTEM                   objects below SIZE in the first, as
                        'tiers:10MB;elasticache:cache.r5.large;infinicache'";

#[derive(Debug, ArgGroupOf)]
#[command(after_help = SYSTEMS_HELP)]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    #[command(flatten)]
    pub(crate) systems: SystemArgs,
    #[command(flatten)]
    pub(crate) prices: PriceArgs,
    #[command(flatten)]
    pub(crate) result: ResultArgs,
}

/// Where the result of a run goes, and how it is run.
#[derive(Debug, ArgGroupOf)]
pub(crate) struct ResultArgs {
    #[command(flatten)]
    pub(crate) form: OutputArgs,
    /// Also write index.html, a page of all of it, and the results as JSON, CSV and Parquet, with
    /// the hours, into this directory
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct RunArgs {
    /// The experiment, a TOML file; see experiments/ for some
    pub(crate) experiment: PathBuf,
    /// Run on this trace instead of the experiment's
    #[arg(long)]
    pub(crate) trace: Option<String>,
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) result: ResultArgs,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceInfoArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct TraceHeadArgs {
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
    /// How many rows
    #[arg(
        long,
        short = 'n',
        value_name = "N",
        default_value_t = 10,
        value_parser = parse_whole::<usize>,
        help_heading = "Output"
    )]
    pub(crate) rows: usize,
}

/// A count or a seed, which may be 0.
pub(crate) fn parse_whole<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "write a whole number from 0 on, such as 1".to_owned())
}

/// A count of what there must be some of.
pub(crate) fn parse_at_least_one<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| "write a whole number from 1 on, such as 4".to_owned())
}

/// A count that has bounds, both of which it may have.
pub(crate) fn parse_between<T>(text: &str, from: T, to: T) -> Result<T, String>
where
    T: FromStr + PartialOrd + Display + Copy,
{
    let count: Option<T> = text.parse().ok().filter(|it| from <= *it && *it <= to);
    count.ok_or_else(|| format!("write a whole number from {from} to {to}"))
}

/// A plain number is hours.
fn parse_hours(text: &str) -> Result<Nanos, String> {
    let is_plain = text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    let spelled = if is_plain { format!("{text}h") } else { text.to_owned() };
    match spelled.parse() {
        Ok(hours) if hours < Nanos::SECOND => Err("write at least 1s".to_owned()),
        Ok(hours) => Ok(hours),
        Err(err) => Err(err.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn hours_are_a_number_or_a_time() {
        let check = |text: &str, expect: Nanos| assert_eq!(parse_hours(text), Ok(expect));
        check("50", Nanos::HOUR * 50);
        check("0.5", Nanos::MINUTE * 30);
        check("90min", Nanos::MINUTE * 90);
        assert!(parse_hours("0").is_err());
        assert!(parse_hours("soon").is_err());
    }

    #[test]
    fn an_option_is_under_the_heading_of_what_it_is_about() {
        let command = Args::command();
        let check = |path: &str, options: &[&str], heading: Option<&str>| {
            let of = |command: &clap::Command, name: &str| {
                command.find_subcommand(name).expect(name).clone()
            };
            let command = path.split(' ').fold(command.clone(), |it, name| of(&it, name));
            for option in options {
                let found = command.get_arguments().find(|it| it.get_id() == option);
                let found = found.unwrap_or_else(|| panic!("{path} has {option}"));
                assert_eq!(found.get_help_heading(), heading, "{path} {option}");
            }
        };
        let output = Some("Output");
        check("trace info", &["json"], output);
        check("trace head", &["rows"], output);
        check("trace convert", &["output", "to"], output);
        check("trace sample", &["output", "to"], output);
        check("trace sample", &["rate", "objects", "seed"], Some("Sampling"));
        check("trace fit", &["output"], output);
        check("trace generate", &["seed", "report"], None);
        check("trace mrc", &["policy", "size"], Some("Caches"));
        check("trace mrc", &["sample", "sample_objects", "seed"], Some("Sampling"));
        check("figures", &["only", "seeds", "quick"], Some("Figures"));
        check("figures", &["output_dir"], output);
        check("prices show", &["toml", "json", "csv"], output);
        check("reprice", &["prices", "accounting"], Some("Prices"));
        check("live up", &["any_ports", "log"], Some("Running"));
        check("live up", &["name"], Some("Which cache"));
        check("live replay", &["json", "csv", "output_dir"], output);
        check("live bench", &["json"], output);
        check("live validate", &["json", "output_dir"], output);
        check("live validate", &["speed", "limit", "store"], Some("Replay"));
    }
}
