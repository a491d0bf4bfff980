//! What goes before each chunk, so that a wrong, stale or damaged one is found.

use thiserror::Error;
use twox_hash::XxHash3_64;
use units::Bytes;

use crate::code::Code;
use crate::engine::Family;
use crate::error::EcError;

/// What a chunk says of itself.
///
/// An object is coded whole, or cut into stripes that are coded one by one. Of a whole object
/// there is one stripe, number 0 and the last.
///
/// On the wire, [`ChunkHeader::LEN`] bytes, little-endian: `ISEC`, version 1, family (1
/// Vandermonde8, 2 Leopard16), data chunks, parity chunks, chunk index, 1 if the stripe is the
/// last (else 0), six zeros, then as u64 each the stripe number, the stripe length, the object
/// length, the xxh3 of the chunk, the xxh3 of the object, and the xxh3 of all that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkHeader {
    /// What the chunk is part of.
    pub stripe: StripeHeader,
    /// Which of the chunks it is: below the code's number of them.
    pub index: usize,
    /// The xxh3 (64 bits, seed 0) of the chunk.
    pub chunk_xxh3: u64,
}

/// What all chunks of a stripe say alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StripeHeader {
    /// Who can decode it.
    pub family: Family,
    /// How many chunks it has.
    pub code: Code,
    /// Its place among the stripes of the object, from 0.
    pub number: u64,
    /// Whether it ends the object.
    pub is_last: bool,
    /// How much of the object is in it.
    pub stripe_len: Bytes,
    /// How long the object is, up to the end of this stripe.
    pub object_len: Bytes,
    /// The xxh3 (64 bits, seed 0) of the object, up to the end of this stripe.
    pub object_xxh3: u64,
}

/// Why a chunk cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChunkError {
    /// There are too few bytes for a header.
    #[error("{n_bytes} bytes are no chunk: its header alone has {}", ChunkHeader::LEN)]
    Short {
        /// How many there are.
        n_bytes: usize,
    },
    /// It does not start as a chunk does.
    #[error("not a chunk: it starts with {start:02x?}, and a chunk with `ISEC`")]
    NotAChunk {
        /// How it starts.
        start: [u8; 4],
    },
    /// It was written by a later release.
    #[error("chunk of version {version}: this release reads version {VERSION}")]
    Version {
        /// The version it names.
        version: u8,
    },
    /// The header's checksum does not match, or what it says cannot be.
    #[error("the chunk's header is damaged ({what}): fetch it again, or do without the chunk")]
    DamagedHeader {
        /// What gave it away.
        what: &'static str,
    },
    /// The chunk has not the length that follows from its header.
    #[error("chunk {index} has {n_bytes} bytes where its header needs {n_bytes_needed}")]
    WrongLength {
        /// Which chunk.
        index: usize,
        /// How long it is.
        n_bytes: usize,
        /// How long it should be.
        n_bytes_needed: u64,
    },
    /// The chunk's checksum does not match.
    #[error("chunk {index} is damaged: fetch it again, or do without it")]
    Damaged {
        /// Which chunk.
        index: usize,
    },
    /// The chunk is of another object or stripe, or of another version of this one.
    #[error("chunk {index} is of another object, or a stale one: its header differs in {field}")]
    Foreign {
        /// Which chunk.
        index: usize,
        /// The first field that differs from the chunks before it.
        field: &'static str,
    },
    /// What was decoded has not the checksum that all chunks name.
    #[error("the decoded object has the xxh3 {xxh3:016x}, its chunks say {xxh3_needed:016x}")]
    WrongObject {
        /// Its checksum.
        xxh3: u64,
        /// What it should be.
        xxh3_needed: u64,
    },
    /// The chunks are of one stripe among several, where a whole object was expected.
    #[error("the chunks are of stripe {number} of an object in stripes: decode them as a stream")]
    NotWhole {
        /// Which stripe.
        number: u64,
    },
    /// The chunks do not fit the codec, or each other.
    #[error(transparent)]
    Code(#[from] EcError),
}

const MAGIC: [u8; 4] = *b"ISEC";
const VERSION: u8 = 1;

impl ChunkHeader {
    /// How many bytes a header has on the wire.
    pub const LEN: usize = 64;

    /// The header of the chunk `index` of a stripe.
    pub fn new(stripe: StripeHeader, index: usize, chunk: &[u8]) -> ChunkHeader {
        ChunkHeader { stripe, index, chunk_xxh3: XxHash3_64::oneshot(chunk) }
    }

