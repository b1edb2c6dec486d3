//! Float matrix products for training and for the float reference: of singles by the kernel of [`fma`](super::fma) where the
//! CPU has what it takes, else by the crates `gemm-f32` and `gemm-f64`.
#![allow(unsafe_code)] // all of them take pointers

use gemm_common::Parallelism;

#[cfg(target_arch = "x86_64")]
use super::fma::{Fma, Matrix, Output};
use crate::model::float::Real;

/// A matrix in a slice: element (row, column) stands at `row * stride.0 + column * stride.1`.
#[derive(Clone, Copy)]
pub struct View<'a, R> {
    data: &'a [R],
    stride: (usize, usize),
}

impl<'a, R> View<'a, R> {
    /// `data` row by row, `columns` each.
    pub fn rows(data: &'a [R], columns: usize) -> Self {
        View::strided(data, columns)
    }

    /// Rows that begin every `stride` values of `data`.
    pub fn strided(data: &'a [R], stride: usize) -> Self {
        View { data, stride: (stride, 1) }
    }

    /// The same values with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        View { stride: (self.stride.1, self.stride.0), ..self }
    }

    fn holds(&self, rows: usize, columns: usize) -> bool {
        (rows.saturating_sub(1) * self.stride.0 + columns.saturating_sub(1) * self.stride.1) < self.data.len()
    }
}

/// What is done with a product.
#[derive(Clone, Copy)]
pub struct Target<'a, R> {
    /// From row to row of where it goes.
    stride: usize,
    /// Whether it is added to what is there.
    add: bool,
    /// What is added to each column, and the slope of the activation that follows.
    bias: Option<(&'a [R], R)>,
}

/// Rows and columns of a product, and the steps of each sum.
type Shape = (usize, usize, usize);

/// What a crate multiplies by: m, n, k; `c` with its strides by column and by row; whether it is added to; `a` and `b` alike;
/// what `c` and the product are multiplied with; what complex numbers would be asked; threads.
#[rustfmt::skip]
type Gemm<R> = unsafe fn(
    usize, usize, usize, *mut R, isize, isize, bool, *const R, isize, isize, *const R, isize, isize, R, R, bool, bool, bool,
    Parallelism,
);

/// A type whose matrices are multiplied.
pub trait Product: Sized {
    /// The function of its crate.
    fn gemm() -> Gemm<Self>;

    /// Multiplies by a kernel of our own, where there is one for the type and the CPU; whether it has.
    ///
    /// # Safety
    ///
    /// [`check`] must have passed, and a bias be as long as the product is wide.
    unsafe fn by_kernel(_: &mut [Self], _: Target<Self>, _: View<Self>, _: View<Self>, _: Shape) -> bool {
        false
    }
}

impl Product for f32 {
    fn gemm() -> Gemm<f32> {
        gemm_f32::gemm::f32::get_gemm_fn()
    }

    #[cfg(target_arch = "x86_64")]
    unsafe fn by_kernel(c: &mut [f32], to: Target<f32>, a: View<f32>, b: View<f32>, shape: Shape) -> bool {
        let Some(fma) = Fma::new() else { return false };
        let (bias, slope) = to.bias.map_or((std::ptr::null(), 1.0), |(bias, slope)| (bias.as_ptr(), slope));
        let c = Output { at: c.as_mut_ptr(), stride: to.stride, add: to.add, bias, slope };
        let [a, b] = [a, b].map(|view| Matrix { at: view.data.as_ptr(), stride: view.stride });
        // SAFETY: the caller's checks hold every element within its slice; one stride of every view is 1.
        unsafe { fma.multiply(c, a, b, shape) };
        true
    }
}

impl Product for f64 {
    fn gemm() -> Gemm<f64> {
        gemm_f64::gemm::f64::get_gemm_fn()
    }
}

