//! The command line of `infinisim ec`.

use std::path::PathBuf;

use clap::{Args as ArgGroupOf, Subcommand};
use units::Bytes;

#[derive(Debug, Subcommand)]
pub(crate) enum EcCommand {
    /// Make a file into chunks
    Encode(EcEncodeArgs),
    /// Make chunks into the file they came from
    Decode(EcDecodeArgs),
    /// How fast objects are coded on this machine
    Bench(EcBenchArgs),
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct EcEncodeArgs {
    /// The file
    pub(crate) file: PathBuf,
    /// The code, as data+parity chunks
    #[arg(long, value_name = "D+P", default_value = "10+2")]
    pub(crate) code: ec::Code,
    /// Where to put the chunks, named as the file with .000, .001 and so on
    #[arg(long, short, value_name = "DIR", default_value = ".")]
    pub(crate) output_dir: PathBuf,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct EcDecodeArgs {
    /// The chunks that are left, in any order; damaged ones are found and left out
    #[arg(required = true)]
    pub(crate) chunks: Vec<PathBuf>,
    /// The file to make
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, ArgGroupOf)]
pub(crate) struct EcBenchArgs {
    /// The code, as data+parity chunks
    #[arg(long, value_name = "D+P", default_value = "10+2")]
    pub(crate) code: ec::Code,
    /// Object sizes, separated by commas
    #[arg(
        long,
        value_name = "SIZES",
        value_delimiter = ',',
        value_parser = parse_bench_size,
        default_value = "64kB,1MB,10MB,100MB"
    )]
    pub(crate) size: Vec<Bytes>,
}

/// An object that fits into the memory of any machine, twice.
fn parse_bench_size(text: &str) -> Result<Bytes, String> {
    match text.parse() {
        Ok(Bytes::ZERO) => Err("write at least 1B".to_owned()),
        Ok(size) if size <= Bytes::megabytes(2_000) => Ok(size),
        Ok(_) => Err("write at most 2GB".to_owned()),
        Err(err) => Err(units::QuantityError::to_string(&err)),
    }
}
