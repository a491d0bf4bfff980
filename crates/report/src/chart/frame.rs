//! The axes of a plot, and where its values lie between them.

use plotters::style::RGBColor;

use super::letters::text_width;
use super::scene::{Anchor, Figure, Mark, Pixel, Text};
use super::style::{DARK_GREY, LABEL_SIZE, LIGHT_GREY, RULE_WIDTH, WIDTH};

/// One axis: what it shows and in which unit, its range, and the values marked on it.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    title: String,
    /// The ends, as they are on paper: their logarithms where the axis is logarithmic.
    from: f64,
    to: f64,
    is_logarithmic: bool,
    ticks: Vec<(f64, String)>,
}

/// A plot with two axes, inside a figure.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

/// How a legend shows what it names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample {
    Fill(RGBColor),
    Line(RGBColor, f64),
    Dashes(RGBColor, f64),
}

impl Axis {
    /// An axis from 0 to `max` or a little beyond, with about `n_ticks` round values on it.
    pub(super) fn linear(title: &str, max: f64, n_ticks: f64) -> Axis {
        let max = if max.is_finite() && 0.0 < max { max } else { 1.0 };
        let rough = max / n_ticks;
        let exponent = libm::floor(libm::log10(rough));
        let unit = libm::pow(10.0, exponent);
        let step = [1.0, 2.0, 5.0].into_iter().find(|it| rough <= it * unit).unwrap_or(10.0) * unit;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
        let n_decimals = -libm::floor(libm::log10(step) + 1e-9).clamp(-9.0, 0.0) as usize;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "about n_ticks"
        )]
        let n_steps = libm::ceil(max / step - 1e-9) as u32;
        let ticks = (0..=n_steps)
            .map(|it| step * f64::from(it))
            .map(|it| (it, format!("{it:.n_decimals$}")))
            .collect();
        let to = step * f64::from(n_steps);
        Axis { title: title.to_owned(), from: 0.0, to, is_logarithmic: false, ticks }
    }

    /// The same, ending at `max` even between two marked values.
    pub(super) fn linear_to(title: &str, max: f64, n_ticks: f64) -> Axis {
        let mut axis = Axis::linear(title, max, n_ticks);
        axis.to = axis.to.min(max);
        let to = axis.to;
        axis.ticks.retain(|(value, _)| *value <= to);
        axis
    }

    /// A logarithmic axis over whole decades, from `10^from` to `10^to`, marked at each.
    pub(super) fn decades(title: &str, from: i32, to: i32) -> Axis {
        let ticks = (from..=to)
            .map(|it| {
                let n_decimals = usize::try_from(-it).unwrap_or(0);
                let value = libm::pow(10.0, f64::from(it));
                (value, format!("{value:.n_decimals$}"))
            })
            .collect();
        let (from, to) = (f64::from(from), f64::from(to));
        Axis { title: title.to_owned(), from, to, is_logarithmic: true, ticks }
    }

    /// An axis of named places, each one wide: the first from 0 to 1. A line break in a name is
    /// kept.
    pub(super) fn places(names: &[&str]) -> Axis {
        let ticks =
            (0_u32..).zip(names).map(|(it, name)| (f64::from(it) + 0.5, (*name).to_owned()));
        let ticks: Vec<(f64, String)> = ticks.collect();
        let to = ticks.len().max(1) as f64;
        Axis { title: String::new(), from: 0.0, to, is_logarithmic: false, ticks }
    }

    /// Where a value lies: 0 at the start of the axis, 1 at its end, and never beyond.
    fn part(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic { libm::log10(value) } else { value };
        let part = (value - self.from) / (self.to - self.from);
        if part.is_nan() { 0.0 } else { part.clamp(0.0, 1.0) }
    }
}

