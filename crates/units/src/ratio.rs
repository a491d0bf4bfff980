//! Parts of a whole.

use std::fmt;

/// A part of a whole, both as counts, so that equal ratios of a run compare equal.
///
/// Where the whole is nothing the ratio is undefined and [`Ratio::as_f64`] gives 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// The part; at most the whole.
    pub part: u64,
    /// The whole.
    pub whole: u64,
}

impl Ratio {
    /// The ratio of `part` to `whole`.
    pub const fn new(part: u64, whole: u64) -> Ratio {
        assert!(part <= whole, "a part larger than its whole");
        Ratio { part, whole }
    }

    /// The ratio as a number from 0 to 1.
    pub fn as_f64(self) -> f64 {
        if self.whole == 0 { 0.0 } else { self.part as f64 / self.whole as f64 }
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:.2} %", 100.0 * self.as_f64()))
    }
}
