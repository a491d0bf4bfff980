//! The first byte chooses a reader, the rest is what it reads: one target per reader, by
//! `FUZZ_FORMAT`, or all of them.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use trace::{Format, ReadOptions};

static ONLY: LazyLock<Option<Format>> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_FORMAT").ok()?;
    Some(name.parse().expect("FUZZ_FORMAT is a format"))
});

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let names: Vec<&str> = Format::names().collect();
    let name = names[usize::from(*first) % names.len()];
    let format = ONLY.or_else(|| name.parse().ok());
    let options = ReadOptions { format, n_bad_max: 3, ..ReadOptions::DETECT };
    if let Ok(read) = trace::read("fuzz", rest, &options, &mut |_| ()) {
        let mut lcs = Vec::new();
        let _ = trace::write_lcs(&read, trace::LcsVersion::V3, &mut lcs);
        let mut json = trace::IbmJsonWriter::new(Vec::new());
        trace::write_rows(&read, &mut json).expect("memory takes all");
        let _ = trace::write_rows(&read, &mut trace::ParquetWriter::new(Vec::new()));
        trace::read("again", &lcs[..], &ReadOptions::DETECT, &mut |_| ()).expect("what we wrote");
    }
});
