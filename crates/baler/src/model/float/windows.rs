//! Windows of a convolution, gathered as rows of a matrix and scattered back: with these and a matrix product both
//! convolutions and all of their gradients are made.
//!
//! Activations are channels-last here (`[depth, height, width, channels]`), so that the values under a window are runs
//! of kernel width x channels, and what comes out is rows of channels, as of a dense layer.

use std::ops::Range;

use super::real::Real;
use crate::model::layers::Layer;

/// Values of gathered windows that are worked on at once: they stay in the second-level cache.
pub const GATHERED: usize = 1 << 16;

/// The geometry between a large image, over which windows slide, and a small one, of one position a window. A
/// convolution goes from large to small, a transposed one back. All axes are depth, height, width; 1 where not there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Windows {
    /// Channels of the large image.
    pub channels: usize,
    /// Extent of the large image.
    pub large: [usize; 3],
    /// Positions of windows.
    pub small: [usize; 3],
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
}

impl Windows {
    /// Those of a convolution of either kind between these shapes (`[channels, ...]`), none of other layers.
    pub fn of(layer: &Layer, input: &[usize], output: &[usize]) -> Option<Windows> {
        let (kernel, stride, padding, large, small) = match layer {
            Layer::Conv { kernel, stride, padding, .. } => (kernel, stride, padding, input, output),
            Layer::ConvTransposed { kernel, stride, padding, .. } => (kernel, stride, padding, output, input),
            _ => return None,
        };
        // Axes that are not there come first.
        let axes = |list: &[usize], default: usize| {
            let mut all = [default; 3];
            all[3 - list.len()..].copy_from_slice(list);
            all
        };
        Some(Windows {
            channels: large[0],
            large: axes(&large[1..], 1),
            small: axes(&small[1..], 1),
            kernel: axes(kernel, 1),
            stride: axes(stride, 1),
            padding: axes(padding, 0),
        })
    }

    /// Windows in a row.
    pub fn positions(&self) -> usize {
        self.small.iter().product()
    }

    /// Values under a window.
    pub fn patch(&self) -> usize {
        self.taps() * self.channels
    }

    /// Pixels under a window.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Values of a row of the large image.
    pub fn large_len(&self) -> usize {
        self.large.iter().product::<usize>() * self.channels
    }

    /// The windows of `rows` rows in portions that stay in cache, counted through from the first row's first.
    pub fn portions(&self, rows: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (all, step) = (rows * self.positions(), (GATHERED / self.patch()).max(16));
        (0..all).step_by(step).map(move |at| at..(at + step).min(all))
    }

    /// Calls `see(row, at in the window's values, at in the row's values, count)` for each run of values under
    /// `window` that lies inside the image.
    #[inline]
    fn runs(&self, window: usize, mut see: impl FnMut(usize, usize, usize, usize)) {
        let (row, at) = (window / self.positions(), window % self.positions());
        let [_, height, width] = self.small;
        let place = [at / (height * width), at / width % height, at % width];
        let first = |axis: usize| (place[axis] * self.stride[axis]) as isize - self.padding[axis] as isize;
        let inside = |axis: usize| {
            let low = (-first(axis)).max(0) as usize;
            let high =
                (self.large[axis] as isize - first(axis)).clamp(0, self.kernel[axis] as isize) as usize;
            low.min(high)..high
        };
        let along = inside(2);
        let count = along.len() * self.channels;
        if count == 0 {
            return;
        }
        for z in inside(0) {
            for y in inside(1) {
                let tap = (z * self.kernel[1] + y) * self.kernel[2] + along.start;
                let plane = (first(0) + z as isize) as usize * self.large[1];
                let line = (plane + (first(1) + y as isize) as usize) * self.large[2];
                let pixel = (line as isize + first(2) + along.start as isize) as usize;
                see(row, tap * self.channels, pixel * self.channels, count);
            }
        }
    }

    /// The values under each of `windows` of `images` as a row of `gathered`; 0 outside.
    pub fn gather<R: Real>(&self, images: &[R], windows: Range<usize>, gathered: &mut Vec<R>) {
        let (patch, len) = (self.patch(), self.large_len());
        gathered.clear();
        gathered.resize(windows.len() * patch, R::ZERO);
        for (window, out) in windows.zip(gathered.chunks_exact_mut(patch)) {
            self.runs(window, |row, to, from, count| {
                out[to..to + count].copy_from_slice(&images[row * len + from..][..count]);
            });
        }
    }

    /// Adds each row of `gathered` to the values under its window: the adjoint of [`Windows::gather`].
    pub fn scatter<R: Real>(&self, gathered: &[R], windows: Range<usize>, images: &mut [R]) {
        let len = self.large_len();
        for (window, values) in windows.zip(gathered.chunks_exact(self.patch())) {
            self.runs(window, |row, from, to, count| {
                let image = &mut images[row * len + to..][..count];
                image.iter_mut().zip(&values[from..]).for_each(|(x, v)| *x += *v);
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Windows of every position and pixel, by the definition of the layer.
    #[test]
    fn gathers_what_lies_under_and_scatters_it_back() {
        for (input, kernel, stride, padding) in [
            (vec![2, 5], vec![3], vec![], vec![]),
            (vec![3, 4, 6], vec![2, 3], vec![2, 1], vec![1, 1]),
            (vec![1, 3, 4, 5], vec![3, 1, 2], vec![1, 2, 3], vec![0, 2, 1]),
            (vec![2, 1, 1], vec![1, 1], vec![], vec![]),
        ] {
            let layer = Layer::Conv {
                channels: 1,
                kernel: kernel.clone(),
                stride: stride.clone(),
                padding: padding.clone(),
            };
            let output = layer.output(&input).unwrap();
            let w = Windows::of(&layer, &input, &output).unwrap();
            let rows = 2;
            let images: Vec<f32> = (0..rows * w.large_len()).map(|i| i as f32 + 1.0).collect();
            let all = 0..rows * w.positions();
            let mut gathered = vec![];
            w.gather(&images, all.clone(), &mut gathered);
            let mut at = 0;
            for window in all.clone() {
                let (row, p) = (window / w.positions(), window % w.positions());
                let place = [p / w.small[1] / w.small[2], p / w.small[2] % w.small[1], p % w.small[2]];
                for tap in 0..w.taps() {
                    let k =
                        [tap / w.kernel[1] / w.kernel[2], tap / w.kernel[2] % w.kernel[1], tap % w.kernel[2]];
                    let pixel: Vec<isize> = (0..3)
                        .map(|a| (place[a] * w.stride[a] + k[a]) as isize - w.padding[a] as isize)
                        .collect();
                    let inside = (0..3).all(|a| pixel[a] >= 0 && (pixel[a] as usize) < w.large[a]);
                    for c in 0..w.channels {
                        let expected = match inside {
                            false => 0.0,
                            true => {
                                let [z, y, x] = [pixel[0] as usize, pixel[1] as usize, pixel[2] as usize];
                                let pixel = (z * w.large[1] + y) * w.large[2] + x;
                                images[row * w.large_len() + pixel * w.channels + c]
                            }
                        };
                        assert_eq!(gathered[at], expected);
                        at += 1;
                    }
                }
            }
            // The adjoint: <gather(x), g> = <x, scatter(g)>, in integers that f32 holds.
            let g: Vec<f32> = (0..gathered.len()).map(|i| (i % 3) as f32).collect();
            let mut back = vec![0.0; images.len()];
            w.scatter(&g, all, &mut back);
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a * b) as f64).sum::<f64>();
            assert_eq!(dot(&gathered, &g), dot(&images, &back));
        }
    }
}
