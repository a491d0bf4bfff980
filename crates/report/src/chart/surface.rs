//! A ratio over two quantities: which of two systems is cheaper, and by how much.

use plotters::style::RGBColor;
use serde::{Deserialize, Serialize};

use super::axis::{Axis, Scale};
use super::curves::Curve;
use super::frame::{Frame, Place, Sample, legend};
use super::labels::Labels;
use super::scene::{Anchor, Figure, Pixel};
use super::style::{BLACK, CURVE_WIDTH, HEIGHT, Hue, WHITE, WIDTH, mixed};

/// A figure of plots beside each other, each a surface seen from above.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SurfaceChart {
    /// Its title.
    pub title: String,
    /// What it shows, and of what.
    pub caption: String,
    /// What it means that the ratio is below 1.
    pub below: String,
    /// What it means that it is above.
    pub above: String,
    /// The axis across, of all plots.
    pub x: Scale,
    /// The upright axis, of all plots.
    pub y: Scale,
    /// From left to right.
    pub plots: Vec<Surface>,
}

/// One surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surface {
    /// What distinguishes it from the others.
    pub title: String,
    /// Places across, ascending, evenly spaced on the axis.
    pub xs: Vec<f64>,
    /// Places up, likewise.
    pub ys: Vec<f64>,
    /// The ratio at each place up, at each place across; above 0.
    pub ratios: Vec<Vec<f64>>,
    /// Lines over it, such as where the ratio is 1, each with its name.
    pub lines: Vec<Curve>,
    /// A place of note, with its name.
    pub mark: Option<(f64, f64, String)>,
}

/// A ratio beyond this or below its inverse has the full colour.
const FULL: f64 = 30.0;

/// Draws the surfaces: the further from 1 the ratio, the deeper the colour of who is cheaper.
pub fn surface(data: &SurfaceChart) -> Figure {
    let mut figure = Figure::sized(&data.title, &data.caption, HEIGHT + 20.0);
    let entries = [
        (data.below.as_str(), Sample::Fill(shaded(0.25))),
        ("equal", Sample::Line(BLACK, CURVE_WIDTH)),
        (data.above.as_str(), Sample::Fill(shaded(4.0))),
    ];
    legend(&mut figure, (76.0, 60.0), &entries);
    let width = WIDTH / data.plots.len().max(1) as f64;
    let bottom = figure.bottom;
    for (index, plot) in (0_u32..).zip(&data.plots) {
        let left = width * f64::from(index);
        let place = Place { left, right: left + width, top: 104.0, bottom };
        draw_surface(&mut figure, data, plot, place);
    }
    figure
}

fn draw_surface(figure: &mut Figure, data: &SurfaceChart, plot: &Surface, place: Place) {
    let n_across = (place.right - place.left) / 80.0;
    let x = Axis::of(&data.x, plot.xs.iter().copied(), n_across);
    let y = Axis::of(&data.y, plot.ys.iter().copied(), 7.0);
    let frame = Frame::within(figure, place, x, y);
    figure.label(&plot.title, (frame.plot().left, place.top - 8.0), Anchor::Start, BLACK);
    let across: Vec<f64> = plot.xs.iter().map(|it| frame.x_at(*it)).collect();
    let up: Vec<f64> = plot.ys.iter().map(|it| frame.y_at(*it)).collect();
    let (x_edges, y_edges) = (edges(&across), edges(&up));
    for (row, y) in plot.ratios.iter().zip(y_edges.windows(2)) {
        let shades: Vec<RGBColor> = row.iter().map(|it| shaded(*it)).collect();
        let mut from = 0;
        for same in shades.chunk_by(|a, b| a == b) {
            let to = (from + same.len()).min(x_edges.len() - 1);
            figure.fill((x_edges[from], y[1]), (x_edges[to], y[0]), same[0]);
            from = to;
        }
    }
    let mut labels = Labels::new(frame.plot());
    let mut names: Vec<(&str, Vec<Pixel>)> = Vec::new();
    for curve in &plot.lines {
        let line: Vec<Pixel> = curve.points.iter().map(|(x, y)| frame.at(*x, *y)).collect();
        figure.line(line.clone(), BLACK, CURVE_WIDTH);
        labels.keep_off(&line);
        names.push((&curve.name, line));
    }
    if let Some((x, y, name)) = &plot.mark {
        let at = frame.at(*x, *y);
        figure.dot(at, 7.0, WHITE);
        figure.dot(at, 5.0, BLACK);
        labels.keep_off(&[(at.0 - 7.0, at.1), (at.0 + 7.0, at.1)]);
        labels.put(figure, name, BLACK, &[at]);
    }
    for (name, line) in names.iter().filter(|(name, line)| !name.is_empty() && !line.is_empty()) {
        let places = [line.len() / 2, line.len() / 3, 2 * line.len() / 3].map(|it| line[it]);
        labels.put(figure, name, BLACK, &places);
    }
}

/// The middles between neighbours, and the ends.
fn edges(middles: &[f64]) -> Vec<f64> {
    let (Some(first), Some(last)) = (middles.first(), middles.last()) else { return Vec::new() };
    let between = middles.windows(2).map(|it| it[0].midpoint(it[1]));
    [*first].into_iter().chain(between).chain([*last]).collect()
}

/// How many shades there are to each side, so that the colours of a figure are few.
pub(super) const N_STEPS: u32 = 12;

/// White where the ratio is 1, and ever more of a colour to both sides.
fn shaded(ratio: f64) -> RGBColor {
    let part = (libm::log(ratio.max(1e-9)) / libm::log(FULL)).clamp(-1.0, 1.0);
    let hue = if part < 0.0 { Hue::InfiniCache } else { Hue::ElastiCache };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 12")]
    let step = (part.abs() * f64::from(N_STEPS)).ceil() as u32;
    shade_of(hue, step)
}

/// The shade of this number, from 0 for white.
pub(super) fn shade_of(hue: Hue, step: u32) -> RGBColor {
    mixed(WHITE, hue.color(), 0.85 * f64::from(step) / f64::from(N_STEPS))
}
