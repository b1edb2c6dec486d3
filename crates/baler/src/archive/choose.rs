//! Whether a model or a codec that was given serves the data, and whether a model pays for itself.

use super::header::{Kind, VariableHeader};
use super::plan::{Plan, bounds_of};
use super::write::{Input, Options, Summary, deflate, encode_chunk, read_chunk};
use crate::bound::Bound;
use crate::codec::chunk::{Candidate, Codec, Request};
use crate::codec::field::{learned, view};
use crate::codec::table::net::chunk::Candidate as NetCandidate;
use crate::data::DType;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::model::autoencoder::Decoder;
use crate::model::blocks::Blocks;
use crate::model::field::FieldModel;
use crate::model::table::TableModel;
use crate::model::table::file::TrainedTable;

/// Whether a codec that was asked for is one for this kind of variable.
pub(super) fn serves(codec: Codec, kind: &Kind) -> bool {
    match codec {
        Codec::Raw | Codec::Autoencoder => true,
        Codec::Field | Codec::Constant => matches!(kind, Kind::Field(_)),
        Codec::Table => matches!(kind, Kind::Table(_)),
    }
}

/// A codec that was asked for must serve some variable (those that it does not are coded as they are best), and what
/// has no bound must go through the model.
pub(super) fn check_codec(plans: &[Plan], options: &Options) -> Result<()> {
    let serves_none = |codec| !plans.is_empty() && !plans.iter().any(|p| serves(codec, &p.header.kind));
    if let Some(codec) = options.codec.filter(|&c| serves_none(c)) {
        let (wants, kind) = if codec == Codec::Table { ("tables", "field") } else { ("fields", "table") };
        return Err(Error::invalid(format!(
            "the codec {} is for {wants}, and the data is a {kind}; leave --codec out, or say {kind}",
            codec.name(),
        )));
    }
    let Some(decoder) = options.model.map(|m| &m.frozen.decoder) else { return Ok(()) };
    for p in plans.iter().map(|p| &p.header) {
        if bounds_of(p).any(|b| b == Bound::None) && !fits(p, decoder) {
            return Err(Error::invalid(format!(
                "'{}' has no bound, and the model, for {}, does not fit it; give a bound: --bound {}=rel:1e-3",
                p.name,
                rows_of(decoder),
                p.name
            )));
        }
    }
    Ok(())
}

/// The rows that a model is for, in words.
fn rows_of(decoder: &Decoder) -> String {
    let names = match decoder.names().len() {
        0 => String::new(),
        _ => format!(" named {}", decoder.names().join(", ")),
    };
    match decoder.blocks() {
        Blocks::Frames => format!("rows of {} values{names}", decoder.features()),
        blocks => format!("{blocks} of {} values{names}", decoder.features()),
    }
}

/// Whether a model can serve a variable, of a field in the chunks planned.
pub(super) fn fits(header: &VariableHeader, decoder: &Decoder) -> bool {
    match &header.kind {
        Kind::Field(f) => {
            let chunk = |i| decoder.blocks().rows(&f.chunk(i).1, decoder.features());
            match f.chunks() {
                0 => true,
                _ if f.shape.len() < 2 && *decoder.blocks() == Blocks::Frames => false,
                n => chunk(0).is_ok() && chunk(n - 1).is_ok(),
            }
        }
        Kind::Table(t) => {
            let names = decoder.names();
            !names.is_empty()
                && names.iter().all(|n| t.columns.iter().any(|c| c.name == *n && c.dtype != DType::Text))
        }
    }
}

/// Chunks of all variables on which the worth of a model is measured.
const TRIALS: usize = 4;

/// The model, where its codec is asked for or pays for itself; why not, in the summary, where it does not.
pub(super) fn choose_model<'m>(
    plans: &[Plan],
    inputs: &mut [Input],
    model: &'m Model,
    options: &Options,
    summary: &mut Summary,
) -> Result<Option<&'m Model>> {
    let decoder = &model.frozen.decoder;
    let fitting: Vec<usize> = (0..plans.len()).filter(|&i| fits(&plans[i].header, decoder)).collect();
    if fitting.is_empty() && plans.iter().any(|p| p.header.chunks() > 0) {
        return Err(Error::invalid(format!(
            "the model is for {}, and nothing in the data has them; train one on this data",
            rows_of(decoder)
        )));
    }
    match options.codec {
        Some(Codec::Autoencoder) => return Ok(Some(model)),
        Some(other) => {
            summary.model_left_out = Some(format!("the codec {} was asked for", other.name()));
            return Ok(None);
        }
        None => {}
    }
    let candidate = Candidate { model: &model.frozen, number: 0 };
    let with_model = Request { candidate: Some(candidate), level: options.level, ..Request::default() };
    let saved = saved(plans, inputs, &fitting, with_model)?;
    let cost = if options.embed { deflate(&decoder.to_bytes()).len() as f64 } else { 0.0 };
    Ok(pays(saved, cost, summary).then_some(model))
}

