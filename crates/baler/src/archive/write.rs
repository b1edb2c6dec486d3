//! Compression: variables in, an archive out, chunk by chunk and in parallel.

use super::choose::{check_codec, choose_learned, choose_model, choose_net, fits, serves};
use super::header::{Header, Kind, ModelReference};
use super::index::{Index, trailer};
use super::pipeline::in_order;
use super::plan::{Plan, bounds_of, check_names, cut, dtypes_of, plan, values_of};
use super::read::{MOST_DESCRIPTION, MOST_MODELS, model_room};
use super::record::{ChunkBody, MAGIC, RecordKind, VERSION, frame};
use super::source::{self, FieldSource, TableSource};
use super::survey::check_fill;
use crate::bound::Bound;
use crate::codec::bytes::{put_bytes, put_varint};
use crate::codec::chunk::{Candidate, Codec, Encoded, Request, encode_field, encode_table};
use crate::codec::field::{Level, learned};
use crate::codec::table::net::chunk::Candidate as NetCandidate;
use crate::data::{DType, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use crate::model::field::FieldModel;
use crate::model::table::file::TrainedTable;
use sha2::{Digest, Sha256};
use std::io::Write;

/// One variable to compress; its source may borrow what it reads.
pub enum Input<'a> {
    /// An array, read piece by piece.
    Field(String, Box<dyn FieldSource + 'a>),
    /// A table, read some rows at a time.
    Table(String, Box<dyn TableSource + 'a>),
}

/// How to compress.
pub struct Options<'a> {
    /// The bound of all that [`Options::bounds`] does not name. A lossy tool has no default: `None` is an error
    /// unless every number is named.
    pub bound: Option<Bound>,
    /// Bounds of variables or columns of their own, by name.
    pub bounds: Vec<(String, Bound)>,
    /// A value that stands for missing data, in all fields and columns whose type can hold it; found automatically where it
    /// is not said.
    pub fill: Option<f64>,
    /// A model to use where its measured size wins.
    pub model: Option<&'a Model>,
    /// A model of tables to use for the columns that are smaller through it. Without a bound of their own or for all, the
    /// columns that it has are held to the bounds that it was trained for.
    pub net: Option<&'a TrainedTable>,
    /// A model of fields to use for the chunks that are smaller through it; with the codec of fields, for all that it is for.
    pub learned: Option<&'a FieldModel>,
    /// Whether the archive holds the model; otherwise it names its hash.
    pub embed: bool,
    /// A codec to use whatever the size.
    pub codec: Option<Codec>,
    /// How much work a smaller file is worth.
    pub level: Level,
    /// Threads; the archive is the same with any number.
    pub threads: usize,
    /// Values a chunk of a field, about.
    pub chunk: usize,
    /// Rows a chunk of a table.
    pub chunk_rows: usize,
    /// What else to say of the data: a JSON object.
    pub description: serde_json::Map<String, serde_json::Value>,
    /// Told how many of how many values are done.
    pub progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options {
            bound: None,
            bounds: vec![],
            fill: None,
            model: None,
            net: None,
            learned: None,
            embed: true,
            codec: None,
            level: Level::Default,
            threads: 1,
            chunk: 1 << 21,
            chunk_rows: 1 << 16,
            description: serde_json::Map::new(),
            progress: &|_, _| {},
        }
    }
}

/// What compression came to.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Bytes of the values in their own types.
    pub original: u64,
    /// Bytes of the archive.
    pub stored: u64,
    /// Of those, the embedded model's.
    pub model: u64,
    /// Why a model that was given is not used, where it is not.
    pub model_left_out: Option<String>,
}

/// An archive being written.
struct Writer<'w> {
    out: &'w mut (dyn Write + Send),
    start: u64,
    sum: u32,
    index: Index,
}

impl Writer<'_> {
    fn put(&mut self, kind: RecordKind, codec: Option<Codec>, body: &[u8]) -> Result<()> {
        let record = frame(self.sum, kind, body);
        self.out.write_all(&record)?;
        self.index.push(kind, codec, self.start, record.len() as u64);
        Ok(())
    }
}

