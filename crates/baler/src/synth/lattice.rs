//! Two-dimensional lattice-Boltzmann solver (D2Q9) with one rectangular obstacle.
//!
//! Collision is regularised (Latt and Chopard 2006): of the nine populations only density, velocity and
//! stress survive, which keeps it stable where the viscosity is low and the corners are sharp. (Two
//! relaxation times blew up there at a cell Reynolds number of 10; this runs at 20.) Equilibrium is
//! the incompressible one of He and Luo (1997), which needs no division. All is stored less its value
//! at rest (Skordos 1993), so that f32 keeps the digits that flow needs.
//!
//! As six moments are all that survives, they are all that is stored (Vardhan et al. 2019): 24 bytes a
//! site, updated in place. Populations in two buffers took 72 and, once out of the cache, ran several
//! times slower.
//!
//! The channel is periodic across the stream, fed on the left with a given velocity, and open on the right.

use std::ops::Range;

/// The nine velocities: rest, E W, N S, NE SW, SE NW ("north" is larger y). Opposites stand side by side.
const CX: [i8; 9] = [0, 1, -1, 0, 0, 1, -1, 1, -1];
const CY: [i8; 9] = [0, 0, 0, 1, -1, 1, -1, -1, 1];
const OPPOSITE: [usize; 9] = [0, 2, 1, 4, 3, 6, 5, 8, 7];
const REST: f32 = 4.0 / 9.0;
const STRAIGHT: f32 = 1.0 / 9.0;
const DIAGONAL: f32 = 1.0 / 36.0;

/// Moments of a site: quiet (excess density less 1.5 (xx + yy): all of it that has no direction),
/// velocity ux uy, momentum flux with stress xx xy yy.
const MOMENTS: usize = 6;

/// Columns that are collided together: their moments stay in the first-level cache.
const BLOCK: usize = 256;

/// Below this many sites a step is too short to share among threads.
const SITES_WORTH_A_THREAD: usize = 1 << 17;

/// A solid rectangle: half-open ranges of rows and columns, clear of the lattice's edges.
#[derive(Debug, Clone)]
pub(super) struct Obstacle {
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

/// The state of the flow: moments after collision, row by row, each row moment by moment, so that a band
/// of rows is one slice and every inner loop runs along x.
#[derive(Debug, Clone)]
pub(super) struct Lattice {
    pub height: usize,
    pub width: usize,
    state: Vec<f32>,
    /// Moments of the fluid that enters each row.
    inlet: Vec<[f32; MOMENTS]>,
    obstacle: Obstacle,
    /// The part of the stress beyond equilibrium that survives a collision; the viscosity sets it.
    kept: f32,
    threads: usize,
}

impl Lattice {
    /// Everywhere the flow of the inlet, whose velocity is given for each row in sites per step (0.1 is
    /// already fast); `viscosity` in sites squared per step. At least 3 columns.
    pub fn new(width: usize, inlet: &[[f32; 2]], viscosity: f32, obstacle: Obstacle) -> Lattice {
        let height = inlet.len();
        let inlet: Vec<_> = inlet.iter().map(|&[ux, uy]| equilibrium(ux, uy)).collect();
        let mut state = Vec::with_capacity(MOMENTS * height * width);
        for moments in &inlet {
            moments.iter().for_each(|&m| state.extend(std::iter::repeat_n(m, width)));
        }
        let kept = 1.0 - 1.0 / (3.0 * viscosity + 0.5);
        let cores = std::thread::available_parallelism().map_or(1, |n| n.get());
        let threads = cores.min(height * width / SITES_WORTH_A_THREAD).max(1);
        Lattice { height, width, state, inlet, obstacle, kept, threads }
    }

    /// Pushes the fluid of some rows and columns sideways: adds `uy` to its velocity.
    pub fn push(&mut self, rows: Range<usize>, columns: Range<usize>, uy: f32) {
        for y in rows {
            for x in columns.clone() {
                let [vx, vy] = [1, 2].map(|m| self.state[(y * MOMENTS + m) * self.width + x]);
                for (m, value) in equilibrium(vx, vy + uy).into_iter().enumerate() {
                    self.state[(y * MOMENTS + m) * self.width + x] = value;
                }
            }
        }
    }

