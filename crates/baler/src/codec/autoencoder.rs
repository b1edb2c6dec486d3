//! The autoencoder codec: integer latents, and what the frozen decoder's output misses (format.md, section 7).
//!
//! Latents and residuals are both measured: coarser latents cost less and miss more, so the encoder tries several
//! precisions on a sample and keeps the cheapest.

use super::bytes::{Reader, put_bytes, put_varint};
use super::candidate::Candidate;
use super::field::coding::Walk;
use super::field::coding::{Choice, Way};
use super::field::{Whole, read_integers, view, write_integers};
use super::table::column::{self, MOST_TEXT, Map, Mapped, read_map, write_map};
use super::table::integers;
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::class::Classes;
use crate::front::pointwise::{self, Pointwise};
use crate::front::{Target, Tolerance, ordered};
use crate::model::autoencoder::{Decoder, FrozenModel};

/// Latents drop this many low bits, at most; they have fourteen.
const MOST_SHIFT: u8 = 12;
/// Rows on which precisions are tried.
const SAMPLE: usize = 2048;

/// Products that a model's decoder may take for one chunk: some ten seconds of a core with AVX2. A kilobyte of
/// archive can name a model of zeros that would keep a reader busy for days.
const MOST_WORK: usize = 1 << 40;

/// Flags: whether residuals follow.
const BOUNDED: u8 = 1;

/// Codes a field's chunk, cut into rows as the model says.
pub fn encode_field(
    values: &Values,
    shape: &[usize],
    tolerance: Tolerance,
    fill: Option<u64>,
    c: Candidate<&FrozenModel>,
) -> Result<Vec<u8>> {
    let (blocks, features) = (c.model.decoder.blocks(), c.model.features());
    let numbers = values.to_f64().ok_or_else(|| Error::invalid("text cannot go through a model"))?;
    let rows = blocks.cut(&numbers, shape, features)?;
    let latents = c.model.encode(&rows)?;
    let mapped = column::map(values, Target { tolerance, fill });
    let shift = best_shift(c, &latents, &rows, tolerance)?;
    let mut out = start(c, tolerance, shift);
    let predicted = write_latents(&mut out, c, &latents, shift)?;
    if tolerance != Tolerance::None {
        let predicted = blocks.join(&predicted, shape, features)?;
        write_map(&mut out, &mapped);
        let mut residuals = subtract(&mapped, &predicted, values.dtype(), |i| i);
        let whole = residual_range(shape, &mapped.classes);
        write_integers(&mut out, &whole, &mut residuals, Choice::Plain);
    }
    Ok(out)
}

/// What a model's outputs miss of a chunk: any integers, exactly.
fn residual_range<'a>(shape: &[usize], classes: &'a Classes) -> Whole<'a> {
    Whole { dims: view(shape), reach: 0, limits: (i64::MIN, i64::MAX), classes, portable: false }
}

/// The inverse of [`encode_field`].
pub fn decode_field(payload: &[u8], dtype: DType, shape: &[usize], decoder: &Decoder) -> Result<Values> {
    let count: usize = shape.iter().product();
    let rows = decoder.blocks().rows(shape, decoder.features());
    let rows = rows.map_err(|e| Error::corrupt(format!("the chunk's model does not fit it: {e}")))?;
    let mut r = Reader::new(payload);
    let (bounded, shift) = read_start(&mut r)?;
    let predicted = read_latents(&mut r, decoder, rows, shift)?;
    let predicted = decoder.blocks().join(&predicted, shape, decoder.features())?;
    if !bounded {
        r.finish("the latents")?;
        return Ok(store(&predicted, dtype));
    }
    let mut mapped = read_map(&mut r, count, &mut { MOST_TEXT })?;
    let residuals = read_integers(r, &residual_range(shape, &mapped.classes), Way::of_no_model(Walk::Plain))?;
    mapped.integers = residuals;
    add(&mut mapped, &predicted, dtype, |i| i);
    column::unmap(&mapped, dtype, &mut 0)
}

