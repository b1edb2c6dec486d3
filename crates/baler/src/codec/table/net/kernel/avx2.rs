//! AVX2: eight lanes a register.
//!
//! A search looks up one word a step (score and share) and works out three bells. Eight loads are faster there than a
//! gather, which is microcode on many processors. The plain sibling is `scalar.rs`.
#![allow(unsafe_code)] // loads, stores and gathers through pointers

use std::arch::x86_64::*;

use super::{Intervals, LANES, Lanes, Step};
use crate::codec::table::net::distribution::{BITS, HALVES, OCTAVE, ONE};
use crate::codec::table::net::first::{First, UNITS, Units};
use crate::model::frozen::MAX_ACTIVATION;
use crate::model::table::alphabet::MOST_CLASSES;
use crate::model::table::net::COMPONENTS;

/// Lanes of a register.
const WIDE: usize = 8;

/// Proof that the CPU has AVX2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());

macro_rules! safe {
    ($(#[$doc:meta] $name:ident($($argument:ident: $type:ty),*) -> $back:ty;)*) => {
        impl Avx2 {
            /// The proof, where the CPU gives it.
            pub fn new() -> Option<Avx2> {
                is_x86_feature_detected!("avx2").then_some(Avx2(()))
            }
            $(
                #[$doc]
                pub fn $name(self, $($argument: $type),*) -> $back {
                    // SAFETY: `self` proves that the CPU has AVX2.
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
#[target_feature(enable = "avx2")]
fn load(lanes: &Lanes, first: usize) -> __m256i {
    let part: &[i32; WIDE] = lanes.0[first..first + WIDE].try_into().expect("eight lanes");
    // SAFETY: eight values are 32 bytes.
    unsafe { _mm256_loadu_si256(part.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn store(lanes: &mut Lanes, first: usize, value: __m256i) {
    let part: &mut [i32; WIDE] = (&mut lanes.0[first..first + WIDE]).try_into().expect("eight lanes");
    // SAFETY: eight values are 32 bytes.
    unsafe { _mm256_storeu_si256(part.as_mut_ptr().cast(), value) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn constant(values: &[i32; WIDE]) -> __m256i {
    // SAFETY: eight values are 32 bytes.
    unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
}

/// Output `o` of eight lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn output(outputs: &[Lanes], o: usize, first: usize) -> __m256i {
    let pair = load(&outputs[o / 2], first);
    match o % 2 {
        0 => _mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(pair)),
        _ => _mm256_srai_epi32::<16>(pair),
    }
}

/// Eight rows at a time: a register of eight units' sums for each; only activations are turned about, of half the bits.
#[target_feature(enable = "avx2")]
fn first(layer: &First, symbols: &[&[u16; LANES]], active: usize, out: &mut [Lanes]) {
    const { assert!(UNITS == WIDE) };
    let shift = _mm_cvtsi32_si128(layer.shift as i32);
    let (zero, most) = (_mm256_setzero_si256(), _mm256_set1_epi16(MAX_ACTIVATION as i16));
    for (group, out) in layer.groups.iter().zip(out.as_chunks_mut::<{ UNITS / 2 }>().0) {
        let multipliers = constant(&group.multipliers.0);
        let multipliers = _mm256_packs_epi32(multipliers, multipliers);
        for first in (0..active.min(LANES)).step_by(WIDE) {
            let mut rows = [constant(&group.bias.0); WIDE];
            for (table, symbols) in group.tables.iter().zip(symbols) {
                let symbols: &[u16; WIDE] = symbols[first..first + WIDE].try_into().expect("eight lanes");
                for (sum, &symbol) in rows.iter_mut().zip(symbols) {
                    let Units(more) = &table[symbol as usize];
                    *sum = _mm256_add_epi32(*sum, constant(more));
                }
            }
            // Pairs 0 and 1 in the lower half, 2 and 3 in the upper, of two rows each.
            let mut y = [_mm256_setzero_ps(); 4];
            for (i, y) in y.iter_mut().enumerate() {
                let (a, b) = (_mm256_sra_epi32(rows[2 * i], shift), _mm256_sra_epi32(rows[2 * i + 1], shift));
                let t = _mm256_max_epi16(_mm256_packs_epi32(a, b), zero);
                *y = _mm256_castsi256_ps(_mm256_min_epi16(_mm256_mulhrs_epi16(t, multipliers), most));
            }
            let (mut even, mut odd) = ([zero; 2], [zero; 2]); // of four rows a half
            for i in 0..2 {
                even[i] = _mm256_castps_si256(_mm256_shuffle_ps::<0x88>(y[2 * i], y[2 * i + 1]));
                odd[i] = _mm256_castps_si256(_mm256_shuffle_ps::<0xdd>(y[2 * i], y[2 * i + 1]));
            }
            store(&mut out[0], first, _mm256_permute2x128_si256::<0x20>(even[0], even[1]));
            store(&mut out[1], first, _mm256_permute2x128_si256::<0x20>(odd[0], odd[1]));
            store(&mut out[2], first, _mm256_permute2x128_si256::<0x31>(even[0], even[1]));
            store(&mut out[3], first, _mm256_permute2x128_si256::<0x31>(odd[0], odd[1]));
        }
    }
}

/// As `distribution::power`.
#[inline]
#[target_feature(enable = "avx2")]
fn power(d: __m256i) -> __m256i {
    let low = constant(HALVES[..8].try_into().expect("eight"));
    let high = constant(HALVES[8..].try_into().expect("eight"));
    let d = _mm256_min_epi32(d, _mm256_set1_epi32(255));
    let upper = _mm256_slli_epi32::<28>(d); // bit 3 on top
    let (a, b) = (_mm256_permutevar8x32_epi32(low, d), _mm256_permutevar8x32_epi32(high, d));
    let entry = _mm256_blendv_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), _mm256_castsi256_ps(upper));
    _mm256_srlv_epi32(_mm256_castps_si256(entry), _mm256_srli_epi32::<4>(d))
}

/// floor(n / d) of 0 <= n < 2^31 and 0 < d < 2^20: in doubles the quotient is exact or far from a whole number.
#[inline]
#[target_feature(enable = "avx2")]
fn divide(n: i32, d: __m256i) -> __m256i {
    let n = _mm256_set1_pd(n as f64);
    let half = |d: __m128i| _mm256_cvttpd_epi32(_mm256_div_pd(n, _mm256_cvtepi32_pd(d)));
    _mm256_set_m128i(half(_mm256_extracti128_si256::<1>(d)), half(_mm256_castsi256_si128(d)))
}

/// Eight of `distribution::Mixture`.
#[derive(Clone, Copy)]
struct Mixture {
    weights: [__m256i; COMPONENTS + 2],
    middles: [__m256i; COMPONENTS],
    factors: [__m256i; COMPONENTS],
    shifts: [__m256i; COMPONENTS],
    before: __m256i,
    class: __m256i,
    scale: __m256i,
}

#[inline]
#[target_feature(enable = "avx2")]
fn mixture(step: &Step, first: usize) -> Mixture {
    const C: usize = COMPONENTS;
    let zero = _mm256_setzero_si256();
    let out = |o: usize| output(step.outputs, o, first);
    let before = load(step.before, first);
    let none = _mm256_cmpgt_epi32(zero, before);
    let mut logs = [zero; C + 2];
    for (i, log) in logs.iter_mut().enumerate() {
        *log = out(if i < C { i } else { 2 * C + i });
    }
    // What is not there has a logarithm beyond all others, so that its power is none.
    logs[C] = _mm256_blendv_epi8(logs[C], _mm256_set1_epi32(-100_000), none);
    let mut most = logs[0];
    for &log in &logs[1..] {
        most = _mm256_max_epi32(most, log);
    }
    let mut powers = [zero; C + 2];
    let mut sum = zero;
    for (p, &log) in powers.iter_mut().zip(&logs) {
        *p = power(_mm256_sub_epi32(most, log));
        sum = _mm256_add_epi32(sum, *p);
    }
    let unit = divide(1 << 29, sum);
    let mut weights = [_mm256_set1_epi32(32768); C + 2];
    for i in 1..C + 2 {
        weights[i] = _mm256_srli_epi32::<14>(_mm256_mullo_epi32(powers[i], unit));
        weights[0] = _mm256_sub_epi32(weights[0], weights[i]);
    }
    let (mut middles, mut factors, mut shifts) = ([zero; C], [zero; C], [zero; C]);
    let octave = constant(&OCTAVE);
    for c in 0..C {
        let middle = _mm256_min_epi32(out(C + c), _mm256_set1_epi32(2047));
        let middle = _mm256_slli_epi32::<4>(_mm256_max_epi32(middle, _mm256_set1_epi32(-2047)));
        let score = _mm256_andnot_si256(none, load(step.score, first));
        middles[c] = if c == 0 { _mm256_add_epi32(middle, score) } else { middle };
        let q = _mm256_min_epi32(_mm256_sub_epi32(zero, out(2 * C + c)), _mm256_set1_epi32(80));
        let q = _mm256_max_epi32(q, _mm256_set1_epi32(-24));
        factors[c] = _mm256_permutevar8x32_epi32(octave, q);
        shifts[c] = _mm256_sub_epi32(_mm256_set1_epi32(12), _mm256_srai_epi32::<3>(q));
    }
    let before = _mm256_max_epi32(before, zero);
    let scale = _mm256_set1_epi32(ONE as i32 - step.symbols);
    Mixture { weights, middles, factors, shifts, before, class: load(step.class, first), scale }
}

/// The upper halves of 16-bit products, as in `avx512.rs`: compilers make something slower of the intrinsic.
#[inline]
#[target_feature(enable = "avx2")]
fn mulhi(a: __m256i, b: __m256i) -> __m256i {
    let high;
    // SAFETY: reads two registers and writes one, by an instruction of AVX2.
    unsafe {
        std::arch::asm!("vpmulhuw {}, {}, {}", out(ymm_reg) high, in(ymm_reg) a, in(ymm_reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    high
}

/// As `distribution::tail` of the absolute values of two registers, packed into one: all of it fits 16 bits.
#[inline]
#[target_feature(enable = "avx2")]
fn tails(z: [__m256i; 2]) -> [__m256i; 2] {
    let both = _mm256_packus_epi32(_mm256_abs_epi32(z[0]), _mm256_abs_epi32(z[1]));
    let mut t = _mm256_xor_si256(both, _mm256_set1_epi32(-1)); // 65535 less each
    for _ in 0..4 {
        t = mulhi(t, t);
    }
    // (e (98304 - e)) >> 16
    let e = _mm256_srli_epi16::<1>(t);
    let tails = _mm256_add_epi16(e, mulhi(e, _mm256_sub_epi16(_mm256_set1_epi16(-32768), e)));
    let zero = _mm256_setzero_si256();
    [_mm256_unpacklo_epi16(tails, zero), _mm256_unpackhi_epi16(tails, zero)]
}

/// As `distribution::Mixture::below` for two registers, but any symbol from 0 to the last; what it gives for 0 means nothing.
/// One for each `CALLER`: a function of one caller is inlined, and its registers do not go through memory.
///
/// # Safety
/// Every lane's `symbol` is at least 0 and below `step.symbols`, and every lane's class is checked.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn below<const CALLER: u8>(step: &Step, m: [&Mixture; 2], symbol: [__m256i; 2]) -> [__m256i; 2] {
    let zero = _mm256_setzero_si256();
    let (mut score, mut sum) = ([zero; 2], [zero; 2]);
    for r in 0..2 {
        let mut at = [0i32; WIDE];
        // SAFETY: eight numbers are 32 bytes; class + symbol lies within the edges by what the caller vouches for.
        let edge = unsafe {
            _mm256_storeu_si256(at.as_mut_ptr().cast(), _mm256_add_epi32(m[r].class, symbol[r]));
            let edges = step.edges.as_ptr();
            let [a, b, c, d, e, f, g, h] = at;
            _mm256_setr_epi32(
                *edges.add(a as usize),
                *edges.add(b as usize),
                *edges.add(c as usize),
                *edges.add(d as usize),
                *edges.add(e as usize),
                *edges.add(f as usize),
                *edges.add(g as usize),
                *edges.add(h as usize),
            )
        };
        score[r] = _mm256_srai_epi32::<16>(edge);
        let share = _mm256_and_si256(edge, _mm256_set1_epi32(0xffff));
        let passed = _mm256_cmpgt_epi32(symbol[r], m[r].before);
        let copied = _mm256_and_si256(passed, _mm256_slli_epi32::<16>(m[r].weights[COMPONENTS]));
        sum[r] = _mm256_add_epi32(_mm256_mullo_epi32(m[r].weights[COMPONENTS + 1], share), copied);
    }
    for c in 0..COMPONENTS {
        let mut z = [zero; 2];
        for r in 0..2 {
            let d = _mm256_sub_epi32(score[r], m[r].middles[c]);
            let d =
                _mm256_max_epi32(_mm256_min_epi32(d, _mm256_set1_epi32(32767)), _mm256_set1_epi32(-32767));
            z[r] = _mm256_srav_epi32(_mm256_mullo_epi32(d, m[r].factors[c]), m[r].shifts[c]);
        }
        let tails = tails(z);
        for r in 0..2 {
            let rest = _mm256_sub_epi32(_mm256_set1_epi32(65536), tails[r]);
            let share = _mm256_blendv_epi8(rest, tails[r], _mm256_srai_epi32::<31>(z[r]));
            sum[r] = _mm256_add_epi32(sum[r], _mm256_mullo_epi32(m[r].weights[c], share));
        }
    }
    for r in 0..2 {
        let scaled = _mm256_mullo_epi32(_mm256_srli_epi32::<15>(sum[r]), m[r].scale);
        sum[r] = _mm256_add_epi32(_mm256_srli_epi32::<16>(scaled), symbol[r]);
    }
    sum
}

/// All ones in the lanes that are coded.
#[inline]
#[target_feature(enable = "avx2")]
fn coded(active: usize, first: usize) -> __m256i {
    let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(active as i32 - first as i32), lane)
}

#[inline]
#[target_feature(enable = "avx2")]
fn put(found: &mut Intervals, step: &Step, first: usize, symbol: __m256i, low: __m256i, high: __m256i) {
    let mask = coded(step.active, first);
    store(&mut found.symbol, first, _mm256_and_si256(symbol, mask));
    store(&mut found.start, first, _mm256_and_si256(low, mask));
    store(&mut found.size, first, _mm256_and_si256(_mm256_sub_epi32(high, low), mask));
}

/// Two registers at a time: the steps of a search wait for each other, so that two side by side take little longer than one.
/// Lanes that are not coded are searched like the others, and come to nothing.
#[target_feature(enable = "avx2")]
fn find_mixture(step: &Step, at: &Lanes) -> Intervals {
    const { assert!(LANES.is_multiple_of(2 * WIDE)) };
    let mut found = Intervals::ZERO;
    let steps = 32 - (step.symbols as u32 - 1).leading_zeros();
    for first in (0..step.active.min(LANES)).step_by(2 * WIDE) {
        let m = [mixture(step, first), mixture(step, first + WIDE)];
        let wanted = [load(at, first), load(at, first + WIDE)];
        let (mut low, mut high) = ([_mm256_setzero_si256(); 2], [_mm256_set1_epi32(step.symbols); 2]);
        let (mut start, mut end) = ([_mm256_setzero_si256(); 2], [_mm256_set1_epi32(ONE as i32); 2]);
        for _ in 0..steps {
            let mut middle = low;
            for r in 0..2 {
                middle[r] = _mm256_srli_epi32::<1>(_mm256_add_epi32(low[r], high[r]));
            }
            // SAFETY: 0 <= low <= middle < high <= symbols.
            let value = unsafe { below::<0>(step, [&m[0], &m[1]], middle) };
            for r in 0..2 {
                let open = _mm256_cmpgt_epi32(middle[r], low[r]);
                let above = _mm256_cmpgt_epi32(value[r], wanted[r]);
                let up = _mm256_andnot_si256(above, open);
                let down = _mm256_and_si256(above, open);
                low[r] = _mm256_blendv_epi8(low[r], middle[r], up);
                start[r] = _mm256_blendv_epi8(start[r], value[r], up);
                high[r] = _mm256_blendv_epi8(high[r], middle[r], down);
                end[r] = _mm256_blendv_epi8(end[r], value[r], down);
            }
        }
        for r in 0..2 {
            put(&mut found, step, first + r * WIDE, low[r], start[r], end[r]);
        }
    }
    found
}

#[target_feature(enable = "avx2")]
fn mixture_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    let (zero, one) = (_mm256_setzero_si256(), _mm256_set1_epi32(1));
    for first in (0..step.active).step_by(WIDE) {
        let m = mixture(step, first);
        let symbol = _mm256_and_si256(load(symbols, first), coded(step.active, first));
        let next = _mm256_add_epi32(symbol, one);
        let last = _mm256_cmpeq_epi32(next, _mm256_set1_epi32(step.symbols));
        // SAFETY: symbols are below `step.symbols`, and so is the next but after the last, which is looked up as 0.
        let [low, high] = unsafe { below::<1>(step, [&m, &m], [symbol, _mm256_andnot_si256(last, next)]) };
        let low = _mm256_andnot_si256(_mm256_cmpeq_epi32(symbol, zero), low);
        let high = _mm256_blendv_epi8(high, _mm256_set1_epi32(ONE as i32), last);
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

/// As `distribution::classes`: a frequency for each of the step's symbols.
#[inline]
#[target_feature(enable = "avx2")]
fn frequencies(step: &Step, first: usize) -> [__m256i; MOST_CLASSES] {
    let n = step.symbols as usize;
    let zero = _mm256_setzero_si256();
    let before = load(step.before, first);
    let more = output(step.outputs, n, first);
    let mut all = [zero; MOST_CLASSES];
    let mut most = _mm256_set1_epi32(-100_000);
    for (c, f) in all[..n].iter_mut().enumerate() {
        let same = _mm256_cmpeq_epi32(before, _mm256_set1_epi32(c as i32));
        *f = _mm256_add_epi32(output(step.outputs, c, first), _mm256_and_si256(more, same));
        most = _mm256_max_epi32(most, *f);
    }
    let mut sum = zero;
    for f in &mut all[..n] {
        *f = power(_mm256_sub_epi32(most, *f));
        sum = _mm256_add_epi32(sum, *f);
    }
    let unit = divide((ONE as i32 - n as i32) << 14, sum);
    let mut left = _mm256_set1_epi32(ONE as i32);
    for f in &mut all[..n - 1] {
        let share = _mm256_srli_epi32::<14>(_mm256_mullo_epi32(*f, unit));
        *f = _mm256_add_epi32(share, _mm256_set1_epi32(1));
        left = _mm256_sub_epi32(left, *f);
    }
    all[n - 1] = left;
    all
}

#[target_feature(enable = "avx2")]
fn find_class(step: &Step, at: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    let zero = _mm256_setzero_si256();
    for first in (0..step.active).step_by(WIDE) {
        let all = frequencies(step, first);
        let at = load(at, first);
        let (mut symbol, mut low, mut high, mut sum) = (zero, zero, all[0], zero);
        for (c, &f) in all[..step.symbols as usize].iter().enumerate().skip(1) {
            sum = _mm256_add_epi32(sum, all[c - 1]);
            let above = _mm256_cmpgt_epi32(sum, at);
            symbol = _mm256_sub_epi32(symbol, _mm256_andnot_si256(above, _mm256_set1_epi32(-1)));
            low = _mm256_blendv_epi8(sum, low, above);
            high = _mm256_blendv_epi8(_mm256_add_epi32(sum, f), high, above);
        }
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

#[target_feature(enable = "avx2")]
fn class_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    let zero = _mm256_setzero_si256();
    for first in (0..step.active).step_by(WIDE) {
        let all = frequencies(step, first);
        let symbol = load(symbols, first);
        let (mut low, mut high, mut sum) = (zero, all[0], zero);
        for (c, &f) in all[..step.symbols as usize].iter().enumerate().skip(1) {
            sum = _mm256_add_epi32(sum, all[c - 1]);
            let passed = _mm256_cmpgt_epi32(_mm256_set1_epi32(c as i32), symbol);
            low = _mm256_blendv_epi8(sum, low, passed);
            high = _mm256_blendv_epi8(_mm256_add_epi32(sum, f), high, passed);
        }
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

/// For each set of lanes, as a mask, where each of its lanes stands among them.
const PLACES: [[u8; WIDE]; 256] = {
    let mut all = [[0; WIDE]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut lane, mut place) = (0, 0);
        while lane < WIDE {
            all[mask][lane] = place;
            place += (mask >> lane & 1) as u8;
            lane += 1;
        }
        mask += 1;
    }
    all
};

/// After Giesen, "Interleaved entropy coders" (2014).
#[target_feature(enable = "avx2")]
fn advance(states: &mut Lanes, found: &Intervals, active: usize, words: &[u16], at: &mut usize) {
    for first in (0..active.min(LANES)).step_by(WIDE) {
        let mask = coded(active, first);
        let x = load(states, first);
        let low = _mm256_and_si256(x, _mm256_set1_epi32(ONE as i32 - 1));
        let high = _mm256_srli_epi32::<16>(x);
        let rest = _mm256_sub_epi32(low, load(&found.start, first));
        let next = _mm256_add_epi32(_mm256_mullo_epi32(load(&found.size, first), high), rest);
        let x = _mm256_blendv_epi8(x, next, mask);
        let small = _mm256_cmpeq_epi32(_mm256_srli_epi32::<16>(x), _mm256_setzero_si256());
        let draws = _mm256_and_si256(small, mask);
        let set = _mm256_movemask_ps(_mm256_castsi256_ps(draws)) as usize;
        let mut part = [0u16; WIDE];
        match words.get(*at..).and_then(|w| w.first_chunk::<WIDE>()) {
            Some(eight) => part = *eight,
            None => {
                let left = words.get(*at..).unwrap_or(&[]);
                part[..left.len()].copy_from_slice(left);
            }
        }
        // SAFETY: eight words are 16 bytes, eight places 8.
        let (words, places) = unsafe {
            (
                _mm256_cvtepu16_epi32(_mm_loadu_si128(part.as_ptr().cast())),
                _mm256_cvtepu8_epi32(_mm_loadl_epi64(PLACES[set].as_ptr().cast())),
            )
        };
        let drawn = _mm256_permutevar8x32_epi32(words, places);
        let more = _mm256_or_si256(_mm256_slli_epi32::<{ BITS as i32 }>(x), drawn);
        store(states, first, _mm256_blendv_epi8(x, more, draws));
        *at += set.count_ones() as usize;
    }
}
