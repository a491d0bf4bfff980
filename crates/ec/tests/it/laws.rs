//! What holds for every code, every loss and every length.

use ec::{Code, Codec, CpuPath, Engine, Leopard, Native};
use proptest::prelude::*;

use crate::{chunks, code, object};

/// Loses the chunks whose bits are set, and sees all of them come back: in place, by chunk, and
/// by columns.
#[track_caller]
fn check<E: Engine>(codec: &Codec<E>, object: &[u8], is_lost: impl Fn(usize) -> bool) {
    let code = codec.code();
    let name = codec.engine().name();
    let all = chunks(codec, object);
    let views: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    let (data, parity) = views.split_at(code.n_data());
    assert_eq!(codec.verify(data, parity), Ok(true), "{name} {code}");
    let lost: Vec<usize> = (0..code.n_chunks()).filter(|it| is_lost(*it)).collect();
    let given: Vec<(usize, &[u8])> =
        (0..code.n_chunks()).filter(|it| !is_lost(*it)).map(|it| (it, views[it])).collect();

    let mut rebuilt = vec![vec![0xAA; data[0].len()]; lost.len()];
    let mut wanted: Vec<(usize, &mut [u8])> =
        lost.iter().copied().zip(rebuilt.iter_mut().map(Vec::as_mut_slice)).collect();
    codec.reconstruct(&given, &mut wanted).unwrap();
    for (index, chunk) in wanted {
        assert_eq!(chunk, views[index], "{name} {code}, {lost:?} of {} bytes", object.len());
    }

    let mut in_place = object.to_vec();
    let lost_data: Vec<usize> = lost.iter().copied().filter(|it| *it < code.n_data()).collect();
    for index in &lost_data {
        in_place[code.data_range(*index, object.len())].fill(0xAA);
    }
    let n_intact = code.n_data() - lost_data.len();
    codec.recover(&mut in_place, &lost_data, &given[n_intact..]).unwrap();
    assert_eq!(in_place, object, "{name} {code}, {lost:?} of {} bytes", object.len());
}

/// Lengths where padding, lanes and steps begin and end.
fn lengths(code: Code) -> Vec<usize> {
    let n_data = code.n_data();
    let mut lengths = vec![0, 1, n_data - 1, n_data, n_data + 1];
    lengths.extend([15, 16, 63, 64, 65, 127, 255, 256, 257, 300].map(|it| it * n_data));
    lengths.extend([17, 64, 100, 256].map(|it| (it * n_data).saturating_sub(1)));
    lengths
}

fn every_loss(n_chunks: std::ops::RangeInclusive<usize>, check: impl Fn(Code, usize, u32)) {
    for n_chunks in n_chunks {
        for n_data in 1..=n_chunks {
            let code = code(n_data, n_chunks - n_data);
            let lengths = lengths(code);
            let losses = (0..1_u32 << n_chunks)
                .filter(|it| usize::try_from(it.count_ones()).unwrap() <= code.n_parity());
            for (loss, n_bytes) in losses.zip(lengths.iter().cycle()) {
                check(code, *n_bytes, loss);
            }
        }
    }
}

/// Interpreted, everything takes a thousand times longer.
const N_CHUNKS_MAX: usize = if cfg!(miri) { 4 } else { 12 };

#[test]
fn every_loss_of_up_to_12_chunks_is_made_good_on_every_path() {
    let object = object(20_000);
    for path in CpuPath::available() {
        every_loss(1..=N_CHUNKS_MAX, |code, n_bytes, loss| {
            let codec = Codec::with_engine(Native::on(path, code));
            check(&codec, &object[..n_bytes], |it| loss >> it & 1 == 1);
        });
    }
}

#[test]

fn the_judge_makes_good_the_same_losses() {
    if cfg!(miri) {
        return;
    }
    let object = object(20_000);
    every_loss(1..=10, |code, n_bytes, loss| {
        if 0 < code.n_parity() {
            let codec = Codec::with_engine(Leopard::new(code));
            check(&codec, &object[..n_bytes], |it| loss >> it & 1 == 1);
        }
    });
}

