//! Whether values that repeat over whole regions are told apart from numbers: as classes, or as numbers like any other.

use super::{How, Level, encode_as};
use crate::data::Values;
use crate::front::runs::{self, Least};
use crate::front::{Tolerance, ordered};

/// The bits of values that fill whole regions and are better told apart from numbers, of which no two that are not alike
/// are closer than `spacing`.
pub fn repeated(
    values: &Values,
    dims: [usize; 3],
    tolerance: Tolerance,
    spacing: f64,
    level: Level,
) -> Vec<u64> {
    let least = if level == Level::Fast { Least::MUCH } else { Least::ANY };
    let step = |rounding: f64| {
        move |x: f64| match tolerance {
            Tolerance::Absolute(bound) => (2.0 * bound).max(spacing),
            Tolerance::Pointwise(bound) => (2.0 * bound * x.abs()).max(spacing).max(1e-300),
            _ => (rounding * x.abs()).max(spacing).max(1e-30),
        }
    };
    match values {
        Values::F32(v) => runs::find(v, dims, |x| x as f64, step(f32::EPSILON as f64), least),
        Values::F64(v) => runs::find(v, dims, |x| x, step(f64::EPSILON), least),
        // Their bits are not those of their ordered integers.
        Values::Bool(_) | Values::U64(_) | Values::Text(_) => vec![],
        _ => runs::find(&ordered::to_integers(values), dims, |x| x as f64, step(0.0), least),
    }
}

/// At the fast level classes have to save one part in so many: they take three times as long.
const WORTH: usize = 6;

/// Whether values that repeat are better told apart, by the bytes that they take so and by those that they take alone.
pub fn smaller(apart: usize, alone: usize, level: Level) -> bool {
    apart < if level == Level::Fast { alone - alone / WORTH } else { alone }
}

/// Of so many planes of a chunk (rows, where it has one plane) one is in the slab.
const SAMPLED: usize = 8;
/// At the fast level a slab has at least so many values, and two planes where there are planes. (Not measured how few are too
/// few.)
const LEAST_FAST_SLAB: usize = 1 << 13;
/// Smaller slabs may tell too little at other levels, where a base may suit the whole chunk and not the slab.
const LEAST_SLAB: usize = 1 << 16;
/// Beyond a difference of one part in so many a slab is trusted.
const CLEAR: usize = 6;

/// Whether values that repeat are clearly better told apart. That depends on how the edges of their regions would have been
/// predicted, so only coding tells; but that of a slab out of the chunk's middle may do. `None` where all of it has to.
pub fn pays(values: &Values, tolerance: Tolerance, alone: &How, apart: &How) -> Option<bool> {
    let [nz, ny, nx] = alone.dims;
    let fast = alone.level == Level::Fast;
    let (count, size) = if nz == 1 { (ny, nx) } else { (nz, ny * nx) };
    let least = LEAST_FAST_SLAB.div_ceil(size).max(if nz == 1 { 1 } else { 2 });
    let some = if fast { least.max(count / SAMPLED) } else { count / SAMPLED };
    if some > count / 2 || !fast && some * size < LEAST_SLAB {
        return None;
    }
    let start = (count - some) / 2 * size;
    let part = values.slice(start..start + some * size);
    let dims = if nz == 1 { [1, some, nx] } else { [some, ny, nx] };
    let level = if alone.level == Level::Max { Level::Default } else { alone.level };
    let bytes = |how: &How| {
        let how = How { dims, level, repeated: how.repeated.clone(), learned: None, ..*how };
        encode_as(&part, tolerance, &how).0.len()
    };
    let (alone, apart) = (bytes(alone), bytes(apart));
    let clear = alone.abs_diff(apart) * CLEAR > alone.max(apart);
    (clear || fast).then_some(smaller(apart, alone, level))
}
