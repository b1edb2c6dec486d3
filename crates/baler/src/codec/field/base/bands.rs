//! Which axes are split how often, and the bands of coefficients that this makes.

/// How axes are taken together: axes of one group are halved in turns, one group after the other. Products of
/// one-dimensional bands suit data whose axes are unlike (time and space), and may be far smaller there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Grouping {
    /// All axes together.
    Joint = 0,
    /// Planes apart from rows and columns.
    Planes = 1,
    /// Every axis apart.
    Apart = 2,
}

impl Grouping {
    /// Every grouping, in the order of their tags.
    pub const ALL: [Grouping; 3] = [Grouping::Joint, Grouping::Planes, Grouping::Apart];

    /// The group of each axis.
    fn groups(self) -> [usize; 3] {
        match self {
            Grouping::Joint => [0, 0, 0],
            Grouping::Planes => [0, 1, 1],
            Grouping::Apart => [0, 1, 2],
        }
    }
}

/// Axes shorter than this are not halved.
const LEAST: usize = 8;
/// An axis is halved at most so often.
const MOST_LEVELS: usize = 6;

/// One halving: the first `size` along `axis`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Split {
    /// How much of the array, from its first corner.
    pub size: [usize; 3],
    /// 0 planes, 1 rows, 2 columns.
    pub axis: usize,
}

/// A box of coefficients of one scale and direction.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// Where it starts.
    pub start: [usize; 3],
    /// How many along each axis.
    pub len: [usize; 3],
    /// How often each axis has been halved.
    pub scale: [u8; 3],
    /// Bit a for an axis whose differences these are.
    pub high: u8,
    /// Bands of the same direction one scale coarser, one a group; the lowest band where there is none.
    pub parents: Vec<usize>,
    /// Bands of the same scale and other directions, coded before.
    pub siblings: Vec<usize>,
}

/// A band of one group of axes alone.
struct Part {
    start: [usize; 3],
    len: [usize; 3],
    scale: [u8; 3],
    high: u8,
    parent: Option<usize>,
    siblings: Vec<usize>,
}

/// The halvings of an array of `dims`, in order, and the bands that they make, coarse before fine.
pub fn plan(dims: [usize; 3], grouping: Grouping) -> (Vec<Split>, Vec<Band>) {
    let groups = grouping.groups();
    let mut splits = vec![];
    let mut all: Vec<Vec<Part>> = vec![];
    for group in 0..=groups[2] {
        let axes: Vec<usize> = (0..3).filter(|&a| groups[a] == group).collect();
        all.push(part(dims, &axes, &mut splits));
    }
    let counts: Vec<usize> = all.iter().map(Vec::len).collect();
    let total: usize = counts.iter().product();
    let strides: Vec<usize> = (0..all.len()).map(|g| counts[g + 1..].iter().product()).collect();
    let band = |t: usize| {
        let mut band =
            Band { start: [0; 3], len: dims, scale: [0; 3], high: 0, parents: vec![], siblings: vec![] };
        for (g, parts) in all.iter().enumerate() {
            let i = t / strides[g] % counts[g];
            let p = &parts[i];
            for a in (0..3).filter(|&a| groups[a] == g) {
                (band.start[a], band.len[a], band.scale[a]) = (p.start[a], p.len[a], p.scale[a]);
            }
            band.high |= p.high;
            band.parents.extend(p.parent.map(|q| t - (i - q) * strides[g]));
            band.siblings.extend(p.siblings.iter().map(|q| t - (i - q) * strides[g]));
        }
        band
    };
    (splits, (0..total).map(band).collect())
}

/// The bands of the group of `axes`, coarse before fine; appends its halvings.
fn part(dims: [usize; 3], axes: &[usize], splits: &mut Vec<Split>) -> Vec<Part> {
    let mut sizes = vec![dims];
    let mut masks = vec![];
    while masks.len() < MOST_LEVELS {
        let size = sizes[sizes.len() - 1];
        let mask = axes.iter().filter(|&&a| size[a] >= LEAST).fold(0u8, |m, &a| m | 1 << a);
        if mask == 0 {
            break;
        }
        let mut next = size;
        for a in (0..3).rev().filter(|a| mask >> a & 1 == 1) {
            splits.push(Split { size, axis: a });
            next[a] = size[a].div_ceil(2);
        }
        masks.push(mask);
        sizes.push(next);
    }
    let scale_below = |level: usize| -> [u8; 3] {
        std::array::from_fn(|a| masks[..level].iter().filter(|&m| m >> a & 1 == 1).count() as u8)
    };
    let levels = masks.len();
    let low = Part {
        start: [0; 3],
        len: sizes[levels],
        scale: scale_below(levels),
        high: 0,
        parent: None,
        siblings: vec![],
    };
    let mut parts = vec![low];
    // The band of each direction, one level coarser.
    let mut coarser = [0usize; 8];
    for level in (0..levels).rev() {
        let (size, next, mask) = (sizes[level], sizes[level + 1], masks[level]);
        let mut here = [0usize; 8];
        let mut siblings = vec![];
        for high in (1..8u8).filter(|h| h & !mask == 0) {
            let is_high = |a: usize| high >> a & 1 == 1;
            let start = std::array::from_fn(|a| if is_high(a) { next[a] } else { 0 });
            let len = std::array::from_fn(|a| if is_high(a) { size[a] - next[a] } else { next[a] });
            let known = level + 1 < levels;
            let parent = Some(if known { coarser[(high & masks[level + 1]) as usize] } else { 0 });
            here[high as usize] = parts.len();
            let others = siblings.clone();
            siblings.push(parts.len());
            parts.push(Part { start, len, scale: scale_below(level + 1), high, parent, siblings: others });
        }
        coarser = here;
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_tile_the_array_and_follow_what_they_refer_to() {
        for dims in [[1, 1, 1], [1, 1, 100], [1, 33, 70], [60, 50, 50], [7, 9, 200], [16, 8, 8], [64, 64, 64]]
        {
            for grouping in Grouping::ALL {
                let (_, bands) = plan(dims, grouping);
                let mut seen = vec![0u8; dims.iter().product()];
                for (i, b) in bands.iter().enumerate() {
                    assert!(b.parents.iter().chain(&b.siblings).all(|&r| r < i));
                    for r in b.parents.iter().map(|&p| &bands[p]) {
                        assert!((0..3).all(|a| b.scale[a] <= r.scale[a]), "{dims:?}");
                    }
                    for r in b.siblings.iter().map(|&p| &bands[p]) {
                        assert_eq!(r.scale, b.scale);
                    }
                    for z in 0..b.len[0] {
                        for y in 0..b.len[1] {
                            for x in 0..b.len[2] {
                                let [sz, sy, sx] = b.start;
                                seen[((z + sz) * dims[1] + y + sy) * dims[2] + x + sx] += 1;
                            }
                        }
                    }
                }
                assert!(seen.iter().all(|&n| n == 1), "{dims:?} {grouping:?}");
            }
        }
    }
}
