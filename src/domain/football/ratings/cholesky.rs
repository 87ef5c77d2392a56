//! Symmetric positive definite systems, as small as a league: A x = b by A = L L'.

/// The lower triangle of a symmetric matrix.
#[derive(Debug, Clone)]
pub(super) struct Symmetric {
    order: usize,
    /// Row after row, whole rows, so that a row is one slice.
    cells: Vec<f64>,
}

impl Symmetric {
    pub(super) fn zero(order: usize) -> Self {
        Symmetric { order, cells: vec![0.0; order * order] }
    }

    pub(super) fn clear(&mut self) {
        self.cells.fill(0.0);
    }

    /// Adds to the cell in a row of the lower triangle, and so to its mirror.
    pub(super) fn add(&mut self, row: usize, column: usize, value: f64) {
        debug_assert!(column <= row, "only the lower triangle is kept");
        self.cells[row * self.order + column] += value;
    }

    /// Replaces the matrix by its factor L, and `b` by the solution. `None` when the matrix is not positive
    /// definite, or not finite; both are spoiled then.
    pub(super) fn solve(&mut self, b: &mut [f64]) -> Option<()> {
        let n = self.order;
        for i in 0..n {
            let (above, row) = self.cells.split_at_mut(i * n);
            let row = &mut row[..n];
            for j in 0..i {
                let other = &above[j * n..j * n + j + 1];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let pivot = row[i] - dot(&row[..i], &row[..i]);
            if !(pivot > 0.0 && pivot.is_finite()) {
                return None;
            }
            row[i] = pivot.sqrt();
            b[i] = (b[i] - dot(&row[..i], &b[..i])) / row[i];
        }
        for i in (0..n).rev() {
            let row = &self.cells[i * n..i * n + i + 1];
            b[i] /= row[i];
            let x = b[i];
            for (b, l) in b[..i].iter_mut().zip(row) {
                *b -= x * l;
            }
        }
        Some(())
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matrix(order: usize, cell: impl Fn(usize, usize) -> f64) -> Symmetric {
        let mut matrix = Symmetric::zero(order);
        for i in 0..order {
            for j in 0..=i {
                matrix.add(i, j, cell(i, j));
            }
        }
        matrix
    }

    proptest! {
        #[test]
        fn the_solution_solves(
            factor in prop::collection::vec(-1.0..1.0_f64, 36),
            right in prop::collection::vec(-5.0..5.0_f64, 6),
        ) {
            let cell = |i: usize, j: usize| -> f64 {
                let dot: f64 = (0..6).map(|k| factor[i * 6 + k] * factor[j * 6 + k]).sum();
                dot + if i == j { 0.1 } else { 0.0 }
            };
            let mut x = right.clone();
            prop_assert_eq!(matrix(6, cell).solve(&mut x), Some(()));
            for (i, right) in right.iter().enumerate() {
                let left: f64 = (0..6).map(|j| cell(i, j) * x[j]).sum();
                prop_assert!((left - right).abs() < 1e-8);
            }
        }
    }

    #[test]
    fn what_has_no_unique_solution_is_refused() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(matrix(1, |_, _| bad).solve(&mut [1.0]), None, "{bad}");
        }
        assert_eq!(matrix(2, |_, _| 1.0).solve(&mut [1.0, 1.0]), None);
    }
}
