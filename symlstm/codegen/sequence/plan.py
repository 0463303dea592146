"""The equations of a cell in four stages: once, before the steps, at every step, after the steps.

Each pass rewrites equations and knows no cell: products get names, those with one right-hand side become one product,
what does not depend on the previous states moves in front of the loop, what no state depends on moves behind it.
The backward pass of each stage is then derived from its equations, by the same rules as ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from symlstm.codegen.body import unbatched
from symlstm.codegen.sequence.hoisting import hoist, inline, name_blocks
from symlstm.codegen.sequence.naming import (
    Namer,
    functions_named,
    live,
    products_named,
    told_by_parameters,
    without_stacked_columns,
)
from symlstm.codegen.sequence.stacking import stack_inputs, stack_recurrent
from symlstm.codegen.sequence.stages import Stages, constant_in
from symlstm.equations import Cell, Equation
from symlstm.expr.nodes import Quantity
from symlstm.expr.tree import quantities


@dataclass(frozen=True)
class Plan:
    """once: of parameters alone. before: of inputs, for all steps. steps: the loop. after: of the loop's results."""

    cell: Cell
    once: tuple[Equation, ...]
    before: tuple[Equation, ...]
    steps: tuple[Equation, ...]
    after: tuple[Equation, ...]

    @property
    def constant(self) -> set[Quantity]:
        """What has neither time nor batch."""
        return {*self.cell.parameters, *(e.quantity for e in self.once)}


@lru_cache(maxsize=64)
def plan(cell: Cell) -> Plan:
    """The stages of a cell."""
    namer = Namer(cell)
    equations = live(cell, without_stacked_columns(cell.equations, unbatched(cell), told_by_parameters(cell)))
    equations = functions_named(equations, namer)
    equations = products_named(equations, namer, constant_in(cell, equations))
    stages = Stages(cell, namer, equations)
    hoist(stages)
    stack_recurrent(stages)
    stack_inputs(stages)
    inline(stages)
    name_blocks(stages)
    return Plan(cell, *split(stages))


def split(s: Stages) -> tuple[tuple[Equation, ...], ...]:
    """The four stages. Behind the loop goes what no state depends on and what looks at no previous state."""
    previous = {s.previous for s in s.cell.states}
    inside = {s.current for s in s.cell.states}
    for e in reversed(s.equations):
        used = quantities(e.expr)
        if e.quantity in inside or any(q in previous for q in used):
            inside.update([e.quantity, *used])
    once = [e for e in s.equations if e.quantity in s.constant]
    before = [e for e in s.equations if e.quantity not in s.constant and e.quantity not in s.recurrent]
    rest = [e for e in s.equations if e.quantity in s.recurrent]
    steps = [e for e in rest if e.quantity in inside]
    after = [e for e in rest if e.quantity not in inside]
    return tuple(once), tuple(before), tuple(steps), tuple(after)
