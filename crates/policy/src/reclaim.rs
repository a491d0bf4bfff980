//! How many functions the platform takes back, and when.

mod measured;

use std::collections::BTreeMap;
use std::{fmt, str};

use units::Nanos;

/// A reclaim process: in every interval, a number of the pool's functions lose their instance;
/// or an instance is lost that was idle for too long.
///
/// It counts over the functions of a pool; where each function has a second instance (a peer
/// replica), those are a second pool that the same process takes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Reclaim {
    /// As written: what [`str::parse`] reads and [`fmt::Display`] gives back.
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
    /// The count of each interval from the start; again from the first after the last, if so.
    Schedule {
        counts: Vec<u32>,
        repeats: bool,
    },
    /// How many of an instance are taken back in each interval on average, and of how many
    /// functions; after the last, the last day again.
    Rates {
        per_instance: Vec<f64>,
        n_functions: u32,
    },
    /// None by number, but these instances.
    Listed(Vec<Listed>),
    /// Every function there is.
    All,
    /// None by number, but every instance that was idle for this long.
    Idle(Nanos),
}

/// One instance to be taken back: such as a live run noted that it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// When, counted from the start of the run.
    pub after: Nanos,
    /// The number of its function.
    pub function: u32,
    /// Which of the function's instances at that time: 0 for the one in use last, 1 for the one
    /// before, and so on.
    pub rank: u32,
}

