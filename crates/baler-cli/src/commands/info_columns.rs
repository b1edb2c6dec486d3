//! What `baler info` tells of a table's columns.

use super::info::{cell, text};
use crate::saying::{count, print, table};
use baler::archive::columns::ColumnCost;
use baler::archive::header::ColumnHeader;
use baler::error::Result;
use serde_json::{Value, json};

/// What a column costs, how its chunks are coded, and by which columns they are explained.
pub fn column_cost(cost: &ColumnCost, columns: &[ColumnHeader]) -> serde_json::Map<String, Value> {
    let codings: Vec<Value> =
        cost.codings.iter().map(|(c, n)| json!({"name": c.name(), "chunks": n})).collect();
    let given: Vec<&str> = cost.given.iter().map(|&(c, _)| columns[c].name.as_str()).collect();
    let without: Vec<[usize; 2]> = cost.without_model.iter().map(|r| [r.start, r.end]).collect();
    let bits = (cost.rows > 0).then(|| cost.bytes as f64 * 8.0 / cost.rows as f64);
    let all = json!({"bytes": cost.bytes, "bits_a_row": bits, "codings": codings, "explained_by": given,
        "without_model": without});
    all.as_object().expect("an object").clone()
}

/// What the columns of a table cost, by chunks' headers.
pub fn show_columns(v: &Value) -> Result<()> {
    let columns: Vec<&Value> = v["columns"].as_array().into_iter().flatten().collect();
    let all: f64 = columns.iter().filter_map(|c| c["bits_a_row"].as_f64()).sum();
    let n = |key: &str| v[key].as_u64().unwrap_or(0) as usize;
    if columns.iter().any(|c| c["bits_a_row"].is_number()) {
        let fell_back = columns.iter().any(|c| c["without_model"] != json!([]));
        let head = ["column", "bits a row", "share", "coded by", "explained by"];
        let mut rows = vec![head.map(String::from).to_vec()];
        if fell_back {
            rows[0].push("rows without the model".into());
        }
        for c in columns {
            let bits = c["bits_a_row"].as_f64().unwrap_or(0.0);
            let share = if all > 0.0 { bits / all * 100.0 } else { 0.0 };
            let mut row = vec![
                text(&c["name"]),
                format!("{bits:.3}"),
                format!("{share:.1} %"),
                codings_text(&c["codings"]),
                cell(&c["explained_by"]),
            ];
            if fell_back {
                row.push(ranges_text(&c["without_model"]));
            }
            rows.push(row);
        }
        rows.push(vec!["all".into(), format!("{all:.3}")]);
        print(format!("\n{}", table(&rows, &[0, 3, 4, 5])))?;
    }
    for (what, chunks) in
        [("not coded by columns", n("chunks_not_by_columns")), ("damaged", n("damaged_chunks"))]
    {
        if chunks > 0 {
            print(format!("{} of {} {what}", count(chunks, "chunk"), text(&v["name"])))?;
        }
    }
    Ok(())
}

/// `mix`, or `net in 3 chunks, mix in 1`.
fn codings_text(codings: &Value) -> String {
    match &codings.as_array().map_or(vec![], Vec::clone)[..] {
        [one] => text(&one["name"]),
        several => {
            let mut several: Vec<(u64, String)> =
                several.iter().map(|c| (c["chunks"].as_u64().unwrap_or(0), text(&c["name"]))).collect();
            several.sort_by_key(|s| std::cmp::Reverse(s.0));
            let of = |(n, name): &(u64, String)| format!("{name} in {}", count(*n as usize, "chunk"));
            several.iter().map(of).collect::<Vec<_>>().join(", ")
        }
    }
}

/// Row ranges that are shown; the rest is counted.
const SHOWN: usize = 3;

/// Row ranges as `--select` takes them.
fn ranges_text(ranges: &Value) -> String {
    let ranges = ranges.as_array().map_or(&[][..], |r| r);
    let mut shown: Vec<String> = ranges.iter().take(SHOWN).map(|r| format!("{}:{}", r[0], r[1])).collect();
    if ranges.len() > SHOWN {
        shown.push(format!("and {} more", ranges.len() - SHOWN));
    }
    shown.join(", ")
}
