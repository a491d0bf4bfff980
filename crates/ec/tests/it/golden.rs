//! The bytes of the reference coder, klauspost/reedsolomon with its default matrix.
//!
//! `rs_vectors.txt` has for each chunk of five objects (byte i is 31 i + 7 modulo 256) its size,
//! its xxh64 and, if it is parity, its first 16 bytes, as that coder made them.

use std::collections::BTreeMap;
use std::fmt::Write;

use bytes::Bytes;
use ec::{Code, Codec, CpuPath, Native};
use twox_hash::XxHash64;

const VECTORS: &str = include_str!("../golden/rs_vectors.txt");

#[test]
fn parity_is_that_of_the_reference_coder_on_every_path() {
    for path in CpuPath::available() {
        assert_eq!(vectors(path), VECTORS, "on {path:?}");
    }
}

/// The golden file, made by ours.
fn vectors(path: CpuPath) -> String {
    let mut objects: Vec<(&str, usize)> = Vec::new();
    for line in VECTORS.lines() {
        let fields: BTreeMap<&str, &str> =
            line.split(' ').filter_map(|it| it.split_once('=')).collect();
        let object = (line.split(' ').next().unwrap(), fields["len"].parse().unwrap());
        if objects.last() != Some(&object) {
            objects.push(object);
        }
    }

    let mut text = String::new();
    for (name, n_bytes) in objects {
        let code: Code = name.parse().unwrap();
        let codec = Codec::with_engine(Native::on(path, code));
        let object: Bytes = (0..n_bytes).map(|i| (31 * i + 7).to_le_bytes()[0]).collect();
        for (index, chunk) in codec.encode_bytes(&object).iter().enumerate() {
            let size = chunk.len();
            let hash = XxHash64::oneshot(0, chunk);
            write!(
                text,
                "{name} len={n_bytes} shard={index} size={size} xxh64={hash:016x} first16="
            )
            .unwrap();
            if code.n_data() <= index {
                chunk.iter().take(16).for_each(|it| write!(text, "{it:02x}").unwrap());
            }
            text.push('\n');
        }
    }
    text
}
