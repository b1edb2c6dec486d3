#![allow(unsafe_code, missing_docs)]
use baler::codec::field::{domain::*, kernel::Chunk, taps::*};
use baler::codec::range_coder::*;
struct Instant(f64);
impl Instant {
    fn now() -> Self {
        Instant(cpu())
    }
    fn elapsed(&self) -> D {
        D(cpu() - self.0)
    }
}
struct D(f64);
impl D {
    fn as_secs_f64(&self) -> f64 {
        self.0
    }
}
fn cpu() -> f64 { std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() }
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let dims: Vec<usize> = args[2].split(',').map(|s| s.parse().unwrap()).collect();
    let dims = [dims[0], dims[1], dims[2]];
    let b = std::fs::read(&args[1]).unwrap();
    let n: usize = dims.iter().product();
    let x: Vec<f32> =
        b[b.len() - n * 4..].chunks_exact(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect();
    let (mn, mx) = x.iter().fold((f32::MAX, f32::MIN), |(a, b), &v| (a.min(v), b.max(v)));
    let mean = (x.iter().map(|&v| v as f64).sum::<f64>() / n as f64) as f32;
    for rel in [1e-2,1e-3] {
        let tol = rel * (mx as f64 - mn as f64);
        let m = mn.abs().max(mx.abs());
        let ulp = (m.to_bits() + 1) as f32;
        let _ = ulp;
        let ulp = f32::from_bits(m.to_bits() + 1) - m;
        let step = ((2.0 * tol - 2.0 * ulp as f64) * 0.999999) as f32;
        let dom = Absolute { step, inverse: 1.0 / step, mean, bound: tol };
        let t0 = Instant::now();
        let v: Vec<f32> = x.iter().map(|v| v - mean).collect();
        let w = baler::codec::field::dispatch::fast_fit(&v, dims, step as f64, false);
        let tf = t0.elapsed().as_secs_f64();
        let (mut be, mut bd) = (9.0f64, 9.0f64);
        let mut size = 0;
        for _ in 0..25 {
            let t = Instant::now();
            let mut e = [Encoder::with_capacity(n), Encoder::with_capacity(n)];
            let mut y = x.clone();
            run_enc(dom, &mut e, dims, &w, &mut y);
            let [e1, e2] = e;
            let (a, r) = e1.finish();
            let (a2, r2) = e2.finish();
            be = be.min(t.elapsed().as_secs_f64());
            size = a.len() + r.len() + a2.len() + r2.len();
            let t = Instant::now();
            let mut d = [Decoder::new(&a, &r), Decoder::new(&a2, &r2)];
            let mut z = vec![0f32; n];
            run_dec(dom, &mut d, dims, &w, &mut z);
            bd = bd.min(t.elapsed().as_secs_f64());
            assert!(y == z);
            assert!(x.iter().zip(&z).all(|(a, b)| (*a as f64 - *b as f64).abs() <= tol));
        }
        let mb = n as f64 * 4e-6;
        println!(
            "{rel} ratio {:.3} enc {:.0} dec {:.0} fit {:.0} MB/s",
            n as f64 * 4.0 / (size + 80) as f64,
            mb / be,
            mb / bd,
            mb / tf
        );
    }
}
fn run_enc(dom: Absolute<f32>, e: &mut [Encoder; 2], dims: [usize; 3], w: &[i16], y: &mut [f32]) {
    baler::codec::field::dispatch::fast_walk(dom, e, Chunk { dims, weights: w, special: &[], values: y }, std::env::var("PLAIN").is_ok())
}
fn run_dec(dom: Absolute<f32>, e: &mut [Decoder; 2], dims: [usize; 3], w: &[i16], y: &mut [f32]) {
    baler::codec::field::dispatch::fast_walk(dom, e, Chunk { dims, weights: w, special: &[], values: y }, std::env::var("PLAIN").is_ok())
}
