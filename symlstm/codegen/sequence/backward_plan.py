"""What the backward loop keeps for all steps, what it adds up inside, and what is left for the end."""

from __future__ import annotations

from dataclasses import dataclass, field

from symlstm.calculus.backward import adjoint_symbol
from symlstm.codegen.sequence.plan import Plan
from symlstm.codegen.sequence.sweeps import PlanBack, columns, is_outer
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Quantity, quantity, t
from symlstm.expr.tree import quantities


@dataclass
class Loop:
    """What the backward loop computes.

    arrays: adjoints that are kept for all steps, each with its expression; sums: gradients of constants that are added
    up inside the loop; later: those that are computed for all steps at once; carried: for each state, the gradient that
    step t+1 sends to step t; placed: adjoints that are a part of a kept one, and where.
    """

    arrays: dict[Quantity, Matrix] = field(default_factory=dict)
    sums: dict[Quantity, Matrix] = field(default_factory=dict)
    later: dict[Quantity, Matrix] = field(default_factory=dict)
    carried: dict[Quantity, Quantity] = field(default_factory=dict)
    placed: dict[Quantity, tuple[Quantity, int]] = field(default_factory=dict)


def arrange(plan: Plan, back: PlanBack) -> Loop:
    """Decide what is kept, what is summed inside and what after the loop."""
    loop = Loop()
    constant = plan.constant
    known = {a.quantity: a.expr for a in back.steps.adjoints}
    wanted: dict[Quantity, Matrix] = {}
    previous = {s.previous for s in plan.cell.states}
    for q, expr in back.steps.gradients.items():
        if q in constant and is_outer(expr):
            wanted.update({s: known[s] for s in quantities(expr) if s in known})
        elif q not in constant and q not in previous:
            symbol = expr if expr in known else adjoint_symbol(q)
            wanted[symbol] = known.get(symbol, expr)
    loop.arrays = wanted
    for symbol, expr in wanted.items():
        for k, part in enumerate(columns(expr) or ()):
            if isinstance(part, Quantity) and part in known and part not in wanted:
                loop.placed.setdefault(part, (symbol, k))
    available = {*wanted, *loop.placed}
    for q, expr in back.steps.gradients.items():
        if q in constant:
            inside = [s for s in quantities(expr) if s.role in ("adjoint", "delta", "upstream")]
            (loop.later if all(s in available for s in inside) else loop.sums)[q] = expr
    for s in plan.cell.states:
        loop.carried[s.previous] = quantity(f"d_{s.current.name}_next", s.current.shape, t, "adjoint")
    return loop
