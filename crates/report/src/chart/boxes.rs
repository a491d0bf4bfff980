//! Boxes beside boxes: spreads of a measurement, ours beside the paper's.

use serde::{Deserialize, Serialize};

use super::axis::{Axis, Scale};
use super::curves::Origin;
use super::frame::{Frame, Place, Sample, legend};
use super::scene::{Anchor, Figure};
use super::style::{BLACK, DARK_GREY, HEIGHT, Hue, PAPER_WIDTH, RULE_WIDTH, WHITE, WIDTH};

/// A figure of boxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxChart {
    /// Its title.
    pub title: String,
    /// What it shows, and of what.
    pub caption: String,
    /// How many plots stand beside each other; at least 1.
    pub n_columns: usize,
    /// The plots, row by row.
    pub plots: Vec<BoxPlot>,
}

/// One plot of boxes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxPlot {
    /// What distinguishes it from those beside it; may be empty.
    pub title: String,
    /// What the groups differ in, with the unit.
    pub x_title: String,
    /// The upright axis.
    pub y: Scale,
    /// The boxes, in groups from left to right.
    pub groups: Vec<BoxGroup>,
}

/// Boxes beside each other under one name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxGroup {
    /// What they have in common.
    pub name: String,
    /// From left to right.
    pub boxes: Vec<SpreadBox>,
}

/// One box: what was measured of one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpreadBox {
    /// What it is of; boxes of the same name have the same colour.
    pub name: String,
    /// What its colour stands for.
    pub hue: Hue,
    /// Whose it is: the paper's are outlined in dashes.
    pub origin: Origin,
    /// What was measured.
    pub spread: Spread,
}

/// The spread of a measurement, in the unit of the axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Where the lower whisker ends.
    pub low: f64,
    /// A quarter is no greater.
    pub q1: f64,
    /// Half is no greater.
    pub median: f64,
    /// Three quarters are no greater.
    pub q3: f64,
    /// Where the upper whisker ends.
    pub high: f64,
}

/// How high a box of ours is at least, in pixels.
const LEAST_HEIGHT: f64 = 4.0;

/// Draws the boxes: from the first quartile to the third, the median across, whiskers; ours
/// filled, the paper's outlined in dashes. Without whiskers, ours lie over the paper's.
pub fn boxes(data: &BoxChart) -> Figure {
    let n_columns = data.n_columns.max(1);
    let n_rows = data.plots.len().div_ceil(n_columns).max(1);
    let height = HEIGHT.max(110.0 + 225.0 * n_rows as f64);
    let mut figure = Figure::sized(&data.title, &data.caption, height);
    let n_legend_rows = draw_legend(&mut figure, data);
    let top = 58.0 + 20.0 * n_legend_rows;
    let (width, height) = (WIDTH / n_columns as f64, (figure.bottom - top) / n_rows as f64);
    for (index, plot) in data.plots.iter().enumerate() {
        let left = width * (index % n_columns) as f64;
        let above = top + height * (index / n_columns) as f64;
        let place = Place { left, right: left + width, top: above, bottom: above + height };
        draw_plot(&mut figure, plot, place);
    }
    figure
}

fn draw_legend(figure: &mut Figure, data: &BoxChart) -> f64 {
    let all =
        || data.plots.iter().flat_map(|it| &it.groups).flat_map(|it: &BoxGroup| it.boxes.iter());
    let mut entries: Vec<(&str, Sample)> = Vec::new();
    for it in all() {
        if entries.iter().all(|(name, _)| *name != it.name) {
            entries.push((&it.name, Sample::Fill(it.hue.color())));
        }
    }
    if all().any(|it| it.origin == Origin::Paper) {
        entries.push(("outlined: paper", Sample::Outline(DARK_GREY)));
    }
    legend(figure, (76.0, 60.0), &entries)
}

