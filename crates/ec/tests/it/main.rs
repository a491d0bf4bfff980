//! What the codec promises, tried from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod damage;
mod golden;
mod laws;
mod misuse;
mod streams;

use ec::{Code, Codec, Engine};

/// Bytes that look random and are the same every time.
fn object(n_bytes: usize) -> Vec<u8> {
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        state.to_le_bytes()[7]
    };
    (0..n_bytes).map(|_| next()).collect()
}

/// All chunks of an object, equally long.
fn chunks<E: Engine>(codec: &Codec<E>, object: &[u8]) -> Vec<Vec<u8>> {
    codec
        .encode_bytes(&bytes::Bytes::copy_from_slice(object))
        .iter()
        .map(|it| it.to_vec())
        .collect()
}

fn code(n_data: usize, n_parity: usize) -> Code {
    Code::new(n_data, n_parity).unwrap()
}
