//! What the settings of a project mean to the library: the one place where keys become options.

use super::config::Config;
use baler::archive::{Codec, Level};
use baler::bound::Bound;
use baler::error::{Error, Result};
use baler::model::float::Precision;
use baler::model::layers::Architecture;
use baler::model::normalise::NormalisationKind;
use baler::model::zoo;
use baler::train::{EarlyStopping, Loss, Objective, Plateau, TrainOptions};

fn wrong(key: &str, why: impl std::fmt::Display) -> Error {
    Error::invalid(format!("{key}: {why}"))
}

/// The model, for rows of `shape`: `[columns]`, `[height, width]` or `[depth, height, width]`.
///
/// As in the prototype `compression_ratio` goes before `latent_space_size`; without both the ratio is 2.
pub fn architecture(config: &Config, shape: &[usize]) -> Result<Architecture> {
    let latents = match (config.compression_ratio, config.latent_space_size) {
        (None, Some(0)) => return Err(wrong("latent_space_size", "0 would keep nothing")),
        (None, Some(latents)) => latents,
        (ratio, _) => zoo::latents_for_ratio(shape.iter().product(), ratio.unwrap_or(2.0))
            .map_err(|e| e.at("compression_ratio"))?,
    };
    if !["dense", "convolutional"].contains(&config.model_type.as_str()) {
        return Err(wrong(
            "model_type",
            format!("'{}' is neither dense nor convolutional", config.model_type),
        ));
    }
    let made = zoo::by_name(&config.model_name, shape, latents).map_err(|e| e.at("model_name"))?;
    match config.model_name == "Conv_AE_3D" && !config.compress_to_latent_space {
        true => zoo::without_bottleneck(&made).map_err(|e| e.at("compress_to_latent_space")),
        false => Ok(made),
    }
}

/// The loss. Where several are asked for, the prototype's order decides: sliced Wasserstein, earth mover, mean, sum.
fn objective(config: &Config) -> Result<Objective> {
    let loss = match config.custom_loss_function.as_deref() {
        Some("loss_function_swae") => Loss::SlicedWasserstein,
        Some(other) => {
            return Err(wrong(
                "custom_loss_function",
                format!("'{other}' is none; there is loss_function_swae"),
            ));
        }
        None if config.emd => Loss::EarthMover,
        None if config.mse_avg => Loss::MeanSquared,
        None => Loss::SumSquared,
    };
    let sparse = config.l1 && loss == Loss::MeanSquared;
    Ok(Objective { loss, sparsity: if sparse { config.reg_param } else { 0.0 } })
}

/// How the data are normalised.
fn normalisation(config: &Config) -> Result<NormalisationKind> {
    Ok(match config.normalization.as_deref() {
        None if config.apply_normalization && !config.custom_norm => NormalisationKind::MinMax,
        None | Some("identity") => NormalisationKind::Identity,
        Some("min_max") => NormalisationKind::MinMax,
        Some("standard") => NormalisationKind::Standard,
        Some("quantile") => NormalisationKind::Quantile,
        Some("log") => NormalisationKind::Log,
        Some("auto") => NormalisationKind::Auto,
        Some(other) => {
            return Err(wrong(
                "normalization",
                format!("'{other}' is none of min_max, standard, quantile, log, identity and auto"),
            ));
        }
    })
}

/// What training computes in, by the names that NumPy, PyTorch and C have for it.
fn precision(config: &Config) -> Result<Precision> {
    match config.precision.as_str() {
        "f32" | "float32" | "single" | "torch.float32" => Ok(Precision::Single),
        "f64" | "float64" | "double" | "torch.float64" => Ok(Precision::Double),
        other => Err(wrong("precision", format!("'{other}' is neither f32 nor f64"))),
    }
}

/// After how many epochs a checkpoint is kept, and again; `None` for never.
pub fn checkpoints(config: &Config) -> Result<Option<usize>> {
    match (config.intermittent_model_saving, config.intermittent_saving_patience) {
        (false, _) => Ok(None),
        (true, 0) => Err(wrong("intermittent_saving_patience", "want at least 1")),
        (true, n) => Ok(Some(n)),
    }
}

/// How to train, on rows of `shape`. Errors name the key that cannot be met.
pub fn training(config: &Config, shape: &[usize]) -> Result<TrainOptions> {
    if !(0.0..1.0).contains(&config.test_size) {
        return Err(wrong("test_size", "want a share of the rows, from 0 to below 1"));
    }
    let stopping = EarlyStopping { patience: config.early_stopping_patience, min_delta: config.min_delta };
    let plateau = Plateau { patience: config.lr_scheduler_patience, ..Plateau::default() };
    Ok(TrainOptions {
        normalisation: normalisation(config)?,
        epochs: config.epochs,
        learning_rate: config.lr,
        batch_size: config.batch_size,
        seed: config.seed,
        validation: config.test_size,
        shuffle: config.shuffle,
        precision: precision(config)?,
        objective: objective(config)?,
        plateau: config.lr_scheduler.then_some(plateau),
        early_stopping: config.early_stopping.then_some(stopping),
        ..TrainOptions::new(architecture(config, shape)?)
    })
}

