//! Mean activations of a model's layers: what `--mode diagnose` looks at.

use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::float::{FloatLayer, forward_each};
use baler::model::layers::Layer;

/// The mean over `rows` (rows x features, in the data's units) of what each node of each activation gives, as the
/// prototype keeps them. Layers of fewer nodes than the widest are filled up with NaN.
pub fn means(model: &Model, rows: &[f64]) -> Result<Means> {
    let features = model.features();
    let finite: Vec<f64> =
        rows.chunks_exact(features).filter(|r| r.iter().all(|x| x.is_finite())).flatten().copied().collect();
    if finite.is_empty() {
        return Err(Error::invalid("no row is finite: there are no activations"));
    }
    let layers: Vec<&FloatLayer> = model.float.layers().collect();
    let mut sums: Vec<Vec<f64>> = layers.iter().map(|l| vec![0.0; l.output.iter().product()]).collect();
    let normal = model.normalisation.apply(&finite);
    forward_each(layers.iter().copied(), model.architecture.sequence, &normal, |layer, y| {
        let sums = &mut sums[layer];
        for row in y.chunks_exact(sums.len()) {
            sums.iter_mut().zip(row).for_each(|(sum, &y)| *sum += f64::from(y));
        }
    });
    let activations = (0..layers.len()).filter(|&i| is_activation(&layers[i].layer));
    let kept: Vec<&Vec<f64>> = activations.map(|i| &sums[i]).collect();
    let width = kept.iter().map(|sums| sums.len()).max().unwrap_or(0);
    let count = (finite.len() / features) as f64;
    let padded = |sums: &&Vec<f64>| -> Vec<f64> {
        sums.iter().map(|s| s / count).chain(std::iter::repeat(f64::NAN)).take(width).collect()
    };
    Ok(Means { width, values: kept.iter().flat_map(padded).collect() })
}

fn is_activation(layer: &Layer) -> bool {
    matches!(layer, Layer::Relu | Layer::LeakyRelu { .. } | Layer::Gelu | Layer::Gdn { .. })
}

/// Layers x nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct Means {
    /// Nodes of the widest.
    pub width: usize,
    /// Row after row.
    pub values: Vec<f64>,
}