    /// The header on the wire.
    pub fn to_bytes(&self) -> [u8; ChunkHeader::LEN] {
        let StripeHeader { family, code, number, is_last, stripe_len, object_len, object_xxh3 } =
            self.stripe;
        let small = |it: usize| u8::try_from(it).expect("a code has at most 255 chunks");
        let mut bytes = [0; ChunkHeader::LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = VERSION;
        bytes[5] = family_number(family);
        bytes[6] = small(code.n_data());
        bytes[7] = small(code.n_parity());
        bytes[8] = small(self.index);
        bytes[9] = u8::from(is_last);
        bytes[16..24].copy_from_slice(&number.to_le_bytes());
        bytes[24..32].copy_from_slice(&stripe_len.get().to_le_bytes());
        bytes[32..40].copy_from_slice(&object_len.get().to_le_bytes());
        bytes[40..48].copy_from_slice(&self.chunk_xxh3.to_le_bytes());
        bytes[48..56].copy_from_slice(&object_xxh3.to_le_bytes());
        let sum = XxHash3_64::oneshot(&bytes[..56]);
        bytes[56..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// The header at the start of `bytes`, and what follows it.
    ///
    /// # Errors
    /// If there is none, or it is damaged.
    pub fn parse(bytes: &[u8]) -> Result<(ChunkHeader, &[u8]), ChunkError> {
        let Some((bytes, rest)) = bytes.split_first_chunk::<{ ChunkHeader::LEN }>() else {
            return Err(ChunkError::Short { n_bytes: bytes.len() });
        };
        let start = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if start != MAGIC {
            return Err(ChunkError::NotAChunk { start });
        }
        if bytes[4] != VERSION {
            return Err(ChunkError::Version { version: bytes[4] });
        }
        let damaged = |what| Err(ChunkError::DamagedHeader { what });
        if XxHash3_64::oneshot(&bytes[..56]) != number_at(bytes, 56) {
            return damaged("checksum");
        }
        // From here on, only a writer who is wrong or means harm gets it wrong.
        let family = match bytes[5] {
            1 => Family::Vandermonde8,
            2 => Family::Leopard16,
            _ => return damaged("family"),
        };
        let code = Code::new(usize::from(bytes[6]), usize::from(bytes[7]))?;
        let index = usize::from(bytes[8]);
        code.check_names([index])?;
        if 1 < bytes[9] || bytes[10..16] != [0; 6] {
            return damaged("flags");
        }
        let stripe = StripeHeader {
            family,
            code,
            number: number_at(bytes, 16),
            is_last: bytes[9] == 1,
            stripe_len: Bytes::new(number_at(bytes, 24)),
            object_len: Bytes::new(number_at(bytes, 32)),
            object_xxh3: number_at(bytes, 48),
        };
        let StripeHeader { number, stripe_len, object_len, .. } = stripe;
        let Some(start) = object_len.checked_sub(stripe_len) else {
            return damaged("lengths");
        };
        let is_first = number == 0;
        let is_empty = stripe_len == Bytes::ZERO;
        if Bytes::TOTAL_MAX < object_len
            || is_first != (start == Bytes::ZERO)
            || is_empty && !(is_first && stripe.is_last)
        {
            return damaged("lengths");
        }
        let chunk_xxh3 = number_at(bytes, 40);
        Ok((ChunkHeader { stripe, index, chunk_xxh3 }, rest))
    }

    /// Checks that `chunk` is what this header says.
    ///
    /// # Errors
    /// If its length or its checksum is another.
    pub fn check(&self, chunk: &[u8]) -> Result<(), ChunkError> {
        let index = self.index;
        let n_bytes_needed = self.stripe.chunk_len().get();
        if u64::try_from(chunk.len()) != Ok(n_bytes_needed) {
            return Err(ChunkError::WrongLength { index, n_bytes: chunk.len(), n_bytes_needed });
        }
        if XxHash3_64::oneshot(chunk) != self.chunk_xxh3 {
            return Err(ChunkError::Damaged { index });
        }
        Ok(())
    }
}

impl StripeHeader {
    /// The header of an object coded whole.
    pub fn whole(family: Family, code: Code, object: &[u8]) -> StripeHeader {
        let object_len = Bytes::new(object.len().try_into().expect("a slice fits 64 bits"));
        StripeHeader {
            family,
            code,
            number: 0,
            is_last: true,
            stripe_len: object_len,
            object_len,
            object_xxh3: XxHash3_64::oneshot(object),
        }
    }

    /// How long each chunk of the stripe is.
    pub fn chunk_len(&self) -> Bytes {
        self.stripe_len.split(u64::try_from(self.code.n_data()).expect("at most 255"))
    }

    /// The first field in which another header differs, if any does.
    pub(crate) fn difference(&self, other: &StripeHeader) -> Option<&'static str> {
        let StripeHeader { family, code, number, is_last, stripe_len, object_len, object_xxh3 } =
            *self;
        let fields = [
            ("family", family == other.family),
            ("code", code == other.code),
            ("stripe number", number == other.number),
            ("last stripe", is_last == other.is_last),
            ("stripe length", stripe_len == other.stripe_len),
            ("object length", object_len == other.object_len),
            ("object checksum", object_xxh3 == other.object_xxh3),
        ];
        fields.into_iter().find(|(_, is_same)| !is_same).map(|(name, _)| name)
    }
}

fn family_number(family: Family) -> u8 {
    match family {
        Family::Vandermonde8 => 1,
        Family::Leopard16 => 2,
    }
}

fn number_at(bytes: &[u8; ChunkHeader::LEN], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes are 8 bytes"))
}
