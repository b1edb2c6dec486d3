//! Float matrix products for training and for the float reference: by the kernel of [`fma`](super::fma) where the CPU has
//! what it takes, else by the crate `gemm-f32`.
#![allow(unsafe_code)] // both take pointers

#[cfg(target_arch = "x86_64")]
use super::fma::{Fma, Matrix, Output};

/// A matrix in a slice: element (row, column) stands at `row * stride.0 + column * stride.1`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    stride: (usize, usize),
}

impl<'a> View<'a> {
    /// `data` row by row, `columns` each.
    pub fn rows(data: &'a [f32], columns: usize) -> Self {
        View::strided(data, columns)
    }

    /// Rows that begin every `stride` values of `data`.
    pub fn strided(data: &'a [f32], stride: usize) -> Self {
        View { data, stride: (stride, 1) }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        View { stride: (self.stride.1, self.stride.0), ..self }
    }

    #[cfg(target_arch = "x86_64")]
    fn matrix(self) -> Matrix {
        Matrix { at: self.data.as_ptr(), stride: self.stride }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        (rows.saturating_sub(1) * self.stride.0 + columns.saturating_sub(1) * self.stride.1) < self.data.len()
    }
}

/// c = a b: `c` is m x n by rows, `a` m x k, `b` k x n. One thread; the result depends
/// on the sizes and the CPU, on nothing else.
pub fn product(c: &mut [f32], a: View, b: View, (m, n, k): (usize, usize, usize)) {
    multiply(c, n, false, a, b, (m, n, k));
}

/// c += a b, as [`product`].
pub fn add_product(c: &mut [f32], a: View, b: View, (m, n, k): (usize, usize, usize)) {
    multiply(c, n, true, a, b, (m, n, k));
}

/// As [`product`], or with `add` as [`add_product`], but the rows of `c` begin every `stride` values.
pub fn multiply(c: &mut [f32], stride: usize, add: bool, a: View, b: View, shape: (usize, usize, usize)) {
    check(c, stride, a, b, shape);
    #[cfg(target_arch = "x86_64")]
    if let Some(fma) = Fma::new() {
        let c = Output { at: c.as_mut_ptr(), stride, add, bias: std::ptr::null(), slope: 1.0 };
        // SAFETY: `check` holds every element within its slice; one stride of every view is 1.
        return unsafe { fma.multiply(c, a.matrix(), b.matrix(), shape) };
    }
    by_crate(c, stride, add, a, b, shape);
}

/// c = activation(a b + bias), the activation being `slope` y for y < 0; otherwise as [`multiply`].
pub fn affine(
    c: &mut [f32],
    stride: usize,
    a: View,
    b: View,
    (bias, slope): (&[f32], f32),
    shape: (usize, usize, usize),
) {
    check(c, stride, a, b, shape);
    assert_eq!(bias.len(), shape.1);
    #[cfg(target_arch = "x86_64")]
    if let Some(fma) = Fma::new() {
        let c = Output { at: c.as_mut_ptr(), stride, add: false, bias: bias.as_ptr(), slope };
        // SAFETY: as in `multiply`, and the assertion above.
        return unsafe { fma.multiply(c, a.matrix(), b.matrix(), shape) };
    }
    by_crate(c, stride, false, a, b, shape);
    c.chunks_mut(stride).take(shape.0).for_each(|row| add_bias(&mut row[..bias.len()], bias, slope));
}

/// y = activation(y + b) for each row, the activation being `slope` y for y < 0.
pub fn add_bias(y: &mut [f32], bias: &[f32], slope: f32) {
    for row in y.chunks_exact_mut(bias.len()) {
        if slope == 1.0 {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        } else {
            for (y, b) in row.iter_mut().zip(bias) {
                let t = *y + b;
                *y = if t > 0.0 { t } else { slope * t };
            }
        }
    }
}

fn check(c: &[f32], stride: usize, a: View, b: View, (m, n, k): (usize, usize, usize)) {
    assert!(m > 0 && n > 0 && k > 0 && stride >= n);
    assert!((m - 1).checked_mul(stride).and_then(|x| x.checked_add(n)).is_some_and(|end| c.len() >= end));
    assert!(a.holds(m, k) && b.holds(k, n));
}

fn by_crate(c: &mut [f32], stride: usize, add: bool, a: View, b: View, (m, n, k): (usize, usize, usize)) {
    check(c, stride, a, b, (m, n, k));
    // SAFETY: `check` holds every element that gemm reads or writes within its slice.
    unsafe {
        gemm_f32::gemm::f32::get_gemm_fn()(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            stride as isize,
            add,
            a.data.as_ptr(),
            a.stride.1 as isize,
            a.stride.0 as isize,
            b.data.as_ptr(),
            b.stride.1 as isize,
            b.stride.0 as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm_common::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In integers that f32 holds, so that every order of summation comes to the same.
    #[test]
    fn equals_three_loops() {
        let sizes =
            [(1, 1, 1), (3, 5, 7), (33, 17, 20), (64, 48, 100), (13, 24, 300), (30, 9, 1100), (2, 40, 9)];
        for (m, n, k) in sizes {
            let a: Vec<f32> = (0..m * k).map(|i| ((i * 37) % 11) as f32 - 5.0).collect();
            let b: Vec<f32> = (0..k * n).map(|i| ((i * 53) % 13) as f32 - 6.0).collect();
            let bias: Vec<f32> = (0..n).map(|i| ((i * 29) % 17) as f32 - 8.0).collect();
            let at: Vec<f32> = (0..k * m).map(|i| a[(i % m) * k + i / m]).collect();
            let bt: Vec<f32> = (0..n * k).map(|i| b[(i % k) * n + i / k]).collect();
            let expected: Vec<f32> =
                (0..m * n).map(|i| (0..k).map(|j| a[i / n * k + j] * b[j * n + i % n]).sum()).collect();
            let mut bent = expected.clone();
            add_bias(&mut bent, &bias, 0.5);
            let mut c = vec![1.0; m * n];
            by_crate(&mut c, n, false, View::rows(&a, k), View::rows(&b, n), (m, n, k));
            assert_eq!(c, expected);
            let as_ = [View::rows(&a, k), View::rows(&at, m).transposed()];
            let bs = [View::rows(&b, n), View::rows(&bt, k).transposed()];
            for (a, b) in as_.into_iter().flat_map(|a| bs.map(|b| (a, b))) {
                c.fill(f32::NAN);
                product(&mut c, a, b, (m, n, k));
                assert_eq!(c, expected);
                add_product(&mut c, a, b, (m, n, k));
                assert!(c.iter().zip(&expected).all(|(c, e)| *c == 2.0 * e));
                affine(&mut c, n, a, b, (&bias, 0.5), (m, n, k));
                assert_eq!(c, bent);
                let mut wide = vec![7.0; m * (n + 3)];
                multiply(&mut wide, n + 3, false, a, b, (m, n, k));
                for (row, expected) in wide.chunks(n + 3).zip(expected.chunks(n)) {
                    assert!(row[..n] == *expected && row[n..] == [7.0; 3]);
                }
                affine(&mut wide, n + 3, a, b, (&bias, 0.5), (m, n, k));
                for (row, expected) in wide.chunks(n + 3).zip(bent.chunks(n)) {
                    assert!(row[..n] == *expected && row[n..] == [7.0; 3]);
                }
            }
        }
    }
}
