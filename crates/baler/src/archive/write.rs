//! Compression: variables in, an archive out, chunk by chunk and in parallel.

use super::choose::{check_codec, fits, is_worth_it, serves};
use super::coded::{Coded, code_chunk, read_chunk};
use super::header::{Header, ModelReference, VariableHeader};
use super::index::{Index, trailer};
use super::models::may_be_held;
use super::options::Options;
use super::pipeline::in_order;
use super::plan::{Plan, bounds_of, check_names, dtypes_of, plan, values_of};
use super::read::MOST_DESCRIPTION;
use super::record::{ChunkBody, MAGIC, RecordKind, VERSION, frame};
use super::source::Input;
use super::survey::check_fill;
use super::zlib::deflate;
use crate::bound::Bound;
use crate::codec::bytes::{put_bytes, put_varint};
use crate::codec::candidate::Candidate;
use crate::codec::chunk::{Codec, Request};
use crate::data::{DType, Values};
use crate::error::{Error, ErrorKind, Result};
use crate::model::any::ModelRef;
use crate::model::hash::ModelHash;
use std::io::Write;

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
    /// Of the first record.
    start: u64,
    /// The checksum of the header, which every record carries on.
    sum: u32,
    index: Index,
}

impl<'w> Writer<'w> {
    /// Writes what comes before the first record.
    fn begin(out: &'w mut (dyn Write + Send), header: &Header) -> Result<Writer<'w>> {
        let mut head = MAGIC.to_vec();
        head.push(VERSION);
        put_bytes(&mut head, &header.to_bytes());
        let sum = crc32fast::hash(&head);
        head.extend_from_slice(&sum.to_le_bytes());
        out.write_all(&head)?;
        Ok(Writer { out, start: head.len() as u64, sum, index: Index::default() })
    }

    fn put(&mut self, kind: RecordKind, codec: Option<Codec>, body: &[u8]) -> Result<()> {
        let record = frame(self.sum, kind, body);
        self.out.write_all(&record)?;
        self.index.push(kind, codec, self.start, record.len() as u64);
        Ok(())
    }

    /// Writes the index and what leads to it; returns the archive's bytes.
    fn end(self) -> Result<u64> {
        let at = self.index.end(self.start);
        let record = frame(self.sum, RecordKind::Index, &self.index.to_bytes());
        let trailer = trailer(at);
        self.out.write_all(&record)?;
        self.out.write_all(&trailer)?;
        self.out.flush()?;
        Ok(at + record.len() as u64 + trailer.len() as u64)
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
    let decoder = options.model.map(ModelRef::decoder_bytes);
    let stored = decoder.as_deref().filter(|_| options.embed).map(deflate);
    let cost = stored.as_ref().map_or(0, Vec::len);
    let model = match options.model {
        Some(m) if is_worth_it(&mut plans, &mut inputs, (m, cost), options, &mut summary)? => Some(m),
        _ => None,
    };
    if options.decoder().is_some() && model.is_none() {
        // Chunks need not suit it: the archive is the same as without.
        for (plan, input) in plans.iter_mut().zip(&mut inputs) {
            plan.cut_anew(input, options)?;
        }
    }
    let mut header = Header { models: vec![], variables: plans.iter().map(|p| p.header.clone()).collect() };
    let decoder = decoder.filter(|_| model.is_some());
    header.models.extend(
        decoder.iter().map(|bytes| ModelReference { hash: ModelHash::of(bytes), embedded: options.embed }),
    );
    let embedded = stored.filter(|_| model.is_some());
    if let (Some(bytes), Some(stored)) = (&decoder, &embedded) {
        check_room(bytes, stored)?;
    }
    let description = description(options)?;

    let mut writer = Writer::begin(out, &header)?;
    if let Some(stored) = embedded {
        let mut body = vec![];
        put_varint(&mut body, 0); // its number
        body.extend(stored);
        summary.model = body.len() as u64;
        writer.put(RecordKind::Model, None, &body)?;
    }
    if let Some(text) = description {
        writer.put(RecordKind::Description, None, &text)?;
    }
    let asked = options.codec.is_some();
    let model = model.map(|model| Candidate { model, number: 0, asked });
    let request = Request { model, only: None, level: options.level };
    let mut tally = Tally { done: 0, total: plans.iter().map(|p| values_of(&p.header)).sum(), original: 0 };
    for (number, (plan, input)) in plans.iter_mut().zip(&mut inputs).enumerate() {
        write_variable(&mut writer, number, plan, input, (options, request), &mut tally)
            .map_err(|e| e.at(&plan))?;
    }
    summary.original = tally.original;
    summary.stored = writer.end()?;
    Ok(summary)
}

/// Refuses a model that takes more room than readers give it.
fn check_room(decoder: &[u8], stored: &[u8]) -> Result<()> {
    if may_be_held(decoder.len(), stored.len()) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::LimitExceeded,
        format!(
            "a model of {} bytes, which are {} deflated, is more than an archive may hold: keep it beside the archive \
             (--external-model)",
            decoder.len(),
            stored.len()
        ),
    ))
}

