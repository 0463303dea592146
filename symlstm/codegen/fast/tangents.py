"""J V over many steps with everything between two orthonormal sets of directions compiled.

What a step consists of is data, a table of products and of terms, so that one compiled loop serves all cells. Between
two QRs each direction goes its way by itself: parts of them go side by side, each in a thread of its own. Where there
is a QR after each step, parts of the batch do.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import uintp  # a place that is not negative: no look whether it counts from the end

from symlstm.codegen.fast.jobs import WORTH_A_THREAD, packed
from symlstm.codegen.fast.orthonormal import orthonormalise
from symlstm.codegen.fast.parts import in_parts
from symlstm.codegen.fast.products import compiled, inner, product
from symlstm.codegen.fast.reflections import LANES
from symlstm.codegen.tangent_steps import Array, TangentSteps

PRODUCT, ZEROS, TERM = range(3)
"""What an operation does. Places count entries of one row; the room has them for all rows.

(PRODUCT, from, length, panels, count, to, columns): a tangent is multiplied by a matrix. (ZEROS, to, length): nothing
but zeros. (TERM, to, length, from, width, column, factor, first): set to, or added to, columns of a tangent or of a
product, times the factor that begins there; -1: times one.
"""


@compiled
def carry(
    first: int, last: int, start: int, steps: int, program: Any, moved: Any, panels: Any, given: Any, room: Any,
    rows: Any,
) -> None:  # fmt: skip
    """The rows from first to last, so many steps further, in place.

    program: the operations. moved: (place, column in a row, place of the new one, length) of each state. given:
    the factors, (steps, batch, all of them). rows: (rows, s), as many directions for each of the batch.
    """
    count, (_, batch, gap), factors = len(rows), given.shape, given.reshape(-1)
    each = count // batch
    for t in range(start, start + steps):
        for state in range(len(moved)):
            place, column, _, length = moved[state]
            for r in range(first, last):
                for j in range(length):
                    room[uintp(place * count + r * length + j)] = rows[r, uintp(column + j)]
        for k in range(len(program)):
            o = program[k]
            if o[0] == PRODUCT:
                length, columns, at, to = o[2], o[6], o[1] * count, o[5] * count
                product(
                    room[at : at + count * length].reshape(count, length),
                    panels[o[3] : o[3] + o[4] * length].reshape(o[4], length, panels.shape[1]),
                    room[to : to + count * columns].reshape(count, columns), first, last,
                )  # fmt: skip
                continue
            of, next_one = first // each, (first // each + 1) * each  # which of the batch; no division for each row
            for r in range(first, last):
                if r == next_one:
                    of, next_one = of + 1, next_one + each
                to, at = o[1] * count + r * o[2], o[3] * count + r * o[4] + o[5]
                if o[0] == ZEROS:
                    for j in range(o[2]):
                        room[uintp(to + j)] = 0
                else:
                    add_term(room, to, at, o[2], factors, (t * batch + of) * gap + o[6], o[6] < 0, o[7] == 1)
        for state in range(len(moved)):
            _, column, place, length = moved[state]
            for r in range(first, last):
                for j in range(length):
                    rows[r, uintp(column + j)] = room[uintp(place * count + r * length + j)]


@inner
def add_term(room: Any, to: int, at: int, length: int, factors: Any, factor: int, alone: bool, first: bool) -> None:
    """room[to + j] += room[at + j] factors[factor + j] (alone: += room[at + j]; first: = instead of +=)."""
    if alone and first:
        for j in range(length):
            room[uintp(to + j)] = room[uintp(at + j)]
    elif alone:
        for j in range(length):
            room[uintp(to + j)] += room[uintp(at + j)]
    elif first:
        for j in range(length):
            room[uintp(to + j)] = room[uintp(at + j)] * factors[uintp(factor + j)]
    else:
        for j in range(length):
            room[uintp(to + j)] += room[uintp(at + j)] * factors[uintp(factor + j)]


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


@compiled
def carry_each(
    first: int, last: int, steps: int, program: Any, moved: Any, panels: Any, factors: Any, room: Any, rows: Any,
    triangles: Any, growth: Any, largest: Any,
) -> None:  # fmt: skip
    """Orthonormal after each step, of the batch from first to last.

    growth: (steps, batch, k), the diagonals of the triangles; largest: (steps, batch), their largest entries.
    """
    count = triangles.shape[1]
    of_batch = rows.reshape(len(triangles), count, rows.shape[1])
    for t in range(steps):
        carry(first * count, last * count, t, 1, program, moved, panels, factors, room, rows)
        make_orthonormal(first, last, of_batch, triangles)
        for b in range(first, last):
            most = 0.0
            for i in range(count):
                growth[t, b, i] = abs(triangles[b, i, i])
                for j in range(i + 1):
                    size = abs(triangles[b, i, j])
                    most = size if size > most or size != size else most  # NaN stays
            largest[t, b] = most


class CompiledTangents(TangentSteps):
    """The tangents of a cell in float64 whose loops over steps are compiled."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        lengths = [*self.lengths, *(length for _, length, _ in self.sums)]
        places = [0, *np.cumsum(lengths).tolist()]
        self._columns = [0, *np.cumsum(self._factor_lengths).tolist()]
        self._program, self._panels, self._size = self._written(lengths, places)
        starts = [0, *np.cumsum(self.lengths).tolist()]
        states = enumerate(zip(self.lengths, self.results, strict=True))
        moved = [(places[k], starts[k], places[new], length) for k, (length, new) in states]
        self._moved = np.array(moved, np.int64)

    def _written(self, lengths: list[int], places: list[int]) -> tuple[Array, Array, int]:
        """The operations of a step, the panels of all matrices, and how many entries of a row have a place."""
        found: list[tuple[int, ...]] = []
        panels: dict[int, Array] = {}
        products: dict[int, int] = {}
        size = places[-1]
        for place, length, terms in self.sums:
            if not terms:
                found.append((ZEROS, places[place], length, 0, 0, 0, 0, 0))
            for number, t in enumerate(terms):
                at, width, column = places[t.operand], lengths[t.operand], 0
                if t.columns is not None:
                    stack = self.stacks[t.operand]
                    if t.operand not in products:
                        before, own = sum(len(a) for a in panels.values()), packed(stack.T)
                        panels[t.operand], products[t.operand] = own.reshape(-1, own.shape[2]), size
                        found.append((PRODUCT, at, width, before, len(own), size, stack.shape[1], 0))
                        size += stack.shape[1]
                    at, width, column = products[t.operand], stack.shape[1], t.columns.start
                factor = -1 if t.factor is None else self._columns[t.factor]
                found.append((TERM, places[place], length, at, width, column, factor, int(number == 0)))
        all_panels = np.concatenate(list(panels.values())) if panels else np.zeros((0, 1))
        return np.array(found, np.int64), all_panels, size

    def factors(self, known: Any, axes: tuple[int, ...]) -> Any:
        """All vectors side by side, (steps, batch, all of them), from all values of the steps by name."""
        batch = int(np.prod(axes[1:]))
        found = [a.reshape(axes[0], batch, -1) for a in super().factors(known, axes)]
        return np.concatenate([*found, np.zeros((axes[0], batch, 0))], axis=-1)

    def carried(self, directions: Array, factors: Any, start: int, steps: int) -> Array:
        """(..., k, s), a direction a row, so many steps further."""
        rows = np.array(directions, order="C").reshape(-1, directions.shape[-1])
        in_parts(carry, len(rows), self._worth(steps * len(rows)), start, steps, *self._given(factors, len(rows)), rows)
        return rows.reshape(directions.shape)

    def orthonormal(self, directions: Array) -> tuple[Array, Array]:
        """Orthonormal directions and the triangle R of QR."""
        rows = np.array(directions, order="C")
        batch, (count, columns) = rows.shape[:-2], rows.shape[-2:]
        triangles = np.zeros((*batch, count, count))
        of_batch = rows.reshape(-1, count, columns)
        make_orthonormal(0, len(of_batch), of_batch, triangles.reshape(-1, count, count))
        return rows, triangles.mT

    def each(self, directions: Array, factors: Any, steps: int) -> tuple[Array, Array, Array]:
        """Orthonormal after each step: the last directions, |r_jj| (steps, ..., k), the largest |r_ij| (steps, ...)."""
        batch, (count, columns) = directions.shape[:-2], directions.shape[-2:]
        rows = np.array(directions, order="C").reshape(-1, columns)
        many = len(rows) // count
        growth, largest = np.empty((steps, many, count)), np.empty((steps, many))
        room = (np.zeros((many, count, count)), growth, largest)
        wanted = self._worth(steps * len(rows)) + steps * many * count**3 // WORTH_A_THREAD
        in_parts(carry_each, many, wanted, steps, *self._given(factors, len(rows)), rows, *room)
        return rows.reshape(directions.shape), growth.reshape(steps, *batch, count), largest.reshape(steps, *batch)

    def _given(self, factors: Any, rows: int) -> tuple[Any, ...]:
        return self._program, self._moved, self._panels, factors, np.empty(self._size * rows)

    def _worth(self, rows: int) -> int:
        """How many threads are worth waking for the products of so many rows."""
        return rows * self._panels.size // WORTH_A_THREAD
