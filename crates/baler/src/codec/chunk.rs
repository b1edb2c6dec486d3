//! One chunk: candidates coded, checked, measured, and the smallest kept.

use super::autoencoder;
use super::candidate::Candidate;
use super::field::{self, Level};
use super::table;
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::check::{fill_is_kept, largest_error, root_mean_square};
use crate::front::class::Bits;
use crate::front::{Target, Tolerance};
use crate::model::any::{AnyDecoder, ModelRef};
use crate::model::field::FieldModel;
use crate::with_numbers;

/// How a chunk is coded. The format's codec byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Codec {
    /// Values as they are.
    Raw = 0,
    /// One value for all.
    Constant = 1,
    /// Causal prediction and context coding.
    Field = 2,
    /// Columns by adaptive contexts.
    Table = 3,
    /// A model's reconstruction, and what it misses.
    Autoencoder = 4,
}

impl Codec {
    /// Every codec, in the order of their tags.
    pub const ALL: [Codec; 5] = [Codec::Raw, Codec::Constant, Codec::Field, Codec::Table, Codec::Autoencoder];

    /// The codec of a format tag.
    pub fn from_tag(tag: u8) -> Result<Codec> {
        let unknown = || Error::unsupported(format!("codec {tag} is of a later version"));
        Self::ALL.get(tag as usize).copied().ok_or_else(unknown)
    }

    /// The name that users see and give.
    pub fn name(self) -> &'static str {
        ["raw", "constant", "field", "table", "autoencoder"][self as usize]
    }

    /// The inverse of [`Codec::name`].
    pub fn from_name(name: &str) -> Option<Codec> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }
}

/// A coded chunk.
#[derive(Debug, Clone)]
pub struct Encoded {
    /// How.
    pub codec: Codec,
    /// The bytes.
    pub payload: Vec<u8>,
    /// What a decoder will make of them: a run for a field, a run a column for a table.
    pub decoded: Vec<Values>,
    /// The largest error of each run.
    pub errors: Vec<f64>,
}

/// What a chunk's coding may use.
#[derive(Clone, Copy, Default)]
pub struct Request<'a> {
    /// A model to try.
    pub model: Option<Candidate<ModelRef<'a>>>,
    /// The codec to use whatever the size.
    pub only: Option<Codec>,
    /// How much work a smaller file is worth.
    pub level: Level,
}

/// Codes a field's chunk as requested: by whichever codec takes the fewest bytes, if none is named.
pub fn encode_field(
    values: &Values,
    shape: &[usize],
    Target { tolerance, fill }: Target,
    request: Request,
) -> Result<Encoded> {
    let Request { model, only, level } = request;
    let how = (level, model.and_then(Candidate::field));
    let wants = |codec| only.is_none_or(|o| o == codec);
    let mut best = None;
    if let Some(c) = model.and_then(Candidate::autoencoder).filter(|_| wants(Codec::Autoencoder)) {
        let tolerance = bounded(tolerance);
        let payload = autoencoder::encode_field(values, shape, tolerance, fill, c)?;
        let decoded = autoencoder::decode_field(&payload, values.dtype(), shape, &c.model.decoder)?;
        keep(
            &mut best,
            accept(
                Codec::Autoencoder,
                payload,
                std::slice::from_ref(values),
                vec![decoded],
                &[Target { tolerance, fill }],
            ),
        );
    }
    if let Some(payload) = constant(values).filter(|_| wants(Codec::Constant) || wants(Codec::Field)) {
        return Ok(Encoded {
            codec: Codec::Constant,
            payload,
            decoded: vec![values.clone()],
            errors: vec![0.0],
        });
    }
    if wants(Codec::Field) {
        keep(&mut best, field_within(values, shape, tolerance, fill, how)?);
        let raw = values.byte_len();
        if tolerance != Tolerance::Exact && best.as_ref().is_none_or(|b| b.payload.len() * 8 > raw * 5) {
            // The bound is not much coarser than the type: all bits may well be cheaper.
            keep(&mut best, field_within(values, shape, Tolerance::Exact, fill, how)?);
        }
    }
    let beaten = best.as_ref().is_some_and(|b| b.payload.len() <= values.byte_len());
    if !beaten && wants(Codec::Raw) || best.is_none() {
        keep(&mut best, Some(raw(std::slice::from_ref(values))));
    }
    best.ok_or_else(|| Error::invalid("no codec fits this field"))
}

/// The autoencoder codes root-mean-square targets by the absolute bound that meets them whatever happens.
fn bounded(tolerance: Tolerance) -> Tolerance {
    match tolerance {
        Tolerance::RootMeanSquare(rms) => Tolerance::Absolute(rms),
        other => other,
    }
}

