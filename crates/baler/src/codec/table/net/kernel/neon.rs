//! NEON, which every 64-bit ARM has: four lanes a register. The plain sibling is `scalar.rs`.
#![allow(unsafe_code)] // loads and stores through pointers

use std::arch::aarch64::*;

use super::scalar;
use super::{Intervals, LANES, Lanes, Step};
use crate::codec::table::net::distribution::{HALVES, OCTAVE, ONE};
use crate::codec::table::net::first::{First, UNITS};
use crate::model::frozen::MAX_ACTIVATION;
use crate::model::table::alphabet::MOST_CLASSES;
use crate::model::table::net::COMPONENTS;

/// Lanes of a register.
const WIDE: usize = 4;
/// Registers searched side by side.
const SIDE: usize = 4;

/// Proof that the CPU has NEON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neon(());

macro_rules! safe {
    ($(#[$doc:meta] $name:ident($($argument:ident: $type:ty),*) -> $back:ty;)*) => {
        impl Neon {
            /// The proof, where the CPU gives it.
            pub fn new() -> Option<Neon> {
                std::arch::is_aarch64_feature_detected!("neon").then_some(Neon(()))
            }
            $(
                #[$doc]
                pub fn $name(self, $($argument: $type),*) -> $back {
                    // SAFETY: `self` proves that the CPU has NEON.
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
}

impl Neon {
    /// Each word that is drawn moves on those after it: lane after lane, in plain integers.
    pub fn advance(
        self,
        states: &mut Lanes,
        found: &Intervals,
        active: usize,
        words: &[u16],
        at: &mut usize,
    ) {
        scalar::advance(states, found, active, words, at)
    }
}

#[inline]
#[target_feature(enable = "neon")]
fn constant(values: &[i32; WIDE]) -> int32x4_t {
    // SAFETY: four values are read.
    unsafe { vld1q_s32(values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "neon")]
fn load(lanes: &Lanes, first: usize) -> int32x4_t {
    constant(lanes.0[first..first + WIDE].try_into().expect("four lanes"))
}

#[inline]
#[target_feature(enable = "neon")]
fn store(lanes: &mut [i32], first: usize, value: int32x4_t) {
    let part: &mut [i32; WIDE] = (&mut lanes[first..first + WIDE]).try_into().expect("four lanes");
    // SAFETY: four values are written.
    unsafe { vst1q_s32(part.as_mut_ptr(), value) }
}

/// Output `o` of four lanes.
#[inline]
#[target_feature(enable = "neon")]
fn output(outputs: &[Lanes], o: usize, first: usize) -> int32x4_t {
    let pair = load(&outputs[o / 2], first);
    match o % 2 {
        0 => vshrq_n_s32::<16>(vshlq_n_s32::<16>(pair)),
        _ => vshrq_n_s32::<16>(pair),
    }
}

/// Numbers of a table of at most sixteen, by their numbers: bytes of four are found by four bytes' places.
#[inline]
#[target_feature(enable = "neon")]
fn entries<const N: usize>(table: &[i32; N], which: int32x4_t) -> int32x4_t {
    const { assert!(N == 8 || N == 16) };
    let places = vmlaq_n_s32(vdupq_n_s32(0x0302_0100), which, 0x0404_0404);
    let places = vreinterpretq_u8_s32(places);
    // SAFETY: 32 or 64 bytes are read, all of the table.
    let found = unsafe {
        let table: *const u8 = table.as_ptr().cast();
        match N {
            8 => vqtbl2q_u8(vld1q_u8_x2(table), places),
            _ => vqtbl4q_u8(vld1q_u8_x4(table), places),
        }
    };
    vreinterpretq_s32_u8(found)
}

/// As `distribution::power`.
#[inline]
#[target_feature(enable = "neon")]
fn power(d: int32x4_t) -> int32x4_t {
    let d = vminq_s32(d, vdupq_n_s32(255));
    let entry = entries(&HALVES, vandq_s32(d, vdupq_n_s32(15)));
    vshlq_s32(entry, vnegq_s32(vshrq_n_s32::<4>(d)))
}

/// floor(n / d) of 0 <= n < 2^31 and d > 0.
#[inline]
#[target_feature(enable = "neon")]
fn divide(n: i32, d: int32x4_t) -> int32x4_t {
    let mut quotients = [0; WIDE];
    store(&mut quotients, 0, d);
    for q in &mut quotients {
        *q = (n as u32 / *q as u32) as i32;
    }
    constant(&quotients)
}

/// Four of `distribution::Mixture`.
#[derive(Clone, Copy)]
struct Mixture {
    weights: [int32x4_t; COMPONENTS + 2],
    middles: [int32x4_t; COMPONENTS],
    factors: [int32x4_t; COMPONENTS],
    /// Negative: to the right.
    shifts: [int32x4_t; COMPONENTS],
    before: int32x4_t,
    class: int32x4_t,
    scale: int32x4_t,
}

#[inline]
#[target_feature(enable = "neon")]
fn mixture(step: &Step, first: usize) -> Mixture {
    const C: usize = COMPONENTS;
    let zero = vdupq_n_s32(0);
    let before = load(step.before, first);
    let none = vcltzq_s32(before);
    let mut logs = [zero; C + 2];
    for (i, log) in logs.iter_mut().enumerate() {
        *log = output(step.outputs, if i < C { i } else { 2 * C + i }, first);
    }
    logs[C] = vbslq_s32(none, vdupq_n_s32(-100_000), logs[C]);
    let mut most = logs[0];
    for &log in &logs[1..] {
        most = vmaxq_s32(most, log);
    }
    let mut powers = [zero; C + 2];
    let mut sum = zero;
    for (p, &log) in powers.iter_mut().zip(&logs) {
        *p = power(vsubq_s32(most, log));
        sum = vaddq_s32(sum, *p);
    }
    let unit = divide(1 << 29, sum);
    let mut weights = [vdupq_n_s32(32768); C + 2];
    for i in 1..C + 2 {
        weights[i] = vshrq_n_s32::<14>(vmulq_s32(powers[i], unit));
        weights[0] = vsubq_s32(weights[0], weights[i]);
    }
    let (mut middles, mut factors, mut shifts) = ([zero; C], [zero; C], [zero; C]);
    for c in 0..C {
        let middle = vminq_s32(output(step.outputs, C + c, first), vdupq_n_s32(2047));
        let middle = vshlq_n_s32::<4>(vmaxq_s32(middle, vdupq_n_s32(-2047)));
        let score = vbicq_s32(load(step.score, first), vreinterpretq_s32_u32(none));
        middles[c] = if c == 0 { vaddq_s32(middle, score) } else { middle };
        let q = vminq_s32(vnegq_s32(output(step.outputs, 2 * C + c, first)), vdupq_n_s32(80));
        let q = vmaxq_s32(q, vdupq_n_s32(-24));
        factors[c] = entries(&OCTAVE, vandq_s32(q, vdupq_n_s32(7)));
        shifts[c] = vsubq_s32(vshrq_n_s32::<3>(q), vdupq_n_s32(12));
    }
    let before = vmaxq_s32(before, zero);
    let scale = vdupq_n_s32(ONE as i32 - step.symbols);
    Mixture { weights, middles, factors, shifts, before, class: load(step.class, first), scale }
}

/// The upper halves of products.
#[inline]
#[target_feature(enable = "neon")]
fn mulhi(a: uint16x8_t, b: uint16x8_t) -> uint16x8_t {
    let low = vreinterpretq_u16_u32(vmull_u16(vget_low_u16(a), vget_low_u16(b)));
    vuzp2q_u16(low, vreinterpretq_u16_u32(vmull_high_u16(a, b)))
}

/// As `distribution::tail` of the absolute values of two registers: all of it fits 16 bits.
#[inline]
#[target_feature(enable = "neon")]
fn tails(low: int32x4_t, high: int32x4_t) -> [int32x4_t; 2] {
    let size = |z| vreinterpretq_u32_s32(vabsq_s32(z));
    let z = vqmovn_high_u32(vqmovn_u32(size(low)), size(high));
    let mut t = vmvnq_u16(z);
    for _ in 0..4 {
        t = mulhi(t, t);
    }
    // (e (98304 - e)) >> 16
    let e = vshrq_n_u16::<1>(t);
    let tails = vaddq_u16(e, mulhi(e, vsubq_u16(vdupq_n_u16(32768), e)));
    [vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(tails))), vreinterpretq_s32_u32(vmovl_high_u16(tails))]
}

/// As `distribution::Mixture::below` for `N` registers, an even number, but any symbol from 0 to the last; what it gives for 0
/// means nothing.
///
/// # Safety
/// Every lane's `symbol` is at least 0 and below `step.symbols`, and every lane's class is checked.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn below<const N: usize>(step: &Step, m: [&Mixture; N], symbol: [int32x4_t; N]) -> [int32x4_t; N] {
    const { assert!(N.is_multiple_of(2)) };
    let zero = vdupq_n_s32(0);
    let (mut score, mut sum) = ([zero; N], [zero; N]);
    for r in 0..N {
        let mut at = [0; WIDE];
        store(&mut at, 0, vaddq_s32(m[r].class, symbol[r]));
        let mut edge = [0; WIDE];
        for (edge, at) in edge.iter_mut().zip(at) {
            // SAFETY: class + symbol lies within the edges by what the caller vouches for.
            *edge = unsafe { *step.edges.get_unchecked(at as usize) };
        }
        let edge = constant(&edge);
        score[r] = vshrq_n_s32::<16>(edge);
        let share = vandq_s32(edge, vdupq_n_s32(0xffff));
        let passed = vreinterpretq_s32_u32(vcgtq_s32(symbol[r], m[r].before));
        let copied = vandq_s32(passed, vshlq_n_s32::<16>(m[r].weights[COMPONENTS]));
        sum[r] = vmlaq_s32(copied, m[r].weights[COMPONENTS + 1], share);
    }
    for c in 0..COMPONENTS {
        let mut z = [zero; N];
        for r in 0..N {
            let d = vsubq_s32(score[r], m[r].middles[c]);
            let d = vmaxq_s32(vminq_s32(d, vdupq_n_s32(32767)), vdupq_n_s32(-32767));
            z[r] = vshlq_s32(vmulq_s32(d, m[r].factors[c]), m[r].shifts[c]);
        }
        for pair in (0..N).step_by(2) {
            let tails = tails(z[pair], z[pair + 1]);
            for h in 0..2 {
                let r = pair + h;
                let share = vbslq_s32(vcltzq_s32(z[r]), tails[h], vsubq_s32(vdupq_n_s32(65536), tails[h]));
                sum[r] = vmlaq_s32(sum[r], m[r].weights[c], share);
            }
        }
    }
    let shifted = |x: int32x4_t| vreinterpretq_u32_s32(x);
    for r in 0..N {
        let scaled = vmulq_u32(vshrq_n_u32::<15>(shifted(sum[r])), shifted(m[r].scale));
        sum[r] = vaddq_s32(vreinterpretq_s32_u32(vshrq_n_u32::<16>(scaled)), symbol[r]);
    }
    sum
}

/// All ones in the lanes that are coded.
#[inline]
#[target_feature(enable = "neon")]
fn coded(active: usize, first: usize) -> int32x4_t {
    let lane = constant(&[0, 1, 2, 3]);
    vreinterpretq_s32_u32(vcgtq_s32(vdupq_n_s32(active as i32 - first as i32), lane))
}

#[inline]
#[target_feature(enable = "neon")]
fn put(found: &mut Intervals, step: &Step, first: usize, symbol: int32x4_t, low: int32x4_t, high: int32x4_t) {
    let mask = coded(step.active, first);
    store(&mut found.symbol.0, first, vandq_s32(symbol, mask));
    store(&mut found.start.0, first, vandq_s32(low, mask));
    store(&mut found.size.0, first, vandq_s32(vsubq_s32(high, low), mask));
}

/// [`SIDE`] registers at a time: the steps of a search wait for each other.
#[target_feature(enable = "neon")]
fn find_mixture(step: &Step, at: &Lanes) -> Intervals {
    const { assert!(LANES.is_multiple_of(SIDE * WIDE)) };
    let mut found = Intervals::ZERO;
    let steps = 32 - (step.symbols as u32 - 1).leading_zeros();
    for first in (0..step.active).step_by(SIDE * WIDE) {
        let mut m = [mixture(step, first); SIDE];
        let mut wanted = [load(at, first); SIDE];
        for r in 1..SIDE {
            m[r] = mixture(step, first + r * WIDE);
            wanted[r] = load(at, first + r * WIDE);
        }
        let (mut low, mut high) = ([vdupq_n_s32(0); SIDE], [vdupq_n_s32(step.symbols); SIDE]);
        let (mut start, mut end) = ([vdupq_n_s32(0); SIDE], [vdupq_n_s32(ONE as i32); SIDE]);
        for _ in 0..steps {
            let mut middle = low;
            for r in 0..SIDE {
                middle[r] = vshrq_n_s32::<1>(vaddq_s32(low[r], high[r]));
            }
            // SAFETY: 0 <= low <= middle < high <= symbols.
            let value = unsafe { below::<SIDE>(step, m.each_ref(), middle) };
            for r in 0..SIDE {
                let open = vcgtq_s32(middle[r], low[r]);
                let above = vcgtq_s32(value[r], wanted[r]);
                let (up, down) = (vbicq_u32(open, above), vandq_u32(open, above));
                low[r] = vbslq_s32(up, middle[r], low[r]);
                start[r] = vbslq_s32(up, value[r], start[r]);
                high[r] = vbslq_s32(down, middle[r], high[r]);
                end[r] = vbslq_s32(down, value[r], end[r]);
            }
        }
        for r in 0..SIDE {
            put(&mut found, step, first + r * WIDE, low[r], start[r], end[r]);
        }
    }
    found
}

#[target_feature(enable = "neon")]
fn mixture_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    let (zero, one) = (vdupq_n_s32(0), vdupq_n_s32(1));
    for first in (0..step.active).step_by(WIDE) {
        let m = mixture(step, first);
        let symbol = vandq_s32(load(symbols, first), coded(step.active, first));
        let next = vaddq_s32(symbol, one);
        let last = vceqq_s32(next, vdupq_n_s32(step.symbols));
        // SAFETY: symbols are below `step.symbols`, and so is the next but after the last, which is looked up as 0.
        let [low, high] =
            unsafe { below::<2>(step, [&m, &m], [symbol, vbicq_s32(next, vreinterpretq_s32_u32(last))]) };
        let low = vbslq_s32(vceqq_s32(symbol, zero), zero, low);
        let high = vbslq_s32(last, vdupq_n_s32(ONE as i32), high);
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

/// As `distribution::classes`: a frequency for each of the step's symbols.
#[inline]
#[target_feature(enable = "neon")]
fn frequencies(step: &Step, first: usize) -> [int32x4_t; MOST_CLASSES] {
    let n = step.symbols as usize;
    let zero = vdupq_n_s32(0);
    let before = load(step.before, first);
    let more = output(step.outputs, n, first);
    let mut all = [zero; MOST_CLASSES];
    let mut most = vdupq_n_s32(-100_000);
    for (c, f) in all[..n].iter_mut().enumerate() {
        let same = vreinterpretq_s32_u32(vceqq_s32(before, vdupq_n_s32(c as i32)));
        *f = vaddq_s32(output(step.outputs, c, first), vandq_s32(more, same));
        most = vmaxq_s32(most, *f);
    }
    let mut sum = zero;
    for f in &mut all[..n] {
        *f = power(vsubq_s32(most, *f));
        sum = vaddq_s32(sum, *f);
    }
    let unit = divide((ONE as i32 - n as i32) << 14, sum);
    let mut left = vdupq_n_s32(ONE as i32);
    for f in &mut all[..n - 1] {
        let share = vshrq_n_u32::<14>(vreinterpretq_u32_s32(vmulq_s32(*f, unit)));
        *f = vaddq_s32(vreinterpretq_s32_u32(share), vdupq_n_s32(1));
        left = vsubq_s32(left, *f);
    }
    all[n - 1] = left;
    all
}

/// The interval of each lane's symbol: the last of those that `passed` tells, from its number and the sum below it.
#[inline]
#[target_feature(enable = "neon")]
fn class_where(
    step: &Step,
    first: usize,
    passed: impl Fn(i32, int32x4_t) -> uint32x4_t,
) -> (int32x4_t, int32x4_t, int32x4_t) {
    let all = frequencies(step, first);
    let zero = vdupq_n_s32(0);
    let (mut symbol, mut low, mut high, mut sum) = (zero, zero, all[0], zero);
    for (c, &f) in all[..step.symbols as usize].iter().enumerate().skip(1) {
        sum = vaddq_s32(sum, all[c - 1]);
        let passed = passed(c as i32, sum);
        symbol = vbslq_s32(passed, vdupq_n_s32(c as i32), symbol);
        low = vbslq_s32(passed, sum, low);
        high = vbslq_s32(passed, vaddq_s32(sum, f), high);
    }
    (symbol, low, high)
}

#[target_feature(enable = "neon")]
fn find_class(step: &Step, at: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    for first in (0..step.active).step_by(WIDE) {
        let at = load(at, first);
        let (symbol, low, high) = class_where(step, first, |_, sum| vcleq_s32(sum, at));
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

#[target_feature(enable = "neon")]
fn class_of(step: &Step, symbols: &Lanes) -> Intervals {
    let mut found = Intervals::ZERO;
    for first in (0..step.active).step_by(WIDE) {
        let symbol = load(symbols, first);
        let (_, low, high) = class_where(step, first, |c, _| vcleq_s32(vdupq_n_s32(c), symbol));
        put(&mut found, step, first, symbol, low, high);
    }
    found
}

/// Four rows at a time: a register of four units' sums for each; only activations are turned about, of half the bits.
#[target_feature(enable = "neon")]
fn first(layer: &First, symbols: &[&[u16; LANES]], active: usize, out: &mut [Lanes]) {
    const { assert!(UNITS == 2 * WIDE) };
    let shift = vdupq_n_s32(-(layer.shift as i32));
    let (zero, most) = (vdupq_n_s16(0), vdupq_n_s16(MAX_ACTIVATION as i16));
    for (group, out) in layer.groups.iter().zip(out.as_chunks_mut::<{ UNITS / 2 }>().0) {
        for half in 0..2 {
            let four =
                |units: &[i32; UNITS]| constant(units[half * WIDE..][..WIDE].try_into().expect("four units"));
            let multipliers = four(&group.multipliers.0);
            let multipliers = vqmovn_high_s32(vqmovn_s32(multipliers), multipliers);
            for first in (0..active.min(LANES)).step_by(WIDE) {
                let mut rows = [four(&group.bias.0); WIDE];
                for (table, symbols) in group.tables.iter().zip(symbols) {
                    for (sum, &symbol) in rows.iter_mut().zip(&symbols[first..first + WIDE]) {
                        *sum = vaddq_s32(*sum, four(&table[symbol as usize].0));
                    }
                }
                let mut y = [vdupq_n_s32(0); 2]; // both pairs of two rows each
                for (i, y) in y.iter_mut().enumerate() {
                    let (a, b) = (vshlq_s32(rows[2 * i], shift), vshlq_s32(rows[2 * i + 1], shift));
                    let t = vmaxq_s16(vqmovn_high_s32(vqmovn_s32(a), b), zero);
                    *y = vreinterpretq_s32_s16(vminq_s16(vqrdmulhq_s16(t, multipliers), most));
                }
                store(&mut out[2 * half].0, first, vuzp1q_s32(y[0], y[1]));
                store(&mut out[2 * half + 1].0, first, vuzp2q_s32(y[0], y[1]));
            }
        }
    }
}
