"""What a user gives as arrays of floating-point numbers; NaN and infinity.

Cheap on purpose: a dot product a row tells whether all of it is finite.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from symlstm.codegen import mismatch
from symlstm.errors import ShapeError, ValueUnusable

Array = np.ndarray[Any, Any]


def arrays_of(named: Sequence[tuple[str, Any]], like: Any = None) -> list[Array]:
    """Floating-point arrays; what has no dtype of its own takes that of the others."""
    arrays = [as_array(name, value) for name, value in named]
    weak = [k for k, (_, value) in enumerate(named) if not hasattr(value, "dtype")]
    if weak:
        strong = {a.dtype for k, a in enumerate(arrays) if k not in weak} or ({like} if like is not None else set())
        for k in weak if strong else []:
            complex_ = arrays[k].dtype.kind == "c"
            dtype = np.result_type(*strong)
            arrays[k] = arrays[k].astype(np.result_type(dtype, np.complex64) if complex_ else dtype)
    return arrays


def as_array(name: str, value: Any) -> Array:
    """One argument as an array of floating-point numbers. Raises ShapeError, ValueUnusable."""
    mismatch.require_unmasked(name, value)
    if hasattr(value, "detach"):  # a tensor of torch, whose gradient nobody asks for here
        value = _detached(value)
    try:
        array = np.asarray(value)
    except ValueError:
        raise ShapeError(f"{name} is ragged: its rows have different lengths") from None
    if array.dtype.kind in "fc":
        return array
    if array.dtype.name == "bfloat16":
        return array.astype(np.float32)  # exact
    if array.dtype.kind in "iub":
        what = "truth values" if array.dtype.kind == "b" else "integers"
        fix = f"{name}.astype(float)" if hasattr(value, "astype") else "write 1.0 instead of 1"
        raise ValueUnusable(f"{name} holds {what} ({array.dtype}), not floating-point numbers", fix)
    raise ValueUnusable(f"{name} holds {array.dtype}, not floating-point numbers")


def _detached(value: Any) -> Any:
    value = value.detach().cpu()
    return value.float() if "bfloat16" in str(value.dtype) else value


def finite(array: Array) -> bool:
    """Whether all entries are finite."""
    return all_finite([array])


def all_finite(arrays: Iterable[Array]) -> bool:
    """Whether all entries of all of them are: one pass, and a second look only where the first overflows.

    The squares are summed along the last axis: too little work at a time for BLAS to start threads.
    """
    with np.errstate(all="ignore"):
        for a in arrays:
            if not (a.ndim and np.isfinite(np.vecdot(a, a)).all()) and not np.isfinite(a).all():
                return False
    return True


def require_finite(named: Sequence[tuple[str, Any]], arrays: Sequence[Array]) -> None:
    """ValueUnusable for the first array with NaN or infinity, which names the entry."""
    if all_finite(arrays):
        return
    for (name, _), array in zip(named, arrays, strict=True):
        if not finite(array):
            raise mismatch.not_finite(name, array)
