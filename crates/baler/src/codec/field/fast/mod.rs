//! The fast walk: nothing that is decoded waits for what has just been reconstructed (format.md, section 5.5).
//!
//! Indices are entropy coded apart from the prediction, with static tables in classes that the row above and the
//! plane before tell; reconstruction follows, eight rows at a time.

mod magnitude;
mod rans;
pub mod table;
mod taps;
#[cfg(test)]
mod tests;
mod token;
pub mod vectors;
mod wave;

use super::coding::{Signal, Task};
use super::dispatch::{fast_read, fast_write, fit_taps};
use super::domain::{Domain, Index, LANES};
use super::taps::Sampling;
use crate::codec::bytes::{Reader, put_bytes};
use crate::error::{Error, Result};
use magnitude::Magnitudes;
use rans::{DecodingTables, SYMBOLS, Symbol};
use table::{Counts, Tables};
use token::{DIRECT, ESCAPE, RawReader, RawWriter};
use vectors::{PLACES, Vectors};
use wave::{EXACT, PAD, PASSED, Wave};

/// Fewer values are better served by adaptive contexts, which need no tables.
const LEAST: usize = 1 << 13;
/// Values that weights are fitted to: fewer than the plain walk's, for there are half as many weights and less time to
/// spend, and a quarter of a small chunk's.
fn sampling(values: usize) -> Sampling {
    Sampling { enough: 8192, sparse: 16, few: (values / 4).clamp(1, 8192) }
}

/// Shorter rows would be mostly padding; a single row has nothing above to tell its classes.
fn possible([nz, ny, nx]: [usize; 3]) -> bool {
    nz * ny > 1 && nx >= PAD
}

/// Whether a chunk of `dims` is worth tables.
pub fn serves(dims: [usize; 3]) -> bool {
    possible(dims) && dims.iter().product::<usize>() >= LEAST
}

/// Appends the walk over `values`, which become the reconstructions.
pub fn write<D: Domain>(out: &mut Vec<u8>, task: Task<D>, values: &mut [D::Value]) {
    let Task { domain, signal, special, portable } = task;
    let dims = signal.dims;
    let weights =
        fit_taps(Signal { sampling: sampling(values.len()), ..signal }, &taps::taps(dims), portable);
    weights.iter().for_each(|w| out.extend_from_slice(&w.to_le_bytes()));
    fast_write(out, Chunk { domain, dims, weights: &weights, special, values }, portable);
}

/// The inverse of [`write()`].
pub fn read<D: Domain>(
    mut r: Reader,
    domain: D,
    dims: [usize; 3],
    special: &[u8],
    values: &mut [D::Value],
    portable: bool,
) -> Result<()> {
    if !possible(dims) {
        return Err(Error::corrupt(format!(
            "the fast walk over {} x {} rows of {}",
            dims[0], dims[1], dims[2]
        )));
    }
    let count = taps::taps(dims).len();
    let weights = (0..count).map(|_| r.i16("weight")).collect::<Result<Vec<_>>>()?;
    let tables = Tables::read(&mut r)?;
    let tokens = r.bytes("tokens")?;
    let raw = r.rest();
    fast_read(Chunk { domain, dims, weights: &weights, special, values }, &tables, tokens, raw, portable);
    Ok(())
}

/// A chunk to be coded or decoded.
pub struct Chunk<'a, D: Domain> {
    /// How values become indices.
    pub domain: D,
    /// Planes, rows, columns.
    pub dims: [usize; 3],
    /// A weight for each tap.
    pub weights: &'a [i16],
    /// Places to be passed over; empty where there are none.
    pub special: &'a [u8],
    /// Originals become reconstructions.
    pub values: &'a mut [D::Value],
}

/// The places of a row that are not passed over, one behind the other.
#[inline(always)]
fn close_up<T: Copy>(out: &mut Vec<T>, row: &[T], kinds: &[u8]) {
    out.resize(row.len(), row[0]);
    let mut count = 0;
    for (&x, &kind) in row.iter().zip(kinds) {
        out[count] = x;
        count += (kind != PASSED) as usize;
        // (Never beyond the last, where `out` is full.)
        if count == out.len() {
            break;
        }
    }
    out.truncate(count);
}

/// The inverse of [`close_up`]: `some` in the places of a row that are not passed over, 0 in the others.
#[inline(always)]
fn open_up<I: Index>(row: &mut [I], some: &[I], kinds: &[u8]) {
    let mut at = 0;
    for (x, &kind) in row.iter_mut().zip(kinds) {
        let mask = if kind == PASSED { I::default() } else { I::ONES };
        // (Behind the last one only places that are passed over.)
        *x = some[at.min(some.len() - 1)].kept(mask);
        at += (kind != PASSED) as usize;
    }
}

