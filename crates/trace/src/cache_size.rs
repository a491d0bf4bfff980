//! The size of a cache as a user writes it: an amount of data, or a part of the working set.

use std::{fmt, str};

use units::{Bytes, QuantityError};

/// The size of a cache: `100GB`, or `10%wss` for a tenth of the trace's working set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheSize {
    /// This much.
    Absolute(Bytes),
    /// This part of the working set (the largest size of each object over its GETs and PUTs,
    /// summed), in millionths.
    WorkingSet {
        /// 1 000 000 is the whole.
        millionths: u64,
    },
}

/// Why a text is no size of a cache.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheSizeError {
    /// It is no amount of data.
    #[error("{0}; or a part of the trace's working set, such as `10%wss`")]
    Bytes(#[from] QuantityError),
    /// It is no part of the working set.
    #[error(
        "`{0}` is not a part of the working set; write a percentage from 0.0001 to 100000 with \
         at most four decimals, such as `10%wss` or `0.5%wss`"
    )]
    WorkingSet(String),
}

impl CacheSize {
    /// Millionths in one percent.
    const PERCENT: u64 = 10_000;

    /// The size in bytes for a trace with this working set.
    pub fn resolve(self, unique_bytes: Bytes) -> Bytes {
        match self {
            CacheSize::Absolute(size) => size,
            CacheSize::WorkingSet { millionths } => {
                let product = u128::from(unique_bytes.get()) * u128::from(millionths);
                let bytes = u64::try_from(product / 1_000_000).unwrap_or(u64::MAX);
                Bytes::new(bytes.min(Bytes::TOTAL_MAX.get()))
            }
        }
    }
}

impl str::FromStr for CacheSize {
    type Err = CacheSizeError;

    fn from_str(text: &str) -> Result<CacheSize, CacheSizeError> {
        let lower = text.trim().to_ascii_lowercase();
        let Some(percent) = lower.strip_suffix("%wss") else {
            return Ok(CacheSize::Absolute(text.parse()?));
        };
        let wrong = || CacheSizeError::WorkingSet(text.to_owned());
        let (whole, decimals) = percent.split_once('.').unwrap_or((percent, ""));
        let is_number = percent.bytes().all(|it| it.is_ascii_digit() || it == b'.')
            && !whole.is_empty()
            && whole.len() <= 6
            && decimals.len() <= 4;
        if !is_number {
            return Err(wrong());
        }
        let millionths: u64 = format!("{whole}{decimals:0<4}").parse().map_err(|_| wrong())?;
        if millionths == 0 || 100_000 * Self::PERCENT < millionths {
            return Err(wrong());
        }
        Ok(CacheSize::WorkingSet { millionths })
    }
}

impl fmt::Display for CacheSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CacheSize::Absolute(size) => size.fmt(f),
            CacheSize::WorkingSet { millionths } => {
                let (whole, rest) = (millionths / Self::PERCENT, millionths % Self::PERCENT);
                let decimals = format!("{rest:04}");
                match decimals.trim_end_matches('0') {
                    "" => f.pad(&format!("{whole}%wss")),
                    decimals => f.pad(&format!("{whole}.{decimals}%wss")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_size_agree() {
        let check = |text: &str, bytes: u64, shown: &str| {
            let size: CacheSize = text.parse().unwrap();
            assert_eq!(size.resolve(Bytes::new(1_000_000_007)), Bytes::new(bytes), "{text}");
            assert_eq!(size.to_string(), shown);
        };
        check("100GB", 100_000_000_000, "100 GB");
        check("10%wss", 100_000_000, "10%wss");
        check("0.5%WSS", 5_000_000, "0.5%wss");
        check(" 33.3333%wss", 333_333_002, "33.3333%wss");
        check("0.0001%wss", 1_000, "0.0001%wss");
        check("200%wss", 2_000_000_014, "200%wss");
    }

    #[test]
    fn no_part_of_a_working_set_is_too_large_to_hold() {
        let size: CacheSize = "100000%wss".parse().unwrap();
        assert_eq!(size.resolve(Bytes::TOTAL_MAX), Bytes::TOTAL_MAX);
    }

    #[test]
    fn a_bad_size_says_what_to_write() {
        let error = |text: &str| text.parse::<CacheSize>().unwrap_err().to_string();
        let unknown_unit = "`10` has no unit of size; write a number and a \
                            unit, such as `10MB` (decimal) or `10MiB` (binary); or a part of the \
                            trace's working set, such as `10%wss`";
        assert_eq!(error("10"), unknown_unit);
        let wrong = "is not a part of the working set; write a percentage from 0.0001 to 100000 \
                     with at most four decimals, such as `10%wss` or `0.5%wss`";
        for text in ["%wss", "0%wss", "-1%wss", "1.2.3%wss", ".5%wss", "1.00001%wss", "x%wss"] {
            assert_eq!(error(text), format!("`{text}` {wrong}"));
        }
    }
}
