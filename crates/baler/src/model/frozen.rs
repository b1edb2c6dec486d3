//! A dense layer frozen to integers, with the proof that nothing in it can overflow.

use super::kernel::Packed;
use crate::error::{Error, Result};

/// Activations are integers of 14 bits: clamped to +- this.
pub const MAX_ACTIVATION: i32 = 8191;

/// Values in a row that go into or come out of a layer, at most: a block of rows takes some 256 bytes for each.
pub const MOST_WIDTH: usize = 1 << 20;

/// How accumulators become the activations of the next layer:
/// t = (acc + 2^(shift-1)) >> shift, y = clamp((t M + 2^14) >> 15).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requantise {
    /// Bits dropped first, 1 to 30.
    pub shift: u32,
    /// M of each output for t >= 0, never negative.
    pub positive: Vec<i16>,
    /// M of each output for t < 0, never negative: `positive` times the slope of the activation.
    pub negative: Vec<i16>,
}

impl Requantise {
    /// The activation of output `o` for the accumulator `acc`.
    pub fn apply(&self, o: usize, acc: i32) -> i32 {
        let t = (acc + (1 << (self.shift - 1))) >> self.shift;
        let m = if t < 0 { self.negative[o] } else { self.positive[o] } as i32;
        ((t * m + (1 << 14)) >> 15).clamp(-MAX_ACTIVATION, MAX_ACTIVATION)
    }

    /// Whether 16 bits can hold t where accumulators of output `o` stay within +-`bound`: all of it, or, saturated, what
    /// gives the same activation, since both are clamped or M is 0.
    fn fits(&self, o: usize, bound: i64) -> bool {
        let clamped = |m: i16| m as i32 > MAX_ACTIVATION;
        let t = (bound + (1 << (self.shift - 1))) >> self.shift;
        t <= i16::MAX as i64
            || clamped(self.positive[o]) && (self.negative[o] == 0 || clamped(self.negative[o]))
    }
}

/// A dense layer in integers. To hold one is to know that its sums, in any order and for any activations
/// within +-[`MAX_ACTIVATION`], fit 32 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenDense {
    inputs: usize,
    outputs: usize,
    weights: Vec<i16>,
    bias: Vec<i32>,
    requantise: Option<Requantise>,
    packed: Packed,
}

impl FrozenDense {
    /// A layer of `weights` (outputs x inputs, row-major) and `bias`; `requantise` is left out in the last
    /// layer of a decoder, whose accumulators are the result.
    ///
    /// Errors where sizes disagree or where, for some output, one of these does not hold:
    /// |b| + sum |w| 8191 < 2^31 - 2^shift, 0 <= M, and max |t| M + 2^14 < 2^31.
    pub fn new(
        inputs: usize,
        outputs: usize,
        weights: Vec<i16>,
        bias: Vec<i32>,
        requantise: Option<Requantise>,
    ) -> Result<FrozenDense> {
        let sizes =
            requantise.as_ref().is_none_or(|r| r.positive.len() == outputs && r.negative.len() == outputs);
        if inputs == 0
            || outputs == 0
            || inputs.checked_mul(outputs) != Some(weights.len())
            || bias.len() != outputs
            || !sizes
        {
            return Err(Error::corrupt(format!(
                "weights or biases are not those of a layer {inputs} to {outputs}"
            )));
        }
        if inputs.max(outputs) > MOST_WIDTH {
            return Err(Error::unsupported(format!("{inputs} to {outputs} values are over 2^20")));
        }
        if let Some(bad) = requantise.as_ref().map(|r| r.shift).filter(|s| !(1..=30).contains(s)) {
            return Err(Error::corrupt(format!("shift {bad} is not in 1 to 30")));
        }
        let mut narrow = true;
        for (o, (w, &b)) in weights.chunks_exact(inputs).zip(&bias).enumerate() {
            let multipliers = requantise.as_ref().map(|r| (r.shift, r.positive[o], r.negative[o]));
            let bound = bound(w, b);
            prove(bound, multipliers).map_err(|e| e.at(format!("output {o}")))?;
            narrow &= requantise.as_ref().is_some_and(|r| r.fits(o, bound));
        }
        let packed = Packed::new(inputs, &weights, &bias, requantise.as_ref(), narrow);
        Ok(FrozenDense { inputs, outputs, weights, bias, requantise, packed })
    }

