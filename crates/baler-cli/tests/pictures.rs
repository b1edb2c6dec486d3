//! `baler plot` and `baler diagnose`: what is drawn, into which files, and what cannot be.

mod common;

use baler::data::{Array, Values, Variable};
use common::run::*;

fn svg(place: &Place, name: &str) -> String {
    String::from_utf8(place.bytes(name)).unwrap()
}

#[track_caller]
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "'{part}' is not in {} letters of SVG", text.len());
    }
}

fn pages_of(pdf: &[u8]) -> usize {
    pdf.windows(12).filter(|w| *w == b"/Type /Page\n").count()
}

/// Width, height and the number of frames of a PNG.
fn png(bytes: &[u8]) -> (u32, u32, u32) {
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let at = |k: usize| u32::from_be_bytes(bytes[k..k + 4].try_into().unwrap());
    let frames = bytes.windows(4).position(|w| w == b"acTL").map_or(1, |k| at(k + 4));
    (at(16), at(20), frames)
}

#[test]
fn a_table() {
    let place = Place::new();
    place.save("t.csv", events(3000));
    place.ok("compress t.csv -o t.blr --std 1e-3");
    let report = place.json("plot t.csv t.blr -o t.pdf");
    assert_eq!(report["pages"], 5); // the boxes, and every column but the text
    assert_eq!(report["files"][0]["bytes"], place.bytes("t.pdf").len());
    assert_eq!(pages_of(&place.bytes("t.pdf")), 5);
    place.ok("plot t.csv t.blr -o t.svg");
    let sheet = svg(&place, "t.svg");
    has(
        &sheet,
        &[">t: residuals<", ">pt<", ">tag<", "text, exact", "times smaller, bound std:1e-3", "× bound"],
    );
    has(&sheet, &[">residual / bound<", ">Response<", ">Residual<", ">after − before<", "came back exactly"]);
    assert!(!sheet.contains("BROKEN"));
    place.ok("plot t.csv t.blr -o pt.svg --columns pt");
    assert!(!svg(&place, "pt.svg").contains(">energy<"));
    let said = place.ok("plot t.csv t.blr -o t.png --pages");
    assert!(said.contains("t-1.png to t-5.png: 5 pages"), "{said}");
    let (width, height, _) = png(&place.bytes("t-2.png"));
    assert_eq!((width, height), (1920, 1240));
    // Another format than the extension's, and standard output.
    let out = place.run("plot t.csv t.blr -o - --format svg --columns pt");
    assert_eq!(out.text(), svg(&place, "pt.svg"));
    // Decoded data have no bound that is known.
    place.ok("decompress t.blr -o back.csv");
    place.ok("plot t.csv back.csv -o back.svg");
    has(&svg(&place, "back.svg"), &[">residual in % of the column", "no bound known"]);
}

#[test]
fn a_field() {
    let place = Place::new();
    place.save("u.npy", field(&[6, 20, 30]));
    place.ok("compress u.npy -o u.blr --rel 1e-2");
    assert_eq!(place.json("plot u.npy u.blr -o u.pdf")["pages"], 2);
    place.ok("plot u.npy u.blr -o u.svg --frame 4 --unit m/s");
    has(&svg(&place, "u.svg"), &[">u, frame 4 of 6<", ">before<", ">after<", ">m/s", "× bound<"]);
    place.ok("plot u.npy u.blr -o slice.svg --axes 0,2 --frame 7:9");
    has(&svg(&place, "slice.svg"), &[">u, frame 7 of 20<", ">u, frame 8 of 20<"]);
    assert_eq!(place.json("plot u.npy u.blr -o all.pdf --frame :")["pages"], 6);
    for (file, frames) in [("u.apng", 6), ("some.apng", 2)] {
        let which = if frames == 2 { "--frame 1:3" } else { "" };
        assert_eq!(place.json(&format!("plot u.npy u.blr -o {file} --fps 20 {which}"))["frames"], frames);
        assert_eq!(png(&place.bytes(file)).2, frames);
    }
    place.ok("plot u.npy u.blr -o u.gif");
    assert!(place.bytes("u.gif").starts_with(b"GIF89a"));
    place.save("line.npy", field(&[50]));
    place.ok("compress line.npy -o line.blr --abs 0.1");
    assert_eq!(place.json("plot line.npy line.blr -o line.png")["pages"], 1);
}

/// Of several variables each is drawn, and one can be chosen.
#[test]
fn several_variables() {
    let place = Place::new();
    place.save_all("uv.npz", &[("u", field(&[4, 5])), ("v", field(&[3, 4, 5]))]);
    place.ok("compress uv.npz -o uv.blr --abs 0.01");
    assert_eq!(place.json("plot uv.npz uv.blr -o uv.pdf")["pages"], 4);
    assert_eq!(place.json("plot uv.npz uv.blr -o v.pdf --variable v")["pages"], 2);
    place.ok("plot uv.npz uv.blr -o v.gif --variable v");
    place.fails("plot uv.npz uv.blr -o uv.gif", 2, &["--variable"]);
}

