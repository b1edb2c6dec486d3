//! Uniform quantisation of floats to multiples of a step, for columns and for autoencoders' residuals.

/// Multiples of a step, each standing for all values within the bound around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uniform {
    /// Distance between neighbouring reconstructions.
    pub step: f64,
}

/// Indices beyond this are not used: such values are coded exactly.
const MOST: f64 = 4503599627370496.0; // 2^52

impl Uniform {
    /// The step for |decoded - original| <= `bound`, when values are about as large as `scale` and stored with
    /// `epsilon` relative precision: twice the bound, less what rounding to the stored type can add.
    pub fn new(bound: f64, scale: f64, epsilon: f64) -> Uniform {
        let slack = (scale * epsilon).min(bound * 0.5);
        Uniform { step: 2.0 * (bound - slack) * (1.0 - 1e-9) }
    }

    /// The index whose reconstruction, as `stored` rounds it, lies within `bound` of `x`; `None` where there is none.
    #[inline]
    pub fn index(&self, x: f64, bound: f64, stored: impl Fn(f64) -> f64) -> Option<i64> {
        let near = (x / self.step).round_ties_even();
        if !(near.abs() <= MOST) {
            return None;
        }
        // Strictly below: a true difference above the bound cannot round to less than it.
        let holds = |i: f64| (x - stored(i * self.step)).abs() < bound;
        [near, near + 1.0, near - 1.0].into_iter().find(|&i| holds(i)).map(|i| i as i64)
    }

    /// The reconstruction of an index, before it is rounded to the stored type: one product.
    #[inline(always)]
    pub fn value(&self, index: i64) -> f64 {
        index as f64 * self.step
    }
}
