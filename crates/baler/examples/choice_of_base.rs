//! What the choice of a base costs and misses: for each .npy file (f32, at most three axes beside leading members) and
//! bound, the bytes of the chosen encode and of the best of nineteen, and the time of choosing and coding over that of coding.
//! usage: cargo run --release -p baler --example choice_of_base -- FILE.npy ... -- BOUND ...
mod support;

use baler::codec::field::Level;
use baler::codec::field::base::{Recipe, bands::Grouping};
use baler::codec::field::coding::{Choice, Signal, Task, write, write_as};
use baler::codec::field::domain::Absolute;
use baler::codec::field::taps::Sampling;
use support::{npy, timed};

fn main() {
    let all: Vec<String> = std::env::args().skip(1).collect();
    let cut = all.iter().position(|a| a == "--").expect("-- BOUND ...");
    let (mut worst, mut slowest, mut sum) = (1.0f64, 1.0f64, (0.0, 0.0));
    for file in &all[..cut] {
        let (shape, v) = npy(file);
        let members = if shape.len() > 3 { shape[0] } else { 1 };
        let mut dims = [1usize; 3];
        let tail = &shape[shape.len().saturating_sub(3)..];
        dims[3 - tail.len()..].copy_from_slice(tail);
        let (lo, hi) = v.iter().fold((f32::MAX, f32::MIN), |(a, b), &x| (a.min(x), b.max(x)));
        for bound in &all[cut + 1..] {
            let bound = bound.parse::<f64>().expect("a number") * (hi as f64 - lo as f64);
            let (mut chosen, mut best, mut whole, mut alone) = (0, 0, 0.0, 0.0);
            for part in v.chunks(v.len() / members) {
                let mean = (part.iter().map(|&x| x as f64).sum::<f64>() / part.len() as f64) as f32;
                let step = (2.0 * bound * 0.999) as f32;
                let domain = Absolute::<f32>::new(step, mean, bound);
                let signal =
                    Signal { smooth: part, mean, dims, step: step as f64, sampling: Sampling::PLAIN };
                let task = Task { domain, signal, special: &[], portable: false };
                let asked = if part.len() < 1 << 20 { 4 } else { 16 };
                let groupings = [Grouping::Joint, Grouping::Planes, Grouping::Apart];
                let recipes = groupings.iter().flat_map(|&grouping| {
                    [8, 12, 16, 24, 32, 40].map(|eighths| Some(Recipe { grouping, eighths, asked }))
                });
                let mut sizes = vec![];
                for recipe in std::iter::once(None).chain(recipes) {
                    let (size, time) = timed(|| {
                        let (mut out, mut values) = (vec![], part.to_vec());
                        write_as(&mut out, task, &mut values, recipe);
                        out.len()
                    });
                    sizes.push((size, time));
                }
                best += sizes.iter().map(|s| s.0).min().expect("some");
                let choice = Choice::Level(Level::Default);
                let (size, time) = timed(|| {
                    let (mut out, mut values) = (vec![], part.to_vec());
                    write(&mut out, task, part, &mut values, choice);
                    out.len()
                });
                whole += time;
                chosen += size;
                alone += sizes.iter().find(|s| s.0 == size).map_or(f64::NAN, |s| s.1);
            }
            let (loss, time) = (chosen as f64 / best as f64, whole / alone);
            println!(
                "{:30} {bound:9.3e} chosen {chosen:8} best {best:8}  {loss:.3}  time {time:.2}",
                file.rsplit('/').next().unwrap_or("")
            );
            worst = worst.max(loss);
            slowest = slowest.max(time);
            sum = (sum.0 + whole, sum.1 + alone);
        }
    }
    println!("largest loss {worst:.3}, longest {slowest:.2}, all together {:.2}", sum.0 / sum.1);
}
