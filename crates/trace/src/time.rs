//! Times as traces write them: counts of some unit, or date-times.

use std::{fmt, str};

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::ValueProblem;
use crate::number::{NumberProblem, leading_digits, scaled};

/// The unit in which a trace counts its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds, whole or with a fraction.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

/// How a trace writes its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeScale {
    /// As a number of this unit, from anywhere.
    Count(TimeUnit),
    /// As a date with a time of day, in UTC where it names no offset.
    DateTime,
}

/// How the scale of a trace's times is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// The user said so.
    Flag,
    /// The name of the column ends in a unit.
    ColumnName,
    /// The first value has the form of a date-time.
    Form,
    /// The first value would be a date of our days in this unit and in no other.
    Magnitude,
    /// Nothing tells; seconds are usual.
    Default,
    /// The format fixes it.
    Format,
    /// The trace has no times: its rows are taken to be a second apart.
    NoTimes,
}

impl TimeUnit {
    /// Every unit, coarsest first.
    pub const ALL: [TimeUnit; 4] =
        [TimeUnit::Seconds, TimeUnit::Millis, TimeUnit::Micros, TimeUnit::Nanos];

    /// The symbol that [`str::parse`] reads.
    pub const fn symbol(self) -> &'static str {
        match self {
            TimeUnit::Seconds => "s",
            TimeUnit::Millis => "ms",
            TimeUnit::Micros => "us",
            TimeUnit::Nanos => "ns",
        }
    }

    /// One of this unit in nanoseconds.
    pub(crate) const fn nanos(self) -> u64 {
        10_u64.pow(self.n_places())
    }

    /// One of this unit is ten to this many nanoseconds.
    const fn n_places(self) -> u32 {
        match self {
            TimeUnit::Seconds => 9,
            TimeUnit::Millis => 6,
            TimeUnit::Micros => 3,
            TimeUnit::Nanos => 0,
        }
    }

    /// Whether `count` of this unit since 1970 is a date from 2001 to 2286: ten digits in
    /// seconds, thirteen in milliseconds and so on, so that at most one unit fits.
    pub(crate) fn is_date(self, count: u64) -> bool {
        let first = 10_u64.pow(18 - self.n_places());
        (first..first.saturating_mul(10)).contains(&count)
    }
}

impl fmt::Display for TimeUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeUnit::Seconds => "seconds",
            TimeUnit::Millis => "milliseconds",
            TimeUnit::Micros => "microseconds",
            TimeUnit::Nanos => "nanoseconds",
        })
    }
}

/// A word that names no unit of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a unit of time; write `s`, `ms`, `us` or `ns`")]
pub struct UnknownTimeUnit(pub String);

impl str::FromStr for TimeUnit {
    type Err = UnknownTimeUnit;

    fn from_str(text: &str) -> Result<TimeUnit, UnknownTimeUnit> {
        let found = TimeUnit::ALL.into_iter().find(|it| it.symbol() == text);
        found.ok_or_else(|| UnknownTimeUnit(text.to_owned()))
    }
}

impl fmt::Display for TimeScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeScale::Count(unit) => unit.fmt(f),
            TimeScale::DateTime => f.write_str("date-times, UTC unless they say otherwise"),
        }
    }
}

impl fmt::Display for KnownBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KnownBy::Flag => "as told by `--time-unit`",
            KnownBy::ColumnName => "by the column's name",
            KnownBy::Form => "by the form of the first value",
            KnownBy::Magnitude => "by the magnitude of the first value",
            KnownBy::Default => "assumed; `--time-unit` says otherwise",
            KnownBy::Format => "by the format",
            KnownBy::NoTimes => "it has none: a row a second is assumed",
        })
    }
}

/// Reads the times of one trace.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    scale: TimeScale,
    known_by: KnownBy,
    /// Whether counts are dates, that is start at 1970.
    is_absolute: bool,
    /// The last date met, as its ten bytes, and its midnight in seconds since 1970.
    day: ([u8; 10], i64),
    /// What user and column name say of the unit, until a value is a time: what is none says
    /// nothing of those after it.
    unsure: Option<(Option<TimeUnit>, Option<TimeUnit>)>,
}

