//! Feeds anything to the readers of frames and inventories: they may refuse it, and must not
//! panic; what they understand must be written as it was read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wire::{FIXED_LEN, Limits, Parsed, parse, parse_entries};
use twox_hash::XxHash3_64;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    let mut bytes = bytes.to_vec();
    if FIXED_LEN <= bytes.len() {
        // A header whose checksum is right, since no fuzzer finds one.
        bytes[..5].copy_from_slice(b"ISWF\x01");
        let name_len = usize::from(u16::from_le_bytes([bytes[12], bytes[13]]));
        let name_len = name_len.min(bytes.len() - FIXED_LEN);
        bytes[12..14].copy_from_slice(&u16::try_from(name_len).unwrap_or(0).to_le_bytes());
        let name_len = usize::from(u16::from_le_bytes([bytes[12], bytes[13]]));
        let name = &bytes[FIXED_LEN..FIXED_LEN + name_len];
        let sum = XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(&bytes[..40]), name);
        bytes[40..48].copy_from_slice(&sum.to_le_bytes());
        check(&bytes);
    }
    if let Some((n_entries, list)) = bytes.split_first() {
        let _ = parse_entries(list, usize::from(*n_entries));
    }
});

fn check(bytes: &[u8]) {
    match parse(bytes, Limits { body_len_max: 1 << 30 }) {
        Ok(Parsed::Whole { frame, n_bytes }) => {
            assert_eq!(&frame.message.to_bytes()[..], &bytes[..n_bytes]);
            assert!(frame.body_len <= 1 << 30);
        }
        Ok(Parsed::Incomplete { n_bytes_needed }) => assert!(bytes.len() < n_bytes_needed),
        Err(_) => {}
    }
}
