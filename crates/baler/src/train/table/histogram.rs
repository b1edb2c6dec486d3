//! How often each bin of a column occurs, given another column of few symbols where that helps.

use super::Column;
use crate::model::table::net::{Histogram, MOST_CELLS};

/// Bits that a bin which occurs costs in a model that serves many times the sample, about.
const ENTRY_BITS: f64 = 2.0;
/// The share of a row's probability that the histogram is taken to give; the rest is spread over all bins. Without such
/// a rest, a histogram of some sharp classes and some smooth ones is never chosen for its sharp ones.
const SHARE: f64 = 0.5;

/// The histogram that tells most of column `number` over the rows of `train`, each row left out of what tells of it.
pub fn choose(columns: &[Column], number: usize, train: &[u32]) -> Histogram {
    let own = &columns[number];
    let bins = own.alphabet.bins().len();
    let classes = |c: &Column| c.alphabet.symbols();
    let given = (0..number).filter(|&c| columns[c].alphabet.is_class());
    let small = given.filter(|&c| classes(&columns[c]) * bins <= MOST_CELLS);
    let candidates = std::iter::once(None).chain(small.map(Some));
    let measured = candidates.map(|given| {
        let class = |row: u32| given.map_or(0, |g| columns[g].symbols[row as usize] as usize);
        let count = given.map_or(1, |g| classes(&columns[g]));
        let mut masses = vec![0u32; count * bins];
        let mut sums = vec![0u32; count];
        for &row in train {
            let symbol = own.symbols[row as usize] as usize;
            if symbol < bins {
                masses[class(row) * bins + symbol] += 1;
                sums[class(row)] += 1;
            }
        }
        let cost = |row: &u32| {
            let symbol = own.symbols[*row as usize] as usize;
            if symbol >= bins {
                return 0.0;
            }
            let c = class(*row);
            let share = (masses[c * bins + symbol] as f64 - 1.0) / sums[c] as f64;
            -(SHARE * share + (1.0 - SHARE) / bins as f64).log2()
        };
        let entries = masses.iter().filter(|&&m| m > 0).count() as f64;
        (train.iter().map(cost).sum::<f64>() + ENTRY_BITS * entries, Histogram { given, masses })
    });
    measured.min_by(|a, b| a.0.total_cmp(&b.0)).expect("one that is given nothing").1
}
