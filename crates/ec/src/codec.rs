//! An object into chunks and back.

use std::array;

use bytes::{Bytes, BytesMut};

use crate::code::{CHUNKS_MAX, Code};
use crate::engine::{Engine, Native};
use crate::error::EcError;

/// Makes objects into chunks, and chunks into what is missing.
///
/// It works on buffers of the caller and allocates nothing, but for [`Codec::encode_bytes`].
/// Each column of bytes is coded by itself: a caller may hand in any range of columns, the same
/// of all chunks, and so start before the chunks have arrived in full.
#[derive(Debug)]
pub struct Codec<E = Native> {
    engine: E,
}

/// How much parity is computed at once to be compared with what is there.
const VERIFY_BYTES: usize = 16 << 10;

/// Codes of up to so many chunks have their own instances of a call's bookkeeping: to clear room
/// for 255 chunks takes as long as coding 20 kB.
const FEW_CHUNKS: usize = 32;

impl Codec<Native> {
    /// The codec for `code`, with the default engine.
    pub fn new(code: Code) -> Codec<Native> {
        Codec::with_engine(Native::new(code))
    }
}

impl<E: Engine> Codec<E> {
    /// The codec for the code of `engine`.
    pub fn with_engine(engine: E) -> Codec<E> {
        Codec { engine }
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.engine.code()
    }

    /// The engine.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Computes the parity chunks of an object. Its data chunks need no computing: they are the
    /// ranges [`Code::data_range`] of the object.
    ///
    /// # Errors
    /// If there are not `n_parity` parity chunks of [`Code::chunk_len`] bytes.
    pub fn encode(&self, object: &[u8], parity: &mut [&mut [u8]]) -> Result<(), EcError> {
        if self.code().n_chunks() <= FEW_CHUNKS {
            self.encode_few::<FEW_CHUNKS>(object, parity)
        } else {
            self.encode_few::<CHUNKS_MAX>(object, parity)
        }
    }

    /// Computes the parity of data chunks, or of the same columns of each.
    ///
    /// # Errors
    /// If there are not `n_data` data and `n_parity` parity chunks, all of one length.
    pub fn encode_chunks(&self, data: &[&[u8]], parity: &mut [&mut [u8]]) -> Result<(), EcError> {
        check_count(self.code(), "data", data.len(), self.code().n_data())?;
        let n_bytes = data[0].len();
        check_lengths(n_bytes, (0..).zip(data.iter().map(|it| it.len())))?;
        self.encode_checked(data, parity, n_bytes)
    }

    /// Makes an object into all its chunks, equally long. Those of data are views into the
    /// object, except where they end in padding; those of parity share one allocation.
    pub fn encode_bytes(&self, object: &Bytes) -> Vec<Bytes> {
        let code = self.code();
        let n_bytes = code.chunk_len(object.len());
        let mut chunks = Vec::with_capacity(code.n_chunks());
        for index in 0..code.n_data() {
            let chunk = object.slice(code.data_range(index, object.len()));
            chunks.push(if chunk.len() < n_bytes { padded(&chunk, n_bytes) } else { chunk });
        }

        // Chunks that start at lines of the cache, for which the kernel is fastest.
        let stride = n_bytes.next_multiple_of(64);
        let mut room = BytesMut::zeroed(stride * code.n_parity() + 63);
        let first = room.as_ptr().align_offset(64).min(63);
        let mut room = room.split_off(first);
        let mut parity = rows(&mut room, stride, n_bytes);
        self.encode(object, &mut parity[..code.n_parity()])
            .expect("as many buffers as the code asks for, and as long");
        let room = room.freeze();
        chunks.extend(
            (0..code.n_parity()).map(|row| room.slice(row * stride..row * stride + n_bytes)),
        );
        chunks
    }

