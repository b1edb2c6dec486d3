//! `baler decompress`.

use super::{Elsewhere, FileArchive, check_output, model_of, of_data, open_archive, threads, variables};
use crate::args::Decompress;
use crate::formats::{self, Format, WriteOptions};
use crate::import::latents;
use crate::output::is_standard;
use crate::saying::{bar, bytes, number, print};
use baler::archive::header::Kind;
use baler::data::{Dataset, Values};
use baler::error::{Error, Result};
use serde_json::json;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// `A:B`, either of which may be left out.
fn range(text: &str, long: usize) -> Result<Range<usize>> {
    let wrong =
        || Error::invalid(format!("--select {text}: want A:B, rows of the leading axis from A to before B"));
    let (a, b) = text.split_once(':').ok_or_else(wrong)?;
    let end =
        |s: &str, default| if s.is_empty() { Ok(default) } else { s.trim().parse().map_err(|_| wrong()) };
    let rows = end(a, 0)?..end(b, long)?;
    if rows.start > rows.end || rows.end > long {
        return Err(Error::invalid(format!("--select {text} leaves the {long} rows that there are")));
    }
    Ok(rows)
}

fn rows(archive: &FileArchive, variable: usize, select: Option<&str>) -> Result<Option<Range<usize>>> {
    let long = match &archive.header().variables[variable].kind {
        Kind::Field(f) => f.shape.first().copied(),
        Kind::Table(t) => Some(t.rows),
    };
    let no_axis = || Error::invalid("--select: a single value has no axis to select from");
    select.map(|s| range(s, long.ok_or_else(no_axis)?)).transpose()
}

/// The numbers of the columns named, in that order, in the one table that there is.
fn columns(archive: &FileArchive, variable: usize, asked: &[String]) -> Result<Vec<usize>> {
    let v = &archive.header().variables[variable];
    let Kind::Table(t) = &v.kind else {
        return Err(Error::invalid(format!("--columns: '{}' is a field, which has no columns", v.name)));
    };
    let number = |(i, name): (usize, &String)| {
        if asked[..i].contains(name) {
            return Err(Error::invalid(format!("--columns names '{name}' twice")));
        }
        t.columns.iter().position(|c| c.name == *name).ok_or_else(|| {
            let names: Vec<_> = t.columns.iter().map(|c| c.name.as_str()).collect();
            Error::invalid(format!("there is no column '{name}'; there are {}", names.join(", ")))
        })
    };
    asked.iter().enumerate().map(number).collect()
}

/// The tables among `wanted`, where columns are asked for: there must be one.
fn one_table(archive: &FileArchive, wanted: Vec<usize>) -> Result<Vec<usize>> {
    let tables = wanted.iter().filter(|&&v| matches!(archive.header().variables[v].kind, Kind::Table(_)));
    match (tables.clone().count(), &wanted[..]) {
        (1, _) => Ok(tables.copied().collect()),
        (_, [_]) => Ok(wanted),
        (0, _) => Err(Error::invalid("--columns: there is no table, and fields have no columns")),
        _ => {
            let names: Vec<_> = tables.map(|&v| archive.header().variables[v].name.as_str()).collect();
            Err(Error::invalid(format!(
                "--columns: choose a table with --variable from {}",
                names.join(", ")
            )))
        }
    }
}

/// The format asked for, or the extension's; on standard output that of the data.
fn format(args: &Decompress, archive: &FileArchive, wanted: &[usize]) -> Result<Format> {
    match (&args.format, wanted) {
        (Some(name), _) => Format::from_name(name.trim_start_matches('.')),
        (None, &[one]) if is_standard(&args.output) => match archive.header().variables[one].kind {
            Kind::Field(_) => Ok(Format::Npy),
            Kind::Table(_) => Ok(Format::Csv),
        },
        (None, _) if is_standard(&args.output) => {
            let names: Vec<_> = wanted.iter().map(|&v| archive.header().variables[v].name.as_str()).collect();
            Err(Error::invalid(format!(
                "standard output takes one variable; choose with --variable from {}",
                names.join(", ")
            )))
        }
        _ => Format::of(&args.output).map_err(|e| e.at(args.output.display())),
    }
}

