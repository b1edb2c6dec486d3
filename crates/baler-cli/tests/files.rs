//! Files that are missing, in the way, or not to be touched: what is said, and what is left behind.

mod common;

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use baler::data::{Array, DType, Values, Variable};
use baler::error::ErrorKind;
use baler_cli::formats::{Format, ReadOptions, WriteOptions, create, open};
use baler_cli::output::{AtomicFile, Output, is_closed_pipe};
use common::*;

fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn inputs_that_cannot_be_read_are_named() {
    let folder = scratch();
    let at = |name: &str| folder.path().join(name);
    fails_with(read(&at("none.npy")), &["none.npy", "No such file"]);
    fs::create_dir(at("folder.npy")).unwrap();
    fails_with(read(&at("folder.npy")), &["folder.npy", "folder, not a file"]);
    for name in ["e.npy", "e.npz", "e.csv", "e.f32"] {
        fs::write(at(name), "").unwrap();
        fails_with(read(&at(name)), &[name, "empty"]);
    }
    fs::write(at("x.dat"), "1").unwrap();
    fails_with(read(&at("x.dat")), &["x.dat", "'dat'", ".npy .npz .csv .bool", ".f64"]);
    fs::write(at("x"), "1").unwrap();
    fails_with(read(&at("x")), &["no extension", ".npy"]);
    let options =
        ReadOptions { format: Some(Format::Raw(DType::U8)), shape: Some(vec![1]), ..Default::default() };
    assert_eq!(open(&at("x.dat"), &options).unwrap().load().unwrap().variables.len(), 1);
}

#[cfg(unix)]
#[test]
fn closed_and_special_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = scratch();
    let closed = folder.path().join("closed.npy");
    fs::write(&closed, "x").unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&closed).is_err() {
        fails_with(read(&closed), &["closed.npy", "ermission denied"]);
    } else {
        eprintln!("skipped: this user may read everything");
    }
    let options = ReadOptions { format: Some(Format::Csv), ..Default::default() };
    fails_with(open(Path::new("/dev/null"), &options), &["/dev/null", "device or a pipe"]);
}

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = scratch();
    let path = folder.path().join("out.bin");
    let mut file = AtomicFile::create(&path, false).unwrap();
    file.write_all(b"0123456789").unwrap();
    file.seek(SeekFrom::Start(2)).unwrap();
    file.write_all(b"xy").unwrap();
    assert_eq!(file.stream_position().unwrap(), 4);
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(b"!").unwrap();
    assert!(!path.exists());
    file.commit().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"01xy456789!");

    let mut file = AtomicFile::create(&path, true).unwrap();
    file.write_all(b"never finished").unwrap();
    drop(file);
    assert_eq!(fs::read(&path).unwrap(), b"01xy456789!");
    assert_eq!(files_in(folder.path()), ["out.bin"]);
}

#[test]
fn nothing_is_overwritten_unless_forced() {
    let folder = scratch();
    let path = folder.path().join("out.npy");
    let data = one("x", Variable::Field(Array::new(vec![1], Values::U8(vec![1])).unwrap()));
    write(&path, &data).unwrap();
    let before = fs::read(&path).unwrap();
    fails_with(write(&path, &data), &["out.npy exists; --force overwrites it"]);
    assert_eq!(fs::read(&path).unwrap(), before);
    let other = one("x", Variable::Field(Array::new(vec![1], Values::U8(vec![2])).unwrap()));
    create(&path, &WriteOptions { force: true, ..Default::default() }).unwrap().write(&other).unwrap();
    assert_eq!(read(&path).unwrap().variables[0].1, other.variables[0].1);

    // One that appears while we write is kept as well.
    let late = folder.path().join("late");
    let file = AtomicFile::create(&late, false).unwrap();
    fs::write(&late, "theirs").unwrap();
    fails_with(file.commit(), &["late exists"]);
    assert_eq!(fs::read_to_string(&late).unwrap(), "theirs");
    assert_eq!(files_in(folder.path()), ["late", "out.npy"]);
}

#[test]
fn outputs_that_cannot_be_are_named() {
    let folder = scratch();
    let at = |name: &str| folder.path().join(name);
    let default = WriteOptions::default();
    fails_with(create(&at("no/such/x.npy"), &default), &["x.npy", "there is no folder"]);
    fs::create_dir(at("d.npy")).unwrap();
    fails_with(
        create(&at("d.npy"), &WriteOptions { force: true, ..Default::default() }),
        &["d.npy", "is a folder"],
    );
    fails_with(create(&at("x.h5"), &default), &["x.h5", "'h5'", ".npz"]);
    fails_with(create(Path::new("-"), &default), &["standard output"]);
    let npz = WriteOptions { format: Some(Format::Npz), ..Default::default() };
    fails_with(create(Path::new("-"), &npz), &["standard output", ".npz"]);
    let two = baler::data::Dataset {
        variables: ["a", "b"]
            .map(|n| (n.into(), Variable::Field(Array::new(vec![0], Values::U8(vec![])).unwrap())))
            .into(),
    };
    for name in ["x.npy", "x.u8", "x.csv"] {
        fails_with(write(&at(name), &two), &[name, "2 variables"]);
    }
    assert_eq!(files_in(folder.path()), ["d.npy"]);
}

#[cfg(unix)]
#[test]
fn links_rights_and_devices() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = scratch();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "old").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&target, &link).unwrap();
    let mut file = AtomicFile::create(&link, true).unwrap();
    file.write_all(b"new").unwrap();
    file.commit().unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "new");
    assert_eq!(
        fs::metadata(&target).unwrap().permissions().mode() & 0o777,
        0o600,
        "a replaced file keeps its rights"
    );

    let (fresh, plain) = (folder.path().join("fresh"), folder.path().join("plain"));
    AtomicFile::create(&fresh, false).unwrap().commit().unwrap();
    fs::write(&plain, "").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&fresh), mode(&plain), "a new file has the usual rights");

    let mut null = Output::create(Path::new("/dev/null"), false).unwrap();
    null.write_all(b"gone").unwrap();
    null.commit().unwrap();
    fails_with(AtomicFile::create(Path::new("/dev/null"), true), &["device"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_named() {
    if !Path::new("/dev/full").exists() {
        eprintln!("skipped: there is no /dev/full");
        return;
    }
    let mut full = Output::create(Path::new("/dev/full"), false).unwrap();
    full.write_all(b"no room").unwrap();
    let error = full.commit().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.to_string().starts_with("/dev/full: No space left"), "{error}");
    assert!(!is_closed_pipe(&error));
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing() {
    let Some(folder) = std::env::var_os("BALER_TINY_DISK") else {
        eprintln!("skipped: BALER_TINY_DISK names no folder on a file system of a few megabytes");
        return;
    };
    let folder = Path::new(&folder);
    let before = files_in(folder);
    let array = Array::new(vec![8 << 20], Values::F64(vec![1.5; 8 << 20])).unwrap();
    for name in ["x.npy", "x.npz", "x.f64"] {
        let path = folder.join(name);
        let text = message(write(&path, &one("x", Variable::Field(array.clone()))));
        assert!(text.contains(name) && text.contains("No space left") && !text.contains(".part"), "{text}");
        assert_eq!(files_in(folder), before);
    }
    let column = table(&[("x", Values::F64(vec![1.5; 8 << 20]))]);
    fails_with(write(&folder.join("x.csv"), &one("x", Variable::Table(column))), &["x.csv", "No space left"]);
    assert_eq!(files_in(folder), before);
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    drop(reader);
    let error = writer.write_all(b"x").unwrap_err();
    assert!(is_closed_pipe(&error.into()));
}
