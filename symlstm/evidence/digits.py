"""Second rung: 50 significant digits with mpmath, at random points.

The formula is evaluated in 100 digits; its oracle is the central difference of the equations with step h = 10^-35.
The oracle's error is h^2 f'''/6 (about 10^-70) by truncation and 10^-100 f / h (10^-65) by rounding, whatever the size
of the entry. So every entry is compared by itself, to 50 of its own digits, down to 10^-60 of the largest entry of its
array; a smaller one (zero, or what cancellation left of larger terms) to those 10^-60, which is what the oracle knows.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symlstm.evidence.claims import INDEX, Claims, by_index, expected, index_sizes, settle
from symlstm.evidence.definitions import compiled_elementwise, compiled_whole
from symlstm.evidence.interpret import ObjectArrays, evaluate, shaped
from symlstm.evidence.program import Program, Sizes, choose_sizes, shape_of
from symlstm.evidence.report import Mismatch, Rung, failed, nothing_compared
from symlstm.expr.nodes import Quantity

NAME = "digits"
WORKING, PROMISED, STEP_EXPONENT, NOISE = 100, 50, 35, 60
DRAWS = 64


class MpmathField(ObjectArrays):
    """Arrays of mpmath numbers."""

    def __init__(self) -> None:
        super().__init__(_number)

    def apply(self, function: str, arrays: list[Any], constants: tuple[sp.Expr, ...]) -> Any:
        compute = compiled_elementwise(function, len(arrays), constants, "mpmath")
        flat = [compute(*entry) for entry in zip(*[a.reshape(-1) for a in arrays], strict=True)]
        return shaped([mpmath.mpmathify(v) for v in flat], arrays[0].shape)

    def whole(self, function: str, v: Any) -> Any:
        found = compiled_whole(function, len(v), "mpmath")(*v[:, 0])
        return shaped([mpmath.mpmathify(e) for e in found], (len(found), 1))


def _number(value: Any) -> Any:
    value = sp.sympify(value)
    return mpmath.mpf(int(value.p)) / int(value.q)


FIELD = MpmathField()


@dataclass
class Point:
    """Random leaves, the values of all quantities, and the Jacobians computed so far."""

    program: Program
    sizes: Sizes
    values: dict[Quantity, Any]
    jacobians: dict[Quantity, dict[Quantity, Any]] = field(default_factory=dict)

    @property
    def arrays(self) -> MpmathField:
        return FIELD

    def jacobian(self, of: Quantity, wrt: Quantity) -> Any:
        """d of / d wrt, flattened to two axes."""
        if wrt not in self.jacobians:
            self.jacobians[wrt] = self._differences(wrt)
        found = self.jacobians[wrt].get(of)
        rows, width = self.values[of].size, self.values[wrt].size
        return FIELD.full(rows, width, 0) if found is None else found

    def _differences(self, wrt: Quantity) -> dict[Quantity, Any]:
        """d q / d wrt for every q downstream."""
        step = mpmath.mpf(10) ** -STEP_EXPONENT
        base = self.values[wrt]
        downstream = self.program.downstream(wrt)
        columns: dict[Quantity, list[Any]] = {q: [] for q in (wrt, *(q for q, _ in downstream))}
        for k in range(base.size):
            sides = []
            for sign in (1, -1):
                moved = dict(self.values)
                entries = base.reshape(-1).copy()
                entries[k] += sign * step
                moved[wrt] = entries.reshape(base.shape)
                for q, expr in downstream:
                    moved[q] = evaluate(expr, moved, self.sizes, FIELD)
                sides.append(moved)
            for q, column in columns.items():
                column.append((sides[0][q] - sides[1][q]).reshape(-1) / (2 * step))
        return {q: np.stack(column, axis=1) for q, column in columns.items()}


def _forward(program: Program, sizes: Sizes, rng: random.Random, low: float) -> dict[Quantity, Any] | None:
    """All values at random leaves; None where some value is not a finite real number."""
    values = {q: _random(rng, shape_of(q, sizes), low) for q in program.leaves}
    try:
        for q, expr in program.equations:
            values[q] = evaluate(expr, values, sizes, FIELD)
    except ZeroDivisionError:
        return None
    finite = all(isinstance(e, mpmath.mpf) and mpmath.isfinite(e) for v in values.values() for e in v.reshape(-1))
    return values if finite else None


def _random(rng: random.Random, shape: tuple[int, int], low: float) -> Any:
    entries = [
        low + (1 - mpmath.mpf(low)) * mpmath.mpf(rng.getrandbits(200)) / 2**200 for _ in range(shape[0] * shape[1])
    ]
    return shaped(entries, shape)


@lru_cache(maxsize=128)
def point(program: Program, seed: int, index: int) -> Point | None:
    """The random point number `index`; None where no usable one was found."""
    sizes = choose_sizes(program, 2)
    rng = random.Random(f"{seed} {index}")
    for draw in range(DRAWS):
        values = _forward(program, sizes, rng, -1.0 if draw < DRAWS // 2 else 0.125)
        if values is not None:
            return Point(program, sizes, values)
    return None


def check(claims: Claims, seed: int = 0, points: int = 2) -> Rung:
    """The digits rung of a result."""
    start = time.perf_counter()
    with mpmath.workdps(WORKING):
        worst, entries, mismatches, sizes = mpmath.mpf(0), 0, [], ""
        for index in range(points):
            at = point(claims.program, seed, index)
            if at is None:
                return Rung(NAME, None, "not checked", "no random point at which the cell is defined", 0.0)
            sizes = at.program.shown(at.sizes)
            rng = random.Random(f"{seed} {index} seeds")
            seeds = {q: _random(rng, shape_of(q, at.sizes), -1.0) for q in claims.given}
            for label, value, oracle in _compared(claims, at, seeds):
                entries += oracle.size
                if value.shape != oracle.shape:
                    mismatches.append(Mismatch(label, (0,), f"shape {value.shape}", f"shape {oracle.shape}"))
                    continue
                known = _known(oracle)
                for place in np.ndindex(oracle.shape):
                    difference = abs(value[place] - oracle[place]) / max(abs(oracle[place]), known)
                    worst = max(worst, difference)
                    if not difference <= mpmath.mpf(10) ** -PROMISED:
                        mismatches.append(Mismatch(label, place, _show(value[place]), _show(oracle[place])))
        seconds = time.perf_counter() - start
        if mismatches:
            return failed(NAME, mismatches, entries, seconds, sizes)
        if not entries:
            return nothing_compared(NAME, seconds)
        digits = mpmath.nstr(worst, 1) if worst else "0"
        figure = f"worst difference {digits} of an entry at {points} random points, {PROMISED} digits ({sizes})"
        return Rung(
            NAME, True, figure, "central differences of the equations in 100 digits", seconds, "digits", float(worst)
        )


def _known(oracle: Any) -> Any:
    """The smallest entry of which the oracle knows the promised digits."""
    largest = max((abs(e) for e in oracle.reshape(-1)), default=mpmath.mpf(0))
    if largest < mpmath.mpf(10) ** -NOISE:
        largest = mpmath.mpf(1)  # zero, as far as differences can tell
    return largest / mpmath.mpf(10) ** (NOISE - PROMISED)


def _show(value: Any) -> str:
    return str(mpmath.nstr(value, 17))


def _compared(claims: Claims, at: Point, seeds: dict[Quantity, Any]) -> Any:
    """(label, value of the formula, oracle) of every claim."""
    values = {**at.values, **seeds}
    for claim, found in settle(claims, values, lambda expr, known: evaluate(expr, known, at.sizes, FIELD)):
        oracle = expected(claim, at, seeds)
        if oracle is not None:
            value = by_index(found, index_sizes(claim, at.sizes)) if claim.kind == INDEX else found[0]
            yield claim.label, value, oracle
