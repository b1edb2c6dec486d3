//! Configurations: Baler's Python read without Python, TOML written and read again, and what is wrong told by its place.

mod common;

use baler_cli::project::config::{Config, HLS4ML, KEYS};
use baler_cli::project::file::{from_python, from_toml, to_toml};
use baler_cli::project::literal::Literal;
use baler_cli::project::python::entries;
use common::run::*;
use common::{Random, prototype};

fn text(random: &mut Random) -> String {
    let letters = ['a', 'Z', '0', ' ', '_', '"', '\'', '\\', '\n', '\t', '#', 'é', '→', '{', ';', '\u{1}'];
    (0..random.below(9)).map(|_| letters[random.below(letters.len())]).collect()
}

fn literal(random: &mut Random, depth: usize) -> Literal {
    match random.below(if depth < 3 { 8 } else { 6 }) {
        0 => Literal::None,
        1 => Literal::Bool(random.below(2) == 0),
        2 => Literal::Int(random.next() as i64 >> random.below(64)),
        3 => Literal::Float((random.next() as i64) as f64 / 1e12),
        4 => Literal::Float(10f64.powi(random.below(40) as i32 - 20) * 3.0),
        5 => Literal::Text(text(random)),
        6 => Literal::List((0..random.below(4)).map(|_| literal(random, depth + 1)).collect()),
        _ => Literal::Dict(
            (0..random.below(3)).map(|i| (Literal::Int(i as i64), literal(random, depth + 1))).collect(),
        ),
    }
}

/// Blanks, comments and ends of lines, as they may stand within brackets.
fn room(random: &mut Random, open: bool) -> &'static str {
    let inside = ["", " ", "\n", "\n  # no, 'nothing\n\t", "\r\n", " \\\n "];
    inside[random.below(if open { inside.len() } else { 2 })]
}

/// A literal as Python might have it.
fn python(l: &Literal, random: &mut Random, open: bool) -> String {
    match l {
        Literal::None => "None".into(),
        Literal::Bool(b) => if *b { "True" } else { "False" }.into(),
        Literal::Int(n) if *n >= 0 && random.below(3) == 0 => format!("0x{n:X}"),
        Literal::Int(n) => n.to_string(),
        Literal::Float(x) => format!("{x:?}"),
        Literal::Text(t) => {
            let quote = ["'", "\"", "'''", "\"\"\""][random.below(4)];
            let escaped: String = t
                .chars()
                .map(|c| match c {
                    '\n' => "\\n".into(),
                    '\t' if random.below(2) == 0 => "\\t".into(),
                    '\\' | '\'' | '"' => format!("\\{c}"),
                    '\u{1}' => "\\x01".into(),
                    'é' if random.below(2) == 0 => "\\u00e9".into(),
                    c => c.to_string(),
                })
                .collect();
            format!("{quote}{escaped}{quote}")
        }
        Literal::List(items) => {
            let (a, b) = [("[", "]"), ("(", ")")][random.below(2)];
            let mut out = a.to_string();
            for item in items {
                out.push_str(room(random, true));
                out.push_str(&python(item, random, true));
                out.push_str(room(random, true));
                out.push(',');
            }
            out + room(random, true) + b
        }
        Literal::Dict(entries) => {
            let mut out = "{".to_string();
            for (key, value) in entries {
                out.push_str(&format!("{}:{}", python(key, random, true), room(random, true)));
                out.push_str(&python(value, random, true));
                out.push(',');
            }
            out + room(random, open) + "}"
        }
    }
}

#[test]
fn literals_come_back_however_they_are_written() {
    let mut random = Random(11);
    for _ in 0..500 {
        let values: Vec<Literal> = (0..random.below(6)).map(|_| literal(&mut random, 0)).collect();
        let mut file =
            ["\"\"\"A module.\n\"\"\"\n", "# a comment\n\n", "\u{feff}"][random.below(3)].to_string();
        file.push_str("def set_config( cfg ):\n");
        let indent = ["    ", "\t", " "][random.below(3)];
        if values.is_empty() {
            file.push_str(&format!("{indent}pass\n"));
        }
        for (i, value) in values.iter().enumerate() {
            let blank = ["", "\n", "# a line\n", "      \n"][random.below(4)];
            let end = ["\n", " # why\n", ";\n", "  \n"][random.below(4)];
            file.push_str(&format!(
                "{blank}{indent}cfg.key{i} ={}{}{end}",
                room(&mut random, false),
                python(value, &mut random, false)
            ));
        }
        let read = entries(&file).unwrap_or_else(|e| panic!("{e} in\n{file}"));
        assert_eq!(
            read.iter().map(|e| &e.value).collect::<Vec<_>>(),
            values.iter().collect::<Vec<_>>(),
            "{file}"
        );
        assert!(read.iter().enumerate().all(|(i, e)| e.key == format!("key{i}")));
    }
}

