//! Models, as small as can be.

use super::{Random, columns, kin, rows, wave};
use baler::archive::Options;
use baler::bound::Bound;
use baler::data::Table;
use baler::model::Model;
use baler::model::blocks::Blocks;
use baler::model::field::{FieldModel, width};
use baler::model::frozen::{FrozenDense, Requantise};
use baler::model::layers::{Architecture, Layer};
use baler::model::table::file::TrainedTable;
use baler::model::zoo::dense_chain;
use baler::train::table::{TableOptions, train_within};
use baler::train::{TrainOptions, train};

/// A model of three features and one latent, hardly trained.
pub fn model(names: &[&str]) -> Model {
    let relu = Layer::LeakyRelu { slope: 0.01 };
    let architecture = Architecture {
        name: "tiny".into(),
        input: vec![3],
        sequence: 1,
        encoder: dense_chain(&[4, 1], &relu),
        decoder: dense_chain(&[3, 3], &relu),
    };
    let options = TrainOptions { epochs: 3, batch_size: 16, threads: 1, ..TrainOptions::new(architecture) };
    let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
    train(&rows(60), &names, &options, |_| std::ops::ControlFlow::Continue(())).unwrap()
}

/// A model of tables of two of the columns of [`kin`].
pub fn net() -> TrainedTable {
    let table = Table::new(kin(600)[..2].to_vec()).unwrap();
    let bounds = Options { bound: Some(Bound::Absolute(0.05)), ..Options::default() };
    let options = TableOptions { epochs: Some(3), hidden: vec![2], threads: 1, ..TableOptions::default() };
    train_within(&table, &bounds, &options, |_| std::ops::ControlFlow::Continue(())).unwrap()
}

/// A model of fields that has learned nothing: integers drawn by a seed, so that it is the same on every machine.
pub fn field_model(planar: bool, hidden: &[usize]) -> FieldModel {
    let mut random = Random(hidden.len() as u64 + 3 * planar as u64);
    let widths = [&[width(planar)], hidden, &[2]].concat();
    let layer = |(i, w): (usize, &[usize])| {
        let last = i == hidden.len();
        let mut within = |most: usize| random.below(2 * most + 1) as i64 - most as i64;
        let weights = (0..w[0] * w[1]).map(|_| within(if last { 2000 } else { 100 }) as i16).collect();
        let bias = (0..w[1]).map(|_| within(1 << 16) as i32).collect();
        let requantise = (!last).then(|| Requantise {
            shift: 10,
            positive: (0..w[1]).map(|_| 9000 + within(8000) as i16).collect(),
            negative: vec![0; w[1]],
        });
        FrozenDense::new(w[0], w[1], weights, bias, requantise).unwrap()
    };
    FieldModel::new(planar, widths.windows(2).enumerate().map(layer).collect(), [1e-6, 3e-5]).unwrap()
}

/// Fields through a network of every kind of step, and cut into rows in every way, with their shapes.
pub fn networks() -> Vec<(&'static str, Model, Vec<usize>)> {
    use Layer::{BatchNorm, Flatten, Gelu, Relu};
    let dense = |outputs| Layer::Dense { outputs };
    let conv = |channels, kernel: &[usize]| Layer::Conv {
        channels,
        kernel: kernel.into(),
        stride: vec![],
        padding: vec![1; kernel.len()],
    };
    let transposed = |channels, kernel: &[usize], stride, padding| Layer::ConvTransposed {
        channels,
        kernel: kernel.into(),
        stride: vec![stride; kernel.len()],
        padding: vec![padding; kernel.len()],
        output_padding: vec![stride - 1; kernel.len()],
    };
    let reshape = |shape: &[usize]| Layer::Reshape { shape: shape.into() };
    let transformer = |norm_first| Layer::Transformer { feed_forward: 5, norm_first };
    let gdn = |inverse| Layer::Gdn { inverse };
    let leaky = Layer::LeakyRelu { slope: 0.2 };
    let made = [
        (
            "convolution",
            (&[1, 4, 6][..], 1, Blocks::Tiles(vec![4, 6])),
            vec![conv(2, &[3, 3]), Relu, Flatten, dense(2)],
            vec![dense(12), Relu, reshape(&[2, 2, 3]), transposed(1, &[3, 3], 2, 1)],
            vec![3, 6, 7],
        ),
        (
            "batch norm and ReLU at the end",
            (&[6], 1, Blocks::Runs),
            vec![dense(4), leaky.clone(), dense(2)],
            vec![dense(4), leaky.clone(), BatchNorm, dense(6), BatchNorm, Relu],
            vec![9, 11],
        ),
        (
            "GDN",
            (&[2, 6], 1, Blocks::Tiles(vec![2, 1, 6])),
            vec![conv(3, &[2]), gdn(false), Flatten, dense(3)],
            vec![dense(18), reshape(&[3, 6]), BatchNorm, gdn(true), transposed(2, &[1], 1, 0)],
            vec![5, 3, 6],
        ),
        (
            "transformer",
            (&[4], 3, Blocks::Frames),
            vec![transformer(true), BatchNorm, dense(3), leaky.clone()],
            vec![dense(4), leaky.clone(), BatchNorm, transformer(false), dense(4)],
            vec![20, 2, 2],
        ),
        (
            "activations alone",
            (&[3, 2], 1, Blocks::Tiles(vec![6])),
            vec![BatchNorm, Relu, Flatten, dense(4)],
            vec![reshape(&[2, 2]), BatchNorm, transposed(3, &[1], 1, 0), Gelu],
            vec![8, 10],
        ),
    ];
    let build =
        |(name, (input, sequence, blocks), encoder, decoder, shape): (_, (&[usize], _, Blocks), _, _, _)| {
            let architecture =
                Architecture { name: "small".into(), input: input.into(), sequence, encoder, decoder };
            let rows: Vec<f64> = wave(architecture.features() * 90);
            let options =
                TrainOptions { epochs: 3, batch_size: 16, threads: 1, ..TrainOptions::new(architecture) };
            let mut model = train(&rows, &[], &options, |_| std::ops::ControlFlow::Continue(())).unwrap();
            model.frozen = model.frozen.with_blocks(blocks).unwrap();
            (name, model, shape)
        };
    made.map(build).into_iter().collect()
}
