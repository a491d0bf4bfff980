//! Victims by script, and laws that hold for every policy.

use proptest::prelude::*;
use units::{Bytes, ObjectId, Op, Request, Time};

use super::{Access, EvictionPolicy, next_uses};
use crate::ObjectCache;

/// Plays `script` ("+" inserts, "!" reads, "-" removes, one letter each) into a policy of
/// capacity 10 with objects of size 1, and checks the order in which it would evict.
#[track_caller]
fn check(policy: EvictionPolicy, script: &str, expect: &str) {
    let mut evict = policy.build(26, Bytes::new(10));
    for word in script.split_whitespace() {
        let (verb, name) = word.split_at(1);
        let object = ObjectId(u32::from(name.as_bytes()[0] - b'a'));
        let access = Access { object, size: Bytes::new(1), next_use: Access::NEVER };
        match verb {
            "+" => evict.insert(access),
            "!" => evict.touch(access),
            "-" => evict.remove(object),
            _ => panic!("no verb {verb:?}"),
        }
    }
    let victims: String = std::iter::from_fn(|| evict.evict())
        .map(|it| char::from(b'a' + u8::try_from(it.0).unwrap()))
        .collect();
    assert_eq!(victims, expect, "{policy}");
}

#[test]
fn each_policy_evicts_in_its_order() {
    check(EvictionPolicy::Lru, "+a +b +c +d !a !c -b", "dac");
    check(EvictionPolicy::Fifo, "+a +b +c +d !a !c -b", "acd");
    check(EvictionPolicy::Clock, "+a +b +c +d !a !c -b", "dac");
    check(EvictionPolicy::Lfu, "+a +b +c +d !a !a !c !d -b", "cda");
    check(EvictionPolicy::Sieve, "+a +b +c +d !a !c -b", "dac");
    check(EvictionPolicy::S3Fifo, "+a +b +c +d !a !a !c -b", "cda");
}

#[test]
fn an_empty_policy_evicts_nothing() {
    for policy in EvictionPolicy::ALL {
        check(policy, "", "");
        check(policy, "+a -a", "");
    }
}

#[test]
fn belady_evicts_what_is_read_furthest_away() {
    let mut evict = EvictionPolicy::Belady.build(3, Bytes::new(10));
    for (object, next_use) in [(0, 7), (1, Access::NEVER), (2, 9)] {
        evict.insert(Access { object: ObjectId(object), size: Bytes::new(1), next_use });
    }
    evict.touch(Access { object: ObjectId(0), size: Bytes::new(1), next_use: 11 });
    let victims: Vec<u32> = std::iter::from_fn(|| evict.evict()).map(|it| it.0).collect();
    assert_eq!(victims, [1, 0, 2]);
}

#[test]
fn names_read_back() {
    for policy in EvictionPolicy::ALL {
        assert_eq!(policy.name().parse(), Ok(policy));
    }
    assert!("mru".parse::<EvictionPolicy>().is_err());
}

/// Hits of a random trace of GETs, checking the books of the cache on every step.
fn replay(policy: EvictionPolicy, objects: &[(u32, u64)], capacity: u64) -> u64 {
    let requests: Vec<Request> = objects
        .iter()
        .map(|(object, _)| Request {
            at: Time::START,
            size: Bytes::new(objects[*object as usize % objects.len()].1),
            object: ObjectId(*object),
            op: Op::Get,
        })
        .collect();
    let next = next_uses(&requests, 32);
    let mut cache =
        ObjectCache::new(Bytes::new(capacity), 32, policy.build(32, Bytes::new(capacity)));
    let mut resident = std::collections::BTreeMap::new();
    let mut n_hits = 0;
    for (request, next_use) in requests.iter().zip(next) {
        let access = Access { object: request.object, size: request.size, next_use };
        let is_hit = cache.get(access);
        assert_eq!(is_hit, resident.contains_key(&request.object));
        if is_hit {
            n_hits += 1;
        } else if cache.admit(access, |victim| assert!(resident.remove(&victim).is_some())) {
            resident.insert(request.object, request.size);
        }
        assert_eq!(cache.used(), resident.values().copied().sum());
        assert!(cache.used() <= Bytes::new(capacity));
    }
    n_hits
}

proptest! {
    #[test]
    fn every_policy_keeps_the_books(
        objects in prop::collection::vec((0..32_u32, 0..5_u64), 1..200),
        capacity in 0..20_u64,
    ) {
        for policy in EvictionPolicy::ALL {
            replay(policy, &objects, capacity);
        }
    }

    #[test]
    fn with_one_size_nothing_beats_belady(
        objects in prop::collection::vec((0..32_u32, 1..2_u64), 1..200),
        capacity in 1..20_u64,
    ) {
        let bound = replay(EvictionPolicy::Belady, &objects, capacity);
        for policy in EvictionPolicy::ALL {
            prop_assert!(replay(policy, &objects, capacity) <= bound, "{}", policy);
        }
    }

    #[test]
    fn with_one_size_more_room_never_costs_lru_a_hit(
        objects in prop::collection::vec((0..32_u32, 1..2_u64), 1..200),
        capacity in 1..20_u64,
    ) {
        let less = replay(EvictionPolicy::Lru, &objects, capacity);
        let more = replay(EvictionPolicy::Lru, &objects, capacity + 1);
        prop_assert!(less <= more);
    }
}
