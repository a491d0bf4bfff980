//! Every path against the definition, at lengths and alignments of every kind.

use super::*;
use crate::field;

/// Computes rows on every path, to sources of the given lengths, each a little off alignment,
/// and compares them with the definition.
#[track_caller]
fn check(lengths: &[usize], n_rows: usize, out_of_cache: bool) {
    let n_bytes = lengths.iter().copied().max().unwrap();
    let mut byte = 0_u8;
    let mut random = || {
        byte = byte.wrapping_mul(109).wrapping_add(89);
        byte ^ (byte >> 3)
    };
    let data: Vec<Vec<u8>> =
        lengths.iter().map(|it| (0..it + 64).map(|_| random()).collect()).collect();
    let sources: Vec<&[u8]> =
        data.iter().zip(lengths).enumerate().map(|(s, (it, n))| &it[s % 7..s % 7 + n]).collect();
    let factors: Vec<u8> = (0..n_rows * lengths.len()).map(|_| random()).collect();

    let mut expect = vec![vec![0; n_bytes]; n_rows];
    for (row, factors) in expect.iter_mut().zip(factors.chunks_exact(lengths.len())) {
        for (factor, source) in factors.iter().zip(&sources) {
            for (sum, byte) in row.iter_mut().zip(*source) {
                *sum ^= field::mul(*factor, *byte);
            }
        }
    }

    // Rows aligned alike, and rows that are not.
    for stride in [n_bytes.next_multiple_of(64) + 64, n_bytes + 67] {
        for path in CpuPath::available() {
            let mut room = vec![0xAA; stride * n_rows];
            let mut outputs: Vec<&mut [u8]> =
                room.chunks_exact_mut(stride).map(|it| &mut it[3..3 + n_bytes]).collect();
            multiply_from(path, &factors, &sources, &mut outputs, out_of_cache);
            for (row, (output, expect)) in outputs.iter().zip(&expect).enumerate() {
                let wrong = output.iter().zip(expect).position(|(ours, right)| ours != right);
                assert_eq!(wrong, None, "{path:?}, row {row} of {n_rows}, {lengths:?}");
            }
            for row in room.chunks_exact(stride) {
                let beyond = row[..3].iter().chain(&row[3 + n_bytes..]);
                assert!(beyond.clone().all(|it| *it == 0xAA), "{path:?} wrote beyond a row");
            }
        }
    }
}

#[test]
fn every_path_computes_every_length() {
    let lengths = if cfg!(miri) { vec![0, 1, 65, 130] } else { (0..=600).collect() };
    for n_bytes in lengths {
        check(&[n_bytes; 3], 2, false);
        check(&[n_bytes; 3], 2, true);
    }
}

#[test]
fn every_path_computes_every_number_of_rows() {
    for n_rows in 1..=if cfg!(miri) { 2 } else { 12 } {
        for out_of_cache in [false, true] {
            check(&[1000], n_rows, out_of_cache);
            check(&[700; 5], n_rows, out_of_cache);
            check(&[if cfg!(miri) { 200 } else { 9000 }; 14], n_rows, out_of_cache);
        }
    }
}

#[test]
fn a_source_that_ends_early_goes_on_as_zeros() {
    check(&[600, 600, 599], 2, false);
    check(&[600, 600, 0], 3, false);
    check(&[7, 7, 3, 0, 0], 4, false);
    check(&[1000, 1000, 801], 2, true);
    check(&[1000, 1], 5, true);
}
