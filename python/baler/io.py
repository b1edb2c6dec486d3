"""The files of others as data for `compress`, and back: ROOT through uproot, FITS through astropy, Parquet through pyarrow;
HDF5, netCDF and Zarr to data alone, since Baler is a codec of these.

Each `from_...` gives what `baler.compress` takes and each `to_...` writes what `baler.decompress` gives back, so that

    baler.save("events.blr", baler.io.from_root("events.root:Events"), std=1e-3)
    baler.io.to_root(baler.load("events.blr"), "back.root:Events")

goes the whole way. The libraries are imported when asked for: `pip install baler[root]`, `[fits]`, `[parquet]`, `[hdf5]`,
`[netcdf]`, `[zarr]`. `read` tells by a name which is wanted, as the command line does.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from collections.abc import Mapping
from typing import Any, Union

import numpy as np

from baler.errors import InvalidArgumentError, NotFoundError, UnsupportedError

Path = Union[str, "os.PathLike[str]"]
Columns = dict[str, Any]

__all__ = [
    "from_fits",
    "from_hdf5",
    "from_parquet",
    "from_root",
    "from_zarr",
    "read",
    "to_fits",
    "to_parquet",
    "to_root",
]


def _import(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise UnsupportedError(f"{module} is not installed ({e}): pip install 'baler[{extra}]'") from None


def _existing(path: Path) -> str:
    if not os.path.exists(path):
        raise NotFoundError(f"{os.fspath(path)}: No such file or directory")
    return os.fspath(path)


def _split(path: Path) -> tuple[str, str]:
    """`file.root:Tree` as file and tree."""
    file, _, tree = os.fspath(path).rpartition(":")
    if not file and os.path.exists(path):
        raise InvalidArgumentError(f"{os.fspath(path)}: want FILE.root:TREE; it holds {', '.join(_trees(path))}")
    if not file or not tree:
        raise InvalidArgumentError(f"{os.fspath(path)}: want FILE.root:TREE")
    return file, tree


def _trees(path: Path) -> list[str]:
    """Names of the trees and RNTuples of a ROOT file."""
    with _import("uproot", "root").open(path) as file:
        kinds = file.classnames(cycle=False)
    return [name for name, kind in kinds.items() if kind in ("TTree", "ROOT::RNTuple")]


def from_root(path: Path, *, filter_name: Any = None) -> dict[str, Columns]:
    """A tree (or RNTuple) of a ROOT file, `"file.root:Events"`, as tables: one of the tree's name with a row an event, and one
    with a row an object for each group of jagged branches (`Jet_pt` and `Jet_eta` make `Jet`), whose counts are the
    column `nJet` of the first. `filter_name` chooses branches as uproot does: `"Jet_*"`.
    """
    uproot, awkward = _import("uproot", "root"), _import("awkward", "root")
    file, tree_name = _split(path)
    events: Columns = {}
    groups: dict[str, Columns] = {}
    counted: dict[Any, str] = {}
    with uproot.open(_existing(file)) as opened:
        tree = opened[tree_name]
        for name in tree.keys(filter_name=filter_name, recursive=True):
            array = tree[name].array(library="ak")
            if awkward.fields(array):
                continue  # a collection, whose members have names of their own
            if array.ndim == 1:
                events[name] = _flat(name, array, awkward)
                continue
            if array.ndim > 2 or "var" not in str(array.type):
                raise UnsupportedError(f"branch '{name}' is of type {array.type}; one jagged axis is what is taken")
            counts = awkward.to_numpy(awkward.num(array))
            counter = getattr(getattr(tree[name], "count_branch", None), "name", None)
            key = counter or (_prefix(name), counts.tobytes())
            if key not in counted:
                group = counter[1:] if counter and len(counter) > 1 and counter[0] == "n" else _prefix(name)
                group = name if group in groups else group
                counted[key], groups[group] = group, {}
                events.setdefault(f"n{group}", counts.astype(np.int32))
            groups[counted[key]][name] = _flat(name, awkward.flatten(array), awkward)
    return {tree_name: events, **groups}


def _prefix(name: str) -> str:
    """The name of a branch's group: what comes before the first underscore or dot."""
    return name.replace(".", "_").split("_")[0]


def _flat(name: str, array: Any, awkward: Any) -> np.ndarray[Any, Any]:
    try:
        flat: np.ndarray[Any, Any] = awkward.to_numpy(array)
    except (TypeError, ValueError) as e:
        raise UnsupportedError(f"branch '{name}' of type {array.type} is no column of numbers or text: {e}") from None
    return flat


