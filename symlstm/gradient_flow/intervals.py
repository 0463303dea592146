"""Intervals as numbers of the interpreter: what values an expression can take, from what its quantities can take.

A tanh lies in [-1, 1], a sigmoid in [0, 1], a sum between the sums of the ends. Ends are rounded outwards: sums and
products where they are not exact, products of matrices by (k + 1) eps |A| |B| (Higham, Accuracy and Stability of
Numerical Algorithms, 2nd ed., eq. 3.13), functions by ULPS units in the last place.
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
EXACT = ("relu", "step", "sign", "maximum", "minimum")
RANGE = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "exp": (0.0, np.inf), "softplus": (0.0, np.inf)}
EPS = float(np.finfo(np.float64).eps)
ULPS = 8
"""NumPy's functions are off by 4 units in the last place at most, and a sigmoid is made of three operations."""


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


def _sum(a: Array, b: Array, towards: float) -> Array:
    """a + b, rounded that way where it is not exact (Knuth's two-sum says whether it is)."""
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.asarray(a + b)
        of_b = found - a
        lost = (a - (found - of_b)) + (b - of_b)
        off = lost * np.sign(towards) > 0
    return np.where(off & np.isfinite(found), np.nextafter(found, towards), found)


def _rounded_product(a: Any, b: Any, towards: float) -> Array:
    """a b, rounded that way unless a factor is 0 or 1 in size."""
    found = _product(a, b)
    exact = (np.abs(a) == 1) | (np.abs(b) == 1) | (a == 0) | (b == 0) | ~np.isfinite(found)
    return np.where(exact, found, np.nextafter(found, towards))


def _widened(function: str, low: Array, high: Array) -> Interval:
    """Outwards by ULPS, but not out of the range of the function."""
    least, most = RANGE.get(function, (-np.inf, np.inf))
    low = np.maximum(low - ULPS * EPS * np.abs(low), least)
    high = np.minimum(high + ULPS * EPS * np.abs(high), most)
    underflown = (high == 0) & (least == 0)
    return Interval(low, np.where(underflown, np.finfo(np.float64).tiny, high))


class Intervals:
    """The operations of the interpreter on intervals."""

    def full(self, rows: int, cols: int, number: int) -> Interval:
        return point(np.full((rows, cols), float(number)))

    def eye(self, n: int) -> Interval:
        return point(np.eye(n))

    def add(self, a: Interval, b: Interval) -> Interval:
        return Interval(_sum(a.low, b.low, -np.inf), _sum(a.high, b.high, np.inf))

    def scale(self, number: sp.Rational, a: Interval) -> Interval:
        factor = float(number)
        ends = (factor, factor) if sp.Rational(factor) == number else tuple(np.nextafter(factor, (-np.inf, np.inf)))
        return self.multiply(Interval(*(np.full(a.shape, end) for end in ends)), a)

    def multiply(self, a: Interval, b: Interval) -> Interval:
        pairs = [(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
        return Interval(
            np.min([_rounded_product(x, y, -np.inf) for x, y in pairs], axis=0),
            np.max([_rounded_product(x, y, np.inf) for x, y in pairs], axis=0),
        )

    def matmul(self, a: Interval, b: Interval) -> Interval:
        """Sharp where one of the two is known."""
        if np.array_equal(a.low, a.high):
            up, down = np.maximum(a.low, 0), np.minimum(a.low, 0)
            low, high = _times(up, b.low) + _times(down, b.high), _times(up, b.high) + _times(down, b.low)
            off = (up.shape[1] + 2) * EPS * _times(np.abs(a.low), b.largest)
            return Interval(low - off, high + off)
        if np.array_equal(b.low, b.high):
            return self.transpose(self.matmul(self.transpose(b), self.transpose(a)))
        if not (a.bounded and b.bounded):
            ends = [_product(x[:, :, None], y[None]) for x in (a.low, a.high) for y in (b.low, b.high)]
            low, high = np.min(ends, axis=0), np.max(ends, axis=0)
            error = (a.shape[1] + 2) * EPS
            return Interval(
                low.sum(axis=1) - error * np.abs(low).sum(axis=1), high.sum(axis=1) + error * np.abs(high).sum(axis=1)
            )
        middle, off = (a.low + a.high) / 2, (a.high - a.low) / 2
        centre, spread = (b.low + b.high) / 2, (b.high - b.low) / 2
        product, width = middle @ centre, np.abs(middle) @ spread + off @ (np.abs(centre) + spread)
        width = width + (middle.shape[1] + 6) * EPS * (a.largest @ b.largest)
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
                low, high = (INCREASING[function](*end) for end in ends)
                return Interval(low, high) if function in EXACT else _widened(function, low, high)
            if function in ("abs", "power") and (function == "abs" or constants[0] == 2):
                (a,) = arrays
                inside = (a.low <= 0) & (a.high >= 0)
                sizes = np.abs(a.low), np.abs(a.high)
                low, high = np.where(inside, 0.0, np.minimum(*sizes)), np.maximum(*sizes)
                if function == "abs":
                    return Interval(low, high)
                return Interval(_rounded_product(low, low, -np.inf), _rounded_product(high, high, np.inf))
            if function in ("sin", "cos"):
                return _unit(arrays[0])
            if function == "where":
                _, a, b = arrays
                return Interval(np.minimum(a.low, b.low), np.maximum(a.high, b.high))
            if function == "divide" and ((arrays[1].low > 0).all() or (arrays[1].high < 0).all()):
                inverse = np.nextafter(1 / arrays[1].high, -np.inf), np.nextafter(1 / arrays[1].low, np.inf)
                return self.multiply(arrays[0], Interval(*inverse))
        raise RuleMissing(f"no bounds are known for {function}", "bounds propagate through sums, products, gates")

    def whole(self, function: str, v: Interval) -> Interval:
        if function == "softmax":
            return Interval(np.zeros(v.shape), np.ones(v.shape))
        if function in ("sum", "mean"):
            by = 1 if function == "sum" else v.shape[0]
            off = (v.shape[0] + 2) * EPS * np.sum(v.largest, axis=0, keepdims=True) / by
            low, high = (np.sum(e, axis=0, keepdims=True) / by for e in (v.low, v.high))
            return Interval(low - off, high + off)
        raise RuleMissing(f"no bounds are known for {function}", "bounds propagate through sums, products, gates")


def _times(matrix: Array, ends: Array) -> Array:
    if np.isfinite(ends).all():
        return matrix @ ends
    return np.sum(_product(matrix[:, :, None], ends[None, :, :]), axis=1)


def _unit(like: Interval) -> Interval:
    return Interval(-np.ones(like.shape), np.ones(like.shape))
