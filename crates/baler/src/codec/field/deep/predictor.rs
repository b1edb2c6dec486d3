//! Two linear predictors that learn as they go: one from all values seen, one from those nearby.
//!
//! Values nearby, in the rows and planes before, were often made by the same process as the one to come: a filter
//! fitted to them (Wu, Barthel and Zhang, "Piecewise 2D autoregression for predictive image coding", 1998; Meyer and
//! Tischer's TMW, 1997) misses it by far less than one that has to serve a whole chunk. Both sides fit it to what both
//! have seen, so it costs no bits. A plane is cut into tiles; each keeps the normal equations of its values, and
//! a fit is to the tiles around, those of the plane before included.

use super::normal::{BATCH, Features, Normal, Sample, TAPS};

/// A neighbour's place relative to the value predicted: planes, rows and columns.
type Tap = (isize, isize, isize);

/// Columns of a tile; its rows.
pub const WIDTH: usize = BATCH;
const HEIGHT: usize = 8;
/// Columns of a tile on a line, which has neighbours on one side only.
const LINE_WIDTH: usize = 64;
/// Tiles are fitted anew whenever so many rows are done.
const EVERY: usize = 4;
/// Columns after which the predictor from all values is fitted anew, besides at each row's start.
const LONG: usize = 256;
/// Most tiles to a row of them and to a plane: beyond, they are longer or higher.
const MOST_TILES: usize = 1024;

/// Of tiles that touch by a corner, and of the plane before.
const CORNER: f64 = 0.7;
const BEFORE: f64 = 0.7;
/// All values together count as so many nearby.
const GLOBAL: f64 = 1.0;
/// Ridge for each unit of weight.
const RIDGE: f64 = 0.03;

/// Taps on a line: the values before the one before.
const LINE: [Tap; 16] = {
    let mut taps = [(0, 0, 0); 16];
    let mut i = 0;
    while i < 16 {
        taps[i] = (0, 0, -2 - i as isize);
        i += 1;
    }
    taps
};

/// Taps in a plane.
const PLANE: [Tap; 16] = [
    (0, 0, -2),
    (0, 0, -3),
    (0, -1, -2),
    (0, -1, -1),
    (0, -1, 0),
    (0, -1, 1),
    (0, -1, 2),
    (0, -2, -1),
    (0, -2, 0),
    (0, -2, 1),
    (0, -3, 0),
    (0, -2, -2),
    (0, -2, 2),
    (0, -1, 3),
    (0, -1, -3),
    (0, -3, 1),
];

/// Taps in space.
const SPACE: [Tap; 32] = [
    (0, 0, -2),
    (0, 0, -3),
    (0, -1, -2),
    (0, -1, -1),
    (0, -1, 0),
    (0, -1, 1),
    (0, -1, 2),
    (0, -2, -1),
    (0, -2, 0),
    (0, -2, 1),
    (0, -3, 0),
    (-1, 0, -2),
    (-1, 0, -1),
    (-1, 0, 0),
    (-1, 0, 1),
    (-1, 0, 2),
    (-1, -1, -1),
    (-1, -1, 0),
    (-1, -1, 1),
    (-1, 1, -1),
    (-1, 1, 0),
    (-1, 1, 1),
    (-1, -2, 0),
    (-1, 2, 0),
    (-2, 0, 0),
    (-2, 0, -1),
    (-2, 0, 1),
    (-2, -1, 0),
    (-2, 1, 0),
    (-3, 0, 0),
    (0, -1, 3),
    (0, -2, 2),
];

/// The neighbours that predict a plane's values.
pub fn taps(line: bool, first: bool) -> &'static [Tap] {
    match (line, first) {
        (true, _) => &LINE,
        (_, true) => &PLANE,
        _ => &SPACE,
    }
}

/// The weights before anything is learned: west, plus what the planes that the taps span say of the slope.
fn start(taps: &[Tap]) -> Features {
    let mut w = [0.0; TAPS];
    let slopes = [((0, -1, 0), (0, -1, -1)), ((-1, 0, 0), (-1, 0, -1))];
    let place = |tap| taps.iter().position(|&t| t == tap);
    let found = slopes.map(|(up, down)| place(up).zip(place(down)));
    let share = 1.0 / found.iter().flatten().count().max(1) as f64;
    for (up, down) in found.into_iter().flatten() {
        (w[up], w[down]) = (share, -share);
    }
    w
}

