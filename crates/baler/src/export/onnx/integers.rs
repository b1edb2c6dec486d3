//! The frozen network as nodes on 64-bit integers: every bit is that of the archive's decoder.
//!
//! ONNX's own quantised operators have 8 bits and round in other places, so shifts are divisions here, and convolutions
//! gather their windows by a table of positions and multiply matrices. Steps with roots are in [`roots`].

use super::builder::Builder;
use super::normalise::Curves;
use super::proto::{DOUBLE, INT64};
use super::{Part, roots};
use crate::model::autoencoder::{Decoder, Encoder, FrozenModel};
use crate::model::frozen::{FrozenDense, MAX_ACTIVATION, Requantise};
use crate::model::network::{Axis, Conv, Network, Step, Table};
use crate::model::output::{Lines, Output};

/// Values are well below this; added before a division, which cuts off, it makes it round down.
const LIFT: u32 = 62;

/// Adds a part of the frozen model.
pub fn add(b: &mut Builder, model: &FrozenModel, part: Part) {
    let latents = match part {
        Part::Decoder => {
            b.input("latents", INT64, model.latents());
            "latents".to_string()
        }
        _ => {
            let latents = encoder(b, &model.encoder);
            b.output(&latents, "latents", INT64, model.latents());
            latents
        }
    };
    if part != Part::Encoder {
        decoder(b, &model.decoder, &latents);
    }
}

/// Rows to latents. Rows are finite.
fn encoder(b: &mut Builder, of: &Encoder) -> String {
    let width = [of.features()];
    b.input("rows", DOUBLE, of.features());
    let offset = b.doubles("offset", &width, &of.input().iter().map(|s| s.offset).collect::<Vec<_>>());
    let step = b.doubles("step", &width, &of.input().iter().map(|s| s.step).collect::<Vec<_>>());
    let straight = match of.curves() {
        [] => "rows".to_string(),
        curves => Curves::new(b, curves).apply(b, "rows"),
    };
    let moved = b.node("Sub", &[&straight, &offset], vec![]);
    let scaled = b.node("Div", &[&moved, &step], vec![]);
    let most = MAX_ACTIVATION as f64;
    let (low, high) = (b.doubles("least", &[], &[-most]), b.doubles("most", &[], &[most]));
    let clamped = b.node("Clip", &[&scaled, &low, &high], vec![]);
    let rounded = b.node("Round", &[&clamped], vec![]);
    let whole = b.cast(&rounded, INT64);
    run(b, of.network(), whole)
}

fn decoder(b: &mut Builder, of: &Decoder, latents: &str) {
    let latents = clamp(b, latents);
    let integers = run(b, of.network(), latents);
    let values = lines(b, of.output(), of.features(), &integers);
    b.output(&values, "reconstruction", DOUBLE, of.features());
}

fn run(b: &mut Builder, network: &Network, mut x: String) -> String {
    let mut kept = String::new();
    for (i, step) in network.steps().iter().enumerate() {
        x = match step {
            Step::Dense(layer) => dense(b, layer, &x),
            Step::Conv(c) => conv(b, c, &x),
            Step::Scale(s) => {
                let of = s.channels();
                let weights: Vec<i64> = of.weights().iter().map(|&w| w.into()).collect();
                let weights = b.integers("weight", &[weights.len()], &weights);
                let width = network.widths()[i];
                let rows = b.reshape(&x, &[width / of.outputs(), of.outputs()]);
                let scaled = b.node("Mul", &[&rows, &weights], vec![]);
                let y = bias_and_requantise(b, of.bias(), of.requantise(), &scaled);
                b.reshape(&y, &[width])
            }
            Step::Table(t) => table(b, t, &x),
            Step::Keep => {
                kept.clone_from(&x);
                x
            }
            Step::Add(a) => {
                let part = |b: &mut Builder, v: &str, m: i16| {
                    let m = whole(b, m.into());
                    b.node("Mul", &[v, &m], vec![])
                };
                let (then, now) = (part(b, &kept, a.kept), part(b, &x, a.since));
                let sum = b.node("Add", &[&then, &now], vec![]);
                let y = rounded_shift(b, &sum, a.shift);
                clamp(b, &y)
            }
            Step::Transpose(t) => {
                let rows = b.reshape(&x, &[t.rows, t.columns]);
                let turned = b.node("Transpose", &[&rows], vec![super::builder::ints("perm", [0, 2, 1])]);
                b.reshape(&turned, &[t.rows * t.columns])
            }
            Step::Gdn(g) => roots::gdn(b, g, network.widths()[i], &x),
            Step::Norm(n) => roots::norm(b, n, &x),
            Step::Attention(a) => roots::attention(b, a, network.widths()[i + 1], network.sequence(), &x),
        };
    }
    x
}