    /// Values in a row that go in.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values in a row that come out.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Weights, outputs x inputs.
    pub fn weights(&self) -> &[i16] {
        &self.weights
    }

    /// Biases, one an output, in units of the accumulator.
    pub fn bias(&self) -> &[i32] {
        &self.bias
    }

    /// How the accumulators are brought back to 14 bits; `None` where they are the result.
    pub fn requantise(&self) -> Option<&Requantise> {
        self.requantise.as_ref()
    }

    /// Whether it requantises, and 16 bits can hold every t.
    pub(crate) fn narrow(&self) -> bool {
        !self.packed.narrow.is_empty()
    }

    /// The layer as SIMD kernels read it.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(super) fn packed(&self) -> &Packed {
        &self.packed
    }

    /// [`Lanes`](super::kernel::Lanes) that a kernel writes for a block: pairs of activations, or
    /// accumulators, of an even number.
    pub fn lanes_out(&self) -> usize {
        match self.requantise {
            Some(_) => self.outputs.div_ceil(2),
            None => self.outputs.next_multiple_of(2),
        }
    }
}

/// The largest |accumulator| that one output can reach.
pub(super) fn bound(weights: &[i16], bias: i32) -> i64 {
    let sum: i64 = weights.iter().map(|&w| (w as i64).abs()).sum();
    (bias as i64).abs() + sum * MAX_ACTIVATION as i64
}

/// Whether an output whose accumulator stays within +-`bound` overflows nowhere.
fn prove(bound: i64, requantise: Option<(u32, i16, i16)>) -> Result<()> {
    let (shift, positive, negative) = requantise.unwrap_or((0, 0, 0));
    if bound >= (1 << 31) - (1 << shift) {
        return Err(Error::corrupt(format!("its sum can reach {bound} and overflow")));
    }
    if positive < 0 || negative < 0 {
        return Err(Error::corrupt(format!("multiplier {} is negative", positive.min(negative))));
    }
    let t = (bound + (1 << shift) / 2) >> shift;
    if t * positive.max(negative) as i64 + (1 << 14) >= 1 << 31 {
        return Err(Error::corrupt(format!(
            "{t} times its multiplier {} can overflow",
            positive.max(negative)
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_tight() {
        // bound = 262144 * 8191 = 2^31 - 2^18, reached with weights of 8 x 32767 + 8.
        let weights = |last: i16| [vec![32767; 8], vec![last]].concat();
        let layer = |last, bias, requantise| FrozenDense::new(9, 1, weights(last), vec![bias], requantise);
        assert!(layer(8, (1 << 18) - 2, None).is_ok());
        assert!(layer(8, (1 << 18) - 1, None).is_err());
        assert!(layer(8, 1 - (1 << 18), None).is_err());
        assert!(layer(-9, 0, None).is_ok() && layer(41, 0, None).is_err());
        let requantise = |shift, m, n| Some(Requantise { shift, positive: vec![m], negative: vec![n] });
        assert!(layer(8, (1 << 18) - (1 << 16) - 1, requantise(16, 32767, 0)).is_ok());
        assert!(layer(8, (1 << 18) - (1 << 16), requantise(16, 32767, 0)).is_err());
        assert!(layer(8, 0, requantise(15, 32767, 0)).is_ok());
        assert!(layer(8, 0, requantise(14, 32767, 0)).is_err());
        assert!(layer(8, 0, requantise(14, 0, 32767)).is_err());
        assert!(layer(8, 0, requantise(16, -1, 0)).is_err());
        assert!(layer(8, 0, requantise(0, 1, 0)).is_err() && layer(8, 0, requantise(31, 1, 0)).is_err());
    }

    #[test]
    fn sizes_must_agree() {
        assert!(FrozenDense::new(2, 1, vec![1; 3], vec![0], None).is_err());
        assert!(FrozenDense::new(2, 1, vec![1; 2], vec![0; 2], None).is_err());
        assert!(FrozenDense::new(0, 1, vec![], vec![0], None).is_err());
        assert!(FrozenDense::new(usize::MAX, 2, vec![1; 2], vec![0; 2], None).is_err());
        let short = Requantise { shift: 4, positive: vec![1], negative: vec![] };
        assert!(FrozenDense::new(2, 1, vec![1; 2], vec![0], Some(short)).is_err());
    }
}
