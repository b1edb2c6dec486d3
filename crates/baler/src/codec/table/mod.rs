//! The table codec: columns to integers, and those by whichever way is the shortest: alone, given other columns, or as
//! a function of them (format.md, section 6).

pub mod choose;
pub mod column;
pub mod function;
pub mod integers;
pub mod mix;
pub mod net;
pub mod numeric;

use super::bytes::{Reader, put_bytes};
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::Tolerance;
use column::Mapped;
use integers::Way;
use mix::context::{Given, labels, sixteenths};

/// The columns of a chunk as integers, as far as they are known, and what is derived from them to condition others on.
#[derive(Default)]
pub struct Columns {
    integers: Vec<Vec<i64>>,
    sixteenths: Vec<Option<Vec<u8>>>,
}

impl Columns {
    /// Room for `count` columns.
    pub fn new(integers: Vec<Vec<i64>>) -> Columns {
        let sixteenths = vec![None; integers.len()];
        Columns { integers, sixteenths }
    }

    /// The integers of column `c`, empty while they are not known.
    pub fn integers(&self, c: usize) -> &[i64] {
        &self.integers[c]
    }

    /// Where each of column `c`'s values lies among them.
    pub fn sixteenths(&mut self, c: usize) -> &[u8] {
        let integers = &self.integers[c];
        self.sixteenths[c].get_or_insert_with(|| sixteenths(integers))
    }

    fn given(&mut self, parents: &[usize], together: &[usize]) -> Given<'_> {
        for &p in parents {
            self.sixteenths(p);
        }
        let known: &Columns = self;
        let parent = |&p: &usize| (&known.integers[p][..], known.sixteenths[p].as_deref().unwrap_or(&[]));
        let together: Vec<&[i64]> = together.iter().map(|&c| &known.integers[c][..]).collect();
        Given { parents: parents.iter().map(parent).collect(), labels: labels(&together) }
    }
}

/// Codes the columns of a chunk of rows, each within its tolerance; returns the decoded columns too.
pub fn encode(columns: &[Values], tolerances: &[Tolerance]) -> Result<(Vec<u8>, Vec<Values>)> {
    let mapped: Vec<Mapped> =
        columns.iter().zip(tolerances).map(|(v, &t)| column::map_finely(v, t)).collect();
    let coded = choose::code(mapped.iter().map(|m| m.integers.clone()).collect());
    let mut out = vec![];
    let mut decoded = vec![];
    let mut text = column::MOST_TEXT;
    for ((mapped, coded), values) in mapped.iter().zip(coded).zip(columns) {
        let mut section = vec![];
        column::write_map(&mut section, mapped);
        section.extend(coded);
        put_bytes(&mut out, &section);
        decoded.push(column::unmap(mapped, values.dtype(), &mut text)?);
    }
    Ok((out, decoded))
}

/// A column's section as far as it can be read alone.
struct Section<'a> {
    mapped: Mapped,
    /// The way of its integers and the columns they are conditioned on; `None` where they are coded alone.
    given: Option<(Way, Vec<usize>)>,
    rest: Reader<'a>,
}

impl<'a> Section<'a> {
    fn read(mut r: Reader<'a>, rows: usize, columns: usize) -> Result<Section<'a>> {
        let mapped = column::read_map(&mut r, rows)?;
        let mut rest = r.clone();
        let given = match if rows > 0 { Some(r.u8("way of integers")?) } else { None } {
            Some(tag) if tag == Way::Mix as u8 || tag == Way::Function as u8 => {
                let way = if tag == Way::Mix as u8 { Way::Mix } else { Way::Function };
                let n = r.count(mix::MOST_GIVEN, "number of columns that another is conditioned on")?;
                let number = |_| r.count(columns - 1, "number of a column");
                let on = (0..n).map(number).collect::<Result<Vec<_>>>()?;
                rest = r;
                Some((way, on))
            }
            _ => None,
        };
        Ok(Section { mapped, given, rest })
    }

    fn on(&self) -> &[usize] {
        self.given.as_ref().map_or(&[], |(_, on)| on)
    }
}

/// The columns that `wanted` needs, each after those it is conditioned on.
fn order(sections: &[Section], wanted: &[bool]) -> Result<Vec<usize>> {
    let mut order = vec![];
    // 0: not seen, 1: under way, 2: done. A list of (column, next of those it needs) stands for the call stack.
    let mut state = vec![0u8; sections.len()];
    for start in (0..sections.len()).filter(|&c| wanted[c]) {
        let mut stack = vec![(start, 0)];
        while let Some((c, next)) = stack.pop() {
            if next == 0 && state[c] == 2 {
                continue;
            }
            state[c] = 1;
            match sections[c].on().get(next) {
                Some(&needed) => {
                    stack.push((c, next + 1));
                    match state[needed] {
                        0 => stack.push((needed, 0)),
                        1 => {
                            return Err(Error::corrupt(format!(
                                "columns {c} and {needed} are conditioned on each other"
                            )));
                        }
                        _ => {}
                    }
                }
                None => {
                    state[c] = 2;
                    order.push(c);
                }
            }
        }
    }
    Ok(order)
}

/// The inverse of [`encode`], for `rows` rows of columns of `dtypes`.
pub fn decode(payload: &[u8], rows: usize, dtypes: &[DType]) -> Result<Vec<Values>> {
    let columns = decode_some(payload, rows, dtypes, &vec![true; dtypes.len()])?;
    Ok(columns.into_iter().flatten().collect())
}

/// Decodes the `wanted` columns, and of the others only what these are conditioned on.
pub fn decode_some(
    payload: &[u8],
    rows: usize,
    dtypes: &[DType],
    wanted: &[bool],
) -> Result<Vec<Option<Values>>> {
    let mut r = Reader::new(payload);
    let at = |c: usize| move |e: Error| e.at(format!("column {c}"));
    let mut sections = (0..dtypes.len())
        .map(|c| Section::read(Reader::new(r.bytes("column")?), rows, dtypes.len()).map_err(at(c)))
        .collect::<Result<Vec<_>>>()?;
    r.finish("the columns")?;
    let mut columns = Columns::new(vec![vec![]; dtypes.len()]);
    for c in order(&sections, wanted)? {
        let section = &sections[c];
        let rest = section.rest.clone();
        columns.integers[c] = match &section.given {
            None => integers::read(rest, rows),
            Some((Way::Mix, on)) => mix::read(rest, rows, on, &mut columns),
            Some((_, on)) => function::read(rest, rows, on, &columns),
        }
        .map_err(at(c))?;
    }
    let mut text = column::MOST_TEXT;
    let mut back = |c: usize| {
        let mapped = &mut sections[c].mapped;
        mapped.integers = std::mem::take(&mut columns.integers[c]);
        column::unmap(mapped, dtypes[c], &mut text).map_err(at(c))
    };
    (0..dtypes.len()).map(|c| wanted[c].then(|| back(c)).transpose()).collect()
}
