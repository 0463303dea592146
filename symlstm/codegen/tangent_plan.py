"""The tangents of a step as sums of terms diag(a) M v, where a alone changes with time and M is made of parameters.

So what J V needs of a step is a few vectors, which can be had for many steps at once, and the matrices are read once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from symlstm.calculus.tangents import TANGENT, tangents
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.expr.build import Matrix, hadamard, ones, scale
from symlstm.expr.nodes import Add, Diag, Matmul, Quantity, Scale, Zeros, quantity
from symlstm.expr.tree import quantities


@dataclass(frozen=True)
class Term:
    """diag(factor) matrix operand; a factor or a matrix that is None is left out. operand: a tangent."""

    factor: Matrix | None
    matrix: Matrix | None
    operand: Quantity


@dataclass(frozen=True)
class Sum:
    """quantity = the sum of the terms, nothing but zeros where there is none."""

    quantity: Quantity
    terms: tuple[Term, ...]


@dataclass(frozen=True)
class Plan:
    """given: the tangents of the previous states. sums: in the order of their computation. new: of the new states."""

    given: tuple[Quantity, ...]
    sums: tuple[Sum, ...]
    new: tuple[Quantity, ...]


@lru_cache(maxsize=64)
def plan_of(cell: Cell) -> Plan | None:
    """The plan; None where a matrix that is no diagonal changes with time, as behind a softmax or a norm."""
    try:
        found = tangents(cell)
    except RuleMissing:
        return None
    named: list[Sum] = []
    for e in found.equations:
        terms = _terms(e.expr, None, named)
        if terms is None:
            return None
        named.append(Sum(e.quantity, tuple(terms)))
    of = {e.of: e.quantity for e in found.equations}
    return Plan(tuple(found.given.values()), tuple(named), tuple(of[s.current] for s in cell.states))


def _terms(expr: Matrix, factor: Matrix | None, named: list[Sum]) -> list[Term] | None:
    """The terms of diag(factor) expr. What stands behind a matrix and is no tangent gets a name of its own."""
    if isinstance(expr, Zeros):
        return []
    if isinstance(expr, Quantity):
        return [Term(factor, None, expr)] if expr.role == TANGENT else None
    if isinstance(expr, Add):
        return _all(_terms(a, factor, named) for a in expr.args)
    if isinstance(expr, Scale):
        return _terms(expr.args[1], scale(expr.args[0], factor or ones(expr.shape[0], 1)), named)
    if not isinstance(expr, Matmul):
        return None
    first, *rest = expr.args
    inner = rest[0] if len(rest) == 1 else Matmul(*rest)
    if isinstance(first, Diag):
        return _terms(inner, first.args[0] if factor is None else hadamard(factor, first.args[0]), named)
    if any(q.time is not None for q in quantities(first)):
        return None
    if not isinstance(inner, Quantity):
        terms = _terms(inner, None, named)
        if terms is None:
            return None
        inner = quantity(f"part_{len(named)}", inner.shape, None, TANGENT)
        named.append(Sum(inner, tuple(terms)))
    return [Term(factor, first, inner)] if inner.role == TANGENT else None


def _all(found: Iterator[list[Term] | None]) -> list[Term] | None:
    terms: list[Term] = []
    for some in found:
        if some is None:
            return None
        terms += some
    return terms