/// What has been learned of a chunk.
pub struct Predictor {
    /// Planes, rows, columns.
    dims: [usize; 3],
    /// Columns and rows of a tile; tiles to a row of them, and rows of tiles kept of each plane.
    width: usize,
    height: usize,
    across: usize,
    down: usize,
    /// Of the plane before and this one, plane z in place z mod 2.
    tiles: [Vec<Normal>; 2],
    /// From all values of planes like this one.
    all: Normal,
    /// The weights from all values; those from each tile's neighbourhood.
    pub global: Features,
    local: Vec<Features>,
    /// How many taps serve this plane.
    n: usize,
    batch: [Sample; BATCH],
    filled: usize,
}

impl Predictor {
    /// Before the first plane.
    pub fn new(dims: [usize; 3]) -> Self {
        let [nz, ny, nx] = dims;
        let least = if ny == 1 && nz == 1 { LINE_WIDTH } else { WIDTH };
        let width = nx.div_ceil(MOST_TILES).next_multiple_of(least);
        let across = nx.div_ceil(width);
        let mut height = HEIGHT;
        // One plane needs two rows of tiles, the others all.
        while nz > 1 && across * ny.div_ceil(height) > MOST_TILES {
            height *= 2;
        }
        let down = if nz > 1 { ny.div_ceil(height) } else { 2 };
        let tiles = || vec![Normal::NEW; across * down];
        Predictor {
            dims,
            width,
            height,
            across,
            down,
            tiles: [tiles(), if nz > 1 { tiles() } else { vec![] }],
            all: Normal::NEW,
            global: [0.0; TAPS],
            local: vec![[0.0; TAPS]; across],
            n: 0,
            batch: [Sample::NONE; BATCH],
            filled: 0,
        }
    }

    /// Begins plane `z`, predicted from `taps`.
    pub fn open_plane(&mut self, z: usize, taps: &[Tap]) {
        if z <= 1 {
            self.n = taps.len();
            self.all = Normal::NEW;
            self.global = start(taps);
            if z == 1 {
                // What they hold is of other taps.
                self.tiles[0].fill(Normal::NEW);
            }
        }
    }

    /// Begins column `x` of row `y`: the weights for it and the columns up to the next multiple of [`WIDTH`].
    #[inline(always)]
    pub fn open(&mut self, z: usize, y: usize, x: usize) {
        let n = self.n;
        if x.is_multiple_of(LONG) {
            let ridge = RIDGE * self.all.weight().max(1.0);
            self.global = self.all.solve(ridge, &self.global, n);
        }
        if !x.is_multiple_of(self.width) {
            return;
        }
        let (row, column) = (y / self.height, x / self.width);
        let place = |row: usize, column: usize| row % self.down * self.across + column;
        if y.is_multiple_of(self.height) && x == 0 {
            // They held an older plane's, or row's.
            self.tiles[z % 2][place(row, 0)..][..self.across].fill(Normal::NEW);
        }
        if !y.is_multiple_of(EVERY) {
            return;
        }
        let mut sums = Normal::NEW;
        sums.add(&self.all, GLOBAL / self.all.weight().max(GLOBAL), n);
        for r in row.saturating_sub(1)..=row + 1 {
            for c in column.saturating_sub(1)..=column + 1 {
                if r * self.height >= self.dims[1] || c >= self.across {
                    continue;
                }
                let share = if r != row && c != column { CORNER } else { 1.0 };
                if r <= row {
                    sums.add(&self.tiles[z % 2][place(r, c)], share, n);
                }
                if z > 1 {
                    sums.add(&self.tiles[(z + 1) % 2][place(r, c)], share * BEFORE, n);
                }
            }
        }
        self.local[column] = sums.solve(RIDGE * sums.weight().max(1.0), &self.global, n);
    }

    /// The weights learned nearby.
    #[inline(always)]
    pub fn local(&self, x: usize) -> &Features {
        &self.local[x / self.width]
    }

    /// Learns from a value.
    #[inline(always)]
    pub fn learn(&mut self, sample: Sample) {
        self.batch[self.filled] = sample;
        self.filled += 1;
    }

    /// Ends the columns that [`Predictor::open`] began, of which `x` is one.
    #[inline(always)]
    pub fn close(&mut self, z: usize, y: usize, x: usize) {
        self.batch[self.filled..].fill(Sample::NONE);
        self.filled = 0;
        let sums = Normal::of(&self.batch, self.n);
        let place = y / self.height % self.down * self.across + x / self.width;
        self.tiles[z % 2][place].add(&sums, 1.0, self.n);
        self.all.add(&sums, 1.0, self.n);
    }
}
