//! Damage: whatever happens to an archive's bytes, decoding them ends in an error or in the right data. It never
//! panics, never gives wrong values, and never takes more than [`MOST_MEMORY`] for what these tests let it decode.

mod common;

use baler::archive::header::{Header, Kind};
use baler::archive::read::read_header;
use baler::archive::{Archive, Salvaged, salvage};
use baler::data::{Values, Variable};
use common::{Parts, Random, Seed, bits, decode_all, mutate, same, seeds};
use peak_alloc::PeakAlloc;
use std::io::Cursor;
use std::time::{Duration, Instant};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// All tests of this file together, in bytes, at any time. The archives are of a kilobyte or two; what a damaged
/// one claims to be may be larger, but not this much without an error first.
const MOST_MEMORY: usize = 300 << 20;

fn assert_memory(what: &str) {
    assert!(MEMORY.peak_usage() < MOST_MEMORY, "{what}: {} bytes at once", MEMORY.peak_usage());
}

/// Runs `decode` on a damaged copy; it may fail, or give `right`.
fn error_or_right(seed: &Seed, damaged: &[u8], right: &[Vec<Values>], what: impl Fn() -> String) {
    if let Ok(values) = decode_all(damaged, &seed.models) {
        assert!(same(&values, right), "{}: wrong values after {}", seed.name, what());
    }
}

#[test]
fn cut_at_every_byte_is_an_error() {
    for seed in seeds() {
        let right = decode_all(&seed.bytes, &seed.models).unwrap();
        assert!(!right.is_empty(), "{}", seed.name);
        for end in 0..seed.bytes.len() {
            assert!(decode_all(&seed.bytes[..end], &seed.models).is_err(), "{} cut at {end}", seed.name);
        }
        let longer = [&seed.bytes[..], &[0]].concat();
        assert!(decode_all(&longer, &seed.models).is_err(), "{} with a byte behind it", seed.name);
        assert_memory(seed.name);
    }
}

#[test]
fn every_flipped_bit_is_an_error() {
    for seed in seeds() {
        let mut damaged = seed.bytes.clone();
        for bit in 0..damaged.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            // Not even one that decodes to the right values: every byte is under some checksum.
            assert!(decode_all(&damaged, &seed.models).is_err(), "{}: bit {bit}", seed.name);
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        assert_memory(seed.name);
    }
}

#[test]
fn random_damage_is_an_error_or_harmless() {
    let mut random = Random(1);
    let all = seeds();
    for seed in &all {
        let right = decode_all(&seed.bytes, &seed.models).unwrap();
        for round in 0..1000 {
            let mut damaged = seed.bytes.clone();
            mutate(&mut damaged, &all[random.below(all.len())].bytes, &mut random);
            error_or_right(seed, &damaged, &right, || format!("round {round}"));
        }
    }
    assert_memory("random damage");
}

/// Behind the checksums: what parsers and decoders do when every checksum is right and the content is not.
#[test]
fn hostile_content_is_an_error_or_some_values() {
    let mut random = Random(2);
    let all = seeds();
    let parts: Vec<Parts> = all.iter().map(|s| Parts::of(&s.bytes)).collect();
    for (seed, whole) in all.iter().zip(&parts) {
        let right = decode_all(&seed.bytes, &seed.models).unwrap();
        let sealed = decode_all(&whole.seal(), &seed.models).unwrap();
        assert!(same(&sealed, &right), "{}: sealing alone changes nothing", seed.name);
        for round in 0..4000 {
            let mut hostile = whole.clone();
            let bodies = hostile.bodies.len();
            let other = &parts[random.below(parts.len())].bodies;
            let other = &other[random.below(other.len())];
            mutate(&mut hostile.bodies[random.below(bodies)], other, &mut random);
            let start = Instant::now();
            let bytes = hostile.seal();
            let _ = decode_all(&bytes, &seed.models);
            let _ = salvage(&bytes, &seed.models, 1 << 20);
            assert!(start.elapsed() < Duration::from_secs(20), "{}: round {round}", seed.name);
        }
        assert_memory(seed.name);
    }
}
