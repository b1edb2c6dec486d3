//! How a chunk's predictions are made and what they miss is coded: the walks, and their streams.

use super::Level;
use super::base::Recipe;
use super::context::{Contexts, Model};
use super::deep;
use super::dispatch::{base_analyse, base_read, base_write, deep_walk, fit_plain, learned_walk, plain_walk};
use super::domain::{Domain, Real};
use super::fast;
use super::kernel::{Chunk, LANES};
use super::learned;
use super::recurring::Recurring;
use super::select::{Foretold, Selected, better, enough, likely, select, too_heavy};
use super::taps::{Sampling, TAPS, fallback, tap_count};
use crate::codec::bytes::{Reader, put_bytes, put_varint};
use crate::codec::candidate::Candidate;
use crate::codec::range_coder::{Coder, Decoder, Encoder};
use crate::error::{Error, Result};
use crate::model::field::FieldModel;

/// Which walk a chunk takes. The high bits of the format's mode byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Walk {
    /// Least-squares prediction, adaptive contexts, two lanes.
    Plain = 0,
    /// Eight rows at a time, static tables.
    Fast = 1,
    /// Predictors and contexts that learn from their surroundings, one stream. See [`deep`].
    Deep = 2,
    /// The plain walk over a wavelet base.
    Based = 3,
    /// The deep walk over a wavelet base.
    DeepBased = 4,
    /// The plain walk with another coder of indices, for those that recur. See [`super::recurring`].
    Recurring = 5,
    /// Prediction and expected magnitudes by a trained network. See [`learned`].
    Learned = 6,
}

impl Walk {
    const ALL: [Walk; 7] =
        [Walk::Plain, Walk::Fast, Walk::Deep, Walk::Based, Walk::DeepBased, Walk::Recurring, Walk::Learned];

    /// Its bits in the mode byte.
    pub fn to_bits(self) -> u8 {
        (self as u8) << 4
    }

    /// The inverse of [`Walk::to_bits`].
    pub fn from_bits(bits: u8) -> Result<Walk> {
        let unknown = || Error::unsupported(format!("field walk {} is of a later version", bits >> 4));
        Self::ALL.get(bits as usize >> 4).copied().ok_or_else(unknown)
    }
}

/// Finds an archive's models of fields by number.
pub type Models<'a> = &'a dyn Fn(usize) -> Result<&'a FieldModel>;

/// How a chunk is to be read: its walk, and the models there are.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// The walk.
    pub walk: Walk,
    /// The models.
    pub models: Models<'a>,
}

impl Way<'static> {
    /// A walk that needs no model.
    pub fn of_no_model(walk: Walk) -> Self {
        Way { walk, models: &|_| Err(Error::corrupt("a chunk names a model, and none is there")) }
    }
}

/// What the encoder is to choose from.
#[derive(Clone, Copy)]
pub enum Choice<'a> {
    /// What serves a level best.
    Level(Level),
    /// That, or the network of a model.
    Learned(Level, Candidate<&'a FieldModel>),
    /// The plain walk.
    Plain,
    /// The walk of differences that recur.
    Recurring,
}

impl Choice<'_> {
    /// Whether several ways may be coded to be compared, for which [`write()`] needs the values as they were.
    pub fn compares(&self) -> bool {
        matches!(self, Choice::Learned(..) | Choice::Level(Level::Default | Level::Max))
    }
}

/// A chunk's values as the encoder analyses them, before it decides how to code them.
#[derive(Clone, Copy)]
pub struct Signal<'a, W> {
    /// The values, special ones smoothed over.
    pub smooth: &'a [W],
    /// What is subtracted from them.
    pub mean: W,
    /// Planes, rows, columns.
    pub dims: [usize; 3],
    /// Distance between reconstructions.
    pub step: f64,
    /// Which values the fit of weights sees.
    pub sampling: Sampling,
}

/// What all ways of coding a chunk are told of it, but for its values.
#[derive(Clone, Copy)]
pub struct Task<'a, D: Domain> {
    /// How values become indices.
    pub domain: D,
    /// The values as they are analysed.
    pub signal: Signal<'a, D::Work>,
    /// Places with a nonzero one are passed over; empty where there are none.
    pub special: &'a [u8],
    /// Whether to keep to the portable build: the same bytes.
    pub portable: bool,
}

