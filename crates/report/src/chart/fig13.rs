//! Fig 13 of the paper (FAST 2020, section 5.2): what 50 hours of the production trace cost, in
//! total and hour by hour.

use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::frame::{Frame, Sample};
use super::scene::{Anchor, Figure};
use super::style::{BLACK, DARK_GREY, Hue, PAPER_WIDTH, RULE_WIDTH};
use super::trade_off::Estimate;
use crate::comparison::HourSummary;

/// The bars of Fig 13 (a).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fig13Total {
    /// From left to right.
    pub bars: Vec<TotalCost>,
    /// What was replayed, as a sentence for the caption.
    pub caption: String,
}

/// What one system cost in total: ours beside the paper's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TotalCost {
    /// The system, for its colour.
    pub hue: Hue,
    /// Its name under the bars; a line break in it is kept.
    pub label: String,
    /// What we find, in dollars, with its 95 % interval; nothing where it was not run.
    pub ours_usd: Option<Estimate>,
    /// What the paper says, in dollars; nothing where it says none.
    pub paper_usd: Option<f64>,
}

/// One of the panels (b) to (d) of Fig 13.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fig13Hourly {
    /// What we find.
    pub ours: HourlyCost,
    /// The 95 % interval of the total of each hour; may be empty.
    pub interval_usd: Vec<(f64, f64)>,
    /// What the paper shows.
    pub paper: Option<HourlyCost>,
    /// What was replayed, as a sentence for the caption.
    pub caption: String,
}

/// Which requests Fig 13 and Fig 14 show in a panel, and whether with backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Panel {
    /// All objects.
    All,
    /// Objects over 10 MB.
    Large,
    /// Objects over 10 MB, and no backup between replicas.
    LargeWithoutBackup,
}

/// What InfiniCache cost in each hour of a run, in dollars, by what caused it. The three are as
/// long as each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HourlyCost {
    /// Invocations that answered requests.
    pub serving_usd: Vec<f64>,
    /// Invocations for the sync between replicas.
    pub backup_usd: Vec<f64>,
    /// Invocations that kept functions from being reclaimed.
    pub warm_up_usd: Vec<f64>,
}

impl Panel {
    /// The panels in the order of the figure.
    pub const ALL: [Panel; 3] = [Panel::All, Panel::Large, Panel::LargeWithoutBackup];

    /// The name that files give it.
    pub const fn key(self) -> &'static str {
        match self {
            Panel::All => "all",
            Panel::Large => "large",
            Panel::LargeWithoutBackup => "large_nobackup",
        }
    }

    /// The name that a person reads.
    pub const fn title(self) -> &'static str {
        match self {
            Panel::All => "all objects",
            Panel::Large => "objects over 10 MB",
            Panel::LargeWithoutBackup => "objects over 10 MB, without backup",
        }
    }
}

impl From<&[HourSummary]> for HourlyCost {
    fn from(hours: &[HourSummary]) -> HourlyCost {
        HourlyCost {
            serving_usd: hours.iter().map(|it| it.cost.serving.as_f64()).collect(),
            backup_usd: hours.iter().map(|it| it.cost.backup.as_f64()).collect(),
            warm_up_usd: hours.iter().map(|it| it.cost.warm_up.as_f64()).collect(),
        }
    }
}

