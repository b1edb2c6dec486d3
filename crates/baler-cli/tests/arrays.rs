//! `.npy`, `.npz` and raw files: inverse pairs over random shapes and types, and inputs that are wrong.

mod common;

use std::fs;
use std::io::Write;

use baler::data::{DType, Dataset, Values, Variable};
use baler::error::ErrorKind;
use baler_cli::formats::{InputVariable, ReadOptions, WriteOptions, create, npy, open};
use common::*;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

#[test]
fn npy_npz_and_raw_give_back_every_bit() {
    let folder = scratch();
    let mut random = Random(1);
    for case in 0..20 {
        for dtype in FIELD_TYPES {
            let array = random.array(dtype);
            let shape = array.shape.clone();
            let name = format!("x{case}{dtype}");
            let data = one(&name, Variable::Field(array));
            for extension in ["npy", "npz", dtype.name()] {
                let path = folder.path().join(&name).with_extension(extension);
                write(&path, &data).unwrap();
                let back = if extension == dtype.name() { read_shaped(&path, &shape) } else { read(&path) };
                assert_same_bits(&back.unwrap(), &data);
            }
        }
    }
}

#[test]
fn a_streamed_field_is_the_same_file_as_one_written_whole() {
    let folder = scratch();
    let mut random = Random(2);
    for extension in ["npy", "npz", "f32"] {
        for name in ["data", "u"] {
            let values = random.values(DType::F32, 6 * 50);
            let whole = folder.path().join(format!("{name}_whole.{extension}"));
            let streamed = folder.path().join(format!("{name}_streamed.{extension}"));
            let array = baler::data::Array::new(vec![6, 50], values.clone()).unwrap();
            write(&whole, &one(name, Variable::Field(array))).unwrap();
            let destination = create(&streamed, &WriteOptions::default()).unwrap();
            let mut sink = destination.field(name, DType::F32, &[6, 50]).unwrap();
            for range in [0..1, 1..200, 200..200, 200..300] {
                sink.write(&values.slice(range)).unwrap();
            }
            assert!(!streamed.exists());
            sink.finish().unwrap();
            assert_eq!(fs::read(&whole).unwrap(), fs::read(&streamed).unwrap());
        }
    }
}

