//! Any bytes: opened, everything decoded.
#![no_main]

#[path = "../../crates/baler/tests/common/mod.rs"]
mod common;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = common::decode_all(bytes, &[]);
});
