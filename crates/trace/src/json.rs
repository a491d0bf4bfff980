//! Flat JSON records, one at a time, of which a few fields are wanted.

use std::borrow::Cow;
use std::io::{self, Read};
use std::ops::Range;

use memchr::memchr2;

use crate::error::{ErrorKind, Failure, Position, shown};

/// The records of a JSON text: objects in one array, in many, or just one after another.
///
/// A parser that builds values, even one that uses vector instructions, looks at every field of
/// a record; this one steps over the seven of ten that no one asks for, and needs neither the
/// whole file in memory nor unsafe code.
pub(crate) struct Records<R, const N: usize> {
    input: R,
    names: [&'static str; N],
    buffer: Vec<u8>,
    /// Where the next record starts in the buffer, and where the bytes read so far end.
    start: usize,
    end: usize,
    is_at_end: bool,
    /// How many bytes have left the buffer.
    n_bytes_before: u64,
    n_records: u64,
    /// How many arrays are open.
    n_open: u32,
    /// The names of the first record, in its order, which that of the others mostly is.
    expected: Vec<Expected>,
}

/// A name as it stood in the first record.
struct Expected {
    /// From its quote to the colon behind it.
    text: Box<[u8]>,
    /// Which of the wanted fields it is, if it is one.
    wanted: Option<usize>,
}

/// A value as it stands in the text: what is between quotes, or a number or word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    bytes: &'a [u8],
    is_escaped: bool,
}

impl<'a> Text<'a> {
    /// The value, with its escapes resolved.
    pub(crate) fn value(&self) -> Cow<'a, [u8]> {
        if !self.is_escaped {
            return Cow::Borrowed(self.bytes);
        }
        let quoted = [b"\"", self.bytes, b"\""].concat();
        let text = serde_json::from_slice::<String>(&quoted);
        text.map_or(Cow::Borrowed(self.bytes), |it| Cow::Owned(it.into_bytes()))
    }
}

/// The wanted fields of a record, as far as it has them, and which record it is.
pub(crate) type Fields<'a, const N: usize> = ([Option<Text<'a>>; N], Position);

/// Why a record could not be stepped over.
enum Stop {
    /// The bytes in the buffer end before the record does.
    Short,
    /// It is not what it should be.
    Bad(&'static str, usize),
}

/// Where a value lies in the buffer.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    is_escaped: bool,
}

impl<R: Read, const N: usize> Records<R, N> {
    /// The longest record that is read.
    const N_RECORD_BYTES_MAX: usize = 16 << 20;

    /// The records of `input`, of which the fields of these names are wanted.
    pub(crate) fn new(input: R, names: [&'static str; N]) -> Records<R, N> {
        Records {
            input,
            names,
            buffer: vec![0; 256 << 10],
            start: 0,
            end: 0,
            is_at_end: false,
            n_bytes_before: 0,
            n_records: 0,
            n_open: 0,
            expected: Vec::new(),
        }
    }

    /// The wanted fields of the next record, or `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Fields<'_, N>>, Failure> {
        loop {
            if !self.step_between()? {
                return Ok(None);
            }
            match self.scan() {
                Ok((spans, end)) => {
                    if self.n_records == 0 {
                        self.expected = self.names_of(self.start..end);
                    }
                    self.start = end;
                    self.n_records += 1;
                    let buffer = &self.buffer;
                    let text = |it: Span| Text {
                        bytes: &buffer[it.start..it.end],
                        is_escaped: it.is_escaped,
                    };
                    let fields = spans.map(|it| it.map(text));
                    return Ok(Some((fields, Position::Record(self.n_records))));
                }
                Err(Stop::Short) if self.is_at_end => {
                    return Err(self.bad("the text stops in the middle of a record", self.end));
                }
                Err(Stop::Short) => self.fill()?,
                Err(Stop::Bad(problem, at)) => return Err(self.bad(problem, at)),
            }
        }
    }

    /// Steps to where a record starts; false if none does.
    fn step_between(&mut self) -> Result<bool, Failure> {
        loop {
            let text = &self.buffer[..self.end];
            while let Some(byte) = text.get(self.start) {
                match byte {
                    b' ' | b'\t' | b'\r' | b'\n' | b',' => {}
                    b'[' => self.n_open += 1,
                    b']' if 0 < self.n_open => self.n_open -= 1,
                    b'{' => return Ok(true),
                    _ => return Err(self.bad("there is no record here", self.start)),
                }
                self.start += 1;
            }
            if self.is_at_end {
                return if self.n_open == 0 {
                    Ok(false)
                } else {
                    Err(self.bad("the text stops before the list is closed", self.end))
                };
            }
            self.fill()?;
        }
    }

