//! Whether a model or a codec that was given serves the data, and whether a model pays for itself.

use super::header::{Kind, VariableHeader};
use super::options::Options;
use super::plan::{Plan, bounds_of};
use super::source::Input;
use super::trial::{Trial, try_out};
use super::write::Summary;
use crate::bound::Bound;
use crate::codec::chunk::Codec;
use crate::codec::field::view;
use crate::data::DType;
use crate::error::{Error, Result};
use crate::model::any::ModelRef;
use crate::model::autoencoder::Decoder;
use crate::model::blocks::Blocks;

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
    let Some(decoder) = options.decoder() else { return Ok(()) };
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

/// The codec that a model is for.
fn codec_of(model: ModelRef) -> Codec {
    match model {
        ModelRef::Autoencoder(_) => Codec::Autoencoder,
        ModelRef::Table(_) => Codec::Table,
        ModelRef::Field(_) => Codec::Field,
    }
}

/// Whether a model can serve anything of a variable.
fn suits(model: ModelRef, header: &VariableHeader) -> bool {
    match (model, &header.kind) {
        (ModelRef::Autoencoder(m), _) => fits(header, &m.decoder),
        (ModelRef::Table(net), Kind::Table(t)) => {
            t.columns.iter().any(|c| net.model.columns().iter().any(|known| known.name == c.name))
        }
        (ModelRef::Field(m), Kind::Field(f)) => header.chunks() > 0 && m.serves(view(&f.chunk(0).1)),
        (ModelRef::Table(_), Kind::Field(_)) | (ModelRef::Field(_), Kind::Table(_)) => false,
    }
}

/// What a model is for, and that there is none of it.
fn nothing_for(model: ModelRef) -> String {
    match model {
        ModelRef::Autoencoder(m) => format!("{}, and nothing in the data has them", rows_of(&m.decoder)),
        ModelRef::Table(t) => {
            let names: Vec<&str> = t.model.columns().iter().map(|c| c.name.as_str()).collect();
            format!("tables with columns named {}, and nothing in the data has any", names.join(", "))
        }
        ModelRef::Field(m) => {
            let axes = if m.planar() { "two axes" } else { "three or more axes" };
            format!("fields of {axes}, and there are none in the data")
        }
    }
}

/// Whether a model is to be used: where its codec is asked for, or where it saves more than the `cost` bytes of
/// it that the archive is to hold; why not, in the summary. Chunks on which it was tried are left coded in the plans.
pub(super) fn is_worth_it(
    plans: &mut [Plan],
    inputs: &mut [Input],
    (model, cost): (ModelRef, usize),
    options: &Options,
    summary: &mut Summary,
) -> Result<bool> {
    let fitting: Vec<usize> = (0..plans.len()).filter(|&i| suits(model, &plans[i].header)).collect();
    if fitting.is_empty() && plans.iter().any(|p| p.header.chunks() > 0) {
        return Err(Error::invalid(format!(
            "the model is for {}; train one on this data",
            nothing_for(model)
        )));
    }
    if let Some(asked) = options.codec {
        let asked_for = asked == codec_of(model);
        if !asked_for {
            summary.model_left_out = Some(format!("the codec {} was asked for", asked.name()));
        }
        return Ok(asked_for);
    }
    let trials = try_out(plans, inputs, &fitting, model, options)?;
    let pays = pays(trials.saved, cost as f64, summary);
    for Trial { variable, chunk, coded: [plain, by_model] } in trials.kept {
        plans[variable].coded.insert(chunk, if pays { by_model } else { plain });
    }
    Ok(pays)
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
