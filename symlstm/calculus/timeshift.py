"""Time as a symbol: an expression of step t as it stands at another step (t+1, or the first)."""

from __future__ import annotations

import sympy as sp

from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity, quantity, t
from symlstm.expr.tree import quantities, replace


def at_step(cell: Cell, expr: Matrix, time: sp.Expr) -> Matrix:
    """The expression of step t at step `time`: h_{t-1} at step t+1 is h_t, at step 1 it is h_0."""
    return replace(expr, {q: quantity_at(cell, q, time) for q in quantities(expr)})


def quantity_at(cell: Cell, q: Quantity, time: sp.Expr) -> Quantity:
    """A quantity of step t at step `time`; a parameter is itself.

    What a step calls the previous state is what the step before calls its new state.
    """
    if q.time is None or time == t:
        return q
    state = next((s for s in cell.states if s.previous == q), None)
    if state is not None:
        return quantity_at(cell, state.current, time - 1)
    when = sp.expand(q.time.subs(t, time))
    name = cell.name_at(q.name, "next" if when == t + 1 else str(when))
    return quantity(name, q.shape, when, q.role, q.base)
