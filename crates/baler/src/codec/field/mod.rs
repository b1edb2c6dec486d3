//! The field codec: causal prediction, quantisation in its loop, context coding (format.md, section 5).

mod apart;
pub mod base;
pub mod coding;
pub mod context;
pub mod deep;
pub mod dispatch;
pub mod domain;
pub mod fast;
pub mod kernel;
pub mod learned;
mod moments;
mod packed;
mod padded;
mod recurring;
pub mod select;
mod smooth;
pub mod taps;

use super::bytes::{Reader, put_varint, put_zigzag};
use super::candidate::Candidate;
use super::class_plane;
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::class::{self, Bits, CONSTANT, Classes, NEGATIVE, Rule, classify};
use crate::front::pointwise::{self, Layout, MOST_GRAIN, Pointwise};
use crate::front::{Tolerance, ordered, runs};
use crate::model::field::FieldModel;
use crate::with_numbers;
use apart::{pays, repeated, smaller};
use coding::{Choice, Models, Signal, Task, Walk, Way};
use domain::{Absolute, Domain, Integers, Real};
use moments::{Moments, moments};
use smooth::filled;
use taps::Sampling;

/// How much work a smaller file is worth. Decoding costs about what encoding did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    /// Speed first.
    Fast,
    /// The best ratio at some hundred megabytes a second and core.
    #[default]
    Default,
    /// The smallest file, ten to twenty times slower.
    Max,
}

impl Level {
    /// Every level, fastest first.
    pub const ALL: [Level; 3] = [Level::Fast, Level::Default, Level::Max];

    /// The name that users see and give.
    pub fn name(self) -> &'static str {
        ["fast", "default", "max"][self as usize]
    }

    /// The inverse of [`Level::name`].
    pub fn from_name(name: &str) -> Result<Level> {
        let known = Self::ALL.into_iter().find(|level| level.name() == name);
        known.ok_or_else(|| Error::invalid(format!("'{name}' is no level; there are fast, default and max")))
    }
}

/// The bits of the mode byte that say how values became what is predicted.
const MODE: u8 = 15;

/// How a chunk's values became what is predicted. The low bits of the format's mode byte; above them comes the
/// [`Walk`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
enum Mode {
    /// Floats within an absolute bound, predicted as floats.
    Absolute = 0,
    /// Integers or ordered floats, within a whole number of the original.
    Integers = 1,
    /// Cells of pointwise-relative width.
    Pointwise = 2,
    /// Integers that values were packed to upstream.
    Lattice = 3,
}

/// A chunk's shape as planes, rows and columns: axes of length 1 dropped, all but the last two joined.
pub fn view(shape: &[usize]) -> [usize; 3] {
    let mut axes = shape.iter().copied().filter(|&n| n != 1).rev();
    let nx = axes.next().unwrap_or(1);
    let ny = axes.next().unwrap_or(1);
    [axes.product(), ny, nx]
}

/// Codes `values` of `shape` within `tolerance`; `fill` is the bits of a value to be kept exactly.
///
/// Returns the payload and what a decoder will make of it. `portable` keeps to the portable kernel: the same bytes.
pub fn encode(
    values: &Values,
    shape: &[usize],
    tolerance: Tolerance,
    fill: Option<u64>,
    level: Level,
    portable: bool,
) -> (Vec<u8>, Values) {
    encode_with(values, shape, tolerance, fill, (level, None), portable)
}

/// As [`encode`], by the network of a model where that is smaller.
pub fn encode_with(
    values: &Values,
    shape: &[usize],
    tolerance: Tolerance,
    fill: Option<u64>,
    (level, learned): (Level, Option<Candidate<&FieldModel>>),
    portable: bool,
) -> (Vec<u8>, Values) {
    let dims = view(shape);
    let spacing = if values.dtype().is_float() { 0.0 } else { 1.0 };
    let repeated = repeated(values, dims, tolerance, spacing, level);
    let alone = How { dims, fill, repeated: vec![], level, learned, portable };
    let apart = (!repeated.is_empty()).then_some(How { repeated, ..alone });
    let pays = apart.as_ref().map_or(Some(false), |apart| pays(values, tolerance, &alone, apart));
    let apart = apart.filter(|_| pays != Some(false)).map(|apart| encode_as(values, tolerance, &apart));
    let mut best = match apart {
        Some(apart) if pays == Some(true) => apart,
        Some(apart) => {
            let alone = encode_as(values, tolerance, &alone);
            if smaller(apart.0.len(), alone.0.len(), level) { apart } else { alone }
        }
        None => encode_as(values, tolerance, &alone),
    };
    if level != Level::Fast
        && let Some(exact) = packed::encode_recurring(values, tolerance, &alone)
        && exact.0.len() < best.0.len()
    {
        best = exact;
    }
    best
}

