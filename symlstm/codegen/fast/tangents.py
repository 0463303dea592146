"""J V over many steps with everything between two orthonormal sets of directions compiled.

What a step consists of is data, a table of products and of terms, so that one compiled loop serves all cells. Of
several examples parts go side by side, each in a thread of its own; of one example two threads share the panels of each
product: its matrices are read by halves then, which fit in the cache of a core where the whole of them does not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numba import config

from symlstm.codegen.fast.carry import DONE, FIRST, OF_JOB, carry, help_carry
from symlstm.codegen.fast.jobs import WORTH_A_THREAD
from symlstm.codegen.fast.orthonormal import length, orthonormalise
from symlstm.codegen.fast.parts import helped_by, in_parts
from symlstm.codegen.fast.products import compiled, inner
from symlstm.codegen.fast.program import Program, Writer
from symlstm.codegen.fast.reflections import LANES
from symlstm.codegen.tangent_steps import Array, Stretch, TangentSteps

WORTH_MIXING = 3
"""Directions with the same factors for which summing matrices up pays."""
WORTH_HELP = 1 << 19
"""Multiply-adds of a step that are worth sharing with a second thread."""
ROOM = 3
"""So many times as many jobs as steps have: some stretches are taken again."""
NOBODY = np.zeros(0, np.int64)
"""The counts where nobody helps."""


@compiled
def make_orthonormal(first: int, last: int, rows: Any, triangles: Any) -> None:
    """rows (batch, k, s) = triangles (batch, k, k) Q; Q is written over the rows, of the batch from first to last."""
    count, columns = rows.shape[1:]
    padded = np.zeros((count, -(-columns // LANES) * LANES))
    for b in range(first, last):
        padded[:, :columns] = rows[b]
        padded[:, columns:] = 0
        orthonormalise(padded, triangles[b])
        rows[b] = padded[:, :columns]


@inner
def condition(triangle: Any) -> float:
    """As `symlstm.codegen.tangent_steps.condition`, for the rows of a lower triangle."""
    count, total = len(triangle), 0.0
    inverse = np.zeros((count, count))
    for i in range(count):
        size = length(triangle[i, : i + 1])
        if not size > 0 or triangle[i, i] == 0:
            return math.inf
        for j in range(i):
            found = 0.0
            for k in range(j, i):
                found += triangle[i, k] / size * inverse[k, j]
            inverse[i, j] = -found * size / triangle[i, i]
            total += inverse[i, j] ** 2
        inverse[i, i] = size / triangle[i, i]
        total += inverse[i, i] ** 2
    return math.sqrt(count * total)


@compiled
def carry_and_straighten(
    first: int, last: int, start: int, count: int, steps: int, program: Any, moved: Any, panels: Any, factors: Any,
    room: Any, counts: Any, jobs: int, rows: Any, triangles: Any, growth: Any, largest: Any, conditions: Any,
) -> None:  # fmt: skip
    """`count` times so many steps further, and orthonormal after each time, of the batch from first to last.

    growth: (count, batch, k), the diagonals of the triangles; largest: (count, batch), their largest entries;
    conditions: (batch,), after the last time, or empty.
    """
    each = triangles.shape[1]
    of_batch = rows.reshape(len(triangles), each, rows.shape[1])
    for t in range(count):
        begin, done = start + t * steps, jobs + t * steps * len(program)
        carry(first * each, last * each, begin, steps, program, moved, panels, factors, room, counts, done, rows)
        make_orthonormal(first, last, of_batch, triangles)
        for b in range(first, last):
            most = 0.0
            for i in range(each):
                growth[t, b, i] = abs(triangles[b, i, i])
                for j in range(i + 1):
                    size = abs(triangles[b, i, j])
                    most = size if size > most or size != size else most  # NaN stays
            largest[t, b] = most
    for b in range(first, min(last, len(conditions))):
        conditions[b] = condition(triangles[b])


class CompiledTangents(TangentSteps):
    """The tangents of a cell in float64 whose loops over steps are compiled."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._programs: dict[bool, Program] = {}  # by whether matrices are summed up first
        self._rooms: dict[tuple[bool, int], Array] = {}
        self._counts, self._jobs = NOBODY, 0

    def factors(self, known: Any, axes: tuple[int, ...]) -> Any:
        """All vectors side by side, (steps, batch, all of them), from all values of the steps by name."""
        batch = int(np.prod(axes[1:]))
        found = [a.reshape(axes[0], batch, -1) for a in super().factors(known, axes)]
        return np.concatenate([*found, np.zeros((axes[0], batch, 0))], axis=-1)

    def stretch(self, directions: Array, factors: Any, start: int, steps: int) -> Stretch:
        """As `TangentSteps.stretch`."""
        return self._straightened(directions, factors, start, 1, steps, True)

    def each(self, directions: Array, factors: Any, steps: int) -> Stretch:
        """As `TangentSteps.each`."""
        return self._straightened(directions, factors, 0, steps, 1, False)

    def prepare(self, directions: Array) -> None:
        """As `TangentSteps.prepare`: writes the operations and puts the matrices in order."""
        count, columns = directions.shape[-2:]
        self._given(None, directions.size // columns, count)

    @contextmanager
    def helped(self, factors: Any, directions: Array) -> Iterator[None]:
        """As `TangentSteps.helped`: panels of products are shared with another thread."""
        rows, steps = directions.shape[-2], len(factors)
        one_example = directions.size == rows * directions.shape[-1]
        worth = one_example and self._worth(rows) >= WORTH_HELP and self._program(rows).mixes
        if not worth or config.NUMBA_NUM_THREADS == 1:
            yield
            return
        program, _, panels, _, room = self._given(factors, rows, rows)
        counts = np.zeros(FIRST + OF_JOB * ROOM * steps * len(program), np.int64)
        given = program, panels, factors, room, rows
        if not help_carry.signatures:  # compiled here: another thread would be too late for a while
            help_carry(np.array([0, 1]), *given)
        try:
            with helped_by(help_carry, counts, *given):
                self._counts, self._jobs = counts, 0
                yield
        finally:
            counts[DONE] = 1
            self._counts = NOBODY

    def _take(self, jobs: int) -> tuple[Array, int]:
        """The counts, and the first of so many jobs that are free; nobody helps where there are not so many."""
        first = self._jobs
        if FIRST + OF_JOB * (first + jobs) > len(self._counts):
            return NOBODY, 0
        self._jobs += jobs
        return self._counts, first

    def _straightened(
        self, directions: Array, factors: Any, start: int, count: int, steps: int, judged: bool
    ) -> Stretch:  # fmt: skip
        batch, (each, columns) = directions.shape[:-2], directions.shape[-2:]
        rows = np.array(directions, order="C").reshape(-1, columns)
        many = len(rows) // each
        growth, largest = np.empty((count, many, each)), np.empty((count, many))
        found = np.zeros((many, each, each)), growth, largest, np.empty(many * judged)
        wanted = (self._worth(count * steps * len(rows)) + count * many * each**3) // WORTH_A_THREAD
        given = self._given(factors, len(rows), each)
        counts, jobs = self._take(count * steps * len(given[0]))
        in_parts(carry_and_straighten, many, wanted, start, count, steps, *given, counts, jobs, rows, *found)
        growth, largest = growth.reshape(count, *batch, each), largest.reshape(count, *batch)
        condition = float(found[3].max()) if judged else np.nan
        return Stretch(rows.reshape(directions.shape), start, steps, growth, largest, condition)

    def _given(self, factors: Any, rows: int, each: int) -> tuple[Any, ...]:
        """What `carry` takes after its steps, for so many rows, `each` of them with the same factors."""
        program, key = self._program(each), (each >= WORTH_MIXING, rows)
        if key not in self._rooms:
            self._rooms[key] = program.room(rows)
        return program.operations, program.moved, program.panels, factors, self._rooms[key]

    def _program(self, each: int) -> Program:
        mix = each >= WORTH_MIXING
        if mix not in self._programs:
            self._programs[mix] = Writer(self, mix).program
        return self._programs[mix]

    @cached_property
    def _entries(self) -> int:
        """Of all matrices."""
        return sum(m.size for m in self.matrices)

    def _worth(self, rows: int) -> int:
        """How many multiply-adds the products of so many rows take."""
        return rows * self._entries
