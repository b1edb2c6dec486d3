"""Networks of PyTorch as models of Baler, and back.

>>> import torch
>>> from torch import nn
>>> import baler.torch
>>> encoder = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
>>> decoder = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 6))
>>> rows = torch.randn(500, 6)
>>> model = baler.torch.to_model(nn.Sequential(encoder, decoder), rows)    # frozen to integers on these rows
>>> model.transform(rows).shape
(500, 3)
>>> network, offset, scale = baler.torch.to_network(model)
>>> bool((network((rows - offset) / scale) - decoder(encoder(rows))).abs().max() < 1e-5)
True

Layers that are known: Linear, Conv1d to 3d and their transposes, BatchNorm1d to 3d, Dropout, ReLU, LeakyReLU, GELU, Flatten,
Unflatten, Identity. Networks of other layers come through ONNX: `baler import model.onnx` (see `baler help import`).
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from baler._model import Model
from baler.errors import InvalidArgumentError, UnsupportedError

Description = dict[str, Any]
Tensors = dict[str, np.ndarray[Any, Any]]

_CONVOLUTIONS = [(nn.Conv1d, nn.ConvTranspose1d), (nn.Conv2d, nn.ConvTranspose2d), (nn.Conv3d, nn.ConvTranspose3d)]
_NORMS = [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d]
_ANY_CONVOLUTION: Any = tuple(kind for pair in _CONVOLUTIONS for kind in pair)
_ANY_NORM: Any = tuple(_NORMS)


def to_model(network: nn.Module, sample: Any, *, offset: Any = 0.0, scale: Any = 1.0) -> Model:
    """The model of a trained autoencoder: a `torch.nn.Sequential` of two, encoder and decoder, or a module with two of
    them named so. `sample` is an array or tensor of rows x the shape of one (`[features]`, or `[channels, height, width]`)
    in the data's units, on which integers are chosen; the network takes (x - offset) / scale of it.

    Errors name a layer that Baler has no like of.
    """
    halves = _halves(network)
    rows = sample.detach().cpu().numpy() if isinstance(sample, torch.Tensor) else np.asarray(sample)
    if rows.ndim < 2:
        raise InvalidArgumentError(f"the sample is of shape {rows.shape}; want rows x the shape of a row")
    described: Description = {"name": "torch", "input": list(rows.shape[1:])}
    tensors: Tensors = {}
    for half, layers in halves.items():
        described[half] = []
        for name, layer in layers.named_children():
            for description, parameters in _take(f"{half}.{name}", layer):
                number = len(described[half])
                described[half].append(description)
                tensors |= {f"{half}.{number}.{k}": v for k, v in parameters.items()}
    features = int(np.prod(rows.shape[1:]))
    ranges = np.stack([np.broadcast_to(np.asarray(x, float), rows.shape[1:]).reshape(-1) for x in (offset, scale)])
    with tempfile.TemporaryDirectory() as folder:
        weights, layers_file, sample_file, ranges_file, model = (
            os.path.join(folder, name)
            for name in ("network.safetensors", "layers.toml", "sample.npy", "ranges.npy", "model.safetensors")
        )
        _write(tensors, weights)
        with open(layers_file, "w", encoding="utf-8") as file:
            file.write(_toml(described))
        np.save(sample_file, rows.astype(np.float64).reshape(len(rows), features))
        np.save(ranges_file, ranges)
        command = [sys.executable, "-m", "baler", "import", weights, "-o", model, "--model", layers_file, "--json"]
        command += ["--calibrate", sample_file, "--normalization", ranges_file]
        told = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
        if told.returncode != 0:
            raise InvalidArgumentError(told.stderr.strip().removeprefix("error: ").replace(folder + os.sep, ""))
        return Model.load(model)


def to_network(model: Model) -> tuple[nn.Sequential, torch.Tensor, torch.Tensor]:
    """The float network of a model, a `torch.nn.Sequential` of `encoder` and `decoder` in evaluation mode, and the offset
    and scale of each feature: it takes (x - offset) / scale, in the shape that the model's architecture tells.

    Errors for layers that PyTorch has no like of (GDN), and for normalisations that are curves.
    """
    description, tensors = _read(model.to_bytes())
    architecture = description["architecture"]
    if "normalisation.offset" not in tensors:
        raise UnsupportedError(f"the model's normalisation, {description['normalisation']}, is no offset and scale")
    shape = architecture["input"]
    offset, scale = (torch.from_numpy(tensors[f"normalisation.{k}"].reshape(shape)).float() for k in ("offset", "scale"))
    halves: OrderedDict[str, nn.Module] = OrderedDict()
    for half in ("encoder", "decoder"):
        layers = nn.Sequential()
        for number, layer in enumerate(architecture[half]):
            prefix = f"{half}.{number}."
            parameters = {k[len(prefix) :]: v for k, v in tensors.items() if k.startswith(prefix)}
            made, shape = _give(f"{half}.{number}", layer, shape, parameters)
            layers.append(made)
        halves[half] = layers
    return nn.Sequential(halves).eval(), offset, scale


def _halves(network: nn.Module) -> dict[str, nn.Sequential]:
    """Encoder and decoder of a network."""
    children = dict(network.named_children())
    halves = [children.get("encoder"), children.get("decoder")]
    if None in halves and isinstance(network, nn.Sequential):
        halves = list(children.values())
    if len(halves) != 2 or not all(isinstance(h, nn.Sequential) for h in halves):
        raise InvalidArgumentError("want a torch.nn.Sequential of two, encoder and decoder, each a torch.nn.Sequential")
    return {name: half for name, half in zip(("encoder", "decoder"), halves) if isinstance(half, nn.Sequential)}


def _take(name: str, layer: Any) -> Iterator[tuple[Description, Tensors]]:
    """The descriptions of a layer, and its parameters; the inverse of `_give`."""
    if isinstance(layer, nn.Sequential):
        for inner, child in layer.named_children():
            yield from _take(f"{name}.{inner}", child)
        return
    tensors = {k: v.detach().cpu().numpy().astype("<f4") for k, v in layer.state_dict().items() if v.is_floating_point()}
    if isinstance(layer, nn.Identity):
        return
    if isinstance(layer, nn.Linear):
        yield {"kind": "dense", "outputs": layer.out_features}, _with_bias(tensors, layer.out_features)
    elif isinstance(layer, _ANY_CONVOLUTION):
        yield _convolution(name, layer), _with_bias(tensors, layer.out_channels)
    elif isinstance(layer, _ANY_NORM):
        if layer.eps != 1e-5 or not layer.affine or not layer.track_running_stats:
            raise UnsupportedError(f"{name}: batch norms are known with eps=1e-5, affine, with running statistics")
        yield {"kind": "batch_norm"}, tensors
    elif isinstance(layer, nn.Dropout):
        yield {"kind": "dropout", "rate": layer.p}, {}
    elif isinstance(layer, nn.ReLU):
        yield {"kind": "relu"}, {}
    elif isinstance(layer, nn.LeakyReLU):
        yield {"kind": "leaky_relu", "slope": layer.negative_slope}, {}
    elif isinstance(layer, nn.GELU) and layer.approximate == "none":
        yield {"kind": "gelu"}, {}
    elif isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) == (1, -1):
        yield {"kind": "flatten"}, {}
    elif isinstance(layer, nn.Unflatten) and layer.dim == 1:
        yield {"kind": "reshape", "shape": list(layer.unflattened_size)}, {}
    else:
        raise UnsupportedError(f"{name}: {layer} is no layer that Baler has; `baler import` reads ONNX, which may do")


def _with_bias(tensors: Tensors, count: int) -> Tensors:
    return {"bias": np.zeros(count, "<f4"), **tensors}


def _convolution(name: str, layer: Any) -> Description:
    if layer.groups != 1 or any(d != 1 for d in layer.dilation) or layer.padding_mode != "zeros":
        raise UnsupportedError(f"{name}: convolutions are known without groups and dilation, and padded with zeros")
    if isinstance(layer.padding, str):
        raise UnsupportedError(f"{name}: say padding='{layer.padding}' in numbers")
    described = {"channels": layer.out_channels, "kernel": list(layer.kernel_size), "stride": list(layer.stride)}
    described["padding"] = list(layer.padding)
    if layer.transposed:
        return {"kind": "conv_transposed", **described, "output_padding": list(layer.output_padding)}
    return {"kind": "conv", **described}


def _give(name: str, layer: Description, shape: list[int], tensors: Tensors) -> tuple[nn.Module, list[int]]:
    """The module of a description with its parameters, and the shape that it makes of `shape`."""
    kind = layer["kind"]
    made: nn.Module
    if kind == "dense":
        made = nn.Linear(shape[0], layer["outputs"])
    elif kind in ("conv", "conv_transposed"):
        axes = len(layer["kernel"])
        given = {"stride": [1] * axes, "padding": [0] * axes, **layer}
        options = {k: tuple(v) for k, v in given.items() if k in ("stride", "padding", "output_padding")}
        made = _CONVOLUTIONS[axes - 1][kind != "conv"](shape[0], layer["channels"], tuple(layer["kernel"]), **options)
    elif kind == "batch_norm":
        made = _NORMS[max(0, len(shape) - 2)](shape[0])
    elif kind in ("dropout", "relu", "leaky_relu", "gelu", "flatten", "reshape"):
        made = {
            "dropout": lambda: nn.Dropout(layer["rate"]),
            "relu": nn.ReLU,
            "leaky_relu": lambda: nn.LeakyReLU(layer["slope"]),
            "gelu": nn.GELU,
            "flatten": nn.Flatten,
            "reshape": lambda: nn.Unflatten(1, tuple(layer["shape"])),
        }[kind]()
        if kind == "reshape" and len(shape) > 1:
            made = nn.Sequential(nn.Flatten(), made)
    else:
        raise UnsupportedError(f"{name}: PyTorch has no layer like '{kind}'")
    if tensors:
        made.load_state_dict({k: torch.from_numpy(v.copy()) for k, v in tensors.items()}, strict=False)
    with torch.no_grad():
        return made, list(made.eval()(torch.zeros(1, *shape)).shape[1:])


def _toml(described: Description) -> str:
    """A description of layers as the command takes it."""
    half = "".join(
        f"[[{half}]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in layer.items())
        for half in ("encoder", "decoder")
        for layer in described[half]
    )
    return f'name = "{described["name"]}"\ninput = {described["input"]}\n{half}'


def _write(tensors: Tensors, path: str) -> None:
    """Tensors of single precision as safetensors."""
    header: Description = {}
    at = 0
    for name, tensor in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + tensor.nbytes]}
        at += tensor.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.writelines(tensor.tobytes() for tensor in tensors.values())


def _read(data: bytes) -> tuple[Description, Tensors]:
    """Description and float tensors of a model file."""
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    metadata = json.loads(header.pop("__metadata__")["baler"])
    if "architecture" not in metadata.get("description", {}):
        raise InvalidArgumentError("a model of tables is no network of PyTorch; this is for autoencoders")
    types = {"F32": "<f4", "F64": "<f8"}
    tensors = {}
    for name, told in header.items():
        if told["dtype"] in types:
            start, end = (8 + length + at for at in told["data_offsets"])
            tensors[name] = np.frombuffer(data[start:end], types[told["dtype"]]).reshape(told["shape"])
    return metadata["description"], tensors
