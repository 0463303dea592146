"""How large rounding errors typically are: independent roundings, whose squares add up, where the bound adds sizes.

A rounding of a number v is taken as uniform within u |v|, so of standard deviation u |v| / sqrt(3). The bound of
`symlstm.checking.reference` holds for the worst of all signs, and is larger by the square root of how many roundings
there are (Higham and Mary, A New Approach to Probabilistic Rounding Error Analysis, 2019). It is only reported: no
verdict depends on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import sympy as sp

from symlstm.evidence.definitions import compiled_elementwise, compiled_whole
from symlstm.evidence.running import LOCALLY_CONSTANT, ZOOM, Running, RunningField, U

DEVIATION = U / np.sqrt(3)
OF_A_FUNCTION = 2
"""A function is a few roundings: 1 / (1 + exp(-z)) has three, of which one is of a number half as large or less."""


class Typical(RunningField):
    """Running arrays whose `real` is the standard deviation of the error."""

    def add(self, a: Running, b: Running) -> Running:
        value = a.value + b.value
        return _with(value, a.real, b.real, DEVIATION * np.abs(value))

    def scale(self, number: sp.Rational, a: Running) -> Running:
        factor = float(number)
        own = 0.0 if abs(number) == 1 else DEVIATION
        return _with(factor * a.value, abs(factor) * a.real, own * np.abs(factor * a.value))

    def multiply(self, a: Running, b: Running) -> Running:
        value = a.value * b.value
        return _with(value, np.abs(a.value) * b.real, a.real * np.abs(b.value), DEVIATION * np.abs(value))

    def matmul(self, a: Running, b: Running) -> Running:
        """Each product is rounded, and half of them, on average, have gone into the sum at each of its additions."""
        squares, terms = (np.abs(a.value) ** 2, np.abs(b.value) ** 2), a.shape[-1]
        own = DEVIATION**2 * (1 + terms / 2) * (squares[0] @ squares[1])
        carried = squares[0] @ b.real**2 + a.real**2 @ squares[1]
        return _with(a.value @ b.value, np.sqrt(own + carried))

    def apply(self, function: str, arrays: list[Running], constants: tuple[sp.Expr, ...]) -> Running:
        compute = compiled_elementwise(function, len(arrays), constants, "numpy")
        return _through(lambda *v: compute(*v) + 0 * v[0], arrays, function in LOCALLY_CONSTANT)

    def whole(self, function: str, v: Running) -> Running:
        length = v.shape[-2]
        compute = compiled_whole(function, length, "numpy")
        entries = [v.map(lambda part, k=k: part[..., k, 0]) for k in range(length)]  # type: ignore[misc]
        return _through(lambda *e: np.stack([y + 0 * e[0] for y in compute(*e)], axis=-1)[..., None], entries, False)


def _with(value: Any, *deviations: Any) -> Running:
    total = np.sqrt(sum(np.broadcast_to(d, np.shape(value)) ** 2 for d in deviations))
    return Running(value, total, 0 * total)


def _through(function: Callable[..., Any], arguments: list[Running], locally_constant: bool) -> Running:
    """A function, with the deviations of its arguments carried through it by moving each."""
    with np.errstate(all="ignore"):
        values = [a.value for a in arguments]
        value = function(*values)
        parts = [OF_A_FUNCTION * DEVIATION * np.abs(value)]
        for k, a in enumerate(arguments if not locally_constant else []):
            moved = function(*values[:k], a.value + ZOOM * a.real, *values[k + 1 :]) - value
            parts.append(np.abs(moved) / ZOOM)
    return _with(value, *parts)


TYPICAL = Typical()