/// The field codec within `tolerance`; a root-mean-square target by the coarsest absolute bound that is seen to meet it.
fn field_within(
    values: &Values,
    shape: &[usize],
    tolerance: Tolerance,
    fill: Option<u64>,
    how: (Level, Option<Candidate<&FieldModel>>),
) -> Result<Option<Encoded>> {
    let run = |tolerance| -> Result<Option<Encoded>> {
        let (payload, decoded) = field::encode_with(values, shape, tolerance, fill, how, false);
        let target = Target { tolerance, fill };
        Ok(accept(Codec::Field, payload, std::slice::from_ref(values), vec![decoded], &[target]))
    };
    let Tolerance::RootMeanSquare(rms) = tolerance else { return run(tolerance) };
    if !values.dtype().is_float() {
        return run(if rms >= 1.0 { Tolerance::Absolute(rms.floor()) } else { Tolerance::Exact });
    }
    // Errors spread evenly over a step of twice the bound would have a root mean square of bound / sqrt 3.
    let mut bound = rms * 3f64.sqrt();
    for _ in 0..6 {
        let coded = run(Tolerance::Absolute(bound))?;
        if let Some(c) = coded {
            let actual = root_mean_square(values, &c.decoded[0], fill);
            if actual <= rms {
                return Ok(Some(c));
            }
            bound *= (rms / actual).min(1.0) * 0.999;
        }
    }
    run(Tolerance::Absolute(rms))
}

/// Codes a chunk of a table's rows, each column as its target says.
pub fn encode_table(
    columns: &[Values],
    names: &[&str],
    targets: &[Target],
    request: Request,
) -> Result<Encoded> {
    let Request { model, only, .. } = request;
    let targets: Vec<_> = targets.iter().map(|t| Target { tolerance: bounded(t.tolerance), ..*t }).collect();
    let wants = |codec| only.is_none_or(|o| o == codec);
    let mut best = None;
    if let Some(c) = model.and_then(Candidate::autoencoder).filter(|_| wants(Codec::Autoencoder)) {
        let payload = autoencoder::encode_table(columns, names, &targets, c, only.is_some())?;
        let dtypes: Vec<DType> = columns.iter().map(Values::dtype).collect();
        let rows = columns.first().map_or(0, Values::len);
        let decoded = autoencoder::decode_table(&payload, rows, names, &dtypes, &c.model.decoder)?;
        keep(&mut best, accept(Codec::Autoencoder, payload, columns, decoded, &targets));
    }
    if wants(Codec::Table) || best.is_none() && only != Some(Codec::Raw) {
        let (payload, decoded) = table::encode(columns, names, &targets, model.and_then(Candidate::table))?;
        keep(&mut best, accept(Codec::Table, payload, columns, decoded, &targets));
    }
    let text = columns.iter().any(|c| c.dtype() == DType::Text);
    if !text && (wants(Codec::Raw) || best.is_none()) {
        keep(&mut best, Some(raw(columns)));
    }
    best.ok_or_else(|| Error::invalid("a table with text has no raw form; the codec table takes it"))
}

fn keep(best: &mut Option<Encoded>, new: Option<Encoded>) {
    let smaller = |new: &Encoded| best.as_ref().is_none_or(|b| new.payload.len() < b.payload.len());
    if let Some(new) = new.filter(smaller) {
        *best = Some(new);
    }
}

/// A candidate whose every run is seen to hold to its target.
fn accept(
    codec: Codec,
    payload: Vec<u8>,
    original: &[Values],
    decoded: Vec<Values>,
    targets: &[Target],
) -> Option<Encoded> {
    let look = |((a, b), &Target { tolerance, fill }): ((&Values, &Values), &Target)| {
        let kept = tolerance == Tolerance::None || fill_is_kept(a, b, fill);
        largest_error(a, b, tolerance).filter(|_| kept)
    };
    let errors = original.iter().zip(&decoded).zip(targets).map(look).collect::<Option<Vec<_>>>()?;
    Some(Encoded { codec, payload, decoded, errors })
}

fn raw(runs: &[Values]) -> Encoded {
    let mut payload = vec![];
    runs.iter().for_each(|v| v.write_le_bytes(&mut payload));
    Encoded { codec: Codec::Raw, payload, decoded: runs.to_vec(), errors: vec![0.0; runs.len()] }
}

