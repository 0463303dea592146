"""A state Jacobian as random-matrix theory wants it: diagonal matrices, and dense parameters between diagonal ones.

J = M + sum_k L_k U_k R_k, where M, L_k and R_k are diagonal in every block and U_k are recurrent weights. Found from
the derived blocks at one state: the sums and products are carried out on triples (left, U, right).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from symlstm.calculus.derivation import derive
from symlstm.codegen import formula
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix
from symlstm.expr.text import text
from symlstm.expr.tree import quantities
from symlstm.gradient_flow.reading import Array

Vector = Callable[[Matrix], Array]


@dataclass(frozen=True)
class Term:
    """diag(left) U diag(right); U None: the identity."""

    left: Array
    matrix: Matrix | None
    right: Array

    @property
    def zero(self) -> bool:
        return not (np.any(self.left) and np.any(self.right))


@dataclass(frozen=True)
class Random:
    """One U with what stands around it: left[i], a vector for each state i; right, of the state j = column."""

    matrix: Matrix
    left: dict[int, Array]
    column: int
    right: Array


@dataclass(frozen=True)
class Structure:
    """diagonal: M as (states, states, n). random: the L_k U_k R_k."""

    diagonal: Array
    random: tuple[Random, ...]


def structure(cell: Cell, known: dict[str, Array], sizes: dict[str, int], lengths: tuple[int, ...]) -> Structure:
    """J = M + sum of L U R at a state whose quantities are known. RuleMissing says why there is no such form."""
    if len(set(lengths)) > 1:
        said = ", ".join(f"{s.current.name} has {n}" for s, n in zip(cell.states, lengths, strict=True))
        raise RuleMissing(f"the states have different sizes ({said})")

    def vector(expr: Matrix) -> Array:
        return np.broadcast_to(formula(expr)(known, sizes), (lengths[0],))

    count = len(cell.states)
    diagonal = np.zeros((count, count, lengths[0]))
    found: list[Random] = []
    for i, s in enumerate(cell.states):
        for j, r in enumerate(cell.states):
            for term in _terms(derive(cell, s.current.name, r.previous.name).result, vector, lengths[0]):
                if term.matrix is None:
                    diagonal[i, j] += term.left * term.right
                else:
                    _put(found, term, i, j)
    return Structure(diagonal, tuple(found))


def _put(found: list[Random], term: Term, i: int, j: int) -> None:
    """Beside what stands left of the same U already."""
    assert term.matrix is not None
    for other in found:
        if other.matrix == term.matrix:
            if other.column != j or not np.array_equal(other.right, term.right):
                raise RuleMissing(f"{text(term.matrix)} stands in two places of J that do not go together")
            other.left[i] = other.left.get(i, np.zeros_like(term.left)) + term.left
            return
    found.append(Random(term.matrix, {i: term.left}, j, term.right))


def _terms(expr: Matrix, vector: Vector, n: int) -> list[Term]:
    """The sum that an expression is, without what is zero."""
    return [term for term in _all(expr, vector, n) if not term.zero]


def _all(expr: Matrix, vector: Vector, n: int) -> list[Term]:
    one = np.ones(n)
    if isinstance(expr, x.Zeros):
        return []
    if isinstance(expr, x.Eye):
        return [Term(one, None, one)]
    if isinstance(expr, x.Diag):
        return [Term(vector(expr.args[0]), None, one)]
    if isinstance(expr, x.Add):
        return [term for a in expr.args for term in _terms(a, vector, n)]
    if isinstance(expr, x.Scale):
        return [Term(float(expr.args[0]) * t.left, t.matrix, t.right) for t in _terms(expr.args[1], vector, n)]
    if isinstance(expr, x.Matmul):
        product = [Term(one, None, one)]
        for a in expr.args:
            after = _terms(a, vector, n)
            product = [both for p in product for q in after for both in _product(p, q) if not both.zero]
        return product
    if expr.shape[1] != 1 and all(q.time is None for q in quantities(expr)):
        return [Term(one, expr, one)]
    raise RuleMissing(f"{text(expr)} in J is neither diagonal nor a parameter")


def _product(a: Term, b: Term) -> list[Term]:
    if a.matrix is not None and b.matrix is not None:
        if not np.any(a.right * b.left):
            return []
        raise RuleMissing(f"J contains the product of {text(a.matrix)} and {text(b.matrix)}")
    if a.matrix is None:
        return [Term(a.left * a.right * b.left, b.matrix, b.right)]
    return [Term(a.left, a.matrix, a.right * b.left * b.right)]
