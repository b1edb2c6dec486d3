//! Some columns of a table, and what each costs.

use super::Archive;
use super::header::{Kind, TableHeader};
use super::read::check_rows;
use super::record::ChunkBody;
use super::unpack::names;
use crate::codec::chunk::Codec;
use crate::codec::table::describe::{Coding, describe};
use crate::data::{Column, Table, Values};
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::ops::Range;

/// What a column costs in chunks that are coded column by column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ColumnCost {
    /// The bytes that are its own.
    pub bytes: u64,
    /// The rows that these code.
    pub rows: u64,
    /// In how many chunks it is coded how.
    pub codings: BTreeMap<Coding, usize>,
    /// The columns that it is coded given, with the number of chunks; those of most chunks first, then those that tell the most.
    pub given: Vec<(usize, usize)>,
    /// The rows that are coded otherwise though a model at hand has the column, chunks in a row as one.
    pub without_model: Vec<Range<usize>>,
}

/// What the columns of a table cost.
#[derive(Debug, Clone, PartialEq)]
pub struct TableCost {
    /// Of each column.
    pub columns: Vec<ColumnCost>,
    /// Chunks of another codec, which tells nothing of single columns.
    pub untold: usize,
    /// Chunks that are damaged.
    pub damaged: usize,
}

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
        let mut read: Vec<Column> = vec![];
        for &c in columns {
            let c = t.columns.get(c).ok_or_else(|| Error::invalid(format!("there is no column {c}")))?;
            read.push(Column { name: c.name.clone(), values: Values::empty(c.dtype) });
        }
        self.column_rows(variable, columns, rows, threads, |runs| {
            read.iter_mut().zip(runs).try_for_each(|(c, v)| c.values.append(&v))
        })?;
        Table::new(read)
    }

    /// As [`Archive::read_columns`], but hands the rows to `take` piece by piece, in order, a run for each of `columns`.
    pub fn column_rows(
        &mut self,
        variable: usize,
        columns: &[usize],
        rows: Option<Range<usize>>,
        threads: usize,
        mut take: impl FnMut(Vec<Values>) -> Result<()> + Send,
    ) -> Result<()> {
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
        let chunks = match rows.is_empty() || columns.is_empty() {
            true => 0..0,
            false => rows.start / t.chunk_rows..rows.end.div_ceil(t.chunk_rows),
        };
        let part = wanted.contains(&false).then_some(&wanted[..]);
        self.decode_part(variable, part, chunks, threads, |i, runs| {
            let range = t.chunk(i);
            let here = rows.start.saturating_sub(range.start)..(rows.end - range.start).min(range.len());
            let mut runs: Vec<Option<Values>> = spread(runs, &wanted);
            let whole = here.len() == range.len();
            let part = |v: Values| if whole { v } else { v.slice(here.clone()) };
            take(columns.iter().filter_map(|&c| runs[c].take()).map(part).collect())
        })
    }

    /// What each column of a table costs and by which others it is explained, summed over chunks.
    ///
    /// Reads every chunk's bytes and the headers of its columns; decodes none.
    pub fn column_costs(&mut self, variable: usize) -> Result<TableCost> {
        let t = self.table_header(variable)?.clone();
        let names = names(&t);
        let models = self.models().flat_map(|m| m.table()).flat_map(|m| m.columns());
        let modelled: Vec<&str> = models.filter(|c| c.net.is_some()).map(|c| c.name.as_str()).collect();
        let modelled: Vec<bool> = names.iter().map(|n| modelled.contains(n)).collect();
        let mut cost = TableCost { columns: vec![ColumnCost::default(); names.len()], untold: 0, damaged: 0 };
        for (i, entry) in self.chunk_entries(variable).to_vec().into_iter().enumerate() {
            if entry.codec != Some(Codec::Table) {
                cost.untold += 1;
                continue;
            }
            let rows = t.chunk(i);
            let parts = self.with_record(&entry, |body, model| {
                describe(ChunkBody::parse(body)?.payload, rows.len(), &names, model)
            });
            let Ok(parts) = parts else {
                cost.damaged += 1;
                continue;
            };
            for (c, part) in parts.into_iter().enumerate() {
                let column = &mut cost.columns[c];
                column.bytes += part.bytes as u64;
                column.rows += rows.len() as u64;
                *column.codings.entry(part.coding).or_default() += 1;
                for p in part.on {
                    match column.given.iter_mut().find(|g| g.0 == p) {
                        Some(known) => known.1 += 1,
                        None => column.given.push((p, 1)),
                    }
                }
                if modelled[c] && part.coding != Coding::Net {
                    match column.without_model.last_mut().filter(|r| r.end == rows.start) {
                        Some(last) => last.end = rows.end,
                        None => column.without_model.push(rows.clone()),
                    }
                }
            }
        }
        // Stable: of equally many chunks, in the order of the first.
        cost.columns.iter_mut().for_each(|c| c.given.sort_by_key(|g| std::cmp::Reverse(g.1)));
        Ok(cost)
    }

    /// What the header says of a variable that is a table.
    pub(super) fn table_header(&self, variable: usize) -> Result<&TableHeader> {
        let v = self.variable(variable)?;
        match &v.kind {
            Kind::Table(t) => Ok(t),
            Kind::Field(_) => Err(Error::invalid(format!("'{}' is a field, which has no columns", v.name))),
        }
    }
}

/// `runs`, one for each column that is `wanted`, at their columns' places.
fn spread(runs: Vec<Values>, wanted: &[bool]) -> Vec<Option<Values>> {
    let mut runs = runs.into_iter();
    wanted.iter().map(|&w| if w { runs.next() } else { None }).collect()
}
