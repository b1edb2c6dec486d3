//! Behind the checksums. The input is a script: the number of a seed archive, then edits of its bodies, each
//! `body, place (2 bytes), bytes to remove, bytes to insert, those bytes`. The result is sealed with right checksums.
#![no_main]

#[path = "../../crates/baler/tests/common/mod.rs"]
mod common;

use common::{Parts, Seed, decode_all, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static SEEDS: LazyLock<Vec<(Seed, Parts)>> =
    LazyLock::new(|| seeds().into_iter().map(|s| (Parts::of(&s.bytes), s)).map(|(p, s)| (s, p)).collect());

fuzz_target!(|script: &[u8]| {
    let Some((&number, mut script)) = script.split_first() else { return };
    let (seed, parts) = &SEEDS[number as usize % SEEDS.len()];
    let mut parts = parts.clone();
    while let [body, high, low, remove, insert, rest @ ..] = script {
        let n = parts.bodies.len();
        let body = &mut parts.bodies[*body as usize % n];
        let at = u16::from_be_bytes([*high, *low]) as usize % (body.len() + 1);
        let end = (at + *remove as usize % 16).min(body.len());
        let (new, rest) = rest.split_at((*insert as usize % 16).min(rest.len()));
        body.splice(at..end, new.iter().copied());
        script = rest;
    }
    let bytes = parts.seal();
    let _ = decode_all(&bytes, &seed.models);
    let _ = baler::archive::salvage(&bytes, &seed.models, 1 << 18);
});