/// The bytes of the first value, where all are the same bit for bit.
fn constant(values: &Values) -> Option<Vec<u8>> {
    fn alike<T: Bits>(v: &[T]) -> bool {
        v.iter().all(|x| x.bits() == v[0].bits())
    }
    let alike = with_numbers!(values, v => alike(v), text => text.iter().all(|x| *x == text[0]));
    let mut first = vec![];
    values.slice(0..1).write_le_bytes(&mut first);
    alike.then_some(first)
}

/// Decodes a field's chunk; `model` finds an archive's models by number.
pub fn decode_field<'m>(
    codec: Codec,
    payload: &[u8],
    dtype: DType,
    shape: &[usize],
    model: impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<Values> {
    let count: usize = shape.iter().product();
    match codec {
        Codec::Raw => exactly(Values::from_le_bytes(dtype, payload)?, count),
        Codec::Constant => {
            let one = exactly(Values::from_le_bytes(dtype, payload)?, 1)?;
            Ok(repeat(&one, count))
        }
        Codec::Field => {
            let models = |n| model(n)?.field();
            field::decode_with(payload, dtype, shape, &models, false)
        }
        Codec::Autoencoder => autoencoder::decode_field(
            payload,
            dtype,
            shape,
            model(autoencoder::model_number(payload)?)?.autoencoder()?,
        ),
        Codec::Table => Err(Error::corrupt("a field's chunk is coded as a table's")),
    }
}

/// Decodes a chunk of a table's rows.
pub fn decode_table<'m>(
    codec: Codec,
    payload: &[u8],
    rows: usize,
    names: &[&str],
    dtypes: &[DType],
    model: impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<Vec<Values>> {
    match codec {
        Codec::Raw => decode_raw(payload, rows, dtypes),
        Codec::Table => table::decode(payload, rows, names, dtypes, model),
        Codec::Autoencoder => autoencoder::decode_table(
            payload,
            rows,
            names,
            dtypes,
            model(autoencoder::model_number(payload)?)?.autoencoder()?,
        ),
        Codec::Constant | Codec::Field => Err(Error::corrupt("a table's chunk is coded as a field's")),
    }
}

fn decode_raw(payload: &[u8], rows: usize, dtypes: &[DType]) -> Result<Vec<Values>> {
    let mut r = super::bytes::Reader::new(payload);
    let mut column = |&t: &DType| {
        let size = t.size().ok_or_else(|| Error::corrupt("a text column is coded raw"))?;
        Values::from_le_bytes(t, r.take(rows * size, "raw column")?)
    };
    let columns = dtypes.iter().map(&mut column).collect::<Result<_>>()?;
    r.finish("the raw columns")?;
    Ok(columns)
}

/// Decodes the `wanted` columns of a chunk of a table's rows, in the table's order, and as little else as the codec
/// allows: of coded columns those that these are conditioned on, of an autoencoder's all.
pub fn decode_columns<'m>(
    codec: Codec,
    payload: &[u8],
    rows: usize,
    names: &[&str],
    dtypes: &[DType],
    wanted: &[bool],
    model: impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<Vec<Values>> {
    if codec == Codec::Table {
        let columns = table::decode_some(payload, rows, names, dtypes, wanted, model)?;
        return Ok(columns.into_iter().flatten().collect());
    }
    let all = decode_table(codec, payload, rows, names, dtypes, model)?;
    Ok(all.into_iter().zip(wanted).filter_map(|(v, &w)| w.then_some(v)).collect())
}

fn exactly(values: Values, count: usize) -> Result<Values> {
    if values.len() != count {
        return Err(Error::corrupt(format!("a chunk of {count} values holds {}", values.len())));
    }
    Ok(values)
}

fn repeat(one: &Values, count: usize) -> Values {
    match one {
        Values::Bool(v) => Values::Bool(vec![v[0]; count]),
        Values::U8(v) => Values::U8(vec![v[0]; count]),
        Values::I8(v) => Values::I8(vec![v[0]; count]),
        Values::U16(v) => Values::U16(vec![v[0]; count]),
        Values::I16(v) => Values::I16(vec![v[0]; count]),
        Values::U32(v) => Values::U32(vec![v[0]; count]),
        Values::I32(v) => Values::I32(vec![v[0]; count]),
        Values::U64(v) => Values::U64(vec![v[0]; count]),
        Values::I64(v) => Values::I64(vec![v[0]; count]),
        Values::F32(v) => Values::F32(vec![v[0]; count]),
        Values::F64(v) => Values::F64(vec![v[0]; count]),
        Values::Text(v) => Values::Text(vec![v[0].clone(); count]),
    }
}
