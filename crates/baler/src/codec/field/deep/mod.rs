//! The deep walk: a twentieth of the plain walk's speed, for smaller files (format.md, section 5.6).
//!
//! Where the plain walk predicts with weights fitted once to a chunk and codes with counters that see a few
//! neighbours, this one learns both as it goes: predictors refitted to the values nearby ([`predictor`]), blended by how they fared
//! around, and every binary decision of an index mixed from ten counters ([`mixing`]). All of it follows from what
//! has been decoded: nothing but one coded stream is stored.

mod index;
mod mixing;
mod normal;
mod planes;
mod predictor;

use super::domain::{Domain, Real};
use crate::codec::range_coder::Coder;
use index::{CAP, Forecast, Indices};
use normal::{Sample, TAPS, dot};
use planes::{Place, Planes};
use predictor::{Predictor, WIDTH, taps};

/// Largest difference from the value before that counts, in steps; so no sum of products overflows.
const FAR: f64 = 1e15;
/// The local prediction is believed so much more than the global one where both fared alike.
const LOCAL: f64 = 2.0;

/// A chunk to be coded.
pub struct Chunk<'a, V, W> {
    /// Planes, rows, columns.
    pub dims: [usize; 3],
    /// Where not empty: what values are predicted as before any neighbour is seen; predictors see the difference.
    pub base: &'a [W],
    /// Where not empty: places with a nonzero entry are passed over. Their neighbours see what was predicted there.
    pub special: &'a [u8],
    /// The encoder finds originals here and leaves reconstructions; the decoder finds anything and leaves the same.
    pub values: &'a mut [V],
    /// The encoder gives up behind so many bytes.
    pub most: usize,
}

/// One chunk being coded.
struct Walk<'a, D: Domain> {
    domain: D,
    chunk: Chunk<'a, D::Value, D::Work>,
    /// Distance between reconstructions, and its inverse.
    step: f64,
    inverse: f64,
    planes: Planes,
    predictor: Predictor,
    indices: Indices,
}

/// Codes a chunk in `domain`, value by value.
#[inline(always)]
pub fn walk<D: Domain, C: Coder>(domain: D, coder: &mut C, chunk: Chunk<D::Value, D::Work>) {
    let dims = chunk.dims;
    let [nz, ny, nx] = dims;
    let step = domain.step();
    let mut walk = Walk {
        domain,
        chunk,
        step,
        inverse: (1.0 / step).clamp(1e-300, 1e300),
        planes: Planes::new(dims),
        predictor: Predictor::new(dims),
        indices: Indices::new(),
    };
    for z in 0..nz {
        let taps = taps(ny == 1 && nz == 1, z == 0);
        walk.planes.seen.open_plane(z);
        walk.predictor.open_plane(z, taps);
        for y in 0..ny {
            if coder.written() > walk.chunk.most {
                return;
            }
            let place = walk.planes.open_row(z, y);
            let mut near = [0; TAPS];
            near.iter_mut().zip(taps).for_each(|(n, &tap)| *n = walk.planes.tap(z, y, tap));
            for start in (0..nx).step_by(WIDTH) {
                walk.predictor.open(z, y, start);
                for x in start..nx.min(start + WIDTH) {
                    walk.step(coder, (z * ny + y) * nx + x, place, x, &near[..taps.len()]);
                }
                walk.predictor.close(z, y, start);
            }
            walk.planes.close_row(place, nx);
        }
        walk.planes.seen.close_plane(z, ny);
    }
}

