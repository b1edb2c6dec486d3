//! What a model is made of, as data: a closed set of layers, and two lists of them.
//!
//! Shapes are those of one row, without the batch: `[features]` for dense layers, `[channels, (depth,) (height,)
//! width]` for convolutions in one to three dimensions. A layer tells its output's shape and its tensors from its
//! input's shape, so that nobody writes a size twice.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Rows of a sequence, at most: attention takes memory of its square.
pub const MOST_SEQUENCE: usize = 1 << 12;

/// Values in a row, at most: what shapes may multiply to.
pub const MOST_VALUES: usize = 1 << 24;

/// One layer of a network. Layers, their parameters' names and their arithmetic are those of PyTorch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Layer {
    /// Fully connected over all of the row's values, with bias: y = W x + b.
    Dense {
        /// Length of y.
        outputs: usize,
    },
    /// Cross-correlation over the axes behind the channels, with bias.
    Conv {
        /// Channels that come out.
        channels: usize,
        /// Extent of the window along each axis.
        kernel: Vec<usize>,
        /// Distance between windows along each axis; 1 where left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stride: Vec<usize>,
        /// Zeros added on both sides of each axis; 0 where left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        padding: Vec<usize>,
    },
    /// The transpose of [`Layer::Conv`]: what its gradient by its input would be, with a bias.
    ConvTransposed {
        /// Channels that come out.
        channels: usize,
        /// Extent of the window along each axis.
        kernel: Vec<usize>,
        /// Distance between windows of the output along each axis; 1 where left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        stride: Vec<usize>,
        /// Cut from both sides of each axis; 0 where left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        padding: Vec<usize>,
        /// Added at the end of each axis, below its stride; 0 where left out.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        output_padding: Vec<usize>,
    },
    /// Each channel (or feature, where there is one axis) to mean 0 and variance 1 over the batch, then scaled and
    /// shifted; after training by the running mean and variance (momentum 0.1, epsilon 1e-5).
    BatchNorm,
    /// In training, zeroes values with this probability and scales the others up; afterwards nothing.
    Dropout {
        /// In [0, 1).
        rate: f32,
    },
    /// y = x for x > 0, otherwise `slope` x.
    LeakyRelu {
        /// The gradient for negative x, in [0, 1].
        slope: f32,
    },
    /// y = max(x, 0).
    Relu,
    /// y = x Phi(x), Phi the standard normal distribution (Hendrycks and Gimpel, 2016).
    Gelu,
    /// Generalised divisive normalisation over the channels: y_i = x_i / sqrt(beta_i + sum_j gamma_ij x_j^2)
    /// (Balle, Laparra and Simoncelli, 2016); the inverse multiplies instead.
    Gdn {
        /// Whether to multiply.
        #[serde(default)]
        inverse: bool,
    },
    /// One axis instead of several.
    Flatten,
    /// Another shape of as many values.
    Reshape {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// A transformer encoder layer of one head (Vaswani et al., 2017), GELU between its two dense layers. The rows of
    /// a batch are the sequence: each attends to all of them.
    Transformer {
        /// Width between the two dense layers.
        feed_forward: usize,
        /// Whether the layer norms stand before attention and feed-forward instead of behind their residual sums.
        #[serde(default)]
        norm_first: bool,
    },
}

/// A tensor that a layer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    /// As PyTorch names it in the layer's module (`weight`, `bias`, `running_mean`, `self_attn.in_proj_weight`).
    pub name: &'static str,
    /// In PyTorch's order of axes.
    pub shape: Vec<usize>,
    /// Whether training fits it by gradients; running statistics are only followed.
    pub trained: bool,
}

