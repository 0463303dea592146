"""Which equations a derivative runs over: one step (partial), or the unrolled steps before it too (total)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from symlstm.equations import Cell, Equation
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities, replace


@dataclass(frozen=True)
class Graph:
    """Equations in the order of computation, the quantity to differentiate by being cut free of its own equation."""

    equations: tuple[Equation, ...]
    wrt: Quantity

    def relevant(self, of: Quantity) -> tuple[Equation, ...]:
        """The equations on the way from `wrt` to `of`."""
        depends = {self.wrt}
        forward = []
        for equation in self.equations:
            if equation.quantity != self.wrt and any(q in depends for q in quantities(equation.expr)):
                depends.add(equation.quantity)
                forward.append(equation)
        needed = {of}
        kept = []
        for equation in reversed(forward):
            if equation.quantity in needed:
                needed.update(quantities(equation.expr))
                kept.append(equation)
        return tuple(reversed(kept))


@lru_cache(maxsize=64)
def earlier_equations(cell: Cell) -> tuple[Equation, ...]:
    """The equations of step t-1, whose states are the previous states of step t."""
    return equations_at(cell, 1)


@lru_cache(maxsize=256)
def equations_at(cell: Cell, back: int) -> tuple[Equation, ...]:
    """The equations of the step so many steps before step t, in the names of the cell at those times."""
    leaves = (*(s.previous for s in cell.states), *(e.quantity for e in cell.equations), *cell.inputs)
    earlier = {q: cell.at(q, q.time - back) for q in leaves if q.time is not None}
    return tuple(Equation(earlier[e.quantity], replace(e.expr, earlier), e.note) for e in cell.equations)


def graph(cell: Cell, wrt: Quantity, paths: str) -> Graph:
    """The graph for paths="partial" (this step alone) or paths="total" (the step before as well)."""
    equations = cell.equations
    if paths == "total" and any(wrt == state.previous for state in cell.states):
        equations = (*earlier_equations(cell), *cell.equations)
    return Graph(equations, wrt)
