//! Float layers as nodes.

use super::builder::{Builder, float, int, ints};
use crate::model::float::FloatLayer;
use crate::model::layers::{Layer, TensorSpec};

/// Of batch and layer normalisation, as PyTorch has it.
const EPSILON: f32 = 1e-5;

/// Adds `layers`, the first fed by `x` (rows of flat values); what the last gives, flat again.
pub fn chain(b: &mut Builder, layers: &[FloatLayer], sequence: usize, half: &str, x: &str) -> String {
    let mut x = x.to_string();
    let mut flat = true;
    for (i, layer) in layers.iter().enumerate() {
        if flat && layer.input.len() > 1 {
            x = b.reshape(&x, &layer.input);
        }
        let place = format!("{half}.{i}");
        x = add(b, layer, sequence, &place, x);
        flat = layer.output.len() == 1;
    }
    match layers.last() {
        Some(last) if !flat => b.reshape(&x, &[last.output.iter().product()]),
        _ => x,
    }
}

fn add(b: &mut Builder, of: &FloatLayer, sequence: usize, place: &str, x: String) -> String {
    let specs = of.layer.tensors(&of.input);
    let mut constants: Vec<String> = vec![];
    for (TensorSpec { name, shape, .. }, values) in specs.iter().zip(&of.tensors) {
        let shape = match of.layer {
            // A 1 x 1 convolution over the squares.
            Layer::Gdn { .. } if *name == "gamma" => [&shape[..], &vec![1; of.input.len() - 1]].concat(),
            _ => shape.clone(),
        };
        constants.push(b.floats(&format!("{place}.{name}"), &shape, values));
    }
    let c: Vec<&str> = constants.iter().map(String::as_str).collect();
    let with =
        |b: &mut Builder, op: &str, attributes| b.node(op, &[&[x.as_str()], &c[..]].concat(), attributes);
    let axes = of.input.len() - 1;
    let or =
        |list: &[usize], default: usize| (0..axes).map(|i| list.get(i).copied().unwrap_or(default)).collect();
    let windows = |kernel: &[usize], stride: &[usize], padding: &[usize]| {
        let (stride, padding): (Vec<usize>, Vec<usize>) = (or(stride, 1), or(padding, 0));
        let pads = [&padding[..], &padding[..]].concat();
        vec![ints("kernel_shape", kernel.iter().copied()), ints("strides", stride), ints("pads", pads)]
    };
    match &of.layer {
        Layer::Dense { .. } => with(b, "Gemm", vec![int("transB", 1)]),
        Layer::Conv { kernel, stride, padding, .. } => with(b, "Conv", windows(kernel, stride, padding)),
        Layer::ConvTransposed { kernel, stride, padding, output_padding, .. } => {
            let mut attributes = windows(kernel, stride, padding);
            attributes.push(ints("output_padding", or(output_padding, 0)));
            with(b, "ConvTranspose", attributes)
        }
        Layer::BatchNorm => with(b, "BatchNormalization", vec![float("epsilon", EPSILON)]),
        Layer::LeakyRelu { slope } => b.node("LeakyRelu", &[&x], vec![float("alpha", *slope)]),
        Layer::Relu => b.node("Relu", &[&x], vec![]),
        Layer::Gelu => gelu(b, &x),
        Layer::Gdn { inverse } => gdn(b, &x, &c, *inverse, axes),
        Layer::Flatten | Layer::Reshape { .. } => b.reshape(&x, &of.output),
        Layer::Transformer { norm_first, .. } => transformer(b, &x, &c, of.input[0], sequence, *norm_first),
        Layer::Dropout { .. } => x, // nothing, once trained
    }
}

fn scalar(b: &mut Builder, value: f32) -> String {
    b.floats("number", &[], &[value])
}

/// x (1 + erf(x / sqrt 2)) / 2.
fn gelu(b: &mut Builder, x: &str) -> String {
    let (root, one, half) = (scalar(b, std::f32::consts::SQRT_2), scalar(b, 1.0), scalar(b, 0.5));
    let scaled = b.node("Div", &[x, &root], vec![]);
    let erf = b.node("Erf", &[&scaled], vec![]);
    let sum = b.node("Add", &[&erf, &one], vec![]);
    let product = b.node("Mul", &[x, &sum], vec![]);
    b.node("Mul", &[&product, &half], vec![])
}

