//! Loss and gradient of one slice of a batch: forward, then backward through the stages.

use super::loss::Objective;
use super::parameters::Network;
use crate::model::float::affine::forward_stage;
use crate::model::kernel::gemm::{View, product};

/// Room for one slice: what each stage gives, the derivative of the loss by it, and by the parameters.
pub struct Slice {
    /// The input, then the output of each stage.
    activations: Vec<Vec<f32>>,
    /// The derivative by the output of the stage at hand, and by its input.
    delta: [Vec<f32>; 2],
    /// The derivative by each parameter.
    pub gradient: Vec<f32>,
    /// The slice's part of the loss.
    pub loss: f64,
}

impl Slice {
    /// No room yet; it grows with the first rows.
    pub fn new(network: &Network) -> Slice {
        Slice {
            activations: vec![vec![]; network.stages.len() + 1],
            delta: [vec![], vec![]],
            gradient: vec![0.0; network.len],
            loss: 0.0,
        }
    }

    fn make_room(&mut self, network: &Network, rows: usize) {
        let widths =
            std::iter::once(network.stages[0].inputs).chain(network.stages.iter().map(|s| s.outputs));
        for (activations, width) in self.activations.iter_mut().zip(widths) {
            let len = (rows * width).max(activations.len());
            activations.resize(len, 0.0);
            for delta in &mut self.delta {
                delta.resize(len.max(delta.len()), 0.0);
            }
        }
    }

    /// The loss of `rows` of `data`, a part of a batch of `batch` rows; the output stays for [`Slice::backward`].
    pub fn forward(
        &mut self,
        network: &Network,
        parameters: &[f32],
        data: &[f32],
        rows: &[u32],
        batch: usize,
        objective: Objective,
    ) {
        self.make_room(network, rows.len());
        let features = network.stages[0].inputs;
        for (x, &row) in self.activations[0].chunks_exact_mut(features).zip(rows) {
            x.copy_from_slice(&data[row as usize * features..][..features]);
        }
        for (i, &stage) in network.stages.iter().enumerate() {
            let (x, y) = self.activations.split_at_mut(i + 1);
            let (weights, bias) = (&parameters[network.weights(i)], &parameters[network.bias(i)]);
            forward_stage(stage, weights, bias, &x[i], rows.len(), &mut y[0]);
        }
        let n = rows.len() * features;
        let (x, y) = (&self.activations[0][..n], &self.activations[network.stages.len()][..n]);
        self.loss = objective.loss.evaluate(y, x, (batch, features), &mut self.delta[0][..n]);
        if objective.sparsity != 0.0 {
            let hidden = network.stages.iter().zip(&self.activations[1..]).take(network.stages.len() - 1);
            let parts =
                hidden.map(|(s, y)| objective.sparsity(&y[..rows.len() * s.outputs], batch, s.outputs));
            self.loss += parts.sum::<f64>();
        }
    }

    /// The gradient, after [`Slice::forward`] of as many `rows` of the same batch.
    pub fn backward(
        &mut self,
        network: &Network,
        parameters: &[f32],
        rows: usize,
        batch: usize,
        objective: Objective,
    ) {
        let [delta, below] = &mut self.delta;
        for (i, stage) in network.stages.iter().enumerate().rev() {
            let (inputs, outputs) = (stage.inputs, stage.outputs);
            let dy = &mut delta[..rows * outputs];
            if objective.sparsity != 0.0 && i + 1 < network.stages.len() {
                objective.add_sparsity_gradient(&self.activations[i + 1], batch, outputs, dy);
            }
            if stage.slope != 1.0 {
                for (d, &y) in dy.iter_mut().zip(&self.activations[i + 1]) {
                    *d = if y > 0.0 { *d } else { stage.slope * *d };
                }
            }
            // A pass of its own: in one loop with the above, the compiler does not vectorise either.
            let bias = &mut self.gradient[network.bias(i)];
            bias.fill(0.0);
            for row in dy.chunks_exact(outputs) {
                bias.iter_mut().zip(row).for_each(|(b, d)| *b += d);
            }
            let x = View::rows(&self.activations[i], inputs);
            let weights = &mut self.gradient[network.weights(i)];
            product(weights, View::rows(dy, outputs).transposed(), x, (outputs, inputs, rows));
            if i > 0 {
                let weights = View::rows(&parameters[network.weights(i)], inputs);
                product(below, View::rows(dy, outputs), weights, (rows, inputs, outputs));
                std::mem::swap(delta, below);
            }
        }
    }
}
