//! Steps with roots and powers by tables, on 64-bit integers: GDN, layer norm and attention, to the bit as
//! [`crate::model::network`] computes them.

use super::builder::{Builder, int, ints};
use super::integers::{clamp, turned, whole};
use super::layers::same_sequence;
use crate::model::network::{Attention, Gdn, HALVES, Norm, ROOTS, SQUARE_SHIFT};

/// A root in pieces, as `network::root` gives it.
struct Root {
    /// floor(log2 n), by which tables are looked up.
    log: String,
    scaled: String,
    reciprocal: String,
}

/// What `network::Root` names `half`, by log.
fn half(log: usize) -> i32 {
    (31 - log as i32).div_euclid(2)
}

/// Numbers below 2^62.
const LOGS: usize = 62;

fn op(b: &mut Builder, op: &str, x: &str, y: &str) -> String {
    b.node(op, &[x, y], vec![])
}

/// `x` and a number.
fn with(b: &mut Builder, name: &str, x: &str, number: i64) -> String {
    let number = whole(b, number);
    op(b, name, x, &number)
}

fn look_up(b: &mut Builder, name: &str, table: &[i64], at: &str) -> String {
    let table = b.integers(name, &[table.len()], table);
    op(b, "Gather", &table, at)
}

/// The root of n >= 1.
fn root(b: &mut Builder, n: &str) -> Root {
    // log2 bit by bit.
    let (mut log, mut rest) = (whole(b, 0), n.to_string());
    for bits in [32, 16, 8, 4, 2, 1] {
        let (bound, one, zero, number) = (whole(b, 1 << bits), whole(b, 1), whole(b, 0), whole(b, bits));
        let reached = op(b, "LessOrEqual", &bound, &rest);
        let divisor = b.node("Where", &[&reached, &bound, &one], vec![]);
        let more = b.node("Where", &[&reached, &number, &zero], vec![]);
        rest = op(b, "Div", &rest, &divisor);
        log = op(b, "Add", &log, &more);
    }
    let table = |sign: i32| (0..LOGS).map(|l| 1i64 << (2 * half(l) * sign).max(0)).collect::<Vec<_>>();
    let (up, down) = (look_up(b, "up", &table(1), &log), look_up(b, "down", &table(-1), &log));
    let raised = op(b, "Mul", n, &up);
    let scaled = op(b, "Div", &raised, &down);
    let place = with(b, "Div", &scaled, 1 << 22);
    let fine = with(b, "Div", &scaled, 1 << 8);
    let whole_part = with(b, "Mul", &place, 1 << 14);
    let f = op(b, "Sub", &fine, &whole_part);
    let (i, next) = (with(b, "Sub", &place, 256), with(b, "Sub", &place, 255));
    let roots: Vec<i64> = ROOTS.iter().map(|&r| r.into()).collect();
    let (here, there) = (look_up(b, "roots", &roots, &i), look_up(b, "roots", &roots, &next));
    let fall = op(b, "Sub", &here, &there);
    let part = op(b, "Mul", &fall, &f);
    let part = with(b, "Div", &part, 1 << 14);
    let reciprocal = op(b, "Sub", &here, &part);
    Root { log, scaled, reciprocal }
}

/// floor((x + 2^(s - 1)) / 2^s), where s is `shift` of the logarithm.
fn shift_by(b: &mut Builder, x: &str, log: &str, shift: impl Fn(usize) -> i32) -> String {
    // Those that no value has are of any size.
    let shifts: Vec<i32> = (0..LOGS).map(|l| shift(l).clamp(1, 62)).collect();
    let table = |of: fn(i32) -> i64| shifts.iter().map(|&s| of(s)).collect::<Vec<_>>();
    let lift = look_up(b, "lift", &table(|s| (1 << 62) + (1 << (s - 1))), log);
    let divisor = look_up(b, "divisor", &table(|s| 1 << s), log);
    let back = look_up(b, "back", &table(|s| 1 << (62 - s)), log);
    let lifted = op(b, "Add", x, &lift);
    let divided = op(b, "Div", &lifted, &divisor);
    op(b, "Sub", &divided, &back)
}

/// floor(x / y), for quotients within 2^40 and y x 2^40 within 2^62.
fn floor_div(b: &mut Builder, x: &str, y: &str, bits: u32) -> String {
    let lift = with(b, "Mul", y, 1 << bits);
    let lifted = op(b, "Add", x, &lift);
    let divided = op(b, "Div", &lifted, y);
    with(b, "Sub", &divided, 1 << bits)
}

fn wide(values: &[i16]) -> Vec<i64> {
    values.iter().map(|&v| v.into()).collect()
}

/// Adds a GDN over rows of `width` values.
pub fn gdn(b: &mut Builder, of: &Gdn, width: usize, x: &str) -> String {
    let (layer, channels) = (of.squares(), of.squares().outputs());
    let x = b.reshape(x, &[width / channels, channels]);
    let squares = op(b, "Mul", &x, &x);
    let squares = with(b, "Add", &squares, 1 << (SQUARE_SHIFT - 1));
    let squares = with(b, "Div", &squares, 1 << SQUARE_SHIFT);
    let weights = turned(b, layer.weights(), channels);
    let sums = op(b, "MatMul", &squares, &weights);
    let bias: Vec<i64> = layer.bias().iter().map(|&v| v.into()).collect();
    let bias = b.integers("bias", &[channels], &bias);
    let n = op(b, "Add", &sums, &bias);
    let one = whole(b, 1);
    let n = op(b, "Max", &n, &one);
    let Root { log, scaled, reciprocal } = root(b, &n);
    let shift = of.shift() as i32;
    let (factor, sign) = match of.inverse() {
        false => (reciprocal, -1),
        true => {
            let high = with(b, "Div", &scaled, 1 << 16);
            let product = op(b, "Mul", &high, &reciprocal);
            (with(b, "Div", &product, 1 << 15), 1)
        }
    };
    let multipliers = b.integers("multiplier", &[channels], &wide(of.multipliers()));
    let product = op(b, "Mul", &x, &factor);
    let product = op(b, "Mul", &product, &multipliers);
    let y = shift_by(b, &product, &log, |l| shift + sign * half(l));
    let y = clamp(b, &y);
    b.reshape(&y, &[width])
}