/// Compresses `inputs` into `out`.
pub fn compress(mut inputs: Vec<Input>, options: &Options, out: &mut (dyn Write + Send)) -> Result<Summary> {
    check_names(&inputs, options)?;
    check_fill(&inputs, options)?;
    let only = inputs.len() == 1;
    let mut plans = inputs.iter_mut().map(|i| plan(i, options, only)).collect::<Result<Vec<_>>>()?;
    check_codec(&plans, options)?;
    let mut summary = Summary::default();
    let model = match options.model {
        Some(model) => choose_model(&plans, &mut inputs, model, options, &mut summary)?,
        None => None,
    };
    if options.model.is_some() && model.is_none() {
        // Chunks need not suit it: the archive is the same as without.
        for (plan, input) in plans.iter_mut().zip(&mut inputs) {
            if let (Kind::Field(f), Input::Field(_, source)) = (&mut plan.header.kind, input) {
                (f.axis, f.length) = cut(source.as_mut(), options.chunk, None)?;
            }
        }
    }
    let net = match options.net {
        Some(net) => choose_net(&plans, &mut inputs, net, options, &mut summary)?,
        None => None,
    };
    let candidate = model.map(|m| Candidate { model: &m.frozen, number: 0 });
    let net = net.map(|model| NetCandidate { model, number: model_count(candidate) });

    let learned = match options.learned {
        Some(model) => choose_learned(&plans, &mut inputs, model, options, &mut summary)?,
        None => None,
    };
    let number = candidate.is_some() as usize + net.is_some() as usize;
    let always = options.codec == Some(Codec::Field);
    let learned = learned.map(|model| learned::Candidate { model, number, always });

    let decoders = model.map(|m| m.frozen.decoder.to_bytes()).into_iter();
    let decoders = decoders.chain(net.map(|n| n.model.to_bytes()));
    let decoders: Vec<Vec<u8>> = decoders.chain(learned.map(|l| l.model.to_bytes())).collect();
    let mut header = Header { models: vec![], variables: plans.iter().map(|p| p.header.clone()).collect() };
    let mut left = MOST_MODELS;
    let mut embedded = vec![];
    for bytes in &decoders {
        header.models.push(ModelReference { hash: model_hash(bytes), embedded: options.embed });
        if options.embed {
            let stored = deflate(bytes);
            if bytes.len() > model_room(left, stored.len()) {
                return Err(Error::new(
                    ErrorKind::LimitExceeded,
                    format!(
                        "a model of {} bytes, which are {} deflated, is more than an archive may hold: keep it beside \
                         the archive (--external-model)",
                        bytes.len(),
                        stored.len()
                    ),
                ));
            }
            left = left.saturating_sub(bytes.len());
            embedded.push(stored);
        }
    }
    let mut head = MAGIC.to_vec();
    head.push(VERSION);
    put_bytes(&mut head, &header.to_bytes());
    let sum = crc32fast::hash(&head);
    head.extend_from_slice(&sum.to_le_bytes());
    out.write_all(&head)?;

    let mut writer = Writer { out, start: head.len() as u64, sum, index: Index::default() };
    for (number, stored) in embedded.iter().enumerate() {
        let mut body = vec![];
        put_varint(&mut body, number as u64);
        body.extend(stored);
        summary.model += body.len() as u64;
        writer.put(RecordKind::Model, None, &body)?;
    }
    if !options.description.is_empty() {
        let text = serde_json::Value::Object(options.description.clone()).to_string();
        if text.len() > MOST_DESCRIPTION {
            return Err(Error::invalid(format!("a description of {} bytes is over 4 MiB", text.len())));
        }
        writer.put(RecordKind::Description, None, &deflate(text.as_bytes()))?;
    }
    let total = plans.iter().map(|p| values_of(&p.header)).sum::<u64>();
    let mut done = 0;
    for (number, (plan, input)) in plans.iter_mut().zip(&mut inputs).enumerate() {
        let first = plan.first.take();
        let mut errors = vec![0.0f64; plan.targets.len()];
        let mut texts = vec![0u64; plan.targets.len()];
        write_variable(
            plan,
            (input, first),
            options,
            Request { candidate, net, learned, only: None, level: options.level },
            &mut |chunk, encoded: Encoded, values, sizes: &[u64]| {
                let sum = checksum(&encoded.decoded);
                let body = ChunkBody {
                    variable: number,
                    chunk,
                    codec: encoded.codec,
                    sum,
                    payload: &encoded.payload,
                };
                writer.put(RecordKind::Chunk, Some(encoded.codec), &body.to_bytes())?;
                errors.iter_mut().zip(&encoded.errors).for_each(|(all, &e)| *all = all.max(e));
                texts.iter_mut().zip(sizes).for_each(|(all, &here)| *all += here);
                summary.original += sizes.iter().sum::<u64>();
                done += values;
                (options.progress)(done, total);
                Ok(())
            },
        )
        .map_err(|e| e.at(format!("variable '{}'", plan.header.name)))?;
        let lossy = bounds_of(&plan.header).map(|b| b != Bound::Lossless);
        let is_text = dtypes_of(&plan.header).into_iter().map(|t| t == DType::Text);
        writer
            .index
            .texts
            .push(texts.iter().zip(is_text).filter(|(_, text)| *text).map(|(&n, _)| n).collect());
        writer.index.errors.push(errors.iter().zip(lossy).filter(|(_, l)| *l).map(|(&e, _)| e).collect());
    }
    let index_at = writer.index.end(writer.start);
    let record = frame(sum, RecordKind::Index, &writer.index.to_bytes());
    writer.out.write_all(&record)?;
    writer.out.write_all(&trailer(index_at))?;
    writer.out.flush()?;
    summary.stored = index_at + record.len() as u64 + trailer(0).len() as u64;
    Ok(summary)
}