/// What else is to be said of the data, as archives hold it.
fn description(options: &Options) -> Result<Option<Vec<u8>>> {
    if options.description.is_empty() {
        return Ok(None);
    }
    let text = serde_json::Value::Object(options.description.clone()).to_string();
    if text.len() > MOST_DESCRIPTION {
        return Err(Error::invalid(format!("a description of {} bytes is over 4 MiB", text.len())));
    }
    Ok(Some(deflate(text.as_bytes())))
}

/// What has been done of all that is to be: values, and bytes of the values in their own types.
struct Tally {
    done: u64,
    total: u64,
    original: u64,
}

/// What is left to do of a chunk.
enum Job {
    /// Nothing: a trial has coded it.
    Done(Coded),
    /// To code its values.
    Code(Vec<Values>),
}

/// Reads, codes and writes the chunks of variable `number`, the first of which planning may have read and some of which trials
/// may have coded; notes its errors and the bytes of its texts in the index.
fn write_variable(
    writer: &mut Writer,
    number: usize,
    plan: &mut Plan,
    input: &mut Input,
    (options, request): (&Options, Request),
    tally: &mut Tally,
) -> Result<()> {
    let (mut first, mut coded) = (plan.first.take(), std::mem::take(&mut plan.coded));
    let mut errors = vec![0.0f64; plan.targets.len()];
    let mut texts = vec![0u64; plan.targets.len()];
    let chunks = plan.header.chunks();
    let request = request_for(&plan.header, options, request);
    let mut next = 0..chunks;
    let mut read = |i: usize| match first.take() {
        Some(runs) if i == 0 => Ok(runs),
        _ => read_chunk(input, &plan.header.kind, i),
    };
    in_order(
        options.threads,
        || {
            let i = next.next()?;
            Some(match coded.remove(&i) {
                Some(coded) => Ok((i, Job::Done(coded))),
                None => read(i).map(|runs| (i, Job::Code(runs))),
            })
        },
        |(i, job)| match job {
            Job::Done(coded) => Ok((i, coded)),
            Job::Code(runs) => Ok((i, code_chunk(plan, i, &runs, request)?)),
        },
        |(chunk, Coded { codec, payload, sum, errors: off, values, sizes })| {
            let body = ChunkBody { variable: number, chunk, codec, sum, payload: &payload };
            writer.put(RecordKind::Chunk, Some(codec), &body.to_bytes())?;
            errors.iter_mut().zip(&off).for_each(|(all, &e)| *all = all.max(e));
            texts.iter_mut().zip(&sizes).for_each(|(all, &here)| *all += here);
            tally.original += sizes.iter().sum::<u64>();
            tally.done += values;
            (options.progress)(tally.done, tally.total);
            Ok(())
        },
    )?;
    let lossy = bounds_of(&plan.header).map(|b| b != Bound::Lossless);
    let errors = errors.iter().zip(lossy).filter(|(_, lossy)| *lossy).map(|(&e, _)| e);
    let is_text = dtypes_of(&plan.header).into_iter().map(|t| t == DType::Text);
    let texts = texts.iter().zip(is_text).filter(|(_, text)| *text).map(|(&n, _)| n);
    writer.index.errors.push(errors.collect());
    writer.index.texts.push(texts.collect());
    Ok(())
}

/// The request for a variable's chunks: what a model or a codec that was asked for cannot code is coded as it is best.
fn request_for<'m>(header: &VariableHeader, options: &Options, request: Request<'m>) -> Request<'m> {
    let fitting = options.decoder().is_none_or(|decoder| fits(header, decoder));
    let model = request.model.filter(|_| fitting);
    let only = options.codec.filter(|&c| serves(c, &header.kind));
    let only = only.filter(|&c| c != Codec::Autoencoder || model.is_some());
    Request { model, only, ..request }
}
