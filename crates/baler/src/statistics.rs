//! What relative bounds are shares of: the finite values of a variable, summed up.

use crate::cpu::{Cpu, Job, best};
use crate::data::Values;
use crate::front::class::Bits;

/// The finite values of a variable, summed up. Fill values are left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Statistics {
    /// How many there are.
    pub count: u64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// The root of the mean squared difference from it.
    spread: f64,
}

impl Statistics {
    /// Of no values.
    pub const EMPTY: Statistics =
        Statistics { count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, mean: 0.0, spread: 0.0 };

    /// Of a field's or a column's values, its fill value left out.
    pub fn of_values(values: &Values, fill: Option<u64>) -> Statistics {
        fn of<T: Bits>(v: &[T], fill: Option<u64>, as_f64: impl Fn(T) -> f64 + Copy) -> Statistics {
            let all = || best(Finite { values: v, as_f64 }, false);
            let some = || v.iter().filter(|x| fill != Some(x.bits())).map(|&x| as_f64(x));
            if fill.is_none() {
                all().unwrap_or_else(|| Statistics::of(some()))
            } else {
                Statistics::of(some())
            }
        }
        // Of integers that are no f64, the nearest within the range: a bound relative to it must not exceed the true share.
        let whole = |integers: &mut dyn Iterator<Item = i128>, s: Statistics| {
            let (least, most) = integers.fold((i128::MAX, i128::MIN), |(a, b), x| (a.min(x), b.max(x)));
            let up = |x: i128| if (x as f64) as i128 >= x { x as f64 } else { (x as f64).next_up() };
            if s.count == 0 { s } else { Statistics { min: up(least), max: -up(-most), ..s } }
        };
        let kept = |bits: u64| fill != Some(bits);
        match values {
            Values::F32(v) => of(v, fill, |x| x as f64),
            Values::F64(v) => of(v, fill, |x| x),
            Values::U8(v) => of(v, fill, |x| x as f64),
            Values::I8(v) => of(v, fill, |x| x as f64),
            Values::U16(v) => of(v, fill, |x| x as f64),
            Values::I16(v) => of(v, fill, |x| x as f64),
            Values::U32(v) => of(v, fill, |x| x as f64),
            Values::I32(v) => of(v, fill, |x| x as f64),
            Values::U64(v) => {
                let mut kept = v.iter().filter(|x| kept(x.bits())).map(|&x| x as i128);
                whole(&mut kept, of(v, fill, |x| x as f64))
            }
            Values::I64(v) => {
                let mut kept = v.iter().filter(|x| kept(x.bits())).map(|&x| x as i128);
                whole(&mut kept, of(v, fill, |x| x as f64))
            }
            Values::Bool(_) | Values::Text(_) => Statistics::EMPTY,
        }
    }

    /// Of the finite ones among `values`. Sums are kept in eight lanes, so that they need not wait for each other.
    pub fn of(values: impl Iterator<Item = f64> + Clone) -> Statistics {
        let mut first = First::NEW;
        let finite = values.filter(|v| v.is_finite());
        in_eights(finite.clone(), |eight, some| first.add(eight, some));
        if first.count == 0 {
            return Statistics::EMPTY;
        }
        let mut second = Second::around(&first);
        in_eights(finite, |eight, some| second.add(eight, some));
        first.with(second)
    }

    /// Of the values of both (Chan, Golub and LeVeque, 1979).
    pub fn merge(self, other: Statistics) -> Statistics {
        if self.count == 0 || other.count == 0 {
            return if self.count == 0 { other } else { self };
        }
        // In halves, and as shares of the largest: neither differences nor squares overflow, or vanish.
        let (a, b) = (self.count as f64, other.count as f64);
        let apart = other.mean * 0.5 - self.mean * 0.5;
        let parts = [self.spread * 0.5, other.spread * 0.5, apart];
        let unit = parts.iter().fold(0.0f64, |most, part| most.max(part.abs()));
        let [mine, others, between] = parts.map(|part| if unit > 0.0 { (part / unit).powi(2) } else { 0.0 });
        let squares = mine * a + others * b + between * (a / (a + b)) * b;
        Statistics {
            count: self.count + other.count,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            mean: self.mean + apart * (b / (a + b)) * 2.0,
            spread: (squares / (a + b)).sqrt() * unit * 2.0,
        }
    }

    /// Largest less smallest; 0 of no values.
    pub fn range(&self) -> f64 {
        if self.count == 0 { 0.0 } else { (self.max - self.min).max(0.0) }
    }

    /// Standard deviation of the population, never more than half its range.
    pub fn deviation(&self) -> f64 {
        // What has overflown bounds nothing: it is as if nothing might be lost.
        if self.count == 0 || !self.spread.is_finite() { 0.0 } else { self.spread.min(self.range() * 0.5) }
    }
}

/// Values added side by side.
const LANES: usize = 8;

/// Hands out values eight at a time, fewer at the end.
#[inline(always)]
fn in_eights(values: impl Iterator<Item = f64>, mut take: impl FnMut(&[f64; LANES], usize)) {
    let (mut eight, mut some) = ([0.0; LANES], 0);
    for v in values {
        eight[some] = v;
        some += 1;
        if some == LANES {
            take(&eight, LANES);
            some = 0;
        }
    }
    take(&eight, some);
}

/// What a first look at values tells.
#[derive(Clone, Copy)]
struct First {
    count: u64,
    least: [f64; LANES],
    most: [f64; LANES],
    /// Halved while summed: two values near the largest float do not overflow. Where more do, nothing is known of the
    /// deviation.
    halves: [f64; LANES],
}

