//! Chunks that are damaged, stale or not chunks at all: found, and never decoded.

use bytes::Bytes;
use ec::{Assembly, ChunkError, ChunkHeader, Codec, Engine, Leopard, Native, StripeHeader};
use insta::assert_snapshot;
use proptest::prelude::*;

use crate::{code, object};

/// The chunks of an object on the wire.
fn sent<E: Engine>(codec: &Codec<E>, object: &[u8]) -> Vec<Bytes> {
    let object = Bytes::copy_from_slice(object);
    let stripe = StripeHeader::whole(codec.engine().family(), codec.code(), &object);
    let chunks = codec.encode_bytes(&object).into_iter().enumerate();
    let send = |(index, chunk): (usize, Bytes)| {
        let header = ChunkHeader::new(stripe, index, &chunk);
        Bytes::from([&header.to_bytes()[..], &chunk].concat())
    };
    chunks.map(send).collect()
}

fn codec() -> Codec<Native> {
    Codec::new(code(4, 2))
}

#[test]
fn what_is_sent_can_be_decoded_from_any_chunks() {
    let object = object(1001);
    let chunks = sent(&codec(), &object);
    let mut assembly = Assembly::new();
    for index in [5, 0, 3] {
        assembly.add(&chunks[index]).unwrap();
        assert!(!assembly.is_decodable());
    }
    let few = assembly.decode(&codec()).unwrap_err();
    assert_snapshot!(few, @"3 chunks are not enough: 4+2 needs any 4 of its 6");
    assembly.add(&chunks[4]).unwrap();
    assert!(assembly.is_decodable());
    assert_eq!(assembly.missing().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(assembly.decode(&codec()).unwrap(), object);
}

#[test]
fn an_empty_object_is_an_object() {
    let mut assembly = Assembly::new();
    for chunk in &sent(&codec(), &[])[2..] {
        assembly.add(chunk).unwrap();
    }
    assert_eq!(assembly.decode(&codec()).unwrap(), Bytes::new());
}

/// What an assembly that has chunk 0 says of chunk 1, after `change`.
fn told(change: impl Fn(&mut Vec<u8>)) -> String {
    let chunks = sent(&codec(), &object(1001));
    let mut assembly = Assembly::new();
    assembly.add(&chunks[0]).unwrap();
    let mut chunk = chunks[1].to_vec();
    change(&mut chunk);
    assembly.add(&Bytes::from(chunk)).unwrap_err().to_string()
}

#[test]
fn a_chunk_that_is_not_right_says_what_is_wrong() {
    assert_snapshot!(told(|it| it.truncate(63)), @"63 bytes are no chunk: its header alone has 64");
    assert_snapshot!(
        told(|it| it[..4].copy_from_slice(b"PK\x03\x04")),
        @"not a chunk: it starts with [50, 4b, 03, 04], and a chunk with `ISEC`"
    );
    assert_snapshot!(told(|it| it[4] = 2), @"chunk of version 2: this release reads version 1");
    assert_snapshot!(
        told(|it| it[8] ^= 1),
        @"the chunk's header is damaged (checksum): fetch it again, or do without the chunk"
    );
    assert_snapshot!(
        told(|it| it[100] ^= 1),
        @"chunk 1 is damaged: fetch it again, or do without it"
    );
    assert_snapshot!(
        told(|it| it.truncate(200)),
        @"chunk 1 has 136 bytes where its header needs 251"
    );
    assert_snapshot!(told(|it| it.push(0)), @"chunk 1 has 252 bytes where its header needs 251");
}

#[test]
fn a_chunk_of_another_object_is_refused() {
    let told = |other: &[Bytes]| {
        let mut assembly = Assembly::new();
        assembly.add(&sent(&codec(), &object(1001))[0]).unwrap();
        assembly.add(&other[1]).unwrap_err().to_string()
    };
    let mut stale = object(1001);
    stale[1000] ^= 1;
    assert_snapshot!(
        told(&sent(&codec(), &stale)),
        @"chunk 1 is of another object, or a stale one: its header differs in object checksum"
    );
    assert_snapshot!(
        told(&sent(&codec(), &object(1002))),
        @"chunk 1 is of another object, or a stale one: its header differs in stripe length"
    );
    assert_snapshot!(
        told(&sent(&Codec::new(code(4, 3)), &object(1001))),
        @"chunk 1 is of another object, or a stale one: its header differs in code"
    );
    // Interpreted, the tables of the other engine take an hour.
    if cfg!(miri) {
        return;
    }
    assert_snapshot!(
        told(&sent(&Codec::with_engine(Leopard::new(code(4, 2))), &object(1001))),
        @"chunk 1 is of another object, or a stale one: its header differs in family"
    );
}

#[test]
fn a_chunk_is_taken_once_and_only_by_its_own_codec() {
    let chunks = sent(&codec(), &object(1001));
    let mut assembly = Assembly::new();
    assembly.add(&chunks[0]).unwrap();
    let twice = assembly.add(&chunks[0]).unwrap_err();
    assert_snapshot!(twice, @"chunk 0 is named twice: name each chunk once, as given or as wanted");
    chunks[1..4].iter().for_each(|it| assembly.add(it).unwrap());
    let other = assembly.decode(&Codec::with_engine(Leopard::new(code(4, 2)))).unwrap_err();
    assert_eq!(other, ChunkError::Foreign { index: 0, field: "family" });
    let other = assembly.decode(&Codec::new(code(4, 1))).unwrap_err();
    assert_eq!(other, ChunkError::Foreign { index: 0, field: "code" });
}

#[test]
fn an_object_that_decodes_to_other_bytes_is_refused() {
    // Each chunk is as its own header says, but they never were chunks of that object.
    let object = Bytes::from(object(1000));
    let mut stripe = StripeHeader::whole(ec::Family::Vandermonde8, code(4, 2), &object);
    stripe.object_xxh3 ^= 1;
    let mut assembly = Assembly::new();
    for (index, chunk) in codec().encode_bytes(&object).into_iter().enumerate().skip(1) {
        assembly.add_parsed(&ChunkHeader::new(stripe, index, &chunk), chunk).unwrap();
    }
    assert!(matches!(assembly.decode(&codec()), Err(ChunkError::WrongObject { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 2000 }))]

    #[test]
    fn any_flipped_bit_is_found(
        n_bytes in 0..2000_usize,
        index in 0..6_usize,
        at: prop::sample::Index,
        bit in 0..8,
    ) {
        let mut chunk = sent(&codec(), &object(n_bytes))[index].to_vec();
        let at = at.index(chunk.len());
        chunk[at] ^= 1_u8 << bit;
        prop_assert!(Assembly::new().add(&Bytes::from(chunk)).is_err());
    }

    #[test]
    fn no_bytes_are_taken_for_a_chunk(bytes: Vec<u8>) {
        prop_assert!(Assembly::new().add(&Bytes::from(bytes)).is_err());
    }
}
