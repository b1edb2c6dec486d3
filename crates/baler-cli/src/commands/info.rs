//! `baler info`.

use super::info_columns::{column_cost, show_columns};
use super::{is_model, load_model, open_archive, open_plain};
use crate::args::Info;
use crate::output::is_standard;
use crate::saying::{bound as bound_text, bytes, number, print, ratio, table};
use baler::archive::columns::TableCost;
use baler::archive::header::{Kind, Resolved, VariableHeader};
use baler::archive::{Archive, Codec};
use baler::bound::Bound;
use baler::data::DType;
use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::any::AnyModel;
use baler::model::field::file::TrainedField;
use baler::model::hash::ModelHash;
use baler::model::table::ColumnModel;
use baler::model::table::file::TrainedTable;
use serde_json::{Value, json};
use std::io::{Read, Seek};

fn bound(r: &Resolved) -> Value {
    json!({"kind": r.bound.kind(), "value": r.bound.value(), "resolved": r.value})
}

/// Everything there is to tell of an archive, for programs. Of tables it reads every chunk's bytes, and decodes none.
pub fn report<R: Read + Seek + Send>(archive: &mut Archive<R>) -> Result<Value> {
    let is_table = |v: &VariableHeader| matches!(v.kind, Kind::Table(_));
    let tables: Vec<bool> = archive.header().variables.iter().map(is_table).collect();
    let costs: Vec<Option<TableCost>> = tables
        .into_iter()
        .enumerate()
        .map(|(i, table)| table.then(|| archive.column_costs(i)).transpose())
        .collect::<Result<_>>()?;
    let header = archive.header();
    let (stored, model) = archive.length();
    let mut total = 0;
    let mut variables = vec![];
    for (i, v) in header.variables.iter().enumerate() {
        let entries = archive.chunk_entries(i);
        let stored: u64 = entries.iter().map(|e| e.length).sum();
        let codecs: Vec<Value> = Codec::ALL
            .into_iter()
            .map(|c| (c, entries.iter().filter(|e| e.codec == Some(c)).count()))
            .filter(|&(_, n)| n > 0)
            .map(|(c, n)| json!({"name": c.name(), "chunks": n}))
            .collect();
        let errors = &archive.index().errors[i];
        let main = codecs.iter().max_by_key(|c| c["chunks"].as_u64()).map(|c| c["name"].clone());
        let mut report = match &v.kind {
            Kind::Field(f) => {
                let original = (f.count() * f.dtype.size().expect("a field")) as u64;
                total += original;
                json!({"kind": "field", "type": f.dtype.name(), "shape": f.shape, "bound": bound(&f.bound),
                    "largest_error": errors.first().copied().unwrap_or(0.0), "original_bytes": original,
                    "ratio": ratio(original, stored)})
            }
            Kind::Table(t) => {
                let mut errors = errors.iter();
                let mut texts = archive.index().texts[i].iter();
                let mut original = 0;
                let mut columns = vec![];
                let cost = costs[i].as_ref().expect("a table's costs");
                for (c, own) in t.columns.iter().zip(&cost.columns) {
                    let size = match c.dtype.size() {
                        Some(size) => (t.rows * size) as u64,
                        None => texts.next().copied().unwrap_or(0),
                    };
                    original += size;
                    let error = if c.bound.bound == Bound::Lossless {
                        0.0
                    } else {
                        errors.next().copied().unwrap_or(0.0)
                    };
                    let mut column = json!({"name": c.name, "type": c.dtype.name(), "bound": bound(&c.bound),
                        "largest_error": error, "original_bytes": size});
                    let more = column_cost(own, &t.columns);
                    column.as_object_mut().expect("an object").extend(more);
                    columns.push(column);
                }
                total += original;
                json!({"kind": "table", "type": "table", "shape": [t.rows, t.columns.len()], "columns": columns,
                    "bound": Value::Null, "largest_error": Value::Null, "original_bytes": original,
                    "ratio": ratio(original, stored), "damaged_chunks": cost.damaged,
                    "chunks_not_by_columns": cost.untold})
            }
        };
        let more = json!({"name": v.name, "codec": main, "codecs": codecs, "bytes": stored});
        report.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        variables.push(report);
    }
    let models: Vec<Value> =
        header.models.iter().map(|m| json!({"sha256": m.hash.to_string(), "embedded": m.embedded})).collect();
    Ok(
        json!({"format_version": baler::archive::record::VERSION, "original_bytes": total, "stored_bytes": stored,
        "model_bytes": model, "ratio": ratio(total, stored), "ratio_without_model": ratio(total, stored - model),
        "models": models, "variables": variables, "description": archive.description()}),
    )
}