    /// Whether the parity chunks are those of the data chunks.
    ///
    /// # Errors
    /// If there are not `n_data` data and `n_parity` parity chunks, all of one length.
    pub fn verify(&self, data: &[&[u8]], parity: &[&[u8]]) -> Result<bool, EcError> {
        let code = self.code();
        check_count(code, "data", data.len(), code.n_data())?;
        check_count(code, "parity", parity.len(), code.n_parity())?;
        let n_bytes = data[0].len();
        check_lengths(n_bytes, (0..).zip(data.iter().chain(parity).map(|it| it.len())))?;
        if parity.is_empty() {
            return Ok(true);
        }

        let mut room = [0; VERIFY_BYTES];
        let piece = VERIFY_BYTES / parity.len() / 64 * 64;
        for start in (0..n_bytes).step_by(piece) {
            let end = n_bytes.min(start + piece);
            let mut data_piece: [&[u8]; CHUNKS_MAX] = [&[]; CHUNKS_MAX];
            for (to, chunk) in data_piece.iter_mut().zip(data) {
                *to = &chunk[start..end];
            }
            let mut computed = rows(&mut room, piece, end - start);
            let computed = &mut computed[..parity.len()];
            self.engine.encode(&data_piece[..data.len()], computed);
            if computed.iter().zip(parity).any(|(ours, theirs)| **ours != theirs[start..end]) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Computes the chunks `wanted` from those `given`, all with their indexes, or the same
    /// columns of each. What is neither given nor wanted is not computed.
    ///
    /// # Errors
    /// If fewer than `n_data` are given, an index is out of range or named twice, or the chunks
    /// are not of one length.
    pub fn reconstruct(
        &self,
        given: &[(usize, &[u8])],
        wanted: &mut [(usize, &mut [u8])],
    ) -> Result<(), EcError> {
        let code = self.code();
        let names = given.iter().map(|(index, _)| *index);
        code.check_names(names.chain(wanted.iter().map(|(index, _)| *index)))?;
        let n_bytes = given.first().map_or(0, |(_, chunk)| chunk.len());
        check_lengths(n_bytes, given.iter().map(|(index, chunk)| (*index, chunk.len())))?;
        check_lengths(n_bytes, wanted.iter().map(|(index, chunk)| (*index, chunk.len())))?;

        if code.n_chunks() <= FEW_CHUNKS {
            self.reconstruct_few::<FEW_CHUNKS>(given, wanted)
        } else {
            self.reconstruct_few::<CHUNKS_MAX>(given, wanted)
        }
    }

    /// Fills in the data chunks `lost` of an object, in their places. All other data chunks are
    /// already in theirs; with as many parity chunks as are lost, each with its index, the
    /// object is complete, and nothing has been copied.
    ///
    /// # Errors
    /// If there are fewer parity chunks than lost ones, an index is out of range or named
    /// twice, or a parity chunk has not [`Code::chunk_len`] bytes.
    pub fn recover(
        &self,
        object: &mut [u8],
        lost: &[usize],
        parity: &[(usize, &[u8])],
    ) -> Result<(), EcError> {
        let code = self.code();
        let n_bytes = object.len();
        let chunk_len = code.chunk_len(n_bytes);
        code.check_names(lost.iter().copied().chain(parity.iter().map(|(index, _)| *index)))?;
        if let Some(index) = lost.iter().find(|it| code.n_data() <= **it) {
            return Err(EcError::WrongKind { code, index: *index, kind_needed: "data" });
        }
        if let Some((index, _)) = parity.iter().find(|(index, _)| *index < code.n_data()) {
            return Err(EcError::WrongKind { code, index: *index, kind_needed: "parity" });
        }
        check_lengths(chunk_len, parity.iter().map(|(index, chunk)| (*index, chunk.len())))?;

        if code.n_chunks() <= FEW_CHUNKS {
            self.recover_few::<FEW_CHUNKS>(object, lost, parity)
        } else {
            self.recover_few::<CHUNKS_MAX>(object, lost, parity)
        }
    }

    /// [`Codec::encode`], for a code of at most `N` chunks.
    fn encode_few<const N: usize>(
        &self,
        object: &[u8],
        parity: &mut [&mut [u8]],
    ) -> Result<(), EcError> {
        let code = self.code();
        let mut data: [&[u8]; N] = [&[]; N];
        let data = &mut data[..code.n_data()];
        for (index, chunk) in data.iter_mut().enumerate() {
            *chunk = &object[code.data_range(index, object.len())];
        }
        self.encode_checked(data, parity, code.chunk_len(object.len()))
    }

    /// [`Codec::reconstruct`], checked, for a code of at most `N` chunks.
    fn reconstruct_few<const N: usize>(
        &self,
        given: &[(usize, &[u8])],
        wanted: &mut [(usize, &mut [u8])],
    ) -> Result<(), EcError> {
        let mut sources = Sources::<N>::none();
        sources.add_in_order(given, self.code().n_data());
        let mut indexes = [0; N];
        let mut outputs: [&mut [u8]; N] = array::from_fn(|_| &mut [][..]);
        let n_wanted = wanted.len();
        for ((name, output), (index, chunk)) in indexes.iter_mut().zip(&mut outputs).zip(wanted) {
            *name = point(*index);
            *output = chunk;
        }
        self.recover_checked(&sources, &indexes[..n_wanted], &mut outputs[..n_wanted])
    }

    /// [`Codec::recover`], checked, for a code of at most `N` chunks.
    fn recover_few<const N: usize>(
        &self,
        object: &mut [u8],
        lost: &[usize],
        parity: &[(usize, &[u8])],
    ) -> Result<(), EcError> {
        let code = self.code();
        let n_bytes = object.len();
        let mut is_lost = [false; N];
        for index in lost {
            is_lost[*index] = true;
        }
        let mut sources = Sources::<N>::none();
        let mut indexes = [0; N];
        let mut outputs: [&mut [u8]; N] = array::from_fn(|_| &mut [][..]);
        let mut n_wanted = 0;
        let mut rest = object;
        for (index, is_lost) in is_lost[..code.n_data()].iter().enumerate() {
            let (chunk, after) = rest.split_at_mut(code.data_range(index, n_bytes).len());
            rest = after;
            if *is_lost {
                indexes[n_wanted] = point(index);
                outputs[n_wanted] = chunk;
                n_wanted += 1;
            } else {
                sources.add(index, chunk);
            }
        }
        sources.add_in_order(parity, code.n_data());
        self.recover_checked(&sources, &indexes[..n_wanted], &mut outputs[..n_wanted])
    }

    fn encode_checked(
        &self,
        data: &[&[u8]],
        parity: &mut [&mut [u8]],
        n_bytes: usize,
    ) -> Result<(), EcError> {
        let code = self.code();
        check_count(code, "parity", parity.len(), code.n_parity())?;
        check_lengths(n_bytes, (code.n_data()..).zip(parity.iter().map(|it| it.len())))?;
        if n_bytes != 0 && !parity.is_empty() {
            self.engine.encode(data, parity);
        }
        Ok(())
    }

    fn recover_checked<const N: usize>(
        &self,
        sources: &Sources<'_, N>,
        wanted: &[u8],
        outputs: &mut [&mut [u8]],
    ) -> Result<(), EcError> {
        let code = self.code();
        let Sources { indexes, chunks, n_chunks } = sources;
        if *n_chunks < code.n_data() {
            return Err(EcError::TooFewChunks { code, n_given: *n_chunks });
        }
        if outputs.iter().any(|it| !it.is_empty()) {
            self.engine.recover(&indexes[..*n_chunks], &chunks[..*n_chunks], wanted, outputs);
        }
        Ok(())
    }
}

/// The chunks to compute from, by ascending index: of a code of at most `N`.
struct Sources<'a, const N: usize> {
    indexes: [u8; N],
    chunks: [&'a [u8]; N],
    n_chunks: usize,
}

impl<'a, const N: usize> Sources<'a, N> {
    fn none() -> Self {
        Sources { indexes: [0; N], chunks: [&[]; N], n_chunks: 0 }
    }

    fn add(&mut self, index: usize, chunk: &'a [u8]) {
        self.indexes[self.n_chunks] = point(index);
        self.chunks[self.n_chunks] = chunk;
        self.n_chunks += 1;
    }

    /// Adds chunks that come in any order, until there are `n_needed`.
    fn add_in_order(&mut self, given: &[(usize, &'a [u8])], n_needed: usize) {
        let mut by_index: [Option<u8>; N] = [None; N];
        for (place, (index, _)) in (0..).zip(given) {
            by_index[*index] = Some(place);
        }
        for place in by_index.into_iter().flatten() {
            if self.n_chunks < n_needed {
                let (index, chunk) = given[usize::from(place)];
                self.add(index, chunk);
            }
        }
    }
}

/// The index of a chunk, as the point of the field it stands for.
fn point(index: usize) -> u8 {
    u8::try_from(index).expect("a chunk of a code has an index below 255")
}

/// The buffers of `n_bytes` that start every `stride` bytes in `room`, and empty ones beyond.
pub(crate) fn rows(room: &mut [u8], stride: usize, n_bytes: usize) -> [&mut [u8]; CHUNKS_MAX] {
    let mut rows: [&mut [u8]; CHUNKS_MAX] = array::from_fn(|_| &mut [][..]);
    for (row, to) in rows.iter_mut().zip(room.chunks_mut(stride.max(1))) {
        if let Some(to) = to.get_mut(..n_bytes) {
            *row = to;
        }
    }
    rows
}

fn padded(chunk: &[u8], n_bytes: usize) -> Bytes {
    let mut padded = BytesMut::zeroed(n_bytes);
    padded[..chunk.len()].copy_from_slice(chunk);
    padded.freeze()
}

fn check_count(
    code: Code,
    kind: &'static str,
    n_given: usize,
    n_needed: usize,
) -> Result<(), EcError> {
    if n_given == n_needed {
        return Ok(());
    }
    Err(EcError::WrongCount { code, kind, n_given, n_needed })
}

fn check_lengths(
    n_bytes_needed: usize,
    lengths: impl IntoIterator<Item = (usize, usize)>,
) -> Result<(), EcError> {
    for (index, n_bytes) in lengths {
        if n_bytes != n_bytes_needed {
            return Err(EcError::WrongLength { index, n_bytes, n_bytes_needed });
        }
    }
    Ok(())
}
