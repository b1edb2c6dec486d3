//! Two-dimensional lattice-Boltzmann solver (D2Q9) with one rectangular obstacle.
//!
//! Collision is two-relaxation-time (Ginzburg, Verhaeghe and d'Humieres 2008), which stays stable at the
//! low viscosities where BGK does not; equilibrium is the incompressible one of He and Luo (1997), which
//! needs no division. Populations are stored less their value at rest (Skordos 1993), so that f32
//! keeps the digits that flow needs. The channel is periodic across the stream, fed on the left with a
//! given velocity, and open on the right.

/// The nine velocities, opposite ones side by side: rest, E W, N S, NE SW, SE NW ("north" is larger y).
const CX: [i8; 9] = [0, 1, -1, 0, 0, 1, -1, 1, -1];
const CY: [i8; 9] = [0, 0, 0, 1, -1, 1, -1, -1, 1];
const WEIGHT: [f32; 9] = {
    let (rest, straight, diagonal) = (4.0 / 9.0, 1.0 / 9.0, 1.0 / 36.0);
    [rest, straight, straight, straight, straight, diagonal, diagonal, diagonal, diagonal]
};

/// Columns that are collided together: their moments stay in the first-level cache.
const BLOCK: usize = 256;

/// Below this many sites a step is too short to share among threads.
const SITES_WORTH_A_THREAD: usize = 1 << 17;

/// A solid rectangle: half-open ranges of rows and columns.
#[derive(Debug, Clone)]
pub(super) struct Obstacle {
    pub rows: std::ops::Range<usize>,
    pub columns: std::ops::Range<usize>,
}

/// How fast the odd and even parts of opposite populations relax.
#[derive(Debug, Clone, Copy)]
struct Rates {
    even: f32,
    odd: f32,
}

/// The state of the flow: nine populations a site, stored row by row, each row population by population,
/// so that a band of rows is one slice and every inner loop runs along x. 72 bytes a site.
#[derive(Debug, Clone)]
pub(super) struct Lattice {
    pub height: usize,
    pub width: usize,
    now: Vec<f32>,
    next: Vec<f32>,
    inlet: Vec<[f32; 9]>,
    obstacle: Obstacle,
    rates: Rates,
    threads: usize,
}

impl Lattice {
    /// Everywhere the flow of the inlet, whose velocity is given for each row in sites per step (0.1 is
    /// already fast); `viscosity` in sites squared per step. At least 3 columns.
    pub fn new(width: usize, inlet: &[[f32; 2]], viscosity: f32, obstacle: Obstacle) -> Lattice {
        let height = inlet.len();
        let inlet: Vec<[f32; 9]> = inlet.iter().map(|&[ux, uy]| equilibrium(0.0, ux, uy)).collect();
        let mut now = Vec::with_capacity(9 * height * width);
        for site in &inlet {
            site.iter().for_each(|&g| now.extend(std::iter::repeat_n(g, width)));
        }
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        // The product of both relaxation times less a half is 1/4, where the scheme is most stable.
        let even = 3.0 * viscosity;
        let rates = Rates { even: 1.0 / (even + 0.5), odd: 1.0 / (0.25 / even + 0.5) };
        let threads = threads.min(height * width / SITES_WORTH_A_THREAD).max(1);
        Lattice { height, width, next: now.clone(), now, inlet, obstacle, rates, threads }
    }

    /// The state of a coarser lattice, interpolated linearly.
    pub fn refine_from(&mut self, coarse: &Lattice) {
        let w = self.width;
        let columns: Vec<_> = (0..w).map(|x| between(x, w, coarse.width)).collect();
        for y in 0..self.height {
            let (y0, y1, fy) = between(y, self.height, coarse.height);
            for i in 0..9 {
                let plane = |y: usize| &coarse.now[(y * 9 + i) * coarse.width..][..coarse.width];
                let (above, below) = (plane(y0), plane(y1));
                let out = &mut self.now[(y * 9 + i) * w..][..w];
                for (out, &(x0, x1, fx)) in out.iter_mut().zip(&columns) {
                    let a = above[x0] + (above[x1] - above[x0]) * fx;
                    let b = below[x0] + (below[x1] - below[x0]) * fx;
                    *out = a + (b - a) * fy;
                }
            }
        }
    }

