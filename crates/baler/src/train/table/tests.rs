//! Training: the same model on any number of threads; options that contradict themselves.

use super::*;

fn sample(rows: i64) -> Vec<SampleColumn> {
    let column = |name: &str, f: &dyn Fn(i64) -> i64| SampleColumn {
        name: name.into(),
        scale: Scale::Linear(1.0),
        integers: (0..rows).map(f).collect(),
    };
    vec![
        column("wave", &|i| (i * i) % 977),
        column("class", &|i| (i * i) % 977 / 300),
        column("same", &|_| 4),
        column("run", &|i| i / 7 % 90),
    ]
}

#[test]
fn threads_do_not_matter_and_seeds_do() {
    let train = |threads, seed| {
        let options = TableOptions { epochs: Some(2), threads, seed, ..TableOptions::default() };
        let mut seen = vec![];
        let model = train_table(&sample(1500), &options, |r| {
            seen.push((r.done, r.columns));
            ControlFlow::Continue(())
        });
        assert_eq!(seen, [(1, 3), (2, 3), (3, 3)]);
        model.unwrap().to_bytes()
    };
    let one = train(1, 5);
    assert!(one == train(3, 5), "the same on three threads");
    assert!(one != train(1, 6), "another with another seed");
}

#[test]
fn a_stopped_training_leaves_columns_without_networks() {
    let options = TableOptions { epochs: Some(1), threads: 1, ..TableOptions::default() };
    let model = train_table(&sample(600), &options, |_| ControlFlow::Break(())).unwrap();
    let nets = model.columns().iter().filter(|c| c.net.is_some()).count();
    assert!((1..=2).contains(&nets), "{nets}");
    assert_eq!(TableModel::from_bytes(&model.to_bytes()).unwrap(), model);
}

#[test]
fn patience_ends_a_training() {
    let epochs = |patience| {
        let options =
            TableOptions { patience: Some(patience), hidden: vec![4], threads: 1, ..TableOptions::default() };
        let mut run = 0;
        train_table(&sample(900), &options, |r| {
            run += r.epochs;
            ControlFlow::Continue(())
        })
        .unwrap();
        run
    };
    assert_eq!(epochs(1000), 3 * 40, "each of three columns to its end");
    assert!(epochs(1) < 3 * 40);
}

#[test]
fn foolish_options_are_refused() {
    let good = TableOptions::default();
    for options in [
        TableOptions { epochs: Some(0), ..good.clone() },
        TableOptions { batch_size: 0, ..good.clone() },
        TableOptions { learning_rate: f64::NAN, ..good.clone() },
        TableOptions { validation: 1.0, ..good.clone() },
        TableOptions { hidden: vec![], ..good.clone() },
        TableOptions { hidden: vec![65], ..good.clone() },
    ] {
        assert!(train_table(&sample(50), &options, |_| ControlFlow::Continue(())).is_err(), "{options:?}");
    }
    assert!(train_table(&[], &good, |_| ControlFlow::Continue(())).is_err());
    assert!(train_table(&sample(50)[2..3], &good, |_| ControlFlow::Continue(())).is_err());
    let wave = sample(50).swap_remove(0);
    let many: Vec<SampleColumn> =
        (0..=MOST_COLUMNS).map(|i| SampleColumn { name: i.to_string(), ..wave.clone() }).collect();
    let error = train_table(&many, &good, |_| ControlFlow::Continue(())).unwrap_err();
    assert!(error.to_string().contains("4097 columns"), "{error}");
}
