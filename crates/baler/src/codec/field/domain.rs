//! The arithmetic of one value: from a prediction and an original to an index and a reconstruction, and back.
//!
//! This is where stage 2 loses information, and the only place. The encoder checks each reconstruction, in the
//! stored type, against the bound; what cannot obey it is coded exactly.

use super::context::CAP;

/// The floating-point type that predictions are made in. Single IEEE operations only.
pub trait Real: Copy + Default + PartialOrd + Send + Sync + 'static {
    /// A filter weight: `w` / 2^14.
    fn weight(w: i16) -> Self;
    /// self + a x b, two roundings.
    fn plus_product(self, a: Self, b: Self) -> Self;
    /// a x b.
    fn product(self, b: Self) -> Self;
    /// a + b.
    fn plus(self, b: Self) -> Self;
    /// a - b.
    fn minus(self, b: Self) -> Self;
    /// For fitting only.
    fn to_f64(self) -> f64;
    /// For fitting only.
    fn from_f64(v: f64) -> Self;
}

macro_rules! real {
    ($t:ty) => {
        impl Real for $t {
            #[inline(always)]
            fn weight(w: i16) -> Self {
                w as $t / 16384.0
            }
            #[inline(always)]
            fn plus_product(self, a: Self, b: Self) -> Self {
                self + a * b
            }
            #[inline(always)]
            fn product(self, b: Self) -> Self {
                self * b
            }
            #[inline(always)]
            fn plus(self, b: Self) -> Self {
                self + b
            }
            #[inline(always)]
            fn minus(self, b: Self) -> Self {
                self - b
            }
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn from_f64(v: f64) -> Self {
                v as $t
            }
        }
    };
}
real!(f32);
real!(f64);

/// How many values the fast walk quantises at a time.
pub const LANES: usize = 8;

/// An integer wide enough for the indices of a [`Domain`], as narrow as vectors like it.
pub trait Index: Copy + Default + PartialEq + Send + Sync {
    /// Every bit set: [`Index::kept`] keeps all.
    const ONES: Self;
    /// Itself where `mask` is [`Index::ONES`], 0 where that is 0.
    fn kept(self, mask: Self) -> Self;
    /// Widened.
    fn to_i64(self) -> i64;
    /// Narrowed, where nothing is lost.
    fn from_i64(index: i64) -> Option<Self>;
    /// Narrowed, whatever is lost.
    fn wrap(index: i64) -> Self;
    /// Its size, at most [`CAP`].
    fn magnitude(self) -> u16;
    /// Zigzagged, at most `u16::MAX`: 0, -1, 1, -2, ...
    fn folded(self) -> u16;
}

macro_rules! index {
    ($($t:ty)*) => {$(
        impl Index for $t {
            const ONES: Self = -1;
            #[inline(always)]
            fn kept(self, mask: Self) -> Self {
                self & mask
            }
            #[inline(always)]
            fn to_i64(self) -> i64 {
                self.into()
            }
            fn from_i64(index: i64) -> Option<Self> {
                index.try_into().ok()
            }
            #[inline(always)]
            fn wrap(index: i64) -> Self {
                index as $t
            }
            #[inline(always)]
            fn magnitude(self) -> u16 {
                self.unsigned_abs().min(CAP as _) as u16
            }
            #[inline(always)]
            fn folded(self) -> u16 {
                (self << 1 ^ self >> (<$t>::BITS - 1)).cast_unsigned().min(u16::MAX as _) as u16
            }
        }
    )*};
}
index!(i32 i64);

/// How values of one kind are predicted, quantised and rebuilt.
pub trait Domain: Copy {
    /// What the user stores.
    type Value: Copy;
    /// What predictions are made in.
    type Work: Real;
    /// What the fast walk keeps indices in.
    type Index: Index;
    /// Bits of a value coded exactly.
    const BITS: u32;

