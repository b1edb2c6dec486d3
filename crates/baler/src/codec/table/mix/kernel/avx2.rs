//! A decision's arithmetic with AVX2: one lane a predictor. The plain sibling is `scalar.rs`.
//!
//! Two gathers wait for each other before the bit is known (states, then odds with their trust beside them): what moves
//! a state comes with its trust, so that nothing is looked up afterwards.
#![allow(unsafe_code)] // gathers and stores by index

use super::{INPUTS, Kernel, MOST_COUNT, MOST_WEIGHT, Memory, PACE, Place};
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
    /// States, inputs, and what the counts told.
    type Held = (__m256i, __m256i, __m256i);

    #[inline(always)]
    fn predict(self, memory: &Memory, place: &Place) -> (i32, i32, usize, Self::Held) {
        // SAFETY: `self` proves that the CPU has AVX2; places hold indices within the states (see `Memory::place`).
        unsafe { predict(memory, place) }
    }

    #[inline(always)]
    fn learn(
        self,
        memory: &mut Memory,
        place: &Place,
        list: usize,
        held: Self::Held,
        errors: [i32; 2],
        bit: bool,
    ) {
        // SAFETY: as above.
        unsafe { learn(memory, place, list, held, errors, bit) }
    }
}

/// # Safety
/// `place` must hold indices of states.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn predict(memory: &Memory, place: &Place) -> (i32, i32, usize, (__m256i, __m256i, __m256i)) {
    debug_assert!(place.at.iter().all(|&at| (at as usize) < memory.states.len()));
    // SAFETY: eight numbers are read; indices are of states as the caller vouches, of 12 bits into 4096 odds, of
    // 8 bits into 256 paces.
    let (s, odds, pace) = unsafe {
        let at = _mm256_loadu_si256(place.at.as_ptr().cast());
        let s = _mm256_i32gather_epi32::<4>(memory.states.as_ptr().cast(), at);
        let odds = _mm256_i32gather_epi32::<4>(STRETCH_WIDE.as_ptr(), _mm256_srli_epi32::<20>(s));
        let count = _mm256_and_si256(s, _mm256_set1_epi32(255));
        (s, odds, _mm256_i32gather_epi32::<4>(PACE.as_ptr().cast(), count))
    };
    // Odds and trusts fit 16 bits: the upper halves of the trusts are zeros.
    let trust = _mm256_and_si256(pace, _mm256_set1_epi32(0xffff));
    let x = _mm256_srai_epi32::<8>(_mm256_madd_epi16(odds, trust));
    let count = |i: usize| {
        // SAFETY: an index of a state, as the caller vouches.
        unsafe { memory.states.get_unchecked(place.at[i] as usize) & 255 }
    };
    let seen = |i: usize, most: u32| count(i).min(most) as usize;
    let list = seen(1, 3) * 8 + seen(2, 1) * 4 + seen(3, 1) * 2 + seen(5, 1);
    let weighted = |weights: &[i32; INPUTS]| {
        // SAFETY: eight numbers are read.
        let w = unsafe { _mm256_loadu_si256(weights.as_ptr().cast()) };
        _mm256_srai_epi32::<8>(_mm256_mullo_epi32(w, x))
    };
    let pairs = _mm256_hadd_epi32(
        weighted(&memory.weights[0][place.depth & 31]),
        weighted(&memory.weights[1][list & 31]),
    );
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
    place: &Place,
    list: usize,
    (s, x, pace): (__m256i, __m256i, __m256i),
    errors: [i32; 2],
    bit: bool,
) {
    for (i, (which, error)) in [place.depth, list].into_iter().zip(errors).enumerate() {
        let weights: *mut i32 = memory.weights[i][which & 31].as_mut_ptr();
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
    let mut new = [0u32; INPUTS];
    // SAFETY: eight numbers are written; indices are of states, as the caller vouches.
    unsafe {
        _mm256_storeu_si256(new.as_mut_ptr().cast(), s);
        for (&at, s) in place.at.iter().zip(new) {
            *memory.states.get_unchecked_mut(at as usize) = s;
        }
    }
}
