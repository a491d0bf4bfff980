//! Any bytes converted row by row: what comes out is what would be held.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trace::{CsvWriter, ReadOptions, Selection};

fuzz_target!(init: trace::quiet_caught_panics(), |bytes: &[u8]| {
    let options = ReadOptions { n_bad_max: 3, ..ReadOptions::DETECT };
    let files = [("fuzz".to_owned(), std::io::Result::Ok(bytes))];
    let mut passed = Vec::new();
    let mut writer = CsvWriter::new(&mut passed);
    let all = &Selection::ALL;
    let done = trace::convert("fuzz", files, &options, all, &mut writer, &mut |_| ());
    drop(writer);
    let held = trace::read("fuzz", bytes, &options, &mut |_| ());
    assert_eq!(done.is_ok(), held.is_ok());
    if let Ok(held) = held {
        let mut written = Vec::new();
        trace::write_rows(&held, &mut CsvWriter::new(&mut written)).expect("memory takes all");
        assert_eq!(passed, written);
    }
});
