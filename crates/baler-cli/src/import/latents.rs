//! Baler's `compressed.npz`: a row of float latents for each row of data, and what undoes the normalisation.

use std::fs::File;
use std::path::Path;

use baler::data::{Array, Column, DType, Table, Values, Variable};
use baler::error::{Error, Result};
use zip::ZipArchive;

use super::dense::Network;
use crate::formats::npz::{Content, contents};

/// The member that tells such a file from other `.npz`.
const NORMALISATION: &str = "normalization_features";

/// What a `compressed.npz` holds.
#[derive(Debug, Clone)]
pub struct Compressed {
    /// Rows x latents.
    pub latents: Vec<f64>,
    /// Latents in a row.
    pub width: usize,
    /// Whether they are of single precision.
    pub single: bool,
    /// A name a column, or none.
    pub names: Vec<String>,
    /// Minimum and range of each feature, where the data were normalised.
    pub ranges: Option<Ranges>,
}

/// Minimum and range of each feature, as Baler's `normalization_features` has them: 2 x features.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranges {
    /// The value that is 0 when normalised.
    pub minimum: Vec<f64>,
    /// The distance that is 1.
    pub range: Vec<f64>,
}

impl Ranges {
    /// Of an array of two rows. `None` of an empty one, which stands for data that were not normalised.
    pub fn of_array(array: &Array) -> Result<Option<Ranges>> {
        let values = array.values.to_f64().ok_or_else(|| Error::invalid("ranges are numbers"))?;
        if values.is_empty() {
            return Ok(None);
        }
        if array.shape.first() != Some(&2) {
            return Err(Error::invalid(format!(
                "normalisation of shape {:?} is not 2 x columns: a row of minima, a row of ranges",
                array.shape
            )));
        }
        let (minimum, range) = values.split_at(values.len() / 2);
        Ok(Some(Ranges { minimum: minimum.into(), range: range.into() }))
    }
}

/// Whether a file is a `compressed.npz` of Baler's.
pub fn is_one(path: &Path) -> bool {
    let archive = File::open(path).ok().and_then(|file| ZipArchive::new(file).ok());
    let member = format!("{NORMALISATION}.npy");
    archive.is_some_and(|archive| archive.file_names().flatten().any(|name| name == member))
}

/// Reads one. Errors, naming the file, where it is none or is damaged.
pub fn open(path: &Path) -> Result<Compressed> {
    File::open(path).map_err(Error::from).and_then(read).map_err(|e| e.at(path.display()))
}

fn read(file: File) -> Result<Compressed> {
    let (mut data, mut names, mut ranges) = (None, vec![], None);
    for (name, content) in contents(file)? {
        match (name.as_str(), content) {
            ("data", Content::Field(array)) => data = Some(array),
            ("names", Content::Text(texts)) => names = texts,
            (NORMALISATION, Content::Field(array)) => ranges = Ranges::of_array(&array)?,
            _ => {} // empty names are numbers to NumPy
        }
    }
    let data = data.ok_or_else(|| Error::invalid("has no member 'data': no latents"))?;
    let (true, &[_, width]) = (!data.shape.contains(&0), &data.shape[..]) else {
        return Err(Error::unsupported(format!(
            "latents of shape {:?} are not rows of latents, as a dense autoencoder makes",
            data.shape
        )));
    };
    let single = data.values.dtype() == DType::F32;
    let latents = data.values.to_f64().ok_or_else(|| Error::invalid("latents are numbers"))?;
    Ok(Compressed { latents, width, single, names, ranges })
}

impl Compressed {
    /// The data, as Baler decodes them: in single precision where the latents are, and nothing was normalised.
    /// Without names they are a field of rows of `frame` (of all features where it is empty).
    ///
    /// Errors where latents, names, ranges or frame are not the network's.
    pub fn decode(&self, network: &Network, frame: &[usize]) -> Result<Variable> {
        let features = network.features();
        if self.width != network.latents() {
            return Err(Error::invalid(format!(
                "rows of {} latents, where the model's have {}; give the model that made them",
                self.width,
                network.latents()
            )));
        }
        let mut rows = network.decode(&self.latents);
        if let Some(Ranges { minimum, range }) = &self.ranges {
            if minimum.len() != features {
                return Err(Error::invalid(format!(
                    "normalised by {} columns, where the model's rows have {features}",
                    minimum.len()
                )));
            }
            for row in rows.chunks_exact_mut(features) {
                row.iter_mut().zip(range).zip(minimum).for_each(|((x, range), min)| *x = *x * range + min);
            }
        }
        let single = self.single && self.ranges.is_none();
        let typed = |values: Vec<f64>| match single {
            true => Values::F32(values.into_iter().map(|x| x as f32).collect()),
            false => Values::F64(values),
        };
        if self.names.len() == features && frame.is_empty() {
            let column = |(c, name): (usize, &String)| Column {
                name: name.clone(),
                values: typed(rows.iter().skip(c).step_by(features).copied().collect()),
            };
            return Ok(Variable::Table(Table::new(self.names.iter().enumerate().map(column).collect())?));
        }
        let frame = if frame.is_empty() { vec![features] } else { frame.to_vec() };
        if frame.iter().try_fold(1usize, |a, &b| a.checked_mul(b)) != Some(features) {
            return Err(Error::invalid(format!(
                "a frame of {frame:?} has not the model's {features} values"
            )));
        }
        let shape = [&[rows.len() / features], &frame[..]].concat();
        Ok(Variable::Field(Array::new(shape, typed(rows))?))
    }
}
