//! Curves over one or several plots: distributions, series over time, ratios over sizes.

use serde::{Deserialize, Serialize};

use super::axis::{Axis, Scale};
use super::frame::{Frame, Place, Sample, legend};
use super::labels::Labels;
use super::scene::{Anchor, Figure, Pixel};
use super::style::{
    BLACK, CURVE_WIDTH, DARK_GREY, HEIGHT, Hue, LIGHT_GREY, PAPER_WIDTH, RULE_WIDTH, WHITE, WIDTH,
};

/// A figure of curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveChart {
    /// Its title.
    pub title: String,
    /// What it shows, and of what.
    pub caption: String,
    /// How many plots stand beside each other; at least 1.
    pub n_columns: usize,
    /// The plots, row by row.
    pub plots: Vec<Plot>,
    /// Where the curves have their names.
    pub naming: Naming,
}

/// Where the curves of a figure have their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Naming {
    /// Beside the curves of ours, or of the paper's where there is none of ours by that name.
    Beside,
    /// In one row over all plots, as far as there are curves of ours.
    Legend,
}

/// One plot of curves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plot {
    /// What distinguishes it from those beside it; may be empty.
    pub title: String,
    /// The axis across.
    pub x: Scale,
    /// The upright axis.
    pub y: Scale,
    /// The curves, the earlier below the later.
    pub curves: Vec<Curve>,
}

/// One curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What it is of; curves of the same name in one figure have the same colour.
    pub name: String,
    /// What its colour stands for.
    pub hue: Hue,
    /// Whose it is.
    pub origin: Origin,
    /// Whether it keeps a value until the next one, as a count or a distribution does.
    pub is_stepped: bool,
    /// Whether it is dashed though it is ours, as the second of its colour is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dashed: bool,
    /// Its points across and up, from left to right.
    pub points: Vec<(f64, f64)>,
    /// An interval around it, which the caption explains: at a place across, from where to
    /// where. May be empty.
    pub interval: Vec<(f64, f64, f64)>,
}

/// Whose numbers are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// This program's: solid.
    Ours,
    /// The paper's: dashed.
    Paper,
}

impl Curve {
    /// A curve of ours through these points, without an interval.
    pub fn ours(name: &str, hue: Hue, points: Vec<(f64, f64)>) -> Curve {
        Curve {
            name: name.to_owned(),
            hue,
            origin: Origin::Ours,
            is_stepped: false,
            is_dashed: false,
            points,
            interval: Vec::new(),
        }
    }

    /// A curve of the paper's through these points.
    pub fn paper(name: &str, hue: Hue, points: Vec<(f64, f64)>) -> Curve {
        Curve { origin: Origin::Paper, ..Curve::ours(name, hue, points) }
    }
}

/// How high a row of plots is where there are several.
const ROW_HEIGHT: f64 = 215.0;

/// Draws the curves: ours solid with their 95 % intervals, the paper's dashed over them.
pub fn curves(data: &CurveChart) -> Figure {
    let n_columns = data.n_columns.max(1);
    let n_rows = data.plots.len().div_ceil(n_columns).max(1);
    let height = HEIGHT.max(100.0 + ROW_HEIGHT * n_rows as f64);
    let mut figure = Figure::sized(&data.title, &data.caption, height);
    let n_legend_rows = draw_legend(&mut figure, data);
    let top = 58.0 + 20.0 * n_legend_rows;
    let (width, height) = (WIDTH / n_columns as f64, (figure.bottom - top) / n_rows as f64);
    for (index, plot) in data.plots.iter().enumerate() {
        let left = width * (index % n_columns) as f64;
        let above = top + height * (index / n_columns) as f64;
        let place = Place { left, right: left + width, top: above, bottom: above + height };
        draw_plot(&mut figure, plot, place, data.naming);
    }
    figure
}

/// Draws what the looks of the curves mean; tells in how many rows.
fn draw_legend(figure: &mut Figure, data: &CurveChart) -> f64 {
    let all = || data.plots.iter().flat_map(|it| &it.curves);
    let mut entries: Vec<(&str, Sample)> = Vec::new();
    if data.naming == Naming::Legend {
        for curve in all().filter(|it| it.origin == Origin::Ours) {
            if entries.iter().all(|(name, _)| *name != curve.name) {
                let color = curve.hue.color();
                let line = if curve.is_dashed { Sample::Dashes } else { Sample::Line };
                entries.push((&curve.name, line(color, CURVE_WIDTH)));
            }
        }
    }
    if all().any(|it| it.origin == Origin::Paper) {
        if data.naming == Naming::Beside && all().any(|it| it.origin == Origin::Ours) {
            entries.push(("ours", Sample::Line(DARK_GREY, CURVE_WIDTH)));
        }
        entries.push(("paper", Sample::Dashes(DARK_GREY, PAPER_WIDTH)));
    }
    if all().any(|it| !it.interval.is_empty()) {
        entries.push(("interval", Sample::Fill(LIGHT_GREY)));
    }
    legend(figure, (76.0, 60.0), &entries)
}

