//! Columns by a trained model: way 7 of a column's integers (format.md, section 9).
//!
//! For each row a tiny integer network looks at what is known of the row and of its neighbours, and gives the
//! distribution of the column's symbol; 32 lanes of rows advance side by side.

pub mod chunk;
pub mod distribution;
mod first;
mod kernel;
mod lanes;
mod rans;
mod raw;
#[cfg(test)]
mod tests;

use super::integers;
use crate::codec::bytes::{Reader, put_bytes, put_varint};
use crate::error::{Error, Result};
use crate::model::kernel::Kernel as DenseKernel;
use crate::model::table::alphabet::{Alphabet, Scale};
use crate::model::table::net::{Head, MOST_SOURCES, Net};
use crate::model::table::{ColumnModel, TableModel};
use distribution::ONE;
use first::First;
use kernel::{Kernel, LANES, Lanes, Step};
use lanes::{Laned, Layout};
use rans::Script;
use raw::{Limit, RawReader, RawWriter};

/// The symbols of a chunk's columns as a model sees them, as far as they are known, by the model's numbers.
pub struct Known<'m> {
    model: &'m TableModel,
    rows: usize,
    symbols: Vec<Option<Vec<u16>>>,
    /// Of those that were looked at: as the lanes meet them.
    laned: Vec<Option<Laned>>,
}

