"""A determinant taken apart by its blocks: rows with one block, diagonal pivots, what is left.

det J = +- det(block) det(minor)                  where a row or a column has one block that is not zero,
det J = +- det(D) det(rest - B D^-1 C)            with a diagonal block D (Schur complement).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symlstm.calculus.logarithms import diagonal_of
from symlstm.expr.build import Matrix, add, concat, diag, divide, matmul, negative, ones_like, transpose
from symlstm.expr.dims import equal_sizes
from symlstm.expr.nodes import Zeros


@dataclass(frozen=True)
class Blocks:
    """A matrix of blocks; rows and columns are their sizes."""

    rows: tuple[Any, ...]
    columns: tuple[Any, ...]
    entries: tuple[tuple[Matrix, ...], ...]

    @property
    def matrix(self) -> Matrix:
        """The whole matrix."""
        return concat(*[_beside(row) for row in self.entries])

    def without(self, i: int, j: int) -> Blocks:
        """The minor: without a row and a column of blocks."""
        rows = tuple(r for k, r in enumerate(self.rows) if k != i)
        columns = tuple(c for k, c in enumerate(self.columns) if k != j)
        kept = [row for k, row in enumerate(self.entries) if k != i]
        return Blocks(rows, columns, tuple(tuple(e for k, e in enumerate(row) if k != j) for row in kept))


@dataclass(frozen=True)
class Taken:
    """What was taken out in one step. rule: how. sign: the power of -1. divided_by: of which no entry may be zero."""

    rule: str
    factor: Matrix
    sign: Any
    rest: Blocks
    divided_by: Matrix | None = None


def take_one(blocks: Blocks) -> Taken | None:
    """The next factor of the determinant, None where nothing more can be taken out. Raises nothing."""
    return _alone(blocks) or _pivot(blocks)


def has_no_rank(blocks: Blocks) -> bool:
    """Whether a whole row or column of blocks is zero."""
    turned = tuple(zip(*blocks.entries, strict=True))
    return any(all(isinstance(e, Zeros) for e in line) for line in (*blocks.entries, *turned))


def _alone(blocks: Blocks) -> Taken | None:
    for lines, by_row in ((blocks.entries, True), (tuple(zip(*blocks.entries, strict=True)), False)):
        for k, line in enumerate(lines):
            found = [at for at, e in enumerate(line) if not isinstance(e, Zeros)]
            if len(found) != 1:
                continue
            i, j = (k, found[0]) if by_row else (found[0], k)
            if equal_sizes(blocks.rows[i], blocks.columns[j]):
                rule = "one block in its row" if by_row else "one block in its column"
                return Taken(rule, blocks.entries[i][j], _sign(blocks, i, j), blocks.without(i, j))
    return None


def _pivot(blocks: Blocks) -> Taken | None:
    """Schur complement of a diagonal block, the shortest first."""
    found = []
    for i, row in enumerate(blocks.entries):
        for j, entry in enumerate(row):
            if len(blocks.rows) > 1 and diagonal_of(entry) is not None:
                found.append((len(str(entry)), i, j))
    if not found:
        return None
    _, i, j = min(found)
    vector = diagonal_of(blocks.entries[i][j])
    assert vector is not None
    inverse = diag(divide(ones_like(vector), vector))
    minor = blocks.without(i, j)
    left = [row[j] for k, row in enumerate(blocks.entries) if k != i]
    above = [e for k, e in enumerate(blocks.entries[i]) if k != j]
    entries = tuple(
        tuple(add(e, negative(matmul(b, inverse, c))) for e, c in zip(row, above, strict=True))
        for row, b in zip(minor.entries, left, strict=True)
    )
    rest = replace(minor, entries=entries)
    return Taken("Schur complement", blocks.entries[i][j], _sign(blocks, i, j), rest, vector)


def _sign(blocks: Blocks, i: int, j: int) -> Any:
    """How many rows and columns change places when a block comes to the upper left corner."""
    return sp.expand(blocks.rows[i] * (sp.Add(*blocks.rows[:i]) - sp.Add(*blocks.columns[:j])))


def _beside(parts: tuple[Matrix, ...]) -> Matrix:
    """[A B]: matrices side by side."""
    return transpose(concat(*[transpose(p) for p in parts]))
