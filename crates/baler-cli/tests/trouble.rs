//! What goes wrong while it runs: damage, full disks, pipes that close, Ctrl-C. Nothing torn is left behind.

mod common;

use std::fs;
use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use baler::archive::Archive;
use baler::data::{Array, Values, Variable};
use common::run::*;

#[test]
fn an_archive_cut_short_says_so_and_can_be_salvaged() {
    let place = Place::new();
    place.save("u.npy", field(&[40, 20, 20]));
    place.ok("compress u.npy -o u.blr --rel 1e-3 --chunk 1600"); // four rows a chunk
    place.ok("decompress u.blr -o whole.npy");
    let bytes = place.bytes("u.blr");
    let archive = Archive::open(fs::File::open(place.path("u.blr")).unwrap(), &[]).unwrap();
    let entries = archive.chunk_entries(0);
    let header_end = entries[0].offset as usize - 1;
    for cut in [1, 4, 5, 20, header_end, bytes.len() / 2, bytes.len() - 13, bytes.len() - 1] {
        place.put("cut.blr", &bytes[..cut]);
        let hint: &[&str] = if cut < 30 { &["cut.blr"] } else { &["cut.blr", "baler salvage"] };
        for command in ["decompress cut.blr -o x.npy", "verify cut.blr", "info cut.blr"] {
            place.fails(command, 3, hint);
        }
    }
    place.fails("decompress cut.blr -o x.npy --json", 3, &["baler salvage"]);

    // Chunks 6 to 9 are gone: rows 24 to 39.
    place.put("cut.blr", &bytes[..entries[6].offset as usize + 5]);
    let ran = place.run("salvage cut.blr -o saved.npy");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.text().contains("6 chunks found whole; rows lost: 24:40"), "{}", ran.text());
    let (whole, saved) = (place.field("whole.npy"), place.field("saved.npy"));
    assert_eq!(saved[..24 * 400], whole[..24 * 400]);
    assert!(saved[24 * 400..].iter().all(|v| v.is_nan()));
    // Only the index is gone: all is there.
    place.put("cut.blr", &bytes[..bytes.len() - 20]);
    assert!(place.ok("salvage cut.blr -o all.npy").contains("whole, 10 chunks"));
    assert!(place.bytes("all.npy") == place.bytes("whole.npy"));
    let report = place.json("salvage u.blr -o again.npy");
    assert_eq!(
        report,
        serde_json::json!({"whole": true, "variables": [
        {"name": "u", "chunks_found": 10, "rows_lost": []}]})
    );
    // Without its header nothing has a meaning.
    place.put("headless.blr", &bytes[..10]);
    place.fails("salvage headless.blr -o x.npy", 3, &["headless.blr", "header"]);
    assert!(!place.path("x.npy").exists());
}

#[test]
fn a_damaged_byte_is_found() {
    let place = Place::new();
    place.save("u.npy", field(&[10, 20, 20]));
    place.ok("compress u.npy -o u.blr --rel 1e-3 --chunk 800");
    let bytes = place.bytes("u.blr");
    for at in (5..bytes.len()).step_by(bytes.len() / 23) {
        let mut bad = bytes.clone();
        bad[at] ^= 0x41;
        place.put("bad.blr", bad);
        place.fails("decompress bad.blr -o x.npy", 3, &["bad.blr"]);
        place.fails("verify bad.blr", 3, &["bad.blr"]);
    }
    let mut newer = bytes.clone();
    newer[4] += 1;
    place.put("newer.blr", newer);
    for command in ["decompress newer.blr -o x.npy", "info newer.blr", "salvage newer.blr -o x.npy"] {
        place.fails(command, 3, &["newer.blr", "format version 2", "reads version 1", "newer"]);
    }
    assert!(!place.path("x.npy").exists());
}

