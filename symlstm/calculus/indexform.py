"""A derivative with more than two indices, kept as a sum of products of entries: d c_i / d W_jk = δ_ij (...)_i (hx)_k.

The letters i, j, ... run first over what is differentiated, then over what it is differentiated by: by a matrix, a
vector has i and j, k; a matrix has i, j and by a vector k, by a matrix k, l.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.calculus.entries import COL, ROW, SUMMED, Entries, K, L, read
from symlstm.calculus.forward import Jacobians, forward
from symlstm.calculus.graph import Graph
from symlstm.calculus.rewriting import change_symbol
from symlstm.expr.build import Matrix, add, diag, matmul, ones, scale, split_number, transpose
from symlstm.expr.nodes import Diag, Eye, Quantity
from symlstm.expr.tree import quantities

LETTERS = "ijkl"
_TAKING = ((ROW, K), (COL, L), (ROW, L), (COL, K))
"""Pairs of indices whose matrix takes in the vectors of its indices as diagonals, the first that can."""


@dataclass(frozen=True)
class IndexTerm:
    """A product of entries: (array, letters), one letter for a vector, two for a matrix, none for a number."""

    factors: tuple[tuple[Matrix, str], ...]

    @property
    def expr(self) -> sp.Expr:
        """The term as a SymPy number with free indices i, j, ..."""
        symbols = {letter: sp.Symbol(letter, integer=True) for letter in LETTERS}
        found = []
        for array, letters in self.factors:
            row, col = (*(symbols[letter] for letter in letters), 0, 0)[:2]
            found.append(array._entry(row, col))
        return sp.Mul(*found)

    @property
    def matrices(self) -> tuple[Matrix, ...]:
        return tuple(array for array, _ in self.factors)


def diagonal_of(matrix: Matrix) -> Matrix | None:
    """The vector on the diagonal of a matrix, where that is all."""
    return matrix.args[0] if isinstance(matrix, Diag) else None


def is_identity(matrix: Matrix) -> bool:
    """Whether a matrix is the identity, perhaps times a number."""
    return isinstance(split_number(matrix)[1], Eye)


def letters_of(of: Any, wrt: Any) -> dict[str, str]:
    """Index of entries -> letter, for the sizes that are not one."""
    sizes = zip((ROW, COL, K, L), (*of.shape, *wrt.shape), strict=True)
    return dict(zip([at for at, size in sizes if size != 1], LETTERS, strict=False))


def index_form(graph: Graph, of: Quantity) -> tuple[IndexTerm, ...]:
    """d of / d graph.wrt as a sum of terms; empty where it is zero. Raises NotClosed where there is none."""
    done = forward(graph, of)
    known: dict[Quantity, list[Entries]] = {}
    if of not in done.moving:
        return ()
    letters = letters_of(of, graph.wrt)
    return _collected([_named(term, letters) for term in _terms(of, done, known)])


def _terms(q: Quantity, done: Jacobians, known: dict[Quantity, list[Entries]]) -> list[Entries]:
    """The terms of a quantity by wrt, through those of the vectors on the way."""
    if q not in known:
        wrt = done.wrt
        change = change_symbol(q) if q == wrt else done.changes.get(q)
        if change is None:
            change = matmul(done.results[q], change_symbol(wrt))
        symbols = {s: r for r in done.moving if (s := change_symbol(r)) in quantities(change)}
        found = []
        for symbol, r in symbols.items():
            outer = read(change, symbol)
            inner = [Entries()] if r == wrt else _terms(r, done, known)
            found += outer if r == wrt else [_composed(a, b, r) for a in outer for b in inner]
        known[q] = found
    return known[q]


def _composed(outer: Entries, inner: Entries, through: Quantity) -> Entries:
    """A term by a vector, and one of that vector by something else: the sum over the vector."""
    product = outer.renamed({K: SUMMED}).together(inner.renamed({ROW: SUMMED}))
    size = through.shape[0]
    return product if size == 1 else product.summed(SUMMED, size)


def _named(term: Entries, letters: dict[str, str]) -> IndexTerm:
    """The factors in the order of reading; vectors go into the diagonals of matrices where they can."""
    vectors, factors = dict(term.vectors), []
    for first, second in (*_TAKING, (ROW, COL), (K, L)):
        matrix = term.matrix(first, second)
        if matrix is not None:
            left, right = (vectors.pop(at, None) if (first, second) in _TAKING else None for at in (first, second))
            matrix = matmul(*([] if left is None else [diag(left)]), matrix, *([] if right is None else [diag(right)]))
            factors.append(_factor(matrix, letters[first], letters[second]))
    factors += [(vector, letters[at]) for at, vector in vectors.items()]
    factors = [*((number, "") for number in term.numbers), *sorted(factors, key=lambda factor: factor[1])]
    return IndexTerm(_scaled(tuple(factors), term.number))


def _factor(matrix: Matrix, first: str, second: str) -> tuple[Matrix, str]:
    if first > second:
        first, second, matrix = second, first, transpose(matrix)
    return matrix, first + second


def _scaled(factors: tuple[tuple[Matrix, str], ...], number: Any) -> tuple[tuple[Matrix, str], ...]:
    """The number goes to the first factor, and numbers of factors that follow as well."""
    split = [(*split_number(array), at) for array, at in factors]
    number = number * sp.Mul(*[n for n, _, _ in split])
    if not split:
        return ((scale(number, ones(1, 1)), ""),)
    (_, array, at), *others = split
    return ((scale(number, array), at), *((a, b) for _, a, b in others))


def _collected(terms: list[IndexTerm]) -> tuple[IndexTerm, ...]:
    """Terms that differ in their first factor alone together."""
    together: dict[tuple[Any, ...], list[Matrix]] = {}
    for term in terms:
        (array, at), *others = term.factors
        together.setdefault((at, *others), []).append(array)
    summed = [((add(*arrays), at), *others) for (at, *others), arrays in together.items()]
    return tuple(IndexTerm(factors) for factors in summed)
