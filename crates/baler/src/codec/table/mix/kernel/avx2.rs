//! A decision's arithmetic with AVX2: one lane a predictor. The plain sibling is `scalar.rs`.
//!
//! Nothing is looked up but states: gathers take as long as the arithmetic that replaces them, or longer. Logarithms
//! are exponents and mantissas of floats, what moves a state is a quotient of floats (exact: the quotients of such small
//! integers that are no integers are far enough from them), trust is a shuffle.
#![allow(unsafe_code)] // loads and stores by index

use super::{
    Contexts, HASHED, INPUTS, Kernel, MOST_COUNT, MOST_WEIGHT, Memory, NEW, Place, SEEN, SLOT, SLOT_BITS,
    Slots, TRUST,
};
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
    fn find(self, contexts: &Contexts, group: u32, column: u32) -> Slots {
        // SAFETY: `self` proves that the CPU has AVX2.
        unsafe { find(contexts, group, column) }
    }

    #[inline(always)]
    fn claim(self, memory: &mut Memory, slots: &Slots) {
        // SAFETY: as above.
        unsafe { claim(memory, slots) }
    }

    #[inline(always)]
    fn predict(self, memory: &Memory, place: &Place, depth: usize) -> (i32, i32, usize, Self::Held) {
        // SAFETY: as above.
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

/// See `scalar::find`.
#[inline]
#[target_feature(enable = "avx2")]
fn find(contexts: &Contexts, group: u32, column: u32) -> Slots {
    let key = _mm256_set1_epi32(group.wrapping_mul(0x9E37_79B1) as i32);
    let table = _mm256_slli_epi32::<{ SLOT_BITS as i32 }>(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 0, 0));
    let column = _mm256_set1_epi32((column << (32 - SLOT_BITS) | 1 << 31) as i32);
    let mut slots = Slots::default();
    // SAFETY: contexts, indices and tags are eight numbers each, at multiples of 32 bytes.
    unsafe {
        let contexts = _mm256_load_si256(contexts.0.as_ptr().cast());
        let h = _mm256_mullo_epi32(_mm256_xor_si256(contexts, key), _mm256_set1_epi32(0x2C1B_3C6D));
        let h = _mm256_xor_si256(h, _mm256_srli_epi32::<15>(h));
        let at = _mm256_and_si256(h, _mm256_set1_epi32((1 << SLOT_BITS) - 1));
        let at = _mm256_slli_epi32::<{ SLOT.ilog2() as i32 }>(_mm256_or_si256(at, table));
        _mm256_store_si256(slots.at.as_mut_ptr().cast(), at);
        let tags = _mm256_or_si256(_mm256_srli_epi32::<{ SLOT_BITS as i32 }>(h), column);
        _mm256_store_si256(slots.tags.as_mut_ptr().cast(), tags);
    }
    slots
}

/// Every slot is written, so that nothing waits for a branch on what comes late from memory and is hard to foresee: as a
/// condition (which compilers make of plain masks) it took a third of a decoder's time.
#[inline]
#[target_feature(enable = "avx2")]
fn claim(memory: &mut Memory, slots: &Slots) {
    let states: *mut u32 = memory.states.as_mut_ptr().cast();
    for i in 0..HASHED {
        let (at, tag) = (slots.at[i], slots.tags[i]);
        let tag = _mm256_set1_epi32(tag as i32);
        let fresh = _mm256_blend_epi32::<1>(_mm256_set1_epi32(NEW as i32), tag);
        // SAFETY: slots are eight states of the memory, and begin at multiples of eight.
        unsafe {
            let slot: *mut __m256i = states.add(at as usize).cast();
            let old = _mm256_load_si256(slot);
            let same = _mm256_cmpeq_epi32(_mm256_broadcastd_epi32(_mm256_castsi256_si128(old)), tag);
            _mm256_store_si256(slot, _mm256_blendv_epi8(fresh, old, same));
        }
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
    let states: *const i32 = memory.states.as_ptr().cast();
    // SAFETY: a place holds indices of states.
    let [a, b, c, d, e, f, g, h] = place.0.map(|at| unsafe { *states.add(at as usize) });
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
    // Sums of both lists side by side.
    let (a, b) = (weighted(&memory.weights[0][depth & 31]), weighted(&memory.weights[1][list]));
    let halves = _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let fours = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
    let sums = _mm_add_epi32(fours, _mm_shuffle_epi32::<0b01_00_11_10>(fours));
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
    let states: *mut u32 = memory.states.as_mut_ptr().cast();
    let mut new = [0u32; INPUTS];
    // SAFETY: eight numbers are written; a place holds indices of states.
    unsafe {
        _mm256_storeu_si256(new.as_mut_ptr().cast(), s);
        for (at, s) in place.0.into_iter().zip(new) {
            *states.add(at as usize) = s;
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
