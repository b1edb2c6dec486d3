//! A decision's arithmetic with AVX2: one lane a predictor. The plain sibling is `scalar.rs`.
//!
//! Nothing is looked up but states: gathers take as long as the arithmetic that replaces them, or longer. Logarithms
//! are exponents and mantissas of floats, what moves a state is a quotient of floats (exact: the quotients of such small
//! integers that are no integers are far enough from them), trust is a shuffle.
#![allow(unsafe_code)] // loads and stores by index

use super::{INPUTS, Kernel, MOST_COUNT, MOST_WEIGHT, Memory, Place, SEEN, TRUST};
use crate::codec::adaptive::ODDS;
use std::arch::x86_64::*;

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
    /// States and inputs.
    type Held = (__m256i, __m256i);

    #[inline(always)]
    fn predict(self, memory: &Memory, place: &Place, depth: usize) -> (i32, i32, usize, Self::Held) {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe { predict(memory, place, depth) }
    }

    #[inline(always)]
    fn learn(
        self,
        memory: &mut Memory,
        place: &Place,
        held: Self::Held,
        lists: [usize; 2],
        errors: [i32; 2],
        bit: bool,
    ) {
        // SAFETY: as above.
        unsafe { learn(memory, place, held, lists, errors, bit) }
    }
}

/// See `scalar::log2`.
#[inline]
#[target_feature(enable = "avx2")]
fn log2(v: __m256i) -> __m256i {
    let bits = _mm256_srli_epi32::<8>(_mm256_castps_si256(_mm256_cvtepi32_ps(v)));
    let f = _mm256_and_si256(bits, _mm256_set1_epi32(0x7fff));
    // Both factors fit 15 bits, the upper halves are zeros.
    let bow = _mm256_madd_epi16(f, _mm256_sub_epi32(_mm256_set1_epi32(0x7fff), f));
    let bow = _mm256_madd_epi16(_mm256_srli_epi32::<15>(bow), _mm256_set1_epi32(11));
    _mm256_add_epi32(bits, _mm256_srli_epi32::<5>(bow))
}

#[inline]
#[target_feature(enable = "avx2")]
fn predict(memory: &Memory, place: &Place, depth: usize) -> (i32, i32, usize, (__m256i, __m256i)) {
    // SAFETY: a place holds indices of states.
    let [a, b, c, d, e, f, g, h] =
        place.0.map(|at| unsafe { *memory.states.get_unchecked(at as usize) as i32 });
    let s = _mm256_setr_epi32(a, b, c, d, e, f, g, h);
    let count = _mm256_and_si256(s, _mm256_set1_epi32(1023));
    // SAFETY: eight numbers are read, then sixteen bytes.
    let (least, trust) =
        unsafe { (_mm256_loadu_si256(SEEN.as_ptr().cast()), _mm_loadu_si128(TRUST.as_ptr().cast())) };
    let list = _mm256_movemask_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(count, least))) as usize >> 1 & 31;
    // A byte of each lane chooses its trust; bytes with the top bit set become zeros.
    let which = _mm256_or_si256(
        _mm256_min_epi32(count, _mm256_set1_epi32(15)),
        _mm256_set1_epi32(0x8080_8000u32 as i32),
    );
    let trust = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(trust), which);
    let odd = _mm256_or_si256(_mm256_slli_epi32::<1>(_mm256_srli_epi32::<10>(s)), _mm256_set1_epi32(1));
    let octaves = _mm256_sub_epi32(log2(odd), log2(_mm256_sub_epi32(_mm256_set1_epi32(1 << 23), odd)));
    let odds = _mm256_mullo_epi32(_mm256_srai_epi32::<4>(octaves), _mm256_set1_epi32(1420));
    // Odds fit 16 bits, trusts 8.
    let x = _mm256_srai_epi32::<8>(_mm256_madd_epi16(_mm256_srai_epi32::<15>(odds), trust));
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
    (both as i32, (both >> 32) as i32, list, (s, x))
}

#[inline]
#[target_feature(enable = "avx2")]
fn learn(
    memory: &mut Memory,
    place: &Place,
    (s, x): (__m256i, __m256i),
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
    let count = _mm256_and_si256(s, _mm256_set1_epi32(1023));
    let tenths = _mm256_add_epi32(_mm256_mullo_epi32(count, _mm256_set1_epi32(10)), _mm256_set1_epi32(16));
    let pace = _mm256_div_ps(_mm256_set1_ps(40960.0), _mm256_cvtepi32_ps(tenths));
    let target = _mm256_set1_epi32(((bit as i32) << 22) - bit as i32);
    let p = _mm256_srli_epi32::<10>(s);
    let away = _mm256_srai_epi32::<3>(_mm256_sub_epi32(target, p));
    let step = _mm256_srai_epi32::<9>(_mm256_mullo_epi32(away, _mm256_cvttps_epi32(pace)));
    let count = _mm256_add_epi32(count, _mm256_set1_epi32(1));
    let count = _mm256_min_epu32(count, _mm256_set1_epi32(MOST_COUNT as i32));
    let s = _mm256_or_si256(_mm256_slli_epi32::<10>(_mm256_add_epi32(p, step)), count);
    let mut new = [0u32; INPUTS];
    // SAFETY: eight numbers are written; a place holds indices of states.
    unsafe {
        _mm256_storeu_si256(new.as_mut_ptr().cast(), s);
        for (at, s) in place.0.into_iter().zip(new) {
            *memory.states.get_unchecked_mut(at as usize) = s;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::MOVE;

    #[test]
    fn quotients_of_floats_are_those_of_integers() {
        for (n, &pace) in MOVE.iter().enumerate() {
            assert_eq!((40960.0 / (10 * n + 16) as f32) as i32, pace);
        }
    }
}
