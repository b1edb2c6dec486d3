//! Any bytes: salvaged. What is found whole is what a reader would have decoded.
#![no_main]

use baler::archive::salvage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = salvage(bytes, &[], 1 << 18);
});
