//! Lengths of time, and instants on the clock of a run.

use std::{fmt, iter, ops, str};

use crate::parse::{Kind, QuantityError};

/// A length of time, in whole nanoseconds; 584 years at the most.
///
/// Read from text as `100ms`, `5min`, `50h`, with a unit always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(u64);

/// An instant on the run's clock, counted from the start of the run.
///
/// The simulator sets that clock; a live system reads it from the machine. Code that is handed
/// a `Time` cannot tell which, and so runs under both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

const KIND: Kind = Kind {
    what: "a length of time",
    noun: "time",
    example: "a number and a unit, such as `100ms`, `30s`, `5min` or `50h`",
    units: &[
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
        ("d", 86_400_000_000_000),
    ],
};

impl Nanos {
    /// No time at all.
    pub const ZERO: Nanos = Nanos(0);
    /// One millisecond.
    pub const MILLISECOND: Nanos = Nanos(1_000_000);
    /// One second.
    pub const SECOND: Nanos = Nanos(1_000_000_000);
    /// One minute.
    pub const MINUTE: Nanos = Nanos(60_000_000_000);
    /// One hour.
    pub const HOUR: Nanos = Nanos(3_600_000_000_000);
    /// The longest span a trace or a setting may have, 100 years, so that later sums fit.
    pub const SPAN_MAX: Nanos = Nanos(100 * 8_766 * 3_600_000_000_000);

    /// The length given in nanoseconds.
    pub const fn new(nanos: u64) -> Nanos {
        Nanos(nanos)
    }

    /// The length given in milliseconds.
    pub const fn millis(millis: u64) -> Nanos {
        Nanos(millis.checked_mul(1_000_000).expect("time overflow"))
    }

    /// The length given in seconds.
    pub const fn seconds(seconds: u64) -> Nanos {
        Nanos(seconds.checked_mul(1_000_000_000).expect("time overflow"))
    }

    /// The length nearest to `seconds`, which must be finite and not negative.
    pub fn from_seconds_f64(seconds: f64) -> Nanos {
        assert!(seconds.is_finite(), "no length of {seconds} seconds");
        assert!(0.0 <= seconds, "no length of {seconds} seconds");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "asserted")]
        Nanos((seconds * 1e9).round() as u64)
    }

    /// This length as a plain count of nanoseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// This length in seconds.
    pub fn as_seconds_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// This length in milliseconds.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// How many `quantum`s this length fills, the last one in part.
    pub const fn div_ceil(self, quantum: Nanos) -> u64 {
        self.0.div_ceil(quantum.0)
    }

    /// This length rounded up to a whole number of `quantum`s, as a biller rounds.
    pub const fn round_up_to(self, quantum: Nanos) -> Nanos {
        Nanos(self.0.checked_next_multiple_of(quantum.0).expect("no such multiple"))
    }

    /// This length less `shorter`, or nothing where `shorter` is the longer one.
    pub const fn saturating_sub(self, shorter: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(shorter.0))
    }
}

impl Time {
    /// The start of the run.
    pub const START: Time = Time(0);

    /// The instant `nanos` after the start.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was. It must not lie in the future.
    pub fn since(self, earlier: Time) -> Nanos {
        assert!(earlier <= self, "{earlier} is after {self}");
        Nanos(self.0 - earlier.0)
    }

    /// How long until `later`, or nothing where it has passed.
    pub const fn until(self, later: Time) -> Nanos {
        Nanos(later.0.saturating_sub(self.0))
    }

    /// Which whole `period` since the start this instant lies in, counted from 0.
    pub const fn index(self, period: Nanos) -> u64 {
        self.0 / period.0
    }
}

impl ops::Add for Nanos {
    type Output = Nanos;

    fn add(self, rhs: Nanos) -> Nanos {
        Nanos(self.0.checked_add(rhs.0).expect("time overflow"))
    }
}

impl ops::AddAssign for Nanos {
    fn add_assign(&mut self, rhs: Nanos) {
        *self = *self + rhs;
    }
}

impl ops::Sub for Nanos {
    type Output = Nanos;

