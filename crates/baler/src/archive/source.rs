//! Fields and tables that are read and written piece by piece, so that they need not fit in memory.

use super::header::ColumnHeader;
use crate::data::{Array, DType, Table, Values};
use crate::error::{Error, Result};
use std::ops::Range;

/// A field that is read piece by piece, so that it need not fit in memory.
pub trait FieldSource: Send {
    /// The type of its values; never text.
    fn dtype(&self) -> DType;

    /// Length of each axis, slowest first.
    fn shape(&self) -> &[usize];

    /// The values of the flattened (C order) index range `start..start + len`.
    ///
    /// Errors where the range leaves the field, or where the values cannot be read.
    fn read(&mut self, start: usize, len: usize) -> Result<Values>;
}

/// One variable to compress; its source may borrow what it reads.
pub enum Input<'a> {
    /// An array, read piece by piece.
    Field(String, Box<dyn FieldSource + 'a>),
    /// A table, read some rows at a time.
    Table(String, Box<dyn TableSource + 'a>),
}

/// Where a field goes piece by piece, the mirror of [`FieldSource`]; made knowing its type and shape.
pub trait FieldSink: Send {
    /// Takes the next values in flattened (C order) index order, any number at a time.
    ///
    /// Errors where they are of another type, are more than the shape holds, or cannot be written.
    fn write(&mut self, values: &Values) -> Result<()>;

    /// Makes the output final. Errors where values are missing; dropped unfinished, a sink leaves no output.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Values of a field, once they are such as it has told.
pub(super) fn values(source: &mut dyn FieldSource, dtype: DType, range: Range<usize>) -> Result<Values> {
    let values = source.read(range.start, range.len())?;
    match values.dtype() == dtype && values.len() == range.len() {
        true => Ok(values),
        false => Err(Error::invalid("the field gives other values than it has told")),
    }
}

/// Rows of a table, once they are such as it has told.
pub(super) fn runs(
    table: &mut dyn TableSource,
    columns: &[ColumnHeader],
    rows: Range<usize>,
) -> Result<Vec<Values>> {
    let runs = table.read(rows.clone())?;
    let as_told = |(v, c): (&Values, &ColumnHeader)| v.dtype() == c.dtype && v.len() == rows.len();
    match runs.len() == columns.len() && runs.iter().zip(columns).all(as_told) {
        true => Ok(runs),
        false => Err(Error::invalid("the table gives other columns or rows than it has told")),
    }
}

impl FieldSource for Array {
    fn dtype(&self) -> DType {
        self.values.dtype()
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn read(&mut self, start: usize, len: usize) -> Result<Values> {
        check_range(start, len, self.values.len())?;
        Ok(self.values.slice(start..start + len))
    }
}

/// A table that is read some rows at a time, so that it need not fit in memory.
pub trait TableSource: Send {
    /// Name and type of each column, in order.
    fn columns(&self) -> Vec<(&str, DType)>;

    /// How many rows there are.
    fn rows(&self) -> usize;

    /// The values of these rows, a run a column.
    ///
    /// Errors where the range leaves the table, or where the values cannot be read.
    fn read(&mut self, rows: Range<usize>) -> Result<Vec<Values>>;
}

/// Where a table goes some rows at a time, the mirror of [`TableSource`]; made knowing its columns and rows.
pub trait TableSink: Send {
    /// Takes the next rows, a run a column.
    ///
    /// Errors where they are of other types or lengths, are more than the table holds, or cannot be written.
    fn write(&mut self, columns: &[Values]) -> Result<()>;

    /// Makes the output final. Errors where rows are missing; dropped unfinished, a sink leaves no output.
    fn finish(self: Box<Self>) -> Result<()>;
}

impl TableSource for &Table {
    fn columns(&self) -> Vec<(&str, DType)> {
        self.columns.iter().map(|c| (c.name.as_str(), c.values.dtype())).collect()
    }

    fn rows(&self) -> usize {
        Table::rows(self)
    }

    fn read(&mut self, rows: Range<usize>) -> Result<Vec<Values>> {
        check_range(rows.start, rows.len(), Table::rows(self))?;
        Ok(self.columns.iter().map(|c| c.values.slice(rows.clone())).collect())
    }
}

impl TableSource for Table {
    fn columns(&self) -> Vec<(&str, DType)> {
        self.columns.iter().map(|c| (c.name.as_str(), c.values.dtype())).collect()
    }

    fn rows(&self) -> usize {
        Table::rows(self)
    }

    fn read(&mut self, rows: Range<usize>) -> Result<Vec<Values>> {
        (&*self).read(rows)
    }
}

/// Errors unless `start..start + len` lies within `total` values.
pub fn check_range(start: usize, len: usize, total: usize) -> Result<()> {
    if start.checked_add(len).is_some_and(|end| end <= total) {
        return Ok(());
    }
    Err(Error::invalid(format!("{len} values from {start} on leave the {total} that there are")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_array_is_read_in_pieces_and_not_past_its_end() {
        let mut array = Array::new(vec![2, 3], Values::I16(vec![0, 1, 2, 3, 4, 5])).unwrap();
        assert_eq!(array.read(1, 3).unwrap(), Values::I16(vec![1, 2, 3]));
        assert_eq!(array.read(6, 0).unwrap(), Values::I16(vec![]));
        assert!(array.read(5, 2).is_err());
        assert!(array.read(usize::MAX, 2).is_err());
    }
}