#[test]
fn every_length_up_to_several_lanes_is_coded() {
    let object = object(1200);
    for code in [code(1, 1), code(3, 2), code(5, 4), code(10, 2)] {
        let codec = Codec::new(code);
        for n_bytes in (0..object.len()).step_by(if cfg!(miri) { 97 } else { 1 }) {
            check(&codec, &object[..n_bytes], |it| it < code.n_parity());
        }
    }
}

#[test]
fn a_large_object_is_coded_the_same_past_the_caches() {
    if cfg!(miri) {
        return;
    }
    let object = object((17 << 20) + 13);
    for code in [code(10, 2), code(10, 4), code(4, 1)] {
        let portable = CpuPath::available().last().copied().unwrap();
        let expect = chunks(&Codec::with_engine(Native::on(portable, code)), &object);
        for path in CpuPath::available() {
            let codec = Codec::with_engine(Native::on(path, code));
            assert!(chunks(&codec, &object) == expect, "{code} on {path:?}");
            check(&codec, &object, |it| it < code.n_parity());
        }
    }
}

#[test]
fn a_change_of_any_byte_fails_the_verification() {
    let code = code(4, 2);
    let codec = Codec::new(code);
    let n_bytes = if cfg!(miri) { 400 } else { 100_000 };
    let mut all = chunks(&codec, &object(n_bytes));
    let chunk_len = all[0].len();
    for (index, at) in [(0, 0), (3, chunk_len - 1), (4, chunk_len / 2), (5, chunk_len - 1)] {
        all[index][at] ^= 1;
        let views: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
        assert_eq!(codec.verify(&views[..4], &views[4..]), Ok(false));
        all[index][at] ^= 1;
    }
}

fn codes() -> impl Strategy<Value = Code> {
    (1..=255_usize).prop_flat_map(|n_chunks| {
        (1..=n_chunks).prop_map(move |n_data| code(n_data, n_chunks - n_data))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 200 }))]

    #[test]
    fn any_loss_of_any_code_is_made_good(
        code in codes(),
        n_bytes in 0..20_000_usize,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..=254),
    ) {
        let mut left: Vec<usize> = (0..code.n_chunks()).collect();
        let picks = picks.iter().take(code.n_parity());
        let lost: Vec<usize> = picks.map(|it| left.swap_remove(it.index(left.len()))).collect();
        let n_bytes = if cfg!(miri) { n_bytes % 500 } else { n_bytes };
        let object = object(n_bytes);
        check(&Codec::new(code), &object, |it| lost.contains(&it));
        if 0 < code.n_parity() && !cfg!(miri) {
            check(&Codec::with_engine(Leopard::new(code)), &object, |it| lost.contains(&it));
        }
    }

    #[test]
    fn all_paths_make_the_same_parity(code in codes(), n_bytes in 0..20_000_usize) {
        let object = object(if cfg!(miri) { n_bytes % 500 } else { n_bytes });
        let expect = chunks(&Codec::new(code), &object);
        for path in CpuPath::available() {
            prop_assert_eq!(&chunks(&Codec::with_engine(Native::on(path, code)), &object), &expect);
        }
    }

    #[test]
    fn any_columns_can_be_coded_by_themselves(start in 0..300_usize, len in 0..300_usize) {
        let codec = Codec::new(code(5, 3));
        let all = chunks(&codec, &object(3000));
        let columns: Vec<&[u8]> = all.iter().map(|it| &it[start..start + len]).collect();
        let mut parity = vec![vec![0; len]; 3];
        let mut rows: Vec<&mut [u8]> = parity.iter_mut().map(Vec::as_mut_slice).collect();
        codec.encode_chunks(&columns[..5], &mut rows).unwrap();
        prop_assert_eq!(parity, &columns[5..]);
    }
}
