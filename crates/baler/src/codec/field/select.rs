//! Which base suits a chunk, by the measured bytes of a tile out of its middle.

use super::base::Recipe;
use super::base::bands::Grouping;
use super::coding::{Signal, write_as};
use super::domain::{Domain, Real};

/// The coefficients' step, in eighths of the walk's. Between 10 and 24 the whole file changes by a hundredth or two.
const EIGHTHS: u8 = 16;
/// Up to which class of expected magnitude blocks are asked whether they are all zero: in large chunks and in small ones,
/// for which the contexts of that must be learned first. Against 4, 16 saves half of all decisions of 4 million values (of
/// turbulence at 1e-3) for 0.15 % of the base; it costs 1.5 % of a base of 150 000 values.
const ASKED: [u8; 2] = [16, 4];
/// Values of a large chunk.
const LARGE: usize = 1 << 20;
/// A base is worth trying on no fewer values.
const LEAST: usize = 4096;
/// A tile is one in so many values of the chunk, ...
const SHARE: usize = 24;
/// ... but no fewer and no more than this: smaller ones foretell too little of what contexts learn later.
const TILE: std::ops::Range<usize> = 32_768..65_536;
/// Beyond so many bits a value there is nothing smooth left for a base to tell.
const MOST_BITS: usize = 14;
/// Where the first grouping takes so much more than no base (in sixteenths), no other will do.
const HOPELESS: usize = 17;
/// A base halves the speed, both ways. To be worth that in a large chunk it has to save one byte of so many of the tile; and
/// the tile, which has more of a border to predict across, thinks three times too well of it (turbulence at 1e-3).
const WORTH: usize = 6;
/// A second grouping has to take less than the first by one part in so many: tiles too small for a transform's coarse levels
/// tell such differences wrongly (of a flow at 1e-3, where the first is 6 % smaller on the whole).
const CLEAR: usize = 64;
/// Beyond so many steps f32 no longer resolves a coefficient's.
const MOST_STEPS: f64 = 1e6;

/// The recipe whose walk over a tile takes the fewest bytes; none where that is the walk without a base, or where of a
/// large chunk a base takes more time than it is worth to an encoder that is not `patient`.
pub fn select<D: Domain>(
    domain: D,
    signal: Signal<D::Work>,
    special: &[u8],
    values: &[D::Value],
    patient: bool,
    plain: bool,
) -> Option<Recipe> {
    let Signal { smooth, mean, dims, step } = signal;
    // Without a way out within a block: compilers make vectors of it.
    let (centre, most) = (mean.to_f64(), MOST_STEPS * step);
    let near =
        |block: &[D::Work]| block.iter().fold(true, |all, x| all & ((x.to_f64() - centre).abs() < most));
    if values.len() < LEAST || !smooth.chunks(1024).all(near) {
        return None;
    }
    let tile = Tile::of(dims);
    let (smooth, special) = (tile.cut(smooth, dims), tile.cut(special, dims));
    let values = tile.cut(values, dims);
    let signal = Signal { smooth: &smooth, dims: tile.size, ..signal };
    let bytes = |recipe| {
        let mut out = vec![];
        write_as(&mut out, domain, signal, &special, &mut values.clone(), recipe, plain);
        out.len()
    };
    let without = bytes(None);
    let mut best = (without, None);
    if without * 8 > values.len() * MOST_BITS {
        return None;
    }
    let groupings: &[Grouping] = match dims {
        [1, 1, _] => &[Grouping::Joint],
        [1, ..] => &[Grouping::Joint, Grouping::Apart],
        _ => &[Grouping::Apart, Grouping::Planes],
    };
    let large = dims.iter().product::<usize>() >= LARGE;
    let asked = ASKED[!large as usize];
    let worth = if large && !patient { without - without / WORTH } else { without };
    for &grouping in groupings {
        let recipe = Some(Recipe { grouping, eighths: EIGHTHS, asked });
        let with = bytes(recipe);
        let needed = if best.1.is_none() { worth } else { best.0 - best.0 / CLEAR };
        if with < needed {
            best = (with, recipe);
        }
        if with * 16 > without * HOPELESS {
            break;
        }
    }
    best.1
}

/// A box in the middle of a chunk.
struct Tile {
    start: [usize; 3],
    size: [usize; 3],
}

impl Tile {
    fn of(dims: [usize; 3]) -> Tile {
        let count: usize = dims.iter().product();
        let aim = (count / SHARE).clamp(TILE.start, TILE.end);
        let mut size = dims;
        // The longest axis gives way, so that tiles are about as long as wide.
        while size.iter().product::<usize>() > aim {
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
