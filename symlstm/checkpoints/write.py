"""Arrays by name as the bytes of a file: .npz or .safetensors."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np

from symlstm.errors import OutputUnwritable
from symlstm.plugins import library


def encoded(arrays: Mapping[str, Any], suffix: str) -> bytes:
    """The bytes of such a file; OutputUnwritable for another ending."""
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    if suffix == ".safetensors":
        return bytes(library("safetensors.numpy", "safetensors").save(plain))
    if suffix != ".npz":
        raise OutputUnwritable(
            f"weights are not written as {suffix or 'a file without ending'}", ".npz or .safetensors"
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # as np.savez does, which cannot take every name
        for name, array in plain.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()
