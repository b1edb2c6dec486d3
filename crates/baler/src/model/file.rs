//! The model file: safetensors, so that any program can read the tensors; the description as JSON in its metadata.
//!
//! | tensor | type and shape |
//! |---|---|
//! | `normalisation.offset`, `.scale` | F64 \[features\]; where it is affine |
//! | `normalisation.curves` | F64 \[features, 2 + knots\]: low, density, knots; where it is piecewise |
//! | `encoder.N.weight`, `.bias`, ...; `decoder.N...` | F32, names and shapes as in a `torch.nn.Sequential` |
//! | `frozen.encoder`, `frozen.decoder` | U8: the integers that code, in their compact form |
//!
//! N counts the half's layers from 0. The metadata has one entry, `baler`: an object of `description` and of
//! `crc32`, that of the description's text and of all tensors in the order of their names.

use std::collections::BTreeMap;
use std::io::Write;

use safetensors::tensor::{SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::autoencoder::{Decoder, Encoder, FrozenModel};
use super::float::FloatModel;
use super::hash::ModelHash;
use super::layers::Architecture;
use super::normalise::{Curve, KNOTS, Normalisation, NormalisationKind};
use super::tensors::{Stored, Tensors};
use super::{Model, Provenance};
use crate::error::{Error, Result};

/// The layout of files that this program writes, and the only one it reads.
const FORMAT: u32 = 1;
const METADATA_KEY: &str = "baler";

/// What the tensors alone do not tell.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    architecture: Architecture,
    features: Vec<String>,
    normalisation: NormalisationKind,
    provenance: Provenance,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Metadata {
    crc32: u32,
    description: Description,
}

impl Model {
    /// The model file. The same model gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![];
        self.write(&mut bytes).expect("memory takes all");
        bytes
    }

    /// Writes [`Model::to_bytes`], without ever holding them.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let curves: Vec<_> = match &self.normalisation {
            Normalisation::Affine { .. } => vec![],
            Normalisation::Piecewise { curves, .. } => {
                curves.iter().map(|c| [&[c.low, c.density], &c.knots[..]].concat()).collect()
            }
        };
        let mut tensors = Tensors::default();
        match &self.normalisation {
            Normalisation::Affine { offset, scale, .. } => {
                tensors.put_rows("normalisation.offset", &[offset]);
                tensors.put_rows("normalisation.scale", &[scale]);
            }
            Normalisation::Piecewise { .. } => {
                let rows: Vec<_> = curves.iter().map(|row| &row[..]).collect();
                tensors.put_rows("normalisation.curves", &rows);
            }
        }
        for (half, layers) in [("encoder", &self.float.encoder), ("decoder", &self.float.decoder)] {
            for (i, layer) in layers.iter().enumerate() {
                tensors.put_float(&format!("{half}.{i}"), layer);
            }
        }
        tensors.put_bytes("frozen.encoder", self.frozen.encoder.to_bytes());
        tensors.put_bytes("frozen.decoder", self.frozen.decoder.to_bytes());

        let description = Description {
            format: FORMAT,
            architecture: self.architecture.clone(),
            features: self.frozen.decoder.names().to_vec(),
            normalisation: self.normalisation.kind(),
            provenance: self.provenance.clone(),
        };
        let metadata = Metadata { crc32: tensors.checksum(described(&description)), description };
        let text = serde_json::to_string(&metadata).expect("numbers and strings");
        tensors.write(METADATA_KEY, text, out)
    }

    /// The inverse of [`Model::to_bytes`].
    ///
    /// Everything is validated; what is wrong is named by tensor or layer. Takes memory of a few times
    /// `bytes`, whatever they say.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model> {
        read(bytes).map_err(|e| e.at("model file"))
    }

    /// The SHA-256 of [`Model::to_bytes`]. Archives refer to a model by its decoder's instead, all that they need of
    /// it: [`crate::model::any::AnyDecoder::hash`].
    pub fn hash(&self) -> ModelHash {
        ModelHash::of(&self.to_bytes())
    }
}

fn read(bytes: &[u8]) -> Result<Model> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::corrupt(format!("not safetensors, or damaged: {e}")))?;
    let (_, header) = SafeTensors::read_metadata(bytes).expect("has just been read");
    let text = header.metadata().as_ref().and_then(|m| m.get(METADATA_KEY));
    let text = text
        .ok_or_else(|| Error::unsupported("its metadata have no entry 'baler'; made by another program?"))?;
    check_format(text)?;
    let Metadata { crc32, description } =
        serde_json::from_str(text).map_err(|e| Error::corrupt(format!("description: {e}")))?;
    let tensors: BTreeMap<String, TensorView> = file.tensors().into_iter().collect();
    if Stored(&tensors).checksum(described(&description)) != crc32 {
        return Err(Error::corrupt("its checksum is wrong: the file has been changed or damaged"));
    }
    let Description { architecture, features: names, normalisation: kind, provenance, .. } = description;
    architecture.validate()?;
    let (features, latents) = (architecture.features(), architecture.latents()?);
    let tensors = Stored(&tensors);
    let normalisation = match kind {
        NormalisationKind::Quantile | NormalisationKind::Log => {
            let shape: &[usize] = if features == 1 { &[2 + KNOTS] } else { &[features, 2 + KNOTS] };
            let rows = tensors.numbers("normalisation.curves", shape)?;
            let curve = |row: &[f64]| Curve { low: row[0], density: row[1], knots: row[2..].to_vec() };
            Normalisation::Piecewise { kind, curves: rows.chunks_exact(2 + KNOTS).map(curve).collect() }
        }
        _ => Normalisation::Affine {
            kind,
            offset: tensors.numbers("normalisation.offset", &[features])?,
            scale: tensors.numbers("normalisation.scale", &[features])?,
        },
    };
    let float =
        FloatModel::new(&architecture, |half, i, layer| tensors.float(&format!("{half}.{i}"), layer))?;
    let normalisation = normalisation.checked()?;
    let encoder =
        Encoder::from_bytes(tensors.bytes("frozen.encoder")?).map_err(|e| e.at("frozen encoder"))?;
    let frozen = FrozenModel::new(
        encoder.with_curves(normalisation.curves())?,
        Decoder::from_bytes(tensors.bytes("frozen.decoder")?).map_err(|e| e.at("frozen decoder"))?,
    )?;
    if frozen.features() != features || frozen.latents() != latents || frozen.decoder.names() != names {
        return Err(Error::corrupt("the frozen network is not of the architecture"));
    }
    Ok(Model { architecture, normalisation, float, frozen, provenance })
}