impl First {
    const NEW: First = First {
        count: 0,
        least: [f64::INFINITY; LANES],
        most: [f64::NEG_INFINITY; LANES],
        halves: [0.0; LANES],
    };

    /// Adds the first `some` of eight values.
    #[inline(always)]
    fn add(&mut self, eight: &[f64; LANES], some: usize) {
        self.count += some as u64;
        for lane in 0..some {
            let x = eight[lane];
            self.least[lane] = if x < self.least[lane] { x } else { self.least[lane] };
            self.most[lane] = if x > self.most[lane] { x } else { self.most[lane] };
            self.halves[lane] += x * 0.5;
        }
    }

    fn mean(&self) -> f64 {
        self.halves.into_iter().sum::<f64>() / self.count as f64 * 2.0
    }

    fn least_and_most(&self) -> (f64, f64) {
        let least = self.least.into_iter().fold(f64::INFINITY, f64::min);
        (least, self.most.into_iter().fold(f64::NEG_INFINITY, f64::max))
    }

    fn with(self, second: Second) -> Statistics {
        let (min, max) = self.least_and_most();
        let (rest, squares) = (second.rest.into_iter().sum::<f64>(), second.squares.into_iter().sum::<f64>());
        let count = self.count as f64;
        // What rounding left in the mean is taken out of the squares (Chan, Golub and LeVeque, 1983): it would
        // add to them, and a bound relative to the deviation must not grow.
        let squares = (squares - rest * rest / count).max(0.0);
        let spread = (squares / count).sqrt() / second.scale / second.down;
        Statistics { count: self.count, min, max, mean: self.mean(), spread }
    }
}

/// What a second look tells, around the mean of the first.
#[derive(Clone, Copy)]
struct Second {
    mean: f64,
    /// Powers of two that differences are taken times, before and after they are taken: so neither they nor their squares
    /// overflow, or vanish.
    down: f64,
    scale: f64,
    rest: [f64; LANES],
    squares: [f64; LANES],
}

impl Second {
    fn around(first: &First) -> Second {
        let (least, most) = first.least_and_most();
        let down = if least.abs().max(most.abs()) > 1e300 { 0.5 } else { 1.0 };
        // The range's exponent, turned about; of a range of zero or of the smallest numbers, the largest there is.
        let exponent = (most * down - least * down).to_bits() >> 52;
        let scale = f64::from_bits((2046 - exponent.clamp(1, 2045)) << 52);
        let mean = first.mean() * down;
        Second { mean, down, scale, rest: [0.0; LANES], squares: [0.0; LANES] }
    }

    #[inline(always)]
    fn add(&mut self, eight: &[f64; LANES], some: usize) {
        for lane in 0..some {
            let d = (eight[lane] * self.down - self.mean) * self.scale;
            self.rest[lane] += d;
            self.squares[lane] += d * d;
        }
    }
}

/// [`Statistics::of`] of values that are all finite, in vectors: the same sums in the same order. `None` where one is not, or
/// there are none.
struct Finite<'a, T, F> {
    values: &'a [T],
    as_f64: F,
}

impl<T: Bits, F: Fn(T) -> f64> Job for Finite<'_, T, F> {
    type Outcome = Option<Statistics>;

    #[inline(always)]
    fn run(self, _: impl Cpu) -> Option<Statistics> {
        let Finite { values, as_f64 } = self;
        let (eights, rest) = values.as_chunks::<LANES>();
        let mut last = [0.0; LANES];
        last.iter_mut().zip(rest).for_each(|(to, &x)| *to = as_f64(x));
        let mut first = First::NEW;
        for eight in eights {
            first.add(&std::array::from_fn(|lane| as_f64(eight[lane])), LANES);
        }
        first.add(&last, rest.len());
        // What is not finite does not become so again.
        if first.count == 0 || first.halves.iter().any(|sum| !sum.is_finite()) {
            return None;
        }
        let mut second = Second::around(&first);
        for eight in eights {
            second.add(&std::array::from_fn(|lane| as_f64(eight[lane])), LANES);
        }
        second.add(&last, rest.len());
        Some(first.with(second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_sum_as_one_by_one() {
        let value = |i: usize| ((i * 2_654_435_761) % 1009) as f32 * 0.37 - 150.0;
        for n in (0..40).chain([1000, 4099]) {
            let v: Vec<f32> = (0..n).map(value).collect();
            let one_by_one = Statistics::of(v.iter().map(|&x| x as f64));
            assert_eq!(Statistics::of_values(&Values::F32(v.clone()), None), one_by_one, "{n} values");
            // With some that are not finite, and a fill value.
            for at in (0..n).step_by(7) {
                for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut v = v.clone();
                    v[at] = odd;
                    let left: Vec<f64> = v.iter().filter(|x| x.is_finite()).map(|&x| x as f64).collect();
                    let found = Statistics::of_values(&Values::F32(v), None);
                    assert_eq!(found, Statistics::of(left.iter().copied()), "{odd} at {at} of {n}");
                }
                let mut v = v.clone();
                v[at] = 1e20;
                let left: Vec<f64> = v.iter().filter(|&&x| x < 1e19).map(|&x| x as f64).collect();
                let found = Statistics::of_values(&Values::F32(v), Some(1e20f32.to_bits() as u64));
                assert_eq!(found, Statistics::of(left.iter().copied()), "a fill value at {at} of {n}");
            }
        }
        // Sums that overflow although no value is infinite.
        let huge = vec![f64::MAX; 100];
        assert_eq!(Statistics::of_values(&Values::F64(huge.clone()), None), Statistics::of(huge.into_iter()));
    }
}
