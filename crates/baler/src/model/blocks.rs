//! Rows of a field: how a model's rows are cut out of a chunk, and put back (format.md, section 7).

use crate::codec::MOST_CHUNK;
use crate::error::{Error, ErrorKind, Result};

/// Axes of a tile, at most.
pub const MOST_AXES: usize = 8;

/// What a row of a field is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Blocks {
    /// All behind one index of the leading axis.
    #[default]
    Frames,
    /// As many values after each other as a row has, in C order: Baler's `convert_to_blocks`, a plain reshape.
    Runs,
    /// A box of these extents along the last axes. Where an axis is no multiple, the last boxes hang over: values
    /// beyond the edge repeat the last one within, and are dropped on the way back. As many axes as the field make tiles
    /// of several frames.
    Tiles(Vec<usize>),
}

impl Blocks {
    /// Itself, if rows of `features` values can be cut this way.
    pub fn checked(self, features: usize) -> Result<Blocks> {
        match &self {
            Blocks::Tiles(e)
                if !(1..=MOST_AXES).contains(&e.len())
                    || e.iter().try_fold(1usize, |n, &x| n.checked_mul(x)) != Some(features) =>
            {
                Err(Error::invalid(format!("tiles of {e:?} are not rows of {features} values")))
            }
            _ => Ok(self),
        }
    }

    /// Rows of `features` values in a chunk of this shape. Errors where it has none of them, or where edges would blow
    /// it up beyond what a chunk may hold.
    pub fn rows(&self, shape: &[usize], features: usize) -> Result<usize> {
        let count =
            shape.iter().try_fold(1usize, |n, &x| n.checked_mul(x)).filter(|&n| n > 0 && features > 0);
        let rows = count.and_then(|count| match self {
            Blocks::Frames => {
                let rows = *shape.first()?;
                (rows.checked_mul(features) == Some(count)).then_some(rows)
            }
            Blocks::Runs => Some(count.div_ceil(features)),
            Blocks::Tiles(e) => {
                let (lead, d) = shape.split_at_checked(shape.len().checked_sub(e.len())?)?;
                let tiles = d.iter().zip(e).map(|(d, e)| d.div_ceil(*e));
                lead.iter().copied().chain(tiles).try_fold(1usize, |n, x| n.checked_mul(x))
            }
        });
        let rows = rows.ok_or_else(|| {
            Error::invalid(format!("a chunk of shape {shape:?} has no {self} of {features} values"))
        })?;
        match rows.saturating_mul(features) <= MOST_CHUNK {
            true => Ok(rows),
            false => Err(Error::new(
                ErrorKind::LimitExceeded,
                format!(
                    "{rows} {self} of {features} values from a chunk of shape {shape:?} are over 2^24 values"
                ),
            )),
        }
    }

    /// The rows of a chunk (`values` of this `shape`), end to end.
    pub fn cut<T: Copy>(&self, values: &[T], shape: &[usize], features: usize) -> Result<Vec<T>> {
        let rows = self.rows(shape, features)?;
        let mut out = Vec::with_capacity(rows * features);
        match self {
            Blocks::Frames => out.extend_from_slice(values),
            Blocks::Runs => {
                out.extend_from_slice(values);
                out.resize(rows * features, values[values.len() - 1]);
            }
            Blocks::Tiles(e) => lines(shape, e, |line| {
                let run = &values[line.at..][..line.inside];
                out.extend_from_slice(run);
                out.extend(std::iter::repeat_n(run[run.len() - 1], line.length - line.inside));
            }),
        }
        Ok(out)
    }

    /// The inverse of [`Blocks::cut`], for rows as many and as long as its.
    pub fn join<T: Copy + Default>(&self, rows: &[T], shape: &[usize], features: usize) -> Result<Vec<T>> {
        if self.rows(shape, features)? * features != rows.len() {
            return Err(Error::invalid(format!("{} values are not the rows of {shape:?}", rows.len())));
        }
        let count = shape.iter().product();
        let Blocks::Tiles(e) = self else { return Ok(rows[..count].to_vec()) };
        let mut out = vec![T::default(); count];
        let mut from = 0;
        lines(shape, e, |line| {
            if line.own {
                out[line.at..][..line.inside].copy_from_slice(&rows[from..][..line.inside]);
            }
            from += line.length;
        });
        Ok(out)
    }
}

