//! A model of tables as an archive carries it (format.md, section 9): the same model gives the same bytes.

use super::alphabet::{Alphabet, Bin, MOST_SYMBOLS, Scale};
use super::net::{Head, Histogram, MIXTURE_OUTPUTS, MOST_HIDDEN, MOST_SOURCES, Net, Source};
use super::{ColumnModel, MOST_COLUMNS, TableModel};
use crate::codec::bytes::{Reader, put_bytes, put_varint, put_zigzag};
use crate::data::DType;
use crate::error::{Error, Result};
use crate::model::frozen::{FrozenDense, Requantise};

/// The layout's number; 1 is that of autoencoders.
pub const LAYOUT: u8 = 2;

impl TableModel {
    /// The compact form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![LAYOUT];
        put_varint(&mut out, self.columns.len() as u64);
        for c in &self.columns {
            put_bytes(&mut out, c.name.as_bytes());
            write_alphabet(&mut out, &c.alphabet);
            match &c.net {
                None => out.push(0),
                Some(net) => write_net(&mut out, net, c.alphabet.bins().len()),
            }
        }
        out
    }

    /// The inverse of [`TableModel::to_bytes`]; all of `bytes` must be used. Everything is validated, the proof that no
    /// sum overflows included. Takes memory of a few times `bytes`, whatever they say.
    pub fn from_bytes(bytes: &[u8]) -> Result<TableModel> {
        read(bytes).map_err(|e| e.at("model of tables"))
    }
}

fn read(bytes: &[u8]) -> Result<TableModel> {
    let mut r = Reader::new(bytes);
    match r.u8("layout")? {
        LAYOUT => {}
        other => {
            return Err(Error::unsupported(format!("layout {other} where this program reads {LAYOUT}")));
        }
    }
    let count = r.count(MOST_COLUMNS.min(r.remaining()), "number of columns")?;
    let mut columns: Vec<ColumnModel> = vec![];
    for number in 0..count {
        let name = r.string("name")?;
        let column = read_column(&mut r, number, &columns, name.clone());
        columns.push(column.map_err(|e| e.at(format!("column '{name}'")))?);
    }
    r.finish("the model")?;
    TableModel::new(columns)
}

fn read_column(r: &mut Reader, number: usize, before: &[ColumnModel], name: String) -> Result<ColumnModel> {
    let alphabet = read_alphabet(r)?;
    let mut alphabets: Vec<&Alphabet> = before.iter().map(|c| &c.alphabet).collect();
    alphabets.push(&alphabet);
    let net = match r.u8("head")? {
        0 => None,
        head @ (1 | 2) => Some(read_net(r, number, &alphabets, head)?),
        head => return Err(Error::unsupported(format!("head {head} is of a later version"))),
    };
    Ok(ColumnModel { name, alphabet, net })
}

fn write_alphabet(out: &mut Vec<u8>, a: &Alphabet) {
    match a.scale() {
        Scale::Linear(unit) => {
            out.push(0);
            out.extend_from_slice(&unit.to_le_bytes());
        }
        Scale::Ordered(dtype) => out.extend_from_slice(&[1, dtype as u8]),
        Scale::Cells(dtype, bound, grain) => {
            out.extend_from_slice(&[2, dtype as u8]);
            out.extend_from_slice(&bound.to_le_bytes());
            out.push(grain as u8);
        }
    }
    put_varint(out, a.bins().len() as u64);
    let mut end = 0;
    for (i, b) in a.bins().iter().enumerate() {
        match i {
            0 => {
                put_zigzag(out, b.first);
                put_varint(out, b.log as u64);
            }
            _ => put_varint(out, ((b.first - end) as u64) << 6 | b.log as u64),
        }
        end = b.end();
    }
    let scores = a.scores();
    put_zigzag(out, scores[0] as i64);
    scores.windows(2).for_each(|w| put_varint(out, (w[1] - w[0]) as u64));
    let (centre, gain) = a.line();
    out.extend_from_slice(&centre.to_le_bytes());
    out.extend_from_slice(&gain.to_le_bytes());
}

fn read_alphabet(r: &mut Reader) -> Result<Alphabet> {
    let float = |r: &mut Reader| {
        let tag = r.u8("type")?;
        DType::from_tag(tag).ok_or_else(|| Error::unsupported(format!("type {tag} is of a later version")))
    };
    let scale = match r.u8("scale")? {
        0 => Scale::Linear(r.f64("unit")?),
        1 => Scale::Ordered(float(r)?),
        2 => Scale::Cells(float(r)?, r.f64("pointwise bound")?, r.u8("grain")? as u32),
        kind => return Err(Error::unsupported(format!("scale {kind} is of a later version"))),
    };
    let count = r.count((MOST_SYMBOLS - 1).min(r.remaining()), "number of bins")?;
    let mut bins: Vec<Bin> = Vec::with_capacity(count);
    for _ in 0..count {
        let bin = match bins.last() {
            None => Bin { first: r.zigzag("first bin")?, log: r.count(52, "width of a bin")? as u32 },
            Some(last) => {
                let code = r.varint("bin")?;
                Bin { first: last.end().saturating_add((code >> 6) as i64), log: (code & 63) as u32 }
            }
        };
        // Ends are sums of what comes before: each is looked at before the next is added to it.
        if bin.log > 52 || bin.first.unsigned_abs() > super::alphabet::MOST_EDGE as u64 {
            return Err(Error::corrupt("a bin beyond 2^52"));
        }
        bins.push(bin);
    }
    let mut score = r.zigzag("score")?;
    let mut scores = vec![];
    for i in 0..=count {
        if i > 0 {
            score = score.saturating_add(r.count(1 << 16, "score")? as i64);
        }
        scores.push(i16::try_from(score).map_err(|_| Error::corrupt(format!("a score of {score}")))?);
    }
    let (centre, gain) = (r.f64("centre")?, r.f64("gain")?);
    Alphabet::new(scale, bins, scores, centre, gain)
}