fn gdn(b: &mut Builder, x: &str, c: &[&str], inverse: bool, axes: usize) -> String {
    let squares = b.node("Mul", &[x, x], vec![]);
    let sums = match axes {
        0 => b.node("Gemm", &[&squares, c[1], c[0]], vec![int("transB", 1)]),
        _ => b.node("Conv", &[&squares, c[1], c[0]], vec![ints("kernel_shape", vec![1; axes])]),
    };
    let root = b.node("Sqrt", &[&sums], vec![]);
    b.node(if inverse { "Mul" } else { "Div" }, &[x, &root], vec![])
}

/// `c` are the twelve tensors in their order. Rows of other sequences are masked, so that any number of rows will do.
fn transformer(
    b: &mut Builder,
    x: &str,
    c: &[&str],
    width: usize,
    sequence: usize,
    norm_first: bool,
) -> String {
    let dense =
        |b: &mut Builder, x: &str, at: usize| b.node("Gemm", &[x, c[at], c[at + 1]], vec![int("transB", 1)]);
    let norm = |b: &mut Builder, x: &str, at: usize| {
        b.node("LayerNormalization", &[x, c[at], c[at + 1]], vec![float("epsilon", EPSILON)])
    };
    let seen = if norm_first { norm(b, x, 8) } else { x.to_string() };
    let projected = dense(b, &seen, 0);
    let parts = [0, 1, 2].map(|i| {
        let bounds = [i * width, (i + 1) * width].map(|n| b.integers("bound", &[1], &[n as i64]));
        let axis = b.integers("axis", &[1], &[1]);
        b.node("Slice", &[&projected, &bounds[0], &bounds[1], &axis], vec![])
    });
    let attended = attend(b, &parts, width, sequence);
    let out = dense(b, &attended, 2);
    let mut sum = b.node("Add", &[x, &out], vec![]);
    if !norm_first {
        sum = norm(b, &sum, 8);
    }
    let middle = if norm_first { norm(b, &sum, 10) } else { sum.clone() };
    let raised = dense(b, &middle, 4);
    let bent = gelu(b, &raised);
    let lowered = dense(b, &bent, 6);
    let sum = b.node("Add", &[&sum, &lowered], vec![]);
    if norm_first { sum } else { norm(b, &sum, 10) }
}

fn attend(b: &mut Builder, [q, k, v]: &[String; 3], width: usize, sequence: usize) -> String {
    let turned = b.node("Transpose", &[k], vec![ints("perm", [1, 0])]);
    let scores = b.node("MatMul", &[q, &turned], vec![]);
    let scale = scalar(b, 1.0 / (width as f32).sqrt());
    let scores = b.node("Mul", &[&scores, &scale], vec![]);
    let same = same_sequence(b, q, sequence);
    let never = scalar(b, -1e30);
    let scores = b.node("Where", &[&same, &scores, &never], vec![]);
    let shares = b.node("Softmax", &[&scores], vec![int("axis", 1)]);
    b.node("MatMul", &[&shares, v], vec![])
}

/// Which rows of `q`, down, see which, across: those of the same `sequence`.
pub(super) fn same_sequence(b: &mut Builder, q: &str, sequence: usize) -> String {
    let shape = b.node("Shape", &[q], vec![int("start", 0), int("end", 1)]);
    let axis = b.integers("axis", &[1], &[0]);
    let rows = b.node("Squeeze", &[&shape, &axis], vec![]);
    let (zero, one) = (b.integers("whole", &[], &[0]), b.integers("whole", &[], &[1]));
    let numbers = b.node("Range", &[&zero, &rows, &one], vec![]);
    let long = b.integers("whole", &[], &[sequence as i64]);
    let numbers = b.node("Div", &[&numbers, &long], vec![]);
    let (down, across) = (b.integers("axis", &[1], &[1]), b.integers("axis", &[1], &[0]));
    let down = b.node("Unsqueeze", &[&numbers, &down], vec![]);
    let across = b.node("Unsqueeze", &[&numbers, &across], vec![]);
    b.node("Equal", &[&down, &across], vec![])
}
