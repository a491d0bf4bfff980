//! Options whose value is one of a few words: shells complete them.

use std::ffi::OsStr;
use std::fmt::Display;
use std::str::FromStr;

use clap::builder::{PossibleValue, TypedValueParser};

/// Reads a value as it reads itself, and says which words there are.
#[derive(Clone)]
pub(crate) struct OneOf<T> {
    words: Vec<&'static str>,
    parse: fn(&str) -> Result<T, String>,
}

/// A value that is written as one of these words, as its own errors and the help texts say; so the
/// option hides them as `possible_values`.
pub(crate) fn one_of<T>(words: impl IntoIterator<Item = &'static str>) -> OneOf<T>
where
    T: FromStr<Err: Display>,
{
    let parse = |text: &str| text.parse().map_err(|err: T::Err| err.to_string());
    OneOf { words: words.into_iter().collect(), parse }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for OneOf<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        self.parse.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().map(PossibleValue::new)))
    }
}
