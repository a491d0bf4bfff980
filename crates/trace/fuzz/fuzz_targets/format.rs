//! Any bytes for one reader, by `FUZZ_FORMAT`; without it the first byte chooses one. What was read
//! is written in every format, and read back from those that hold all of it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trace::{Format, ReadOptions};

static ONLY: LazyLock<Option<Format>> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_FORMAT").ok()?;
    Some(name.parse().expect("FUZZ_FORMAT is a format"))
});

fuzz_target!(init: trace::quiet_caught_panics(), |bytes: &[u8]| {
    let (format, bytes) = match (*ONLY, bytes.split_first()) {
        (Some(format), _) => (Some(format), bytes),
        (None, None) => return,
        (None, Some((first, rest))) => {
            let names: Vec<&str> = Format::names().collect();
            (names[usize::from(*first) % names.len()].parse().ok(), rest)
        }
    };
    let options = ReadOptions { format, n_bad_max: 3, ..ReadOptions::DETECT };
    let Ok(read) = trace::read("fuzz", bytes, &options, &mut |_| ()) else { return };
    assert!(read.requests().is_sorted_by_key(|it| it.at));
    let mut lcs = Vec::new();
    let _ = trace::write_lcs(&read, trace::LcsVersion::V3, &mut lcs);
    trace::read("again", &lcs[..], &ReadOptions::DETECT, &mut |_| ()).expect("what we wrote");
    let _ = trace::write_oracle_general(&read, std::io::sink());
    let mut json = trace::IbmJsonWriter::new(Vec::new());
    trace::write_rows(&read, &mut json).expect("memory takes all");
    let _ = trace::write_rows(&read, &mut trace::ParquetWriter::new(Vec::new()));
    let mut columns = Vec::new();
    trace::write_columns(&read, &mut columns).expect("memory takes all");
    let again = trace::read_columns("again", &columns[..]).expect("what we wrote");
    assert_eq!(again.requests(), read.requests());
    let _ = trace::Statistics::of(&read);
});