    /// The state of a coarser lattice, interpolated linearly.
    pub fn refine_from(&mut self, coarse: &Lattice) {
        let w = self.width;
        let columns: Vec<_> = (0..w).map(|x| between(x, w, coarse.width)).collect();
        for (k, out) in self.state.chunks_exact_mut(w).enumerate() {
            let (y, m) = (k / MOMENTS, k % MOMENTS);
            let (y0, y1, fy) = between(y, self.height, coarse.height);
            let plane = |y: usize| &coarse.state[(y * MOMENTS + m) * coarse.width..][..coarse.width];
            let (above, below) = (plane(y0), plane(y1));
            for (out, &(x0, x1, fx)) in out.iter_mut().zip(&columns) {
                let a = above[x0] + (above[x1] - above[x0]) * fx;
                let b = below[x0] + (below[x1] - below[x0]) * fx;
                *out = a + (b - a) * fy;
            }
        }
    }

    /// Velocity along the stream at every site of row `y`; 0 in the obstacle.
    pub fn velocity(&self, y: usize) -> &[f32] {
        &self.state[(y * MOMENTS + 1) * self.width..][..self.width]
    }

    /// One time step: stream and collide every site, bands of rows in parallel. Each band begins with a
    /// copy of the rows beside it, so every site is computed from the old state and threads cannot change a
    /// bit.
    pub fn step(&mut self) {
        let (row, height) = (MOMENTS * self.width, self.height);
        let band = height.div_ceil(self.threads);
        let mut state = std::mem::take(&mut self.state);
        let copy = |y: usize| state[y % height * row..][..row].to_vec();
        let beside: Vec<_> =
            (0..height).step_by(band).map(|y| (copy(y + height - 1), copy((y + band).min(height)))).collect();
        let bands = state.chunks_mut(row * band).zip(&beside).enumerate();
        let this = &*self;
        if self.threads == 1 {
            bands.for_each(|(k, (rows, (below, above)))| this.step_band(k * band, rows, below, above));
        } else {
            std::thread::scope(|scope| {
                for (k, (rows, (below, above))) in bands {
                    scope.spawn(move || this.step_band(k * band, rows, below, above));
                }
            });
        }
        self.state = state;
    }

    /// Steps `rows`, of which the first is row `first`; `below` and `above` are the rows on either side.
    fn step_band(&self, first: usize, rows: &mut [f32], below: &[f32], above: &[f32]) {
        let w = self.width;
        // Populations of the rows y - 1, y and y + 1.
        let mut near: [Vec<f32>; 3] = std::array::from_fn(|_| vec![0.0; 9 * w]);
        populations(below, &mut near[1]);
        populations(&rows[..MOMENTS * w], &mut near[2]);
        let count = rows.len() / (MOMENTS * w);
        for k in 0..count {
            near.rotate_left(1);
            let next = if k + 1 < count { &rows[(k + 1) * MOMENTS * w..][..MOMENTS * w] } else { above };
            populations(next, &mut near[2]);
            self.bounce_back(first + k, &mut near);
            self.step_row(first + k, &near, &mut rows[k * MOMENTS * w..][..MOMENTS * w]);
        }
    }

    /// What row `y` sends into the obstacle comes back out of it the way it went in.
    fn bounce_back(&self, y: usize, near: &mut [Vec<f32>; 3]) {
        for i in 1..9 {
            if self.obstacle.rows.contains(&y.wrapping_add_signed(-CY[i] as isize)) {
                for x in self.obstacle.columns.clone() {
                    let back = near[1][OPPOSITE[i] * self.width + x.wrapping_add_signed(CX[i] as isize)];
                    near[(1 - CY[i]) as usize][i * self.width + x] = back;
                }
            }
        }
    }