fn draw_plot(figure: &mut Figure, plot: &Plot, place: Place, naming: Naming) {
    let points = || plot.curves.iter().flat_map(|it| &it.points);
    let intervals = || plot.curves.iter().flat_map(|it| &it.interval);
    let heights = points().map(|it| it.1).chain(intervals().flat_map(|it| [it.1, it.2]));
    let n_across = (place.right - place.left) / 95.0;
    let n_up = (place.bottom - place.top) / 65.0;
    let x = Axis::of(&plot.x, points().map(|it| it.0), n_across);
    let y = Axis::of(&plot.y, heights, n_up.max(2.0));
    let title_height = if plot.title.is_empty() { 6.0 } else { 24.0 };
    let inner = Place { top: place.top + title_height, ..place };
    let frame = Frame::within(figure, inner, x, y);
    figure.label(&plot.title, (frame.plot().left, inner.top - 8.0), Anchor::Start, BLACK);

    let x_to = plot.x.to.unwrap_or(f64::INFINITY);
    for curve in &plot.curves {
        draw_interval(figure, &frame, curve, x_to);
    }
    let mut labels = Labels::new(frame.plot());
    let mut lines: Vec<Vec<Pixel>> = Vec::new();
    for curve in &plot.curves {
        let line = pixels(&frame, curve, x_to);
        labels.keep_off(&line);
        let (color, width) = match curve.origin {
            Origin::Ours => (curve.hue.color(), CURVE_WIDTH),
            Origin::Paper => (curve.hue.shade(), PAPER_WIDTH),
        };
        if let [alone] = line[..] {
            // A line from a point to itself is not seen.
            figure.dot(alone, 1.5 * width, color);
            if curve.is_dashed {
                figure.dot(alone, 0.7 * width, WHITE);
            }
        } else if curve.is_dashed || curve.origin == Origin::Paper {
            figure.dashed(line.clone(), color, width);
        } else {
            figure.line(line.clone(), color, width);
        }
        lines.push(line);
    }
    if naming == Naming::Beside {
        name_curves(figure, plot, &lines, &mut labels);
    }
}

fn name_curves(figure: &mut Figure, plot: &Plot, lines: &[Vec<Pixel>], labels: &mut Labels) {
    for (curve, line) in plot.curves.iter().zip(lines) {
        let is_named_elsewhere = curve.origin == Origin::Paper
            && plot.curves.iter().any(|it| it.origin == Origin::Ours && it.name == curve.name);
        if curve.name.is_empty() || line.is_empty() || is_named_elsewhere {
            continue;
        }
        // From the middle outwards: the ends of curves are where they meet the frame.
        let n_places = 24.min(line.len());
        let places: Vec<Pixel> = (0..n_places)
            .map(|it| {
                let middle = n_places / 2;
                let aside = it.div_ceil(2);
                let index = if it % 2 == 0 { middle + aside } else { middle - aside };
                line[index.min(n_places - 1) * (line.len() - 1) / (n_places - 1).max(1)]
            })
            .collect();
        labels.put(figure, &curve.name, curve.hue.shade_for_words(), &places);
    }
}

fn draw_interval(figure: &mut Figure, frame: &Frame, curve: &Curve, x_to: f64) {
    if let [(x, low, high)] = curve.interval[..] {
        let ends = [low, high].map(|it| frame.at(x, it));
        return figure.line(ends.to_vec(), curve.hue.color(), RULE_WIDTH);
    }
    if curve.interval.is_empty() {
        return;
    }
    let side = |of: fn(&(f64, f64, f64)) -> f64| -> Vec<Pixel> {
        let within = curve.interval.iter().take_while(|it| it.0 <= x_to);
        let points: Vec<(f64, f64)> = within.map(|it| (it.0, of(it))).collect();
        let points = if curve.is_stepped { stepped(&points) } else { points };
        points.into_iter().map(|(x, y)| frame.at(x, y)).collect()
    };
    let mut outline = side(|it| it.2);
    outline.extend(side(|it| it.1).into_iter().rev());
    figure.area(outline, curve.hue.tint());
    // The edge of an interval is seen where another lies on it.
    figure.line(side(|it| it.2), curve.hue.color(), RULE_WIDTH / 2.0);
    figure.line(side(|it| it.1), curve.hue.color(), RULE_WIDTH / 2.0);
}

/// The curve in pixels; of points nearer than a pixel only some.
fn pixels(frame: &Frame, curve: &Curve, x_to: f64) -> Vec<Pixel> {
    let stepped_points;
    let points = if curve.is_stepped {
        stepped_points = stepped(&curve.points);
        &stepped_points
    } else {
        &curve.points
    };
    // Beyond the axis it is not drawn, lest it pile up at the edge.
    let n_within = points.iter().take_while(|it| it.0 <= x_to).count();
    let end = n_within.checked_sub(1).and_then(|it| {
        let ((x, y), (next_x, next_y)) = (points[it], *points.get(n_within)?);
        Some((x_to, y + (next_y - y) * (x_to - x) / (next_x - x)))
    });
    let points: Vec<(f64, f64)> = points[..n_within].iter().copied().chain(end).collect();
    let mut line: Vec<Pixel> = Vec::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let at = frame.at(*x, *y);
        let is_far = line.last().is_none_or(|last| 0.8 < libm::hypot(at.0 - last.0, at.1 - last.1));
        if is_far || index + 1 == points.len() {
            line.push(at);
        }
    }
    line
}

/// The corners of the steps between points: a value holds until the next place.
fn stepped(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let corners = points.windows(2).flat_map(|it| [it[0], (it[1].0, it[0].1)]);
    corners.chain(points.last().copied()).collect()
}
