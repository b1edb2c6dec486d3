//! Mean activations of a model's layers: what `--mode diagnose` looks at.

use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::float::forward;

/// Rows pushed through the network at once.
const BATCH: usize = 512;

/// The mean of each node's activation over `rows` (rows x features, in the data's units), for each layer but the
/// latents and the output, as the prototype keeps them. Layers of fewer nodes than the widest are filled up with NaN.
pub fn means(model: &Model, rows: &[f64]) -> Result<Means> {
    let features = model.features();
    let finite: Vec<f64> =
        rows.chunks_exact(features).filter(|r| r.iter().all(|x| x.is_finite())).flatten().copied().collect();
    if finite.is_empty() {
        return Err(Error::invalid("no row is finite: there are no activations"));
    }
    let layers: Vec<_> = model.float.layers().collect();
    let mut sums: Vec<Vec<f64>> = layers.iter().map(|l| vec![0.0; l.stage.outputs]).collect();
    for batch in finite.chunks(BATCH * features) {
        let mut x = model.normalisation.apply(batch);
        for (layer, sums) in layers.iter().zip(&mut sums) {
            x = forward([*layer], &x);
            x.chunks_exact(layer.stage.outputs)
                .for_each(|row| sums.iter_mut().zip(row).for_each(|(s, &y)| *s += f64::from(y)));
        }
    }
    let count = (finite.len() / features) as f64;
    let (encoder, decoder) = (model.float.encoder.len(), model.float.decoder.len());
    let hidden = |i: &usize| *i != encoder - 1 && *i != encoder + decoder - 1;
    let kept: Vec<usize> = (0..layers.len()).filter(hidden).collect();
    let width = kept.iter().map(|&i| sums[i].len()).max().unwrap_or(0);
    let name = |i: usize| if i < encoder { format!("en{}", i + 1) } else { format!("de{}", i + 1 - encoder) };
    let padded = |sums: &Vec<f64>| {
        sums.iter().map(|s| s / count).chain(std::iter::repeat(f64::NAN)).take(width).collect::<Vec<f64>>()
    };
    Ok(Means {
        layers: kept.iter().map(|&i| name(i)).collect(),
        width,
        values: kept.iter().flat_map(|&i| padded(&sums[i])).collect(),
    })
}

/// Layers x nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Means {
    /// Their names, as the prototype's: en1, ..., de1, ...
    pub layers: Vec<String>,
    /// Nodes of the widest.
    pub width: usize,
    /// Row after row.
    pub values: Vec<f64>,
}