    /// Distance between reconstructions.
    fn step(&self) -> f64;
    /// The index of `x` around prediction `p`, once its reconstruction is known to obey the bound; `None` where
    /// only the exact value will do. Encoder only.
    fn quantise(&self, x: Self::Value, p: Self::Work) -> Option<i64>;
    /// [`Domain::quantise`] and then [`Domain::rebuild`]: the index, the value at it, and what later predictions see.
    #[inline(always)]
    fn settle(&self, x: Self::Value, p: Self::Work) -> Option<(i64, Self::Value, Self::Work)> {
        let index = self.quantise(x, p)?;
        let (rebuilt, seen) = self.rebuild(index, p);
        Some((index, rebuilt, seen))
    }
    /// The indices of several values, and whether all of them are known to obey the bound. Where they are not, an index
    /// may be any. Where `mask` is 0 instead of [`Index::ONES`], the index is 0 and nothing has to be obeyed. Encoder only.
    #[inline(always)]
    fn quantise_lanes(
        &self,
        x: &[Self::Value; LANES],
        p: &[Self::Work; LANES],
        mask: &[Self::Index; LANES],
    ) -> ([Self::Index; LANES], bool) {
        let mut indices = [Self::Index::default(); LANES];
        let mut all = true;
        for j in 0..LANES {
            let index = self.quantise(x[j], p[j]).and_then(Self::Index::from_i64);
            let counts = mask[j] != Self::Index::default();
            all &= index.is_some() | !counts;
            indices[j] = index.unwrap_or_default().kept(mask[j]);
        }
        (indices, all)
    }
    /// The value at `index` around prediction `p`, and what later predictions see of it.
    fn rebuild(&self, index: i64, p: Self::Work) -> (Self::Value, Self::Work);
    /// What later predictions see of an exactly coded `x` that was predicted as `p`.
    fn exact(&self, x: Self::Value, p: Self::Work) -> Self::Work;
    /// What lies `steps` distances between reconstructions above zero.
    fn distance(&self, steps: f32) -> Self::Work;
    /// A value's bits, and the value of bits.
    fn to_bits(x: Self::Value) -> u64;
    /// The inverse of [`Domain::to_bits`].
    fn from_bits(bits: u64) -> Self::Value;
}

/// Floats within an absolute bound: reconstruction = (prediction + index x step) + mean.
#[derive(Clone, Copy, Debug)]
pub struct Absolute<F> {
    /// Distance between reconstructions; a little under twice the bound.
    pub step: F,
    /// 1 / step, used by the encoder and to tell outliers.
    pub inverse: F,
    /// Subtracted before prediction.
    pub mean: F,
    /// The bound itself; the encoder alone knows it.
    pub bound: f64,
    /// The largest of its type that is not above the bound.
    below: F,
}

macro_rules! absolute {
    ($t:ty, $bits:ty, $int:ty, $magic:expr, $limit:expr) => {
        impl Absolute<$t> {
            /// Around a mean, within a bound.
            pub fn new(step: $t, mean: $t, bound: f64) -> Self {
                let near = bound as $t;
                let below = if near as f64 > bound { near.next_down() } else { near };
                Absolute { step, inverse: 1.0 / step, mean, bound, below }
            }
        }

        impl Domain for Absolute<$t> {
            type Value = $t;
            type Work = $t;
            type Index = $int;
            const BITS: u32 = <$bits>::BITS;

            fn step(&self) -> f64 {
                self.step as f64
            }

            /// As [`Domain::quantise`], without a branch: the first index or none.
            #[inline(always)]
            fn quantise_lanes(
                &self,
                x: &[$t; LANES],
                p: &[$t; LANES],
                mask: &[$int; LANES],
            ) -> ([$int; LANES], bool) {
                let mut indices = [0; LANES];
                let mut failed = [false; LANES];
                for j in 0..LANES {
                    let ratio = (x[j] - self.mean - p[j]) * self.inverse;
                    let index = (ratio + $magic).to_bits().wrapping_sub(($magic as $t).to_bits()) as $int;
                    let rebuilt = p[j] + index as $t * self.step + self.mean;
                    // Below a bound of its type even after it was rounded: as in `quantise`.
                    let fails = !(ratio.abs() < $limit) | !((x[j] - rebuilt).abs() < self.below);
                    failed[j] = fails & (mask[j] != 0);
                    indices[j] = index & mask[j];
                }
                (indices, failed.into_iter().fold(true, |all, f| all & !f))
            }

            /// The next value waits for this one: so what is rounded stays a float, as which it is the very index.
            #[inline(always)]
            fn settle(&self, x: $t, p: $t) -> Option<(i64, $t, $t)> {
                let ratio = (x - self.mean - p) * self.inverse;
                let shifted = ratio + $magic;
                let seen = p + (shifted - $magic) * self.step;
                let rebuilt = seen + self.mean;
                if ratio.abs() < $limit && ((x as f64) - (rebuilt as f64)).abs() < self.bound {
                    let index = shifted.to_bits() as $int - ($magic as $t).to_bits() as $int;
                    return Some((index as i64, rebuilt, seen));
                }
                let index = self.quantise(x, p)?;
                let (rebuilt, seen) = self.rebuild(index, p);
                Some((index, rebuilt, seen))
            }

            #[inline(always)]
            fn quantise(&self, x: $t, p: $t) -> Option<i64> {
                let ratio = (x - self.mean - p) * self.inverse;
                if !(ratio.abs() < $limit) {
                    return None; // an outlier, or not a number
                }
                // Adding 1.5 x 2^(mantissa bits) rounds to an integer in the low bits: no conversion, no libm.
                let index = (ratio + $magic).to_bits() as $int - ($magic as $t).to_bits() as $int;
                let index = index as i64;
                // Below the bound even after the difference was rounded: rounding is monotone and the bound is
                // itself a float, so a true difference above it could not have come out below it.
                let holds = |i: i64| ((x as f64) - (self.rebuild(i, p).0 as f64)).abs() < self.bound;
                if holds(index) {
                    return Some(index);
                }
                let other = if self.rebuild(index, p).0 < x { index + 1 } else { index - 1 };
                holds(other).then_some(other)
            }

            #[inline(always)]
            fn rebuild(&self, index: i64, p: $t) -> ($t, $t) {
                let r = p + index as $t * self.step;
                (r + self.mean, r)
            }

            #[inline(always)]
            fn exact(&self, x: $t, p: $t) -> $t {
                let v = x - self.mean;
                // An outlier must not spoil its neighbours' predictions; a value merely hard to hit should inform them.
                if ((v - p) * self.inverse).abs() < $limit { v } else { p }
            }

            #[inline(always)]
            fn distance(&self, steps: f32) -> $t {
                steps as $t * self.step
            }

            fn to_bits(x: $t) -> u64 {
                x.to_bits() as u64
            }

            fn from_bits(bits: u64) -> $t {
                <$t>::from_bits(bits as $bits)
            }
        }
    };
}
absolute!(f32, u32, i32, 12582912.0, 2097152.0);
absolute!(f64, u64, i64, 6755399441055744.0, 1125899906842624.0);

