//! A flow past a square: the vortex street of von Karman, Baler's own example, at any size.

use super::lattice::{Lattice, Obstacle};
use super::random::Random;
use crate::data::{Array, Values};

/// Speed of the stream in sites per step: a compromise between cost and compressibility.
const SPEED: f32 = 0.1;
/// Viscosity in sites squared per step. Held fixed, so that the Reynolds number grows with the picture
/// (120 at 96 rows, 1280 at 1024) and large frames are not merely smooth enlargements of small ones.
const VISCOSITY: f32 = 0.02;
/// The smallest lattice that resolves the wake. Smaller frames are samples of a finer lattice.
const FINEST_SMALL: usize = 96;
/// Steps on the coarsest lattice: about thirty passages of the obstacle, until vortices are shed.
const SPIN_UP: usize = 4000;
/// Steps on every finer one, to forget the interpolation.
const SETTLE: usize = 128;

/// Frames of the velocity along the stream, in units of the stream's speed; 0 in the obstacle.
///
/// The flow is computed as it is asked for, so that any number of frames takes the memory of one.
///
/// Cost: 72 bytes a site; 4 to 16 time steps a frame (fewer where frames are large), and once about 4000 steps
/// of a lattice of some hundred rows. See the benchmark at the end of this file for the speed.
#[derive(Debug, Clone)]
pub struct Flow {
    lattice: Lattice,
    /// Lattice sites a pixel, along each axis.
    sites: usize,
    steps: usize,
    frame: Vec<f32>,
}

impl Flow {
    /// A developed flow over `height` x `width` pixels, both at least 1; the seed disturbs the inflow.
    pub fn new(height: usize, width: usize, seed: u64) -> Flow {
        assert!(height > 0 && width > 0, "a frame has at least one pixel");
        let sites = FINEST_SMALL.div_ceil(height.min(width));
        let (rows, columns) = (height * sites, width * sites);
        // Vortices form on a coarse lattice, where that is cheap, then are refined level by level.
        let levels = (rows.min(columns) / FINEST_SMALL).ilog2();
        let mut lattice = level(rows >> levels, columns >> levels, seed);
        (0..SPIN_UP).for_each(|_| lattice.step());
        for k in (0..levels).rev() {
            let mut finer = level(rows >> k, columns >> k, seed);
            finer.refine_from(&lattice);
            lattice = finer;
            (0..SETTLE).for_each(|_| lattice.step());
        }
        let steps = ((1 << 20) / (rows * columns)).clamp(4, 16);
        Flow { lattice, sites, steps, frame: vec![0.0; height * width] }
    }

    /// Advances the flow and gives the next frame, `height` x `width` values in C order.
    pub fn next_frame(&mut self) -> &[f32] {
        (0..self.steps).for_each(|_| self.lattice.step());
        let width = self.lattice.width / self.sites;
        for (k, value) in self.frame.iter_mut().enumerate() {
            let [ux, _] = self.lattice.velocity(k / width * self.sites, k % width * self.sites);
            *value = ux / SPEED;
        }
        &self.frame
    }
}

/// `frames` successive frames of [`Flow`] as one array of shape (frames, height, width), f32.
pub fn flow(frames: usize, height: usize, width: usize, seed: u64) -> Array {
    let mut flow = Flow::new(height, width, seed);
    let mut values = Vec::with_capacity(frames * height * width);
    (0..frames).for_each(|_| values.extend_from_slice(flow.next_frame()));
    Array { shape: vec![frames, height, width], values: Values::F32(values) }
}

/// A lattice of the given size with its square and its disturbed inflow.
fn level(rows: usize, columns: usize, seed: u64) -> Lattice {
    let side = rows.min(columns) / 8;
    let (top, left) = ((rows - side) / 2, columns / 4 - side / 2);
    let obstacle = Obstacle { rows: top..top + side, columns: left..left + side };
    Lattice::new(columns, &inflow(rows, seed), VISCOSITY, obstacle)
}

/// The stream, with sixteen random gusts of two per cent across the channel, joined smoothly.
fn inflow(rows: usize, seed: u64) -> Vec<[f32; 2]> {
    const GUSTS: usize = 16;
    let mut random = Random::new(seed);
    let gusts: [[f32; 2]; GUSTS] =
        std::array::from_fn(|_| std::array::from_fn(|_| 0.04 * (random.uniform() as f32 - 0.5)));
    (0..rows)
        .map(|y| {
            let (k, rest) = (y * GUSTS / rows, y * GUSTS % rows);
            let t = rest as f32 / rows as f32;
            let ease = t * t * (3.0 - 2.0 * t);
            let [along, across] = std::array::from_fn(|a| {
                let (here, there) = (gusts[k][a], gusts[(k + 1) % GUSTS][a]);
                here + (there - here) * ease
            });
            [SPEED * (1.0 + along), SPEED * across]
        })
        .collect()
}
