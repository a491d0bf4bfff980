//! Rows of delimited text, one at a time, without an allocation per row.

use std::io::Read;

use units::Bytes;

use crate::error::{ErrorKind, Failure, Position};

/// Splits text into rows of fields: by a delimiter, with double quotes as RFC 4180 has them, or
/// by runs of blanks, without quotes.
///
/// Lines end in LF or CRLF; blank lines are skipped. The `csv` crate, which the tests check this
/// against, takes three times as long for a row: it has an automaton for any dialect, and copies
/// every field. Nor does it read blanks, bound a row, or mind a quote that is never closed.
pub(crate) struct Rows<R> {
    input: R,
    separator: Separator,
    buffer: Vec<u8>,
    /// Where the next row starts in the buffer, and where the bytes read so far end.
    start: usize,
    end: usize,
    is_at_end: bool,
    /// The number of the line at `start`.
    line: u64,
    /// Where each field of the current row lies in `buffer`, or in `unquoted`.
    fields: Vec<(u32, u32)>,
    /// The fields of the current row where it has quotes, which are taken off here.
    unquoted: Vec<u8>,
}

/// What stands between two fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// One byte; two of them have an empty field between.
    Delimiter(u8),
    /// Any number of spaces and tabs.
    Blanks,
}

/// One row.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    position: Position,
    text: &'a [u8],
    fields: &'a [(u32, u32)],
}

impl<'a> Row<'a> {
    pub(crate) fn n_fields(&self) -> usize {
        self.fields.len()
    }

    /// The field at `index`, which must be below [`Row::n_fields`].
    pub(crate) fn field(&self, index: usize) -> &'a [u8] {
        let (start, end) = self.fields[index];
        &self.text[start as usize..end as usize]
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.n_fields()).map(|it| self.field(it))
    }

    /// The row at `position` whose fields lie in `text`.
    pub(crate) fn new(position: Position, text: &'a [u8], fields: &'a [(u32, u32)]) -> Row<'a> {
        Row { position, text, fields }
    }

    /// Its first line, for a row of text.
    pub(crate) fn position(&self) -> Position {
        self.position
    }
}

/// How the search for the end of a row ended.
enum Scan {
    /// The row ends before this place in the buffer, and has quotes or not.
    Row { end: usize, is_quoted: bool },
    /// The bytes in the buffer end before the row does.
    Short,
}

impl<R: Read> Rows<R> {
    /// The longest row that is read; a longer one is no row of a trace.
    pub(crate) const ROW_MAX: Bytes = Bytes::mebibytes(16);

    pub(crate) fn new(input: R, separator: Separator) -> Rows<R> {
        const N_BUFFER_BYTES: usize = 256 << 10;
        Rows {
            input,
            separator,
            buffer: vec![0; N_BUFFER_BYTES],
            start: 0,
            end: 0,
            is_at_end: false,
            line: 1,
            fields: Vec::new(),
            unquoted: Vec::new(),
        }
    }

