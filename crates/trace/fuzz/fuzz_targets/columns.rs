//! Any bytes as a converted copy of a trace: most are damaged copies.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = trace::read_columns("fuzz", bytes) {
        let _ = trace::Statistics::of(&read);
        trace::write_rows(&read, &mut trace::CsvWriter::new(std::io::sink())).expect("a sink");
    }
});
