//! Which base suits a chunk: its axes by the size of coefficients, whether it pays by the measured bytes of a tile out of
//! the chunk's middle.

use super::base::Recipe;
use super::base::bands::Grouping;
use super::coding::{Signal, Task, write_base, write_over};
use super::dispatch::base_analyse;
use super::domain::{Domain, Real};
use super::taps::{Sampling, tap_count};

/// The coefficients' step, in eighths of the walk's, by how many bits a value they may take (see [`Estimate`]): up to
/// each of these, the last beyond all. Very smooth data are best told by the base alone, and noise by the walk; in between
/// the whole file changes by a hundredth or two from 10 to 24.
const EIGHTHS: [(f64, u8); 6] =
    [(0.025, 40), (0.04, 24), (0.25, 16), (1.4, 12), (2.4, 16), (f64::INFINITY, 32)];
/// Up to which class of expected magnitude blocks are asked whether they are all zero: in large chunks and in small ones,
/// for which the contexts of that must be learned first. Against 4, 16 saves half of all decisions of 4 million values (of
/// turbulence at 1e-3) for 0.15 % of the base; it costs 1.5 % of a base of 150 000 values.
const ASKED: [u8; 2] = [16, 4];
/// Values of a large chunk.
const LARGE: usize = 1 << 20;
/// A base is worth trying on no fewer values.
const LEAST: usize = 4096;
/// Groupings are told apart by the coefficients of so many values: these cost little, and need nothing to be learned.
const TRANSFORMED: usize = 131_072;
/// Whether a base pays is told by coding a tile, of one in so many values of the chunk, ...
const SHARE: usize = 16;
/// ... but of about so many at least, and no more than this: smaller ones foretell too little of what contexts learn later.
const CODED: std::ops::Range<usize> = 12_288..65_536;
/// Where places are passed over, they may all lie outside a small tile, where they cost the walk nothing and a base its
/// edges: no fewer than this, and no benefit of the doubt (a combustor at 1e-4 would be 6 % larger).
const PASSING: usize = 32_768;
/// A tile's weights need not be the best.
const SAMPLING: Sampling = Sampling { enough: 4096, sparse: 4, few: 2048 };
/// What a base's contexts have to learn on a tile, and not again on what is larger than it, in bytes: the root of so many
/// times the tile's bytes (4.5 times their root), ...
const LEARNED: usize = 20;
/// ... and one part in so many: a small tile's transform sees less of what is far away.
///
/// With both, of 135 chunks (22 arrays within 1e-1 to 1e-5 of their range) the worse way is taken for one at 1e-2 and finer,
/// 4 % larger, and for two at 1e-1, 85 and 143 bytes larger; with 150 bytes and a fiftieth it was for two and three.
const BORDER: usize = 64;
/// A base that takes more of what it may take with the walk over it need not be walked over. Of 201 tiles (28 arrays within
/// 1e-1 to 1e-5 of their range) the bases of those that gain a hundredth or more by one take 73 % at most.
const HEAVY: (usize, usize) = (25, 32);
/// A tile that takes no more bytes without a base has nothing to tell: up to 62 of these are weights.
const NOTHING: usize = 96;
/// Beyond so many bits a value there is nothing smooth left for a base to tell.
const MOST_BITS: usize = 14;
/// A base halves the speed, both ways. To be worth that in a large chunk it has to save one byte of so many of the tile; and
/// tiles of such chunks, which have more of a border for the walk to predict across, think three times too well of it
/// (turbulence at 1e-3), so that they are allowed nothing.
const WORTH: usize = 6;
/// Beyond so many steps f32 no longer resolves a coefficient's.
const MOST_STEPS: f64 = 1e6;

/// What a tile tells of a chunk.
pub struct Selected {
    /// The likeliest recipe, where a base seems to make the chunk smaller.
    pub recipe: Option<Recipe>,
    /// What the chunk should take.
    pub foretold: Foretold,
}

/// What is foretold of a chunk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Foretold {
    /// That there is no other way.
    Only,
    /// No more bytes than so many: else the other way is to be tried.
    Bytes(usize),
    /// Nothing: the chunk is small, so both ways are tried on all of it. That takes no more time than a large part of it twice.
    Nothing,
}

/// A chunk that takes so many times what its tile foretold, in halves, is not like it.
const UNLIKE: usize = 3;
/// And it takes so much more at least, in bytes.
const UNLIKE_BY: usize = 256;

