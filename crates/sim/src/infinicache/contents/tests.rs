//! What is left of chunks when instances copy each other and are taken back.

use proptest::prelude::*;

use super::*;

const NODE: NodeId = NodeId(0);

/// Copies to `to` what it lacks of what `from` holds, up to so many chunks; how many bytes that
/// were.
fn sync(contents: &mut Contents, from: Slot, to: Slot, n_chunks_max: usize) -> u64 {
    let missing = contents.difference(NODE, from, to).take(n_chunks_max);
    let missing: Vec<(ChunkId, Bytes)> = missing.collect();
    for (chunk, _) in &missing {
        contents.copy(*chunk, NODE, from, to);
    }
    missing.iter().map(|(_, size)| size.get()).sum()
}

/// Plays `script` on one node with chunks of 1, 2, 4, 8 bytes called a, b, c, d: `+a0` stores in
/// instance 0, `?a` reads, `!a` drops all copies, `-a` deletes, `sync01` copies from 0 to 1 (and
/// `one01` a single chunk), `lose0` takes 0 back. Checks the chunks that instance 0 and instance 1
/// then hold and the bytes that each sync moved.
#[track_caller]
fn check(script: &str, held: [&str; 2], moved: &[u64]) {
    let mut contents = Contents::new(1, 0, 1);
    let blocks: Vec<BlockId> = (0..4)
        .map(|it| contents.place(ObjectId(it), Bytes::new(1 << it), std::iter::once(NODE)))
        .collect();
    let mut seen = Vec::new();
    for word in script.split_whitespace() {
        let slot = |from_end: usize| word.as_bytes()[word.len() - from_end] - b'0';
        let block = || blocks[usize::from(word.as_bytes()[1] - b'a')];
        match word {
            _ if word.starts_with("sync") => seen.push(sync(&mut contents, slot(2), slot(1), 4)),
            _ if word.starts_with("one") => seen.push(sync(&mut contents, slot(2), slot(1), 1)),
            _ if word.starts_with('?') => contents.touch(block(), 0),
            _ if word.starts_with("lose") => _ = contents.lose(NODE, slot(1)),
            _ if word.starts_with('!') => contents.drop_copies(block()),
            _ if word.starts_with('+') => contents.store(block(), 0, Slots::one(slot(1))),
            _ => contents.delete(block(), 0),
        }
    }
    let names = ["a", "b", "c", "d"];
    let now = [0, 1].map(|slot| {
        let is_held = |it: &usize| contents.is_held(blocks[*it], 0, slot);
        (0..4).filter(is_held).map(|it| names[it]).collect::<String>()
    });
    assert_eq!((now, seen.as_slice()), (held.map(str::to_owned), moved), "{script}");
    contents.books().check();
}

#[test]
fn what_a_replica_has_outlives_the_primary() {
    check("+a0 +b0 lose0", ["", ""], &[]);
    check("+a0 +b0 sync01 +c0 lose0", ["", "ab"], &[3]);
    check("+a0 +b0 sync01 +c0 sync01 lose0", ["", "abc"], &[3, 4]);
    check("+a0 sync01 lose0 +b1 lose1", ["", ""], &[1]);
    check("+a0 sync01 lose0 sync10 +b1 lose1", ["a", ""], &[1, 1]);
    check("+a0 sync01 lose1 +b0 lose0", ["", ""], &[1]);
}

#[test]
fn only_what_is_missing_is_moved() {
    check("+a0 sync01 +a0 sync01", ["a", "a"], &[1, 0]);
    // The replica, which has taken over, keeps what it stored while the other was away.
    check("+a0 sync01 +b1 +c0 sync10", ["abc", "ab"], &[1, 2]);
}

#[test]
fn what_was_used_last_is_moved_first() {
    check("+a0 +b0 one01 lose0", ["", "b"], &[2]);
    check("+a0 +b0 ?a one01 lose0", ["", "a"], &[1]);
    check("+a0 +b0 +c0 ?b ?b one01 +a0 one01 lose0", ["", "ab"], &[2, 1]);
}

#[test]
fn a_deleted_chunk_does_not_come_back() {
    check("+a0 +b0 sync01 -a lose0", ["", "b"], &[3]);
    check("+a0 -a -a sync01", ["", ""], &[0]);
}

