//! What an archive says of itself before its data (format.md, section 3).

use crate::bound::Bound;
use crate::codec::MOST_CHUNK;
use crate::codec::bytes::{Reader, put_bytes, put_varint};
use crate::data::DType;
use crate::error::{Error, Result};
use crate::model::hash::ModelHash;
use std::ops::Range;

/// Most axes.
pub const MOST_RANK: usize = 8;

/// An archive's header.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Header {
    /// The models that chunks refer to by number.
    pub models: Vec<ModelReference>,
    /// The variables, in the user's order.
    pub variables: Vec<VariableHeader>,
}

/// A model by the hash of its decoder: [`AnyDecoder::hash`](crate::model::any::AnyDecoder::hash).
#[derive(Debug, Clone, PartialEq)]
pub struct ModelReference {
    /// Its name.
    pub hash: ModelHash,
    /// Whether the archive holds it.
    pub embedded: bool,
}

/// One variable.
#[derive(Debug, Clone, PartialEq)]
pub struct VariableHeader {
    /// Its name.
    pub name: String,
    /// Field or table.
    pub kind: Kind,
}

/// What kind of variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// An array.
    Field(FieldHeader),
    /// Rows and columns.
    Table(TableHeader),
}

/// A bound as asked for, and what it came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resolved {
    /// As asked for.
    pub bound: Bound,
    /// The absolute bound (for PSNR: the root mean square error) that it came to, for relative kinds.
    pub value: Option<f64>,
}

/// An array's type, shape, bound and chunks.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldHeader {
    /// Type of a value.
    pub dtype: DType,
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Its bound.
    pub bound: Resolved,
    /// Bits of the fill value.
    pub fill: Option<u64>,
    /// The axis that is cut into chunks.
    pub axis: usize,
    /// Length of a chunk along it.
    pub length: usize,
}

/// A table's rows and columns.
#[derive(Debug, Clone, PartialEq)]
pub struct TableHeader {
    /// Number of rows.
    pub rows: usize,
    /// Rows a chunk.
    pub chunk_rows: usize,
    /// The columns.
    pub columns: Vec<ColumnHeader>,
}

/// A column's name, type and bound.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnHeader {
    /// Its name.
    pub name: String,
    /// Type of a value.
    pub dtype: DType,
    /// Its bound.
    pub bound: Resolved,
}

impl FieldHeader {
    /// Number of values.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Splits `shape` into chunks of about `target` values each, as equal as they come.
    pub fn chunking(shape: &[usize], target: usize) -> (usize, usize) {
        let after = |axis: usize| shape[axis + 1..].iter().product::<usize>();
        let axis = (0..shape.len()).find(|&a| after(a) <= target).unwrap_or(0);
        let Some(&long) = shape.get(axis) else { return (0, 1) };
        let most = (target / after(axis).max(1)).max(1);
        (axis, long.div_ceil(long.div_ceil(most).max(1)).max(1))
    }

    /// As [`FieldHeader::chunking`], but no chunk reaches over two indices of the leading axis.
    pub fn chunking_within(shape: &[usize], target: usize) -> (usize, usize) {
        let (axis, length) = FieldHeader::chunking(&shape[1..], target);
        (axis + 1, length)
    }

    fn after(&self) -> usize {
        self.shape.get(self.axis + 1..).map_or(1, |s| s.iter().product())
    }

    /// Number of chunks.
    pub fn chunks(&self) -> usize {
        if self.count() == 0 {
            return 0;
        }
        let Some(&long) = self.shape.get(self.axis) else { return 1 };
        self.shape[..self.axis].iter().product::<usize>() * long.div_ceil(self.length)
    }

    /// Where chunk `i` lies in the flattened array, and its shape.
    pub fn chunk(&self, i: usize) -> (Range<usize>, Vec<usize>) {
        let Some(&long) = self.shape.get(self.axis) else { return (0..1, vec![]) };
        let a_run = long.div_ceil(self.length);
        let (outer, inner) = (i / a_run, i % a_run * self.length);
        let shape: Vec<usize> =
            [self.length.min(long - inner)].iter().chain(&self.shape[self.axis + 1..]).copied().collect();
        let start = (outer * long + inner) * self.after();
        (start..start + shape.iter().product::<usize>(), shape)
    }
}