/// Text that is not a reclaim process.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReclaimError {
    /// The kind is not known.
    #[error(
        "`{0}` is not a reclaim process; write none, poisson:RATE/min, poisson:RATE/h, \
         zipf:EXPONENT:MAX, idle:TIME, mass:TIME, schedule:FILE.csv, fig14:RUN (all, large \
         or large_nobackup), or fig8:DATE or fig9:DATE (one of {dates})",
        dates = measured::dates().join(", ")
    )]
    Unknown(String),
    /// The rate is not a number of reclaims per minute or hour.
    #[error(
        "`{0}` is not a reclaim rate; write a number from 0 to 500 per minute, such as \
         3.48/min or 209/h"
    )]
    Rate(String),
    /// The exponent or the maximum of a Zipf distribution makes no sense.
    #[error(
        "`{0}` is not a Zipf distribution; write EXPONENT:MAX with an exponent above 0 and a \
         largest count from 1 to 10000, such as zipf:1.5:13"
    )]
    Zipf(String),
    /// The length of time makes no sense.
    #[error("`{text}`: {why}")]
    Time {
        /// The text.
        text: String,
        /// What is wrong with it, and what to write.
        why: String,
    },
    /// The schedule cannot be read.
    #[error("schedule `{name}`{}: {why}", line.map_or(String::new(), |it| format!(", line {it}")))]
    Schedule {
        /// The name of its file.
        name: String,
        /// The line, counted from 1, if it is one that is wrong.
        line: Option<usize>,
        /// What is wrong with it, and what to write.
        why: String,
    },
}

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

    /// The measured processes of Fig 9, the latest first.
    pub fn fig9_series() -> Vec<Reclaim> {
        measured::dates().into_iter().filter_map(measured::fig9).collect()
    }

    /// What the paper's replay of large objects met, with and without backups (FAST'20 Fig 14).
    /// It is of 400 functions until [`Reclaim::over`] says otherwise.
    pub fn fig14(with_backups: bool) -> Reclaim {
        let series = if with_backups { "large" } else { "large_nobackup" };
        measured::fig14(series).expect("the embedded file has both")
    }

    /// The process over a pool of so many functions, where it is known by function; the others
    /// count what they count.
    pub fn over(mut self, n_functions: u32) -> Reclaim {
        if let Counts::Rates { n_functions: of, .. } = &mut self.counts {
            *of = n_functions;
        }
        self
    }

    /// The process as a run of this span meets it: a schedule, which does not come again, ends
    /// with the run, or takes back none after its last row; the others are as they are.
    pub fn within(mut self, span: Nanos) -> Reclaim {
        if let Counts::Schedule { counts, repeats: false } = &mut self.counts {
            let n_intervals = span.div_ceil(self.interval).max(1);
            counts.resize(usize::try_from(n_intervals).expect("100 years of minutes"), 0);
        }
        self
    }

    /// Reads a process from its text. `read_file` gives the text of a file by its name, or says
    /// why it cannot; it is asked for schedules only.
    pub fn parse(
        text: &str,
        read_file: &dyn Fn(&str) -> Result<String, String>,
    ) -> Result<Reclaim, ReclaimError> {
        let unknown = || ReclaimError::Unknown(text.to_owned());
        let of = |interval, counts| Reclaim { text: text.to_owned(), interval, counts };
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "none" if rest.is_empty() => Ok(Reclaim::none()),
            "poisson" => {
                let rate = rate_per_minute(rest).ok_or(ReclaimError::Rate(rest.to_owned()))?;
                Ok(of(Nanos::MINUTE, Counts::Poisson(rate)))
            }
            "zipf" => {
                let cumulative = zipf(rest).ok_or(ReclaimError::Zipf(rest.to_owned()))?;
                Ok(of(Nanos::MINUTE, Counts::Empirical(cumulative)))
            }
            "idle" => Ok(of(Nanos::MINUTE, Counts::Idle(time(text, rest)?))),
            "mass" => Ok(of(time(text, rest)?, Counts::All)),
            "fig14" => measured::fig14(rest).ok_or_else(unknown),
            "fig8" => measured::fig8(rest).ok_or_else(unknown),
            "fig9" => measured::fig9(rest).ok_or_else(unknown),
            "schedule" => {
                let failed =
                    |why| ReclaimError::Schedule { name: rest.to_owned(), line: None, why };
                Ok(of(Nanos::MINUTE, schedule(rest, &read_file(rest).map_err(failed)?)?))
            }
            _ => Err(unknown()),
        }
    }

    /// Just these instances, in order of time.
    pub fn of_list(text: &str, mut listed: Vec<Listed>) -> Reclaim {
        listed.sort();
        let (text, interval) = (text.to_owned(), Nanos::MINUTE);
        Reclaim { text, interval, counts: Counts::Listed(listed) }
    }

    /// The instances that are taken back by name, in order of time; none for a process that
    /// takes them by number.
    pub fn listed(&self) -> &[Listed] {
        match &self.counts {
            Counts::Listed(listed) => listed,
            _ => &[],
        }
    }

    /// How often functions are taken back by number; `None` if never.
    pub fn interval(&self) -> Option<Nanos> {
        let by_number = !matches!(self.counts, Counts::None | Counts::Idle(_) | Counts::Listed(_));
        by_number.then_some(self.interval)
    }

    /// The part of an interval, from its start, over which the instances of that interval are
    /// taken back: all of it, but for a mass reclaim, which takes all at nearly the same time.
    pub fn spread(&self) -> Nanos {
        /// As in FAST'20 Fig 8, 2019-08-21: up to 299 functions within one bin of 9 minutes.
        const MASS_MAX: Nanos = Nanos::seconds(9 * 60);
        match self.counts {
            Counts::All => self.interval.min(MASS_MAX),
            _ => self.interval,
        }
    }

    /// How long an instance may be idle before it is taken back; `None` if for ever.
    pub fn idle_max(&self) -> Option<Nanos> {
        match self.counts {
            Counts::Idle(limit) => Some(limit),
            _ => None,
        }
    }

    /// How many functions are taken back in the interval of this number, counted from 0, by a
    /// uniformly random `pick`. May be more than there are: then all are.
    pub fn count(&self, interval: u64, pick: u64) -> u32 {
        /// 2^64.
        const N_PICKS: f64 = 18_446_744_073_709_551_616.0;
        let level = pick as f64 / N_PICKS;
        match &self.counts {
            Counts::None | Counts::Idle(_) | Counts::Listed(_) => 0,
            Counts::All => u32::MAX,
            Counts::Poisson(mean) => poisson_quantile(*mean, level),
            Counts::Empirical(cumulative) => {
                let found = cumulative.iter().find(|(_, below)| level < *below);
                found.or(cumulative.last()).map_or(0, |(count, _)| *count)
            }
            Counts::Rates { per_instance, n_functions } => {
                let day = usize::try_from(Nanos::HOUR.get() * 24 / self.interval.get());
                let day = day.expect("intervals of minutes");
                let mean = rate(per_instance, interval, day) * f64::from(*n_functions);
                // Rounded up as often as it takes for the mean to come out.
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "few")]
                let count = libm::floor(mean + level) as u32;
                count
            }
            Counts::Schedule { counts, repeats } => {
                let n_intervals = counts.len() as u64;
                let index = if *repeats { interval % n_intervals.max(1) } else { interval };
                usize::try_from(index).ok().and_then(|it| counts.get(it)).copied().unwrap_or(0)
            }
        }
    }

    /// How likely each count is: pairs of a count and its probability, which sum to 1. Counts
    /// less likely than one in 10^18 are left out of a Poisson distribution; those of a schedule
    /// are as likely as they are frequent.
    pub fn probabilities(&self) -> Vec<(u32, f64)> {
        match &self.counts {
            Counts::None | Counts::Idle(_) | Counts::Listed(_) => vec![(0, 1.0)],
            Counts::All => vec![(u32::MAX, 1.0)],
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
            Counts::Rates { per_instance, n_functions } => {
                let mut probabilities = BTreeMap::new();
                for rate in per_instance {
                    let mean = rate * f64::from(*n_functions);
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "few"
                    )]
                    let least = libm::floor(mean) as u32;
                    let above = mean - f64::from(least);
                    for (count, probability) in [(least, 1.0 - above), (least + 1, above)] {
                        *probabilities.entry(count).or_insert(0.0) +=
                            probability / per_instance.len() as f64;
                    }
                }
                probabilities.into_iter().collect()
            }
            Counts::Schedule { counts, .. } => {
                let mut sorted = counts.clone();
                sorted.sort_unstable();
                let part = |of: &[u32]| (of[0], of.len() as f64 / counts.len() as f64);
                sorted.chunk_by(|a, b| a == b).map(part).collect()
            }
        }
    }
}

