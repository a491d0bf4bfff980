//! Fig 1: what a trace is like, as the curves of its distributions.

use report::chart::{Chart, Curve, CurveChart, Hue, Naming, Plot, Scale, Ticks};
use report::reference::{self, NamedCurves};
use serde::{Deserialize, Serialize};
use trace::{Statistics, Trace};
use units::{Nanos, Op};

use super::made::{Made, Outcome};

/// What Fig 1 shows of a trace, and the numbers that the paper's section 2 gives.
#[derive(Serialize, Deserialize)]
pub(crate) struct TraceShape {
    /// The trace's name, as the caption says it.
    pub(crate) name: String,
    /// How long it lasts, in hours.
    pub(crate) span_h: f64,
    /// Whether it has objects of up to 10 MB too.
    pub(crate) has_small: bool,
    /// Over megabytes: the part of the objects that are no larger.
    sizes: Vec<(f64, f64)>,
    /// Over megabytes: the part of their bytes that no larger ones hold.
    bytes: Vec<(f64, f64)>,
    /// Of objects over 10 MB, over requests: the part asked for no more often.
    accesses: Vec<(f64, f64)>,
    /// Of objects over 10 MB, over hours: the part of the requests that come no later after the
    /// one before.
    reuses: Vec<(f64, f64)>,
    /// Objects over 10 MB among all, in percent.
    pub(crate) large_object_percent: f64,
    /// Bytes of objects over 10 MB among all that are kept, in percent.
    pub(crate) large_byte_percent: f64,
    /// Of objects over 10 MB, those asked for ten times or more, in percent.
    pub(crate) large_hot_percent: f64,
    /// Of objects over 10 MB, the reuse intervals below an hour, in percent.
    pub(crate) large_reuse_within_hour_percent: f64,
}

impl TraceShape {
    pub(crate) fn of(name: &str, trace: &Trace) -> TraceShape {
        let statistics = Statistics::of(trace);
        let sizes: Vec<f64> =
            trace.largest_sizes().iter().map(|it| it.get() as f64 / 1e6).collect();
        let is_large = |index: usize| Statistics::LARGE.get() as f64 / 1e6 < sizes[index];
        let mut n_accesses = vec![0_u32; sizes.len()];
        let mut last_at = vec![None; sizes.len()];
        let mut reuses = Vec::new();
        for request in trace.requests().iter().filter(|it| it.op == Op::Get) {
            let index = request.object.index();
            n_accesses[index] += 1;
            if let Some(last) = last_at[index].replace(request.at)
                && is_large(index)
            {
                let hours = request.at.since(last).as_seconds_f64() / Nanos::HOUR.as_seconds_f64();
                // In whole hours, as the paper plots them; the first bin where its first is.
                reuses.push(hours.floor().max(FIRST_BIN_HOURS));
            }
        }
        let accesses = n_accesses.iter().enumerate().filter(|(index, _)| is_large(*index));
        let accesses: Vec<f64> = accesses.map(|(_, count)| f64::from(*count)).collect();
        let all_bytes: f64 = sizes.iter().sum();
        let large_bytes: f64 =
            (0..sizes.len()).filter(|it| is_large(*it)).map(|it| sizes[it]).sum();
        TraceShape {
            name: name.to_owned(),
            span_h: trace.span().as_seconds_f64() / Nanos::HOUR.as_seconds_f64(),
            has_small: (0..sizes.len()).any(|it| !is_large(it)),
            bytes: cumulative(sizes.iter().map(|it| (*it, *it)).collect()),
            sizes: cumulative(sizes.iter().map(|it| (*it, 1.0)).collect()),
            accesses: cumulative(accesses.into_iter().map(|it| (it, 1.0)).collect()),
            reuses: cumulative(reuses.into_iter().map(|it| (it, 1.0)).collect()),
            large_object_percent: 100.0 * statistics.large_object_ratio,
            large_byte_percent: 100.0 * large_bytes / all_bytes,
            large_hot_percent: 100.0 * statistics.large_hot_ratio,
            large_reuse_within_hour_percent: 100.0 * statistics.large_reuse_within_hour_ratio,
        }
    }
}

impl TraceShape {
    /// Whether it is too short for how often an object is read in months.
    pub(crate) fn is_short(&self) -> bool {
        const MONTH_H: f64 = 720.0;
        self.span_h < MONTH_H
    }

    /// How many powers of ten lie between the least size that is not nothing and the largest.
    pub(crate) fn orders_of_magnitude(&self) -> Option<f64> {
        let least = self.sizes.iter().map(|it| it.0).find(|it| 0.0 < *it)?;
        Some(libm::log10(self.sizes.last()?.0 / least))
    }
}

/// Where the paper plots the first bin of its reuse intervals.
const FIRST_BIN_HOURS: f64 = 0.113_308;

