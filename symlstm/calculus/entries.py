"""A linear map entry by entry: sums of products of entries, read off an expression that is linear in one symbol.

d E_rc / d W_kl is a sum of terms, each a product of numbers, of entries of vectors (one index) and of entries of
matrices (two indices): E = A W B gives A_rk B_lc. A sum over an index is again such a term as long as no more than two
matrices have that index; where three have it there is no closed form, and NotClosed says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import sympy as sp

from symlstm.errors import RuleMissing
from symlstm.expr import nodes as x
from symlstm.expr.build import (
    Matrix,
    add,
    block,
    concat,
    diag,
    divide,
    eye,
    hadamard,
    matmul,
    ones,
    ones_like,
    scale,
    split_number,
    spread,
    transpose,
    whole,
    zeros,
)  # fmt: skip
from symlstm.expr.choices import chained, choose
from symlstm.expr.missing import no_row
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities

ROW, COL, K, L = "rckl"
"""The indices of what is differentiated, and of what it is differentiated by."""
SUMMED = "s"
_ORDER = "rcskl"


class NotClosed(RuleMissing):
    """A sum over an index that three matrices share: it is no product of entries, and no product of matrices."""


@dataclass(frozen=True)
class Entries:
    """number * numbers * entries of vectors, by index * entries of matrices, by pair of indices.

    What stands for nothing is one. An index that runs over a single value does not occur.
    """

    number: Any = sp.S.One
    numbers: tuple[Matrix, ...] = ()
    vectors: dict[str, Matrix] = field(default_factory=dict)
    pairs: dict[str, Matrix] = field(default_factory=dict)

    def times(self, number: Any) -> Entries:
        return replace(self, number=self.number * number)

    def with_number(self, one_by_one: Matrix) -> Entries:
        """Times an expression of one number."""
        number, rest = split_number(one_by_one)
        kept = () if isinstance(rest, x.Ones) else (rest,)
        return replace(self, number=self.number * number, numbers=(*self.numbers, *kept))

    def with_vector(self, at: str, vector: Matrix) -> Entries:
        """Times (vector)_at."""
        if vector.shape == (1, 1):
            return self.with_number(vector)
        number, rest = split_number(vector)
        if isinstance(rest, x.Ones):
            return self.times(number)
        there = self.vectors.get(at)
        vectors = {**self.vectors, at: rest if there is None else chained(rest, there)}
        return replace(self, number=self.number * number, vectors=vectors)

    def with_pair(self, first: str, second: str, matrix: Matrix) -> Entries:
        """Times (matrix)_{first second}."""
        if matrix.shape[0] == 1:
            return self.with_vector(second, transpose(matrix))
        if matrix.shape[1] == 1:
            return self.with_vector(first, matrix)
        if _ORDER.index(first) > _ORDER.index(second):
            first, second, matrix = second, first, transpose(matrix)
        number, rest = split_number(matrix)
        if isinstance(rest, x.Ones):
            return self.times(number)
        if isinstance(rest, x.Spread):
            return self.times(number).with_number(rest.args[0])
        if (outer := _outer(rest)) is not None:
            return self.times(number).with_vector(first, outer[0]).with_vector(second, outer[1])
        there = self.pairs.get(first + second)
        pairs = {**self.pairs, first + second: rest if there is None else hadamard(there, rest)}
        return replace(self, number=self.number * number, pairs=pairs)

    def matrix(self, first: str, second: str) -> Matrix | None:
        """The matrix of a pair of indices, with a row for each value of the first."""
        if first + second in self.pairs:
            return self.pairs[first + second]
        turned = self.pairs.get(second + first)
        return None if turned is None else transpose(turned)

    def partners(self, at: str) -> list[str]:
        """The indices that share a matrix with this one."""
        return [pair.replace(at, "") for pair in self.pairs if at in pair]

    def renamed(self, names: dict[str, str]) -> Entries:
        """The same with other names for indices."""
        out = Entries(self.number, self.numbers)
        for at, vector in self.vectors.items():
            out = out.with_vector(names.get(at, at), vector)
        for pair, matrix in self.pairs.items():
            out = out.with_pair(names.get(pair[0], pair[0]), names.get(pair[1], pair[1]), matrix)
        return out

    def together(self, other: Entries) -> Entries:
        """The product of two terms."""
        out = replace(self, number=self.number * other.number, numbers=(*self.numbers, *other.numbers))
        for at, vector in other.vectors.items():
            out = out.with_vector(at, vector)
        for pair, matrix in other.pairs.items():
            out = out.with_pair(pair[0], pair[1], matrix)
        return out

    def summed(self, at: str, size: Any, row: Matrix | None = None) -> Entries:
        """The sum over an index that takes so many values, each weighted by the entry of a row."""
        partners, weights = self.partners(at), self.vectors.get(at)
        left = replace(
            self,
            vectors={k: v for k, v in self.vectors.items() if k != at},
            pairs={k: v for k, v in self.pairs.items() if at not in k},
        )
        if len(partners) > 2:
            raise NotClosed(
                "a sum over an index that three matrices share is no product of matrices",
                "the action on a change and on an upstream gradient are given instead",
            )
        if not partners:
            if row is not None:
                return left.with_number(matmul(row, ones(size, 1) if weights is None else weights))
            return left.times(size) if weights is None else left.with_number(whole("sum", weights))
        if row is not None:
            weights = transpose(row) if weights is None else chained(transpose(row), weights)
        first = self.matrix(partners[0], at)
        if len(partners) == 1:
            return left.with_vector(partners[0], _applied(first, ones(size, 1) if weights is None else weights))
        inner = [first] if weights is None else [first, diag(weights)]
        return left.with_pair(partners[0], partners[1], matmul(*inner, self.matrix(at, partners[1])))


def _outer(matrix: Matrix) -> tuple[Matrix, Matrix] | None:
    """(u, v) where the matrix is u v^T."""
    if not isinstance(matrix, x.Matmul):
        return None
    for k, factor in enumerate(matrix.args[:-1], 1):
        if factor.shape[1] == 1:
            return matmul(*matrix.args[:k]), transpose(matmul(*matrix.args[k:]))
    return None


def _applied(matrix: Matrix, vector: Matrix) -> Matrix:
    """matrix vector; some columns of the identity put the vector between zeros."""
    turned = transpose(matrix)
    if isinstance(turned, x.Block) and isinstance(turned.args[0], x.Eye):
        inner, row, rows, col, cols = turned.args
        if (col, cols) == (0, inner.shape[0]):
            after = sp.expand(inner.shape[0] - row - rows)
            parts = [zeros(row, 1)] if row != 0 else []
            return concat(*parts, vector, *([zeros(after, 1)] if after != 0 else []))
    return matmul(matrix, vector)


def through(term: Entries, at: str, matrix: Matrix) -> Entries:
    """Replace the index by that of the rows of a matrix: sum over s of matrix_{at s} term_s."""
    rows, size = matrix.shape
    if size == 1:
        return term.with_vector(at, matrix)
    if rows == 1:
        return term.renamed({at: SUMMED}).summed(SUMMED, size, matrix)
    return term.renamed({at: SUMMED}).with_pair(at, SUMMED, matrix).summed(SUMMED, size)


def read(expr: Matrix, symbol: Quantity) -> list[Entries]:
    """The terms of an expression that is linear in the symbol, in the indices ROW, COL by K, L."""
    if expr == symbol:
        rows, cols = symbol.shape
        seed = Entries()
        seed = seed.with_pair(ROW, K, eye(rows)) if rows != 1 else seed
        return [seed.with_pair(COL, L, eye(cols)) if cols != 1 else seed]
    if symbol not in quantities(expr):
        return []
    row = READ.get(type(expr))
    if row is None:
        raise no_row(expr, "symlstm.calculus.entries.READ")
    return row(expr, symbol)


def _sum(expr: Matrix, symbol: Quantity) -> list[Entries]:
    return [term for part in expr.args for term in read(part, symbol)]


def _scale(expr: Matrix, symbol: Quantity) -> list[Entries]:
    return [term.times(expr.args[0]) for term in read(expr.args[1], symbol)]


def _weighted(terms: list[Entries], weights: Matrix) -> list[Entries]:
    rows, cols = weights.shape
    if rows != 1 and cols != 1:
        return [term.with_pair(ROW, COL, weights) for term in terms]
    at, vector = (ROW, weights) if cols == 1 else (COL, transpose(weights))
    return [term.with_vector(at, vector) for term in terms]


def _product(expr: Matrix, symbol: Quantity) -> list[Entries]:
    place = next(k for k, f in enumerate(expr.args) if symbol in quantities(f))
    others = [*expr.args[:place], *expr.args[place + 1 :]]
    terms = read(expr.args[place], symbol)
    for weights in reversed(others):
        terms = _weighted(terms, weights)
    return terms


def _matmul(expr: Matrix, symbol: Quantity) -> list[Entries]:
    place = next(k for k, f in enumerate(expr.args) if symbol in quantities(f))
    before, after = expr.args[:place], expr.args[place + 1 :]
    steps = [(ROW, matmul(*before))] if before else []
    steps += [(COL, transpose(matmul(*after)))] if after else []
    steps.sort(key=lambda step: step[1].shape[0] != 1)  # what makes a number of an index goes first
    terms = read(expr.args[place], symbol)
    for at, matrix in steps:
        terms = [through(term, at, matrix) for term in terms]
    return terms


def _transposed(expr: Matrix, symbol: Quantity) -> list[Entries]:
    return [term.renamed({ROW: COL, COL: ROW}) for term in read(expr.args[0], symbol)]


def _concat(expr: Matrix, symbol: Quantity) -> list[Entries]:
    found, start, full = [], sp.S.Zero, expr.shape[0]
    for part in expr.args:
        rows = part.shape[0]
        placed = transpose(block(eye(full), start, rows, 0, full))
        found += [through(term, ROW, placed) for term in read(part, symbol)]
        start = sp.expand(start + rows)
    return found


def _block(expr: Matrix, symbol: Quantity) -> list[Entries]:
    inner, row, rows, col, cols = expr.args
    terms = read(inner, symbol)
    for at, start, count, full in ((ROW, row, rows, inner.shape[0]), (COL, col, cols, inner.shape[1])):
        if (start, count) != (0, full):
            terms = [through(term, at, block(eye(full), start, count, 0, full)) for term in terms]
    return terms


def _spread(expr: Matrix, symbol: Quantity) -> list[Entries]:
    return read(expr.args[0], symbol)


def _diag(expr: Matrix, symbol: Quantity) -> list[Entries]:
    return [term.with_pair(ROW, COL, eye(expr.shape[0])) for term in read(expr.args[0], symbol)]


def _apply(expr: Matrix, symbol: Quantity) -> list[Entries]:
    if expr.function == "divide":
        above, below = expr.arrays
        return _weighted(read(above, symbol), divide(ones_like(below), below))
    if expr.function == "where":
        condition, a, b = expr.arrays
        one, nothing = ones_like(a), zeros(*a.shape)
        chosen = _weighted(read(a, symbol), choose(condition, one, nothing))
        return chosen + _weighted(read(b, symbol), choose(condition, nothing, one))
    raise no_row(expr, "symlstm.calculus.entries.READ")


READ: dict[type, Callable[[Matrix, Quantity], list[Entries]]] = {
    x.Add: _sum,
    x.Scale: _scale,
    x.Hadamard: _product,
    x.Matmul: _matmul,
    x.Transposed: _transposed,
    x.Concat: _concat,
    x.Block: _block,
    x.Spread: _spread,
    x.Diag: _diag,
    x.Apply: _apply,
}
"""How the terms of a node are made of those of the one argument that has the symbol."""


def as_jacobian(terms: list[Entries], rows: Any, cols: Any) -> Matrix:
    """The matrix of a map between vectors: entry r, k."""
    return add(*[_as_matrix(term, rows, cols) for term in terms]) if terms else zeros(rows, cols)


def _as_matrix(term: Entries, rows: Any, cols: Any) -> Matrix:
    u, v, inner = term.vectors.get(ROW), term.vectors.get(K), term.matrix(ROW, K)
    if inner is None:
        left, right = ones(rows, 1) if u is None else u, ones(cols, 1) if v is None else v
        found = matmul(left, transpose(right))
    else:
        found = matmul(
            *[f for f in (None if u is None else diag(u), inner, None if v is None else diag(v)) if f is not None]
        )
    for number in term.numbers:
        found = matmul(number, found) if rows == 1 else matmul(diag(spread(number, rows, 1)), found)
    return scale(term.number, found)
