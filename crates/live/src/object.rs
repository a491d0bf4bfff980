//! Objects as chunks that say what they are of, and back.

use bytes::{Bytes, BytesMut};
use ec::{ChunkError, ChunkHeader, Code, Codec, EcError, Engine, Family, StripeHeader};
use tokio::task::spawn_blocking;
use tracing::warn;

/// Makes an object into the chunks of its code: of each its header and its bytes.
pub(crate) fn encode(codec: &Codec, object: &Bytes) -> Vec<[Bytes; 2]> {
    let stripe = StripeHeader::whole(codec.engine().family(), codec.code(), object);
    let chunks = codec.encode_bytes(object).into_iter().enumerate();
    chunks
        .map(|(index, chunk)| {
            let header = ChunkHeader::new(stripe, index, &chunk);
            [Bytes::copy_from_slice(&header.to_bytes()), chunk]
        })
        .collect()
}

/// How long the body of each chunk of an object is.
pub(crate) fn chunk_len(code: Code, object_len: usize) -> u64 {
    (ChunkHeader::LEN + code.chunk_len(object_len)) as u64
}

/// A chunk, and what it says of itself.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    header: ChunkHeader,
    bytes: Bytes,
    is_checked: bool,
}

impl Chunk {
    /// The chunk that a body is. Its header is checked.
    ///
    /// # Errors
    /// If the header is damaged, or the chunk not as long as it says.
    pub(crate) fn parse(body: &Bytes) -> Result<Chunk, ChunkError> {
        let (header, chunk) = ChunkHeader::parse(body)?;
        let (index, n_bytes_needed) = (header.index, header.stripe.chunk_len().get());
        if u64::try_from(chunk.len()) != Ok(n_bytes_needed) {
            return Err(ChunkError::WrongLength { index, n_bytes: chunk.len(), n_bytes_needed });
        }
        Ok(Chunk { header, bytes: body.slice_ref(chunk), is_checked: false })
    }

    /// The chunk, if its bytes are what its header says.
    ///
    /// # Errors
    /// If they are damaged.
    pub(crate) fn checked(mut self) -> Result<Chunk, ChunkError> {
        if !self.is_checked {
            self.header.check(&self.bytes)?;
            self.is_checked = true;
        }
        Ok(self)
    }
}

/// The chunks of one object, as they come in.
#[derive(Debug)]
pub(crate) struct Gathered {
    family: Family,
    code: Code,
    stripe: Option<StripeHeader>,
    chunks: Vec<Option<Chunk>>,
    n_present: usize,
    /// Chunks that turned out to be damaged.
    damaged: Vec<u8>,
}

impl Gathered {
    /// None yet, of what this codec makes of an object.
    pub(crate) fn new(codec: &Codec) -> Gathered {
        Gathered {
            family: codec.engine().family(),
            code: codec.code(),
            stripe: None,
            chunks: vec![None; codec.code().n_chunks()],
            n_present: 0,
            damaged: Vec::new(),
        }
    }

    /// Takes in a chunk.
    ///
    /// # Errors
    /// If it is of another object than those before it, or not of a whole one, or another codec's:
    /// anyone may store such chunks, and as many as there are would never make the object.
    pub(crate) fn add(&mut self, chunk: Chunk) -> Result<(), ChunkError> {
        let ChunkHeader { stripe, index, .. } = chunk.header;
        if (stripe.family, stripe.code) != (self.family, self.code) {
            return Err(ChunkError::Foreign { index, field: "code" });
        }
        if stripe.number != 0 || !stripe.is_last {
            return Err(ChunkError::NotWhole { number: stripe.number });
        }
        if *self.stripe.get_or_insert(stripe) != stripe {
            return Err(ChunkError::Foreign { index, field: "stripe" });
        }
        if self.chunks[index].replace(chunk).is_none() {
            self.n_present += 1;
        }
        Ok(())
    }

    /// How many bytes all chunks have together.
    pub(crate) fn n_bytes(&self) -> usize {
        self.chunks.iter().flatten().map(|it| it.bytes.len()).sum()
    }

    /// The chunks that turned out to be damaged since they were last taken.
    pub(crate) fn take_damaged(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.damaged)
    }

    /// How many chunks are here.
    pub(crate) fn n_present(&self) -> usize {
        self.n_present
    }

    /// Whether there are enough chunks.
    pub(crate) fn is_decodable(&self) -> bool {
        self.code.n_data() <= self.n_present
    }

    /// The object, in pieces that lie where they were received, but for those that had to be
    /// computed: those lie in `room`, which takes its memory back when they are dropped. A chunk
    /// that turns out to be damaged is done without.
    ///
    /// # Errors
    /// If there are too few chunks, without those that are damaged. More may be added then.
    pub(crate) fn decode(
        &mut self,
        codec: &Codec,
        room: &mut BytesMut,
    ) -> Result<Decoded, ChunkError> {
        for (chunk, index) in self.chunks.iter_mut().zip(0..) {
            match chunk.take().map(Chunk::checked) {
                Some(Ok(checked)) => *chunk = Some(checked),
                Some(Err(error)) => {
                    warn!(%error, "a chunk is not used");
                    self.n_present -= 1;
                    self.damaged.push(index);
                }
                None => {}
            }
        }
        let code = self.code;
        let too_few = EcError::TooFewChunks { code, n_given: self.n_present };
        let stripe = self.stripe.filter(|_| self.is_decodable()).ok_or(too_few)?;
        let chunk = |index: usize| self.chunks[index].as_ref().map(|it| &it.bytes);
        let lost: Vec<usize> = (0..code.n_data()).filter(|it| chunk(*it).is_none()).collect();
        let len = usize::try_from(stripe.chunk_len().get()).expect("as long as chunks here");
        let given: Vec<(usize, &[u8])> =
            (0..self.chunks.len()).filter_map(|index| Some((index, &chunk(index)?[..]))).collect();
        let n_computed = lost.len() * len;
        if room.try_reclaim(n_computed) {
            room.resize(n_computed, 0);
        } else {
            *room = BytesMut::zeroed(n_computed);
        }
        let mut computed: Vec<BytesMut> = lost.iter().map(|_| room.split_to(len)).collect();
        if !lost.is_empty() {
            let mut wanted: Vec<(usize, &mut [u8])> =
                lost.iter().copied().zip(computed.iter_mut().map(|it| &mut it[..])).collect();
            codec.reconstruct(&given, &mut wanted)?;
        }
        let object_len = usize::try_from(stripe.object_len.get()).expect("no longer than chunks");
        let mut computed = computed.into_iter().map(BytesMut::freeze);
        let pieces = (0..code.n_data())
            .map(|index| {
                let own = code.data_range(index, object_len).len();
                let chunk = chunk(index).cloned().or_else(|| computed.next());
                chunk.expect("a chunk that is not here was computed").slice(..own)
            })
            .collect();
        Ok(Decoded { pieces, n_bytes: object_len })
    }
}

