//! What a column's network looks at: the columns that tell most of it.

use super::Column;
use crate::model::table::net::Source;

/// Other columns that a network looks at, at most.
const MOST: usize = 6;
/// Rows on which they are measured at most.
const ROWS: usize = 1 << 15;
/// Groups of about equal size that a column's symbols are put in.
const GROUPS: usize = 16;
/// Bits a row that a column has to tell.
const LEAST: f64 = 0.005;

/// The group of each row's symbol.
pub fn groups(column: &Column) -> Vec<u8> {
    let symbols = &column.symbols[..column.symbols.len().min(ROWS)];
    let mut counts = vec![0usize; column.alphabet.symbols()];
    symbols.iter().for_each(|&s| counts[s as usize] += 1);
    let mut below = 0;
    let group: Vec<u8> = counts
        .iter()
        .map(|c| {
            let middle = below + c / 2;
            below += c;
            (middle * GROUPS / symbols.len()).min(GROUPS - 1) as u8
        })
        .collect();
    symbols.iter().map(|&s| group[s as usize]).collect()
}

/// Bits that the groups `a` tell of the groups `b` of `lag` rows later, less what chance would make of it.
fn information(a: &[u8], b: &[u8], lag: i8) -> f64 {
    let mut both = [0f64; GROUPS * GROUPS];
    let skip = lag.unsigned_abs() as usize;
    let (a, b) = if lag >= 0 { (a, &b[skip.min(b.len())..]) } else { (&a[skip.min(a.len())..], b) };
    let n = a.len().min(b.len());
    for (&a, &b) in a.iter().zip(b) {
        both[a as usize * GROUPS + b as usize] += 1.0;
    }
    let (mut of_a, mut of_b) = ([0.0; GROUPS], [0.0; GROUPS]);
    for (i, &count) in both.iter().enumerate() {
        of_a[i / GROUPS] += count;
        of_b[i % GROUPS] += count;
    }
    let total = n.max(1) as f64;
    let term = |(i, &c): (usize, &f64)| match c {
        0.0 => 0.0,
        c => c / total * (c * total / (of_a[i / GROUPS] * of_b[i % GROUPS])).log2(),
    };
    let used = |of: &[f64]| of.iter().filter(|&&c| c > 0.0).count().max(1) as f64 - 1.0;
    let chance = used(&of_a) * used(&of_b) / (2.0 * total * std::f64::consts::LN_2);
    both.iter().enumerate().map(term).sum::<f64>() - chance
}

/// The sources of column `number`: those before it that tell most, in its row or one off, and its own two rows before.
pub fn choose(groups: &[Vec<u8>], number: usize) -> Vec<Source> {
    let mut found: Vec<(f64, Source)> = (0..number)
        .flat_map(|column| [0, 1, -1].map(|lag| Source { column, lag }))
        .map(|s| (information(&groups[s.column], &groups[number], s.lag), s))
        .filter(|f| f.0 > LEAST)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut sources: Vec<Source> = found.into_iter().take(MOST).map(|f| f.1).collect();
    sources.extend([1, 2].map(|lag| Source { column: number, lag }));
    sources
}
