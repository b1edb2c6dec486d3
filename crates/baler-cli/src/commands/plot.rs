//! `baler plot`: pictures of what was lost, and of a training.

use super::picture::{Picture, write};
use super::verify::{narrowed, promised};
use super::{FileArchive, is_model, load_model, model_of, of_data, open_archive, threads, variables};
use crate::args::Plot;
use crate::formats::{self, InputVariable, ReadOptions};
use crate::saying::{bound as bound_text, count};
use baler::archive::header::{Kind, Resolved};
use baler::bound::Bound;
use baler::data::{Array, Dataset, Table, Values, Variable};
use baler::error::{Error, Result};
use baler::front::Tolerance;
use baler::model::Epoch;
use baler::model::any::AnyModel;
use baler::report::{self, Figure, Frame, Page, Pair, Scales, number};
use std::ops::Range;
use std::path::Path;

/// One variable, before and after.
struct Compared {
    name: String,
    before: Variable,
    after: Variable,
    /// One, or one a column.
    tolerances: Vec<Tolerance>,
    /// What is told of it in each picture: file, ratio, bound.
    note: String,
}

/// Runs it.
pub fn run(args: &Plot) -> Result<bool> {
    let picture = Picture::of(&args.picture)?;
    let Some(decoded) = &args.decoded else {
        return write(training(&args.original)?, picture, &[&args.original], &args.saying);
    };
    let inputs = [args.original.as_path(), decoded.as_path()];
    let compared = load(args, decoded)?;
    if picture.format.moves() {
        let [Compared { before: Variable::Field(_), .. }] = &compared[..] else {
            return Err(Error::invalid(
                "one field moves, and nothing else; choose it with --variable, or write .pdf",
            ));
        };
        return animate(args, &compared[0], picture, &inputs);
    }
    let mut figure = Figure::default();
    for c in &compared {
        figure.pages.extend(pages(args, c)?);
    }
    write(figure, picture, &inputs, &args.saying)
}

/// The losses in a model file, or in the original's loss_data.npy.
fn training(path: &Path) -> Result<Figure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if is_model(path) {
        let AnyModel::Autoencoder(model) = load_model(path)? else {
            return Err(Error::invalid(format!("{name} is a model of tables, which keeps no history")));
        };
        let provenance = &model.provenance;
        let note = format!(
            "{}; {} on {}, seed {}",
            model.architecture.name,
            count(provenance.history.len(), "epoch"),
            count(provenance.rows as usize, "row"),
            provenance.seed
        );
        return Ok(report::loss(&name, &note, &provenance.history).into());
    }
    let missing = || {
        Error::invalid(format!(
            "{name}: of data a picture needs what came back of them too, an archive or a decoded file: \
             baler plot {name} ARCHIVE.blr -o look.pdf"
        ))
    };
    let [InputVariable::Field { .. }] = &formats::open(path, &ReadOptions::default())?.variables[..] else {
        return Err(missing());
    };
    let mut data = formats::open(path, &ReadOptions::default())?.load()?;
    let Some((_, Variable::Field(losses))) = data.variables.pop() else { return Err(missing()) };
    let (Some(values), &[2, epochs]) = (losses.values.to_f64(), &losses.shape[..]) else {
        return Err(missing());
    };
    let epoch = |k: usize| Epoch {
        train_loss: values[k],
        validation_loss: Some(values[epochs + k]),
        learning_rate: f64::NAN,
    };
    let history: Vec<_> = (0..epochs).map(epoch).collect();
    Ok(report::loss(&name, &count(epochs, "epoch"), &history).into())
}

/// Both sides of every variable asked for.
fn load(args: &Plot, decoded: &Path) -> Result<Vec<Compared>> {
    let options = ReadOptions {
        shape: args.reading.shape.clone(),
        header: args.reading.no_header.then_some(false),
        ..ReadOptions::default()
    };
    let mut originals = formats::open(&args.original, &options)?.load()?;
    if formats::is_archive(decoded) {
        return from_archive(args, decoded, &mut originals);
    }
    let after = formats::open(decoded, &options)?.load()?;
    let wanted = |name: &String| args.variable.as_ref().is_none_or(|v| v == name);
    let alone = originals.variables.len() == 1 && after.variables.len() == 1;
    let mut compared = vec![];
    for (name, after) in after.variables.into_iter().filter(|(name, _)| alone || wanted(name)) {
        let before = take(&mut originals, &name, alone)?;
        let columns = if let Variable::Table(t) = &before { t.columns.len() } else { 1 };
        let after = as_typed(&before, after);
        let note = file_name(decoded);
        compared.push(Compared { name, before, after, tolerances: vec![Tolerance::None; columns], note });
    }
    match (compared.is_empty(), &args.variable) {
        (true, Some(name)) => Err(Error::invalid(format!("{}: no variable '{name}'", decoded.display()))),
        _ => Ok(compared),
    }
}

