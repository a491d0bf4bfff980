//! How many chunks of data and of parity an object is made into.

use std::{fmt, ops::Range, str::FromStr};

use bytes::BytesMut;

use crate::error::EcError;

/// The most chunks of one object: chunk i stands for the element i of GF(2^8).
pub const CHUNKS_MAX: usize = 255;

/// A code of `n_data` chunks of data and `n_parity` of parity, any `n_data` of which are enough.
///
/// Written `10+2`. Chunks are counted from 0, those of data first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code {
    // Invariant: 1 <= n_data, and n_data + n_parity <= CHUNKS_MAX.
    n_data: u8,
    n_parity: u8,
}

impl Code {
    /// The code of `n_data` and `n_parity` chunks.
    ///
    /// # Errors
    /// If there is no data chunk, or more than [`CHUNKS_MAX`] chunks in all.
    pub fn new(n_data: usize, n_parity: usize) -> Result<Code, EcError> {
        let out_of_range = EcError::CodeOutOfRange { n_data, n_parity };
        let (Ok(n_data), Ok(n_parity)) = (u8::try_from(n_data), u8::try_from(n_parity)) else {
            return Err(out_of_range);
        };
        let code = Code { n_data, n_parity };
        if n_data == 0 || CHUNKS_MAX < code.n_chunks() { Err(out_of_range) } else { Ok(code) }
    }

    /// How many chunks of data.
    pub fn n_data(self) -> usize {
        usize::from(self.n_data)
    }

    /// How many chunks of parity.
    pub fn n_parity(self) -> usize {
        usize::from(self.n_parity)
    }

    /// How many chunks in all.
    pub fn n_chunks(self) -> usize {
        self.n_data() + self.n_parity()
    }

    /// How many bytes each chunk has of an object of `n_bytes`: as few as hold it. Only the last
    /// data chunks may be shorter, and count as ending in zeros.
    pub fn chunk_len(self, n_bytes: usize) -> usize {
        n_bytes.div_ceil(self.n_data())
    }

    /// Where the data chunk `index` lies in an object of `n_bytes`: an empty range at the end if
    /// the chunk is all padding.
    pub fn data_range(self, index: usize, n_bytes: usize) -> Range<usize> {
        let chunk_len = self.chunk_len(n_bytes);
        let start = n_bytes.min(index.saturating_mul(chunk_len));
        start..n_bytes.min(start + chunk_len)
    }

    /// Buffers for the data chunks of an object of `n_bytes`, side by side in one allocation, so
    /// that [`join`] is free.
    pub fn data_buffers(self, n_bytes: usize) -> Vec<BytesMut> {
        let chunk_len = self.chunk_len(n_bytes);
        let mut all = BytesMut::zeroed(chunk_len * self.n_data());
        (0..self.n_data()).map(|_| all.split_to(chunk_len)).collect()
    }

    /// The one wrong name among the chunks: out of range, or there twice.
    pub(crate) fn check_names(
        self,
        indexes: impl IntoIterator<Item = usize>,
    ) -> Result<(), EcError> {
        let mut seen = [false; CHUNKS_MAX];
        for index in indexes {
            if self.n_chunks() <= index {
                return Err(EcError::NoSuchChunk { code: self, index });
            }
            if seen[index] {
                return Err(EcError::NamedTwice { index });
            }
            seen[index] = true;
        }
        Ok(())
    }
}

/// The object of `n_bytes` that these data chunks make, all in order.
///
/// Nothing is copied where they lie side by side, as those of [`Code::data_buffers`] do.
pub fn join(chunks: impl IntoIterator<Item = BytesMut>, n_bytes: usize) -> BytesMut {
    let mut chunks = chunks.into_iter();
    let mut object = chunks.next().unwrap_or_default();
    for chunk in chunks {
        object.unsplit(chunk);
    }
    object.truncate(n_bytes);
    object
}

impl FromStr for Code {
    type Err = EcError;

    fn from_str(text: &str) -> Result<Code, EcError> {
        let parsed = text.split_once('+').map(|(data, parity)| (data.parse(), parity.parse()));
        let Some((Ok(n_data), Ok(n_parity))) = parsed else {
            return Err(EcError::NotACode { text: text.to_owned() });
        };
        Code::new(n_data, n_parity)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.n_data, self.n_parity)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_written() {
        let check = |text: &str| assert_eq!(text.parse::<Code>().unwrap().to_string(), text);
        check("10+2");
        check("1+0");
        check("1+254");
        check("255+0");
    }

    #[test]
    fn a_bad_code_says_what_to_give() {
        let read = |text: &str| text.parse::<Code>().unwrap_err().to_string();
        let out_of_range = "a code of 0 data and 2 parity chunks is out of range: \
                            give at least 1 data chunk and at most 255 chunks in all";
        assert_eq!(read("0+2"), out_of_range);
        assert_eq!(read("254+2"), out_of_range.replace("of 0", "of 254"));
        assert_eq!(read("300+2"), out_of_range.replace("of 0", "of 300"));
        assert_eq!(read("10"), "`10` is not a code: write data and parity chunks as `10+2`");
        assert_eq!(read("10+"), "`10+` is not a code: write data and parity chunks as `10+2`");
    }

    #[test]
    fn ranges_cover_the_object_in_order() {
        for n_data in 1..=20 {
            let code = Code::new(n_data, 2).unwrap();
            for n_bytes in 0..100 {
                let mut end = 0;
                for index in 0..n_data {
                    let range = code.data_range(index, n_bytes);
                    assert_eq!(range.start, end, "{code} {n_bytes} {index}");
                    assert!(range.len() <= code.chunk_len(n_bytes));
                    end = range.end;
                }
                assert_eq!(end, n_bytes);
            }
        }
    }

    #[test]
    fn chunks_side_by_side_are_joined_without_copying() {
        let code = Code::new(4, 2).unwrap();
        let mut chunks = code.data_buffers(10);
        for (value, chunk) in (1..).zip(&mut chunks) {
            chunk.fill(value);
        }
        let first = chunks[0].as_ptr();
        let object = join(chunks, 10);
        assert_eq!(&object[..], [1, 1, 1, 2, 2, 2, 3, 3, 3, 4]);
        assert_eq!(object.as_ptr(), first);

        let apart = [&b"ab"[..], b"cd"].map(BytesMut::from);
        assert_eq!(&join(apart, 3)[..], b"abc");
    }
}
