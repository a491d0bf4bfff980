//! Numbers with a unit, as a person types them: `10MB`, `1.5GiB`, `5min`, `0.0000166667`.

/// Why a text is not a quantity. The message names the text and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuantityError {
    /// The text does not start with a plain decimal number.
    #[error("`{text}` is not {what}; write {example}")]
    NotANumber {
        /// The text as given.
        text: String,
        /// What was expected, with its article.
        what: &'static str,
        /// Texts that are accepted.
        example: &'static str,
    },
    /// The number is followed by nothing where a unit was expected.
    #[error("`{text}` has no unit of {what}; write {example}")]
    NoUnit {
        /// The text as given.
        text: String,
        /// What was expected, without article.
        what: &'static str,
        /// Texts that are accepted.
        example: &'static str,
    },
    /// The number is followed by something that is not one of the units.
    #[error("`{text}` ends in `{unit}`, which is not a unit of {what}; write {example}")]
    UnknownUnit {
        /// The text as given.
        text: String,
        /// What followed the number.
        unit: String,
        /// What was expected, without article.
        what: &'static str,
        /// Texts that are accepted.
        example: &'static str,
    },
    /// The number is finer than the smallest unit, or larger than the type holds.
    #[error("`{text}` is not {what} that can be held: {why}")]
    OutOfRange {
        /// The text as given.
        text: String,
        /// What was expected, with its article.
        what: &'static str,
        /// The bound that it breaks.
        why: &'static str,
    },
}

/// A kind of quantity: its names for messages, and its units with their sizes.
pub(crate) struct Kind {
    /// "a size", "a length of time".
    pub(crate) what: &'static str,
    /// "size", "time".
    pub(crate) noun: &'static str,
    /// A few texts that are accepted.
    pub(crate) example: &'static str,
    /// Each unit's name in lower case, and how many of the smallest unit it is.
    pub(crate) units: &'static [(&'static str, u128)],
}

impl Kind {
    /// The count of smallest units that `text` means; rounded to nearest where `text` is finer.
    pub(crate) fn parse(&self, text: &str) -> Result<u128, QuantityError> {
        let trimmed = text.trim();
        let n_number = trimmed
            .bytes()
            .position(|it| !(it.is_ascii_digit() || it == b'.' || it == b'_'))
            .unwrap_or(trimmed.len());
        let (number, unit) = trimmed.split_at(n_number);
        let unit = unit.trim_start();
        let not_a_number = || QuantityError::NotANumber {
            text: text.to_owned(),
            what: self.what,
            example: self.example,
        };
        let (mantissa, scale) = decimal(number).ok_or_else(not_a_number)?;
        let lower = unit.to_ascii_lowercase();
        let (what, example) = (self.noun, self.example);
        let unknown = || match unit {
            "" => QuantityError::NoUnit { text: text.to_owned(), what, example },
            unit => QuantityError::UnknownUnit {
                text: text.to_owned(),
                unit: unit.to_owned(),
                what,
                example,
            },
        };
        let found = self.units.iter().find(|(name, _)| *name == lower);
        let (_, size) = found.ok_or_else(unknown)?;
        let product = mantissa.checked_mul(*size).and_then(|it| it.checked_add(scale / 2));
        product.map(|it| it / scale).ok_or_else(|| QuantityError::OutOfRange {
            text: text.to_owned(),
            what: self.what,
            why: "it is too large",
        })
    }
}

/// A decimal number as an integer and the power of ten to divide it by.
///
/// At most 15 fractional digits: no unit here is so large that more would matter.
pub(crate) fn decimal(number: &str) -> Option<(u128, u128)> {
    let digits = number.replace('_', "");
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let wellformed = !(whole.is_empty() && fraction.is_empty())
        && whole.len() <= 20
        && fraction.len() <= 15
        && whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit());
    if !wellformed {
        return None;
    }
    let mantissa: u128 = format!("0{whole}{fraction}").parse().ok()?;
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    Some((mantissa, scale))
}
