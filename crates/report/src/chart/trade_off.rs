//! One quantity against another: each choice a dot, those that no other beats joined by a line.

use serde::{Deserialize, Serialize};

use super::axis::{Axis, Scale};
use super::frame::{Frame, Place, Sample, legend};
use super::labels::Labels;
use super::scene::{Figure, Pixel};
use super::style::{BLACK, DARK_GREY, HEIGHT, Hue, LIGHT_GREY, RULE_WIDTH, WIDTH};

/// A figure of choices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeOff {
    /// Its title.
    pub title: String,
    /// What it shows, and of what.
    pub caption: String,
    /// The axis across.
    pub x: Scale,
    /// The upright axis.
    pub y: Scale,
    /// The choices.
    pub choices: Vec<Choice>,
}

/// One choice, and what comes of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What it shares with others of its colour, for the legend.
    pub family: String,
    /// What distinguishes it within the family.
    pub name: String,
    /// What its colour stands for.
    pub hue: Hue,
    /// Where it lies across: the mean, and the 95 % interval around it.
    pub x: Estimate,
    /// Where it lies up.
    pub y: Estimate,
    /// Whether no other choice is better in one and no worse in the other. Only these are
    /// named.
    pub is_best: bool,
}

/// A mean and its 95 % interval; all three alike where chance does not enter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Where the interval starts.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

/// Draws the choices with their intervals, and the line of the best.
pub fn trade_off(data: &TradeOff) -> Figure {
    let mut figure = Figure::sized(&data.title, &data.caption, HEIGHT + 80.0);
    let mut entries: Vec<(&str, Sample)> = Vec::new();
    for it in &data.choices {
        if entries.iter().all(|(name, _)| *name != it.family) {
            entries.push((&it.family, Sample::Fill(it.hue.color())));
        }
    }
    entries.push(("none better", Sample::Dashes(DARK_GREY, RULE_WIDTH)));
    let n_legend_rows = legend(&mut figure, (76.0, 60.0), &entries);
    let ends = |of: fn(&Choice) -> Estimate| {
        data.choices.iter().map(of).flat_map(|it| [it.low, it.mean, it.high])
    };
    let top = 64.0 + 20.0 * n_legend_rows;
    let place = Place { left: 0.0, right: WIDTH, top, bottom: figure.bottom };
    let x = Axis::of(&data.x, ends(|it| it.x), 8.0);
    let y = Axis::of(&data.y, ends(|it| it.y), 7.0);
    let frame = Frame::within(&mut figure, place, x, y);

    let at = |it: &Choice| frame.at(it.x.mean, it.y.mean);
    let mut best: Vec<Pixel> = data.choices.iter().filter(|it| it.is_best).map(at).collect();
    best.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    figure.dashed(best.clone(), DARK_GREY, RULE_WIDTH);
    let mut labels = Labels::new(frame.plot());
    labels.keep_off(&best);
    for it in &data.choices {
        let Choice { x, y, .. } = it;
        let across = vec![frame.at(x.low, y.mean), frame.at(x.high, y.mean)];
        let up = vec![frame.at(x.mean, y.low), frame.at(x.mean, y.high)];
        labels.keep_off(&across);
        labels.keep_off(&up);
        figure.line(across, it.hue.color(), RULE_WIDTH);
        figure.line(up, it.hue.color(), RULE_WIDTH);
    }
    for it in &data.choices {
        let (x, y) = at(it);
        labels.keep_off(&[(x - 9.0, y), (x + 9.0, y)]);
        labels.keep_off(&[(x, y - 9.0), (x, y + 9.0)]);
        let (outline, radius) = if it.is_best { (BLACK, 6.5) } else { (LIGHT_GREY, 5.5) };
        figure.dot((x, y), radius, outline);
        figure.dot((x, y), radius - 1.25, it.hue.color());
    }
    for it in data.choices.iter().filter(|it| it.is_best) {
        labels.put(&mut figure, &it.name, BLACK, &[at(it)]);
    }
    figure
}
