//! Interrupted trainings, and what they are gone on with.

use super::*;

#[test]
fn a_resumed_training_comes_to_the_same_bits() {
    resume(Precision::Single);
    resume(Precision::Double);
}

fn resume(precision: Precision) {
    let architecture = models::by_name("AE_Dropout_BN", &[6], 2).unwrap();
    let rows = curved_rows(300, 6);
    let mut options = TrainOptions::new(architecture);
    (options.epochs, options.batch_size, options.validation) = (5, 64, 0.2);
    options.precision = precision;
    options.plateau = Some(Plateau { patience: 0, factor: 0.5, minimum: 1e-9 });
    let (mut saved, mut at_three) = (vec![], None);
    let whole = fit(&rows, &options, None, |report| {
        let mut file = vec![];
        report.write_checkpoint(&mut file).unwrap();
        saved.push(file);
        if report.epoch == 3 {
            at_three = Some(report.fitted().unwrap());
        }
        ControlFlow::Continue(())
    })
    .unwrap();
    assert_eq!(at_three.unwrap().provenance.history, whole.provenance.history[..3]);
    for (i, bytes) in saved.iter().enumerate() {
        let checkpoint = Checkpoint::from_bytes(bytes).unwrap();
        assert_eq!(checkpoint.epochs(), i + 1);
        let resumed = fit(&rows, &options, Some(checkpoint), |_| ControlFlow::Continue(())).unwrap();
        assert!(resumed == whole, "from epoch {}", i + 1);
    }

    let checkpoint = Checkpoint::from_bytes(&saved[1]).unwrap();
    let refused = |rows: &[f64], change: fn(&mut TrainOptions)| {
        let mut options = options.clone();
        change(&mut options);
        fit(rows, &options, Some(checkpoint.clone()), |_| ControlFlow::Continue(())).unwrap_err().to_string()
    };
    assert!(refused(&rows, |o| o.seed = 2).contains("another seed"));
    assert!(refused(&rows, |o| o.objective.sparsity = 0.1).contains("another loss"));
    assert!(refused(&rows[6..], |_| ()).contains("another data"));
    let other = |o: &mut TrainOptions| {
        o.precision = if o.precision.is_single() { Precision::Double } else { Precision::Single };
    };
    assert!(refused(&rows, other).contains("another precision"));
    for end in (0..saved[0].len()).step_by(37) {
        assert!(Checkpoint::from_bytes(&saved[0][..end]).is_err(), "cut at {end}");
    }
    for byte in (0..saved[0].len()).step_by(101) {
        let mut damaged = saved[0].clone();
        damaged[byte] ^= 4;
        if let Ok(read) = Checkpoint::from_bytes(&damaged) {
            // What the checksum does not hold is the description, which training compares.
            assert!(read.state == Checkpoint::from_bytes(&saved[0]).unwrap().state);
        }
    }
}