    fn sub(self, rhs: Nanos) -> Nanos {
        Nanos(self.0.checked_sub(rhs.0).expect("a length of time below zero"))
    }
}

impl ops::Mul<u64> for Nanos {
    type Output = Nanos;

    fn mul(self, rhs: u64) -> Nanos {
        Nanos(self.0.checked_mul(rhs).expect("time overflow"))
    }
}

impl iter::Sum for Nanos {
    fn sum<I: Iterator<Item = Nanos>>(lengths: I) -> Nanos {
        lengths.fold(Nanos::ZERO, |acc, it| acc + it)
    }
}

impl ops::Add<Nanos> for Time {
    type Output = Time;

    fn add(self, delay: Nanos) -> Time {
        Time(self.0.checked_add(delay.0).expect("time overflow"))
    }
}

impl str::FromStr for Nanos {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Nanos, QuantityError> {
        let nanos = KIND.parse(text)?;
        match u64::try_from(nanos) {
            Ok(nanos) if nanos <= Nanos::SPAN_MAX.0 => Ok(Nanos(nanos)),
            _ => Err(QuantityError::OutOfRange {
                text: text.to_owned(),
                what: KIND.what,
                why: "the longest is 100 years",
            }),
        }
    }
}

impl fmt::Display for Nanos {
    /// The largest unit that divides the length, or a decimal number of the largest that fits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STEPS: [(u64, &str); 7] = [
            (86_400_000_000_000, "d"),
            (3_600_000_000_000, "h"),
            (60_000_000_000, "min"),
            (1_000_000_000, "s"),
            (1_000_000, "ms"),
            (1_000, "us"),
            (1, "ns"),
        ];
        let exact =
            STEPS.iter().skip(1).find(|(unit, _)| self.0 != 0 && self.0.is_multiple_of(*unit));
        // Experiments speak of 50 hours, not of 2.08 days.
        let days_from = Nanos::HOUR.0 * 100;
        let fits = STEPS.iter().skip(usize::from(self.0 < days_from));
        let fits = fits.into_iter().find(|(unit, _)| *unit <= self.0);
        let text = match (exact, fits) {
            (Some((unit, name)), _) if self.0 / unit < 1_000 => format!("{}{name}", self.0 / unit),
            (_, Some((unit, name))) => format!("{:.2}{name}", self.0 as f64 / *unit as f64),
            (_, None) => "0s".to_owned(),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t={}.{:09}s", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_length_agree() {
        let check = |text: &str, length: Nanos, shown: &str| {
            assert_eq!(text.parse(), Ok(length));
            assert_eq!(length.to_string(), shown);
        };
        check("50h", Nanos::HOUR * 50, "50h");
        check("5min", Nanos::MINUTE * 5, "5min");
        check("300s", Nanos::MINUTE * 5, "5min");
        check("1.5s", Nanos::millis(1_500), "1.50s");
        check("100 ms", Nanos::millis(100), "100ms");
        check("0s", Nanos::ZERO, "0s");
        check("2d", Nanos::HOUR * 48, "48h");
        check("49.995h", Nanos::seconds(179_982), "49.99h");
        check("1000h", Nanos::HOUR * 1000, "41.67d");
    }

    #[test]
    fn a_bad_length_says_what_to_write() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<Nanos>().unwrap_err().to_string(), expect);
        };
        let example = "write a number and a unit, such as `100ms`, `30s`, `5min` or `50h`";
        check("soon", &format!("`soon` is not a length of time; {example}"));
        check("5m", &format!("`5m` ends in `m`, which is not a unit of time; {example}"));
        check(
            "99999999h",
            "`99999999h` is not a length of time that can be held: the longest is 100 years",
        );
    }

    #[test]
    fn rounding_is_up_to_a_whole_quantum() {
        let check = |millis: u64, expect: u64| {
            let rounded = Nanos::millis(millis).round_up_to(Nanos::millis(100));
            assert_eq!(rounded, Nanos::millis(expect));
        };
        check(0, 0);
        check(1, 100);
        check(100, 100);
        check(101, 200);
    }
}
