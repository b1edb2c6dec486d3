//! The encoder's choices for a chunk of a table: which columns each is coded given, and how.
//!
//! Functions of other columns first, then everything else in the file's order: other orders (rising or falling
//! entropy, a spanning tree of mutual information) were within one percent of it on real tables, rarely below.

use super::function::{self, Function};
use super::integers::{self, Way};
use super::mix::context::{MOST_LABELS, MOST_PARENTS};
use super::mix::linear::Linear;
use super::mix::network;
use super::mix::{self, Foreseen, MOST_LEVELS, On, Shape, fit};
use super::{Columns, mix::tree::Kind};

/// Rows by which mutual information is measured.
const SAMPLE: usize = 8192;
/// Rows by which shapes are tried: an eighth of all, but no fewer than these.
const LEAST_TRIED: usize = 4096;
/// Rows that a prediction is fitted to.
const FITTED: usize = 2048;
/// Columns among which a network's inputs are searched, those that tell the most alone.
const MOST_CANDIDATES: usize = 32;
/// A network's first input has to tell so much alone, in bits a row.
const TELLING: f64 = 0.05;
/// Integers that take no more bytes than this alone are not worth a network.
const WORTH_A_NETWORK: usize = 1024;
/// A column is compared with those that stand no farther from it in the file: the time for a table grows with its columns then,
/// and not with their square (5 us a pair of 2000 rows).
const NEAR: usize = 512;
/// Columns of at most this many values are looked at together.
const MOST_LABEL_VALUES: usize = 16;
/// More columns than this are not searched for sums of two.
const MOST_FOR_SUMS: usize = 64;
/// Integers that take no more bytes than this alone need no company.
const SMALL: usize = 24;

/// Codes each column's integers: ways and all.
pub fn code(columns: Vec<Vec<i64>>) -> Vec<Vec<u8>> {
    let mut plain: Vec<Vec<u8>> = columns
        .iter()
        .map(|c| {
            let mut out = vec![];
            integers::write(&mut out, c);
            out
        })
        .collect();
    if columns.first().is_none_or(|c| c.is_empty()) {
        return plain;
    }
    let functions = functions(&columns, &plain);
    let base: Vec<usize> = (0..columns.len()).filter(|&c| functions[c].is_none()).collect();
    let few: Vec<bool> = columns.iter().map(|c| few_values(c)).collect();
    let mut columns = Columns::new(columns);
    for c in 0..plain.len() {
        if let Some((function, on)) = &functions[c] {
            let mut out = vec![Way::Function as u8];
            function::write(&mut out, function, on);
            keep(&mut plain[c], out);
        }
        // A function that takes little is not worth comparing with.
        if plain[c].len() <= SMALL.max(columns.integers(c).len() / 400) {
            continue;
        }
        let may = |&b: &usize| b.abs_diff(c) <= NEAR && (b < c || functions[c].is_some());
        let before: Vec<usize> = base.iter().copied().filter(may).collect();
        let (on, candidates) = relatives(c, &before, &few, &mut columns);
        let out = mixed(c, on, candidates, &mut columns, &plain[c]);
        keep(&mut plain[c], out);
    }
    plain
}

fn keep(best: &mut Vec<u8>, candidate: Vec<u8>) {
    if candidate.len() < best.len() {
        *best = candidate;
    }
}

fn few_values(column: &[i64]) -> bool {
    let mut seen: Vec<i64> = vec![];
    column.iter().all(|v| {
        if !seen.contains(v) {
            seen.push(*v);
        }
        seen.len() <= MOST_LABEL_VALUES
    })
}

/// The function of other columns that a column follows, with these, if it does.
type Found = Option<(Function, Vec<usize>)>;

/// For each column, a function of columns that are none themselves, where it is one of few bytes.
fn functions(columns: &[Vec<i64>], plain: &[Vec<u8>]) -> Vec<Found> {
    let count = columns.len();
    let mut found: Vec<Found> = vec![None; count];
    // Others may not become functions once a column is one of them: then there are no cycles.
    let mut needed = vec![false; count];
    let bytes = |f: &Function| {
        let mut out = vec![];
        function::write(&mut out, f, &[0, 0]);
        out.len()
    };
    for c in 0..count {
        if plain[c].len() <= SMALL || needed[c] {
            continue;
        }
        let sources = || (c.saturating_sub(NEAR)..count.min(c + NEAR + 1)).filter(|&s| s != c);
        let usable: Vec<usize> =
            sources().filter(|&s| found[s].is_none() && plain[s].len() > SMALL / 2).collect();
        let of_one = usable.iter().find_map(|&s| {
            let f = function::find(&columns[c], &[&columns[s]])?;
            // Of two that tell each other, the first in the file tells.
            if s > c && function::find(&columns[s], &[&columns[c]]).is_some() {
                return None;
            }
            (bytes(&f) * 2 < plain[c].len()).then_some((f, vec![s]))
        });
        let of_two = || {
            let pairs =
                usable.iter().enumerate().flat_map(|(i, &a)| usable[i + 1..].iter().map(move |&b| [a, b]));
            pairs.take_while(|_| count <= MOST_FOR_SUMS).find_map(|[a, b]| {
                let f = function::find_linear(&columns[c], &[&columns[a], &columns[b]])?;
                Some((f, vec![a, b]))
            })
        };
        found[c] = of_one.or_else(of_two);
        if let Some((_, on)) = &found[c] {
            on.iter().for_each(|&s| needed[s] = true);
        }
    }
    found
}