/// Predicts, quantises and codes all values: first everything but the tokens, which wait for their tables.
#[inline(always)]
pub fn encode<D: Domain>(vectors: impl Vectors, out: &mut Vec<u8>, chunk: Chunk<D>) {
    let Chunk { domain, dims, weights, special, values } = chunk;
    let [nz, ny, nx] = dims;
    let mut wave = Wave::new(vectors, domain, dims, weights);
    let mut magnitudes = Magnitudes::new(dims);
    let mut classes = vec![0u8; nx.next_multiple_of(16)];
    let (mut some_classes, mut some_indices) = (vec![], vec![]);
    let mut symbols = vec![Symbol::default(); values.len()];
    let mut coded = 0;
    let mut lengths = Vec::with_capacity(nz * ny);
    let mut raw = RawWriter::default();
    // Two, so that a token that follows its like need not wait for its count.
    let mut counts = Box::new([[0u32; 2]; SYMBOLS]);
    for z in 0..nz {
        wave.open_plane(z);
        for y in (0..ny).step_by(LANES) {
            wave.open_group(z, y, special);
            wave.group::<true>(z, y, values);
            for lane in 0..LANES.min(ny - y) {
                magnitudes.classes(z, y + lane, nx, &mut classes);
                let indices = &wave.indices[lane][PAD..PAD + nx];
                let kinds = &wave.kinds[lane][PAD..PAD + nx];
                let symbols = &mut symbols[coded..coded + nx];
                let count = if wave.odd {
                    let values = &values[(z * ny + y + lane) * nx..];
                    split_odd::<D>(symbols, &classes, indices, kinds, values, &mut raw)
                } else {
                    let (mut classes, mut indices) = (&classes[..nx], indices);
                    if wave.passed[lane] > 0 {
                        close_up(&mut some_classes, classes, kinds);
                        close_up(&mut some_indices, indices, kinds);
                        (classes, indices) = (&some_classes, &some_indices);
                    }
                    let symbols = symbols[..indices.len()].chunks_mut(PART);
                    let parts = symbols.zip(classes.chunks(PART)).zip(indices.chunks(PART));
                    for ((symbols, classes), indices) in parts {
                        split_regular::<D>(vectors, symbols, classes, indices, &mut raw);
                    }
                    indices.len()
                };
                for (i, s) in symbols[..count].iter().enumerate() {
                    counts[s.number()][i % 2] += 1;
                }
                coded += count;
                lengths.push(count as u32);
                magnitudes.note(z, y + lane, indices, wave.odd.then_some(kinds));
            }
        }
        wave.close_plane(z);
    }
    let counts: Counts = std::array::from_fn(|class| {
        std::array::from_fn(|token| counts[Symbol::new(class as u8, token as u8).number()].iter().sum())
    });
    let tables = Tables::fit(&counts);
    tables.write(out);
    put_bytes(out, &rans::encode(&symbols[..coded], &lengths, &tables));
    out.extend_from_slice(&raw.finish());
}

/// Of so many indices of a row it is asked together whether they have raw bits.
const PART: usize = 32;

/// The symbols of regular places. Where every index is a token and raw bits, which is the bulk, in vectors.
#[inline(always)]
fn split_regular<D: Domain>(
    vectors: impl Vectors,
    symbols: &mut [Symbol],
    classes: &[u8],
    indices: &[D::Index],
    raw: &mut RawWriter,
) {
    let class = classes.iter().fold(0, |most, &c| most.max(c));
    let magnitude = indices.iter().fold(0, |most, index| most.max(index.magnitude()));
    if class <= token::MOST_WHOLE && (magnitude as u64) < DIRECT / 2 {
        for ((symbol, &class), index) in symbols.iter_mut().zip(classes).zip(indices) {
            *symbol = Symbol::new(class, token::zigzag(index.to_i64()) as u8);
        }
        return;
    }
    let (indices, last_indices) = indices.as_chunks::<PLACES>();
    let (classes, last_classes) = classes.as_chunks::<PLACES>();
    let (symbols, last_symbols) = symbols.as_chunks_mut::<PLACES>();
    for ((symbols, classes), indices) in symbols.iter_mut().zip(classes).zip(indices) {
        let mut folded = [0; PLACES];
        for i in 0..PLACES {
            folded[i] = indices[i].folded();
        }
        match vectors.split(&folded, classes, raw) {
            Some(tokens) => {
                for i in 0..PLACES {
                    symbols[i] = Symbol::new(classes[i], tokens[i]);
                }
            }
            None => split_each(symbols, classes, indices, raw),
        }
    }
    split_each(last_symbols, last_classes, last_indices, raw);
}

/// The symbols of regular places, one by one.
#[inline(always)]
fn split_each<I: Index>(symbols: &mut [Symbol], classes: &[u8], indices: &[I], raw: &mut RawWriter) {
    for ((symbol, &class), index) in symbols.iter_mut().zip(classes).zip(indices) {
        *symbol = Symbol::new(class, token::split(index.to_i64(), class, raw));
    }
}