impl<D: Domain> Walk<'_, D> {
    /// Codes the value at `i` of the chunk, column `x` of its row.
    #[inline(always)]
    fn step<C: Coder>(&mut self, coder: &mut C, i: usize, place: Place, x: usize, near: &[usize]) {
        let at = place.at + x;
        let west = self.planes.seen.data[at - 1];
        let mut features = [0.0; TAPS];
        for (f, &tap) in features.iter_mut().zip(near) {
            *f = ((self.planes.seen.data[tap + x] - west) * self.inverse).clamp(-FAR, FAR);
        }
        let local = self.predictor.local(x);
        let (by_all, by_near) = (dot(&self.predictor.global, &features), dot(local, &features));
        let missed = self.planes.missed_around(place, x);
        let [all, near_by] = missed.map(|m| (m + 0.5) * (m + 0.5));
        let blend = (by_all * near_by + by_near * (LOCAL * all)) / (near_by + LOCAL * all);

        let base = self.chunk.base.get(i).map_or(0.0, |b| b.to_f64());
        let finite = |p: f64| {
            let p = D::Work::from_f64(p);
            p.to_f64().is_finite().then_some(p)
        };
        let p = finite(base + (west + blend * self.step)).unwrap_or(D::Work::from_f64(west));
        let f = &features;
        let spread = match near.len() {
            TAPS => {
                ((f[4] - f[3]).abs() + f[3].abs())
                    + ((f[5] - f[4]).abs() + f[13].abs())
                    + ((f[12] - f[13]).abs() + (f[14] - f[13]).abs())
            }
            _ => ((f[4] - f[3]).abs() + f[3].abs()) + (f[5] - f[4]).abs(),
        };
        let (mut index, mut seen) = (0, p);
        if self.chunk.special.get(i).is_none_or(|&s| s == 0) {
            let forecast = Forecast { apart: by_near - by_all, spread, missed: missed[1] + 0.5 };
            let value = &mut self.chunk.values[i];
            let wanted = if C::ENCODE { self.domain.quantise(*value, p) } else { None };
            let around = self.planes.around(place, x);
            match self.indices.code(coder, wanted, &around, &forecast) {
                Some(k) => {
                    index = k.clamp(-CAP, CAP) as i32;
                    (*value, seen) = self.domain.rebuild(k, p);
                }
                None => {
                    *value = super::kernel::exactly::<D, C>(coder, *value);
                    (index, seen) = (CAP as i32, self.domain.exact(*value, p));
                }
            }
        }
        let seen = seen.to_f64() - base;
        let target = ((seen - west) * self.inverse).clamp(-FAR, FAR);
        self.planes.seen.data[at] = seen;
        self.planes.indices.data[at] = index;
        self.planes.missed.data[at] = [(target - by_all).abs(), (target - by_near).abs()];
        self.predictor.learn(Sample { features, target, weight: 1.0 / (1.0 + 0.5 * spread) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::field::domain::Absolute;
    use crate::codec::range_coder::{Decoder, Encoder};

    #[test]
    fn a_base_is_predicted_from() {
        let dims = [3, 20, 30];
        let n = 3 * 20 * 30;
        let base: Vec<f32> = (0..n).map(|i| (i * i % 1013) as f32).collect();
        let original: Vec<f32> = base.iter().enumerate().map(|(i, b)| b + (i % 30) as f32 * 0.1).collect();
        let domain = Absolute::<f32>::new(0.0198, 0.0, 0.01);
        let lengths = [&base[..], &[]].map(|base| {
            let mut coded = original.clone();
            let mut encoder = Encoder::with_capacity(n);
            walk(
                domain,
                &mut encoder,
                Chunk { dims, base, special: &[], values: &mut coded, most: usize::MAX },
            );
            assert!(coded.iter().zip(&original).all(|(a, b)| (a - b).abs() < 0.01));
            let (bytes, raw) = encoder.finish();
            let mut decoded = vec![0.0; n];
            let mut decoder = Decoder::new(&bytes, &raw);
            walk(domain, &mut decoder, Chunk { dims, base, special: &[], values: &mut decoded, most: 0 });
            assert_eq!(coded, decoded);
            bytes.len() + raw.len()
        });
        assert!(lengths[0] * 10 < lengths[1], "{lengths:?}");
        // Given up at the first row behind so many bytes.
        let mut encoder = Encoder::with_capacity(n);
        let most = lengths[1] / 2;
        walk(
            domain,
            &mut encoder,
            Chunk { dims, base: &[], special: &[], values: &mut original.clone(), most },
        );
        assert!((most + 1..lengths[1]).contains(&encoder.written()), "{} of {most}", encoder.written());
    }
}