fn from_archive(args: &Plot, path: &Path, originals: &mut Dataset) -> Result<Vec<Compared>> {
    let model = model_of(&args.coding)?;
    let threads = threads(args.coding.threads)?;
    let mut archive = open_archive(path, model.as_ref())?;
    let alone = originals.variables.len() == 1 && archive.header().variables.len() == 1;
    let chosen = variables(&archive, args.variable.as_deref())?;
    let mut compared = vec![];
    for i in chosen {
        let v = archive.header().variables[i].clone();
        let mut before = take(originals, &v.name, alone)?;
        let after = archive.read(i, None, threads).map_err(|e| of_data(e, path))?;
        let (tolerances, bound) = match &v.kind {
            Kind::Field(f) => (vec![promised(f.dtype, &f.bound)], told(&f.bound, true)),
            Kind::Table(t) => {
                if let Variable::Table(before) = &mut before {
                    for (column, wanted) in before.columns.iter_mut().zip(&t.columns) {
                        if let Some(values) = narrowed(column.values.clone(), wanted.dtype) {
                            column.values = values;
                        }
                    }
                }
                let lossy = t.columns.iter().filter(|c| c.bound.bound != Bound::Lossless);
                let mut kinds: Vec<String> = lossy.map(|c| told(&c.bound, false)).collect();
                kinds.dedup();
                let bound = match &kinds[..] {
                    [] => "lossless".into(),
                    [one] => one.clone(),
                    _ => "several bounds".into(),
                };
                (t.columns.iter().map(|c| promised(c.dtype, &c.bound)).collect(), bound)
            }
        };
        let note =
            format!("{}: {} times smaller, {bound}", file_name(path), number(smaller(&archive, &after, i)));
        compared.push(Compared { name: v.name, before, after, tolerances, note });
    }
    Ok(compared)
}

