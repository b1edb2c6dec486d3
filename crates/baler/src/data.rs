//! The data that goes in and comes out: typed values, arrays, tables.

use crate::error::{Error, Result};
use std::borrow::Cow;

/// The type of one value, as stored in the user's file and given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum DType {
    /// Truth values, one byte each, 0 or 1.
    Bool = 0,
    /// Unsigned 8-bit integers.
    U8 = 1,
    /// Signed 8-bit integers.
    I8 = 2,
    /// Unsigned 16-bit integers.
    U16 = 3,
    /// Signed 16-bit integers.
    I16 = 4,
    /// Unsigned 32-bit integers.
    U32 = 5,
    /// Signed 32-bit integers.
    I32 = 6,
    /// Unsigned 64-bit integers.
    U64 = 7,
    /// Signed 64-bit integers.
    I64 = 8,
    /// IEEE 754 binary32.
    F32 = 9,
    /// IEEE 754 binary64.
    F64 = 10,
    /// UTF-8 text; table columns only.
    Text = 11,
}

impl DType {
    /// Every type, in the order of their tags.
    pub const ALL: [DType; 12] = [
        DType::Bool,
        DType::U8,
        DType::I8,
        DType::U16,
        DType::I16,
        DType::U32,
        DType::I32,
        DType::U64,
        DType::I64,
        DType::F32,
        DType::F64,
        DType::Text,
    ];

    /// The type of a format tag, where there is one.
    pub fn from_tag(tag: u8) -> Option<DType> {
        Self::ALL.get(tag as usize).copied()
    }

    /// Bytes a value takes in memory and in a plain file; `None` for text.
    pub fn size(self) -> Option<usize> {
        Some(match self {
            DType::Bool | DType::U8 | DType::I8 => 1,
            DType::U16 | DType::I16 => 2,
            DType::U32 | DType::I32 | DType::F32 => 4,
            DType::U64 | DType::I64 | DType::F64 => 8,
            DType::Text => return None,
        })
    }

    /// The short name: `f32`, `i16`, `bool`, `text`.
    pub fn name(self) -> &'static str {
        ["bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "text"][self as usize]
    }

    /// The inverse of [`DType::name`].
    pub fn from_name(name: &str) -> Option<DType> {
        Self::ALL.into_iter().find(|t| t.name() == name)
    }

    /// Whether values are IEEE floats, for which alone NaN and infinities exist.
    pub fn is_float(self) -> bool {
        matches!(self, DType::F32 | DType::F64)
    }

    /// Whether an error bound may lose anything: floats and integers, not truth values or text.
    pub fn is_number(self) -> bool {
        !matches!(self, DType::Bool | DType::Text)
    }
}

impl std::fmt::Display for DType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A run of values of one type, in memory order.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is the DType of its name
pub enum Values {
    Bool(Vec<bool>),
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    Text(Vec<String>),
}

/// Runs an expression on the vector inside `$values`, whatever its type: `with_numbers!(values, v => ..., text => ...)`.
#[macro_export]
macro_rules! with_numbers {
    ($values:expr, $v:ident => $body:expr, $text:pat => $other:expr) => {
        match $values {
            $crate::data::Values::Bool($v) => $body,
            $crate::data::Values::U8($v) => $body,
            $crate::data::Values::I8($v) => $body,
            $crate::data::Values::U16($v) => $body,
            $crate::data::Values::I16($v) => $body,
            $crate::data::Values::U32($v) => $body,
            $crate::data::Values::I32($v) => $body,
            $crate::data::Values::U64($v) => $body,
            $crate::data::Values::I64($v) => $body,
            $crate::data::Values::F32($v) => $body,
            $crate::data::Values::F64($v) => $body,
            $crate::data::Values::Text($text) => $other,
        }
    };
}

