//! Progress on standard error, where someone looks at it.

use std::fmt;
use std::io::{self, IsTerminal};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

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

/// A bar for each figure that is being made, and one for all of them; hidden unless stderr is a
/// terminal.
pub(crate) struct FigureBars {
    bars: MultiProgress,
    all: ProgressBar,
    figures: Vec<ProgressBar>,
}

impl FigureBars {
    /// Bars over so many steps in all, and over these of each figure. A step may be one of
    /// several figures.
    pub(crate) fn new(n_steps: usize, figures: &[(&str, usize)]) -> FigureBars {
        let is_shown = io::stderr().is_terminal();
        let target =
            if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let bar = |name: &str, n_steps: usize| {
            let bar = ProgressBar::with_draw_target(
                Some(n_steps as u64),
                // It is shown by the bars, from its first step on.
                ProgressDrawTarget::hidden(),
            );
            styled(bar, "{msg:20} [{bar:30}] {pos}/{len}, {eta} left", name)
        };
        let all = bars.add(bar("all figures", n_steps));
        let figures = figures.iter().map(|(name, n_steps)| bar(name, *n_steps)).collect();
        FigureBars { bars, all, figures }
    }

    /// A step of these figures is done.
    pub(crate) fn step(&self, figures: &[usize]) {
        for bar in figures.iter().map(|it| &self.figures[*it]) {
            if bar.position() == 0 {
                self.bars.insert_before(&self.all, bar.clone());
            }
            bar.inc(1);
            if bar.length().is_some_and(|it| it <= bar.position()) {
                bar.finish_and_clear();
            }
        }
        self.all.inc(1);
    }

    /// All is done.
    pub(crate) fn finish(&self) {
        self.all.finish_and_clear();
    }
}

fn shown(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    styled(bar, template, what)
}

/// So many in a second, in the unit in which there is something to see.
fn rate_text(per_second: f64) -> String {
    match per_second {
        it if it < 99.95 => format!("{it:.1}/s"),
        it if it < 99_999.5 => format!("{it:.0}/s"),
        it => format!("{:.2} million/s", it / 1e6),
    }
}

fn styled(bar: ProgressBar, template: &str, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("the templates here are valid");
    let rate = |state: &ProgressState, out: &mut dyn fmt::Write| {
        // A bar that cannot be drawn is no reason to stop.
        let _ = out.write_str(&rate_text(state.per_sec()));
    };
    let style = style.with_key("rate", rate);
    bar.with_style(style.progress_chars("=> ")).with_message(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_not_nothing_where_something_is_done() {
        let check = |per_second: f64, expect: &str| assert_eq!(rate_text(per_second), expect);
        check(0.42, "0.4/s");
        check(99.96, "100/s");
        check(1_234.0, "1234/s");
        check(99_999.9, "0.10 million/s");
        check(25_300_000.0, "25.30 million/s");
    }
}