/// A JSON string as it is, anything else as JSON.
pub fn text(v: &Value) -> String {
    v.as_str().map_or_else(|| v.to_string(), String::from)
}

/// A bound as it was given, and the absolute bound that it comes to (of a PSNR: the root mean square error).
fn bound_cells(b: &Value) -> [String; 2] {
    let Some(kind) = b["kind"].as_str() else { return [String::new(), String::new()] };
    let given = Bound::new(kind, b["value"].as_f64());
    let allowed = match (kind, b["value"].as_f64(), b["resolved"].as_f64()) {
        ("none", ..) => "any".into(),
        ("pwrel", Some(v), _) => format!("{v:e} of each"),
        ("psnr", _, Some(rms)) if rms > 0.0 => format!("RMS {}", number(rms)),
        ("abs", Some(v), _) | ("rel" | "std", _, Some(v)) if v > 0.0 => number(v),
        _ => "exact".into(),
    };
    [given.map_or_else(|_| kind.into(), |g| bound_text(&g)), allowed]
}

/// Names joined by commas, losses with the digits that count, nothing for what there is not.
pub fn cell(v: &Value) -> String {
    match v {
        Value::Null => "-".into(),
        Value::Number(n) if n.is_f64() => number(n.as_f64().unwrap_or(f64::NAN)),
        Value::Array(a) if a.is_empty() => "-".into(),
        Value::Array(a) => a.iter().map(text).collect::<Vec<_>>().join(", "),
        other => text(other),
    }
}

fn is_list_of_objects(v: &Value) -> bool {
    v.as_array().is_some_and(|a| a.iter().any(Value::is_object))
}

/// A report, for people.
pub fn show(r: &Value) -> Result<()> {
    let n = |v: &Value| v.as_u64().unwrap_or(0);
    print(format!(
        "{} in {}: {} times smaller{}",
        bytes(n(&r["original_bytes"])),
        bytes(n(&r["stored_bytes"])),
        number(r["ratio"].as_f64().unwrap_or(0.0)),
        match n(&r["model_bytes"]) {
            0 => String::new(),
            m => format!(
                " ({} without the model, which takes {})",
                number(r["ratio_without_model"].as_f64().unwrap_or(0.0)),
                bytes(m)
            ),
        }
    ))?;
    for m in r["models"].as_array().into_iter().flatten() {
        let place = if m["embedded"] == true { "embedded" } else { "to be supplied" };
        print(format!("model {} ({place})", text(&m["sha256"])))?;
    }
    let head = ["name", "type", "shape", "bound", "allowed", "largest error", "codec", "stored", "ratio"];
    let mut rows = vec![head.map(String::from).to_vec()];
    for v in r["variables"].as_array().into_iter().flatten() {
        let shape: Vec<String> = v["shape"].as_array().into_iter().flatten().map(Value::to_string).collect();
        let error = v["largest_error"].as_f64().map_or(String::new(), number);
        let [given, allowed] = bound_cells(&v["bound"]);
        rows.push(vec![
            text(&v["name"]),
            text(&v["type"]),
            shape.join(" x "),
            given,
            allowed,
            error,
            if v["codec"].is_null() { String::new() } else { text(&v["codec"]) },
            bytes(n(&v["bytes"])),
            number(v["ratio"].as_f64().unwrap_or(0.0)),
        ]);
        for c in v["columns"].as_array().into_iter().flatten() {
            let error = c["largest_error"].as_f64().map_or(String::new(), number);
            let [given, allowed] = bound_cells(&c["bound"]);
            let name = format!("  {}", text(&c["name"]));
            rows.push(vec![name, text(&c["type"]), String::new(), given, allowed, error]);
        }
    }
    print(table(&rows, &[0, 1, 2, 3, 6]))?;
    r["variables"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|v| v["kind"] == "table")
        .try_for_each(show_columns)
}

/// Everything there is to tell of a model, for programs.
pub fn describe(model: &AnyModel) -> Value {
    match model {
        AnyModel::Autoencoder(m) => model_report(m),
        AnyModel::Table(t) => table_report(t),
        AnyModel::Field(f) => field_report(f),
    }
}

