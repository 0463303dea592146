"""What functions of a whole vector mean for traced values: sum, mean, variance, max, norm, softmax."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr import build as b
from symlstm.expr.nodes import quantity
from symlstm.expr.tree import quantities
from symlstm.trace.array import COLUMNS, FLAT, ROWS, Traced
from symlstm.trace.elementwise import negative


def along_features(value: Traced, axis: Any) -> bool:
    """Whether the axis is the one along the vector; raises where NumPy would."""
    if value._batch == FLAT:
        return False
    if value._batch == ROWS:
        return axis in (1, -1)
    if value._batch == COLUMNS:
        return axis in (0, -2)
    if axis in (0, -1):
        return True
    raise ShapeError(
        f"axis {axis} of {value._expr}, which has one axis", "a vector is one axis long: axis=0 or axis=-1"
    )


def reduction(name: str) -> Callable[..., Traced]:
    """Handler of a function that makes one number of a vector."""

    def handler(a: Any, axis: Any = None, keepdims: bool = False) -> Traced:
        if isinstance(axis, (tuple, list)) and len(axis) == 1:
            axis = axis[0]
        if a._rank == 2:
            raise CellError(
                f"np.{name} of a matrix is not understood in a cell", "sum with np.ones_like(v) @ M instead"
            )
        if a._batch and (axis is None or not along_features(a, axis)):
            raise CellError(f"np.{name} over the batch", "a cell treats each example alone: reduce along the features")
        if a._rank == 1 and not a._batch and axis is not None:
            along_features(a, axis)
        number = b.whole(name, a._expr) if a._rank else _of_one_number(name, a._expr)
        if keepdims and not a._batch:
            return a.like(number, 0)
        return a.like(number, 0, a._batch and (a._batch if keepdims else FLAT))

    return handler


def _of_one_number(name: str, number: Any) -> Any:
    """The function of a single entry."""
    if name == "norm":
        return b.apply("abs", number)
    return b.scale(0, b.ones_like(number)) if name == "variance" else number


total = reduction("sum")
mean = reduction("mean")
variance = reduction("variance")
_largest = reduction("max")

BATCH_MAXIMUM = quantity("largest_of_the_batch", (sp.S.One, sp.S.One))
"""The largest number of a whole batch: it may shift a softmax, where it cancels, and nothing else."""


def largest(a: Traced, axis: Any = None, keepdims: bool = False) -> Traced:
    if a._batch in (ROWS, COLUMNS) and a._rank and axis is None:
        return a.like(BATCH_MAXIMUM, 0, FLAT)
    return _largest(a, axis, keepdims)


def refuse_batch_maximum(exprs: Iterable[Any]) -> None:
    """CellError where the largest number of the batch did not cancel."""
    if any(BATCH_MAXIMUM in quantities(expr) for expr in exprs):
        raise CellError("np.max over the batch", "a cell treats each example alone: reduce along the features")


def standard_deviation(a: Traced, axis: Any = None, keepdims: bool = False) -> Traced:
    squared = variance(a, axis, keepdims)
    return squared.like(b.apply("sqrt", squared._expr), 0, squared._batch)


def smallest(a: Traced, axis: Any = None, keepdims: bool = False) -> Traced:
    return negative(largest(negative(a), axis, keepdims))


def norm(x: Traced, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Traced:
    if ord not in (None, 2):
        raise CellError(f"np.linalg.norm(..., ord={ord!r}) is not understood in a cell", "the Euclidean norm is")
    return reduction("norm")(x, axis, keepdims)


def softmax(v: Traced) -> Traced:
    """softmax along the last axis."""
    if v._batch in (COLUMNS, FLAT) or v._rank != 1:
        raise ShapeError("softmax is along the last axis, which is not that of a vector here")
    return v.like(b.whole("softmax", v._expr), 1, v._batch)
