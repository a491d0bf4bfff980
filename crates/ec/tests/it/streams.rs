//! Objects that come and go by stripes.

use std::convert::Infallible;
use std::io::{self, Read};

use ec::{Codec, Native, StreamReport, StripeEncoder, decode_stream, encode_stream};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::{code, object};

fn codec() -> Codec<Native> {
    Codec::new(code(4, 2))
}

fn encoded(object: &[u8], stripe_len: usize) -> Vec<Vec<u8>> {
    let mut chunks = vec![Vec::new(); 6];
    let n_bytes = encode_stream(&codec(), stripe_len, &mut &object[..], &mut chunks).unwrap();
    assert_eq!(n_bytes, u64::try_from(object.len()).unwrap());
    chunks
}

/// What is decoded, or why nothing is.
fn decoded(chunks: &[Vec<u8>]) -> Result<(Vec<u8>, StreamReport), String> {
    let mut inputs: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
    let mut output = Vec::new();
    let mut report = StreamReport::default();
    match decode_stream(&codec(), &mut inputs, &mut output, &mut report) {
        Ok(()) => Ok((output, report)),
        Err(err) => Err(err.to_string()),
    }
}

/// What was refused, a line each.
fn refused(report: &StreamReport) -> String {
    let line = |it: &ec::Refusal| format!("input {} stripe {}: {}\n", it.input, it.stripe, it.why);
    report.refused.iter().map(line).collect()
}

#[test]
fn streams_of_any_length_come_back() {
    let object = object(1100);
    for n_bytes in [0, 1, 3, 99, 100, 101, 200, 299, 300, 1000, 1100] {
        for stripe_len in [1, 3, 100, 2000] {
            let chunks = encoded(&object[..n_bytes], stripe_len);
            let (output, report) = decoded(&chunks[2..]).unwrap();
            assert_eq!(output, object[..n_bytes], "{n_bytes} bytes by {stripe_len}");
            assert_eq!(report.n_bytes, u64::try_from(n_bytes).unwrap());
            let n_stripes = n_bytes.div_ceil(stripe_len).max(1);
            assert_eq!(report.n_stripes, u64::try_from(n_stripes).unwrap());
            assert_eq!(refused(&report), "");
        }
    }
}

#[test]
fn a_stripe_is_coded_as_soon_as_the_next_begins() {
    let codec = codec();
    let mut encoder = StripeEncoder::new(&codec, 100);
    let mut n_chunks = 0;
    let mut emit = |_: &ec::ChunkHeader, _: &[u8]| -> Result<(), Infallible> {
        n_chunks += 1;
        Ok(())
    };
    encoder.push(&[1; 100], &mut emit).unwrap();
    encoder.push(&[], &mut emit).unwrap();
    encoder.push(&[1; 1], &mut emit).unwrap();
    encoder.push(&[1; 250], &mut emit).unwrap();
    assert_eq!(n_chunks, 3 * 6);
}

#[test]
fn what_is_wrong_with_an_input_is_its_loss() {
    let object = object(1000);
    let mut chunks = encoded(&object, 300);
    chunks[1][64 + 75 + 64] ^= 1;
    let (output, report) = decoded(&chunks).unwrap();
    assert_eq!(output, object);
    assert_snapshot!(
        refused(&report),
        @"input 1 stripe 1: chunk 1 is damaged: fetch it again, or do without it"
    );

    chunks[4].truncate(2 * 139 + 64 + 22);
    let (output, report) = decoded(&chunks).unwrap();
    assert_eq!(output, object);
    assert_snapshot!(refused(&report), @r"
    input 1 stripe 1: chunk 1 is damaged: fetch it again, or do without it
    input 4 stripe 2: chunk 4 has 22 bytes where its header needs 75
    input 4 stripe 3: 0 bytes are no chunk: its header alone has 64
    ");

    (chunks[0][0], chunks[5][0]) = (0, 0);
    let err = decoded(&chunks).unwrap_err();
    assert_snapshot!(err, @"3 chunks are not enough: 4+2 needs any 4 of its 6");
}

#[test]
fn the_most_of_the_inputs_are_right() {
    let mut stale = object(1000);
    stale[999] ^= 1;
    let mut chunks = encoded(&object(1000), 300);
    chunks[0] = encoded(&stale, 300).swap_remove(0);
    chunks[1] = chunks[2].clone();
    let (output, report) = decoded(&chunks).unwrap();
    assert_eq!(output, object(1000));
    assert_snapshot!(refused(&report), @r"
    input 2 stripe 0: chunk 2 is named twice: name each chunk once, as given or as wanted
    input 2 stripe 1: chunk 2 is named twice: name each chunk once, as given or as wanted
    input 2 stripe 2: chunk 2 is named twice: name each chunk once, as given or as wanted
    input 0 stripe 3: chunk 0 is of another object, or a stale one: its header differs in object checksum
    input 2 stripe 3: chunk 2 is named twice: name each chunk once, as given or as wanted
    ");
}

#[test]
fn a_stripe_of_another_place_is_refused() {
    // The second stripe comes twice, in every input.
    let mut chunks = encoded(&object(1000), 300);
    for chunk in &mut chunks {
        let second = chunk[139..278].to_vec();
        chunk.splice(278..278, second);
    }
    let err = decoded(&chunks).unwrap_err();
    assert_snapshot!(err, @"0 chunks are not enough: 4+2 needs any 4 of its 6");
}

#[test]
fn one_output_is_needed_for_each_chunk() {
    let mut few = vec![Vec::new(); 5];
    let err = encode_stream(&codec(), 100, &mut &[1; 10][..], &mut few).unwrap_err();
    assert_snapshot!(err, @"5 output chunks were given: 4+2 has 6");
}

/// An input that gives a byte at a time, and is interrupted in between.
struct Trickle<'a> {
    rest: &'a [u8],
    is_interrupted: bool,
}

impl Read for Trickle<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        if self.is_interrupted {
            return Err(io::Error::from(io::ErrorKind::Interrupted));
        }
        let n_bytes = to.len().min(1);
        self.rest.read(&mut to[..n_bytes])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 64 }))]

    #[test]
    fn it_does_not_matter_how_the_bytes_arrive(
        n_bytes in 0..700_usize,
        stripe_len in 1..300_usize,
    ) {
        let object = object(n_bytes);
        let mut trickle = Trickle { rest: &object, is_interrupted: false };
        let mut chunks = vec![Vec::new(); 6];
        encode_stream(&codec(), stripe_len, &mut trickle, &mut chunks).unwrap();
        prop_assert_eq!(&chunks, &encoded(&object, stripe_len));

        let mut inputs: Vec<Trickle<'_>> =
            chunks.iter().map(|rest| Trickle { rest, is_interrupted: false }).collect();
        let mut output = Vec::new();
        let mut report = StreamReport::default();
        decode_stream(&codec(), &mut inputs, &mut output, &mut report).unwrap();
        prop_assert_eq!(output, object);
    }
}
