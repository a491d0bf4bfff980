//! Figs 15 and 16: how long reads took, over all and by size.

use report::chart::{
    BoxChart, BoxGroup, BoxPlot, Chart, Curve, CurveChart, Hue, Naming, Origin, Plot, Scale,
    Spread, SpreadBox, Ticks,
};
use report::comparison::{HIT_LEVELS, SystemSummary};
use report::reference;
use sim::SIZE_CLASSES;

use super::made::{Kind, Made};
use super::seeds::{estimates, mean};
use super::trace_shape::thinned;

/// Fig 15 (a), over all objects.
pub(super) fn fig15a(made: &Made) -> anyhow::Result<Option<Chart>> {
    fig15(made, "Fig 15 (a): latency of reads, all objects", 0.0005)
}

/// Fig 15 (b), over those of more than 10 MB.
pub(super) fn fig15b(made: &Made) -> anyhow::Result<Option<Chart>> {
    fig15(made, "Fig 15 (b): latency of reads, objects over 10 MB", 0.01)
}

fn fig15(made: &Made, title: &str, from_s: f64) -> anyhow::Result<Option<Chart>> {
    let paper = reference::curves(made.reference(0)?, ["system", "latency_s", "cdf"])?;
    let Some(first) = made.runs().first() else { return Ok(None) };
    let kinds: Vec<Kind> = first.systems.iter().map(|it| Kind::of(&it.name)).collect();
    let mut curves: Vec<Curve> = kinds
        .iter()
        .enumerate()
        .filter_map(|(number, it)| cdf(it.title(), it.hue(), &made.system(number)))
        .collect();
    for kind in &kinds {
        let points = thinned(paper.get(&[kind.title()]));
        if !points.is_empty() {
            curves
                .push(Curve { is_stepped: true, ..Curve::paper(kind.title(), kind.hue(), points) });
        }
    }
    let caption = format!(
        "Reads that the cache served (all reads of S3): {}; {}. S3 is our model of what the \
         paper's replayer saw, fitted to its curve; others measured it faster.",
        made.workload,
        made.seeds_with_interval()
    );
    Ok(Some(Chart::Curves(CurveChart {
        title: title.to_owned(),
        caption,
        n_columns: 1,
        plots: vec![Plot {
            title: String::new(),
            x: Scale::logarithmic("Latency").written(Ticks::Seconds).between(from_s, 100.0),
            y: Scale::linear("Part of the reads").between(0.0, 1.0),
            curves,
        }],
        naming: Naming::Beside,
    })))
}

/// The distribution of a system's hits, the mean over its seeds at each latency.
pub(crate) fn cdf(label: &str, hue: Hue, seeds: &[&SystemSummary]) -> Option<Curve> {
    /// Latencies from one to the next, as a factor: about 60 to a decade.
    const STEP: f64 = 1.04;
    let all = || seeds.iter().flat_map(|it| it.hits.quantiles_ms.iter().copied());
    let (from, to) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    if seeds.iter().any(|it| it.hits.quantiles_ms.is_empty()) || to <= 0.0 {
        return None;
    }
    let mut places = vec![from.max(1e-3) / STEP];
    while let Some(last) = places.last().copied().filter(|it| *it < to) {
        places.push(last * STEP);
    }
    let series: Vec<Vec<f64>> = seeds
        .iter()
        .map(|it| places.iter().map(|at| part_below(&it.hits.quantiles_ms, *at)).collect())
        .collect();
    let parts = estimates(&series);
    let seconds = || places.iter().map(|it| it / 1e3);
    let points = seconds().zip(parts.iter().map(|it| it.mean)).collect();
    let interval = if seeds.len() < 2 {
        Vec::new()
    } else {
        let ends = parts.iter().map(|it| (it.low.max(0.0), it.high.min(1.0)));
        seconds().zip(ends).map(|(at, (low, high))| (at, low, high)).collect()
    };
    Some(Curve { interval, ..Curve::ours(label, hue, points) })
}

