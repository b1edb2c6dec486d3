//! The magnitudes of a band's coefficients, with room around them.

/// Values whose surroundings are summed up at a time.
pub const BLOCK: usize = 16;
/// Magnitudes are capped at this where they serve as context, so that sums of them fit 16 bits.
pub const CAP: u32 = 1023;
/// Padding around a band's magnitudes.
const PAD: usize = 2;

/// The magnitudes of one band, padded with zeros. A band of one row, or of one plane, is its own neighbour there:
/// padding would take several times its room.
pub struct Magnitudes {
    values: Vec<u16>,
    /// Distance between rows and between planes; 0 where there is only one.
    pub row: usize,
    /// See `row`.
    pub plane: usize,
    width: usize,
    first: usize,
    /// Which rows are not all zero.
    loud: Vec<bool>,
}

impl Magnitudes {
    /// All zero, of a band's size.
    pub fn new([nz, ny, nx]: [usize; 3]) -> Self {
        let width = nx + 2 * PAD;
        let (rows, row) = if ny > 1 { (ny + 2 * PAD, width) } else { (1, 0) };
        let (planes, plane) = if nz > 1 { (nz + 2 * PAD, rows * width) } else { (1, 0) };
        Magnitudes {
            values: vec![0; planes * rows * width + BLOCK],
            row,
            plane,
            width,
            first: PAD * (1 + row + plane),
            loud: vec![false; planes * rows],
        }
    }

    /// Where a row starts.
    pub fn at(&self, z: usize, y: usize) -> usize {
        self.first + z * self.plane + y * self.row
    }

    /// A block's worth from a place on.
    #[inline(always)]
    pub fn block(&self, at: usize) -> &[u16; BLOCK] {
        self.values[at..].first_chunk().expect("padded")
    }

    /// Notes the indices of a row that starts `at`, once it is done: where it is its own neighbour, it sees zeros.
    #[inline(always)]
    pub fn note(&mut self, at: usize, indices: &[i32]) {
        let mut any = 0;
        for (m, k) in self.values[at..][..indices.len()].iter_mut().zip(indices) {
            *m = k.unsigned_abs().min(CAP) as u16;
            any |= *m;
        }
        self.loud[at / self.width] |= any != 0;
    }

    /// Whether a row of another band that starts `at`, and its neighbours, are all zero.
    pub fn silent_around(&self, at: usize) -> bool {
        [at - self.plane, at - self.row, at, at + self.row, at + self.plane]
            .iter()
            .all(|at| !self.loud[at / self.width])
    }

    /// Whether the rows before the one that starts `at` are all zero, as far as they tell of it.
    pub fn silent_before(&self, at: usize) -> bool {
        let (row, plane) = (self.row, self.plane);
        [at - row, at - 2 * row, at - plane, at - plane - row, at + row - plane, at - 2 * plane]
            .iter()
            .all(|at| !self.loud[at / self.width])
    }
}
