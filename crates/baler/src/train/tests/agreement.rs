//! Every layer, forward and backward, against [`pytorch`].

use super::super::network::Network;
use super::super::team::Team;
use super::super::update::each_piece;
use super::pytorch::{RECORDED, Recorded};
use crate::model::float::{FloatModel, Real, forward};
use crate::model::layers::{Architecture, Layer};
use crate::train::Objective;

fn start(architecture: &Architecture) -> FloatModel {
    let mut k = 0;
    FloatModel::new(architecture, |_, _, layer| {
        let tensors = layer.layer.tensors(&layer.input);
        let fill = |spec: &crate::model::layers::TensorSpec| match spec.name {
            "running_mean" => vec![0.0; spec.len()],
            "running_var" => vec![1.0; spec.len()],
            name => {
                let norm = name.contains("norm") || matches!(layer.layer, Layer::BatchNorm);
                let more = if norm && name.ends_with("weight") || name == "beta" { 1.0 } else { 0.0 };
                let value = |k: usize| (k * 37 % 101) as f64 / 101.0 - 0.5 + more;
                let magnitude = |x: f64| if name == "gamma" { x.abs() } else { x };
                k += spec.len();
                (k - spec.len()..k).map(|k| magnitude(value(k)) as f32).collect()
            }
        };
        Ok(tensors.iter().map(fill).collect())
    })
    .unwrap()
}

fn weighed<R: Real>(values: &[R]) -> f32 {
    let weight = |i: usize| (i * 41 % 103) as f64 / 103.0 - 0.5;
    values.iter().enumerate().map(|(i, &x)| x.f64() * weight(i)).sum::<f64>() as f32
}

fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 2e-5 * (1.0 + b.abs()), "{what}, {i}: {a} is not {b}");
    }
}

fn check<R: Real>(recorded: &Recorded) {
    let architecture: Architecture = serde_json::from_str(recorded.architecture).unwrap();
    let name = &architecture.name;
    let network = Network::new(&architecture).unwrap();
    let model = start(&architecture);
    let features = architecture.features();
    let data: Vec<f32> = (0..recorded.rows * features).map(|i| (i * 29 % 53) as f32 / 53.0).collect();
    let output = forward(model.layers(), architecture.sequence, &data);
    close(&format!("{name}: output"), &output[output.len() - features..], recorded.output);

    let order: Vec<u32> = (0..recorded.rows as u32).collect();
    let rows: Vec<R> = data.iter().map(|&x| R::of(x as f64)).collect();
    let parameters = network.import(&model);
    let team = Team::new(&network, &rows, parameters, Objective::default(), order.len(), (1, 0), 1);
    let export = |blocks: &[Vec<R>]| {
        let blocks: Vec<&[R]> = blocks.iter().map(|b| &b[..]).collect();
        let running: Vec<_> = team.norms.iter().map(|n| n.read().unwrap().running.clone()).collect();
        network.export(&architecture, &blocks, &running).unwrap()
    };
    team.run(|team| {
        team.begin(&order, Some(0.0));
        team.batch(0..order.len());
        let gradient = |block: usize| {
            let mut all = vec![R::ZERO; network.blocks[block].len];
            each_piece(&team.pass_now(), team.current(), block, |at, g| {
                all[at..at + g.len()].copy_from_slice(g)
            });
            all
        };
        let gradients = export(&(0..network.blocks.len()).map(gradient).collect::<Vec<_>>());
        let trained = |l: &crate::model::float::FloatLayer| {
            let tensors = l.layer.tensors(&l.input).into_iter().zip(l.tensors.clone());
            tensors.filter(|(spec, _)| spec.trained).map(|(_, t)| weighed(&t)).collect::<Vec<_>>()
        };
        let found: Vec<f32> = gradients.layers().flat_map(trained).collect();
        close(&format!("{name}: gradients"), &found, recorded.gradients);
    });

    let team =
        Team::new(&network, &rows, network.import(&model), Objective::default(), order.len(), (1, 0), 1);
    let losses = team.run(|team| recorded.losses.map(|_| team.train_epoch(&order, order.len(), 0.01)));
    close(&format!("{name}: losses"), &losses.map(|l| l as f32), &recorded.losses.map(|l| l as f32));
    let variances: Vec<f32> = team.norms.iter().map(|n| weighed(&n.read().unwrap().running[1])).collect();
    close(&format!("{name}: variances"), &variances, recorded.variances);
}

#[test]
fn agrees_with_pytorch() {
    RECORDED.iter().for_each(check::<f32>);
    RECORDED.iter().for_each(check::<f64>);
}
