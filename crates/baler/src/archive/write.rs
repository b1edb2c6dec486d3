//! Compression: variables in, an archive out, chunk by chunk and in parallel.

use super::header::{
    ColumnHeader, FieldHeader, Header, Kind, ModelReference, Resolved, TableHeader, VariableHeader,
};
use super::index::{Index, trailer};
use super::pipeline::in_order;
use super::read::MOST_DESCRIPTION;
use super::record::{ChunkBody, MAGIC, RecordKind, VERSION, frame};
use super::source::FieldSource;
use crate::bound::{Bound, Statistics};
use crate::codec::bytes::put_varint;
use crate::codec::chunk::{Candidate, Codec, Encoded, encode_field, encode_table};
use crate::codec::{MOST_CHUNK, bytes::put_bytes};
use crate::data::{DType, Table, Values};
use crate::error::{Error, Result};
use crate::front::Tolerance;
use crate::front::class::find_fill;
use crate::model::Model;
use crate::model::autoencoder::Decoder;
use sha2::{Digest, Sha256};
use std::io::Write;

/// One variable to compress.
pub enum Input {
    /// An array, read piece by piece.
    Field(String, Box<dyn FieldSource>),
    /// A table in memory.
    Table(String, Table),
}

/// How to compress.
pub struct Options<'a> {
    /// The bound of all that [`Options::bounds`] does not name. A lossy tool has no default: `None` is an error
    /// unless every number is named.
    pub bound: Option<Bound>,
    /// Bounds of variables or columns of their own, by name.
    pub bounds: Vec<(String, Bound)>,
    /// A value that stands for missing data in fields; found automatically where it is not said.
    pub fill: Option<f64>,
    /// A model to use where its measured size wins.
    pub model: Option<&'a Model>,
    /// Whether the archive holds the model; otherwise it names its hash.
    pub embed: bool,
    /// A codec to use whatever the size.
    pub codec: Option<Codec>,
    /// Threads; the archive is the same with any number.
    pub threads: usize,
    /// Values a chunk of a field, about.
    pub chunk: usize,
    /// Rows a chunk of a table.
    pub chunk_rows: usize,
    /// What else to say of the data: a JSON object.
    pub description: serde_json::Map<String, serde_json::Value>,
    /// Told how many of how many values are done.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            bound: None,
            bounds: vec![],
            fill: None,
            model: None,
            embed: true,
            codec: None,
            threads: 1,
            chunk: 1 << 21,
            chunk_rows: 1 << 16,
            description: serde_json::Map::new(),
            progress: &|_, _| {},
        }
    }
}

/// What compression came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Bytes of the values in their own types.
    pub original: u64,
    /// Bytes of the archive.
    pub stored: u64,
    /// Of those, the embedded model's.
    pub model: u64,
    /// Why a model that was given is not used, where it is not.
    pub model_left_out: Option<String>,
}

/// An archive being written.
struct Writer<'w> {
    out: &'w mut (dyn Write + Send),
    start: u64,
    sum: u32,
    index: Index,
}

impl Writer<'_> {
    fn put(&mut self, kind: RecordKind, codec: Option<Codec>, body: &[u8]) -> Result<()> {
        let record = frame(self.sum, kind, body);
        self.out.write_all(&record)?;
        self.index.push(kind, codec, self.start, record.len() as u64);
        Ok(())
    }
}

/// What the header says of a variable, and what its chunks have to hold to.
struct Plan {
    header: VariableHeader,
    tolerances: Vec<Tolerance>,
}

