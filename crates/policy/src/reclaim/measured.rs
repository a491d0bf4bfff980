//! What was measured of AWS Lambda from August 2019 to January 2020 (FAST'20 section 4.1).

use units::Nanos;

use super::{Counts, Reclaim};

/// Measured counts per interval: columns series, r, prob. Digitised from FAST'20 Fig 9.
const FIG9: &str = include_str!("../../fig9_pmf_reclaimed_per_minute.csv");

/// Measured counts over a day: columns series, minute, reclaimed. The vertices of the lines
/// plotted in FAST'20 Fig 8, digitised.
const FIG8: &str = include_str!("../../fig8_reclaimed_timeline_vertices.csv");

/// Measured counts over the 50 hours of the paper's replays: columns series, minute (at which
/// an interval of 5 begins), reclaimed. Digitised from FAST'20 Fig 14.
const FIG14: &str = include_str!("../../fig14_reclaimed_per_5_minutes.csv");

/// The replays, and how many instances each had: 400 functions, mostly with a peer replica.
const FIG14_SERIES: [(&str, f64); 3] =
    [("all", 800.0), ("large", 800.0), ("large_nobackup", 400.0)];

const DAY_MINUTES: f64 = 24.0 * 60.0;

/// The dates of the series, the latest first.
pub(super) fn dates() -> Vec<&'static str> {
    let mut dates: Vec<&str> =
        rows(FIG9).filter_map(|(series, ..)| Some(series.split_once('_')?.1)).collect();
    dates.dedup();
    dates
}

/// The distribution of a date's counts, as plotted: some series leave out intervals without
/// any.
pub(super) fn fig9(date: &str) -> Option<Reclaim> {
    let mut total = 0.0;
    let mut cumulative = Vec::new();
    for (_, count, probability) in rows_of(FIG9, date) {
        total += probability;
        cumulative.push((whole(count), total));
    }
    // The plotted probabilities sum to 1 only to plotting precision.
    for (_, below) in &mut cumulative {
        *below /= total;
    }
    let counts = Counts::Empirical(cumulative);
    Some(Reclaim { text: format!("fig9:{date}"), interval: interval(date)?, counts })
}

/// The day of a date, interval by interval, and the same day again after it.
///
/// The plot leaves out points on a straight line between others, and most series leave out
/// intervals without any reclaim. Between two vertices, a point is put back where the line meets
/// a whole number; elsewhere there was none.
pub(super) fn fig8(date: &str) -> Option<Reclaim> {
    let vertices: Vec<(f64, f64)> =
        rows_of(FIG8, date).map(|(_, minute, count)| (minute, count)).collect();
    let gaps = vertices.windows(2).map(|it| it[1].0 - it[0].0).filter(|it| 0.5 < *it);
    let gap_minutes = gaps.min_by(f64::total_cmp)?;
    let n_intervals = whole(DAY_MINUTES / gap_minutes);
    let interval = Nanos::new(Nanos::HOUR.get() * 24 / u64::from(n_intervals));
    let count = |index: u32| {
        let minute = f64::from(index) * DAY_MINUTES / f64::from(n_intervals);
        // Half an interval of slack: the vertices are where the plot's pixels are.
        let at = |it: &&(f64, f64)| (it.0 - minute).abs() < gap_minutes / 2.0;
        if let Some((_, count)) = vertices.iter().find(at) {
            return whole(*count);
        }
        let next = vertices.partition_point(|(it, _)| *it <= minute);
        let ends = next.checked_sub(1).and_then(|it| vertices.get(it)).zip(vertices.get(next));
        let Some(((from, count), (to, next_count))) = ends else { return 0 };
        let between = count + (next_count - count) * (minute - from) / (to - from);
        if (between - between.round()).abs() < 0.02 { whole(between) } else { 0 }
    };
    let counts = Counts::Schedule { counts: (0..n_intervals).map(count).collect(), repeats: true };
    Some(Reclaim { text: format!("fig8:{date}"), interval, counts })
}

/// What one of the paper's replays met, as how many of an instance are taken back in each
/// interval.
pub(super) fn fig14(series: &str) -> Option<Reclaim> {
    const INTERVAL_MINUTES: u32 = 5;
    const N_INTERVALS: usize = 600;
    let (_, n_instances) = FIG14_SERIES.iter().find(|(name, _)| *name == series)?;
    let mut per_instance = vec![0.0; N_INTERVALS];
    for (_, minute, count) in rows(FIG14).filter(|(name, ..)| *name == series) {
        let interval = whole(minute) / INTERVAL_MINUTES;
        per_instance[(interval as usize).min(N_INTERVALS - 1)] += count / n_instances;
    }
    let counts = Counts::Rates { per_instance, n_functions: 400 };
    let interval = Nanos::MINUTE * u64::from(INTERVAL_MINUTES);
    Some(Reclaim { text: format!("fig14:{series}"), interval, counts })
}

/// How far apart the functions were looked at on a date; `None` if it was not measured.
fn interval(date: &str) -> Option<Nanos> {
    let (series, ..) = rows_of(FIG9, date).next()?;
    Some(if series.starts_with("9min") { Nanos::MINUTE * 9 } else { Nanos::MINUTE })
}

fn rows_of(text: &'static str, date: &str) -> impl Iterator<Item = (&'static str, f64, f64)> {
    let suffix = format!("_{date}");
    rows(text).filter(move |(series, ..)| series.ends_with(&suffix))
}

/// The rows of an embedded file: a series and two numbers.
fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, f64, f64)> {
    text.lines().skip(1).map(|line| {
        let row = || {
            let mut cells = line.split(',');
            Some((cells.next()?, cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
        };
        row().expect("the embedded files have a series and two numbers in a row")
    })
}

/// A count that was read off a plot.
fn whole(count: f64) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 400")]
    let count = count.round().max(0.0) as u32;
    count
}
