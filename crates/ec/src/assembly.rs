//! The chunks of one stripe, as they come in.

use bytes::{Bytes, BytesMut};
use std::hash::Hasher as _;
use twox_hash::XxHash3_64;

use crate::codec::Codec;
use crate::engine::Engine;
use crate::error::EcError;
use crate::header::{ChunkError, ChunkHeader, StripeHeader};

/// Takes in chunks with their headers, in any order, until there are enough to decode.
///
/// A chunk that is damaged, of another object, or here already is refused, and leaves what is
/// there as it was. The first chunk says what the others must be like.
#[derive(Debug, Default)]
pub struct Assembly {
    stripe: Option<StripeHeader>,
    /// By index; as many as the code has chunks, once the first is here.
    chunks: Vec<Option<Bytes>>,
    n_present: usize,
}

impl Assembly {
    /// Nothing yet.
    pub fn new() -> Assembly {
        Assembly::default()
    }

    /// What the chunks here say of their stripe, once there is one.
    pub fn stripe(&self) -> Option<&StripeHeader> {
        self.stripe.as_ref()
    }

    /// Whether there are enough chunks to decode.
    pub fn is_decodable(&self) -> bool {
        self.stripe.is_some_and(|it| it.code.n_data() <= self.n_present)
    }

    /// The indexes of the chunks that are not here.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        self.chunks.iter().enumerate().filter(|(_, it)| it.is_none()).map(|(index, _)| index)
    }

    /// Takes in a chunk with its header before it.
    ///
    /// # Errors
    /// If it is none, damaged, of another object or stripe, or here already.
    pub fn add(&mut self, bytes: &Bytes) -> Result<(), ChunkError> {
        let (header, chunk) = ChunkHeader::parse(bytes)?;
        self.add_parsed(&header, bytes.slice_ref(chunk))
    }

    /// Takes in a chunk whose header has been taken off.
    ///
    /// # Errors
    /// If it is damaged, of another object or stripe, or here already.
    pub fn add_parsed(&mut self, header: &ChunkHeader, chunk: Bytes) -> Result<(), ChunkError> {
        let index = header.index;
        if let Some(field) = self.stripe.and_then(|it| it.difference(&header.stripe)) {
            return Err(ChunkError::Foreign { index, field });
        }
        header.stripe.code.check_names([index])?;
        if self.chunks.get(index).is_some_and(Option::is_some) {
            return Err(EcError::NamedTwice { index }.into());
        }
        header.check(&chunk)?;
        self.stripe = Some(header.stripe);
        self.chunks.resize(header.stripe.code.n_chunks(), None);
        self.chunks[index] = Some(chunk);
        self.n_present += 1;
        Ok(())
    }

    /// Decodes an object that was coded whole.
    ///
    /// # Errors
    /// If there are too few chunks, `codec` is for another code or family, the chunks are of
    /// one stripe among several, or what comes out has not the checksum that the chunks name.
    pub fn decode<E: Engine>(&self, codec: &Codec<E>) -> Result<Bytes, ChunkError> {
        if let Some(StripeHeader { number, .. }) =
            self.stripe.filter(|it| it.number != 0 || !it.is_last)
        {
            return Err(ChunkError::NotWhole { number });
        }
        let object = self.decode_stripe(codec, &mut XxHash3_64::new())?;
        Ok(object.freeze())
    }

    /// Decodes a stripe, and adds it to the checksum of the object so far.
    pub(crate) fn decode_stripe<E: Engine>(
        &self,
        codec: &Codec<E>,
        so_far: &mut XxHash3_64,
    ) -> Result<BytesMut, ChunkError> {
        let too_few = EcError::TooFewChunks { code: codec.code(), n_given: self.n_present };
        let stripe = self.stripe.ok_or(too_few.clone())?;
        let index = self.chunks.iter().position(Option::is_some).unwrap_or(0);
        if stripe.code != codec.code() {
            return Err(ChunkError::Foreign { index, field: "code" });
        }
        if stripe.family != codec.engine().family() {
            return Err(ChunkError::Foreign { index, field: "family" });
        }
        if !self.is_decodable() {
            return Err(too_few.into());
        }

        // As long as d chunks that are here, so it can be allocated; and a usize, as they are.
        let n_bytes = usize::try_from(stripe.stripe_len.get()).expect("no longer than the chunks");
        let mut object = BytesMut::zeroed(n_bytes);
        let mut lost = Vec::new();
        let mut parity: Vec<(usize, &[u8])> = Vec::new();
        for (index, chunk) in self.chunks.iter().enumerate() {
            match chunk {
                Some(chunk) if index < stripe.code.n_data() => {
                    let to = stripe.code.data_range(index, n_bytes);
                    let n_own = to.len();
                    object[to].copy_from_slice(&chunk[..n_own]);
                }
                Some(chunk) => parity.push((index, chunk)),
                None if index < stripe.code.n_data() => lost.push(index),
                None => {}
            }
        }
        codec.recover(&mut object, &lost, &parity)?;

        so_far.write(&object);
        let xxh3 = so_far.finish();
        if xxh3 != stripe.object_xxh3 {
            return Err(ChunkError::WrongObject { xxh3, xxh3_needed: stripe.object_xxh3 });
        }
        Ok(object)
    }
}
