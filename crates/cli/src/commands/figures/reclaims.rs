//! Figs 8 and 9 and the availability table of section 4.3: how often functions are taken back.

use anyhow::Context as _;
use des::Streams;
use policy::reclaim::Reclaim;
use pricing::closed_form::FAST20_POOL;
use report::chart::{Chart, Curve, CurveChart, Hue, Naming, Plot, Scale};
use report::reference::{self, NamedCurves};
use sim::availability::CodedPool;
use units::Nanos;

use super::made::Made;

/// The bins of Fig 8 here, of which the highest minute is shown.
const BIN_MINUTES: f64 = 20.0;

/// Fig 8: the highest number of reclaims in each part of the day, and what days look like that
/// are drawn from the same day's distribution.
pub(super) fn fig8(made: &Made) -> anyhow::Result<Option<Chart>> {
    let paper = reference::curves(made.reference(0)?, ["series", "minute", "reclaimed"])?;
    let seeds = made.file.seeds()?;
    let mut plots = Vec::new();
    for process in &made.file.processes {
        let (date, name) = dated(process, &paper)?;
        let replayed: Reclaim = process.parse()?;
        let drawn: Reclaim = format!("fig9:{date}").parse()?;
        let interval = replayed.interval().context("a measured process has an interval")?;
        let n_intervals = Nanos::HOUR.get() * 24 / interval.get();
        let minutes = interval.as_seconds_f64() / 60.0;
        let ours = peaks(
            (0..n_intervals).map(|it| (it as f64 * minutes, f64::from(replayed.count(it, 0)))),
        );
        let mut curve = Curve { is_stepped: true, ..Curve::ours("", Hue::InfiniCache, ours) };
        curve.interval = range_of_days(&drawn, &seeds);
        let theirs = peaks(paper.get(&[name]).iter().copied());
        plots.push(Plot {
            title: every(name),
            x: Scale::linear("Hour of the day (h)").between(0.0, 24.0),
            y: Scale::linear("Reclaims, peak"),
            curves: vec![
                curve,
                Curve { is_stepped: true, ..Curve::paper("", Hue::InfiniCache, theirs) },
            ],
        });
    }
    Ok(Some(Chart::Curves(CurveChart {
        title: "Fig 8: functions reclaimed over a day".to_owned(),
        caption: format!(
            "The highest interval of each {BIN_MINUTES:.0} minutes. Solid: the process fig8:DATE, \
             which replays the day. Band: 95 % of {} days drawn from fig9:DATE, in which \
             intervals do not depend on each other.",
            seeds.len()
        ),
        n_columns: 2,
        plots,
        naming: Naming::Beside,
    })))
}

/// The date of a process such as `fig8:2020-01-09`, and the series that the paper has of it.
fn dated<'a, 'b>(process: &'a str, paper: &'b NamedCurves) -> anyhow::Result<(&'a str, &'b str)> {
    let (_, date) = process.split_once(':').context("a process names its date")?;
    let mut names = paper.names().map(|it| it[0].as_str());
    let name = names.find(|it| it.ends_with(date));
    Ok((date, name.with_context(|| format!("the reference has no series of {date}"))?))
}

/// The title of a plot: `1min_2020-01-09` as a person writes it.
fn every(name: &str) -> String {
    let (interval, date) = name.split_once('_').unwrap_or(("", name));
    format!("{date}, every {}", interval.replace("min", " min"))
}

/// The highest of the counts at minutes of a day, in each bin, over hours.
fn peaks(counts: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "72")]
    let n_bins = (24.0 * 60.0 / BIN_MINUTES) as usize;
    let mut peaks = vec![0.0; n_bins];
    for (minute, count) in counts {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a minute")]
        let bin = (minute / BIN_MINUTES) as usize;
        let peak: &mut f64 = &mut peaks[bin.min(n_bins - 1)];
        *peak = peak.max(count);
    }
    // The last bin lasts to the end of the day.
    let last = peaks.last().copied();
    let hours = (0_u32..).map(|it| f64::from(it) * BIN_MINUTES / 60.0);
    hours.zip(peaks.into_iter().chain(last)).collect()
}