impl TensorSpec {
    /// Numbers in it.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no numbers, which no valid layer's tensor is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Layer {
    /// The layer's name in descriptions and errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Layer::Dense { .. } => "dense",
            Layer::Conv { .. } => "conv",
            Layer::ConvTransposed { .. } => "conv_transposed",
            Layer::BatchNorm => "batch_norm",
            Layer::Dropout { .. } => "dropout",
            Layer::LeakyRelu { .. } => "leaky_relu",
            Layer::Relu => "relu",
            Layer::Gelu => "gelu",
            Layer::Gdn { .. } => "gdn",
            Layer::Flatten => "flatten",
            Layer::Reshape { .. } => "reshape",
            Layer::Transformer { .. } => "transformer",
        }
    }

    /// The shape of what it gives for an `input` of this shape. The error says what does not fit.
    pub fn output(&self, input: &[usize]) -> Result<Vec<usize>> {
        let output = match self {
            Layer::Dense { outputs } => match input {
                [_] => vec![*outputs],
                _ => return Err(misfit(self, input, "one axis is needed; put a flatten before it")),
            },
            Layer::Conv { channels, kernel, stride, padding } => {
                let windows = Windows::new(self, input, kernel, stride, padding)?;
                windows.shape(
                    *channels,
                    |size, k, s, p, _| (size + 2 * p).checked_sub(k).map(|n| n / s + 1),
                    &[],
                )?
            }
            Layer::ConvTransposed { channels, kernel, stride, padding, output_padding } => {
                let windows = Windows::new(self, input, kernel, stride, padding)?;
                let size = |size: usize, k: usize, s: usize, p: usize, more: usize| {
                    (size.checked_sub(1)? * s + k + more).checked_sub(2 * p)
                };
                windows.shape(*channels, size, output_padding)?
            }
            Layer::Dropout { rate } if !(0.0..1.0).contains(rate) => {
                return Err(misfit(self, input, &format!("rate {rate} is not in [0, 1)")));
            }
            Layer::LeakyRelu { slope } if !(0.0..=1.0).contains(slope) => {
                return Err(misfit(self, input, &format!("slope {slope} is not in [0, 1]")));
            }
            Layer::Flatten => vec![input.iter().product()],
            Layer::Reshape { shape } => match volume(shape) == volume(input) {
                true => shape.clone(),
                false => {
                    return Err(misfit(self, input, &format!("{shape:?} holds another number of values")));
                }
            },
            Layer::Transformer { feed_forward, .. } => match input {
                [_] if (1..=MOST_VALUES).contains(feed_forward) => input.to_vec(),
                [_] => return Err(misfit(self, input, "a feed-forward of 1 to 2^24 is needed")),
                _ => return Err(misfit(self, input, "one axis is needed; put a flatten before it")),
            },
            _ => input.to_vec(),
        };
        match volume(&output) {
            Some(1..=MOST_VALUES) => Ok(output),
            _ => Err(misfit(self, input, &format!("it would give {output:?}: empty, or over 2^24 values"))),
        }
    }

    /// Its tensors for an `input` of this shape, which must fit; none where it has no parameters.
    pub fn tensors(&self, input: &[usize]) -> Vec<TensorSpec> {
        let spec = |name, shape: &[usize], trained| TensorSpec { name, shape: shape.to_vec(), trained };
        let trained = |name, shape: &[usize]| spec(name, shape, true);
        let c = input[0];
        match self {
            Layer::Dense { outputs } => vec![trained("weight", &[*outputs, c]), trained("bias", &[*outputs])],
            Layer::Conv { channels, kernel, .. } => {
                vec![
                    trained("weight", &[&[*channels, c], &kernel[..]].concat()),
                    trained("bias", &[*channels]),
                ]
            }
            Layer::ConvTransposed { channels, kernel, .. } => {
                vec![
                    trained("weight", &[&[c, *channels], &kernel[..]].concat()),
                    trained("bias", &[*channels]),
                ]
            }
            Layer::BatchNorm => vec![
                trained("weight", &[c]),
                trained("bias", &[c]),
                spec("running_mean", &[c], false),
                spec("running_var", &[c], false),
            ],
            Layer::Gdn { .. } => vec![trained("beta", &[c]), trained("gamma", &[c, c])],
            Layer::Transformer { feed_forward: wide, .. } => vec![
                trained("self_attn.in_proj_weight", &[3 * c, c]),
                trained("self_attn.in_proj_bias", &[3 * c]),
                trained("self_attn.out_proj.weight", &[c, c]),
                trained("self_attn.out_proj.bias", &[c]),
                trained("linear1.weight", &[*wide, c]),
                trained("linear1.bias", &[*wide]),
                trained("linear2.weight", &[c, *wide]),
                trained("linear2.bias", &[c]),
                trained("norm1.weight", &[c]),
                trained("norm1.bias", &[c]),
                trained("norm2.weight", &[c]),
                trained("norm2.bias", &[c]),
            ],
            _ => vec![],
        }
    }

    /// Whether what it gives for a row depends on the other rows of the batch, after training too.
    pub fn joins_rows(&self) -> bool {
        matches!(self, Layer::Transformer { .. })
    }
}

