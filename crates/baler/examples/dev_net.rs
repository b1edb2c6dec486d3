//! dev
use baler::codec::table::column::{self, Mapped};
use baler::codec::table::net::{Known, decode, encode};
use baler::codec::table::integers;
use baler::codec::bytes::Reader;
use baler::data::{Values, DType};
use baler::front::Tolerance;
use baler::model::table::alphabet::Scale;
use baler::model::table::TableModel;
use baler::train::table::{SampleColumn, TableOptions, train_table};
struct Instant(u64);
impl Instant { fn now() -> Instant { Instant(cpu()) } fn elapsed(&self) -> std::time::Duration { std::time::Duration::from_nanos(cpu() - self.0) } }
fn cpu() -> u64 { std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(" ").next().unwrap().parse().unwrap() }
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let cols = 17;
    let raw = std::fs::read(&a[1]).unwrap();
    let rep: usize = a.get(2).map_or(1, |s| s.parse().unwrap());
    let epochs: usize = a.get(3).map_or(10, |s| s.parse().unwrap());
    let all: Vec<f32> = raw.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    let rows = all.len() / cols;
    let mapped: Vec<(Mapped, DType)> = (0..cols).map(|j| {
        let v: Vec<f32> = (0..rows).map(|i| all[i * cols + j]).collect();
        let mean = v.iter().map(|&x| x as f64).sum::<f64>() / rows as f64;
        let std = (v.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>() / rows as f64).sqrt();
        let (values, t) = if j >= 12 { (Values::I32(v.iter().map(|&x| x as i32).collect()), Tolerance::Exact) } else { (Values::F32(v), Tolerance::Absolute(1e-3 * std)) };
        (column::map(&values, t, None), values.dtype())
    }).collect();
    let cut = rows * 7 / 10;
    let sample: Vec<SampleColumn> = mapped.iter().enumerate().map(|(j, (m, d))| SampleColumn { name: format!("c{j}"), scale: Scale::of(&m.map, *d).unwrap(), integers: m.integers[..cut].to_vec() }).collect();
    let t = Instant::now();
    let options = TableOptions { epochs, ..TableOptions::default() };
    let model = train_table(&sample, &options, |r| { if a.len() > 4 { println!("{:?}", r); } std::ops::ControlFlow::Continue(()) }).unwrap();
    let bytes = model.to_bytes();
    println!("trained in {:.2} s, model {} bytes", t.elapsed().as_secs_f64(), bytes.len());
    let model = TableModel::from_bytes(&bytes).unwrap();
    assert!(model.to_bytes() == bytes);
    let n0 = rows - cut;
    let n = n0 * rep;
    let test: Vec<Vec<i64>> = mapped.iter().map(|(m, _)| { let p = &m.integers[cut..]; (0..n).map(|i| p[i % n0]).collect() }).collect();
    let mut known = Known::new(&model, n);
    let mut plain = Known::new(&model, n);
    let (mut total, mut other) = (0, 0);
    let t = Instant::now();
    let number = |c: &str| c[1..].parse::<usize>().unwrap();
    for (k, c) in model.columns().iter().enumerate() { known.put(k, Some(sample[number(&c.name)].scale), &test[number(&c.name)]); }
    let put = t.elapsed().as_secs_f64();
    for c in model.columns() { if let Some(n) = &c.net { print!("{}:{}", c.name, n.layers[0].inputs()); if let baler::model::table::net::Head::Mixture(h) = &n.head { print!("(given {:?})", h.given.map(|g| model.columns()[g].name.clone())); } for s in &n.sources { print!(" {}@{}", model.columns()[s.column].name, s.lag); } println!(); } } println!();
    let mut sections = vec![];
    let t = Instant::now();
    for (k, c) in model.columns().iter().enumerate() { sections.push(encode(&mut known, k, sample[number(&c.name)].scale, &test[number(&c.name)]).unwrap()); }
    let enc = t.elapsed().as_secs_f64();
    let t = Instant::now();
    for (k, c) in model.columns().iter().enumerate() {
        let back = decode(&mut plain, k, sample[number(&c.name)].scale, Reader::new(sections[k].as_ref().unwrap())).unwrap();
        assert!(back == test[number(&c.name)], "{}", c.name);
    }
    let dec = t.elapsed().as_secs_f64();
    for (k, c) in model.columns().iter().enumerate() {
        let mut p = vec![];
        integers::write(&mut p, &test[number(&c.name)]);
        let s = sections[k].as_ref().unwrap();
        total += s.len(); other += p.len();
        println!("{:4} {:5} symbols  net {:.3} plain {:.3} bits a row", c.name, c.alphabet.symbols(), s.len() as f64 * 8.0 / n as f64, p.len() as f64 * 8.0 / n as f64);
    }
    let mb = (n * cols * 4) as f64 / 1e6;
    println!("net {:.2} plain {:.2} bits a row; {:.2} x; put {:.1} encode {:.1} decode {:.1} MB/s", total as f64 * 8.0 / n as f64, other as f64 * 8.0 / n as f64, 32.0 * cols as f64 * n as f64 / 8.0 / total as f64, mb / put, mb / enc, mb / dec);
}
