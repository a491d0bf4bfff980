//! LRU caches of any size over one look at the trace are those replayed one by one.

use policy::EvictionPolicy;
use proptest::prelude::*;
use trace::{LruStack, SampleSize, miss_counts, sample};
use units::Bytes;

use crate::read_text;

proptest! {
    #[test]
    fn counts_are_those_of_a_replay(
        rows in prop::collection::vec((0..12_u64, 0..3_u64, 0..20_usize), 1..120),
        is_resized in any::<bool>(),
        is_plain in any::<bool>(),
    ) {
        let mut text = "time,key,size,op\n".to_owned();
        for (number, (key, resize, op)) in rows.iter().enumerate() {
            let size = (key * 7) % 11 + if is_resized { *resize } else { 0 };
            let op = match op {
                0 if !is_plain => "put",
                1 if !is_plain => "delete",
                _ => "get",
            };
            text.push_str(&format!("{number},{key},{size},{op}\n"));
        }
        let trace = read_text(&text);
        let stack = LruStack::new(&trace);
        for capacity in [0, 1, 3, 5, 8, 13, 21, 34, 55, 200].map(Bytes::new) {
            let expect = miss_counts(&trace, EvictionPolicy::Lru, capacity);
            prop_assert_eq!(stack.miss_counts(capacity), expect, "{} in\n{}", capacity, text);
        }
    }

    #[test]
    fn a_smaller_sample_is_a_part_of_a_larger_one(n_small in 1..40_u64, n_more in 0..40_u64) {
        let rows: Vec<String> = (0..400).map(|it| format!("{it},k{},5\n", it % 97)).collect();
        let rows = rows.concat();
        let draw = |n: u64| {
            let trace = read_text(&format!("time,key,size\n{rows}"));
            sample(trace, SampleSize::Objects(n), 3).unwrap()
        };
        let (small, large) = (draw(n_small), draw(n_small + n_more));
        prop_assert_eq!(small.trace.n_objects() as u64, n_small);
        prop_assert!(small.rate <= large.rate);
        let keys = |it: &trace::Trace| -> Vec<Vec<u8>> {
            it.rows().map(|row| row.key.to_vec()).collect()
        };
        let large_keys = keys(&large.trace);
        prop_assert!(keys(&small.trace).iter().all(|it| large_keys.contains(it)));
    }
}

#[test]
fn a_sample_keeps_whole_objects_and_their_times() {
    let trace = read_text("time,key,size\n0,a,1\n1,b,2\n2,a,1\n3,c,3\n4,b,2\n");
    let all = sample(trace.clone(), SampleSize::Rate(1.0), 1).unwrap();
    assert_eq!(all.trace.hash(), trace.hash());
    let one = sample(trace.clone(), SampleSize::Objects(1), 1).unwrap().trace;
    let key = one.rows().next().unwrap().key.to_vec();
    let expect: Vec<_> = trace.rows().filter(|it| *it.key == key[..]).map(|it| it.at).collect();
    assert_eq!(one.rows().map(|it| it.at).collect::<Vec<_>>(), expect);
    assert!(sample(trace, SampleSize::Rate(1e-12), 1).is_err());
}
