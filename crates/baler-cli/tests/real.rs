//! Real data, where they are at hand: every file within its bound, and what is to be expected of some.

mod common;

use baler::data::{Values, Variable};
use common::real_data;
use common::run::*;

const FILES: [&str; 10] = [
    "CFD_animation.npz",
    "CFD_still.npz",
    "climate_air_temperature.npy",
    "cms_pfcands.npz",
    "cms_zee.csv",
    "combustor_q.npy",
    "ocean_sst_fill1e20.npy",
    "ocean_sst_nan.npy",
    "sky_m67.npy",
    "turbulence_wmag.npy",
];

#[test]
fn every_file_compresses_and_verifies() {
    for name in FILES {
        let Some(path) = real_data(name) else { return };
        let (place, path) = (Place::new(), path.display());
        let report = place.json(&format!("compress {path} -o x.blr --rel 1e-3"));
        assert!(report["ratio"].as_f64().unwrap() > 2.0, "{name}: {}", report["ratio"]);
        let verified = place.json(&format!("verify x.blr --against {path}"));
        assert_eq!((&verified["holds"], &verified["compared"]), (&true.into(), &true.into()), "{name}");
        // The file comes back in its own format.
        let out = format!("back.{}", name.rsplit('.').next().unwrap());
        place.ok(&format!("decompress x.blr -o {out}"));
        let shape = |v: &Variable| match v {
            Variable::Field(a) => a.shape.clone(),
            Variable::Table(t) => vec![t.rows(), t.columns.len()],
        };
        let (a, b) = (common::read(&real_data(name).unwrap()).unwrap(), place.load(&out));
        assert_eq!(shape(&a.variables[0].1), shape(&b.variables[0].1));
    }
}

#[test]
fn particles_are_thirteen_times_smaller_than_their_32_bit_columns() {
    let Some(path) = real_data("cms_pfcands.npz") else { return };
    let place = Place::new();
    let report = place.json(&format!("compress {} -o x.blr --std 1e-3", path.display()));
    let values: u64 =
        report["variables"][0]["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).product();
    let ratio = 4.0 * values as f64 / report["stored_bytes"].as_f64().unwrap();
    assert!(ratio >= 13.0, "{ratio}");
}

#[test]
fn balers_own_example_goes_through_its_own_model() {
    let Some(path) = real_data("CFD_animation.npz") else { return };
    let (place, path) = (Place::new(), path.display());
    place.ok(&format!(
        "train {path} -o m.safetensors --model CFD_dense_AE --ratio 100 --epochs 20 --batch-size 10 --quiet"
    ));
    let line = format!("compress {path} -o x.blr --bound-none --codec autoencoder --model m.safetensors");
    let report = place.json(&line);
    let v = &report["variables"][0];
    assert_eq!((&v["codec"], &v["bound"]["kind"]), (&"autoencoder".into(), &"none".into()));
    assert!(v["largest_error"].as_f64().unwrap() > 0.0);
    place.ok("decompress x.blr -o back.npz");
    let Variable::Field(a) = &place.load("back.npz").variables[0].1 else { panic!("a field") };
    assert_eq!(a.shape, [60, 50, 50]);
    assert_eq!(place.json(&format!("verify x.blr --against {path}"))["holds"], true);
}

fn single(data: baler::data::Dataset) -> Vec<f32> {
    match data.variables.into_iter().next().unwrap().1 {
        Variable::Field(a) => match a.values {
            Values::F32(v) => v,
            _ => panic!("f32"),
        },
        Variable::Table(_) => panic!("a field"),
    }
}

#[test]
fn land_comes_back_exactly_and_the_bound_is_of_the_ocean_alone() {
    for name in ["ocean_sst_nan.npy", "ocean_sst_fill1e20.npy"] {
        let Some(path) = real_data(name) else { return };
        let (place, path) = (Place::new(), path.display());
        let report = place.json(&format!("compress {path} -o x.blr --rel 1e-3"));
        place.ok("decompress x.blr -o back.npy");
        let original = single(common::read(&real_data(name).unwrap()).unwrap());
        let back = single(place.load("back.npy"));
        let land = |v: f32| v.is_nan() || v == 1e20;
        let ocean = || original.iter().copied().filter(|&v| !land(v)).map(f64::from);
        let range = ocean().fold(f64::MIN, f64::max) - ocean().fold(f64::MAX, f64::min);
        assert!(range < 100.0, "{range} K");
        let resolved = report["variables"][0]["bound"]["resolved"].as_f64().unwrap();
        assert!((resolved / (1e-3 * range) - 1.0).abs() < 1e-9, "{name}: {resolved} of {range}");
        let mut lands = 0;
        for (&a, &b) in original.iter().zip(&back) {
            if land(a) {
                lands += 1;
                assert_eq!(a.to_bits(), b.to_bits(), "{name}");
            } else {
                assert!((f64::from(a) - f64::from(b)).abs() <= resolved, "{name}: {a} {b}");
            }
        }
        assert!(lands > 1000, "{name}: {lands}");
    }
}