    /// One time step: stream and collide every site, bands of rows in parallel. Every site is computed
    /// from the old state alone, so threads cannot change a bit.
    pub fn step(&mut self) {
        let mut next = std::mem::take(&mut self.next);
        let band = self.height.div_ceil(self.threads);
        let this = &*self;
        let work = |first: usize, rows: &mut [f32]| {
            rows.chunks_exact_mut(9 * this.width).enumerate().for_each(|(k, row)| this.step_row(first + k, row));
        };
        if self.threads == 1 {
            work(0, &mut next);
        } else {
            std::thread::scope(|scope| {
                for (k, rows) in next.chunks_mut(9 * self.width * band).enumerate() {
                    scope.spawn(move || work(k * band, rows));
                }
            });
        }
        self.next = std::mem::replace(&mut self.now, next);
    }

    /// Row `y` of the next state.
    fn step_row(&self, y: usize, out: &mut [f32]) {
        let (w, h) = (self.width, self.height);
        for (i, plane) in out.chunks_exact_mut(w).enumerate() {
            let from = match CY[i] {
                1 => if y == 0 { h - 1 } else { y - 1 },
                -1 => if y + 1 == h { 0 } else { y + 1 },
                _ => y,
            };
            let from = &self.now[(from * 9 + i) * w..][..w];
            match CX[i] {
                1 => plane[1..].copy_from_slice(&from[..w - 1]),
                -1 => {
                    plane[..w - 1].copy_from_slice(&from[1..]);
                    plane[w - 1] = plane[w - 2]; // open: what enters is what enters one site upstream
                }
                _ => plane.copy_from_slice(from),
            }
        }
        let mut planes = out.chunks_exact_mut(w);
        let mut planes: [&mut [f32]; 9] = std::array::from_fn(|_| planes.next().expect("nine planes"));
        let solid = if self.obstacle.rows.contains(&y) { self.obstacle.columns.clone() } else { w..w };
        collide(&mut planes, 0..solid.start, self.rates);
        collide(&mut planes, solid.end..w, self.rates);
        // Full-way bounce-back: what streamed into the solid leaves it the way it came.
        for i in [1, 3, 5, 7] {
            let (a, b) = planes.split_at_mut(i + 1);
            a[i][solid.clone()].swap_with_slice(&mut b[0][solid.clone()]);
        }
        planes.iter_mut().zip(self.inlet[y]).for_each(|(plane, g)| plane[0] = g);
    }

    /// Velocity at a site, 0 in the obstacle.
    pub fn velocity(&self, y: usize, x: usize) -> [f32; 2] {
        if self.obstacle.rows.contains(&y) && self.obstacle.columns.contains(&x) {
            return [0.0; 2];
        }
        let g = |i: usize| self.now[(y * 9 + i) * self.width + x];
        let (rising, falling) = (g(5) - g(6), g(7) - g(8));
        [(g(1) - g(2)) + rising + falling, (g(3) - g(4)) + rising - falling]
    }
}

/// Where fine position `i` of `fine` lies on a coarse axis: two neighbours and the way between them.
fn between(i: usize, fine: usize, coarse: usize) -> (usize, usize, f32) {
    let at = i * coarse;
    let (low, rest) = (at / fine, at % fine);
    (low, (low + 1).min(coarse - 1), rest as f32 / fine as f32)
}

/// Populations, less their value at rest, of fluid with excess density `rho` and the given velocity.
fn equilibrium(rho: f32, ux: f32, uy: f32) -> [f32; 9] {
    std::array::from_fn(|i| {
        let cu = CX[i] as f32 * ux + CY[i] as f32 * uy;
        WEIGHT[i] * (rho + 3.0 * cu + 4.5 * cu * cu - 1.5 * (ux * ux + uy * uy))
    })
}

/// Relaxes the populations of some columns of a row towards equilibrium.
fn collide(planes: &mut [&mut [f32]; 9], columns: std::ops::Range<usize>, rates: Rates) {
    for start in columns.clone().step_by(BLOCK) {
        let n = BLOCK.min(columns.end - start);
        let mut block = planes.each_mut().map(|p| &mut p[start..start + n]);
        let moments = Moments::of(&block);
        let [rest, e, w, n, s, ne, sw, se, nw] = &mut block;
        for (g, &quiet) in rest.iter_mut().zip(&moments.quiet) {
            *g += rates.even * (WEIGHT[0] * quiet - *g);
        }
        relax(e, w, &moments, (1.0, 0.0), WEIGHT[1], rates);
        relax(n, s, &moments, (0.0, 1.0), WEIGHT[1], rates);
        relax(ne, sw, &moments, (1.0, 1.0), WEIGHT[5], rates);
        relax(se, nw, &moments, (1.0, -1.0), WEIGHT[5], rates);
    }
}

/// What equilibrium depends on, for a block of columns.
struct Moments {
    /// Excess density less 1.5 u^2: all of equilibrium that has no direction.
    quiet: [f32; BLOCK],
    ux: [f32; BLOCK],
    uy: [f32; BLOCK],
}

