//! What a column's network looks at: the columns that tell most of it together.

use super::Column;
use crate::model::table::net::Source;

/// What a network looks at, at most.
const MOST: usize = 8;
/// Sources of which those are chosen, at most: the ones that tell most by themselves.
const LIKELY: usize = 24;
/// Rows on which they are measured at most.
const ROWS: usize = 1 << 15;
/// Groups of about equal size that a column's symbols are put in.
const GROUPS: usize = 16;
/// Bits a row that a source has to tell: each takes time.
const LEAST: f64 = 0.01;

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

/// The groups `lag` rows before each row, but the first two and the last, which have not all lags.
fn shifted(groups: &[u8], lag: i8) -> &[u8] {
    let rows = groups.len().saturating_sub(3);
    groups.get((2 - lag) as usize..).and_then(|g| g.get(..rows)).unwrap_or(&[])
}

/// How often groups of one occur with those of another.
type Counts = [u32; GROUPS * GROUPS];

/// Bits that one tells of the other, in all, less what chance would make of it.
fn told(both: &Counts) -> f64 {
    let (mut of_a, mut of_b, mut total) = ([0.0; GROUPS], [0.0; GROUPS], 0.0);
    for (i, &count) in both.iter().enumerate() {
        of_a[i / GROUPS] += count as f64;
        of_b[i % GROUPS] += count as f64;
        total += count as f64;
    }
    let term = |(i, &c): (usize, &u32)| match c as f64 {
        0.0 => 0.0,
        c => c * (c * total / (of_a[i / GROUPS] * of_b[i % GROUPS])).log2(),
    };
    let used = |of: &[f64]| of.iter().filter(|&&c| c > 0.0).count().max(1) as f64 - 1.0;
    let chance = used(&of_a) * used(&of_b) / (2.0 * std::f64::consts::LN_2);
    both.iter().enumerate().map(term).sum::<f64>() - chance
}

/// Bits a row that the groups `a` tell of the groups `b`.
fn information(a: &[u8], b: &[u8]) -> f64 {
    let mut both = [0; GROUPS * GROUPS];
    a.iter().zip(b).for_each(|(&a, &b)| both[a as usize * GROUPS + b as usize] += 1);
    told(&both) / a.len().max(1) as f64
}

/// Bits a row that the groups `a` tell of the groups `b` where the groups `known` are known. Of few rows groups are put together:
/// where most cells of three columns are empty, what chance makes of them is less than what is taken off for it, and columns
/// that tell much would seem to tell nothing.
fn conditional(known: &[u8], a: &[u8], b: &[u8]) -> f64 {
    let coarser = match a.len() {
        0..1024 => 2,
        1024..8192 => 1,
        _ => 0,
    };
    let mut counts = [[0; GROUPS * GROUPS]; GROUPS];
    for ((&known, &a), &b) in known.iter().zip(a).zip(b) {
        counts[(known >> coarser) as usize][(a >> coarser) as usize * GROUPS + (b >> coarser) as usize] += 1;
    }
    counts.iter().map(told).sum::<f64>() / a.len().max(1) as f64
}

/// The sources of column `number`, of those before it, in its row or one off, and of its own two rows before: one after the other
/// the one that tells most where any of those taken is known. Of columns that tell the same, one is enough (Fleuret, "Fast
/// binary feature selection with conditional mutual information", 2004).
pub fn choose(groups: &[Vec<u8>], number: usize) -> Vec<Source> {
    let own = shifted(&groups[number], 0);
    let of = |s: Source| shifted(&groups[s.column], s.lag);
    let others = (0..number).flat_map(|column| [0, 1, -1].map(|lag| Source { column, lag }));
    let mut left: Vec<(f64, Source)> = others
        .chain([1, 2].map(|lag| Source { column: number, lag }))
        .map(|s| (information(of(s), own), s))
        .filter(|f| f.0 > LEAST)
        .collect();
    left.sort_by(|a, b| b.0.total_cmp(&a.0));
    left.truncate(LIKELY);
    let mut sources = vec![];
    while let Some(most) = (0..left.len()).reduce(|best, i| if left[i].0 > left[best].0 { i } else { best }) {
        let (tells, taken) = left.swap_remove(most);
        if tells <= LEAST || sources.len() == MOST {
            break;
        }
        sources.push(taken);
        left.iter_mut().for_each(|(tells, s)| *tells = tells.min(conditional(of(taken), of(*s), own)));
    }
    sources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_columns_that_tell_the_same_one_is_taken() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (state >> 28) as u8
        };
        let (a, b): (Vec<u8>, Vec<u8>) = (0..6000).map(|_| (next(), next() / 4)).unzip();
        let sum: Vec<u8> = a.iter().zip(&b).map(|(a, b)| (a / 2 + b) % 16).collect();
        let late = [&[0], &sum[..sum.len() - 1]].concat();
        let source = |column, lag| Source { column, lag };
        assert_eq!(choose(&[a.clone(), a.clone(), b.clone(), sum.clone()], 3), [source(0, 0), source(2, 0)]);
        assert_eq!(choose(&[a.clone(), sum, late], 2), [source(1, 1)]);
        assert_eq!(choose(&[a], 0), []);
        for rows in 0..5 {
            assert_eq!(choose(&[vec![1; rows], vec![2; rows]], 1), []);
        }
    }

    #[test]
    fn few_rows_tell_what_many_do() {
        for rows in [400, 900, 1100, 3000, 8000, 9000, 20_000] {
            let mut random = crate::train::rng::Random::new(7);
            let mut signal = || -> Vec<f32> { (0..rows).map(|_| random.signed_unit()).collect() };
            let (x, y, noise, error) = (signal(), signal(), signal(), signal());
            let grouped = |v: &[f32]| -> Vec<u8> {
                let mut sorted = v.to_vec();
                sorted.sort_by(f32::total_cmp);
                v.iter().map(|x| (sorted.partition_point(|s| s < x) * GROUPS / rows) as u8).collect()
            };
            let z: Vec<f32> = (0..rows).map(|i| x[i] + 0.8 * y[i] + 0.3 * error[i]).collect();
            let all = [&x, &y, &noise, &z].map(|v| grouped(v));
            let mut found = choose(&all, 3);
            found.truncate(2); // chance may add one of few rows
            found.sort_by_key(|s| s.column);
            let real: Vec<Source> = [0, 1].map(|column| Source { column, lag: 0 }).into();
            assert_eq!(found, real, "{rows} rows");
        }
    }
}
