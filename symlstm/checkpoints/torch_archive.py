"""Tensors of a file that torch.save wrote, read without torch: a zip archive with a pickle and one entry a storage.

The pickle is read with a table of what may be named in it, and everything that it may call is in this file; another
name is refused before anything is made of it. Strides are checked against the storage.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from symlstm.errors import SymlstmError, ValueUnusable

SAFE = (
    "torch.save(model.state_dict(), file) stores tensors alone; "
    "safetensors.torch.save_file(model.state_dict(), 'model.safetensors') is safer still"
)
STORAGES = {
    "DoubleStorage": "f8",
    "FloatStorage": "f4",
    "HalfStorage": "f2",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
"""What torch calls a storage -> how its numbers are stored."""


def is_archive(path: Path) -> bool:
    """Whether torch.save of torch 1.6 or newer may have written it."""
    return zipfile.is_zipfile(path)


def tensors(path: Path) -> dict[str, Any]:
    """The tensors by name, names of nested dicts joined by dots. Raises ValueUnusable, also where it holds more."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = _Reader(archive, path.name).load()
    except SymlstmError:
        raise
    except Exception as error:  # what is damaged can fail in any way
        raise ValueUnusable(
            f"{path.name} cannot be read: {error}", f"it must be a file of torch.save. {SAFE}"
        ) from None
    if not isinstance(found, Mapping):
        raise ValueUnusable(f"{path.name} holds a {type(found).__name__}, no tensors by name", SAFE)
    return _named(found)


def _named(found: Mapping[Any, Any], before: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, Mapping):
            made |= _named(value, f"{before}{name}.")
        elif isinstance(value, np.ndarray):
            made[f"{before}{name}"] = value
    return made


def _tensor(storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> Any:
    """A view of a storage."""
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if min(offset, 0, *size, *stride) < 0 or (0 not in size and last >= len(storage)):
        raise ValueError(f"a tensor of shape {tuple(size)} does not fit its storage of {len(storage)} numbers")
    steps = [s * storage.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, steps, writeable=False)


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch", "Size"): tuple,
    **{("torch", name): stored for name, stored in STORAGES.items()},
}
"""(module, name) in the pickle -> what stands for it here."""


class _Reader(pickle.Unpickler):
    """The pickle of an archive, with nothing in it but names of ALLOWED."""

    def __init__(self, archive: zipfile.ZipFile, filename: str) -> None:
        inside = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
        if not inside:
            raise ValueUnusable(f"{filename} cannot be read: it is no file of torch.save", SAFE)
        self.archive, self.filename = archive, filename
        self.folder = inside[0].removesuffix("data.pkl")
        self.storages: dict[str, Any] = {}
        super().__init__(io.BytesIO(archive.read(inside[0])))

    def find_class(self, module: str, name: str) -> Callable[..., Any]:
        """What stands for a name; ValueUnusable for any other."""
        if (module, name) not in ALLOWED:
            raise ValueUnusable(
                f"{self.filename} holds {module}.{name}, more than tensors: reading it would run code",
                f"where it can be trusted, load it once and write: {SAFE}",
            )
        found: Callable[..., Any] = ALLOWED[module, name]
        return found

    def persistent_load(self, pid: Any) -> Any:
        """The numbers of a storage."""
        _, stored, key, *_ = pid
        if key not in self.storages:
            self.storages[key] = self._numbers(stored, self.archive.read(f"{self.folder}data/{key}"))
        return self.storages[key]

    def _numbers(self, stored: str, content: bytes) -> Any:
        order = "<"
        if f"{self.folder}byteorder" in self.archive.namelist():
            order = ">" if self.archive.read(f"{self.folder}byteorder") == b"big" else "<"
        if stored == "bfloat16":  # the upper half of a float32
            upper = np.frombuffer(content, f"{order}u2").astype(np.uint32)
            return (upper << 16).view(np.float32)
        numbers = np.frombuffer(content, order + stored)
        return numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
