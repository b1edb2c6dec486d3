//! Named tensors of a file (safetensors), both ways. Written piece by piece from where they are: a model may have billions of
//! bytes, which nobody wants twice.

use std::collections::BTreeMap;
use std::io::{Result as IoResult, Write};

use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo, TensorView};

use super::float::FloatLayer;
use super::layers::TensorSpec;
use crate::error::{Error, Result};

/// Numbers that are turned into bytes at once.
const PIECE: usize = 1 << 14;

/// A type of number that tensors are made of.
pub trait Number: Copy {
    /// Its name.
    const DTYPE: Dtype;
    /// Values to be written.
    fn part(values: &[Self]) -> Part<'_>;
    /// Values that were read.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! number {
    ($t:ident, $dtype:ident) => {
        impl Number for $t {
            const DTYPE: Dtype = Dtype::$dtype;

            fn part(values: &[$t]) -> Part<'_> {
                Part::$dtype(values)
            }
            fn read(bytes: &[u8]) -> Vec<$t> {
                bytes.as_chunks().0.iter().map(|&b| $t::from_le_bytes(b)).collect()
            }
        }
    };
}

number!(f32, F32);
number!(f64, F64);

/// Some of a tensor's values.
pub enum Part<'a> {
    /// Singles.
    F32(&'a [f32]),
    /// Doubles.
    F64(&'a [f64]),
    /// Bytes that have a form of their own.
    U8(Vec<u8>),
}

impl Part<'_> {
    fn len(&self) -> usize {
        match self {
            Part::F32(values) => size_of_val(*values),
            Part::F64(values) => size_of_val(*values),
            Part::U8(bytes) => bytes.len(),
        }
    }

    fn write(&self, out: &mut dyn Write) -> IoResult<()> {
        fn each<T: Copy, const N: usize>(
            values: &[T],
            to: fn(T) -> [u8; N],
            out: &mut dyn Write,
        ) -> IoResult<()> {
            let mut bytes = Vec::with_capacity(N * PIECE.min(values.len()));
            values.chunks(PIECE).try_for_each(|piece| {
                bytes.clear();
                bytes.extend(piece.iter().flat_map(|&x| to(x)));
                out.write_all(&bytes)
            })
        }
        match self {
            Part::F32(values) => each(values, f32::to_le_bytes, out),
            Part::F64(values) => each(values, f64::to_le_bytes, out),
            Part::U8(bytes) => out.write_all(bytes),
        }
    }
}

/// A tensor to be written.
struct Tensor<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    parts: Vec<Part<'a>>,
}

/// Tensors to be written, by name.
#[derive(Default)]
pub struct Tensors<'a>(BTreeMap<String, Tensor<'a>>);

impl<'a> Tensors<'a> {
    /// Rows of numbers, one behind the other.
    fn put<R: Number>(&mut self, name: String, shape: &[usize], rows: &[&'a [R]]) {
        let parts = rows.iter().map(|row| R::part(row)).collect();
        self.0.insert(name, Tensor { dtype: R::DTYPE, shape: shape.to_vec(), parts });
    }

    /// One row of numbers, or several of the same length.
    pub fn put_rows<R: Number>(&mut self, name: &str, rows: &[&'a [R]]) {
        let shape = [rows.len(), rows[0].len()];
        let shape = if rows.len() == 1 { &shape[1..] } else { &shape };
        self.put(name.into(), shape, rows);
    }

    /// The tensors of a float layer, by PyTorch's names.
    pub fn put_float(&mut self, name: &str, layer: &'a FloatLayer) {
        for (spec, values) in layer.layer.tensors(&layer.input).iter().zip(&layer.tensors) {
            self.put(format!("{name}.{}", spec.name), &spec.shape, &[&values[..]]);
        }
    }

    /// Bytes that have a form of their own.
    pub fn put_bytes(&mut self, name: &str, bytes: Vec<u8>) {
        let shape = vec![bytes.len()];
        self.0.insert(name.into(), Tensor { dtype: Dtype::U8, shape, parts: vec![Part::U8(bytes)] });
    }

    /// Goes on with the name, type, shape and bytes of every tensor.
    pub fn checksum(&self, crc: crc32fast::Hasher) -> u32 {
        let mut crc = Summed(crc);
        for (name, tensor) in &self.0 {
            crc.0.update(head(name, tensor.dtype, &tensor.shape).as_bytes());
            tensor.parts.iter().try_for_each(|part| part.write(&mut crc)).expect("a sum takes all");
        }
        crc.0.finalize()
    }

    /// The file, with one entry of metadata: the bytes that the crate `safetensors` gives.
    pub fn write(&self, key: &str, text: String, out: &mut dyn Write) -> IoResult<()> {
        let mut tensors: Vec<_> = self.0.iter().collect();
        tensors.sort_by_key(|(_, tensor)| std::cmp::Reverse(tensor.dtype)); // widest first, then by name
        let mut end = 0;
        let info = |(name, tensor): &(&String, &Tensor)| {
            let start = end;
            end += tensor.parts.iter().map(Part::len).sum::<usize>();
            let (dtype, shape) = (tensor.dtype, tensor.shape.clone());
            ((*name).clone(), TensorInfo { dtype, shape, data_offsets: (start, end) })
        };
        let infos = tensors.iter().map(info).collect();
        let metadata = Metadata::new(Some([(key.to_string(), text)].into()), infos);
        let mut header =
            serde_json::to_vec(&metadata.expect("as long as their shapes")).expect("numbers and strings");
        header.resize(header.len().next_multiple_of(8), b' ');
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        tensors.iter().flat_map(|(_, tensor)| &tensor.parts).try_for_each(|part| part.write(out))
    }
}

/// The checksum of values as they are written.
pub fn crc32<R: Number>(values: &[R]) -> u32 {
    let mut crc = Summed(crc32fast::Hasher::new());
    R::part(values).write(&mut crc).expect("a sum takes all");
    crc.0.finalize()
}

/// A checksum as something to write to.
struct Summed(crc32fast::Hasher);

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> IoResult<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> IoResult<()> {
        Ok(())
    }
}

/// What a checksum has of a tensor before its bytes.
fn head(name: &str, dtype: Dtype, shape: &[usize]) -> String {
    format!("{name} {dtype:?} {shape:?} ")
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
    pub fn checksum(&self, mut crc: crc32fast::Hasher) -> u32 {
        for (name, tensor) in self.0 {
            crc.update(head(name, tensor.dtype(), tensor.shape()).as_bytes());
            crc.update(tensor.data());
        }
        crc.finalize()
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
