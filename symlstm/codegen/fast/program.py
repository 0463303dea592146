"""The steps of J V written down as operations for `symlstm.codegen.fast.carry`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from symlstm.codegen.fast.carry import MIXED, MORE, MOST, PRODUCT, TERM, WIDE, ZEROS
from symlstm.codegen.fast.products import pack
from symlstm.codegen.tangent_steps import Array, TangentSteps, Use


@dataclass(frozen=True)
class Program:
    """operations: rows of numbers. moved: of each state, as `carry` takes it. panels: of all matrices.

    size: how many entries of a row the room has.
    """

    operations: Array
    moved: Array
    panels: Array
    size: int

    @cached_property
    def mixes(self) -> bool:
        """Whether panels are summed up, which is what a second thread can share."""
        return MIXED in self.operations[:, 0]

    def room(self, rows: int) -> Array:
        """For so many rows; tiles read a few more than there are."""
        return np.zeros(self.size * (rows + MORE))


class Writer:
    """Writes the operations of one step. mix: whether terms with the same operand become one product."""

    def __init__(self, steps: TangentSteps, mix: bool) -> None:
        self.steps = steps
        self.lengths = [*steps.lengths, *(length for _, length, _ in steps.sums)]
        self.places = [0, *np.cumsum(self.lengths).tolist()]
        self.factors = [0, *np.cumsum(steps.factor_lengths).tolist()]
        self.size, self.operations = self.places[-1], list[list[int]]()
        self.matrices, self.rows = list[tuple[int, Array]](), 0
        self.mixed = mixtures(steps.sums) if mix else {place: [] for place, _, _ in steps.sums}

    @cached_property
    def program(self) -> Program:
        products: dict[int, tuple[int, int, dict[int, int]]] = {}
        for place, length, terms in self.steps.sums:
            if not terms:
                self.operations.append([ZEROS, self.places[place], length])
            known = set[int]()
            for number, several in enumerate(self.mixed[place]):
                known.update(map(id, several))
                to = self.places[place] if number == 0 else self._more(length)
                self._mix(several, length, to)
                if number:
                    self.operations.append([TERM, self.places[place], length, to, length, 0, -1, 0])
            for t in (t for t in terms if id(t) not in known):
                at, width, column = self.places[t.operand], self.lengths[t.operand], 0
                if t.matrix is not None:
                    if t.operand not in products:
                        products[t.operand] = self._multiply(t.operand)
                    at, width, columns = products[t.operand]
                    column = columns[t.matrix]
                factor = -1 if t.factor is None else self.factors[t.factor]
                self.operations.append([TERM, self.places[place], length, at, width, column, factor, int(not known)])
                known.add(id(t))
        wide = max(8, *map(len, self.operations))  # of each operation, what TERM has is looked for
        rows = [o + [0] * (wide - len(o)) for o in self.operations]
        panels = np.zeros((self.rows, WIDE))
        for start, matrix in self.matrices:
            shape = (-(-len(matrix) // WIDE), matrix.shape[1], WIDE)
            pack(matrix, panels[start : start + shape[0] * shape[1]].reshape(shape))
        return Program(np.array(rows, np.int64).reshape(len(rows), wide), self._moved(), panels, self.size)

    def _moved(self) -> Array:
        starts = [0, *np.cumsum(self.steps.lengths).tolist()]
        states = enumerate(zip(self.steps.lengths, self.steps.results, strict=True))
        return np.array([(self.places[k], starts[k], self.places[new], n) for k, (n, new) in states], np.int64)

    def _more(self, length: int) -> int:
        """Where there is room for that many entries."""
        self.size += length
        return self.size - length

    def _put(self, matrices: list[Array]) -> int:
        """Where the panels of matrices, one matrix after the other, begin."""
        start = self.rows
        for matrix in matrices:
            self.matrices.append((self.rows, matrix))
            self.rows += -(-len(matrix) // WIDE) * matrix.shape[1]
        return start

    def _mix(self, terms: list[Use], length: int, to: int) -> None:
        operand = terms[0].operand
        panels = self._put([self.steps.matrices[t.matrix] for t in terms if t.matrix is not None])
        factors = [self.factors[t.factor] for t in terms if t.factor is not None]
        at, width = self.places[operand], self.lengths[operand]
        self.operations.append([MIXED, at, width, panels, len(terms), to, length, *factors])

    def _stacked(self, operand: int) -> dict[int, int]:
        """The column at which each matrix begins in the product with all of an operand that are not mixed."""
        found: dict[int, int] = {}
        size = 0
        for place, _, terms in self.steps.sums:
            mixed = {id(t) for several in self.mixed[place] for t in several}
            for t in terms:
                if t.matrix is not None and t.operand == operand and id(t) not in mixed and t.matrix not in found:
                    found[t.matrix] = size
                    size += len(self.steps.matrices[t.matrix])
        return found

    def _multiply(self, operand: int) -> tuple[int, int, dict[int, int]]:
        """Where the product is, how long, and the column at which each matrix begins."""
        stacked = self._stacked(operand)
        rows = [self.steps.matrices[m] for m in stacked]
        columns = sum(map(len, rows))
        before = self._put([np.concatenate(rows) if len(rows) > 1 else rows[0]])
        at, length, to = self.places[operand], self.lengths[operand], self._more(columns)
        self.operations.append([PRODUCT, at, length, before, -(-columns // WIDE), to, columns])
        return to, columns, stacked


def mixtures(sums: list[tuple[int, int, list[Use]]]) -> dict[int, list[list[Use]]]:
    """For each sum: its terms with a matrix and a factor by their operands, at most MOST at once.

    A product that is wanted more than once is none of them: it is cheaper by itself.
    """
    wanted = Counter((t.operand, t.matrix) for _, _, terms in sums for t in terms)
    found: dict[int, list[list[Use]]] = {}
    for place, _, terms in sums:
        by_operand: dict[int, list[Use]] = {}
        for t in terms:
            if t.matrix is not None and t.factor is not None and wanted[t.operand, t.matrix] == 1:
                by_operand.setdefault(t.operand, []).append(t)
        found[place] = []
        for some in by_operand.values():
            parts = -(-len(some) // MOST)
            bounds = [len(some) * k // parts for k in range(parts + 1)]
            found[place] += [some[bounds[k] : bounds[k + 1]] for k in range(parts)]
    return found
