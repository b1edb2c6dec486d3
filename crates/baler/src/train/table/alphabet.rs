//! The bins of a column, fitted to a sample of its integers.

use crate::model::table::alphabet::{Alphabet, Bin, MOST_CLASSES, MOST_SCORE, Scale};

/// A column of at most so many distinct values, hardly any of them rare, has a bin for each and for no other.
const FEW: usize = 300;
/// Columns whose values span no more than this have a bin for each integer: on a grid that is not the bound's own, one
/// in so many integers may be twice as frequent as its neighbours, and bins of two would blur that.
const SPAN: i64 = 2048;
/// Bins of other columns, about; the bins of the tails come on top.
const BINS: usize = 1200;
/// A value this frequent, as a share of the rows, has a bin of its own.
const SPIKE: f64 = 1.0 / 300.0;
/// Quantiles between which a distribution is taken for straight: scores of single bins would learn the sample's noise.
const KNOTS: usize = 128;
/// Bins of doubling width on either side of what the sample holds.
const TAIL: u32 = 6;
/// Scores in one unit of a normal quantile.
const UNIT: f64 = 4096.0;

/// Sorted values and how often each occurs.
struct Counts {
    values: Vec<(i64, usize)>,
    /// Sums of the counts before each value, and all.
    below: Vec<usize>,
}

impl Counts {
    fn new(integers: &[i64]) -> Counts {
        let mut sorted = integers.to_vec();
        sorted.sort_unstable();
        let values: Vec<(i64, usize)> = sorted.chunk_by(|a, b| a == b).map(|r| (r[0], r.len())).collect();
        let mut below = vec![0];
        values.iter().for_each(|v| below.push(below[below.len() - 1] + v.1));
        Counts { values, below }
    }

    /// How many are below `value`.
    fn below(&self, value: i64) -> usize {
        self.below[self.values.partition_point(|v| v.0 < value)]
    }

    fn total(&self) -> usize {
        self.below[self.values.len()]
    }

    /// The value below which this share lies.
    fn quantile(&self, share: f64) -> i64 {
        let rank = ((share * self.total() as f64) as usize).min(self.total() - 1);
        self.values[self.below.partition_point(|&b| b <= rank) - 1].0
    }
}

/// An alphabet for `integers`, of which there is at least one; `None` where they are too large.
pub fn fit(scale: Scale, integers: &[i64]) -> Option<Alphabet> {
    let counts = Counts::new(integers);
    let rare = counts.values.iter().filter(|v| v.1 == 1).count();
    let few = counts.values.len() <= FEW && rare * 200 <= integers.len();
    let bins = match few {
        true => counts.values.iter().map(|v| Bin { first: v.0, log: 0 }).collect(),
        false => cover(&counts)?,
    };
    let scores = scores(&counts, &bins);
    let centre = counts.quantile(0.5) as f64;
    let spread = (counts.quantile(0.9) - counts.quantile(0.1)) as f64;
    let gain = if spread > 0.0 { (1024.0 / spread) as f32 as f64 } else { 0.0 };
    Alphabet::new(scale, bins, scores, centre, gain).ok()
}

/// Bins without gaps from far below the least value to far above the largest, each about as full as the others.
fn cover(counts: &Counts) -> Option<Vec<Bin>> {
    let total = counts.total();
    let (low, high) = (counts.values[0].0, counts.values[counts.values.len() - 1].0);
    if low.unsigned_abs().max(high.unsigned_abs()) > 1 << 48 {
        return None;
    }
    let range = high - low + 1;
    let mut bins = vec![];
    let mut at = low;
    let most = range.max(2).ilog2();
    while at <= high {
        let full = |log: u32| {
            let end = at.saturating_add(1 << log);
            let (first, last) = (counts.below(at), counts.below(end));
            let spike = || {
                let i = counts.values.partition_point(|v| v.0 < at);
                counts.values[i..].iter().take_while(|v| v.0 < end).any(|v| v.1 as f64 > SPIKE * total as f64)
            };
            // Far out, where values are few, width counts as well, so that no bin spans much of the range.
            let share =
                (last - first) as f64 / total as f64 * 0.8 + (1u64 << log) as f64 / range as f64 * 0.2;
            share * BINS as f64 > 1.0 || spike()
        };
        let log = match range <= SPAN {
            true => 0,
            false => (1..=most).find(|&log| full(log)).unwrap_or(most + 1) - 1,
        };
        bins.push(Bin { first: at, log });
        at += 1 << log;
    }
    let first = (range as u64 / 64).max(1).ilog2();
    let mut below = low;
    for log in first..first + TAIL {
        below -= 1 << log;
        bins.insert(0, Bin { first: below, log });
        bins.push(Bin { first: at, log });
        at += 1 << log;
    }
    Some(bins)
}

