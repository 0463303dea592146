"""Backpropagation through time: the recurrences of the adjoints from t = T down to 1, and the gradients they give.

One sweep backward over a step says what the step sends back to the states before it. One step later the same is what
arrives at the states of step t, beside the gradient of the loss itself; a second sweep takes it through the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.calculus.backward import CLOSED, Adjoint, Later, adjoint_symbol, sweep, used_in
from symlstm.calculus.examined import Examined
from symlstm.calculus.fewer import fewer_names, unneeded_names
from symlstm.calculus.steps import Step
from symlstm.calculus.timeshift import at_step, quantity_at
from symlstm.equations import Cell
from symlstm.expr.build import Matrix
from symlstm.expr.nodes import Concat, Quantity, T, Zeros, quantity, t
from symlstm.expr.text import text
from symlstm.expr.time import sum_over
from symlstm.expr.tree import quantities
from symlstm.registry import cell as find


@dataclass(frozen=True, repr=False)
class ThroughTime(Examined):
    """Backpropagation through time over the steps t = 1, ..., T.

    The loss L may see every state and output at every step; `upstream` names what it says itself: Delta h_t is the
    gradient of L by h_t when the later steps are left out. adjoints: those of step t in the order of computation, in
    terms of step t and step t+1, for t from T down to 1. boundary: what is zero at step T+1. inputs: the gradients by
    the inputs at step t; initial: by the initial states; parameters: by the parameters, as sums over the steps.
    """

    cell: Cell
    upstream: dict[Quantity, Quantity]
    adjoints: tuple[Adjoint, ...]
    boundary: tuple[Quantity, ...]
    inputs: tuple[Adjoint, ...]
    initial: tuple[Adjoint, ...]
    parameters: tuple[Adjoint, ...]
    steps: tuple[Step, ...]

    def __repr__(self) -> str:
        shown = ", ".join(f"{text(a.quantity)} = {text(a.expr)}" for a in self.recurrences)
        return f"<backpropagation through time of {self.cell.name}: {shown}>"

    @property
    def recurrences(self) -> tuple[Adjoint, ...]:
        """The adjoints of the states, each in terms of step t+1, of the loss at step t, and of step t."""
        states = {s.current for s in self.cell.states}
        return tuple(a for a in self.adjoints if a.of in states and a.quantity.role == "adjoint")

    @property
    def parameter_gradients(self) -> dict[str, Matrix]:
        """By name: sums over t = 1, ..., T."""
        return {a.of.name: a.expr for a in self.parameters}

    @property
    def input_gradients(self) -> dict[str, Matrix]:
        """By name: the gradient by the input of step t."""
        return {a.of.name: a.expr for a in self.inputs}

    @property
    def initial_gradients(self) -> dict[str, Matrix]:
        """By the name of the previous state: the gradient by the initial one, in terms of step 1."""
        names = {quantity_at(self.cell, s.previous, sp.S.One): s.previous.name for s in self.cell.states}
        return {names[a.of]: a.expr for a in self.initial}

    @property
    def result(self) -> Matrix:
        """The last step's outcome."""
        return self.steps[-1].after

    def depends_on(self) -> list[Quantity]:
        """The inputs, states and values of step t that have to be kept from the forward pass."""
        used = {q for a in (*self.adjoints, *self.inputs, *self.parameters) for q in quantities(a.expr)}
        before = {s.previous: s.current for s in self.cell.states}
        kept = [before.get(q, q) for q in self.cell.by_name.values() if used & {q, quantity_at(self.cell, q, t + 1)}]
        return [q for q in dict.fromkeys(kept) if q.time is not None]