fn write_net(out: &mut Vec<u8>, net: &Net, bins: usize) {
    out.push(match net.head {
        Head::Classes => 1,
        Head::Mixture(_) => 2,
    });
    put_varint(out, net.sources.len() as u64);
    for s in &net.sources {
        put_varint(out, s.column as u64);
        put_zigzag(out, s.lag as i64);
    }
    net.layers[..2].iter().for_each(|l| put_varint(out, l.outputs() as u64));
    for layer in &net.layers {
        let r = layer.requantise().expect("every layer of a net requantises");
        layer.weights().iter().for_each(|&w| put_zigzag(out, w as i64));
        layer.bias().iter().for_each(|&b| put_zigzag(out, b as i64));
        out.push(r.shift as u8);
        r.positive.iter().for_each(|&m| put_varint(out, m as u64));
    }
    if let Head::Mixture(h) = &net.head {
        put_varint(out, h.given.map_or(0, |g| g as u64 + 1));
        // Most of a histogram is zeros: runs of them take two bytes.
        for masses in h.masses.chunks(bins) {
            let mut i = 0;
            while i < bins {
                put_varint(out, masses[i] as u64);
                let zeros = masses[i..].iter().take_while(|&&m| m == 0).count();
                if zeros > 0 {
                    put_varint(out, zeros as u64 - 1);
                }
                i += zeros.max(1);
            }
        }
    }
}

fn read_net(r: &mut Reader, number: usize, alphabets: &[&Alphabet], head: u8) -> Result<Net> {
    let count = r.count(MOST_SOURCES, "number of sources")?;
    let sources = (0..count)
        .map(|_| {
            let column = r.count(number, "source")?;
            let lag = r.zigzag("distance")?;
            let lag = i8::try_from(lag).map_err(|_| Error::corrupt(format!("a source {lag} rows back")))?;
            Ok(Source { column, lag })
        })
        .collect::<Result<Vec<_>>>()?;
    let pairs: usize = sources.iter().map(|s| alphabets[s.column].pairs()).sum();
    let own = alphabets[number];
    let hidden = [r.count(MOST_HIDDEN, "hidden units")?, r.count(MOST_HIDDEN, "hidden units")?];
    let outputs = if head == 1 { own.symbols() + 1 } else { MIXTURE_OUTPUTS };
    let [a, b, c] = [((2 * pairs).max(1), hidden[0]), (hidden[0], hidden[1]), (hidden[1], outputs)];
    let layers = [
        read_layer(r, a, false).map_err(|e| e.at("first layer"))?,
        read_layer(r, b, false).map_err(|e| e.at("second layer"))?,
        read_layer(r, c, true).map_err(|e| e.at("last layer"))?,
    ];
    let head = match head {
        1 => Head::Classes,
        _ => Head::Mixture(read_histogram(r, number, alphabets)?),
    };
    Net::new(number, alphabets, sources, layers, head)
}

fn read_layer(r: &mut Reader, (inputs, outputs): (usize, usize), last: bool) -> Result<FrozenDense> {
    if inputs.saturating_mul(outputs) > r.remaining() {
        return Err(Error::truncated(format!("{inputs} to {outputs}: its weights are not there")));
    }
    let small = |n: i64, what: &str| i16::try_from(n).map_err(|_| Error::corrupt(format!("{what} {n}")));
    let weights =
        (0..inputs * outputs).map(|_| small(r.zigzag("weight")?, "weight")).collect::<Result<Vec<_>>>()?;
    let bias = (0..outputs)
        .map(|_| {
            let b = r.zigzag("bias")?;
            i32::try_from(b).map_err(|_| Error::corrupt(format!("bias {b}")))
        })
        .collect::<Result<Vec<_>>>()?;
    let shift = r.u8("shift")? as u32;
    let positive = (0..outputs)
        .map(|_| Ok(r.count(i16::MAX as usize, "multiplier")? as i16))
        .collect::<Result<Vec<_>>>()?;
    let negative = if last { positive.clone() } else { vec![0; outputs] };
    FrozenDense::new(inputs, outputs, weights, bias, Some(Requantise { shift, positive, negative }))
}

fn read_histogram(r: &mut Reader, number: usize, alphabets: &[&Alphabet]) -> Result<Histogram> {
    let given = r.count(number, "column of the histogram")?.checked_sub(1);
    let classes = given.map_or(1, |g| alphabets[g].symbols());
    let bins = alphabets[number].bins().len();
    if classes * bins > super::net::MOST_CELLS {
        return Err(Error::corrupt("the size of its histogram"));
    }
    let mut masses: Vec<u32> = Vec::with_capacity(classes * bins);
    for class in 0..classes {
        let end = (class + 1) * bins;
        while masses.len() < end {
            match r.count(u32::MAX as usize >> 1, "mass")? {
                0 => {
                    let more = r.count(end - masses.len() - 1, "run of zeros")?;
                    masses.resize(masses.len() + more + 1, 0);
                }
                m => masses.push(m as u32),
            }
        }
    }
    Ok(Histogram { given, masses })
}