#[test]
fn a_sink_takes_what_was_announced_and_leaves_nothing_otherwise() {
    let folder = scratch();
    let path = folder.path().join("x.npy");
    let sink = || create(&path, &WriteOptions::default()).unwrap().field("x", DType::U8, &[3]).unwrap();
    fails_with(sink().write(&Values::I8(vec![1])), &["i8", "u8"]);
    fails_with(sink().write(&Values::U8(vec![1; 4])), &["4 values where 3"]);
    fails_with(sink().finish(), &["3 values early"]);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn fields_are_read_in_pieces() {
    let folder = scratch();
    let values = Random(3).values(DType::I16, 60);
    let array = baler::data::Array::new(vec![3, 4, 5], values.clone()).unwrap();
    for name in ["a.npy", "a.npz", "a.i16"] {
        let path = folder.path().join(name);
        write(&path, &one("a", Variable::Field(array.clone()))).unwrap();
        let shape = name.ends_with("i16").then(|| vec![3, 4, 5]);
        let mut input = open(&path, &ReadOptions { shape, ..Default::default() }).unwrap();
        let InputVariable::Field { name, mut source } = input.variables.remove(0) else { panic!() };
        assert_eq!((name.as_str(), source.shape(), source.dtype()), ("a", &[3, 4, 5][..], DType::I16));
        for (start, len) in [(50, 10), (0, 1), (7, 30), (60, 0)] {
            assert_eq!(source.read(start, len).unwrap(), values.slice(start..start + len));
        }
        assert!(source.read(60, 1).is_err());
        assert!(source.read(1, usize::MAX).is_err());
    }
}

/// A `.npy` of version 1 with this header, unpadded, and these values.
fn npy_bytes(header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

fn only_field(data: Dataset) -> baler::data::Array {
    match data.variables.into_iter().next() {
        Some((_, Variable::Field(array))) => array,
        _ => panic!("no field"),
    }
}

#[test]
fn npy_in_the_other_byte_order() {
    for dtype in FIELD_TYPES {
        let size = dtype.size().unwrap();
        let values = Random(4).values(dtype, 7);
        let mut bytes = le_bytes(&values).1;
        bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        let descr = format!(">{}", &npy::descr(dtype).unwrap()[1..]);
        let file =
            npy_bytes(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (7,), }}"), &bytes);
        let array = only_field(read_bytes("x.npy", &file).unwrap());
        assert_eq!(le_bytes(&array.values), le_bytes(&values));
    }
}

#[test]
fn npy_in_fortran_order() {
    let mut random = Random(5);
    for _ in 0..50 {
        let shape = random.shape();
        let n: usize = shape.iter().product();
        let axes: String = shape.iter().map(|n| format!("{n}, ")).collect();
        let header = format!("{{'descr': '<i4', 'fortran_order': True, 'shape': ({axes})}}");
        let bytes: Vec<u8> = (0..n as i32).flat_map(i32::to_le_bytes).collect();
        let array = only_field(read_bytes("x.npy", &npy_bytes(&header, &bytes)).unwrap());
        // C index (i, j, k) holds what lies at i + j * n0 + k * n0 * n1 in the file.
        let expected = (0..n).map(|flat| {
            let (mut rest, mut index) = (flat, vec![0; shape.len()]);
            for axis in (0..shape.len()).rev() {
                (index[axis], rest) = (rest % shape[axis], rest / shape[axis]);
            }
            index.iter().zip(&shape).rev().fold(0, |at, (i, len)| at * len + i) as i32
        });
        assert_eq!(array.values, Values::I32(expected.collect()));
        assert_eq!(array.shape, shape);
    }
}

#[test]
fn npy_headers_as_others_write_them() {
    for header in [
        "{'shape': (2L, 1L), 'fortran_order': False, 'descr': '<u2'}",
        "  { \"descr\":\"=u2\",'fortran_order':True ,'shape':( 2,1 , ),}  \n",
    ] {
        let array = only_field(read_bytes("x.npy", &npy_bytes(header, &[1, 0, 2, 0])).unwrap());
        assert_eq!((array.shape, array.values), (vec![2, 1], Values::U16(vec![1, 2])));
    }
    let header = b"{'descr': '|u1', 'fortran_order': False, 'shape': ()}\n";
    for version in [2, 3] {
        let mut bytes =
            [b"\x93NUMPY".as_slice(), &[version, 0], &(header.len() as u32).to_le_bytes(), header].concat();
        bytes.push(9);
        let array = only_field(read_bytes("x.npy", &bytes).unwrap());
        assert_eq!((array.shape, array.values), (vec![], Values::U8(vec![9])));
    }
}

#[test]
fn types_that_are_not_read_are_named_with_a_remedy() {
    for (descr, parts) in [
        ("'<f2'", ["float16", "astype('float32')"]),
        ("'<f16'", ["longdouble", "astype('float64')"]),
        ("'<c8'", ["complex", "a.real"]),
        ("'|O'", ["Python objects", "astype"]),
        ("'<M8[ns]'", ["dates", "astype('int64')"]),
        ("'|S5'", ["byte strings", "astype(str)"]),
        ("'|V8'", ["raw records", "view"]),
        ("'<U3'", ["text", "names"]),
        ("[('x', '<f4'), ('y', [('z', '<f8')])]", ["records within records", "np.savez"]),
        ("[('x', '<f4', (3,))]", ["records with arrays", "np.savez"]),
        ("[(('title', 'x'), '<f4')]", ["titles", "dtype.names"]),
        ("[('x', '<c8')]", ["member 'x'", "complex"]),
        ("'<q8'", ["no NumPy type", "q8"]),
    ] {
        let size = if descr == "'<U3'" { 12 } else { 0 };
        let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (1,), }}");
        fails_with(read_bytes("x.npy", &npy_bytes(&header, &vec![0; size])), &parts);
    }
}