/// The original's variable of this name; of one against one that one, whatever it is called.
fn take(originals: &mut Dataset, name: &str, alone: bool) -> Result<Variable> {
    let found = originals.variables.iter().position(|(n, _)| alone || n == name);
    let found = found.ok_or_else(|| Error::invalid(format!("the original has no variable '{name}'")))?;
    Ok(originals.variables.swap_remove(found).1)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A bound as it was given, and of a single one what it came to.
fn told(r: &Resolved, single: bool) -> String {
    match (r.bound, r.value) {
        (Bound::None, _) => "no bound".into(),
        (Bound::Lossless, _) => "lossless".into(),
        (_, Some(v)) if single && v > 0.0 && r.bound.value().is_some_and(|given| given != v) => {
            format!("bound {} = {}", bound_text(&r.bound), number(v))
        }
        _ => format!("bound {}", bound_text(&r.bound)),
    }
}

/// How much smaller: the whole archive of one variable, of several this one's chunks.
fn smaller(archive: &FileArchive, v: &Variable, i: usize) -> f64 {
    let original: usize = match v {
        Variable::Field(a) => a.values.byte_len(),
        Variable::Table(t) => t.columns.iter().map(|c| c.values.byte_len()).sum(),
    };
    let stored = match archive.header().variables.len() {
        1 => archive.length().0,
        _ => archive.chunk_entries(i).iter().map(|e| e.length).sum(),
    };
    crate::saying::ratio(original as u64, stored)
}

/// Values in the original's types, where both are numbers and no more than that: files keep them in various widths.
fn as_typed(before: &Variable, after: Variable) -> Variable {
    let typed = |before: &Values, after: Values| match (before, &after) {
        (Values::F32(_), Values::F64(v)) => Values::F32(v.iter().map(|&x| x as f32).collect()),
        (Values::F64(_), other) => other.to_f64().map_or(after, Values::F64),
        _ => after,
    };
    match (before, after) {
        (Variable::Field(b), Variable::Field(a)) => {
            Variable::Field(Array { values: typed(&b.values, a.values), shape: a.shape })
        }
        (Variable::Table(b), Variable::Table(mut a)) => {
            for (a, b) in a.columns.iter_mut().zip(&b.columns) {
                a.values = typed(&b.values, std::mem::replace(&mut a.values, Values::Bool(vec![])));
            }
            Variable::Table(a)
        }
        (_, after) => after,
    }
}

/// All pages of one variable.
fn pages(args: &Plot, c: &Compared) -> Result<Vec<Page>> {
    match (&c.before, &c.after) {
        (Variable::Table(before), Variable::Table(after)) => {
            if args.frame.is_some() || args.axes.is_some() {
                return Err(Error::invalid(format!(
                    "'{}' is a table: --frame and --axes are for fields",
                    c.name
                )));
            }
            let mut pairs = report::pairs(before, after, &c.tolerances)?;
            if let Some(names) = &args.columns {
                check_columns(before, names)?;
                pairs.retain(|p| names.iter().any(|n| n == p.name));
                return Ok(pairs.iter().map(|p| report::column_page(&c.note, p)).collect());
            }
            Ok(report::comparison(&format!("{}: residuals", c.name), &c.note, &pairs).pages)
        }
        (Variable::Field(before), Variable::Field(after)) => {
            if args.columns.is_some() {
                return Err(Error::invalid(format!("'{}' is a field: --columns is for tables", c.name)));
            }
            let frames = Frames::of(args, c, before, after)?;
            let mut pages = vec![];
            if let Some(frames) = &frames {
                let chosen = match &args.frame {
                    Some(text) => frames.chosen(text)?,
                    None => vec![frames.worst()],
                };
                for at in chosen {
                    let (before, after) = (frames.cut(&frames.before, &at), frames.cut(&frames.after, &at));
                    pages.push(frames.page(
                        &at,
                        &before,
                        &after,
                        &Scales::of(&before, &after, frames.tolerance),
                    )?);
                }
            }
            if args.frame.is_none() || frames.is_none() {
                let unit = args.unit.as_deref().unwrap_or("");
                let tolerance = c.tolerances[0];
                let (before, after) = (&before.values, &after.values);
                pages.push(report::column_page(
                    &c.note,
                    &Pair { name: &c.name, unit, before, after, tolerance },
                ));
            }
            Ok(pages)
        }
        _ => Err(Error::invalid(format!("'{}' is a table on one side and a field on the other", c.name))),
    }
}

fn check_columns(table: &Table, names: &[String]) -> Result<()> {
    let known = || table.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
    match names.iter().find(|n| table.columns.iter().all(|c| c.name != **n)) {
        Some(n) => Err(Error::invalid(format!("there is no column '{n}'; there are {}", known()))),
        None => Ok(()),
    }
}

/// One frame after the other along the slowest axis, or those that `--frame` says, on the same scales.
fn animate(args: &Plot, c: &Compared, picture: Picture, inputs: &[&Path]) -> Result<bool> {
    let (Variable::Field(before), Variable::Field(after)) = (&c.before, &c.after) else {
        return Err(Error::invalid(format!("'{}' is no field on both sides", c.name)));
    };
    let frames = Frames::of(args, c, before, after)?.filter(|f| !f.others.is_empty());
    let frames = frames.ok_or_else(|| {
        Error::invalid(format!(
            "'{}' of shape {:?} has no frames that follow one another",
            c.name, before.shape
        ))
    })?;
    let chosen = match &args.frame {
        Some(text) => frames.chosen(text)?,
        None => {
            let worst = frames.worst();
            let along = 0..before.shape[frames.others[0]];
            along.map(|k| std::iter::once(k).chain(worst[1..].iter().copied()).collect()).collect()
        }
    };
    let scales = Scales::of(&frames.before, &frames.after, frames.tolerance);
    let pages = chosen.iter().map(|at| {
        let (before, after) = (frames.cut(&frames.before, at), frames.cut(&frames.after, at));
        frames.page(at, &before, &after, &scales)
    });
    picture.animate(pages, args.fps, inputs, &args.saying)
}

/// A field as frames: two of its axes make a frame, the others number it.
struct Frames<'a> {
    name: &'a str,
    note: &'a str,
    unit: &'a str,
    before: Vec<f64>,
    after: Vec<f64>,
    shape: &'a [usize],
    /// The axes of a frame, down and across.
    axes: [usize; 2],
    /// All others, slowest first.
    others: Vec<usize>,
    tolerance: Tolerance,
}

