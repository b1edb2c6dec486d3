//! What planning has to see of the data: values that stand for missing ones, and what relative bounds are shares of.

use super::header::Resolved;
use super::options::Options;
use super::source::Input;
use crate::bound::Bound;
use crate::data::{DType, Values};
use crate::error::{Error, Result};
use crate::front::class::find_fill;
use crate::front::{Target, Tolerance};
use crate::statistics::Statistics;

/// What is asked of a run of values, a field's or a column's, before any is coded, and what is found.
pub(super) struct Survey {
    bound: Bound,
    dtype: DType,
    fill: Option<u64>,
    statistics: Statistics,
}

impl Survey {
    /// Of values of `dtype` with a bound; nothing is found yet.
    pub fn new(bound: Bound, dtype: DType, options: &Options) -> Survey {
        let fill = options.fill.and_then(|fill| fill_bits(fill, dtype));
        Survey { bound, dtype, fill, statistics: Statistics::EMPTY }
    }

    /// Whether a value may stand for missing data that nobody has told.
    fn finds(&self) -> bool {
        self.fill.is_none() && self.dtype.is_float() && self.bound != Bound::Lossless
    }

    /// Whether the bound is a share of something.
    fn sums(&self) -> bool {
        matches!(self.bound, Bound::Relative(_) | Bound::Deviation(_) | Bound::Psnr(_))
    }

    /// How many of so many chunks have to be looked at: what stands for missing data is mostly in the first already.
    pub fn look(&self, chunks: usize) -> usize {
        if self.sums() { chunks } else { chunks.min(self.finds() as usize) }
    }

    /// Looks for a value that stands for missing data, where none is known; whether one has been found.
    pub fn find(&mut self, values: &Values) -> bool {
        if !self.finds() {
            return false;
        }
        self.fill = find_fill(values);
        self.fill.is_some()
    }

    /// Sums values up, where that is needed.
    pub fn add(&mut self, values: &Values) {
        if self.sums() {
            self.statistics = self.statistics.merge(Statistics::of_values(values, self.fill));
        }
    }

    /// The bound as the header says it, and what the run has to hold to.
    pub fn resolve(&self, name: &str) -> Result<(Resolved, Target)> {
        let Survey { bound, dtype, fill, ref statistics } = *self;
        let tolerance =
            Tolerance::resolve(bound, dtype, statistics).map_err(|e| e.at(format!("'{name}'")))?;
        let value = match (bound, tolerance) {
            (Bound::Relative(_) | Bound::Deviation(_), Tolerance::Absolute(v)) => Some(v),
            (Bound::Psnr(_), Tolerance::RootMeanSquare(v)) => Some(v),
            (Bound::Relative(_) | Bound::Deviation(_) | Bound::Psnr(_), _) => Some(0.0),
            _ => None,
        };
        Ok((Resolved { bound, value }, Target { tolerance, fill }))
    }
}

/// Looks at the first `look` chunks, which have a run for each of `surveys`; returns the runs of the first.
pub(super) fn look_at(
    surveys: &mut [Survey],
    look: usize,
    mut read: impl FnMut(usize) -> Result<Vec<Values>>,
) -> Result<Option<Vec<Values>>> {
    let mut first = None;
    let mut late = vec![0; surveys.len()];
    for i in 0..look {
        let runs = read(i)?;
        for ((survey, values), late) in surveys.iter_mut().zip(&runs).zip(&mut late) {
            if survey.find(values) {
                survey.statistics = Statistics::EMPTY;
                *late = i;
            }
            survey.add(values);
        }
        first.get_or_insert(runs);
    }
    // What came before a value that was found only then is summed up anew, without it.
    for i in 0..surveys.iter().zip(&late).filter(|(s, _)| s.sums()).map(|(_, &late)| late).max().unwrap_or(0)
    {
        let runs = read(i)?;
        let before = surveys.iter_mut().zip(&runs).zip(&late).filter(|(_, late)| i < **late);
        before.for_each(|((survey, values), _)| survey.add(values));
    }
    Ok(first)
}

/// The bits of a fill value in a type, where that can hold it.
fn fill_bits(fill: f64, dtype: DType) -> Option<u64> {
    let as_integer = fill as i64;
    let (least, most) = crate::front::ordered::limits(dtype);
    match dtype {
        DType::F32 => Some((fill as f32).to_bits() as u64),
        DType::F64 => Some(fill.to_bits()),
        DType::U64 if (0.0..18_446_744_073_709_551_616.0).contains(&fill) && fill == fill.trunc() => {
            Some(fill as u64)
        }
        _ if fill >= 9_223_372_036_854_775_808.0 => None,
        _ if as_integer as f64 == fill && (least..=most).contains(&as_integer) && dtype.is_number() => {
            Some(as_integer as u64)
        }
        _ => None,
    }
}

/// A fill value that is told must be one of some type's.
pub(super) fn check_fill(inputs: &[Input], options: &Options) -> Result<()> {
    let Some(fill) = options.fill else { return Ok(()) };
    let mut dtypes: Vec<&str> = vec![];
    let types = |input: &Input| match input {
        Input::Field(_, source) => vec![source.dtype()],
        Input::Table(_, table) => table.columns().into_iter().map(|(_, dtype)| dtype).collect(),
    };
    for dtype in inputs.iter().flat_map(types) {
        if fill_bits(fill, dtype).is_some() {
            return Ok(());
        }
        if !dtypes.contains(&dtype.name()) {
            dtypes.push(dtype.name());
        }
    }
    if dtypes.is_empty() {
        return Ok(());
    }
    Err(Error::invalid(format!("the fill value {fill} is no {}", dtypes.join(" or "))))
}