/// The inverse of [`split_regular`], for tokens below [`DIRECT`].
#[inline(always)]
fn join_regular<D: Domain>(
    vectors: impl Vectors,
    indices: &mut [D::Index],
    classes: &[u8],
    tokens: &[u8],
    raw: &mut RawReader,
) {
    if classes.iter().fold(0, |most, &c| most.max(c)) <= token::MOST_WHOLE {
        for (index, &token) in indices.iter_mut().zip(tokens) {
            *index = D::Index::wrap(token::unzigzag(token as u64));
        }
        return;
    }
    let (indices, last_indices) = indices.as_chunks_mut::<PLACES>();
    let (classes, last_classes) = classes.as_chunks::<PLACES>();
    let (tokens, last_tokens) = tokens.as_chunks::<PLACES>();
    for ((indices, classes), tokens) in indices.iter_mut().zip(classes).zip(tokens) {
        let joined = vectors.join(tokens, classes, raw);
        for i in 0..PLACES {
            indices[i] = D::Index::wrap(joined[i] as i64);
        }
    }
    for ((index, &token), &class) in last_indices.iter_mut().zip(last_tokens).zip(last_classes) {
        *index = D::Index::wrap(token::join_direct(token, class, raw));
    }
}

/// The symbols of a row in which not all places are regular; returns how many there are.
fn split_odd<D: Domain>(
    symbols: &mut [Symbol],
    classes: &[u8],
    indices: &[D::Index],
    kinds: &[u8],
    values: &[D::Value],
    raw: &mut RawWriter,
) -> usize {
    let mut count = 0;
    for x in (0..indices.len()).filter(|&x| kinds[x] != PASSED) {
        let class = classes[x];
        let token = if kinds[x] == EXACT {
            let bits = D::to_bits(values[x]);
            raw.put(bits & 0xffff_ffff, 32);
            raw.put(bits >> 32, D::BITS - 32);
            ESCAPE
        } else {
            token::split(indices[x].to_i64(), class, raw)
        };
        symbols[count] = Symbol::new(class, token);
        count += 1;
    }
    count
}

/// The inverse of [`encode`].
#[inline(always)]
pub fn decode<D: Domain>(vectors: impl Vectors, chunk: Chunk<D>, tables: &Tables, tokens: &[u8], raw: &[u8]) {
    let Chunk { domain, dims, weights, special, values } = chunk;
    let [nz, ny, nx] = dims;
    let tables = DecodingTables::new(tables);
    let mut coder = rans::Decoder::new(tokens);
    let mut raw = RawReader::new(raw);
    let mut wave = Wave::new(vectors, domain, dims, weights);
    let mut magnitudes = Magnitudes::new(dims);
    let mut classes = vec![0u8; nx.next_multiple_of(16)];
    let mut tokens = vec![0u8; nx];
    let (mut some_classes, mut some_indices) = (vec![], vec![D::Index::default(); nx]);
    for z in 0..nz {
        wave.open_plane(z);
        for y in (0..ny).step_by(LANES) {
            wave.open_group(z, y, special);
            for lane in 0..LANES.min(ny - y) {
                magnitudes.classes(z, y + lane, nx, &mut classes);
                let indices = &mut wave.indices[lane][PAD..PAD + nx];
                let kinds = &mut wave.kinds[lane][PAD..PAD + nx];
                let passing = wave.passed[lane] > 0;
                let mut classes = &classes[..nx];
                if passing {
                    close_up(&mut some_classes, classes, kinds);
                    classes = &some_classes;
                }
                let tokens = &mut tokens[..classes.len()];
                coder.row(&tables, classes, tokens);
                let most = tokens.iter().fold(0, |a, &t| a.max(t));
                if most < token::DIRECT as u8 {
                    // The bulk of rows.
                    let to = if passing { &mut some_indices[..classes.len()] } else { &mut indices[..] };
                    let parts = to.chunks_mut(PART).zip(classes.chunks(PART)).zip(tokens.chunks(PART));
                    for ((indices, classes), tokens) in parts {
                        join_regular::<D>(vectors, indices, classes, tokens, &mut raw);
                    }
                    if passing {
                        open_up(indices, &some_indices, kinds);
                    }
                } else {
                    let values = &mut values[(z * ny + y + lane) * nx..];
                    wave.odd |= join_odd::<D>(indices, tokens, classes, kinds, values, &mut raw);
                }
                magnitudes.note(z, y + lane, indices, wave.odd.then_some(kinds));
            }
            wave.group::<false>(z, y, values);
        }
        wave.close_plane(z);
    }
}

/// The inverse of [`split_odd`]: indices, and the values coded exactly; whether there are any.
fn join_odd<D: Domain>(
    indices: &mut [D::Index],
    tokens: &[u8],
    classes: &[u8],
    kinds: &mut [u8],
    values: &mut [D::Value],
    raw: &mut RawReader,
) -> bool {
    let mut coded = tokens.iter().zip(classes);
    let mut any = false;
    for x in 0..indices.len() {
        indices[x] = D::Index::default();
        if kinds[x] == PASSED {
            continue;
        }
        let Some((&token, &class)) = coded.next() else { return any };
        if token == ESCAPE {
            values[x] = D::from_bits(raw.take(32) | raw.take(D::BITS - 32) << 32);
            kinds[x] = EXACT;
            any = true;
        } else {
            indices[x] = D::Index::wrap(token::join(token, class, raw));
        }
    }
    any
}
