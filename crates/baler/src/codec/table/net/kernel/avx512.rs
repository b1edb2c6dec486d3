//! AVX-512: sixteen lanes a register. The plain sibling is `scalar.rs`.
#![allow(unsafe_code)] // loads, stores and gathers through pointers

use std::arch::x86_64::*;

use super::{Intervals, LANES, Lanes, Step};
use crate::codec::table::net::distribution::{BITS, HALVES, OCTAVE, ONE};
use crate::codec::table::net::first::{First, UNITS, Units};
use crate::model::frozen::MAX_ACTIVATION;
use crate::model::table::alphabet::MOST_CLASSES;
use crate::model::table::net::COMPONENTS;

/// Lanes of a register.
const WIDE: usize = 16;

/// Proof that the CPU has AVX-512 F and BW.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

macro_rules! safe {
    ($(#[$doc:meta] $name:ident($($argument:ident: $type:ty),*) -> $back:ty;)*) => {
        impl Avx512 {
            /// The proof, where the CPU gives it.
            pub fn new() -> Option<Avx512> {
                let has = is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx2");
                has.then_some(Avx512(()))
            }
            $(
                #[$doc]
                pub fn $name(self, $($argument: $type),*) -> $back {
                    // SAFETY: `self` proves that the CPU has these features.
                    unsafe { $name($($argument),*) }
                }
            )*
        }
    };
}
safe! {
    /// See `scalar.rs`.
    first(layer: &First, symbols: &[&[u16; LANES]], active: usize, out: &mut [Lanes]) -> ();
    /// See `scalar.rs`.
    find_mixture(step: &Step, at: &Lanes) -> Intervals;
    /// See `scalar.rs`.
    mixture_of(step: &Step, symbols: &Lanes) -> Intervals;
    /// See `scalar.rs`.
    find_class(step: &Step, at: &Lanes) -> Intervals;
    /// See `scalar.rs`.
    class_of(step: &Step, symbols: &Lanes) -> Intervals;
    /// See `scalar.rs`.
    advance(states: &mut Lanes, found: &Intervals, active: usize, words: &[u16], at: &mut usize) -> ();
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(lanes: &Lanes, first: usize) -> __m512i {
    constant(lanes.0[first..first + WIDE].try_into().expect("sixteen lanes"))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn constant(values: &[i32; WIDE]) -> __m512i {
    // SAFETY: sixteen values are 64 bytes.
    unsafe { _mm512_loadu_si512(values.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn store(lanes: &mut Lanes, first: usize, value: __m512i) {
    let part: &mut [i32; WIDE] = (&mut lanes.0[first..first + WIDE]).try_into().expect("sixteen lanes");
    // SAFETY: sixteen values are 64 bytes.
    unsafe { _mm512_storeu_si512(part.as_mut_ptr().cast(), value) }
}

/// Output `o` of sixteen lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn output(outputs: &[Lanes], o: usize, first: usize) -> __m512i {
    let pair = load(&outputs[o / 2], first);
    match o % 2 {
        0 => _mm512_srai_epi32::<16>(_mm512_slli_epi32::<16>(pair)),
        _ => _mm512_srai_epi32::<16>(pair),
    }
}

/// Sixteen rows at a time, as `avx2.rs` does eight: a register holds the sums of eight units for two rows, of eight rows
/// apart.
#[target_feature(enable = "avx512f,avx512bw,avx2")]
fn first(layer: &First, symbols: &[&[u16; LANES]], active: usize, out: &mut [Lanes]) {
    let shift = _mm_cvtsi32_si128(layer.shift as i32);
    let (zero, most) = (_mm512_setzero_si512(), _mm512_set1_epi16(MAX_ACTIVATION as i16));
    // Of quarters of rows 0 to 3 and 8 to 11 and others of rows 4 to 7 and 12 to 15, those of one pair in order.
    let quarters =
        [_mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15)];
    for (group, out) in layer.groups.iter().zip(out.as_chunks_mut::<{ UNITS / 2 }>().0) {
        // SAFETY: eight numbers are 32 bytes, to which `Units` are aligned.
        let units = |u: &Units| unsafe { _mm256_load_si256(u.0.as_ptr().cast()) };
        let multipliers = _mm512_broadcast_i64x4(units(&group.multipliers));
        let multipliers = _mm512_packs_epi32(multipliers, multipliers);
        for first in (0..active.min(LANES)).step_by(WIDE) {
            let mut rows = [units(&group.bias); WIDE];
            for (table, symbols) in group.tables.iter().zip(symbols) {
                let symbols: &[u16; WIDE] = symbols[first..first + WIDE].try_into().expect("sixteen lanes");
                for (sum, &symbol) in rows.iter_mut().zip(symbols) {
                    *sum = _mm256_add_epi32(*sum, units(&table[symbol as usize]));
                }
            }
            let mut t = [zero; UNITS];
            for (i, t) in t.iter_mut().enumerate() {
                let sums = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(rows[i]), rows[UNITS + i]);
                *t = _mm512_sra_epi32(sums, shift);
            }
            // Pairs 0 and 1, then 2 and 3, of two rows a quarter.
            let mut y = [_mm512_setzero_ps(); 4];
            for (i, y) in y.iter_mut().enumerate() {
                let t = _mm512_max_epi16(_mm512_packs_epi32(t[2 * i], t[2 * i + 1]), zero);
                *y = _mm512_castsi512_ps(_mm512_min_epi16(_mm512_mulhrs_epi16(t, multipliers), most));
            }
            let (mut even, mut odd) = ([zero; 2], [zero; 2]); // of four rows a quarter
            for i in 0..2 {
                even[i] = _mm512_castps_si512(_mm512_shuffle_ps::<0x88>(y[2 * i], y[2 * i + 1]));
                odd[i] = _mm512_castps_si512(_mm512_shuffle_ps::<0xdd>(y[2 * i], y[2 * i + 1]));
            }
            for (h, &quarters) in quarters.iter().enumerate() {
                store(&mut out[2 * h], first, _mm512_permutex2var_epi64(even[0], quarters, even[1]));
                store(&mut out[2 * h + 1], first, _mm512_permutex2var_epi64(odd[0], quarters, odd[1]));
            }
        }
    }
}

/// As `distribution::power`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn power(d: __m512i) -> __m512i {
    let d = _mm512_min_epi32(d, _mm512_set1_epi32(255));
    _mm512_srlv_epi32(_mm512_permutexvar_epi32(d, constant(&HALVES)), _mm512_srli_epi32::<4>(d))
}

/// floor(n / d) of 0 < d < 2^24 and an n that floats hold: quotients are rounded towards zero, so that none comes to a
/// whole number from below.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn divide(n: i32, d: __m512i) -> __m512i {
    debug_assert!(n as f32 as i32 == n);
    const DOWN: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
    _mm512_cvttps_epi32(_mm512_div_round_ps::<DOWN>(_mm512_set1_ps(n as f32), _mm512_cvtepi32_ps(d)))
}

/// Sixteen of `distribution::Mixture`.
#[derive(Clone, Copy)]
struct Mixture {
    weights: [__m512i; COMPONENTS + 2],
    middles: [__m512i; COMPONENTS],
    factors: [__m512i; COMPONENTS],
    shifts: [__m512i; COMPONENTS],
    before: __m512i,
    class: __m512i,
    scale: __m512i,
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn mixture(step: &Step, first: usize) -> Mixture {
    const C: usize = COMPONENTS;
    let zero = _mm512_setzero_si512();
    let out = |o: usize| output(step.outputs, o, first);
    let before = load(step.before, first);
    let there = _mm512_cmpge_epi32_mask(before, zero);
    let mut logs = [zero; C + 2];
    for (i, log) in logs.iter_mut().enumerate() {
        *log = out(if i < C { i } else { 2 * C + i });
    }
    logs[C] = _mm512_mask_mov_epi32(_mm512_set1_epi32(-100_000), there, logs[C]);
    let mut most = logs[0];
    for &log in &logs[1..] {
        most = _mm512_max_epi32(most, log);
    }
    let mut powers = [zero; C + 2];
    let mut sum = zero;
    for (p, &log) in powers.iter_mut().zip(&logs) {
        *p = power(_mm512_sub_epi32(most, log));
        sum = _mm512_add_epi32(sum, *p);
    }
    let unit = divide(1 << 29, sum);
    let mut weights = [_mm512_set1_epi32(32768); C + 2];
    for i in 1..C + 2 {
        weights[i] = _mm512_srli_epi32::<14>(_mm512_mullo_epi32(powers[i], unit));
        weights[0] = _mm512_sub_epi32(weights[0], weights[i]);
    }
    let (mut middles, mut factors, mut shifts) = ([zero; C], [zero; C], [zero; C]);
    let octave = constant(&std::array::from_fn(|i| OCTAVE[i & 7]));
    for c in 0..C {
        let middle = _mm512_min_epi32(out(C + c), _mm512_set1_epi32(2047));
        let middle = _mm512_slli_epi32::<4>(_mm512_max_epi32(middle, _mm512_set1_epi32(-2047)));
        let score = _mm512_maskz_mov_epi32(there, load(step.score, first));
        middles[c] = if c == 0 { _mm512_add_epi32(middle, score) } else { middle };
        let q = _mm512_min_epi32(_mm512_sub_epi32(zero, out(2 * C + c)), _mm512_set1_epi32(80));
        let q = _mm512_max_epi32(q, _mm512_set1_epi32(-24));
        factors[c] = _mm512_permutexvar_epi32(q, octave);
        shifts[c] = _mm512_sub_epi32(_mm512_set1_epi32(12), _mm512_srai_epi32::<3>(q));
    }
    let before = _mm512_max_epi32(before, zero);
    let scale = _mm512_set1_epi32(ONE as i32 - step.symbols);
    Mixture { weights, middles, factors, shifts, before, class: load(step.class, first), scale }
}

/// The upper halves of 16-bit products. Written as it is to be: the intrinsic is one that compilers see through, and of
/// several in a row they make widenings and products of 32 bits, which takes half as long again.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn mulhi(a: __m512i, b: __m512i) -> __m512i {
    let high;
    // SAFETY: reads two registers and writes one, by an instruction of AVX-512 BW.
    unsafe {
        std::arch::asm!("vpmulhuw {}, {}, {}", out(zmm_reg) high, in(zmm_reg) a, in(zmm_reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    high
}

/// As `distribution::tail` of the absolute values of two registers, packed into one: all of it fits 16 bits.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn tails(z: [__m512i; 2]) -> [__m512i; 2] {
    let both = _mm512_packus_epi32(_mm512_abs_epi32(z[0]), _mm512_abs_epi32(z[1]));
    let mut t = _mm512_xor_si512(both, _mm512_set1_epi32(-1)); // 65535 less each
    for _ in 0..4 {
        t = mulhi(t, t);
    }
    // (e (98304 - e)) >> 16
    let e = _mm512_srli_epi16::<1>(t);
    let tails = _mm512_add_epi16(e, mulhi(e, _mm512_sub_epi16(_mm512_set1_epi16(-32768), e)));
    let zero = _mm512_setzero_si512();
    [_mm512_unpacklo_epi16(tails, zero), _mm512_unpackhi_epi16(tails, zero)]
}

/// As `distribution::Mixture::below` for two registers, but any symbol from 0 to the last; what it gives for 0 means nothing.
/// One for each `CALLER`: a function of one caller is inlined, and twenty registers do not go through memory.
///
/// # Safety
/// Every lane's `symbol` is at least 0 and below `step.symbols`, and every lane's class is checked.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn below<const CALLER: u8>(step: &Step, m: [&Mixture; 2], symbol: [__m512i; 2]) -> [__m512i; 2] {
    let zero = _mm512_setzero_si512();
    let (mut score, mut sum) = ([zero; 2], [zero; 2]);
    for r in 0..2 {
        let at = _mm512_add_epi32(m[r].class, symbol[r]);
        // SAFETY: class + symbol lies within the edges by what the caller vouches for.
        let edge = unsafe { _mm512_i32gather_epi32::<4>(at, step.edges.as_ptr().cast()) };
        score[r] = _mm512_srai_epi32::<16>(edge);
        let share = _mm512_and_si512(edge, _mm512_set1_epi32(0xffff));
        let passed = _mm512_cmpgt_epi32_mask(symbol[r], m[r].before);
        let copied = _mm512_maskz_slli_epi32::<16>(passed, m[r].weights[COMPONENTS]);
        sum[r] = _mm512_add_epi32(_mm512_mullo_epi32(m[r].weights[COMPONENTS + 1], share), copied);
    }
    for c in 0..COMPONENTS {
        let mut z = [zero; 2];
        for r in 0..2 {
            let d = _mm512_sub_epi32(score[r], m[r].middles[c]);
            let d =
                _mm512_max_epi32(_mm512_min_epi32(d, _mm512_set1_epi32(32767)), _mm512_set1_epi32(-32767));
            z[r] = _mm512_srav_epi32(_mm512_mullo_epi32(d, m[r].factors[c]), m[r].shifts[c]);
        }
        let tails = tails(z);
        for r in 0..2 {
            let positive = _mm512_cmpge_epi32_mask(z[r], zero);
            let share = _mm512_mask_sub_epi32(tails[r], positive, _mm512_set1_epi32(65536), tails[r]);
            sum[r] = _mm512_add_epi32(sum[r], _mm512_mullo_epi32(m[r].weights[c], share));
        }
    }
    for r in 0..2 {
        let scaled = _mm512_mullo_epi32(_mm512_srli_epi32::<15>(sum[r]), m[r].scale);
        sum[r] = _mm512_add_epi32(_mm512_srli_epi32::<16>(scaled), symbol[r]);
    }
    sum
}

/// The lanes that are coded.
fn coded(active: usize, first: usize) -> __mmask16 {
    match active.saturating_sub(first) {
        n if n >= WIDE => u16::MAX,
        n => (1 << n) - 1,
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn put(found: &mut Intervals, step: &Step, first: usize, symbol: __m512i, low: __m512i, high: __m512i) {
    let mask = coded(step.active, first);
    store(&mut found.symbol, first, _mm512_maskz_mov_epi32(mask, symbol));
    store(&mut found.start, first, _mm512_maskz_mov_epi32(mask, low));
    store(&mut found.size, first, _mm512_maskz_sub_epi32(mask, high, low));
}

/// Both registers at a time: the steps of a search wait for each other, so that two side by side take little longer than one.
/// Lanes that are not coded are searched like the others, and come to nothing.
#[target_feature(enable = "avx512f,avx512bw")]
fn find_mixture(step: &Step, at: &Lanes) -> Intervals {
    const { assert!(2 * WIDE == LANES) };
    let steps = 32 - (step.symbols as u32 - 1).leading_zeros();
    let m = [mixture(step, 0), mixture(step, WIDE)];
    let wanted = [load(at, 0), load(at, WIDE)];
    let (mut low, mut high) = ([_mm512_setzero_si512(); 2], [_mm512_set1_epi32(step.symbols); 2]);
    let (mut start, mut end) = ([_mm512_setzero_si512(); 2], [_mm512_set1_epi32(ONE as i32); 2]);
    for _ in 0..steps {
        let mut middle = low;
        for r in 0..2 {
            middle[r] = _mm512_srli_epi32::<1>(_mm512_add_epi32(low[r], high[r]));
        }
        // SAFETY: 0 <= low <= middle < high <= symbols.
        let value = unsafe { below::<0>(step, [&m[0], &m[1]], middle) };
        for r in 0..2 {
            let open = _mm512_cmpgt_epi32_mask(middle[r], low[r]);
            let above = _mm512_cmpgt_epi32_mask(value[r], wanted[r]);
            let (up, down) = (open & !above, open & above);
            low[r] = _mm512_mask_mov_epi32(low[r], up, middle[r]);
            start[r] = _mm512_mask_mov_epi32(start[r], up, value[r]);
            high[r] = _mm512_mask_mov_epi32(high[r], down, middle[r]);
            end[r] = _mm512_mask_mov_epi32(end[r], down, value[r]);
        }
    }
    let mut found = Intervals::ZERO;
    for r in 0..2 {
        put(&mut found, step, r * WIDE, low[r], start[r], end[r]);
    }
    found
}

#[target_feature(enable = "avx512f,avx512bw")]
fn mixture_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    let (zero, one) = (_mm512_setzero_si512(), _mm512_set1_epi32(1));
    for first in (0..step.active).step_by(WIDE) {
        let m = mixture(step, first);
        let symbol = _mm512_maskz_mov_epi32(coded(step.active, first), load(symbols, first));
        let next = _mm512_add_epi32(symbol, one);
        let inside = _mm512_cmplt_epi32_mask(next, _mm512_set1_epi32(step.symbols));
        // SAFETY: symbols are below `step.symbols`, and so is the next but after the last, which is looked up as 0.
        let [low, high] =
            unsafe { below::<1>(step, [&m, &m], [symbol, _mm512_maskz_mov_epi32(inside, next)]) };
        let low = _mm512_maskz_mov_epi32(_mm512_cmpgt_epi32_mask(symbol, zero), low);
        let high = _mm512_mask_mov_epi32(_mm512_set1_epi32(ONE as i32), inside, high);
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

/// As `distribution::classes`: a frequency for each of the step's symbols.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn frequencies(step: &Step, first: usize) -> [__m512i; MOST_CLASSES] {
    let n = step.symbols as usize;
    let zero = _mm512_setzero_si512();
    let before = load(step.before, first);
    let more = output(step.outputs, n, first);
    let mut all = [zero; MOST_CLASSES];
    let mut most = _mm512_set1_epi32(-100_000);
    for (c, f) in all[..n].iter_mut().enumerate() {
        let log = output(step.outputs, c, first);
        let same = _mm512_cmpeq_epi32_mask(before, _mm512_set1_epi32(c as i32));
        *f = _mm512_mask_add_epi32(log, same, log, more);
        most = _mm512_max_epi32(most, *f);
    }
    let mut sum = zero;
    for f in &mut all[..n] {
        *f = power(_mm512_sub_epi32(most, *f));
        sum = _mm512_add_epi32(sum, *f);
    }
    let unit = divide((ONE as i32 - n as i32) << 14, sum);
    let mut left = _mm512_set1_epi32(ONE as i32);
    for f in &mut all[..n - 1] {
        let share = _mm512_srli_epi32::<14>(_mm512_mullo_epi32(*f, unit));
        *f = _mm512_add_epi32(share, _mm512_set1_epi32(1));
        left = _mm512_sub_epi32(left, *f);
    }
    all[n - 1] = left;
    all
}

#[target_feature(enable = "avx512f,avx512bw")]
fn find_class(step: &Step, at: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    let (zero, one) = (_mm512_setzero_si512(), _mm512_set1_epi32(1));
    for first in (0..step.active).step_by(WIDE) {
        let all = frequencies(step, first);
        let at = load(at, first);
        let (mut symbol, mut low, mut high, mut sum) = (zero, zero, all[0], zero);
        for (c, &f) in all[..step.symbols as usize].iter().enumerate().skip(1) {
            sum = _mm512_add_epi32(sum, all[c - 1]);
            let passed = _mm512_cmple_epi32_mask(sum, at);
            symbol = _mm512_mask_add_epi32(symbol, passed, symbol, one);
            low = _mm512_mask_mov_epi32(low, passed, sum);
            high = _mm512_mask_add_epi32(high, passed, sum, f);
        }
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

#[target_feature(enable = "avx512f,avx512bw")]
fn class_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    let zero = _mm512_setzero_si512();
    for first in (0..step.active).step_by(WIDE) {
        let all = frequencies(step, first);
        let symbol = load(symbols, first);
        let (mut low, mut high, mut sum) = (zero, all[0], zero);
        for (c, &f) in all[..step.symbols as usize].iter().enumerate().skip(1) {
            sum = _mm512_add_epi32(sum, all[c - 1]);
            let reached = _mm512_cmple_epi32_mask(_mm512_set1_epi32(c as i32), symbol);
            low = _mm512_mask_mov_epi32(low, reached, sum);
            high = _mm512_mask_add_epi32(high, reached, sum, f);
        }
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

/// After Giesen, "Interleaved entropy coders" (2014).
#[target_feature(enable = "avx512f,avx512bw")]
fn advance(states: &mut Lanes, found: &Intervals, active: usize, words: &[u16], at: &mut usize) {
    for first in (0..active.min(LANES)).step_by(WIDE) {
        let mask = coded(active, first);
        let x = load(states, first);
        let low = _mm512_and_si512(x, _mm512_set1_epi32(ONE as i32 - 1));
        let high = _mm512_srli_epi32::<16>(x);
        let rest = _mm512_sub_epi32(low, load(&found.start, first));
        let next = _mm512_add_epi32(_mm512_mullo_epi32(load(&found.size, first), high), rest);
        let x = _mm512_mask_mov_epi32(x, mask, next);
        let draws = _mm512_mask_cmplt_epu32_mask(mask, x, _mm512_set1_epi32(ONE as i32));
        let left = words.get(*at..).unwrap_or(&[]);
        let mut padded = [0u16; WIDE];
        let next = left.first_chunk().unwrap_or_else(|| {
            padded[..left.len()].copy_from_slice(left);
            &padded
        });
        // SAFETY: sixteen words are 32 bytes.
        let next = unsafe { _mm512_cvtepu16_epi32(_mm256_loadu_si256(next.as_ptr().cast())) };
        let drawn = _mm512_maskz_expand_epi32(draws, next);
        let more = _mm512_or_si512(_mm512_slli_epi32::<{ BITS }>(x), drawn);
        store(states, first, _mm512_mask_mov_epi32(x, draws, more));
        *at += draws.count_ones() as usize;
    }
}