/// Codes a chunk in the one way that `how` says.
fn encode_as(values: &Values, tolerance: Tolerance, how: &How) -> (Vec<u8>, Values) {
    if let Some(coded) = packed::encode(values, tolerance, how) {
        return coded;
    }
    let mut out = vec![];
    let decoded = match (tolerance, values) {
        (Tolerance::Absolute(bound), Values::F32(v)) => Values::F32(encode_absolute(&mut out, v, bound, how)),
        (Tolerance::Absolute(bound), Values::F64(v)) => Values::F64(encode_absolute(&mut out, v, bound, how)),
        (Tolerance::Pointwise(bound), Values::F32(v)) => {
            Values::F32(encode_pointwise(&mut out, v, bound, pointwise::F32, how))
        }
        (Tolerance::Pointwise(bound), Values::F64(v)) => {
            Values::F64(encode_pointwise(&mut out, v, bound, pointwise::F64, how))
        }
        (Tolerance::Absolute(bound), _) => encode_integers(&mut out, values, bound as i64, how),
        _ => encode_integers(&mut out, values, 0, how),
    };
    (out, decoded)
}

/// What all ways of coding a chunk are told.
struct How<'a> {
    /// Planes, rows, columns.
    dims: [usize; 3],
    fill: Option<u64>,
    /// The bits of values that fill whole regions.
    repeated: Vec<u64>,
    level: Level,
    /// A model to try.
    learned: Option<Candidate<&'a FieldModel>>,
    portable: bool,
}

impl<'a> How<'a> {
    /// What there is to choose from.
    fn choice(&self) -> Choice<'a> {
        self.learned.map_or(Choice::Level(self.level), |model| Choice::Learned(self.level, model))
    }

    /// The classes of values, by `rule` and by what is known of this chunk.
    fn classify<T: Bits>(&self, values: &[T], rule: Rule) -> Classes {
        let mut classes = classify(values, rule, self.fill);
        runs::mark(&mut classes, values, &self.repeated);
        classes
    }
}

/// The inverse of [`encode`], for a chunk of `dtype` and `shape`.
pub fn decode(payload: &[u8], dtype: DType, shape: &[usize], portable: bool) -> Result<Values> {
    decode_with(payload, dtype, shape, Way::of_no_model(Walk::Plain).models, portable)
}

/// The inverse of [`encode_with`]; `models` finds an archive's models by number.
pub fn decode_with(
    payload: &[u8],
    dtype: DType,
    shape: &[usize],
    models: Models,
    portable: bool,
) -> Result<Values> {
    let mut r = Reader::new(payload);
    let dims = view(shape);
    let byte = r.u8("field mode")?;
    let (mode, walk) = (byte & MODE, Way { walk: Walk::from_bits(byte & !MODE)?, models });
    match (mode, dtype) {
        (0, DType::F32) => decode_absolute::<f32>(r, dims, walk, portable).map(Values::F32),
        (0, DType::F64) => decode_absolute::<f64>(r, dims, walk, portable).map(Values::F64),
        (1, DType::Text) => Err(Error::corrupt("text is no field")),
        (1, _) => decode_integers(r, dtype, dims, walk, portable),
        (2, DType::F32) => decode_pointwise(r, pointwise::F32, dims, walk, portable).map(Values::F32),
        (2, DType::F64) => decode_pointwise(r, pointwise::F64, dims, walk, portable).map(Values::F64),
        (3, DType::Text) => Err(Error::corrupt("text is no field")),
        (3, _) => packed::decode(r, dtype, dims, walk, portable),
        (0 | 2, _) => Err(Error::corrupt(format!("field mode {mode} is not for {dtype}"))),
        _ => Err(Error::unsupported(format!("field mode {mode} is of a later version"))),
    }
}

/// The two float types as the absolute mode needs them.
trait Float: Bits + Real + Into<f64> {
    const EPSILON: f64;
    /// Wider bounds are as good as this one, beyond which steps would not be finite.
    const WIDEST: f64;
    fn domain(step: Self, mean: Self, bound: f64) -> Absolute<Self>
    where
        Absolute<Self>: Domain<Value = Self>;
    fn write(self, out: &mut Vec<u8>);
    fn read(r: &mut Reader, what: &str) -> Result<Self>;
}

