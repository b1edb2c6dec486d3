//! How large activations get: what the scales of integers are chosen by.

use super::super::float::transformer::{self, Kept, Weights};
use super::super::float::{DenseStage, FloatLayer, forward_each, forward_stage};
use super::super::frozen::MAX_ACTIVATION;
use super::super::layers::Layer;

/// Values of all layers' outputs that calibration computes, about.
const MOST_VALUES: usize = 1 << 28;

/// Which values share a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// Runs of so many.
    Runs(usize),
    /// The first so many, the next so many, and each of the rest alone: queries, keys and values.
    Attention(usize),
}

impl Groups {
    fn of(self, i: usize) -> usize {
        match self {
            Groups::Runs(n) => i / n,
            Groups::Attention(n) if i < 2 * n => i / n,
            Groups::Attention(n) => i - 2 * n + 2,
        }
    }
}

/// Fractions of the largest value at which to clamp.
const FRACTIONS: [f32; 6] = [1.0, 0.84, 0.71, 0.59, 0.5, 0.42];

/// What was seen of the values at one place of the network.
#[derive(Debug, Clone)]
pub struct Range {
    groups: Groups,
    largest: Vec<f32>,
    /// Squared error of clamping at each of the fractions.
    errors: Vec<[f64; 6]>,
    seen: Vec<u64>,
}

impl Range {
    fn new(groups: Groups, width: usize) -> Range {
        let count = groups.of(width - 1) + 1;
        Range { groups, largest: vec![0.0; count], errors: vec![[0.0; 6]; count], seen: vec![0; count] }
    }

    /// Takes rows of `width` values: first how large they are, then, in another pass, what clamping would do.
    fn see(&mut self, rows: &[f32], width: usize, second: bool) {
        for row in rows.chunks_exact(width) {
            for (i, x) in row.iter().map(|x| x.abs()).enumerate() {
                let g = self.groups.of(i);
                if !second {
                    self.largest[g] = if x > self.largest[g] { x } else { self.largest[g] };
                    self.seen[g] += 1;
                } else if x > FRACTIONS[5] * self.largest[g] {
                    for (error, fraction) in self.errors[g].iter_mut().zip(FRACTIONS) {
                        *error += (x - fraction * self.largest[g]).max(0.0).powi(2) as f64;
                    }
                }
            }
        }
    }

    /// The step of value `i`: that at which clamping and rounding together do the least harm. 0 where nothing but
    /// zeros was seen.
    pub fn step(&self, i: usize) -> f64 {
        let g = self.groups.of(i);
        let errors = FRACTIONS.iter().zip(&self.errors[g]).map(|(fraction, clamped)| {
            let step = (fraction * self.largest[g]) as f64 / MAX_ACTIVATION as f64;
            (clamped + self.seen[g] as f64 * step.powi(2) / 12.0, step)
        });
        errors.min_by(|a, b| a.0.total_cmp(&b.0)).expect("six of them").1
    }

    /// Which values share a step.
    pub fn group(&self, i: usize) -> usize {
        self.groups.of(i)
    }
}

/// The places within a transformer layer.
pub struct TransformerRanges {
    /// Behind the first layer norm, where it comes before attention.
    pub seen: Range,
    /// Queries, keys and values.
    pub projected: Range,
    /// What attention adds.
    pub attended: Range,
    /// The first sum.
    pub sum: Range,
    /// What the feed-forward sees.
    pub middle: Range,
    /// Before GELU and behind it.
    pub raised: [Range; 2],
    /// What the feed-forward adds.
    pub added: Range,
    /// The second sum.
    pub last: Range,
}

impl TransformerRanges {
    fn new(width: usize, wide: usize, norm_first: bool) -> Self {
        let alike = |n: usize| Range::new(Groups::Runs(n), n);
        let each = |n: usize| Range::new(Groups::Runs(1), n);
        TransformerRanges {
            seen: each(width),
            projected: Range::new(Groups::Attention(width), 3 * width),
            attended: alike(width),
            sum: alike(width),
            middle: if norm_first { each(width) } else { alike(width) },
            raised: [alike(wide), alike(wide)],
            added: alike(width),
            last: alike(width),
        }
    }