#[test]
fn an_older_version_serves_nobody() {
    // Without the drop, what instance 0 had before would stand in.
    check("+a0 +b0 sync01 +a1 lose1", ["ab", ""], &[3]);
    check("+a0 +b0 sync01 !a +a1 lose1", ["b", ""], &[3]);
    check("+a0 +b0 sync01 !a +a1 sync10 lose1", ["ab", ""], &[3, 1]);
    check("+a0 !a !a lose0", ["", ""], &[]);
}

#[test]
fn another_size_counts_from_the_next_store_on() {
    let mut contents = Contents::new(1, 0, 1);
    let block = contents.place(ObjectId(0), Bytes::new(10), std::iter::once(NODE));
    contents.store(block, 0, Slots::one(0));
    contents.resize(block, Bytes::new(3));
    assert_eq!(contents.stored_size(block, 0), Bytes::new(10));
    contents.store(block, 0, Slots::one(0));
    assert_eq!(contents.stored_size(block, 0), Bytes::new(3));
    let Books { placed, held, overwritten, .. } = contents.books();
    let expect = [13, 3, 10].map(Bytes::new);
    assert_eq!([placed, held, overwritten], expect);
}

#[test]
fn a_released_block_is_used_again() {
    let mut contents = Contents::new(2, 1, 2);
    let nodes = || [NodeId(0), NodeId(1)].into_iter();
    let first = contents.place(ObjectId(0), Bytes::new(5), nodes());
    contents.retain(first);
    contents.release(first);
    let second = contents.place(ObjectId(1), Bytes::new(6), nodes());
    assert_ne!(first, second);
    contents.release(first);
    assert_eq!(contents.place(ObjectId(2), Bytes::new(7), nodes()), first);
    assert_eq!(contents.object(first), ObjectId(2));
}

#[test]
fn an_object_is_lost_with_one_chunk_more_than_its_parity() {
    let mut contents = Contents::new(3, 1, 3);
    let block = contents.place(ObjectId(0), Bytes::new(5), (0..3).map(NodeId));
    for chunk in 0..3 {
        contents.store(block, chunk, Slots::one(0));
    }
    assert_eq!((contents.lose(NodeId(0), 0), contents.n_intact()), (0, 1));
    assert_eq!((contents.lose(NodeId(1), 0), contents.n_intact()), (1, 0));
    assert_eq!((contents.lose(NodeId(2), 0), contents.n_intact()), (0, 0));
    contents.store(block, 1, Slots::one(0));
    contents.store(block, 0, Slots::one(0));
    assert_eq!(contents.n_intact(), 1);
    contents.retire(block);
    assert_eq!((contents.lose(NodeId(0), 0), contents.n_intact()), (0, 0));
}

proptest! {
    #[test]
    fn the_books_balance(steps in prop::collection::vec((0..8_u32, 0..10_u8, 0..3_u8), 1..200)) {
        let mut contents = Contents::new(2, 1, 4);
        let blocks: Vec<BlockId> = (0..8)
            .map(|it| {
                let nodes = [NodeId(it % 4), NodeId((it + 1) % 4)].into_iter();
                contents.place(ObjectId(it), Bytes::new(u64::from(it) + 1), nodes)
            })
            .collect();
        for (index, verb, slot) in steps {
            let (block, node) = (blocks[index as usize], NodeId(index % 4));
            let next = (slot + 1) % 3;
            match verb {
                0..2 => contents.store(block, u32::from(verb), Slots::one(slot)),
                2..4 => contents.store(block, u32::from(verb % 2), Slots::one(slot).and(next)),
                4 => contents.delete(block, 0),
                5 => contents.delete(block, 1),
                6 | 7 => _ = contents.lose(node, slot),
                8 => contents.resize(block, Bytes::new(u64::from(index) * 3)),
                _ => {
                    let missing: Vec<_> = contents.difference(node, slot, next).collect();
                    for (chunk, _) in missing {
                        contents.copy(chunk, node, slot, next);
                    }
                    prop_assert_eq!(contents.difference(node, slot, next).count(), 0);
                }
            }
            let is_held = |block, chunk| (0..3).any(|it| contents.is_held(block, chunk, it));
            let held: Bytes = blocks
                .iter()
                .flat_map(|it| [(*it, 0), (*it, 1)])
                .filter(|(block, chunk)| is_held(*block, *chunk))
                .map(|(block, chunk)| contents.stored_size(block, chunk))
                .sum();
            prop_assert_eq!(contents.books().held, held);
            contents.books().check();
        }
    }
}
