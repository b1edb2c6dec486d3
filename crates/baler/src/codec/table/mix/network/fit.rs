//! The encoder's search for a network: which columns tell of another, and the planes that do it best.

#[cfg(target_arch = "x86_64")]
use super::super::kernel::avx2::Avx2;
use super::levenberg::{Normal, evaluate, improve, typical};
use super::{Input, MOST_INPUTS, Network};

/// Rows by which columns are tried, and as many others by which they are judged.
const TRIED: usize = 512;
/// Units of a network that tries columns, whose gates are drawn at random.
const TRYING: usize = 6;
/// A further column has to bring the typical error to so much of what it was,
const WORTH_AN_INPUT: f64 = 0.9;
/// and all of them to so much of the spread of values.
const WORTH_A_FIT: f64 = 0.6;
/// Rows of the first steps of a fit and of the others, and how many of each there are.
const ROWS: [(usize, usize); 2] = [(768, 12), (3072, 50)];
/// Units of a network, for chunks of fewer rows than these and for others.
const UNITS: (usize, [usize; 2]) = (4096, [6, 16]);

/// Rows of scaled inputs, and scaled values.
pub struct Sample {
    width: usize,
    x: Vec<f64>,
    y: Vec<f64>,
}

impl Sample {
    /// The inputs of a row.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.x[i * self.width..][..self.width]
    }

    /// All rows and their values.
    pub fn rows(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.x.chunks_exact(self.width).zip(self.y.iter().copied())
    }
}

/// Middle and spread: a robust scale, but no less than an eighth of the standard deviation.
fn scale(values: &[i64], rows: &[usize]) -> (f32, f32) {
    let of: Vec<f64> = rows.iter().map(|&r| values[r] as f64).collect();
    let mean = of.iter().sum::<f64>() / of.len() as f64;
    let deviation = (of.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / of.len() as f64).sqrt();
    let mut sorted = of.clone();
    let middle = sorted.len() / 2;
    let middle = *sorted.select_nth_unstable_by(middle, f64::total_cmp).1;
    let apart: Vec<f64> = of.iter().map(|v| v - middle).collect();
    let spread = (1.5 * typical(&apart)).max(deviation / 8.0);
    (middle as f32, if spread > 0.0 { (1.0 / spread) as f32 } else { 0.0 })
}

/// What a fit works on: values, candidates and what they are scaled by.
struct Search<'a> {
    values: &'a [i64],
    candidates: &'a [&'a [i64]],
    inputs: Vec<Input>,
    /// Middle of the values and one over their spread.
    own: (f64, f64),
}

impl Search<'_> {
    fn sample(&self, chosen: &[usize], rows: impl Iterator<Item = usize>) -> Sample {
        let (mut x, mut y) = (vec![], vec![]);
        for row in rows {
            for &c in chosen {
                let Input { centre, scale, .. } = self.inputs[c];
                x.push((self.candidates[c][row] as f64 - centre as f64) * scale as f64);
            }
            y.push((self.values[row] as f64 - self.own.0) * self.own.1);
        }
        Sample { width: chosen.len(), x, y }
    }

    fn every(&self, rows: usize, from: usize) -> impl Iterator<Item = usize> {
        let n = self.values.len();
        let rows = rows.min(n - from);
        (0..rows).map(move |i| from + i * (n - from) / rows)
    }
}

/// Planes for gates drawn at random, those that pass and the base by least squares (Schmidt, Kraaijveld and Duin, 1992).
#[inline(always)]
fn draw(sample: &Sample, units: usize) -> Option<Vec<f64>> {
    let plane = sample.width + 1;
    let mut state = 7u64;
    let mut uniform = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    let mut weights = vec![0.0; plane * (2 * units + 1)];
    for unit in weights[plane..].chunks_exact_mut(2 * plane) {
        unit[..plane].iter_mut().for_each(|w| *w = 4.0 * uniform());
    }
    // In two rounds: of the second, rows count the less the more the first missed.
    let free: Vec<usize> = (0..weights.len()).filter(|i| (i / plane).is_multiple_of(2)).collect();
    let mut gradient = vec![0.0; weights.len()];
    for round in 0..2 {
        let errors: Vec<f64> = sample.rows().map(|(x, y)| y - evaluate(&weights, x, None)).collect();
        let usual = typical(&errors);
        let normal = Normal::new(free.len(), sample.y.len(), |row, terms| {
            evaluate(&weights, sample.row(row), Some(&mut gradient));
            terms.iter_mut().zip(&free).for_each(|(t, &i)| *t = gradient[i]);
            (if round == 0 { 1.0 } else { usual / (errors[row].abs() + usual + 1e-9) }, sample.y[row])
        });
        let solved = normal.solve(1e-6)?;
        free.iter().zip(solved).for_each(|(&i, s)| weights[i] = s);
    }
    Some(weights)
}

