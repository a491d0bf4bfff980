//! Frames come back as they went, in one spelling, and nothing else passes for one.

use bytes::Bytes;
use insta::assert_snapshot;
use proptest::prelude::*;
use twox_hash::XxHash3_64;
use units::NodeId;

use super::*;
use crate::message::{ChunkId, Refusal, Role};

const LIMITS: Limits = Limits { body_len_max: 1 << 30 };

fn messages() -> impl Strategy<Value = Message> {
    let name = || prop::collection::vec(any::<u8>(), 0..100).prop_map(Bytes::from);
    let id = (name(), any::<u8>(), any::<u64>());
    let id = id.prop_map(|(key, chunk, version)| ChunkId { key, chunk, version });
    let role = prop::sample::select(vec![
        Role::Client,
        Role::Function,
        Role::RelaySource,
        Role::RelayReplica,
    ]);
    let why = prop::sample::select(Refusal::ALL.to_vec());
    let parts = (id, role, why, name(), any::<u32>(), any::<u64>(), any::<u64>(), any::<bool>());
    (0..17_u8, parts, 0..=LIMITS.body_len_max).prop_map(
        |(kind, (id, role, why, token, number, request, session, flag), body_len)| {
            let (node, chunk, version) = (NodeId(number), id.chunk, id.version);
            match kind {
                0 => Message::Hello { role, node, session, token },
                1 => Message::Welcome { n_data: chunk, n_parity: chunk / 2, n_nodes: number },
                2 => Message::Get { request, id, is_body_wanted: flag },
                3 => Message::Set { request, id, body_len },
                4 => Message::Delete { request, id },
                5 => Message::Ping { request },
                6 => Message::Pong { request, node, session, token },
                7 => Message::Bye { node, session },
                8 => Message::InitBackup { node, session },
                9 => Message::Backup { token },
                10 => Message::SyncHello,
                11 => Message::Inventory { n_entries: number, body_len },
                12 => Message::Chunk { request, chunk, version, body_len },
                13 => Message::Late { request, chunk, version },
                14 => Message::Stored { request, chunk, version, node },
                15 => Message::Deleted { request, chunk, was_there: flag },
                _ => Message::Refused { request, chunk, version, why },
            }
        },
    )
}

/// Gives a header that was tampered with a checksum that is right, since chance finds none.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let name_len = usize::from(u16::from_le_bytes([bytes[12], bytes[13]]));
    let name = &bytes[FIXED_LEN..][..name_len.min(bytes.len() - FIXED_LEN)];
    let sum = XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(&bytes[..40]), name);
    bytes[40..48].copy_from_slice(&sum.to_le_bytes());
    bytes
}

proptest! {
    #[test]
    fn a_message_comes_back_whatever_follows(message in messages(), after: Vec<u8>) {
        let head = message.to_bytes();
        let bytes = [&head[..], &after].concat();
        let frame = Frame::new(message);
        let whole = Parsed::Whole { frame, n_bytes: head.len() };
        prop_assert_eq!(parse(&bytes, LIMITS), Ok(whole));
    }

    #[test]
    fn a_part_is_incomplete_and_says_how_much_it_needs(message in messages()) {
        let bytes = message.to_bytes();
        for n_bytes in 0..bytes.len() {
            let Ok(Parsed::Incomplete { n_bytes_needed }) = parse(&bytes[..n_bytes], LIMITS) else {
                return Err(TestCaseError::fail(format!("{n_bytes} bytes passed for a frame")));
            };
            prop_assert!(n_bytes < n_bytes_needed);
            prop_assert!(n_bytes_needed <= bytes.len());
        }
    }

    #[test]
    fn no_flipped_bit_goes_unnoticed(
        message in messages(),
        at: prop::sample::Index,
        bit in 0..8_u32,
    ) {
        let mut bytes = message.to_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        let is_whole = matches!(parse(&bytes, LIMITS), Ok(Parsed::Whole { .. }));
        prop_assert!(!is_whole);
    }

    #[test]
    fn what_is_read_is_written_the_same(mut bytes in prop::collection::vec(any::<u8>(), 48..90)) {
        bytes[..5].copy_from_slice(b"ISWF\x01");
        bytes[5] %= 20;
        bytes[12..14].copy_from_slice(&[20, 0]);
        let bytes = signed(bytes);
        if let Ok(Parsed::Whole { frame, n_bytes }) = parse(&bytes, LIMITS) {
            prop_assert_eq!(&frame.message.to_bytes()[..], &bytes[..n_bytes]);
        }
    }

    #[test]
    fn anything_is_refused_or_understood(bytes: Vec<u8>) {
        let _ = parse(&bytes, LIMITS);
    }
}

/// What a frame says that was tampered with at this place.
fn tampered(at: usize, with: &[u8]) -> String {
    let id = ChunkId { key: Bytes::from_static(b"song"), chunk: 3, version: 7 };
    let mut bytes = Message::Set { request: 9, id, body_len: 100 }.to_bytes().to_vec();
    bytes[at..at + with.len()].copy_from_slice(with);
    parse(&signed(bytes), LIMITS).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    assert_snapshot!(tampered(0, b"GET "), @"not a frame: it starts with [47, 45, 54, 20], and a frame with `ISWF`");
    assert_snapshot!(tampered(4, &[2]), @"frame of version 2: this release reads version 1");
    assert_snapshot!(tampered(5, &[99]), @"unknown frame of kind 99");
    assert_snapshot!(tampered(7, &[1]), @"frame of kind 4 with a code that cannot be: 1");
    assert_snapshot!(tampered(12, &[1, 16]), @"name of 4097 bytes: the longest has 4096");
    assert_snapshot!(tampered(32, &u64::MAX.to_le_bytes()), @"body of 18446744073709551615 bytes: at most 1073741824 are taken");
}

#[test]
fn a_foreign_protocol_is_refused_at_its_first_byte() {
    assert!(parse(b"*", LIMITS).is_err());
    assert!(parse(b"I", LIMITS).is_ok());
}

#[test]
fn a_trailer_is_one_of_two() {
    for trailer in [Trailer::Whole, Trailer::BrokenOff] {
        assert_eq!(Trailer::from_byte(trailer.byte()), Ok(trailer));
    }
    assert_eq!(Trailer::from_byte(0), Err(WireError::BadTrailer { byte: 0 }));
}
