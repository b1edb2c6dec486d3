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
        View { data, stride: (columns, 1) }
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
    assert!(m > 0 && n > 0 && k > 0 && m.checked_mul(n).is_some_and(|mn| c.len() >= mn));
    assert!(a.holds(m, k) && b.holds(k, n));
    // SAFETY: the assertions hold every element that gemm reads or writes within its slice.
    unsafe {
        gemm_f32::gemm::f32::get_gemm_fn()(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            false,
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
        }
    }
}