#[test]
fn verify_finds_what_is_not_within_its_bound() {
    let place = Place::new();
    let mut u = wave(&[10, 20]);
    place.save("u.npy", Variable::Field(u.clone()));
    place.ok("compress u.npy -o u.blr --abs 1e-3");
    assert!(place.ok("verify u.blr").contains("intact; 1 chunk decoded"));
    assert!(place.ok("verify u.blr --against u.npy").contains("holds"));
    let Values::F32(v) = &mut u.values else { panic!("f32") };
    v[77] += 0.01;
    place.save("other.npy", Variable::Field(u));
    let ran = place.run("verify u.blr --against other.npy");
    assert_eq!(ran.code, 1);
    assert!(ran.text().contains("BROKEN"), "{}", ran.text());
    let ran = place.run("verify u.blr --against other.npy --json");
    assert_eq!(ran.code, 1);
    let report: serde_json::Value = serde_json::from_str(&ran.text()).unwrap();
    assert_eq!((&report["intact"], &report["holds"]), (&true.into(), &false.into()));
    let u = &report["variables"][0];
    assert_eq!((&u["broken"], &u["first_broken"]), (&1.into(), &serde_json::json!([3, 17])));
    assert!((0.008..0.012).contains(&u["largest_error"].as_f64().unwrap()), "{u}");
    assert!(
        place.run("verify u.blr --against other.npy").text().contains("BROKEN by 1 value, first at [3,17]")
    );
    // What was not compared is not said to hold.
    let alone = place.json("verify u.blr");
    assert!(alone["holds"].is_null() && alone["variables"][0]["largest_error"].is_null(), "{alone}");

    place.save("long.npy", field(&[11, 20]));
    place.fails("verify u.blr --against long.npy", 2, &["[11, 20]", "[10, 20]"]);
    place.save("e.csv", events(10));
    place.fails("verify u.blr --against e.csv", 2, &["field", "table"]);
    let ints = Array::new(vec![10, 20], Values::I32(vec![0; 200])).unwrap();
    place.save("ints.npy", Variable::Field(ints));
    place.fails("verify u.blr --against ints.npy", 2, &["i32", "f32"]);
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let place = Place::new();
    place.save("u.npy", field(&[20, 100, 100]));
    place.ok("compress u.npy -o u.blr --rel 1e-2");
    let lines =
        ["decompress u.blr -o -", "compress u.npy -o - --lossless", "completions bash", "info u.blr --json"];
    for line in lines {
        let mut child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut start = [0; 10];
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut start).unwrap();
        drop(out);
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{line}");
    }
}

#[test]
fn what_is_to_be_made_is_made_without_a_reader() {
    let place = Place::new();
    place.save("u.npy", field(&[20, 100, 100]));
    place.ok("compress u.npy -o u.blr --rel 1e-2");
    let lines = [
        "salvage u.blr -o out.npz",
        "salvage u.blr -o out.npz --json",
        "compress u.npy -o out.blr --rel 1e-2",
        "decompress u.blr -o out.npy --json",
    ];
    for line in lines {
        let mut child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
        let made = place.files().into_iter().find(|f| f.starts_with("out."));
        assert!(made.is_some(), "{line}");
        std::fs::remove_file(place.path(&made.unwrap())).unwrap();
    }
}