/// The cumulative distribution of weighted values, at about 250 of them.
fn cumulative(mut weighted: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    weighted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let total: f64 = weighted.iter().map(|it| it.1).sum();
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut below = 0.0;
    for same in weighted.chunk_by(|a, b| b.0 <= a.0) {
        below += same.iter().map(|it| it.1).sum::<f64>();
        points.push((same[0].0, below / total));
    }
    thinned(&points)
}

/// The points of a curve that can be told from those before them: further by 4 parts in a
/// thousand of its height, or by a tenth of the place across; and the last.
pub(crate) fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let is_last = index + 1 == points.len();
        let is_far = kept.last().is_none_or(|(last_x, last_y)| {
            0.004 <= (y - last_y).abs() || 1.1 * last_x <= *x && 0.0002 <= (y - last_y).abs()
        });
        if is_far || is_last {
            kept.push((*x, *y));
        }
    }
    kept
}

/// Fig 1: ours over the paper's, for each data centre that was asked for.
pub(super) fn fig1(made: &Made) -> anyhow::Result<Option<Chart>> {
    let Outcome::Shapes(shapes) = &made.outcome else { return Ok(None) };
    let mut papers = Vec::new();
    for number in 0..4 {
        papers.push(reference::curves(made.reference(number)?, ["series", "x", "cdf"])?);
    }
    let size = || Scale::logarithmic("Object size").written(Ticks::Megabytes).between(1e-6, 2e4);
    let part = |title: &str| Scale::linear(title).between(0.0, 1.0);
    let plot = |title: &str, index: usize, x: Scale, y: Scale, of: fn(&TraceShape) -> &_| Plot {
        title: title.to_owned(),
        x,
        y,
        curves: curves(&papers[index], shapes, of),
    };
    let plots = vec![
        plot("(a) object sizes", 0, size(), part("Part of the objects"), |it| &it.sizes),
        plot("(b) their bytes", 1, size(), part("Part of the bytes"), |it| &it.bytes),
        plot(
            "(c) requests per object over 10 MB",
            2,
            Scale::logarithmic("Requests").between(1.0, 3e4),
            part("Part of the objects"),
            |it| &it.accesses,
        ),
        plot(
            "(d) reuse intervals, objects over 10 MB",
            3,
            Scale::logarithmic("Hours since the last request").between(0.1, 2_000.0),
            part("Part of the requests"),
            |it| &it.reuses,
        ),
    ];
    let names: Vec<&str> = shapes.iter().map(|it| it.name.as_str()).collect();
    let mut caption = format!(
        "Ours: {}. Paper: 75 days of Dallas and London. Reuse in whole hours.",
        names.join(" and ")
    );
    if let Some(short) = shapes.iter().find(|it| it.is_short()) {
        caption.push_str(&format!(
            " {:.0} hours of {} hold fewer requests per object and no long intervals.",
            short.span_h, short.name
        ));
    }
    Ok(Some(Chart::Curves(CurveChart {
        title: "Fig 1: sizes, bytes, requests and reuse of the objects".to_owned(),
        caption,
        n_columns: 2,
        plots,
        naming: Naming::Beside,
    })))
}

fn curves(
    paper: &NamedCurves,
    shapes: &[TraceShape],
    of: fn(&TraceShape) -> &Vec<(f64, f64)>,
) -> Vec<Curve> {
    let hues = [("Dallas", Hue::Series(0)), ("London", Hue::Series(1))];
    let mut curves: Vec<Curve> = hues
        .iter()
        .zip(shapes)
        .map(|((name, hue), shape)| {
            // A trace of the reader's own goes by its own name.
            let is_synthetic = shape.name.starts_with("synthetic:");
            let name = if is_synthetic { name } else { shape.name.as_str() };
            Curve { is_stepped: true, ..Curve::ours(name, *hue, of(shape).clone()) }
        })
        .collect();
    for (name, hue) in &hues[..shapes.len().clamp(1, 2)] {
        let points = thinned(paper.get(&[name]));
        curves.push(Curve { is_stepped: true, ..Curve::paper(name, *hue, points) });
    }
    curves
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cumulative_distribution_ends_at_one_and_keeps_every_large_step() {
        let points = cumulative(vec![(2.0, 1.0), (1.0, 1.0), (1.0, 1.0), (4.0, 1.0)]);
        assert_eq!(points, [(1.0, 0.5), (2.0, 0.75), (4.0, 1.0)]);
        let many = cumulative((0..10_000).map(|it| (f64::from(it), 1.0)).collect());
        assert!((200..400).contains(&many.len()), "{}", many.len());
        assert_eq!(many.last(), Some(&(9_999.0, 1.0)));
        assert_eq!(cumulative(Vec::new()), []);
    }
}
