//! Objects that come and go by stripes, each coded as soon as it is there.

use std::hash::Hasher as _;
use std::io::{self, Read, Write};

use bytes::Bytes;
use thiserror::Error;
use twox_hash::XxHash3_64;

use crate::assembly::Assembly;
use crate::codec::{Codec, rows};
use crate::engine::Engine;
use crate::error::EcError;
use crate::header::{ChunkError, ChunkHeader, StripeHeader};

/// Cuts an object into stripes as it arrives, and codes each when it is full.
///
/// Each stripe's chunks go, in order of their indexes, to a function of the caller's, with their
/// headers: while one stripe is on its way, the next may still be arriving. It keeps one stripe
/// and its parity in memory, and allocates nothing after it is made.
pub struct StripeEncoder<'a, E> {
    codec: &'a Codec<E>,
    stripe_len: usize,
    /// What has arrived of the stripe; with room for the padding of its last chunk.
    stripe: Vec<u8>,
    parity: Vec<u8>,
    so_far: XxHash3_64,
    object_len: u64,
    number: u64,
}

/// What decoding a stream met with.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct StreamReport {
    /// How many bytes were decoded.
    pub n_bytes: u64,
    /// How many stripes there were.
    pub n_stripes: u64,
    /// The chunks that could not be used. There were enough others.
    pub refused: Vec<Refusal>,
}

/// A chunk that was not used.
#[derive(Debug)]
pub struct Refusal {
    /// The input it came from, counted from 0.
    pub input: usize,
    /// The stripe it came in.
    pub stripe: u64,
    /// What was wrong with it.
    pub why: StreamError,
}

/// Why a stream cannot be coded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A chunk, or what was decoded from chunks, is not right.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// The call does not fit the code.
    #[error(transparent)]
    Code(#[from] EcError),
}