pub(super) fn whole(b: &mut Builder, value: i64) -> String {
    b.integers("whole", &[], &[value])
}

pub(super) fn clamp(b: &mut Builder, x: &str) -> String {
    let most = MAX_ACTIVATION as i64;
    let (low, high) = (whole(b, -most), whole(b, most));
    b.node("Clip", &[x, &low, &high], vec![])
}

/// floor(x / 2^shift).
fn shift(b: &mut Builder, x: &str, by: u32) -> String {
    let (lift, divisor, back) = (whole(b, 1 << LIFT), whole(b, 1 << by), whole(b, 1 << (LIFT - by)));
    let lifted = b.node("Add", &[x, &lift], vec![]);
    let divided = b.node("Div", &[&lifted, &divisor], vec![]);
    b.node("Sub", &[&divided, &back], vec![])
}

/// floor((x + 2^(shift - 1)) / 2^shift).
fn rounded_shift(b: &mut Builder, x: &str, by: u32) -> String {
    let half = whole(b, 1 << (by - 1));
    let sum = b.node("Add", &[x, &half], vec![]);
    shift(b, &sum, by)
}

/// Sums, whose last axis is of outputs, to activations, or to accumulators where nothing requantises.
fn bias_and_requantise(b: &mut Builder, bias: &[i32], by: Option<&Requantise>, sums: &str) -> String {
    let wide = |values: &[i16]| values.iter().map(|&v| v.into()).collect::<Vec<i64>>();
    let bias: Vec<i64> = bias.iter().map(|&v| v.into()).collect();
    let bias = b.integers("bias", &[bias.len()], &bias);
    let acc = b.node("Add", &[sums, &bias], vec![]);
    let Some(r) = by else { return acc };
    let t = rounded_shift(b, &acc, r.shift);
    let outputs = [r.positive.len()];
    let mut multiplier = b.integers("multiplier", &outputs, &wide(&r.positive));
    if r.negative != r.positive {
        let negative = b.integers("multiplier", &outputs, &wide(&r.negative));
        let zero = whole(b, 0);
        let below = b.node("Less", &[&t, &zero], vec![]);
        multiplier = b.node("Where", &[&below, &negative, &multiplier], vec![]);
    }
    let product = b.node("Mul", &[&t, &multiplier], vec![]);
    let y = rounded_shift(b, &product, 15);
    clamp(b, &y)
}

/// Weights, outputs x inputs, turned.
pub(super) fn turned(b: &mut Builder, weights: &[i16], inputs: usize) -> String {
    let outputs = weights.len() / inputs;
    let turned: Vec<i64> =
        (0..inputs).flat_map(|i| (0..outputs).map(move |o| weights[o * inputs + i].into())).collect();
    b.integers("weight", &[inputs, outputs], &turned)
}

fn dense(b: &mut Builder, layer: &FrozenDense, x: &str) -> String {
    let weights = turned(b, layer.weights(), layer.inputs());
    let sums = b.node("MatMul", &[x, &weights], vec![]);
    bias_and_requantise(b, layer.bias(), layer.requantise(), &sums)
}

fn conv(b: &mut Builder, c: &Conv, x: &str) -> String {
    let places = windows(c);
    let taps = c.linear().weights.len() / c.linear().bias.len();
    // One more value, a zero, for what lies beyond the extents.
    let pads = b.integers("pads", &[4], &[0, 0, 0, 1]);
    let padded = b.node("Pad", &[x, &pads], vec![]);
    let places = b.integers("places", &[places.len() / taps, taps], &places);
    let gathered = b.node("Gather", &[&padded, &places], vec![super::builder::int("axis", 1)]);
    let weights = turned(b, &c.linear().weights, taps);
    let sums = b.node("MatMul", &[&gathered, &weights], vec![]);
    let y = bias_and_requantise(b, &c.linear().bias, c.linear().requantise.as_ref(), &sums);
    b.reshape(&y, &[c.outputs()])
}