/// What users should hear of settings that say something to the prototype and nothing here.
pub fn without_effect(config: &Config) -> Vec<&'static str> {
    let separate =
        "separate_model_saving has no effect: one file holds encoder and decoder, and an archive its decoder";
    let random =
        "deterministic_algorithm has no effect: training is always deterministic; `seed` gives another model";
    let hls4ml =
        "the settings of hls4ml have no effect here; `--mode convert_with_hls4ml` says what there is";
    [
        config.separate_model_saving.then_some(separate),
        (!config.deterministic_algorithm).then_some(random),
        (!config.hls4ml.is_empty()).then_some(hls4ml),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// How far off decoded values may be, and the codec that this takes: without a bound the model's own.
pub fn bound(config: &Config) -> Result<(Bound, Option<Codec>)> {
    let bound = Bound::parse(&config.bound).map_err(|e| e.at("bound"))?;
    if bound != Bound::None {
        return Ok((bound, None));
    }
    match config.error_bounded_requirement {
        Some(percent) if config.save_error_bounded_deltas => {
            let bound = Bound::Pointwise(percent / 100.0);
            bound.check().map_err(|e| e.at("error_bounded_requirement"))?;
            Ok((bound, None))
        }
        None if config.save_error_bounded_deltas => Err(wrong(
            "save_error_bounded_deltas",
            "wants error_bounded_requirement, how many percent a value may be off",
        )),
        _ => Ok((Bound::None, Some(Codec::Autoencoder))),
    }
}

/// How much work a smaller file is worth.
pub fn level(config: &Config) -> Result<Level> {
    Level::from_name(&config.level).map_err(|e| wrong("level", e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: impl FnOnce(&mut Config)) -> Config {
        let mut config = Config::default();
        set(&mut config);
        config
    }

    #[test]
    fn latents_are_the_ratios_before_the_count() {
        let latents = |config: Config| architecture(&config, &[17]).unwrap().latents().unwrap();
        assert_eq!(latents(of(|_| {})), 9);
        assert_eq!(latents(of(|c| c.compression_ratio = Some(1.6))), 11);
        assert_eq!(latents(of(|c| c.latent_space_size = Some(4))), 4);
        assert_eq!(latents(of(|c| (c.compression_ratio, c.latent_space_size) = (Some(1.6), Some(4)))), 11);
    }

    #[test]
    fn keys_that_cannot_be_met_are_named() {
        for (config, key) in [
            (of(|c| c.custom_loss_function = Some("mine".into())), "'mine'"),
            (of(|c| c.normalization = Some("maximal".into())), "normalization"),
            (of(|c| c.model_name = "AE2".into()), "model_name"),
            (of(|c| c.model_type = "round".into()), "model_type"),
            (of(|c| c.compression_ratio = Some(0.5)), "compression_ratio"),
            (of(|c| c.latent_space_size = Some(0)), "latent_space_size"),
            (of(|c| c.test_size = 1.0), "test_size"),
            (of(|c| c.precision = "f16".into()), "precision"),
        ] {
            assert!(training(&config, &[17]).unwrap_err().to_string().contains(key), "{key}");
        }
    }

    #[test]
    fn checkpoints_are_kept_where_asked_for() {
        assert_eq!(checkpoints(&of(|_| {})).unwrap(), None);
        assert_eq!(checkpoints(&of(|c| c.intermittent_model_saving = true)).unwrap(), Some(100));
        let never = of(|c| (c.intermittent_model_saving, c.intermittent_saving_patience) = (true, 0));
        assert!(checkpoints(&never).is_err());
    }

    #[test]
    fn settings_without_effect_are_told() {
        assert!(without_effect(&of(|_| {})).is_empty());
        let both = of(|c| (c.separate_model_saving, c.deterministic_algorithm) = (true, false));
        assert_eq!(without_effect(&both).len(), 2);
    }

    #[test]
    fn losses_and_normalisation_follow_their_keys() {
        let options = |config: Config| training(&config, &[3]).unwrap();
        assert_eq!(options(of(|_| {})).objective, Objective::default());
        let mean = options(of(|c| c.mse_avg = true)).objective;
        assert_eq!(mean, Objective { loss: Loss::MeanSquared, sparsity: 0.001 });
        assert_eq!(options(of(|c| (c.mse_avg, c.l1) = (true, false))).objective.sparsity, 0.0);
        let swae = |c: &mut Config| c.custom_loss_function = Some("loss_function_swae".into());
        assert_eq!(options(of(|c| c.emd = true)).objective.loss, Loss::EarthMover);
        assert_eq!(options(of(swae)).objective, Objective { loss: Loss::SlicedWasserstein, sparsity: 0.0 });
        let both = of(|c| {
            swae(c);
            c.emd = true;
        });
        assert_eq!(options(both).objective.loss, Loss::SlicedWasserstein);
        assert_eq!(options(of(|_| {})).normalisation, NormalisationKind::MinMax);
        let auto = of(|c| c.normalization = Some("auto".into()));
        assert_eq!(options(auto).normalisation, NormalisationKind::Auto);
        assert_eq!(options(of(|c| c.custom_norm = true)).normalisation, NormalisationKind::Identity);
        assert_eq!(options(of(|_| {})).precision, Precision::Single);
        assert_eq!(options(of(|c| c.precision = "double".into())).precision, Precision::Double);
        assert!(options(of(|c| c.early_stopping = false)).early_stopping.is_none());
        assert!(options(of(|c| c.lr_scheduler = false)).plateau.is_none());
    }

    #[test]
    fn bounds_are_the_settings_or_the_prototypes() {
        let percent =
            |c: &mut Config| (c.save_error_bounded_deltas, c.error_bounded_requirement) = (true, Some(10.0));
        assert_eq!(bound(&of(|_| {})).unwrap(), (Bound::None, Some(Codec::Autoencoder)));
        assert_eq!(bound(&of(percent)).unwrap(), (Bound::Pointwise(0.1), None));
        let both = of(|c| {
            percent(c);
            c.bound = "rel:1e-3".into();
        });
        assert_eq!(bound(&both).unwrap(), (Bound::Relative(1e-3), None));
        assert!(bound(&of(|c| c.bound = "tight".into())).unwrap_err().to_string().contains("bound"));
        assert!(bound(&of(|c| c.save_error_bounded_deltas = true)).is_err());
    }
}
