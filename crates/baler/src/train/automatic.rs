//! The choice of a normalisation by bits: each kind is tried in a short training on a part of the rows, and the residuals
//! are counted as a coder would within a bound.

use std::ops::ControlFlow;

use super::fit::fit;
use super::options::TrainOptions;
use crate::error::{Error, Result};
use crate::model::normalise::NormalisationKind;

/// Rows and epochs of a trial at most.
const ROWS: usize = 1 << 14;
const EPOCHS: usize = 5;
/// The bound that residuals are counted within, in standard deviations of their feature.
const BOUND: f64 = 1e-3;
/// Features up to which curves, of 257 knots each, are worth their bytes.
const MOST_FEATURES: usize = 256;

/// The kind with the fewest bits a row: the sum over features of the mean of log2(1 + |residual| / bound), about what a
/// coder of residuals takes. Losses would not compare, each being of its own normalised values.
pub fn choose(rows: &[f64], features: usize, options: &TrainOptions) -> Result<NormalisationKind> {
    let sample = &rows[..rows.len().min(ROWS * features)];
    let mut kinds = vec![NormalisationKind::MinMax, NormalisationKind::Standard];
    if features <= MOST_FEATURES {
        kinds.extend([NormalisationKind::Quantile, NormalisationKind::Log]);
    }
    let mut best: Option<(f64, NormalisationKind)> = None;
    for kind in kinds {
        let trial = TrainOptions {
            normalisation: kind,
            epochs: options.epochs.min(EPOCHS),
            validation: 0.0,
            ..options.clone()
        };
        // A kind that these data overflow, or that does not train, is none to choose.
        let Ok(fitted) = fit(sample, &trial, None, |_| ControlFlow::Continue(())) else { continue };
        let bits = bits(sample, &fitted.reconstruct(sample), features);
        if best.is_none_or(|(least, _)| bits < least) {
            best = Some((bits, kind));
        }
    }
    best.map(|(_, kind)| kind).ok_or_else(|| Error::invalid("no normalisation trains on these data"))
}

fn bits(rows: &[f64], back: &[f64], features: usize) -> f64 {
    let n = (rows.len() / features) as f64;
    let column = |f: usize| rows.iter().skip(f).step_by(features);
    let of_feature = |f: usize| {
        let mean = column(f).sum::<f64>() / n;
        let deviation = (column(f).map(|x| (x - mean) * (x - mean)).sum::<f64>() / n).sqrt();
        if deviation == 0.0 {
            return 0.0;
        }
        let residuals = column(f).zip(back.iter().skip(f).step_by(features)).map(|(x, y)| (x - y).abs());
        residuals.map(|r| (1.0 + r / (BOUND * deviation)).log2()).sum::<f64>() / n
    };
    (0..features).map(of_feature).sum()
}
