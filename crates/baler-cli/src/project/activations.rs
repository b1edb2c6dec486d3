//! Mean activations of a model's layers: what `--mode diagnose` looks at.

use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::float::forward_each;

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
    let mut sums: Vec<Vec<f64>> = layers.iter().map(|l| vec![0.0; l.output.iter().product()]).collect();
    for batch in finite.chunks(BATCH * features) {
        let x = model.normalisation.apply(batch);
        forward_each(layers.iter().copied(), model.architecture.sequence, &x, |i, y| {
            let sums = &mut sums[i];
            for row in y.chunks_exact(sums.len()) {
                sums.iter_mut().zip(row).for_each(|(s, &y)| *s += f64::from(y));
            }
        });
    }
    let count = (finite.len() / features) as f64;
    let (encoder, decoder) = (&model.float.encoder, &model.float.decoder);
    let ends = [("en", 0, encoder), ("de", encoder.len(), decoder)].map(|(half, first, layers)| {
        let ends = layers.windows(2).enumerate().filter(|(_, pair)| !pair[1].tensors.is_empty());
        ends.enumerate().map(|(n, (i, _))| (format!("{half}{}", n + 1), first + i)).collect::<Vec<_>>()
    });
    let (names, kept): (Vec<String>, Vec<usize>) = ends.into_iter().flatten().unzip();
    let width = kept.iter().map(|&i| sums[i].len()).max().unwrap_or(0);
    let padded = |sums: &Vec<f64>| {
        sums.iter().map(|s| s / count).chain(std::iter::repeat(f64::NAN)).take(width).collect::<Vec<f64>>()
    };
    Ok(Means { layers: names, width, values: kept.iter().flat_map(|&i| padded(&sums[i])).collect() })
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