#[test]
fn what_is_no_literal_is_told_by_line_and_column() {
    let body = |line: &str| format!("def set_config(c):\n    c.epochs = 5\n    {line}\n");
    for (file, place, says) in [
        (body("c.lr = 10 ** -3"), "3:15:", "nothing is computed"),
        (body("c.lr = 2 * 3"), "3:14:", "'*'"),
        (body("c.input_path = os.path.join('a')"), "3:20:", "'os' is no literal"),
        (body("c.input_path = f'a{1}'"), "3:20:", "prefix f"),
        (body("c.input_path = 'a"), "3:20:", "without an end"),
        (body("c.input_path = '''a"), "3:20:", "without an end"),
        (body("c.type_list = ['a', x]"), "3:25:", "'x' is no literal"),
        (body("c.type_list = ['a' for i in 3]"), "3:24:", "'for'"),
        (body("c.type_list = ['a'"), "4:1:", "the end of the file"),
        (body("c.lr = 1j"), "3:12:", "'1j'"),
        (body("c.lr = 010"), "3:12:", "'010'"),
        (body("c.lr = 1__0"), "3:12:", "'1__0'"),
        (body("c.lr = -'a'"), "3:13:", "a number"),
        (body("c.seed = 99999999999999999999"), "3:14:", "'99999999999999999999'"),
        (body("c.seed = 9223372036854775808"), "3:14:", "64 bits"),
        (body("c.lr += 1"), "3:10:", "'+'"),
        (body("c.lr = c.epochs"), "3:12:", "'c' is no literal"),
        (body("c = 3"), "3:7:", "'.' and a key"),
        (body("import os"), "3:5:", "'import'"),
        (body("print('x')"), "3:5:", "'print'"),
        (body("if True: c.lr = 1"), "3:5:", "'if'"),
        (body("    c.lr = 1"), "3:9:", "indented otherwise"),
        (body("c.name = 'a\\q'"), "3:16:", "\\q"),
        (body("c.name = '\\xZZ'"), "3:15:", "2 digits"),
        ("import os\n".into(), "1:1:", "'import'"),
        ("x = 3\n".into(), "1:1:", "'x'"),
        ("class A:\n  pass\n".into(), "1:1:", "'class'"),
        ("def main(c):\n    pass\n".into(), "1:5:", "set_config"),
        ("def set_config(c, d):\n    pass\n".into(), "1:17:", "','"),
        ("def set_config(c):\n    pass\n\ndef more(c):\n    pass\n".into(), "4:1:", "'def'"),
        ("# nothing\n".into(), "1:1:", "has no `def set_config"),
        (format!("def set_config(c):\n    c.a = {}\n", "[".repeat(500)), "2:44:", "too deep"),
        ("def set_config(c):\n    c.a = 1 \\ \n".into(), "2:13:", "backslash"),
    ] {
        let error = from_python(&file).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains(says), "{error} in\n{file}");
    }
}

#[test]
fn forms_that_python_takes_are_taken() {
    for file in [
        "def set_config(c): c.epochs = 7",
        "def set_config(c): c.lr = 1; c.epochs = 7\n",
        "'a module'\ndef set_config(c):\n  \"\"\"Sets.\n  It all.\"\"\"\n  c.epochs = \\\n    7\n  return\n# end",
        "def set_config(c):\r\n\tc.epochs = (7)\r\n",
        "def set_config(c):\n    c.epochs = 7  # seven\n\n\n# def set_config(c):\n#     c.epochs = 8\n",
        "def set_config(c):\n    c.epochs = 8\n    c.epochs = +7",
        "def set_config(c):\n    c.epochs = 7.0\n    c.convert_to_blocks = False\n    c.latent_space_size = None",
    ] {
        let loaded = from_python(file).unwrap_or_else(|e| panic!("{e} in\n{file}"));
        assert_eq!((loaded.config.epochs, loaded.warnings), (7, vec![]), "{file}");
    }
}

#[test]
fn damage_never_panics() {
    let file = "def set_config(c):\n    c.a = [1, -2.5e-3, 'x\\n', (True,), {1: None}]  # é\n    c.b = \"\"\"t\"\"\"\n";
    let cut = |end: usize| String::from_utf8_lossy(&file.as_bytes()[..end]).into_owned();
    (0..file.len()).for_each(|end| drop(entries(&cut(end))));
    for at in 0..file.len() {
        for byte in 0..=255 {
            let mut bytes = file.as_bytes().to_vec();
            bytes[at] = byte;
            let text = String::from_utf8_lossy(&bytes);
            drop((from_python(&text), from_toml(&text)));
        }
    }
}

#[test]
fn deep_files_are_no_trouble() {
    for open in ["[", "{a = ", "[[1], "] {
        assert!(from_toml(&format!("x = {}", open.repeat(50_000))).is_err());
    }
    for open in ["[", "(", "{1: "] {
        assert!(from_python(&format!("def set_config(c): c.x = {}", open.repeat(50_000))).is_err());
    }
}