/// Compresses `inputs` into `out`.
pub fn compress(mut inputs: Vec<Input>, options: &Options, out: &mut (dyn Write + Send)) -> Result<Summary> {
    check_names(&inputs, options)?;
    let mut plans = inputs.iter_mut().map(|i| plan(i, options)).collect::<Result<Vec<_>>>()?;
    check_codec(&plans, options)?;
    let mut summary = Summary::default();
    let model = match options.model {
        Some(model) => choose_model(&plans, &mut inputs, model, options, &mut summary)?,
        None => None,
    };
    if options.model.is_some() && model.is_none() {
        // Chunks need not suit it: the archive is the same as without.
        for (plan, input) in plans.iter_mut().zip(&mut inputs) {
            if let (Kind::Field(f), Input::Field(_, source)) = (&mut plan.header.kind, input) {
                (f.axis, f.length) = cut(source.as_mut(), options.chunk, None)?;
            }
        }
    }
    let candidate = model.map(|m| Candidate { model: &m.frozen, number: 0 });

    let decoder = model.map(|m| m.frozen.decoder.to_bytes());
    let mut header = Header { models: vec![], variables: plans.iter().map(|p| p.header.clone()).collect() };
    if let Some(bytes) = &decoder {
        header.models.push(ModelReference { hash: model_hash(bytes), embedded: options.embed });
    }
    let mut head = MAGIC.to_vec();
    head.push(VERSION);
    put_bytes(&mut head, &header.to_bytes());
    let sum = crc32fast::hash(&head);
    head.extend_from_slice(&sum.to_le_bytes());
    out.write_all(&head)?;

    let mut writer = Writer { out, start: head.len() as u64, sum, index: Index::default() };
    if let Some(bytes) = decoder.as_ref().filter(|_| options.embed) {
        let mut body = vec![];
        put_varint(&mut body, 0);
        body.extend(deflate(bytes));
        summary.model = body.len() as u64;
        writer.put(RecordKind::Model, None, &body)?;
    }
    if !options.description.is_empty() {
        let text = serde_json::Value::Object(options.description.clone()).to_string();
        if text.len() > MOST_DESCRIPTION {
            return Err(Error::invalid(format!("a description of {} bytes is over 4 MiB", text.len())));
        }
        writer.put(RecordKind::Description, None, &deflate(text.as_bytes()))?;
    }
    let total = plans.iter().map(|p| values_of(&p.header)).sum::<u64>();
    let mut done = 0;
    for (number, (plan, input)) in plans.iter().zip(&mut inputs).enumerate() {
        let mut errors = vec![0.0f64; plan.tolerances.len()];
        write_variable(plan, input, options, candidate, &mut |chunk, encoded: Encoded, values, bytes| {
            let sum = checksum(&encoded.decoded);
            let body =
                ChunkBody { variable: number, chunk, codec: encoded.codec, sum, payload: &encoded.payload };
            writer.put(RecordKind::Chunk, Some(encoded.codec), &body.to_bytes())?;
            errors.iter_mut().zip(&encoded.errors).for_each(|(all, &e)| *all = all.max(e));
            summary.original += bytes;
            done += values;
            (options.progress)(done, total);
            Ok(())
        })
        .map_err(|e| e.at(format!("variable '{}'", plan.header.name)))?;
        let lossy = bounds_of(&plan.header).map(|b| b != Bound::Lossless);
        let texts = match input {
            Input::Table(_, t) => {
                t.columns.iter().map(|c| &c.values).filter(|v| v.dtype() == DType::Text).collect()
            }
            Input::Field(..) => vec![],
        };
        writer.index.texts.push(texts.into_iter().map(|v| v.byte_len() as u64).collect());
        writer.index.errors.push(errors.iter().zip(lossy).filter(|(_, l)| *l).map(|(&e, _)| e).collect());
    }
    let index_at = writer.index.end(writer.start);
    let record = frame(sum, RecordKind::Index, &writer.index.to_bytes());
    writer.out.write_all(&record)?;
    writer.out.write_all(&trailer(index_at))?;
    writer.out.flush()?;
    summary.stored = index_at + record.len() as u64 + trailer(0).len() as u64;
    Ok(summary)
}

/// The checksum of a chunk's decoded values.
pub(super) fn checksum(runs: &[Values]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    runs.iter().for_each(|v| v.checksum(&mut sum));
    sum.finalize()
}

/// By which archives name a model: SHA-256 of its decoder.
pub fn model_hash(decoder: &[u8]) -> [u8; 32] {
    Sha256::digest(decoder).into()
}

/// zlib, at its best level.
fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::best());
    coder.write_all(bytes).and_then(|()| coder.finish()).expect("writing to memory does not fail")
}

fn values_of(header: &VariableHeader) -> u64 {
    match &header.kind {
        Kind::Field(f) => f.count() as u64,
        Kind::Table(t) => t.rows as u64 * t.columns.len() as u64,
    }
}

/// The bounds of a field, or of each column.
pub(super) fn bounds_of(header: &VariableHeader) -> impl Iterator<Item = Bound> {
    let bounds: Vec<Bound> = match &header.kind {
        Kind::Field(f) => vec![f.bound.bound],
        Kind::Table(t) => t.columns.iter().map(|c| c.bound.bound).collect(),
    };
    bounds.into_iter()
}

