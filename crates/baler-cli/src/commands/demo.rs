//! `baler demo`: the whole path on data made here, from nothing to pictures.

use super::threads;
use super::train::{fit, sample_of, save};
use super::trial::{Case, HEAD, Outcome, Place, WORDS};
use crate::args::Demo;
use crate::formats::{self, WriteOptions};
use crate::output::AtomicFile;
use crate::saying::{print, table};
use baler::archive::{Codec, Level};
use baler::bound::Bound;
use baler::data::{Dataset, Table, Variable};
use baler::error::{Error, Result};
use baler::report::{self, Figure, Format, Frame, Scales};
use baler::synth::{flow::flow, jets::jets};
use baler::train::TrainOptions;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

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
    let case =
        |name, file, bound, codec, model| Case { name, file, bound, codec, level: Level::Default, model };
    let place = Place { folder: &args.output, threads: d.threads };
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
    let of_flow = flow_cases.iter().map(|c| place.run("u", &flow, c)).collect::<Result<Vec<_>>>()?;
    let of_jets = jets_cases.iter().map(|c| place.run("jets", &events, c)).collect::<Result<Vec<_>>>()?;

    let mut lines = vec![HEAD.map(String::from).to_vec()];
    lines.extend(of_flow.iter().chain(&of_jets).map(|o| o.cells.clone()));
    d.tell(table(&lines, &WORDS))?;

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
