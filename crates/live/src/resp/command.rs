//! Redis commands as they come over a connection: arrays of bulk strings, or plain lines.

use std::ops::Range;

use thiserror::Error;

/// What the bytes of a connection begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// The beginning of a command, which has at least so many bytes.
    Incomplete { n_bytes_needed: usize },
    /// A command, where its words lie, and how long it is. It may have no words.
    Command { words: Vec<Range<usize>>, n_bytes: usize },
    /// The same of a line, whose words may have been in quotes.
    Line { words: Vec<Vec<u8>>, n_bytes: usize },
}

/// What a client may say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// How long a word may be.
    pub(super) word_len_max: u64,
    /// How many a command may have.
    pub(super) n_words_max: usize,
}

/// Why bytes are no command.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum ProtocolError {
    /// A length is no number, or is negative.
    #[error("invalid length")]
    Length,
    /// There are more words than any command has.
    #[error("too many arguments: at most {n_words_max}")]
    Words { n_words_max: usize },
    /// A word is longer than is taken.
    #[error("argument of {n_bytes} bytes: at most {n_bytes_max} are taken")]
    TooLong { n_bytes: u64, n_bytes_max: u64 },
    /// A word does not start, or end, as one does.
    #[error("expected a bulk string")]
    Bulk,
    /// A line does not end.
    #[error("too long a line")]
    Line,
    /// A word begins with a quote and does not end with one, or goes on behind it.
    #[error("unbalanced quotes in request")]
    Quotes,
    /// It is a request of HTTP, which any web page can have a browser of this machine send, and
    /// whose body would be taken for commands.
    #[error("this is HTTP: whatever comes behind it is not carried out")]
    Http,
}

/// How long a word is at least, with what goes with it.
const WORD_BYTES_MIN: usize = b"$0\r\n\r\n".len();
/// How long all words of a command may be together, beside the longest.
const BESIDE_LEN_MAX: usize = 1 << 20;
const LINE_LEN_MAX: usize = 64 << 10;

/// Reads the command at the start of `bytes`.
pub(super) fn parse(bytes: &[u8], limits: Limits) -> Result<Parsed, ProtocolError> {
    match bytes.first() {
        None => Ok(Parsed::Incomplete { n_bytes_needed: 1 }),
        Some(b'*') => parse_array(bytes, limits),
        Some(_) => parse_line(bytes, limits),
    }
}

/// A command is looked at anew once as much more of it has come as its words have at least: so
/// that is seldom, also where it has many.
fn parse_array(bytes: &[u8], limits: Limits) -> Result<Parsed, ProtocolError> {
    let Limits { word_len_max, n_words_max } = limits;
    let more = |n_bytes_needed| Ok(Parsed::Incomplete { n_bytes_needed });
    let Some((n_words, mut at)) = number(bytes, 1)? else { return more(bytes.len() + 1) };
    let n_words = usize::try_from(n_words).unwrap_or(usize::MAX);
    if n_words_max < n_words {
        return Err(ProtocolError::Words { n_words_max });
    }
    let mut words = Vec::new();
    for n_left in (0..n_words).rev() {
        let behind_len_min = n_left * WORD_BYTES_MIN;
        let all_len_min = at + WORD_BYTES_MIN + behind_len_min;
        match bytes.get(at) {
            None => return more(all_len_min),
            Some(b'$') => {}
            Some(_) => return Err(ProtocolError::Bulk),
        }
        let Some((n_bytes, start)) = number(bytes, at + 1)? else {
            return more(all_len_min.max(bytes.len() + 1));
        };
        if word_len_max < n_bytes {
            return Err(ProtocolError::TooLong { n_bytes, n_bytes_max: word_len_max });
        }
        let end = start + usize::try_from(n_bytes).map_err(|_| ProtocolError::Length)?;
        let n_bytes_max = word_len_max.saturating_add(BESIDE_LEN_MAX as u64);
        if n_bytes_max < end as u64 {
            return Err(ProtocolError::TooLong { n_bytes: end as u64, n_bytes_max });
        }
        match bytes.get(end..end + 2) {
            None => return more(end + 2 + behind_len_min),
            Some(b"\r\n") => {}
            Some(_) => return Err(ProtocolError::Bulk),
        }
        words.push(start..end);
        at = end + 2;
    }
    Ok(Parsed::Command { words, n_bytes: at })
}

/// The number between `at` and the end of the line, and where the next line starts.
fn number(bytes: &[u8], at: usize) -> Result<Option<(u64, usize)>, ProtocolError> {
    let rest = &bytes[at.min(bytes.len())..];
    let Some(end) = rest.iter().take(24).position(|it| *it == b'\n') else {
        return if rest.len() < 24 { Ok(None) } else { Err(ProtocolError::Length) };
    };
    let digits = rest[..end].strip_suffix(b"\r").ok_or(ProtocolError::Length)?;
    let text = std::str::from_utf8(digits).map_err(|_| ProtocolError::Length)?;
    if !text.bytes().all(|it| it.is_ascii_digit()) {
        return Err(ProtocolError::Length);
    }
    let number = text.parse().map_err(|_| ProtocolError::Length)?;
    Ok(Some((number, at + end + 1)))
}

