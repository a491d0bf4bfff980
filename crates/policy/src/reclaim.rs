//! How many functions the platform takes back, and when.

use std::{fmt, str};

use units::Nanos;

/// A reclaim process: every interval, a number of the pool's functions lose their instance.
///
/// It counts over the functions of a pool; where each function has a second instance (a peer
/// replica), those are a second pool that the same process takes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Reclaim {
    /// As written: what [`Reclaim::from_str`] reads and [`fmt::Display`] gives back.
    text: String,
    interval: Nanos,
    counts: Counts,
}

#[derive(Clone, Debug, PartialEq)]
enum Counts {
    None,
    /// Counts of the Poisson distribution of this mean.
    Poisson(f64),
    /// Each count with the probability of it or a lower one, in order.
    Empirical(Vec<(u32, f64)>),
}

/// Text that is not a reclaim process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReclaimError {
    /// The kind is not known.
    #[error(
        "`{0}` is not a reclaim process; write none, poisson:RATE/min, poisson:RATE/h \
         or fig9:DATE (one of {dates})",
        dates = Reclaim::fig9_dates().join(", ")
    )]
    Unknown(String),
    /// The rate is not a number of reclaims per minute or hour.
    #[error(
        "`{0}` is not a reclaim rate; write a number from 0 to 500 per minute, such as \
         3.48/min or 209/h"
    )]
    Rate(String),
}

/// Measured counts per interval: columns series, r, prob. Digitised from FAST'20 Fig 9.
const FIG9: &str = include_str!("../fig9_pmf_reclaimed_per_minute.csv");

impl Reclaim {
    /// No function is ever taken back.
    pub fn none() -> Reclaim {
        Reclaim { text: "none".to_owned(), interval: Nanos::MINUTE, counts: Counts::None }
    }

    /// This many per minute on average, independently of each other. From 0 to 500, so that
    /// the probability of none does not underflow.
    pub fn poisson(per_minute: f64) -> Reclaim {
        assert!((0.0..=500.0).contains(&per_minute), "no rate of {per_minute} per minute");
        let text = format!("poisson:{per_minute}/min");
        Reclaim { text, interval: Nanos::MINUTE, counts: Counts::Poisson(per_minute) }
    }

    /// How often functions are taken back; `None` if never.
    pub fn interval(&self) -> Option<Nanos> {
        (self.counts != Counts::None).then_some(self.interval)
    }

    /// How many functions are taken back in an interval, by a uniformly random `pick`.
    pub fn count(&self, pick: u64) -> u32 {
        /// 2^64.
        const N_PICKS: f64 = 18_446_744_073_709_551_616.0;
        let level = pick as f64 / N_PICKS;
        match &self.counts {
            Counts::None => 0,
            Counts::Poisson(mean) => poisson_quantile(*mean, level),
            Counts::Empirical(cumulative) => {
                let found = cumulative.iter().find(|(_, below)| level < *below);
                found.or(cumulative.last()).map_or(0, |(count, _)| *count)
            }
        }
    }

    /// How likely each count is: pairs of a count and its probability, which sum to 1. Counts
    /// less likely than one in 10^18 are left out of a Poisson distribution.
    pub fn probabilities(&self) -> Vec<(u32, f64)> {
        match &self.counts {
            Counts::None => vec![(0, 1.0)],
            Counts::Poisson(mean) => {
                let mut probability = libm::exp(-mean);
                let mut probabilities = vec![(0, probability)];
                let mut count = 0_u32;
                while f64::from(count) < *mean || 1e-18 < probability {
                    count += 1;
                    probability *= mean / f64::from(count);
                    probabilities.push((count, probability));
                }
                probabilities
            }
            Counts::Empirical(cumulative) => {
                let mut before = 0.0;
                let part = |(count, below): &(u32, f64)| {
                    let probability = below - before;
                    before = *below;
                    (*count, probability)
                };
                cumulative.iter().map(part).collect()
            }
        }
    }

    fn fig9(date: &str) -> Option<Reclaim> {
        let suffix = format!("_{date}");
        let mut total = 0.0;
        let mut interval = Nanos::MINUTE;
        let mut cumulative = Vec::new();
        for (series, count, probability) in fig9_rows() {
            if !series.ends_with(&suffix) {
                continue;
            }
            if series.starts_with("9min") {
                interval = Nanos::MINUTE * 9;
            }
            total += probability;
            cumulative.push((count, total));
        }
        if cumulative.is_empty() {
            return None;
        }
        for (_, below) in &mut cumulative {
            // The plotted probabilities sum to 1 only to plotting precision.
            *below /= total;
        }
        let text = format!("fig9:{date}");
        Some(Reclaim { text, interval, counts: Counts::Empirical(cumulative) })
    }

    /// The measured processes, one for each series of Fig 9, the latest first.
    pub fn fig9_series() -> Vec<Reclaim> {
        Reclaim::fig9_dates().into_iter().filter_map(Reclaim::fig9).collect()
    }

