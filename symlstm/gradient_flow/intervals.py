"""Intervals as numbers of the interpreter: what values an expression can take, from what its quantities can take.

A tanh lies in [-1, 1], a sigmoid in [0, 1], a sum between the sums of the ends. The ends are not rounded outwards: what
is said of them holds to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symlstm.errors import RuleMissing
from symlstm.expr import numeric

Array = np.ndarray[Any, Any]

INCREASING: dict[str, Any] = {
    "sigmoid": numeric.sigmoid,
    "tanh": np.tanh,
    "relu": numeric.relu,
    "step": numeric.step,
    "exp": np.exp,
    "softplus": numeric.softplus,
    "log_sigmoid": numeric.log_sigmoid,
    "arctan": np.arctan,
    "expm1": np.expm1,
    "sinh": np.sinh,
    "sign": np.sign,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
"""Functions whose largest value is that at the largest arguments."""


@dataclass(frozen=True)
class Interval:
    """Every entry lies between low and high (rows, cols)."""

    low: Array
    high: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.low.shape

    @property
    def largest(self) -> Array:
        """The largest absolute value that an entry can have."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def bounded(self) -> bool:
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())

    def map(self, act: Any) -> Interval:
        return Interval(act(self.low), act(self.high))


def point(value: Any) -> Interval:
    """Numbers that are known."""
    value = np.asarray(value, float)
    return Interval(value, value)


def _product(a: Any, b: Any) -> Array:
    """a b with 0 times infinity 0: an end that is never reached counts for nothing."""
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.asarray(a * b)
    return np.where(np.isnan(found), 0.0, found)


class Intervals:
    """The operations of the interpreter on intervals."""

    def full(self, rows: int, cols: int, number: int) -> Interval:
        return point(np.full((rows, cols), float(number)))

    def eye(self, n: int) -> Interval:
        return point(np.eye(n))

    def add(self, a: Interval, b: Interval) -> Interval:
        return Interval(a.low + b.low, a.high + b.high)

    def scale(self, number: sp.Rational, a: Interval) -> Interval:
        factor = float(number)
        ends = factor * a.low, factor * a.high
        return Interval(*ends) if factor >= 0 else Interval(*ends[::-1])

    def multiply(self, a: Interval, b: Interval) -> Interval:
        products = np.stack([_product(x, y) for x in (a.low, a.high) for y in (b.low, b.high)])
        return Interval(products.min(axis=0), products.max(axis=0))

    def matmul(self, a: Interval, b: Interval) -> Interval:
        """Sharp where one of the two is known."""
        if np.array_equal(a.low, a.high):
            up, down = np.maximum(a.low, 0), np.minimum(a.low, 0)
            low, high = _times(up, b.low) + _times(down, b.high), _times(up, b.high) + _times(down, b.low)
            return Interval(low, high)
        if np.array_equal(b.low, b.high):
            return self.transpose(self.matmul(self.transpose(b), self.transpose(a)))
        middle, off = (a.low + a.high) / 2, (a.high - a.low) / 2
        centre, spread = (b.low + b.high) / 2, (b.high - b.low) / 2
        product, width = middle @ centre, np.abs(middle) @ spread + off @ (np.abs(centre) + spread)
        return Interval(product - width, product + width)

    def transpose(self, a: Interval) -> Interval:
        return a.map(np.transpose)

    def diag(self, v: Interval) -> Interval:
        return v.map(lambda e: np.diag(e[:, 0]))

    def concat(self, parts: list[Interval]) -> Interval:
        return Interval(np.concatenate([p.low for p in parts]), np.concatenate([p.high for p in parts]))

    def block(self, a: Interval, rows: slice, cols: slice) -> Interval:
        return a.map(lambda e: e[rows, cols])

    def spread(self, number: Interval, rows: int, cols: int) -> Interval:
        return number.map(lambda e: np.broadcast_to(e, (rows, cols)))

    def apply(self, function: str, arrays: list[Interval], constants: tuple[sp.Expr, ...]) -> Interval:
        with np.errstate(all="ignore"):
            if function in INCREASING:
                ends = [a.low for a in arrays], [a.high for a in arrays]
                return Interval(*(INCREASING[function](*end) for end in ends))
            if function in ("abs", "power") and (function == "abs" or constants[0] == 2):
                (a,) = arrays
                inside = (a.low <= 0) & (a.high >= 0)
                sizes = np.abs(a.low), np.abs(a.high)
                low, high = np.where(inside, 0.0, np.minimum(*sizes)), np.maximum(*sizes)
                return Interval(low, high) if function == "abs" else Interval(low**2, high**2)
            if function in ("sin", "cos"):
                return _unit(arrays[0])
            if function == "where":
                _, a, b = arrays
                return Interval(np.minimum(a.low, b.low), np.maximum(a.high, b.high))
            if function == "divide" and ((arrays[1].low > 0).all() or (arrays[1].high < 0).all()):
                return self.multiply(arrays[0], Interval(1 / arrays[1].high, 1 / arrays[1].low))
        raise RuleMissing(f"no bounds are known for {function}", "bounds propagate through sums, products, gates")

    def whole(self, function: str, v: Interval) -> Interval:
        if function == "softmax":
            return Interval(np.zeros(v.shape), np.ones(v.shape))
        if function in ("sum", "mean"):
            by = 1 if function == "sum" else v.shape[0]
            return v.map(lambda e: np.sum(e, axis=0, keepdims=True) / by)
        raise RuleMissing(f"no bounds are known for {function}", "bounds propagate through sums, products, gates")


def _times(matrix: Array, ends: Array) -> Array:
    if np.isfinite(ends).all():
        return matrix @ ends
    return np.sum(_product(matrix[:, :, None], ends[None, :, :]), axis=1)


def _unit(like: Interval) -> Interval:
    return Interval(-np.ones(like.shape), np.ones(like.shape))
