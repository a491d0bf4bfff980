//! Parts of traces.

use trace::{Selection, SelectionError};
use units::{Bytes, Nanos, ObjectId};

use crate::{folded, notes, read_text, shown};

const TEXT: &str = "time,key,size\n10,a,5\n11,b,100\n12,a,5\n13,c,30\n14,d,0\n15,b,100\n";
const ALL: Selection = Selection::ALL;

fn select(selection: Selection) -> Result<(String, String), SelectionError> {
    let trace = selection.apply(read_text(TEXT))?;
    let n_named = trace.requests().iter().map(|it| it.object.index() + 1).max().unwrap();
    assert_eq!(n_named, trace.n_objects(), "ids are dense");
    Ok((shown(&trace), notes(&trace)))
}

#[track_caller]
fn check(selection: Selection, rows: &str, note: &str) {
    let zero = "1 request is for an object of 0 bytes (first at line 6): kept\n";
    let (found_rows, found_notes) = select(selection).unwrap();
    assert_eq!(found_rows.replace('\n', ", "), rows);
    assert_eq!(found_notes.strip_prefix(zero.trim_end()).unwrap().trim_start(), note);
}

#[test]
fn each_part_keeps_the_time_of_the_source() {
    let all = "0 a 5 get, 1 b 100 get, 2 a 5 get, 3 c 30 get, 4 d 0 get, 5 b 100 get";
    check(ALL, all, "");
    check(
        Selection { hours: Some(Nanos::SECOND * 2), ..ALL },
        "0 a 5 get, 1 b 100 get",
        "4 requests after the first 2s dropped",
    );
    check(
        Selection { min_size: Some(Bytes::new(30)), ..ALL },
        "1 b 100 get, 3 c 30 get, 5 b 100 get",
        "3 requests of less than 30 B dropped",
    );
    check(
        Selection { max_size: Some(Bytes::new(30)), ..ALL },
        "0 a 5 get, 2 a 5 get, 3 c 30 get, 4 d 0 get",
        "2 requests of more than 30 B dropped",
    );
    check(
        Selection { clamp_size: Some(Bytes::new(30)), ..ALL },
        "0 a 5 get, 1 b 30 get, 2 a 5 get, 3 c 30 get, 4 d 0 get, 5 b 30 get",
        "2 requests of more than 30 B taken as 30 B",
    );
    check(
        Selection {
            min_size: Some(Bytes::new(50)),
            clamp_size: Some(Bytes::new(10)),
            hours: Some(Nanos::SECOND * 5),
            ..ALL
        },
        "1 b 10 get",
        "1 request after the first 5s dropped\n4 requests of less than 50 B dropped\n\
         1 request of more than 10 B taken as 10 B",
    );
}

#[test]
fn a_delete_stays_as_it_is_whatever_sizes_are_selected() {
    #[track_caller]
    fn check(selection: Selection, expect: &str) {
        let text = "time,key,size,op\n0,a,20,get\n1,a,,delete\n2,b,90,delete\n3,c,9,put\n\
                    4,c,9,delete\n5,a,20,get\n";
        let found = selection.apply(read_text(text)).map(|it| shown(&it).replace('\n', ", "));
        assert_eq!(found.unwrap_or_else(|it| it.to_string()), expect);
    }
    let size = |it: u64| Some(Bytes::new(it));
    check(
        Selection { min_size: size(10), ..ALL },
        "0 a 20 get, 1 a 0 delete, 2 b 90 delete, 4 c 9 delete, 5 a 20 get",
    );
    check(
        Selection { max_size: size(10), clamp_size: size(5), ..ALL },
        "1 a 0 delete, 2 b 90 delete, 3 c 5 put, 4 c 9 delete",
    );
    check(
        Selection {
            scale_size: Some("0.5:1B".parse().unwrap()),
            hours: Some(Nanos::SECOND * 3),
            ..ALL
        },
        "0 a 10 get, 1 a 0 delete, 2 b 90 delete",
    );
    check(
        Selection { min_size: size(30), ..ALL },
        "none of the 6 requests is left (3 requests of less than 30 B dropped; the others are \
         DELETEs: 3); select less narrowly",
    );
}

#[test]
fn ids_and_hash_are_those_of_what_is_left() {
    let selection = Selection { min_size: Some(Bytes::new(30)), ..ALL };
    let part = selection.apply(read_text(TEXT)).unwrap();
    assert_eq!(*part.key(ObjectId(0)), *b"b");
    assert_eq!(part.key_hash(ObjectId(1)), twox_hash::XxHash64::oneshot(0, b"c"));
    assert_ne!(part.hash(), read_text(TEXT).hash());
    assert_eq!(ALL.apply(read_text(TEXT)).unwrap().hash(), read_text(TEXT).hash());
    assert_eq!(part.unique_bytes(), Bytes::new(130));
}

#[test]
fn a_selection_of_nothing_is_an_error() {
    let error = |selection| folded(&select(selection).unwrap_err().to_string());
    insta::assert_snapshot!(error(Selection { min_size: Some(Bytes::new(101)), ..ALL }), @"
    none of the 6 requests is left (6 requests of less than 101 B dropped); select
    less narrowly
    ");
    insta::assert_snapshot!(
        error(Selection {
            min_size: Some(Bytes::new(6)),
            max_size: Some(Bytes::new(5)),
            ..ALL
        }),
        @"no size is at least 6 B and at most 5 B; raise `--max-size` above `--min-size`"
    );
}