impl<'a, E: Engine> StripeEncoder<'a, E> {
    /// An encoder of stripes of `stripe_len` bytes.
    pub fn new(codec: &'a Codec<E>, stripe_len: usize) -> StripeEncoder<'a, E> {
        let stripe_len = stripe_len.max(1);
        let chunk_len = codec.code().chunk_len(stripe_len);
        StripeEncoder {
            codec,
            stripe_len,
            stripe: Vec::with_capacity(chunk_len * codec.code().n_data()),
            parity: vec![0; chunk_len * codec.code().n_parity()],
            so_far: XxHash3_64::new(),
            object_len: 0,
            number: 0,
        }
    }

    /// Takes in more of the object, and hands every stripe it completes to `emit`.
    ///
    /// A stripe that is just full is kept until more comes, since it may be the last.
    ///
    /// # Errors
    /// Those of `emit`.
    pub fn push<X>(
        &mut self,
        mut bytes: &[u8],
        emit: &mut impl FnMut(&ChunkHeader, &[u8]) -> Result<(), X>,
    ) -> Result<(), X> {
        while !bytes.is_empty() {
            if self.stripe.len() == self.stripe_len {
                self.emit_stripe(false, emit)?;
            }
            let n_taken = bytes.len().min(self.stripe_len - self.stripe.len());
            let (taken, rest) = bytes.split_at(n_taken);
            self.stripe.extend_from_slice(taken);
            bytes = rest;
        }
        Ok(())
    }

    /// Ends the object, and hands its last stripe to `emit`. An empty object has one, too.
    ///
    /// # Errors
    /// Those of `emit`.
    pub fn finish<X>(
        mut self,
        emit: &mut impl FnMut(&ChunkHeader, &[u8]) -> Result<(), X>,
    ) -> Result<(), X> {
        self.emit_stripe(true, emit)
    }

    fn emit_stripe<X>(
        &mut self,
        is_last: bool,
        emit: &mut impl FnMut(&ChunkHeader, &[u8]) -> Result<(), X>,
    ) -> Result<(), X> {
        let code = self.codec.code();
        let n_bytes = self.stripe.len();
        let chunk_len = code.chunk_len(n_bytes);
        self.so_far.write(&self.stripe);
        let stripe_len = u64::try_from(n_bytes).expect("a length fits 64 bits");
        self.object_len += stripe_len;
        let stripe = StripeHeader {
            family: self.codec.engine().family(),
            code,
            number: self.number,
            is_last,
            stripe_len: units::Bytes::new(stripe_len),
            object_len: units::Bytes::new(self.object_len),
            object_xxh3: self.so_far.finish(),
        };

        let mut parity = rows(&mut self.parity, chunk_len, chunk_len);
        let parity = &mut parity[..code.n_parity()];
        self.codec.encode(&self.stripe, parity).expect("rows as long as the code asks for");

        self.stripe.resize(chunk_len * code.n_data(), 0);
        for index in 0..code.n_chunks() {
            let chunk = match index.checked_sub(code.n_data()) {
                None => &self.stripe[index * chunk_len..][..chunk_len],
                Some(row) => &self.parity[row * chunk_len..][..chunk_len],
            };
            emit(&ChunkHeader::new(stripe, index, chunk), chunk)?;
        }
        self.stripe.clear();
        self.number += 1;
        Ok(())
    }
}

/// Codes all that `input` has by stripes of `stripe_len` bytes, and writes each chunk with its
/// header to the output of its index. Returns how many bytes the object has.
///
/// # Errors
/// If there is not one output for each chunk, or reading or writing fails.
pub fn encode_stream<E: Engine>(
    codec: &Codec<E>,
    stripe_len: usize,
    input: &mut impl Read,
    outputs: &mut [impl Write],
) -> Result<u64, StreamError> {
    let code = codec.code();
    let (n_given, n_needed) = (outputs.len(), code.n_chunks());
    if n_given != n_needed {
        return Err(EcError::WrongCount { code, kind: "output", n_given, n_needed }.into());
    }
    let mut emit = |header: &ChunkHeader, chunk: &[u8]| -> io::Result<()> {
        outputs[header.index].write_all(&header.to_bytes())?;
        outputs[header.index].write_all(chunk)
    };
    let mut encoder = StripeEncoder::new(codec, stripe_len);
    let mut piece = vec![0; 64 << 10];
    let mut n_bytes = 0;
    loop {
        match input.read(&mut piece) {
            Ok(0) => break,
            Ok(n_read) => {
                encoder.push(&piece[..n_read], &mut emit)?;
                n_bytes += u64::try_from(n_read).expect("a length fits 64 bits");
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err.into()),
        }
    }
    encoder.finish(&mut emit)?;
    Ok(n_bytes)
}

/// Decodes an object from its chunks, one in each of `inputs` in any order, and writes each
/// stripe as soon as its chunks are here.
///
/// Whatever is wrong with an input counts as its loss, and stands in `report`, which also holds
/// what was found up to an error; where inputs differ on what they are part of, the most of them
/// are right.
///
/// # Errors
/// If too few chunks of a stripe are good, it decodes to other bytes than were coded, or
/// writing fails. What has been written by then is right, but not the whole object.
pub fn decode_stream<E: Engine>(
    codec: &Codec<E>,
    inputs: &mut [impl Read],
    output: &mut impl Write,
    report: &mut StreamReport,
) -> Result<(), StreamError> {
    *report = StreamReport::default();
    let mut so_far = XxHash3_64::new();
    let mut is_good = vec![true; inputs.len()];
    loop {
        let number = report.n_stripes;
        let mut refuse = |input, why| report.refused.push(Refusal { input, stripe: number, why });

        let mut headers: Vec<Option<ChunkHeader>> = vec![None; inputs.len()];
        for (input, reader) in inputs.iter_mut().enumerate() {
            if !is_good[input] {
                continue;
            }
            match read_header(reader, number) {
                Ok(header) => headers[input] = Some(header),
                Err(why) => {
                    is_good[input] = false;
                    refuse(input, why);
                }
            }
        }

        let stripe = most_frequent(&headers);
        let mut assembly = Assembly::new();
        for (input, header) in headers.iter().enumerate() {
            let Some(header) = header else { continue };
            let index = header.index;
            if let Some(field) = stripe.and_then(|it| it.difference(&header.stripe)) {
                is_good[input] = false;
                refuse(input, ChunkError::Foreign { index, field }.into());
                continue;
            }
            let mut chunk = Vec::new();
            let n_bytes = header.stripe.chunk_len().get();
            if let Err(why) = (&mut inputs[input]).take(n_bytes).read_to_end(&mut chunk) {
                is_good[input] = false;
                refuse(input, why.into());
                continue;
            }
            if let Err(why) = assembly.add_parsed(header, Bytes::from(chunk)) {
                refuse(input, why.into());
            }
        }

        let object = assembly.decode_stripe(codec, &mut so_far)?;
        output.write_all(&object)?;
        report.n_stripes += 1;
        if let Some(StripeHeader { is_last: true, object_len, .. }) = stripe {
            report.n_bytes = object_len.get();
            return Ok(());
        }
    }
}

/// The next header of an input, which must be of stripe `number`.
fn read_header(input: &mut impl Read, number: u64) -> Result<ChunkHeader, StreamError> {
    let mut bytes = Vec::with_capacity(ChunkHeader::LEN);
    let header_len = u64::try_from(ChunkHeader::LEN).expect("a length fits 64 bits");
    input.take(header_len).read_to_end(&mut bytes)?;
    let (header, _) = ChunkHeader::parse(&bytes)?;
    if header.stripe.number != number {
        return Err(ChunkError::Foreign { index: header.index, field: "stripe number" }.into());
    }
    Ok(header)
}

/// What the most of the headers say of their stripe: of equals, the one that comes first.
fn most_frequent(headers: &[Option<ChunkHeader>]) -> Option<StripeHeader> {
    let stripes = || headers.iter().flatten().map(|it| it.stripe);
    let count = |stripe| stripes().filter(|it| *it == stripe).count();
    stripes().rev().max_by_key(|it| count(*it))
}
