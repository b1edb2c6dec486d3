//! The table codec: columns to integers, and those by whichever way is the shortest: alone, given other columns, or as
//! a function of them (format.md, section 6).

pub mod choose;
pub mod column;
pub mod describe;
pub mod function;
pub mod integers;
pub mod mix;
pub mod net;
pub mod numeric;
pub mod texts;

use super::bytes::{Reader, put_bytes};
use super::candidate::Candidate;
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::Target;
use crate::model::any::AnyDecoder;
use crate::model::table::TableModel;
use crate::model::table::alphabet::Scale;
use column::Mapped;
use integers::Way;
use mix::On;
use mix::context::{Given, labels, sixteenths};
use net::Known;
use std::collections::BTreeMap;

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

    fn given(&mut self, on: &On) -> Given<'_> {
        for &p in &on.parents {
            self.sixteenths(p);
        }
        let known: &Columns = self;
        let parent = |&p: &usize| (&known.integers[p][..], known.sixteenths[p].as_deref().unwrap_or(&[]));
        let together: Vec<&[i64]> = on.labels.iter().map(|&c| &known.integers[c][..]).collect();
        Given {
            parents: on.parents.iter().map(parent).collect(),
            labels: labels(&together),
            inputs: on.inputs.iter().map(|&c| &known.integers[c][..]).collect(),
        }
    }
}

/// Codes the columns of a chunk of rows, each as its target says; returns the decoded columns too. A model of tables
/// codes those that are smaller through it; where it would have other integers than are best without it, the chunk
/// is coded both ways.
pub fn encode(
    columns: &[Values],
    names: &[&str],
    targets: &[Target],
    candidate: Option<Candidate<&TableModel>>,
) -> Result<(Vec<u8>, Vec<Values>)> {
    let dtypes: Vec<DType> = columns.iter().map(Values::dtype).collect();
    let finely = |(v, &t): (&Values, &Target)| column::map_finely(v, t);
    let mapped: Vec<Mapped> = columns.iter().zip(targets).map(finely).collect();
    let Some(candidate) = candidate else { return finish(&mapped, &dtypes, code(&mapped)) };
    let on_model = |c: usize| match candidate.scale(names[c]) {
        None => mapped[c].clone(),
        Some(Scale::Linear(unit)) => column::map_by(&columns[c], targets[c], Some(unit)),
        Some(_) => column::map(&columns[c], targets[c]),
    };
    let modelled: Vec<Mapped> = (0..columns.len()).map(on_model).collect();
    let mut coded = code(&modelled);
    let on = coded.iter().map(|c| on_of(c, names.len())).collect::<Result<_>>()?;
    net::chunk::improve(candidate, names, &dtypes, &modelled, on, &mut coded)?;
    let best = finish(&modelled, &dtypes, coded)?;
    if modelled.iter().zip(&mapped).all(|(a, b)| a.map == b.map) {
        return Ok(best);
    }
    let plain = finish(&mapped, &dtypes, code(&mapped))?;
    Ok(if plain.0.len() < best.0.len() { plain } else { best })
}

fn code(mapped: &[Mapped]) -> Vec<Vec<u8>> {
    choose::code(mapped.iter().map(|m| m.integers.clone()).collect())
}

/// The payload of coded columns, and the values that it stands for.
fn finish(mapped: &[Mapped], dtypes: &[DType], coded: Vec<Vec<u8>>) -> Result<(Vec<u8>, Vec<Values>)> {
    let mut out = vec![];
    let mut decoded = vec![];
    let mut text = column::MOST_TEXT;
    for ((mapped, coded), &dtype) in mapped.iter().zip(coded).zip(dtypes) {
        let mut section = vec![];
        column::write_map(&mut section, mapped);
        section.extend(coded);
        put_bytes(&mut out, &section);
        decoded.push(column::unmap(mapped, dtype, &mut text)?);
    }
    Ok((out, decoded))
}

/// The columns that coded integers are conditioned on.
fn on_of(coded: &[u8], columns: usize) -> Result<Vec<usize>> {
    match coded.first() {
        Some(&tag) if tag == Way::Mix as u8 || tag == Way::Function as u8 => {
            read_on(&mut Reader::new(&coded[1..]), columns)
        }
        _ => Ok(vec![]),
    }
}

