//! `baler verify`.

use super::{Elsewhere, model_of, of_data, open_archive, open_inputs, threads};
use crate::args::Verify;
use crate::saying::{count, number, print, table};
use baler::archive::header::{ColumnHeader, Kind, Resolved, TableHeader};
use baler::archive::{Archive, Input};
use baler::bound::Bound;
use baler::data::{DType, Values};
use baler::error::{Error, Result};
use baler::front::Tolerance;
use baler::front::check::{breaches, count_finite, root_mean_square};
use serde_json::{Value, json};
use std::io::{Read, Seek};

/// What the header promises of a run of values.
pub(super) fn promised(dtype: DType, r: &Resolved) -> Tolerance {
    match (r.bound, r.value) {
        _ if !dtype.is_number() => Tolerance::Exact,
        (Bound::None, _) => Tolerance::None,
        (Bound::Absolute(v), _) => Tolerance::Absolute(v),
        (Bound::Pointwise(v), _) if dtype.is_float() => Tolerance::Pointwise(v),
        (Bound::Relative(_) | Bound::Deviation(_), Some(v)) if v > 0.0 => Tolerance::Absolute(v),
        (Bound::Psnr(_), Some(v)) if v > 0.0 => Tolerance::RootMeanSquare(v),
        _ => Tolerance::Exact,
    }
}

/// One variable's or column's outcome.
struct Outcome {
    name: String,
    error: f64,
    /// How many values are beyond it, and where the first is: its number in the field, or its row.
    broken: (u64, Option<usize>),
    /// The field's shape.
    shape: Option<Vec<usize>>,
    /// Sum of squares and count of finite values, for a bound on their mean.
    squares: (f64, u64),
    tolerance: Tolerance,
    /// What stands for missing data, of a field.
    fill: Option<u64>,
    holds: bool,
}

impl Outcome {
    /// Compares values, the first of which is number `start`.
    fn look(&mut self, original: &Values, decoded: &Values, start: usize) {
        let found = breaches(original, decoded, self.tolerance, self.fill);
        self.error = self.error.max(found.largest);
        self.broken.0 += found.count;
        self.broken.1 = self.broken.1.or(found.first.map(|i| start + i));
        self.holds &= found.count == 0;
        if let Tolerance::RootMeanSquare(_) = self.tolerance {
            let rms = root_mean_square(original, decoded, self.fill);
            let count = count_finite(original, self.fill);
            self.squares.0 += rms * rms * count as f64;
            self.squares.1 += count as u64;
        }
    }

    /// Where the first value beyond the bound is: its indices in a field, its row in a table.
    fn place(&self) -> Option<Value> {
        let first = self.broken.1?;
        let Some(shape) = &self.shape else { return Some(json!(first)) };
        let mut rest = first;
        let mut at: Vec<usize> = vec![];
        for &n in shape.iter().rev() {
            at.push(rest % n.max(1));
            rest /= n.max(1);
        }
        at.reverse();
        Some(json!(at))
    }

    fn close(&mut self) {
        if let Tolerance::RootMeanSquare(rms) = self.tolerance {
            let actual = (self.squares.0 / self.squares.1.max(1) as f64).sqrt();
            self.holds &= actual <= rms * (1.0 + 1e-12);
        }
    }
}

/// What a check of a whole archive came to.
pub struct Verified {
    /// How many chunks were decoded, all checksums matching.
    pub chunks: usize,
    /// Whether there were originals to compare with.
    pub compared: bool,
    outcomes: Vec<Outcome>,
}

impl Verified {
    /// Whether every value that was compared is within its bound.
    pub fn holds(&self) -> bool {
        self.outcomes.iter().all(|o| o.holds)
    }

    /// All of it, for programs.
    pub fn report(&self) -> Value {
        // What was not compared is not known.
        let known = |value: Value| if self.compared { value } else { Value::Null };
        let each: Vec<_> = (self.outcomes.iter())
            .map(|o| {
                json!({"name": o.name, "holds": known(json!(o.holds)), "largest_error": known(json!(o.error)),
                    "broken": known(json!(o.broken.0)), "first_broken": o.place()})
            })
            .collect();
        json!({"intact": true, "chunks": self.chunks, "compared": self.compared, "holds": known(json!(self.holds())),
            "variables": each})
    }
}

