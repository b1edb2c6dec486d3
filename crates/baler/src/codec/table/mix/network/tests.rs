use super::levenberg::{Normal, evaluate};
use super::*;

fn random() -> impl FnMut() -> f64 {
    let mut state = 3u64;
    move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    }
}

#[test]
fn gradients_are_those_of_differences() {
    let mut r = random();
    let weights: Vec<f64> = (0..3 * 9).map(|_| 3.0 * r()).collect();
    let x = [r(), 4.0 * r()];
    let mut gradient = vec![0.0; weights.len()];
    assert!((evaluate(&weights, &x, Some(&mut gradient)) - evaluate(&weights, &x, None)).abs() < 1e-12);
    for i in 0..weights.len() {
        let at = |step: f64| {
            let mut w = weights.clone();
            w[i] += step;
            evaluate(&w, &x, None)
        };
        let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((slope - gradient[i]).abs() < 1e-7, "{i}: {slope} {}", gradient[i]);
    }
}

#[test]
fn normal_equations_are_solved() {
    let mut r = random();
    for (n, rows) in [(1, 1), (3, 3), (5, 18), (20, 99)] {
        let terms: Vec<f64> = (0..n * rows).map(|_| r()).collect();
        let known: Vec<f64> = (0..n).map(|_| r()).collect();
        let normal = Normal::new(n, rows, |row, to| {
            to.copy_from_slice(&terms[row * n..][..n]);
            (1.5, to.iter().zip(&known).map(|(t, k)| t * k).sum())
        });
        for (x, k) in normal.solve(0.0).unwrap().iter().zip(&known) {
            assert!((x - k).abs() < 1e-6, "{n} of {rows}: {x} {k}");
        }
    }
}

#[test]
fn products_and_curves_are_foreseen_and_noise_is_not() {
    let mut r = random();
    let column = |f: &mut dyn FnMut() -> f64| -> Vec<i64> {
        (0..6000).map(|_| (f() * 1000.0).round() as i64).collect()
    };
    let (a, b, noise) = (column(&mut r), column(&mut r), column(&mut r));
    let law = |i: usize| (a[i] * b[i]) as f64 / 500.0 + 300.0 * (a[i] as f64 / 150.0).sin();
    let told: Vec<i64> = (0..6000).map(|i| law(i).round() as i64).collect();
    let candidates = [&noise[..], &b, &a];
    let network = fit(&told, &candidates, candidates.len()).unwrap();
    let mut inputs: Vec<usize> = network.inputs().collect();
    let given: Vec<&[i64]> = inputs.iter().map(|&i| candidates[i]).collect();
    let foreseen = network.foresee(&given, 6000);
    inputs.sort_unstable();
    assert_eq!(inputs, [1, 2]);
    let near = foreseen.iter().zip(&told).filter(|(f, t)| f.abs_diff(**t) <= 2).count();
    assert!(near > 5000, "{near} of 6000");
    assert_eq!(fit(&noise, &[&a, &b], 2), None);
    assert_eq!(fit(&told, &candidates, 0), None, "nothing to begin with");
    assert_eq!(fit(&told, &candidates, 1), None, "noise to begin with");
    let begun = fit(&told, &[&a, &noise, &b], 1).unwrap();
    assert_eq!(begun.inputs().collect::<Vec<_>>(), [0, 2]);
    assert_eq!(fit(&told[..1000], &candidates, candidates.len()), None);
    assert_eq!(fit(&vec![5; 6000], &candidates, candidates.len()), None);

    let mut bytes = vec![];
    network.write(&mut bytes, 7);
    let back = Network::read(&mut Reader::new(&bytes), 9).unwrap();
    assert_eq!(back.inputs().collect::<Vec<_>>(), [7, 8]);
    assert_eq!(back.foresee(&given, 6000), foreseen);
    assert_eq!(back.foresee(&given, 11), foreseen[..11]);
    assert!(Network::read(&mut Reader::new(&bytes), 8).is_err(), "a column that is not there");
    for end in 0..bytes.len() {
        assert!(Network::read(&mut Reader::new(&bytes[..end]), 9).is_err());
    }
}