impl Clock {
    /// The clock of a trace whose user, column name and first value say this of its unit.
    pub(crate) fn detect(
        flag: Option<TimeUnit>,
        by_name: Option<TimeUnit>,
        first_value: &[u8],
    ) -> Clock {
        let first_value = first_value.trim_ascii();
        let (number, n_digits) = leading_digits(first_value);
        let by_magnitude = TimeUnit::ALL.into_iter().find(|it| it.is_date(number));
        let (scale, known_by) = if let Some(unit) = flag {
            (TimeScale::Count(unit), KnownBy::Flag)
        } else if n_digits == 4 && first_value.get(4) == Some(&b'-') {
            (TimeScale::DateTime, KnownBy::Form)
        } else if let Some(unit) = by_name {
            (TimeScale::Count(unit), KnownBy::ColumnName)
        } else if let Some(unit) = by_magnitude {
            (TimeScale::Count(unit), KnownBy::Magnitude)
        } else {
            (TimeScale::Count(TimeUnit::Seconds), KnownBy::Default)
        };
        let is_absolute = match scale {
            TimeScale::DateTime => true,
            TimeScale::Count(unit) => unit.is_date(number),
        };
        let day = (*b"1970-01-01", 0);
        let mut clock = Clock { scale, known_by, is_absolute, day, unsure: None };
        let is_sure = clock.nanos(first_value).is_ok();
        clock.unsure = (!is_sure).then_some((flag, by_name));
        clock
    }

    /// How times are written.
    pub(crate) fn scale(&self) -> TimeScale {
        self.scale
    }

    /// How that is known.
    pub(crate) fn known_by(&self) -> KnownBy {
        self.known_by
    }

    /// Whether times count from 1970, so that they are dates.
    pub(crate) fn is_absolute(&self) -> bool {
        self.is_absolute
    }

    /// The time that `field` says, in nanoseconds since 1970 or since wherever counts start.
    pub(crate) fn nanos(&mut self, field: &[u8]) -> Result<u64, ValueProblem> {
        if let Some((flag, by_name)) = self.unsure {
            *self = Clock::detect(flag, by_name, field);
        }
        match self.scale {
            TimeScale::DateTime => self.date_time(field),
            TimeScale::Count(unit) => {
                scaled(field, unit.n_places()).map_err(|problem| match problem {
                    NumberProblem::NotANumber => ValueProblem::NotATime(unit),
                    NumberProblem::Negative => ValueProblem::NegativeTime,
                    NumberProblem::TooLarge => ValueProblem::TimeTooLarge,
                })
            }
        }
    }

    /// Reads `YYYY-MM-DD[( |T)HH:MM:SS[.fraction]][Z|±HH[[:]MM]]`.
    fn date_time(&mut self, field: &[u8]) -> Result<u64, ValueProblem> {
        let field = field.trim_ascii();
        let (date, rest) = field.split_first_chunk::<10>().ok_or(ValueProblem::NotADateTime)?;
        // Rows mostly share the date of the row above, and the calendar is slow.
        if self.day.0 != *date {
            self.day = (*date, midnight(date).ok_or(ValueProblem::NotADateTime)?);
        }
        let (seconds, nanos) = time_of_day(rest).ok_or(ValueProblem::NotADateTime)?;
        let seconds = u64::try_from(self.day.1 + seconds).map_err(|_| ValueProblem::BeforeEpoch)?;
        let whole = seconds.checked_mul(1_000_000_000).ok_or(ValueProblem::TimeTooLarge)?;
        whole.checked_add(nanos).ok_or(ValueProblem::TimeTooLarge)
    }
}

/// Seconds from 1970 to the start of the day that `YYYY-MM-DD` names.
fn midnight(date: &[u8; 10]) -> Option<i64> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let year = two_digits([y1, y2])? * 100 + two_digits([y3, y4])?;
    let month = two_digits([m1, m2])?;
    let day = two_digits([d1, d2])?;
    let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// What follows the date: seconds since midnight UTC (below zero, or more than a day, under an