#[test]
fn hostile_npy_headers_are_errors() {
    let of = |shape: &str, descr: &str| {
        npy_bytes(&format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), &[0; 16])
    };
    for (shape, descr) in [
        ("(9223372036854775807,)", "<f8"),
        ("(9223372036854775808, 4)", "<f4"),
        ("(18446744073709551616,)", "<f4"),
        ("(4294967296, 4294967296, 4294967296)", "|u1"),
        ("(-1, -2)", "<f8"),
        ("(1000000000000,)", "<f4"),
        ("(2.0,)", "<f8"),
        ("(,)", "<f8"),
        ("2", "<f8"),
        ("(2", "<f8"),
        ("(2,)", "<U4294967295"),
        ("(2,)", "<U99999999999999999999"),
        ("(1152921504606846976,)", "<U0"),
        ("(1,)", "<f8"), // 8 bytes left over
        ("(3,)", "<f8"), // 8 bytes missing
    ] {
        let result = read_bytes("x.npy", &of(shape, descr));
        assert!(message(result).contains("x.npy"), "{shape} {descr}");
    }
    fails_with(read_bytes("x.npy", &of("(3,)", "<f8")), &["24 bytes", "16 are there"]);
    fails_with(
        read_bytes("x.npy", &npy_bytes(&format!("{{'shape': {}", "(".repeat(60_000)), &[])),
        &["header"],
    );
    fails_with(read_bytes("x.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{"), &["header"]);
    fails_with(read_bytes("x.npy", b"\x93NUMPY\x09\x00\x00\x00"), &["version 9"]);
    let truths = npy_bytes("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", &[1, 2]);
    fails_with(read_bytes("x.npy", &truths), &["truth value"]);
}

#[test]
fn a_npy_cut_short_anywhere_or_with_any_header_bit_flipped_never_panics() {
    let whole = npy_bytes("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n", &[7; 24]);
    for end in 0..whole.len() {
        assert!(npy::read_header(&mut &whole[..end], end as u64).is_err(), "cut at {end}");
    }
    for bit in 0..(whole.len() - 24) * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let _ = npy::read_header(&mut &flipped[..], flipped.len() as u64);
    }
}

#[test]
fn a_fortran_array_over_the_limit_is_refused_before_it_is_read() {
    let folder = scratch();
    let path = folder.path().join("huge.npy");
    let header = "{'descr': '<f8', 'fortran_order': True, 'shape': (65536, 16384), }";
    fs::write(&path, npy_bytes(header, &[])).unwrap();
    // A sparse file: 8 GiB that take no space.
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(10 + header.len() as u64 + (8 << 30)).unwrap();
    let error = open(&path, &ReadOptions::default()).err().expect("over the limit");
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert!(error.to_string().contains("np.ascontiguousarray"), "{error}");
}

#[test]
fn a_huge_npy_is_opened_and_read_at_its_end_at_once() {
    let folder = scratch();
    let path = folder.path().join("huge.npy");
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (65536, 16384), }";
    fs::write(&path, npy_bytes(header, &[])).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(10 + header.len() as u64 + (8 << 30)).unwrap();
    let mut input = open(&path, &ReadOptions::default()).unwrap();
    let InputVariable::Field { source, .. } = &mut input.variables[0] else { panic!() };
    assert_eq!(source.read((1 << 30) - 2, 2).unwrap(), Values::F64(vec![0.0, 0.0]));
}

#[test]
fn raw_shapes_must_fit_and_a_fitting_one_is_suggested() {
    let folder = scratch();
    let path = folder.path().join("x.f32");
    fs::write(&path, [0; 4 * 60]).unwrap();
    fails_with(read(&path), &["x.f32", "--shape 60"]);
    fails_with(read_shaped(&path, &[4, 4, 5]), &["320 bytes", "has 240", "--shape 3,4,5"]);
    fails_with(read_shaped(&path, &[4, 7]), &["112 bytes", "has 240", "--shape 60"]);
    fails_with(read_shaped(&path, &[usize::MAX, 7]), &["addressed"]);
    fails_with(read_shaped(&path, &[0, 5]), &["has 240", "--shape 12,5"]);
    fs::write(&path, [0; 7]).unwrap();
    fails_with(read_shaped(&path, &[2]), &["7 bytes", "f32"]);
    let npy = folder.path().join("x.npy");
    write(&npy, &one("x", Variable::Field(Random(6).array(DType::F32)))).unwrap();
    fails_with(read_shaped(&npy, &[2]), &["--shape is for raw"]);
}