/// Decodes all of `archive`, and compares it with `originals` where there are any.
///
/// Errors where anything is damaged, told as `place` has it, and where the originals are of other types or shapes, or cannot
/// be read.
pub fn verify<R: Read + Seek + Send>(
    archive: &mut Archive<R>,
    mut originals: Vec<Input>,
    threads: usize,
    place: impl Fn(Error) -> Error,
) -> Result<Verified> {
    let compared = !originals.is_empty();
    if let ([v], [Input::Field(name, _) | Input::Table(name, _)]) =
        (&archive.header().variables[..], &mut originals[..])
    {
        name.clone_from(&v.name); // one against one: whatever the file is called
    }
    let mut outcomes = vec![];
    let mut chunks = 0;
    for i in 0..archive.header().variables.len() {
        let v = archive.header().variables[i].clone();
        let mut found = originals
            .iter_mut()
            .find(|o| matches!(o, Input::Field(n, _) | Input::Table(n, _) if *n == v.name));
        if found.is_none() && compared {
            return Err(Error::invalid(format!("the original has no variable '{}'", v.name)));
        }
        let begin = |name: &str, dtype, r: &Resolved, fill, shape| Outcome {
            name: name.into(),
            error: 0.0,
            broken: (0, None),
            shape,
            squares: (0.0, 0),
            tolerance: promised(dtype, r),
            fill,
            holds: true,
        };
        let mut here: Vec<Outcome> = match &v.kind {
            Kind::Field(f) => vec![begin(&v.name, f.dtype, &f.bound, f.fill, Some(f.shape.clone()))],
            Kind::Table(t) => {
                t.columns.iter().map(|c| begin(&c.name, c.dtype, &c.bound, None, None)).collect()
            }
        };
        if let Some(original) = &mut found {
            check_shape(original, &v.kind).map_err(|e| e.at(format!("variable '{}'", v.name)))?;
        }
        let mut elsewhere = Elsewhere::default();
        let mut original = |chunk: usize| {
            Ok(match (&mut found, &v.kind) {
                (Some(Input::Field(_, source)), Kind::Field(f)) => {
                    let range = f.chunk(chunk).0;
                    vec![source.read(range.start, range.len())?]
                }
                (Some(Input::Table(_, table)), Kind::Table(t)) => retyped(table.read(t.chunk(chunk))?, t)?,
                _ => vec![],
            })
        };
        let decoded = archive.decode(i, 0..v.chunks(), threads, |chunk, runs| {
            chunks += 1;
            let originals = original(chunk).map_err(|e| elsewhere.keep(e))?;
            let start = match &v.kind {
                Kind::Field(f) => f.chunk(chunk).0.start,
                Kind::Table(t) => t.chunk(chunk).start,
            };
            here.iter_mut().zip(&originals).zip(&runs).for_each(|((o, a), b)| o.look(a, b, start));
            Ok(())
        });
        decoded.map_err(elsewhere.or(&place))?;
        here.iter_mut().for_each(Outcome::close);
        outcomes.extend(here);
    }
    Ok(Verified { chunks, compared, outcomes })
}