impl Frame {
    /// Draws the axes into `figure`, and tells where values lie between them.
    pub(super) fn new(figure: &mut Figure, x: Axis, y: Axis) -> Frame {
        const LEFT: f64 = 76.0;
        const RIGHT: f64 = WIDTH - 26.0;
        const TOP: f64 = 84.0;
        let n_lines = x.ticks.iter().map(|(_, it)| it.lines().count()).max().unwrap_or(0);
        let title_height = if x.title.is_empty() { 0.0 } else { 26.0 };
        let below = 8.0 + 1.25 * LABEL_SIZE * n_lines as f64 + title_height + 10.0;
        let bottom = figure.bottom - below;
        let frame = Frame { left: LEFT, right: RIGHT, top: TOP, bottom, x, y };
        frame.draw_y(figure);
        frame.draw_x(figure);
        frame
    }

    /// Where the values lie in the figure; at an edge where they are beyond it.
    pub(super) fn at(&self, x: f64, y: f64) -> Pixel {
        (self.x_at(x), self.y_at(y))
    }

    /// Where a value lies across.
    pub(super) fn x_at(&self, value: f64) -> f64 {
        self.left + (self.right - self.left) * self.x.part(value)
    }

    /// Where a value lies from above.
    pub(super) fn y_at(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.y.part(value)
    }

    /// Where the plot ends below.
    pub(super) const fn bottom(&self) -> f64 {
        self.bottom
    }

    /// Names what is drawn in a row over the plot, each behind a sample of its look.
    pub(super) fn legend(&self, figure: &mut Figure, entries: &[(&str, Sample)]) {
        const SAMPLE: f64 = 26.0;
        const GAP: f64 = 24.0;
        let y = self.top - 20.0;
        let mut x = self.left;
        for (name, sample) in entries {
            let middle = y - 0.36 * LABEL_SIZE;
            let ends = vec![(x, middle), (x + SAMPLE, middle)];
            match *sample {
                Sample::Fill(color) => {
                    figure.fill((x, middle - 7.0), (x + SAMPLE, middle + 7.0), color);
                }
                Sample::Line(color, width) => figure.line(ends, color, width),
                Sample::Dashes(color, width) => figure.dashed(ends, color, width),
            }
            x += SAMPLE + 7.0;
            figure.label(name, (x, y), Anchor::Start, DARK_GREY);
            x += text_width(name, LABEL_SIZE) + GAP;
        }
    }

    fn draw_y(&self, figure: &mut Figure) {
        for (value, label) in &self.y.ticks {
            let y = self.y_at(*value);
            figure.line(vec![(self.left, y), (self.right, y)], LIGHT_GREY, RULE_WIDTH);
            let place = (self.left - 8.0, y + 0.36 * LABEL_SIZE);
            figure.label(label, place, Anchor::End, DARK_GREY);
        }
        figure.marks.push(Mark::Text(Text {
            text: self.y.title.clone(),
            at: (24.0, self.top.midpoint(self.bottom)),
            anchor: Anchor::Middle,
            size: LABEL_SIZE,
            color: DARK_GREY,
            is_upright: true,
        }));
    }

    fn draw_x(&self, figure: &mut Figure) {
        let ends = vec![(self.left, self.bottom), (self.right, self.bottom)];
        figure.line(ends, DARK_GREY, 1.5 * RULE_WIDTH);
        let mut below = self.bottom;
        for (value, label) in &self.x.ticks {
            let x = self.x_at(*value);
            if !self.x.title.is_empty() {
                let tick = vec![(x, self.bottom), (x, self.bottom + 5.0)];
                figure.line(tick, DARK_GREY, RULE_WIDTH);
            }
            let mut y = self.bottom + 6.0;
            for line in label.lines() {
                y += 1.25 * LABEL_SIZE;
                figure.label(line, (x, y - 4.0), Anchor::Middle, DARK_GREY);
            }
            below = below.max(y);
        }
        let middle = self.left.midpoint(self.right);
        figure.label(&self.x.title, (middle, below + 20.0), Anchor::Middle, DARK_GREY);
    }
}
