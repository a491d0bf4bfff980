//! The bytes of a trace: counted as they are read, and decompressed if they are compressed.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;

use crate::error::{ErrorKind, Failure, Position};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, of any number of members.
    Gzip,
    /// Zstandard, of any number of frames.
    Zstd,
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compression::None => "uncompressed",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        })
    }
}

/// What some editors put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The decompressed bytes of a trace, and a first look at them.
pub(crate) struct Input<'a> {
    compression: Compression,
    /// The first bytes.
    head: Vec<u8>,
    /// How many of the head's bytes have been read.
    n_head_read: usize,
    rest: Box<dyn Read + 'a>,
}

impl<'a> Input<'a> {
    /// How many bytes are looked at before the format is known. A header must fit.
    const N_HEAD_BYTES: u64 = 64 << 10;

    /// Opens `raw`, compressed or not, and reads its head. `progress` is told, from time to
    /// time, how many bytes of `raw` have been read.
    pub(crate) fn open(
        raw: impl Read + 'a,
        progress: &'a mut dyn FnMut(u64),
    ) -> Result<Input<'a>, Failure> {
        let mut counted = Counted { raw, n_bytes: 0, progress };
        let mut magic = Vec::new();
        counted.by_ref().take(4).read_to_end(&mut magic)?;
        let compression = compression_of(&magic);
        let all = io::Cursor::new(magic).chain(counted);
        let rest: Box<dyn Read + 'a> = match compression {
            Compression::None => Box::new(all),
            Compression::Gzip => Box::new(Members::new(BufReader::with_capacity(32 << 10, all))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(all)?;
                // Archives made with `--long=31` need the largest window.
                decoder.window_log_max(31)?;
                Box::new(decoder)
            }
        };
        let mut input = Input { compression, head: Vec::new(), n_head_read: 0, rest };
        let head = input.rest.by_ref().take(Self::N_HEAD_BYTES).read_to_end(&mut input.head);
        head.map_err(|err| input.explain(Failure::from(err)))?;
        Ok(input)
    }

    pub(crate) fn compression(&self) -> Compression {
        self.compression
    }

    /// The first bytes of the trace: all of them, if it is short.
    pub(crate) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The first bytes of a text, from behind a byte-order mark.
    pub(crate) fn head_text(&self) -> &[u8] {
        self.head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.head)
    }

    /// Steps over the first `n_bytes`, which are part of the head.
    pub(crate) fn skip(&mut self, n_bytes: usize) {
        self.n_head_read = n_bytes.min(self.head.len());
    }

    /// The first line of the head that is not blank, without its end.
    pub(crate) fn first_line(&self) -> &[u8] {
        let lines = self.head_text().split(|it| *it == b'\n').map(<[u8]>::trim_ascii);
        lines.into_iter().find(|it| !it.is_empty()).unwrap_or_default()
    }

    /// The bytes as text: from behind a byte-order mark, if there is one.
    pub(crate) fn text(&mut self) -> &mut Input<'a> {
        if self.n_head_read == 0 && self.head.starts_with(BYTE_ORDER_MARK) {
            self.n_head_read = BYTE_ORDER_MARK.len();
        }
        self
    }

    /// Says of an error from below whether the compressed data is cut short or damaged.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        let Failure { position, kind } = failure;
        let ErrorKind::Io(err) = kind else { return Failure { position, kind } };
        let compression = self.compression;
        let kind = match (compression, err.kind()) {
            // What the operating system says is not about the data.
            _ if err.raw_os_error().is_some() => ErrorKind::Io(err),
            (Compression::None, _) => ErrorKind::Io(err),
            (_, io::ErrorKind::UnexpectedEof) => ErrorKind::Truncated(compression),
            (_, _) => ErrorKind::Corrupt { compression, cause: err },
        };
        Failure { position: Position::Whole, kind }
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.n_head_read < self.head.len() {
            let n_bytes = (&self.head[self.n_head_read..]).read(buffer)?;
            self.n_head_read += n_bytes;
            return Ok(n_bytes);
        }
        self.rest.read(buffer)
    }
}

/// The compression that the first bytes are a mark of.
fn compression_of(magic: &[u8]) -> Compression {
    match magic {
        // Deflated, without flags that no one knows: two bytes would be the end of some time, too.
        [0x1f, 0x8b, 8, flags] if flags & 0xe0 == 0 => Compression::Gzip,
        // A frame, or a skippable one as parallel compressors write in front.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstd,
        _ => Compression::None,
    }
}

/// Decompresses the members of a gzip file one after the other, and passes over zeros behind one,
/// with which tapes and block devices fill up.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Members<R> {
    fn new(raw: R) -> Members<R> {
        Members(Some(GzDecoder::new(raw)))
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let n_bytes = member.read(buffer)?;
            if 0 < n_bytes || buffer.is_empty() || is_at_end(member.get_mut())? {
                return Ok(n_bytes);
            }
            self.0 = self.0.take().map(|it| GzDecoder::new(it.into_inner()));
        }
        Ok(0)
    }
}

/// Whether nothing but zeros is left, which are passed over.
fn is_at_end(raw: &mut impl BufRead) -> io::Result<bool> {
    loop {
        let bytes = raw.fill_buf()?;
        let n_bytes = bytes.len();
        let n_zeros = bytes.iter().take_while(|it| **it == 0).count();
        raw.consume(n_zeros);
        if n_zeros < n_bytes || n_bytes == 0 {
            return Ok(n_bytes == 0);
        }
    }
}

/// Counts the bytes as they come.
struct Counted<'a, R> {
    raw: R,
    n_bytes: u64,
    progress: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n_bytes = self.raw.read(buffer)?;
        self.n_bytes += n_bytes as u64;
        (self.progress)(self.n_bytes);
        Ok(n_bytes)
    }
}
