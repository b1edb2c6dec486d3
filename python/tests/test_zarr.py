"""Zarr, numcodecs and xarray: round trips, metadata, damage."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import baler

zarr = pytest.importorskip("zarr", minversion="3", reason="zarr 3 is not installed")
from baler.zarr import Baler  # noqa: E402


def create(store, data, codec, **more):
    return zarr.create_array(store, data=data, serializer=codec, compressors=None, **more)


@pytest.mark.parametrize("code", ["?", "u1", "i2", "u4", "i8", "f4", "f8", ">f4", ">i2"])
def test_every_type(tmp_path: Path, field: np.ndarray, code: str) -> None:
    u = (field * 40).astype(code)
    create(tmp_path, u, Baler(lossless=True), chunks=(10, 40, 17))
    back = zarr.open_array(tmp_path, mode="r")
    assert back.dtype == u.dtype.newbyteorder("<")  # Zarr 3 keeps no byte order beside its own codec's
    assert np.array_equal(back[:], u) and np.array_equal(back[3:15, 7, ::3], u[3:15, 7, ::3])


def test_bounds_hold_and_metadata_tells_them(tmp_path: Path, field: np.ndarray) -> None:
    z = create(tmp_path, field, Baler(rel=1e-3, level="fast"), chunks=(12, 40, 50))
    assert np.abs(z[:] - field).max() <= 1e-3 * np.ptp(field) and z.nbytes_stored() < field.nbytes / 2
    kept = json.loads((tmp_path / "zarr.json").read_text())["codecs"]
    assert kept == [{"name": "baler", "configuration": {"version": 1, "bound": "rel:0.001", "level": "fast"}}]
    z[5:20] = 1.5  # parts of chunks are read, changed and written
    assert np.abs(z[5:20] - 1.5).max() <= 1e-3 * (1.5 - field.min()) * 1.0001


def test_fill_values_come_back(tmp_path: Path, field: np.ndarray) -> None:
    u = field.copy()
    u[:, 20:] = 9.96921e36
    create(tmp_path, u, Baler(rel=1e-2), chunks=(24, 40, 50), fill_value=np.float32(9.96921e36))
    back = zarr.open_array(tmp_path)[:]
    assert np.array_equal(back[:, 20:], u[:, 20:]) and np.abs(back[:, :20] - field[:, :20]).max() < 0.1


def test_a_program_that_never_imports_baler_reads_it(tmp_path: Path, field: np.ndarray) -> None:
    create(tmp_path, field, Baler(lossless=True))
    program = f"import zarr; print(float(zarr.open_array({str(tmp_path)!r})[3, 4, 5]))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert float(told.stdout) == field[3, 4, 5]


def test_refused(tmp_path: Path, field: np.ndarray) -> None:
    with pytest.raises(baler.BalerError, match="no error bound"):
        Baler()
    with pytest.raises(baler.BalerError, match="two bounds"):
        Baler(abs=1, rel=1)
    with pytest.raises(baler.BalerError, match="no level"):
        Baler(abs=1, level="best")
    with pytest.raises(baler.BalerError, match="must be a positive number"):
        Baler(abs=-1)
    with pytest.raises(baler.BalerError, match="complex128 are not compressed"):
        create(tmp_path / "c", field.astype("c16"), Baler(lossless=True))


@pytest.mark.parametrize("change", [{"version": 2}, {"quality": 9}, {"bound": None}])
def test_metadata_of_a_newer_version(tmp_path: Path, field: np.ndarray, change: dict) -> None:
    create(tmp_path, field, Baler(lossless=True))
    meta = json.loads((tmp_path / "zarr.json").read_text())
    meta["codecs"][0]["configuration"].update(change)
    (tmp_path / "zarr.json").write_text(json.dumps(meta))
    with pytest.raises(baler.BalerError, match="of version 2; .* a newer one|unknown keys quality|wants a bound"):
        zarr.open_array(tmp_path)


def test_a_damaged_chunk_is_an_error_and_the_others_are_whole(tmp_path: Path, field: np.ndarray) -> None:
    create(tmp_path, field, Baler(lossless=True), chunks=(12, 40, 50))
    chunk = tmp_path / "c" / "0" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    z = zarr.open_array(tmp_path)
    with pytest.raises(baler.errors.CorruptError):
        z[:]
    assert np.array_equal(z[12:], field[12:])
    other = tmp_path / "c" / "1" / "0" / "0"
    other.write_bytes(baler.compress(np.zeros((2, 2)), lossless=True, name="chunk"))
    with pytest.raises(baler.errors.CorruptError, match="the chunk is float64 .2, 2., not"):
        z[12:]


def test_zarrs_version_2(tmp_path: Path, field: np.ndarray) -> None:
    from baler.numcodecs import Baler as BalerV2

    for order in "CF":
        path = tmp_path / order
        options = {"chunks": (10, 40, 17), "zarr_format": 2, "order": order}
        zarr.create_array(path, data=field, compressors=BalerV2(abs=1e-3), **options)
        assert np.abs(zarr.open_array(path)[:] - field).max() <= 1e-3
        kept = json.loads((path / ".zarray").read_text())["compressor"]
        assert kept == {"id": "baler", "version": 1, "bound": "abs:0.001", "level": "default"}
    numcodecs = pytest.importorskip("numcodecs")
    codec = numcodecs.get_codec({"id": "baler", "bound": "lossless"})
    out = np.empty_like(field)
    codec.decode(codec.encode(field), out=out)
    assert np.array_equal(out, field) and "lossless" in repr(codec)
    with pytest.raises(baler.errors.UnsupportedError, match="version 3"):
        numcodecs.get_codec({"id": "baler", "bound": "lossless", "version": 3})


def test_xarray(tmp_path: Path, field: np.ndarray) -> None:
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    axes = ("time", "y", "x")
    times = np.arange("2026-01-01", "2026-01-25", dtype="M8[D]").astype("M8[ns]")
    data = xarray.Dataset({"u": (axes, field), "mask": (axes[1:], field[0] > 0)}, {"time": times}, {"title": "made"})
    encoding = {
        "u": {"serializer": Baler(rel=1e-3), "compressors": None, "chunks": (6, 40, 50)},
        "mask": {"serializer": Baler(lossless=True), "compressors": None},
    }
    data.to_zarr(tmp_path, encoding=encoding, zarr_format=3, consolidated=False)
    back = xarray.open_zarr(tmp_path, consolidated=False, chunks=None)
    assert back.attrs == {"title": "made"} and (back.time == data.time).all() and (back.mask == data.mask).all()
    assert float(np.abs(back.u - data.u).max()) <= 1e-3 * np.ptp(field)
    one = back.u.sel(time="2026-01-05").values
    assert np.abs(one - field[4]).max() <= 1e-3 * np.ptp(field)


def test_a_model_by_its_hash(tmp_path: Path, learnable: np.ndarray, model: baler.Model) -> None:
    u, bound = learnable, 0.02 * np.ptp(learnable)
    create(tmp_path / "z", u, Baler(abs=bound, model=model), chunks=(100, 8, 10))
    kept = json.loads((tmp_path / "z" / "zarr.json").read_text())["codecs"][0]["configuration"]
    assert kept["model"] == model.hash
    chunk = baler.info((tmp_path / "z" / "c" / "0" / "0" / "0").read_bytes())
    assert [m["sha256"] for m in chunk["models"]] == [model.hash]
    assert np.abs(zarr.open_array(tmp_path / "z")[:] - u).max() <= bound
    assert pickle.loads(pickle.dumps(Baler(abs=1, model=model))) == Baler(abs=1, model=model.hash)
    program = f"import zarr; print(float(zarr.open_array({str(tmp_path / 'z')!r})[3, 4, 5]))"

    def elsewhere(folder: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "BALER_MODELS": str(folder)}
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment)

    missing = elsewhere(tmp_path)
    assert "MissingModelError" in missing.stderr and f"the model {model.hash} is not" in missing.stderr
    assert "in a folder of the variable BALER_MODELS" in missing.stderr
    model.save(tmp_path)
    told = elsewhere(tmp_path)
    assert told.returncode == 0, told.stderr
    assert abs(float(told.stdout) - u[3, 4, 5]) <= bound
    with pytest.raises(baler.BalerError, match="no model's hash"):
        Baler(rel=0.05, model="../secret")
