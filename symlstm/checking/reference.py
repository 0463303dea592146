"""What the equations give: in float64, with a bound of the rounding error of any implementation, and in 50 digits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symlstm.equations import Cell
from symlstm.evidence.definitions import compiled_elementwise, compiled_whole
from symlstm.evidence.interpret import evaluate, shaped
from symlstm.evidence.program import named
from symlstm.evidence.running import Running, RunningField, _product
from symlstm.expr.nodes import Quantity

OTHER_ORDER = 8
"""Roundings charged for a product beyond those of one sum: an implementation may add the parts of W [h; x] + b one by
one, in any order, with two biases and an offset; no term passes more additions than there are terms and parts."""
PROMISED = 50
GATES = 4
"""The most gates that are stacked."""

Values = Mapping[Quantity, Any]
Equations = tuple[tuple[Quantity, Any], ...]


class AnyOrder(RunningField):
    """Running errors for whatever order an implementation adds in."""

    def matmul(self, a: Running, b: Running) -> Running:
        return _product(a, b, np.matmul, a.shape[-1] + OTHER_ORDER)


class AllGates(RunningField):
    """The same where a sum runs over all gates at once, as W^T delta of stacked gates does."""

    def matmul(self, a: Running, b: Running) -> Running:
        return _product(a, b, np.matmul, GATES * a.shape[-1] + OTHER_ORDER)


class Floats(RunningField):
    """Plain float64, for looking at many equations quickly; leading axes are a batch."""

    def full(self, rows: int, cols: int, number: int) -> Any:
        return np.full((rows, cols), float(number))

    def eye(self, n: int) -> Any:
        return np.eye(n)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def scale(self, number: sp.Rational, a: Any) -> Any:
        return float(number) * a

    def multiply(self, a: Any, b: Any) -> Any:
        return a * b

    def matmul(self, a: Any, b: Any) -> Any:
        return a @ b

    def transpose(self, a: Any) -> Any:
        return np.swapaxes(a, -1, -2)

    def diag(self, v: Any) -> Any:
        return v * np.eye(v.shape[-2])

    def concat(self, parts: list[Any]) -> Any:
        batch = np.broadcast_shapes(*[p.shape[:-2] for p in parts])
        return np.concatenate([np.broadcast_to(p, batch + p.shape[-2:]) for p in parts], axis=-2)

    def block(self, a: Any, rows: slice, cols: slice) -> Any:
        return a[..., rows, cols]

    def spread(self, number: Any, rows: int, cols: int) -> Any:
        return np.broadcast_to(number, (*number.shape[:-2], rows, cols))

    def apply(self, function: str, arrays: list[Any], constants: tuple[sp.Expr, ...]) -> Any:
        return compiled_elementwise(function, len(arrays), constants, "numpy")(*arrays) + 0 * arrays[0]

    def whole(self, function: str, v: Any) -> Any:
        entries = compiled_whole(function, v.shape[-2], "numpy")(*[v[..., k, :] for k in range(v.shape[-2])])
        return np.stack([e + 0 * v[..., 0, :] for e in entries], axis=-2)


FLOATS, ANY_ORDER, GRADIENTS = Floats(), AnyOrder(), AllGates()


@lru_cache(maxsize=64)
def equations_of(cell: Cell) -> Equations:
    return ordered(tuple((e.quantity, e.expr) for e in cell.equations))


@lru_cache(maxsize=2**16)
def reads(expr: Any) -> frozenset[Quantity]:
    """The quantities that an expression reads."""
    return frozenset(named(expr))


def ordered(equations: Equations) -> Equations:
    """Each equation as early as what it reads allows; () where they read each other in a circle."""
    left, done, made = dict(equations), set(), []
    while left:
        ready = [q for q, expr in left.items() if not any(r in left and r not in done for r in reads(expr))]
        if not ready:
            return ()
        made += [(q, left.pop(q)) for q in ready]
        done |= set(ready)
    return tuple(made)


def downstream(equations: Equations, changed: set[Quantity]) -> set[Quantity]:
    """What changes when these do, they themselves included."""
    found = set(changed)
    for q, expr in equations:
        if not found.isdisjoint(reads(expr)):
            found.add(q)
    return found


def evaluated(equations: Equations, values: Values, sizes: Mapping[Any, int], field: Any) -> dict[Quantity, Any]:
    """All quantities, in the numbers of a field."""
    known, key = dict(values), tuple(sizes.items())
    with np.errstate(all="ignore"):
        for q, expr in equations:
            known[q] = evaluate(expr, known, key, field)
    return known


def numbers(matrix: Any) -> Any:
    """A float64 matrix as 50-digit numbers, taken as exact."""
    return shaped([mpmath.mpf(float(v)) for v in np.asarray(matrix).reshape(-1)], matrix.shape)


def difference(measured: Any, true: Any) -> Any:
    """measured - true, entry by entry, rounded once."""
    with mpmath.workdps(PROMISED + 10):
        flat = [float(mpmath.mpf(float(a)) - b) for a, b in zip(measured.reshape(-1), true.reshape(-1), strict=True)]
    return np.array(flat).reshape(measured.shape)


def computable(cell: Cell, values: Values) -> Equations:
    """The equations that these values suffice for: without W_y and b_y, none of the prediction."""
    known, kept = set(values), []
    for q, expr in equations_of(cell):
        if all(read in known for read in named(expr)):
            known.add(q)
            kept.append((q, expr))
    return tuple(kept)