impl<'m> Known<'m> {
    /// Nothing known of a chunk of `rows` rows.
    pub fn new(model: &'m TableModel, rows: usize) -> Known<'m> {
        let columns = model.columns().len();
        Known { model, rows, symbols: vec![None; columns], laned: vec![None; columns] }
    }

    /// Makes a column known. Its integers have `scale`; `None` for a column that the table has not or that has no
    /// scale: its symbols are all the escape.
    pub fn put(&mut self, number: usize, scale: Option<Scale>, integers: &[i64]) {
        let alphabet = &self.model.columns()[number].alphabet;
        let escape = (alphabet.symbols() - 1) as u16;
        let edges = scale.and_then(|s| alphabet.edges(s));
        self.symbols[number] = Some(match edges {
            Some(edges) => symbols_of(&edges, integers),
            None => vec![escape; self.rows],
        });
    }

    /// A column's symbols, where it is known.
    pub fn symbols(&self, number: usize) -> Option<&[u16]> {
        self.symbols[number].as_deref()
    }

    /// The columns that have to be known before column `number` can be coded, by the model's numbers.
    pub fn needs(&self, number: usize) -> Vec<usize> {
        self.model.columns()[number].net.as_ref().map_or(vec![], |n| n.needs(number))
    }

    fn of(&self, number: usize) -> Result<&[u16]> {
        self.symbols(number).ok_or_else(|| Error::invalid("a column that the model looks at is not known"))
    }

    /// Lays what column `number` needs in lanes.
    fn lay(&mut self, number: usize, layout: Layout) -> Result<()> {
        for c in self.needs(number) {
            if self.laned[c].as_ref().is_none_or(|l| l.layout() != layout) {
                let absent = self.model.columns()[c].alphabet.symbols() as u16;
                self.laned[c] = Some(Laned::known(layout, self.of(c)?, absent));
            }
        }
        Ok(())
    }
}

/// The symbol of each integer: the number of the bin that holds it, or of bins for those that none does.
fn symbols_of(edges: &[(i64, i64)], integers: &[i64]) -> Vec<u16> {
    let escape = edges.len() as u16;
    // Most columns span few integers: then a table finds the bin at once.
    let (low, high) = (edges[0].0, edges[edges.len() - 1].1);
    if high - low <= 4 * integers.len() as i64 {
        let mut table = vec![escape; (high - low) as usize];
        for (i, &(first, end)) in edges.iter().enumerate() {
            table[(first - low) as usize..(end - low) as usize].fill(i as u16);
        }
        let find = |&k: &i64| table.get(k.wrapping_sub(low) as usize).copied().unwrap_or(escape);
        return integers.iter().map(find).collect();
    }
    let find = |&k: &i64| {
        let i = edges.partition_point(|e| e.1 <= k);
        if edges.get(i).is_some_and(|e| e.0 <= k) { i as u16 } else { escape }
    };
    integers.iter().map(find).collect()
}

/// Codes the integers of column `number`, which has been put, given the columns that it needs; `None` where the model
/// has no net for it or no way to compare scales. The bytes go on after the way's own.
pub fn encode(known: &mut Known, number: usize, scale: Scale, integers: &[i64]) -> Result<Option<Vec<u8>>> {
    let log = Layout::log(known.rows);
    let Some(coded) = encode_in(known, number, scale, integers, log)? else { return Ok(None) };
    // Every lane takes some bytes of its own, which a column of few bytes should not bear; but each halving of the
    // lanes is twice the work, so that long chunks, to which those bytes are nothing, keep all of them.
    let least = if log == LANES.ilog2() { log } else { log.saturating_sub(2) };
    let fewer = (coded.len() / LANE_BYTES).max(1).ilog2().max(least);
    if fewer < log { encode_in(known, number, scale, integers, fewer) } else { Ok(Some(coded)) }
}

/// Of more than 2^16 rows there are at least 2^3 lanes: memory for all 32 is there in any case.
const LEAST_LOG: u32 = 3;
/// Bytes a lane that outweigh its own.
const LANE_BYTES: usize = 256;

fn encode_in(
    known: &mut Known,
    number: usize,
    scale: Scale,
    integers: &[i64],
    log: u32,
) -> Result<Option<Vec<u8>>> {
    let column = &known.model.columns()[number];
    let (Some(net), Some(edges)) = (&column.net, column.alphabet.edges(scale)) else { return Ok(None) };
    let layout = Layout::new(known.rows, log);
    known.lay(number, layout)?;
    let symbols = known.of(number)?;
    let own = Laned::known(layout, symbols, column.alphabet.symbols() as u16);
    let mut walk = Walk::new(known, number, column, net, layout)?;
    let mut script = Script::default();
    let mut wanted = Lanes::ZERO;
    for t in 0..layout.steps {
        let active = layout.active(t);
        let now = own.at(t, 0);
        wanted.0.iter_mut().zip(now).take(active).for_each(|(w, &s)| *w = s as i32);
        let (kernel, mixture) = (walk.kernel, walk.mixture);
        let found = kernel.look_up(mixture, &walk.step(t, active), &wanted);
        script.push(&found, active);
        walk.own.at_mut(t)[..active].copy_from_slice(&now[..active]);
    }
    let (states, words) = script.encode(layout.lanes);

    let mut out = vec![log as u8];
    let escape = edges.len() as u16;
    let escaped: Vec<i64> =
        integers.iter().zip(symbols).filter(|(_, s)| **s == escape).map(|(&k, _)| k).collect();
    let mut section = vec![];
    integers::write(&mut section, &escaped);
    put_bytes(&mut out, &section);
    states.iter().for_each(|&s| put_varint(&mut out, (s - ONE) as u64));
    put_varint(&mut out, words.len() as u64);
    words.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    let mut raw = RawWriter::default();
    for (&k, &s) in integers.iter().zip(symbols) {
        if let Some(&(first, end)) = edges.get(s as usize) {
            raw.put_below((k - first) as u64, Limit::new((end - first) as u64));
        }
    }
    out.extend(raw.finish());
    Ok(Some(out))
}

/// The inverse of [`encode`]; `known` holds the columns that it needs, and the column itself afterwards.
pub fn decode(known: &mut Known, number: usize, scale: Scale, mut r: Reader) -> Result<Vec<i64>> {
    let column = &known.model.columns()[number];
    let net = column.net.as_ref();
    let net = net.ok_or_else(|| Error::corrupt(format!("the model has no net for '{}'", column.name)))?;
    let edges = column.alphabet.edges(scale);
    let edges = edges.ok_or_else(|| Error::corrupt("a column on another scale than the model's"))?;
    let log = r.u8("lanes")? as u32;
    if log > LANES.ilog2() || known.rows > 1 << 16 && log < LEAST_LOG {
        return Err(Error::unsupported(format!(
            "2^{log} lanes for {} rows are of a later version",
            known.rows
        )));
    }
    let layout = Layout::new(known.rows, log);
    let escaped = r.bytes("escapes")?;
    let mut states = Lanes::ZERO;
    for s in 0..layout.lanes {
        states.0[s] = (r.count((u32::MAX - ONE) as usize, "state")? as u32 + ONE) as i32;
    }
    let count = r.count(r.remaining() / 2, "number of words")?;
    let words: Vec<u16> =
        r.take(2 * count, "words")?.chunks_exact(2).map(|w| u16::from_le_bytes([w[0], w[1]])).collect();
    known.lay(number, layout)?;
    let mut walk = Walk::new(known, number, column, net, layout)?;
    let mut at = 0;
    for t in 0..layout.steps {
        let active = layout.active(t);
        let (kernel, mixture) = (walk.kernel, walk.mixture);
        let place = Lanes(states.0.map(|x| x & 0xffff));
        let found = kernel.find(mixture, &walk.step(t, active), &place);
        kernel.advance(&mut states, &found, active, &words, &mut at);
        let own = walk.own.at_mut(t);
        own.iter_mut().zip(&found.symbol.0).take(active).for_each(|(o, &s)| *o = s as u16);
    }
    let symbols = walk.own.rows();

    let escape = edges.len() as u16;
    let escapes = symbols.iter().filter(|&&s| s >= escape).count();
    let escaped = integers::read(Reader::new(escaped), escapes).map_err(|e| e.at("escapes"))?;
    let mut escaped = escaped.into_iter();
    let mut raw = RawReader::new(r.rest());
    let bins: Vec<(i64, Limit)> = edges.iter().map(|&(a, b)| (a, Limit::new((b - a) as u64))).collect();
    let value = |&s: &u16| match bins.get(s as usize) {
        Some(&(first, limit)) => first + raw.below(limit) as i64,
        None => escaped.next().expect("one an escape"),
    };
    let integers = symbols.iter().map(value).collect();
    known.symbols[number] = Some(symbols);
    Ok(integers)
}

/// A column on its way through the rows.
struct Walk<'k> {
    net: &'k Net,
    mixture: bool,
    kernel: Kernel,
    dense: DenseKernel,
    /// Of each source: its symbols, none of the column itself, and how many rows back.
    sources: Vec<(Option<&'k Laned>, i8)>,
    first: First,
    given: Option<&'k Laned>,
    own: Laned,
    symbols: usize,
    edges: Vec<i32>,
    /// The score of each symbol's middle.
    middles: Vec<i32>,
    hidden: [Vec<Lanes>; 2],
    outputs: Vec<Lanes>,
    before: Lanes,
    score: Lanes,
    class: Lanes,
}

impl<'k> Walk<'k> {
    fn new(
        known: &'k Known,
        number: usize,
        column: &'k ColumnModel,
        net: &'k Net,
        layout: Layout,
    ) -> Result<Walk<'k>> {
        let alphabet = |c: usize| &known.model.columns()[c].alphabet;
        let laned = |c: usize| {
            let laid = known.laned[c].as_ref();
            laid.ok_or_else(|| Error::invalid("a column that the model looks at is not laid in lanes"))
        };
        let mut sources = vec![];
        for s in &net.sources {
            let other = if s.column == number { None } else { Some(laned(s.column)?) };
            sources.push((other, s.lag));
        }
        let alphabets = net.sources.iter().zip(&sources).map(|(s, known)| (alphabet(s.column), known.0));
        let first = First::new(&net.layers[0], &alphabets.collect::<Vec<_>>());
        let symbols = column.alphabet.symbols();
        let (mixture, given, edges) = match &net.head {
            Head::Classes => (false, None, vec![]),
            Head::Mixture(h) => {
                (true, h.given.map(laned).transpose()?, edges_of(&column.alphabet, &h.masses))
            }
        };
        let scores = column.alphabet.scores();
        let mut middles: Vec<i32> = scores.windows(2).map(|w| (w[0] as i32 + w[1] as i32) >> 1).collect();
        middles.extend([0, 0]); // of the escape, and of what is not there
        Ok(Walk {
            net,
            mixture,
            kernel: Kernel::best(),
            dense: DenseKernel::best(),
            sources,
            given,
            own: Laned::absent(layout, symbols as u16),
            symbols,
            edges,
            middles,
            hidden: [first.lanes_out(), net.layers[1].lanes_out()].map(|n| vec![Lanes::ZERO; n]),
            first,
            outputs: vec![Lanes::ZERO; net.layers[2].lanes_out()],
            before: Lanes::ZERO,
            score: Lanes::ZERO,
            class: Lanes::ZERO,
        })
    }

