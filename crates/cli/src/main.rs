//! `infinisim`: what would a trace of object requests cost, how fast would it be, what be lost?

mod args;
mod axes;
mod best;
mod command_line;
mod commands;
mod ec_args;
mod experiment;
mod experiment_file;
mod figures_args;
mod leftovers;
mod likeness_table;
mod live_args;
mod live_calibration;
mod live_control;
mod live_pool;
mod live_run;
mod microbenchmarks;
mod model_args;
mod one_of;
mod output;
mod own_page;
mod parquet_file;
mod progress;
mod replay;
mod reprice_args;
mod run_store;
mod trace_args;
mod trace_cache;
mod trace_files;
mod trace_input;
mod trace_output;

use std::io::{self, Write};
use std::process::ExitCode;

use crate::args::{Args, Command, TraceCommand, UsageError};
use crate::live_args::LiveCommand;
use crate::live_pool::Interrupted;

fn main() -> ExitCode {
    trace::quiet_caught_panics();
    let Err(err) = run(command_line::parse()) else { return ExitCode::SUCCESS };
    if is_broken_pipe(&err) {
        // Whoever read our output has seen enough.
        return ExitCode::SUCCESS;
    }
    // Where even this cannot be written, the exit code has to do.
    let _ = writeln!(io::stderr(), "error: {}", said_once(&err));
    if err.chain().any(<dyn std::error::Error>::is::<Interrupted>) {
        return ExitCode::from(output::INTERRUPTED);
    }
    let is_usage = err.chain().any(<dyn std::error::Error>::is::<UsageError>);
    if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// An error with its causes, but for those that it has said in its own words.
fn said_once(err: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in err.chain().map(ToString::to_string) {
        if !said.contains(&cause) {
            let separator = if said.is_empty() { "" } else { ": " };
            said.push_str(separator);
            said.push_str(&cause);
        }
    }
    said
}

fn run(args: Args) -> anyhow::Result<()> {
    if let Command::Live { command } = args.command {
        // They have their own way to stop.
        return match command {
            LiveCommand::Up(args) => commands::live_up::up(&args),
            LiveCommand::Down(args) => commands::live_down::down(&args),
            LiveCommand::Replay(args) => commands::live_replay::replay(&args),
            LiveCommand::Bench(args) => commands::live_bench::bench(&args),
            LiveCommand::Validate(args) => commands::live_validate::validate(&args),
            LiveCommand::Sandbox { arguments } => commands::live_up::sandbox(arguments),
        };
    }
    output::clean_up_on_interrupt()?;
    match args.command {
        Command::Compare(args) => commands::compare::compare(&args),
        Command::Run(args) => commands::run::run(&args),
        Command::Sweep(args) => commands::sweep::sweep(&args),
        Command::Figures(args) => commands::figures::figures(&args),
        Command::Trace { command } => match command {
            TraceCommand::Info(args) => commands::trace_info::info(&args),
            TraceCommand::Head(args) => commands::trace_head::head(&args),
            TraceCommand::Convert(args) => commands::trace_convert::convert(&args),
            TraceCommand::Sample(args) => commands::trace_sample::sample(&args),
            TraceCommand::Fit(args) => commands::trace_fit::fit(&args),
            TraceCommand::Generate(args) => commands::trace_generate::generate(&args),
            TraceCommand::Mrc(args) => commands::trace_mrc::mrc(&args),
        },
        Command::Availability(args) => commands::availability::availability(&args),
        Command::Calibrate(args) => commands::calibrate::calibrate(&args),
        Command::Prices { command } => commands::prices::prices(&command),
        Command::Reprice(args) => commands::reprice::reprice(&args),
        Command::Live { .. } => Ok(()),
        Command::Ec { command } => commands::ec::ec(&command),
        Command::Completions { shell } => commands::completions::completions(shell),
    }
}

fn is_broken_pipe(err: &anyhow::Error) -> bool {
    err.chain()
        .filter_map(|it| it.downcast_ref::<io::Error>())
        .any(|it| it.kind() == io::ErrorKind::BrokenPipe)
}