/// offset) and nanoseconds.
fn time_of_day(text: &[u8]) -> Option<(i64, u64)> {
    let [b' ' | b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = text else {
        return if text.is_empty() { Some((0, 0)) } else { None };
    };
    let (hour, minute, second) =
        (two_digits([*h1, *h2])?, two_digits([*m1, *m2])?, two_digits([*s1, *s2])?);
    // Second 60 is a leap second, which counts as the first of the next minute.
    if 23 < hour || 59 < minute || 60 < second {
        return None;
    }
    let (nanos, rest) = match rest {
        [b'.' | b',', digits @ ..] => {
            let n_digits = digits.iter().take_while(|it| it.is_ascii_digit()).count();
            if n_digits == 0 {
                return None;
            }
            let (number, n_kept) = leading_digits(&digits[..n_digits.min(9)]);
            let n_missing = 9 - u32::try_from(n_kept).expect("at most nine digits");
            (number * 10_u64.pow(n_missing), &digits[n_digits..])
        }
        rest => (0, rest),
    };
    let seconds = i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second);
    Some((seconds - offset_seconds(rest)?, nanos))
}

/// The offset from UTC in seconds: nothing, `Z`, `UTC`, `+02`, `+0200`, `+02:00`.
fn offset_seconds(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text.trim_ascii_start() {
        b"" | b"Z" | b"z" | b"UTC" => return Some(0),
        [b'+', digits @ ..] => (1, digits),
        [b'-', digits @ ..] => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match *digits {
        [h1, h2] => (two_digits([h1, h2])?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (two_digits([h1, h2])?, two_digits([m1, m2])?),
        _ => return None,
    };
    if 23 < hours || 59 < minutes {
        return None;
    }
    Some(sign * (i64::from(hours) * 3_600 + i64::from(minutes) * 60))
}

fn two_digits(digits: [u8; 2]) -> Option<i16> {
    let is_number = digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| i16::from(digits[0] - b'0') * 10 + i16::from(digits[1] - b'0'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(clock: &mut Clock, field: &str) -> Result<u64, ValueProblem> {
        clock.nanos(field.as_bytes())
    }

    #[test]
    fn the_unit_is_found_by_flag_form_name_and_magnitude_in_this_order() {
        #[track_caller]
        fn check(
            flag: Option<TimeUnit>,
            by_name: Option<TimeUnit>,
            first: &str,
            expect: (TimeScale, KnownBy, bool),
        ) {
            let clock = Clock::detect(flag, by_name, first.as_bytes());
            assert_eq!((clock.scale(), clock.known_by(), clock.is_absolute()), expect);
        }
        use TimeScale::{Count, DateTime};
        use TimeUnit::{Micros, Millis, Nanos, Seconds};
        check(Some(Micros), Some(Millis), "1497916826626", (Count(Micros), KnownBy::Flag, false));
        check(None, Some(Millis), "2017-06-20 00:00:26", (DateTime, KnownBy::Form, true));
        check(None, Some(Millis), "12", (Count(Millis), KnownBy::ColumnName, false));
        check(None, Some(Millis), "1497916826626", (Count(Millis), KnownBy::ColumnName, true));
        check(None, None, "1497916826", (Count(Seconds), KnownBy::Magnitude, true));
        check(None, None, "1497916826.5", (Count(Seconds), KnownBy::Magnitude, true));
        check(None, None, "1497916826626", (Count(Millis), KnownBy::Magnitude, true));
        check(None, None, "1497916826626000", (Count(Micros), KnownBy::Magnitude, true));
        check(None, None, "1497916826626000000", (Count(Nanos), KnownBy::Magnitude, true));
        check(None, None, "604038471", (Count(Seconds), KnownBy::Default, false));
        check(None, None, "0", (Count(Seconds), KnownBy::Default, false));
    }

    #[test]
    fn counts_keep_every_digit() {
        let check = |unit: TimeUnit, field: &str, expect: u64| {
            let mut clock = Clock::detect(Some(unit), None, b"");
            assert_eq!(read(&mut clock, field), Ok(expect), "{field} {unit}");
        };
        check(TimeUnit::Seconds, "0.000000001", 1);
        check(TimeUnit::Seconds, "12.25", 12_250_000_000);
        check(TimeUnit::Millis, "12", 12_000_000);
        check(TimeUnit::Micros, "12.5", 12_500);
        check(TimeUnit::Nanos, "12", 12);
    }

    #[test]
    fn date_times_of_many_forms_are_one_instant() {
        let mut clock = Clock::detect(None, None, b"2017-06-20 00:00:26.626");
        for form in [
            "2017-06-20 00:00:26.626",
            "2017-06-20T00:00:26.626",
            "2017-06-20T00:00:26.626Z",
            "2017-06-20T00:00:26.626000000123",
            "2017-06-20 00:00:26,626 UTC",
            "2017-06-20T02:00:26.626+02:00",
            "2017-06-20T02:00:26.626+0200",
            "2017-06-20T02:00:26.626+02",
            "2017-06-19T18:30:26.626-05:30",
            " 2017-06-20 00:00:26.626 ",
        ] {
            assert_eq!(read(&mut clock, form), Ok(1_497_916_826_626_000_000), "{form}");
        }
        assert_eq!(read(&mut clock, "2017-06-20"), Ok(1_497_916_800_000_000_000));
        assert_eq!(read(&mut clock, "2017-06-20 00:00:00"), Ok(1_497_916_800_000_000_000));
    }

    #[test]
    fn what_is_no_date_time_is_refused() {
        let mut clock = Clock::detect(None, None, b"2017-06-20 00:00:26.626");
        let check = |clock: &mut Clock, fields: &[&str], problem: ValueProblem| {
            for field in fields {
                assert_eq!(read(clock, field), Err(problem), "{field}");
            }
        };
        check(
            &mut clock,
            &[
                "",
                "12",
                "2017-02-30 00:00:00",
                "2017-13-01",
                "2017-06-20 24:00:00",
                "2017-06-20 00:60:00",
                "2017-06-20 00:00:61",
                "2017-06-20 00:00",
                "2017/06/20",
                "2017-06-20 00:00:26.",
                "2017-06-20 00:00:26.626+2",
                "2017-06-20 00:00:26 CEST",
                "2017-06-20x00:00:26",
                "2017-06-20 00:00:26+25:00",
                "20-06-2017 00:00:00",
            ],
            ValueProblem::NotADateTime,
        );
        check(&mut clock, &["1969-12-31 23:59:59"], ValueProblem::BeforeEpoch);
        check(&mut clock, &["9999-01-01 00:00:00"], ValueProblem::TimeTooLarge);
        let mut seconds = Clock::detect(None, None, b"0");
        check(&mut seconds, &["-1", "-0.5"], ValueProblem::NegativeTime);
        check(&mut seconds, &["99999999999"], ValueProblem::TimeTooLarge);
        let problem = ValueProblem::NotATime(TimeUnit::Seconds);
        check(&mut seconds, &["", "NaN", "x", "2017-06-20 00:00:26"], problem);
    }

    proptest! {
        #[test]
        fn a_date_time_is_what_jiff_reads(
            second in 0..16_000_000_000_i64,
            nanos in 0..1_000_000_000,
        ) {
            let instant = jiff::Timestamp::new(second, nanos).unwrap();
            let mut clock = Clock::detect(None, None, b"2017-06-20");
            let expect = u64::try_from(instant.as_nanosecond()).unwrap();
            prop_assert_eq!(read(&mut clock, &instant.to_string()), Ok(expect));
        }

        #[test]
        fn no_bytes_make_it_panic(field in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Clock::detect(None, None, b"2017-06-20").nanos(&field);
            let _ = Clock::detect(None, None, &field).nanos(&field);
        }
    }
}