/// Codes a chunk of rows. Columns that the model does not name are coded on their own, and so are those that it
/// predicts worse than the plain codec does, unless `all` asks for it.
pub fn encode_table(
    columns: &[Values],
    names: &[&str],
    targets: &[Target],
    c: Candidate<&FrozenModel>,
    all: bool,
) -> Result<Vec<u8>> {
    let features = feature_columns(&c.model.decoder, names)?;
    let width = features.len();
    let count = columns.first().map_or(0, Values::len);
    let mut rows = vec![0.0; count * width];
    for (f, &column) in features.iter().enumerate() {
        let values = columns[column].to_f64().ok_or_else(|| {
            Error::invalid(format!("column '{}' is text, and the model expects numbers", names[column]))
        })?;
        values.iter().enumerate().for_each(|(i, &v)| rows[i * width + f] = v);
    }
    let latents = c.model.encode(&rows)?;
    // Latents serve all columns at once: their precision is chosen by the residuals of all.
    let tolerance = if targets.iter().all(|t| t.tolerance == Tolerance::None) {
        Tolerance::None
    } else {
        Tolerance::Exact
    };
    let shift = match tolerance {
        Tolerance::None => best_shift(c, &latents, &rows, tolerance)?,
        _ => best_table_shift(columns, targets, &features, &latents, c)?,
    };
    let mut out = start(c, Tolerance::Exact, shift);
    let predicted = write_latents(&mut out, c, &latents, shift)?;
    for (i, (values, &target)) in columns.iter().zip(targets).enumerate() {
        let place = features.iter().position(|&column| column == i);
        out.extend(section(values, target, place.map(|f| (f, width)), &predicted, all)?);
    }
    Ok(out)
}

/// How a column of a table is coded here.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
enum How {
    /// On its own.
    Plain = 0,
    /// Less the model's output.
    Residual = 1,
    /// The model's output as it is.
    Output = 2,
}

/// One column's section: how, and its length and bytes.
fn section(
    values: &Values,
    target: Target,
    place: Option<(usize, usize)>,
    predicted: &[f64],
    all: bool,
) -> Result<Vec<u8>> {
    let mut out = vec![];
    let Some((feature, width)) = place else {
        out.push(How::Plain as u8);
        let mut plain = vec![];
        column::write(&mut plain, &column::map(values, target));
        put_bytes(&mut out, &plain);
        return Ok(out);
    };
    if target.tolerance == Tolerance::None {
        out.push(How::Output as u8);
        return Ok(out);
    }
    let mapped = column::map(values, target);
    let mut plain = vec![];
    column::write(&mut plain, &mapped);
    let mut coded = vec![];
    write_map(&mut coded, &mapped);
    integers::write(&mut coded, &subtract(&mapped, predicted, values.dtype(), |i| i * width + feature));
    let residual = all || coded.len() < plain.len();
    out.push(if residual { How::Residual } else { How::Plain } as u8);
    put_bytes(&mut out, if residual { &coded } else { &plain });
    Ok(out)
}

/// The inverse of [`encode_table`].
pub fn decode_table(
    payload: &[u8],
    rows: usize,
    names: &[&str],
    dtypes: &[DType],
    decoder: &Decoder,
) -> Result<Vec<Values>> {
    let features = feature_columns(decoder, names).map_err(|e| Error::corrupt(e.to_string()))?;
    let width = features.len();
    let mut r = Reader::new(payload);
    let (_, shift) = read_start(&mut r)?;
    let predicted = read_latents(&mut r, decoder, rows, shift)?;
    let mut columns = vec![];
    let mut text = column::MOST_TEXT;
    for (i, &dtype) in dtypes.iter().enumerate() {
        let how = r.u8("column coding")?;
        if how == How::Plain as u8 {
            columns.push(
                column::read(Reader::new(r.bytes("column")?), rows, dtype, &mut text)
                    .map_err(|e| e.at(format!("column '{}'", names[i])))?,
            );
            continue;
        }
        let feature = features.iter().position(|&column| column == i);
        let feature =
            feature.ok_or_else(|| Error::corrupt(format!("column '{}' is not of the model", names[i])))?;
        let place = |i: usize| i * width + feature;
        columns.push(match how {
            1 => {
                let mut section = Reader::new(r.bytes("column")?);
                let mut mapped = read_map(&mut section, rows, &mut { MOST_TEXT })?;
                mapped.integers = integers::read(section, rows)?;
                add(&mut mapped, &predicted, dtype, place);
                column::unmap(&mapped, dtype, &mut text)?
            }
            2 => store(&(0..rows).map(|i| predicted[place(i)]).collect::<Vec<_>>(), dtype),
            _ => return Err(Error::unsupported(format!("column coding {how} is of a later version"))),
        });
    }
    r.finish("the columns")?;
    Ok(columns)
}

/// The columns that the model's features are, by name.
fn feature_columns(decoder: &Decoder, names: &[&str]) -> Result<Vec<usize>> {
    let find = |wanted: &String| {
        let missing =
            || Error::invalid(format!("the model wants a column '{wanted}'; there are {}", names.join(", ")));
        names.iter().position(|n| n == wanted).ok_or_else(missing)
    };
    decoder.names().iter().map(find).collect()
}