/// Little-endian bytes of a fixed-size number, both ways.
macro_rules! number_bytes {
    ($($variant:ident $ty:ty),*) => {
        impl Values {
            /// `bytes` read as little-endian values of `dtype`; every whole value of them.
            ///
            /// Errors where `dtype` is text, where bytes are left over, or where a truth value is not 0 or 1.
            pub fn from_le_bytes(dtype: DType, bytes: &[u8]) -> Result<Values> {
                let size = dtype.size().ok_or_else(|| Error::invalid("text has no fixed-size binary form"))?;
                if bytes.len() % size != 0 {
                    return Err(Error::truncated(format!("{} bytes are no whole number of {dtype} values", bytes.len())));
                }
                Ok(match dtype {
                    DType::Bool => {
                        if let Some(i) = bytes.iter().position(|&b| b > 1) {
                            return Err(Error::corrupt(format!("truth value {i} is {}, neither 0 nor 1", bytes[i])));
                        }
                        Values::Bool(bytes.iter().map(|&b| b != 0).collect())
                    }
                    $(DType::$variant => Values::$variant(
                        bytes.chunks_exact(size).map(|b| <$ty>::from_le_bytes(b.try_into().expect("whole value"))).collect(),
                    ),)*
                    DType::Text => unreachable!("has no size"),
                })
            }

            /// The values `range` as little-endian bytes: as they lie in memory, where that is how they lie there; text as its
            /// UTF-8 with a line feed after each.
            fn le_bytes_of(&self, range: std::ops::Range<usize>) -> Cow<'_, [u8]> {
                match self {
                    Values::Bool(v) => Cow::Borrowed(bytemuck::cast_slice(&v[range])),
                    $(Values::$variant(v) if cfg!(target_endian = "little") => {
                        Cow::Borrowed(bytemuck::cast_slice(&v[range]))
                    })*
                    $(Values::$variant(v) => v[range].iter().flat_map(|x| x.to_le_bytes()).collect(),)*
                    Values::Text(v) => v[range].iter().flat_map(|s| s.bytes().chain([b'\n'])).collect(),
                }
            }

            /// Appends the values as little-endian bytes, the inverse of [`Values::from_le_bytes`];
            /// text as its UTF-8 with a line feed after each.
            pub fn write_le_bytes(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.le_bytes_of(0..self.len()));
            }

            /// The values as little-endian bytes into `out`, which is exactly as long ([`Values::byte_len`]).
            ///
            /// Errors for text, and where `out` is of another length.
            pub fn copy_le_bytes(&self, out: &mut [u8]) -> Result<()> {
                if self.dtype() == DType::Text || out.len() != self.byte_len() {
                    return Err(Error::invalid(format!("{} values are not {} bytes", self.dtype(), out.len())));
                }
                out.copy_from_slice(&self.le_bytes_of(0..self.len()));
                Ok(())
            }

            /// An empty run of `dtype`.
            pub fn empty(dtype: DType) -> Values {
                Values::with_capacity(dtype, 0)
            }

            /// An empty run of `dtype` with room for `count` values.
            pub fn with_capacity(dtype: DType, count: usize) -> Values {
                match dtype {
                    DType::Bool => Values::Bool(Vec::with_capacity(count)),
                    $(DType::$variant => Values::$variant(Vec::with_capacity(count)),)*
                    DType::Text => Values::Text(Vec::with_capacity(count)),
                }
            }

            /// Appends `more`, which must be of the same type.
            pub fn append(&mut self, more: &Values) -> Result<()> {
                match (&mut *self, more) {
                    (Values::Bool(a), Values::Bool(b)) => a.extend_from_slice(b),
                    $((Values::$variant(a), Values::$variant(b)) => a.extend_from_slice(b),)*
                    (Values::Text(a), Values::Text(b)) => a.extend_from_slice(b),
                    (a, b) => return Err(Error::invalid(format!("{} values cannot join {}", b.dtype(), a.dtype()))),
                }
                Ok(())
            }

            /// The values `range` of the run, copied.
            pub fn slice(&self, range: std::ops::Range<usize>) -> Values {
                match self {
                    Values::Bool(v) => Values::Bool(v[range].to_vec()),
                    $(Values::$variant(v) => Values::$variant(v[range].to_vec()),)*
                    Values::Text(v) => Values::Text(v[range].to_vec()),
                }
            }

            /// The type of the values.
            pub fn dtype(&self) -> DType {
                match self {
                    Values::Bool(_) => DType::Bool,
                    $(Values::$variant(_) => DType::$variant,)*
                    Values::Text(_) => DType::Text,
                }
            }

            /// Every value as f64 (64-bit integers rounded, truth values 0 or 1); `None` for text.
            /// For measures of quality and for training, never for decoding.
            pub fn to_f64(&self) -> Option<Vec<f64>> {
                Some(match self {
                    Values::Bool(v) => v.iter().map(|&x| x as u8 as f64).collect(),
                    $(Values::$variant(v) => v.iter().map(|&x| x as f64).collect(),)*
                    Values::Text(_) => return None,
                })
            }
        }
    };
}
number_bytes!(U8 u8, I8 i8, U16 u16, I16 i16, U32 u32, I32 i32, U64 u64, I64 i64, F32 f32, F64 f64);