/// Appends the walk over `values`, which become the reconstructions. `original` are the same values, needed where the choice
/// [compares](Choice::compares).
pub fn write<D: Domain>(
    out: &mut Vec<u8>,
    task: Task<D>,
    original: &[D::Value],
    values: &mut [D::Value],
    choice: Choice,
) -> Walk {
    let Task { domain, signal, special, portable } = task;
    let level = match choice {
        Choice::Learned(level, candidate) => {
            let serves = candidate.model.serves(signal.dims);
            if serves && candidate.asked {
                write_learned(out, task, values, candidate);
                return Walk::Learned;
            }
            let start = out.len();
            let walk = write(out, task, original, values, Choice::Level(level));
            if !serves {
                return walk;
            }
            let (mut other, mut others) = (vec![], original.to_vec());
            write_learned(&mut other, task, &mut others, candidate);
            if other.len() >= out.len() - start {
                return walk;
            }
            replace(out, start, other, values, &others);
            return Walk::Learned;
        }
        Choice::Level(Level::Fast) if fast::serves(signal.dims) => {
            fast::write(out, task, values);
            return Walk::Fast;
        }
        Choice::Plain | Choice::Level(Level::Fast) => {
            write_as(out, task, values, None);
            return Walk::Plain;
        }
        Choice::Recurring => {
            let weights = fallback(&TAPS[..tap_count(signal.dims)]);
            let chunk = Chunk { dims: signal.dims, weights: &weights, special, base: &[], values };
            write_walk::<Recurring, D>(out, domain, chunk, portable);
            return Walk::Recurring;
        }
        Choice::Level(level) => level,
    };
    let patient = level == Level::Max;
    let start = out.len();
    let recipe = write_selected(out, task, original, values, patient);
    let mut walk = if recipe.is_some() { Walk::Based } else { Walk::Plain };
    if !patient {
        return walk;
    }
    // Whether the deep walk gains from the base that suited the plain one is not foretold: both are tried, the likelier
    // one first, the other until it is longer.
    for (deep, recipe) in [(Walk::DeepBased, recipe), (Walk::Deep, None)] {
        if deep == Walk::DeepBased && recipe.is_none() {
            continue;
        }
        let (mut other, mut others) = (vec![], original.to_vec());
        let best = out.len() - start;
        let whole = write_deep(&mut other, task, &mut others, recipe, best);
        if whole && other.len() < best {
            replace(out, start, other, values, &others);
            walk = deep;
        }
    }
    walk
}

/// Puts another way's bytes from `start` on, and its reconstructions.
fn replace<T: Copy>(out: &mut Vec<u8>, start: usize, other: Vec<u8>, values: &mut [T], others: &[T]) {
    out.truncate(start);
    out.extend(other);
    values.copy_from_slice(others);
}

/// Appends the plain walk, over a base where that seems to pay; returns its recipe.
fn write_selected<D: Domain>(
    out: &mut Vec<u8>,
    task: Task<D>,
    original: &[D::Value],
    values: &mut [D::Value],
    patient: bool,
) -> Option<Recipe> {
    let Selected { recipe, foretold } = select(task, original, patient);
    let start = out.len();
    write_as(out, task, values, recipe);
    let here = out.len() - start;
    match foretold {
        Foretold::Only => return recipe,
        Foretold::Bytes(most) if here <= most => return recipe,
        // The tile was not like the chunk, or there was none: only coding tells.
        _ => {}
    }
    let (mut other, mut others) = (vec![], original.to_vec());
    if recipe.is_some() {
        write_as(&mut other, task, &mut others, None);
        if better(here, other.len(), original.len(), patient) {
            return recipe;
        }
        replace(out, start, other, values, &others);
        return None;
    }
    let likely = likely(task.signal, task.portable);
    let base = write_base(&mut other, task, likely);
    if too_heavy(other.len(), enough(here, original.len(), patient)) {
        return None;
    }
    write_over(&mut other, task, &mut others, Some(&base));
    if !better(other.len(), here, original.len(), patient) {
        return None;
    }
    replace(out, start, other, values, &others);
    Some(likely)
}

/// Appends the plain walk, over the base of a recipe if there is one.
pub fn write_as<D: Domain>(
    out: &mut Vec<u8>,
    task: Task<D>,
    values: &mut [D::Value],
    recipe: Option<Recipe>,
) {
    let base = recipe.map(|recipe| write_base(out, task, recipe));
    write_over(out, task, values, base.as_ref());
}

/// Appends the plain walk, over a base that is already there if there is one.
pub fn write_over<D: Domain>(
    out: &mut Vec<u8>,
    Task { domain, signal, special, portable }: Task<D>,
    values: &mut [D::Value],
    base: Option<&Base<D::Work>>,
) {
    let weights = match base {
        Some(base) => fit_plain(Signal { smooth: &base.rest, mean: D::Work::default(), ..signal }, portable),
        None => fit_plain(signal, portable),
    };
    let base = base.map_or(&[][..], |base| &base.values);
    let chunk = Chunk { dims: signal.dims, weights: &weights, special, base, values };
    write_walk::<Contexts, D>(out, domain, chunk, portable);
}

/// Appends weights and streams of a walk whose indices `M` codes.
fn write_walk<M: Model, D: Domain>(
    out: &mut Vec<u8>,
    domain: D,
    chunk: Chunk<D::Value, D::Work>,
    portable: bool,
) {
    chunk.weights.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    let mut coders = [0; LANES].map(|_| Encoder::with_capacity(chunk.values.len() / 8));
    plain_walk::<M, _, _>(domain, &mut coders, chunk, portable);
    put_coders(out, coders);
}

