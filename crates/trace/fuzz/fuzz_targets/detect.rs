//! Any bytes, whatever format they are taken for, compressed or not.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trace::ReadOptions;

fuzz_target!(init: trace::quiet_caught_panics(), |bytes: &[u8]| {
    let options = ReadOptions { n_bad_max: 3, ..ReadOptions::DETECT };
    if let Ok(read) = trace::read("fuzz", bytes, &options, &mut |_| ()) {
        assert!(read.requests().is_sorted_by_key(|it| it.at));
    }
});