#[test]
fn a_raw_file_is_written_only_under_its_type() {
    let folder = scratch();
    let data = one("x", Variable::Field(Random(7).array(DType::F32)));
    fails_with(write(&folder.path().join("x.f64"), &data), &["x.f64", "name the file .f32"]);
}

/// An `.npz` with these members.
fn npz_bytes(members: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, bytes) in members {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn npy_text(texts: &[&str]) -> Vec<u8> {
    let mut bytes = vec![];
    npy::write_text(&mut bytes, texts).unwrap();
    bytes
}

fn npy_f64(shape: &str, n: usize) -> Vec<u8> {
    let bytes: Vec<u8> = (0..n).flat_map(|i| (i as f64).to_le_bytes()).collect();
    npy_bytes(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"), &bytes)
}

#[test]
fn balers_layout_is_one_table() {
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let file =
            npz_bytes(&[("data.npy", npy_f64("(3, 2)", 6)), ("names.npy", npy_text(&["pt", "η"]))], method);
        let data = read_bytes("events.npz", &file).unwrap();
        let columns = [("pt", Values::F64(vec![0.0, 2.0, 4.0])), ("η", Values::F64(vec![1.0, 3.0, 5.0]))];
        let expected = one("data", Variable::Table(table(&columns)));
        assert_eq!(data, expected);

        let folder = scratch();
        let path = folder.path().join("back.npz");
        write(&path, &data).unwrap();
        assert_eq!(read(&path).unwrap(), expected);
    }
}

#[test]
fn an_empty_names_is_dropped_and_comes_back() {
    let members = [("data.npy", npy_f64("(3, 2)", 6)), ("names.npy", npy_f64("(0,)", 0))];
    let data = read_bytes("x.npz", &npz_bytes(&members, CompressionMethod::Stored)).unwrap();
    assert_eq!(data.variables.len(), 1);
    assert_eq!(only_field(data.clone()).shape, [3, 2]);
    let folder = scratch();
    let path = folder.path().join("back.npz");
    write(&path, &data).unwrap();
    assert_eq!(read(&path).unwrap(), data);
    let mut archive = zip::ZipArchive::new(fs::File::open(&path).unwrap()).unwrap();
    assert_eq!(archive.len(), 2);
    assert!(archive.by_name("names.npy").is_ok());
}

#[test]
fn several_fields_and_a_table_share_an_npz() {
    let folder = scratch();
    let path = folder.path().join("x.npz");
    let mut random = Random(8);
    let data = Dataset {
        variables: vec![
            ("u/v w".into(), Variable::Field(random.array(DType::F32))),
            (
                "data".into(),
                Variable::Table(table(&[("a", Values::I32(vec![1, -2])), ("b", Values::I32(vec![3, 4]))])),
            ),
            ("mask".into(), Variable::Field(random.array(DType::Bool))),
        ],
    };
    write(&path, &data).unwrap();
    assert_same_bits(&read(&path).unwrap(), &data);
    let first = fs::read(&path).unwrap();
    create(&path, &WriteOptions { force: true, ..Default::default() }).unwrap().write(&data).unwrap();
    assert_eq!(first, fs::read(&path).unwrap(), "the same data make the same archive");
}

#[test]
fn columns_of_several_types_are_joined_only_where_exact() {
    let folder = scratch();
    let path = folder.path().join("x.npz");
    let mixed =
        [("n", Values::I64(vec![1 << 53])), ("x", Values::F32(vec![0.5])), ("ok", Values::Bool(vec![true]))];
    write(&path, &one("data", Variable::Table(table(&mixed)))).unwrap();
    let f64s = [("n", vec![9007199254740992.0]), ("x", vec![0.5]), ("ok", vec![1.0])];
    let f64s: Vec<_> = f64s.into_iter().map(|(n, v)| (n, Values::F64(v))).collect();
    assert_eq!(read(&path).unwrap(), one("data", Variable::Table(table(&f64s))));

    let lossy = [("id", Values::I64(vec![(1 << 53) + 1])), ("x", Values::F32(vec![0.5]))];
    let other = folder.path().join("y.npz");
    fails_with(write(&other, &one("t", Variable::Table(table(&lossy)))), &["'id'", ".csv"]);
    let text = [("kind", Values::Text(vec!["EB".into()]))];
    fails_with(write(&other, &one("t", Variable::Table(table(&text)))), &["'kind'", "text"]);
    assert!(!other.exists());
}

#[test]
fn npz_members_that_are_wrong_are_named() {
    let stored = CompressionMethod::Stored;
    let of = |members: &[(&str, Vec<u8>)]| read_bytes("x.npz", &npz_bytes(members, stored));
    fails_with(
        of(&[("data.npy", npy_f64("(3, 2)", 6)), ("names.npy", npy_text(&["a"]))]),
        &["1 entries", "[3, 2]"],
    );
    fails_with(of(&[("u.npy", npy_f64("(3,)", 2))]), &["x.npz", "'u'", "24 bytes"]);
    fails_with(of(&[("note.txt", b"hi".to_vec())]), &["'note.txt'"]);
    fails_with(of(&[("unit.npy", npy_text(&["K"]))]), &["'unit'", "text"]);
    fails_with(
        of(&[("data.npy", npy_f64("(0, 2)", 0)), ("names.npy", npy_text(&["a", "b", "c"]))]),
        &["3 entries"],
    );
    fails_with(read_bytes("x.npz", b"PK no zip"), &["x.npz", "damaged"]);
}

#[test]
fn a_damaged_npz_never_passes_and_never_panics() {
    let members = [
        ("data.npy", npy_f64("(3, 2)", 6)),
        ("names.npy", npy_text(&["a", "b"])),
        ("u.npy", npy_f64("(9,)", 9)),
    ];
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let whole = npz_bytes(&members, method);
        let good = read_bytes("x.npz", &whole).unwrap();
        for end in 0..whole.len() {
            assert!(read_bytes("x.npz", &whole[..end]).is_err(), "cut at {end}");
        }
        for byte in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[byte] ^= 1 << (byte % 8);
            // A flip may hit a date or a name; the values it must not change unseen.
            if let Ok(data) = read_bytes("x.npz", &flipped) {
                let bits = |d: &Dataset| -> Vec<_> {
                    let values = d.variables.iter().flat_map(|(_, v)| match v {
                        Variable::Field(a) => vec![le_bytes(&a.values)],
                        Variable::Table(t) => t.columns.iter().map(|c| le_bytes(&c.values)).collect(),
                    });
                    values.collect()
                };
                let names = |d: &Dataset| d.variables.iter().map(|(n, _)| n.clone()).collect::<Vec<_>>();
                assert!(bits(&data) == bits(&good) || names(&data) != names(&good), "{method}: byte {byte}");
            }
        }
    }
}

#[test]
fn real_files_come_back_as_numpy_wrote_them() {
    let folder = scratch();
    for name in ["combustor_q.npy", "sky_m67.npy", "ocean_sst_nan.npy", "climate_air_temperature.npy"] {
        let Some(path) = real_data(name) else { return };
        let copy = folder.path().join(name);
        write(&copy, &read(&path).unwrap()).unwrap();
        assert!(fs::read(&path).unwrap() == fs::read(&copy).unwrap(), "{name} differs");
    }
    for name in ["cms_pfcands.npz", "CFD_animation.npz"] {
        let Some(path) = real_data(name) else { return };
        let data = read(&path).unwrap();
        assert_eq!(data.variables.len(), 1);
        match &data.variables[0].1 {
            Variable::Table(table) => assert_eq!((table.rows(), table.columns.len()), (18197, 17)),
            Variable::Field(array) => assert_eq!(array.shape, [60, 50, 50]),
        }
        let copy = folder.path().join(name);
        write(&copy, &data).unwrap();
        assert_same_bits(&read(&copy).unwrap(), &data);
    }
}