/// A configuration with every key set to something else than its default.
fn other(random: &mut Random) -> Config {
    let mut config = Config::default();
    for key in KEYS {
        let value = match config.get(key.name).unwrap() {
            Literal::Bool(b) => Literal::Bool(!b),
            Literal::Int(n) => Literal::Int(n + 1 + random.below(1000) as i64),
            Literal::Float(x) => Literal::Float(x + random.below(1000) as f64 / 7.0),
            Literal::Text(_) => Literal::Text(text(random)),
            Literal::List(_) => Literal::List((0..3).map(|_| Literal::Text(text(random))).collect()),
            _ => from_example(key.example),
        };
        assert!(config.take(key.name, value).is_ok(), "{}", key.name);
    }
    for name in HLS4ML {
        assert!(config.take(name, Literal::Text(text(random))).is_ok());
    }
    config
}

/// The value that a key which may be left out has as its example.
fn from_example(example: &str) -> Literal {
    entries(&format!("def set_config(c): c.x = {example}")).unwrap().remove(0).value
}

#[test]
fn toml_comes_back_as_it_was_with_every_key_explained() {
    let mut random = Random(5);
    for config in [Config::default()].into_iter().chain((0..50).map(|_| other(&mut random))) {
        let text = to_toml(&config);
        let loaded = from_toml(&text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
        assert!(loaded.config == config && loaded.warnings.is_empty(), "{text}");
        for key in KEYS {
            let line =
                text.lines().position(|l| l.trim_start_matches("# ").starts_with(&format!("{} =", key.name)));
            let line = line.unwrap_or_else(|| panic!("{} is not in\n{text}", key.name));
            assert!(text.lines().nth(line - 1).unwrap().starts_with("# "), "{}", key.name);
        }
    }
}

#[test]
fn wrong_values_and_keys_are_told() {
    for (line, says) in [
        ("epochs = \"many\"", "2: epochs = \"many\": want a whole number"),
        ("epochs = -1", "whole number"),
        ("lr = true", "want a number"),
        ("lr = nan", "want a number"),
        ("early_stopping = 2", "true or false"),
        ("input_path = 3", "text in quotes"),
        ("type_list = \"int\"", "want a list"),
        ("epochs = 1979-05-27", "no key takes a date"),
        ("epochs = 99999999999999999999", "2: "),
        ("epochs = ", "2: is no TOML"),
    ] {
        let error = from_toml(&format!("level = \"max\"\n{line}\n")).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let warnings = |line: &str| from_toml(&format!("{line}\n")).unwrap().warnings;
    assert!(warnings("epoch = 3")[0].contains("did you mean 'epochs'"));
    assert!(warnings("Batch_Size = 3")[0].contains("'batch_size'"));
    assert!(warnings("model_nam = \"AE\"")[0].contains("'model_name'"));
    assert!(warnings("colour = 3")[0].contains("no effect"));
    assert!(warnings("csim = true").is_empty());
}

#[test]
fn the_prototypes_configuration_becomes_toml() {
    let place = Place::new();
    place.put("P_config.py", "def set_config(c):\n    c.epochs = 7\n    c.epoks = 8\n    c.Part = 'x'\n    c.InputData = None\n    c.InputShape = (1, 16)\n");
    let ran = place.run("import-config P_config.py -o P_config.toml");
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("line 3: 'epoks'") && ran.err.contains("'epochs'"), "{}", ran.err);
    assert!(ran.text().contains("Part, InputData, InputShape"), "{}", ran.text());
    let toml = String::from_utf8(place.bytes("P_config.toml")).unwrap();
    for line in ["epochs = 7", "Part = \"x\"", "InputShape = [1, 16]", "# InputData = (Python's None)"] {
        assert!(toml.lines().any(|l| l == line), "{line} is not in\n{toml}");
    }
    assert_eq!(from_toml(&toml).unwrap().config.epochs, 7);
    assert_eq!(place.run("import-config P_config.py -o P_config.toml").code, 2, "it exists");
    place.fails("import-config none.py -o x.toml", 3, &["none.py"]);
    place.put("bad.py", "import os\n");
    place.fails("import-config bad.py -o x.toml", 2, &["bad.py:1:1:", "'import'"]);
    assert!(!place.path("x.toml").exists());

    let Some(example) = prototype("config_example.py") else { return };
    let loaded = from_python(&std::fs::read_to_string(example).unwrap()).unwrap();
    let c = loaded.config;
    assert!(loaded.warnings.is_empty());
    assert_eq!(
        (c.input_path.as_str(), c.compression_ratio, c.epochs, c.test_size),
        ("workspaces/CMS/data/cms_pfcands.npz", Some(1.6), 50, 0.2)
    );
    assert_eq!((c.latent_space_size, c.error_bounded_requirement, c.type_list.len()), (None, Some(10.0), 3));
    assert!(c.activation_extraction && c.convert_to_blocks.is_none());
}
