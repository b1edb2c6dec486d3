//! What a model is made of, as data: a closed set of layers, and two lists of them.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One layer of a network. The sizes are those of one row, without the batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Layer {
    /// Fully connected, with bias: y = W x + b.
    Dense {
        /// Length of x.
        inputs: usize,
        /// Length of y.
        outputs: usize,
    },
    /// y = x for x > 0, otherwise `slope` x.
    LeakyRelu {
        /// The gradient for negative x, in [0, 1].
        slope: f32,
    },
    /// y = max(x, 0).
    Relu,
}

/// A dense layer and the activation behind it, the unit in which networks run. All activations so far are
/// two straight lines through the origin, so one number says which: the `slope` for negative values (1 for
/// none at all, 0 for ReLU).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DenseStage {
    /// Values in a row that go in.
    pub inputs: usize,
    /// Values in a row that come out.
    pub outputs: usize,
    /// Gradient of the activation for negative values.
    pub slope: f32,
}

/// The layers of an autoencoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// A name of the zoo, or the user's own.
    pub name: String,
    /// From features to latents.
    pub encoder: Vec<Layer>,
    /// From latents to features.
    pub decoder: Vec<Layer>,
}

impl Architecture {
    /// Checks that the layers fit each other: sizes chain, features come back as many as they went in, every
    /// activation follows a dense layer, and none follows the last (whose accumulators are the output).
    pub fn validate(&self) -> Result<()> {
        let encoder = stages(&self.encoder).map_err(|e| e.at("encoder"))?;
        let decoder = stages(&self.decoder).map_err(|e| e.at("decoder"))?;
        let (first, bottom) = (encoder[0], encoder[encoder.len() - 1]);
        let (top, last) = (decoder[0], decoder[decoder.len() - 1]);
        if bottom.outputs != top.inputs {
            return Err(Error::invalid(format!(
                "the encoder gives {} latents where the decoder takes {}",
                bottom.outputs, top.inputs
            )));
        }
        if first.inputs != last.outputs {
            return Err(Error::invalid(format!(
                "the encoder takes {} features where the decoder gives {}",
                first.inputs, last.outputs
            )));
        }
        if last.slope != 1.0 {
            return Err(Error::unsupported("decoder: an activation behind the last layer cannot be frozen"));
        }
        Ok(())
    }

    /// The encoder's stages; the architecture must be valid.
    pub fn encoder_stages(&self) -> Result<Vec<DenseStage>> {
        stages(&self.encoder).map_err(|e| e.at("encoder"))
    }

    /// The decoder's stages; the architecture must be valid.
    pub fn decoder_stages(&self) -> Result<Vec<DenseStage>> {
        stages(&self.decoder).map_err(|e| e.at("decoder"))
    }
}

/// Pairs each dense layer with the activation behind it.
fn stages(layers: &[Layer]) -> Result<Vec<DenseStage>> {
    let mut stages: Vec<DenseStage> = Vec::with_capacity(layers.len());
    let mut bare = false; // whether the last stage still lacks its activation
    for (i, &layer) in layers.iter().enumerate() {
        let slope = match layer {
            Layer::Dense { inputs, outputs } => {
                if inputs == 0 || outputs == 0 {
                    return Err(Error::invalid(format!("layer {i}: dense {inputs} to {outputs} is empty")));
                }
                if let Some(before) = stages.last().filter(|s| s.outputs != inputs) {
                    return Err(Error::invalid(format!(
                        "layer {i}: takes {inputs} values where the one before gives {}",
                        before.outputs
                    )));
                }
                stages.push(DenseStage { inputs, outputs, slope: 1.0 });
                bare = true;
                continue;
            }
            Layer::LeakyRelu { slope } => slope,
            Layer::Relu => 0.0,
        };
        if !(0.0..=1.0).contains(&slope) {
            return Err(Error::invalid(format!("layer {i}: slope {slope} is not in [0, 1]")));
        }
        match stages.last_mut().filter(|_| bare) {
            Some(stage) => stage.slope = slope,
            None => {
                return Err(Error::unsupported(format!(
                    "layer {i}: an activation must follow a dense layer"
                )));
            }
        }
        bare = false;
    }
    if stages.is_empty() {
        return Err(Error::invalid("no dense layer"));
    }
    Ok(stages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_take_their_activations() {
        let layers = [
            Layer::Dense { inputs: 3, outputs: 5 },
            Layer::LeakyRelu { slope: 0.25 },
            Layer::Dense { inputs: 5, outputs: 4 },
            Layer::Relu,
            Layer::Dense { inputs: 4, outputs: 2 },
        ];
        let found: Vec<_> = stages(&layers).unwrap().iter().map(|s| (s.inputs, s.outputs, s.slope)).collect();
        assert_eq!(found, [(3, 5, 0.25), (5, 4, 0.0), (4, 2, 1.0)]);
    }

    #[test]
    fn misfits_are_named() {
        let dense = |inputs, outputs| Layer::Dense { inputs, outputs };
        let with = |encoder: &[Layer], decoder: &[Layer]| {
            Architecture { name: "test".into(), encoder: encoder.into(), decoder: decoder.into() }.validate()
        };
        assert!(with(&[dense(3, 2)], &[dense(2, 3)]).is_ok());
        for (encoder, decoder, says) in [
            (vec![], vec![dense(2, 3)], "encoder: no dense layer"),
            (vec![dense(3, 2)], vec![dense(1, 3)], "2 latents"),
            (vec![dense(4, 2)], vec![dense(2, 3)], "4 features"),
            (vec![dense(3, 0)], vec![dense(0, 3)], "empty"),
            (vec![dense(3, 4), dense(5, 2)], vec![dense(2, 3)], "takes 5"),
            (vec![Layer::Relu, dense(3, 2)], vec![dense(2, 3)], "must follow"),
            (vec![dense(3, 2), Layer::Relu, Layer::Relu], vec![dense(2, 3)], "must follow"),
            (vec![dense(3, 2), Layer::LeakyRelu { slope: f32::NAN }], vec![dense(2, 3)], "slope"),
            (vec![dense(3, 2)], vec![dense(2, 3), Layer::Relu], "behind the last"),
        ] {
            let error = with(&encoder, &decoder).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
