//! Any text as a profile; a small one is generated from.

#![no_main]

use libfuzzer_sys::fuzz_target;
use trace::Profile;

fuzz_target!(|text: &str| {
    if let Ok(profile) = Profile::from_toml("fuzz", text)
        && profile.n_requests() < 10_000
    {
        let mut number = 0_u64;
        let _ = trace::generate(&profile, move || {
            number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
            number
        });
    }
});