impl TableHeader {
    /// Number of chunks.
    pub fn chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk_rows)
    }

    /// The rows of chunk `i`.
    pub fn chunk(&self, i: usize) -> Range<usize> {
        i * self.chunk_rows..((i + 1) * self.chunk_rows).min(self.rows)
    }
}

impl VariableHeader {
    /// Number of chunks.
    pub fn chunks(&self) -> usize {
        match &self.kind {
            Kind::Field(f) => f.chunks(),
            Kind::Table(t) => t.chunks(),
        }
    }

    /// How many errors are recorded of it: one of a field, one a lossy column of a table.
    pub fn errors(&self) -> usize {
        match &self.kind {
            Kind::Field(f) => (f.bound.bound != Bound::Lossless) as usize,
            Kind::Table(t) => t.columns.iter().filter(|c| c.bound.bound != Bound::Lossless).count(),
        }
    }

    /// How many of its columns are text.
    pub fn texts(&self) -> usize {
        match &self.kind {
            Kind::Field(_) => 0,
            Kind::Table(t) => t.columns.iter().filter(|c| c.dtype == DType::Text).count(),
        }
    }
}

fn put_bound(out: &mut Vec<u8>, r: &Resolved) {
    let kind = match r.bound {
        Bound::Lossless => 0,
        Bound::Absolute(_) => 1,
        Bound::Relative(_) => 2,
        Bound::Deviation(_) => 3,
        Bound::Pointwise(_) => 4,
        Bound::Psnr(_) => 5,
        Bound::None => 6,
    };
    out.push(kind);
    r.bound.value().iter().for_each(|v| out.extend_from_slice(&v.to_le_bytes()));
    if matches!(kind, 2 | 3 | 5) {
        out.extend_from_slice(&r.value.unwrap_or(0.0).to_le_bytes());
    }
}

fn bound(r: &mut Reader) -> Result<Resolved> {
    let kind = r.u8("bound kind")?;
    let mut value = || r.f64("bound");
    let bound = match kind {
        0 => Bound::Lossless,
        1 => Bound::Absolute(value()?),
        2 => Bound::Relative(value()?),
        3 => Bound::Deviation(value()?),
        4 => Bound::Pointwise(value()?),
        5 => Bound::Psnr(value()?),
        6 => Bound::None,
        _ => return Err(Error::unsupported(format!("bound kind {kind} is of a later version"))),
    };
    bound.check().map_err(|e| Error::corrupt(e.to_string()))?;
    let value = if matches!(kind, 2 | 3 | 5) { Some(r.f64("resolved bound")?) } else { None };
    Ok(Resolved { bound, value })
}

fn dtype(r: &mut Reader) -> Result<DType> {
    let tag = r.u8("type")?;
    DType::from_tag(tag).ok_or_else(|| Error::unsupported(format!("type {tag} is of a later version")))
}

impl Header {
    /// The header's body.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![];
        put_varint(&mut out, 0);
        put_varint(&mut out, self.models.len() as u64);
        for m in &self.models {
            out.extend_from_slice(&m.hash.0);
            out.push(m.embedded as u8);
        }
        put_varint(&mut out, self.variables.len() as u64);
        for v in &self.variables {
            put_bytes(&mut out, v.name.as_bytes());
            match &v.kind {
                Kind::Field(f) => {
                    out.extend_from_slice(&[0, f.dtype as u8, f.shape.len() as u8]);
                    f.shape.iter().for_each(|&n| put_varint(&mut out, n as u64));
                    put_bound(&mut out, &f.bound);
                    out.push(f.axis as u8);
                    put_varint(&mut out, f.length as u64);
                    out.push(f.fill.is_some() as u8);
                    if let Some(bits) = f.fill {
                        put_varint(&mut out, bits);
                    }
                }
                Kind::Table(t) => {
                    out.push(1);
                    put_varint(&mut out, t.rows as u64);
                    put_varint(&mut out, t.chunk_rows as u64);
                    put_varint(&mut out, t.columns.len() as u64);
                    for c in &t.columns {
                        put_bytes(&mut out, c.name.as_bytes());
                        out.push(c.dtype as u8);
                        put_bound(&mut out, &c.bound);
                    }
                }
            }
        }
        out
    }

    /// The inverse of [`Header::to_bytes`]; everything in it is consistent and of bearable size.
    pub fn parse(body: &[u8]) -> Result<Header> {
        let mut r = Reader::new(body);
        match r.varint("header flags")? {
            0 => {}
            f => return Err(Error::unsupported(format!("header flags {f:#x} are of a later version"))),
        }
        let mut header = Header::default();
        for _ in 0..r.count(r.remaining() / 33, "number of models")? {
            let hash = ModelHash(r.take(32, "model hash")?.try_into().expect("32 bytes"));
            let embedded = match r.u8("model place")? {
                0 => false,
                1 => true,
                p => return Err(Error::unsupported(format!("model place {p} is of a later version"))),
            };
            header.models.push(ModelReference { hash, embedded });
        }
        for _ in 0..r.count(r.remaining() / 4, "number of variables")? {
            let name = r.string("variable name")?;
            let kind = match r.u8("variable kind")? {
                0 => Kind::Field(parse_field(&mut r).map_err(|e| e.at(format!("variable '{name}'")))?),
                1 => Kind::Table(parse_table(&mut r).map_err(|e| e.at(format!("variable '{name}'")))?),
                k => return Err(Error::unsupported(format!("variable kind {k} is of a later version"))),
            };
            header.variables.push(VariableHeader { name, kind });
        }
        r.finish("the header")?;
        Ok(header)
    }
}