fn read_on(r: &mut Reader, columns: usize) -> Result<Vec<usize>> {
    let n = r.count(mix::MOST_GIVEN, "number of columns that another is conditioned on")?;
    (0..n).map(|_| r.count(columns - 1, "number of a column")).collect()
}

/// How the integers of a column are conditioned on others'.
enum Company {
    Mix,
    Function,
    /// The archive's number of the model, and the column's in it.
    Net(usize, usize),
}

/// A column's section as far as it can be read alone.
struct Section<'a> {
    mapped: Mapped,
    /// The way of its integers and the columns they are conditioned on; `None` where they are coded alone.
    given: Option<(Company, Vec<usize>)>,
    rest: Reader<'a>,
}

impl<'a> Section<'a> {
    fn read<'m>(
        mut r: Reader<'a>,
        rows: usize,
        names: &[&str],
        column: usize,
        room: &mut usize,
        model: &impl Fn(usize) -> Result<&'m AnyDecoder>,
    ) -> Result<Section<'a>> {
        let mapped = column::read_map(&mut r, rows, room)?;
        let mut rest = r.clone();
        let tag = if rows > 0 { Some(r.u8("way of integers")?) } else { None };
        let given = match tag {
            Some(t) if t == Way::Mix as u8 => Some((Company::Mix, read_on(&mut r, names.len())?)),
            Some(t) if t == Way::Function as u8 => Some((Company::Function, read_on(&mut r, names.len())?)),
            Some(t) if t == Way::Net as u8 => {
                let (archive, number, on) = net::chunk::read_needs(&mut r, names, column, model)?;
                Some((Company::Net(archive, number), on))
            }
            _ => None,
        };
        if given.is_some() {
            rest = r;
        }
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

/// The inverse of [`encode`], for `rows` rows of columns of `dtypes`; `model` finds an archive's models by number.
pub fn decode<'m>(
    payload: &[u8],
    rows: usize,
    names: &[&str],
    dtypes: &[DType],
    model: impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<Vec<Values>> {
    let columns = decode_some(payload, rows, names, dtypes, &vec![true; dtypes.len()], model)?;
    Ok(columns.into_iter().flatten().collect())
}

/// Decodes the `wanted` columns, and of the others only what these are conditioned on.
pub fn decode_some<'m>(
    payload: &[u8],
    rows: usize,
    names: &[&str],
    dtypes: &[DType],
    wanted: &[bool],
    model: impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<Vec<Option<Values>>> {
    let mut r = Reader::new(payload);
    let at = |c: usize| move |e: Error| e.at(format!("column {c}"));
    let mut room = column::MOST_TEXT;
    let mut sections = (0..dtypes.len())
        .map(|c| {
            Section::read(Reader::new(r.bytes("column")?), rows, names, c, &mut room, &model).map_err(at(c))
        })
        .collect::<Result<Vec<_>>>()?;
    r.finish("the columns")?;
    let mut columns = Columns::new(vec![vec![]; dtypes.len()]);
    let mut known: BTreeMap<usize, Known> = BTreeMap::new();
    for c in order(&sections, wanted)? {
        let section = &sections[c];
        let rest = section.rest.clone();
        columns.integers[c] = match &section.given {
            None => integers::read(rest, rows),
            Some((Company::Mix, on)) => mix::read(rest, rows, on, &mut columns),
            Some((Company::Function, on)) => function::read(rest, rows, on, &columns),
            Some((Company::Net(archive, number), _)) => {
                let model = model(*archive)?.table()?;
                let known = known.entry(*archive).or_insert_with(|| Known::new(model, rows));
                let scale = |c: usize| Scale::of(&sections[c].mapped.map, dtypes[c]);
                for n in known.needs(*number) {
                    if known.symbols(n).is_none() {
                        let place = net::chunk::place(model, n, names);
                        let integers = place.map_or(&[][..], |c| columns.integers(c));
                        known.put(n, place.and_then(scale), integers);
                    }
                }
                let scale = scale(c).ok_or_else(|| Error::corrupt("texts by a net"));
                scale.and_then(|scale| net::decode(known, *number, scale, rest))
            }
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

#[cfg(test)]
mod tests;
