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

#[test]
fn the_best_epoch_is_kept_where_it_is_not_the_last() {
    // Wide enough for a dense layer's gradient to come in pieces narrower than its rows, with batch norms.
    let architecture = models::by_name("AE_Dropout_BN", &[520], 4).unwrap();
    let rows = curved_rows(60, 520);
    let mut options = TrainOptions::new(architecture);
    (options.epochs, options.batch_size, options.validation) = (40, 40, 0.2);
    options.learning_rate = 0.3; // too large: losses rise and fall
    for threads in [1, 2] {
        options.threads = threads;
        let (mut least, mut best, mut saved, mut worse) = (f64::INFINITY, None, vec![], 0);
        let whole = fit(&rows, &options, None, |report| {
            let loss = report.result.validation_loss.unwrap();
            worse += 1;
            if loss < least {
                (least, worse) = (loss, 0);
                best = Some(report.fitted().unwrap().float);
            }
            saved.clear();
            report.write_checkpoint(&mut saved).unwrap();
            if worse == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
        assert_eq!(worse, 2, "no test of what is kept");
        let float = best.unwrap();
        assert!(whole.float == float, "{threads} threads: not the parameters of the best epoch");
        // A checkpoint behind it still has them.
        let checkpoint = Checkpoint::from_bytes(&saved).unwrap();
        let resumed = fit(&rows, &options, Some(checkpoint), |_| ControlFlow::Break(())).unwrap();
        let last = resumed.provenance.history.last().unwrap().validation_loss.unwrap();
        assert!(last < least || resumed.float == float, "{threads} threads: lost with the checkpoint");
    }
}
