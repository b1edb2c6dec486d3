//! A flow past a square: the vortex street of von Karman, Baler's own example, at any size.

use super::lattice::{Lattice, Obstacle};
use super::random::Random;
use crate::data::{Array, Values};

/// Speed of the stream in sites per step: a compromise between cost and compressibility.
const SPEED: f32 = 0.1;
/// Viscosity in sites squared per step. Held fixed, so that the Reynolds number grows with the picture
/// (120 at 96 rows, 1280 at 1024) and large frames are not merely smooth enlargements of small ones.
const VISCOSITY: f32 = 0.01;
/// The smallest lattice that resolves the wake. Smaller frames are samples of a finer lattice.
const FINEST_SMALL: usize = 96;
/// Steps on the coarsest lattice, in which the stream passes the obstacle fifteen to twenty-five times.
const SPIN_UP: usize = 3000;
/// Steps on every finer one, to forget the interpolation.
const SETTLE: usize = 512;

/// Frames of the velocity along the stream, in units of the stream's speed; 0 in the obstacle.
///
/// The flow is computed as it is asked for, so that any number of frames takes the memory of one.
///
/// Cost: 28 bytes a pixel; at first 3000 time steps of a lattice of 96 to 191 sites across and 512 of each
/// finer one, then 4 to 16 steps a frame (fewer where frames are large). About 100 million sites a step and
/// second on one core: 240 frames of 128 x 256 in a second, 1024 frames of 1024 x 1024 (4 GB) in a minute or
/// less. Frames of fewer than 96 pixels across cost as if enlarged to that.
#[derive(Debug, Clone)]
pub struct Flow {
    lattice: Lattice,
    /// Lattice sites a pixel, along each axis.
    sites: usize,
    steps: usize,
    frame: Vec<f32>,
}

impl Flow {
    /// A developed flow over `height` x `width` pixels; the seed disturbs the inflow.
    ///
    /// Panics where a frame has no pixels.
    pub fn new(height: usize, width: usize, seed: u64) -> Flow {
        assert!(height > 0 && width > 0, "a frame has at least one pixel");
        let sites = FINEST_SMALL.div_ceil(height.min(width));
        let (rows, columns) = (height * sites, width * sites);
        // Vortices form on a coarse lattice, where that is cheap, then are refined level by level.
        let levels = (rows.min(columns) / FINEST_SMALL).ilog2();
        let mut lattice = level(rows >> levels, columns >> levels, seed);
        // A push behind the square saves the long wait until the symmetric wake loses its balance.
        let (h, w) = (lattice.height, lattice.width);
        lattice.push(h / 3..h / 2, w / 4..w / 2, SPEED / 2.0);
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
        for (y, row) in self.frame.chunks_exact_mut(width).enumerate() {
            let velocity = self.lattice.velocity(y * self.sites).iter().step_by(self.sites);
            row.iter_mut().zip(velocity).for_each(|(value, ux)| *value = ux / SPEED);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn values(array: Array) -> Vec<f32> {
        match array.values {
            Values::F32(v) => v,
            other => panic!("{} values", other.dtype()),
        }
    }

    #[test]
    fn any_size_makes_frames() {
        for (frames, height, width) in [(1, 1, 1), (2, 3, 5), (1, 10, 7)] {
            let array = flow(frames, height, width, 1);
            assert_eq!(array.shape, [frames, height, width]);
            assert!(values(array).iter().all(|v| v.is_finite()));
        }
    }

    /// The bits of a given seed, wherever this runs and with any number of threads.
    #[test]
    fn frames_are_reproducible() {
        let checksum = |seed| {
            let mut bytes = Vec::new();
            flow(3, 50, 50, seed).values.write_le_bytes(&mut bytes);
            crc32fast::hash(&bytes)
        };
        assert_eq!([checksum(0), checksum(1)], [118582889, 2070952075]);
    }

    #[test]
    fn the_stream_keeps_its_speed_and_sheds_vortices() {
        let (height, width, frames) = (50, 75, 200);
        let mut flow = Flow::new(height, width, 5);
        let (mut wake, mut sum, mut upstream) = (Vec::new(), 0.0, 0.0);
        for _ in 0..frames {
            let frame = flow.next_frame();
            assert!(frame.iter().all(|v| v.abs() < 3.0), "a wild value");
            assert_eq!(frame[height / 2 * width + width / 4], 0.0, "in the obstacle");
            sum += frame.iter().map(|&v| v as f64).sum::<f64>() / frame.len() as f64;
            upstream += (0..height).map(|y| frame[y * width + 2] as f64).sum::<f64>() / height as f64;
            // Vortices pass on alternate sides, so the two sides of the wake take turns.
            wake.push(
                frame[(height / 2 + 5) * width + width / 2] - frame[(height / 2 - 5) * width + width / 2],
            );
        }
        // Continuity: as much passes any column as enters.
        assert!((sum / frames as f64 - 1.0).abs() < 0.03, "{}", sum / frames as f64);
        assert!((upstream / frames as f64 - 1.0).abs() < 0.03, "{}", upstream / frames as f64);
        let turns = wake.windows(2).filter(|w| w[0].signum() != w[1].signum()).count();
        assert!((4..20).contains(&turns), "{turns} turns in {frames} frames");
        // A Strouhal number of 0.1 to 0.25, as measured past squares (Okajima 1982), blockage included.
        let periods_per_step = turns as f32 / 2.0 / (frames * flow.steps) as f32;
        let strouhal = periods_per_step * (height * flow.sites / 8) as f32 / SPEED;
        assert!((0.1..0.25).contains(&strouhal), "{strouhal}");
    }
}
