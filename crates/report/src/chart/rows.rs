//! The numbers of a figure as rows, for those who draw it again in their own way.

use super::{
    BoxChart, Chart, CostAtRate, Curve, CurveChart, Estimate, Fig13Hourly, Fig13Total, Fig17,
    HourlyCost, Origin, SurfaceChart, Tornado, TradeOff,
};
use crate::rows::{Cell, ColumnKind, Rows};

/// The columns of the rows of every figure; what a figure has nothing of is empty.
const COLUMNS: [(&str, ColumnKind); 13] = [
    ("plot", ColumnKind::Text),
    ("series", ColumnKind::Text),
    ("origin", ColumnKind::Text),
    ("place", ColumnKind::Text),
    ("x", ColumnKind::Number),
    ("x_low", ColumnKind::Number),
    ("x_high", ColumnKind::Number),
    ("y", ColumnKind::Number),
    ("low", ColumnKind::Number),
    ("q1", ColumnKind::Number),
    ("q3", ColumnKind::Number),
    ("high", ColumnKind::Number),
    ("ratio", ColumnKind::Number),
];

/// One row, before it is cells.
#[derive(Default)]
struct Point<'a> {
    plot: &'a str,
    series: &'a str,
    origin: Option<Origin>,
    place: &'a str,
    x: Option<f64>,
    across: Option<(f64, f64)>,
    y: Option<f64>,
    up: Option<(f64, f64)>,
    quartiles: Option<(f64, f64)>,
    ratio: Option<f64>,
}

impl Chart {
    /// The numbers of the figure in rows: `plot` and `series` name the curve, box or bar, `origin`
    /// says whose it is (`ours` or `paper`), `place` names a place across that has no number, `x`
    /// and `y` are in the units of the axes, `low` and `high` are the ends of an interval or of
    /// whiskers.
    pub fn to_rows(&self) -> Rows {
        let mut rows = Rows::new(&COLUMNS);
        match self {
            Chart::TotalCost(data) => totals(&mut rows, data),
            Chart::HourlyCost(_, data) => hourly(&mut rows, data),
            Chart::CostOverRate(data) => rates(&mut rows, data),
            Chart::Curves(data) => curves(&mut rows, data),
            Chart::Boxes(data) => boxes(&mut rows, data),
            Chart::TradeOff(data) => choices(&mut rows, data),
            Chart::Surface(data) => surfaces(&mut rows, data),
            Chart::Tornado(data) => tornado(&mut rows, data),
        }
        rows
    }
}

fn push(rows: &mut Rows, point: &Point<'_>) {
    let Point { plot, series, origin, place, x, across, y, up, quartiles, ratio } = *point;
    let origin = match origin {
        Some(Origin::Ours) => Cell::text("ours"),
        Some(Origin::Paper) => Cell::text("paper"),
        None => Cell::Nothing,
    };
    let first = |it: Option<(f64, f64)>| Cell::number(it.map(|it| it.0));
    let second = |it: Option<(f64, f64)>| Cell::number(it.map(|it| it.1));
    rows.rows.push(vec![
        Cell::text(plot),
        Cell::text(series),
        origin,
        Cell::text(place),
        Cell::number(x),
        first(across),
        second(across),
        Cell::number(y),
        first(up),
        first(quartiles),
        second(quartiles),
        second(up),
        Cell::number(ratio),
    ]);
}

const fn ends(it: Estimate) -> (f64, f64) {
    (it.low, it.high)
}

fn totals(rows: &mut Rows, data: &Fig13Total) {
    for bar in &data.bars {
        let series = bar.label.replace('\n', " ");
        let of = |origin, y, up| Point {
            series: &series,
            origin: Some(origin),
            y: Some(y),
            up,
            ..Point::default()
        };
        if let Some(it) = bar.ours_usd {
            push(rows, &of(Origin::Ours, it.mean, Some(ends(it))));
        }
        if let Some(usd) = bar.paper_usd {
            push(rows, &of(Origin::Paper, usd, None));
        }
    }
}

fn hourly(rows: &mut Rows, data: &Fig13Hourly) {
    let stacks =
        [Some((Origin::Ours, &data.ours)), data.paper.as_ref().map(|it| (Origin::Paper, it))];
    for (origin, cost) in stacks.into_iter().flatten() {
        let HourlyCost { serving_usd, backup_usd, warm_up_usd } = cost;
        for (series, usd) in
            [("serving", serving_usd), ("backup", backup_usd), ("warm-up", warm_up_usd)]
        {
            for (hour, y) in (1_u32..).zip(usd) {
                let (x, y, origin) = (Some(f64::from(hour)), Some(*y), Some(origin));
                push(rows, &Point { series, origin, x, y, ..Point::default() });
            }
        }
    }
    for (hour, up) in (1_u32..).zip(&data.interval_usd) {
        let (x, origin) = (Some(f64::from(hour)), Some(Origin::Ours));
        push(rows, &Point { series: "total", origin, x, up: Some(*up), ..Point::default() });
    }
}

