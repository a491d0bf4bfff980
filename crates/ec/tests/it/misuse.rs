//! Calls that cannot be answered, and what they are told.

use ec::{Codec, EcError};
use insta::assert_snapshot;

use crate::code;

/// Asks 3+2 for chunk 0 of what is given, by index and length.
fn told(given: &[(usize, usize)], wanted: &[(usize, usize)]) -> String {
    let room = [0; 16];
    let given: Vec<(usize, &[u8])> = given.iter().map(|(it, len)| (*it, &room[..*len])).collect();
    let mut buffers: Vec<Vec<u8>> = wanted.iter().map(|(_, len)| vec![0; *len]).collect();
    let mut wanted: Vec<(usize, &mut [u8])> =
        wanted.iter().map(|(it, _)| *it).zip(buffers.iter_mut().map(Vec::as_mut_slice)).collect();
    let result: Result<(), EcError> = Codec::new(code(3, 2)).reconstruct(&given, &mut wanted);
    result.map_or_else(|err| err.to_string(), |()| "done".to_owned())
}

#[test]
fn a_reconstruction_that_cannot_be_says_why() {
    assert_snapshot!(
        told(&[(1, 8), (4, 8)], &[(0, 8)]),
        @"2 chunks are not enough: 3+2 needs any 3 of its 5"
    );
    assert_snapshot!(
        told(&[], &[(0, 8)]),
        @"chunk 0 has 8 bytes: it should have 0 like the others"
    );
    assert_snapshot!(told(&[], &[]), @"0 chunks are not enough: 3+2 needs any 3 of its 5");
    assert_snapshot!(
        told(&[(1, 8), (1, 8), (4, 8)], &[(0, 8)]),
        @"chunk 1 is named twice: name each chunk once, as given or as wanted"
    );
    assert_snapshot!(
        told(&[(0, 8), (1, 8), (4, 8)], &[(0, 8)]),
        @"chunk 0 is named twice: name each chunk once, as given or as wanted"
    );
    assert_snapshot!(
        told(&[(1, 8), (2, 7), (4, 8)], &[(0, 8)]),
        @"chunk 2 has 7 bytes: it should have 8 like the others"
    );
    assert_snapshot!(
        told(&[(1, 8), (2, 8), (4, 8)], &[(0, 9)]),
        @"chunk 0 has 9 bytes: it should have 8 like the others"
    );
    assert_snapshot!(
        told(&[(1, 8), (2, 8), (5, 8)], &[(0, 8)]),
        @"there is no chunk 5 in 3+2: its chunks are 0 to 4"
    );
    assert_snapshot!(told(&[(1, 8), (2, 8), (3, 8)], &[(0, 8)]), @"done");
    assert_snapshot!(told(&[(1, 8), (2, 8), (3, 8)], &[]), @"done");
}

#[test]
fn a_recovery_in_place_that_cannot_be_says_why() {
    let told = |lost: &[usize], parity: &[(usize, &[u8])]| {
        let result = Codec::new(code(3, 2)).recover(&mut [0; 12], lost, parity);
        result.unwrap_err().to_string()
    };
    assert_snapshot!(
        told(&[3], &[]),
        @"chunk 3 of 3+2 is not data: its data chunks are 0 to 2, and the others parity"
    );
    assert_snapshot!(
        told(&[0], &[(1, &[0; 4])]),
        @"chunk 1 of 3+2 is not parity: its data chunks are 0 to 2, and the others parity"
    );
    assert_snapshot!(
        told(&[0, 1], &[(3, &[0; 4])]),
        @"2 chunks are not enough: 3+2 needs any 3 of its 5"
    );
    assert_snapshot!(
        told(&[0], &[(3, &[0; 5])]),
        @"chunk 3 has 5 bytes: it should have 4 like the others"
    );
}

#[test]
fn an_encoding_that_cannot_be_says_why() {
    let codec = Codec::new(code(3, 2));
    let told = |lengths: &[usize]| {
        let mut room = vec![vec![0; 20]; lengths.len()];
        let mut parity: Vec<&mut [u8]> =
            room.iter_mut().zip(lengths).map(|(it, len)| &mut it[..*len]).collect();
        codec.encode(&[0; 10], &mut parity).unwrap_err().to_string()
    };
    assert_snapshot!(told(&[4]), @"1 parity chunks were given: 3+2 has 2");
    assert_snapshot!(told(&[4, 3]), @"chunk 4 has 3 bytes: it should have 4 like the others");
    let few = codec.verify(&[&[0; 4][..]; 2], &[&[0; 4][..]; 2]).unwrap_err();
    assert_snapshot!(few, @"2 data chunks were given: 3+2 has 3");
}