macro_rules! float {
    ($t:ty) => {
        impl Float for $t {
            const EPSILON: f64 = <$t>::EPSILON as f64;
            const WIDEST: f64 = <$t>::MAX as f64 / 16.0;
            fn domain(step: Self, mean: Self, bound: f64) -> Absolute<Self> {
                Absolute::<$t>::new(step, mean, bound)
            }
            fn write(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn read(r: &mut Reader, what: &str) -> Result<Self> {
                Ok(<$t>::from_le_bytes(r.take(size_of::<$t>(), what)?.try_into().expect("as many as asked")))
            }
        }
    };
}
float!(f32);
float!(f64);

fn encode_absolute<F: Float>(out: &mut Vec<u8>, values: &[F], bound: f64, how: &How) -> Vec<F>
where
    Absolute<F>: Domain<Value = F, Work = F>,
{
    let bound = bound.min(F::WIDEST);
    let classes = how.classify(values, Rule::Bounded);
    let Moments { mean, magnitude, largest } = moments(values, &classes, how.portable);
    // Rounding to the stored type may add an ulp or so of the result. A few huge values are left out of account:
    // those few will fail the check and be coded exactly.
    let slack = 2.0 * F::EPSILON * largest.min(8.0 * magnitude);
    let step = F::from_f64((2.0 * bound - slack).max(bound) * 0.999999);
    let mean = F::from_f64(mean);
    let smoothed;
    let smooth = if classes.plane.is_empty() {
        values
    } else {
        smoothed = filled(values, &classes.plane, how.dims, how.choice(), |x| x);
        &smoothed
    };

    out.push(Mode::Absolute as u8);
    step.write(out);
    mean.write(out);
    class_plane::write(out, &classes, how.dims);
    let mut work = values.to_vec(); // special values stay where they are
    let signal = Signal { smooth, mean, dims: how.dims, step: step.to_f64(), sampling: Sampling::PLAIN };
    let domain = F::domain(step, mean, bound);
    let task = Task { domain, signal, special: &classes.plane, portable: how.portable };
    let walk = coding::write(out, task, values, &mut work, how.choice());
    out[0] |= walk.to_bits();
    work
}

fn decode_absolute<F: Float>(mut r: Reader, dims: [usize; 3], walk: Way, portable: bool) -> Result<Vec<F>>
where
    Absolute<F>: Domain<Value = F, Work = F>,
{
    let step = F::read(&mut r, "step")?;
    let mean = F::read(&mut r, "mean")?;
    let count = dims.iter().product();
    let classes = class_plane::read(&mut r, dims)?;
    let mut values = vec![F::default(); count];
    coding::read(r, walk, F::domain(step, mean, 0.0), dims, &classes.plane, &mut values, portable)?;
    class::restore(&mut values, &classes);
    Ok(values)
}

fn encode_integers(out: &mut Vec<u8>, values: &Values, reach: i64, how: &How) -> Values {
    let classes = with_numbers!(values, v => how.classify(v, Rule::Exact), _ => Classes::default());
    let mut integers = ordered::to_integers(values);
    out.push(Mode::Integers as u8);
    class_plane::write(out, &classes, how.dims);
    put_varint(out, reach as u64);
    let limits = ordered::limits(values.dtype());
    let whole = Whole { dims: how.dims, reach, limits, classes: &classes, portable: how.portable };
    let walk = write_integers(out, &whole, &mut integers, how.choice());
    out[0] |= walk.to_bits();
    ordered::from_integers(&integers, values.dtype())
}

fn decode_integers(
    mut r: Reader,
    dtype: DType,
    dims: [usize; 3],
    walk: Way,
    portable: bool,
) -> Result<Values> {
    let classes = class_plane::read(&mut r, dims)?;
    let reach = r.count(i64::MAX as usize, "reach")? as i64;
    let whole = Whole { dims, reach, limits: ordered::limits(dtype), classes: &classes, portable };
    let integers = read_integers(r, &whole, walk)?;
    let mut values = ordered::from_integers(&integers, dtype);
    with_numbers!(&mut values, v => class::restore(v, &classes), _ => {});
    Ok(values)
}

/// The range of pointwise cells.
const CELLS: (i64, i64) = (0, i64::MAX);

fn encode_pointwise<F: Float>(
    out: &mut Vec<u8>,
    values: &[F],
    bound: f64,
    layout: Layout,
    how: &How,
) -> Vec<F> {
    let map = Pointwise::best(layout, bound);
    let classes = how.classify(values, Rule::Pointwise);
    let magnitude = |x: F| map.index(x.bits() & !layout.sign());
    let mut integers: Vec<i64> = values.iter().map(|&x| magnitude(x)).collect();
    out.push(Mode::Pointwise as u8);
    out.extend_from_slice(&bound.to_le_bytes());
    out.push(map.grain() as u8);
    class_plane::write(out, &classes, how.dims);
    let whole = Whole { dims: how.dims, reach: 0, limits: CELLS, classes: &classes, portable: how.portable };
    let walk = write_integers(out, &whole, &mut integers, how.choice());
    out[0] |= walk.to_bits();
    from_cells(&map, layout, &classes, &integers)
}

/// Floats from their cells, signs and special values.
fn from_cells<F: Bits>(map: &Pointwise, layout: Layout, classes: &Classes, cells: &[i64]) -> Vec<F> {
    let sign = |i: usize| if classes.plane.get(i) == Some(&NEGATIVE) { layout.sign() } else { 0 };
    let float = |(i, &cell): (usize, &i64)| F::of_bits(map.magnitude(cell) | sign(i));
    let mut values: Vec<F> = cells.iter().enumerate().map(float).collect();
    class::restore(&mut values, classes);
    values
}

fn decode_pointwise<F: Float>(
    mut r: Reader,
    layout: Layout,
    dims: [usize; 3],
    walk: Way,
    portable: bool,
) -> Result<Vec<F>> {
    let bound = r.f64("pointwise bound")?;
    let grain = r.u8("segments an octave")? as u32;
    if !(bound > 0.0 && bound < 1.0) || grain > MOST_GRAIN {
        return Err(Error::corrupt(format!("pointwise bound {bound} with grain {grain} is not possible")));
    }
    let map = Pointwise::new(layout, bound, grain);
    let classes = class_plane::read(&mut r, dims)?;
    let whole = Whole { dims, reach: 0, limits: CELLS, classes: &classes, portable };
    let integers = read_integers(r, &whole, walk)?;
    Ok(from_cells(&map, layout, &classes, &integers))
}

/// What both directions know of integers behind their classes.
pub(super) struct Whole<'a> {
    /// Planes, rows, columns.
    pub dims: [usize; 3],
    /// Largest difference allowed.
    pub reach: i64,
    /// Least and most of what may come back.
    pub limits: (i64, i64),
    /// Special places are passed over.
    pub classes: &'a Classes,
    /// Keep to the portable kernel.
    pub portable: bool,
}