/// The scores of the bins' edges.
fn scores(counts: &Counts, bins: &[Bin]) -> Vec<i16> {
    let total = counts.total() as f64;
    let mut knots: Vec<i64> = (0..=KNOTS).map(|q| counts.quantile(q as f64 / KNOTS as f64)).collect();
    knots.extend(counts.values.iter().filter(|v| v.1 as f64 > SPIKE * total).map(|v| v.0));
    if bins.len() < MOST_CLASSES {
        knots.extend(bins.iter().map(|b| b.first));
    }
    let mut knots: Vec<i64> = knots.iter().flat_map(|&k| [k, k + 1]).collect();
    knots.sort_unstable();
    knots.dedup();
    let share = |value: i64| counts.below(value) as f64 / total;
    let score = |edge: i64| {
        let i = knots.partition_point(|&k| k <= edge);
        let share = match (i.checked_sub(1).map(|i| knots[i]), knots.get(i)) {
            (Some(a), Some(&b)) => {
                let part = (edge - a) as f64 / (b - a) as f64;
                share(a) + (share(b) - share(a)) * part
            }
            (None, _) => 0.0,
            _ => 1.0,
        };
        let share = share.clamp(0.25 / total, 1.0 - 0.25 / total);
        (normal_quantile(share) * UNIT).round().clamp(-(MOST_SCORE as f64), MOST_SCORE as f64) as i16
    };
    bins.iter().map(|b| score(b.first)).chain(bins.last().map(|b| score(b.end()))).collect()
}

/// The standard normal distribution's quantile, to 1.2e-9 of itself (Acklam, 2003).
fn normal_quantile(p: f64) -> f64 {
    let poly = |c: &[f64], x: f64| c.iter().fold(0.0, |sum, c| sum * x + c);
    const A: [f64; 6] = [
        -3.969683028665376e1,
        2.209460984245205e2,
        -2.759285104469687e2,
        1.38357751867269e2,
        -3.066479806614716e1,
        2.506628277459239,
    ];
    const B: [f64; 6] = [
        -5.447609879822406e1,
        1.615858368580409e2,
        -1.556989798598866e2,
        6.680131188771972e1,
        -1.328068155288572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784894002430293e-3,
        -3.223964580411365e-1,
        -2.400758277161838,
        -2.549732539343734,
        4.374664141464968,
        2.938163982698783,
    ];
    const D: [f64; 5] =
        [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1.0];
    match p {
        p if p < 0.02425 => {
            let q = (-2.0 * p.ln()).sqrt();
            poly(&C, q) / poly(&D, q)
        }
        p if p > 1.0 - 0.02425 => -normal_quantile(1.0 - p),
        p => {
            let q = p - 0.5;
            poly(&A, q * q) * q / poly(&B, q * q)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_the_sample_has_a_bin() {
        let unit = Scale::Linear(1.0);
        let mut state = 3u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as i64
        };
        let samples: [Vec<i64>; 6] = [
            vec![5],
            vec![-7; 100],
            (0..3000).map(|_| next() % 3 * 1000).collect(),
            (0..3000).map(|_| next() % 70_000 + next() % 70_000).collect(),
            (0..3000).map(|_| 1 << (next() % 40)).collect(),
            (0..3000).map(|_| next() % 700 - 350).collect(),
        ];
        for sample in samples {
            let a = fit(unit, &sample).unwrap();
            let holds = |k: &i64| a.bins().iter().any(|b| b.first <= *k && *k < b.end());
            assert!(sample.iter().all(holds), "{} bins", a.bins().len());
        }
        assert!(fit(unit, &(0..3000).map(|i| i << 50).collect::<Vec<_>>()).is_none());
    }

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (p, x) in [(0.5, 0.0), (0.975, 1.959964), (0.001, -3.090232), (0.999, 3.090232)] {
            assert!((normal_quantile(p) - x).abs() < 1e-6);
        }
    }
}
