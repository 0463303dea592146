"""One interpreter for expressions, over any kind of number: what each node means, one row a node type.

An expression is evaluated over a `Field`: arrays whose last two axes are rows and columns (a vector is a column).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import sympy as sp

from symlstm.evidence.program import Sizes, Uncheckable, number_of
from symlstm.expr import nodes as x
from symlstm.expr import time
from symlstm.expr.nodes import Quantity

Array = Any


class Field(Protocol):
    """A kind of number, and what arrays of it can do."""

    def full(self, rows: int, cols: int, number: int) -> Array: ...
    def eye(self, n: int) -> Array: ...
    def add(self, a: Array, b: Array) -> Array: ...
    def scale(self, number: sp.Rational, a: Array) -> Array: ...
    def multiply(self, a: Array, b: Array) -> Array: ...
    def matmul(self, a: Array, b: Array) -> Array: ...
    def transpose(self, a: Array) -> Array: ...
    def diag(self, v: Array) -> Array: ...
    def concat(self, parts: list[Array]) -> Array: ...
    def block(self, a: Array, rows: slice, cols: slice) -> Array: ...
    def spread(self, number: Array, rows: int, cols: int) -> Array: ...
    def apply(self, function: str, arrays: list[Array], constants: tuple[sp.Expr, ...]) -> Array: ...
    def whole(self, function: str, v: Array) -> Array: ...


def evaluate(expr: Any, values: Mapping[Quantity, Array], sizes: Sizes, field: Field) -> Array:
    """The value of an expression, given those of its quantities."""
    done: dict[Any, Array] = {}

    def visit(node: Any) -> Array:
        if isinstance(node, Quantity):
            return values[node] if node in values else values[under_its_name(node, values)]
        if node not in done:
            try:
                meaning = MEANING[type(node)]
            except KeyError:
                raise Uncheckable(f"{type(node).__name__} has no meaning in the interpreter") from None
            done[node] = meaning(node, visit, lambda length: number_of(length, sizes), field)
        return done[node]

    return visit(expr)


def under_its_name(q: Quantity, values: Mapping[Quantity, Array]) -> Quantity:
    """The quantity of that sign at that time: what a sum over time writes out does not know the names of the cell."""
    for known in values:
        if (known.base, known.time, known.role) == (q.base, q.time, q.role) and q.time is not None:
            return known
    raise KeyError(q)


def _folded(operation: str) -> Callable[..., Array]:
    def meaning(node: Any, visit: Any, size: Any, field: Any) -> Array:
        first, *rest = [visit(a) for a in node.args]
        for other in rest:
            first = getattr(field, operation)(first, other)
        return first

    return meaning


def _scale(node: Any, visit: Any, size: Any, field: Any) -> Array:
    number = node.args[0]
    if not number.is_Rational:
        number = sp.Rational(number.subs({s: size(s) for s in number.free_symbols}))
    return field.scale(number, visit(node.args[1]))


def _block(node: Any, visit: Any, size: Any, field: Any) -> Array:
    inner, row, rows, col, cols = node.args
    first, left = size(row), size(col)
    return field.block(visit(inner), slice(first, first + size(rows)), slice(left, left + size(cols)))


def _over_time(operation: str) -> Callable[..., Array]:
    def meaning(node: Any, visit: Any, size: Any, field: Any) -> Array:
        if node.count is None:
            raise Uncheckable(f"from {node.first} to {node.last} is not a number of terms")
        if not node.count:
            if isinstance(node, time.MatmulOver):
                return field.eye(size(node.shape[0]))
            return field.full(*map(size, node.shape), int(isinstance(node, time.ProductOver)))
        first, *rest = [visit(term) for term in time.terms_of(node)]
        for other in rest:
            first = getattr(field, operation)(first, other)
        return first

    return meaning


LARGEST = 12
"""Larger determinants are not worked out: 2^n minors are needed."""


def determinant(a: Array, n: int, field: Any) -> Array:
    """The determinant by minors of the upper rows (Laplace), without a division; 1 x 1."""
    if hasattr(field, "bounded_minors"):
        field.bounded_minors(n)
    if n > LARGEST:
        raise Uncheckable(f"a determinant of {n} x {n} is too large for minors")
    minors = {0: field.full(1, 1, 1)}
    for row in range(n):
        found: dict[int, Array] = {}
        for columns, minor in minors.items():
            for k in range(n):
                if columns >> k & 1:
                    continue
                term = field.multiply(field.block(a, slice(row, row + 1), slice(k, k + 1)), minor)
                if (columns >> (k + 1)).bit_count() % 2:
                    term = field.scale(sp.Integer(-1), term)
                now = columns | 1 << k
                found[now] = term if now not in found else field.add(found[now], term)
        minors = found
    return minors[(1 << n) - 1]


def beside(parts: list[Array], field: Any) -> Array:
    """[A B]: matrices side by side."""
    return field.transpose(field.concat([field.transpose(p) for p in parts]))


MEANING: dict[type, Callable[..., Array]] = {
    x.Ones: lambda e, visit, size, field: field.full(*map(size, e.shape), 1),
    x.Zeros: lambda e, visit, size, field: field.full(*map(size, e.shape), 0),
    x.Eye: lambda e, visit, size, field: field.eye(size(e.shape[0])),
    x.Add: _folded("add"),
    x.Scale: _scale,
    x.Hadamard: _folded("multiply"),
    x.Apply: lambda e, visit, size, field: field.apply(e.function, [visit(a) for a in e.arrays], e.constants),
    x.Whole: lambda e, visit, size, field: field.whole(e.function, visit(e.args[1])),
    x.Spread: lambda e, visit, size, field: field.spread(visit(e.args[0]), *map(size, e.shape)),
    x.Matmul: _folded("matmul"),
    x.Transposed: lambda e, visit, size, field: field.transpose(visit(e.args[0])),
    x.Diag: lambda e, visit, size, field: field.diag(visit(e.args[0])),
    x.Det: lambda e, visit, size, field: determinant(visit(e.args[0]), size(e.args[0].shape[0]), field),
    x.Concat: lambda e, visit, size, field: field.concat([visit(a) for a in e.args]),
    x.Block: _block,
    time.SumOver: _over_time("add"),
    time.ProductOver: _over_time("multiply"),
    time.MatmulOver: _over_time("matmul"),
}
"""What each node means."""


class ObjectArrays:
    """Two-dimensional NumPy arrays of any Python numbers; `number` makes one from a rational."""

    def __init__(self, number: Callable[[Any], Any]) -> None:
        self.number = number

    def full(self, rows: int, cols: int, number: int) -> Array:
        return np.full((rows, cols), self.number(number), dtype=object)

    def eye(self, n: int) -> Array:
        out = self.full(n, n, 0)
        for k in range(n):
            out[k, k] = self.number(1)
        return out

    def add(self, a: Array, b: Array) -> Array:
        _require_same_shape(a, b)
        return a + b

    def scale(self, number: sp.Rational, a: Array) -> Array:
        factor = np.empty((), dtype=object)
        factor[()] = self.number(number)
        return a * factor

    def multiply(self, a: Array, b: Array) -> Array:
        _require_same_shape(a, b)
        return a * b

    def matmul(self, a: Array, b: Array) -> Array:
        return a @ b

    def transpose(self, a: Array) -> Array:
        return a.T

    def diag(self, v: Array) -> Array:
        out = self.full(len(v), len(v), 0)
        for k, value in enumerate(v[:, 0]):
            out[k, k] = value
        return out

    def concat(self, parts: list[Array]) -> Array:
        return np.concatenate(parts)

    def block(self, a: Array, rows: slice, cols: slice) -> Array:
        return a[rows, cols]

    def spread(self, number: Array, rows: int, cols: int) -> Array:
        return np.full((rows, cols), number[0, 0], dtype=object)


def _require_same_shape(a: Array, b: Array) -> None:
    if a.shape != b.shape:
        raise ValueError(f"arrays of {a.shape} and {b.shape} are combined element by element")


def shaped(entries: list[Any], shape: tuple[int, ...]) -> Array:
    """A flat list of numbers as an object array."""
    out = np.empty(len(entries), dtype=object)
    out[:] = entries
    return out.reshape(shape)
