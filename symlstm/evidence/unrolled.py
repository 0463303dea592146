"""The cell unrolled over some steps, as an oracle of backpropagation through time, and its formulas at one of them.

Every step is the user's own equations again, its previous states being what the step before gave. Formulas of step t
are written out node by node for a step that is a number, without the simplifications that derivations use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from symlstm.equations import Cell
from symlstm.evidence.program import Program, substituted
from symlstm.expr.nodes import Add, Quantity, T, Zeros, quantity, t
from symlstm.expr.time import SumOver


@dataclass(frozen=True)
class Unrolled:
    """`cell` over the steps 1, ..., `steps`. symbols: all of step t that formulas may name; zero: those that are 0
    at the step after the last."""

    cell: Cell
    steps: int
    equations: tuple[tuple[Quantity, Any], ...]
    symbols: tuple[Quantity, ...]
    zero: tuple[Quantity, ...] = ()

    def at(self, q: Quantity, step: int) -> Quantity:
        """A quantity of step t at a step that is a number: x_2, and h_1 for h_{t-1} at step 2."""
        return q if q.time is None or not q.time.has(t) else self.cell.at(q, q.time.subs(t, step))

    @cached_property
    def program(self) -> Program:
        """The equations of all steps, the earliest first."""
        leaves = (*(s.previous for s in self.cell.states), *self.cell.inputs, *self.cell.parameters)
        every = (*leaves, *(q for q, _ in self.equations))
        steps = [{q: self.at(q, k) for q in every} for k in range(1, self.steps + 1)]
        equations = [(step[q], substituted(expr, step)) for step in steps for q, expr in self.equations]
        return Program(self.cell, tuple(equations), function=self.cell.function, steps=tuple(steps))

    def formula(self, expr: Any, step: int) -> Any:
        """A formula of step t at that step, sums over time written out."""
        if isinstance(expr, SumOver):
            term, index, *bounds = expr.args
            if index != t:
                raise ValueError(f"a sum over {index}")
            first, last = (int(bound.subs(T, self.steps)) for bound in bounds)
            terms = [self.formula(term, k) for k in range(first, last + 1)]
            return Add(*terms) if len(terms) > 1 else terms[0] if terms else Zeros(*term.shape)
        return substituted(expr, self._symbols_at(step))

    def _symbols_at(self, step: int) -> Mapping[Any, Any]:
        """What each symbol of a formula is at that step: those of step t and of step t+1; of step 1 they are it."""
        last = self.steps
        found: dict[Any, Any] = {}
        for q in self.symbols:
            found[q] = self.at(q, step)
            if q.time == t:
                after = self.cell.at(q, t + 1)
                found[after] = self.at(q, step + 1) if step < last else self._after_the_last(after, q)
        return found

    def _after_the_last(self, after: Quantity, q: Quantity) -> Any:
        """Nothing follows the last step: gradients are 0, and what they are multiplied by may be any number."""
        if q.role == "value":
            return self.at(q, self.steps)
        zero = quantity(after.name, after.shape, T + 1, after.role, after.base)
        return Zeros(*after.shape) if zero in self.zero else after


def symbols_of(cell: Cell, others: Iterable[Quantity]) -> tuple[Quantity, ...]:
    """Everything of step t that a formula may name: the quantities of the cell, and `others`, each once."""
    return tuple(dict.fromkeys([*cell.by_name.values(), *others]))
