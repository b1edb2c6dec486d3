//! Input that is wrong, and lines that make no sense: each has its exit code and a message that says what to do,
//! and leaves nothing behind.

mod common;

use std::fs;

use common::run::*;

/// A version 1 .npy with this header's dictionary.
fn npy(dictionary: &str, values: &[u8]) -> Vec<u8> {
    let text = format!("{dictionary}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(values);
    bytes
}

#[test]
fn inputs_that_cannot_be_read() {
    let place = Place::new();
    let fails = |input: &str, code: i32, parts: &[&str]| {
        place.fails(&format!("compress {input} -o out.blr --abs 1"), code, parts);
    };
    fails("none.npy", 3, &["none.npy", "No such file"]);
    place.put("x.hdf", "x");
    fails("x.hdf", 2, &["x.hdf", "'hdf'", ".npy .npz .csv", ".f32"]);
    place.put("x.h5", "x");
    fails("x.h5", 3, &["x.h5", "Python package", "pip install 'baler[hdf5]'"]);
    place.put("x", "x");
    fails("x", 2, &["no extension", ".npy"]);
    for name in ["e.npy", "e.npz", "e.csv", "e.f32", "e.blr"] {
        place.put(name, "");
    }
    for name in ["e.npy", "e.npz", "e.csv", "e.f32"] {
        fails(name, 3, &[name, "empty"]);
    }
    fs::create_dir(place.path("d.npy")).unwrap();
    fails("d.npy", 2, &["d.npy", "folder"]);
    fails("/dev/null", 2, &["/dev/null", "plain files"]);
    let shape = "'fortran_order': False, 'shape': (1,)";
    place.put("object.npy", npy(&format!("{{'descr': '|O', {shape}}}"), b"12345678"));
    fails("object.npy", 3, &["object.npy", "Python objects"]);
    place.put("record.npy", npy(&format!("{{'descr': [('a', '<f4', (2,))], {shape}}}"), b"12345678"));
    fails("record.npy", 3, &["record.npy", "records with arrays", "np.savez"]);
    place.put("complex.npy", npy(&format!("{{'descr': '<c8', {shape}}}"), b"12345678"));
    fails("complex.npy", 3, &["complex.npy", "complex"]);
    place.put("cut.npy", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", b"12345678"));
    fails("cut.npy", 3, &["cut.npy"]);
    place.put("text.npy", "not NumPy's");
    fails("text.npy", 3, &["text.npy"]);
    place.put("text.npz", "not a zip");
    fails("text.npz", 3, &["text.npz"]);
    place.put("ragged.csv", "a,b\n1,2\n3\n");
    fails("ragged.csv", 3, &["ragged.csv", "line 3 has 1 entries where 2"]);
    let rows: String =
        (0..500).map(|i| if i == 250 { "oops\n".into() } else { format!("{i}.5\n") }).collect();
    place.put("words.csv", format!("a\n{rows}"));
    fails("words.csv", 3, &["words.csv", "line 252", "column 'a'", "'oops'"]);
    assert!(!place.path("out.blr").exists());
}

#[test]
fn shapes_that_do_not_fit() {
    let place = Place::new();
    place.put("r.f32", [0; 240]);
    place.save("u.npy", field(&[4]));
    let fails = |flags: &str, code: i32, parts: &[&str]| {
        place.fails(&format!("compress {flags} -o out.blr --abs 1"), code, parts);
    };
    fails("r.f32", 2, &["r.f32", "--shape 60"]);
    fails("r.f32 --shape 7,6", 2, &["168 bytes", "240", "--shape 10,6 would fit"]);
    fails("r.f32 --shape 7,7", 2, &["--shape 60 would fit"]);
    fails("r.f32 --shape 0", 2, &["--shape 60"]);
    fails("r.f32 --shape 99999999999,99999999999", 2, &["more values than can be addressed"]);
    fails("r.f32 --shape a,b", 2, &["invalid value 'a'"]);
    fails("r.f32 --shape -6,10", 2, &["-6"]);
    fails("u.npy --shape 4", 2, &["--shape is for raw files"]);
    place.put("r.f64", [0; 241]);
    fails("r.f64 --shape 30", 3, &["241 bytes", "f64"]);
    place.ok("compress r.f32 --shape 10,6 -o out.blr --abs 1");
}

#[test]
fn one_kind_of_file_where_another_is_expected() {
    let place = Place::new();
    place.save("u.npy", field(&[10, 6]));
    place.ok("compress u.npy -o u.blr --rel 1e-2");
    place.ok("train u.npy -o m.safetensors --latent 2 --epochs 1 --quiet");
    fs::copy(place.path("u.blr"), place.path("disguised.npy")).unwrap();
    for name in ["u.blr", "disguised.npy"] {
        place.fails(
            &format!("compress {name} -o x.blr --rel 1e-2"),
            2,
            &[name, "archive", "baler decompress"],
        );
        place.fails(&format!("train {name} -o x.safetensors"), 2, &[name, "archive", "baler decompress"]);
        place.fails(&format!("verify u.blr --against {name}"), 2, &[name, "archive"]);
    }
    place.put("note.txt", "something else");
    place.put("empty", "");
    for command in ["decompress {} -o x.npy", "info {}", "verify {}"] {
        let fails = |name: &str, code: i32, parts: &[&str]| {
            place.fails(&command.replace("{}", name), code, parts);
        };
        fails("u.npy", 3, &["u.npy", "no Baler archive", "baler compress"]);
        fails("note.txt", 3, &["note.txt", "no Baler archive"]);
        fails("empty", 3, &["empty", "is empty"]);
        fails("none.blr", 3, &["none.blr", "No such file"]);
        fails(".", 2, &["folder"]);
        fails("/dev/null", 2, &["/dev/null", "plain files"]);
    }
    place.fails("decompress m.safetensors -o x.npy", 3, &["m.safetensors", "is a model", "baler info"]);
    place.fails("verify m.safetensors", 3, &["is a model"]);
    place.fails("salvage u.npy -o x.npy", 3, &["u.npy", "no Baler archive"]);
    place.fails("salvage . -o x.npy", 2, &["folder"]);
    place.fails("compress m.safetensors -o x.blr --rel 1", 2, &["m.safetensors", "known are .npy"]);
}

#[test]
fn outputs_in_the_way_are_kept() {
    let place = Place::new();
    place.save("u.npy", field(&[10, 6]));
    place.ok("compress u.npy -o u.blr --rel 1e-2");
    let commands = [
        ("compress u.npy --rel 1e-3 -o", "out.blr"),
        ("decompress u.blr -o", "out.npy"),
        ("salvage u.blr -o", "out.npz"),
        ("train u.npy --latent 2 --epochs 1 -o", "out.safetensors"),
        ("synth flow --size 2,8,8 -o", "out.f32"),
    ];
    for (command, name) in commands {
        place.put(name, "precious");
        place.fails(&format!("{command} {name}"), 2, &[name, "exists", "--force"]);
        assert_eq!(place.bytes(name), b"precious");
        place.ok(&format!("{command} {name} --force"));
        assert_ne!(place.bytes(name), b"precious");
        place.fails(&format!("{command} no/such/{name}"), 2, &["there is no folder no/such"]);
    }
    // What goes in is never what comes out.
    let whole = place.bytes("u.npy");
    place.fails("compress u.npy -o u.npy --rel 1e-2 --force", 2, &["u.npy is input and output"]);
    place.fails("compress u.npy -o ./u.npy --rel 1e-2 --force", 2, &["input and output"]);
    place.fails("compress u.npy -o v.npy --rel 1e-2", 2, &["v.npy", "archive", "v.blr"]);
    place.fails("decompress u.blr -o u.blr --force --format npy", 2, &["input and output"]);
    place.fails("salvage u.blr -o u.blr --force", 2, &["input and output"]);
    assert!(place.bytes("u.npy") == whole);
    place.fails("decompress u.blr -o x.h5", 2, &["x.h5", "'h5'", ".npz"]);
    place.fails("salvage u.blr -o -", 2, &["salvage writes to a file"]);
    place.fails("synth flow --size 2,8,8 -o -", 2, &["standard output"]);
}

#[test]
fn lines_that_make_no_sense() {
    let place = Place::new();
    place.save("u.npy", field(&[4]));
    for line in ["compress", "compress u.npy", "compress u.npy -o", "decompress", "frobnicate", "info"] {
        assert_eq!(place.run(line).code, 2, "{line}");
    }
    assert!(place.run("compres u.npy").err.contains("'compress'"), "a near miss is told");
    assert_eq!(place.run("").code, 2);
    place.fails("compress u.npy -o u.blr --rel 1 --chunk 0", 2, &["--chunk 0"]);
    place.fails("synth flow --size 5 -o f.npy", 2, &["FRAMES,HEIGHT,WIDTH", "60,50,50"]);
    place.fails("synth flow --size 5,2,2 -o f.npy", 2, &["2 x 2", "5 x 5"]);
    place.fails("synth jets --size 5,5 -o f.csv", 2, &["ROWS"]);
    place.fails("synth jets --size 5 -o f.f32", 2, &["table", ".csv"]);
    place.fails("verify u.npy --against u.npy", 3, &["u.npy"]);
    assert_eq!(place.files(), ["u.npy"]);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_unicode_work() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    place.save("u.npy", field(&[4, 5]));
    let odd = |end: &[u8]| OsStr::from_bytes(&[b"\xff\xfe".as_slice(), end].concat()).to_owned();
    fs::rename(place.path("u.npy"), place.path("x").with_file_name(odd(b".npy"))).unwrap();
    for (line, input, output) in [
        ("compress --rel 1e-2 --json -o", ".npy", ".blr"),
        ("decompress --json -o", ".blr", "-back.npy"),
        ("train --latent 1 --epochs 1 --json -o", ".npy", ".safetensors"),
    ] {
        let mut command = place.command(line);
        command.arg(odd(output.as_bytes())).arg(odd(input.as_bytes()));
        let ran = Ran::from(command.output().unwrap());
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
    }
}
