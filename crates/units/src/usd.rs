//! Amounts of money.

use std::{fmt, iter, ops, str};

use crate::parse::{QuantityError, decimal};

/// An amount of US dollars, in whole picodollars, never negative.
///
/// One picodollar (10⁻¹² USD) is fine enough to hold every list price exactly: Lambda's
/// $0.0000166667 per GB-second is 16 666 700 of them. 128 bits, so that no bill of a run that
/// ends can overflow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Usd(u128);

/// Picodollars in one dollar.
const DOLLAR: u128 = 1_000_000_000_000;

impl Usd {
    /// Nothing to pay.
    pub const ZERO: Usd = Usd(0);

    /// The amount given in picodollars.
    pub const fn pico(pico: u128) -> Usd {
        Usd(pico)
    }

    /// The amount nearest to `dollars`, which must be finite and not negative. Up to a thousand
    /// dollars it is the one that [`Usd::as_f64`] gave.
    pub fn from_f64(dollars: f64) -> Usd {
        assert!(dollars.is_finite(), "no amount of {dollars} dollars");
        assert!(0.0 <= dollars, "no amount of {dollars} dollars");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "asserted")]
        Usd((dollars * DOLLAR as f64).round() as u128)
    }

    /// This amount as a plain count of picodollars.
    pub const fn get(self) -> u128 {
        self.0
    }

    /// This amount in dollars, for a table or a figure.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / DOLLAR as f64
    }

    /// The cost of `quantity` where every `per` of it costs this much, rounded up once.
    pub fn scale(self, quantity: u128, per: u128) -> Usd {
        // Whole ones and the rest apart, so that only what is more than can be paid overflows.
        let times = |n: u128| self.0.checked_mul(n).expect("cost overflow");
        Usd(times(quantity / per)) + Usd(times(quantity % per).div_ceil(per))
    }
}

impl ops::Add for Usd {
    type Output = Usd;

    fn add(self, rhs: Usd) -> Usd {
        Usd(self.0.checked_add(rhs.0).expect("cost overflow"))
    }
}

impl ops::AddAssign for Usd {
    fn add_assign(&mut self, rhs: Usd) {
        *self = *self + rhs;
    }
}

impl iter::Sum for Usd {
    fn sum<I: Iterator<Item = Usd>>(amounts: I) -> Usd {
        amounts.fold(Usd::ZERO, |acc, it| acc + it)
    }
}

impl str::FromStr for Usd {
    type Err = QuantityError;

    /// Reads a plain decimal number of dollars, exactly: `10.368`, `0.0000166667`.
    fn from_str(text: &str) -> Result<Usd, QuantityError> {
        let what = "an amount of dollars";
        let (mantissa, scale) = decimal(text.trim()).ok_or(QuantityError::NotANumber {
            text: text.to_owned(),
            what,
            example: "a decimal number of dollars, such as `10.368` or `0.0000166667`",
        })?;
        let out_of_range = |why| QuantityError::OutOfRange { text: text.to_owned(), what, why };
        if DOLLAR < scale {
            return Err(out_of_range("at most 12 digits may follow the point"));
        }
        if 1_000_000_000 * scale < mantissa {
            return Err(out_of_range("the highest price is a billion dollars"));
        }
        Ok(Usd(mantissa * (DOLLAR / scale)))
    }
}

impl fmt::Display for Usd {
    /// Dollars and cents from one cent on; below that, three significant digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dollars = self.as_f64();
        let text = if self.0 == 0 || DOLLAR / 100 <= self.0 {
            format!("${dollars:.2}")
        } else {
            let n_leading = first_digit_place(dollars);
            format!("${dollars:.*}", n_leading + 2)
        };
        f.pad(&text)
    }
}

/// The place of the first digit after the point that is not zero.
fn first_digit_place(dollars: f64) -> usize {
    let mut place = 0;
    let mut scaled = dollars;
    while scaled < 1.0 && place < 12 {
        scaled *= 10.0;
        place += 1;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_price_is_held_exactly() {
        let check = |text: &str, pico: u128| assert_eq!(text.parse(), Ok(Usd::pico(pico)));
        check("10.368", 10_368_000_000_000);
        check("0.0000166667", 16_666_700);
        check("0.0000002", 200_000);
        check("0", 0);
    }

    #[test]
    fn a_bad_price_says_what_to_write() {
        let check = |text: &str, expect: &str| {
            assert_eq!(text.parse::<Usd>().unwrap_err().to_string(), expect);
        };
        let write = "write a decimal number of dollars, such as `10.368` or `0.0000166667`";
        check("$5", &format!("`$5` is not an amount of dollars; {write}"));
        check("-1", &format!("`-1` is not an amount of dollars; {write}"));
        check(
            "0.0000000000001",
            "`0.0000000000001` is not an amount of dollars that can be held: \
             at most 12 digits may follow the point",
        );
    }

    #[test]
    fn small_amounts_keep_their_digits() {
        let check = |pico: u128, expect: &str| assert_eq!(Usd::pico(pico).to_string(), expect);
        check(0, "$0.00");
        check(518_400_000_000_000, "$518.40");
        check(2_700_000, "$0.00000270");
        check(5_016_400_000, "$0.00502");
    }

    #[test]
    fn an_amount_comes_back_from_dollars() {
        let check = |pico: u128| {
            assert_eq!(Usd::from_f64(Usd::pico(pico).as_f64()), Usd::pico(pico));
        };
        check(0);
        check(2_700_001);
        check(518_400_000_000_001);
        check(999_999_999_999_999);
    }

    #[test]
    fn scaling_rounds_up_once() {
        assert_eq!(Usd::pico(10).scale(1, 3), Usd::pico(4));
        assert_eq!(Usd::pico(10).scale(3, 3), Usd::pico(10));
    }
}