    /// The distributions of a step, all of whose rows before are known.
    fn step(&mut self, t: usize, active: usize) -> Step<'_> {
        let mut symbols = [self.own.at(t, 1); MOST_SOURCES];
        for (now, (other, lag)) in symbols.iter_mut().zip(&self.sources) {
            *now = other.unwrap_or(&self.own).at(t, *lag);
        }
        let [first, second] = &mut self.hidden;
        self.kernel.first(&self.first, &symbols[..self.sources.len()], active, first);
        self.dense.run_first(&self.net.layers[1], first, second, active);
        self.dense.run_first(&self.net.layers[2], second, &mut self.outputs, active);
        // Of lanes that have no row any more, it is any: the symbol before, or one that is not there.
        let (absent, middles) = (self.symbols as u16, &self.middles[..]);
        let before = self.own.at(t, 1);
        for (to, &b) in self.before.0.iter_mut().zip(before) {
            *to = if b == absent { -1 } else { b as i32 };
        }
        for (to, &b) in self.score.0.iter_mut().zip(before) {
            *to = middles.get(b as usize).copied().unwrap_or(0); // (always there; a panic would slow the loop)
        }
        if let Some(given) = &self.given {
            let (last, symbols) = ((self.edges.len() / self.symbols - 1) as u16, self.symbols as i32);
            for (to, &g) in self.class.0.iter_mut().zip(given.at(t, 0)) {
                *to = g.min(last) as i32 * symbols;
            }
        }
        Step {
            outputs: &self.outputs,
            before: &self.before,
            score: &self.score,
            class: &self.class,
            edges: &self.edges,
            symbols: self.symbols as i32,
            active,
        }
    }
}

/// Score and share of the histogram below, of each symbol of each class.
fn edges_of(alphabet: &Alphabet, masses: &[u32]) -> Vec<i32> {
    let bins = alphabet.bins().len();
    let mut edges = Vec::with_capacity(masses.len() / bins * (bins + 1));
    for masses in masses.chunks(bins) {
        let total: u64 = masses.iter().map(|&m| m as u64).sum();
        let mut below = 0u64;
        for (&score, &mass) in alphabet.scores().iter().zip(masses) {
            edges.push((score as i32) << 16 | (below * 65535).checked_div(total).unwrap_or(0) as i32);
            below += mass as u64;
        }
        edges.push(32767 << 16 | (below * 65535).checked_div(total).unwrap_or(0) as i32);
    }
    edges
}