fn draw_plot(figure: &mut Figure, plot: &BoxPlot, place: Place) {
    let spreads = || plot.groups.iter().flat_map(|it| &it.boxes).map(|it| it.spread);
    let names: Vec<&str> = plot.groups.iter().map(|it| it.name.as_str()).collect();
    let mut x = Axis::places(&names);
    x.title.clone_from(&plot.x_title);
    let n_up = ((place.bottom - place.top) / 60.0).max(2.0);
    let y = Axis::of(&plot.y, spreads().flat_map(|it| [it.low, it.high]), n_up);
    let title_height = if plot.title.is_empty() { 6.0 } else { 24.0 };
    let inner = Place { top: place.top + title_height, ..place };
    let frame = Frame::within(figure, inner, x, y);
    figure.label(&plot.title, (frame.plot().left, inner.top - 8.0), Anchor::Start, BLACK);
    let is_overlaid = is_overlaid(plot);
    for (place, group) in (0_u32..).zip(&plot.groups) {
        let slots = slots(group, is_overlaid);
        let width = 0.8 / slots.len().max(1) as f64;
        for (index, slot) in (0_u32..).zip(slots) {
            let left = f64::from(place) + 0.1 + width * f64::from(index);
            for it in slot {
                // Over the paper's, ours is narrower.
                let aside = if is_overlaid && it.origin == Origin::Ours { 0.27 } else { 0.06 };
                let ends = (left + aside * width, left + (1.0 - aside) * width);
                draw_box(figure, &frame, ends, it);
            }
        }
    }
}

/// Whether ours and the paper's lie over each other: where no whiskers would mix.
fn is_overlaid(plot: &BoxPlot) -> bool {
    let spreads = || plot.groups.iter().flat_map(|it| &it.boxes).map(|it| it.spread);
    let is_bare = |it: Spread| it.q1 <= it.low && it.high <= it.q3;
    spreads().all(is_bare)
}

/// The boxes of a group by their place: each alone, or the paper's and ours of one name together,
/// the paper's below.
fn slots(group: &BoxGroup, is_overlaid: bool) -> Vec<Vec<&SpreadBox>> {
    let mut slots: Vec<Vec<&SpreadBox>> = Vec::new();
    for it in &group.boxes {
        match slots.last_mut().filter(|last| is_overlaid && last[0].name == it.name) {
            Some(last) if it.origin == Origin::Paper => last.insert(0, it),
            Some(last) => last.push(it),
            None => slots.push(vec![it]),
        }
    }
    slots
}

fn draw_box(figure: &mut Figure, frame: &Frame, (left, right): (f64, f64), it: &SpreadBox) {
    let Spread { low, q1, median, q3, high } = it.spread;
    let (from, to) = (frame.x_at(left), frame.x_at(right));
    let middle = from.midpoint(to);
    let has_whiskers = low < q1 || q3 < high;
    let [low, q1, median, q3, high] = [low, q1, median, q3, high].map(|it| frame.y_at(it));
    let line_color = it.hue.shade();
    let cap = 0.25 * (to - from);
    for (whisker, edge) in [(low, q1), (high, q3)].into_iter().filter(|_| has_whiskers) {
        figure.line(vec![(middle, whisker), (middle, edge)], line_color, RULE_WIDTH);
        let ends = vec![(middle - cap, whisker), (middle + cap, whisker)];
        figure.line(ends, line_color, RULE_WIDTH);
    }
    let outline = vec![(from, q1), (from, q3), (to, q3), (to, q1), (from, q1)];
    match it.origin {
        Origin::Ours => {
            // What hardly varies is seen all the same.
            let more = ((LEAST_HEIGHT - (q1 - q3)) / 2.0).max(0.0);
            figure.fill((from, q3 - more), (to, q1 + more), it.hue.color());
            if has_whiskers {
                figure.line(vec![(from, median), (to, median)], WHITE, 2.0);
                figure.line(vec![(from, median), (to, median)], BLACK, RULE_WIDTH);
            } else if 2.5 * LEAST_HEIGHT < q1 - q3 {
                figure.line(vec![(from, median), (to, median)], WHITE, 1.5);
            }
        }
        Origin::Paper => {
            figure.fill((from, q3), (to, q1), it.hue.tint());
            // Dashes do not show on a side that is shorter than two of them.
            if to - from < 24.0 {
                figure.line(outline, line_color, RULE_WIDTH);
            } else {
                figure.dashed(outline, line_color, PAPER_WIDTH * 0.75);
            }
            figure.line(vec![(from, median), (to, median)], line_color, 1.5 * RULE_WIDTH);
        }
    }
}