/// Appends the deep walk, over the base of a recipe if there is one; whether it has: it gives up where it takes more than
/// `most` bytes, and what it leaves is nothing then.
fn write_deep<D: Domain>(
    out: &mut Vec<u8>,
    task: Task<D>,
    values: &mut [D::Value],
    recipe: Option<Recipe>,
    most: usize,
) -> bool {
    let base = recipe.map_or(vec![], |recipe| write_base(out, task, recipe).values);
    let Task { domain, signal, special, portable } = task;
    let mut coder = Encoder::with_capacity(values.len() / 4);
    let most = most.saturating_sub(out.len());
    let chunk = deep::Chunk { dims: signal.dims, base: &base, special, values, most };
    deep_walk(domain, &mut coder, chunk, portable);
    // Asked before the end drops trailing zeros: a walk that was given up must never pass for a short one.
    if coder.written() > most {
        return false;
    }
    let (coded, raw) = coder.finish();
    put_bytes(out, &coded);
    out.extend_from_slice(&raw);
    true
}

/// Appends the walk by a model's network.
fn write_learned<D: Domain>(
    out: &mut Vec<u8>,
    Task { domain, signal, special, portable }: Task<D>,
    values: &mut [D::Value],
    candidate: Candidate<&FieldModel>,
) {
    put_varint(out, candidate.number as u64);
    let weights = fit_plain(signal, portable);
    weights.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    let mut coders = [0; LANES].map(|_| Encoder::with_capacity(values.len() / 2));
    let chunk = learned::Chunk { dims: signal.dims, weights: &weights, special, values };
    learned_walk(domain, &mut coders, chunk, candidate.model, portable);
    put_coders(out, coders);
}

/// Appends the streams of two lanes.
fn put_coders(out: &mut Vec<u8>, coders: [Encoder; LANES]) {
    let [first, second] = coders.map(Encoder::finish);
    put_bytes(out, &first.0);
    put_bytes(out, &first.1);
    put_bytes(out, &second.0);
    out.extend_from_slice(&second.1);
}

/// A base as the walk over it sees it.
pub struct Base<W> {
    /// What is subtracted from each value, beside the mean.
    pub values: Vec<W>,
    /// What is left of the signal.
    pub rest: Vec<W>,
}

/// Appends a base.
pub fn write_base<D: Domain>(
    out: &mut Vec<u8>,
    Task { domain, signal, portable, .. }: Task<D>,
    recipe: Recipe,
) -> Base<D::Work> {
    let Signal { smooth, mean, dims, step, .. } = signal;
    let (offset, inverse) = (mean.to_f64(), 1.0 / step);
    let mut v: Vec<f32> = smooth.iter().map(|&x| ((x.to_f64() - offset) * inverse) as f32).collect();
    base_analyse(&mut v, dims, recipe.grouping, portable);
    base_write(out, &mut v, dims, recipe, portable);
    let values: Vec<D::Work> = v.iter().map(|&b| domain.distance(b)).collect();
    let rest = smooth.iter().zip(&values).map(|(x, &b)| x.minus(mean).minus(b)).collect();
    Base { values, rest }
}

/// The inverse of [`write()`].
pub fn read<D: Domain>(
    mut r: Reader,
    Way { walk, models }: Way,
    domain: D,
    dims: [usize; 3],
    special: &[u8],
    values: &mut [D::Value],
    portable: bool,
) -> Result<()> {
    let base = match walk {
        Walk::Plain | Walk::Deep | Walk::Recurring | Walk::Learned => vec![],
        Walk::Fast => return fast::read(r, domain, dims, special, values, portable),
        Walk::Based | Walk::DeepBased => {
            base_read(&mut r, dims, portable)?.into_iter().map(|b| domain.distance(b)).collect()
        }
    };
    if matches!(walk, Walk::Deep | Walk::DeepBased) {
        let mut coder = Decoder::new(r.bytes("coded decisions")?, r.rest());
        deep_walk(
            domain,
            &mut coder,
            deep::Chunk { dims, base: &base, special, values, most: usize::MAX },
            portable,
        );
        return Ok(());
    }
    let model = match walk {
        Walk::Learned => {
            let model = models(r.count(usize::MAX, "model number")?)?;
            if !model.serves(dims) {
                return Err(Error::corrupt(format!(
                    "a chunk of {} x {} rows is coded by a model of fields that does not serve it",
                    dims[0], dims[1]
                )));
            }
            Some(model)
        }
        _ => None,
    };
    let weights = (0..tap_count(dims)).map(|_| r.i16("weight")).collect::<Result<Vec<_>>>()?;
    let first = Decoder::new(r.bytes("first lane")?, r.bytes("first lane's raw bits")?);
    let second = Decoder::new(r.bytes("second lane")?, r.rest());
    if let Some(model) = model {
        let chunk = learned::Chunk { dims, weights: &weights, special, values };
        learned_walk(domain, &mut [first, second], chunk, model, portable);
        return Ok(());
    }
    let chunk = Chunk { dims, weights: &weights, special, base: &base, values };
    match walk {
        Walk::Recurring => plain_walk::<Recurring, _, _>(domain, &mut [first, second], chunk, portable),
        _ => plain_walk::<Contexts, _, _>(domain, &mut [first, second], chunk, portable),
    }
    Ok(())
}