def to_root(data: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Writes what `from_root` gave, `"file.root:Events"`: as an RNTuple where its branches' names have dots, else as a tree.
    Replaces the file."""
    uproot, awkward = _import("uproot", "root"), _import("awkward", "root")
    file, tree_name = _split(path)
    (_, events), *groups = data.items()
    branches: dict[str, Any] = dict(events)
    dotted = any("." in name for _, columns in groups for name in columns)
    for group, columns in groups:
        counts = branches.pop(f"n{group}", None)  # which uproot writes by itself
        if counts is None:
            raise InvalidArgumentError(f"the first table has no column 'n{group}', the counts of '{group}'")
        jagged = {name: awkward.unflatten(np.asarray(c), counts) for name, c in columns.items()}
        start = len(group) + 1
        if all(name.startswith(group + (".", "_")[not dotted]) for name in columns):
            branches[group] = awkward.zip({name[start:]: column for name, column in jagged.items()})
        else:
            branches.update(jagged)
    with uproot.recreate(file) as out:
        types = {k: v.type.content if isinstance(v, awkward.Array) else v.dtype for k, v in branches.items()}
        if dotted:
            out.mkrntuple(tree_name, branches)
        else:
            out.mktree(tree_name, types).extend(branches)


def from_fits(path: Path) -> dict[str, Any]:
    """The images and tables of a FITS file by name, as they are stored (not scaled), the header of each beside it as a table
    of its cards: `"SCI"` and `"SCI.header"`."""
    fits = _import("astropy.io.fits", "fits")
    data: dict[str, Any] = {}
    with fits.open(_existing(path), do_not_scale_image_data=True, memmap=True) as units:
        for number, unit in enumerate(units):
            name = unit.name if unit.name and unit.name not in data else f"{unit.name or 'HDU'}.{number}"
            cards = unit.header.tostring(sep="\n", endcard=False, padding=False).split("\n")
            data[f"{name}.header"] = {"cards": np.array(cards)}
            if isinstance(unit, fits.CompImageHDU):
                raise UnsupportedError(f"'{name}' is compressed in the file already; write it plainly first")
            if unit.header.get("PCOUNT", 0) > 0 or unit.header.get("GCOUNT", 1) > 1:
                raise UnsupportedError(f"'{name}' has columns of variable length, or groups, which are not taken")
            if unit.data is not None:
                data[name] = np.array(unit.data.view(np.ndarray))
    return data


def to_fits(data: Mapping[str, Any], path: Path) -> None:
    """Writes what `from_fits` gave: each header as it was, and the values behind it. Replaces the file."""
    fits = _import("astropy.io.fits", "fits")
    blocks = []
    for key in (k for k in data if k.endswith(".header")):
        name = key[: -len(".header")]
        cards = "".join(str(card).ljust(80) for card in data[key]["cards"])
        header = fits.Header.fromstring(cards)
        lengths = [header[f"NAXIS{i + 1}"] for i in range(header["NAXIS"])]
        size = abs(header["BITPIX"]) // 8 * int(np.prod(lengths)) if lengths else 0
        values = np.asarray(data.get(name, np.zeros(0, "u1")))
        if values.nbytes != size:
            raise InvalidArgumentError(f"'{name}' has {values.nbytes} bytes where its header tells {size}")
        if values.dtype.names is None:
            values = values.astype(values.dtype.newbyteorder(">"), copy=False)
        blocks += [_block((cards + "END").encode("ascii"), b" "), _block(values.tobytes(), b"\0")]
    with open(path, "wb") as file:
        file.writelines(blocks)


def _block(content: bytes, padding: bytes) -> bytes:
    """A piece of a FITS file, which comes in blocks of 2880 bytes."""
    return content + padding * (-len(content) % 2880)


def from_parquet(path: Path, *, columns: list[str] | None = None) -> Any:
    """A Parquet file as an Arrow table, all or some of its columns."""
    return _import("pyarrow.parquet", "parquet").read_table(_existing(path), columns=columns)


def to_parquet(data: Any, path: Path) -> None:
    """Writes an Arrow table, or a dict of columns, as a Parquet file. Replaces the file."""
    arrow = _import("pyarrow", "parquet")
    table = data if isinstance(data, arrow.Table) else arrow.table(dict(data))
    _import("pyarrow.parquet", "parquet").write_table(table, os.fspath(path))


def _arrays(name: str, array: np.ndarray[Any, Any], data: dict[str, Any]) -> None:
    """Puts an array into `data`, unless its type is one that is not compressed."""
    if array.dtype.names is None and array.dtype.kind not in "buif":
        raise UnsupportedError(
            f"'{name}': values of type {array.dtype} are not taken; name one that is, as FILE:NAME, to leave the others out"
        )
    data[name] = array


def from_hdf5(path: Path, *, name: str | None = None) -> dict[str, Any]:
    """The datasets of an HDF5 file, netCDF's among them, by their names (`"group/u"`), as they are stored; `name` is a
    dataset or group, to have it alone. Attributes stay behind: `baler.hdf5` compresses within such files. Files of the
    older netCDF are read through netCDF4 (`pip install baler[netcdf]`).
    """
    with open(_existing(path), "rb") as file:
        classic = file.read(3) == b"CDF"
    return _classic(path, name) if classic else _hdf5(path, name)


def _hdf5(path: Path, name: str | None) -> dict[str, Any]:
    h5py = _import("h5py", "hdf5")
    for filters in ("hdf5plugin", "baler.hdf5"):  # what datasets may be compressed with
        with contextlib.suppress(ImportError):
            importlib.import_module(filters)
    data: dict[str, Any] = {}

    def take(key: str, item: Any) -> None:
        # What netCDF keeps for dimensions that no variable describes.
        bare = "This is a netCDF dimension but not a netCDF variable" in str(item.attrs.get("NAME"))
        if isinstance(item, h5py.Dataset) and not bare:
            _arrays(key, np.asarray(item[()]), data)

    with h5py.File(path, "r") as file:
        if name is not None and name not in file:
            raise InvalidArgumentError(f"{os.fspath(path)}: there is no '{name}'; there are {', '.join(file)}")
        part = file if name is None else file[name]
        if isinstance(part, h5py.Dataset):
            take(str(name), part)
        else:
            part.visititems(take)
    return data


def _classic(path: Path, name: str | None) -> dict[str, Any]:
    netcdf = _import("netCDF4", "netcdf")
    data: dict[str, Any] = {}
    with netcdf.Dataset(os.fspath(path)) as file:
        file.set_auto_maskandscale(False)
        if name is not None and name not in file.variables:
            names = ", ".join(file.variables)
            raise InvalidArgumentError(f"{os.fspath(path)}: there is no '{name}'; there are {names}")
        for key, variable in file.variables.items():
            if name in (None, key):
                _arrays(key, np.asarray(variable[...]), data)
    return data


def from_zarr(path: Path, *, name: str | None = None) -> dict[str, Any]:
    """The arrays of a Zarr store by their names, as they are stored; `name` is an array or group in it."""
    zarr = _import("zarr", "zarr")
    _import("zarr.abc", "zarr")  # which came with Zarr's version 3
    part = zarr.open(_existing(path), mode="r", path=name or "")
    data: dict[str, Any] = {}
    if isinstance(part, zarr.Array):
        _arrays(name or os.path.splitext(os.path.basename(os.path.normpath(path)))[0], np.asarray(part[...]), data)
        return data
    for key, item in part.members(max_depth=None):
        if isinstance(item, zarr.Array):
            _arrays(key, np.asarray(item[...]), data)
    return data


_KNOWN = ["root", "h5", "hdf5", "nc", "zarr", "fits", "fit", "fts", "parquet"]


def read(path: Path) -> Any:
    """The data of a file of any of these formats by its extension, or of a part of it: `"events.root:Events"`,
    `"run.h5:group/u"`, `"run.nc:u"`, `"run.zarr:u"`."""
    text = os.fspath(path)
    found = re.search(r"\.(\w+)[/\\]?(?::([^:]*))?$", text)
    kind = found[1].lower() if found else ""
    if found is None or kind not in _KNOWN:
        raise InvalidArgumentError(f"{text}: is of no format that is read; known are {', '.join(_KNOWN)}")
    part = found[2]
    if kind == "root":
        return from_root(path)
    whole = text if part is None else text[: found.start(2) - 1]
    if kind in ("h5", "hdf5", "nc"):
        return from_hdf5(whole, name=part)
    if kind == "zarr":
        return from_zarr(whole, name=part)
    if part is not None:
        raise InvalidArgumentError(f"{text}: parts are named of .root, .h5, .nc and .zarr alone")
    return from_parquet(whole) if kind == "parquet" else from_fits(whole)
