//! `baler demo`: the whole path on data made here, from nothing to pictures.

use super::train::{fit, sample_of, save};
use super::verify::promised;
use super::{info, open_archive, threads};
use crate::args::Demo;
use crate::formats::{self, WriteOptions};
use crate::output::AtomicFile;
use crate::saying::{bound, bytes, number, print, ratio, table};
use baler::archive::header::Kind;
use baler::archive::{Input, Options, compress};
use baler::bound::Bound;
use baler::codec::chunk::Codec;
use baler::data::{Dataset, Table, Variable};
use baler::error::{Error, Result};
use baler::front::Tolerance;
use baler::front::check::largest_error;
use baler::model::Model;
use baler::quality::{psnr, psnr_of_columns};
use baler::report::{self, Figure, Format, Frame, Scales};
use baler::synth::{flow::flow, jets::jets};
use baler::train::TrainOptions;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Frames, height and width of the flow; rows of the table; the seed of both.
const FLOW: [usize; 3] = [600, 48, 96];
const ROWS: usize = 100_000;
const SEED: u64 = 1;
const EPOCHS: usize = 60;
/// Frames of an animation, at most.
const MOVING: usize = 60;

/// The same of a quick demonstration.
const QUICK_FLOW: [usize; 3] = [60, 16, 32];
const QUICK_ROWS: usize = 3_000;
const QUICK_EPOCHS: usize = 5;

/// One way to compress one thing.
struct Case<'a> {
    /// What the table calls it.
    name: &'a str,
    /// The archive's file name.
    file: &'a str,
    bound: Bound,
    codec: Option<Codec>,
    model: Option<&'a Model>,
}

/// What came of it.
struct Outcome {
    cells: Vec<String>,
    report: Value,
    decoded: Variable,
    /// One, or one a column.
    tolerances: Vec<Tolerance>,
    holds: bool,
}

struct Demonstration<'a> {
    folder: &'a Path,
    threads: usize,
    say: bool,
}