/// A command that a person typed, its words set apart by spaces.
fn parse_line(bytes: &[u8], limits: Limits) -> Result<Parsed, ProtocolError> {
    let Some(end) = bytes.iter().take(LINE_LEN_MAX).position(|it| *it == b'\n') else {
        return if bytes.len() < LINE_LEN_MAX {
            Ok(Parsed::Incomplete { n_bytes_needed: bytes.len() + 1 })
        } else {
            Err(ProtocolError::Line)
        };
    };
    let line = &bytes[..end];
    let mut words = line.split(u8::is_ascii_whitespace).filter(|it| !it.is_empty());
    let first = words.next().unwrap_or_default();
    let last = words.next_back().unwrap_or(first);
    // As Redis does; of every request of a browser, one of its first two lines is so.
    let is_http = first.eq_ignore_ascii_case(b"POST") || first.eq_ignore_ascii_case(b"Host:");
    if is_http || last.starts_with(b"HTTP/1.") {
        return Err(ProtocolError::Http);
    }
    let words = split(line)?;
    let n_words_max = limits.n_words_max;
    if n_words_max < words.len() {
        return Err(ProtocolError::Words { n_words_max });
    }
    Ok(Parsed::Line { words, n_bytes: end + 1 })
}

/// The words of a line, as Redis takes it apart.
fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, ProtocolError> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = take_word(rest, &mut word)?.trim_ascii_start();
        words.push(word);
    }
    Ok(words)
}

/// Takes the word that a line begins with. What is behind it.
fn take_word<'a>(line: &'a [u8], word: &mut Vec<u8>) -> Result<&'a [u8], ProtocolError> {
    let is_end = |it: &u8| it.is_ascii_whitespace() || matches!(it, b'"' | b'\'');
    let n_bytes = line.iter().position(is_end).unwrap_or(line.len());
    let (bare, rest) = line.split_at(n_bytes);
    word.extend_from_slice(bare);
    let rest = match rest {
        [b'"', rest @ ..] => take_quoted(rest, b'"', word)?,
        [b'\'', rest @ ..] => take_quoted(rest, b'\'', word)?,
        _ => rest,
    };
    if rest.first().is_some_and(|it| !it.is_ascii_whitespace()) {
        return Err(ProtocolError::Quotes);
    }
    Ok(rest)
}

