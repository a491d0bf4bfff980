//! Small pools worked out by hand, and the books of the placer as a law. The reference
//! implementation's verdicts on real traces are checked where traces can be read.

use proptest::prelude::*;
use units::{Bytes, NodeId, ObjectId};

use super::{Eviction, Lookup, NodePicker, Placed, Placement, Placer, PoolShape, keyed_picks};

fn pool(n_nodes: u32, n_chunks: u32, node_memory: u64) -> Placer {
    pool_that_evicts(Eviction::One, n_nodes, n_chunks, node_memory)
}

fn pool_that_evicts(eviction: Eviction, n_nodes: u32, n_chunks: u32, node_memory: u64) -> Placer {
    let shape = PoolShape {
        n_nodes,
        n_chunks,
        node_memory: Bytes::new(node_memory),
        node_overhead: Bytes::new(1),
        eviction,
    };
    Placer::new(shape, 26)
}

/// Plays `script` ("+" sets, "!" gets, "-" deletes what is cached and "~" what is
/// not, one letter each, every chunk of size 1, round robin) on two nodes of two chunks' room each,
/// and checks who is evicted by whom.
#[track_caller]
fn check(script: &str, expect: &str) {
    // A node is full when used + chunk reaches its memory: 1 + 2 x 1 < 4.
    let mut placer = pool(2, 2, 4);
    let mut picker = NodePicker::new(Placement::RoundRobin, 2);
    let mut said = Vec::new();
    for word in script.split_whitespace() {
        let (verb, name) = word.split_at(1);
        let object = ObjectId(u32::from(name.as_bytes()[0] - b'a'));
        match verb {
            "+" => {
                let asked = picker.pick(2, std::iter::empty()).to_vec();
                match placer.set(object, Bytes::new(1), &asked) {
                    Placed::New { evicted: None } => {}
                    Placed::New { evicted: Some(it) } => {
                        let victim = char::from(b'a' + u8::try_from(it.0).unwrap());
                        said.push(format!("{name}>{victim}"));
                    }
                    Placed::Again => said.push(format!("{name}=")),
                    Placed::NoRoom => said.push(format!("{name}?")),
                    Placed::Outgrown => said.push(format!("{name}!")),
                }
            }
            "!" => match placer.get(object) {
                Lookup::Cached => {}
                Lookup::Unknown => said.push(format!("{name} unknown")),
                Lookup::Evicted => said.push(format!("{name} evicted")),
            },
            "-" => assert!(placer.delete(object)),
            "~" => assert!(!placer.delete(object)),
            _ => panic!("no verb {verb:?}"),
        }
    }
    assert_eq!(said.join(", "), expect, "{script}");
}

#[test]
fn clock_evicts_what_was_not_visited() {
    // Both are visited on entering: the first pass clears them, the second takes the first.
    check("+a +b +c", "c>a");
    // c came into a's slot, which the hand has just passed: b is next, unless it was read.
    check("+a +b +c +d", "c>a, d>b");
    check("+a +b +c !b +d", "c>a, d>b");
    check("+a +b +c !b !a +a", "c>a, a evicted, a>b");
}

#[test]
fn a_cached_object_stays_where_it_is() {
    check("+a +a", "a=");
    check("!a", "a unknown");
    check("+a -a !a +a !a", "a unknown");
}

#[test]
fn a_forgotten_id_can_be_given_to_another_object() {
    let mut placer = pool(2, 2, 4);
    placer.grow(27);
    let (object, asked) = (ObjectId(26), [NodeId(0), NodeId(1)]);
    assert_eq!(placer.set(object, Bytes::new(2), &asked), Placed::New { evicted: None });
    assert!(placer.delete(object));
    assert_eq!(placer.get(object), Lookup::Unknown);
    // It is counted at its own size now, so two of it have room.
    for object in [object, ObjectId(0)] {
        assert_eq!(placer.set(object, Bytes::new(1), &asked), Placed::New { evicted: None });
    }
}

#[test]
fn what_cannot_fit_has_no_room() {
    let mut placer = pool(2, 2, 4);
    let asked = [NodeId(0), NodeId(1)];
    // Larger than the pool, and as large as a node that nothing can make way on.
    assert_eq!(placer.set(ObjectId(0), Bytes::new(4), &asked), Placed::NoRoom);
    assert_eq!(placer.set(ObjectId(1), Bytes::new(3), &asked), Placed::NoRoom);
    assert_eq!(placer.set(ObjectId(2), Bytes::new(2), &asked), Placed::New { evicted: None });
    assert_eq!(placer.set(ObjectId(2), Bytes::new(3), &asked), Placed::Again);
    assert_eq!(placer.set(ObjectId(2), Bytes::new(4), &asked), Placed::Outgrown);
    assert_eq!(placer.get(ObjectId(2)), Lookup::Unknown);
}