/// The rate of an interval; after the last, those of the last `day` of them again.
fn rate(rates: &[f64], interval: u64, day: usize) -> f64 {
    let index = usize::try_from(interval).unwrap_or(usize::MAX);
    let beyond = index.saturating_sub(rates.len());
    let again = rates.len().saturating_sub(day) + beyond % day;
    rates.get(index).or(rates.get(again)).copied().unwrap_or(0.0)
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

/// `EXPONENT:MAX`: a count from 0 to MAX with a probability as 1 / (count + 1)^EXPONENT.
fn zipf(text: &str) -> Option<Vec<(u32, f64)>> {
    let (exponent, count_max) = text.split_once(':')?;
    let exponent: f64 = exponent.parse().ok().filter(|it| 0.0 < *it && *it <= 100.0)?;
    let count_max: u32 = count_max.parse().ok().filter(|it| (1..=10_000).contains(it))?;
    let mut total = 0.0;
    let add = |count: u32| {
        total += libm::pow(f64::from(count) + 1.0, -exponent);
        (count, total)
    };
    let mut cumulative: Vec<(u32, f64)> = (0..=count_max).map(add).collect();
    for (_, below) in &mut cumulative {
        *below /= total;
    }
    Some(cumulative)
}

fn time(text: &str, length: &str) -> Result<Nanos, ReclaimError> {
    let failed = |why| ReclaimError::Time { text: text.to_owned(), why };
    match length.parse::<Nanos>() {
        Ok(length) if Nanos::SECOND <= length => Ok(length),
        Ok(_) => Err(failed("write at least 1s".to_owned())),
        Err(err) => Err(failed(err.to_string())),
    }
}

/// What stands over a log of instances that were taken back, as a live replay writes it.
pub const LOG_HEADER: &str = "time_s,function,rank";

/// Rows of a minute, counted from 0, and how many are taken back in it, or of a time in seconds,
/// a function and the rank of its instance; a header may stand over them. Minutes without a row
/// take back none, and so does a log without rows.
fn schedule(name: &str, text: &str) -> Result<Counts, ReclaimError> {
    let failed = |line, why: &str| ReclaimError::Schedule {
        name: name.to_owned(),
        line,
        why: why.to_owned(),
    };
    let mut counts: Vec<u32> = Vec::new();
    let mut listed: Vec<Listed> = Vec::new();
    for (line, row) in (1..).zip(text.lines()) {
        let is_header = line == 1 && !row.starts_with(|it: char| it.is_ascii_digit());
        if is_header || row.trim().is_empty() {
            continue;
        }
        let cells: Vec<&str> = row.split(',').map(str::trim).collect();
        let is_read = match cells[..] {
            [minute, count] if listed.is_empty() => by_minute(minute, count, &mut counts),
            [time, function, rank] if counts.is_empty() => {
                listed.extend(one_instance(time, function, rank));
                one_instance(time, function, rank).is_some()
            }
            _ => false,
        };
        if !is_read {
            let why = format!(
                "`{row}` is not a minute and a count, or a time, a function and a rank; write \
                 rows such as `17,4`, or all such as `61.5,3,0`"
            );
            return Err(failed(Some(line), &why));
        }
    }
    if !listed.is_empty() {
        listed.sort();
        return Ok(Counts::Listed(listed));
    }
    if counts.is_empty() && text.trim() == LOG_HEADER {
        // Of a run in which nothing was taken back.
        return Ok(Counts::Listed(listed));
    }
    if counts.is_empty() {
        return Err(failed(None, "it has no rows; write a minute and a count in each"));
    }
    Ok(Counts::Schedule { counts, repeats: false })
}

/// Adds a row of a minute and a count. Whether it is one.
fn by_minute(minute: &str, count: &str, counts: &mut Vec<u32>) -> bool {
    /// 100 years.
    const MINUTE_MAX: usize = 100 * 366 * 24 * 60;
    let (Ok(minute), Ok(count)) = (minute.parse::<usize>(), count.parse::<u32>()) else {
        return false;
    };
    if MINUTE_MAX < minute {
        return false;
    }
    counts.resize(counts.len().max(minute + 1), 0);
    counts[minute] += count;
    true
}

/// A row of a time in seconds, a function and a rank.
fn one_instance(time: &str, function: &str, rank: &str) -> Option<Listed> {
    let seconds: f64 = time.parse().ok()?;
    let is_time = (0.0..=Nanos::SPAN_MAX.as_seconds_f64()).contains(&seconds);
    let after = is_time.then(|| Nanos::from_seconds_f64(seconds))?;
    Some(Listed { after, function: function.parse().ok()?, rank: rank.parse().ok()? })
}

impl str::FromStr for Reclaim {
    type Err = ReclaimError;

    /// Reads a process that needs no file; see [`Reclaim::parse`].
    fn from_str(text: &str) -> Result<Reclaim, ReclaimError> {
        Reclaim::parse(text, &|_| Err("a schedule cannot be used here".to_owned()))
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
mod tests;
