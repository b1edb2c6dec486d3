//! Layers as named tensors of a model file, both ways.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, View};

use super::float::FloatLayer;
use super::frozen::{FrozenDense, Requantise};
use super::layers::{DenseStage, TensorSpec};
use crate::error::{Error, Result};

/// A tensor to be written.
pub struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for Tensor {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        (&self.bytes).into()
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// Tensors to be written, by name.
#[derive(Default)]
pub struct Tensors(pub BTreeMap<String, Tensor>);

impl Tensors {
    fn put<const N: usize>(
        &mut self,
        name: String,
        dtype: Dtype,
        shape: &[usize],
        values: impl Iterator<Item = [u8; N]>,
    ) {
        let tensor = Tensor { dtype, shape: shape.to_vec(), bytes: values.flatten().collect() };
        self.0.insert(name, tensor);
    }

    /// One row of doubles, or several of the same length.
    pub fn put_f64s(&mut self, name: &str, rows: &[&[f64]]) {
        let shape = [rows.len(), rows[0].len()];
        let shape = if rows.len() == 1 { &shape[1..] } else { &shape };
        self.put(name.into(), Dtype::F64, shape, rows.iter().copied().flatten().map(|x| x.to_le_bytes()));
    }

    /// The tensors of a float layer, by PyTorch's names.
    pub fn put_float(&mut self, name: &str, layer: &FloatLayer) {
        for (spec, values) in layer.layer.tensors(&layer.input).iter().zip(&layer.tensors) {
            let values = values.iter().map(|x| x.to_le_bytes());
            self.put(format!("{name}.{}", spec.name), Dtype::F32, &spec.shape, values);
        }
    }

    /// A frozen layer.
    pub fn put_frozen(&mut self, name: &str, layer: &FrozenDense) {
        let (inputs, outputs) = (layer.inputs(), layer.outputs());
        let weights = layer.weights().iter().map(|x| x.to_le_bytes());
        self.put(format!("{name}.weight"), Dtype::I16, &[outputs, inputs], weights);
        self.put(
            format!("{name}.bias"),
            Dtype::I32,
            &[outputs],
            layer.bias().iter().map(|x| x.to_le_bytes()),
        );
        if let Some(requantise) = layer.requantise() {
            let both = requantise.positive.iter().chain(&requantise.negative).map(|x| x.to_le_bytes());
            self.put(format!("{name}.multipliers"), Dtype::I16, &[2, outputs], both);
            let shift = (requantise.shift as i32).to_le_bytes();
            self.put(format!("{name}.shift"), Dtype::I32, &[1], std::iter::once(shift));
        }
    }
}

/// Tensors that were read, by name.
pub struct Stored<'a>(pub &'a BTreeMap<String, TensorView<'a>>);

impl Stored<'_> {
    /// The values of a tensor that must have this type and shape.
    fn values<const N: usize, T>(
        &self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
        from: fn([u8; N]) -> T,
    ) -> Result<Vec<T>> {
        let tensor = self.0.get(name).ok_or_else(|| Error::corrupt(format!("tensor '{name}' is missing")))?;
        if tensor.dtype() != dtype || tensor.shape() != shape {
            return Err(Error::corrupt(format!(
                "tensor '{name}' is {:?} {:?} where the layers need {dtype:?} {shape:?}",
                tensor.dtype(),
                tensor.shape()
            )));
        }
        Ok(tensor.data().as_chunks::<N>().0.iter().map(|&bytes| from(bytes)).collect())
    }

    /// Doubles of this shape.
    pub fn f64s(&self, name: &str, shape: &[usize]) -> Result<Vec<f64>> {
        self.values(name, Dtype::F64, shape, f64::from_le_bytes)
    }

    /// The inverse of [`Tensors::put_float`]: the tensors that `layer` must have.
    pub fn float(&self, name: &str, layer: &FloatLayer) -> Result<Vec<Vec<f32>>> {
        let read = |spec: &TensorSpec| {
            self.values(&format!("{name}.{}", spec.name), Dtype::F32, &spec.shape, f32::from_le_bytes)
        };
        layer.layer.tensors(&layer.input).iter().map(read).collect()
    }

    /// The inverse of [`Tensors::put_frozen`]; `requantises` says whether the layer must.
    pub fn frozen(&self, name: &str, stage: DenseStage, requantises: bool) -> Result<FrozenDense> {
        let DenseStage { inputs, outputs, .. } = stage;
        let weights =
            self.values(&format!("{name}.weight"), Dtype::I16, &[outputs, inputs], i16::from_le_bytes)?;
        let bias = self.values(&format!("{name}.bias"), Dtype::I32, &[outputs], i32::from_le_bytes)?;
        let requantise = match requantises {
            false => None,
            true => {
                let both = self.values(
                    &format!("{name}.multipliers"),
                    Dtype::I16,
                    &[2, outputs],
                    i16::from_le_bytes,
                )?;
                let shift = self.values(&format!("{name}.shift"), Dtype::I32, &[1], u32::from_le_bytes)?[0];
                let (positive, negative) = both.split_at(outputs);
                Some(Requantise { shift, positive: positive.to_vec(), negative: negative.to_vec() })
            }
        };
        FrozenDense::new(inputs, outputs, weights, bias, requantise).map_err(|e| e.at(name))
    }
}
