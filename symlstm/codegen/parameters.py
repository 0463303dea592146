"""Random parameters for a cell: named views of one buffer."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.codegen.body import user_shape
from symlstm.codegen.mismatch import spec_of, summed_axis
from symlstm.equations import Cell
from symlstm.errors import ShapeError, ValueUnusable, unknown

BIAS = 0.1
"""The standard deviation of biases and other vectors: small, but not zero, so that every term of a formula counts."""


def parameters(
    cell: Any, n: int | None = None, m: int | None = None, rng: Any = 0, dtype: Any = np.float64, **sizes: int
) -> dict[str, np.ndarray[Any, Any]]:
    """Random parameters by name, in the order of the cell, each a view of one contiguous buffer (its `.base`).

    A matrix is drawn from N(0, 1/fan_in), fan_in being the number of entries that it sums over; biases and other
    vectors and numbers from N(0, 0.1^2). n, m (64 and 32 where the cell has them) and any further size of the cell by
    name. rng: a seed or a numpy.random.Generator. Raises NameUnknown for a size that the cell does not have,
    ShapeError for one that is missing, ValueUnusable for a seed that is none and for a dtype that is not floating.
    """
    if not isinstance(cell, Cell):
        from symlstm.registry import cell as find

        cell = find(cell)
    known = _sizes(cell, {"n": n, "m": m, **sizes})
    dtype, generator = _dtype(dtype), _generator(rng)
    shapes = {}
    for q in cell.parameters:
        spec = spec_of(cell, q)
        shapes[q.name] = tuple(spec.length(k, known) for k in range(len(spec.axes)))
    lengths = [int(np.prod(shape)) for shape in shapes.values()]
    buffer = np.empty(sum(lengths), dtype)
    found, start = {}, 0
    for q, length in zip(cell.parameters, lengths, strict=True):
        shape = shapes[q.name]
        buffer[start : start + length] = _scale(cell, q, shape) * generator.standard_normal(length)
        found[q.name] = buffer[start : start + length].reshape(shape)
        start += length
    return found


def _dtype(given: Any) -> np.dtype[Any]:
    try:
        dtype = np.dtype(given)
    except TypeError:
        dtype = None
    if dtype is None or dtype.kind not in "fc":
        shown = repr(given) if dtype is None else dtype
        raise ValueUnusable(f"parameters are floating-point numbers, not {shown}", "dtype=numpy.float32 or float64")
    return dtype


def _generator(rng: Any) -> np.random.Generator:
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError):
        raise ValueUnusable(
            f"rng={rng!r} seeds no random numbers", "give a whole number from 0 on, or a numpy.random.Generator"
        ) from None


def _scale(cell: Cell, q: Any, shape: tuple[int, ...]) -> float:
    if len(user_shape(cell, q)) < 2:
        return BIAS
    return float(1 / np.sqrt(shape[summed_axis(cell, q)]))


def _sizes(cell: Cell, given: dict[str, Any]) -> dict[str, int]:
    names = [str(d) for d in cell.dims]
    for name, value in given.items():
        if value is not None and name not in names:
            raise unknown(f"size of {cell.name}", name, names)
    sizes: dict[str, int] = {}
    missing = []
    for name in names:
        value = given.get(name)
        value = {"n": 64, "m": 32}.get(name) if value is None else value
        if value is None:
            missing.append(name)
        elif not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ShapeError(f"the size {name} must be a positive whole number, not {value!r}")
        else:
            sizes[name] = int(value)
    if missing:
        example = ", ".join(f"{name}=10" for name in missing)
        raise ShapeError(f"{cell.name} also needs the size {', '.join(missing)}", f"parameters(cell, ..., {example})")
    return sizes
