"""The command on files of others: ROOT, HDF5, netCDF, Zarr, FITS, Parquet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import baler
import baler.io


def run(*words: object, without: str = "") -> subprocess.CompletedProcess[str]:
    """The package's command, in a Python without one of its libraries."""
    program = f"import sys; sys.modules[{without!r}] = None; sys.argv[0] = 'baler'; from baler.__main__ import main; sys.exit(main())"
    command = [sys.executable, "-c", program, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def write_root(path: Path, field: np.ndarray) -> None:
    uproot = pytest.importorskip("uproot", reason="uproot is not installed")
    awkward = pytest.importorskip("awkward", reason="awkward is not installed")
    jets = awkward.zip({"pt": awkward.unflatten(field.reshape(-1)[:900], np.full(300, 3))})
    with uproot.recreate(path) as file:
        file.mktree("Events", {"met": "f4", "Jet": jets.type.content}).extend({"met": field[0, :6].reshape(-1), "Jet": jets})


def write_h5(path: Path, field: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    with h5py.File(path, "w") as file:
        file["run/u"] = field
        file["v"] = field[0].astype(">f8")


def write_nc(path: Path, field: np.ndarray) -> None:
    xarray = pytest.importorskip("xarray", reason="xarray is not installed")
    pytest.importorskip("h5netcdf", reason="h5netcdf is not installed")
    xarray.Dataset({"u": (("t", "y", "x"), field)}).to_netcdf(path, engine="h5netcdf")


def write_zarr(path: Path, field: np.ndarray) -> None:
    zarr = pytest.importorskip("zarr", minversion="3", reason="zarr 3 is not installed")
    zarr.open_group(path, mode="w").create_array("run/u", data=field)


def write_fits(path: Path, field: np.ndarray) -> None:
    fits = pytest.importorskip("astropy.io.fits", reason="astropy is not installed")
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(field, name="SCI")]).writeto(path)


def write_parquet(path: Path, field: np.ndarray) -> None:
    arrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    import pyarrow.parquet

    table = arrow.table({"x": field.reshape(-1), "name": ["a", "bc"] * (field.size // 2)})
    pyarrow.parquet.write_table(table, path)


# What writes a file, what of it to compress, the variables then, the values of one, the module and the extra that read it.
FILES = {
    "root": (write_root, "a.root:Events", ["Events", "Jet"], lambda f: f["Jet"]["Jet_pt"], "uproot", "root"),
    "h5": (write_h5, "a.h5", ["run/u", "v"], lambda f: f["run/u"], "h5py", "hdf5"),
    "h5 part": (write_h5, "a.h5:run", ["u"], lambda f: f["u"], "h5py", "hdf5"),
    "nc": (write_nc, "a.nc", ["u"], lambda f: f["u"], "h5py", "hdf5"),
    "zarr": (write_zarr, "a.zarr", ["run/u"], lambda f: f["run/u"], "zarr", "zarr"),
    "zarr part": (write_zarr, "a.zarr:run/u", ["run/u"], lambda f: f["run/u"], "zarr", "zarr"),
    "fits": (write_fits, "a.fits", ["PRIMARY.header", "SCI.header", "SCI"], lambda f: f["SCI"], "astropy.io.fits", "fits"),
    "parquet": (write_parquet, "a.parquet", ["a"], lambda f: f["a"]["x"], "pyarrow.parquet", "parquet"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_the_command_reads_it(case: str, tmp_path: Path, field: np.ndarray) -> None:
    write, source, names, values, module, extra = FILES[case]
    write(tmp_path / source.split(":")[0], field)
    told = run("compress", tmp_path / source, "-o", tmp_path / "a.blr", "--rel", "1e-3", "--quiet")
    assert told.returncode == 0, told.stderr
    with baler.open(tmp_path / "a.blr") as file:
        assert sorted(file) == sorted(names)
        back = np.asarray(values(file)).reshape(-1)
    expected = field.reshape(-1)[: back.size]
    assert np.abs(back - expected).max() <= 1e-3 * np.ptp(field) and back.size in (field.size, 900)
    # Every command that reads data reads these.
    told = run("verify", tmp_path / "a.blr", "--against", tmp_path / source)
    assert told.returncode == 0, told.stderr
    told = run("compress", tmp_path / source, "-o", tmp_path / "b.blr", "--rel", "1e-3", without=module)
    assert told.returncode == 3 and f"pip install 'baler[{extra}]'" in told.stderr, told.stderr
    assert not (tmp_path / "b.blr").exists()


def test_refused(tmp_path: Path, field: np.ndarray) -> None:
    for module in ("h5py", "uproot"):
        pytest.importorskip(module, reason=f"{module} is not installed")
    pytest.importorskip("zarr", minversion="3", reason="zarr 3 is not installed")
    for name, words in [("none.h5", "No such file"), ("none.root:t", "No such file"), ("none.zarr", "No such file")]:
        told = run("compress", tmp_path / name, "-o", tmp_path / "a.blr", "--rel", "1e-3")
        assert told.returncode == 3 and words in told.stderr, told.stderr
    (tmp_path / "broken.h5").write_bytes(b"x" * 900)
    write_h5(tmp_path / "a.h5", field)
    told = run("compress", tmp_path / "broken.h5", "-o", tmp_path / "a.blr", "--rel", "1e-3")
    assert told.returncode == 3 and "broken.h5: cannot be read: OSError" in told.stderr, told.stderr
    told = run("compress", tmp_path / "a.h5:w", "-o", tmp_path / "a.blr", "--rel", "1e-3")
    assert told.returncode == 2 and "there is no 'w'; there are run, v" in told.stderr, told.stderr
    told = run("decompress", tmp_path / "none.blr", "-o", tmp_path / "a.parquet")
    assert told.returncode != 0
    with pytest.raises(baler.BalerError, match="no format that is read; known are root, h5"):
        baler.io.read("a.txt")


def test_netcdf_of_old(tmp_path: Path, field: np.ndarray) -> None:
    netcdf = pytest.importorskip("netCDF4", reason="netCDF4 is not installed")
    with netcdf.Dataset(tmp_path / "a.nc", "w", format="NETCDF3_CLASSIC") as file:
        for name, length in zip("zyx", field.shape):
            file.createDimension(name, length)
        file.createVariable("u", "f4", ("z", "y", "x"))[...] = field
    assert np.array_equal(baler.io.read(tmp_path / "a.nc")["u"], field)


def test_datasets_of_text_are_not_dropped(tmp_path: Path, field: np.ndarray) -> None:
    h5py = pytest.importorskip("h5py", reason="h5py is not installed")
    import baler.hdf5

    options = baler.hdf5.options("f4", field.shape, lossless=True)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["names"] = ["a", "b"]
        file.create_dataset("u", data=field, **options)
    with pytest.raises(baler.errors.UnsupportedError, match="'names': values of type object are not taken; name one"):
        baler.io.from_hdf5(tmp_path / "a.h5")
    assert np.array_equal(baler.io.read(f"{tmp_path}/a.h5:u")["u"], field)
