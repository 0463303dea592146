"""A Jacobian as a sum of diag(vector) matrix: the form in which it is computed without products with diagonals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.codegen.arrays import MATRIX, ROW, kind, thin
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, add, block, diag, hadamard, matmul, ones, scale, spread
from symlstm.expr.choices import chained


@dataclass(frozen=True)
class Term:
    """diag(vector) matrix; vector None stands for ones, matrix None for the identity.

    A matrix with one row stands for that row under every entry of the vector (an outer product).
    """

    vector: Matrix | None
    matrix: Matrix | None

    def scaled(self, by: Matrix | None) -> Term:
        if by is None:
            return self
        return Term(by if self.vector is None else chained(by, self.vector), self.matrix)

    def vector_of(self, rows: Any) -> Matrix:
        return ones(rows, 1) if self.vector is None else self.vector

    def expr(self, rows: Any) -> Matrix:
        """The term as an ordinary expression."""
        if self.matrix is None:
            return diag(self.vector_of(rows))
        if self.matrix.shape[0] == 1:
            return matmul(self.vector_of(rows), self.matrix)
        return self.matrix if self.vector is None else matmul(diag(self.vector), self.matrix)


def terms_of(expr: Matrix) -> list[Term]:
    """The terms of a matrix, one for each matrix that occurs in it."""
    together: dict[Matrix | None, list[Matrix | None]] = {}
    for term in _terms(expr):
        together.setdefault(term.matrix, []).append(term.vector)
    rows = expr.shape[0]
    out = []
    for matrix, vectors in together.items():
        if len(vectors) == 1:
            out.append(Term(vectors[0], matrix))
        else:
            out.append(Term(add(*[Term(v, None).vector_of(rows) for v in vectors]), matrix))
    return [t for t in out if not isinstance(t.vector, x.Zeros)]


def row_by_terms(expr: Matrix) -> Matrix:
    """A row times a sum of matrices as a sum of rows: r (diag(v) M) as (r diag(v)) M, with no matrix in between."""
    if isinstance(expr, x.Scale):
        return scale(expr.args[0], row_by_terms(expr.args[1]))
    if isinstance(expr, x.Add):
        return add(*[row_by_terms(a) for a in expr.args])
    if not isinstance(expr, x.Matmul) or expr.args[0].shape[0] != 1 or kind(expr) != ROW:
        return expr
    row, rest = expr.args[0], matmul(*expr.args[1:])
    if kind(row) != ROW or kind(rest) != MATRIX:
        return expr
    parts = []
    for term in terms_of(rest):
        scaled = row if term.vector is None else matmul(row, diag(term.vector))
        if term.matrix is None:
            parts.append(scaled)
        elif term.matrix.shape[0] == 1:
            parts.append(matmul(matmul(row, term.vector_of(rest.shape[0])), term.matrix))
        else:
            parts.append(matmul(scaled, term.matrix))
    return add(*parts)


def _terms(expr: Matrix) -> list[Term]:
    if isinstance(expr, x.Zeros):
        return []
    if isinstance(expr, x.Eye):
        return [Term(None, None)]
    if isinstance(expr, x.Diag):
        return [Term(expr.args[0], None)]
    if isinstance(expr, x.Add):
        return [t for a in expr.args for t in _terms(a)]
    if isinstance(expr, x.Scale):
        by = scale(expr.args[0], ones(expr.shape[0], 1))
        return [t.scaled(by) for t in _terms(expr.args[1])]
    if isinstance(expr, x.Hadamard):
        numbers = [f for f in expr.args if thin(f)]
        others = [f for f in expr.args if not thin(f)]
        if numbers and others and all(isinstance(f, x.Spread) for f in numbers):
            by = hadamard(*[spread(f.args[0], expr.shape[0], 1) for f in numbers])
            return [t.scaled(by) for t in _terms(hadamard(*others))]
    if isinstance(expr, x.Block):
        return _rows_taken(expr)
    if isinstance(expr, x.Matmul):
        first, rest = expr.args[0], matmul(*expr.args[1:])
        return _product(first, rest)
    return [Term(None, expr)]


def _rows_taken(expr: Matrix) -> list[Term]:
    inner, row, rows, col, cols = expr.args
    if kind(expr) != MATRIX or (col, cols) != (0, inner.shape[1]) or isinstance(inner, (x.Quantity, x.Transposed)):
        return [Term(None, expr)]
    out = []
    for term in _terms(inner):
        matrix = x.Eye(inner.shape[0]) if term.matrix is None else term.matrix
        vector = None if term.vector is None else block(term.vector, row, rows, 0, 1)
        out.append(Term(vector, matrix if matrix.shape[0] == 1 else block(matrix, row, rows, 0, cols)))
    return out


def _product(first: Matrix, rest: Matrix) -> list[Term]:
    """first times each term of the rest; what would be several products of large matrices is added up before."""
    if isinstance(first, x.Add):
        return [t for a in first.args for t in _product(a, rest)]
    if isinstance(first, x.Scale):
        by = scale(first.args[0], ones(first.shape[0], 1))
        return [t.scaled(by) for t in _product(first.args[1], rest)]
    if isinstance(first, x.Diag):
        return [t.scaled(first.args[0]) for t in _terms(rest)]
    if kind(rest) == ROW:
        return [Term(None if isinstance(first, x.Ones) else first, rest)]
    if isinstance(rest, x.Concat):
        out, start = [], sp.S.Zero
        for part in rest.args:
            out += _product(block(first, 0, first.shape[0], start, part.shape[0]), part)
            start = sp.expand(start + part.shape[0])
        return out
    inner = _terms(rest)
    if len(inner) == 1 and inner[0] == Term(None, rest):
        return [Term(None, x.Matmul(*_flat(first), *_flat(rest)))]
    diagonals = [t for t in inner if t.matrix is None]
    dense = [t.expr(rest.shape[0]) for t in inner if t.matrix is not None]
    out = [Term(None, matmul(first, t.expr(rest.shape[0]))) for t in diagonals]
    return out + ([Term(None, matmul(first, add(*dense)))] if dense else [])


def _flat(expr: Matrix) -> tuple[Matrix, ...]:
    return expr.args if isinstance(expr, x.Matmul) else (expr,)