/// The archive's number of the model that a payload wants.
pub fn model_number(payload: &[u8]) -> Result<usize> {
    Reader::new(payload).count(u32::MAX as usize, "model number")
}

fn start(c: Candidate<&FrozenModel>, tolerance: Tolerance, shift: u8) -> Vec<u8> {
    let mut out = vec![];
    put_varint(&mut out, c.number as u64);
    out.push(if tolerance == Tolerance::None { 0 } else { BOUNDED });
    out.push(shift);
    out
}

fn read_start(r: &mut Reader) -> Result<(bool, u8)> {
    r.varint("model number")?;
    let (flags, shift) = (r.u8("autoencoder flags")?, r.u8("latent shift")?);
    if flags > BOUNDED || shift > MOST_SHIFT {
        return Err(Error::unsupported(format!(
            "autoencoder flags {flags} with shift {shift} are of a later version"
        )));
    }
    Ok((flags == BOUNDED, shift))
}

/// A latent with its low bits dropped, and the latent that a decoder takes for it.
fn coarse(latent: i16, shift: u8) -> i64 {
    (latent as i64 + (1 << shift >> 1)) >> shift
}

fn fine(code: i64, shift: u8) -> i16 {
    (code.wrapping_shl(shift as u32)).clamp(-8191, 8191) as i16
}

/// Appends the latents, one after the other over all rows, and returns what the decoder makes of them.
fn write_latents(
    out: &mut Vec<u8>,
    c: Candidate<&FrozenModel>,
    latents: &[i16],
    shift: u8,
) -> Result<Vec<f64>> {
    let width = c.model.latents();
    let codes: Vec<i64> = latents.iter().map(|&l| coarse(l, shift)).collect();
    for l in 0..width {
        let column: Vec<i64> = codes.iter().skip(l).step_by(width).copied().collect();
        let mut section = vec![];
        integers::write(&mut section, &column);
        put_bytes(out, &section);
    }
    reconstruct(&c.model.decoder, &codes, shift)
}

fn read_latents(r: &mut Reader, decoder: &Decoder, rows: usize, shift: u8) -> Result<Vec<f64>> {
    let width = decoder.latents();
    // A model may be much wider than the payload that names it: what it makes of each row must be bearable.
    let cells = rows.saturating_mul(width.max(decoder.features()));
    let work = rows.saturating_mul(decoder.network().work());
    if cells > super::MOST_CHUNK || work > MOST_WORK {
        return Err(Error::new(
            crate::error::ErrorKind::LimitExceeded,
            format!("a chunk of {cells} latents or outputs by {work} products is too large"),
        ));
    }
    let mut codes = vec![0i64; rows * width];
    for l in 0..width {
        let column = integers::read(Reader::new(r.bytes("latent")?), rows)?;
        codes.iter_mut().skip(l).step_by(width).zip(column).for_each(|(c, v)| *c = v);
    }
    reconstruct(decoder, &codes, shift)
}

fn reconstruct(decoder: &Decoder, codes: &[i64], shift: u8) -> Result<Vec<f64>> {
    let latents: Vec<i16> = codes.iter().map(|&c| fine(c, shift)).collect();
    let mut out = vec![0.0; codes.len() / decoder.latents() * decoder.features()];
    decoder.decode(&latents, &mut out)?;
    Ok(out)
}

/// Rounds to the nearest integer, halves away from zero, saturating: one addition and a conversion.
fn nearest(v: f64) -> i64 {
    (v + if v < 0.0 { -0.5 } else { 0.5 }) as i64
}

/// The integer that a prediction stands for under a map.
fn index_of(map: &Map, dtype: DType) -> Box<dyn Fn(f64) -> i64 + '_> {
    match map {
        Map::Ordered => match dtype {
            DType::F32 => Box::new(|p| ordered::from_f32(p as f32)),
            DType::F64 => Box::new(ordered::from_f64),
            DType::U64 => Box::new(|p| ((p + 0.5) as u64 ^ 1 << 63) as i64),
            _ => Box::new(nearest),
        },
        Map::Whole => Box::new(nearest),
        Map::Uniform(u) => {
            let step = u.step;
            Box::new(move |p| nearest(p / step))
        }
        Map::Pointwise(bound, grain) => {
            let layout = if dtype == DType::F32 { pointwise::F32 } else { pointwise::F64 };
            let map = Pointwise::new(layout, *bound, *grain);
            Box::new(move |p| {
                let bits = if dtype == DType::F32 { (p as f32).to_bits() as u64 } else { p.to_bits() };
                map.index(bits & !layout.sign())
            })
        }
        Map::Texts(_) | Map::Decimal(_) | Map::Cut(_) => Box::new(|_| 0),
        Map::Coarse(reach) => {
            let step = reach.saturating_mul(2).saturating_add(1) as f64;
            Box::new(move |p| nearest(p / step))
        }
    }
}

