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

/// A type of number that tensors are made of.
pub trait Number: Copy {
    /// Its name.
    const DTYPE: Dtype;
    /// Appends values.
    fn write(values: &[Self], bytes: &mut Vec<u8>);
    /// The inverse of [`Number::write`].
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! number {
    ($t:ident, $dtype:ident) => {
        impl Number for $t {
            const DTYPE: Dtype = Dtype::$dtype;

            fn write(values: &[$t], bytes: &mut Vec<u8>) {
                bytes.extend(values.iter().flat_map(|x| x.to_le_bytes()));
            }
            fn read(bytes: &[u8]) -> Vec<$t> {
                bytes.as_chunks().0.iter().map(|&b| $t::from_le_bytes(b)).collect()
            }
        }
    };
}

number!(f32, F32);
number!(f64, F64);

/// Tensors to be written, by name.
#[derive(Default)]
pub struct Tensors(pub BTreeMap<String, Tensor>);

impl Tensors {
    fn put<R: Number>(&mut self, name: String, shape: &[usize], rows: &[&[R]]) {
        let mut bytes = Vec::with_capacity(rows.iter().map(|row| size_of_val(*row)).sum());
        rows.iter().for_each(|row| R::write(row, &mut bytes));
        self.0.insert(name, Tensor { dtype: R::DTYPE, shape: shape.to_vec(), bytes });
    }

    /// One row of numbers, or several of the same length.
    pub fn put_rows<R: Number>(&mut self, name: &str, rows: &[&[R]]) {
        let shape = [rows.len(), rows[0].len()];
        let shape = if rows.len() == 1 { &shape[1..] } else { &shape };
        self.put(name.into(), shape, rows);
    }

    /// Over the name, type, shape and bytes of every tensor.
    pub fn checksum(&self) -> u32 {
        checksum(crc32fast::Hasher::new(), &self.0)
    }

    /// The tensors of a float layer, by PyTorch's names.
    pub fn put_float(&mut self, name: &str, layer: &FloatLayer) {
        for (spec, values) in layer.layer.tensors(&layer.input).iter().zip(&layer.tensors) {
            self.put(format!("{name}.{}", spec.name), &spec.shape, &[values]);
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
    /// The numbers of a tensor, which must have their type and this shape.
    pub fn numbers<R: Number>(&self, name: &str, shape: &[usize]) -> Result<Vec<R>> {
        let tensor = self.0.get(name).ok_or_else(|| Error::corrupt(format!("tensor '{name}' is missing")))?;
        if tensor.dtype() != R::DTYPE || tensor.shape() != shape {
            return Err(Error::corrupt(format!(
                "tensor '{name}' is {:?} {:?} where the layers need {:?} {shape:?}",
                tensor.dtype(),
                tensor.shape(),
                R::DTYPE
            )));
        }
        Ok(R::read(tensor.data()))
    }

    /// As [`Tensors::checksum`].
    pub fn checksum(&self) -> u32 {
        checksum(crc32fast::Hasher::new(), self.0)
    }

    /// The inverse of [`Tensors::put_float`]: the tensors that `layer` must have.
    pub fn float(&self, name: &str, layer: &FloatLayer) -> Result<Vec<Vec<f32>>> {
        let read = |spec: &TensorSpec| self.numbers(&format!("{name}.{}", spec.name), &spec.shape);
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
