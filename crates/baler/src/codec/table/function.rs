//! Columns that are functions of others: copies, sums and differences, and what a dictionary makes of another column
//! (format.md, section 6.2).

use super::Columns;
use super::integers;
use crate::codec::bytes::{Reader, put_varint, put_zigzag};
use crate::error::{Error, Result};
use std::collections::HashMap;

/// A function that a whole chunk of a column follows.
#[derive(Debug, Clone, PartialEq)]
pub enum Function {
    /// Factors of the given columns, then a constant: all sums and products wrap.
    Linear(Vec<i64>, i64),
    /// A value for each distinct row of the given columns, these in rising order.
    Lookup(Vec<i64>),
}

/// Appends `function` of the columns `on`.
pub fn write(out: &mut Vec<u8>, function: &Function, on: &[usize]) {
    put_varint(out, on.len() as u64);
    on.iter().for_each(|&c| put_varint(out, c as u64));
    match function {
        Function::Linear(factors, constant) => {
            out.push(0);
            factors.iter().chain([constant]).for_each(|&n| put_zigzag(out, n));
        }
        Function::Lookup(values) => {
            out.push(1);
            integers::write(out, values);
        }
    }
}

/// The inverse of [`write()`], after the list of columns: the column that it makes.
pub fn read(mut r: Reader, count: usize, on: &[usize], columns: &Columns) -> Result<Vec<i64>> {
    if on.is_empty() || on.len() > 2 {
        return Err(Error::corrupt(format!("a function of {} columns; it is of one or two", on.len())));
    }
    let sources: Vec<&[i64]> = on.iter().map(|&c| columns.integers(c)).collect();
    match r.u8("kind of function")? {
        0 => {
            let factors = on.iter().map(|_| r.zigzag("factor")).collect::<Result<Vec<_>>>()?;
            let constant = r.zigzag("constant")?;
            r.finish("a function")?;
            Ok((0..count).map(|row| linear(&factors, constant, &sources, row)).collect())
        }
        1 => {
            let keys = keys(&sources, count);
            let rows = distinct(&keys);
            let values = integers::read(r, rows.len())?;
            Ok(keys.iter().map(|k| values[rows.partition_point(|r| r < k)]).collect())
        }
        k => Err(Error::unsupported(format!("a function of kind {k} is of a later version"))),
    }
}

fn linear(factors: &[i64], constant: i64, sources: &[&[i64]], row: usize) -> i64 {
    let terms = factors.iter().zip(sources).map(|(f, s)| f.wrapping_mul(s[row]));
    terms.fold(constant, i64::wrapping_add)
}

/// The given columns' values, row by row; a second column's are 0 where there is none.
fn keys(sources: &[&[i64]], count: usize) -> Vec<(i64, i64)> {
    (0..count).map(|row| (sources[0][row], sources.get(1).map_or(0, |s| s[row]))).collect()
}

fn distinct(keys: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut rows = keys.to_vec();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// The function of the columns `sources` that `values` follow, if they follow one.
pub fn find(values: &[i64], sources: &[&[i64]]) -> Option<Function> {
    find_linear(values, sources).or_else(|| find_lookup(values, sources))
}

/// Factors are looked for in the first rows that tell them apart, and hold or fail on the others.
pub fn find_linear(values: &[i64], sources: &[&[i64]]) -> Option<Function> {
    let (factors, constant) = match sources {
        [p] => {
            let at = p.iter().position(|&x| x != p[0])?;
            let (run, rise) = (p[at].checked_sub(p[0])?, values[at].checked_sub(values[0])?);
            let factor = rise.checked_div(run)?;
            (vec![factor], values[0].wrapping_sub(factor.wrapping_mul(p[0])))
        }
        [_, _] => [[1i64, 1], [1, -1], [-1, 1]].into_iter().find_map(|f| {
            let sum = |row: usize| linear(&f, 0, sources, row);
            let constant = values[0].wrapping_sub(sum(0));
            let all = (0..values.len()).all(|row| values[row] == sum(row).wrapping_add(constant));
            all.then_some((f.to_vec(), constant))
        })?,
        _ => return None,
    };
    let holds = (0..values.len()).all(|row| values[row] == linear(&factors, constant, sources, row));
    holds.then_some(Function::Linear(factors, constant))
}

/// A lookup has at most one entry for so many rows: others are no shorter than the column.
const ROWS_AN_ENTRY: usize = 4;

/// The lookup that `values` follow.
pub fn find_lookup(values: &[i64], sources: &[&[i64]]) -> Option<Function> {
    let mut known: HashMap<(i64, i64), i64> = HashMap::new();
    for (row, &v) in values.iter().enumerate() {
        let key = (sources[0][row], sources.get(1).map_or(0, |s| s[row]));
        if *known.entry(key).or_insert(v) != v || known.len() * ROWS_AN_ENTRY > values.len().max(64) {
            return None;
        }
    }
    let mut rows: Vec<_> = known.into_iter().collect();
    rows.sort_unstable();
    Some(Function::Lookup(rows.into_iter().map(|(_, v)| v).collect()))
}
