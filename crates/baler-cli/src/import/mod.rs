//! Models of others: what Baler's Python prototype left, its PyTorch models and its `compressed.npz`, read without
//! Python; and float networks frozen.

pub mod dense;
pub mod latents;
pub mod pickle;
pub mod pt;
pub mod weights;

use baler::error::{Error, Result};
use baler::model::float::FloatModel;
use baler::model::layers::Architecture;
use baler::model::normalise::{Normalisation, NormalisationKind};
use baler::model::{Model, Provenance, freeze};

use dense::Network;
use latents::Ranges;

/// On what the integer scales of an imported model are chosen.
pub enum Calibration<'a> {
    /// Data (rows x features, in their own units), as the model was trained on.
    Data(&'a [f64]),
    /// Latents (rows x latents) of such data: what they decode to stands for it.
    Latents(&'a [f64]),
    /// Rows made up within the range that normalised values have.
    Nothing,
}

/// Rows that are made up, and the most that are used of those given.
const MADE_UP: usize = 4096;
const MOST_ROWS: usize = 1 << 15;

/// A model of ours: the network with its normalisation (none where `ranges` is `None`), frozen to integers.
///
/// `names` are the features', or none; `from` says where the network is from. Errors where the parts do not fit each
/// other, and without anything to calibrate on.
pub fn model(
    network: &Network,
    ranges: Option<&Ranges>,
    names: Vec<String>,
    calibration: Calibration,
    from: &str,
) -> Result<Model> {
    let features = network.features();
    if !(names.is_empty() || names.len() == features) {
        return Err(Error::invalid(format!("{} names for {features} columns", names.len())));
    }
    let normalisation = normalisation(ranges.map(|r| (r.minimum.clone(), r.range.clone())), features)?;
    let whole = |values: &[f64], width: usize, what: &str| match values.len().is_multiple_of(width) {
        true => Ok(()),
        false => {
            Err(Error::invalid(format!("calibration: {} values are no rows of {width} {what}", values.len())))
        }
    };
    let rows: Vec<f32> = match calibration {
        Calibration::Data(rows) => {
            whole(rows, features, "features")?;
            normalisation.apply(&sample(rows, features))
        }
        Calibration::Latents(latents) => {
            whole(latents, network.latents(), "latents")?;
            network.decode(&sample(latents, network.latents())).iter().map(|&x| x as f32).collect()
        }
        Calibration::Nothing if ranges.is_some() => made_up(MADE_UP * features),
        Calibration::Nothing => vec![],
    };
    let from = format!("imported from {from}");
    frozen(network.architecture.clone(), network.to_float()?, normalisation, names, &rows, &from)
}

/// A model of a float network, frozen on normalised `rows`, those that are not finite left out.
pub fn frozen(
    architecture: Architecture,
    float: FloatModel,
    normalisation: Normalisation,
    names: Vec<String>,
    rows: &[f32],
    from: &str,
) -> Result<Model> {
    let features = architecture.features();
    let finite = |row: &&[f32]| row.iter().all(|x| x.is_finite());
    let rows: Vec<f32> = rows.chunks_exact(features).filter(finite).flatten().copied().collect();
    if rows.is_empty() {
        return Err(Error::invalid(
            "integer scales are chosen on data, and there are none: give --calibrate with the data, or with Baler's \
             compressed.npz of them",
        ));
    }
    let frozen = freeze::freeze(&float, architecture.sequence, &normalisation, names, &rows)?;
    let provenance = Provenance {
        program: format!("baler {}, {from}", env!("CARGO_PKG_VERSION")),
        ..Provenance::default()
    };
    Ok(Model { architecture, normalisation, float, frozen, provenance })
}

/// (value - offset) / scale of `features` features, where that is given, one number for all or one each.
pub fn normalisation(by: Option<(Vec<f64>, Vec<f64>)>, features: usize) -> Result<Normalisation> {
    let kind = if by.is_some() { NormalisationKind::MinMax } else { NormalisationKind::Identity };
    let (offset, scale) = by.unwrap_or_else(|| (vec![0.0], vec![1.0]));
    let each = |values: Vec<f64>| match values[..] {
        [one] => Ok(vec![one; features]),
        _ if values.len() == features => Ok(values),
        _ => Err(Error::invalid(format!(
            "normalisation of {} columns, where the model has {features}",
            values.len()
        ))),
    };
    let (offset, scale) = (each(offset)?, each(scale)?);
    Normalisation::Affine { kind, offset, scale }.checked().map_err(|e| e.at("normalisation"))
}

/// At most [`MOST_ROWS`] rows, evenly spaced.
pub fn sample(rows: &[f64], width: usize) -> Vec<f64> {
    let stride = (rows.len() / width).div_ceil(MOST_ROWS).max(1);
    rows.chunks_exact(width).step_by(stride).flatten().copied().collect()
}

/// Numbers from 0 to 1 that fill it evenly (Weyl, 1916).
fn made_up(count: usize) -> Vec<f32> {
    let golden = 0x9e37_79b9_7f4a_7c15u64;
    (1..=count as u64)
        .map(|i| (i.wrapping_mul(i).wrapping_mul(golden) >> 40) as f32 / (1 << 24) as f32)
        .collect()
}

/// How far the frozen network is from the float one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The largest distance of two reconstructions, as a share of their column's range.
    pub largest: f64,
    /// The root of their mean square, likewise.
    pub root_mean_square: f64,
}

/// Both networks of `model` on `rows` (rows x features, in the data's units), compared. Columns that do not vary are
/// left out.
pub fn difference(model: &Model, rows: &[f64]) -> Result<Difference> {
    let features = model.features();
    let (float, frozen) = (model.reconstruct_float(rows), model.reconstruct(rows)?);
    let mut low = vec![f64::INFINITY; features];
    let mut high = vec![f64::NEG_INFINITY; features];
    for row in rows.chunks_exact(features) {
        for ((low, high), &x) in low.iter_mut().zip(&mut high).zip(row) {
            (*low, *high) = (low.min(x), high.max(x));
        }
    }
    // A field is one column: its range is the range.
    if model.frozen.decoder.names().is_empty() {
        let (least, most) = low
            .iter()
            .zip(&high)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (&l, &h)| (a.min(l), b.max(h)));
        (low, high) = (vec![least; features], vec![most; features]);
    }
    let (mut largest, mut squares, mut count) = (0.0f64, 0.0, 0u64);
    for (a, b) in float.chunks_exact(features).zip(frozen.chunks_exact(features)) {
        for (i, (a, b)) in a.iter().zip(b).enumerate() {
            let share = (a - b).abs() / (high[i] - low[i]);
            if share.is_finite() {
                largest = largest.max(share);
                squares += share * share;
                count += 1;
            }
        }
    }
    Ok(Difference { largest, root_mean_square: (squares / count.max(1) as f64).sqrt() })
}