/// The windows of a convolution, checked against the input.
struct Windows<'a> {
    layer: &'a Layer,
    input: &'a [usize],
    /// Kernel, stride and padding of each axis.
    axes: Vec<[usize; 3]>,
}

impl<'a> Windows<'a> {
    fn new(
        layer: &'a Layer,
        input: &'a [usize],
        kernel: &[usize],
        stride: &[usize],
        padding: &[usize],
    ) -> Result<Self> {
        let axes = input.len().saturating_sub(1);
        if !(1..=3).contains(&axes) || kernel.len() != axes {
            let says = format!(
                "the input needs a channel axis and as many more as the kernel {kernel:?} has, 1 to 3"
            );
            return Err(misfit(layer, input, &says));
        }
        for (what, list) in [("stride", stride), ("padding", padding)] {
            if !(list.is_empty() || list.len() == axes) {
                return Err(misfit(
                    layer,
                    input,
                    &format!("{what} {list:?} has another number of axes than the kernel"),
                ));
            }
        }
        let at = |list: &[usize], i, default| list.get(i).copied().unwrap_or(default);
        let axes: Vec<[usize; 3]> =
            (0..axes).map(|i| [kernel[i], at(stride, i, 1), at(padding, i, 0)]).collect();
        let sound = |&[k, s, p]: &[usize; 3]| k > 0 && s > 0 && k.max(s).max(p) <= MOST_VALUES;
        match axes.iter().all(sound) {
            true => Ok(Windows { layer, input, axes }),
            false => Err(misfit(layer, input, "kernel and stride must be at least 1")),
        }
    }

    /// `channels` and what `size(extent, kernel, stride, padding, more)` makes of each axis.
    fn shape(
        &self,
        channels: usize,
        size: impl Fn(usize, usize, usize, usize, usize) -> Option<usize>,
        more: &[usize],
    ) -> Result<Vec<usize>> {
        let mut shape = vec![channels];
        for (i, (&extent, &[k, s, p])) in self.input[1..].iter().zip(&self.axes).enumerate() {
            let more = more.get(i).copied().unwrap_or(0);
            if more >= s.max(1) && more > 0 {
                return Err(misfit(self.layer, self.input, "output padding must be below the stride"));
            }
            match size(extent, k, s, p, more) {
                Some(n) if n > 0 => shape.push(n),
                _ => {
                    let says = format!("a kernel of {k} does not fit axis {i} of {extent} (padding {p})");
                    return Err(misfit(self.layer, self.input, &says));
                }
            }
        }
        Ok(shape)
    }
}

fn misfit(layer: &Layer, input: &[usize], says: &str) -> Error {
    Error::invalid(format!("{} cannot take {input:?}: {says}", layer.kind()))
}

/// The product of a shape, unless it overflows.
fn volume(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &x| n.checked_mul(x))
}

/// The layers of an autoencoder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// A name of the zoo, or the user's own.
    pub name: String,
    /// The shape of a row: `[features]`, or `[channels, (depth,) (height,) width]`.
    pub input: Vec<usize>,
    /// Consecutive rows that see each other where a layer joins rows, in training, encoding and decoding.
    #[serde(default = "alone")]
    pub sequence: usize,
    /// From features to latents.
    pub encoder: Vec<Layer>,
    /// From latents to features.
    pub decoder: Vec<Layer>,
}

impl Architecture {
    /// Checks that the layers fit each other and that as many values come back as went in.
    pub fn validate(&self) -> Result<()> {
        self.shapes().map(|_| ())
    }

    /// The shape before each layer of the encoder and behind its last, and those of the decoder. Errors name
    /// the layer and the shapes that do not fit.
    pub fn shapes(&self) -> Result<[Vec<Vec<usize>>; 2]> {
        match volume(&self.input) {
            Some(1..=MOST_VALUES) if !self.input.is_empty() => {}
            _ => {
                return Err(Error::invalid(format!(
                    "a row of shape {:?}: empty, or over 2^24 values",
                    self.input
                )));
            }
        }
        if !(1..=MOST_SEQUENCE).contains(&self.sequence) {
            return Err(Error::invalid(format!("a sequence of {} rows is not of 1 to 4096", self.sequence)));
        }
        let encoder = chain(&self.input, &self.encoder).map_err(|e| e.at("encoder"))?;
        let latents = &encoder[encoder.len() - 1];
        let decoder = chain(latents, &self.decoder).map_err(|e| e.at("decoder"))?;
        let output = &decoder[decoder.len() - 1];
        if volume(output) != volume(&self.input) {
            return Err(Error::invalid(format!(
                "the decoder gives {output:?} where a row is {:?}: another number of values",
                self.input
            )));
        }
        Ok([encoder, decoder])
    }

