//! Networks as bytes (format.md, section 8.1).

use super::super::frozen::{FrozenDense, MOST_WIDTH, Requantise};
use super::{
    Add, Attention, Axis, Conv, Gdn, Linear, MOST_EPSILON, MOST_STEPS, Network, Norm, Scale, Step, Table,
    Transpose,
};
use crate::codec::bytes::{Reader, put_varint};
use crate::error::{Error, Result};

/// Appends a network, without its sequence.
pub fn put_network(out: &mut Vec<u8>, network: &Network) {
    put_varint(out, network.inputs() as u64);
    put_varint(out, network.steps().len() as u64);
    network.steps().iter().for_each(|step| put_step(out, step));
}

fn put_step(out: &mut Vec<u8>, step: &Step) {
    fn counts<const N: usize>(out: &mut Vec<u8>, counts: [usize; N]) {
        counts.into_iter().for_each(|n| put_varint(out, n as u64));
    }
    match step {
        Step::Dense(dense) => {
            out.push(0);
            counts(out, [dense.outputs()]);
            put_dense(out, dense);
        }
        Step::Conv(conv) => {
            out.push(if conv.transposed() { 2 } else { 1 });
            let Linear { weights, bias, requantise } = conv.linear();
            out.push(conv.axes().len() as u8);
            counts(out, [conv.channels(), bias.len()]);
            conv.axes().iter().for_each(|a| counts(out, [a.extent, a.kernel, a.stride, a.padding]));
            if conv.transposed() {
                conv.axes().iter().for_each(|a| counts(out, [a.more]));
            }
            put_marked(out, weights, bias, requantise.as_ref());
        }
        Step::Scale(scale) => {
            out.push(3);
            counts(out, [scale.channels().outputs()]);
            put_dense(out, scale.channels());
        }
        Step::Table(table) => {
            out.push(4);
            put_i16s(out, table.points());
        }
        Step::Gdn(gdn) => {
            out.extend([5, gdn.inverse() as u8]);
            counts(out, [gdn.squares().outputs()]);
            put_dense(out, gdn.squares());
            out.push(gdn.shift() as u8);
            put_i16s(out, gdn.multipliers());
        }
        Step::Norm(norm) => {
            out.push(6);
            put_varint(out, norm.epsilon());
            out.push(norm.shift() as u8);
            put_i16s(out, norm.multipliers());
            put_i16s(out, norm.offsets());
        }
        Step::Attention(attention) => {
            out.extend([7, attention.shift as u8]);
            put_i16s(out, &[attention.multiplier]);
        }
        Step::Keep => out.push(8),
        Step::Add(add) => {
            out.extend([9, add.shift as u8]);
            put_i16s(out, &[add.kept, add.since]);
        }
        Step::Transpose(transpose) => {
            out.push(10);
            counts(out, [transpose.rows, transpose.columns]);
        }
    }
}

/// The inverse of [`put_network`]. Everything is validated.
pub fn read(r: &mut Reader, sequence: usize) -> Result<Network> {
    let inputs = r.count(MOST_WIDTH, "inputs")?;
    let count = r.count(MOST_STEPS, "steps")?;
    let mut steps = vec![];
    let mut width = inputs;
    for i in 0..count {
        let step = read_step(r, width).map_err(|e| e.at(format!("step {i}")))?;
        let outputs = step.outputs(width).filter(|&n| n <= MOST_WIDTH);
        width = outputs.ok_or_else(|| Error::corrupt(format!("step {i} is not for {width} values")))?;
        steps.push(step);
    }
    Network::new(inputs, sequence, steps)
}

/// A step on rows of `width` values.
fn read_step(r: &mut Reader, width: usize) -> Result<Step> {
    let one = |r: &mut Reader, what| Ok::<_, Error>(i16s(r, 1, what)?[0]);
    let count = |r: &mut Reader, what| r.count(MOST_WIDTH, what);
    Ok(match r.u8("kind of step")? {
        0 => {
            let outputs = count(r, "outputs")?;
            Step::Dense(dense(r, width, outputs)?)
        }
        kind @ (1 | 2) => Step::Conv(conv(r, kind == 2)?),
        3 => {
            let channels = count(r, "channels")?;
            Step::Scale(Scale::new(dense(r, 1, channels)?)?)
        }
        4 => Step::Table(Table::new(i16s(r, Table::POINTS, "table")?)?),
        5 => {
            let inverse = match r.u8("inverse")? {
                n @ (0 | 1) => n == 1,
                other => return Err(Error::unsupported(format!("inverse {other} is of a later version"))),
            };
            let channels = count(r, "channels")?;
            let squares = dense(r, channels, channels)?;
            let shift = r.u8("shift")? as u32;
            Step::Gdn(Gdn::new(inverse, squares, shift, i16s(r, channels, "multipliers")?)?)
        }
        6 => {
            let epsilon = r.varint("epsilon")?;
            let shift = r.u8("shift")? as u32;
            if epsilon > MOST_EPSILON {
                return Err(Error::corrupt(format!("epsilon {epsilon} is over 2^56")));
            }
            let multipliers = i16s(r, width, "multipliers")?;
            Step::Norm(Norm::new(epsilon, shift, multipliers, i16s(r, width, "offsets")?)?)
        }
        7 => {
            let shift = r.u8("shift")? as u32;
            Step::Attention(Attention { shift, multiplier: one(r, "multiplier")? }.checked()?)
        }
        8 => Step::Keep,
        9 => {
            let shift = r.u8("shift")? as u32;
            let kept = one(r, "multiplier")?;
            Step::Add(Add { shift, kept, since: one(r, "multiplier")? }.checked()?)
        }
        10 => {
            let rows = count(r, "rows")?;
            Step::Transpose(Transpose { rows, columns: count(r, "columns")? })
        }
        kind => return Err(Error::unsupported(format!("kind {kind} is of a later version"))),
    })
}

