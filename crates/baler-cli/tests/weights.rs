//! Weights of models that were trained elsewhere: safetensors and state dicts of one's own architectures.

mod common;

use std::collections::BTreeMap;

use baler::data::Variable;
use baler::synth::flow::flow;
use common::run::*;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors, serialize};

/// Type, shape and bytes of tensors by name.
type Saved = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

const OWN: &str = r#"
encoder = [{ kind = "conv", channels = 3, kernel = [3, 3], stride = [2, 2], padding = [1, 1] }, { kind = "batch_norm" },
  { kind = "relu" }, { kind = "flatten" }, { kind = "dense", outputs = "latents" }]
decoder = [{ kind = "dense", outputs = 12 }, { kind = "leaky_relu", slope = 0.1 }, { kind = "dense", outputs = "features" },
  { kind = "reshape", shape = [1, 8, 10] }]
"#;

/// The floats of a model file, as another program would save them; changed by `change`.
fn weights(model: &[u8], change: impl FnOnce(&mut Saved)) -> Vec<u8> {
    let file = SafeTensors::deserialize(model).unwrap();
    let own = file
        .tensors()
        .into_iter()
        .filter(|(name, _)| name.starts_with("encoder.") || name.starts_with("decoder."));
    let mut tensors: Saved =
        own.map(|(name, t)| (name, (t.dtype(), t.shape().to_vec(), t.data().to_vec()))).collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(n, (d, s, b))| (n, TensorView::new(*d, s.clone(), b).unwrap()));
    serialize(views, None).unwrap()
}

fn place() -> Place {
    let place = Place::new();
    place.save("frames.npy", Variable::Field(flow(40, 8, 10, 1)));
    place.put("own.toml", OWN);
    place.ok("train frames.npy -o m.safetensors --model own.toml --latent 4 --epochs 2 --normalisation none --quiet");
    place
}

#[test]
fn weights_from_elsewhere_are_the_model_they_were() {
    let place = place();
    let model = place.bytes("m.safetensors");
    place.put("w.safetensors", weights(&model, |_| {}));
    let told = place.json("import w.safetensors -o i.safetensors --model own.toml --calibrate frames.npy");
    assert_eq!((&told["features"], &told["latents"]), (&80.into(), &4.into()));
    assert!(weights(&place.bytes("i.safetensors"), |_| {}) == weights(&model, |_| {}));
    assert!(place.ok("info i.safetensors").contains("imported from w.safetensors"));
    for model in ["m", "i"] {
        place.ok(&format!(
            "compress frames.npy -o {model}.blr --bound-none --codec autoencoder --model {model}.safetensors"
        ));
        place.ok(&format!("decompress {model}.blr -o {model}.npy"));
    }
    assert!(apart(&place.field("m.npy"), &place.field("i.npy")) < 1e-2);
    // Counts of batches, which PyTorch keeps, are none of a network's.
    let counted = weights(&model, |t| {
        t.insert("encoder.1.num_batches_tracked".into(), (Dtype::I64, vec![], 7i64.to_le_bytes().to_vec()));
    });
    place.put("w.safetensors", counted);
    place.ok("import w.safetensors -o i.safetensors -f --model own.toml --calibrate frames.npy");
}

#[test]
fn what_does_not_fit_is_named() {
    let place = place();
    let model = place.bytes("m.safetensors");
    let import = "import w.safetensors -o x.safetensors --calibrate frames.npy";
    place.fails("import m.safetensors -o x.safetensors --model own.toml", 2, &["m.safetensors", "already"]);
    place.put("w.safetensors", &model[..100]);
    place.fails(&format!("{import} --model own.toml"), 3, &["w.safetensors", "damaged"]);
    place.put("w.safetensors", weights(&model, |_| {}));
    place.fails(import, 2, &["--model"]);
    place.fails("import w.safetensors -o x.safetensors --model own.toml", 2, &["--calibrate"]);
    place.fails(
        &format!("{import} --model AE"),
        2,
        &["'encoder.0.weight'", "[3, 1, 3, 3]", "[200, 80]", "dense"],
    );
    let fails = |change: fn(&mut Saved), parts: &[&str]| {
        place.put("w.safetensors", weights(&model, change));
        place.fails(&format!("{import} --model own.toml"), 2, parts);
    };
    fails(|t| drop(t.remove("decoder.2.bias")), &["no tensor 'decoder.2.bias'", "[80]"]);
    fails(
        |t| drop(t.insert("decoder.3.bias".into(), (Dtype::F32, vec![1], vec![0; 4]))),
        &["1 of its 13 tensors"],
    );
    fails(
        |t| t.get_mut("decoder.2.bias").unwrap().2[..4].copy_from_slice(&[255; 4]),
        &["decoder.2.bias", "finite"],
    );
    let other = weights(&model, |t| t.get_mut("encoder.0.bias").unwrap().0 = Dtype::I32);
    place.put("w.safetensors", other);
    place.fails(&format!("{import} --model own.toml"), 3, &["encoder.0.bias", "I32"]);
    assert!(!place.files().contains(&"x.safetensors".to_string()));
}