    /// Values in a row.
    pub fn features(&self) -> usize {
        self.input.iter().product()
    }

    /// Latents in a row; the architecture must be valid.
    pub fn latents(&self) -> Result<usize> {
        Ok(self.shapes()?[0].last().expect("the input's shape").iter().product())
    }
}

fn alone() -> usize {
    1
}

/// The shapes before each of `layers` and behind the last.
fn chain(input: &[usize], layers: &[Layer]) -> Result<Vec<Vec<usize>>> {
    if layers.is_empty() {
        return Err(Error::invalid("no layers"));
    }
    let mut shapes = vec![input.to_vec()];
    for (i, layer) in layers.iter().enumerate() {
        shapes.push(layer.output(&shapes[i]).map_err(|e| e.at(format!("layer {i}")))?);
    }
    Ok(shapes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn convolutions_have_the_shapes_of_pytorch() {
        let shape = |transposed: bool, n: usize, k: usize, s: usize, p: usize, more: usize| {
            let (kernel, stride, padding, output_padding) = (vec![k], vec![s], vec![p], vec![more]);
            let layer = match transposed {
                false => Layer::Conv { channels: 1, kernel, stride, padding },
                true => Layer::ConvTransposed { channels: 1, kernel, stride, padding, output_padding },
            };
            layer.output(&[1, n]).map(|shape| shape[1]).ok()
        };
        for n in 1..12 {
            for k in 1..6 {
                for s in 1..4 {
                    for p in 0..3 {
                        // Windows that fit, counted.
                        let fit = (0..n + 2 * p).step_by(s).filter(|at| at + k <= n + 2 * p).count();
                        assert_eq!(shape(false, n, k, s, p, 0), (fit > 0).then_some(fit));
                        // The transpose comes back to the extent, with the padding that the stride swallowed.
                        if let Some(m) = shape(false, n, k, s, p, 0) {
                            assert_eq!(shape(true, m, k, s, p, (n + 2 * p - k) % s), Some(n));
                        }
                    }
                }
            }
        }
        assert_eq!(shape(true, 4, 3, 1, 0, 1), None, "output padding below the stride");
    }

    #[test]
    fn misfits_are_named() {
        let dense = |outputs| Layer::Dense { outputs };
        let conv = |kernel: &[usize]| Layer::Conv {
            channels: 2,
            kernel: kernel.into(),
            stride: vec![],
            padding: vec![],
        };
        let with = |input: &[usize], encoder: &[Layer], decoder: &[Layer]| {
            let (encoder, decoder) = (encoder.into(), decoder.into());
            Architecture { name: "test".into(), input: input.into(), sequence: 1, encoder, decoder }
                .validate()
        };
        assert!(with(&[3], &[dense(2)], &[dense(3)]).is_ok());
        for (input, encoder, decoder, says) in [
            (&[3][..], vec![], vec![dense(3)], "encoder: no layers"),
            (&[4], vec![dense(2)], vec![dense(3)], "gives [3] where a row is [4]"),
            (
                &[3],
                vec![dense(0)],
                vec![dense(3)],
                "encoder: layer 0: dense cannot take [3]: it would give [0]",
            ),
            (&[3], vec![dense(2), Layer::LeakyRelu { slope: f32::NAN }], vec![dense(3)], "slope"),
            (&[1, 9], vec![dense(2)], vec![dense(9)], "put a flatten before it"),
            (&[1, 4, 4], vec![conv(&[3])], vec![dense(9)], "kernel [3]"),
            (&[1, 4, 4], vec![conv(&[5, 1])], vec![dense(9)], "a kernel of 5 does not fit axis 0 of 4"),
            (&[1, 4], vec![Layer::Reshape { shape: vec![3] }], vec![dense(9)], "another number"),
            (&[3], vec![Layer::Dropout { rate: 1.0 }], vec![dense(3)], "rate 1"),
            (&[usize::MAX, 3], vec![Layer::Flatten], vec![dense(3)], "2^24"),
        ] {
            let error = with(input, &encoder, &decoder).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
