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
    moved: dict[Quantity, Quantity] = {}
    for state in cell.states:
        moved[state.current] = state.previous
        moved[state.previous] = state.previous.shifted(-1, cell.name_before(state.previous.name))
    for q in (*(e.quantity for e in cell.equations), *cell.inputs):
        moved.setdefault(q, q.shifted(-1, cell.name_before(q.name)))
    return tuple(Equation(moved[e.quantity], replace(e.expr, moved), e.note) for e in cell.equations)


def graph(cell: Cell, wrt: Quantity, paths: str) -> Graph:
    """The graph for paths="partial" (this step alone) or paths="total" (the step before as well)."""
    equations = cell.equations
    if paths == "total" and any(wrt == state.previous for state in cell.states):
        equations = (*earlier_equations(cell), *cell.equations)
    return Graph(equations, wrt)
