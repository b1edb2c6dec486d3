//! Normalisation before the first layer and its inverse behind the last, in f64.

use super::builder::Builder;
use super::proto::{DOUBLE, FLOAT, INT64};
use crate::model::normalise::{Curve, KNOTS, Normalisation};

/// The input `rows` to normalised values in f32.
pub fn apply(b: &mut Builder, by: &Normalisation) -> String {
    let values = match by {
        Normalisation::Affine { offset, scale, .. } => {
            let [offset, scale] = affine(b, offset, scale);
            let moved = b.node("Sub", &["rows", &offset], vec![]);
            b.node("Div", &[&moved, &scale], vec![])
        }
        Normalisation::Piecewise { curves, .. } => Curves::new(b, curves).apply(b, "rows"),
    };
    b.cast(&values, FLOAT)
}

/// The inverse of [`apply`].
pub fn invert(b: &mut Builder, by: &Normalisation, normal: &str) -> String {
    let values = b.cast(normal, DOUBLE);
    match by {
        Normalisation::Affine { offset, scale, .. } => {
            let [offset, scale] = affine(b, offset, scale);
            let scaled = b.node("Mul", &[&values, &scale], vec![]);
            b.node("Add", &[&scaled, &offset], vec![])
        }
        Normalisation::Piecewise { curves, .. } => Curves::new(b, curves).invert(b, &values),
    }
}

fn affine(b: &mut Builder, offset: &[f64], scale: &[f64]) -> [String; 2] {
    let width = [offset.len()];
    [b.doubles("offset", &width, offset), b.doubles("scale", &width, scale)]
}

/// The names of what curves consist of.
pub(super) struct Curves {
    /// Features x knots.
    knots: String,
    /// The same in one axis, and where each feature's begin in it.
    flat: String,
    begin: String,
    low: String,
    density: String,
}

impl Curves {
    pub(super) fn new(b: &mut Builder, curves: &[Curve]) -> Curves {
        let n = curves.len();
        let all: Vec<f64> = curves.iter().flat_map(|c| c.knots.iter().copied()).collect();
        let begin: Vec<i64> = (0..n).map(|f| (f * KNOTS) as i64).collect();
        Curves {
            knots: b.doubles("knots", &[n, KNOTS], &all),
            flat: b.doubles("knots", &[n * KNOTS], &all),
            begin: b.integers("begin", &[n], &begin),
            low: b.doubles("low", &[n], &curves.iter().map(|c| c.low).collect::<Vec<_>>()),
            density: b.doubles("density", &[n], &curves.iter().map(|c| c.density).collect::<Vec<_>>()),
        }
    }

    /// The knots numbered `at` (f64) and the ones behind them.
    fn pair(&self, b: &mut Builder, at: &str) -> [String; 2] {
        let at = b.cast(at, INT64);
        let place = b.node("Add", &[&at, &self.begin], vec![]);
        let one = b.integers("one", &[], &[1]);
        let next = b.node("Add", &[&place, &one], vec![]);
        [place, next].map(|place| b.node("Gather", &[&self.flat, &place], vec![]))
    }

    /// [`Curve::apply`], by counting knots instead of bisecting.
    pub(super) fn apply(&self, b: &mut Builder, x: &str) -> String {
        let axis = b.integers("axis", &[1], &[2]);
        let column = b.node("Unsqueeze", &[x, &axis], vec![]);
        let [from, to] = ["Less", "LessOrEqual"].map(|op| {
            let which = b.node(op, &[&self.knots, &column], vec![]);
            let ones = b.cast(&which, DOUBLE);
            b.node("ReduceSum", &[&ones, &axis], vec![super::builder::int("keepdims", 0)])
        });
        let number = |b: &mut Builder, v: f64| b.doubles("number", &[], &[v]);
        let (zero, half, one) = (number(b, 0.0), number(b, 0.5), number(b, 1.0));
        let (last, most) = (number(b, (KNOTS - 1) as f64), number(b, KNOTS as f64));
        let first = b.node("Sub", &[&from, &one], vec![]);
        let (least, limit) = (number(b, 0.0), number(b, (KNOTS - 2) as f64));
        let at = b.node("Clip", &[&first, &least, &limit], vec![]);
        let [a, c] = self.pair(b, &at);
        let (rise, step) = (b.node("Sub", &[x, &a], vec![]), b.node("Sub", &[&c, &a], vec![]));
        let part = b.node("Div", &[&rise, &step], vec![]);
        let between = b.node("Add", &[&at, &part], vec![]);
        let below = b.node("Equal", &[&from, &zero], vec![]);
        let above = b.node("Equal", &[&from, &most], vec![]);
        let bounded = b.node("Where", &[&above, &last, &between], vec![]);
        let bounded = b.node("Where", &[&below, &zero, &bounded], vec![]);
        let sum = b.node("Add", &[&first, &to], vec![]);
        let middle = b.node("Mul", &[&sum, &half], vec![]);
        let met = b.node("Less", &[&from, &to], vec![]);
        let at = b.node("Where", &[&met, &middle, &bounded], vec![]);
        let scaled = b.node("Div", &[&at, &self.density], vec![]);
        b.node("Add", &[&self.low, &scaled], vec![])
    }

    /// [`Curve::invert`].
    fn invert(&self, b: &mut Builder, y: &str) -> String {
        let moved = b.node("Sub", &[y, &self.low], vec![]);
        let scaled = b.node("Mul", &[&moved, &self.density], vec![]);
        let number = |b: &mut Builder, v: usize| b.doubles("number", &[], &[v as f64]);
        let (zero, last, limit) = (number(b, 0), number(b, KNOTS - 1), number(b, KNOTS - 2));
        let t = b.node("Clip", &[&scaled, &zero, &last], vec![]);
        let floor = b.node("Floor", &[&t], vec![]);
        let at = b.node("Min", &[&floor, &limit], vec![]);
        let [a, c] = self.pair(b, &at);
        let (part, step) = (b.node("Sub", &[&t, &at], vec![]), b.node("Sub", &[&c, &a], vec![]));
        let rise = b.node("Mul", &[&part, &step], vec![]);
        b.node("Add", &[&a, &rise], vec![])
    }
}
