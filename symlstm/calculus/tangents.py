"""One sweep forward with given directions: what becomes of a change of the previous states, J V without J.

V has k columns, each a direction in the space of all previous states; v_q is the rows of it that belong to q. The
tangent of an equation q = e is the differential of e with v of every quantity in the place of its change: the same
rules as those of the Jacobians, in which the Jacobians of the arguments are v instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.calculus.linear import summed
from symlstm.calculus.rules import differential
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.expr.build import Matrix, zeros
from symlstm.expr.dims import size
from symlstm.expr.nodes import Concat, Quantity, Zeros, quantity
from symlstm.expr.tree import quantities, replace

TANGENT = "tangent"
"""The role of the symbols v_q."""


@dataclass(frozen=True)
class Tangent:
    """v_q = expr, where expr names the tangents of previous states and of earlier equations."""

    of: Quantity
    quantity: Quantity
    expr: Matrix


@dataclass(frozen=True)
class Tangents:
    """The tangents of one step: those given, and one equation for each quantity that is named. count: k."""

    count: sp.Symbol
    given: dict[Quantity, Quantity]
    equations: tuple[Tangent, ...]


def tangent_symbol(q: Quantity, count: sp.Symbol) -> Quantity:
    """v_q: a change of q in each of k directions."""
    return quantity(f"v_{q.name}", (q.shape[0], count), q.time, TANGENT, q.base)


@lru_cache(maxsize=64)
def tangents(cell: Cell) -> Tangents:
    """The tangents of all new states. A tangent that is used once is put in where it is used.

    Raises RuleMissing where a matrix depends on the previous states.
    """
    count = _free_size(cell)
    given = {s.previous: tangent_symbol(s.previous, count) for s in cell.states}
    for q in given:
        _require_vector(q)
    local: dict[Quantity, Matrix] = {}
    symbols = dict(given)
    for e in cell.equations:
        expr = _tangent(e.expr, {e.expr: e.quantity}, symbols, count)
        if not isinstance(expr, Zeros):
            _require_vector(e.quantity)
            local[e.quantity] = expr
            symbols[e.quantity] = tangent_symbol(e.quantity, count)
    return Tangents(count, given, tuple(_named(cell, local, symbols, count)))


def _named(cell: Cell, local: dict[Quantity, Matrix], symbols: dict[Quantity, Quantity], count: Any) -> list[Tangent]:
    """The equations that are kept: of new states, and of what is used several times."""
    results = {s.current for s in cell.states}
    needed: set[Quantity] = set(results)
    uses: dict[Quantity, int] = {}
    for q in reversed(list(local)):
        if q in needed:
            for other in local:
                found = _occurrences(local[q], symbols[other])
                if found:
                    needed.add(other)
                    uses[other] = uses.get(other, 0) + found
    kept: list[Tangent] = []
    inserted: dict[Matrix, Matrix] = {}
    for q, expr in local.items():
        if q not in needed:
            continue
        full = replace(expr, inserted)
        if q not in results and (uses.get(q, 0) < 2 or isinstance(full, (Concat, Quantity))):
            inserted[symbols[q]] = full
        else:
            kept.append(Tangent(q, symbols[q], full))
    made = {t.of for t in kept}
    kept += [Tangent(s.current, tangent_symbol(s.current, count), zeros(s.current.shape[0], count))
             for s in cell.states if s.current not in made]  # fmt: skip
    return kept


def _occurrences(expr: Any, symbol: Quantity) -> int:
    if expr == symbol:
        return 1
    return 0 if isinstance(expr, Quantity) else sum(_occurrences(a, symbol) for a in expr.args)


def _tangent(node: Matrix, outputs: dict[Matrix, Matrix], known: dict[Quantity, Quantity], count: Any) -> Matrix:
    if isinstance(node, Quantity):
        return known.get(node, zeros(max(node.shape, key=lambda s: s != 1), count))
    if not any(q in known for q in quantities(node)):
        return zeros(node.shape[0] if node.shape[1] == 1 else node.shape[1], count)
    terms = []
    for argument, linear in differential(node, outputs.get(node)):
        inner = _tangent(argument, outputs, known, count)
        if not isinstance(inner, Zeros):
            terms.append(linear.push(inner))
    return summed(terms) if terms else zeros(node.shape[0] if node.shape[1] == 1 else node.shape[1], count)


def _free_size(cell: Cell) -> sp.Symbol:
    """A letter for the number of directions that is no size of the cell."""
    taken = {d.name for d in cell.dims}
    return size(next(name for name in ("k", "j", "directions") if name not in taken))


def _require_vector(q: Quantity) -> None:
    if q.shape[1] != 1:
        raise RuleMissing(
            f"{q.name} is a {q.shape[0]} x {q.shape[1]} matrix that depends on the previous states",
            "symlstm.backward gives gradients through it",
        )
