//! The data of a project: loaded as the prototype loads them, cut into blocks, and put together again.

use std::path::Path;

use super::config::Config;
use crate::formats;
use baler::data::{Array, Column, Table, Values, Variable};
use baler::error::{Error, Result};

/// The name of the one variable that a project compresses: the .npz member `data`.
pub const NAME: &str = "data";

/// The data at `input_path`, as floats (to the prototype everything is one). Errors where they have not the
/// dimension that the settings say.
pub fn load(config: &Config) -> Result<Variable> {
    let path = Path::new(&config.input_path);
    let mut variables = formats::open(path, &Default::default())?.variables;
    if variables.is_empty() {
        return Err(Error::invalid(format!("{}: holds nothing", path.display())));
    }
    let at = variables.iter().position(|v| v.name() == NAME).unwrap_or(0);
    let variable = variables.swap_remove(at).load()?.1;
    let axes = match &variable {
        Variable::Table(_) => 2,
        Variable::Field(a) => a.shape.len(),
    };
    let wrong = |what: String| Err(Error::invalid(format!("{}: {what}", path.display())));
    match (config.data_dimension, axes) {
        (1, 2) | (2, 3) => {}
        (1 | 2, n) => {
            let wanted =
                if config.data_dimension == 1 { "rows x columns" } else { "frames x height x width" };
            return wrong(format!(
                "has {n} axes where data_dimension = {} wants {wanted}",
                config.data_dimension
            ));
        }
        (n, _) => {
            return Err(Error::invalid(format!("data_dimension = {n}: want 1 (columns) or 2 (frames)")));
        }
    }
    match (&variable, config.number_of_columns) {
        (Variable::Table(t), Some(n)) if t.columns.len() != n => {
            wrong(format!("has {} columns where number_of_columns = {n}", t.columns.len()))
        }
        _ => as_floats(variable),
    }
}

/// Integers as f64. Errors for text, and for integers that are no f64.
fn as_floats(variable: Variable) -> Result<Variable> {
    let floats = |values: Values| -> Result<Values> {
        if values.dtype().is_float() {
            return Ok(values);
        }
        let exact = match &values {
            Values::I64(v) => v.iter().all(|&x| x as f64 as i128 == x as i128),
            Values::U64(v) => v.iter().all(|&x| x as f64 as u128 == x as u128),
            _ => true,
        };
        values
            .to_f64()
            .filter(|_| exact)
            .map(Values::F64)
            .ok_or_else(|| Error::invalid("a project compresses numbers that fit double precision"))
    };
    Ok(match variable {
        Variable::Field(a) => Variable::Field(Array { shape: a.shape, values: floats(a.values)? }),
        Variable::Table(t) => {
            let column = |c: Column| Ok(Column { name: c.name, values: floats(c.values)? });
            Variable::Table(Table { columns: t.columns.into_iter().map(column).collect::<Result<_>>()? })
        }
    })
}

/// The shape of what a model takes for a row: `[columns]`, or that of a frame or block.
pub fn row_shape(variable: &Variable) -> Vec<usize> {
    match variable {
        Variable::Table(t) => vec![t.columns.len()],
        Variable::Field(a) => a.shape.iter().skip(1).copied().collect(),
    }
}

/// Frames cut into the blocks that the settings ask for, by the prototype's plain reshape of the whole array, and for
/// `Conv_AE_3D` laid together, `batch_size` of them a row; and the shape that undoes it.
pub fn blocked(variable: Variable, config: &Config) -> Result<(Variable, Option<Vec<usize>>)> {
    let deep = config.model_name == "Conv_AE_3D";
    if config.convert_to_blocks.is_none() && !deep {
        return Ok((variable, None));
    }
    let Variable::Field(array) = variable else {
        return Err(Error::invalid("convert_to_blocks is for frames (data_dimension = 2), not for columns"));
    };
    let wrong =
        |why: &str| Error::invalid(format!("convert_to_blocks, of data of shape {:?}: {why}", array.shape));
    let mut block = array.shape[1..].to_vec();
    if let Some(asked) = &config.convert_to_blocks {
        let &[_, height, width] = &asked[..] else { return Err(wrong("want [1, height, width]")) };
        block = vec![height, width];
    }
    if deep {
        block.insert(0, config.batch_size);
    }
    let size = block.iter().try_fold(1usize, |a, &b| a.checked_mul(b)).filter(|&n| n > 0);
    let size = size.ok_or_else(|| wrong("a block of no values"))?;
    if !array.values.len().is_multiple_of(size) {
        return Err(wrong(&format!("they are no whole number of blocks of shape {block:?}")));
    }
    let shape = [&[array.values.len() / size], &block[..]].concat();
    Ok((Variable::Field(Array { shape, values: array.values }), Some(array.shape)))
}

/// The inverse of [`blocked`]. Errors where `shape` does not hold as many values.
pub fn unblocked(variable: Variable, shape: Option<Vec<usize>>) -> Result<Variable> {
    match (variable, shape) {
        (Variable::Field(array), Some(shape)) => Ok(Variable::Field(Array::new(shape, array.values)?)),
        (variable, _) => Ok(variable),
    }
}
