//! A model's part in a chunk of a table: which columns it codes, and what these need.

use super::{Known, encode};
use crate::codec::bytes::{Reader, put_varint};
use crate::codec::table::column::Mapped;
use crate::codec::table::integers::Way;
use crate::data::DType;
use crate::error::{Error, Result};
use crate::model::any::AnyDecoder;
use crate::model::table::TableModel;
use crate::model::table::alphabet::Scale;

/// A model of tables to try, with its number in the archive.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// The model.
    pub model: &'a TableModel,
    /// Its number in the archive's header.
    pub number: usize,
}

impl Candidate<'_> {
    /// What an integer of a column means to the model, where it has the column.
    pub fn scale(&self, name: &str) -> Option<Scale> {
        self.model.columns().iter().find(|c| c.name == name).map(|c| c.alphabet.scale())
    }
}

/// The table's column that column `number` of a model is.
pub fn place(model: &TableModel, number: usize, names: &[&str]) -> Option<usize> {
    names.iter().position(|n| *n == model.columns()[number].name)
}

/// Replaces the codes of those columns that take fewer bytes through the model. `on` says which columns those that
/// stay are conditioned on; no column ends up conditioned on itself.
pub fn improve(
    candidate: Candidate,
    names: &[&str],
    dtypes: &[DType],
    mapped: &[Mapped],
    mut on: Vec<Vec<usize>>,
    coded: &mut [Vec<u8>],
) -> Result<()> {
    let rows = mapped.first().map_or(0, |m| m.integers.len());
    if rows == 0 {
        return Ok(());
    }
    let model = candidate.model;
    let places: Vec<Option<usize>> = (0..model.columns().len()).map(|n| place(model, n, names)).collect();
    let mut known = Known::new(model, rows);
    let scale = |c: usize| Scale::of(&mapped[c].map, dtypes[c]);
    for (number, &place) in places.iter().enumerate() {
        let integers = place.map_or(&[][..], |c| &mapped[c].integers);
        known.put(number, place.and_then(scale), integers);
    }
    let mut better = vec![];
    for (number, &place) in places.iter().enumerate() {
        let Some((c, scale)) = place.and_then(|c| Some((c, scale(c)?))) else { continue };
        let mut code = vec![Way::Net as u8];
        put_varint(&mut code, candidate.number as u64);
        let Some(net) = encode(&mut known, number, scale, &mapped[c].integers)? else { continue };
        code.extend(net);
        if code.len() < coded[c].len() {
            better.push((coded[c].len() - code.len(), number, c, code));
        }
    }
    // What saves most goes first: a later one that would close a circle stays as it is.
    better.sort_by(|a, b| b.0.cmp(&a.0).then(a.2.cmp(&b.2)));
    for (_, number, c, code) in better {
        let needs: Vec<usize> = known.needs(number).into_iter().filter_map(|n| places[n]).collect();
        if !reaches(&on, &needs, c) {
            on[c] = needs;
            coded[c] = code;
        }
    }
    Ok(())
}

/// Whether any of `from` is conditioned on `to`, be it through others, or is it.
fn reaches(on: &[Vec<usize>], from: &[usize], to: usize) -> bool {
    let mut seen = vec![false; on.len()];
    let mut open = from.to_vec();
    while let Some(c) = open.pop() {
        if c == to {
            return true;
        }
        if !std::mem::replace(&mut seen[c], true) {
            open.extend(&on[c]);
        }
    }
    false
}

/// A column that a model codes: the archive's number of the model, the column's in it, and the table's columns that
/// it needs. Reads the number of the model.
pub fn read_needs<'m>(
    r: &mut Reader,
    names: &[&str],
    column: usize,
    model: &impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<(usize, usize, Vec<usize>)> {
    let archive = r.count(u32::MAX as usize, "model number")?;
    let model = model(archive)?.table()?;
    let number = model.columns().iter().position(|c| c.name == names[column]);
    // Of two columns of one name the model's is the first.
    let number = number.filter(|_| names.iter().position(|n| *n == names[column]) == Some(column));
    let number = number.ok_or_else(|| Error::corrupt("a column that its model does not have"))?;
    let needs = model.columns()[number].net.as_ref().map_or(vec![], |n| n.needs(number));
    Ok((archive, number, needs.into_iter().filter_map(|n| place(model, n, names)).collect()))
}
