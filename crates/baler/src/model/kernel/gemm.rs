//! Float matrix products for training and for the float reference: a safe face for the crate `gemm-f32`.
#![allow(unsafe_code)] // gemm takes pointers

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
pub fn multiply(c: &mut [f32], stride: usize, add: bool, a: View, b: View, (m, n, k): (usize, usize, usize)) {
    assert!(m > 0 && n > 0 && k > 0 && stride >= n);
    assert!((m - 1).checked_mul(stride).and_then(|x| x.checked_add(n)).is_some_and(|end| c.len() >= end));
    assert!(a.holds(m, k) && b.holds(k, n));
    // SAFETY: the assertions hold every element that gemm reads or writes within its slice.
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

    #[test]
    fn equals_three_loops() {
        for (m, n, k) in [(1, 1, 1), (3, 5, 7), (33, 17, 20), (64, 48, 100)] {
            let a: Vec<f32> = (0..m * k).map(|i| ((i * 37) % 11) as f32 - 5.0).collect();
            let b: Vec<f32> = (0..k * n).map(|i| ((i * 53) % 13) as f32 - 6.0).collect();
            let bt: Vec<f32> = (0..n * k).map(|i| b[(i % k) * n + i / k]).collect();
            let expected: Vec<f32> =
                (0..m * n).map(|i| (0..k).map(|j| a[i / n * k + j] * b[j * n + i % n]).sum()).collect();
            let mut c = vec![1.0; m * n];
            product(&mut c, View::rows(&a, k), View::rows(&b, n), (m, n, k));
            assert_eq!(c, expected);
            product(&mut c, View::rows(&a, k), View::rows(&bt, k).transposed(), (m, n, k));
            assert_eq!(c, expected);
            add_product(&mut c, View::rows(&a, k), View::rows(&b, n), (m, n, k));
            assert!(c.iter().zip(&expected).all(|(c, e)| *c == 2.0 * e));
            let mut wide = vec![7.0; m * (n + 3)];
            multiply(&mut wide, n + 3, false, View::rows(&a, k), View::rows(&b, n), (m, n, k));
            for (row, expected) in wide.chunks(n + 3).zip(expected.chunks(n)) {
                assert!(row[..n] == *expected && row[n..] == [7.0; 3]);
            }
        }
    }
}
