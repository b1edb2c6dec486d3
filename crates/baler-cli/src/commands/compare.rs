//! `baler compare`: every way that there is to compress something, side by side.

use super::compress::common;
use super::train::load;
use super::trial::{Case, HEAD, Outcome, Place, WORDS};
use super::{model_of, not_autoencoder, threads};
use crate::args::Compare;
use crate::saying::{print, table};
use baler::archive::{Codec, Level};
use baler::bound::Bound;
use baler::data::Variable;
use baler::error::{Error, Result};
use baler::model::Model;
use baler::model::any::AnyModel;
use serde_json::json;

/// Tries every way: the plain codecs within `bound`, each level for a field; with a `model` the autoencoder within the
/// bound and alone; and what is lossless.
pub fn compare(
    name: &str,
    variable: &Variable,
    bound: Bound,
    model: Option<&Model>,
    threads: usize,
) -> Result<Vec<Outcome>> {
    let folder = tempfile::tempdir()?;
    let place = Place { folder: folder.path(), threads };
    cases(variable, bound, model).iter().map(|case| place.run(name, variable, case)).collect()
}

fn cases<'a>(variable: &Variable, bound: Bound, model: Option<&'a Model>) -> Vec<Case<'a>> {
    let plain = |name, level, bound| Case { name, file: "plain.blr", bound, codec: None, level, model: None };
    let mut cases = vec![plain("plain codecs", Level::Default, bound)];
    if let Variable::Field(_) = variable {
        cases.insert(0, plain("plain codecs, fast", Level::Fast, bound));
        cases.push(plain("plain codecs, max", Level::Max, bound));
    }
    if let Some(model) = model {
        let coded = |name, bound| Case {
            name,
            file: "model.blr",
            bound,
            codec: Some(Codec::Autoencoder),
            level: Level::Default,
            model: Some(model),
        };
        cases.push(coded("autoencoder within the bound", bound));
        cases.push(coded("autoencoder alone", Bound::None));
    }
    cases.push(plain("lossless", Level::Default, Bound::Lossless));
    cases
}

/// A table of outcomes.
pub fn show(outcomes: Vec<Outcome>) -> Result<()> {
    let head = HEAD.map(String::from).to_vec();
    let rows: Vec<_> = [head].into_iter().chain(outcomes.into_iter().map(|o| o.cells)).collect();
    print(table(&rows, &WORDS))
}

/// Runs it; `false` where a bound is broken.
pub fn run(args: &Compare) -> Result<bool> {
    let model = model_of(&args.coding)?;
    let bound = match common(&args.bound)? {
        None => return Err(Error::invalid("say how far off values may be, such as --rel 1e-3")),
        Some(Bound::None) => {
            return Err(Error::invalid("--bound-none is among what is compared; say a bound for the others"));
        }
        Some(bound) => bound,
    };
    let variable = load(&args.input, &args.reading, args.variable.as_deref())?;
    let autoencoder = match (&model, &args.coding.model) {
        (Some(AnyModel::Table(_) | AnyModel::Field(_)), Some(path)) => return Err(not_autoencoder(path)),
        (model, _) => model.as_ref().and_then(AnyModel::autoencoder),
    };
    let outcomes = compare("data", &variable, bound, autoencoder, threads(args.coding.threads)?)?;
    let holds = outcomes.iter().all(|o| o.holds);
    if args.json {
        let ways: Vec<_> = outcomes.into_iter().map(|o| o.report).collect();
        print(json!({"holds": holds, "ways": ways}))?;
    } else {
        show(outcomes)?;
    }
    Ok(holds)
}