/// An object, in the pieces it came in.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) n_bytes: usize,
}

impl Decoded {
    /// The object in one piece.
    pub(crate) fn to_bytes(&self) -> Bytes {
        if let [piece] = &self.pieces[..] {
            return piece.clone();
        }
        let mut object = BytesMut::with_capacity(self.n_bytes);
        for piece in &self.pieces {
            object.extend_from_slice(piece);
        }
        object.freeze()
    }
}

/// Objects up to this length are coded where they are: to move them would take longer.
const INLINE_LEN_MAX: usize = 32 << 10;

/// Computes on so many bytes: here if they are few, else where it holds up nobody.
pub(crate) async fn off_the_async_threads<T: Send + 'static>(
    n_bytes: usize,
    compute: impl FnOnce() -> T + Send + 'static,
) -> T {
    if n_bytes <= INLINE_LEN_MAX {
        return compute();
    }
    match spawn_blocking(compute).await {
        Ok(it) => it,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_object_comes_back_from_any_d_chunks(
            object in prop::collection::vec(any::<u8>(), 0..300),
            order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
            n_before in 0..4_usize,
        ) {
            let codec = Codec::new(Code::new(4, 2).unwrap());
            let object = Bytes::from(object);
            let chunks = encode(&codec, &object);
            let mut gathered = Gathered::new(&codec);
            let damage = |body: &Bytes| {
                let mut damaged = body.to_vec();
                if let Some(first) = damaged.get_mut(ChunkHeader::LEN) {
                    *first ^= 1;
                }
                Bytes::from(damaged)
            };
            for index in &order[..4] {
                prop_assert!(!gathered.is_decodable());
                let body = Bytes::from(chunks[*index].concat());
                prop_assert_eq!(body.len() as u64, chunk_len(codec.code(), object.len()));
                prop_assert_eq!(gathered.add(Chunk::parse(&body).unwrap()), Ok(()));
                prop_assert!(Chunk::parse(&body.slice(..body.len() - 1)).is_err());
                let mut damaged = body.to_vec();
                damaged[20] ^= 1;
                prop_assert!(Chunk::parse(&damaged.into()).is_err());
            }
            // A damaged one beside enough good ones is done without, and never handed out.
            let gather_damaged = |indices: &[usize]| {
                let mut gathered = Gathered::new(&codec);
                for (place, index) in indices.iter().enumerate() {
                    let body = Bytes::from(chunks[*index].concat());
                    let body = if place == n_before { damage(&body) } else { body };
                    gathered.add(Chunk::parse(&body).unwrap()).unwrap();
                }
                gathered.decode(&codec, &mut BytesMut::new())
            };
            prop_assert_eq!(&gather_damaged(&order[..5]).unwrap().to_bytes(), &object);
            // There is nothing to be damaged in the chunks of an empty object.
            prop_assert_eq!(gather_damaged(&order[..4]).is_err(), !object.is_empty());
            let decoded = gathered.decode(&codec, &mut BytesMut::new()).unwrap();
            prop_assert_eq!(decoded.to_bytes(), object);
        }
    }

    #[test]
    fn chunks_that_are_not_of_a_whole_object_of_the_code_are_not_taken_in() {
        let codec = |n_data, n_parity| Codec::new(Code::new(n_data, n_parity).unwrap());
        let (ours, theirs) = (codec(4, 2), codec(3, 2));
        let object = Bytes::from_static(b"an object");
        let check = |stripe: StripeHeader, expect: &str| {
            let bytes = vec![0; usize::try_from(stripe.chunk_len().get()).unwrap()];
            let header = ChunkHeader::new(stripe, 0, &bytes).to_bytes();
            let chunk = Chunk::parse(&Bytes::from([&header[..], &bytes].concat())).unwrap();
            let mut gathered = Gathered::new(&ours);
            let error = gathered.add(chunk).unwrap_err();
            assert!(error.to_string().contains(expect), "{error}");
            assert_eq!((gathered.n_present(), gathered.is_decodable()), (0, false));
        };
        let family = ours.engine().family();
        let whole = StripeHeader::whole(family, ours.code(), &object);
        check(StripeHeader { is_last: false, ..whole }, "stripe 0");
        let object_len = units::Bytes::new(100);
        check(StripeHeader { number: 1, object_len, ..whole }, "stripe 1");
        check(StripeHeader::whole(family, theirs.code(), &object), "code");
        check(StripeHeader { family: Family::Leopard16, ..whole }, "code");
    }
}
