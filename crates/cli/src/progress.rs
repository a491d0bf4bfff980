//! Progress on standard error, where someone looks at it.

use std::fmt;
use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// A bar over `n_bytes` of input (unknown: a spinner); hidden unless stderr is a terminal.
pub(crate) fn bytes_bar(n_bytes: Option<u64>, what: &str) -> ProgressBar {
    let (bar, template) = match n_bytes {
        Some(n_bytes) => (
            ProgressBar::new(n_bytes),
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes} {bytes_per_sec}"),
    };
    shown(bar, template, what)
}

/// A bar over `n_steps` runs; hidden unless stderr is a terminal.
pub(crate) fn steps_bar(n_steps: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(n_steps as u64);
    shown(bar, "{msg} [{bar:30}] {pos}/{len}, {eta} left", what)
}

/// A bar over `n_requests` that are written; hidden unless stderr is a terminal.
pub(crate) fn requests_bar(n_requests: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(n_requests as u64);
    shown(bar, "{msg} [{bar:30}] {human_pos}/{human_len} requests, {rate}, {eta} left", what)
}

fn shown(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).expect("the templates here are valid");
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A bar that cannot be drawn is no reason to stop.
        let _ = write!(out, "{:.2} million/s", state.per_sec() / 1e6);
    };
    let style = style.with_key("rate", rate);
    bar.with_style(style.progress_chars("=> ")).with_message(what.to_owned())
}