/// Where the peaks of 95 % of days lie that are drawn from a process.
fn range_of_days(process: &Reclaim, seeds: &[u64]) -> Vec<(f64, f64, f64)> {
    let Some(interval) = process.interval() else { return Vec::new() };
    let n_intervals = Nanos::HOUR.get() * 24 / interval.get();
    let minutes = interval.as_seconds_f64() / 60.0;
    let days: Vec<Vec<(f64, f64)>> = seeds
        .iter()
        .map(|seed| {
            let mut stream = Streams::new(*seed).named("fig8");
            let count = |it: u64| {
                let count = process.count(it, stream.bits());
                (it as f64 * minutes, f64::from(count))
            };
            peaks((0..n_intervals).map(count))
        })
        .collect();
    let range = |bin: usize| {
        let mut counts: Vec<f64> = days.iter().map(|day| day[bin].1).collect();
        counts.sort_by(f64::total_cmp);
        (days[0][bin].0, counts[counts.len() / 40], counts[counts.len() - 1 - counts.len() / 40])
    };
    (0..days[0].len()).map(range).collect()
}

/// Fig 9: how likely each number of reclaims is in an interval, sampled from the processes.
pub(super) fn fig9(made: &Made) -> anyhow::Result<Option<Chart>> {
    let paper = reference::curves(made.reference(0)?, ["series", "r", "prob"])?;
    let seeds = made.file.seeds()?;
    let mut plots = Vec::new();
    let mut distances = Vec::new();
    for process in &made.file.processes {
        let (date, name) = dated(process, &paper)?;
        let process: Reclaim = process.parse()?;
        let published = paper.get(&[name]);
        let count_max = published.iter().map(|it| it.0).fold(0.0, f64::max);
        let sampled = sampled(&process, count_max, &seeds);
        let mean: f64 = published.iter().map(|(count, part)| count * part).sum();
        let distance = kolmogorov_smirnov(&sampled, published);
        let poisson: Vec<(f64, f64)> = Reclaim::poisson(mean.min(500.0))
            .probabilities()
            .into_iter()
            .map(|(count, part)| (f64::from(count), part))
            .collect();
        let of_poisson = kolmogorov_smirnov(&poisson, published);
        distances.push(format!("{date} {distance:.3} ({of_poisson:.2})"));
        plots.push(Plot {
            title: every(name),
            x: Scale::linear("Functions reclaimed"),
            y: Scale::linear("Probability"),
            curves: vec![
                Curve::ours("", Hue::InfiniCache, sampled),
                Curve::paper("", Hue::InfiniCache, published.to_vec()),
            ],
        });
    }
    Ok(Some(Chart::Curves(CurveChart {
        title: "Fig 9: how many functions are reclaimed in an interval".to_owned(),
        caption: format!(
            "Solid: {} days sampled from the process fig9:DATE. Kolmogorov-Smirnov distance to the \
             paper's (in brackets that of a Poisson process of the same mean): {}.",
            seeds.len(),
            distances.join(", ")
        ),
        n_columns: 2,
        plots,
        naming: Naming::Beside,
    })))
}

/// How often each count from 0 to `count_max` comes in days drawn from a process, one for each
/// seed.
fn sampled(process: &Reclaim, count_max: f64, seeds: &[u64]) -> Vec<(f64, f64)> {
    let Some(interval) = process.interval() else { return Vec::new() };
    let n_in_day = Nanos::HOUR.get() * 24 / interval.get();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 400")]
    let mut n_of = vec![0_u32; count_max as usize + 1];
    for seed in seeds {
        let mut stream = Streams::new(*seed).named("fig9");
        for it in 0..n_in_day {
            if let Some(n) = n_of.get_mut(process.count(it, stream.bits()) as usize) {
                *n += 1;
            }
        }
    }
    let n_intervals = n_in_day * seeds.len() as u64;
    let part = |n: &u32| f64::from(*n) / n_intervals as f64;
    (0_u32..).map(f64::from).zip(n_of.iter().map(part)).collect()
}

/// The largest difference of the cumulative distributions of two lists of counts and their
/// probabilities.
fn kolmogorov_smirnov(ours: &[(f64, f64)], theirs: &[(f64, f64)]) -> f64 {
    let below = |of: &[(f64, f64)], count: f64| -> f64 {
        of.iter().filter(|it| it.0 <= count + 0.5).map(|it| it.1).sum()
    };
    let counts = ours.iter().chain(theirs).map(|it| it.0);
    counts.map(|it| (below(ours, it) - below(theirs, it)).abs()).fold(0.0, f64::max)
}

