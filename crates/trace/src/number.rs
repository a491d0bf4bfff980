//! Numbers as traces write them, from bytes, exactly and without allocation.

use units::Bytes;

use crate::error::ValueProblem;

/// Why bytes are not the number that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberProblem {
    NotANumber,
    Negative,
    TooLarge,
}

/// A size in whole bytes: `72626`, `72626.0`, `7.2626e4`.
pub(crate) fn size(field: &[u8]) -> Result<Bytes, ValueProblem> {
    // A whole number first: nearly every size is one.
    let (whole, n_digits) = leading_digits(field);
    let bytes = if n_digits == field.len() && 0 < n_digits && n_digits <= N_DIGITS_MAX {
        whole
    } else {
        unusual_size(field)?
    };
    if Bytes::SIZE_MAX.get() < bytes {
        return Err(ValueProblem::SizeTooLarge);
    }
    Ok(Bytes::new(bytes))
}

/// A decimal number times ten to the `n_places`, rounded to the nearest: `scaled(b"1.5", 3)` is
/// 1500.
pub(crate) fn scaled(field: &[u8], n_places: u32) -> Result<u64, NumberProblem> {
    let (whole, n_digits) = leading_digits(field);
    let is_plain = 0 < n_digits && n_digits <= N_DIGITS_MAX;
    match field.get(n_digits) {
        None if is_plain => shift(whole, n_places),
        Some(b'.') if is_plain => match fraction(&field[n_digits + 1..], n_places) {
            Some(fraction) => {
                shift(whole, n_places)?.checked_add(fraction).ok_or(NumberProblem::TooLarge)
            }
            None => unusual(field, n_places),
        },
        _ => unusual(field, n_places),
    }
}

/// A number as decimal text, without allocation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecimalText {
    digits: [u8; 20],
    /// Where the first digit stands.
    start: u8,
}