/// A model's description; its `sha256` is the decoder's, by which archives name it.
fn model_report(m: &Model) -> Value {
    let last = m.provenance.history.last();
    let decoder = ModelHash::of(&m.frozen.decoder.to_bytes());
    json!({"kind": "model", "sha256": decoder.to_string(), "file_sha256": m.hash().to_string(), "architecture": m.architecture.name, "features": m.features(),
        "latents": m.latents(), "names": m.frozen.decoder.names(), "epochs": m.provenance.history.len(),
        "seed": m.provenance.seed, "precision": m.provenance.precision, "rows": m.provenance.rows,
        "program": m.provenance.program, "train_loss": last.map(|e| e.train_loss), "validation_loss": last.and_then(|e| e.validation_loss)})
}

/// A model of tables; its `sha256` is that by which archives name it.
fn table_report(t: &TrainedTable) -> Value {
    let bytes = t.model.to_bytes();
    let columns = t.model.columns().iter();
    let hidden = |c: &ColumnModel| c.net.as_ref().map_or(0, |n| n.layers[0].outputs());
    let bits = |name: &str| t.provenance.columns.iter().find(|c| c.name == name).and_then(|c| c.bits);
    let columns: Vec<Value> = columns
        .map(|c| {
            let bound = t.bound(&c.name).map(|b| b.to_string());
            json!({"name": c.name, "symbols": c.alphabet.symbols(), "hidden": hidden(c), "bits": bits(&c.name),
                "bound": bound})
        })
        .collect();
    json!({"kind": "table model", "sha256": ModelHash::of(&bytes).to_string(), "bytes": bytes.len(), "columns": columns,
        "seed": t.provenance.seed, "rows": t.provenance.rows, "program": t.provenance.program})
}

/// A model of fields; its `sha256` is that by which archives name it.
fn field_report(f: &TrainedField) -> Value {
    let bytes = f.model.to_bytes();
    let p = &f.provenance;
    let samples: Vec<Value> =
        p.samples.iter().map(|s| json!({"sample": s.name, "shape": s.shape, "bound": s.bound})).collect();
    json!({"kind": "field model", "sha256": ModelHash::of(&bytes).to_string(), "bytes": bytes.len(),
        "for": if f.model.planar() { "two axes" } else { "three axes or more" }, "hidden": f.model.hidden(),
        "epochs": p.history.len(), "seed": p.seed, "bits": p.bits[0], "bits_linear": p.bits[1],
        "program": p.program, "samples": samples})
}

/// Runs it.
pub fn run(args: &Info) -> Result<bool> {
    if !is_standard(&args.input) {
        open_plain(&args.input)?;
    }
    if is_model(&args.input) {
        if args.model.is_some() {
            return Err(Error::invalid("--model goes with an archive").at(args.input.display()));
        }
        let report = describe(&load_model(&args.input)?);
        if args.json {
            print(report)?;
            return Ok(true);
        }
        for (key, value) in
            report.as_object().expect("an object").iter().filter(|(_, v)| !is_list_of_objects(v))
        {
            print(format!("{:16} {}", key.replace('_', " "), cell(value)))?;
        }
        if let Some(columns) = report["columns"].as_array() {
            let head = ["column", "bound", "symbols", "hidden", "bits"];
            let mut rows = vec![head.map(String::from).to_vec()];
            rows.extend(
                columns
                    .iter()
                    .map(|c| head.map(|h| cell(&c[if h == "column" { "name" } else { h }])).to_vec()),
            );
            print(table(&rows, &[0, 1]))?;
        }
        if let Some(samples) = report["samples"].as_array() {
            let head = ["sample", "shape", "bound"];
            let mut rows = vec![head.map(String::from).to_vec()];
            rows.extend(samples.iter().map(|s| head.map(|h| cell(&s[h])).to_vec()));
            print(table(&rows, &[0, 1]))?;
        }
        return Ok(true);
    }
    let model = args.model.as_deref().map(load_model).transpose()?;
    let report = report(&mut open_archive(&args.input, model.as_ref())?)?;
    if args.json {
        print(report)?
    } else {
        show(&report)?
    }
    Ok(true)
}

/// Whether a type takes part in a model by default: numbers, but not identifiers.
pub fn is_feature(dtype: DType) -> bool {
    dtype.is_number() && !matches!(dtype, DType::I64 | DType::U64)
}