/// Takes what comes before a quote. What is behind it.
fn take_quoted<'a>(
    mut rest: &'a [u8],
    quote: u8,
    word: &mut Vec<u8>,
) -> Result<&'a [u8], ProtocolError> {
    let hex = |it: u8| char::from(it).to_digit(16).and_then(|it| u8::try_from(it).ok());
    loop {
        let (byte, n_bytes) = match *rest {
            [] => return Err(ProtocolError::Quotes),
            [byte, ..] if byte == quote => return Ok(&rest[1..]),
            [b'\\', b'\'', ..] if quote == b'\'' => (b'\'', 2),
            [b'\\', byte, ..] if quote == b'"' => match (byte, rest.get(2..4)) {
                (b'x', Some(&[high, low]))
                    if let (Some(high), Some(low)) = (hex(high), hex(low)) =>
                {
                    (high << 4 | low, 4)
                }
                (b'n', _) => (b'\n', 2),
                (b'r', _) => (b'\r', 2),
                (b't', _) => (b'\t', 2),
                (b'b', _) => (0x08, 2),
                (b'a', _) => (0x07, 2),
                _ => (byte, 2),
            },
            [byte, ..] => (byte, 1),
        };
        word.push(byte);
        rest = &rest[n_bytes..];
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: Limits = Limits { word_len_max: 100, n_words_max: 1 << 16 };

    #[track_caller]
    fn check(text: &str, expect: Result<&[&str], ProtocolError>) {
        let found = parse(text.as_bytes(), LIMITS).map(|it| match it {
            Parsed::Command { words, .. } => {
                words.into_iter().map(|it| text[it].to_owned()).collect()
            }
            Parsed::Line { words, .. } => {
                words.into_iter().map(|it| String::from_utf8(it).unwrap()).collect()
            }
            Parsed::Incomplete { .. } => vec!["...".to_owned()],
        });
        let expect = expect.map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        assert_eq!(found, expect, "{text:?}");
    }

    #[test]
    fn commands_are_arrays_or_lines() {
        check("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", Ok(&["GET", "k"]));
        check("PING\r\n", Ok(&["PING"]));
        check("  get   k \n", Ok(&["get", "k"]));
        check("\r\n", Ok(&[]));
        check("*0\r\n", Ok(&[]));
        check("*1\r\n$4\r\nPI", Ok(&["..."]));
        check("*1\r\n$-1\r\n", Err(ProtocolError::Length));
        // Each of its words is short enough.
        let long = format!("*1024\r\n{}", format!("$9999\r\n{:0>9999}\r\n", 0).repeat(200));
        let limits = Limits { word_len_max: 9_999, ..LIMITS };
        assert!(matches!(parse(long.as_bytes(), limits), Err(ProtocolError::TooLong { .. })));
        for line in ["POST / HTTP/1.1", "post /", "GET / HTTP/1.1", "Host: a:6376", "hOST: a"] {
            check(&format!("{line}\r\nSET song evil\r\n"), Err(ProtocolError::Http));
        }
        check("*2\r\n$4\r\nECHO\r\n$8\r\nHTTP/1.1\r\n", Ok(&["ECHO", "HTTP/1.1"]));
        check("*+1\r\n", Err(ProtocolError::Length));
        for text in ["*65537\r\n", "*18446744073709551615\r\n"] {
            check(text, Err(ProtocolError::Words { n_words_max: 1 << 16 }));
        }
        check("*1\r\n:1\r\n", Err(ProtocolError::Bulk));
        check("*1\r\n$1\r\nkkk", Err(ProtocolError::Bulk));
        check("*1\r\n$101\r\n", Err(ProtocolError::TooLong { n_bytes: 101, n_bytes_max: 100 }));
    }

    #[test]
    fn a_command_of_many_words_is_looked_at_seldom() {
        for (n_words, word_len) in [(1, 100), (3, 0), (1 << 16, 0), (1 << 16, 8)] {
            let word = format!("${word_len}\r\n{}\r\n", "x".repeat(word_len));
            let text = format!("*{n_words}\r\n{}", word.repeat(n_words));
            let (mut n_looks, mut n_bytes) = (1, 0);
            while let Parsed::Incomplete { n_bytes_needed } =
                parse(&text.as_bytes()[..n_bytes], LIMITS).unwrap()
            {
                // No more comes than is waited for.
                n_bytes = n_bytes_needed;
                n_looks += 1;
            }
            assert_eq!(n_bytes, text.len());
            assert!(n_looks <= 60, "{n_words} words of {word_len}: {n_looks} looks");
        }
    }

    #[test]
    fn strangers_say_few_words() {
        let limits = Limits { word_len_max: 10, n_words_max: 2 };
        for (text, is_taken) in [
            ("*2\r\n$4\r\nAUTH\r\n$1\r\na\r\n", true),
            ("*3\r\n", false),
            ("AUTH a\r\n", true),
            ("AUTH a b\r\n", false),
        ] {
            let outcome = parse(text.as_bytes(), limits);
            let too_many = Err(ProtocolError::Words { n_words_max: 2 });
            assert_eq!(outcome != too_many, is_taken, "{text:?}");
        }
    }

    #[test]
    fn words_of_a_line_may_be_in_quotes() {
        // As redis-server 7.0 answers a PING with them.
        for (line, word) in [
            (r#""x y""#, "x y"),
            (r#"a"b c""#, "ab c"),
            (r"'a\'b'", "a'b"),
            (r#"'a"b\n'"#, r#"a"b\n"#),
            (r#""a\x41\n\r\t\b\a\q\"\\""#, "aA\n\r\t\u{8}\u{7}q\"\\"),
            (r#""\x4""#, "x4"),
            (r#""""#, ""),
        ] {
            check(&format!("PING {line}\r\n"), Ok(&["PING", word]));
            check(&format!("PING {line} b\n"), Ok(&["PING", word, "b"]));
        }
        for line in ["'x", r#""x"#, r#""x"y"#, "'x'y", r#""x\"#, "x'", "'\""] {
            check(&format!("PING {line}\r\n"), Err(ProtocolError::Quotes));
        }
    }

    proptest! {
        #[test]
        fn every_part_is_incomplete_and_the_need_is_not_overstated(
            words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
        ) {
            let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
            for word in &words {
                bytes.extend(format!("${}\r\n", word.len()).into_bytes());
                bytes.extend(word);
                bytes.extend(b"\r\n");
            }
            for n_bytes in 0..bytes.len() {
                match parse(&bytes[..n_bytes], LIMITS) {
                    Ok(Parsed::Incomplete { n_bytes_needed }) => {
                        prop_assert!(n_bytes < n_bytes_needed);
                        prop_assert!(n_bytes_needed <= bytes.len());
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            let Ok(Parsed::Command { words: found, n_bytes }) = parse(&bytes, LIMITS) else {
                return Err(TestCaseError::fail("the whole is a command"));
            };
            prop_assert_eq!(n_bytes, bytes.len());
            let found: Vec<Vec<u8>> = found.into_iter().map(|it| bytes[it].to_vec()).collect();
            prop_assert_eq!(found, words);
        }

        #[test]
        fn anything_is_refused_or_understood(bytes: Vec<u8>) {
            let _ = parse(&bytes, LIMITS);
        }
    }
}