    fn fig9_dates() -> Vec<&'static str> {
        let mut dates: Vec<&str> =
            fig9_rows().filter_map(|(series, ..)| Some(series.split_once('_')?.1)).collect();
        dates.dedup();
        dates
    }
}

fn fig9_rows() -> impl Iterator<Item = (&'static str, u32, f64)> {
    FIG9.lines().skip(1).map(|line| {
        let row = || {
            let mut cells = line.split(',');
            let series = cells.next()?;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 60")]
            let count = cells.next()?.parse::<f64>().ok()? as u32;
            Some((series, count, cells.next()?.parse().ok()?))
        };
        row().expect("the embedded file has three columns")
    })
}

/// The smallest count with more than `level` of the probability at or below it.
fn poisson_quantile(mean: f64, level: f64) -> u32 {
    let mut count = 0;
    let mut probability = libm::exp(-mean);
    let mut below = probability;
    // The bound holds rounding errors in check where `level` is nearly 1.
    while below <= level && count < 10_000 {
        count += 1;
        probability *= mean / f64::from(count);
        below += probability;
    }
    count
}

impl str::FromStr for Reclaim {
    type Err = ReclaimError;

    fn from_str(text: &str) -> Result<Reclaim, ReclaimError> {
        let unknown = || ReclaimError::Unknown(text.to_owned());
        match text.split_once(':') {
            None if text == "none" => Ok(Reclaim::none()),
            Some(("poisson", rate)) => {
                let per_minute =
                    rate_per_minute(rate).ok_or_else(|| ReclaimError::Rate(rate.to_owned()))?;
                Ok(Reclaim { text: text.to_owned(), ..Reclaim::poisson(per_minute) })
            }
            Some(("fig9", date)) => Reclaim::fig9(date).ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }
}

fn rate_per_minute(text: &str) -> Option<f64> {
    let (number, minutes) = match text.split_once('/')? {
        (number, "min") => (number, 1.0),
        (number, "h") => (number, 60.0),
        _ => return None,
    };
    let rate = number.parse::<f64>().ok()? / minutes;
    (0.0..=500.0).contains(&rate).then_some(rate)
}

impl fmt::Display for Reclaim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean over evenly spread picks, which is the mean of the distribution.
    fn mean(reclaim: &Reclaim) -> f64 {
        let n_picks = 100_000_u64;
        let counts = (0..n_picks).map(|it| reclaim.count(it * (u64::MAX / n_picks)));
        counts.map(f64::from).sum::<f64>() / n_picks as f64
    }

    #[test]
    fn means_are_those_of_the_source() {
        let check = |text: &str, expect: f64| {
            let reclaim = text.parse().unwrap();
            let mean = mean(&reclaim);
            assert!((mean - expect).abs() < 0.02 * expect.max(0.1), "{text}: {mean}");
            let probabilities = reclaim.probabilities();
            let total: f64 = probabilities.iter().map(|(_, it)| it).sum();
            assert!((total - 1.0).abs() < 1e-9, "{text}: {total}");
            let exact: f64 = probabilities.iter().map(|(n, it)| f64::from(*n) * it).sum();
            assert!((mean - exact).abs() < 0.01, "{text}: {mean} drawn, {exact} by probability");
        };
        check("none", 0.0);
        check("poisson:4.07/min", 4.07);
        check("poisson:209/h", 209.0 / 60.0);
        // The means of the plotted distributions, facts of FAST'20 Fig 9.
        check("fig9:2020-01-09", 4.07);
        check("fig9:2019-12-26", 7.44);
        check("fig9:2019-11-06", 3.81);
        check("fig9:2019-10-20", 4.62);
        check("fig9:2019-09-15", 4.25);
    }

    #[test]
    fn text_is_given_back() {
        for text in ["none", "poisson:4.07/min", "poisson:209/h", "fig9:2019-08-21"] {
            assert_eq!(text.parse::<Reclaim>().unwrap().to_string(), text);
        }
        let built = Reclaim::poisson(3.5);
        assert_eq!(built.to_string().parse::<Reclaim>().unwrap(), built);
    }

    #[test]
    fn bad_text_says_what_to_write() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<Reclaim>().unwrap_err().to_string(), expect);
        };
        check(
            "fig9:2019-01-01",
            "`fig9:2019-01-01` is not a reclaim process; write none, poisson:RATE/min, \
             poisson:RATE/h or fig9:DATE (one of 2020-01-09, 2019-12-26, 2019-11-06, \
             2019-10-20, 2019-09-15, 2019-08-21)",
        );
        for rate in ["4.07", "-1/min", "nan/min", "501/min"] {
            check(
                &format!("poisson:{rate}"),
                &format!(
                    "`{rate}` is not a reclaim rate; write a number from 0 to 500 per minute, \
                     such as 3.48/min or 209/h"
                ),
            );
        }
    }
}
