//! Feeds anything to the readers of chunks: they may refuse it, and must not panic, and what
//! they decode must be what was coded.
#![no_main]

use bytes::Bytes;
use ec::{
    Assembly, ChunkHeader, Code, Codec, StreamReport, StripeHeader, decode_stream, encode_stream,
};
use libfuzzer_sys::fuzz_target;
use twox_hash::XxHash3_64;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[n_data, n_parity, stripe_len, how], bytes)) = bytes.split_first_chunk() else {
        return;
    };
    let Ok(code) = Code::new(usize::from(n_data % 12), usize::from(n_parity % 6)) else { return };
    let codec = Codec::new(code);
    match how % 3 {
        0 => anything(&codec, bytes),
        1 => damaged_chunks(&codec, bytes),
        _ => damaged_streams(&codec, usize::from(stripe_len), bytes),
    }
});

/// Chunks as they are given, but with checksums of the header that are right, since no fuzzer
/// finds those.
fn anything(codec: &Codec, bytes: &[u8]) {
    let mut assembly = Assembly::new();
    for piece in bytes.chunks(ChunkHeader::LEN + 16) {
        let mut piece = piece.to_vec();
        if ChunkHeader::LEN <= piece.len() {
            piece[..5].copy_from_slice(b"ISEC\x01");
            let chunk_sum = XxHash3_64::oneshot(&piece[ChunkHeader::LEN..]);
            piece[40..48].copy_from_slice(&chunk_sum.to_le_bytes());
            let sum = XxHash3_64::oneshot(&piece[..56]);
            piece[56..64].copy_from_slice(&sum.to_le_bytes());
        }
        let _ = assembly.add(&Bytes::from(piece.clone()));
        let _ = decode_stream(
            codec,
            &mut [&piece[..], &piece[..]],
            &mut Vec::new(),
            &mut StreamReport::default(),
        );
    }
    let code = assembly.stripe().map_or(codec.code(), |it| it.code);
    let _ = assembly.decode(&Codec::new(code));
}

/// Chunks of an object, damaged where the first bytes say.
fn damaged_chunks(codec: &Codec, bytes: &[u8]) {
    let Some((damage, object)) = bytes.split_first_chunk::<16>() else { return };
    let object = Bytes::copy_from_slice(object);
    let stripe = StripeHeader::whole(ec::Family::Vandermonde8, codec.code(), &object);
    let mut assembly = Assembly::new();
    for (index, chunk) in codec.encode_bytes(&object).iter().enumerate() {
        let header = ChunkHeader::new(stripe, index, chunk);
        let mut sent = [&header.to_bytes()[..], chunk].concat();
        let whole = sent.clone();
        let at = usize::from(damage[index % 16]) * 7 % (2 * sent.len());
        if let Some(byte) = sent.get_mut(at) {
            *byte ^= damage[(index + 1) % 16];
        }
        let taken = assembly.add(&Bytes::from(sent.clone())).is_ok();
        assert_eq!(taken, sent == whole, "damage is found, and nothing else is");
    }
    match assembly.decode(codec) {
        Ok(decoded) => assert_eq!(decoded, object),
        Err(_) => assert!(!assembly.is_decodable()),
    }
}

/// The streams of an object, damaged where the first bytes say.
fn damaged_streams(codec: &Codec, stripe_len: usize, bytes: &[u8]) {
    let Some((damage, mut object)) = bytes.split_first_chunk::<16>() else { return };
    let whole = object;
    let mut streams = vec![Vec::new(); codec.code().n_chunks()];
    encode_stream(codec, stripe_len, &mut object, &mut streams).expect("memory takes it all");
    for (index, stream) in streams.iter_mut().enumerate() {
        let at = usize::from(damage[index % 16]) * 13 % (2 * stream.len());
        if damage[index % 16] % 5 == 0 {
            stream.truncate(at);
        } else if let Some(byte) = stream.get_mut(at) {
            *byte ^= damage[(index + 1) % 16];
        }
    }
    let mut inputs: Vec<&[u8]> = streams.iter().map(Vec::as_slice).collect();
    let mut decoded = Vec::new();
    let result = decode_stream(codec, &mut inputs, &mut decoded, &mut StreamReport::default());
    assert!(whole.starts_with(&decoded), "what is decoded is right");
    assert!(result.is_err() || decoded == whole, "and all of it, unless it says not");
}
