//! What Baler's Python prototype left: its models and latents, whole, odd, and hostile.

mod common;

use std::fs::File;
use std::io::{Cursor, Write};

use baler::data::{Array, DType, Values, Variable};
use baler::error::Result;
use baler_cli::formats::npy;
use baler_cli::import::{pickle, pt};
use common::run::*;
use common::{Random, prototype};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A tensor to be pickled: name, type, shape, stride, offset, values in its storage.
type Tensor<'a> = (&'a str, DType, &'a [u32], &'a [u32], u32, u32);

fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'X');
    out.extend((text.len() as u32).to_le_bytes());
    out.extend(text.as_bytes());
}

fn number(out: &mut Vec<u8>, n: u32) {
    out.push(b'J');
    out.extend(n.to_le_bytes());
}

/// Bytes of a pickle before its first tensor, and behind its last.
const HEAD: usize = 34;
const TAIL: usize = 21;

/// The pickle of a state dict, as torch.save writes it but for the memo.
fn pickled(tensors: &[Tensor]) -> Vec<u8> {
    let mut out = b"\x80\x02ccollections\nOrderedDict\nq\x00)Rq\x01(".to_vec();
    for (key, &(name, dtype, shape, stride, offset, stored)) in tensors.iter().enumerate() {
        text(&mut out, name);
        out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut out, "storage");
        out.extend(if dtype == DType::F32 {
            &b"ctorch\nFloatStorage\n"[..]
        } else {
            b"ctorch\nDoubleStorage\n"
        });
        text(&mut out, &key.to_string());
        text(&mut out, "cpu");
        number(&mut out, stored);
        out.extend(b"tQ");
        number(&mut out, offset);
        for lengths in [shape, stride] {
            out.push(b'(');
            lengths.iter().for_each(|&n| number(&mut out, n));
            out.push(b't');
        }
        out.extend(b"\x89h\x00)RtR");
    }
    out.extend(b"u}X\x09\x00\x00\x00_metadatah\x01sb.");
    out
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in members {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn model_file(tensors: &[(&str, &[u32], Vec<f64>)]) -> Vec<u8> {
    let strides: Vec<Vec<u32>> = tensors
        .iter()
        .map(|(_, shape, _)| if shape.len() == 2 { vec![shape[1], 1] } else { vec![1] })
        .collect();
    let views: Vec<Tensor> = tensors
        .iter()
        .zip(&strides)
        .map(|((name, shape, values), stride)| {
            (*name, DType::F64, *shape, &stride[..], 0, values.len() as u32)
        })
        .collect();
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|(_, _, v)| v.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
    let names: Vec<String> = (0..tensors.len()).map(|i| format!("m/data/{i}")).collect();
    let pickle = pickled(&views);
    let mut members: Vec<(&str, &[u8])> = vec![("m/data.pkl", &pickle), ("m/byteorder", b"little")];
    members.extend(names.iter().map(String::as_str).zip(bytes.iter().map(Vec::as_slice)));
    zipped(&members)
}

/// Tensors by name, with their shapes.
type Named = Vec<(&'static str, &'static [u32], Vec<f64>)>;

/// A dense autoencoder 3 to 2: weights of every layer.
fn small() -> Named {
    let mut random = Random(5);
    let mut values =
        |n: usize| (0..n).map(|_| random.next() as f64 / u64::MAX as f64 - 0.5).collect::<Vec<f64>>();
    vec![
        ("en1.weight", &[4, 3], values(12)),
        ("en1.bias", &[4], values(4)),
        ("en2.weight", &[5, 4], values(20)),
        ("en2.bias", &[5], values(5)),
        ("en3.weight", &[2, 5], values(10)),
        ("en3.bias", &[2], values(2)),
        ("de1.weight", &[5, 2], values(10)),
        ("de1.bias", &[5], values(5)),
        ("de2.weight", &[4, 5], values(20)),
        ("de2.bias", &[4], values(4)),
        ("de3.weight", &[3, 4], values(12)),
        ("de3.bias", &[3], values(3)),
    ]
}

/// A compressed.npz of the prototype's.
fn put_latents(place: &Place, name: &str, latents: &[f64], width: usize, names: &[&str], ranges: &[f64]) {
    let mut zip = ZipWriter::new(File::create(place.path(name)).unwrap());
    let array = |values: &[f64], shape: Vec<usize>| Array::new(shape, Values::F64(values.into())).unwrap();
    zip.start_file("data.npy", SimpleFileOptions::default()).unwrap();
    npy::write(&mut zip, &array(latents, vec![latents.len() / width, width])).unwrap();
    zip.start_file("names.npy", SimpleFileOptions::default()).unwrap();
    npy::write_text(&mut zip, names).unwrap();
    zip.start_file("normalization_features.npy", SimpleFileOptions::default()).unwrap();
    let shape = if ranges.is_empty() { vec![0] } else { vec![2, ranges.len() / 2] };
    npy::write(&mut zip, &array(ranges, shape)).unwrap();
    zip.finish().unwrap();
}

/// The decoder of `small` by the book, ReLU between its layers.
fn decode(model: &[(&str, &[u32], Vec<f64>)], latents: &[f64]) -> Vec<f64> {
    let mut x = latents.to_vec();
    for layer in 1..=3 {
        let find = |part: &str| &model.iter().find(|t| t.0 == format!("de{layer}.{part}")).unwrap().2;
        let row = |(w, b): (&[f64], &f64)| {
            let y = w.iter().zip(&x).map(|(w, x)| w * x).sum::<f64>() + b;
            if layer < 3 { y.max(0.0) } else { y }
        };
        x = find("weight").chunks(x.len()).zip(find("bias")).map(row).collect();
    }
    x
}

const RANGES: [f64; 6] = [-1.0, 0.0, 10.0, 2.0, 1.0, 100.0];

fn with_small() -> (Place, Vec<f64>) {
    let place = Place::new();
    place.put("model.pt", model_file(&small()));
    let latents: Vec<f64> = (0..400).map(|i| ((i * 37) % 101) as f64 / 50.0 - 1.0).collect();
    put_latents(&place, "compressed.npz", &latents, 2, &["a", "b", "c"], &RANGES);
    let rows = latents.chunks(2).flat_map(|z| decode(&small(), z)).collect::<Vec<f64>>();
    let rows =
        rows.chunks(3).flat_map(|r| (0..3).map(|c| r[c] * RANGES[3 + c] + RANGES[c]).collect::<Vec<_>>());
    let expected = rows.collect();
    (place, expected)
}

fn rows(place: &Place, name: &str) -> Vec<f64> {
    match &place.load(name).variables[0].1 {
        Variable::Field(a) => a.values.to_f64().unwrap(),
        Variable::Table(t) => {
            let columns: Vec<_> = t.columns.iter().map(|c| c.values.to_f64().unwrap()).collect();
            (0..t.rows()).flat_map(|r| columns.iter().map(move |c| c[r])).collect()
        }
    }
}

#[test]
fn a_model_decodes_as_by_the_book_and_then_is_one_of_ours() {
    let (place, expected) = with_small();
    let said = place.ok("decompress compressed.npz --model model.pt -o a.npz");
    assert!(said.contains("frozen to integers it differs"), "{said}");
    assert!(apart(&rows(&place, "a.npz"), &expected) < 1e-12);
    let Variable::Table(t) = &place.load("a.npz").variables[0].1 else { panic!("a table") };
    assert_eq!(t.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);

    let report = place.json("import model.pt -o m.safetensors --calibrate compressed.npz");
    assert_eq!((&report["architecture"], &report["features"]), (&"FPGA_prototype_model".into(), &3.into()));
    assert!(report["frozen_largest_difference"].as_f64().unwrap() < 0.01);
    place.ok("decompress compressed.npz --model m.safetensors -o b.npz");
    assert!(apart(&rows(&place, "b.npz"), &expected) < 1e-5, "weights of single precision");
    assert!(place.ok("info m.safetensors").contains("imported from model.pt"));
    // And it compresses.
    place.ok("compress a.npz -o a.blr --bound-none --codec autoencoder --model m.safetensors");
    place.ok("decompress a.blr -o c.npz");
    assert_eq!(rows(&place, "c.npz").len(), expected.len());
    place.fails("compress a.npz -o x.blr --rel 1e-3 --model model.pt", 2, &["model.pt", "baler import"]);
}

#[test]
fn calibration_is_on_data_or_latents_or_what_is_known_of_their_range() {
    let (place, _) = with_small();
    place.ok("decompress compressed.npz --model model.pt -o data.npz");
    let ranges = Array::new(vec![2, 3], Values::F64(RANGES.into())).unwrap();
    place.save("n.npy", Variable::Field(ranges));
    let import = |flags: &str| place.json(&format!("import model.pt -o m.safetensors -f {flags}"));
    let told = import("--normalization n.npy --calibrate data.npz");
    assert_eq!(told["names"], serde_json::json!(["a", "b", "c"]));
    assert!(told["frozen_rms_difference"].as_f64().unwrap() < 1e-3);
    let told = import("--normalization n.npy --model AE");
    assert_eq!(
        (&told["architecture"], &told["frozen_rms_difference"]),
        (&"AE".into(), &serde_json::Value::Null)
    );
    place.fails("import model.pt -o x.safetensors", 2, &["--calibrate"]);
    place.fails("import model.pt -o m.safetensors --calibrate data.npz", 2, &["exists", "--force"]);
    place.fails("import data.npz -o x.safetensors", 3, &["data.npz", "data.pkl"]);
    place.fails("import n.npy -o x.safetensors", 3, &["n.npy", "no zip"]);
    place.fails("import model.pt -o x.safetensors --model GPT --calibrate data.npz", 2, &["'GPT'"]);
}

#[test]
fn what_does_not_fit_is_told() {
    let (place, _) = with_small();
    place.fails("decompress compressed.npz -o x.npz", 2, &["--model", "model.pt"]);
    place.fails("decompress compressed.npz --model model.pt -o x.npz --select 0:1", 2, &["--select"]);
    place.fails(
        "decompress compressed.npz --model model.pt -o x.npz --frame 2,2",
        2,
        &["[2, 2]", "3 values"],
    );
    place.ok("decompress compressed.npz --model model.pt -o frames.npz --frame 3,1");
    let Variable::Field(a) = &place.load("frames.npz").variables[0].1 else { panic!("a field") };
    assert_eq!(a.shape, [200, 3, 1]);
    put_latents(&place, "wide.npz", &[0.5; 9], 3, &[], &[]);
    place.fails("decompress wide.npz --model model.pt -o x.npz", 2, &["wide.npz", "3 latents"]);
    put_latents(&place, "other.npz", &[0.5; 4], 2, &[], &[0.0, 0.0, 1.0, 1.0]);
    place.fails("decompress other.npz --model model.pt -o x.npz", 2, &["other.npz", "2 columns"]);
    let odd = |change: fn(&mut Named), parts: &[&str]| {
        let mut tensors = small();
        change(&mut tensors);
        place.put("odd.pt", model_file(&tensors));
        let ran = place.run("import odd.pt -o x.safetensors --calibrate compressed.npz");
        assert!(ran.code >= 2 && parts.iter().all(|p| ran.err.contains(p)), "{parts:?}: {}", ran.err);
    };
    odd(|t| t.push(("p_x_lin.0.bias", &[1], vec![0.5])), &["p_x_lin.0.bias", "no dense"]);
    odd(|t| drop(t.remove(1)), &["layer en1", "no bias"]);
    odd(|t| drop(t.drain(4..6)), &["2 layers", "3 back", "--model"]);
    odd(|t| t[2].1 = &[4, 5], &["layer en2", "4 x 5", "5 biases"]);
    odd(|t| t[3].2[0] = f64::NAN, &["not finite"]);
    odd(|t| t.clear(), &["no encoder"]);
}

/// Baler's own files, where they are at hand.
#[test]
fn the_prototypes_sets_decode_as_it_decoded_them() {
    for set in ["pfcands", "pfcands_fpga", "cfd_animation"] {
        let Some(folder) = prototype(set) else { return };
        let (place, folder) = (Place::new(), folder.display());
        let report = place
            .json(&format!("import {folder}/model.pt -o m.safetensors --calibrate {folder}/compressed.npz"));
        let frozen = report["frozen_largest_difference"].as_f64().unwrap();
        eprintln!("{set}: frozen to integers {frozen:e} of a column's range off at most");
        assert!(frozen < 5e-3, "{set}: {frozen}");
        for model in [format!("{folder}/model.pt"), "m.safetensors".into()] {
            let frame = if set == "cfd_animation" { "--frame 50,50" } else { "" };
            place.ok(&format!("decompress {folder}/compressed.npz --model {model} -o out.npz -f {frame}"));
            std::fs::copy(format!("{folder}/decompressed.npz"), place.path("theirs.npz")).unwrap();
            let (ours, theirs) = (place.load("out.npz"), place.load("theirs.npz"));
            let columns = |v: &Variable| -> Vec<Vec<f64>> {
                match v {
                    Variable::Field(a) => vec![a.values.to_f64().unwrap()],
                    Variable::Table(t) => t.columns.iter().map(|c| c.values.to_f64().unwrap()).collect(),
                }
            };
            if let (Variable::Field(a), Variable::Field(b)) = (&ours.variables[0].1, &theirs.variables[0].1) {
                assert_eq!((&a.shape, a.values.dtype()), (&b.shape, b.values.dtype()));
            }
            let mut worst = 0.0f64;
            for (a, b) in columns(&ours.variables[0].1).iter().zip(columns(&theirs.variables[0].1)) {
                let range =
                    b.iter().fold(f64::MIN, |m, &x| m.max(x)) - b.iter().fold(f64::MAX, |m, &x| m.min(x));
                worst = worst.max(apart(a, &b) / range);
            }
            eprintln!("{set} by {model}: {worst:e} of a column's range off at most");
            assert!(worst <= 1e-6, "{set}: {worst}");
        }
    }
}

fn read(bytes: &[u8]) -> Result<Vec<(String, Array)>> {
    pt::read(Cursor::new(bytes), bytes.len() as u64)
}

#[test]
fn views_are_read_as_what_they_show() {
    let values: Vec<u8> = (0..12).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    let file = |view: Tensor| zipped(&[("a/data.pkl", &pickled(&[view])), ("a/data/0", &values)]);
    let of = |view| read(&file(view)).map(|t| t[0].1.values.to_f64().unwrap());
    assert_eq!(of(("w", DType::F64, &[2, 3], &[3, 1], 6, 12)).unwrap(), [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    assert_eq!(of(("w", DType::F64, &[3, 2], &[1, 3], 0, 12)).unwrap(), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    assert_eq!(of(("w", DType::F64, &[], &[], 7, 12)).unwrap(), [7.0]);
    assert_eq!(of(("w", DType::F64, &[0, 5], &[5, 1], 12, 12)).unwrap(), [0.0; 0]);
    for view in [
        ("w", DType::F64, &[2, 3][..], &[3, 1][..], 7, 12),
        ("w", DType::F64, &[1 << 20, 1 << 20], &[0, 0], 0, 12),
        ("w", DType::F64, &[2, 2], &[u32::MAX >> 1, u32::MAX >> 1], 0, 12),
        ("w", DType::F64, &[13], &[0], 0, 12),
        ("w", DType::F64, &[2], &[1], 0, 13),
        ("w", DType::F32, &[2], &[1], 0, 12),
    ] {
        assert!(of(view).is_err(), "{view:?}");
    }
}

#[test]
fn nothing_is_executed_and_what_asks_for_it_is_named() {
    for (pickle, parts) in [
        (
            &b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R."[..],
            &["'os.system'", "byte 2", "nothing was executed"][..],
        ),
        (b"\x80\x02cbuiltins\neval\n.", &["'builtins.eval'", "state_dict()"]),
        (b"\x80\x02ctorch.nn.modules.linear\nLinear\n)\x81.", &["Linear"]),
        (b"\x80\x02)\x81.", &["NEWOBJ", "byte 3"]),
        (b"\x80\x02)i.", &["INST"]),
        (b"\x80\x02\xff.", &["0xff"]),
        (b"\x80\x63.", &["protocol 99"]),
        (b"\x80\x02ctorch\nHalfStorage\n.", &["HalfStorage"]),
        (b"\x80\x02K\x01.", &["an integer", "state dict"]),
        (b"\x80\x02}K\x01K\x02s.", &["an integer for a name"]),
        (b"\x80\x02}X\x01\x00\x00\x00aK\x02s.", &["'a' is an integer"]),
        (b"\x80\x02R.", &["empty stack"]),
        (b"\x80\x02N(R.", &["empty stack"]),
        (b"\x80\x02t.", &["no mark"]),
        (b"\x80\x02h\x05.", &["recalls 5"]),
        (b"\x80\x02ccollections\nOrderedDict\nN\x85R.", &["no state dict holds"]),
        (b"\x80\x02\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff.", &["64 bits"]),
        (b"\x80\x02X\xff\xff\xff\xffabc", &["ends within", "byte 2"]),
    ] {
        let error = pickle::state_dict(pickle).unwrap_err().to_string();
        assert!(parts.iter().all(|p| error.contains(p)), "{parts:?}: {error}");
    }
}

#[test]
fn small_pickles_make_nothing_large() {
    // A million tuples in each other, which naive recursion would not survive, and names and shapes said again and again.
    let nested = [&b"\x80\x02)"[..], &[0x85; 1_000_000], b"."].concat();
    assert!(pickle::state_dict(&nested).is_err());
    let mut again = pickled(&[("w", DType::F64, &[2], &[1], 0, 2)]);
    again.truncate(again.len() - TAIL);
    let long = [&again[..], &b"h\x00h\x00".repeat(200_000), b"u."].concat();
    assert!(pickle::state_dict(&long).is_err());
    let mut text = b"\x80\x02}X".to_vec();
    text.extend(100_000u32.to_le_bytes());
    text.extend([b'a'; 100_000]);
    assert!(pickle::state_dict(&text).unwrap_err().to_string().contains("too long"));
    assert!(pickle::state_dict(&vec![b'N'; 2 << 20]).is_err());
    // A thousand tensors of one storage are not a thousand times the file.
    let shared: Vec<u8> = {
        let one = pickled(&[("w", DType::F64, &[1000], &[1], 0, 1000)]);
        let (head, tensor) = one[..one.len() - TAIL].split_at(HEAD);
        let mut out = head.to_vec();
        (0..1000).for_each(|_| out.extend(tensor));
        out.extend(b"u.");
        out
    };
    let file = zipped(&[("a/data.pkl", &shared), ("a/data/0", &[0; 8000])]);
    assert!(read(&file).unwrap_err().to_string().contains("many times larger"));
}

#[test]
fn damage_never_panics() {
    let pickle =
        pickled(&[("en1.weight", DType::F64, &[2, 3], &[3, 1], 0, 6), ("b", DType::F32, &[2], &[1], 1, 9)]);
    let whole = pickle::state_dict(&pickle).unwrap();
    assert_eq!(whole.len(), 2);
    for end in 0..pickle.len() {
        assert!(pickle::state_dict(&pickle[..end]).is_err(), "cut at {end}");
    }
    let mut damaged = pickle.clone();
    for bit in 0..pickle.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        let _ = pickle::state_dict(&damaged);
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    // Every byte as every other opcode.
    for at in 0..pickle.len() {
        for byte in 0..=255 {
            damaged[at] = byte;
            let _ = pickle::state_dict(&damaged);
        }
        damaged[at] = pickle[at];
    }
    let file = model_file(&small());
    assert!(read(&file).is_ok());
    for end in 0..file.len() {
        assert!(read(&file[..end]).is_err(), "cut at {end}");
    }
    let mut damaged = file.clone();
    for bit in 0..file.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        let _ = read(&damaged);
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
}