impl<'a> Frames<'a> {
    /// `None` where a field has fewer than two axes, or no values.
    fn of(args: &'a Plot, c: &'a Compared, before: &'a Array, after: &Array) -> Result<Option<Frames<'a>>> {
        if before.shape != after.shape {
            return Err(Error::invalid(format!(
                "'{}' has shape {:?} before and {:?} after",
                c.name, before.shape, after.shape
            )));
        }
        let n = before.shape.len();
        let axes = match args.axes.as_deref() {
            None if n < 2 => return Ok(None),
            None => [n - 2, n - 1],
            Some(&[down, across]) if down < n && across < n && down != across => [down, across],
            Some(_) => {
                return Err(Error::invalid(format!(
                    "--axes takes two different axes, numbered from 0, such as 0,1; '{}' has shape {:?}",
                    c.name, before.shape
                )));
            }
        };
        let (Some(b), Some(a)) = (before.values.to_f64(), after.values.to_f64()) else { return Ok(None) };
        let others = (0..n).filter(|axis| !axes.contains(axis)).collect();
        let frames = Frames {
            name: &c.name,
            note: &c.note,
            unit: args.unit.as_deref().unwrap_or(""),
            before: b,
            after: a,
            shape: &before.shape,
            axes,
            others,
            tolerance: c.tolerances[0],
        };
        Ok((!before.values.is_empty()).then_some(frames))
    }

    /// How many values on is the next along an axis.
    fn stride(&self, axis: usize) -> usize {
        self.shape[axis + 1..].iter().product()
    }

    /// The numbers of the frame that holds the largest residual.
    fn worst(&self) -> Vec<usize> {
        let at = report::worst_frame(&self.before, &self.after, 1);
        self.others.iter().map(|&axis| at / self.stride(axis) % self.shape[axis]).collect()
    }

    /// The values of the frame `at`.
    fn cut(&self, values: &[f64], at: &[usize]) -> Vec<f64> {
        let start: usize = self.others.iter().zip(at).map(|(&axis, k)| k * self.stride(axis)).sum();
        let [down, across] = self.axes;
        let row = |v: usize| start + v * self.stride(down);
        let rows = (0..self.shape[down]).map(row);
        rows.flat_map(|r| (0..self.shape[across]).map(move |u| values[r + u * self.stride(across)])).collect()
    }

    /// What `--frame` names: for each of the other axes a number, a range `A:B` or `:` for all, with commas between;
    /// the axes left out at the frame that lost most.
    fn chosen(&self, text: &str) -> Result<Vec<Vec<usize>>> {
        let parts: Vec<&str> = text.split(',').collect();
        if parts.len() > self.others.len() {
            return Err(Error::invalid(format!(
                "--frame {text} is of {} axes, and '{}' of shape {:?} has {} besides those of a frame",
                parts.len(),
                self.name,
                self.shape,
                self.others.len()
            )));
        }
        let worst = self.worst();
        let mut all = vec![vec![]];
        for (k, &axis) in self.others.iter().enumerate() {
            let range = match parts.get(k) {
                Some(part) => range_of(part, self.shape[axis])?,
                None => worst[k]..worst[k] + 1,
            };
            all = all
                .iter()
                .flat_map(|at: &Vec<usize>| range.clone().map(|i| [&at[..], &[i]].concat()))
                .collect();
        }
        Ok(all)
    }

    fn page(&self, at: &[usize], before: &[f64], after: &[f64], scales: &Scales) -> Result<Page> {
        let [height, width] = self.axes.map(|axis| self.shape[axis]);
        let (tolerance, unit) = (self.tolerance, self.unit);
        let frame = Frame { before, after, height, width, tolerance, unit };
        let numbers = at.iter().zip(&self.others).map(|(k, &axis)| format!("{k} of {}", self.shape[axis]));
        let title = match self.others.len() {
            0 => self.name.to_string(),
            _ => format!("{}, frame {}", self.name, numbers.collect::<Vec<_>>().join(", ")),
        };
        report::frames(&title, self.note, &frame, scales)
    }
}

/// A number, `A:B` or `:`, of `length`.
fn range_of(text: &str, length: usize) -> Result<Range<usize>> {
    let wrong = || Error::invalid(format!("--frame {text}: a number, A:B or : below {length} is wanted"));
    let number =
        |t: &str, default: usize| if t.is_empty() { Ok(default) } else { t.parse().map_err(|_| wrong()) };
    let range = match text.split_once(':') {
        Some((a, b)) => number(a, 0)?..number(b, length)?,
        None => {
            let k = text.parse::<usize>().map_err(|_| wrong())?;
            k..k.saturating_add(1)
        }
    };
    if range.start < range.end && range.end <= length { Ok(range) } else { Err(wrong()) }
}
