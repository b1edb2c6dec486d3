//! Python's arrays as sources of the library's: values are read where they lie, piece by piece.

use crate::job::Watch;
use baler::archive::source::check_range;
use baler::archive::{FieldSource, Input, TableSource};
use baler::data::{Array, Column, DType, Table, Values, Variable};
use baler::error::{Error, Result};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use std::ops::Range;

/// One variable as Python gives it: a field is a type's name, a shape and the bytes of its values; a table its rows and
/// columns.
#[derive(FromPyObject)]
pub enum Given<'py> {
    /// Name, type, shape, little-endian bytes.
    Field(String, String, Vec<usize>, PyReadonlyArray1<'py, u8>),
    /// Name, rows, columns.
    Table(String, usize, Vec<GivenColumn<'py>>),
}

/// One column.
#[derive(FromPyObject)]
pub enum GivenColumn<'py> {
    /// Name, type, bytes from one value to the next, the bytes that hold them all.
    Numbers(String, String, usize, PyReadonlyArray1<'py, u8>),
    /// Name and a text a row.
    Text(String, Vec<String>),
}

/// The same, without Python: what a job may read while other threads of Python run.
pub enum Lent<'a> {
    Field(&'a str, Run<'a>, &'a [usize]),
    Table(&'a str, usize, Vec<(&'a str, LentColumn<'a>)>),
}

/// The values of a column.
#[derive(Clone, Copy)]
pub enum LentColumn<'a> {
    Numbers(Run<'a>),
    Text(&'a [String]),
}

/// Values of one type, `stride` bytes from one to the next.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    dtype: DType,
    stride: usize,
    bytes: &'a [u8],
}

impl<'a> Run<'a> {
    fn new(dtype: &str, stride: Option<usize>, bytes: &'a [u8]) -> Result<Run<'a>> {
        let dtype = DType::from_name(dtype).filter(|t| t.size().is_some());
        let dtype = dtype.ok_or_else(|| Error::invalid("is of no type that can be compressed"))?;
        Ok(Run { dtype, stride: stride.unwrap_or_else(|| dtype.size().expect("not text")), bytes })
    }

    /// Values from `start` on. Errors where they are not there.
    fn read(&self, start: usize, len: usize) -> Result<Values> {
        let size = self.dtype.size().expect("not text");
        let all = self.bytes.len().checked_sub(size).map_or(0, |rest| rest / self.stride.max(1) + 1);
        check_range(start, len, all)?;
        if self.stride == size {
            return Values::from_le_bytes(self.dtype, &self.bytes[start * size..][..len * size]);
        }
        let mut gathered = Vec::with_capacity(len * size);
        for i in start..start + len {
            gathered.extend_from_slice(&self.bytes[i * self.stride..][..size]);
        }
        Values::from_le_bytes(self.dtype, &gathered)
    }
}

impl Given<'_> {
    /// What it holds. Errors where a type is none of the library's.
    pub fn lend(&self) -> Result<Lent<'_>> {
        match self {
            Given::Field(name, dtype, shape, bytes) => {
                let bytes = bytes.as_slice().map_err(not_contiguous)?;
                let run = Run::new(dtype, None, bytes).map_err(|e| e.at(format!("'{name}'")))?;
                Ok(Lent::Field(name, run, shape))
            }
            Given::Table(name, rows, columns) => {
                let columns = columns.iter().map(GivenColumn::lend).collect::<Result<_>>()?;
                Ok(Lent::Table(name, *rows, columns))
            }
        }
    }
}

impl GivenColumn<'_> {
    fn lend(&self) -> Result<(&str, LentColumn<'_>)> {
        match self {
            GivenColumn::Numbers(name, dtype, stride, bytes) => {
                let bytes = bytes.as_slice().map_err(not_contiguous)?;
                let run = Run::new(dtype, Some(*stride), bytes).map_err(|e| e.at(format!("'{name}'")))?;
                Ok((name, LentColumn::Numbers(run)))
            }
            GivenColumn::Text(name, texts) => Ok((name, LentColumn::Text(texts))),
        }
    }
}

fn not_contiguous(e: impl std::fmt::Display) -> Error {
    Error::invalid(e.to_string())
}

impl<'a> Lent<'a> {
    /// Bytes of a field.
    pub fn field_len(&self) -> Option<usize> {
        match self {
            Lent::Field(_, run, _) => Some(run.bytes.len()),
            Lent::Table(..) => None,
        }
    }

    /// As an input of the library's, which stops where `watch` says so.
    pub fn input(&self, watch: &'a Watch) -> Input<'a> {
        match self {
            Lent::Field(name, run, shape) => {
                Input::Field((*name).into(), Box::new(Field { run: *run, shape: shape.to_vec(), watch }))
            }
            Lent::Table(name, rows, columns) => {
                let columns = columns.clone();
                Input::Table((*name).into(), Box::new(Rows { columns, rows: *rows, watch }))
            }
        }
    }

    /// Its name and all its values, to train on.
    pub fn load(&self) -> Result<(String, Variable)> {
        match self {
            Lent::Field(name, run, shape) => {
                let values = run.read(0, shape.iter().product())?;
                Ok((name.to_string(), Variable::Field(Array::new(shape.to_vec(), values)?)))
            }
            Lent::Table(name, rows, columns) => {
                let column = |(name, c): &(&str, LentColumn)| {
                    Ok(Column { name: name.to_string(), values: c.read(0..*rows)? })
                };
                let table = Table::new(columns.iter().map(column).collect::<Result<_>>()?)?;
                Ok((name.to_string(), Variable::Table(table)))
            }
        }
    }
}

impl LentColumn<'_> {
    fn dtype(&self) -> DType {
        match self {
            LentColumn::Numbers(run) => run.dtype,
            LentColumn::Text(_) => DType::Text,
        }
    }

    fn read(&self, rows: Range<usize>) -> Result<Values> {
        match self {
            LentColumn::Numbers(run) => run.read(rows.start, rows.len()),
            LentColumn::Text(texts) => {
                check_range(rows.start, rows.len(), texts.len())?;
                Ok(Values::Text(texts[rows].to_vec()))
            }
        }
    }
}

struct Field<'a> {
    run: Run<'a>,
    shape: Vec<usize>,
    watch: &'a Watch,
}

impl FieldSource for Field<'_> {
    fn dtype(&self) -> DType {
        self.run.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn read(&mut self, start: usize, len: usize) -> Result<Values> {
        self.watch.go_on()?;
        self.run.read(start, len)
    }
}

struct Rows<'a> {
    columns: Vec<(&'a str, LentColumn<'a>)>,
    rows: usize,
    watch: &'a Watch,
}

impl TableSource for Rows<'_> {
    fn columns(&self) -> Vec<(&str, DType)> {
        self.columns.iter().map(|(name, c)| (*name, c.dtype())).collect()
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn read(&mut self, rows: Range<usize>) -> Result<Vec<Values>> {
        self.watch.go_on()?;
        self.columns.iter().map(|(_, c)| c.read(rows.clone())).collect()
    }
}