#[test]
fn the_file_at_fault_is_named() {
    let place = Place::new();
    place.save_all("u.npz", &[("u", field(&[20, 100, 100]))]);
    place.ok("compress u.npz -o u.blr --rel 1e-2 --chunk 20000");
    let mut bytes = place.bytes("u.npz");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    place.put("u.npz", bytes);
    let ran = place.run("verify u.blr --against u.npz");
    assert!(
        ran.code == 3 && ran.err.starts_with("error: u.npz") && !ran.err.contains("salvage"),
        "{}",
        ran.err
    );
    #[cfg(target_os = "linux")]
    {
        place.save("v.npy", field(&[20, 100, 100]));
        let report = place.json("compress v.npy -o /dev/null --rel 1e-2");
        assert!(report["ratio"].as_f64().unwrap() > 2.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named() {
    let place = Place::new();
    place.save("u.npy", field(&[20, 50, 50]));
    place.ok("compress u.npy -o u.blr --rel 1e-3");
    if !std::path::Path::new("/dev/full").exists() {
        eprintln!("skipped: there is no /dev/full");
        return;
    }
    for command in [
        "compress u.npy --rel 1e-3 -o /dev/full",
        "decompress u.blr --format npy -o /dev/full",
        "decompress u.blr --format f32 -o /dev/full",
    ] {
        place.fails(command, 3, &["/dev/full", "No space left"]);
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let ran = Ran::from(place.command("info u.blr").stdout(full).output().unwrap());
    assert_eq!(ran.code, 3, "a report that nobody gets is no success");
}

/// A file system of a megabyte, where we may mount one.
#[cfg(target_os = "linux")]
struct TinyDisk(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl TinyDisk {
    fn mount(at: std::path::PathBuf) -> Option<TinyDisk> {
        fs::create_dir(&at).unwrap();
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        if !mount.is_ok_and(|s| s.success()) {
            eprintln!("skipped: no tmpfs can be mounted");
            return None;
        }
        Some(TinyDisk(at))
    }
}

#[cfg(target_os = "linux")]
impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_keeps_what_it_has() {
    let place = Place::new();
    let Some(disk) = TinyDisk::mount(place.path("disk")) else { return };
    place.save("u.npy", field(&[20, 200, 200]));
    place.ok("compress u.npy -o u.blr --rel 1e-3");
    for (command, name) in [
        ("compress u.npy --lossless -o disk/", "out.blr"),
        ("decompress u.blr -o disk/", "out.npy"),
        ("decompress u.blr -o disk/", "out.npz"),
        ("decompress u.blr -o disk/", "out.f32"),
        ("salvage u.blr -o disk/", "out.npy"),
    ] {
        place.fails(&format!("{command}{name}"), 3, &[name, "No space left"]);
        assert_eq!(files_in(&disk.0), [""; 0], "{command}");
        fs::write(disk.0.join(name), "precious").unwrap();
        place.fails(&format!("{command}{name} --force"), 3, &["No space left"]);
        assert_eq!(fs::read(disk.0.join(name)).unwrap(), b"precious");
        fs::remove_file(disk.0.join(name)).unwrap();
    }
}

/// Starts a long compression onto `out.blr`, waits until it is under way, and sends it `signal`.
#[cfg(unix)]
fn interrupted(signal: &str) -> (Place, Option<i32>) {
    let place = Place::new();
    place.save("u.npy", field(&[60, 200, 200]));
    place.put("out.blr", "precious");
    let line = "compress u.npy -o out.blr --force --lossless --threads 1 --chunk 100000 --quiet";
    let mut child = place.command(line).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while !place.files().iter().any(|f| f.ends_with(".part")) {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never began");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none(), "it was too fast to be interrupted");
    let kill =
        std::process::Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status();
    assert!(kill.unwrap().success());
    let code = child.wait().unwrap().code();
    (place, code)
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_old_file_and_nothing_else() {
    for signal in ["INT", "TERM"] {
        let (place, code) = interrupted(signal);
        assert_eq!(code, Some(130), "{signal}");
        assert_eq!(place.bytes("out.blr"), b"precious");
        assert_eq!(place.files(), ["out.blr", "u.npy"], "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn a_killed_program_leaves_the_old_file_whole() {
    let (place, code) = interrupted("KILL");
    assert_eq!(code, None);
    assert_eq!(place.bytes("out.blr"), b"precious");
    // What it could not take away is hidden, and in nobody's way.
    assert!(place.files().iter().all(|f| ["out.blr", "u.npy"].contains(&f.as_str()) || f.starts_with('.')));
    place.ok("compress u.npy -o out.blr --force --rel 1e-1 --quiet");
    place.ok("verify out.blr");
}
