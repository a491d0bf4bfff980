//! Samples: of a trace that is held, and drawn while one is read.

use proptest::prelude::*;
use trace::{
    Format, ReadOptions, Sample, SampleSize, Selection, TraceError, Whole, read_sample, sample,
};
use units::{Bytes, Nanos};

use crate::{notes, oracle_record, read, read_text, shown};

/// Everything that can be seen of a sample, or of why there is none.
type Seen = Result<(String, String, f64, Whole), String>;

fn seen(sample: Sample) -> (String, String, f64, Whole) {
    let Sample { trace, rate, whole } = sample;
    let text = format!("{}\n{:?} {:?}", shown(&trace), trace.asides().kinds(), trace.source());
    (text, notes(&trace), rate, whole)
}

/// A sample drawn while the files are read, and one of what was read.
fn both(
    files: &[&[u8]],
    options: &ReadOptions,
    selection: &Selection,
    size: SampleSize,
) -> (Seen, Seen) {
    let read_files = || files.iter().map(|it| ("t.csv".to_owned(), Ok(*it)));
    let drawn = read_sample("t", read_files(), options, selection, size, 1, &mut |_| ());
    let of_trace = |it: &TraceError| it.kind().to_string();
    let whole = trace::read_files("t", read_files(), options, &mut |_| ());
    let held = whole.map_err(|it| of_trace(&it)).and_then(|whole| {
        let selected = selection.apply(whole).map_err(|it| it.to_string())?;
        sample(selected, size, 1).map_err(|it| it.to_string())
    });
    (drawn.map(seen).map_err(|it| of_trace(&it)), held.map(seen))
}

fn sizes() -> impl Strategy<Value = SampleSize> {
    let rate = prop::sample::select(vec![1e-9, 0.01, 0.1, 0.5, 1.0]).prop_map(SampleSize::Rate);
    prop_oneof![rate, (1..100_u64).prop_map(SampleSize::Objects)]
}

/// Selections of some size at least; one of none is refused before anything is read.
fn selections() -> impl Strategy<Value = Selection> {
    let size = || prop::option::of((0..40_u64).prop_map(Bytes::new));
    (size(), prop::option::of(0..40_u64), size()).prop_map(|(min_size, more, clamp_size)| {
        let max_size = more.map(|it| min_size.unwrap_or_default() + Bytes::new(it));
        Selection { min_size, max_size, clamp_size, ..Selection::ALL }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_drawn_on_the_way_is_what_is_drawn_of_the_whole(
        rows in prop::collection::vec((0..500_u64, 0..9_000_u64, 0..40_u64, 0..40_usize), 1..1_500),
        n_first in 0..1_500_usize,
        is_in_order in any::<bool>(),
        has_ttls in any::<bool>(),
        selection in selections(),
        size in sizes(),
    ) {
        let header = format!("time,key,size,op{}\n", if has_ttls { ",ttl" } else { "" });
        let row = |(number, (time, key, size, other)): (usize, &(u64, u64, u64, usize))| {
            let time = if is_in_order { number as u64 } else { *time };
            let key = match key % 3 {
                0 => format!("{key}"),
                1 => format!("k{key}"),
                // More than is taken for a number.
                _ => format!("{}", u64::MAX - key),
            };
            let op = ["put", "delete"].get(*other).unwrap_or(&"get");
            let ttl = if !has_ttls { "" } else if *other < 3 { ",7" } else { "," };
            format!("{time},{key},{size},{op}{ttl}\n")
        };
        let rows: Vec<String> = rows.iter().enumerate().map(row).collect();
        let (first, second) = rows.split_at(n_first.min(rows.len()));
        let files = [first, second].map(|it| format!("{header}{}", it.concat()));
        let files = files.each_ref().map(String::as_bytes);
        let (drawn, held) = both(&files, &ReadOptions::DETECT, &selection, size);
        prop_assert_eq!(drawn, held);
    }

    #[test]
    fn of_packed_records_too(
        rows in prop::collection::vec((0..500_u32, 0..9_000_u64, 0..40_u32), 1..1_500),
        is_in_order in any::<bool>(),
        selection in selections(),
        size in sizes(),
    ) {
        let record = |(number, (time, key, size)): (u32, &(u32, u64, u32))| {
            let time = if is_in_order { number } else { *time };
            let key = if key % 100 == 0 { u64::MAX - key } else { *key };
            oracle_record(time, key, *size, -1)
        };
        let file: Vec<u8> = (0..).zip(&rows).flat_map(record).collect();
        let options = ReadOptions { format: Some(Format::OracleGeneral), ..ReadOptions::DETECT };
        let (drawn, held) = both(&[&file], &options, &selection, size);
        prop_assert_eq!(drawn, held);
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

#[test]
fn a_key_is_drawn_or_not_whatever_the_format() {
    let numbers = 0..1_000_u64;
    let rows: Vec<String> = numbers.clone().map(|it| format!("{it},{it},5\n")).collect();
    let text = rows.concat();
    let mixed = format!("time,key,size\n0,word,5\n{text}");
    let packed: Vec<u8> = numbers.flat_map(|it| oracle_record(0, it, 5, -1)).collect();
    let options = ReadOptions { format: Some(Format::OracleGeneral), ..ReadOptions::DETECT };
    let traces = [
        read_text(&format!("time,key,size\n{text}")),
        read_text(&mixed),
        read(&packed, &options).unwrap(),
    ];
    let [plain, mixed, packed] = traces.map(|it| {
        let sample = sample(it, SampleSize::Rate(0.1), 7).unwrap();
        let keys = sample.trace.rows().map(|it| String::from_utf8(it.key.to_vec()).unwrap());
        keys.filter(|it| it != "word").collect::<Vec<_>>()
    });
    assert!((80..120).contains(&plain.len()), "{} of 1000 by a rate of 0.1", plain.len());
    assert_eq!(plain, mixed);
    assert_eq!(plain, packed);
}

#[test]
fn hours_are_not_selected_on_the_way() {
    let selection = Selection { hours: Some(Nanos::SECOND), ..Selection::ALL };
    let draw = || {
        let file: &[u8] = b"time,key,size\n1,a,2\n";
        both(&[file], &ReadOptions::DETECT, &selection, SampleSize::Rate(1.0))
    };
    let panic = std::panic::catch_unwind(draw).unwrap_err();
    let said = panic.downcast_ref::<&str>().unwrap();
    assert_eq!(*said, "a sample of some hours is drawn of a trace that is held");
}

#[test]
fn the_gaps_of_a_sample_are_not_those_of_the_trace() {
    // Something is asked for every day, and the same again after 60 of them.
    let rows = (0..120).map(|day| format!("{},k{},5\n", day * 86_400, day % 60));
    let text = format!("time_s,key,size\n{}", rows.collect::<String>());
    let files = || [("t.csv".to_owned(), Ok(text.as_bytes()))];
    let (detect, all) = (&ReadOptions::DETECT, &Selection::ALL);
    let draw = |size| read_sample("t", files(), detect, all, size, 1, &mut |_| ()).unwrap();
    // At the rate of one object no other is kept on the way.
    let drawn = draw(SampleSize::Rate(draw(SampleSize::Objects(1)).rate)).trace;
    assert_eq!(drawn.requests().len(), 2);
    assert!(!notes(&drawn).contains("without a request"), "{}", notes(&drawn));
}
