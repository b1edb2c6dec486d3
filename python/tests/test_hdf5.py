"""The HDF5 filter: through h5py, and by programs that know only the plugin's path."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import baler

h5py = pytest.importorskip("h5py", reason="h5py is not installed")
import baler.hdf5  # noqa: E402

pytestmark = pytest.mark.skipif(
    not os.path.isdir(baler.hdf5.PLUGINS), reason="the plugin is not built; `pip install .` does"
)


@pytest.mark.parametrize("code", ["u1", "i2", "u4", "i8", "f4", "f8", ">f4", ">i2"])
def test_every_type(tmp_path: Path, field: np.ndarray, code: str) -> None:
    u = (field * 40).astype(code)
    with h5py.File(tmp_path / "u.h5", "w") as file:
        file.create_dataset("u", data=u, **baler.hdf5.options(u.dtype, (10, 40, 17), lossless=True))
    with h5py.File(tmp_path / "u.h5") as file:
        d = file["u"]
        assert d.dtype == u.dtype and np.array_equal(d[:], u) and np.array_equal(d[3:15, 7, ::3], u[3:15, 7, ::3])


@pytest.mark.parametrize("bound", [{"abs": 1e-3}, {"rel": 1e-3}, {"std": 1e-3}, {"pwrel": 1e-3}, {"psnr": 70}])
def test_bounds_hold(tmp_path: Path, field: np.ndarray, bound: dict[str, float]) -> None:
    with h5py.File(tmp_path / "u.h5", "w") as file:
        d = file.create_dataset("u", data=field, **baler.hdf5.options("f4", field.shape, level="fast", **bound))
        assert np.abs(d[:] - field).max() <= 1e-2 and d.id.get_storage_size() < field.nbytes / 1.5


def test_programs_that_know_only_the_path(tmp_path: Path, field: np.ndarray) -> None:
    with h5py.File(tmp_path / "u.h5", "w") as file:
        file.create_dataset("u", data=field, **baler.hdf5.options("f4", (12, 40, 50), lossless=True))
    program = f"import h5py; print(float(h5py.File({str(tmp_path / 'u.h5')!r})['u'][3, 4, 5]))"
    environment = {**os.environ, "HDF5_PLUGIN_PATH": baler.hdf5.PLUGINS}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert float(told.stdout) == field[3, 4, 5]
    if shutil.which("h5dump") is None:
        pytest.skip("h5dump is not installed; h5py read the file")
    command = ["h5dump", "-d", "/u", "-s", "3,4,5", "-c", "1,1,1", str(tmp_path / "u.h5")]
    told = subprocess.run(command, env=environment, capture_output=True, text=True)
    value = re.search(r"\(3,4,5\): (\S+)", told.stdout)
    assert value is not None, told.stderr
    assert float(value[1]) == pytest.approx(field[3, 4, 5], rel=1e-5)


def test_the_plugin_links_to_no_hdf5_and_no_python() -> None:
    if shutil.which("ldd") is None:
        pytest.skip("there is no ldd")
    for plugin in Path(baler.hdf5.PLUGINS).iterdir():
        told = subprocess.run(["ldd", plugin], capture_output=True, text=True, check=True).stdout
        assert "hdf5" not in told.replace(str(plugin), "") and "python" not in told


def test_damage_is_an_error_and_other_chunks_are_whole(tmp_path: Path, field: np.ndarray) -> None:
    path = tmp_path / "u.h5"
    with h5py.File(path, "w") as file:
        d = file.create_dataset("u", data=field, **baler.hdf5.options("f4", (12, 40, 50), lossless=True))
        where = d.id.get_chunk_info(0)
    data = bytearray(path.read_bytes())
    data[where.byte_offset + where.size // 2] ^= 1
    path.write_bytes(data)
    with h5py.File(path) as file:
        with pytest.raises(OSError):
            file["u"][:]
        assert np.array_equal(file["u"][12:], field[12:])


def test_refused(tmp_path: Path) -> None:
    for call, words in [
        (lambda: baler.hdf5.options("f4", (3,)), "no error bound"),
        (lambda: baler.hdf5.options("c8", (3,), abs=1), "complex64 are not compressed"),
        (lambda: baler.hdf5.options("f4", (), abs=1), "one to eight axes"),
        (lambda: baler.hdf5.options("f4", (0, 3), abs=1), "none of them empty"),
    ]:
        with pytest.raises(baler.BalerError, match=words):
            call()
    with h5py.File(tmp_path / "u.h5", "w") as file:
        words = list(baler.hdf5.options("f4", (50,), abs=1)["compression_opts"])
        words[0] = 2  # a newer version's
        d = file.create_dataset("u", (50,), "f4", chunks=(50,), compression=baler.hdf5.FILTER, compression_opts=tuple(words))
        d[:] = np.arange(50)
    with h5py.File(tmp_path / "u.h5") as file:  # what the filter refuses h5py stores as it is: nothing is lost
        assert np.array_equal(file["u"][:], np.arange(50)) and file["u"].id.get_storage_size() == 200


def test_xarray_through_h5netcdf(tmp_path: Path, field: np.ndarray) -> None:
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
    data = xarray.Dataset({"u": (("t", "y", "x"), field)})
    encoding = {"u": {k: v for k, v in baler.hdf5.options("f4", (6, 40, 50), rel=1e-3).items() if k != "chunks"}}
    encoding["u"]["chunksizes"] = (6, 40, 50)
    data.to_netcdf(tmp_path / "u.nc", engine="h5netcdf", encoding=encoding)
    back = xarray.open_dataset(tmp_path / "u.nc", engine="h5netcdf")
    assert float(np.abs(back.u - data.u).max()) <= 1e-3 * np.ptp(field)


def test_a_model_by_its_hash(tmp_path: Path, learnable: np.ndarray, model: baler.Model) -> None:
    with pytest.raises(baler.errors.MissingModelError, match=model.hash):
        baler.hdf5.options("f4", learnable.shape, rel=0.02, model=model)
    model.save(tmp_path)
    program = f"""
