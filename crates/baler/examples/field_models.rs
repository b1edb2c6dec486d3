//! What a model of fields brings, in bytes: for each .npy file (f32) and bound, a relative one of the whole file's range, the second
//! half of the leading axis coded without and with a model trained on the first half, and the whole with one trained on itself.
//! usage: cargo run --release -p baler --example field_models -- FILE.npy ... -- BOUND ... -- UNITS,UNITS ...
mod support;

use baler::archive::Options;
use baler::bound::Bound;
use baler::codec::candidate::Candidate;
use baler::codec::field::{Level, encode_with};
use baler::data::{Array, Values};
use baler::front::Tolerance;
use baler::train::field::{FieldOptions, train_fields};
use std::ops::ControlFlow;
use std::time::Instant;
use support::npy;

fn main() {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let parts: Vec<&[String]> = all.split(|a| a == "--").collect();
    let [files, bounds, sizes] = parts[..] else { panic!("FILE ... -- BOUND ... -- UNITS ...") };
    for file in files {
        let (shape, v) = npy(file);
        let (lo, hi) =
            v.iter().filter(|x| x.abs() < 1e19).fold((f32::MAX, f32::MIN), |(a, b), &x| (a.min(x), b.max(x)));
        let plane = v.len() / shape[0];
        let half = shape[0] / 2;
        let part = |planes: std::ops::Range<usize>| Array {
            shape: [&[planes.len()], &shape[1..]].concat(),
            values: Values::F32(v[planes.start * plane..planes.end * plane].to_vec()),
        };
        for bound in bounds {
            let b = bound.parse::<f64>().expect("a number") * (hi as f64 - lo as f64);
            let options = Options { bound: Some(Bound::Absolute(b)), ..Options::default() };
            for size in sizes {
                let hidden = size.split(',').map(|n| n.parse().expect("units")).collect::<Vec<usize>>();
                for (name, learn, code) in [
                    ("half", part(0..half), part(half..shape[0])),
                    ("whole", part(0..shape[0]), part(0..shape[0])),
                ] {
                    let begun = Instant::now();
                    let how = FieldOptions { hidden: hidden.clone(), threads: 2, ..FieldOptions::default() };
                    let fields = [(file.clone(), learn)];
                    let trained =
                        train_fields(&fields, &options, &how, |_| ControlFlow::Continue(())).expect("trains");
                    let seconds = begun.elapsed().as_secs_f64();
                    let bytes = |level, learned| {
                        encode_with(
                            &code.values,
                            &code.shape,
                            Tolerance::Absolute(b),
                            None,
                            (level, learned),
                            false,
                        )
                        .0
                        .len()
                    };
                    let candidate = Some(Candidate { model: &trained.model, number: 0, asked: false });
                    let (plain, with) = (bytes(Level::Default, None), bytes(Level::Default, candidate));
                    let p = &trained.provenance;
                    println!(
                        "{:24} {bound} {name:5} {size:8} without {plain:7} with {with:7} {:+6.1} % model {:5} ({:.3} of {:.3} bits, {} epochs, {seconds:.0} s)",
                        file.rsplit('/').next().unwrap_or(""),
                        100.0 * (with as f64 / plain as f64 - 1.0),
                        trained.model.to_bytes().len(),
                        p.bits[0],
                        p.bits[1],
                        p.history.len(),
                    );
                }
            }
        }
    }
}