#[test]
fn degenerate_data() {
    let place = Place::new();
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    for (name, shape, values) in [
        ("nan", vec![2, 3], vec![nan; 6]),
        ("constant", vec![2, 3, 1], vec![7.0; 6]),
        ("infinite", vec![1, 4], vec![inf, -inf, 0.0, 1e38]),
        ("empty", vec![0, 4], vec![]),
        ("one", vec![1], vec![0.5]),
    ] {
        let array = Array::new(shape, Values::F32(values)).unwrap();
        place.save(&format!("{name}.npy"), Variable::Field(array));
        place.ok(&format!("compress {name}.npy -o {name}.blr --abs 0.1"));
        for format in ["svg", "png", "pdf"] {
            place.ok(&format!("plot {name}.npy {name}.blr -o {name}.{format}"));
        }
    }
}

#[test]
fn a_training_and_its_activations() {
    let place = Place::new();
    place.save("t.npz", number_table(500));
    place.ok("train t.npz -o m.safetensors --epochs 3");
    place.ok("plot m.safetensors -o loss.svg");
    has(
        &svg(&place, "loss.svg"),
        &[">m.safetensors<", "AE; 3 epochs", ">training<", ">validation<", "best: epoch"],
    );
    place.ok("diagnose m.safetensors t.npz -o d.svg");
    has(
        &svg(&place, "d.svg"),
        &["mean activations", ">en1<", ">de3<", "means over 500 rows", ">node<", ">layer<"],
    );
    place.fails("diagnose m.safetensors -o d.pdf", 2, &["diagnose m.safetensors DATA"]);
    place.save("other.npy", field(&[5, 7]));
    place.fails("diagnose m.safetensors other.npy -o d.pdf", 2, &["7 features", "trained on 3"]);
    // As the Python prototype keeps them.
    let array = |shape, values| Variable::Field(Array::new(shape, Values::F64(values)).unwrap());
    let nan = f64::NAN;
    place.save("activations.npy", array(vec![2, 3], vec![0.5, -1.0, 2.0, 0.25, nan, nan]));
    place.ok("diagnose activations.npy -o a.svg");
    has(&svg(&place, "a.svg"), &[">en1<", ">de1<", "−1 to 2"]);
    place.save("loss_data.npy", array(vec![2, 3], vec![3.0, 2.0, 1.0, 4.0, 2.5, 2.75]));
    place.ok("plot loss_data.npy -o old.svg");
    has(&svg(&place, "old.svg"), &["best: epoch 2, 2.5", "3 epochs"]);
}

#[test]
fn what_cannot_be_drawn() {
    let place = Place::new();
    place.save("u.npy", field(&[6, 20, 30]));
    place.ok("compress u.npy -o u.blr --rel 1e-2");
    place.save("t.csv", events(50));
    place.ok("compress t.csv -o t.blr --std 1e-3");
    let table = "plot t.csv t.blr";
    let field = "plot u.npy u.blr";
    for (line, parts) in [
        ("plot u.npy -o u.pdf".to_string(), &["u.npy", "ARCHIVE.blr"][..]),
        (format!("{field} -o u.jpg"), &["'jpg'", "svg, png, pdf, apng, gif"]),
        (format!("{field} -o u"), &["''"]),
        (format!("{table} -o t.gif"), &["one field"]),
        (format!("{field} -o u.gif --pages"), &["--pages"]),
        (format!("{field} -o u.gif --fps 0"), &["0.1 to 50"]),
        (format!("{field} -o u.png --frame 6"), &["--frame 6", "below 6"]),
        (format!("{field} -o u.png --frame 3:2"), &["3:2"]),
        (format!("{field} -o u.png --frame x"), &["--frame x"]),
        (format!("{field} -o u.png --frame 1,2"), &["[6, 20, 30]"]),
        (format!("{field} -o u.png --axes 1,1"), &["--axes"]),
        (format!("{field} -o u.png --axes 1,3"), &["--axes"]),
        (format!("{field} -o u.png --columns a"), &["--columns"]),
        (format!("{table} -o t.png --frame 1"), &["--frame"]),
        (format!("{table} -o t.png --columns nix"), &["'nix'", "pt, energy"]),
        ("plot t.csv u.blr -o t.png".to_string(), &["table"]),
        (format!("{field} -o u.npy --format png --force"), &["input and output"]),
        (format!("{field} -o nowhere/u.png"), &["no folder"]),
    ] {
        place.fails(&line, 2, parts);
    }
    place.ok(&format!("{field} -o u.png"));
    place.fails(&format!("{field} -o u.png"), 2, &["--force"]);
    place.fails("plot t.csv u.npy -o t.png", 2, &["table"]);
    assert!(place.files().iter().all(|f| !f.contains("part")));
}
