//! What will be written of each variable, and what its chunks have to hold to.

use super::coded::Coded;
use super::header::{ColumnHeader, FieldHeader, Kind, Resolved, TableHeader, VariableHeader};
use super::options::Options;
use super::source::{self, FieldSource, Input, TableSource};
use super::survey::{Survey, look_at};
use crate::bound::Bound;
use crate::codec::MOST_CHUNK;
use crate::codec::chunk::Codec;
use crate::data::{Array, DType, Table, Values};
use crate::error::{Error, Result};
use crate::front::class::number_of;
use crate::front::{Target, Tolerance};
use crate::model::any::ModelRef;
use crate::model::autoencoder::Decoder;
use crate::model::blocks::Blocks;
use crate::statistics::Statistics;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What the header says of a variable, and what its chunks have to hold to.
pub(super) struct Plan {
    pub header: VariableHeader,
    pub targets: Vec<Target>,
    /// The runs of the first chunk, as planning has read them: of an archive's only variable, which is soon coded.
    pub first: Option<Vec<Values>>,
    /// Chunks that trials have coded as they are to be.
    pub coded: BTreeMap<usize, Coded>,
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "variable '{}'", self.header.name)
    }
}

impl Plan {
    /// Cuts a field anew, as no model wants it; what is known of its chunks is of others.
    pub fn cut_anew(&mut self, input: &mut Input, options: &Options) -> Result<()> {
        if let (Kind::Field(f), Input::Field(_, source)) = (&mut self.header.kind, input) {
            (f.axis, f.length) = cut(source.as_mut(), options.chunk, None)?;
            self.first = None;
            self.coded.clear();
        }
        Ok(())
    }
}

