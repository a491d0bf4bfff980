//! The real `infinisim`, run as a user would run it, and the rules that no compiler checks.

#![expect(clippy::unwrap_used, reason = "a test fails where what it counts on is not so")]
#![expect(clippy::print_stdout, reason = "a test that skips says so")]

mod bad_input;
mod beside_libcachesim;
mod command;
mod compare;
mod figures;
mod golden;
mod leftovers;
#[cfg(target_os = "linux")]
mod live;
#[cfg(unix)]
mod output;
mod page;
mod repricing;
mod results;
mod sweep;
mod tidy;
mod traces;
