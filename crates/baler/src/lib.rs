//! Baler: learned compression of scientific data within a guaranteed error bound.
//!
//! ```
//! use baler::archive::{Archive, Input, Options, compress};
//! use baler::bound::Bound;
//! use baler::data::{Array, Values, Variable};
//! use std::io::Cursor;
//!
//! let wave: Vec<f32> = (0..60_000).map(|i| (i as f32 * 1e-3).sin()).collect();
//! let array = Array::new(vec![200, 300], Values::F32(wave.clone()))?;
//! let options = Options { bound: Some(Bound::Absolute(1e-3)), threads: 2, ..Options::default() };
//! let mut file = vec![]; // whatever implements `Write`
//! compress(vec![Input::Field("u".into(), Box::new(array))], &options, &mut file)?;
//!
//! let mut archive = Archive::open(Cursor::new(&file), &[])?; // `Read` and `Seek`
//! let u = archive.find("u")?;
//! let Variable::Field(rows) = archive.read(u, Some(50..60), 1)? else { panic!("a field") };
//! let Values::F32(rows) = rows.values else { panic!("of single precision") };
//! assert!(rows.iter().zip(&wave[50 * 300..]).all(|(a, b)| (a - b).abs() <= 1e-3));
//! assert!(file.len() * 20 < 4 * wave.len());
//! # Ok::<(), baler::error::Error>(())
//! ```
//!
//! Most programs need [`archive`], [`bound`] and [`data`]; those that train, [`train`] and [`model`]. [`codec`] and [`front`]
//! are public for tests, benches and fuzzing: what they are made of may change with any version.
//!
//! The modules, in the order in which data flows:

// What comes in, and how far off it may come back.
pub mod bound;
pub mod data;
pub mod error;
pub mod statistics;

// The only place that loses anything: values and a bound to integers.
pub mod front;

// The frozen bits: everything that a decoder computes. None of these use what follows them.
pub mod codec;
pub mod model;

// What all of these run on.
mod cpu;

// Files.
pub mod archive;

// Float: fitting models, taking them elsewhere, making example data, looking at what was lost.
pub mod export;
pub mod quality;
#[cfg(feature = "pictures")]
pub mod report;
pub mod synth;
pub mod train;
