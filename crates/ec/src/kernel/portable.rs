//! Products of bytes by table: the path of every processor without a faster one.

use crate::field::NIBBLES;

/// How much of a row is computed before the next: sources and rows of a piece share the caches.
const PIECE_BYTES: usize = 4096;

/// [`super::multiply`], without any instructions of its own.
pub(super) fn multiply(factors: &[u8], sources: &[&[u8]], outputs: &mut [&mut [u8]]) {
    let longest = outputs.iter().map(|it| it.len()).max().unwrap_or(0);
    for start in (0..longest).step_by(PIECE_BYTES) {
        for (factors, output) in factors.chunks_exact(sources.len()).zip(outputs.iter_mut()) {
            let end = output.len().min(start + PIECE_BYTES);
            let Some(output) = output.get_mut(start..end) else { continue };
            output.fill(0);
            for (factor, source) in factors.iter().zip(sources) {
                if let Some(source) = source.get(start..) {
                    add_product(*factor, source, output);
                }
            }
        }
    }
}

/// Adds `factor` times `source` to `sum`, byte by byte, as far as both reach.
fn add_product(factor: u8, source: &[u8], sum: &mut [u8]) {
    let (low, high) = NIBBLES[usize::from(factor)].split_at(16);
    // Arrays of sixteen, so that an index of four bits needs no check.
    let low: &[u8; 16] = low.try_into().expect("half of 32 is 16");
    let high: &[u8; 16] = high.try_into().expect("half of 32 is 16");
    for (sum, byte) in sum.iter_mut().zip(source) {
        *sum ^= low[usize::from(byte & 15)] ^ high[usize::from(byte >> 4)];
    }
}