impl DecimalText {
    /// `number` in decimal digits.
    pub(crate) fn of(number: u64) -> DecimalText {
        let mut digits = [0; 20];
        let mut start: u8 = 20;
        let mut rest = number;
        loop {
            start -= 1;
            digits[usize::from(start)] = b'0' + u8::try_from(rest % 10).expect("a digit");
            rest /= 10;
            if rest == 0 {
                return DecimalText { digits, start };
            }
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.digits[usize::from(self.start)..]
    }
}

/// Every number of so many digits fits.
const N_DIGITS_MAX: usize = 19;

/// The number that the leading digits say (meaningless past [`N_DIGITS_MAX`]), and how many.
pub(crate) fn leading_digits(field: &[u8]) -> (u64, usize) {
    let mut number: u64 = 0;
    let mut n_digits = 0;
    for byte in field {
        let digit = byte.wrapping_sub(b'0');
        if 9 < digit {
            break;
        }
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        n_digits += 1;
    }
    (number, n_digits)
}

/// `whole` times ten to the `n_places`.
fn shift(whole: u64, n_places: u32) -> Result<u64, NumberProblem> {
    whole.checked_mul(10_u64.pow(n_places)).ok_or(NumberProblem::TooLarge)
}

/// The digits after the point, as a count of tens to the minus `n_places`, rounded; `None` where
/// there is more than digits, such as an exponent.
fn fraction(digits: &[u8], n_places: u32) -> Option<u64> {
    let n_kept = digits.len().min(n_places as usize);
    let (kept, rest) = digits.split_at(n_kept);
    let (number, n_digits) = leading_digits(kept);
    if n_digits < kept.len() || !rest.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n_missing = n_places - u32::try_from(n_kept).expect("at most n_places, a u32");
    let rounds_up = rest.first().is_some_and(|it| b'5' <= *it);
    Some(number * 10_u64.pow(n_missing) + u64::from(rounds_up))
}

#[cold]
fn unusual(field: &[u8], n_places: u32) -> Result<u64, NumberProblem> {
    let trimmed = field.trim_ascii();
    if trimmed.len() < field.len() {
        return scaled(trimmed, n_places);
    }
    let number = float(field)?;
    // Exact: ten to the ninth and less are whole numbers of few bits.
    in_range(number * 10_u64.pow(n_places) as f64)
}

#[cold]
fn unusual_size(field: &[u8]) -> Result<u64, ValueProblem> {
    let field = field.trim_ascii();
    let (whole, n_digits) = leading_digits(field);
    if 0 < n_digits && n_digits <= N_DIGITS_MAX {
        match &field[n_digits..] {
            [] => return Ok(whole),
            [b'.', zeros @ ..] if zeros.iter().all(|it| *it == b'0') => return Ok(whole),
            _ => {}
        }
    }
    let number = match float(field) {
        Ok(number) => number,
        Err(NumberProblem::NotANumber) => return Err(ValueProblem::NotASize),
        Err(NumberProblem::Negative) => return Err(ValueProblem::NegativeSize),
        Err(NumberProblem::TooLarge) => return Err(ValueProblem::SizeTooLarge),
    };
    if number.fract() != 0.0 {
        return Err(ValueProblem::FractionalSize);
    }
    in_range(number).map_err(|_| ValueProblem::SizeTooLarge)
}

/// A number with a sign or an exponent; not a word such as `inf` or `NaN`, though Rust reads
/// those.
fn float(field: &[u8]) -> Result<f64, NumberProblem> {
    let is_number =
        field.iter().all(|it| matches!(it, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    let text = std::str::from_utf8(field).ok().filter(|_| is_number);
    let number: f64 = text.and_then(|it| it.parse().ok()).ok_or(NumberProblem::NotANumber)?;
    if number < 0.0 {
        return Err(NumberProblem::Negative);
    }
    if number.is_infinite() {
        return Err(NumberProblem::TooLarge);
    }
    Ok(number)
}

fn in_range(number: f64) -> Result<u64, NumberProblem> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    if LIMIT <= number {
        return Err(NumberProblem::TooLarge);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just checked")]
    Ok(number.round() as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes_are_whole_bytes() {
        let check = |field: &str, expect: Result<u64, ValueProblem>| {
            assert_eq!(size(field.as_bytes()), expect.map(Bytes::new), "{field}");
        };
        check("0", Ok(0));
        check("72626", Ok(72_626));
        check("72626.0", Ok(72_626));
        check("72626.", Ok(72_626));
        check(" 72626 ", Ok(72_626));
        check("+5", Ok(5));
        check("-0", Ok(0));
        check("1.5e3", Ok(1_500));
        check("0000000000000000000000012", Ok(12));
        check("1125899906842624", Ok(1 << 50));
        check("1125899906842625", Err(ValueProblem::SizeTooLarge));
        check("99999999999999999999999", Err(ValueProblem::SizeTooLarge));
        check("1e400", Err(ValueProblem::SizeTooLarge));
        check("72626.5", Err(ValueProblem::FractionalSize));
        check("-1", Err(ValueProblem::NegativeSize));
        check("-0.5", Err(ValueProblem::NegativeSize));
        for word in ["", "NaN", "nan", "inf", "-inf", "infinity", "12x", "x", "1,5", "0x10", "--1"]
        {
            check(word, Err(ValueProblem::NotASize));
        }
    }

    #[test]
    fn decimals_are_exact_to_the_place() {
        let check = |field: &str, n_places: u32, expect: Result<u64, NumberProblem>| {
            assert_eq!(scaled(field.as_bytes(), n_places), expect, "{field}");
        };
        check("12", 9, Ok(12_000_000_000));
        check("12.5", 9, Ok(12_500_000_000));
        check("1497916826.626", 9, Ok(1_497_916_826_626_000_000));
        check("0.1234567894", 9, Ok(123_456_789));
        check("0.1234567896", 9, Ok(123_456_790));
        check("0.9999999999", 9, Ok(1_000_000_000));
        check("7.25", 0, Ok(7));
        check("5.", 3, Ok(5_000));
        check(".5", 3, Ok(500));
        check(" 5 ", 3, Ok(5_000));
        check("1e3", 3, Ok(1_000_000));
        check("1.5e3", 3, Ok(1_500_000));
        check("18446744073", 9, Ok(18_446_744_073_000_000_000));
        check("18446744074", 9, Err(NumberProblem::TooLarge));
        check("1e30", 0, Err(NumberProblem::TooLarge));
        check("-3", 9, Err(NumberProblem::Negative));
        for word in ["", ".", "-", "NaN", "inf", "abc", "1.2.3", "1.x", "2017-06-20"] {
            check(word, 9, Err(NumberProblem::NotANumber));
        }
    }

    proptest! {
        #[test]
        fn a_count_of_nanoseconds_survives_being_written_in_seconds(nanos in 0..=u64::MAX) {
            let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
            prop_assert_eq!(scaled(text.as_bytes(), 9), Ok(nanos));
        }

        #[test]
        fn a_number_survives_being_written(number in 0..=u64::MAX) {
            let expect = number.to_string();
            let [text, half] = [number, number / 2].map(DecimalText::of);
            prop_assert_eq!(text.as_bytes(), expect.as_bytes());
            prop_assert_eq!(scaled(half.as_bytes(), 0), Ok(number / 2));
        }

        #[test]
        fn no_bytes_make_it_panic(field in prop::collection::vec(any::<u8>(), 0..30)) {
            let _ = size(&field);
            let _ = scaled(&field, 9);
        }
    }
}
