//! The frame of a plot: its two axes, and where its values lie between them.

use plotters::style::RGBColor;

use super::axis::Axis;
use super::letters::text_width;
use super::scene::{Anchor, Figure, Mark, Pixel, Text};
use super::style::{DARK_GREY, LABEL_SIZE, LIGHT_GREY, RULE_WIDTH, WIDTH};

/// A plot with two axes, inside a figure.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// Where the name of the upright axis may start.
    edge: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Axis,
    y: Axis,
}

/// A rectangle of a figure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

/// How a legend shows what it names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample {
    Fill(RGBColor),
    Line(RGBColor, f64),
    Dashes(RGBColor, f64),
    Outline(RGBColor),
}

impl Frame {
    /// Draws the axes into `figure`, and tells where values lie between them.
    pub(super) fn new(figure: &mut Figure, x: Axis, y: Axis) -> Frame {
        let whole = Place { left: 0.0, right: WIDTH, top: 84.0, bottom: figure.bottom };
        Frame::within(figure, whole, x, y)
    }

    /// The same in a part of the figure, which the axes and their names fill.
    pub(super) fn within(figure: &mut Figure, place: Place, x: Axis, y: Axis) -> Frame {
        let n_lines = x.ticks.iter().map(|(_, it)| it.lines().count()).max().unwrap_or(0);
        let title_height = if x.title.is_empty() { 0.0 } else { 26.0 };
        let below = 8.0 + 1.25 * LABEL_SIZE * n_lines as f64 + title_height + 10.0;
        let widths = y.ticks.iter().map(|(_, it)| text_width(it, LABEL_SIZE));
        let beside = (widths.fold(0.0, f64::max) + 42.0).max(76.0);
        let (left, right) = (place.left + beside, place.right - 26.0);
        let (top, bottom) = (place.top, place.bottom - below);
        let frame = Frame { edge: place.left, left, right, top, bottom, x, y };
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

    /// The rectangle of the plot itself, within its axes.
    pub(super) const fn plot(&self) -> Place {
        let Frame { left, right, top, bottom, .. } = *self;
        Place { left, right, top, bottom }
    }

    /// Names what is drawn in a row over the plot, each behind a sample of its look.
    pub(super) fn legend(&self, figure: &mut Figure, entries: &[(&str, Sample)]) {
        legend(figure, (self.left, self.top - 20.0), entries);
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
            at: (self.edge + 24.0, self.top.midpoint(self.bottom)),
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

/// Names what is drawn in rows from a place on, each behind a sample of its look.
/// Tells in how many rows.
pub(super) fn legend(figure: &mut Figure, (left, top): Pixel, entries: &[(&str, Sample)]) -> f64 {
    const SAMPLE: f64 = 26.0;
    const GAP: f64 = 24.0;
    let (mut x, mut y) = (left, top);
    let mut n_rows = if entries.is_empty() { 0.0 } else { 1.0 };
    for (name, sample) in entries {
        let width = SAMPLE + 7.0 + text_width(name, LABEL_SIZE);
        if left < x && WIDTH - 20.0 < x + width {
            (x, y) = (left, y + 1.35 * LABEL_SIZE);
            n_rows += 1.0;
        }
        let middle = y - 0.36 * LABEL_SIZE;
        let ends = vec![(x, middle), (x + SAMPLE, middle)];
        match *sample {
            Sample::Fill(color) => {
                figure.fill((x, middle - 7.0), (x + SAMPLE, middle + 7.0), color);
            }
            Sample::Outline(color) => {
                let (above, below) = (middle - 7.0, middle + 7.0);
                let corners = [(x, above), (x + SAMPLE, above), (x + SAMPLE, below), (x, below)];
                let closed = corners.into_iter().chain([(x, above)]).collect();
                figure.line(closed, color, RULE_WIDTH);
            }
            Sample::Line(color, width) => figure.line(ends, color, width),
            Sample::Dashes(color, width) => figure.dashed(ends, color, width),
        }
        figure.label(name, (x + SAMPLE + 7.0, y), Anchor::Start, DARK_GREY);
        x += width + GAP;
    }
    n_rows
}