/// Adds a layer norm.
pub fn norm(b: &mut Builder, of: &Norm, x: &str) -> String {
    let d = of.multipliers().len() as i64;
    let axis = b.integers("axis", &[1], &[1]);
    let sixteenths = with(b, "Mul", x, 16);
    let sum = op(b, "ReduceSum", &sixteenths, &axis);
    let sum = with(b, "Add", &sum, d / 2);
    let count = whole(b, d);
    let mean = floor_div(b, &sum, &count, 40);
    let apart = op(b, "Sub", &sixteenths, &mean);
    let squares = op(b, "Mul", &apart, &apart);
    let squares = op(b, "ReduceSum", &squares, &axis);
    let n = with(b, "Add", &squares, of.epsilon() as i64);
    let one = whole(b, 1);
    let n = op(b, "Max", &n, &one);
    let Root { log, reciprocal, .. } = root(b, &n);
    let multipliers = b.integers("multiplier", &[d as usize], &wide(of.multipliers()));
    let offsets = b.integers("offset", &[d as usize], &wide(of.offsets()));
    let product = op(b, "Mul", &apart, &reciprocal);
    let product = op(b, "Mul", &product, &multipliers);
    let y = shift_by(b, &product, &log, |l| of.shift() as i32 - half(l));
    let y = op(b, "Add", &y, &offsets);
    clamp(b, &y)
}

/// Adds attention over rows of 3 x `width` values, `sequence` of them together.
pub fn attention(b: &mut Builder, of: &Attention, width: usize, sequence: usize, x: &str) -> String {
    let [q, k, v] = [0, 1, 2].map(|i| {
        let bounds = [i * width, (i + 1) * width].map(|n| b.integers("bound", &[1], &[n as i64]));
        let axis = b.integers("axis", &[1], &[1]);
        b.node("Slice", &[x, &bounds[0], &bounds[1], &axis], vec![])
    });
    let turned = b.node("Transpose", &[&k], vec![ints("perm", [1, 0])]);
    let scores = op(b, "MatMul", &q, &turned);
    let same = same_sequence(b, &q, sequence);
    let (never, zero) = (whole(b, -(1 << 60)), whole(b, 0));
    let seen = b.node("Where", &[&same, &scores, &never], vec![]);
    let best = b.node("ReduceMax", &[&seen], vec![ints("axes", [1]), int("keepdims", 1)]);
    let behind = op(b, "Sub", &best, &scores);
    let behind = b.node("Where", &[&same, &behind, &zero], vec![]);
    let product = with(b, "Mul", &behind, of.multiplier.into());
    let u = with(b, "Div", &product, 1 << of.shift);
    let weights = weights(b, &u);
    let weights = b.node("Where", &[&same, &weights, &zero], vec![]);
    let axis = b.integers("axis", &[1], &[1]);
    let sum = op(b, "ReduceSum", &weights, &axis);
    let shares = with(b, "Mul", &weights, 1 << 17);
    let shares = op(b, "Div", &shares, &sum);
    let total = op(b, "ReduceSum", &shares, &axis);
    let sums = op(b, "MatMul", &shares, &v);
    let doubled = with(b, "Mul", &sums, 2);
    let doubled = op(b, "Add", &doubled, &total);
    let divisor = with(b, "Mul", &total, 2);
    floor_div(b, &doubled, &divisor, 20)
}

/// 2^22 x 2^(-u / 4096), from the table of halves.
fn weights(b: &mut Builder, u: &str) -> String {
    let most = (1 << 17) - 1;
    let near = {
        let most = whole(b, most);
        op(b, "Min", u, &most)
    };
    let remainder = |b: &mut Builder, x: &str, of: i64| {
        let times = with(b, "Div", x, of);
        let multiple = with(b, "Mul", &times, of);
        op(b, "Sub", x, &multiple)
    };
    let f = remainder(b, &near, 256);
    let steps = with(b, "Div", &near, 256);
    let g = remainder(b, &steps, 16);
    let next = with(b, "Add", &g, 1);
    let halves: Vec<i64> = HALVES.iter().map(|&h| h as i64).collect();
    let (here, there) = (look_up(b, "halves", &halves, &g), look_up(b, "halves", &halves, &next));
    let full = whole(b, 256);
    let rest = op(b, "Sub", &full, &f);
    let (here, there) = (op(b, "Mul", &here, &rest), op(b, "Mul", &there, &f));
    let line = op(b, "Add", &here, &there);
    let octaves = with(b, "Div", &near, 4096);
    let powers: Vec<i64> = (0..32).map(|n| 1 << n).collect();
    let divisor = look_up(b, "power", &powers, &octaves);
    let weight = op(b, "Div", &line, &divisor);
    let (limit, zero) = (whole(b, most + 1), whole(b, 0));
    let within = op(b, "Less", u, &limit);
    b.node("Where", &[&within, &weight, &zero], vec![])
}