    /// Finds the wanted fields of the record at `start`, and its end.
    fn scan(&self) -> Result<([Option<Span>; N], usize), Stop> {
        let text = &self.buffer[..self.end];
        let mut spans = [None; N];
        let mut at = blanks(text, self.start + 1)?;
        if text[at] == b'}' {
            return Ok((spans, at + 1));
        }
        let mut expected_names = self.expected.iter();
        loop {
            let expected = expected_names.next().filter(|it| text[at..].starts_with(&it.text));
            let (wanted, after) = match expected {
                Some(it) => (it.wanted, at + it.text.len()),
                None => self.name(text, at)?,
            };
            at = blanks(text, after)?;
            let (value, end) = value(text, at)?;
            if let Some(index) = wanted {
                // A missing value is a missing field.
                let is_null = &text[value.start..value.end] == b"null" && value.start == at;
                spans[index] = (!is_null).then_some(value);
            }
            at = blanks(text, end)?;
            match text[at] {
                b',' => at = blanks(text, at + 1)?,
                b'}' => return Ok((spans, at + 1)),
                _ => return Err(Stop::Bad("a comma or a brace should follow a value", at)),
            }
        }
    }

    /// Which of the wanted fields the name at `at` is, and where the colon behind it ends.
    fn name(&self, text: &[u8], at: usize) -> Result<(Option<usize>, usize), Stop> {
        if text[at] != b'"' {
            return Err(Stop::Bad("a field should start with a quote", at));
        }
        let name = string(text, at)?;
        let colon = blanks(text, name.end + 1)?;
        if text[colon] != b':' {
            return Err(Stop::Bad("a colon should follow the name of a field", colon));
        }
        let name = &text[name.start..name.end];
        Ok((self.names.iter().position(|it| it.as_bytes() == name), colon + 1))
    }

    /// The names of a record that has been stepped over.
    fn names_of(&self, record: Range<usize>) -> Vec<Expected> {
        /// More are looked at one by one.
        const N_NAMES_MAX: usize = 64;
        let text = &self.buffer[..record.end];
        let mut names = Vec::new();
        let mut at = record.start + 1;
        while names.len() < N_NAMES_MAX
            && let Ok(start) = blanks(text, at)
            && let Ok((wanted, after)) = self.name(text, start)
            && let Ok(value_at) = blanks(text, after)
            && let Ok((_, end)) = value(text, value_at)
        {
            names.push(Expected { text: text[start..after].into(), wanted });
            let Ok(comma) = blanks(text, end) else { break };
            at = comma + 1;
        }
        names
    }

    /// Reads more bytes behind the part of a record that is in the buffer.
    fn fill(&mut self) -> Result<(), Failure> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.n_bytes_before += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if Self::N_RECORD_BYTES_MAX <= self.buffer.len() {
                return Err(self.bad("the record is longer than 16 MiB", 0));
            }
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        let n_bytes = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += n_bytes;
        self.is_at_end = n_bytes == 0;
        Ok(())
    }

    #[cold]
    fn bad(&self, problem: &'static str, at: usize) -> Failure {
        let offset = self.n_bytes_before + at as u64;
        let near = shown(&self.buffer[at.saturating_sub(20).min(self.end)..self.end.min(at + 20)]);
        ErrorKind::Json { problem, offset, near }.at(Position::Record(self.n_records + 1))
    }
}

/// The place of the first byte from `at` on that is no blank.
#[inline]
fn blanks(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(_) => return Ok(at),
            None => return Err(Stop::Short),
        }
    }
}

/// What stands between the quote at `at` and the one that closes it.
#[inline]
fn string(text: &[u8], at: usize) -> Result<Span, Stop> {
    let start = at + 1;
    let mut from = start;
    let mut is_escaped = false;
    loop {
        let found = memchr2(b'"', b'\\', &text[from..]).ok_or(Stop::Short)?;
        let end = from + found;
        if text[end] == b'"' {
            return Ok(Span { start, end, is_escaped });
        }
        is_escaped = true;
        from = end + 2;
        if text.len() < from {
            return Err(Stop::Short);
        }
    }
}

/// The value at `at`, and where what follows it starts.
#[inline]
fn value(text: &[u8], at: usize) -> Result<(Span, usize), Stop> {
    match text[at] {
        b'"' => string(text, at).map(|it| (it, it.end + 1)),
        b'{' | b'[' => {
            let end = nested(text, at)?;
            Ok((Span { start: at, end, is_escaped: false }, end))
        }
        _ => {
            let is_part = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'+');
            let n_bytes = text[at..].iter().position(|it| !is_part(it)).ok_or(Stop::Short)?;
            if n_bytes == 0 {
                return Err(Stop::Bad("there is no value here", at));
            }
            let end = at + n_bytes;
            Ok((Span { start: at, end, is_escaped: false }, end))
        }
    }
}

