//! What a result depends on: how far each parameter moves it, the strongest on top.

use serde::{Deserialize, Serialize};

use super::axis::{Axis, Scale};
use super::frame::{Frame, Place, Sample, legend};
use super::scene::{Anchor, Figure};
use super::style::{BLACK, DARK_GREY, Hue, RULE_WIDTH, WIDTH};

/// A figure of bars to both sides of a base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tornado {
    /// Its title.
    pub title: String,
    /// What it shows, and of what.
    pub caption: String,
    /// What is moved, with the unit.
    pub outcome: Scale,
    /// What it is where no parameter is moved.
    pub base: f64,
    /// The parameters, from above to below.
    pub rows: Vec<TornadoRow>,
}

/// What one parameter does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TornadoRow {
    /// The parameter and its value in the base.
    pub name: String,
    /// The lower of its values, and what comes of it.
    pub lower: Moved,
    /// The higher of its values, and what comes of it.
    pub higher: Moved,
}

/// A parameter's value and what comes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The value, as a person writes it.
    pub value: String,
    /// The outcome: its mean over the seeds.
    pub outcome: f64,
}

const ROW_HEIGHT: f64 = 32.0;
/// Room for the names of the parameters.
const NAMES_WIDTH: f64 = 210.0;

/// Draws a bar from the base to each outcome, and beside it the value it comes of.
pub fn tornado(data: &Tornado) -> Figure {
    let height = 190.0 + ROW_HEIGHT * data.rows.len() as f64;
    let mut figure = Figure::sized(&data.title, &data.caption, height);
    let entries = [
        ("lower value", Sample::Fill(Hue::Series(4).color())),
        ("higher value", Sample::Fill(Hue::InfiniCache.color())),
    ];
    legend(&mut figure, (NAMES_WIDTH, 60.0), &entries);
    let outcomes = || data.rows.iter().flat_map(|it| [it.lower.outcome, it.higher.outcome]);
    let all = || outcomes().chain([data.base]);
    let (from, to) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    // The values stand beside the bars.
    let room = 0.16 * (to - from).max(1e-9);
    let scale = data.outcome.clone().between(from - room, to + room);
    let x = Axis::of(&scale, all(), 7.0);
    let names = vec![""; data.rows.len()];
    let mut y = Axis::places(&names);
    y.ticks.clear();
    let bottom = figure.bottom;
    let place = Place { left: NAMES_WIDTH - 76.0, right: WIDTH, top: 76.0, bottom };
    let frame = Frame::within(&mut figure, place, x, y);
    let n_rows = data.rows.len() as f64;
    for (index, row) in (0_u32..).zip(&data.rows) {
        let middle = n_rows - f64::from(index) - 0.5;
        let baseline = frame.y_at(middle) + 5.0;
        figure.label(&row.name, (NAMES_WIDTH - 12.0, baseline), Anchor::End, BLACK);
        let half = 0.36;
        for (moved, hue) in [(&row.lower, Hue::Series(4)), (&row.higher, Hue::InfiniCache)] {
            let (start, end) = (data.base.min(moved.outcome), data.base.max(moved.outcome));
            figure.fill(frame.at(start, middle + half), frame.at(end, middle - half), hue.color());
        }
        // Where both lie on one side, the nearer one's value has no room beside its bar.
        let is_left = |it: &Moved| it.outcome < data.base;
        let (lower, higher) = (&row.lower, &row.higher);
        if is_left(lower) == is_left(higher) {
            let text = format!("{}, {}", lower.value, higher.value);
            let further = if (lower.outcome - data.base).abs() < (higher.outcome - data.base).abs()
            {
                higher
            } else {
                lower
            };
            name_value(&mut figure, &frame, data.base, further, &text, baseline);
        } else {
            for it in [lower, higher] {
                name_value(&mut figure, &frame, data.base, it, &it.value, baseline);
            }
        }
    }
    let base = frame.x_at(data.base);
    figure.line(vec![(base, frame.plot().top), (base, frame.bottom())], BLACK, RULE_WIDTH);
    figure
}

fn name_value(
    figure: &mut Figure,
    frame: &Frame,
    base: f64,
    it: &Moved,
    text: &str,
    baseline: f64,
) {
    let x = frame.x_at(it.outcome);
    let (x, anchor) =
        if it.outcome < base { (x - 5.0, Anchor::End) } else { (x + 5.0, Anchor::Start) };
    figure.label(text, (x, baseline), anchor, DARK_GREY);
}