/// The numbers of Figs 8 and 9 on the scoreboard, by id: the highest interval and the hourly rate
/// of each day, and the mean of each distribution.
pub(super) fn numbers(made: &Made) -> anyhow::Result<Vec<(String, f64)>> {
    let mut numbers = Vec::new();
    for text in &made.file.processes {
        let process: Reclaim = text.parse()?;
        let interval = process.interval().context("a measured process has an interval")?;
        let (kind, date) = text.split_once(':').context("a process names its date")?;
        let date = date.replace('-', "_");
        if kind == "fig8" {
            let n_intervals = Nanos::HOUR.get() * 24 / interval.get();
            let counts = || (0..n_intervals).map(|it| f64::from(process.count(it, 0)));
            let total: f64 = counts().sum();
            let peak = counts().fold(0.0, f64::max);
            numbers.push((format!("fig8_peak_{date}"), peak));
            numbers.push((format!("section4_peak_{date}"), peak));
            numbers.push((format!("section4_hourly_rate_{date}"), total / 24.0));
        } else {
            let parts = process.probabilities();
            let mean = parts.iter().map(|(count, part)| f64::from(*count) * part).sum();
            numbers.push((format!("fig9_mean_{date}"), mean));
        }
    }
    Ok(numbers)
}

/// One line of the availability table.
pub(super) struct Availability {
    /// The date of the distribution.
    pub(super) date: String,
    /// How long its intervals are.
    pub(super) interval: Nanos,
    /// The probability that an object is lost in one interval (equation 2), in percent.
    pub(super) loss_percent: f64,
    /// The same as the paper approximates it (equation 3).
    pub(super) loss_approximate_percent: f64,
    /// The probability that it is still there after an hour by equation 3, in percent.
    pub(super) hourly_percent: f64,
}

/// The availability of an object under each distribution of Fig 9.
pub(super) fn availability(processes: &[String]) -> anyhow::Result<Vec<Availability>> {
    let pool = fast20_pool();
    let line = |process: &String| {
        let process: Reclaim = process.parse()?;
        let interval = process.interval().context("a measured process has an interval")?;
        let loss = pool.loses_object_per_interval_approximately(&process);
        let n_intervals = Nanos::HOUR.as_seconds_f64() / interval.as_seconds_f64();
        Ok(Availability {
            date: process.to_string().trim_start_matches("fig9:").to_owned(),
            interval,
            loss_percent: 100.0 * pool.loses_object_per_interval(&process),
            loss_approximate_percent: 100.0 * loss,
            hourly_percent: 100.0 * libm::pow(1.0 - loss, n_intervals),
        })
    };
    processes.iter().map(line).collect()
}

/// The pool of the paper's example.
pub(super) fn fast20_pool() -> CodedPool {
    CodedPool {
        n_nodes: u32::try_from(FAST20_POOL.n_functions).expect("400"),
        n_chunks: u32::try_from(FAST20_POOL.n_chunks).expect("12"),
        n_parity: 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_distributions() {
        let check = |ours: &[(f64, f64)], theirs: &[(f64, f64)], expect: f64| {
            assert!((kolmogorov_smirnov(ours, theirs) - expect).abs() < 1e-12);
        };
        check(&[(0.0, 0.5), (1.0, 0.5)], &[(0.0, 0.5), (1.0, 0.5)], 0.0);
        check(&[(0.0, 1.0)], &[(3.0, 1.0)], 1.0);
        check(&[(0.0, 0.5), (2.0, 0.5)], &[(0.0, 0.25), (2.0, 0.75)], 0.25);
    }

    #[test]
    fn what_is_sampled_is_near_what_was_published() {
        for date in ["2020-01-09", "2019-09-15", "2019-08-21"] {
            let process: Reclaim = format!("fig9:{date}").parse().unwrap();
            let published: Vec<(f64, f64)> =
                process.probabilities().iter().map(|it| (f64::from(it.0), it.1)).collect();
            let count_max = published.iter().map(|it| it.0).fold(0.0, f64::max);
            let seeds: Vec<u64> = (0..40).collect();
            let sampled = sampled(&process, count_max, &seeds);
            let distance = kolmogorov_smirnov(&sampled, &published);
            assert!(distance < 0.02, "{date}: {distance}");
        }
    }

    #[test]
    fn a_day_has_its_peaks() {
        let counts = [(0.0, 3.0), (19.0, 5.0), (20.0, 1.0), (1_439.0, 2.0)];
        let peaks = peaks(counts.into_iter());
        assert_eq!(peaks.len(), 73);
        assert_eq!(&peaks[..2], &[(0.0, 5.0), (BIN_MINUTES / 60.0, 1.0)]);
        assert_eq!(peaks[72], (24.0, 2.0));
    }
}
