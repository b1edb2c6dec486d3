//! One way to compress something, tried: how small, how far off, how fast.

use super::verify::promised;
use super::{info, open_archive};
use crate::output::AtomicFile;
use crate::saying::{bound, bytes, number, ratio};
use baler::archive::header::Kind;
use baler::archive::{Codec, Input, Level, Options, compress};
use baler::bound::Bound;
use baler::data::Variable;
use baler::error::Result;
use baler::front::Tolerance;
use baler::front::check::largest_error;
use baler::model::Model;
use baler::quality::{psnr, psnr_of_columns};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// What stands above the cells of an [`Outcome`].
pub const HEAD: [&str; 9] = [
    "",
    "original",
    "stored",
    "ratio",
    "without model",
    "bound",
    "largest error",
    "PSNR dB",
    "MB/s in / out",
];
/// Those of them that are words.
pub const WORDS: [usize; 2] = [0, 5];

/// One way to compress one thing.
pub struct Case<'a> {
    /// What the table calls it.
    pub name: &'a str,
    /// The archive's file name.
    pub file: &'a str,
    /// How far off values may be.
    pub bound: Bound,
    /// The codec to use whatever the size.
    pub codec: Option<Codec>,
    /// How much work a smaller file is worth.
    pub level: Level,
    /// The model to use.
    pub model: Option<&'a Model>,
}

/// What came of it.
pub struct Outcome {
    /// As [`HEAD`] has them.
    pub cells: Vec<String>,
    /// The same and more, for programs.
    pub report: Value,
    /// What the archive decodes to.
    pub decoded: Variable,
    /// What each run of values was promised.
    pub tolerances: Vec<Tolerance>,
    /// Whether every value is within its bound.
    pub holds: bool,
}

/// Where cases are tried.
pub struct Place<'a> {
    /// The folder of their archives.
    pub folder: &'a Path,
    /// Threads to use.
    pub threads: usize,
}

impl Place<'_> {
    /// Compresses, decompresses from the file, and checks every value against the original.
    pub fn run(&self, name: &str, original: &Variable, case: &Case) -> Result<Outcome> {
        let input = || match original.clone() {
            Variable::Field(a) => Input::Field(name.into(), Box::new(a)),
            Variable::Table(t) => Input::Table(name.into(), Box::new(t)),
        };
        let options = Options {
            bound: Some(case.bound),
            codec: case.codec,
            level: case.level,
            model: case.model.map(|m| (&m.frozen).into()),
            threads: self.threads,
            ..Options::default()
        };
        // Into memory: a disk says nothing of a way to compress.
        let encode = || {
            let (inputs, mut out) = (vec![input()], vec![]);
            let (summary, seconds) = timed(|| compress(inputs, &options, &mut out))?;
            Ok(((summary, out), seconds))
        };
        let ((summary, coded), first) = encode()?;
        let encoding = least(first, encode)?;
        let path = self.folder.join(case.file);
        let mut out = AtomicFile::create(&path, true)?;
        out.write_all(&coded)?;
        out.commit()?;

        let mut archive = open_archive(&path, None)?;
        let (decoded, first) = timed(|| archive.read(0, None, self.threads))?;
        let decoding = least(first, || timed(|| archive.read(0, None, self.threads)))?;
        let (tolerances, worst, quality) = compare(original, &decoded, &archive.header().variables[0].kind);
        let holds = worst.is_some();
        let mega = summary.original as f64 / 1e6;
        let times = ratio(summary.original, summary.stored);
        let without = ratio(summary.original, summary.stored - summary.model);
        let mut report = info::report(&mut archive)?;
        let more = json!({"name": case.name, "file": case.file, "holds": holds, "psnr": quality, "share_of_bound": worst,
            "compress_mb_per_s": mega / encoding, "decompress_mb_per_s": mega / decoding});
        report.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let cells = vec![
            case.name.into(),
            bytes(summary.original),
            bytes(summary.stored),
            number(times),
            if summary.model > 0 { number(without) } else { "-".into() },
            bound(&case.bound),
            match (worst, case.bound) {
                (None, _) => "BROKEN".into(),
                (Some(w), Bound::None) => format!("{} of range", number(w)),
                (Some(w), _) => format!("{} x bound", number(w)),
            },
            quality.map_or("-".into(), |q| format!("{q:.1}")),
            format!("{} / {}", number(mega / encoding), number(mega / decoding)),
        ];
        Ok(Outcome { cells, report, decoded, tolerances, holds })
    }
}

/// What work gives, and the seconds that it takes.
fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let begun = Instant::now();
    let done = work()?;
    Ok((done, begun.elapsed().as_secs_f64()))
}

/// Work whose runs together take fewer seconds than this is run again ...
const SHORT: f64 = 0.25;
/// ... up to so many times in all.
const MOST_RUNS: usize = 5;

/// The seconds of the fastest `run` of work whose first took `first`. The first of short work is no measure of it: pages have
/// to be made, code to be loaded, and the processor to leave its sleep.
fn least<T>(first: f64, mut run: impl FnMut() -> Result<(T, f64)>) -> Result<f64> {
    let (mut least, mut all) = (first, first);
    for _ in 1..MOST_RUNS {
        if all > SHORT {
            break;
        }
        let (_, again) = run()?;
        all += again;
        least = least.min(again);
    }
    Ok(least)
}

/// What each run of values was promised; the largest error as a share of its bound (unbounded: of the range), `None`
/// where one is broken; and the PSNR.
fn compare(
    original: &Variable,
    decoded: &Variable,
    kind: &Kind,
) -> (Vec<Tolerance>, Option<f64>, Option<f64>) {
    let share = |a: &_, b: &_, tolerance| {
        let largest = largest_error(a, b, tolerance)?;
        Some(match tolerance {
            Tolerance::None => {
                largest / baler::statistics::Statistics::of_values(a, None).range().max(f64::MIN_POSITIVE)
            }
            Tolerance::Absolute(limit) => largest / limit,
            _ => largest,
        })
    };
    let most = |shares: Vec<Option<f64>>| shares.into_iter().try_fold(0.0f64, |m, s| Some(m.max(s?)));
    match (original, decoded, kind) {
        (Variable::Field(a), Variable::Field(b), Kind::Field(f)) => {
            let tolerance = promised(f.dtype, &f.bound);
            (vec![tolerance], share(&a.values, &b.values, tolerance), psnr(&a.values, &b.values))
        }
        (Variable::Table(a), Variable::Table(b), Kind::Table(t)) => {
            let tolerances: Vec<_> = t.columns.iter().map(|c| promised(c.dtype, &c.bound)).collect();
            let pairs = || a.columns.iter().map(|c| &c.values).zip(b.columns.iter().map(|c| &c.values));
            let shares = pairs().zip(&tolerances).map(|((a, b), &t)| share(a, b, t)).collect();
            let lossy = t.columns.iter().map(|c| c.bound.bound != Bound::Lossless);
            let lossy_pairs = pairs().zip(lossy).filter(|(_, l)| *l).map(|(p, _)| p);
            (tolerances, most(shares), psnr_of_columns(lossy_pairs))
        }
        _ => (vec![], None, None),
    }
}
