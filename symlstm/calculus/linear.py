"""The linear maps that differentials are made of, each in two directions.

`act(X)` is the map itself: from a change of the argument to the change of the node. `push(J)` carries the Jacobian of a
vector forward: from d arg / d w to d out / d w, one row an entry; a row vector counts as its entries. `pull(g)` carries
a gradient backward: from dL/d out to dL/d arg; it is the transpose of the same map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import sympy as sp

from symlstm.errors import RuleMissing
from symlstm.expr.build import (
    Matrix,
    add,
    block,
    concat,
    diag,
    matmul,
    ones,
    scale,
    spread,
    transpose,
    whole,
    zeros,
)
from symlstm.expr.choices import chained, rearranged
from symlstm.expr.collect import with_common_factor
from symlstm.expr.nodes import Partial


class LinearMap(Protocol):
    """A linear map X -> Y between arrays."""

    def act(self, change: Matrix) -> Matrix: ...

    def push(self, jacobian: Matrix) -> Matrix: ...

    def pull(self, gradient: Matrix) -> Matrix: ...


@dataclass(frozen=True)
class Same:
    """X -> X"""

    def act(self, change: Matrix) -> Matrix:
        return change

    def push(self, jacobian: Matrix) -> Matrix:
        return jacobian

    def pull(self, gradient: Matrix) -> Matrix:
        return gradient


@dataclass(frozen=True)
class Times:
    """X -> number X"""

    number: Any

    def act(self, change: Matrix) -> Matrix:
        return scale(self.number, change)

    def push(self, jacobian: Matrix) -> Matrix:
        return scale(self.number, jacobian)

    def pull(self, gradient: Matrix) -> Matrix:
        return scale(self.number, gradient)


@dataclass(frozen=True)
class Scaled:
    """X -> D ⊙ X"""

    by: Matrix

    def act(self, change: Matrix) -> Matrix:
        return chained(self.by, change)

    def push(self, jacobian: Matrix) -> Matrix:
        column = rearranged(transpose, self.by) if self.by.shape[0] == 1 else self.by
        if column.shape[1] != 1:
            raise _no_jacobian(self.by)
        return matmul(diag(column), jacobian)

    def pull(self, gradient: Matrix) -> Matrix:
        return chained(gradient, self.by)


@dataclass(frozen=True)
class Between:
    """X -> L X R, where L or R may be missing (None)."""

    left: Matrix | None
    right: Matrix | None

    def act(self, change: Matrix) -> Matrix:
        return matmul(*[f for f in (self.left, change, self.right) if f is not None])

    def push(self, jacobian: Matrix) -> Matrix:
        left, right = self.left, self.right
        if right is not None and right.shape != (1, 1):
            if right.shape[1] != 1 and left is not None and left.shape[0] != 1:
                raise _no_jacobian(right)
            jacobian = matmul(transpose(right), jacobian)
        elif right is not None:
            jacobian = _scalar_times(right, jacobian)
        if left is None:
            return jacobian
        return _scalar_times(left, jacobian) if left.shape == (1, 1) else matmul(left, jacobian)

    def pull(self, gradient: Matrix) -> Matrix:
        factors = [gradient]
        if self.left is not None:
            factors.insert(0, transpose(self.left))
        if self.right is not None:
            factors.append(transpose(self.right))
        return matmul(*factors)


@dataclass(frozen=True)
class Turned:
    """X -> X^T"""

    def act(self, change: Matrix) -> Matrix:
        return rearranged(transpose, change)

    def push(self, jacobian: Matrix) -> Matrix:
        return jacobian

    def pull(self, gradient: Matrix) -> Matrix:
        return rearranged(transpose, gradient)


@dataclass(frozen=True)
class Repeated:
    """One number -> an array full of it."""

    rows: Any
    cols: Any

    def act(self, change: Matrix) -> Matrix:
        return spread(change, self.rows, self.cols)

    def push(self, jacobian: Matrix) -> Matrix:
        if self.rows != 1 and self.cols != 1:
            raise _no_jacobian(ones(self.rows, self.cols))
        return matmul(ones(self.rows if self.cols == 1 else self.cols, 1), jacobian)

    def pull(self, gradient: Matrix) -> Matrix:
        if self.cols == 1:
            return whole("sum", gradient)
        return matmul(ones(1, self.rows), gradient, ones(self.cols, 1))


@dataclass(frozen=True)
class Placed:
    """A part -> the concatenation with zeros in the other parts' places."""

    index: int
    parts: tuple[Any, ...]
    width: Any

    def act(self, change: Matrix) -> Matrix:
        return concat(*[change if k == self.index else zeros(rows, self.width) for k, rows in enumerate(self.parts)])

    def push(self, jacobian: Matrix) -> Matrix:
        if self.width != 1:
            raise _no_jacobian(ones(sum(self.parts), self.width))
        columns = jacobian.shape[1]
        return concat(*[jacobian if k == self.index else zeros(rows, columns) for k, rows in enumerate(self.parts)])

    def pull(self, gradient: Matrix) -> Matrix:
        start = sp.Add(*self.parts[: self.index])
        return rearranged(lambda g: block(g, start, self.parts[self.index], 0, self.width), gradient)


@dataclass(frozen=True)
class Taken:
    """An array -> the block of it that starts at (row, col)."""

    row: Any
    rows: Any
    col: Any
    cols: Any
    shape: tuple[Any, Any]

    def act(self, change: Matrix) -> Matrix:
        return rearranged(lambda c: block(c, self.row, self.rows, self.col, self.cols), change)

    def push(self, jacobian: Matrix) -> Matrix:
        if self.shape[1] == 1:
            return block(jacobian, self.row, self.rows, 0, jacobian.shape[1])
        if self.shape[0] == 1:
            return block(jacobian, self.col, self.cols, 0, jacobian.shape[1])
        raise _no_jacobian(ones(*self.shape))

    def pull(self, gradient: Matrix) -> Matrix:
        tall = _padded(gradient, self.row, self.shape[0])
        return transpose(_padded(transpose(tall), self.col, self.shape[1])) if self.shape[1] != self.cols else tall


def _padded(g: Matrix, before: Any, full: Any) -> Matrix:
    rows, cols = g.shape
    after = sp.expand(full - before - rows)
    parts = [zeros(before, cols)] if before != 0 else []
    parts.append(g)
    if after != 0:
        parts.append(zeros(after, cols))
    return concat(*parts)


def _scalar_times(number: Matrix, jacobian: Matrix) -> Matrix:
    """s J, for s of 1 x 1."""
    if jacobian.shape[0] == 1:
        return matmul(number, jacobian)
    return matmul(diag(spread(number, jacobian.shape[0], 1)), jacobian)


def _no_jacobian(array: Matrix) -> RuleMissing:
    rows, cols = array.shape
    return RuleMissing(
        f"the Jacobian passes through a {rows} x {cols} matrix that depends on it, which has four indices",
        "symlstm.backward gives the gradient instead",
    )


def summed(parts: list[Matrix]) -> Matrix:
    """The sum of contributions, in order; what elementwise products share is written once."""
    column = parts[0].shape[1] == 1 and not any(isinstance(p, Partial) for p in parts)
    return with_common_factor(parts) if column else add(*parts)
