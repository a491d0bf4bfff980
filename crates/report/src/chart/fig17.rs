//! Fig 17 of the paper (FAST 2020, section 5.2): what an hour costs over how many requests come
//! in it, and from where on rented nodes are cheaper.

use serde::{Deserialize, Serialize};

use super::axis::Axis;
use super::frame::{Frame, Sample};
use super::scene::{Anchor, Figure};
use super::style::{BLACK, CURVE_WIDTH, DARK_GREY, Hue, PAPER_WIDTH, RULE_WIDTH};

/// The curves of Fig 17, each from the lowest rate to the highest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fig17 {
    /// InfiniCache, ours.
    pub infinicache: Vec<CostAtRate>,
    /// InfiniCache, the paper's.
    pub infinicache_paper: Vec<CostAtRate>,
    /// ElastiCache, ours.
    pub elasticache: Vec<CostAtRate>,
    /// ElastiCache, the paper's.
    pub elasticache_paper: Vec<CostAtRate>,
    /// Where our curves cross; nothing where they do not.
    pub crossover: Option<CostAtRate>,
    /// The rate at which the paper's cross, as its text says.
    pub crossover_paper_requests_per_hour: Option<f64>,
    /// How it was found, as a sentence for the caption.
    pub caption: String,
}

/// What an hour costs at one rate of requests.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostAtRate {
    /// How many requests for objects come in an hour.
    pub requests_per_hour: f64,
    /// What the hour costs, in dollars.
    pub usd_per_hour: f64,
}

/// Draws what an hour costs over the rate of requests: ours solid, the paper's dashed over it,
/// and the crossover marked.
pub fn fig17(data: &Fig17) -> Figure {
    let Fig17 {
        infinicache,
        infinicache_paper,
        elasticache,
        elasticache_paper,
        crossover,
        crossover_paper_requests_per_hour,
        caption,
    } = data;
    let curves = [infinicache, infinicache_paper, elasticache, elasticache_paper];
    let points = || curves.into_iter().flatten();
    let max_rate = points().map(|it| it.requests_per_hour / 1e3).fold(0.0, f64::max);
    let max_usd = points().map(|it| it.usd_per_hour).fold(0.0, f64::max);

    let mut figure = Figure::new("Fig 17: hourly cost over the rate of requests", caption);
    let x = Axis::linear("Object requests per hour (thousands)", max_rate, 8.0);
    let y = Axis::linear("Cost per hour (US$)", max_usd, 6.0);
    let frame = Frame::new(&mut figure, x, y);
    let legend = [
        ("ours", Sample::Line(DARK_GREY, 2.0 * CURVE_WIDTH)),
        ("paper", Sample::Dashes(DARK_GREY, PAPER_WIDTH)),
    ];
    frame.legend(&mut figure, &legend);

    for (curve, paper, hue) in [
        (elasticache, elasticache_paper, Hue::ElastiCache),
        (infinicache, infinicache_paper, Hue::InfiniCache),
    ] {
        // Wide, so that the paper's curve is seen on it where they agree.
        figure.line(pixels(&frame, curve), hue.color(), 2.0 * CURVE_WIDTH);
        figure.dashed(pixels(&frame, paper), hue.shade(), PAPER_WIDTH);
    }
    name_curves(&mut figure, &frame, data);
    if let Some(crossover) = crossover {
        mark_crossover(&mut figure, &frame, *crossover, *crossover_paper_requests_per_hour);
    }
    figure
}

/// Names each curve beside itself: where it is a third of its way, the lines lie far apart.
fn name_curves(figure: &mut Figure, frame: &Frame, data: &Fig17) {
    let third = |curve: &[CostAtRate]| curve.get(curve.len() / 3).copied();
    if let Some(CostAtRate { requests_per_hour, usd_per_hour }) = third(&data.elasticache) {
        let (x, y) = frame.at(requests_per_hour / 1e3, usd_per_hour);
        let color = Hue::ElastiCache.shade_for_words();
        figure.label_on_white("ElastiCache", (x, y + 24.0), Anchor::Middle, color);
    }
    let last = data.infinicache.last().map_or(0.0, |it| it.requests_per_hour);
    let past = data.infinicache.iter().find(|it| last / 3.0 <= it.requests_per_hour);
    if let Some(CostAtRate { requests_per_hour, usd_per_hour }) = past {
        let (x, y) = frame.at(requests_per_hour / 1e3, *usd_per_hour);
        let color = Hue::InfiniCache.shade_for_words();
        figure.label_on_white("InfiniCache", (x + 14.0, y + 14.0), Anchor::Start, color);
    }
}

fn mark_crossover(figure: &mut Figure, frame: &Frame, ours: CostAtRate, paper: Option<f64>) {
    let thousands = ours.requests_per_hour / 1e3;
    let (x, y) = frame.at(thousands, ours.usd_per_hour);
    figure.line(vec![(x, y), (x, frame.bottom())], BLACK, RULE_WIDTH);
    figure.dot((x, y), 6.0, BLACK);
    let mut lines = vec!["crossover (thousands/h)".to_owned(), format!("ours: {thousands:.1}")];
    lines.extend(paper.map(|it| format!("paper: {:.0}", it / 1e3)));
    let (x, anchor) = if x < 300.0 { (x + 12.0, Anchor::Start) } else { (x - 12.0, Anchor::End) };
    for (index, line) in (0_u32..).zip(lines.iter().rev()) {
        let place = (x, frame.bottom() - 14.0 - 20.0 * f64::from(index));
        figure.label_on_white(line, place, anchor, BLACK);
    }
}

fn pixels(frame: &Frame, curve: &[CostAtRate]) -> Vec<(f64, f64)> {
    curve.iter().map(|it| frame.at(it.requests_per_hour / 1e3, it.usd_per_hour)).collect()
}
