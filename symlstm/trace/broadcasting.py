"""Two traced values as expressions of one shape, and plain numbers as traced values."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import CellError, ShapeError
from symlstm.expr import build as b
from symlstm.expr.dims import same_size, show_shape
from symlstm.trace.array import COLUMNS, FLAT, ROWS, Reading, Traced


def broadcast(left: Traced, right: Traced) -> tuple[Any, Any, int, str | None]:
    """Both as expressions of one shape, as NumPy's rules have it, with the rank and batch of the result."""
    for one, other in ((left, right), (right, left)):
        if one.open:
            if other._rank:  # settles the other one as well
                one.settle(other._rank, _plain_shape(other))
            else:
                one.settle(left._reading.guess(one.name, 0))
    batch = _joint_batch(left, right)
    rank = max(left._rank, right._rank)
    if batch and rank == 2:
        rank = 1
        left, right = _one_example(left, batch), _one_example(right, batch)
    target = _joint_shape(left, right, rank)
    return _expand(left, target), _expand(right, target), rank, batch


def _joint_batch(left: Traced, right: Traced) -> str | None:
    """Where the batch axis of the result is."""
    batches = {left._batch, right._batch} - {None}
    if len(batches) < 2:
        batch = batches.pop() if batches else None
        if batch == FLAT and any(not v._batch and v._rank for v in (left, right)):
            if left._reading.layout == COLUMNS:
                return COLUMNS
            raise ShapeError("numbers, one an example, meet a vector", "keep their axis: keepdims=True")
        return batch
    if batches == {FLAT, COLUMNS}:
        return COLUMNS
    if batches == {FLAT, ROWS}:
        raise ShapeError("numbers, one an example, meet a batch of rows", "keep their axis: keepdims=True")
    raise ShapeError("rows and columns are mixed: one side has the batch first, the other last")


def _one_example(value: Traced, batch: str) -> Traced:
    """A matrix of one row (of one column) beside a batch, as the vector that each example meets."""
    if value._rank < 2:
        return value
    expr = b.transpose(value._expr) if batch == ROWS else value._expr
    if not same_size(expr.shape[1], sp.S.One):
        raise ShapeError(f"{value._expr} of shape {show_shape(value.shape)} meets a batch element by element")
    return Traced(value._reading, expr, 1, batch, leaf=True)


def _plain_shape(value: Traced) -> tuple[sp.Expr, ...]:
    return ((), (value._expr.shape[0],), value._expr.shape)[value._rank]


def _joint_shape(left: Traced, right: Traced, rank: int) -> tuple[sp.Expr, ...]:
    a, c = _plain_shape(left), _plain_shape(right)
    a, c = (sp.S.One,) * (rank - len(a)) + a, (sp.S.One,) * (rank - len(c)) + c
    out = []
    for p, q in zip(a, c, strict=True):
        if p != 1 and q != 1 and not same_size(p, q):
            raise ShapeError(
                f"{left._expr} has shape {show_shape(_plain_shape(left))}, {right._expr} has shape "
                f"{show_shape(_plain_shape(right))}: they cannot be combined element by element",
                "the sizes must be the same",
            )
        out.append(q if p == 1 else p)
    return tuple(out)


def _expand(value: Traced, target: tuple[sp.Expr, ...]) -> Any:
    expr, rank = value._expr, value._rank
    if rank == 0:
        return expr if not target else b.spread(expr, *((*target, sp.S.One)[:2]))
    if len(target) == 1:
        return expr if expr.shape[0] != 1 or target[0] == 1 else b.spread(expr, target[0], 1)
    if rank == 1:
        return b.matmul(b.ones(target[0], 1), b.transpose(expr))
    if expr.shape == (1, 1):
        return b.spread(expr, *target)
    if expr.shape[1] == 1 and target[1] != 1:
        return b.matmul(expr, b.ones(1, target[1]))
    if expr.shape[0] == 1 and target[0] != 1:
        return b.matmul(b.ones(target[0], 1), expr)
    return expr


def constant(reading: Reading, value: Any) -> Traced:
    """A plain number as a traced value; arrays of numbers are refused."""
    if isinstance(value, Traced):
        return value
    if isinstance(value, sp.Expr):
        return Traced(reading, b.scale(value, b.ones(1, 1)), 0, leaf=True)
    if isinstance(value, (bool, int, float, np.number)) or (isinstance(value, np.ndarray) and value.ndim == 0):
        number = value.item() if hasattr(value, "item") else value
        if isinstance(number, complex) or number != number or number in (float("inf"), float("-inf")):
            raise CellError(f"the constant {number} cannot be part of a cell")
        exact = sp.Integer(number) if float(number).is_integer() and abs(number) < 1e15 else sp.Rational(repr(number))
        return Traced(reading, b.scale(exact, b.ones(1, 1)), 0, leaf=True)
    if isinstance(value, (np.ndarray, list, tuple)):
        raise CellError(
            f"a constant array of shape {np.shape(value)} is part of the code",
            "make it a keyword-only parameter of the function, so that it has a name and a derivative",
        )
    raise CellError(f"{type(value).__name__} is not a number or an array of the cell")