import sys, h5py, numpy as np, baler.hdf5
u = np.load({str(tmp_path / "u.npy")!r})
with h5py.File({str(tmp_path / "u.h5")!r}, sys.argv[1]) as file:
    if sys.argv[1] == "w":
        file.create_dataset("u", data=u, **baler.hdf5.options(u.dtype, u.shape, rel=0.02, model={model.hash!r}))
    assert abs(file["u"][:] - u).max() <= 0.02 * np.ptp(u)
"""
    np.save(tmp_path / "u.npy", learnable)
    for mode, folder, code in (("w", tmp_path, 0), ("r", tmp_path, 0), ("r", tmp_path / "none", 1)):
        environment = {**os.environ, "BALER_MODELS": str(folder)}
        told = subprocess.run([sys.executable, "-c", program, mode], env=environment, capture_output=True, text=True)
        assert told.returncode == code, told.stderr
    assert f"baler: the model {model.hash} is not here; set BALER_MODELS" in told.stderr


def test_a_model_of_fields_by_its_hash(tmp_path: Path, field: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    model = baler.train(field, kind="field", rel=1e-3, hidden=[8], epochs=2)
    model.save(tmp_path)
    monkeypatch.setenv("BALER_MODELS", str(tmp_path))
    with h5py.File(tmp_path / "u.h5", "w") as file:
        file.create_dataset("u", data=field, **baler.hdf5.options("f4", field.shape, rel=1e-3, model=model))
        assert np.abs(file["u"][:] - field).max() <= 1e-3 * np.ptp(field)


def test_netcdf4_and_xarray_through_it(tmp_path: Path, field: np.ndarray) -> None:
    pytest.importorskip("netCDF4", reason="netCDF4 is not installed")
    with h5py.File(tmp_path / "u.nc", "w") as file:
        file.create_dataset("u", data=field, **baler.hdf5.options("f4", (6, 40, 50), rel=1e-3))
    program = f"""
import sys, numpy as np
{{0}}
import netCDF4
u = netCDF4.Dataset({str(tmp_path / "u.nc")!r})["u"][...]
np.save({str(tmp_path / "back.npy")!r}, np.asarray(u))
"""
    # In a process of its own: netCDF4 and h5py bring an HDF5 each.
    ways = [("import baler.hdf5", {}), ("", {"HDF5_PLUGIN_PATH": baler.hdf5.PLUGINS})]
    if find_spec("xarray") is not None:
        program += f"import xarray; v = xarray.open_dataset({str(tmp_path / 'u.nc')!r}, engine='netcdf4').u; assert (v.values == u).all()"
    for first, more in ways:
        environment = {k: v for k, v in os.environ.items() if k != "HDF5_PLUGIN_PATH"} | more
        command = [sys.executable, "-c", program.format(first)]
        told = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert told.returncode == 0, told.stderr
        assert np.abs(np.load(tmp_path / "back.npy") - field).max() <= 1e-3 * np.ptp(field)