/// For each output position the places of the values that it sees, in the order of its weights; the first place behind
/// the values is that of a zero.
fn windows(c: &Conv) -> Vec<i64> {
    let (axes, channels) = (c.axes(), c.channels());
    let extent = |a: &Axis| match c.transposed() {
        false => (a.extent + 2 * a.padding - a.kernel) / a.stride + 1,
        true => (a.extent - 1) * a.stride + a.kernel + a.more - 2 * a.padding,
    };
    // Where tap `t` of output `o` looks along an axis.
    let along = |a: &Axis, o: usize, t: usize| match c.transposed() {
        false => (o * a.stride + t).checked_sub(a.padding).filter(|&i| i < a.extent),
        true => (o + a.padding)
            .checked_sub(t)
            .filter(|n| n.is_multiple_of(a.stride))
            .map(|n| n / a.stride)
            .filter(|&i| i < a.extent),
    };
    let outputs: Vec<usize> = axes.iter().map(extent).collect();
    let kernel: Vec<usize> = axes.iter().map(|a| a.kernel).collect();
    let mut places = vec![];
    for o in positions(&outputs) {
        for t in positions(&kernel) {
            let at =
                axes.iter().enumerate().try_fold(0, |at, (d, a)| Some(at * a.extent + along(a, o[d], t[d])?));
            places.extend((0..channels).map(|ch| at.map_or(c.inputs(), |at| at * channels + ch) as i64));
        }
    }
    places
}

/// All positions within `extents`, in C order.
fn positions(extents: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    let extents = extents.to_vec();
    (0..extents.iter().product()).map(move |n| {
        let mut rest = n;
        let mut at: Vec<usize> = extents
            .iter()
            .rev()
            .map(|&e| {
                let i = rest % e;
                rest /= e;
                i
            })
            .collect();
        at.reverse();
        at
    })
}

fn table(b: &mut Builder, t: &Table, x: &str) -> String {
    let points: Vec<i64> = t.points().iter().map(|&p| p.into()).collect();
    let points = b.integers("points", &[points.len()], &points);
    let (lift, sixteen, one) = (whole(b, 8192), whole(b, 16), whole(b, 1));
    let at = b.node("Add", &[x, &lift], vec![]);
    let i = b.node("Div", &[&at, &sixteen], vec![]);
    let behind = b.node("Mul", &[&i, &sixteen], vec![]);
    let f = b.node("Sub", &[&at, &behind], vec![]);
    let next = b.node("Add", &[&i, &one], vec![]);
    let (left, right) =
        (b.node("Gather", &[&points, &i], vec![]), b.node("Gather", &[&points, &next], vec![]));
    let rest = b.node("Sub", &[&sixteen, &f], vec![]);
    let (left, right) = (b.node("Mul", &[&left, &rest], vec![]), b.node("Mul", &[&right, &f], vec![]));
    let sum = b.node("Add", &[&left, &right], vec![]);
    rounded_shift(b, &sum, 4)
}

/// Integers to values: each by the line of its feature that reaches it.
fn lines(b: &mut Builder, output: &Output, features: usize, integers: &str) -> String {
    let sets = output.sets();
    let width = [sets.len()];
    let each = |of: &dyn Fn(&Lines) -> f64| sets.iter().map(of).collect::<Vec<f64>>();
    let mut scale = b.doubles("scale", &width, &each(&|l| l.first.scale));
    let mut offset = b.doubles("offset", &width, &each(&|l| l.first.offset));
    for k in 0..sets.iter().map(|l| l.more.len()).max().unwrap_or(0) {
        let starts: Vec<i64> = sets.iter().map(|l| l.more.get(k).map_or(i64::MAX, |m| m.0.into())).collect();
        let starts = b.integers("start", &width, &starts);
        let before = b.node("Less", &[integers, &starts], vec![]);
        let scales = each(&|l| l.more.get(k).map_or(0.0, |m| m.1.scale));
        let scales = b.doubles("scale", &width, &scales);
        let offsets = each(&|l| l.more.get(k).map_or(0.0, |m| m.1.offset));
        let offsets = b.doubles("offset", &width, &offsets);
        scale = b.node("Where", &[&before, &scale, &scales], vec![]);
        offset = b.node("Where", &[&before, &offset, &offsets], vec![]);
    }
    debug_assert!(sets.len() == 1 || sets.len() == features);
    let values = b.cast(integers, DOUBLE);
    let scaled = b.node("Mul", &[&values, &scale], vec![]);
    b.node("Add", &[&scaled, &offset], vec![])
}