fn conv(r: &mut Reader, transposed: bool) -> Result<Conv> {
    let count = |r: &mut Reader| r.count(MOST_WIDTH, "window");
    let axes = r.u8("axes")? as usize;
    if !(1..=3).contains(&axes) {
        return Err(Error::unsupported(format!("a window of {axes} axes is of a later version")));
    }
    let (channels, outputs) = (count(r)?, count(r)?);
    let mut window = vec![];
    for _ in 0..axes {
        let [extent, kernel, stride, padding] = [count(r)?, count(r)?, count(r)?, count(r)?];
        window.push(Axis { extent, kernel, stride, padding, more: 0 });
    }
    if transposed {
        for axis in &mut window {
            axis.more = count(r)?;
        }
    }
    let columns = window.iter().fold(channels, |n, a| n.saturating_mul(a.kernel));
    Conv::new(transposed, channels, window, linear(r, columns, outputs)?)
}

fn put_i16s(out: &mut Vec<u8>, values: &[i16]) {
    values.iter().for_each(|v| out.extend(v.to_le_bytes()));
}

fn i16s(r: &mut Reader, count: usize, what: &str) -> Result<Vec<i16>> {
    let bytes = r.take(count.saturating_mul(2), what)?;
    Ok(bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b)).collect())
}

/// Appends weights, biases, and, where there are any, shift and multipliers.
pub fn put_linear(out: &mut Vec<u8>, weights: &[i16], bias: &[i32], requantise: Option<&Requantise>) {
    put_i16s(out, weights);
    bias.iter().for_each(|b| out.extend(b.to_le_bytes()));
    if let Some(r) = requantise {
        out.push(r.shift as u8);
        put_i16s(out, &r.positive);
        put_i16s(out, &r.negative);
    }
}

/// As [`put_linear`], with a shift of 0 where there are no multipliers.
fn put_marked(out: &mut Vec<u8>, weights: &[i16], bias: &[i32], requantise: Option<&Requantise>) {
    put_linear(out, weights, bias, requantise);
    if requantise.is_none() {
        out.push(0);
    }
}

fn put_dense(out: &mut Vec<u8>, layer: &FrozenDense) {
    put_marked(out, layer.weights(), layer.bias(), layer.requantise());
}

/// Weights (outputs x inputs) and biases.
pub fn weights_and_bias(r: &mut Reader, inputs: usize, outputs: usize) -> Result<(Vec<i16>, Vec<i32>)> {
    let weights = i16s(r, inputs.saturating_mul(outputs), "weights")?;
    let bias = r.take(outputs.saturating_mul(4), "biases")?;
    Ok((weights, bias.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect()))
}

/// Shift and multipliers.
pub fn requantise(r: &mut Reader, outputs: usize) -> Result<Requantise> {
    let shift = r.u8("shift")? as u32;
    let positive = i16s(r, outputs, "multipliers")?;
    Ok(Requantise { shift, positive, negative: i16s(r, outputs, "multipliers")? })
}

fn linear(r: &mut Reader, inputs: usize, outputs: usize) -> Result<Linear> {
    let (weights, bias) = weights_and_bias(r, inputs, outputs)?;
    let requantise = match r.clone().u8("shift")? {
        0 => {
            r.u8("shift")?;
            None
        }
        _ => Some(requantise(r, outputs)?),
    };
    Ok(Linear { weights, bias, requantise })
}

fn dense(r: &mut Reader, inputs: usize, outputs: usize) -> Result<FrozenDense> {
    let Linear { weights, bias, requantise } = linear(r, inputs, outputs)?;
    FrozenDense::new(inputs, outputs, weights, bias, requantise)
}
