//! The `infinisim` binary.
fn main() {}