fn subtract(mapped: &Mapped, predicted: &[f64], dtype: DType, place: impl Fn(usize) -> usize) -> Vec<i64> {
    let index = index_of(&mapped.map, dtype);
    mapped.integers.iter().enumerate().map(|(i, &k)| k.wrapping_sub(index(predicted[place(i)]))).collect()
}

/// The inverse of [`subtract`], in place.
fn add(mapped: &mut Mapped, predicted: &[f64], dtype: DType, place: impl Fn(usize) -> usize) {
    let Mapped { map, integers, .. } = mapped;
    let index = index_of(map, dtype);
    integers.iter_mut().enumerate().for_each(|(i, k)| *k = k.wrapping_add(index(predicted[place(i)])));
}

/// The model's output in the stored type: rounded, integers to the nearest that the type holds.
fn store(predicted: &[f64], dtype: DType) -> Values {
    match dtype {
        DType::F32 => Values::F32(predicted.iter().map(|&p| p as f32).collect()),
        DType::F64 => Values::F64(predicted.to_vec()),
        DType::U64 => Values::U64(predicted.iter().map(|&p| (p + 0.5) as u64).collect()),
        _ => {
            let (least, most) = ordered::limits(dtype);
            let whole: Vec<i64> = predicted.iter().map(|&p| nearest(p).clamp(least, most)).collect();
            ordered::from_integers(&whole, dtype)
        }
    }
}

/// Precisions to try.
const SHIFTS: [u8; 7] = [0, 3, 5, 6, 7, 8, 9];

/// The latent precision that makes a field's sample smallest; unbounded, the coarsest that costs at most 1 % in RMSE.
fn best_shift(c: Candidate<&FrozenModel>, latents: &[i16], rows: &[f64], tolerance: Tolerance) -> Result<u8> {
    let (width, features) = (c.model.latents(), c.model.features());
    let sample = (rows.len() / features).min(SAMPLE).min((1 << 20) / features + 1);
    let latents = &latents[..sample * width];
    let rows = &rows[..sample * features];
    let mut best = (f64::INFINITY, 0);
    let mut finest = None;
    for shift in SHIFTS {
        let mut out = vec![];
        let predicted = write_latents(&mut out, c, latents, shift)?;
        let errors = || rows.iter().zip(&predicted).map(|(x, p)| x - p).filter(|e| e.is_finite());
        let cost = match tolerance {
            Tolerance::None => {
                let squares = errors().map(|e| e * e).sum::<f64>();
                let allowed = *finest.get_or_insert(squares) * 1.02;
                if squares <= allowed { out.len() as f64 } else { f64::INFINITY }
            }
            // What residuals of this size take, near enough to choose by.
            Tolerance::Absolute(bound) => {
                out.len() as f64 + errors().map(|e| (1.0 + e.abs() / bound).log2()).sum::<f64>() / 8.0
            }
            _ => {
                let scale = 1e-9 + errors().map(f64::abs).fold(0.0, f64::max) * 1e-6;
                out.len() as f64 + errors().map(|e| (1.0 + e.abs() / scale).log2()).sum::<f64>() / 8.0
            }
        };
        if cost < best.0 {
            best = (cost, shift);
        }
    }
    Ok(best.1)
}

/// The latent precision that makes a table's sample smallest.
fn best_table_shift(
    columns: &[Values],
    targets: &[Target],
    features: &[usize],
    latents: &[i16],
    c: Candidate<&FrozenModel>,
) -> Result<u8> {
    let width = c.model.latents();
    let sample = (latents.len() / width).min(SAMPLE);
    let mut best = (usize::MAX, 0);
    for shift in SHIFTS {
        let mut out = vec![];
        let predicted = write_latents(&mut out, c, &latents[..sample * width], shift)?;
        for (f, &column) in features.iter().enumerate() {
            let values = columns[column].slice(0..sample);
            out.extend(section(&values, targets[column], Some((f, features.len())), &predicted, false)?);
        }
        if out.len() < best.0 {
            best = (out.len(), shift);
        }
    }
    Ok(best.1)
}
