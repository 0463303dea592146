"""What the quantities of a cell can be: for given parameters and any input within bounds, at every step."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.calculus.solution import linear_in
from symlstm.equations import Cell
from symlstm.evidence.interpret import evaluate
from symlstm.expr import nodes as x
from symlstm.expr.build import Matrix, hadamard, one_minus, split_number
from symlstm.expr.nodes import Quantity, quantity
from symlstm.expr.tree import replace
from symlstm.gradient_flow.intervals import EPS, Interval, Intervals, point

FIELD = Intervals()
SWEEPS = 20


class Ranges:
    """Intervals of all quantities. sizes: of n, m, ...; unbounded: the states of which no bound is found.

    Of runs that start at zero, or within the ranges. A state s_t = a s_{t-1} + b with |a| <= A < 1 and |b| <= B stays
    within B / (1 - A); one that is a s_{t-1} + (1 - a) v with a in [0, 1] stays where v is; other states are bounded by
    what they are made of, such as o tanh(c).
    """

    def __init__(self, cell: Cell, parameters: dict[str, Any], sizes: dict[str, int], largest_input: float) -> None:
        self.cell = cell
        self.sizes = tuple((d, sizes[str(d)]) for d in cell.dims if str(d) in sizes)
        self.values: dict[Quantity, Interval] = {}
        for q in cell.parameters:
            self.values[q] = point(np.reshape(parameters[q.name], self._shape(q)))
        for q in cell.inputs:
            ends = np.full(self._shape(q), float(largest_input))
            self.values[q] = Interval(-ends, ends)
        for s in cell.states:
            ends = np.full(self._shape(s.previous), np.inf)
            self.values[s.previous] = Interval(-ends, ends)
        for _ in range(SWEEPS):
            if not self._sweep():
                break

    def _shape(self, q: Quantity) -> tuple[int, int]:
        rows, cols = (int(length.subs(dict(self.sizes))) for length in q.shape)
        return rows, cols

    def _sweep(self) -> bool:
        """Every equation once; whether a state has become narrower."""
        for e in self.cell.equations:
            self.values[e.quantity] = self.of(e.expr)
        narrower = False
        for s in self.cell.states:
            before, found = self.values[s.previous], self.values[s.current]
            form = linear_in(self.cell, s)
            if not isinstance(form, str):
                factor, rest = self.of(form[0]).largest, self.of(form[1]).largest
                with np.errstate(divide="ignore", invalid="ignore"):
                    most = np.where(factor < 1, (1 + 4 * EPS) * rest / (1 - factor), np.inf)
                found = Interval(np.maximum(found.low, -most), np.minimum(found.high, most))
                between = self._between(*form)
                if between is not None:
                    found = Interval(np.maximum(found.low, between.low), np.minimum(found.high, between.high))
            low, high = np.minimum(found.low, 0.0), np.maximum(found.high, 0.0)  # it starts at zero
            now = Interval(np.maximum(before.low, low), np.minimum(before.high, high))
            narrower |= bool((now.low > before.low).any() or (now.high < before.high).any())
            self.values[s.previous] = now
        return narrower

    def _between(self, a: Matrix, b: Matrix) -> Interval | None:
        """Where s_t = a s_{t-1} + (1 - a) v stays: where v is (and zero, where it starts)."""
        gate = self.of(a)
        if not isinstance(b, x.Hadamard) or (gate.low < 0).any() or (gate.high > 1).any():
            return None
        for f in b.args:
            if _opened(self.cell, f) == one_minus(a) or _opened(self.cell, a) == one_minus(f):
                v = self.of(hadamard(*[other for other in b.args if other != f]))
                return Interval(np.minimum(v.low, 0.0), np.maximum(v.high, 0.0))
        return None

    def of(self, expr: Matrix) -> Interval:
        """The interval of an expression; s (1 - s) is at most 1/4."""
        bumps: dict[Matrix, Matrix] = {}
        values = dict(self.values)
        for node in _hadamards(expr):
            self._bump(node, bumps, values)
        found: Interval = evaluate(replace(expr, bumps), values, self.sizes, FIELD)
        return found

    def _bump(self, node: Matrix, bumps: dict[Matrix, Matrix], values: dict[Quantity, Interval]) -> None:
        for q in node.args:
            rest = [f for f in node.args if f != q]
            other = next((f for f in rest if _one_minus(f) == q), None)
            if isinstance(q, Quantity) and other is not None and q in self.values:
                symbol = quantity(f"{q.name} (1 - {q.name})", q.shape, q.time)
                s = self.values[q]
                ends = np.stack([s.low * (1 - s.low), s.high * (1 - s.high)])
                inside = (s.low <= 0.5) & (s.high >= 0.5)
                low, high = ends.min(axis=0) * (1 - 4 * EPS), ends.max(axis=0) * (1 + 4 * EPS)
                values[symbol] = Interval(low, np.where(inside, 0.25, high))
                rest.remove(other)
                bumps[node] = hadamard(*rest, symbol)
                return

    @property
    def unbounded(self) -> list[str]:
        return [s.current.name for s in self.cell.states if not self.values[s.previous].bounded]


def _opened(cell: Cell, expr: Matrix) -> Matrix:
    """What a gate is where it is the rest of another: f = 1 - i."""
    found = cell.equation(expr) if isinstance(expr, Quantity) else None
    return found.expr if found is not None and isinstance(found.expr, x.Add) else expr


def _hadamards(expr: Any) -> list[Matrix]:
    if isinstance(expr, Quantity) or not hasattr(expr, "shape"):
        return []
    inner = [n for a in expr.args for n in _hadamards(a)]
    return [*inner, expr] if isinstance(expr, x.Hadamard) else inner


def _one_minus(expr: Matrix) -> Matrix | None:
    if isinstance(expr, x.Add) and len(expr.args) == 2 and isinstance(expr.args[0], x.Ones):
        number, rest = split_number(expr.args[1])
        return rest if number == -1 else None
    return None