fn rates(rows: &mut Rows, data: &Fig17) {
    let lines = [
        ("InfiniCache", Origin::Ours, &data.infinicache),
        ("InfiniCache", Origin::Paper, &data.infinicache_paper),
        ("ElastiCache", Origin::Ours, &data.elasticache),
        ("ElastiCache", Origin::Paper, &data.elasticache_paper),
    ];
    for (series, origin, line) in lines {
        for CostAtRate { requests_per_hour, usd_per_hour } in line {
            let (x, y, origin) = (Some(*requests_per_hour), Some(*usd_per_hour), Some(origin));
            push(rows, &Point { series, origin, x, y, ..Point::default() });
        }
    }
    if let Some(it) = data.crossover {
        let (x, y, origin) =
            (Some(it.requests_per_hour), Some(it.usd_per_hour), Some(Origin::Ours));
        push(rows, &Point { series: "crossover", origin, x, y, ..Point::default() });
    }
}

fn curve(rows: &mut Rows, plot: &str, curve: &Curve) {
    let series = curve.name.as_str();
    let origin = Some(curve.origin);
    let mut intervals = curve.interval.iter().peekable();
    let point =
        |x: f64, y, up| Point { plot, series, origin, x: Some(x), y, up, ..Point::default() };
    // Both run from left to right, most often over the same places.
    for (x, y) in &curve.points {
        while let Some(it) = intervals.next_if(|it| it.0 < *x) {
            push(rows, &point(it.0, None, Some((it.1, it.2))));
        }
        let up = intervals.next_if(|it| it.0 <= *x).map(|it| (it.1, it.2));
        push(rows, &point(*x, Some(*y), up));
    }
    for it in intervals {
        push(rows, &point(it.0, None, Some((it.1, it.2))));
    }
}

fn curves(rows: &mut Rows, data: &CurveChart) {
    for plot in &data.plots {
        plot.curves.iter().for_each(|it| curve(rows, &plot.title, it));
    }
}

fn boxes(rows: &mut Rows, data: &BoxChart) {
    for plot in &data.plots {
        for group in &plot.groups {
            for it in &group.boxes {
                let spread = it.spread;
                push(
                    rows,
                    &Point {
                        plot: &plot.title,
                        series: &it.name,
                        origin: Some(it.origin),
                        place: &group.name,
                        y: Some(spread.median),
                        up: Some((spread.low, spread.high)),
                        quartiles: Some((spread.q1, spread.q3)),
                        ..Point::default()
                    },
                );
            }
        }
    }
}

fn choices(rows: &mut Rows, data: &TradeOff) {
    for it in &data.choices {
        push(
            rows,
            &Point {
                series: &it.family,
                origin: Some(Origin::Ours),
                place: &it.name,
                x: Some(it.x.mean),
                across: Some(ends(it.x)),
                y: Some(it.y.mean),
                up: Some(ends(it.y)),
                ..Point::default()
            },
        );
    }
}

fn surfaces(rows: &mut Rows, data: &SurfaceChart) {
    for it in &data.plots {
        let plot = it.title.as_str();
        let origin = Some(Origin::Ours);
        for (y, row) in it.ys.iter().zip(&it.ratios) {
            for (x, ratio) in it.xs.iter().zip(row) {
                let (x, y, ratio) = (Some(*x), Some(*y), Some(*ratio));
                push(rows, &Point { plot, origin, x, y, ratio, ..Point::default() });
            }
        }
        for (x, y) in it.lines.iter().flat_map(|it| &it.points) {
            let (x, y, ratio) = (Some(*x), Some(*y), Some(1.0));
            push(rows, &Point { plot, series: "equal", origin, x, y, ratio, ..Point::default() });
        }
    }
}

fn tornado(rows: &mut Rows, data: &Tornado) {
    let origin = Some(Origin::Ours);
    push(rows, &Point { series: "base", origin, y: Some(data.base), ..Point::default() });
    for row in &data.rows {
        for it in [&row.lower, &row.higher] {
            let (series, place, y) = (row.name.as_str(), it.value.as_str(), Some(it.outcome));
            push(rows, &Point { series, origin, place, y, ..Point::default() });
        }
    }
}
