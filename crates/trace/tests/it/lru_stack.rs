//! LRU caches of any size over one look at the trace are those replayed one by one.

use policy::EvictionPolicy;
use proptest::prelude::*;
use trace::{LruStack, miss_counts};
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
}
