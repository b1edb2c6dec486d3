//! What a chunk's bytes are spent on, told by the headers of its columns.

use super::integers::Way;
use super::{column, mix, net, read_on};
use crate::codec::bytes::Reader;
use crate::error::{Error, ErrorKind, Result};
use crate::model::any::AnyDecoder;

/// How a column of a chunk is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coding {
    /// On its own.
    Plain,
    /// Given other columns, by mixed contexts ([`super::mix`]).
    Mix,
    /// Likewise, and foreseen from them by a small network of the chunk's own ([`super::mix::network`]).
    Law,
    /// By a trained model ([`super::net`]).
    Net,
    /// As a function of other columns ([`super::function`]).
    Function,
}

impl Coding {
    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Plain => "plain",
            Coding::Mix => "mix",
            Coding::Law => "law",
            Coding::Net => "net",
            Coding::Function => "function",
        }
    }
}

/// A column's part of a chunk.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// What it takes, its length included.
    pub bytes: usize,
    /// How.
    pub coding: Coding,
    /// The columns that it is coded given, each once and those that tell the most first; none where they are a model's that is not at hand.
    pub on: Vec<usize>,
}

/// Tells of the columns of a chunk of `rows` rows, of which no integers are decoded.
pub fn describe<'m>(
    payload: &[u8],
    rows: usize,
    names: &[&str],
    model: impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<Vec<Part>> {
    let mut r = Reader::new(payload);
    let mut parts = vec![];
    for c in 0..names.len() {
        let begin = r.position();
        let section = Reader::new(r.bytes("column")?);
        let bytes = r.position() - begin;
        let part = coding(section, rows, names, c, &model).map_err(|e| e.at(format!("column {c}")));
        let (coding, all) = part?;
        let mut on = vec![];
        for c in all {
            if !on.contains(&c) {
                on.push(c);
            }
        }
        parts.push(Part { bytes, coding, on });
    }
    r.finish("the columns")?;
    Ok(parts)
}

fn coding<'m>(
    mut r: Reader,
    rows: usize,
    names: &[&str],
    column: usize,
    model: &impl Fn(usize) -> Result<&'m AnyDecoder>,
) -> Result<(Coding, Vec<usize>)> {
    column::read_map(&mut r, rows, &mut { column::MOST_TEXT })?;
    if rows == 0 {
        return Ok((Coding::Plain, vec![]));
    }
    let absent = |e: Error| if e.kind() == ErrorKind::MissingModel { Ok(vec![]) } else { Err(e) };
    Ok(match r.u8("way of integers")? {
        t if t == Way::Mix as u8 => {
            let mut on = read_on(&mut r, names.len())?;
            let parents = r.u8("number of parents")? as usize;
            if r.u8("kind of leaves")? != mix::kind::NETWORK {
                return Ok((Coding::Mix, on));
            }
            r.u8("levels")?;
            let others = (parents + r.u8("number of labels")? as usize).min(on.len());
            on.rotate_left(others);
            (Coding::Law, on)
        }
        t if t == Way::Function as u8 => (Coding::Function, read_on(&mut r, names.len())?),
        t if t == Way::Net as u8 => {
            let needs = net::chunk::read_needs(&mut r, names, column, model).map(|n| n.2);
            (Coding::Net, needs.or_else(absent)?)
        }
        _ => (Coding::Plain, vec![]),
    })
}
