//! Mean activations of a model's layers: what `baler diagnose` and `--mode diagnose` look at.

use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::float::forward_each;

/// Rows pushed through the network at once.
const BATCH: usize = 4096;

/// The name of each layer but the latents and the output, as the prototype's (en1, ..., de1, ...), and the mean of each
/// of its nodes over those of `rows` (rows x features, in the data's units) that are finite. A layer is what stands
/// before the next one with parameters, its activation included.
pub fn means(model: &Model, rows: &[f64]) -> Result<Vec<(String, Vec<f64>)>> {
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
    let named = [("en", 0, encoder), ("de", encoder.len(), decoder)].map(|(half, first, layers)| {
        let ends = layers.windows(2).enumerate().filter(|(_, pair)| !pair[1].tensors.is_empty());
        ends.enumerate().map(|(n, (i, _))| (format!("{half}{}", n + 1), first + i)).collect::<Vec<_>>()
    });
    let mean = |(name, i): (String, usize)| (name, sums[i].iter().map(|s| s / count).collect());
    Ok(named.into_iter().flatten().map(mean).collect())
}
