//! A decision's arithmetic with AVX2: one lane a predictor. The plain sibling is `scalar.rs`.
//!
//! Two gathers wait for each other before the bit is known (states, then odds with their trust beside them): what moves
//! a state comes with its trust, so that nothing is looked up afterwards.
#![allow(unsafe_code)] // gathers and stores by index

use super::{INPUTS, Kernel, MOST_COUNT, MOST_WEIGHT, Memory, PACE, SEEN};
use crate::codec::adaptive::{ODDS, STRETCH};
use std::arch::x86_64::*;

/// [`STRETCH`] in lanes as wide as a gather's.
static STRETCH_WIDE: [i32; 4096] = {
    let mut table = [0; 4096];
    let mut i = 0;
    while i < 4096 {
        table[i] = STRETCH[i] as i32;
        i += 1;
    }
    table
};

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, where the CPU gives it.
    pub fn new() -> Option<Avx2> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt");
        has.then_some(Avx2(()))
    }

    /// Runs `job` compiled for such a CPU: `job` and all that it calls must be inlined for that.
    pub fn run<T>(self, job: impl FnOnce() -> T) -> T {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt")]
        fn compiled<T>(job: impl FnOnce() -> T) -> T {
            job()
        }
        // SAFETY: `self` proves that the CPU has these.
        unsafe { compiled(job) }
    }
}

impl Kernel for Avx2 {
    /// Indices of states.
    type Place = __m256i;
    /// States, inputs, and what the counts told.
    type Held = (__m256i, __m256i, __m256i);

    #[inline(always)]
    fn place(self, slots: &[u32; INPUTS], local: u32, near: [u32; 2]) -> __m256i {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe { place(slots, local, near) }
    }

    #[inline(always)]
    fn predict(self, memory: &Memory, place: __m256i, depth: usize) -> (i32, i32, usize, Self::Held) {
        // SAFETY: as above; `place` masks its indices to be of states.
        unsafe { predict(memory, place, depth) }
    }

    #[inline(always)]
    fn learn(
        self,
        memory: &mut Memory,
        place: __m256i,
        held: Self::Held,
        lists: [usize; 2],
        errors: [i32; 2],
        bit: bool,
    ) {
        // SAFETY: as above.
        unsafe { learn(memory, place, held, lists, errors, bit) }
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn place(slots: &[u32; INPUTS], local: u32, near: [u32; 2]) -> __m256i {
    let [a, b] = near.map(|n| n as i32);
    let local = local as i32;
    // SAFETY: eight numbers are read.
    let slots = unsafe { _mm256_loadu_si256(slots.as_ptr().cast()) };
    let inside = _mm256_setr_epi32(local, local, local, local, local, local, a, b);
    let at = _mm256_add_epi32(slots, inside);
    // No index leaves the states, whatever it was made of.
    _mm256_min_epu32(at, _mm256_set1_epi32(super::STATES as i32 - 1))
}

/// # Safety
/// `place` must hold indices of states.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn predict(
    memory: &Memory,
    place: __m256i,
    depth: usize,
) -> (i32, i32, usize, (__m256i, __m256i, __m256i)) {
    // SAFETY: indices are of states as the caller vouches, of 12 bits into 4096 odds, of 8 bits into 256 paces.
    let (s, odds, pace, count) = unsafe {
        let s = _mm256_i32gather_epi32::<4>(memory.states.as_ptr().cast(), place);
        let odds = _mm256_i32gather_epi32::<4>(STRETCH_WIDE.as_ptr(), _mm256_srli_epi32::<20>(s));
        let count = _mm256_and_si256(s, _mm256_set1_epi32(255));
        (s, odds, _mm256_i32gather_epi32::<4>(PACE.as_ptr().cast(), count), count)
    };
    // SAFETY: eight numbers are read.
    let seen = _mm256_cmpgt_epi32(count, unsafe { _mm256_loadu_si256(SEEN.as_ptr().cast()) });
    let list = _mm256_movemask_ps(_mm256_castsi256_ps(seen)) as usize >> 1 & 31;
    // Odds and trusts fit 16 bits: the upper halves of the trusts are zeros.
    let trust = _mm256_and_si256(pace, _mm256_set1_epi32(0xffff));
    let x = _mm256_srai_epi32::<8>(_mm256_madd_epi16(odds, trust));
    let weighted = |weights: &[i32; INPUTS]| {
        // SAFETY: eight numbers are read.
        let w = unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) };
        _mm256_srai_epi32::<8>(_mm256_mullo_epi32(w, x))
    };
    let pairs =
        _mm256_hadd_epi32(weighted(&memory.weights[0][depth & 31]), weighted(&memory.weights[1][list]));
    let fours = _mm256_hadd_epi32(pairs, pairs);
    let sums = _mm_add_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256::<1>(fours));
    let sums = _mm_srai_epi32::<8>(sums);
    let sums = _mm_max_epi32(_mm_min_epi32(sums, _mm_set1_epi32(ODDS)), _mm_set1_epi32(-ODDS));
    let both = _mm_cvtsi128_si64(sums);
    (both as i32, (both >> 32) as i32, list, (s, x, pace))
}

/// # Safety
/// `place` must hold indices of states.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn learn(
    memory: &mut Memory,
    place: __m256i,
    (s, x, pace): (__m256i, __m256i, __m256i),
    lists: [usize; 2],
    errors: [i32; 2],
    bit: bool,
) {
    for (i, (list, error)) in lists.into_iter().zip(errors).enumerate() {
        let weights: *mut i32 = memory.weights[i][list & 31].as_mut_ptr();
        let step = _mm256_mullo_epi32(x, _mm256_set1_epi32(error));
        let step = _mm256_srai_epi32::<14>(_mm256_add_epi32(step, _mm256_set1_epi32(1 << 13)));
        // SAFETY: eight numbers are read and written in their place.
        unsafe {
            let w = _mm256_add_epi32(_mm256_loadu_si256(weights.cast()), step);
            let w = _mm256_min_epi32(w, _mm256_set1_epi32(MOST_WEIGHT));
            let w = _mm256_max_epi32(w, _mm256_set1_epi32(-MOST_WEIGHT));
            _mm256_storeu_si256(weights.cast(), w);
        }
    }
    let target = _mm256_set1_epi32(((bit as i32) << 22) - bit as i32);
    let p = _mm256_srli_epi32::<10>(s);
    let away = _mm256_srai_epi32::<3>(_mm256_sub_epi32(target, p));
    let step = _mm256_srai_epi32::<9>(_mm256_mullo_epi32(away, _mm256_srli_epi32::<16>(pace)));
    let count = _mm256_add_epi32(_mm256_and_si256(s, _mm256_set1_epi32(1023)), _mm256_set1_epi32(1));
    let count = _mm256_min_epu32(count, _mm256_set1_epi32(MOST_COUNT as i32));
    let s = _mm256_or_si256(_mm256_slli_epi32::<10>(_mm256_add_epi32(p, step)), count);
    let (mut new, mut at) = ([0u32; INPUTS], [0u32; INPUTS]);
    // SAFETY: eight numbers are written, twice; indices are of states, as the caller vouches.
    unsafe {
        _mm256_storeu_si256(new.as_mut_ptr().cast(), s);
        _mm256_storeu_si256(at.as_mut_ptr().cast(), place);
        for (at, s) in at.into_iter().zip(new) {
            *memory.states.get_unchecked_mut(at as usize) = s;
        }
    }
}