/// Whether a base pays, by a tile; of a large chunk, whether it seems to be worth its time, which to a `patient` encoder is
/// nothing.
pub fn select<D: Domain>(task: Task<D>, values: &[D::Value], patient: bool) -> Selected {
    let Task { signal, special, portable, .. } = task;
    let Signal { smooth, mean, dims, step, .. } = signal;
    // Without a way out within a block: compilers make vectors of it.
    let (centre, most) = (mean.to_f64(), MOST_STEPS * step);
    let near =
        |block: &[D::Work]| block.iter().fold(true, |all, x| all & ((x.to_f64() - centre).abs() < most));
    if values.len() < LEAST || !smooth.chunks(1024).all(near) {
        return Selected { recipe: None, foretold: Foretold::Only };
    }
    let count = values.len();
    let passing = special.iter().any(|&s| s != 0);
    let least = if passing { PASSING } else { CODED.start };
    let tile = Tile::of(dims, (count / SHARE).clamp(least, CODED.end));
    if passing && 2 * tile.size.iter().product::<usize>() > count {
        return Selected { recipe: None, foretold: Foretold::Nothing };
    }
    let (coded, special) = (tile.cut(smooth, dims), tile.cut(special, dims));
    let values = tile.cut(values, dims);
    let here = Signal { smooth: &coded, dims: tile.size, sampling: SAMPLING, ..signal };
    let here = Task { signal: here, special: &special, ..task };
    let walk = |mut out: Vec<u8>, base: Option<&_>| {
        write_over(&mut out, here, &mut values.clone(), base);
        out.len()
    };
    let without = walk(vec![], None);
    let weights = 2 * tap_count(dims);
    let chosen = |recipe, bytes: usize| {
        let whole = weights + bytes.saturating_sub(weights) * count / values.len();
        Selected { recipe, foretold: Foretold::Bytes(whole * UNLIKE / 2 + UNLIKE_BY) }
    };
    if without <= NOTHING || without * 8 > values.len() * MOST_BITS {
        return chosen(None, without);
    }
    let recipe = likely(signal, portable);
    let needed = if passing || count >= LARGE && !patient {
        enough(without, count, patient)
    } else {
        // Of what a tile is allowed, as much as there is of the chunk beyond it.
        let allowed = without / BORDER + (LEARNED * without).isqrt();
        without + allowed * (count - values.len()) / count
    };
    let mut out = vec![];
    let base = write_base(&mut out, here, recipe);
    if too_heavy(out.len(), needed) {
        return chosen(None, without);
    }
    match walk(out, Some(&base)) {
        with if with < needed => chosen(Some(recipe), with),
        _ => chosen(None, without),
    }
}

/// The recipe that suits a chunk best, if any does.
pub fn likely<W: Real>(signal: Signal<W>, portable: bool) -> Recipe {
    let Estimate { grouping, bits } = Estimate::of(signal, portable);
    let &(_, eighths) = EIGHTHS.iter().find(|(most, _)| bits < *most).expect("the last is beyond all");
    Recipe { grouping, eighths, asked: ASKED[(signal.smooth.len() < LARGE) as usize] }
}

/// Whether a base of so many bytes is no good with any walk over it, where both have to take less than `needed`.
pub fn too_heavy(base: usize, needed: usize) -> bool {
    base * HEAVY.1 > needed * HEAVY.0
}

/// What a chunk of `count` values has to take less than with a base, where it takes so many bytes without: a large one's base
/// has to be worth its time, unless the encoder is `patient`.
pub fn enough(without: usize, count: usize, patient: bool) -> usize {
    if count >= LARGE && !patient { without - without / WORTH } else { without }
}

/// Whether a chunk of `count` values that takes `with` bytes over a base and `without` without is better coded over it.
pub fn better(with: usize, without: usize, count: usize, patient: bool) -> bool {
    with < enough(without, count, patient)
}

/// The grouping whose coefficients seem to take the fewest bits, and how many a value.
///
/// A coefficient of size a, in steps of twice the walk's, is counted as log2(1 + a) bits. The sum is a third of what is
/// written in the end; but it puts the groupings in the order of their bytes in all but one of 161 cases.
struct Estimate {
    grouping: Grouping,
    bits: f64,
}

impl Estimate {
    fn of<W: Real>(Signal { smooth, mean, dims, step, .. }: Signal<W>, portable: bool) -> Estimate {
        let groupings: &[Grouping] = match dims {
            [1, 1, _] => &[Grouping::Joint],
            [1, ..] => &[Grouping::Joint, Grouping::Apart],
            _ => &Grouping::ALL,
        };
        let tile = Tile::of(dims, TRANSFORMED);
        let (offset, inverse) = (mean.to_f64(), 0.5 / step);
        let v: Vec<f32> =
            tile.cut(smooth, dims).iter().map(|x| ((x.to_f64() - offset) * inverse) as f32).collect();
        let bits = |&grouping: &Grouping| {
            let mut v = v.clone();
            base_analyse(&mut v, tile.size, grouping, portable);
            let bits = v.iter().map(|x| log2_above(x.abs()) as u64).sum::<u64>();
            Estimate { grouping, bits: bits as f64 / (v.len() as f64 * (1 << 23) as f64) }
        };
        groupings.iter().map(bits).min_by(|a, b| a.bits.total_cmp(&b.bits)).expect("some grouping")
    }
}

/// log2(1 + a) in units of 2^-23, between powers of two by a straight line.
fn log2_above(a: f32) -> u32 {
    (1.0 + a).to_bits() - 1f32.to_bits()
}

/// A box in the middle of a chunk.
struct Tile {
    start: [usize; 3],
    size: [usize; 3],
}

