//! A training between two epochs, as a file: safetensors, what is not a tensor as JSON in their metadata.
//!
//! | tensor | what |
//! |---|---|
//! | `N.values`, `.mean`, `.variance`, `.best` | F32 or F64, as was trained in: a block's parameters, Adam's moments, the parameters of the best epoch |
//! | `norm.N.running`, `.best` | the same \[2, channels\]: running statistics of a batch norm |
//! | `numbers` | F64: what [`Course`] counts, which JSON has no infinities for |

use std::collections::BTreeMap;
use std::io::Write;

use safetensors::Dtype;
use safetensors::tensor::{SafeTensors, TensorView};
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::course::{AnyState, Course, Kept, State};
use super::network::{Block, Network, Norm};
use super::schedule::Watch;
use super::slice::read;
use super::team::Team;
use crate::error::{Error, Result};
use crate::model::Epoch;
use crate::model::tensors::{Stored, Tensors};

const KEY: &str = "baler checkpoint";

/// A training between two epochs: gone on with, it comes to the same bits as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// What options and data must be the same.
    pub(super) fixed: serde_json::Value,
    pub(super) steps: u64,
    pub(super) course: Course,
    pub(super) state: AnyState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    format: u32,
    crc32: u32,
    fixed: serde_json::Value,
    steps: u64,
    history: Vec<Epoch>,
    waited: [usize; 2],
}

impl Checkpoint {
    /// Epochs that have been trained.
    pub fn epochs(&self) -> usize {
        self.course.history.len()
    }

    /// The inverse of [`EpochReport::write_checkpoint`](super::EpochReport::write_checkpoint). Whether it belongs to a training is seen when that goes on.
    pub fn from_bytes(bytes: &[u8]) -> Result<Checkpoint> {
        parse(bytes).map_err(|e| e.at("checkpoint"))
    }
}

impl<R: Kept> State<R> {
    /// Fails where it is of another network.
    pub(super) fn check(&self, network: &Network) -> Result<()> {
        let blocks = self.blocks.iter().map(|b| b.values.len());
        let norms = self.norms.iter().map(|n| n.running[0].len());
        let same = blocks.eq(network.blocks.iter().map(|b| b.len))
            && norms.eq(network.norms.iter().map(|&n| network.nodes[n].input[0]));
        if same { Ok(()) } else { Err(Error::corrupt("checkpoint: its parameters are of another network")) }
    }
}

/// Writes the file, of a team between two epochs, from where its parameters are.
pub fn write<R: Kept>(
    fixed: &serde_json::Value,
    team: &Team<R>,
    course: &Course,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let blocks: Vec<_> = team.blocks.iter().map(read).collect();
    let norms: Vec<_> = team.norms.iter().map(read).collect();
    let Course { learning_rate, slowing, stopping, least, history } = course;
    let numbers = [*learning_rate, *least, slowing.best, stopping.best];
    let mut tensors = Tensors::default();
    for (i, block) in blocks.iter().enumerate() {
        let parts = [&block.values[..], &block.adam.mean, &block.adam.variance, block.best()];
        for (name, part) in ["values", "mean", "variance", "best"].into_iter().zip(parts) {
            tensors.put_rows(&format!("{i}.{name}"), &[part]);
        }
    }
    for (i, norm) in norms.iter().enumerate() {
        tensors.put_rows(&format!("norm.{i}.running"), &norm.running.each_ref().map(|r| &r[..]));
        tensors.put_rows(&format!("norm.{i}.best"), &norm.best.each_ref().map(|r| &r[..]));
    }
    tensors.put_rows("numbers", &[&numbers[..]]);
    let description = Description {
        format: 1,
        crc32: tensors.checksum(crc32fast::Hasher::new()),
        fixed: fixed.clone(),
        steps: team.steps(),
        history: history.clone(),
        waited: [slowing.waited, stopping.waited],
    };
    let text = serde_json::to_string(&description).expect("numbers and strings");
    tensors.write(KEY, text, out)
}

/// The state that [`write`] has written, after `steps`.
fn take<R: Kept>(views: &BTreeMap<String, TensorView>, steps: u64) -> Result<State<R>> {
    let stored = Stored(views);
    let (mut blocks, mut norms) = (vec![], vec![]);
    while let Some(values) = views.get(&format!("{}.values", blocks.len())) {
        let (i, n) = (blocks.len(), values.shape().iter().product());
        let part = |name: &str| stored.numbers::<R>(&format!("{i}.{name}"), &[n]);
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        let adam = Adam { mean: part("mean")?, variance: part("variance")?, steps };
        blocks.push(Block::new(part("values")?, adam, part("best")?));
    }
    while let Some(view) = views.get(&format!("norm.{}.running", norms.len())) {
        let (i, n) = (norms.len(), view.shape().iter().product::<usize>() / 2);
        let part = |name: &str| -> Result<[Vec<R>; 2]> {
            let both = stored.numbers(&format!("norm.{i}.{name}"), &[2, n])?;
            let (mean, variance) = both.split_at(n);
            Ok([mean.to_vec(), variance.to_vec()])
        };
        norms.push(Norm { running: part("running")?, best: part("best")?, ..Norm::default() });
    }
    Ok(State { blocks, norms })
}

fn parse(bytes: &[u8]) -> Result<Checkpoint> {
    let damaged = |e: &dyn std::fmt::Display| Error::corrupt(format!("not a checkpoint, or damaged: {e}"));
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| damaged(&e))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| damaged(&e))?;
    let text = header.metadata().as_ref().and_then(|m| m.get(KEY)).ok_or_else(|| damaged(&"no metadata"))?;
    let d: Description = serde_json::from_str(text).map_err(|e| damaged(&e))?;
    if d.format != 1 {
        return Err(Error::unsupported(format!("format {}; it needs a newer baler", d.format)));
    }
    let views: BTreeMap<String, TensorView> = file.tensors().into_iter().collect();
    let stored = Stored(&views);
    if stored.checksum(crc32fast::Hasher::new()) != d.crc32 {
        return Err(Error::corrupt("its checksum is wrong: the file has been changed or damaged"));
    }
    let double = views.get("0.values").is_some_and(|v| v.dtype() == Dtype::F64);
    let state = match double {
        false => f32::any(take(&views, d.steps)?),
        true => f64::any(take(&views, d.steps)?),
    };
    let numbers = stored.numbers::<f64>("numbers", &[4])?;
    let watch = |best: f64, waited: usize| Watch { best, waited };
    let course = Course {
        history: d.history,
        learning_rate: numbers[0],
        least: numbers[1],
        slowing: watch(numbers[2], d.waited[0]),
        stopping: watch(numbers[3], d.waited[1]),
    };
    Ok(Checkpoint { fixed: d.fixed, steps: d.steps, course, state })
}
