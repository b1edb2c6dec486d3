//! `type_list`: values brought to the types that columns once had, as NumPy's `astype` does, and kept as floats.

use baler::data::{Array, DType, Table, Values, Variable};
use baler::error::{Error, Result};

/// A type as NumPy names it, as far as a float can stand for it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Cast {
    None,
    Single,
    Half,
    Integer { least: f64, most: f64 },
    Truth,
}

fn named(name: &str) -> Result<Cast> {
    let integer = |bits: i32, signed: bool| {
        let most = 2f64.powi(bits - i32::from(signed));
        Cast::Integer {
            least: if signed { -most } else { 0.0 },
            most: if bits > 53 { most } else { most - 1.0 },
        }
    };
    Ok(match name {
        "float64" | "float" | "double" | "f8" => Cast::None,
        "float32" | "single" | "f4" => Cast::Single,
        "float16" | "half" | "f2" => Cast::Half,
        "int" | "int64" | "i8" => integer(64, true),
        "int32" | "i4" => integer(32, true),
        "int16" | "i2" => integer(16, true),
        "int8" | "i1" => integer(8, true),
        "uint" | "uint64" | "u8" => integer(64, false),
        "uint32" | "u4" => integer(32, false),
        "uint16" | "u2" => integer(16, false),
        "uint8" | "u1" => integer(8, false),
        "bool" => Cast::Truth,
        _ => {
            return Err(Error::invalid(format!(
                "type_list: '{name}' is no type of NumPy that is known: float64, float32, float16, int, int8 to \
                 int64, uint8 to uint64, bool"
            )));
        }
    })
}

impl Cast {
    fn apply(self, x: f64) -> f64 {
        match self {
            Cast::None => x,
            Cast::Single => x as f32 as f64,
            Cast::Half => half(x),
            Cast::Truth => f64::from(x != 0.0),
            // What is no integer of the type is what it is in NumPy by chance; here it is the nearest, and NaN 0.
            Cast::Integer { .. } if x.is_nan() => 0.0,
            Cast::Integer { least, most } => x.trunc().clamp(least, most) + 0.0,
        }
    }
}

/// The nearest half-precision number (IEEE 754 binary16: 11 bits, least exponent -14).
fn half(x: f64) -> f64 {
    if !x.is_finite() || x == 0.0 {
        return x;
    }
    let exponent = ((x.abs().to_bits() >> 52) as i32 - 1023).max(-14);
    let unit = 2f64.powi(exponent - 10);
    let rounded = (x / unit).round_ties_even() * unit;
    if rounded.abs() > 65504.0 { f64::INFINITY.copysign(x) } else { rounded }
}

/// Casts the columns of `variable` (of a field of rows: along its last axis) by the types named, and says what was odd
/// about them: fewer types leave the other columns as they are.
pub fn cast(variable: Variable, types: &[String]) -> Result<(Variable, Option<String>)> {
    if types.is_empty() {
        return Ok((variable, None));
    }
    let casts = types.iter().map(|t| named(t)).collect::<Result<Vec<_>>>()?;
    let columns = match &variable {
        Variable::Table(t) => t.columns.len(),
        Variable::Field(a) => a.shape.last().copied().unwrap_or(1),
    };
    let note = (casts.len() != columns).then(|| {
        format!("type_list has {} types for {columns} columns; the others stay as they are", casts.len())
    });
    let of = |column: usize| casts.get(column).copied().unwrap_or(Cast::None);
    let values = |values: Values, column: &dyn Fn(usize) -> usize| -> Values {
        let dtype = values.dtype();
        let Some(floats) = values.to_f64().filter(|_| dtype.is_float()) else { return values };
        let cast = floats.into_iter().enumerate().map(|(i, x)| of(column(i)).apply(x));
        match dtype {
            DType::F32 => Values::F32(cast.map(|x| x as f32).collect()),
            _ => Values::F64(cast.collect()),
        }
    };
    let variable = match variable {
        Variable::Field(a) => {
            Variable::Field(Array { values: values(a.values, &|i| i % columns), shape: a.shape })
        }
        Variable::Table(t) => {
            let each = t.columns.into_iter().enumerate();
            let columns = each.map(|(c, column)| baler::data::Column {
                values: values(column.values, &|_| c),
                name: column.name,
            });
            Variable::Table(Table { columns: columns.collect() })
        }
    };
    Ok((variable, note))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_what_numpy_makes_of_them() {
        for (name, x, want) in [
            ("int", -2.7, -2.0),
            ("int", -0.3, 0.0),
            ("uint8", 300.0, 255.0),
            ("int8", -1e9, -128.0),
            ("int32", f64::NAN, 0.0),
            ("bool", 0.2, 1.0),
            ("float64", 0.1, 0.1),
            ("float32", 0.1, 0.1f32 as f64),
            ("float16", 0.1, 0.0999755859375),
            ("float16", 65519.0, 65504.0),
            ("float16", 65520.0, f64::INFINITY),
            ("float16", 3e-8, 2f64.powi(-25) * 2.0),
            ("float16", 2.9e-8, 0.0),
        ] {
            let got = named(name).unwrap().apply(x);
            assert!(got == want && got.is_sign_negative() == want.is_sign_negative(), "{name} {x}: {got}");
        }
        assert!(named("complex64").unwrap_err().to_string().contains("float16"));
    }

    #[test]
    fn fewer_types_leave_the_rest() {
        let rows = Array::new(vec![2, 3], Values::F64(vec![1.5, 2.5, 3.5, -1.5, -2.5, -3.5])).unwrap();
        let (cast, note) = cast(Variable::Field(rows), &["int".into(), "float64".into()]).unwrap();
        let Variable::Field(a) = cast else { panic!("a field") };
        assert_eq!(a.values, Values::F64(vec![1.0, 2.5, 3.5, -1.0, -2.5, -3.5]));
        assert!(note.unwrap().contains("2 types for 3 columns"));
    }
}
