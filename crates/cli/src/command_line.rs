//! From the words of the command line to what they say.

use std::ffi::OsString;

use clap::Parser;

use crate::args::Args;

/// What was typed. Ends the program with a word on what is wrong with it, if something is.
pub(crate) fn parse() -> Args {
    Args::parse_from(with_negative_values(std::env::args_os()))
}

/// The same words with `-5` or `-5MB` joined to the option before, whose value it is: on its own
/// it would be taken for an option, rather than be refused for what it is.
fn with_negative_values(words: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut joined: Vec<OsString> = Vec::new();
    let mut are_options_over = false;
    for word in words {
        are_options_over |= word == "--";
        let before = joined.last_mut().filter(|_| !are_options_over);
        let between = before.as_ref().and_then(|it| before_value(it.to_str()?));
        match (before, between) {
            (Some(before), Some(between)) if is_negative(&word) => {
                before.push(between);
                before.push(word);
            }
            _ => joined.push(word),
        }
    }
    joined
}

/// What stands between this option and a value that is joined to it; nothing if it is no option, or
/// has a value already.
fn before_value(word: &str) -> Option<&'static str> {
    if let Some(name) = word.strip_prefix("--") {
        return (!name.is_empty() && !name.contains('=')).then_some("=");
    }
    let letter = word.strip_prefix('-')?;
    (letter.len() == 1 && letter.chars().all(char::is_alphabetic)).then_some("")
}

fn is_negative(word: &OsString) -> bool {
    let number = word.to_str().and_then(|it| it.strip_prefix('-'));
    number.is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit() || it == '.'))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_value_below_zero_is_a_value() {
        let check = |typed: &str, expect: &str| {
            let words = with_negative_values(typed.split(' ').map(OsString::from));
            let words: Vec<&str> = words.iter().map(|it| it.to_str().unwrap()).collect();
            assert_eq!(words.join(" "), expect);
        };
        check("compare t --min-size -5MB --json", "compare t --min-size=-5MB --json");
        check("compare t --hours -.5h -j -5", "compare t --hours=-.5h -j-5");
        check("compare t --min-size=1MB -5", "compare t --min-size=1MB -5");
        check("compare -x -j 5 -- --seed -1", "compare -x -j 5 -- --seed -1");
    }
}
