"""The whole backward pass of a step, as a result that can be shown and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from symlstm.calculus.backward import Adjoint, adjoint_symbol, sweep
from symlstm.calculus.examined import Examined
from symlstm.calculus.steps import Step
from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity
from symlstm.expr.text import text
from symlstm.expr.tree import quantities
from symlstm.registry import cell as find


@dataclass(frozen=True, repr=False)
class BackwardPass(Examined):
    """The backward pass of one step: gradients of a loss by every quantity, given those by the new states and outputs.

    adjoints: in the order of computation. upstream: the gradients that come from outside, by quantity.
    """

    cell: Cell
    upstream: dict[Quantity, Quantity]
    adjoints: tuple[Adjoint, ...]
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        return f"<backward pass of {self.cell.name}: {', '.join(text(a.quantity) for a in self.adjoints)}>"

    @property
    def gradients(self) -> dict[str, Matrix]:
        """The gradient expression by name: parameters, inputs and previous states."""
        return {a.of.name: a.expr for a in self.adjoints if self.cell.equation(a.of) is None}

    @property
    def result(self) -> Matrix:
        """The last step's outcome."""
        return self.steps[-1].after

    def depends_on(self) -> list[Quantity]:
        """The quantities of the forward pass that the backward pass needs (the cache)."""
        used = [q for a in self.adjoints for q in quantities(a.expr)]
        return [q for q in dict.fromkeys(used) if q.role == "value"]


def backward(cell: Cell | str | Callable[..., Any]) -> BackwardPass:
    """The adjoint of every quantity of one step and the gradient of every parameter."""
    cell = find(cell)
    sources = list(dict.fromkeys([*(s.current for s in cell.states), *cell.outputs]))
    swept = sweep(cell, sources)
    return BackwardPass(cell, {q: adjoint_symbol(q, "upstream") for q in sources}, swept.adjoints, swept.steps)