/// Runs it.
pub fn run(args: &Verify) -> Result<bool> {
    let model = model_of(&args.coding)?;
    let threads = threads(args.coding.threads)?;
    let mut archive = open_archive(&args.input, model.as_ref())?;
    let originals = open_inputs(&args.against, &args.reading)?;
    let verified = verify(&mut archive, originals, threads, |e| of_data(e, &args.input))?;
    let holds = verified.holds();
    if args.saying.json {
        print(verified.report())?;
        return Ok(holds);
    }
    let chunks = count(verified.chunks, "chunk");
    print(format!("{}: intact; {chunks} decoded, checksums match", args.input.display()))?;
    if verified.compared {
        let mut rows = vec![["", "largest error", "allowed", ""].map(String::from).to_vec()];
        for o in &verified.outcomes {
            let allowed = match o.tolerance {
                Tolerance::Exact => "exact".into(),
                Tolerance::None => "any".into(),
                Tolerance::Absolute(v) => number(v),
                Tolerance::Pointwise(v) => format!("{v:e} of each"),
                Tolerance::RootMeanSquare(v) => format!("RMS {}", number(v)),
            };
            rows.push(vec![
                o.name.clone(),
                number(o.error),
                allowed,
                match (o.holds, o.place()) {
                    (true, _) => "holds".into(),
                    (false, None) => "BROKEN".into(),
                    (false, Some(at)) => {
                        let what = if o.shape.is_some() { "at" } else { "in row" };
                        format!("BROKEN by {}, first {what} {at}", count(o.broken.0 as usize, "value"))
                    }
                },
            ]);
        }
        print(table(&rows, &[0, 3]))?;
    }
    Ok(holds)
}

/// The rows of a table in the archive's types where that changes no value: a .csv keeps numbers, not their widths.
/// (The shortest digits of an f32, read as f64, round back to it.) Errors where a value does not fit.
fn retyped(runs: Vec<Values>, header: &TableHeader) -> Result<Vec<Values>> {
    let retype = |(run, wanted): (Values, &ColumnHeader)| {
        let from = run.dtype();
        narrowed(run, wanted.dtype).ok_or_else(|| other_type(&wanted.name, from, wanted.dtype))
    };
    runs.into_iter().zip(&header.columns).map(retype).collect()
}

/// Values, those of a .csv (i64, f64) in a narrower type if that is wanted; `None` where one does not fit.
pub(super) fn narrowed(values: Values, to: DType) -> Option<Values> {
    if values.dtype() == to {
        return Some(values);
    }
    match (&values, to) {
        (Values::F64(v), DType::F32) => Some(Values::F32(v.iter().map(|&x| x as f32).collect())),
        (Values::I64(v), _) if to != DType::I64 && to != DType::Text && !to.is_float() => {
            let size = to.size()?;
            let bytes: Vec<u8> = v.iter().flat_map(|x| x.to_le_bytes().into_iter().take(size)).collect();
            let narrow = Values::from_le_bytes(to, &bytes).ok()?;
            let same = narrow.to_f64()?.iter().zip(v.iter()).all(|(a, &b)| *a == b as f64);
            same.then_some(narrow)
        }
        _ => None,
    }
}

fn other_type(column: &str, from: DType, to: DType) -> Error {
    Error::invalid(format!("column '{column}' is {from} in the original, {to} in the archive"))
}

fn check_shape(original: &Input, kind: &Kind) -> Result<()> {
    let told = match (original, kind) {
        (Input::Field(_, s), Kind::Field(f)) if (s.dtype(), s.shape()) == (f.dtype, &f.shape[..]) => {
            return Ok(());
        }
        (Input::Table(_, t), Kind::Table(h))
            if (t.rows(), t.columns().len()) == (h.rows, h.columns.len()) =>
        {
            let comparable = |from, to| narrowed(Values::empty(from), to).is_some();
            let columns = t.columns();
            let mut pairs = columns.iter().map(|c| c.1).zip(&h.columns);
            return match pairs.find(|(from, c)| !comparable(*from, c.dtype)) {
                Some((from, c)) => Err(other_type(&c.name, from, c.dtype)),
                None => Ok(()),
            };
        }
        (Input::Field(_, s), Kind::Field(f)) => {
            format!("the original is {} {:?}, the archive's {} {:?}", s.dtype(), s.shape(), f.dtype, f.shape)
        }
        (Input::Table(_, t), Kind::Table(h)) => format!(
            "the original has {} rows of {} columns, the archive {} of {}",
            t.rows(),
            t.columns().len(),
            h.rows,
            h.columns.len()
        ),
        _ => "one is a field, the other a table".into(),
    };
    Err(Error::invalid(told))
}