impl Demonstration<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn tell(&self, text: impl std::fmt::Display) -> Result<()> {
        if self.say { print(text) } else { Ok(()) }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut out = AtomicFile::create(&self.path(name), true)?;
        out.write_all(bytes)?;
        out.commit()
    }

    fn save(&self, file: &str, name: &str, variable: &Variable) -> Result<()> {
        let options = WriteOptions { force: true, ..WriteOptions::default() };
        let data = Dataset { variables: vec![(name.into(), variable.clone())] };
        formats::create(&self.path(file), &options)?.write(&data)
    }

    /// Compresses, decompresses from the file, and checks every value against the original.
    fn run(&self, name: &str, original: &Variable, case: &Case) -> Result<Outcome> {
        let input = match original.clone() {
            Variable::Field(a) => Input::Field(name.into(), Box::new(a)),
            Variable::Table(t) => Input::Table(name.into(), t),
        };
        let options = Options {
            bound: Some(case.bound),
            codec: case.codec,
            model: case.model,
            threads: self.threads,
            ..Options::default()
        };
        let path = self.path(case.file);
        let mut out = AtomicFile::create(&path, true)?;
        let begun = Instant::now();
        let summary = compress(vec![input], &options, &mut out)?;
        let encoding = begun.elapsed().as_secs_f64();
        out.commit()?;

        let mut archive = open_archive(&path, None)?;
        let begun = Instant::now();
        let decoded = archive.read(0, None, self.threads)?;
        let decoding = begun.elapsed().as_secs_f64();
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
                largest / baler::archive::plan::statistics_of(a, None).range().max(f64::MIN_POSITIVE)
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

fn head(table: &Table, rows: usize) -> Table {
    let columns = table
        .columns
        .iter()
        .map(|c| baler::data::Column { name: c.name.clone(), values: c.values.slice(0..rows) });
    Table { columns: columns.collect() }
}

/// Runs it; `false` where a bound is broken.
pub fn run(args: &Demo) -> Result<bool> {
    let place = |e: std::io::Error| Error::from(e).at(args.output.display());
    std::fs::create_dir_all(&args.output).map_err(place)?;
    let say = !args.saying.json && !args.saying.quiet;
    let d = Demonstration { folder: &args.output, threads: threads(args.threads)?, say };

    let (size, rows, epochs) =
        if args.quick { (QUICK_FLOW, QUICK_ROWS, QUICK_EPOCHS) } else { (FLOW, ROWS, EPOCHS) };
    let epochs = args.epochs.unwrap_or(epochs);

    d.tell("Making data: the flow past a square (lattice Boltzmann), and collider jets ...")?;
    let frames = flow(size[0], size[1], size[2], SEED);
    let flow = Variable::Field(frames.clone());
    let table_of_jets = jets(rows, SEED);
    let events = Variable::Table(table_of_jets.clone());
    d.save("flow.npy", "u", &flow)?;
    d.save("jets.csv", "jets", &events)?;

    d.tell("Training an autoencoder on a third of the frames, and one on a fifth of the jets ...")?;
    let part = size[0] / 3 * size[1] * size[2];
    let shape = vec![size[0] / 3, size[1], size[2]];
    let sample = baler::data::Array::new(shape, frames.values.slice(0..part))?;
    let set = |o: &mut TrainOptions| {
        o.epochs = epochs * 5;
        o.batch_size = 20;
        o.validation = 0.1;
        o.threads = d.threads;
    };
    let flow_model = fit(&sample_of(&Variable::Field(sample), None)?, "CFD_dense_AE", 24, set, say)?;
    save(&flow_model, AtomicFile::create(&d.path("flow.safetensors"), true)?)?;
    let set = |o: &mut TrainOptions| {
        o.epochs = epochs;
        o.validation = 0.1;
        o.threads = d.threads;
    };
    let sample = sample_of(&Variable::Table(head(&table_of_jets, rows / 5)), None)?;
    let latents = baler::model::zoo::latents_for_ratio(sample.features, 1.6)?;
    let jets_model = fit(&sample, "AE", latents, set, say)?;
    save(&jets_model, AtomicFile::create(&d.path("jets.safetensors"), true)?)?;

    d.tell("Compressing, decompressing, and checking every value ...\n")?;
    let ae = Some(Codec::Autoencoder);
    let case = |name, file, bound, codec, model| Case { name, file, bound, codec, model };
    let rel = Bound::Relative(1e-3);
    let std = Bound::Deviation(1e-3);
    let flow_cases = [
        case("flow, plain codec", "flow.blr", rel, None, None),
        case("flow, autoencoder within the bound", "flow-autoencoder.blr", rel, ae, Some(&flow_model)),
        case("flow, pure autoencoder", "flow-unbounded.blr", Bound::None, ae, Some(&flow_model)),
    ];
    let jets_cases = [
        case("jets, plain codec", "jets.blr", std, None, None),
        case("jets, autoencoder within the bound", "jets-autoencoder.blr", std, ae, Some(&jets_model)),
        case("jets, pure autoencoder", "jets-unbounded.blr", Bound::None, ae, Some(&jets_model)),
    ];
    let of_flow = flow_cases.iter().map(|c| d.run("u", &flow, c)).collect::<Result<Vec<_>>>()?;
    let of_jets = jets_cases.iter().map(|c| d.run("jets", &events, c)).collect::<Result<Vec<_>>>()?;

    let title = [
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
    let mut lines = vec![title.map(String::from).to_vec()];
    lines.extend(of_flow.iter().chain(&of_jets).map(|o| o.cells.clone()));
    d.tell(table(&lines, &[0, 5]))?;

    d.tell("\nDrawing ...")?;
    let note = |o: &Outcome| {
        let bound = if o.cells[5] == "none" { "no bound".into() } else { format!("bound {}", o.cells[5]) };
        format!("{}: {} times smaller, {bound}", o.cells[0], o.cells[3])
    };
    for (outcome, name) in [(&of_flow[0], "flow"), (&of_flow[2], "flow-unbounded")] {
        let Variable::Field(back) = &outcome.decoded else { continue };
        let (Some(a), Some(b)) = (frames.values.to_f64(), back.values.to_f64()) else { continue };
        let pixels = size[1] * size[2];
        let tolerance = outcome.tolerances[0];
        let page = |k: usize, scales: Option<Scales>| {
            let [before, after] = [&a, &b].map(|v| &v[k * pixels..(k + 1) * pixels]);
            let scales = scales.unwrap_or_else(|| Scales::of(before, after, tolerance));
            let frame = Frame { before, after, height: size[1], width: size[2], tolerance, unit: "" };
            report::frames(&format!("x-velocity, frame {k}"), &note(outcome), &frame, &scales)
        };
        let still = Figure::from(page(report::worst_frame(&a, &b, pixels), None)?);
        d.write(&format!("{name}.png"), &still.to_bytes(Format::Png)?)?;
        let scales = Scales::of(&a, &b, tolerance);
        let every = size[0].div_ceil(MOVING);
        let pages = (0..size[0].div_ceil(every)).map(|k| page(k * every, Some(scales)));
        let mut out = AtomicFile::create(&d.path(&format!("{name}.gif")), true)?;
        report::animate(pages, Format::Gif, 10.0, &mut out)?;
        out.commit()?;
    }
    for (outcome, name) in [(&of_jets[0], "jets"), (&of_jets[2], "jets-unbounded")] {
        let Variable::Table(back) = &outcome.decoded else { continue };
        let pairs = report::pairs(&table_of_jets, back, &outcome.tolerances)?;
        let figure = report::comparison("jets: residuals", &note(outcome), &pairs);
        d.write(&format!("{name}.pdf"), &figure.to_bytes(Format::Pdf)?)?;
        let boxes = report::residual_boxes("jets: residuals", &note(outcome), &pairs);
        d.write(&format!("{name}.svg"), &boxes.to_bytes(Format::Svg)?)?;
    }
    let loss = report::loss("CFD_dense_AE on the flow", "", &flow_model.provenance.history);
    d.write("loss.svg", &Figure::from(loss).to_bytes(Format::Svg)?)?;
    let holds = of_flow.iter().chain(&of_jets).all(|o| o.holds);
    if args.saying.json {
        let cases: Vec<_> = of_flow.into_iter().chain(of_jets).map(|o| o.report).collect();
        print(json!({"folder": args.output.to_string_lossy(), "holds": holds, "cases": cases}))?;
        return Ok(holds);
    }
    d.tell(format!(
        "\nEvery bound {}. In {}/: what was lost in flow.png, flow.gif and jets.pdf,\n\
         the training in loss.svg, the data, models and archives.\n\
         Next: baler info {}  -  baler compress YOUR_DATA.npy -o out.blr --rel 1e-3",
        if holds { "holds" } else { "SHOULD HOLD, BUT ONE IS BROKEN" },
        args.output.display(),
        d.path("flow.blr").display()
    ))?;
    Ok(holds)
}
