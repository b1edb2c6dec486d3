//! Tensors of any of our architectures: state dicts of PyTorch modules built as the architecture says, on whatever
//! machine they were trained.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use baler::data::{Array, DType, Values};
use baler::error::{Error, Result};
use baler::model::float::{FloatLayer, FloatModel};
use baler::model::layers::{Architecture, Layer, TensorSpec};
use safetensors::{Dtype, SafeTensors};

/// Tensors by name, in the file's order.
pub type Tensors = Vec<(String, Array)>;

/// The tensors of a safetensors file.
///
/// Errors where it is none, where it is a model file of ours, and where a tensor is of no kind of float that is read.
pub fn open_safetensors(path: &Path) -> Result<Tensors> {
    let bytes = fs::read(path).map_err(|e| Error::from(e).at(path.display()))?;
    read_safetensors(&bytes).map_err(|e| e.at(path.display()))
}

fn read_safetensors(bytes: &[u8]) -> Result<Tensors> {
    let damaged = |e| Error::corrupt(format!("not safetensors, or damaged: {e}"));
    let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(damaged)?;
    if header.metadata().as_ref().is_some_and(|m| m.contains_key("baler")) {
        return Err(Error::invalid("is a model file of Baler's already: use it as it is"));
    }
    let read = |name: &str| -> Result<Array> {
        let tensor = file.tensor(name).map_err(damaged)?;
        let dtype = match tensor.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::I64 => DType::I64, // counts of batches, which PyTorch keeps beside batch norms
            other => {
                return Err(Error::unsupported(format!("is of type {other:?}; save it as float32")));
            }
        };
        Array::new(tensor.shape().to_vec(), Values::from_le_bytes(dtype, tensor.data())?)
    };
    let one = |name: &str| match read(name) {
        Ok(array) => Ok((name.to_string(), array)),
        Err(e) => Err(e.at(format!("tensor '{}'", name.escape_debug()))),
    };
    file.names().into_iter().map(one).collect()
}

/// The network of `tensors`, whose architecture is one of `candidates` (they differ in their number of latents).
///
/// Tensors are found by the names that our own model files have, `encoder.N.weight` with N the layer's number in its
/// half: those of a module with two `torch.nn.Sequential`, `encoder` and `decoder`. Where `ordered` says that the file
/// keeps the order of the module's layers, as PyTorch's own does, any names will do. Errors name the tensor and the
/// layer that do not fit, of the candidate that fits best.
pub fn network(
    tensors: &Tensors,
    ordered: bool,
    candidates: impl IntoIterator<Item = Result<Architecture>>,
) -> Result<(Architecture, FloatModel)> {
    let own = |(name, _): &&(String, Array)| !name.ends_with("num_batches_tracked");
    let tensors: Vec<&(String, Array)> = tensors.iter().filter(own).collect();
    let mut best: Option<(usize, Error)> = None;
    for candidate in candidates {
        let mut fitting = 0;
        let fitted = candidate.and_then(|a| Ok((fit(&tensors, ordered, &a, &mut fitting)?, a)));
        match fitted {
            Ok((float, architecture)) => return Ok((architecture, float)),
            Err(e) if best.as_ref().is_none_or(|(most, _)| fitting > *most) => best = Some((fitting, e)),
            Err(_) => {}
        }
    }
    Err(best.map_or_else(|| Error::unsupported("holds no tensors"), |(_, e)| e))
}

/// Lengths that the latents may have: those of all biases.
pub fn widths(tensors: &Tensors) -> Vec<usize> {
    let biases = tensors.iter().filter(|(_, a)| a.shape.len() == 1).map(|(_, a)| a.shape[0]);
    let mut widths: Vec<usize> = biases.filter(|&n| n > 0).collect();
    widths.sort_unstable();
    widths.dedup();
    widths
}

/// As [`network`], of one architecture; counts the tensors that fit.
fn fit(
    tensors: &[&(String, Array)],
    ordered: bool,
    architecture: &Architecture,
    fitting: &mut usize,
) -> Result<FloatModel> {
    let by_name: BTreeMap<&str, &Array> = tensors.iter().map(|(name, array)| (&name[..], array)).collect();
    let number = |name: &str| name.strip_prefix("encoder.")?.split('.').next()?.parse::<usize>().ok();
    let named = by_name.keys().any(|name| number(name).is_some());
    let mut next = tensors.iter();
    let float = FloatModel::new(architecture, |half, i, made: &FloatLayer| {
        if matches!(made.layer, Layer::Gdn { .. }) && !named {
            return Err(Error::unsupported(format!(
                "{half}.{i} is a GDN, whose parameters programs keep in more than one form; save beta and gamma \
                 of y = x / sqrt(beta + gamma x^2) as {half}.{i}.beta and {half}.{i}.gamma"
            )));
        }
        let one = |spec: &TensorSpec| -> Result<Vec<f32>> {
            let wanted = format!("{half}.{i}.{}", spec.name);
            let found = match (named, ordered) {
                (true, _) => by_name.get_key_value(&wanted[..]).map(|(name, array)| (*name, *array)),
                (false, true) => next.next().map(|(name, array)| (&name[..], array)),
                (false, false) => None,
            };
            let (name, array) = found.ok_or_else(|| {
                Error::invalid(format!("has no tensor '{wanted}', of shape {:?}", spec.shape))
            })?;
            let values = array.values.to_f64().filter(|_| array.values.dtype().is_float());
            match values {
                Some(values) if array.shape == spec.shape => {
                    *fitting += 1;
                    let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
                    match values.iter().all(|x| x.is_finite()) {
                        true => Ok(values),
                        false => Err(Error::invalid(format!(
                            "the tensor '{}' holds a value that is not finite in single precision",
                            name.escape_debug()
                        ))),
                    }
                }
                _ => Err(Error::invalid(format!(
                    "the tensor '{}', {} of shape {:?}, does not fit {wanted} of a {} layer, floats of shape {:?}",
                    name.escape_debug(),
                    array.values.dtype(),
                    array.shape,
                    made.layer.kind(),
                    spec.shape
                ))),
            }
        };
        made.layer.tensors(&made.input).iter().map(one).collect()
    })?;
    match tensors.len() - *fitting {
        0 => Ok(float),
        more => Err(Error::invalid(format!("{more} of its {} tensors belong to no layer", tensors.len()))),
    }
}