/// Looks at the format alone first, since a later one may describe itself otherwise.
fn check_format(text: &str) -> Result<()> {
    let json: serde_json::Value =
        serde_json::from_str(text).map_err(|e| Error::corrupt(format!("description: {e}")))?;
    match json["description"]["format"].as_u64() {
        Some(format) if format == FORMAT as u64 => Ok(()),
        Some(format) => Err(Error::unsupported(format!(
            "has format {format} where this program reads {FORMAT}; it may need a newer baler"
        ))),
        None => Err(Error::corrupt("description: no format")),
    }
}

/// The beginning of a checksum over the description and over all tensors.
fn described(description: &Description) -> crc32fast::Hasher {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&serde_json::to_vec(description).expect("numbers and strings"));
    crc
}

#[cfg(test)]
pub mod tests {
    use super::super::float::Precision;
    use super::super::freeze::freeze;
    use super::super::layers::Layer;
    use super::super::{Epoch, zoo};
    use super::*;
    use crate::error::ErrorKind;

    /// A model with everything in it, as small as can be.
    pub fn small() -> Model {
        let slope = Layer::LeakyRelu { slope: 0.01 };
        let architecture = Architecture {
            name: "small".into(),
            input: vec![3],
            sequence: 1,
            encoder: zoo::dense_chain(&[5, 2], &slope),
            decoder: zoo::dense_chain(&[4, 3], &slope),
        };
        let value = |i: usize| (i * 37 % 101) as f32 / 101.0 - 0.5;
        let float = FloatModel::new(&architecture, |_, _, layer| {
            let tensors = layer.layer.tensors(&layer.input);
            Ok(tensors.iter().map(|spec| (0..spec.len()).map(value).collect()).collect())
        })
        .unwrap();
        let rows: Vec<f64> = (0..30).map(|i| (i * i % 17) as f64 * 0.3 - 1.0).collect();
        let normalisation = Normalisation::fit(NormalisationKind::MinMax, &rows, 3).unwrap();
        let names = vec!["pt".into(), "eta \"é\"".into(), String::new()];
        let frozen = freeze(&float, 1, &normalisation, names, &normalisation.apply(&rows)).unwrap();
        let epoch = Epoch { train_loss: 0.1 + 0.2, validation_loss: Some(1e-300), learning_rate: 1.0 / 3.0 };
        let provenance = Provenance {
            program: "baler".into(),
            seed: u64::MAX,
            precision: Precision::default(),
            rows: 10,
            rows_left_out: 1,
            history: vec![epoch, Epoch { validation_loss: None, ..epoch }],
        };
        Model { architecture, normalisation, float, frozen, provenance }
    }

    #[test]
    fn bytes_come_back_as_the_model_they_were() {
        let model = small();
        let bytes = model.to_bytes();
        let again = Model::from_bytes(&bytes).unwrap();
        assert!(again == model);
        assert_eq!(again.to_bytes(), bytes);
        assert_eq!(again.hash(), model.hash());
        assert_eq!(model.hash(), ModelHash::of(&bytes));
    }

    #[test]
    fn damage_is_an_error_or_harmless() {
        let model = small();
        let bytes = model.to_bytes();
        for end in 0..bytes.len() {
            assert!(Model::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
        let mut damaged = bytes.clone();
        for bit in 0..bytes.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = Model::from_bytes(&damaged) {
                assert!(read == model, "bit {bit}");
            }
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = |from: &str, to: &str| {
            // The replacement is as long, so that offsets stay right.
            let bytes = small().to_bytes();
            let at = bytes.windows(from.len()).position(|w| w == from.as_bytes()).expect(from);
            [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
        };
        for (bytes, kind, says) in [
            (b"{}".to_vec(), ErrorKind::Corrupt, "not safetensors"),
            (text(r#""baler":"{"#, r#""other":"{"#), ErrorKind::Unsupported, "'baler'"),
            (text(r#"format\":1"#, r#"format\":2"#), ErrorKind::Unsupported, "format 2"),
            (text("seed", "sead"), ErrorKind::Corrupt, "sead"),
            (text("small", "smell"), ErrorKind::Corrupt, "checksum"),
        ] {
            let error = Model::from_bytes(&bytes).unwrap_err();
            assert!(error.kind() == kind && error.to_string().contains(says), "{error}");
        }
    }
}
