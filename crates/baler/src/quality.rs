//! Measures of what was lost, for people: never used to hold a bound.

use crate::data::Values;
use crate::front::check::root_mean_square;
use crate::front::class::{find_fill, number_of};
use crate::statistics::Statistics;

/// Peak signal-to-noise ratio in dB: 20 log10(range / root mean square error), both of the finite values but for one that
/// seems to stand for missing data; infinite where
/// nothing was lost, `None` for text and for values of no range.
pub fn psnr(original: &Values, decoded: &Values) -> Option<f64> {
    let (range, fill) = range(original)?;
    Some(20.0 * (range / root_mean_square(original, decoded, fill)).log10())
}

/// The PSNR of several columns as one: each error is taken as a share of its column's range, so that columns of
/// different units count alike.
pub fn psnr_of_columns<'a>(pairs: impl Iterator<Item = (&'a Values, &'a Values)>) -> Option<f64> {
    let share = |(a, b)| range(a).map(|(range, fill)| (root_mean_square(a, b, fill) / range).powi(2));
    let shares: Vec<f64> = pairs.filter_map(share).collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    (!shares.is_empty()).then(|| -10.0 * mean.log10())
}

/// The range of the values, and which of them stands for missing data and is no part of it.
fn range(values: &Values) -> Option<(f64, Option<u64>)> {
    let fill = find_fill(values);
    let missing = fill.and_then(|bits| number_of(bits, values.dtype()));
    let range = Statistics::of(values.to_f64()?.into_iter().filter(|&x| Some(x) != missing)).range();
    (range > 0.0).then_some((range, fill))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredth_of_the_range_is_forty_decibels() {
        let a = Values::F32(vec![0.0, 1.0, 0.5, f32::NAN]);
        let b = Values::F32(vec![0.01, 0.99, 0.51, f32::NAN]);
        assert!((psnr(&a, &b).unwrap() - 40.0).abs() < 1e-2);
        assert_eq!(psnr(&a, &a), Some(f64::INFINITY));
        assert_eq!(psnr(&Values::U8(vec![3, 3]), &Values::U8(vec![3, 3])), None);
        assert!((psnr_of_columns([(&a, &b), (&a, &b)].into_iter()).unwrap() - 40.0).abs() < 1e-2);
    }
}