impl HourlyCost {
    /// The components from below to above, each with what it and those under it cost together.
    fn stacked(&self) -> [(&'static str, Hue, Vec<f64>); 3] {
        let add = |below: &[f64], more: &[f64]| -> Vec<f64> {
            below.iter().zip(more).map(|(below, more)| below + more).collect()
        };
        let serving = self.serving_usd.clone();
        let with_backup = add(&serving, &self.backup_usd);
        let with_warm_up = add(&with_backup, &self.warm_up_usd);
        [
            ("serving", Hue::Serving, serving),
            ("backup", Hue::Backup, with_backup),
            ("warm-up", Hue::WarmUp, with_warm_up),
        ]
    }

    fn has_backup(&self) -> bool {
        self.backup_usd.iter().any(|it| 0.0 < *it)
    }
}

/// Draws what each system cost in total, as bars over a logarithmic axis: ours solid, the
/// paper's dashed, each with its value.
pub fn fig13_total(data: &Fig13Total) -> Figure {
    let Fig13Total { bars, caption } = data;
    let values: Vec<f64> =
        bars.iter().flat_map(|it| [ours_usd(it), it.paper_usd]).flatten().collect();
    let (from, to) = decades(&values);
    let mut figure = Figure::new("Fig 13 (a): what the trace costs in total", caption);
    let names: Vec<&str> = bars.iter().map(|it| it.label.as_str()).collect();
    let y = Axis::decades("Total cost (US$)", from, to);
    let frame = Frame::new(&mut figure, Axis::places(&names), y);
    let mut legend =
        vec![("ours", Sample::Fill(DARK_GREY)), ("paper", Sample::Dashes(DARK_GREY, PAPER_WIDTH))];
    if bars.iter().filter_map(|it| it.ours_usd).any(|it| it.low < it.high) {
        legend.push(("95 % interval", Sample::Line(BLACK, 1.5 * RULE_WIDTH)));
    }
    frame.legend(&mut figure, &legend);
    for (place, bar) in (0_u32..).zip(bars) {
        draw_total(&mut figure, &frame, f64::from(place), bar);
    }
    figure
}

/// Draws what InfiniCache cost in each hour: ours as stacked bars, and over them the upper
/// edges of the paper's, dashed, in the same order and darker shades of the same colours.
pub fn fig13_hourly(panel: Panel, data: &Fig13Hourly) -> Figure {
    let Fig13Hourly { ours, interval_usd, paper, caption } = data;
    let letter = match panel {
        Panel::All => 'b',
        Panel::Large => 'c',
        Panel::LargeWithoutBackup => 'd',
    };
    let title = format!("Fig 13 ({letter}): hourly cost of InfiniCache, {}", panel.title());
    let mut figure = Figure::new(&title, caption);
    let stacks: Vec<_> = [Some(ours), paper.as_ref()].into_iter().flatten().collect();
    let n_hours = stacks.iter().map(|it| it.serving_usd.len()).max().unwrap_or(0).max(1);
    let has_backup = stacks.iter().any(|it| it.has_backup());
    let tops = stacks.iter().flat_map(|it| it.stacked().into_iter().flat_map(|(_, _, it)| it));
    let max = tops.chain(interval_usd.iter().map(|it| it.1)).fold(0.0, f64::max);
    let x = Axis::linear_to("Hour of the replay (h)", n_hours as f64, 10.0);
    let frame = Frame::new(&mut figure, x, Axis::linear("Cost per hour (US$)", max, 6.0));

    let is_shown = |name: &str| has_backup || name != "backup";
    draw_stack(&mut figure, &frame, ours);
    let mut legend: Vec<(&str, Sample)> = Vec::new();
    for (name, hue, _) in ours.stacked() {
        if is_shown(name) {
            legend.push((name, Sample::Fill(hue.color())));
        }
    }
    if let Some(paper) = paper {
        for (name, hue, tops) in paper.stacked() {
            if is_shown(name) {
                let hours = (0_u32..).map(|it| f64::from(it) + 0.5);
                let points = hours.zip(&tops).map(|(hour, top)| frame.at(hour, *top)).collect();
                figure.dashed(points, hue.shade(), PAPER_WIDTH);
            }
        }
        legend.push(("paper, same stack", Sample::Dashes(DARK_GREY, PAPER_WIDTH)));
    }
    for (hour, (low, high)) in (0_u32..).zip(interval_usd) {
        let x = frame.x_at(f64::from(hour) + 0.5);
        draw_interval(&mut figure, x, frame.y_at(*low), frame.y_at(*high));
    }
    if !interval_usd.is_empty() {
        legend.push(("95 % interval", Sample::Line(BLACK, 1.5 * RULE_WIDTH)));
    }
    frame.legend(&mut figure, &legend);
    figure
}

fn draw_total(figure: &mut Figure, frame: &Frame, place: f64, bar: &TotalCost) {
    const GAP: f64 = 0.09;
    const MIDDLE: f64 = 0.5;
    let sides = [(GAP, MIDDLE - 0.02, ours_usd(bar)), (MIDDLE + 0.02, 1.0 - GAP, bar.paper_usd)];
    for (index, (left, right, usd)) in sides.into_iter().enumerate() {
        let is_paper = index == 1;
        let middle = frame.x_at(place + left.midpoint(right));
        let Some(usd) = usd else {
            let words = if is_paper { "not given" } else { "not run" };
            figure.label(words, (middle, frame.bottom() - 8.0), Anchor::Middle, DARK_GREY);
            continue;
        };
        let top_left = frame.at(place + left, usd);
        let bottom_right = (frame.x_at(place + right), frame.bottom());
        if is_paper {
            figure.fill(top_left, bottom_right, bar.hue.tint());
            let outline = vec![
                (top_left.0, frame.bottom()),
                top_left,
                (bottom_right.0, top_left.1),
                bottom_right,
            ];
            figure.dashed(outline, bar.hue.shade(), PAPER_WIDTH);
        } else {
            figure.fill(top_left, bottom_right, bar.hue.color());
        }
        let mut above = top_left.1;
        if let Some(it) = bar.ours_usd.filter(|it| !is_paper && it.low < it.high) {
            draw_interval(figure, middle, frame.y_at(it.low), frame.y_at(it.high));
            above = above.min(frame.y_at(it.high));
        }
        figure.label(&format!("${usd:.2}"), (middle, above - 6.0), Anchor::Middle, BLACK);
    }
}

fn ours_usd(bar: &TotalCost) -> Option<f64> {
    bar.ours_usd.map(|it| it.mean)
}

/// An interval as a line with an end on either side, at a place across.
fn draw_interval(figure: &mut Figure, x: f64, from: f64, to: f64) {
    const END: f64 = 3.0;
    figure.line(vec![(x, from), (x, to)], BLACK, 1.5 * RULE_WIDTH);
    for y in [from, to] {
        figure.line(vec![(x - END, y), (x + END, y)], BLACK, 1.5 * RULE_WIDTH);
    }
}

fn draw_stack(figure: &mut Figure, frame: &Frame, cost: &HourlyCost) {
    const GAP: f64 = 0.08;
    let mut below = vec![0.0; cost.serving_usd.len()];
    for (_, hue, tops) in cost.stacked() {
        for (hour, (bottom, top)) in (0_u32..).zip(below.iter().zip(&tops)) {
            let hour = f64::from(hour);
            let from = frame.at(hour + GAP, *top);
            figure.fill(from, frame.at(hour + 1.0 - GAP, *bottom), hue.color());
        }
        below = tops;
    }
}

/// The whole decades that hold all of `values` that a logarithmic axis can show, with room for
/// a bar under the least and a label over the greatest.
fn decades(values: &[f64]) -> (i32, i32) {
    let shown = || values.iter().copied().filter(|it| it.is_finite() && 0.0 < *it);
    let least = shown().fold(f64::INFINITY, f64::min).clamp(1e-6, 10.0);
    let greatest = shown().fold(10.0, f64::max).min(1e12) * 1.3;
    #[expect(clippy::cast_possible_truncation, reason = "clamped to 18 decades")]
    let decades =
        (libm::floor(libm::log10(least * 0.5)) as i32, libm::ceil(libm::log10(greatest)) as i32);
    decades
}
