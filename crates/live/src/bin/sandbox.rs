//! What a platform starts in place of a function, and which then becomes that function.

use std::process::ExitCode;

#[cfg(target_os = "linux")]
#[expect(clippy::print_stderr, reason = "this is the function's log, and tells why there is none")]
fn main() -> ExitCode {
    let err = live::platform::local::sandbox::enter(std::env::args_os().skip(1));
    eprintln!("cannot start the function: {err}");
    ExitCode::FAILURE
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    ExitCode::FAILURE
}
