//! A frozen network as the walk asks it.

use super::super::context::CLASSES;
use super::super::domain::Real;
use super::Predictor;
use super::inputs::{Each, Told, whole_of};
use crate::model::field::FieldModel;
use crate::model::kernel::{Kernel, LANES, Lanes};

/// A model, and room for what its layers give.
pub struct Network<'a> {
    model: &'a FieldModel,
    kernel: Kernel,
    room: [Vec<Lanes>; 2],
}

impl<'a> Network<'a> {
    /// Of a model; `portable` keeps to the scalar kernel: the same bits.
    pub fn new(model: &'a FieldModel, portable: bool) -> Self {
        let widest = model.layers().iter().map(|l| l.lanes_out()).max().unwrap_or(0);
        let kernel = if portable { Kernel::scalar() } else { Kernel::best() };
        Network { model, kernel, room: [0; 2].map(|_| vec![Lanes::ZERO; widest]) }
    }
}

impl Predictor for Network<'_> {
    #[inline(always)]
    fn predict<W: Real>(&mut self, told: &Told<W>, corrections: &mut Each<f32>, classes: &mut Each<i32>) {
        let [x, y] = &mut self.room;
        let mut layers = self.model.layers().iter();
        let first = layers.next().expect("a model has layers");
        self.kernel.run(first, &told.inputs, x);
        for layer in layers {
            self.kernel.run(layer, x, y);
            std::mem::swap(x, y);
        }
        let [gain, spread] = self.model.gains();
        for j in 0..LANES {
            let scale = f32::from_bits(((127 + told.log[j]) as u32) << 23);
            corrections[j] = x[0].0[j] as f32 * gain * scale;
            let class = x[1].0[j] as f32 * spread + (4 * told.log[j]) as f32;
            let class = if class > 0.0 { class } else { 0.0 }; // NaN too
            classes[j] = whole_of(class).min(CLASSES as i32 - 1);
        }
    }
}
