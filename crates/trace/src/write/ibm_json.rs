//! A trace as the IBM Docker registry traces are published: one JSON array of records.

use std::io::{self, Write};

use jiff::Timestamp;
use twox_hash::XxHash64;
use units::Op;

use super::{About, RowWriter, WriteError};
use crate::format::{METHOD, SIZE, STATUS, TIME, URI};
use crate::registry;
use crate::trace::Row;

/// Writes an array of the records that the registry's logs have, which [`crate::read`] recognises;
/// times keep their milliseconds.
///
/// A key that is no URI of a blob becomes the digest of one. Client, user agent and duration,
/// which a trace does not hold, are made up from the key. A trace without dates starts when the
/// published one does.
pub struct IbmJsonWriter<W: Write> {
    out: W,
    /// In nanoseconds since 1970.
    start: i128,
    time: Iso,
    n_rows: u64,
}

impl<W: Write> IbmJsonWriter<W> {
    /// A writer to `out`.
    pub fn new(out: W) -> IbmJsonWriter<W> {
        IbmJsonWriter { out, start: 0, time: Iso::new(), n_rows: 0 }
    }
}

impl<W: Write> RowWriter for IbmJsonWriter<W> {
    fn begin(&mut self, about: About) -> Result<(), WriteError> {
        // 2017-06-20T00:00:00Z.
        const START_NANOS: i128 = 1_497_916_800_000_000_000;
        self.start = about.start.map_or(START_NANOS, Timestamp::as_nanosecond);
        Ok(())
    }

    fn row(&mut self, row: &Row<'_>) -> Result<(), WriteError> {
        let IbmJsonWriter { out, start, time, n_rows } = self;
        out.write_all(if *n_rows == 0 { b"[\n" } else { b",\n" })?;
        let (method, status) = match row.op {
            Op::Get => ("GET", 200),
            Op::Put => ("PUT", 201),
            Op::Delete => ("DELETE", 202),
        };
        let millis = (*start + i128::from(row.at.as_nanos())).div_euclid(1_000_000);
        let client = XxHash64::oneshot(1, &row.key) % 4_096;
        write!(
            out,
            "{{\"host\":\"{:08x}\",\"http.request.duration\":{}.{:03},\"{METHOD}\":\"{method}\",\
             \"http.request.remoteaddr\":\"{:08x}\",\"{URI}\":",
            0x786b_3803,
            client % 3,
            client % 1_000,
            client.wrapping_mul(0x9e37_79b9) & 0xffff_ffff,
        )?;
        write_uri(&row.key, out)?;
        write!(
            out,
            ",\"http.request.useragent\":\"docker/17.03.1-ce go/go1.7.5 git-commit/c6d412e \
             kernel/4.4.0-81-generic os/linux arch/amd64 UpstreamClient(Go-http-client/1.1)\",\
             \"{STATUS}\":{status},\"{SIZE}\":{},\"id\":\"{n_rows:010x}\",\"{TIME}\":\"{}\"}}",
            row.size.get(),
            time.text(millis),
        )?;
        *n_rows += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<(), WriteError> {
        self.out.write_all(b"\n]\n")?;
        Ok(self.out.flush()?)
    }
}

/// Writes the URI of a key, in quotes.
fn write_uri(key: &[u8], out: &mut impl Write) -> io::Result<()> {
    let is_plain = key.iter().all(|it| matches!(it, b' '..=b'~') && !matches!(it, b'"' | b'\\'));
    if is_plain && key.starts_with(b"v2/") && registry::is_blob(key) {
        out.write_all(b"\"")?;
        out.write_all(key)?;
        return out.write_all(b"\"");
    }
    // Eight hexadecimal digits stand for every name in the published traces.
    let digest = XxHash64::oneshot(0, key);
    write!(out, "\"v2/{:08x}/{:08x}/blobs/", digest >> 48, (digest >> 32) & 0xffff)?;
    for byte in key {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' => {
                out.write_all(&[*byte])?;
            }
            _ => write!(out, "%{byte:02X}")?,
        }
    }
    out.write_all(b"\"")
}

/// Writes times without asking the calendar for the same day again.
struct Iso {
    day: i128,
    date: String,
    text: String,
}

impl Iso {
    fn new() -> Iso {
        Iso { day: i128::MIN, date: String::new(), text: String::new() }
    }

    /// `YYYY-MM-DDTHH:MM:SS.mmmZ`.
    fn text(&mut self, millis: i128) -> &str {
        use std::fmt::Write as _;
        const DAY: i128 = 86_400_000;
        let (day, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
        if day != self.day {
            let midnight = Timestamp::from_nanosecond(day * DAY * 1_000_000);
            let midnight = midnight.expect("a trace spans at most 100 years");
            self.day = day;
            self.date = midnight.to_string().chars().take(10).collect();
        }
        let (seconds, millis) = (rest / 1_000, rest % 1_000);
        self.text.clear();
        write!(
            self.text,
            "{}T{:02}:{:02}:{:02}.{millis:03}Z",
            self.date,
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        )
        .expect("a string takes all text");
        &self.text
    }
}