fn parse_field(r: &mut Reader) -> Result<FieldHeader> {
    let dtype = dtype(r)?;
    if dtype == DType::Text {
        return Err(Error::corrupt("text is no field"));
    }
    let rank = r.u8("rank")? as usize;
    if rank > MOST_RANK {
        return Err(Error::unsupported(format!("{rank} axes are more than {MOST_RANK}")));
    }
    let shape = (0..rank).map(|_| r.count(isize::MAX as usize, "axis length")).collect::<Result<Vec<_>>>()?;
    check_shape(&shape).map_err(|e| Error::corrupt(e.to_string()))?;
    let bound = bound(r)?;
    let axis = r.u8("split axis")? as usize;
    let length = r.count(isize::MAX as usize, "chunk length")?;
    let fill = match r.u8("fill flag")? {
        0 => None,
        1 => Some(r.varint("fill value")?),
        f => return Err(Error::unsupported(format!("fill flag {f} is of a later version"))),
    };
    let field = FieldHeader { dtype, shape, bound, fill, axis, length };
    let fits = field.axis < rank.max(1) && length >= 1;
    let size = if fits {
        field.after().checked_mul(length.min(field.shape.get(axis).map_or(1, |&n| n.max(1))))
    } else {
        None
    };
    if field.count() > 0 && size.is_none_or(|n| n > MOST_CHUNK) {
        return Err(Error::corrupt(format!(
            "chunks of {length} along axis {axis} do not fit shape {:?}",
            field.shape
        )));
    }
    Ok(field)
}

/// Errors where the bytes of an array's values cannot be counted, not even with its empty axes left out of account:
/// then no product of some of its axes overflows.
pub fn check_shape(shape: &[usize]) -> Result<()> {
    let count = shape.iter().filter(|&&d| d > 0).try_fold(8usize, |n, &d| n.checked_mul(d));
    if count.is_none_or(|n| n > isize::MAX as usize) {
        return Err(Error::invalid(format!("shape {shape:?} holds more than can be addressed")));
    }
    Ok(())
}

fn parse_table(r: &mut Reader) -> Result<TableHeader> {
    let rows = r.count(isize::MAX as usize / 8, "number of rows")?;
    let chunk_rows = r.count(MOST_CHUNK, "rows a chunk")?;
    let n = r.count(r.remaining() / 3, "number of columns")?;
    if chunk_rows == 0 || chunk_rows.saturating_mul(n) > MOST_CHUNK || n == 0 && rows > 0 {
        return Err(Error::corrupt(format!("chunks of {chunk_rows} rows of {n} columns are not possible")));
    }
    let column = |r: &mut Reader| {
        let name = r.string("column name")?;
        Ok(ColumnHeader { dtype: dtype(r)?, bound: bound(r)?, name })
    };
    let columns = (0..n).map(|_| column(r)).collect::<Result<Vec<_>>>()?;
    Ok(TableHeader { rows, chunk_rows, columns })
}