    /// The next row, or `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, Failure> {
        loop {
            if self.start == self.end && self.is_at_end {
                return Ok(None);
            }
            let scan = match self.separator {
                Separator::Delimiter(delimiter) => self.scan_delimited(delimiter),
                Separator::Blanks => self.scan_blanks(),
            };
            match scan {
                Scan::Short => self.fill()?,
                Scan::Row { end, is_quoted: false } => {
                    let position = Position::Line(self.line);
                    self.line += 1;
                    self.start = end;
                    if !self.is_blank() {
                        let (text, fields) = (&self.buffer[..], &self.fields[..]);
                        return Ok(Some(Row { position, text, fields }));
                    }
                }
                Scan::Row { is_quoted: true, .. } => {
                    let position = Position::Line(self.line);
                    if self.take_quoted()? {
                        let (text, fields) = (&self.unquoted[..], &self.fields[..]);
                        return Ok(Some(Row { position, text, fields }));
                    }
                    self.fill()?;
                }
            }
        }
    }

    /// Whether the current row is an empty line.
    fn is_blank(&self) -> bool {
        match self.fields[..] {
            [] => true,
            [(start, end)] => start == end,
            _ => false,
        }
    }

    /// Finds the fields of the row at `start`; stops at a quoted one.
    fn scan_delimited(&mut self, delimiter: u8) -> Scan {
        self.fields.clear();
        let mut field_start = self.start;
        let mut at = self.start;
        loop {
            let Some(byte) = self.buffer[..self.end].get(at).copied() else {
                if !self.is_at_end {
                    return Scan::Short;
                }
                self.fields.push(span(field_start, self.without_return(field_start, at)));
                return Scan::Row { end: at, is_quoted: false };
            };
            if byte == delimiter {
                self.fields.push(span(field_start, at));
                field_start = at + 1;
            } else if byte == b'\n' {
                self.fields.push(span(field_start, self.without_return(field_start, at)));
                return Scan::Row { end: at + 1, is_quoted: false };
            } else if byte == b'"' && at == field_start {
                return Scan::Row { end: at, is_quoted: true };
            }
            at += 1;
        }
    }

    /// Finds the fields of the row at `start`.
    fn scan_blanks(&mut self) -> Scan {
        self.fields.clear();
        let text = &self.buffer[..self.end];
        let mut at = self.start;
        loop {
            while matches!(text.get(at), Some(b' ' | b'\t' | b'\r')) {
                at += 1;
            }
            let field_start = at;
            while text.get(at).is_some_and(|it| !matches!(it, b' ' | b'\t' | b'\r' | b'\n')) {
                at += 1;
            }
            let is_short = at == text.len() && !self.is_at_end;
            if is_short {
                return Scan::Short;
            }
            if field_start < at {
                self.fields.push(span(field_start, at));
            }
            match text.get(at) {
                None => return Scan::Row { end: at, is_quoted: false },
                Some(b'\n') => return Scan::Row { end: at + 1, is_quoted: false },
                Some(_) => {}
            }
        }
    }

    /// The end of a line's last field: a carriage return before the line feed is not part of it.
    fn without_return(&self, field_start: usize, field_end: usize) -> usize {
        match self.buffer[field_start..field_end] {
            [.., b'\r'] => field_end - 1,
            _ => field_end,
        }
    }

    /// Reads the row at `start`, taking off quotes. False if the buffer holds only a part of it.
    #[cold]
    fn take_quoted(&mut self) -> Result<bool, Failure> {
        let Separator::Delimiter(delimiter) = self.separator else {
            unreachable!("a row of blanks has no quotes");
        };
        let text = &self.buffer[self.start..self.end];
        self.fields.clear();
        self.unquoted.clear();
        let mut n_lines = 1;
        let mut at = 0;
        loop {
            let field_start = self.unquoted.len();
            if text.get(at) == Some(&b'"') {
                match unquote(&text[at + 1..], &mut self.unquoted) {
                    Some(n_bytes) => at += 1 + n_bytes,
                    None if self.is_at_end => {
                        return Err(ErrorKind::UnclosedQuote.at(Position::Line(self.line)));
                    }
                    None => return Ok(false),
                }
                n_lines += n_line_feeds(&self.unquoted[field_start..]);
            }
            // What follows a closing quote belongs to the field too, as in the `csv` crate.
            let rest = &text[at..];
            let n_bytes = rest.iter().position(|it| *it == delimiter || *it == b'\n');
            if n_bytes.is_none() && !self.is_at_end {
                return Ok(false);
            }
            let tail = &rest[..n_bytes.unwrap_or(rest.len())];
            at += tail.len();
            let is_last = text.get(at) != Some(&delimiter);
            // A carriage return within the quotes is the field's own.
            let is_line_end = is_last && tail.ends_with(b"\r");
            self.unquoted.extend_from_slice(&tail[..tail.len() - usize::from(is_line_end)]);
            self.fields.push(span(field_start, self.unquoted.len()));
            if is_last {
                break;
            }
            at += 1;
        }
        let has_line_feed = self.start + at < self.end;
        self.start += at + usize::from(has_line_feed);
        self.line += n_lines;
        Ok(true)
    }

    /// Reads more bytes behind the part of a row that is in the buffer.
    fn fill(&mut self) -> Result<(), Failure> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if Self::ROW_MAX.get() <= self.buffer.len() as u64 {
                let kind = ErrorKind::RowTooLong { limit: Self::ROW_MAX };
                return Err(kind.at(Position::Line(self.line)));
            }
            self.buffer.resize(2 * self.buffer.len(), 0);
        }
        let n_bytes = loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Err(err) if err.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.end += n_bytes;
        self.is_at_end = n_bytes == 0;
        Ok(())
    }
}

/// A stretch of a buffer, whose size is bounded by the longest row.
fn span(start: usize, end: usize) -> (u32, u32) {
    #[expect(clippy::cast_possible_truncation, reason = "the buffer is at most 16 MiB")]
    (start as u32, end as u32)
}

/// Copies quoted text up to the closing quote. How many bytes that is with the quote, or `None`
/// where it is not closed.
fn unquote(text: &[u8], unquoted: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let n_bytes = text[at..].iter().position(|it| *it == b'"')?;
        unquoted.extend_from_slice(&text[at..at + n_bytes]);
        at += n_bytes + 1;
        if text.get(at) != Some(&b'"') {
            return Some(at);
        }
        unquoted.push(b'"');
        at += 1;
    }
}

