//! Layers as named tensors of a model file, both ways.

use std::borrow::Cow;
use std::collections::BTreeMap;

use safetensors::Dtype;
use safetensors::tensor::{TensorView, View};

use super::float::FloatLayer;
use super::layers::TensorSpec;
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

    /// As [`Tensors::put_f64s`], of singles.
    pub fn put_f32s(&mut self, name: &str, rows: &[&[f32]]) {
        let shape = [rows.len(), rows[0].len()];
        let shape = if rows.len() == 1 { &shape[1..] } else { &shape };
        self.put(name.into(), Dtype::F32, shape, rows.iter().copied().flatten().map(|x| x.to_le_bytes()));
    }

    /// Over the name, type, shape and bytes of every tensor.
    pub fn checksum(&self) -> u32 {
        checksum(crc32fast::Hasher::new(), &self.0)
    }

    /// The tensors of a float layer, by PyTorch's names.
    pub fn put_float(&mut self, name: &str, layer: &FloatLayer) {
        for (spec, values) in layer.layer.tensors(&layer.input).iter().zip(&layer.tensors) {
            let values = values.iter().map(|x| x.to_le_bytes());
            self.put(format!("{name}.{}", spec.name), Dtype::F32, &spec.shape, values);
        }
    }

    /// Bytes that have a form of their own.
    pub fn put_bytes(&mut self, name: &str, bytes: &[u8]) {
        let tensor = Tensor { dtype: Dtype::U8, shape: vec![bytes.len()], bytes: bytes.to_vec() };
        self.0.insert(name.into(), tensor);
    }
}

/// Goes on with the name, type, shape and bytes of every tensor.
pub fn checksum<T: View>(mut crc: crc32fast::Hasher, tensors: &BTreeMap<String, T>) -> u32 {
    for (name, tensor) in tensors {
        crc.update(format!("{name} {:?} {:?} ", tensor.dtype(), tensor.shape()).as_bytes());
        crc.update(&tensor.data());
    }
    crc.finalize()
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

    /// Singles of this shape.
    pub fn f32s(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.values(name, Dtype::F32, shape, f32::from_le_bytes)
    }

    /// As [`Tensors::checksum`].
    pub fn checksum(&self) -> u32 {
        checksum(crc32fast::Hasher::new(), self.0)
    }

    /// The inverse of [`Tensors::put_float`]: the tensors that `layer` must have.
    pub fn float(&self, name: &str, layer: &FloatLayer) -> Result<Vec<Vec<f32>>> {
        let read = |spec: &TensorSpec| self.f32s(&format!("{name}.{}", spec.name), &spec.shape);
        layer.layer.tensors(&layer.input).iter().map(read).collect()
    }

    /// The inverse of [`Tensors::put_bytes`].
    pub fn bytes(&self, name: &str) -> Result<&[u8]> {
        let tensor = self.0.get(name).ok_or_else(|| Error::corrupt(format!("tensor '{name}' is missing")))?;
        match tensor.dtype() == Dtype::U8 && tensor.shape().len() == 1 {
            true => Ok(tensor.data()),
            false => Err(Error::corrupt(format!("tensor '{name}' is not bytes"))),
        }
    }
}