impl std::fmt::Display for Blocks {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            Blocks::Frames => f.write_str("frames"),
            Blocks::Runs => f.write_str("runs"),
            Blocks::Tiles(e) => {
                write!(f, "{} tiles", e.iter().map(usize::to_string).collect::<Vec<_>>().join("x"))
            }
        }
    }
}

/// A line of a tile along the last axis.
struct Line {
    /// Where it begins in the chunk.
    at: usize,
    /// How long it is, and how much of that is within the chunk.
    length: usize,
    inside: usize,
    /// Whether it is a line of the chunk's own rather than a repetition of one.
    own: bool,
}

/// Calls `see` for every line of every tile, in the order of rows.
fn lines(shape: &[usize], extents: &[usize], mut see: impl FnMut(Line)) {
    let m = extents.len();
    let d = &shape[shape.len() - m..];
    let lead: usize = shape[..shape.len() - m].iter().product();
    let volume: usize = d.iter().product();
    let tiles: Vec<usize> = d.iter().zip(extents).map(|(d, e)| d.div_ceil(*e)).collect();
    let length = extents[m - 1];
    let within = extents.iter().product::<usize>() / length;
    for l in 0..lead {
        for tile in 0..tiles.iter().product() {
            for line in 0..within {
                let (mut tile, mut line) = (tile, line);
                let first = tile % tiles[m - 1] * length;
                tile /= tiles[m - 1];
                let (mut at, mut size, mut own) = (first, d[m - 1], true);
                for axis in (0..m - 1).rev() {
                    let place = tile % tiles[axis] * extents[axis] + line % extents[axis];
                    (tile, line) = (tile / tiles[axis], line / extents[axis]);
                    own &= place < d[axis];
                    at += place.min(d[axis] - 1) * size;
                    size *= d[axis];
                }
                see(Line { at: l * volume + at, length, inside: length.min(d[m - 1] - first), own });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_boxes_and_their_edges_repeat() {
        let values: Vec<i32> = (0..15).collect(); // 3 x 5
        let tiles = Blocks::Tiles(vec![2, 3]);
        let rows = tiles.cut(&values, &[3, 5], 6).unwrap();
        assert_eq!(
            rows,
            [[0, 1, 2, 5, 6, 7], [3, 4, 4, 8, 9, 9], [10, 11, 12, 10, 11, 12], [13, 14, 14, 13, 14, 14]]
                .concat()
        );
        assert_eq!(Blocks::Runs.cut(&values, &[3, 5], 4).unwrap()[12..], [12, 13, 14, 14]);
    }

    #[test]
    fn rows_come_back_as_the_chunk_they_were() {
        let kinds = [
            (Blocks::Frames, 20),
            (Blocks::Runs, 7),
            (Blocks::Tiles(vec![3]), 3),
            (Blocks::Tiles(vec![2, 3]), 6),
            (Blocks::Tiles(vec![9, 9]), 81),
            (Blocks::Tiles(vec![3, 4, 5]), 60),
            (Blocks::Tiles(vec![2, 1, 2]), 4),
        ];
        for shape in [&[6, 4, 5][..], &[1, 4, 5], &[7, 20], &[3, 2, 2, 5]] {
            let values: Vec<u32> = (0..shape.iter().product::<usize>() as u32).collect();
            for (blocks, features) in &kinds {
                let Ok(rows) = blocks.cut(&values, shape, *features) else {
                    assert!(
                        matches!(blocks, Blocks::Tiles(e) if e.len() > shape.len()),
                        "{blocks} {shape:?}"
                    );
                    continue;
                };
                assert_eq!(rows.len(), blocks.rows(shape, *features).unwrap() * features);
                assert_eq!(blocks.join(&rows, shape, *features).unwrap(), values, "{blocks} {shape:?}");
            }
        }
    }

    #[test]
    fn misfits_are_errors() {
        assert!(Blocks::Frames.rows(&[4, 5], 4).is_err() && Blocks::Frames.rows(&[], 1).is_err());
        assert!(Blocks::Tiles(vec![2, 2]).rows(&[9], 4).is_err());
        assert!(Blocks::Runs.rows(&[0, 3], 3).is_err());
        assert!(Blocks::Tiles(vec![1 << 10, 1 << 10]).rows(&[17, 1, 1], 1 << 20).is_err());
        assert!(Blocks::Tiles(vec![2, 2]).checked(5).is_err() && Blocks::Tiles(vec![]).checked(1).is_err());
        assert!(Blocks::Tiles(vec![usize::MAX, 2]).checked(4).is_err());
    }
}