/// The end of the object or array at `at`.
fn nested(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    let mut n_open = 0_u32;
    loop {
        match text.get(at).ok_or(Stop::Short)? {
            b'{' | b'[' => n_open += 1,
            b'}' | b']' => n_open -= 1,
            b'"' => at = string(text, at)?.end,
            _ => {}
        }
        at += 1;
        if n_open == 0 {
            return Ok(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives out its bytes a few at a time, as a pipe may.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let n_bytes = self.1.min(buffer.len());
            self.0.read(&mut buffer[..n_bytes])
        }
    }

    /// The fields `a` and `b` of every record, or what is wrong.
    fn read(text: &[u8], n_bytes: usize) -> Result<String, String> {
        let mut records = Records::new(Trickle(text, n_bytes), ["a", "b"]);
        let mut all = Vec::new();
        loop {
            match records.next() {
                Ok(Some((fields, _))) => {
                    let shown = fields.map(|it| it.map_or("-".to_owned(), |it| shown(&it.value())));
                    all.push(shown.join(" "));
                }
                Ok(None) => return Ok(all.join(", ")),
                Err(Failure { position, kind }) => return Err(format!("{position}: {kind}")),
            }
        }
    }

    #[track_caller]
    fn check(text: &str, expect: &str) {
        for n_bytes in [1, 2, 7, 1 << 20] {
            assert_eq!(read(text.as_bytes(), n_bytes).unwrap(), expect, "{n_bytes} at a time");
        }
    }

    #[test]
    fn records_of_many_shapes() {
        check("[]", "");
        check("[{}]", "- -");
        check("[ {\"a\" : 1, \"b\": \"x\"} ,\n{\"b\":2.5e3}]\n", "1 x, - 2.5e3");
        check("{\"a\":1}\n{\"a\":true}\n", "1 -, true -");
        check("[{\"a\":null,\"b\":\"null\"}][{\"a\":3}]", "- null, 3 -");
        check(r#"[{"z":{"a":[1,"}",{}]},"b":"q\"\\\u00e9\/"}]"#, "- q\"\\\u{e9}/");
        check(r#"[{"a":"first","a":"last"}]"#, "last -");
        // Other names than the first record's, another order, more or fewer, and other blanks.
        let text = r#"[{"a":1,"b":2},{"b":3,"a":4},{"a" :5,"c":6},{"ab":0,"a":7,"b":8},{"a":9}]"#;
        check(text, "1 2, 4 3, 5 -, 7 8, 9 -");
    }

    #[test]
    fn what_is_no_list_of_records() {
        #[track_caller]
        fn check(text: &str, expect: &str) {
            for n_bytes in [1, 7, 1 << 20] {
                let err = read(text.as_bytes(), n_bytes).unwrap_err();
                assert!(err.starts_with(expect), "{err}");
            }
        }
        check("[{\"a\":1},", "record 2: the text stops before the list is closed at byte 9");
        check("[{\"a\":1", "record 1: the text stops in the middle of a record at byte 7");
        check("[{\"a\":\"x\\", "record 1: the text stops in the middle");
        check("[1]", "record 1: there is no record here at byte 1");
        check("[{\"a\" 1}]", "record 1: a colon should follow the name of a field at byte 6");
        check("[{\"a\":}]", "record 1: there is no value here at byte 6");
        check("[{\"a\":1 2}]", "record 1: a comma or a brace should follow a value at byte 8");
        check("[{a:1}]", "record 1: a field should start with a quote at byte 2");
        check("]", "record 1: there is no record here");
    }

    proptest! {
        #[test]
        fn fields_are_those_of_serde_json(
            a in any::<String>(),
            b in any::<f64>(),
            others_first in any::<bool>(),
        ) {
            let value = serde_json::json!([{ "x": [a, {}], "a": a, "b": b }]);
            let mut text = serde_json::to_string(&value).unwrap();
            if others_first {
                // Names are learned from another record, whose order is another.
                text.insert_str(1, "{\"b\":1,\"a\":\"\",\"x\":2},");
            }
            let mut records = Records::new(text.as_bytes(), ["a", "b"]);
            if others_first {
                records.next().unwrap().unwrap();
            }
            let (fields, _) = records.next().unwrap().unwrap();
            prop_assert_eq!(fields[0].unwrap().value().into_owned(), a.into_bytes());
            if b.is_finite() {
                let found = fields[1].unwrap().value().into_owned();
                prop_assert_eq!(String::from_utf8(found).unwrap(), value[0]["b"].to_string());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(
            text in prop::collection::vec(prop::sample::select(&b"[]{}\",:\\ a1n"[..]), 0..60),
            n_bytes in 1..9_usize,
        ) {
            let _ = read(&text, n_bytes);
        }
    }
}
