"""J V over many steps: the vectors of all steps at once, then one product for all that multiplies the same tangent.

Directions are rows here, (..., k, s), so that every operation runs along memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.codegen.formula import formula
from symlstm.codegen.tangent_plan import Plan, Term, plan_of
from symlstm.equations import Cell
from symlstm.expr.build import Matrix

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class _Use:
    """A term by places in the lists of vectors and of tangents; columns: of the product of the operand's stack."""

    factor: int | None
    columns: slice | None
    operand: int


class TangentSteps:
    """The tangents of a cell with given parameters. sizes: numbers by name."""

    def __init__(self, cell: Cell, plan: Plan, p: Mapping[str, Array], sizes: Mapping[str, int], dtype: Any) -> None:
        self.sizes = dict(sizes)
        self.numbers = [(d, sizes[str(d)]) for d in cell.dims if str(d) in sizes]
        self.lengths = [self._length(q) for q in plan.given]
        self.new = [self._length(q) for q in plan.new]
        place = {q: k for k, q in enumerate((*plan.given, *(s.quantity for s in plan.sums)))}
        terms = [t for s in plan.sums for t in s.terms]
        factors = list(dict.fromkeys(t.factor for t in terms if t.factor is not None))
        self._factors = [formula(f) for f in factors]
        self._factor_lengths = [self._length(f) for f in factors]
        columns: dict[tuple[int, Matrix], slice] = {}
        stacked: dict[int, list[Array]] = {}
        for t in terms:
            operand = place[t.operand]
            if t.matrix is not None and (operand, t.matrix) not in columns:
                rows = stacked.setdefault(operand, [])
                rows.append(np.asarray(formula(t.matrix, matrix=True)(p, self.sizes), dtype))
                end = sum(map(len, rows))
                columns[operand, t.matrix] = slice(end - len(rows[-1]), end)
        self.stacks = {operand: np.concatenate(rows).T for operand, rows in stacked.items()}

        def use(t: Term) -> _Use:
            operand = place[t.operand]
            own = None if t.matrix is None else columns[operand, t.matrix]
            return _Use(None if t.factor is None else factors.index(t.factor), own, operand)

        self.sums = [(place[s.quantity], self._length(s.quantity), [use(t) for t in s.terms]) for s in plan.sums]
        self.results = [place[q] for q in plan.new]
        self.dtype = dtype

    def _length(self, q: Matrix) -> int:
        return int(q.shape[0].subs(self.numbers))

    def factors(self, known: Mapping[str, Array], axes: tuple[int, ...]) -> list[Array]:
        """The vectors, (*axes, 1, n) each, from all values of the steps by name; axes: steps, then the batch."""
        with np.errstate(all="ignore"):
            found = [f(known, self.sizes) for f in self._factors]
        shaped = zip(found, self._factor_lengths, strict=True)
        return [np.ascontiguousarray(np.broadcast_to(a, (*axes, n)))[..., None, :] for a, n in shaped]

    def apply(self, directions: Array, factors: list[Array], step: int) -> Array:
        """(..., k, s), a direction a row, one step further."""
        values: dict[int, Array] = {}
        products: dict[int, Array] = {}
        start = 0
        for k, length in enumerate(self.lengths):
            values[k] = directions[..., start : start + length]
            start += length
        out = np.empty((*directions.shape[:-1], sum(self.new)), self.dtype)
        start = 0
        for k, length in zip(self.results, self.new, strict=True):
            values[k] = out[..., start : start + length]
            start += length
        for place, length, terms in self.sums:
            total = values.get(place)
            if total is None:
                total = values[place] = np.empty((*directions.shape[:-1], length), self.dtype)
            if not terms:
                total[...] = 0
            for number, t in enumerate(terms):
                value = values[t.operand]
                if t.columns is not None:
                    if t.operand not in products:
                        products[t.operand] = value @ self.stacks[t.operand]
                    value = products[t.operand][..., t.columns]
                if t.factor is not None:
                    value = np.multiply(value, factors[t.factor][step], out=None if number else total)
                if number:
                    total += value
                elif t.factor is None:
                    total[...] = value
        return out

    def carried(self, directions: Array, factors: Any, start: int, steps: int) -> Array:
        """(..., k, s), a direction a row, so many steps further."""
        with np.errstate(all="ignore"):
            for k in range(start, start + steps):
                directions = self.apply(directions, factors, k)
        return directions

    def orthonormal(self, directions: Array) -> tuple[Array, Array]:
        """Orthonormal directions, and the triangle R of QR, NaN where a direction is not finite."""
        return orthonormal(directions)

    def each(self, directions: Array, factors: Any, steps: int) -> tuple[Array, Array, Array]:
        """Orthonormal after each step: the last directions, |r_jj| (steps, ..., k), the largest |r_ij| (steps, ...)."""
        growth = np.empty((steps, *directions.shape[:-1]))
        largest = np.empty((steps, *directions.shape[:-2]))
        for k in range(steps):
            directions, triangle = self.orthonormal(self.carried(directions, factors, k, 1))
            growth[k], largest[k] = sizes_of(triangle)
        return directions, growth, largest


def orthonormal(directions: Array) -> tuple[Array, Array]:
    """Orthonormal directions, a direction a row, and the triangle R of QR, NaN where a direction is not finite."""
    if not np.isfinite(directions).all():
        return directions, np.full((*directions.shape[:-1], directions.shape[-2]), np.nan)
    found, triangle = np.linalg.qr(directions.mT)
    return found.mT, triangle


def sizes_of(triangle: Array) -> tuple[Array, Array]:
    """|r_jj|, (..., k), and the largest |r_ij|, (...)."""
    return np.abs(np.diagonal(triangle, axis1=-2, axis2=-1)), np.max(np.abs(triangle), axis=(-2, -1))


def tangent_steps(
    cell: Cell, p: Mapping[str, Array], sizes: Mapping[Any, int], dtype: Any, backend: str = "numpy"
) -> TangentSteps | None:
    """None where the tangents of the cell have no such form."""
    plan = plan_of(cell)
    if plan is None:
        return None
    named = {str(k): int(v) for k, v in sizes.items()}
    if backend == "numba" and dtype == np.float64:
        from symlstm.codegen.fast.tangents import CompiledTangents

        return CompiledTangents(cell, plan, p, named, dtype)
    return TangentSteps(cell, plan, p, named, dtype)
