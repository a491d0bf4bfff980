//! Cumulative distributions, and how far they are apart.

/// The distribution of weighted values.
#[derive(Clone, Debug, Default)]
pub(super) struct Cdf {
    /// Rising.
    values: Vec<f64>,
    /// The weight of the values before each, and of all.
    sums: Vec<f64>,
}

/// A curve of a published figure: value and share, vertical where it is a step.
#[derive(Clone, Debug)]
pub(super) struct Published(Vec<(f64, f64)>);

impl Published {
    /// The curve of one series in the text of a CSV of `series,x,cdf`, whose values count in
    /// `unit`.
    pub(super) fn of(text: &str, series: &str, unit: f64) -> Published {
        let rows = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(','));
        let point = |row: &str| {
            let (value, share) = row.split_once(',')?;
            Some((value.parse::<f64>().ok()? * unit, share.parse().ok()?))
        };
        let points: Option<Vec<(f64, f64)>> = rows.map(point).collect();
        Published(points.expect("a figure that comes with us is right"))
    }
}

impl Cdf {
    pub(super) fn of(weighted: impl Iterator<Item = (f64, f64)>) -> Cdf {
        let mut weighted: Vec<(f64, f64)> = weighted.collect();
        weighted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut sums = vec![0.0];
        for (_, weight) in &weighted {
            sums.push(sums[sums.len() - 1] + weight);
        }
        Cdf { values: weighted.into_iter().map(|it| it.0).collect(), sums }
    }

    /// The share of what is at or below a value.
    fn share_up_to(&self, value: f64) -> f64 {
        let total = self.sums.last().copied().unwrap_or(0.0);
        let below = self.values.partition_point(|it| *it <= value);
        if total <= 0.0 { 0.0 } else { self.sums[below] / total }
    }

    /// The largest difference of the shares at or below any value (Kolmogorov and Smirnov's).
    pub(super) fn distance(&self, other: &Cdf) -> f64 {
        let values = self.values.iter().chain(&other.values);
        let apart = |it: &f64| (self.share_up_to(*it) - other.share_up_to(*it)).abs();
        values.map(apart).fold(0.0, f64::max)
    }

    /// The same over the points of a published curve. At a step any share between its ends is
    /// right, and a value is where it is to a part in a thousand, as figures are read.
    pub(super) fn distance_to(&self, published: &Published) -> f64 {
        self.furthest(published, |[least, most], [low, high]| (low - most).max(least - high))
    }

    /// The same for whole numbers, whose steps have to begin and end where the published do.
    pub(super) fn distance_to_counts(&self, published: &Published) -> f64 {
        self.furthest(published, |[least, most], [low, high]| {
            let is_step = low < high;
            let apart = (low - most).max(least - high);
            if is_step { (least - low).abs().max((most - high).abs()) } else { apart }
        })
    }

    /// The most that `apart` makes of the shares below and up to a value here, and of those that
    /// are published.
    fn furthest(
        &self,
        Published(points): &Published,
        apart: impl Fn([f64; 2], [f64; 2]) -> f64,
    ) -> f64 {
        const READING: f64 = 1e-3;
        let at = |(value, _): &(f64, f64)| {
            let here = [1.0 - READING, 1.0 + READING].map(|it| self.share_up_to(value * it));
            let same = points.iter().filter(|it| (it.0 / value - 1.0).abs() < READING);
            let (low, high) =
                same.fold((1.0_f64, 0.0_f64), |(low, high), it| (low.min(it.1), high.max(it.1)));
            apart(here, [low, high])
        };
        points.iter().map(at).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: f64, expect: f64) {
        assert!((found - expect).abs() < 1e-12, "{found}, not {expect}");
    }

    fn of(values: &[f64]) -> Cdf {
        Cdf::of(values.iter().map(|it| (*it, 1.0)))
    }

    #[test]
    fn the_distance_of_two_is_the_largest_anywhere() {
        check(of(&[1.0, 2.0]).distance(&of(&[1.0, 2.0])), 0.0);
        check(of(&[1.0, 2.0, 3.0, 4.0]).distance(&of(&[1.0, 2.0, 4.0, 4.0])), 0.25);
        check(of(&[1.0]).distance(&of(&[2.0])), 1.0);
        check(Cdf::of([(1.0, 3.0), (2.0, 1.0)].into_iter()).distance(&of(&[1.0, 2.0])), 0.25);
        check(Cdf::default().distance(&Cdf::default()), 0.0);
    }

    #[test]
    fn at_a_step_any_share_between_its_ends_is_right() {
        let text = "series,x,cdf\nA,1,0\nA,1,0.5\nA,2,0.5\nA,2,1\nB,1,1\n";
        let published = Published::of(text, "A", 10.0);
        check(of(&[10.0, 20.0]).distance_to(&published), 0.0);
        check(of(&[10.0, 10.0, 10.0, 20.0]).distance_to(&published), 0.0);
        check(of(&[10.0, 10.0, 10.0, 20.0]).distance_to_counts(&published), 0.25);
        check(of(&[10.0, 20.0]).distance_to_counts(&published), 0.0);
        check(of(&[20.0]).distance_to(&published), 0.0);
        check(of(&[21.0]).distance_to(&published), 0.5);
    }
}
