//! Amounts of data.

use std::{fmt, iter, ops, str};

use crate::parse::{Kind, QuantityError};

/// An amount of data, in whole bytes.
///
/// Read from text as `10MB` (decimal) or `10MiB` (binary), with a unit always; printed in
/// decimal units, since that is how the traces and the paper speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(u64);

const KIND: Kind = Kind {
    what: "a size",
    noun: "size",
    example: "a number and a unit, such as `10MB` (decimal) or `10MiB` (binary)",
    units: &[
        ("b", 1),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("tb", 1_000_000_000_000),
        ("pb", 1_000_000_000_000_000),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("tib", 1 << 40),
        ("pib", 1 << 50),
    ],
};

impl Bytes {
    /// No data at all.
    pub const ZERO: Bytes = Bytes(0);

    /// The most that the requests of one trace may ask for together, 256 PiB. The readers refuse
    /// more, so that every later sum fits: of bytes, chunks with their parity included, and of
    /// the time they take over the slowest link.
    pub const TOTAL_MAX: Bytes = Bytes(1 << 58);

    /// The largest size of one object, 1 PiB, for the same reason.
    pub const SIZE_MAX: Bytes = Bytes(1 << 50);

    /// The amount given in bytes.
    pub const fn new(bytes: u64) -> Bytes {
        Bytes(bytes)
    }

    /// The amount given in decimal megabytes.
    pub const fn megabytes(megabytes: u64) -> Bytes {
        Bytes(megabytes.checked_mul(1_000_000).expect("byte count overflow"))
    }

    /// The amount given in binary mebibytes.
    pub const fn mebibytes(mebibytes: u64) -> Bytes {
        Bytes(mebibytes.checked_mul(1 << 20).expect("byte count overflow"))
    }

    /// This amount as a plain count.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The size of each of `n_parts` equal parts that together hold this amount.
    pub const fn split(self, n_parts: u64) -> Bytes {
        Bytes(self.0.div_ceil(n_parts))
    }

    /// What remains after `used`, or `None` where `used` does not fit.
    pub const fn checked_sub(self, used: Bytes) -> Option<Bytes> {
        match self.0.checked_sub(used.0) {
            Some(left) => Some(Bytes(left)),
            None => None,
        }
    }

    /// The sum, or `None` past what the type holds.
    pub const fn checked_add(self, more: Bytes) -> Option<Bytes> {
        match self.0.checked_add(more.0) {
            Some(sum) => Some(Bytes(sum)),
            None => None,
        }
    }
}

impl ops::Add for Bytes {
    type Output = Bytes;

    fn add(self, rhs: Bytes) -> Bytes {
        Bytes(self.0.checked_add(rhs.0).expect("byte count overflow"))
    }
}

impl ops::AddAssign for Bytes {
    fn add_assign(&mut self, rhs: Bytes) {
        *self = *self + rhs;
    }
}

impl ops::Sub for Bytes {
    type Output = Bytes;

    fn sub(self, rhs: Bytes) -> Bytes {
        Bytes(self.0.checked_sub(rhs.0).expect("more bytes taken than there are"))
    }
}

impl ops::SubAssign for Bytes {
    fn sub_assign(&mut self, rhs: Bytes) {
        *self = *self - rhs;
    }
}

impl ops::Mul<u64> for Bytes {
    type Output = Bytes;

    fn mul(self, rhs: u64) -> Bytes {
        Bytes(self.0.checked_mul(rhs).expect("byte count overflow"))
    }
}

impl iter::Sum for Bytes {
    fn sum<I: Iterator<Item = Bytes>>(amounts: I) -> Bytes {
        amounts.fold(Bytes::ZERO, |acc, it| acc + it)
    }
}

impl str::FromStr for Bytes {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Bytes, QuantityError> {
        let bytes = KIND.parse(text)?;
        match u64::try_from(bytes) {
            Ok(bytes) if bytes <= Bytes::TOTAL_MAX.0 => Ok(Bytes(bytes)),
            _ => Err(QuantityError::OutOfRange {
                text: text.to_owned(),
                what: KIND.what,
                why: "the largest is 256 PiB",
            }),
        }
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const STEPS: [(u64, &str); 5] = [
            (1_000_000_000_000_000, "PB"),
            (1_000_000_000_000, "TB"),
            (1_000_000_000, "GB"),
            (1_000_000, "MB"),
            (1_000, "kB"),
        ];
        let text = match STEPS.iter().find(|(unit, _)| *unit <= self.0) {
            Some((unit, name)) if self.0.is_multiple_of(*unit) => {
                format!("{} {name}", self.0 / unit)
            }
            Some((unit, name)) => {
                let number = self.0 as f64 / *unit as f64;
                let n_decimals = if number < 10.0 { 2 } else { 1 };
                format!("{number:.n_decimals$} {name}")
            }
            None => format!("{} B", self.0),
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn display_picks_the_largest_unit_that_fits() {
        let check = |bytes: u64, expect: &str| assert_eq!(Bytes::new(bytes).to_string(), expect);
        check(0, "0 B");
        check(999, "999 B");
        check(1_500, "1.50 kB");
        check(100_000_000, "100 MB");
        check(682_485_973_811, "682.5 GB");
    }

    #[test]
    fn decimal_and_binary_units_differ() {
        let check = |text: &str, expect: u64| assert_eq!(text.parse(), Ok(Bytes::new(expect)));
        check("10MB", 10_000_000);
        check("10MiB", 10_485_760);
        check("10 mib", 10_485_760);
        check("1.5GB", 1_500_000_000);
        check("0B", 0);
        check("2GiB", 1 << 31);
    }

    #[test]
    fn a_bad_size_says_what_to_write() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<Bytes>().unwrap_err().to_string(), expect);
        };
        let example = "write a number and a unit, such as `10MB` (decimal) or `10MiB` (binary)";
        check("", &format!("`` is not a size; {example}"));
        check("-5MB", &format!("`-5MB` is not a size; {example}"));
        check("5", &format!("`5` has no unit of size; {example}"));
        check("5MBs", &format!("`5MBs` ends in `MBs`, which is not a unit of size; {example}"));
        check("9999PiB", "`9999PiB` is not a size that can be held: the largest is 256 PiB");
    }

    proptest! {
        #[test]
        fn parts_cover_the_whole_with_less_than_one_byte_each_to_spare(
            bytes in 0..u64::from(u32::MAX),
            n_parts in 1..64_u64,
        ) {
            let covered = Bytes::new(bytes).split(n_parts).get() * n_parts;
            prop_assert!(bytes <= covered);
            prop_assert!(covered < bytes + n_parts);
        }
    }
}
