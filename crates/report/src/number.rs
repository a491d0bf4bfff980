//! Numbers as a person reads them.

/// What stands where there is no number.
pub(crate) const NONE: &str = "–";

/// A count with its thousands set apart: `37,474`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of at least 0 to three significant digits, all its digits before the point, and
/// none beyond the third after it: `12,345`, `12.3`, `1.23`, `0.012`.
pub(crate) fn three_digits(number: f64) -> String {
    grouped_decimal(number, n_decimals_of_three_digits(number))
}

/// How many places after the point [`three_digits`] shows of a number.
pub(crate) fn n_decimals_of_three_digits(number: f64) -> usize {
    match number {
        it if it < 0.9995 => 3,
        it if it < 9.995 => 2,
        it if it < 99.95 => 1,
        _ => 0,
    }
}

/// A number of at least 0 to so many places, with the thousands of a whole one set apart.
pub(crate) fn grouped_decimal(number: f64, n_decimals: usize) -> String {
    let text = format!("{number:.n_decimals$}");
    text.parse().map_or(text, grouped)
}

/// A number with a sign even where it is positive, and a true minus: `+1.2`, `−0.4`.
pub(crate) fn signed(number: f64, n_decimals: usize) -> String {
    let size = format!("{:.n_decimals$}", number.abs());
    let is_zero = size.chars().all(|it| matches!(it, '0' | '.'));
    let sign = match number {
        _ if is_zero => "±",
        it if it < 0.0 => "−",
        _ => "+",
    };
    format!("{sign}{size}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let check = |count: u64, expect: &str| assert_eq!(grouped(count), expect);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_234_567, "1,234,567");
    }

    #[test]
    fn three_digits_are_kept() {
        let check = |number: f64, expect: &str| assert_eq!(three_digits(number), expect);
        check(0.0, "0.000");
        check(0.012_34, "0.012");
        check(0.9999, "1.00");
        check(1.234, "1.23");
        check(99.96, "100");
        check(1_234.5, "1,234");
        check(f64::INFINITY, "inf");
    }

    #[test]
    fn a_difference_has_a_sign_unless_it_is_nothing() {
        let check = |number: f64, expect: &str| assert_eq!(signed(number, 1), expect);
        check(1.24, "+1.2");
        check(-0.4, "−0.4");
        check(-0.04, "±0.0");
    }
}