#[test]
fn a_large_newcomer_overcommits_its_victims_nodes() {
    let mut placer = pool(2, 2, 4);
    let asked = [NodeId(0), NodeId(1)];
    for object in [0, 1] {
        placer.set(ObjectId(object), Bytes::new(1), &asked);
    }
    let second = Placed::New { evicted: Some(ObjectId(0)) };
    assert_eq!(placer.set(ObjectId(2), Bytes::new(2), &asked), second);
    assert_eq!(placer.overcommitted_max(), Bytes::ZERO);
    let third = Placed::New { evicted: Some(ObjectId(1)) };
    assert_eq!(placer.set(ObjectId(3), Bytes::new(2), &asked), third);
    assert_eq!(placer.overcommitted_max(), Bytes::new(1));
}

/// Plays `steps` (an object, and the size of its chunks as it is set, or nothing as it is deleted)
/// on two nodes of ten bytes' room; every object has a chunk on either. Checks what is counted on
/// each in the end, and by how much what it held ever was more than its memory.
#[track_caller]
fn check_books(steps: &[(u32, Option<u64>)], counted: u64, over: u64) {
    let mut placer = pool(2, 2, 11);
    for (object, chunk_size) in steps {
        let object = ObjectId(*object);
        match chunk_size {
            Some(it) => _ = placer.set(object, Bytes::new(*it), &[NodeId(0), NodeId(1)]),
            None => _ = placer.delete(object),
        }
    }
    assert_eq!(placer.used, [Bytes::new(1 + counted); 2], "{steps:?}");
    assert_eq!(placer.overcommitted_max(), Bytes::new(over), "{steps:?}");
}

/// As in the reference; but what is held beyond the memory is told.
#[test]
fn what_is_written_again_stays_counted_as_it_was_first() {
    check_books(&[(0, Some(2)), (1, Some(2)), (0, Some(8))], 4, 0);
    check_books(&[(0, Some(2)), (1, Some(2)), (0, Some(10))], 4, 2);
    check_books(&[(0, Some(2)), (1, Some(2)), (0, Some(10)), (0, Some(1)), (1, Some(9))], 4, 2);
    // The third evicts the first, which comes back and evicts the second.
    let evicted = [(0, Some(2)), (1, Some(7)), (2, Some(1))];
    check_books(&evicted, 8, 0);
    check_books(&[&evicted[..], &[(0, Some(9))]].concat(), 3, 0);
    check_books(&[&evicted[..], &[(0, Some(10))]].concat(), 3, 1);
}

#[test]
fn what_was_deleted_is_new_when_it_comes_back() {
    check_books(&[(0, Some(2)), (0, None)], 0, 0);
    check_books(&[(0, Some(2)), (0, None), (0, Some(9))], 9, 0);
    check_books(&[(0, Some(9)), (0, None), (0, Some(2)), (1, Some(7))], 9, 0);
    // Evicted before, it is no longer known either.
    let evicted = [(0, Some(2)), (1, Some(7)), (2, Some(1)), (0, None)];
    check_books(&[&evicted[..], &[(0, Some(9))]].concat(), 10, 0);
    check("+a +b +c !a +d", "c>a, a evicted, d>b");
    check("+a +b +c ~a !a +d", "c>a, a unknown, d>b");
}

#[test]
fn enough_objects_make_way_where_asked() {
    // Five nodes of three bytes' room; the chunks of 0 to 4 are of one byte each.
    let mut placer = pool_that_evicts(Eviction::Enough, 5, 3, 5);
    let nodes = |first: u32| [0, 1, 2].map(|it| NodeId((first + it) % 5));
    for object in 0..5 {
        let outcome = placer.set(ObjectId(object), Bytes::new(1), &nodes(object));
        assert_eq!(outcome, Placed::New { evicted: None });
        assert_eq!(placer.evict_more(ObjectId(object)), None);
    }
    // Nodes 0, 1 and 2 are full. The first victim frees a byte of each, and each needs two more
    // of: 4 (on 0 and 1), 3 (on 0), 1 (on 1 and 2), 2 (on 2).
    let outcome = placer.set(ObjectId(5), Bytes::new(3), &nodes(0));
    assert_eq!(outcome, Placed::New { evicted: Some(ObjectId(0)) });
    let more: Vec<_> = std::iter::from_fn(|| placer.evict_more(ObjectId(5))).collect();
    assert_eq!(more, [1, 2, 3, 4].map(ObjectId));
    assert_eq!(placer.get(ObjectId(5)), Lookup::Cached);
    assert_eq!(placer.overcommitted_max(), Bytes::ZERO);
    // What is written again counts at its size of now, and so does what comes back.
    assert_eq!(placer.set(ObjectId(5), Bytes::new(1), &nodes(0)), Placed::Again);
    let back = placer.set(ObjectId(0), Bytes::new(2), &nodes(0));
    assert_eq!(back, Placed::New { evicted: None });
    assert_eq!(placer.set(ObjectId(0), Bytes::new(3), &nodes(0)), Placed::Again);
    assert_eq!(placer.evict_more(ObjectId(0)), Some(ObjectId(5)));
    assert_eq!(placer.evict_more(ObjectId(0)), None);
    // Nothing makes way for what has no room on an empty node.
    assert_eq!(placer.set(ObjectId(5), Bytes::new(4), &nodes(0)), Placed::NoRoom);
    assert_eq!(placer.set(ObjectId(0), Bytes::new(4), &nodes(0)), Placed::Outgrown);
}