/// c = a b: `c` is m x n by rows, `a` m x k, `b` k x n. One thread; the result depends
/// on the sizes and the CPU, on nothing else.
pub fn product<R: Real>(c: &mut [R], a: View<R>, b: View<R>, shape: Shape) {
    multiply(c, shape.1, false, a, b, shape);
}

/// c += a b, as [`product`].
pub fn add_product<R: Real>(c: &mut [R], a: View<R>, b: View<R>, shape: Shape) {
    multiply(c, shape.1, true, a, b, shape);
}

/// As [`product`], or with `add` as [`add_product`], but the rows of `c` begin every `stride` values.
pub fn multiply<R: Real>(c: &mut [R], stride: usize, add: bool, a: View<R>, b: View<R>, shape: Shape) {
    into(c, Target { stride, add, bias: None }, a, b, shape);
}

/// c = activation(a b + bias), the activation being `slope` y for y < 0; otherwise as [`multiply`].
pub fn affine<R: Real>(
    c: &mut [R],
    stride: usize,
    a: View<R>,
    b: View<R>,
    (bias, slope): (&[R], R),
    shape: Shape,
) {
    into(c, Target { stride, add: false, bias: Some((bias, slope)) }, a, b, shape);
}

fn into<R: Real>(c: &mut [R], to: Target<R>, a: View<R>, b: View<R>, shape: Shape) {
    check(c, to.stride, a, b, shape);
    assert!(to.bias.is_none_or(|(bias, _)| bias.len() == shape.1));
    // SAFETY: both assertions.
    if !unsafe { R::by_kernel(c, to, a, b, shape) } {
        by_crate(c, to, a, b, shape);
    }
}

/// y = activation(y + b) for each row, the activation being `slope` y for y < 0.
pub fn add_bias<R: Real>(y: &mut [R], bias: &[R], slope: R) {
    for row in y.chunks_exact_mut(bias.len()) {
        if slope == R::ONE {
            row.iter_mut().zip(bias).for_each(|(y, &b)| *y += b);
        } else {
            for (y, &b) in row.iter_mut().zip(bias) {
                let t = *y + b;
                *y = if t > R::ZERO { t } else { slope * t };
            }
        }
    }
}

fn check<R>(c: &[R], stride: usize, a: View<R>, b: View<R>, (m, n, k): Shape) {
    assert!(m > 0 && n > 0 && k > 0 && stride >= n);
    assert!((m - 1).checked_mul(stride).and_then(|x| x.checked_add(n)).is_some_and(|end| c.len() >= end));
    assert!(a.holds(m, k) && b.holds(k, n));
}

fn by_crate<R: Real>(c: &mut [R], to: Target<R>, a: View<R>, b: View<R>, (m, n, k): Shape) {
    check(c, to.stride, a, b, (m, n, k));
    // SAFETY: `check` holds every element that gemm reads or writes within its slice.
    unsafe {
        R::gemm()(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            to.stride as isize,
            to.add,
            a.data.as_ptr(),
            a.stride.1 as isize,
            a.stride.0 as isize,
            b.data.as_ptr(),
            b.stride.1 as isize,
            b.stride.0 as isize,
            R::ONE,
            R::ONE,
            false,
            false,
            false,
            Parallelism::None,
        )
    }
    if let Some((bias, slope)) = to.bias {
        c.chunks_mut(to.stride).take(m).for_each(|row| add_bias(&mut row[..n], bias, slope));
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
            let to = Target { stride: n, add: false, bias: Some((&bias[..], 0.5)) };
            by_crate(&mut c, to, View::rows(&a, k), View::rows(&b, n), (m, n, k));
            assert_eq!(c, bent);
            let [mut doubles, a64, b64, bias64] =
                [&c, &a, &b, &bias].map(|v| v.iter().map(|&x| x as f64).collect::<Vec<_>>());
            affine(&mut doubles, n, View::rows(&a64, k), View::rows(&b64, n), (&bias64, 0.5), (m, n, k));
            assert!(doubles.iter().zip(&bent).all(|(&x, &y)| x == y as f64));
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
