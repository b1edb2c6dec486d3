//! Rows in lanes: each lane has a run of rows, and all lanes advance together, so that the rows before cost no
//! parallelism.

use super::kernel::LANES;

/// How the rows of a chunk lie in lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Rows in all.
    pub rows: usize,
    /// Rows of a lane, the last ones' fewer: steps in all.
    pub steps: usize,
    /// Lanes.
    pub lanes: usize,
}

/// Fewer rows a lane than this make the lanes' own bytes, four each, count too much.
const LEAST_ROWS: usize = 512;

impl Layout {
    /// `rows` in 2^`log` lanes, at most [`LANES`].
    pub fn new(rows: usize, log: u32) -> Layout {
        let lanes = (1 << log).min(LANES);
        Layout { rows, steps: rows.div_ceil(lanes), lanes }
    }

    /// The binary logarithm of the lanes that an encoder takes.
    pub fn log(rows: usize) -> u32 {
        (rows / LEAST_ROWS).clamp(1, LANES).ilog2()
    }

    /// Lanes that still have a row at a step: the first so many.
    pub fn active(&self, step: usize) -> usize {
        (self.rows - step).div_ceil(self.steps).min(self.lanes)
    }

    /// The row of a lane at a step.
    pub fn row(&self, step: usize, lane: usize) -> usize {
        lane * self.steps + step
    }
}

/// The symbols of one column as the lanes meet them: from two steps before the first to one after the last, `absent`
/// where there is no row.
#[derive(Debug, Clone)]
pub struct Laned {
    layout: Layout,
    symbols: Vec<u16>,
}

/// Steps before the first.
const BEFORE: usize = 2;

impl Laned {
    /// All absent.
    pub fn absent(layout: Layout, absent: u16) -> Laned {
        Laned { layout, symbols: vec![absent; (layout.steps + BEFORE + 1) * LANES] }
    }

    /// A column that is known: in a lane's first rows, the rows before are the lane's before it.
    pub fn known(layout: Layout, symbols: &[u16], absent: u16) -> Laned {
        let mut all = Laned::absent(layout, absent);
        for lane in 0..layout.lanes {
            let first = layout.row(0, lane);
            for place in 0..layout.steps + BEFORE + 1 {
                let row = (first + place).checked_sub(BEFORE);
                if let Some(&s) = row.and_then(|r| symbols.get(r)) {
                    all.symbols[place * LANES + lane] = s;
                }
            }
        }
        all
    }

    /// The layout.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// A step's symbols, `lag` steps back.
    pub fn at(&self, step: usize, lag: i8) -> &[u16; LANES] {
        let place = (step + BEFORE).wrapping_add_signed(-lag as isize);
        self.symbols[place * LANES..][..LANES].try_into().expect("a step's lanes")
    }

    /// See [`Laned::at`].
    pub fn at_mut(&mut self, step: usize) -> &mut [u16; LANES] {
        (&mut self.symbols[(step + BEFORE) * LANES..][..LANES]).try_into().expect("a step's lanes")
    }

    /// The symbols row after row.
    pub fn rows(&self) -> Vec<u16> {
        let Layout { rows, steps, lanes } = self.layout;
        let mut all = vec![0; rows];
        // Some steps of all lanes at a time, which stay in the cache.
        const BLOCK: usize = 64;
        for first in (0..steps).step_by(BLOCK) {
            let block = &self.symbols[(first + BEFORE) * LANES..];
            for (lane, run) in all.chunks_mut(steps).enumerate().take(lanes) {
                let run = run.get_mut(first..).unwrap_or_default();
                run.iter_mut().zip(block.chunks_exact(LANES)).take(BLOCK).for_each(|(s, at)| *s = at[lane]);
            }
        }
        all
    }

    /// Which of so many symbols occur, what is not there included.
    pub fn occurring(&self, symbols: usize) -> Vec<bool> {
        // Of long columns nearly all do, and to look is not worth it.
        let mut occur = vec![self.symbols.len() > 8 * symbols; symbols];
        if !occur[0] {
            self.symbols.iter().for_each(|&s| occur[s as usize] = true);
        }
        occur
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_one_place() {
        for rows in [1, 2, 31, 32, 33, 63, 64, 65, 100, 1000, 2049] {
            for log in 0..=5 {
                let layout = Layout::new(rows, log);
                let coded: usize = (0..layout.steps).map(|t| layout.active(t)).sum();
                assert_eq!(coded, rows, "{layout:?}");
                let symbols: Vec<u16> = (0..rows as u16).collect();
                let laned = Laned::known(layout, &symbols, u16::MAX);
                assert_eq!(laned.rows(), symbols);
                for t in 0..layout.steps {
                    for s in 0..layout.active(t) {
                        let row = layout.row(t, s);
                        assert_eq!(laned.at(t, 0)[s] as usize, row);
                        for lag in [-1i8, 1, 2] {
                            let other = row.checked_add_signed(-lag as isize).filter(|&r| r < rows);
                            assert_eq!(laned.at(t, lag)[s], other.map_or(u16::MAX, |r| r as u16));
                        }
                    }
                }
            }
        }
    }
}