proptest! {
    #[test]
    fn picks_are_distinct(
        n_nodes in 1..40_u32,
        picks in prop::collection::vec(any::<u64>(), 40),
        is_random: bool,
    ) {
        let placement = if is_random { Placement::Random } else { Placement::RoundRobin };
        let mut picker = NodePicker::new(placement, n_nodes);
        for n_chunks in 0..=n_nodes as usize {
            let mut nodes = picker.pick(n_chunks, picks.iter().copied()).to_vec();
            nodes.sort_unstable();
            nodes.dedup();
            prop_assert_eq!(nodes.len(), n_chunks);
            prop_assert!(nodes.iter().all(|it| it.0 < n_nodes));
        }
    }

    /// What is counted as used is what the cached objects hold, whatever happens.
    #[test]
    fn the_books_balance(
        steps in prop::collection::vec((0..26_u32, 0..6_u64, 0..5_u8), 1..300),
        node_memory in 2..30_u64,
        is_enough: bool,
    ) {
        let eviction = if is_enough { Eviction::Enough } else { Eviction::One };
        let mut placer = pool_that_evicts(eviction, 5, 3, node_memory);
        let mut picker = NodePicker::new(Placement::RoundRobin, 5);
        for (object, chunk_size, verb) in steps {
            let object = ObjectId(object);
            match verb {
                0 => { placer.delete(object); }
                1 => { placer.get(object); }
                _ => {
                    let asked = picker.pick(3, std::iter::empty()).to_vec();
                    let outcome = placer.set(object, Bytes::new(chunk_size), &asked);
                    let is_cached = matches!(outcome, Placed::New { .. } | Placed::Again);
                    while is_cached && let Some(victim) = placer.evict_more(object) {
                        prop_assert_eq!(placer.get(victim), Lookup::Evicted);
                    }
                }
            }
            let mut used = vec![Bytes::new(1); 5];
            let mut held = used.clone();
            for object in (0..26).map(ObjectId) {
                let it = placer.objects[object.index()];
                if it.state == super::State::Cached {
                    prop_assert_eq!(placer.clock.slots[it.slot as usize], Some(object));
                    let nodes = placer.nodes_of(object);
                    for node in nodes {
                        used[node.index()] += it.chunk_size;
                        held[node.index()] += it.written_size;
                    }
                    let is_distinct = (1..3).all(|it| !nodes[..it].contains(&nodes[it]));
                    prop_assert!(!is_enough || is_distinct, "{:?}", nodes);
                }
            }
            prop_assert_eq!(&placer.used, &used);
            prop_assert_eq!(&placer.held, &held);
            prop_assert!(!is_enough || used == held);
            // Slots that are left do not add up: 26 objects, as many empty ones, and one.
            prop_assert!(placer.clock.slots.len() <= 2 * 26 + 1);
            prop_assert!(!is_enough || used.iter().all(|it| it.get() < node_memory));
        }
    }
}

#[test]
fn a_keyed_placement_does_not_depend_on_what_came_before() {
    let pick =
        |picker: &mut NodePicker, key_hash| picker.pick(6, keyed_picks(key_hash, 7)).to_vec();
    let mut picker = NodePicker::new(Placement::Keyed, 12);
    let first: Vec<Vec<NodeId>> = (0..40).map(|it| pick(&mut picker, it)).collect();
    let again: Vec<Vec<NodeId>> = (0..40).rev().map(|it| pick(&mut picker, it)).collect();
    assert!(first.iter().eq(again.iter().rev()));
    // Every node is picked, and each about as often: 20 times of 40.
    for node in (0..12).map(NodeId) {
        let n_picked = first.iter().filter(|it| it.contains(&node)).count();
        assert!((8..33).contains(&n_picked), "{node:?}: {n_picked}");
    }
}
