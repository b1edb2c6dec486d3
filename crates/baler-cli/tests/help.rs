//! What the command tells of itself, and its demonstration.

mod common;

use std::process::{Command, Stdio};

use common::run::*;

const COMMANDS: [&str; 16] = [
    "compress",
    "decompress",
    "info",
    "verify",
    "plot",
    "diagnose",
    "salvage",
    "train",
    "compare",
    "new",
    "export",
    "import",
    "import-config",
    "synth",
    "demo",
    "completions",
];

#[test]
fn every_command_helps_with_examples() {
    let place = Place::new();
    let all = place.ok("--help");
    assert!(all.contains("Exit codes: 0 done, 1 a check failed, 2 wrong use, 3"), "{all}");
    for command in COMMANDS {
        assert!(all.contains(command));
        let help = place.ok(&format!("{command} --help"));
        assert!(help.contains("Examples:\n  baler "), "{command}: {help}");
        assert!(help.contains(&format!("Usage: baler {command}")), "{command}: {help}");
        assert_eq!(place.ok(&format!("help {command}")), help);
        assert!(place.ok(&format!("{command} -h")).contains("Examples:"));
    }
    assert!(place.ok("--version").starts_with("baler "));
}

/// Every line of an example is one that the command understands.
#[test]
fn examples_are_lines_that_work() {
    let place = Place::new();
    for command in COMMANDS {
        let help = place.ok(&format!("{command} --help"));
        let examples = help.split("Examples:\n").nth(1).unwrap();
        for line in examples.lines().filter_map(|l| l.strip_prefix("  baler ")) {
            // Words in two columns: after two spaces comes the explanation; after a bar or > the shell's part.
            let line = line.split("  ").next().unwrap().split(['|', '>']).next().unwrap();
            if ["new", "demo", "synth", "completions"].contains(&command) {
                continue; // these would run, and do in their own tests
            }
            let ran = place.run(line);
            assert!(ran.code == 3, "baler {line}: its input is missing, and nothing else: {}", ran.err);
            assert!(ran.err.contains("No such file"), "baler {line}: {}", ran.err);
        }
    }
}

#[test]
fn completions_for_every_shell() {
    let place = Place::new();
    for (shell, mark) in [("bash", "complete -F"), ("zsh", "#compdef baler"), ("fish", "complete -c baler")] {
        let script = place.ok(&format!("completions {shell}"));
        assert!(script.contains(mark), "{shell}");
        for word in COMMANDS.iter().chain(&["external-model", "lossless", "select"]) {
            assert!(script.contains(word), "{shell}: {word}");
        }
        place.put("script", script);
        let flag = if shell == "fish" { "--no-execute" } else { "-n" };
        match Command::new(shell).arg(flag).arg(place.path("script")).stderr(Stdio::inherit()).status() {
            Ok(status) => assert!(status.success(), "{shell} does not understand its script"),
            Err(_) => eprintln!("skipped: there is no {shell} to read its script"),
        }
    }
    assert_eq!(place.run("completions cmd.exe").code, 2);
}

#[test]
fn example_data_are_the_same_every_time() {
    let place = Place::new();
    place.ok("synth flow --size 3,20,30 -o a.npy --quiet");
    place.ok("synth flow --size 3,20,30 -o b.npy --quiet");
    assert!(place.bytes("a.npy") == place.bytes("b.npy"));
    assert_eq!(place.field("a.npy").len(), 1800);
    place.ok("synth jets --size 200 -o a.csv --seed 7");
    place.ok("synth jets --size 200 -o b.csv --seed 8");
    assert!(place.bytes("a.csv") != place.bytes("b.csv"));
    place.ok("synth jets --size 200 -o a.npz");
    place.ok("synth flow --size 3,20,30 -o a.f32");
    let report = place.json("synth flow --size 3,20,30 -o c.npy");
    assert_eq!(report["bytes"], place.bytes("c.npy").len());
}

#[test]
fn the_demonstration_holds() {
    let place = Place::new();
    let report = place.json("demo --quick --epochs 1 -o shown");
    assert_eq!(report["holds"], true);
    let cases = report["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        assert_eq!(case["holds"], true);
        let unbounded =
            case["variables"][0]["bound"]["kind"] == "none" || case["name"].to_string().contains("pure");
        assert!(unbounded || case["share_of_bound"].as_f64().unwrap() <= 1.0, "{case}");
        let file = format!("shown/{}", case["file"].as_str().unwrap());
        assert_eq!(place.json(&format!("info {file}"))["stored_bytes"], case["stored_bytes"]);
    }
    for name in [
        "flow.npy",
        "jets.csv",
        "flow.png",
        "flow.gif",
        "jets.pdf",
        "jets.svg",
        "loss.svg",
        "flow.safetensors",
    ] {
        assert!(!place.bytes(&format!("shown/{name}")).is_empty());
    }
    place.ok("verify shown/flow.blr --against shown/flow.npy");
    place.ok("verify shown/jets.blr --against shown/jets.csv");
    let said = place.ok("demo --quick --epochs 1 -o shown"); // again, onto its own files
    for part in ["Every bound holds", "largest error", "shown/flow.blr"] {
        assert!(said.contains(part), "'{part}' is not in\n{said}");
    }
    place.put("file", "");
    place.fails("demo --quick -o file", 3, &["file"]);
}
