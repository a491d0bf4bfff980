//! The second engine: the crate reed-solomon-simd, an independent judge of the first.

use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

use crate::code::Code;
use crate::engine::{Engine, Family, Native};

/// The engine of reed-solomon-simd. Its parity bytes are not those of [`Native`], but what one
/// recovers the other must. It copies and allocates at every call.
///
/// Its field has elements of two bytes. Where chunks have an odd number, the last column of
/// bytes is coded by [`Native`].
#[derive(Debug)]
pub struct Leopard {
    code: Code,
    odd_column: Native,
}

impl Leopard {
    /// The engine for `code`.
    pub fn new(code: Code) -> Leopard {
        Leopard { code, odd_column: Native::new(code) }
    }

    /// The first `n_bytes`, an even number, of all parity chunks.
    fn parity(&self, data: &[&[u8]], n_bytes: usize) -> Vec<Vec<u8>> {
        let (n_data, n_parity) = (self.code.n_data(), self.code.n_parity());
        let mut encoder =
            ReedSolomonEncoder::new(n_data, n_parity, n_bytes).expect("a code it supports");
        for chunk in data {
            encoder.add_original_shard(resized(chunk, n_bytes)).expect("as many as announced");
        }
        let result = encoder.encode().expect("all data are there");
        result.recovery_iter().map(<[u8]>::to_vec).collect()
    }

    /// The first `n_bytes`, an even number, of all data chunks.
    fn data(&self, given: &[u8], sources: &[&[u8]], n_bytes: usize) -> Vec<Vec<u8>> {
        let (n_data, n_parity) = (self.code.n_data(), self.code.n_parity());
        let mut decoder =
            ReedSolomonDecoder::new(n_data, n_parity, n_bytes).expect("a code it supports");
        let mut data: Vec<Vec<u8>> = vec![Vec::new(); n_data];
        for (index, source) in given.iter().map(|it| usize::from(*it)).zip(sources) {
            let chunk = resized(source, n_bytes);
            if index < n_data {
                decoder.add_original_shard(index, &chunk).expect("a chunk it lacks");
                data[index] = chunk;
            } else {
                decoder.add_recovery_shard(index - n_data, &chunk).expect("a chunk it lacks");
            }
        }
        let result = decoder.decode().expect("as many chunks as data");
        for (index, chunk) in result.restored_original_iter() {
            data[index] = chunk.to_vec();
        }
        data
    }
}

impl Engine for Leopard {
    fn name(&self) -> &'static str {
        "reed-solomon-simd"
    }

    fn family(&self) -> Family {
        Family::Leopard16
    }

    fn code(&self) -> Code {
        self.code
    }

    fn encode(&self, data: &[&[u8]], parity: &mut [&mut [u8]]) {
        let n_even = even_len(data);
        if n_even != 0 {
            for (chunk, output) in self.parity(data, n_even).iter().zip(parity.iter_mut()) {
                copy(chunk, output);
            }
        }
        self.odd_column.encode(&from(n_even, data), &mut from_mut(n_even, parity));
    }

    fn recover(&self, given: &[u8], sources: &[&[u8]], wanted: &[u8], outputs: &mut [&mut [u8]]) {
        let n_data = self.code.n_data();
        let n_even = even_len(sources);
        if n_even != 0 {
            let mut chunks = self.data(given, sources, n_even);
            if wanted.iter().any(|it| n_data <= usize::from(*it)) {
                let data: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
                let parity = self.parity(&data, n_even);
                chunks.extend(parity);
            }
            for (index, output) in wanted.iter().zip(outputs.iter_mut()) {
                copy(&chunks[usize::from(*index)], output);
            }
        }
        let sources = from(n_even, sources);
        self.odd_column.recover(given, &sources, wanted, &mut from_mut(n_even, outputs));
    }
}

/// How many bytes of the chunks are in pairs.
fn even_len(chunks: &[&[u8]]) -> usize {
    chunks.iter().map(|it| it.len()).max().unwrap_or(0) / 2 * 2
}

fn resized(chunk: &[u8], n_bytes: usize) -> Vec<u8> {
    let mut resized = chunk.to_vec();
    resized.resize(n_bytes, 0);
    resized
}

/// Copies as much as both have.
fn copy(chunk: &[u8], output: &mut [u8]) {
    let n_bytes = chunk.len().min(output.len());
    output[..n_bytes].copy_from_slice(&chunk[..n_bytes]);
}

fn from<'a>(start: usize, chunks: &[&'a [u8]]) -> Vec<&'a [u8]> {
    chunks.iter().map(|it| it.get(start..).unwrap_or(&[])).collect()
}

fn from_mut<'a>(start: usize, chunks: &'a mut [&mut [u8]]) -> Vec<&'a mut [u8]> {
    chunks.iter_mut().map(|it| it.get_mut(start..).unwrap_or(&mut [])).collect()
}
