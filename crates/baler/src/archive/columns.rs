//! Some columns of a table.

use super::Archive;
use super::header::{ColumnHeader, Kind, TableHeader};
use super::read::check_rows;
use crate::data::{Column, Table, Values};
use crate::error::{Error, Result};
use std::io::{Read, Seek};
use std::ops::Range;

impl<R: Read + Seek + Send> Archive<R> {
    /// The columns `columns` of a table (numbers into its header, in any order, none twice) at the rows `rows`, all where
    /// `None`; whole in memory.
    ///
    /// Reads the chunks that hold these rows, and decodes the columns, those that they are conditioned on, and no
    /// others. A chunk's checksum of decoded values is one of all columns: it is compared where all are read.
    /// Of some columns only, the record's checksum of the stored bytes stands guard.
    pub fn read_columns(
        &mut self,
        variable: usize,
        columns: &[usize],
        rows: Option<Range<usize>>,
        threads: usize,
    ) -> Result<Table> {
        let t = self.table_header(variable)?.clone();
        let mut wanted = vec![false; t.columns.len()];
        for &c in columns {
            let slot = wanted.get_mut(c).ok_or_else(|| Error::invalid(format!("there is no column {c}")))?;
            if std::mem::replace(slot, true) {
                return Err(Error::invalid(format!("the column '{}' is asked for twice", t.columns[c].name)));
            }
        }
        let rows = rows.unwrap_or(0..t.rows);
        check_rows(&rows, t.rows)?;
        let empty = |c: &ColumnHeader| Column { name: c.name.clone(), values: Values::empty(c.dtype) };
        let mut read: Vec<Option<Column>> =
            t.columns.iter().zip(&wanted).map(|(c, &w)| w.then(|| empty(c))).collect();
        let chunks = match rows.is_empty() || columns.is_empty() {
            true => 0..0,
            false => rows.start / t.chunk_rows..rows.end.div_ceil(t.chunk_rows),
        };
        let part = wanted.contains(&false).then_some(&wanted[..]);
        self.decode_part(variable, part, chunks, threads, |i, runs| {
            let range = t.chunk(i);
            let here = rows.start.saturating_sub(range.start)..(rows.end - range.start).min(range.len());
            let mut slots = read.iter_mut().flatten().zip(runs);
            slots.try_for_each(|(c, v)| c.values.append(&v.slice(here.clone())))
        })?;
        Table::new(columns.iter().filter_map(|&c| read[c].take()).collect())
    }

    /// What the header says of a variable that is a table.
    pub(super) fn table_header(&self, variable: usize) -> Result<&TableHeader> {
        let v = &self.header().variables[variable];
        match &v.kind {
            Kind::Table(t) => Ok(t),
            Kind::Field(_) => Err(Error::invalid(format!("'{}' is a field, which has no columns", v.name))),
        }
    }
}