impl Moments {
    #[inline(always)]
    fn of(block: &[&mut [f32]; 9]) -> Moments {
        let mut m = Moments { quiet: [0.0; BLOCK], ux: [0.0; BLOCK], uy: [0.0; BLOCK] };
        let len = block[0].len().min(BLOCK);
        let [rest, e, w, n, s, ne, sw, se, nw] = block.each_ref().map(|p| &p[..len]);
        for k in 0..len {
            let (rising, falling) = (ne[k] - sw[k], se[k] - nw[k]);
            let ux = (e[k] - w[k]) + rising + falling;
            let uy = (n[k] - s[k]) + rising - falling;
            let rho = rest[k] + ((e[k] + w[k]) + (n[k] + s[k])) + ((ne[k] + sw[k]) + (se[k] + nw[k]));
            m.quiet[k] = rho - 1.5 * (ux * ux + uy * uy);
            m.ux[k] = ux;
            m.uy[k] = uy;
        }
        m
    }
}

/// Relaxes one pair of opposite populations, `a` along (cx, cy) and `b` against it.
#[inline(always)]
fn relax(a: &mut [f32], b: &mut [f32], m: &Moments, (cx, cy): (f32, f32), weight: f32, rates: Rates) {
    let len = a.len().min(BLOCK);
    let (a, b) = (&mut a[..len], &mut b[..len]);
    for k in 0..len {
        let cu = cx * m.ux[k] + cy * m.uy[k];
        let even = rates.even * (weight * (m.quiet[k] + 4.5 * (cu * cu)) - 0.5 * (a[k] + b[k]));
        let odd = rates.odd * (weight * 3.0 * cu - 0.5 * (a[k] - b[k]));
        a[k] += even + odd;
        b[k] += even - odd;
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
            let [ux, uy] = lattice.velocity(y, x);
            assert!((ux - 0.08).abs() < 1e-5 && uy.abs() < 1e-6, "{ux} {uy} at {y} {x}");
        }
    }

    /// Collision moves populations about, but neither mass nor momentum of any site.
    #[test]
    fn collision_conserves_mass_and_momentum() {
        let mut random = crate::synth::random::Random::new(3);
        let n = 300; // a block and a bit
        let mut planes: Vec<Vec<f32>> =
            (0..9).map(|_| (0..n).map(|_| 0.02 * (random.uniform() - 0.5) as f32).collect()).collect();
        let sums = |planes: &[Vec<f32>]| -> Vec<[f64; 3]> {
            let sum = |x: usize, c: &[i8; 9]| (0..9).map(|i| c[i] as f64 * planes[i][x] as f64).sum();
            (0..n).map(|x| [sum(x, &[1; 9]), sum(x, &CX), sum(x, &CY)]).collect()
        };
        let before = sums(&planes);
        let mut views = planes.iter_mut().map(|p| &mut p[..]);
        let mut views: [&mut [f32]; 9] = std::array::from_fn(|_| views.next().unwrap());
        collide(&mut views, 0..n, Rates { even: 1.9, odd: 0.1 });
        for (a, b) in before.iter().zip(sums(&planes)) {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-7), "{a:?} {b:?}");
        }
    }

    /// A shear wave decays as exp(-nu k^2 t): the viscosity is what was asked for.
    #[test]
    fn shear_decays_with_the_viscosity() {
        let (height, viscosity, steps) = (32, 0.02f32, 400);
        let k = std::f64::consts::TAU / height as f64;
        // The wave is uniform along x, so feeding the inlet's own decaying column would be exact; a wide
        // lattice read far from both ends does as well.
        let inlet: Vec<[f32; 2]> = (0..height).map(|y| [0.01 * (k * y as f64).sin() as f32, 0.0]).collect();
        let mut lattice = Lattice::new(1000, &inlet, viscosity, nowhere());
        let before = lattice.velocity(8, 500)[0];
        (0..steps).for_each(|_| lattice.step());
        let decay = (lattice.velocity(8, 500)[0] / before) as f64;
        let expected = (-(viscosity as f64) * k * k * steps as f64).exp();
        assert!((decay / expected - 1.0).abs() < 0.01, "{decay} {expected}");
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let obstacle = Obstacle { rows: 10..16, columns: 8..14 };
        let inlet: Vec<[f32; 2]> = (0..29).map(|y| [0.1, 0.001 * y as f32]).collect();
        let mut one = Lattice::new(40, &inlet, 0.01, obstacle);
        let mut many = one.clone();
        many.threads = 3;
        for _ in 0..50 {
            one.step();
            many.step();
        }
        assert_eq!(one.now, many.now);
    }
}
