"""The arrays of a file by name: .safetensors, .npz, torch state dicts, ONNX, Keras. None of them runs code."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from symlstm.checkpoints.torch_archive import SAFE, is_archive, tensors
from symlstm.errors import ExtraMissing, ValueUnusable
from symlstm.plugins import library


@dataclass(frozen=True)
class Contents:
    """arrays: by name. cells: stem -> the cell, and conventions: the only ones, where the file says so."""

    arrays: dict[str, Any]
    cells: Mapping[str, str] = field(default_factory=dict)
    conventions: tuple[str, ...] = ()


def read_arrays(path: str | Path) -> Contents:
    """The arrays of a file; ValueUnusable where it cannot be read without running code, ExtraMissing for a library."""
    path = Path(path)
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueUnusable(f"{path.name} is not a file of weights that is known", f"known: {', '.join(READERS)}")
    if not path.is_file():
        raise ValueUnusable(f"there is no file {path}", f"looked in {Path.cwd()}")
    return reader(path)


def _safetensors(path: Path) -> Contents:
    numpy = library("safetensors.numpy", "safetensors")
    try:
        return Contents(dict(numpy.load_file(path)))
    except Exception as error:  # its own error class is that of the library's core
        if "bfloat16" in str(error):  # which NumPy does not have
            return Contents({name: _stored(path, name, kept) for name, kept in _deserialized(path)})
        raise ValueUnusable(f"{path.name} cannot be read: {error}", "it must be a safetensors file") from None


def _deserialized(path: Path) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = library("safetensors", "safetensors").deserialize(path.read_bytes())
    return found


def _stored(path: Path, name: str, kept: dict[str, Any]) -> Any:
    """A tensor from its bytes; bfloat16 is the upper half of float32."""
    if kept["dtype"] == "BF16":
        upper = np.frombuffer(kept["data"], "<u2").astype("<u4")
        return (upper << 16).view("<f4").reshape(kept["shape"])
    if kept["dtype"] not in SAFETENSORS:
        raise ValueUnusable(
            f"{name} in {path.name} is stored as {kept['dtype']}", f"known: BF16, {', '.join(SAFETENSORS)}"
        )
    return np.frombuffer(kept["data"], SAFETENSORS[kept["dtype"]]).reshape(kept["shape"])


SAFETENSORS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BOOL": "?"} | {
    f"{kind}{bits}": f"<{kind.lower()}{bits // 8}" for kind in "IU" for bits in (8, 16, 32, 64)
}
"""What NumPy calls the types of a safetensors file."""


def _npz(path: Path) -> Contents:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return Contents({name: archive[name] for name in archive.files})
    except (ValueError, zipfile.BadZipFile, OSError) as error:
        if "Object arrays" in str(error):
            raise ValueUnusable(
                f"{path.name} holds Python objects, which are stored by pickle: reading them would run code",
                "store arrays of numbers alone: np.savez(file, **{name: np.asarray(a) for name, a in weights.items()})",
            ) from None
        raise ValueUnusable(f"{path.name} cannot be read: {error}", "np.savez(file, W_f=W_f, ...) writes one") from None


def _torch(path: Path) -> Contents:
    if is_archive(path):
        return Contents(tensors(path))
    if path.read_bytes()[:1] != b"\x80":
        raise ValueUnusable(f"{path.name} cannot be read: it is no file of torch.save", SAFE)
    try:
        torch = library("torch", "torch")  # what it wrote before version 1.6
    except ExtraMissing as error:
        said = f"{path.name} is a plain pickle, as torch wrote before version 1.6, and {error.message}"
        raise ExtraMissing(said, f"{error.hint}; or save it again: {SAFE}") from None
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # pickle.UnpicklingError, RuntimeError, EOFError, ...
        what = "holds more than tensors, or is damaged: reading it would run code"
        raise ValueUnusable(f"{path.name} {what}", f"where it can be trusted, load it once and write: {SAFE}") from None
    if not isinstance(found, Mapping):
        raise ValueUnusable(f"{path.name} holds a {type(found).__name__}, no tensors by name", SAFE)
    return Contents(_tensors(found))


def _tensors(found: Mapping[Any, Any], before: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            made |= _tensors(value, f"{before}{name}.")
        elif hasattr(value, "detach"):
            value = value.detach()
            made[f"{before}{name}"] = (value.float() if "bfloat16" in str(value.dtype) else value).cpu().numpy()
    return made


def _onnx(path: Path) -> Contents:
    onnx = library("onnx", "onnx")
    try:
        model = onnx.load(str(path))
    except Exception as error:  # google.protobuf's DecodeError and others
        raise ValueUnusable(f"{path.name} cannot be read: {error}", "it must be an ONNX model") from None
    return onnx_contents(model)


ONNX_CELLS = {"LSTM": "lstm", "RNN": "rnn"}


def onnx_cell(node: Any, attributes: Mapping[str, Any]) -> str:
    """The cell that a node computes."""
    if node.op_type == "GRU":
        return "gru" if attributes.get("linear_before_reset", 0) else "gru_reset_before"
    if node.op_type == "LSTM" and len(node.input) > 7 and node.input[7]:
        return "lstm_peephole"
    return ONNX_CELLS[node.op_type]


def onnx_contents(model: Any) -> Contents:
    """The weights of the LSTM, GRU and RNN nodes, as name.W, name.R, name.B, name.P."""
    onnx = library("onnx", "onnx")
    known = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant":
            attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            if "value" in attributes:
                known[node.output[0]] = onnx.numpy_helper.to_array(attributes["value"])
    arrays: dict[str, Any] = {}
    cells: dict[str, str] = {}
    for k, node in enumerate(n for n in model.graph.node if n.op_type in ("LSTM", "GRU", "RNN")):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        stem = (node.name or f"{node.op_type}_{k}").strip("/").replace(".", "_")
        stem += ".l0_reverse" * (attributes.get("direction", b"forward") == b"reverse")
        cells[stem.removesuffix(".l0_reverse")] = onnx_cell(node, attributes)
        for slot, name in ((1, "W"), (2, "R"), (3, "B"), (7, "P")):
            given = node.input[slot] if len(node.input) > slot else ""
            if given and given not in known:
                raise ValueUnusable(f"{name} of node {stem} is computed in the model, not stored in it")
            if given:
                arrays[f"{stem}.{name}"] = known[given]
    return Contents(arrays, cells, ("onnx",))


KERAS_NAMES = ("kernel", "recurrent_kernel", "bias")


def _keras(path: Path) -> Contents:
    h5py = library("h5py", "h5")
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                return _h5(h5py, io.BytesIO(archive.read("model.weights.h5")))
        return _h5(h5py, path)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise ValueUnusable(f"{path.name} cannot be read: {error}", "model.save_weights writes .weights.h5") from None


def _h5(h5py: Any, file: Any) -> Contents:
    arrays: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            stem, _, last = name.rpartition("/")
            if last.isdigit() and stem.endswith("cell/vars") and int(last) < len(KERAS_NAMES):
                name = f"{stem.removesuffix('/vars')}/{KERAS_NAMES[int(last)]}"  # Keras 3 numbers them
            arrays[name.removesuffix(":0")] = np.asarray(item)

    with h5py.File(file, "r") as opened:
        opened.visititems(visit)
    return Contents(arrays, conventions=("keras",))


def _pickled(path: Path) -> Contents:
    raise ValueUnusable(
        f"{path.name} is a pickle: reading it would run the code in it",
        "where it can be trusted, load it once and write np.savez(file, **weights)",
    )


READERS: dict[str, Callable[[Path], Contents]] = {
    ".safetensors": _safetensors,
    ".npz": _npz,
    ".pt": _torch,
    ".pth": _torch,
    ".bin": _torch,
    ".ckpt": _torch,
    ".onnx": _onnx,
    ".h5": _keras,
    ".keras": _keras,
    ".pkl": _pickled,
    ".pickle": _pickled,
}
SUFFIXES = tuple(READERS)