    fn see(&mut self, of: &FloatLayer, sequence: usize, x: &[f32], second: bool) {
        let tensors: Vec<&[f32]> = of.tensors.iter().map(|t| &t[..]).collect();
        let (width, mut y, mut kept) = (of.input[0], vec![0.0; x.len()], Kept::default());
        let w = Weights::new(&of.layer, width, &tensors);
        transformer::forward(&w, sequence, x, &mut y, &mut kept);
        let rows = x.len() / width;
        let dense = |[weight, bias]: [&[f32]; 2], x: &[f32]| {
            let (inputs, outputs) = (weight.len() / bias.len(), bias.len());
            let mut y = vec![0.0; rows * outputs];
            forward_stage(DenseStage { inputs, outputs, slope: 1.0 }, weight, bias, x, rows, &mut y);
            y
        };
        let sum = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<f32>>();
        let attended = dense(w.output, &kept.attended);
        let first = sum(x, &attended);
        let added = dense(w.down, &kept.raised[1]);
        let last = sum(if w.norm_first { &first } else { &kept.middle }, &added);
        let wide = kept.raised[0].len() / rows;
        self.seen.see(&kept.seen, width, second);
        self.projected.see(&kept.projected, 3 * width, second);
        self.attended.see(&attended, width, second);
        self.sum.see(&first, width, second);
        self.middle.see(&kept.middle, width, second);
        self.raised[0].see(&kept.raised[0], wide, second);
        self.raised[1].see(&kept.raised[1], wide, second);
        self.added.see(&added, width, second);
        self.last.see(&last, width, second);
    }
}

/// What was seen behind each layer, and within it.
pub struct Ranges {
    /// Behind each layer.
    pub behind: Vec<Range>,
    /// Within each that is a transformer.
    pub within: Vec<Option<TransformerRanges>>,
}

/// Runs `rows` (or as many whole sequences of them as are enough) through all layers, twice. `groups` are those behind
/// each layer.
pub fn calibrate(layers: &[&FloatLayer], sequence: usize, rows: &[f32], groups: &[usize]) -> Ranges {
    let width = |shape: &[usize]| shape.iter().product::<usize>();
    let features = width(&layers[0].input);
    let all: usize = layers.iter().map(|l| width(&l.output)).sum();
    let count = rows.len() / features;
    let most = (MOST_VALUES / all).max(64).div_ceil(sequence) * sequence;
    let stride = count.div_ceil(most);
    let taken: Vec<f32> = rows.chunks(sequence * features).step_by(stride).flatten().copied().collect();

    let behind =
        layers.iter().zip(groups).map(|(l, &g)| Range::new(Groups::Runs(g), width(&l.output))).collect();
    let within = layers.iter().map(|l| match l.layer {
        Layer::Transformer { feed_forward, norm_first } => {
            Some(TransformerRanges::new(l.input[0], feed_forward, norm_first))
        }
        _ => None,
    });
    let mut ranges = Ranges { behind, within: within.collect() };
    for second in [false, true] {
        let mut taken_so_far = 0;
        let mut before = vec![];
        forward_each(layers.iter().copied(), sequence, &taken, |i, y| {
            if i == 0 {
                let rows = y.len() / width(&layers[0].output);
                before = taken[taken_so_far * features..][..rows * features].to_vec();
                taken_so_far += rows;
            }
            ranges.behind[i].see(y, width(&layers[i].output), second);
            if let Some(within) = &mut ranges.within[i] {
                within.see(layers[i], sequence, &before, second);
            }
            if layers.get(i + 1).is_some_and(|l| matches!(l.layer, Layer::Transformer { .. })) {
                before = y.to_vec();
            }
        });
    }
    ranges
}
