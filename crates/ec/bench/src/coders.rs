//! The coders that are compared, each behind the same two functions.

use ec::{Code, Codec, Native};
use reed_solomon_erasure::galois_8::ReedSolomon;
use reed_solomon_simd::{ReedSolomonDecoder, ReedSolomonEncoder};

use crate::isal::Isal;

/// The chunks of one object: `n_data` side by side, and those of parity.
pub struct Chunks<'a> {
    /// The object.
    pub object: &'a mut [u8],
    /// Its parity chunks.
    pub parity: Vec<&'a mut [u8]>,
}

impl Chunks<'_> {
    fn chunk_len(&self) -> usize {
        self.parity[0].len()
    }
}

/// Something that codes. All it needs besides the chunks it may have prepared.
pub trait Coder {
    /// What the table calls it.
    fn name(&self) -> String;
    /// Computes the parity.
    fn encode(&mut self, chunks: &mut Chunks<'_>);
    /// Computes the first `n_lost` data chunks, from the others and as many of parity.
    fn decode(&mut self, chunks: &mut Chunks<'_>, n_lost: usize);
}

/// Ours.
pub struct Ours(pub Codec<Native>);

impl Coder for Ours {
    fn name(&self) -> String {
        format!("ours ({})", self.0.engine().path().name())
    }

    fn encode(&mut self, chunks: &mut Chunks<'_>) {
        self.0.encode(chunks.object, &mut chunks.parity).expect("chunks that fit");
    }

    fn decode(&mut self, chunks: &mut Chunks<'_>, n_lost: usize) {
        let n_data = self.0.code().n_data();
        let lost = [0, 1, 2, 3];
        let parity = [0, 1, 2, 3]
            .map(|row| (n_data + row, chunks.parity.get(row).map_or(&[][..], |it| &it[..])));
        self.0.recover(chunks.object, &lost[..n_lost], &parity[..n_lost]).expect("enough chunks");
    }
}

/// reed-solomon-simd, its working memory kept between calls.
pub struct Simd {
    code: Code,
    encoder: ReedSolomonEncoder,
    decoder: ReedSolomonDecoder,
}

impl Simd {
    /// For one code and length.
    pub fn new(code: Code, n_bytes: usize) -> Simd {
        let (n_data, n_parity) = (code.n_data(), code.n_parity());
        Simd {
            code,
            encoder: ReedSolomonEncoder::new(n_data, n_parity, n_bytes).expect("a good code"),
            decoder: ReedSolomonDecoder::new(n_data, n_parity, n_bytes).expect("a good code"),
        }
    }
}

impl Coder for Simd {
    fn name(&self) -> String {
        "reed-solomon-simd".to_owned()
    }

    fn encode(&mut self, chunks: &mut Chunks<'_>) {
        for chunk in chunks.object.chunks(chunks.chunk_len()) {
            self.encoder.add_original_shard(chunk).expect("a chunk that fits");
        }
        let result = self.encoder.encode().expect("all chunks");
        for (to, from) in chunks.parity.iter_mut().zip(result.recovery_iter()) {
            to.copy_from_slice(from);
        }
    }

    fn decode(&mut self, chunks: &mut Chunks<'_>, n_lost: usize) {
        let n_bytes = chunks.chunk_len();
        let n_data = self.code.n_data();
        for index in n_lost..n_data {
            let chunk = &chunks.object[index * n_bytes..][..n_bytes];
            self.decoder.add_original_shard(index, chunk).expect("a chunk that fits");
        }
        for (index, chunk) in chunks.parity.iter().enumerate().take(n_lost) {
            self.decoder.add_recovery_shard(index, chunk).expect("a chunk that fits");
        }
        let result = self.decoder.decode().expect("enough chunks");
        for (index, chunk) in result.restored_original_iter() {
            chunks.object[index * n_bytes..][..n_bytes].copy_from_slice(chunk);
        }
    }
}

/// reed-solomon-erasure with its C kernel.
pub struct Erasure(pub ReedSolomon);

impl Coder for Erasure {
    fn name(&self) -> String {
        "reed-solomon-erasure".to_owned()
    }

    fn encode(&mut self, chunks: &mut Chunks<'_>) {
        let data: Vec<&[u8]> = chunks.object.chunks(chunks.chunk_len()).collect();
        self.0.encode_sep(&data, &mut chunks.parity).expect("chunks that fit");
    }

    fn decode(&mut self, chunks: &mut Chunks<'_>, n_lost: usize) {
        let n_bytes = chunks.chunk_len();
        let data = chunks.object.chunks_mut(n_bytes).enumerate();
        let mut all: Vec<(&mut [u8], bool)> =
            data.map(|(index, chunk)| (chunk, n_lost <= index)).collect();
        let parity = chunks.parity.iter_mut().enumerate();
        all.extend(parity.map(|(index, chunk)| (&mut **chunk, index < n_lost)));
        self.0.reconstruct_data(&mut all).expect("enough chunks");
    }
}

/// ISA-L, with the matrix of ours.
pub struct IsalCoder {
    isal: Isal,
    code: Code,
    parity_matrix: Vec<u8>,
    tables: Vec<u8>,
}

impl IsalCoder {
    /// For one code.
    pub fn new(isal: Isal, code: Code) -> IsalCoder {
        // The parity of chunks of one byte, of which one is 1, is a column of the matrix.
        let codec = Codec::new(code);
        let (n_data, n_parity) = (code.n_data(), code.n_parity());
        let mut parity_matrix = vec![0; n_data * n_parity];
        for column in 0..n_data {
            let mut object = vec![0; n_data];
            object[column] = 1;
            let mut room = vec![[0; 1]; n_parity];
            let mut parity: Vec<&mut [u8]> = room.iter_mut().map(|it| &mut it[..]).collect();
            codec.encode(&object, &mut parity).expect("chunks that fit");
            for (row, [element]) in room.into_iter().enumerate() {
                parity_matrix[row * n_data + column] = element;
            }
        }
        let tables = isal.tables(n_data, &parity_matrix);
        IsalCoder { isal, code, parity_matrix, tables }
    }
}

impl Coder for IsalCoder {
    fn name(&self) -> String {
        "ISA-L".to_owned()
    }

    fn encode(&mut self, chunks: &mut Chunks<'_>) {
        let data: Vec<&[u8]> = chunks.object.chunks(chunks.chunk_len()).collect();
        self.isal.multiply(&self.tables, &data, &mut chunks.parity);
    }

    fn decode(&mut self, chunks: &mut Chunks<'_>, n_lost: usize) {
        let n_data = self.code.n_data();
        let mut rows = vec![0; (n_data - n_lost) * n_data];
        for (row, column) in (n_lost..n_data).enumerate() {
            rows[row * n_data + column] = 1;
        }
        rows.extend_from_slice(&self.parity_matrix[..n_lost * n_data]);
        let inverse = self.isal.inverse(rows, n_data);
        let tables = self.isal.tables(n_data, &inverse[..n_lost * n_data]);

        let n_bytes = chunks.chunk_len();
        let (lost, intact) = chunks.object.split_at_mut(n_lost * n_bytes);
        let mut sources: Vec<&[u8]> = intact.chunks(n_bytes).collect();
        sources.extend(chunks.parity.iter().take(n_lost).map(|it| &**it));
        let mut outputs: Vec<&mut [u8]> = lost.chunks_mut(n_bytes).collect();
        self.isal.multiply(&tables, &sources, &mut outputs);
    }
}

/// Copies the object elsewhere, whatever is asked: as fast as memory goes.
pub struct Memcpy(pub Vec<u8>);

impl Coder for Memcpy {
    fn name(&self) -> String {
        "memcpy".to_owned()
    }

    fn encode(&mut self, chunks: &mut Chunks<'_>) {
        self.0.copy_from_slice(std::hint::black_box(chunks.object));
        std::hint::black_box(&mut self.0);
    }

    fn decode(&mut self, chunks: &mut Chunks<'_>, _n_lost: usize) {
        self.encode(chunks);
    }
}