/// The part of the hits that took no longer than `at_ms`, between the kept levels by a line.
fn part_below(quantiles_ms: &[f64], at_ms: f64) -> f64 {
    let after = quantiles_ms.partition_point(|it| *it <= at_ms);
    let Some(before) = after.checked_sub(1) else { return 0.0 };
    let Some(next_ms) = quantiles_ms.get(after) else { return 1.0 };
    let gap = (next_ms - quantiles_ms[before]).max(1e-9);
    let part = (at_ms - quantiles_ms[before]) / gap;
    HIT_LEVELS[before] + part * (HIT_LEVELS[after] - HIT_LEVELS[before])
}

/// The latencies of a system over the median of ElastiCache in a size class, under each seed;
/// empty where one of them has no reads there.
fn normalised(made: &Made, kind: Kind, class: usize) -> Vec<Spread> {
    let of = |it: &SystemSummary| it.hits.by_size_ms[class];
    let pairs = made.systems_of(kind).into_iter().zip(made.systems_of(Kind::ElastiCache));
    pairs
        .filter_map(|(it, base)| {
            let base = of(base)?[2];
            let [low, q1, median, q3, high] = of(it)?.map(|it| it / base);
            Some(Spread { low, q1, median, q3, high })
        })
        .collect()
}

/// Fig 16: latencies over the median of ElastiCache, by size.
pub(super) fn fig16(made: &Made) -> anyhow::Result<Option<Chart>> {
    let columns = ["size_bin", "system", "lo", "q1", "median", "q3", "hi"];
    let paper = reference::spreads(made.reference(0)?, columns)?;
    if made.runs().is_empty() {
        return Ok(None);
    }
    let group = |(class, (name, _)): (usize, &(&str, _))| {
        let mut boxes = Vec::new();
        for kind in [Kind::InfiniCache, Kind::StoreAsInPaper] {
            let (label, hue) = (kind.title(), kind.hue());
            let seeds = normalised(made, kind, class);
            let spread_box =
                |origin, spread| SpreadBox { name: label.to_owned(), hue, origin, spread };
            if !seeds.is_empty() {
                boxes.push(spread_box(Origin::Ours, mean_spread(&seeds)));
            }
            let theirs = paper.iter().find(|(it, _)| it[0] == *name && it[1] == label);
            boxes.extend(theirs.map(|(_, it)| spread_box(Origin::Paper, *it)));
        }
        let name = match *name {
            "<1MB" => "below 1 MB",
            "1-10MB" => "1 to 10 MB",
            "10-100MB" => "10 to 100 MB",
            ">=100MB" => "100 MB and more",
            other => other,
        };
        BoxGroup { name: name.to_owned(), boxes }
    };
    let groups = SIZE_CLASSES.iter().enumerate().map(group).collect();
    Ok(Some(Chart::Boxes(BoxChart {
        title: "Fig 16: latency of reads over that of ElastiCache, by size".to_owned(),
        caption: format!(
            "Reads that the cache served, over the median of ElastiCache in the same size class; \
             our boxes are quartiles, their whiskers the 5th and 95th percentile. {}; {}.",
            made.workload,
            made.seeds()
        ),
        n_columns: 1,
        plots: vec![BoxPlot {
            title: String::new(),
            x_title: "Object size".to_owned(),
            y: Scale::logarithmic("Latency over ElastiCache's median (times)"),
            groups,
        }],
    })))
}

fn mean_spread(seeds: &[Spread]) -> Spread {
    let of = |part: fn(&Spread) -> f64| mean(&seeds.iter().map(part).collect::<Vec<_>>());
    Spread {
        low: of(|it| it.low),
        q1: of(|it| it.q1),
        median: of(|it| it.median),
        q3: of(|it| it.q3),
        high: of(|it| it.high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_below_a_latency_lies_between_the_kept_levels() {
        // As long as its level: 1 ms at 1 %, 50 ms at 50 %.
        let quantiles: Vec<f64> = HIT_LEVELS.iter().map(|it| it * 100.0).collect();
        for (at_ms, expect) in [(0.0, 0.0), (50.0, 0.5), (50.5, 0.505), (99.9, 0.999), (200.0, 1.0)]
        {
            let part = part_below(&quantiles, at_ms);
            assert!((part - expect).abs() < 1e-9, "{at_ms}: {part}");
        }
    }
}