/// Models before a model of tables.
fn model_count(autoencoder: Option<Candidate>) -> usize {
    autoencoder.is_some() as usize
}

/// The checksum of a chunk's decoded values.
pub(super) fn checksum(runs: &[Values]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    runs.iter().for_each(|v| v.checksum(&mut sum));
    sum.finalize()
}

/// By which archives name a model: SHA-256 of its decoder.
pub fn model_hash(decoder: &[u8]) -> [u8; 32] {
    Sha256::digest(decoder).into()
}

/// zlib, at its best level.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut coder = flate2::write::ZlibEncoder::new(vec![], flate2::Compression::best());
    coder.write_all(bytes).and_then(|()| coder.finish()).expect("writing to memory does not fail")
}

/// Codes chunk `i` of a plan.
pub(super) fn encode_chunk(plan: &Plan, i: usize, runs: &[Values], request: Request) -> Result<Encoded> {
    match &plan.header.kind {
        Kind::Field(f) => encode_field(&runs[0], &f.chunk(i).1, plan.targets[0], request),
        Kind::Table(t) => {
            let names: Vec<&str> = t.columns.iter().map(|c| c.name.as_str()).collect();
            encode_table(runs, &names, &plan.targets, request)
        }
    }
}

pub(super) fn read_chunk(input: &mut Input, kind: &Kind, i: usize) -> Result<Vec<Values>> {
    match (input, kind) {
        (Input::Field(_, source), Kind::Field(f)) => {
            Ok(vec![source::values(source.as_mut(), f.dtype, f.chunk(i).0)?])
        }
        (Input::Table(_, table), Kind::Table(t)) => source::runs(table.as_mut(), &t.columns, t.chunk(i)),
        _ => unreachable!("a plan's header is of its input's kind"),
    }
}

/// Takes a chunk: its number, its code, how many values it is of, and the bytes of each run of them.
type Take<'t> = dyn FnMut(usize, Encoded, u64, &[u64]) -> Result<()> + Send + 't;

/// Reads, codes and hands over the chunks of one variable, of which planning may have left the first.
fn write_variable(
    plan: &Plan,
    (input, mut first): (&mut Input, Option<Vec<Values>>),
    options: &Options,
    request: Request,
    take: &mut Take,
) -> Result<()> {
    let chunks = plan.header.chunks();
    let candidate = request.candidate.filter(|c| fits(&plan.header, &c.model.decoder));
    // What a codec that was asked for cannot code is coded by whichever is best.
    let only = options.codec.filter(|&c| serves(c, &plan.header.kind));
    let only = only.filter(|&c| c != Codec::Autoencoder || candidate.is_some());
    let request = Request { candidate, only, ..request };
    let mut next = 0..chunks;
    let length = match &plan.header.kind {
        _ if chunks == 0 => 0,
        Kind::Field(f) => f.chunk(0).0.len(),
        Kind::Table(t) => t.chunk(0).len(),
    };
    let mut read = |i: usize| match first.take() {
        // A model may have had a field cut anew.
        Some(runs) if i == 0 && runs.iter().all(|run| run.len() == length) => Ok(runs),
        _ => read_chunk(input, &plan.header.kind, i),
    };
    in_order(
        options.threads,
        || next.next().map(|i| Ok((i, read(i)?))),
        |(i, runs): (usize, Vec<Values>)| {
            let encoded = encode_chunk(plan, i, &runs, request)?;
            let values = runs.iter().map(|v| v.len() as u64).sum();
            let sizes: Vec<u64> = runs.iter().map(|v| v.byte_len() as u64).collect();
            Ok((i, encoded, values, sizes))
        },
        |(i, encoded, values, sizes)| take(i, encoded, values, &sizes),
    )
}