/// Every name with a bound of its own must be one of the data's.
fn check_names(inputs: &[Input], options: &Options) -> Result<()> {
    let mut known: Vec<&str> = vec![];
    for input in inputs {
        match input {
            Input::Field(name, _) => known.push(name),
            Input::Table(name, table) => {
                known.push(name);
                known.extend(table.columns.iter().map(|c| c.name.as_str()));
            }
        }
    }
    match options.bounds.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => Err(Error::invalid(format!(
            "a bound is given for '{name}', but the data has only {}",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

/// The bound of a variable or column: its own, its variable's, the common one.
fn bound_for(name: &str, variable: &str, dtype: DType, options: &Options) -> Result<Bound> {
    let own = |n: &str| options.bounds.iter().rev().find(|(b, _)| b == n).map(|(_, b)| *b);
    let bound = own(name).or_else(|| own(variable)).or(options.bound);
    if !dtype.is_number() {
        return Ok(Bound::Lossless);
    }
    let bound = bound.ok_or_else(|| {
        Error::invalid(format!(
            "no error bound for '{name}'. Say how far decoded values may be off: --rel 1e-3 (a thousandth of the \
             range), --abs VALUE (in the data's units), --std, --pwrel, --psnr, or --lossless"
        ))
    })?;
    bound.check()?;
    if bound == Bound::None && (options.model.is_none() || options.codec != Some(Codec::Autoencoder)) {
        return Err(Error::invalid(
            "--bound-none is for a pure autoencoder: give --model MODEL --codec autoencoder too",
        ));
    }
    Ok(bound)
}

fn resolve(bound: Bound, dtype: DType, statistics: &Statistics, name: &str) -> Result<(Resolved, Tolerance)> {
    let tolerance = Tolerance::resolve(bound, dtype, statistics).map_err(|e| e.at(format!("'{name}'")))?;
    let value = match (bound, tolerance) {
        (Bound::Relative(_) | Bound::Deviation(_), Tolerance::Absolute(v)) => Some(v),
        (Bound::Psnr(_), Tolerance::RootMeanSquare(v)) => Some(v),
        (Bound::Relative(_) | Bound::Deviation(_) | Bound::Psnr(_), _) => Some(0.0),
        _ => None,
    };
    Ok((Resolved { bound, value }, tolerance))
}

fn plan(input: &mut Input, options: &Options) -> Result<Plan> {
    match input {
        Input::Field(name, source) => plan_field(name, source.as_mut(), options),
        Input::Table(name, table) => plan_table(name, table, options),
    }
}

fn plan_field(name: &str, source: &mut dyn FieldSource, options: &Options) -> Result<Plan> {
    let (dtype, shape) = (source.dtype(), source.shape().to_vec());
    if shape.len() > super::header::MOST_RANK {
        return Err(Error::invalid(format!(
            "'{name}' has {} axes; at most {} are possible",
            shape.len(),
            super::header::MOST_RANK
        )));
    }
    super::header::check_shape(&shape).map_err(|e| e.at(format!("'{name}'")))?;
    let bound = bound_for(name, name, dtype, options)?;
    let (axis, length) = cut(source, options.chunk, options.model)?;
    let mut field =
        FieldHeader { dtype, shape, bound: Resolved { bound, value: None }, fill: None, axis, length };
    field.fill = options.fill.map(|f| fill_bits(f, dtype)).transpose()?;
    let relative = matches!(bound, Bound::Relative(_) | Bound::Deviation(_) | Bound::Psnr(_));
    let look = if relative { field.chunks() } else { field.chunks().min(1) };
    let mut statistics = Statistics::EMPTY;
    for i in 0..look {
        let range = field.chunk(i).0;
        let values = source.read(range.start, range.len())?;
        let late = (field.fill.is_none() && bound != Bound::Lossless).then(|| find_fill(&values)).flatten();
        if late.is_some() {
            // The chunks before are summed up anew without it.
            field.fill = late;
            statistics = Statistics::EMPTY;
            for j in 0..i {
                let range = field.chunk(j).0;
                let values = source.read(range.start, range.len())?;
                statistics = statistics.merge(statistics_of(&values, field.fill));
            }
        }
        if relative {
            statistics = statistics.merge(statistics_of(&values, field.fill));
        }
    }
    let (resolved, tolerance) = resolve(bound, dtype, &statistics, name)?;
    field.bound = resolved;
    let header = VariableHeader { name: name.into(), kind: Kind::Field(field) };
    Ok(Plan { header, tolerances: vec![tolerance] })
}

/// The axis along which a field is cut into chunks of about `chunk` values, and their length along it.
fn cut(source: &mut dyn FieldSource, chunk: usize, model: Option<&Model>) -> Result<(usize, usize)> {
    let shape = source.shape().to_vec();
    let chunk = chunk.clamp(1, MOST_CHUNK);
    match model {
        // A model's rows run along the first axis: it must be the one that is cut.
        Some(m) if shape.len() > 1 && shape[1..].iter().product::<usize>() == m.features() => {
            Ok((0, (chunk / m.features().max(1)).clamp(1, shape[0].max(1))))
        }
        _ => Ok(match FieldHeader::chunking(&shape, chunk) {
            (0, length) if length > 1 && unlike_members(source, length)? => {
                FieldHeader::chunking_within(&shape, chunk)
            }
            other => other,
        }),
    }
}

/// Leading axes longer than this are taken for time or space, not for different quantities.
const MOST_MEMBERS: usize = 16;
/// Members smaller than this have too few values for a fit of their own.
const LEAST_MEMBER: usize = 1 << 14;

/// Whether a short leading axis stacks unlike quantities (density, momenta, energy): then one predictor should not
/// serve two of them. Looks at the means and spreads of the first `count`.
fn unlike_members(source: &mut dyn FieldSource, count: usize) -> Result<bool> {
    let shape = source.shape();
    let size = shape.iter().skip(1).product::<usize>();
    if shape.len() < 3 || shape[0] > MOST_MEMBERS || size < LEAST_MEMBER {
        return Ok(false);
    }
    let count = count.min(shape[0]);
    let members = (0..count)
        .map(|m| Ok(statistics_of(&source.read(m * size, size)?, None)))
        .collect::<Result<Vec<_>>>()?;
    let unlike = |a: &Statistics, b: &Statistics| {
        let (small, large) = (a.deviation().min(b.deviation()), a.deviation().max(b.deviation()));
        large > 3.0 * small || (a.mean - b.mean).abs() > 3.0 * large
    };
    Ok(members.windows(2).any(|w| unlike(&w[0], &w[1])))
}

/// The bits of a fill value in the field's type.
fn fill_bits(fill: f64, dtype: DType) -> Result<u64> {
    let as_integer = fill as i64;
    let (least, most) = crate::front::ordered::limits(dtype);
    match dtype {
        DType::F32 => Ok((fill as f32).to_bits() as u64),
        DType::F64 => Ok(fill.to_bits()),
        DType::U64 if fill >= 0.0 && fill == fill.trunc() => Ok(fill as u64),
        _ if as_integer as f64 == fill && (least..=most).contains(&as_integer) && dtype.is_number() => {
            Ok(as_integer as u64)
        }
        _ => Err(Error::invalid(format!("the fill value {fill} is no {dtype}"))),
    }
}

/// Statistics of a field's values, its fill value left out.
pub fn statistics_of(values: &Values, fill: Option<u64>) -> Statistics {
    use crate::front::class::Bits;
    fn of<T: Bits>(v: &[T], fill: Option<u64>, as_f64: impl Fn(T) -> f64 + Copy) -> Statistics {
        Statistics::of(v.iter().filter(move |x| fill != Some(x.bits())).map(move |&x| as_f64(x)))
    }
    // Of integers that are no f64, the nearest within the range: a bound relative to it must not exceed the true share.
    let whole = |integers: &mut dyn Iterator<Item = i128>, s: Statistics| {
        let (least, most) = integers.fold((i128::MAX, i128::MIN), |(a, b), x| (a.min(x), b.max(x)));
        let up = |x: i128| if (x as f64) as i128 >= x { x as f64 } else { (x as f64).next_up() };
        if s.count == 0 { s } else { Statistics { min: up(least), max: -up(-most), ..s } }
    };
    let kept = |bits: u64| fill != Some(bits);
    match values {
        Values::F32(v) => of(v, fill, |x| x as f64),
        Values::F64(v) => of(v, fill, |x| x),
        Values::U8(v) => of(v, fill, |x| x as f64),
        Values::I8(v) => of(v, fill, |x| x as f64),
        Values::U16(v) => of(v, fill, |x| x as f64),
        Values::I16(v) => of(v, fill, |x| x as f64),
        Values::U32(v) => of(v, fill, |x| x as f64),
        Values::I32(v) => of(v, fill, |x| x as f64),
        Values::U64(v) => {
            let mut kept = v.iter().filter(|x| kept(x.bits())).map(|&x| x as i128);
            whole(&mut kept, of(v, fill, |x| x as f64))
        }
        Values::I64(v) => {
            let mut kept = v.iter().filter(|x| kept(x.bits())).map(|&x| x as i128);
            whole(&mut kept, of(v, fill, |x| x as f64))
        }
        Values::Bool(_) | Values::Text(_) => Statistics::EMPTY,
    }
}

fn plan_table(name: &str, table: &Table, options: &Options) -> Result<Plan> {
    let mut columns = vec![];
    let mut tolerances = vec![];
    for c in &table.columns {
        let dtype = c.values.dtype();
        let mut bound = bound_for(&c.name, name, dtype, options)?;
        if !dtype.is_float() && !options.bounds.iter().any(|(n, _)| *n == c.name) && bound != Bound::None {
            bound = Bound::Lossless; // a table's counts, flags and identifiers are exact unless named
        }
        if bound == Bound::None && !options.model.is_some_and(|m| m.frozen.decoder.names().contains(&c.name))
        {
            bound = Bound::Lossless; // what the model does not make is coded on its own, and exactly
        }
        let (resolved, tolerance) = resolve(bound, dtype, &statistics_of(&c.values, None), &c.name)?;
        columns.push(ColumnHeader { name: c.name.clone(), dtype, bound: resolved });
        tolerances.push(tolerance);
    }
    let chunk_rows = options.chunk_rows.min(MOST_CHUNK / columns.len().max(1)).max(1);
    let kind = Kind::Table(TableHeader { rows: table.rows(), chunk_rows, columns });
    Ok(Plan { header: VariableHeader { name: name.into(), kind }, tolerances })
}

/// Whether a codec that was asked for is one for this kind of variable.
fn serves(codec: Codec, kind: &Kind) -> bool {
    match codec {
        Codec::Raw | Codec::Autoencoder => true,
        Codec::Field | Codec::Constant => matches!(kind, Kind::Field(_)),
        Codec::Table => matches!(kind, Kind::Table(_)),
    }
}

/// A codec that was asked for must serve some variable (those that it does not are coded as they are best), and what
/// has no bound must go through the model.
fn check_codec(plans: &[Plan], options: &Options) -> Result<()> {
    let serves_none = |codec| !plans.is_empty() && !plans.iter().any(|p| serves(codec, &p.header.kind));
    if let Some(codec) = options.codec.filter(|&c| serves_none(c)) {
        let (wants, kind) = if codec == Codec::Table { ("tables", "field") } else { ("fields", "table") };
        return Err(Error::invalid(format!(
            "the codec {} is for {wants}, and the data is a {kind}; leave --codec out, or say {kind}",
            codec.name(),
        )));
    }
    let Some(decoder) = options.model.map(|m| &m.frozen.decoder) else { return Ok(()) };
    for p in plans.iter().map(|p| &p.header) {
        if bounds_of(p).any(|b| b == Bound::None) && !fits(p, decoder.features(), decoder.names()) {
            return Err(Error::invalid(format!(
                "'{}' has no bound, and the model, for {}, does not fit it; give a bound: --bound {}=rel:1e-3",
                p.name,
                rows_of(decoder),
                p.name
            )));
        }
    }
    Ok(())
}

/// The rows that a model is for, in words.
fn rows_of(decoder: &Decoder) -> String {
    let names = match decoder.names().len() {
        0 => String::new(),
        _ => format!(" named {}", decoder.names().join(", ")),
    };
    format!("rows of {} values{names}", decoder.features())
}

/// Codes chunk `i` of a plan.
fn encode_chunk(
    plan: &Plan,
    i: usize,
    runs: &[Values],
    candidate: Option<Candidate>,
    only: Option<Codec>,
) -> Result<Encoded> {
    match &plan.header.kind {
        Kind::Field(f) => encode_field(&runs[0], &f.chunk(i).1, plan.tolerances[0], f.fill, candidate, only),
        Kind::Table(t) => {
            let names: Vec<&str> = t.columns.iter().map(|c| c.name.as_str()).collect();
            encode_table(runs, &names, &plan.tolerances, candidate, only)
        }
    }
}

fn read_chunk(input: &mut Input, kind: &Kind, i: usize) -> Result<Vec<Values>> {
    match (input, kind) {
        (Input::Field(_, source), Kind::Field(f)) => {
            let range = f.chunk(i).0;
            Ok(vec![source.read(range.start, range.len())?])
        }
        (Input::Table(_, table), Kind::Table(t)) => {
            Ok(table.columns.iter().map(|c| c.values.slice(t.chunk(i))).collect())
        }
        _ => unreachable!("a plan's header is of its input's kind"),
    }
}

/// Reads, codes and hands over the chunks of one variable: number, code, how many values and bytes they are.
fn write_variable(
    plan: &Plan,
    input: &mut Input,
    options: &Options,
    candidate: Option<Candidate>,
    take: &mut (dyn FnMut(usize, Encoded, u64, u64) -> Result<()> + Send),
) -> Result<()> {
    let chunks = plan.header.chunks();
    let candidate = candidate.filter(|c| fits(&plan.header, c.model.features(), c.model.decoder.names()));
    // What a codec that was asked for cannot code is coded by whichever is best.
    let only = options.codec.filter(|&c| serves(c, &plan.header.kind));
    let only = only.filter(|&c| c != Codec::Autoencoder || candidate.is_some());
    let mut next = 0..chunks;
    in_order(
        options.threads,
        || next.next().map(|i| Ok((i, read_chunk(input, &plan.header.kind, i)?))),
        |(i, runs): (usize, Vec<Values>)| {
            let encoded = encode_chunk(plan, i, &runs, candidate, only)?;
            let values = runs.iter().map(|v| v.len() as u64).sum();
            let bytes = runs.iter().map(|v| v.byte_len() as u64).sum();
            Ok((i, encoded, values, bytes))
        },
        |(i, encoded, values, bytes)| take(i, encoded, values, bytes),
    )
}

/// Whether a model of `features` values a row, with the columns `names`, can serve a variable.
fn fits(header: &VariableHeader, features: usize, names: &[String]) -> bool {
    match &header.kind {
        Kind::Field(f) => {
            f.axis == 0 && f.shape.len() > 1 && f.shape[1..].iter().product::<usize>() == features
        }
        Kind::Table(t) => {
            !names.is_empty()
                && names.iter().all(|n| t.columns.iter().any(|c| c.name == *n && c.dtype != DType::Text))
        }
    }
}

/// Chunks of all variables on which the worth of a model is measured.
const TRIALS: usize = 4;

/// The model, where its codec is asked for or pays for itself; why not, in the summary, where it does not.
fn choose_model<'m>(
    plans: &[Plan],
    inputs: &mut [Input],
    model: &'m Model,
    options: &Options,
    summary: &mut Summary,
) -> Result<Option<&'m Model>> {
    let decoder = &model.frozen.decoder;
    let fitting: Vec<usize> =
        (0..plans.len()).filter(|&i| fits(&plans[i].header, decoder.features(), decoder.names())).collect();
    if fitting.is_empty() && plans.iter().any(|p| p.header.chunks() > 0) {
        return Err(Error::invalid(format!(
            "the model is for {}, and nothing in the data has them; train one on this data",
            rows_of(decoder)
        )));
    }
    match options.codec {
        Some(Codec::Autoencoder) => return Ok(Some(model)),
        Some(other) => {
            summary.model_left_out = Some(format!("the codec {} was asked for", other.name()));
            return Ok(None);
        }
        None => {}
    }
    let candidate = Candidate { model: &model.frozen, number: 0 };
    let mut saved = 0.0;
    for &p in &fitting {
        let plan = &plans[p];
        let chunks = plan.header.chunks();
        let trials: Vec<usize> = (0..chunks.min(TRIALS)).map(|t| t * chunks / chunks.min(TRIALS)).collect();
        for &i in &trials {
            let runs = read_chunk(&mut inputs[p], &plan.header.kind, i)?;
            let plain = encode_chunk(plan, i, &runs, None, None)?.payload.len() as f64;
            let best = encode_chunk(plan, i, &runs, Some(candidate), None)?.payload.len() as f64;
            saved += (plain - best) * chunks as f64 / trials.len() as f64;
        }
    }
    let cost = if options.embed { deflate(&decoder.to_bytes()).len() as f64 } else { 0.0 };
    if saved > cost {
        return Ok(Some(model));
    }
    summary.model_left_out = Some(if saved > 0.0 {
        format!(
            "it would save {saved:.0} bytes and take {cost:.0} itself; share it over more data with --external-model"
        )
    } else {
        "it makes nothing smaller".into()
    });
    Ok(None)
}
