//! Takes every f32 through the front end under every kind of bound and counts the promises that are broken:
//! `cargo run --release --example walk -- [--stride N] [--threads N]`. A record of the whole walk is in
//! `bench/records`.

#[path = "../tests/common/exact.rs"]
mod exact;
#[path = "../tests/common/walk.rs"]
mod walk;

use std::sync::Mutex;
use std::time::{Duration, Instant};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str, otherwise: u64| match args.iter().position(|a| a == name) {
        Some(i) => {
            args.get(i + 1).and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("{name} wants a number"))
        }
        None => otherwise,
    };
    let (stride, threads) = (option("--stride", 1).max(1), option("--threads", 2).max(1) as usize);
    let cases = walk::cases();
    let start = Instant::now();
    let said = Mutex::new(Instant::now());
    let progress = |share: f64| {
        let mut last = said.lock().unwrap();
        if last.elapsed() > Duration::from_secs(30) {
            *last = Instant::now();
            let left = start.elapsed().mul_f64((1.0 - share) / share.max(1e-9));
            eprintln!("{:.1} %, {:.0} s left", share * 100.0, left.as_secs_f64());
        }
    };
    let counts = walk::walk(&cases, stride, threads, progress);
    println!("| case | coded | bit for bit | special | violations | ns a value |");
    println!("|---|---|---|---|---|---|");
    for ((name, _), c) in cases.iter().zip(&counts) {
        let n = c.coded + c.exact + c.special + c.violations;
        let ns = c.time.as_secs_f64() * 1e9 / n as f64;
        println!("| {name} | {} | {} | {} | {} | {ns:.1} |", c.coded, c.exact, c.special, c.violations);
        if c.violations > 0 {
            println!("for one, {name} breaks {:#010x}", c.example);
        }
    }
    println!(
        "{} cases, stride {stride}, {threads} threads, {:.0} s",
        cases.len(),
        start.elapsed().as_secs_f64()
    );
    std::process::exit(counts.iter().any(|c| c.violations > 0) as i32);
}