/// A network that foresees `values` from some of the `candidates`, which are then the numbers of its inputs; where it seems
/// worth its bytes. The first that it takes is one of the first `telling`, which are at most all.
///
/// Some tenths of a second where laws are found, some milliseconds where not.
pub fn fit(values: &[i64], candidates: &[&[i64]], telling: usize) -> Option<Network> {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = Avx2::new() {
        // Compiled for that processor: the same operations in wider vectors.
        return avx2.run(
            #[inline(always)]
            || search(values, candidates, telling),
        );
    }
    search(values, candidates, telling)
}

#[inline(always)]
fn search(values: &[i64], candidates: &[&[i64]], telling: usize) -> Option<Network> {
    let rows = values.len();
    if rows < 2 * TRIED || telling == 0 {
        return None;
    }
    let all: Vec<usize> = (0..TRIED).map(|i| i * rows / TRIED).collect();
    let inputs = candidates.iter().enumerate().map(|(column, values)| {
        let (centre, scale) = scale(values, &all);
        Input { column, centre, scale }
    });
    let inputs = inputs.collect();
    let (centre, spread) = scale(values, &all);
    let search = Search { values, candidates, inputs, own: (centre as f64, spread as f64) };
    if !(search.own.1 > 0.0) {
        return None;
    }
    let chosen = choose(&search, telling)?;
    let units = UNITS.1[(rows >= UNITS.0) as usize];
    let half_step = 0.5 * search.own.1;
    let mut weights = draw(&search.sample(&chosen, search.every(ROWS[0].0, 0)), units)?;
    for (rows, steps) in ROWS {
        improve(&mut weights, &search.sample(&chosen, search.every(rows, 0)), half_step, steps);
    }
    // Back to the values' own scale: only what is added up is of it.
    let plane = chosen.len() + 1;
    for (i, part) in weights.chunks_exact_mut(plane).enumerate() {
        if i % 2 == 0 {
            part.iter_mut().for_each(|w| *w /= search.own.1);
        }
    }
    weights[0] += search.own.0;
    let weights: Vec<f32> = weights.iter().map(|&w| w as f32).collect();
    let inputs = chosen.iter().map(|&c| search.inputs[c]).collect();
    weights.iter().all(|w| w.is_finite()).then_some(Network { inputs, weights })
}

/// Column by column, the one that helps the most.
#[inline(always)]
fn choose(search: &Search, telling: usize) -> Option<Vec<usize>> {
    let spread = typical(&search.sample(&[], search.every(TRIED, 1)).y);
    let mut best = spread;
    let mut chosen: Vec<usize> = vec![];
    while chosen.len() < MOST_INPUTS {
        let among = if chosen.is_empty() { telling } else { search.candidates.len() };
        let tried = (0..among).filter(|c| !chosen.contains(c)).filter_map(|c| {
            let with: Vec<usize> = chosen.iter().copied().chain([c]).collect();
            let weights = draw(&search.sample(&with, search.every(TRIED, 0)), TRYING)?;
            let judge = search.sample(&with, search.every(TRIED, 1));
            let errors: Vec<f64> = judge.rows().map(|(x, y)| y - evaluate(&weights, x, None)).collect();
            Some((typical(&errors), c))
        });
        let Some((error, c)) = tried.min_by(|a, b| a.0.total_cmp(&b.0)) else { break };
        if !(error < WORTH_AN_INPUT * best) {
            break;
        }
        best = error;
        chosen.push(c);
    }
    (best < WORTH_A_FIT * spread).then_some(chosen)
}
