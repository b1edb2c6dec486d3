"""Models: trained, saved, put to use, pickled."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

import baler


def test_an_autoencoder_from_training_to_archive(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    features = {k: columns[k] for k in ("pt", "eta")} | {"e": columns["pt"] * np.cosh(columns["eta"])}
    seen = []
    model = baler.train(features, latent=2, epochs=3, seed=5, progress=lambda *now: seen.append(now))
    assert seen[-1] == (3, 3) and model.info()["features"] == 3 and "AE" in repr(model)
    model.save(tmp_path / "m.safetensors")
    again = baler.Model.load(tmp_path / "m.safetensors")
    assert again.hash == model.hash == pickle.loads(pickle.dumps(model)).hash
    rows = np.stack(list(features.values()), 1)
    latents = model.transform(rows)
    assert latents.shape == (3000, 2) and latents.dtype == np.int16
    assert model.inverse_transform(latents).shape == rows.shape

    archive = baler.compress(features, bound_none=True, codec="autoencoder", model=model, external_model=True)
    with pytest.raises(baler.errors.MissingModelError, match=model.hash):
        baler.decompress(archive)
    back = baler.decompress(archive, model=again)
    decoded = model.inverse_transform(latents)
    assert np.abs(back["e"] - decoded[:, 2].astype("f4")).max() <= 0.05 * np.ptp(features["e"])
    within = baler.compress(features, rel=1e-3, codec="autoencoder", model=model)
    assert baler.verify(within, against=features)["holds"] and baler.info(within)["models"][0]["sha256"] == model.hash
    assert baler.train(features, latent=2, epochs=3, seed=5, threads=2).to_bytes() == model.to_bytes()


def test_a_model_of_a_table(columns: dict[str, np.ndarray]) -> None:
    model = baler.train(columns, kind="table", std=1e-2, bounds={"eta": "abs:0.1"}, epochs=1)
    assert model.info()["kind"] == "table model"
    archive = baler.compress(columns, model=model)  # within the bounds that it was trained for
    assert baler.verify(archive, against=columns)["holds"]
    with pytest.raises(baler.errors.InvalidArgumentError, match="for autoencoders"):
        model.transform(np.zeros((1, 3)))


def test_a_field_in_tiles(field: np.ndarray) -> None:
    model = baler.train(field, tiles=(8, 10), latent=4, epochs=1)
    assert model.info()["features"] == 80 and baler.info(model) == model.info()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"latent": 0}, "latent= ?0 would keep nothing"),
        ({"loss": "cubic"}, "invalid value 'cubic' for 'loss="),
        ({"model": "AF"}, "AF"),
        ({"ratio": 2, "latent": 2}, "cannot be used with"),
        ({"kind": "table", "model": "AE"}, "are for autoencoders"),
        ({"rel": 1e-3}, "without a bound"),
        ({"columns": ["w"]}, "no numeric column 'w'"),
        ({"epochs": 0}, "at least 1"),
    ],
)
def test_trainings_that_make_no_sense(options: dict, words: str) -> None:
    with pytest.raises(baler.errors.InvalidArgumentError, match=words):
        baler.train({"x": np.arange(9.0), "y": np.ones(9)}, **options)


def test_a_model_of_fields(tmp_path: Path) -> None:
    z, y, x = np.mgrid[:8, :24, :24]
    field = np.maximum(np.sin(0.45 * x) * np.cos(0.37 * y) + np.sin(0.3 * z + 0.2 * x), 0.1).astype("f4")
    model = baler.train(field, kind="field", abs=1e-3, hidden=[8], epochs=2)
    assert model.info()["kind"] == "field model" and model.info()["hidden"] == [8]
    archive = baler.compress(field, abs=1e-3, model=model, codec="field", external_model=True)
    with pytest.raises(baler.BalerError, match=model.hash):
        baler.decompress(archive)
    assert np.abs(baler.decompress(archive, model=model) - field).max() <= 1e-3
    path = tmp_path / "m.safetensors"
    model.save(path)
    assert np.abs(baler.decompress(archive, model=str(path)) - field).max() <= 1e-3
    assert archive == baler.compress(field, abs=1e-3, model=path, codec="field", external_model=True)
    assert baler.info(archive, model=path) == baler.info(archive)
    with pytest.raises(ValueError, match="goes with an archive"):
        baler.info(model, model=path)


def test_a_model_of_fields_by_several_runs() -> None:
    z, y, x = np.mgrid[:8, :24, :24]
    runs = [np.maximum(np.sin(0.4 * x + k) * np.cos(0.3 * y) + np.sin(0.3 * z), 0.1).astype("f4") for k in range(3)]
    runs[1] = runs[1][:, :20]
    alike = {"hidden": [8], "epochs": 2, "kind": "field"}
    model = baler.train(runs, abs=1e-3, **alike)
    assert model.hash != baler.train(runs[0], abs=1e-3, **alike).hash
    named = baler.train({f"run{k}": run for k, run in enumerate(runs)}, abs=1e-3, **alike)
    assert model.hash == named.hash
    assert np.abs(baler.decompress(baler.compress(runs[2], abs=1e-3, model=model)) - runs[2]).max() <= 1e-3
    apart = baler.train({"u": runs[0], "v": runs[1] * 1000}, bounds={"u": "abs:1e-3", "v": "abs:1"}, **alike)
    assert apart.info()["kind"] == "field model"
    with pytest.raises(baler.BalerError, match="one array or one table"):
        baler.train({"u": runs[0], "v": runs[1]}, latent=2, epochs=1)
    with pytest.raises(baler.BalerError, match="given for 'w'"):
        baler.train({"u": runs[0]}, bounds={"w": "abs:1"}, abs=1, **alike)


def test_damaged_models(tmp_path: Path) -> None:
    model = baler.train(np.random.default_rng(1).normal(size=(50, 4)), latent=2, epochs=1).to_bytes()
    for damaged in (b"", model[:100], model[:-1], b"x" * 100):
        with pytest.raises(baler.BalerError):
            baler.Model.from_bytes(damaged)


def test_a_transformer_of_scikit_learn() -> None:
    pytest.importorskip("sklearn", minversion="1.6", reason="scikit-learn is not installed")
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from baler.sklearn import Autoencoder

    x = np.random.default_rng(1).normal(size=(300, 6))
    pipe = make_pipeline(StandardScaler(), Autoencoder(latent=6, epochs=3, seed=4))
    latents = pipe.fit_transform(x)
    assert latents.shape == (300, 6) and pipe.inverse_transform(latents).shape == x.shape
    again = clone(pipe).fit(x)
    assert again[-1].model_.hash == pipe[-1].model_.hash
    with pytest.raises(ValueError, match="features"):
        pipe[-1].transform(x[:, :5])


def test_a_network_of_pytorch_becomes_a_model_and_comes_back() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from torch import nn

    import baler.torch

    torch.manual_seed(1)
    frames = torch.randn(60, 1, 8, 10).cumsum(-1)
    network = nn.Sequential(
        nn.Sequential(
            nn.Conv2d(1, 3, 3, stride=2, padding=1), nn.BatchNorm2d(3), nn.LeakyReLU(0.1), nn.Identity(), nn.Flatten(),
            nn.Linear(60, 5, bias=False),
        ),
        nn.Sequential(
            nn.Linear(5, 60), nn.GELU(), nn.Unflatten(1, (3, 4, 5)), nn.Dropout(0.5),
            nn.ConvTranspose2d(3, 1, 3, stride=2, padding=1, output_padding=1),
        ),
    )  # fmt: skip
    network(frames)  # moves the running statistics
    network.eval()
    model = baler.torch.to_model(network, frames, offset=0.5, scale=2.0)
    back, offset, scale = baler.torch.to_network(model)
    with torch.no_grad():
        expected = network((frames - 0.5) / 2)
        assert torch.allclose(back((frames - offset) / scale), expected, atol=1e-6)
    integers = model.inverse_transform(model.transform(frames.reshape(60, 80))).reshape(60, 1, 8, 10)
    assert np.abs(integers - (expected.numpy() * 2 + 0.5)).max() <= 0.01 * np.ptp(frames.numpy())
    assert baler.torch.to_model(back, frames, offset=offset, scale=scale).hash == model.hash
    bad = nn.Sequential(nn.Sequential(nn.Linear(6, 2), nn.Tanh()), nn.Sequential(nn.Linear(2, 6)))
    with pytest.raises(baler.errors.UnsupportedError, match=r"encoder.1: Tanh\(\) is no layer"):
        baler.torch.to_model(bad, torch.zeros(9, 6))
    with pytest.raises(baler.errors.InvalidArgumentError, match="encoder and decoder"):
        baler.torch.to_model(nn.Linear(3, 3), torch.zeros(9, 3))
    with pytest.raises(baler.errors.InvalidArgumentError, match="cannot take"):
        baler.torch.to_model(network, torch.zeros(9, 6))