def bptt(cell: Cell | str | Callable[..., Any]) -> ThroughTime:
    """Backpropagation through time: recurrences for t = T, ..., 1 and the gradients by everything."""
    cell = find(cell)
    sources = list(dict.fromkeys([*(s.current for s in cell.states), *cell.outputs]))
    once = sweep(cell, sources).adjoints
    unneeded = unneeded_names(cell, once)
    reached = {a.of for a in once}
    sent = {a.of: a for a in fewer_names(cell, once, unneeded)}
    later = {s.current: _one_step_later(cell, sent[s.previous], reached) for s in cell.states}
    swept = sweep(cell, sources, later={q: each for q, each in later.items() if not isinstance(each.gradient, Zeros)})
    adjoints = fewer_names(cell, swept.adjoints, unneeded)
    by = {a.of: a for a in adjoints if a.quantity.role == "adjoint"}
    through = tuple(a for a in adjoints if cell.equation(a.of) is not None)
    inputs = tuple(_used_at(cell, by[q], t, reached) for q in cell.inputs)
    initial = tuple(_used_at(cell, by[s.previous], sp.S.One, reached) for s in cell.states)
    parameters = tuple(_over_time(by[q]) for q in cell.parameters)
    sums = {adjoint_symbol(s.current) for s in cell.states}
    over_time = {a.quantity for a in parameters}
    steps = [
        *(step for step in swept.steps if step.rule != CLOSED or step.before not in sums | over_time),
        *_inserted(swept.adjoints, adjoints),
        *(_shift(by[s.previous], s.current, later[s.current].gradient) for s in cell.states),
        *(step for step in swept.steps if step.before in sums and step.rule == CLOSED),
        *(_first(by[s.previous], made) for s, made in zip(cell.states, initial, strict=True)),
        *(Step("sum over time", by[a.of].expr, a.expr, a.because, a.quantity) for a in parameters),
    ]
    upstream = {q: adjoint_symbol(q, "upstream") for q in sources}
    return ThroughTime(cell, upstream, through, _boundary(through), inputs, initial, parameters, tuple(steps))


def _one_step_later(cell: Cell, sent: Adjoint, reached: set[Quantity]) -> Later:
    """What step t+1 sends back to a state of step t: what step t sends to the state before it, one step later."""
    users = [quantity_at(cell, q, t + 1) for q in users_of(cell, sent.of) if q in reached]
    return Later(at_step(cell, sent.expr, t + 1), tuple(users))


def users_of(cell: Cell, q: Quantity) -> list[Quantity]:
    """The quantities whose equations use q, directly or in a column [q; x], the last one first."""
    found: list[Quantity] = []
    for e in reversed(cell.equations):
        if q in quantities(e.expr):
            found += users_of(cell, e.quantity) if isinstance(e.expr, Concat) else [e.quantity]
    return list(dict.fromkeys(found))


def _inserted(before: tuple[Adjoint, ...], after: tuple[Adjoint, ...]) -> list[Step]:
    """The steps from the adjoints of all quantities to those that keep a name."""
    exprs = {a.quantity: a.expr for a in before}
    changed = [a for a in after if exprs[a.quantity] != a.expr]
    return [Step("insert", a.quantity, a.expr, "all from above", a.quantity) for a in changed]


def _shift(sent: Adjoint, state: Quantity, shifted: Matrix) -> Step:
    because = f"what a step sends to {text(sent.of)}, the step after sends to {text(state)}"
    return Step("one step later", sent.expr, shifted, because, sent.quantity)


def _first(sent: Adjoint, made: Adjoint) -> Step:
    because = f"{text(made.of)} is used in step 1 alone"
    return Step("first step", sent.expr, made.expr, because, made.quantity)


def _used_at(cell: Cell, own: Adjoint, time: sp.Expr, reached: set[Quantity]) -> Adjoint:
    """The gradient by an input or a previous state of step t, at step `time`; used where its columns are used."""
    of = quantity_at(cell, own.of, time)
    users = [text(quantity_at(cell, q, time)) for q in users_of(cell, own.of) if q in reached]
    because = used_in(text(of), [] if isinstance(own.expr, Zeros) else users)
    return Adjoint(adjoint_symbol(of), at_step(cell, own.expr, time), of, because)


def _over_time(own: Adjoint) -> Adjoint:
    """The gradient by a parameter: it is the same at every step, so that the gradients of all steps add up."""
    because = own.because if isinstance(own.expr, Zeros) else f"{own.because}, at every step"
    return Adjoint(own.quantity, sum_over(own.expr, t, 1, T), own.of, because)


def _boundary(adjoints: tuple[Adjoint, ...]) -> tuple[Quantity, ...]:
    """What the recurrences take from step t+1 besides values, at step T+1, where it is zero."""
    named = dict.fromkeys(q for a in adjoints for q in quantities(a.expr) if q.role != "value" and q.time == t + 1)
    return tuple(quantity(q.name, q.shape, T + 1, q.role, q.base) for q in named)
