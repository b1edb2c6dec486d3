//! A model's part in a chunk of a table: which columns it codes, and what these need.

use super::{Known, encode};
use crate::codec::bytes::{Reader, put_varint};
use crate::codec::candidate::Candidate;
use crate::codec::table::column::Mapped;
use crate::codec::table::integers::Way;
use crate::data::DType;
use crate::error::{Error, Result};
use crate::model::any::AnyDecoder;
use crate::model::table::TableModel;
use crate::model::table::alphabet::Scale;

impl Candidate<&TableModel> {
    /// What an integer of a column means to the model, where it has the column.
    pub fn scale(&self, name: &str) -> Option<Scale> {
        self.model.columns().iter().find(|c| c.name == name).map(|c| c.alphabet.scale())
    }
}

/// The table's column that column `number` of a model is.
pub fn place(model: &TableModel, number: usize, names: &[&str]) -> Option<usize> {
    names.iter().position(|n| *n == model.columns()[number].name)
}

/// A column's code through the model, and the table's columns that it needs.
struct Through {
    column: usize,
    code: Vec<u8>,
    needs: Vec<usize>,
}

/// Replaces the codes of columns by those through the model where all take fewer bytes then. `on` says which columns those that
/// stay are conditioned on; no column ends up conditioned on itself.
pub fn improve(
    candidate: Candidate<&TableModel>,
    names: &[&str],
    dtypes: &[DType],
    mapped: &[Mapped],
    on: Vec<Vec<usize>>,
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
    let mut nets = vec![];
    for (number, &place) in places.iter().enumerate() {
        let Some((column, scale)) = place.and_then(|c| Some((c, scale(c)?))) else { continue };
        let mut code = vec![Way::Net as u8];
        put_varint(&mut code, candidate.number as u64);
        let Some(net) = encode(&mut known, number, scale, &mapped[column].integers)? else { continue };
        code.extend(net);
        let needs = known.needs(number).into_iter().filter_map(|n| places[n]).collect();
        nets.push(Through { column, code, needs });
    }
    for t in chosen(nets, on, coded) {
        coded[t.column] = t.code;
    }
    Ok(())
}

/// Of the columns that a model can code those that it had better code. What looks at others one way may close circles with what
/// looks at others another way, and nobody may look for the best choice among all: from none through the model, and from all,
/// columns change over, what saves most first, where no circle closes; the better of the two ends is taken.
fn chosen(nets: Vec<Through>, on: Vec<Vec<usize>>, coded: &[Vec<u8>]) -> Vec<Through> {
    let saves = |t: &Through| coded[t.column].len() as i64 - t.code.len() as i64;
    // By index into `nets`; what changing over from `through` saves is the sign's way.
    let settle = |through: bool| {
        let mut now = on.clone();
        if through {
            nets.iter().for_each(|t| now[t.column].clone_from(&t.needs));
        }
        if circular(&now) {
            return None;
        }
        let sign = if through { -1 } else { 1 };
        let mut better: Vec<usize> = (0..nets.len()).filter(|&i| sign * saves(&nets[i]) > 0).collect();
        better.sort_by_key(|&i| (-sign * saves(&nets[i]), nets[i].column));
        let mut taken = vec![through; nets.len()];
        for i in better {
            let c = nets[i].column;
            let looks_at = if through { &on[c] } else { &nets[i].needs };
            if !reaches(&now, looks_at, c) {
                now[c].clone_from(looks_at);
                taken[i] = !through;
            }
        }
        let saved: i64 = nets.iter().zip(&taken).filter(|t| *t.1).map(|t| saves(t.0)).sum();
        Some((saved, taken))
    };
    let ends = [false, true].into_iter().filter_map(settle);
    let Some((_, taken)) = ends.reduce(|a, b| if b.0 > a.0 { b } else { a }) else { return vec![] };
    nets.into_iter().zip(taken).filter(|t| t.1).map(|t| t.0).collect()
}

/// Whether any column is conditioned on itself: whether some are left when those are taken out that no other looks at, again and
/// again (Kahn, "Topological sorting of large networks", 1962).
fn circular(on: &[Vec<usize>]) -> bool {
    let mut looked_at = vec![0; on.len()];
    on.iter().flatten().for_each(|&c| looked_at[c] += 1);
    let mut free: Vec<usize> = (0..on.len()).filter(|&c| looked_at[c] == 0).collect();
    let mut left = on.len();
    while let Some(c) = free.pop() {
        left -= 1;
        for &source in &on[c] {
            looked_at[source] -= 1;
            if looked_at[source] == 0 {
                free.push(source);
            }
        }
    }
    left > 0
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes without the model and the columns that these look at; bytes through it, or none, and what it needs.
    type Case = (usize, &'static [usize], Option<usize>, &'static [usize]);

    fn taken(cases: &[Case]) -> Vec<usize> {
        let coded: Vec<Vec<u8>> = cases.iter().map(|c| vec![0; c.0]).collect();
        let on = cases.iter().map(|c| c.1.to_vec()).collect();
        let through = |(column, c): (usize, &Case)| {
            let code = vec![0; c.2?];
            Some(Through { column, code, needs: c.3.to_vec() })
        };
        let nets = cases.iter().enumerate().filter_map(through).collect();
        chosen(nets, on, &coded).iter().map(|t| t.column).collect()
    }

    #[test]
    fn circles_are_avoided_at_the_least_cost() {
        assert!(taken(&[]).is_empty());
        assert_eq!(taken(&[(9, &[], Some(8), &[]), (9, &[0], Some(10), &[0])]), [0]);
        // One by one only the last can go over; all together save more.
        let all =
            [(50, &[][..], Some(40), &[1, 2][..]), (50, &[0], Some(43), &[2]), (50, &[0, 1], Some(44), &[])];
        assert_eq!(taken(&all), [0, 1, 2]);
        // One saves more than the other loses, or as much.
        assert_eq!(taken(&[(50, &[], Some(30), &[1]), (50, &[0], Some(60), &[])]), [0, 1]);
        assert!(taken(&[(50, &[], Some(40), &[1]), (50, &[0], Some(60), &[])]).is_empty());
        // One without a network closes the circle of all the others.
        assert!(taken(&[(50, &[], Some(30), &[1]), (50, &[0], None, &[])]).is_empty());
    }

    #[test]
    fn circles_are_seen() {
        assert!(!circular(&[]) && !circular(&[vec![], vec![]]));
        assert!(!circular(&[vec![1, 1, 2], vec![2], vec![], vec![0]]));
        assert!(circular(&[vec![1], vec![2], vec![1], vec![]]));
        assert!(circular(&[vec![0]]));
    }
}
