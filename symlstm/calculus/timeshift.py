"""Time as a symbol: an expression of step t as it stands at another step (t+1, or the first)."""

from __future__ import annotations

import sympy as sp

from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity, t
from symlstm.expr.time import at_times


def at_step(cell: Cell, expr: Matrix, time: sp.Expr) -> Matrix:
    """The expression of step t at step `time`: h_{t-1} at step t+1 is h_t, at step 1 it is h_0."""
    return at_times(expr, {t: time}, cell.at)


def quantity_at(cell: Cell, q: Quantity, time: sp.Expr) -> Quantity:
    """A quantity of step t at step `time`; a parameter is itself."""
    return q if q.time is None else cell.at(q, q.time.subs(t, time))
