"""Floating-point numbers that carry a bound of their own rounding error: running error analysis.

A `Running` array holds complex values, as complex-step differentiation needs them, and bounds of the absolute error
of the real and of the imaginary part. Every operation passes the errors of its arguments on and adds its own:
u = 2^-53 a rounding, gamma_k = k u / (1 - k u) a sum of k products (Higham, Accuracy and Stability of Numerical
Algorithms, chapter 3), and FUNCTION u for an elementary function, which is measured. How a function passes an error on
is found by moving its argument, so that no derivative rule takes part. All bounds are of first order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from symlstm.evidence.definitions import adds_terms, compiled_elementwise, compiled_whole

U = 2.0**-53
FUNCTION = 8
"""Roundings charged for one function, of its value or of the largest term added in its definition. Measured against
60 digits, NumPy's are off by 4.5 u or less, powers by 6.3 u (the value, and the derivative by complex step), where
points are drawn; the rest is margin. For functions of a whole vector the number is judged."""
ZOOM = 2.0**16
"""Errors are moved through functions this much enlarged, so that the difference is not itself rounding."""
LOCALLY_CONSTANT = ("step", "sign")
CHOICE = "where"


@dataclass(frozen=True)
class Running:
    """value (..., rows, cols), and error bounds of its real and imaginary parts."""

    value: Any
    real: Any
    imag: Any

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def map(self, act: Callable[[Any], Any]) -> Running:
        """The same rearrangement of value and errors."""
        return Running(act(self.value), act(self.real), act(self.imag))


def exact(value: Any) -> Running:
    """Numbers without error."""
    value = np.asarray(value, dtype=complex)
    return Running(value, np.zeros(value.shape), np.zeros(value.shape))


class RunningField:
    """The operations of the interpreter on Running arrays."""

    def full(self, rows: int, cols: int, number: int) -> Running:
        return exact(np.full((rows, cols), number))

    def eye(self, n: int) -> Running:
        return exact(np.eye(n))

    def add(self, a: Running, b: Running) -> Running:
        _require_same_shape(a, b)
        value = a.value + b.value
        return Running(value, a.real + b.real + U * np.abs(value.real), a.imag + b.imag + U * np.abs(value.imag))

    def scale(self, number: sp.Rational, a: Running) -> Running:
        factor = float(number)
        size, roundings = abs(factor), 0 if abs(number) == 1 else 2
        value = factor * a.value
        own = roundings * U
        return Running(value, size * a.real + own * np.abs(value.real), size * a.imag + own * np.abs(value.imag))

    def multiply(self, a: Running, b: Running) -> Running:
        _require_same_shape(a, b)
        return _product(a, b, np.multiply, 2)

    def matmul(self, a: Running, b: Running) -> Running:
        return _product(a, b, np.matmul, a.shape[-1] + 2)

    def transpose(self, a: Running) -> Running:
        return a.map(lambda v: np.swapaxes(v, -1, -2))

    def diag(self, v: Running) -> Running:
        return v.map(lambda part: part * np.eye(v.shape[-2]))

    def concat(self, parts: list[Running]) -> Running:
        batch = np.broadcast_shapes(*[p.shape[:-2] for p in parts])

        def joined(which: str) -> Any:
            arrays = [getattr(p, which) for p in parts]
            return np.concatenate([np.broadcast_to(v, batch + v.shape[-2:]) for v in arrays], axis=-2)

        return Running(joined("value"), joined("real"), joined("imag"))

    def block(self, a: Running, rows: slice, cols: slice) -> Running:
        return a.map(lambda v: v[..., rows, cols])

    def spread(self, number: Running, rows: int, cols: int) -> Running:
        return number.map(lambda v: np.broadcast_to(v, (*v.shape[:-2], rows, cols)))

    def apply(self, function: str, arrays: list[Running], constants: tuple[sp.Expr, ...]) -> Running:
        for other in arrays[1:]:
            _require_same_shape(arrays[0], other)
        if function == CHOICE:
            return _chosen(*arrays)
        compute = compiled_elementwise(function, len(arrays), constants, "numpy")
        found = _through(lambda *values: compute(*values) + 0 * values[0], arrays, function in LOCALLY_CONSTANT)
        if function in LOCALLY_CONSTANT or not adds_terms(function, len(arrays), constants):
            return found
        terms = np.maximum(1.0, sum(np.abs(a.value.real) for a in arrays))  # exp(z) - 1, b + (a - b) step(a - b)
        return Running(found.value, found.real + FUNCTION * U * terms, found.imag)

    def whole(self, function: str, v: Running) -> Running:
        length = v.shape[-2]
        compute = compiled_whole(function, length, "numpy")
        entries = [v.map(lambda part, k=k: part[..., k, 0]) for k in range(length)]  # type: ignore[misc]

        def act(*values: Any) -> Any:
            return np.stack([y + 0 * values[0] for y in compute(*values)], axis=-1)[..., None]

        return _through(act, entries, False)


def _require_same_shape(a: Running, b: Running) -> None:
    if a.shape[-2:] != b.shape[-2:]:
        raise ValueError(f"arrays of {a.shape[-2:]} and {b.shape[-2:]} are combined element by element")


def _chosen(condition: Running, a: Running, b: Running) -> Running:
    """One of the two with its errors; the condition is exact, and nothing of the other one matters."""
    holds = condition.value.real > 0.5
    return Running(*[np.where(holds, getattr(a, part), getattr(b, part)) for part in ("value", "real", "imag")])


def _product(a: Running, b: Running, times: Any, roundings: int) -> Running:
    """a b, real and imaginary part; `roundings` of a sum of products."""
    gamma = roundings * U / (1 - roundings * U)
    value = times(a.value, b.value)
    ar, ai, br, bi = np.abs(a.value.real), np.abs(a.value.imag), np.abs(b.value.real), np.abs(b.value.imag)
    real = gamma * times(ar, br) + times(ar, b.real) + times(a.real, br)
    imag = gamma * (times(ar, bi) + times(ai, br))
    imag = imag + times(ar, b.imag) + times(a.imag, br) + times(ai, b.real) + times(a.real, bi)
    return Running(value, real, imag)


def _through(function: Callable[..., Any], arguments: list[Running], locally_constant: bool) -> Running:
    """A function of numbers applied to arrays, with the errors of the arguments carried through it."""
    with np.errstate(all="ignore"):
        values = [a.value for a in arguments]
        value = function(*values)
        real, imag = FUNCTION * U * np.abs(value.real), FUNCTION * U * np.abs(value.imag)
        if locally_constant:
            return Running(value, 0 * real, 0 * imag)
        for k, a in enumerate(arguments):
            if not a.real.any() and not a.imag.any():
                continue
            for step in (ZOOM * a.real, -ZOOM * a.real, 1j * ZOOM * a.imag):
                moved = function(*values[:k], a.value + step, *values[k + 1 :]) - value
                real, imag = _grown(real, moved.real), _grown(imag, moved.imag)
    return Running(value, real, imag)


def _grown(bound: Any, moved: Any) -> Any:
    return bound + np.abs(moved) / ZOOM