    /// Moments of row `y` after streaming from the rows `near` and collision.
    fn step_row(&self, y: usize, near: &[Vec<f32>; 3], row: &mut [f32]) {
        let w = self.width;
        for start in (1..w - 1).step_by(BLOCK) {
            let n = BLOCK.min(w - 1 - start);
            let streamed = std::array::from_fn(|i| {
                &near[(1 - CY[i]) as usize][(i * w + start).wrapping_add_signed(-CX[i] as isize)..][..n]
            });
            for (m, values) in collide(streamed, self.kept).iter().enumerate() {
                row[m * w + start..][..n].copy_from_slice(&values[..n]);
            }
        }
        // Both ends are at equilibrium: the left with the inlet's velocity, the right at the mean
        // pressure with the velocity that arrives, which lets vortices out.
        let outlet = equilibrium(row[2 * w - 2], row[3 * w - 2]);
        for (m, plane) in row.chunks_exact_mut(w).enumerate() {
            plane[0] = self.inlet[y][m];
            plane[w - 1] = outlet[m];
            if self.obstacle.rows.contains(&y) {
                plane[self.obstacle.columns.clone()].fill(0.0);
            }
        }
    }
}

/// Where fine position `i` of `fine` lies on a coarse axis: two neighbours and the way between them.
fn between(i: usize, fine: usize, coarse: usize) -> (usize, usize, f32) {
    let at = i * coarse;
    let (low, rest) = (at / fine, at % fine);
    (low, (low + 1).min(coarse - 1), rest as f32 / fine as f32)
}

/// Moments of fluid at equilibrium, at the mean pressure.
fn equilibrium(ux: f32, uy: f32) -> [f32; MOMENTS] {
    [-1.5 * (ux * ux + uy * uy), ux, uy, ux * ux, ux * uy, uy * uy]
}

/// Moments after collision of up to [`BLOCK`] sites, from the populations that streamed into them; of the
/// stress beyond equilibrium, the part `kept` remains.
#[inline(always)]
fn collide(streamed: [&[f32]; 9], kept: f32) -> [[f32; BLOCK]; MOMENTS] {
    let mut out = [[0.0; BLOCK]; MOMENTS];
    let len = streamed[0].len().min(BLOCK);
    let [rest, e, w, n, s, ne, sw, se, nw] = streamed.map(|p| &p[..len]);
    let relax = |stress: f32, flux: f32| flux + kept * (stress - flux);
    for k in 0..len {
        let (rising, falling) = (ne[k] - sw[k], se[k] - nw[k]);
        let ux = (e[k] - w[k]) + rising + falling;
        let uy = (n[k] - s[k]) + rising - falling;
        let (along, across) = (e[k] + w[k], n[k] + s[k]);
        let (rise, fall) = (ne[k] + sw[k], se[k] + nw[k]);
        let rho = rest[k] + (along + across) + (rise + fall);
        let pressure = rho * (1.0 / 3.0);
        let xx = relax(along + (rise + fall) - pressure, ux * ux);
        let yy = relax(across + (rise + fall) - pressure, uy * uy);
        out[0][k] = rho - 1.5 * (xx + yy);
        out[1][k] = ux;
        out[2][k] = uy;
        out[3][k] = xx;
        out[4][k] = relax(rise - fall, ux * uy);
        out[5][k] = yy;
    }
    out
}

/// The populations, nine planes, of a row of moments: the inverse of [`collide`] with `kept` 1.
fn populations(row: &[f32], out: &mut [f32]) {
    let w = row.len() / MOMENTS;
    let mut moments = row.chunks_exact(w);
    let [quiet, ux, uy, xx, xy, yy] = std::array::from_fn(|_| moments.next().expect("six moments"));
    let (rest, pairs) = out.split_at_mut(w);
    rest.iter_mut().zip(quiet).for_each(|(g, &quiet)| *g = REST * quiet);
    let mut pairs = pairs.chunks_exact_mut(2 * w).map(|pair| pair.split_at_mut(w));
    let mut next = || pairs.next().expect("four pairs");
    give(next(), STRAIGHT, quiet, |k| (ux[k], xx[k]));
    give(next(), STRAIGHT, quiet, |k| (uy[k], yy[k]));
    give(next(), DIAGONAL, quiet, |k| (ux[k] + uy[k], (xx[k] + yy[k]) + 2.0 * xy[k]));
    give(next(), DIAGONAL, quiet, |k| (ux[k] - uy[k], (xx[k] + yy[k]) - 2.0 * xy[k]));
}

/// One pair of opposite populations, from velocity and stress along the first of them.
#[inline(always)]
fn give(
    (a, b): (&mut [f32], &mut [f32]),
    weight: f32,
    quiet: &[f32],
    directed: impl Fn(usize) -> (f32, f32),
) {
    for (k, ((a, b), &quiet)) in a.iter_mut().zip(b).zip(quiet).enumerate() {
        let (velocity, stress) = directed(k);
        let even = weight * (quiet + 4.5 * stress);
        let odd = weight * (3.0 * velocity);
        *a = even + odd;
        *b = even - odd;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nowhere() -> Obstacle {
        Obstacle { rows: 0..0, columns: 0..0 }
    }

    #[test]
    fn uniform_flow_stays_uniform() {
        let mut lattice = Lattice::new(20, &[[0.08, 0.0]; 12], 0.01, nowhere());
        (0..500).for_each(|_| lattice.step());
        for (y, x) in [(0, 0), (5, 10), (11, 19)] {
            let ux = lattice.velocity(y)[x];
            assert!((ux - 0.08).abs() < 1e-5, "{ux} at {y} {x}");
        }
    }

    /// Collision moves populations about, but neither mass nor momentum of any site.
    #[test]
    fn collision_conserves_mass_and_momentum() {
        let mut random = crate::synth::random::Random::new(3);
        let n = 200;
        let mut draw = || (0..n).map(|_| 0.02 * (random.uniform() - 0.5) as f32).collect();
        let before: [Vec<f32>; 9] = std::array::from_fn(|_| draw());
        let moments = collide(before.each_ref().map(|p| &p[..]), -0.9);
        let row: Vec<f32> = moments.iter().flat_map(|m| &m[..n]).copied().collect();
        let mut after = vec![0.0; 9 * n];
        populations(&row, &mut after);
        for x in 0..n {
            for c in [[1; 9], CX, CY] {
                let sum = |f: &dyn Fn(usize) -> f32| (0..9).map(|i| c[i] as f64 * f(i) as f64).sum::<f64>();
                let (a, b) = (sum(&|i| before[i][x]), sum(&|i| after[i * n + x]));
                assert!((a - b).abs() < 1e-7, "{a} {b}");
            }
        }
    }

    /// A shear wave decays as exp(-nu k^2 t): the viscosity is what was asked for.
    #[test]
    fn shear_decays_with_the_viscosity() {
        let (height, viscosity, steps) = (32, 0.02f32, 400);
        let k = std::f64::consts::TAU / height as f64;
        let inlet: Vec<_> = (0..height).map(|y| [0.01 * (k * y as f64).sin() as f32, 0.0]).collect();
        // Long enough that neither end is felt in the middle.
        let mut lattice = Lattice::new(1000, &inlet, viscosity, nowhere());
        let before = lattice.velocity(8)[500];
        (0..steps).for_each(|_| lattice.step());
        let decay = (lattice.velocity(8)[500] / before) as f64;
        let expected = (-(viscosity as f64) * k * k * steps as f64).exp();
        assert!((decay / expected - 1.0).abs() < 0.01, "{decay} {expected}");
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let obstacle = Obstacle { rows: 10..16, columns: 8..14 };
        let inlet: Vec<_> = (0..29).map(|y| [0.1, 0.001 * y as f32]).collect();
        let mut one = Lattice::new(40, &inlet, 0.01, obstacle);
        for threads in [2, 3, 4] {
            let mut many = one.clone();
            many.threads = threads;
            for _ in 0..50 {
                one.step();
                many.step();
            }
            assert_eq!(one.state, many.state, "{threads} threads");
        }
    }
}