/// Those of the columns `before` that tell the most of column `c`: up to four in their own right, and those of few
/// values together; and candidates for a network, with how many of them may be its first input.
fn relatives(c: usize, before: &[usize], few: &[bool], columns: &mut Columns) -> (On, (Vec<usize>, usize)) {
    let rows = columns.integers(c).len();
    let step = rows.div_ceil(SAMPLE);
    let of = |columns: &mut Columns, c: usize| -> Vec<u8> {
        columns.sixteenths(c).iter().copied().step_by(step).collect()
    };
    let own = of(columns, c);
    let mut told: Vec<(f64, usize)> =
        before.iter().map(|&b| (mutual_information(&own, &of(columns, b)), b)).collect();
    told.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    // Together with others, a column may tell much that tells nothing alone.
    let candidates = told.iter().take(MOST_CANDIDATES).map(|t| t.1).collect();
    // Independent columns seem to tell ten times this (Miller and Madow's correction for 16 x 16 cells).
    let noise = 16.0 / own.len() as f64;
    let telling = told.iter().take(MOST_CANDIDATES).take_while(|t| t.0 > TELLING.max(15.0 * noise)).count();
    told.retain(|t| t.0 > noise);
    let parents: Vec<usize> = told.iter().take(MOST_PARENTS).map(|t| t.1).collect();
    let labels = told.iter().map(|t| t.1).filter(|&b| few[b]).take(MOST_LABELS).collect();
    (On { parents, labels, inputs: vec![] }, (candidates, telling))
}

/// In bits a row, of columns by their sixteenths.
fn mutual_information(a: &[u8], b: &[u8]) -> f64 {
    let mut joint = [[0u32; 16]; 16];
    a.iter().zip(b).for_each(|(&a, &b)| joint[a as usize & 15][b as usize & 15] += 1);
    let entropy = |counts: &mut dyn Iterator<Item = u32>| -> f64 {
        let n = a.len() as f64;
        counts.filter(|&k| k > 0).map(|k| -(k as f64 / n) * (k as f64 / n).log2()).sum()
    };
    let h_a = entropy(&mut joint.iter().map(|r| r.iter().sum()));
    let h_b = entropy(&mut (0..16).map(|j| joint.iter().map(|r| r[j]).sum()));
    h_a + h_b - entropy(&mut joint.iter().flatten().copied())
}

/// Column `c` given others, in the shape that does best on a sample.
fn mixed(
    c: usize,
    mut on: On,
    (candidates, telling): (Vec<usize>, usize),
    columns: &mut Columns,
    plain: &[u8],
) -> Vec<u8> {
    let values = columns.integers(c).to_vec();
    // Where differences do better alone, they do so in company.
    let delta = plain[0] == Way::Delta as u8;
    let integers = if delta { mix::differences(&values) } else { values.clone() };
    let leaves = fit::leaves(&integers);
    let widest = match leaves.kind {
        Kind::Entries => 0,
        Kind::Runs => leaves.list.iter().map(|l| 64 - (l.width - 1).leading_zeros()).max().unwrap_or(0),
    };
    let most = widest.min(MOST_LEVELS as u32).min(12) as u8;
    let foreseeable = leaves.kind == Kind::Runs && !delta;
    let mut shape = Shape { leaves, levels: most, delta, foreseen: None };
    let sample = &integers[..integers.len().min(LEAST_TRIED.max(integers.len() / 8))];
    let linear = if foreseeable {
        let given = columns.given(&on);
        Linear::fit(&sample[..sample.len().min(FITTED)], &given.parents)
    } else {
        None
    };
    let network = if foreseeable && plain.len() > WORTH_A_NETWORK {
        let candidates: Vec<&[i64]> = candidates.iter().map(|&b| columns.integers(b)).collect();
        network::fit(&values, &candidates, telling)
    } else {
        None
    };
    let mut levels = 0;
    if most > 0 || linear.is_some() || network.is_some() {
        let mut fewest;
        (levels, fewest) = mix::measure(sample, &shape, &columns.given(&on));
        let tried = linear.map(Foreseen::Linear).into_iter().chain(network.map(Foreseen::Network));
        for foreseen in tried {
            let mut given = on.clone();
            let mut weights = vec![];
            match &foreseen {
                Foreseen::Linear(linear) => linear.write(&mut weights),
                Foreseen::Network(network) => {
                    given.inputs = network.inputs().map(|i| candidates[i]).collect();
                    network.write(&mut weights, 0);
                }
            }
            let tried = Shape { foreseen: Some(foreseen), ..shape.clone() };
            let (tried_levels, bits) = mix::measure(sample, &tried, &columns.given(&given));
            let bits = bits + 8.0 * weights.len() as f64 * sample.len() as f64 / values.len() as f64;
            if bits < fewest {
                (levels, fewest, on) = (tried_levels, bits, given);
                shape.foreseen = tried.foreseen;
            }
        }
    }
    shape.levels = levels;
    let mut out = vec![Way::Mix as u8];
    mix::write(&mut out, &values, &shape, &on, columns);
    out
}