/// Appends integers behind their classes: their origin, then the walk. Also what autoencoders leave over.
///
/// `integers` become what the decoder will find, special places excepted.
pub(super) fn write_integers(out: &mut Vec<u8>, whole: &Whole, integers: &mut [i64], choice: Choice) -> Walk {
    let &Whole { dims, reach, limits: (least, most), classes, portable } = whole;
    let special: Vec<u8> = classes.plane.iter().map(|&c| (c >= CONSTANT) as u8).collect();
    let first = integers.iter().enumerate().find(|&(i, _)| special.get(i).is_none_or(|&s| s == 0));
    let origin = first.map_or(0, |(_, &x)| x);
    put_zigzag(out, origin);
    let domain = Integers { reach, origin, least, most };
    let smooth = filled(integers, &special, dims, choice, |x| x.wrapping_sub(origin) as f64);
    let step = 2.0 * reach as f64 + 1.0;
    let signal = Signal { smooth: &smooth, mean: 0.0, dims, step, sampling: Sampling::PLAIN };
    let original = if choice.compares() { integers.to_vec() } else { vec![] };
    let task = Task { domain, signal, special: &special, portable };
    coding::write(out, task, &original, integers, choice)
}

/// The inverse of [`write_integers`]; special places hold anything.
pub(super) fn read_integers(mut r: Reader, whole: &Whole, walk: Way) -> Result<Vec<i64>> {
    let &Whole { dims, reach, limits: (least, most), classes, portable } = whole;
    let origin = r.zigzag("origin")?;
    let special: Vec<u8> = classes.plane.iter().map(|&c| (c >= CONSTANT) as u8).collect();
    let mut integers = vec![0; dims.iter().product()];
    coding::read(r, walk, Integers { reach, origin, least, most }, dims, &special, &mut integers, portable)?;
    Ok(integers)
}