fn n_line_feeds(text: &[u8]) -> u64 {
    text.split(|it| *it == b'\n').count() as u64 - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives out its bytes a few at a time, as a pipe may.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let n_bytes = self.1.min(buffer.len());
            self.0.read(&mut buffer[..n_bytes])
        }
    }

    /// The rows as text: the line number, then each field in brackets.
    fn rows(text: &[u8], separator: Separator, n_bytes: usize) -> Result<Vec<String>, String> {
        let mut rows = Rows::new(Trickle(text, n_bytes), separator);
        let mut shown = Vec::new();
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let fields: Vec<String> =
                        row.fields().map(|it| format!("[{}]", it.escape_ascii())).collect();
                    let Position::Line(line) = row.position() else {
                        unreachable!("text has lines")
                    };
                    shown.push(format!("{line}{}", fields.concat()));
                }
                Ok(None) => return Ok(shown),
                Err(Failure { position, kind }) => return Err(format!("{position}: {kind}")),
            }
        }
    }

    #[track_caller]
    fn check(text: &str, separator: Separator, expect: &[&str]) {
        for n_bytes in [1, 2, 3, 7, 1 << 20] {
            let rows = rows(text.as_bytes(), separator, n_bytes);
            assert_eq!(rows.unwrap(), expect, "{n_bytes} bytes at a time");
        }
    }

    #[test]
    fn delimited_rows() {
        let check = |text, expect: &[&str]| check(text, Separator::Delimiter(b','), expect);
        check("", &[]);
        check("\n\r\n\n", &[]);
        check("a", &["1[a]"]);
        check("a,b\nc,d\n", &["1[a][b]", "2[c][d]"]);
        check("a,b\r\nc,d\r\n", &["1[a][b]", "2[c][d]"]);
        check("a,b\n\n\r\nc,d", &["1[a][b]", "4[c][d]"]);
        check(",\n,a,\n", &["1[][]", "2[][a][]"]);
        check("a b,c\"d\n", &["1[a b][c\\\"d]"]);
    }

    #[test]
    fn quoted_fields() {
        let check = |text, expect: &[&str]| check(text, Separator::Delimiter(b','), expect);
        check("\"a\",\"b\"\n", &["1[a][b]"]);
        check("x,\"a,b\",y\r\nz\r\n", &["1[x][a,b][y]", "2[z]"]);
        check("\"a\"\"b\",c\n", &["1[a\\\"b][c]"]);
        check("\"a\nb\",c\nd,e\n", &["1[a\\nb][c]", "3[d][e]"]);
        check("\"\",\n", &["1[][]"]);
        check("\"a\"x,b", &["1[ax][b]"]);
        check("b,\"a\r\"\nb,\"a\r\"\r\nb,\"\r\n\"", &["1[b][a\\r]", "2[b][a\\r]", "3[b][\\r\\n]"]);
        check("\"a\"", &["1[a]"]);
    }

    #[test]
    fn rows_of_blanks() {
        let check = |text, expect: &[&str]| check(text, Separator::Blanks, expect);
        check("1 2 3\n 4\t 5  \r\n\n6", &["1[1][2][3]", "2[4][5]", "4[6]"]);
        check("", &[]);
        check("  \n", &[]);
    }

    #[test]
    fn what_never_ends_is_refused() {
        let comma = Separator::Delimiter(b',');
        let unclosed = rows(b"a,b\nc,\"d\n", comma, 3).unwrap_err();
        assert_eq!(
            unclosed,
            "line 2: a double quote opens a field and none closes it; close it, or write it twice"
        );
        let endless = vec![b'x'; 17 << 20];
        let too_long = rows(&endless, comma, 1 << 20).unwrap_err();
        assert!(too_long.starts_with("line 1: the row is longer than 16.8 MB"), "{too_long}");
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_csv_crate(
            // Quotes anywhere; or whole fields of them, which may hold carriage returns.
            text in "([a-c,\n ]|\r\n|(\"([a-c,\n]|\"\")*\"[,\n])){0,40}\
                     |(([a-c ]*|\"([a-c,\r\n]|\"\")*\")([,\n]|\r\n)){0,20}",
            n_bytes in 1..9_usize,
        ) {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes());
            let expect: Vec<Vec<Vec<u8>>> = reader
                .byte_records()
                .map(|it| it.unwrap().iter().map(<[u8]>::to_vec).collect())
                .collect();
            let mut rows = Rows::new(Trickle(text.as_bytes(), n_bytes), Separator::Delimiter(b','));
            let mut found: Vec<Vec<Vec<u8>>> = Vec::new();
            // A quote in the middle of a field can leave an odd one open: another dialect.
            loop {
                match rows.next() {
                    Ok(Some(row)) => found.push(row.fields().map(<[u8]>::to_vec).collect()),
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
            prop_assert_eq!(found, expect);
        }

        #[test]
        fn no_bytes_make_it_panic(
            text in prop::collection::vec(prop::sample::select(&b"a,\"\n\r \t\0"[..]), 0..60),
            n_bytes in 1..9_usize,
        ) {
            let _ = rows(&text, Separator::Delimiter(b','), n_bytes);
            let _ = rows(&text, Separator::Blanks, n_bytes);
        }
    }
}