impl Tile {
    /// One of no more than `most` values.
    fn of(dims: [usize; 3], most: usize) -> Tile {
        let mut size = dims;
        // The longest axis gives way, so that tiles are about as long as wide.
        while size.iter().product::<usize>() > most {
            let longest = (0..3).max_by_key(|&a| size[a]).expect("three axes");
            size[longest] -= size[longest].div_ceil(8);
        }
        Tile { start: std::array::from_fn(|a| (dims[a] - size[a]) / 2), size }
    }

    /// The tile's part of `values` of `dims`, if there are any.
    fn cut<T: Copy>(&self, values: &[T], dims: [usize; 3]) -> Vec<T> {
        if values.is_empty() {
            return vec![];
        }
        let [z0, y0, x0] = self.start;
        let mut part = Vec::with_capacity(self.size.iter().product());
        for z in z0..z0 + self.size[0] {
            for y in y0..y0 + self.size[1] {
                part.extend_from_slice(&values[(z * dims[1] + y) * dims[2] + x0..][..self.size[2]]);
            }
        }
        part
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::super::coding::{Choice, write, write_as};
    use super::super::domain::Absolute;
    use super::*;

    #[test]
    fn logarithms_are_near_and_never_overflow() {
        for a in [0.0f32, 1e-6, 0.3, 1.0, 2.5, 1000.0, 1e30] {
            let found = log2_above(a) as f64 / (1 << 23) as f64;
            assert!((found - (1.0 + a as f64).log2()).abs() < 0.09, "{a}: {found}");
        }
        for a in [f32::MAX, f32::INFINITY, f32::NAN] {
            assert!(log2_above(a) >= log2_above(1e30));
        }
    }

    /// What is selected for `v` within a step.
    fn selected(v: &[f32], dims: [usize; 3], step: f32) -> Option<Recipe> {
        let domain = Absolute::<f32>::new(step, 0.0, step as f64 / 2.0);
        let signal = Signal { smooth: v, mean: 0.0, dims, step: step as f64, sampling: Sampling::PLAIN };
        select(Task { domain, signal, special: &[], portable: true }, v, false).recipe
    }

    #[test]
    fn tiles_that_are_not_like_their_chunk_do_not_decide() {
        let dims = [1, 300, 400];
        let places = || (0..300 * 400).map(|i| (i / 400, i % 400));
        let quiet = |y: usize, x: usize| (80..220).contains(&y) && (100..300).contains(&x);
        // Waves all around, and nothing, or noise, in the middle.
        let wave = |y: usize, x: usize| (y as f32 * 0.05).sin() * (x as f32 * 0.04).sin() * 30.0;
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (state >> 8) as f32 * 1e-8
        };
        let empty: Vec<f32> = places().map(|(y, x)| if quiet(y, x) { 0.0 } else { wave(y, x) }).collect();
        let rough: Vec<f32> =
            places().map(|(y, x)| if quiet(y, x) { wave(y, x) } else { noise() * 40.0 }).collect();
        for (v, step) in [(&empty, 0.02), (&rough, 0.02)] {
            let domain = Absolute::<f32>::new(step, 0.0, step as f64 / 2.0);
            let signal = Signal { smooth: v, mean: 0.0, dims, step: step as f64, sampling: Sampling::PLAIN };
            let task = Task { domain, signal, special: &[], portable: true };
            let mut sizes: Vec<usize> = [None, Some(likely(signal, true))]
                .map(|recipe| {
                    let mut out = vec![];
                    write_as(&mut out, task, &mut v.clone(), recipe);
                    out.len()
                })
                .into();
            sizes.sort_unstable();
            let Selected { foretold, .. } = select(task, v, false);
            assert!(matches!(foretold, Foretold::Bytes(n) if n < sizes[0]), "{foretold:?} {sizes:?}");
            let mut out = vec![];
            write(&mut out, task, v, &mut v.clone(), Choice::Level(Level::Default));
            assert_eq!(out.len(), sizes[0], "{sizes:?}");
        }
    }

    #[test]
    fn smooth_fields_get_a_base_and_noise_gets_none() {
        let dims = [24, 40, 48];
        let places = || (0..24 * 40 * 48).map(|i| (i / 40 / 48, i / 48 % 40, i % 48));
        // Parabolas with a few bends a line.
        let bent = |i: usize, n: usize| {
            let t = (i % n) as f32 / n as f32;
            t * (1.0 - t) * if (i / n).is_multiple_of(2) { 4.0 } else { -4.0 }
        };
        let smooth: Vec<f32> =
            places().map(|(z, y, x)| bent(z, 13) * 3.0 + bent(y, 17) * bent(x, 21) * 5.0).collect();
        assert!(selected(&smooth, dims, 1e-3).is_some());
        let mut state = 1u32;
        let noise: Vec<f32> = places()
            .map(|_| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                (state >> 8) as f32 * 1e-7
            })
            .collect();
        assert_eq!(selected(&noise, dims, 1e-2), None);
        // Too few values, nothing to tell, and numbers that single precision does not resolve.
        assert_eq!(selected(&smooth[..4000], [1, 40, 100], 1e-3), None);
        assert_eq!(selected(&vec![0.0; smooth.len()], dims, 1e-3), None);
        assert_eq!(selected(&smooth, dims, 1e-9), None);
    }
}