impl Values {
    /// How many values there are.
    pub fn len(&self) -> usize {
        with_numbers!(self, v => v.len(), text => text.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The CRC-32 of the values as [`Values::write_le_bytes`] writes them, continued in `sum`.
    pub fn checksum(&self, sum: &mut crc32fast::Hasher) {
        // A piece at a time: where bytes have to be made first, fresh megabytes cost more than the sum.
        const PIECE: usize = 4096;
        for start in (0..self.len()).step_by(PIECE) {
            sum.update(&self.le_bytes_of(start..(start + PIECE).min(self.len())));
        }
    }

    /// Bytes that the values take as [`Values::write_le_bytes`] writes them.
    pub fn byte_len(&self) -> usize {
        match self {
            Values::Text(v) => v.iter().map(|s| s.len() + 1).sum(),
            other => other.len() * other.dtype().size().expect("fixed size"),
        }
    }
}

/// An N-dimensional array, C order (the last axis runs fastest).
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis, slowest first.
    pub shape: Vec<usize>,
    /// The values, as many as the product of `shape`.
    pub values: Values,
}

impl Array {
    /// An array, once `values` are as many as `shape` says.
    pub fn new(shape: Vec<usize>, values: Values) -> Result<Array> {
        let n = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
        if n != Some(values.len()) {
            return Err(Error::invalid(format!("shape {shape:?} does not hold {} values", values.len())));
        }
        Ok(Array { shape, values })
    }
}

/// A named column of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, as in the user's file.
    pub name: String,
    /// A value a row.
    pub values: Values,
}

/// Rows of typed columns: events, particles, sensor readings. All columns have the same length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The columns, in the user's order.
    pub columns: Vec<Column>,
}

impl Table {
    /// A table, once all columns are equally long.
    pub fn new(columns: Vec<Column>) -> Result<Table> {
        if let Some(bad) = columns.iter().find(|c| c.values.len() != columns[0].values.len()) {
            return Err(Error::invalid(format!(
                "column '{}' has {} rows where '{}' has {}",
                bad.name,
                bad.values.len(),
                columns[0].name,
                columns[0].values.len()
            )));
        }
        Ok(Table { columns })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |c| c.values.len())
    }
}

/// One variable of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Variable {
    /// An N-d array of numbers.
    Field(Array),
    /// Rows x typed columns.
    Table(Table),
}

/// Named variables, as one input file holds them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dataset {
    /// Name and content of each variable, in the user's order.
    pub variables: Vec<(String, Variable)>,
}

impl Variable {
    /// Bytes of all values in their own types.
    pub fn byte_len(&self) -> usize {
        match self {
            Variable::Field(a) => a.values.byte_len(),
            Variable::Table(t) => t.columns.iter().map(|c| c.values.byte_len()).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_copied_as_they_are_written() {
        let bytes: Vec<u8> = (0..240u32).map(|i| (i * 37 % 251) as u8).collect();
        for dtype in DType::ALL.into_iter().filter(|t| t.size().is_some()) {
            let bytes = if dtype == DType::Bool { vec![1, 0, 1] } else { bytes.clone() };
            let values = Values::from_le_bytes(dtype, &bytes).unwrap();
            let mut copied = vec![9; bytes.len()];
            values.copy_le_bytes(&mut copied).unwrap();
            assert_eq!(copied, bytes, "{dtype}");
            assert!(values.copy_le_bytes(&mut copied[1..]).is_err());
        }
        assert!(Values::Text(vec![]).copy_le_bytes(&mut []).is_err());
    }
}