/// Runs it.
pub fn run(args: &Decompress) -> Result<bool> {
    if latents::is_one(&args.input) {
        return super::decompress_latents::run(args);
    }
    let model = model_of(&args.coding)?;
    let threads = threads(args.coding.threads)?;
    let mut archive = open_archive(&args.input, model.as_ref())?;
    if args.frame.is_some() {
        return Err(Error::invalid(
            "--frame is for a compressed.npz of Baler's Python prototype; archives tell their shape",
        ));
    }
    let mut wanted = variables(&archive, args.variable.as_deref())?;
    let mut only = None;
    if let Some(asked) = &args.columns {
        wanted = one_table(&archive, wanted)?;
        only = Some(columns(&archive, wanted[0], asked)?);
    }
    let place = |e: Error| of_data(e, &args.input);
    let from: Vec<&Path> =
        [&args.input].into_iter().chain(&args.coding.model).map(PathBuf::as_path).collect();
    check_output(&args.output, &from)?;
    let format = format(args, &archive, &wanted)?;
    let options = WriteOptions { force: args.force, format: Some(format), ..WriteOptions::default() };
    let destination = formats::create(&args.output, &options)?;
    let bar = bar("decompressing", !args.saying.quiet && !args.saying.json);
    let begun = Instant::now();
    let (seconds, original);
    let mut elsewhere = Elsewhere::default();
    if let [one] = wanted[..] {
        // One variable goes through piece by piece, whatever its size.
        let name = archive.header().variables[one].name.clone();
        let rows = rows(&archive, one, args.select.as_deref())?;
        original = match archive.header().variables[one].kind.clone() {
            Kind::Field(field) => {
                let mut shape = field.shape.clone();
                if let Some(r) = &rows {
                    shape[0] = r.len();
                }
                let count: usize = shape.iter().product();
                bar.set_length(count as u64);
                let mut sink = destination.field(&name, field.dtype, &shape)?;
                let take = |values: Values| {
                    bar.inc(values.len() as u64);
                    sink.write(&values).map_err(|e| elsewhere.keep(e))
                };
                let read = archive.field_rows(one, &field, rows, threads, take);
                read.map_err(elsewhere.or(place))?;
                seconds = begun.elapsed().as_secs_f64();
                sink.finish()?;
                (count * field.dtype.size().expect("fields have fixed-size types")) as u64
            }
            Kind::Table(table) => {
                let chosen = only.unwrap_or_else(|| (0..table.columns.len()).collect());
                let named = |&c: &usize| (table.columns[c].name.clone(), table.columns[c].dtype);
                let count = rows.as_ref().map_or(table.rows, |r| r.len());
                bar.set_length(count as u64);
                let mut sink =
                    destination.table(&name, &chosen.iter().map(named).collect::<Vec<_>>(), count)?;
                let mut bytes = 0;
                let take = |runs: Vec<Values>| {
                    bar.inc(runs.first().map_or(0, Values::len) as u64);
                    bytes += runs.iter().map(|v| v.byte_len() as u64).sum::<u64>();
                    sink.write(&runs).map_err(|e| elsewhere.keep(e))
                };
                let read = archive.column_rows(one, &chosen, rows, threads, take);
                read.map_err(elsewhere.or(place))?;
                seconds = begun.elapsed().as_secs_f64();
                sink.finish()?;
                bytes
            }
        };
    } else {
        let mut data = Dataset::default();
        for v in wanted {
            let rows = rows(&archive, v, args.select.as_deref())?;
            let name = archive.header().variables[v].name.clone();
            data.variables.push((name, archive.read(v, rows, threads).map_err(place)?));
        }
        seconds = begun.elapsed().as_secs_f64();
        original = data.variables.iter().map(|(_, v)| v.byte_len()).sum::<usize>() as u64;
        destination.write(&data)?;
    }
    bar.finish_and_clear();
    let speed = original as f64 / 1e6 / seconds;
    if is_standard(&args.output) {
        return Ok(true);
    }
    if args.saying.json {
        print(
            json!({"output": args.output.to_string_lossy(), "bytes": original, "seconds": seconds, "mb_per_s": speed}),
        )?;
    } else {
        print(format!("{}: {}, {} MB/s", args.output.display(), bytes(original), number(speed)))?;
    }
    Ok(true)
}