/// The model of tables, where it pays for itself; why not, in the summary, where it does not.
pub(super) fn choose_net<'m>(
    plans: &[Plan],
    inputs: &mut [Input],
    net: &'m TrainedTable,
    options: &Options,
    summary: &mut Summary,
) -> Result<Option<&'m TableModel>> {
    let model = &net.model;
    let has = |name: &String| model.columns().iter().any(|c| c.name == *name);
    let shares = |header: &VariableHeader| match &header.kind {
        Kind::Table(t) => t.columns.iter().any(|c| has(&c.name)),
        Kind::Field(_) => false,
    };
    let fitting: Vec<usize> = (0..plans.len()).filter(|&i| shares(&plans[i].header)).collect();
    if fitting.is_empty() && plans.iter().any(|p| p.header.chunks() > 0) {
        let names: Vec<&str> = model.columns().iter().map(|c| c.name.as_str()).collect();
        return Err(Error::invalid(format!(
            "the model is for tables with columns named {}, and nothing in the data has any; train one on this data",
            names.join(", ")
        )));
    }
    match options.codec {
        Some(Codec::Table) => return Ok(Some(model)),
        Some(other) => {
            summary.model_left_out = Some(format!("the codec {} was asked for", other.name()));
            return Ok(None);
        }
        None => {}
    }
    let candidate = NetCandidate { model, number: 0 };
    let with_model = Request { net: Some(candidate), level: options.level, ..Request::default() };
    let saved = saved(plans, inputs, &fitting, with_model)?;
    let cost = if options.embed { deflate(&model.to_bytes()).len() as f64 } else { 0.0 };
    Ok(pays(saved, cost, summary).then_some(model))
}

/// The model of fields, where it pays for itself; why not, in the summary, where it does not.
pub(super) fn choose_learned<'m>(
    plans: &[Plan],
    inputs: &mut [Input],
    model: &'m FieldModel,
    options: &Options,
    summary: &mut Summary,
) -> Result<Option<&'m FieldModel>> {
    let serves = |header: &VariableHeader| match &header.kind {
        Kind::Field(f) => header.chunks() > 0 && model.serves(view(&f.chunk(0).1)),
        Kind::Table(_) => false,
    };
    let fitting: Vec<usize> = (0..plans.len()).filter(|&i| serves(&plans[i].header)).collect();
    if fitting.is_empty() && plans.iter().any(|p| p.header.chunks() > 0) {
        let axes = if model.planar() { "two axes" } else { "three or more axes" };
        return Err(Error::invalid(format!(
            "the model is for fields of {axes}, and there are none in the data; train one on this data"
        )));
    }
    match options.codec {
        Some(Codec::Field) => return Ok(Some(model)),
        Some(other) => {
            summary.model_left_out = Some(format!("the codec {} was asked for", other.name()));
            return Ok(None);
        }
        None => {}
    }
    let candidate = learned::Candidate { model, number: 0, always: false };
    let with_model = Request { learned: Some(candidate), level: options.level, ..Request::default() };
    let saved = saved(plans, inputs, &fitting, with_model)?;
    let cost = if options.embed { deflate(&model.to_bytes()).len() as f64 } else { 0.0 };
    Ok(pays(saved, cost, summary).then_some(model))
}

/// Bytes that a request's models save, by the chunks of the variables `fitting` on which they are tried.
fn saved(plans: &[Plan], inputs: &mut [Input], fitting: &[usize], with_model: Request) -> Result<f64> {
    let mut saved = 0.0;
    for &p in fitting {
        let plan = &plans[p];
        let chunks = plan.header.chunks();
        let trials: Vec<usize> = (0..chunks.min(TRIALS)).map(|t| t * chunks / chunks.min(TRIALS)).collect();
        for &i in &trials {
            let runs = read_chunk(&mut inputs[p], &plan.header.kind, i)?;
            let plain = Request { level: with_model.level, ..Request::default() };
            let bytes =
                |request| -> Result<f64> { Ok(encode_chunk(plan, i, &runs, request)?.payload.len() as f64) };
            let (plain, best) = (bytes(plain)?, bytes(with_model)?);
            saved += (plain - best) * chunks as f64 / trials.len() as f64;
        }
    }
    Ok(saved)
}

/// Whether a model saves more than it takes; why it is left out, in the summary, where it does not.
fn pays(saved: f64, cost: f64, summary: &mut Summary) -> bool {
    if saved > cost {
        return true;
    }
    summary.model_left_out = Some(if saved > 0.0 {
        format!(
            "it would save {saved:.0} bytes and take {cost:.0} itself; share it over more data with --external-model"
        )
    } else {
        "it makes nothing smaller".into()
    });
    false
}
