"""J V over many steps: the vectors of all steps at once, then one product for all that multiplies the same tangent.

Directions are rows here, (..., k, s), so that every operation runs along memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from symlstm.codegen.formula import formula
from symlstm.codegen.tangent_plan import Plan, Term, plan_of
from symlstm.equations import Cell
from symlstm.expr.build import Matrix

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Use:
    """A term by places in the lists of vectors, of matrices and of tangents."""

    factor: int | None
    matrix: int | None
    operand: int


@dataclass(frozen=True)
class Stretch:
    """What directions grow by, over so many steps each time.

    directions: the last ones, orthonormal. start: the first step. steps: of each row. growth: |r_jj|, (rows, ..., k);
    largest |r_ij|, (rows, ...); NaN where the directions are not finite. condition: as that function says; NaN where
    nobody needs it.
    """

    directions: Array
    start: int
    steps: int
    growth: Array
    largest: Array
    condition: float


class TangentSteps:
    """The tangents of a cell with given parameters. sizes: numbers by name."""

    def __init__(self, cell: Cell, plan: Plan, p: Mapping[str, Array], sizes: Mapping[str, int], dtype: Any) -> None:
        self.sizes = dict(sizes)
        self.numbers = [(d, sizes[str(d)]) for d in cell.dims if str(d) in sizes]
        self._of_size = dict[Any, int]()
        self.lengths = [self._length(q) for q in plan.given]
        self.new = [self._length(q) for q in plan.new]
        place = {q: k for k, q in enumerate((*plan.given, *(s.quantity for s in plan.sums)))}
        terms = [t for s in plan.sums for t in s.terms]
        factors = list(dict.fromkeys(t.factor for t in terms if t.factor is not None))
        self._factors = [formula(f) for f in factors]
        self.factor_lengths = [self._length(f) for f in factors]
        matrices = list(dict.fromkeys(t.matrix for t in terms if t.matrix is not None))
        self.matrices = [np.asarray(formula(m, matrix=True)(p, self.sizes), dtype) for m in matrices]

        def use(t: Term) -> Use:
            factor = None if t.factor is None else factors.index(t.factor)
            return Use(factor, None if t.matrix is None else matrices.index(t.matrix), place[t.operand])

        self.sums = [(place[s.quantity], self._length(s.quantity), [use(t) for t in s.terms]) for s in plan.sums]
        self.results = [place[q] for q in plan.new]
        self.dtype = dtype

    @cached_property
    def _stacks(self) -> dict[int, tuple[Array, dict[int, slice]]]:
        """For each tangent: all matrices that multiply it, beside each other, and the columns of each."""
        found: dict[int, dict[int, slice]] = {}
        for t in (t for _, _, terms in self.sums for t in terms):
            if t.matrix is not None:
                columns = found.setdefault(t.operand, {})
                start = max((c.stop for c in columns.values()), default=0)
                columns.setdefault(t.matrix, slice(start, start + len(self.matrices[t.matrix])))
        return {k: (np.concatenate([self.matrices[m] for m in columns]).T, columns) for k, columns in found.items()}

    def _length(self, q: Matrix) -> int:
        size = q.shape[0]
        if size not in self._of_size:
            self._of_size[size] = int(size.subs(self.numbers))
        return self._of_size[size]

    def factors(self, known: Mapping[str, Array], axes: tuple[int, ...]) -> list[Array]:
        """The vectors, (*axes, 1, n) each, from all values of the steps by name; axes: steps, then the batch."""
        with np.errstate(all="ignore"):
            found = [f(known, self.sizes) for f in self._factors]
        shaped = zip(found, self.factor_lengths, strict=True)
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
                if t.matrix is not None:
                    stack, columns = self._stacks[t.operand]
                    if t.operand not in products:
                        products[t.operand] = value @ stack
                    value = products[t.operand][..., columns[t.matrix]]
                if t.factor is not None:
                    value = np.multiply(value, factors[t.factor][step], out=None if number else total)
                if number:
                    total += value
                elif t.factor is None:
                    total[...] = value
        return out

    def prepare(self, directions: Array) -> None:
        """What is done once for directions of that shape, by those who have to wait before they can begin."""

    def helped(self, factors: Any, directions: Array) -> AbstractContextManager[None]:
        """While these directions go through the steps with these factors."""
        return nullcontext()

    def stretch(self, directions: Array, factors: Any, start: int, steps: int) -> Stretch:
        """The directions so many steps further, and made orthonormal there."""
        with np.errstate(all="ignore"):
            for k in range(start, start + steps):
                directions = self.apply(directions, factors, k)
        directions, triangle = orthonormal(directions)
        growth, largest = sizes_of(triangle)
        return Stretch(directions, start, steps, growth[None], largest[None], condition(triangle))

    def each(self, directions: Array, factors: Any, steps: int) -> Stretch:
        """Orthonormal after each of the first steps."""
        growth = np.empty((steps, *directions.shape[:-1]))
        largest = np.empty((steps, *directions.shape[:-2]))
        for k in range(steps):
            with np.errstate(all="ignore"):
                directions, triangle = orthonormal(self.apply(directions, factors, k))
            growth[k], largest[k] = sizes_of(triangle)
        return Stretch(directions, 0, 1, growth, largest, np.nan)


def orthonormal(directions: Array) -> tuple[Array, Array]:
    """Orthonormal directions, a direction a row, and the triangle R of QR, NaN where a direction is not finite."""
    if not np.isfinite(directions).all():
        return directions, np.full((*directions.shape[:-1], directions.shape[-2]), np.nan)
    found, triangle = np.linalg.qr(directions.mT)
    return found.mT, triangle


def sizes_of(triangle: Array) -> tuple[Array, Array]:
    """|r_jj|, (..., k), and the largest |r_ij|, (...)."""
    return np.abs(np.diagonal(triangle, axis1=-2, axis2=-1)), np.max(np.abs(triangle), axis=(-2, -1))


def condition(triangle: Array) -> float:
    """A bound of the condition number of the directions, each divided by its length, from their R."""
    lengths = np.linalg.norm(triangle, axis=-2)
    if not (lengths > 0).all():
        return np.inf
    try:
        inverse = np.linalg.inv(triangle / lengths[..., None, :])
    except np.linalg.LinAlgError:
        return np.inf
    return float(np.sqrt(triangle.shape[-1]) * np.max(np.linalg.norm(inverse, axis=(-2, -1))))


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