pub(super) fn values_of(header: &VariableHeader) -> u64 {
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

/// The type of a field, or of each column.
pub(super) fn dtypes_of(header: &VariableHeader) -> Vec<DType> {
    match &header.kind {
        Kind::Field(f) => vec![f.dtype],
        Kind::Table(t) => t.columns.iter().map(|c| c.dtype).collect(),
    }
}

/// Every name with a bound of its own must be one of the data's.
pub(super) fn check_names(inputs: &[Input], options: &Options) -> Result<()> {
    let mut known: Vec<&str> = vec![];
    for input in inputs {
        match input {
            Input::Field(name, _) => known.push(name),
            Input::Table(name, table) => {
                known.push(name);
                known.extend(table.columns().into_iter().map(|(name, _)| name));
            }
        }
    }
    check_bounds(&options.bounds, &known)
}

/// Every name with a bound of its own must be one of the `known`.
pub fn check_bounds(bounds: &[(String, Bound)], known: &[&str]) -> Result<()> {
    match bounds.iter().find(|(name, _)| !known.contains(&name.as_str())) {
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
    let bound = bound.or_else(|| options.model.and_then(ModelRef::table).and_then(|net| net.bound(name)));
    if !dtype.is_number() {
        return match own(name).filter(|&b| b != Bound::Lossless) {
            Some(_) => {
                Err(Error::invalid(format!("'{name}' is of type {dtype}, which is exact: it takes no bound")))
            }
            None => Ok(Bound::Lossless),
        };
    }
    let bound = bound.ok_or_else(|| {
        Error::invalid(format!(
            "no error bound for '{name}'. Say how far decoded values may be off: --rel 1e-3 (a thousandth of the \
             range), --abs VALUE (in the data's units), --std, --pwrel, --psnr, or --lossless"
        ))
    })?;
    bound.check()?;
    if bound == Bound::None && (options.decoder().is_none() || options.codec != Some(Codec::Autoencoder)) {
        return Err(Error::invalid(
            "--bound-none is for a pure autoencoder: give --model MODEL --codec autoencoder too",
        ));
    }
    Ok(bound)
}

/// Plans a variable, the `only` one of its archive or one of several.
pub(super) fn plan(input: &mut Input, options: &Options, only: bool) -> Result<Plan> {
    match input {
        Input::Field(name, source) => plan_field(name, source.as_mut(), options, only),
        Input::Table(name, table) => plan_table(name, table.as_mut(), options, only),
    }
}

fn plan_field(name: &str, source: &mut dyn FieldSource, options: &Options, only: bool) -> Result<Plan> {
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
    let (axis, length) = cut(source, options.chunk, options.decoder())?;
    let mut field =
        FieldHeader { dtype, shape, bound: Resolved { bound, value: None }, fill: None, axis, length };
    let mut survey = Survey::new(bound, dtype, options);
    let look = survey.look(field.chunks());
    let first = look_at(std::slice::from_mut(&mut survey), look, |i| {
        Ok(vec![source::values(source, dtype, field.chunk(i).0)?])
    })?;
    let (resolved, target) = survey.resolve(name)?;
    (field.bound, field.fill) = (resolved, target.fill);
    let header = VariableHeader { name: name.into(), kind: Kind::Field(field) };
    Ok(Plan { header, targets: vec![target], first: first.filter(|_| only), coded: BTreeMap::new() })
}

/// The axis along which a field is cut into chunks of about `chunk` values, and their length along it.
fn cut(source: &mut dyn FieldSource, chunk: usize, model: Option<&Decoder>) -> Result<(usize, usize)> {
    let shape = source.shape().to_vec();
    let chunk = chunk.clamp(1, MOST_CHUNK);
    if let Some(found) = model.and_then(|decoder| cut_for(decoder, &shape, chunk)) {
        return Ok(found);
    }
    Ok(match FieldHeader::chunking(&shape, chunk) {
        (0, length) if length > 1 && unlike_members(source, length)? => {
            FieldHeader::chunking_within(&shape, chunk)
        }
        other => other,
    })
}

/// Where a model's rows may be cut: no row is torn, and where a chunk has room for whole sequences, none of these.
fn cut_for(decoder: &Decoder, shape: &[usize], chunk: usize) -> Option<(usize, usize)> {
    let features = decoder.features();
    let after = |axis: usize| shape[axis + 1..].iter().product::<usize>();
    let whole = |length: usize, of: usize| if length >= of { length - length % of } else { length };
    let (axis, length) = match decoder.blocks() {
        // Rows run along the first axis: it must be the one that is cut.
        Blocks::Frames if shape.len() > 1 && after(0) == features => {
            let length = (chunk / features).clamp(1, shape[0].max(1));
            (0, whole(length, decoder.network().sequence()))
        }
        Blocks::Tiles(extents) if shape.len() >= extents.len() => {
            let (most, (axis, length)) = (shape.len() - extents.len(), FieldHeader::chunking(shape, chunk));
            match axis.cmp(&most) {
                Ordering::Less => (axis, length),
                Ordering::Equal => (axis, whole(length, extents[0]).max(extents[0])),
                Ordering::Greater => (most, extents[0]),
            }
        }
        Blocks::Runs if !shape.is_empty() => {
            let (axis, length) = FieldHeader::chunking(shape, chunk);
            let runs = features / gcd(features, after(axis).max(1));
            (axis, whole(length, runs))
        }
        _ => return None,
    };
    let volume = length.min(shape[axis].max(1)).saturating_mul(after(axis));
    (volume <= MOST_CHUNK).then_some((axis, length))
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
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
        .map(|m| Ok(Statistics::of_values(&source.read(m * size, size)?, None)))
        .collect::<Result<Vec<_>>>()?;
    let unlike = |a: &Statistics, b: &Statistics| {
        let (small, large) = (a.deviation().min(b.deviation()), a.deviation().max(b.deviation()));
        large > 3.0 * small || (a.mean - b.mean).abs() > 3.0 * large
    };
    Ok(members.windows(2).any(|w| unlike(&w[0], &w[1])))
}

/// What the columns of a table have to hold to under the bounds of `options`.
pub fn table_targets(mut table: &Table, options: &Options) -> Result<Vec<Target>> {
    Ok(plan_table("table", &mut table, options, false)?.targets)
}

/// What a field has to hold to within the bound that `options` give, and its fill value.
pub fn field_tolerance(name: &str, array: &Array, options: &Options) -> Result<(Tolerance, Option<f64>)> {
    let dtype = array.values.dtype();
    let bound = bound_for(name, name, dtype, options)?;
    let mut survey = Survey::new(bound, dtype, options);
    survey.find(&array.values);
    survey.add(&array.values);
    let (_, Target { tolerance, fill }) = survey.resolve(name)?;
    Ok((tolerance, fill.and_then(|bits| number_of(bits, dtype))))
}

/// The bound of a column of a table.
fn column_bound(column: &str, table: &str, dtype: DType, options: &Options) -> Result<Bound> {
    let bound = bound_for(column, table, dtype, options)?;
    let named = options.bounds.iter().any(|(n, _)| n == column);
    let modelled = || options.decoder().is_some_and(|d| d.names().iter().any(|n| n == column));
    Ok(match bound {
        Bound::None if !modelled() => Bound::Lossless, // what no model makes is coded on its own, and exactly
        Bound::None => Bound::None,
        _ if !dtype.is_float() && !named => Bound::Lossless, // counts, flags and identifiers
        bound => bound,
    })
}

fn plan_table(name: &str, table: &mut dyn TableSource, options: &Options, only: bool) -> Result<Plan> {
    let rows = table.rows();
    let mut columns: Vec<ColumnHeader> = vec![];
    for (column, dtype) in table.columns() {
        let bound = Resolved { bound: column_bound(column, name, dtype, options)?, value: None };
        columns.push(ColumnHeader { name: column.into(), dtype, bound });
    }
    let chunk_rows = options.chunk_rows.min(MOST_CHUNK / columns.len().max(1)).max(1);
    let mut surveys: Vec<Survey> =
        columns.iter().map(|c| Survey::new(c.bound.bound, c.dtype, options)).collect();
    let look = surveys.iter().map(|s| s.look(rows.div_ceil(chunk_rows))).max().unwrap_or(0);
    let first = look_at(&mut surveys, look, |i| {
        source::runs(table, &columns, i * chunk_rows..rows.min((i + 1) * chunk_rows))
    })?;
    let mut targets = vec![];
    for (c, survey) in columns.iter_mut().zip(&surveys) {
        let (resolved, target) = survey.resolve(&c.name)?;
        c.bound = resolved;
        targets.push(target);
    }
    let kind = Kind::Table(TableHeader { rows, chunk_rows, columns });
    let header = VariableHeader { name: name.into(), kind };
    Ok(Plan { header, targets, first: first.filter(|_| only), coded: BTreeMap::new() })
}
