//! ONNX: models for onnxruntime and other programs, and theirs as ours.
//!
//! Graphs take rows (any number) x features in the data's units, f64, and give rows x latents, rows x features or
//! both. The float ones compute as [`crate::model::float`] does, but in the order that suits the program that runs them.

mod builder;
mod integers;
mod layers;
mod normalise;
mod proto;
pub mod read;
mod roots;

use prost::Message;

use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use builder::Builder;
use proto::{DOUBLE, FLOAT};

/// Bytes that a protobuf message has at most.
const MOST: usize = (1 << 31) - 1;

/// Which half of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `rows` to `latents`.
    Encoder,
    /// `latents` to `reconstruction`.
    Decoder,
    /// `rows` to `latents` and `reconstruction`.
    Both,
}

/// Of what numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// The float network: latents are f32.
    Float,
    /// The frozen one: latents are whole numbers (i64), and every bit of the reconstruction is that of
    /// [`Model::reconstruct`].
    Integer,
}

/// The ONNX file of a part of a model, of operator set 17.
///
/// Errors where it would be larger than such a file may be.
pub fn export(model: &Model, part: Part, precision: Precision) -> Result<Vec<u8>> {
    let mut b = Builder::default();
    match precision {
        Precision::Float => float(&mut b, model, part),
        Precision::Integer => integers::add(&mut b, &model.frozen, part),
    }
    let about = [
        ("baler.program", model.provenance.program.clone()),
        ("baler.architecture", serde_json::to_string(&model.architecture).expect("numbers and strings")),
        ("baler.features", model.frozen.decoder.names().join("\n")),
    ];
    let made = b.finish(&model.architecture.name, &about);
    match made.encoded_len() {
        0..=MOST => Ok(made.encode_to_vec()),
        bytes => Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "the graph would take {bytes} bytes, and an ONNX file holds 2 GiB: export one half at a time"
            ),
        )),
    }
}

fn float(b: &mut Builder, model: &Model, part: Part) {
    let (features, width) = (model.features(), model.latents());
    let sequence = model.architecture.sequence;
    let latents = match part {
        Part::Decoder => {
            b.input("latents", FLOAT, width);
            "latents".to_string()
        }
        _ => {
            b.input("rows", DOUBLE, features);
            let normal = normalise::apply(b, &model.normalisation);
            let latents = layers::chain(b, &model.float.encoder, sequence, "encoder", &normal);
            b.output(&latents, "latents", FLOAT, width);
            latents
        }
    };
    if part != Part::Encoder {
        let normal = layers::chain(b, &model.float.decoder, sequence, "decoder", &latents);
        let values = normalise::invert(b, &model.normalisation, &normal);
        b.output(&values, "reconstruction", DOUBLE, features);
    }
}