/// Integers, exactly (`reach` = 0) or within +-`reach`: reconstruction = prediction + index x (2 reach + 1).
///
/// Also every front end that has turned floats into integers.
#[derive(Clone, Copy, Debug)]
pub struct Integers {
    /// Largest difference allowed.
    pub reach: i64,
    /// Subtracted before prediction, so that large offsets cost no precision.
    pub origin: i64,
    /// Reconstructions are clamped to the type's range, which holds the original.
    pub least: i64,
    /// The upper end of that range.
    pub most: i64,
}

impl Integers {
    #[inline(always)]
    fn centre(&self, p: f64) -> i64 {
        // Saturating and exact on every machine; halves away from zero.
        let rounded = (p + if p < 0.0 { -0.5 } else { 0.5 }) as i64;
        rounded.saturating_add(self.origin).clamp(self.least, self.most)
    }
}

impl Domain for Integers {
    type Value = i64;
    type Work = f64;
    type Index = i64;
    const BITS: u32 = 64;

    fn step(&self) -> f64 {
        2.0 * self.reach as f64 + 1.0
    }

    #[inline(always)]
    fn quantise(&self, x: i64, p: f64) -> Option<i64> {
        let difference = x.checked_sub(self.centre(p))?;
        if self.reach == 0 {
            return Some(difference);
        }
        let step = self.reach.checked_mul(2)?.checked_add(1)?;
        let index = (difference.unsigned_abs().checked_add(self.reach as u64)? / step as u64) as i64;
        let index = if difference < 0 { -index } else { index };
        (self.rebuild(index, p).0.abs_diff(x) <= self.reach as u64).then_some(index)
    }

    #[inline(always)]
    fn rebuild(&self, index: i64, p: f64) -> (i64, f64) {
        let step = self.reach.wrapping_mul(2).wrapping_add(1);
        let x = self.centre(p).saturating_add(index.saturating_mul(step)).clamp(self.least, self.most);
        (x, x.wrapping_sub(self.origin) as f64)
    }

    #[inline(always)]
    fn exact(&self, x: i64, _: f64) -> f64 {
        x.wrapping_sub(self.origin) as f64
    }

    #[inline(always)]
    fn distance(&self, steps: f32) -> f64 {
        steps as f64 * self.reach.wrapping_mul(2).wrapping_add(1) as f64
    }

    fn to_bits(x: i64) -> u64 {
        x as u64
    }

    fn from_bits(bits: u64) -> i64 {
        bits as i64
    }
}
