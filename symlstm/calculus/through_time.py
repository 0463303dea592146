"""Backpropagation through time: the recurrences of the adjoints from t = T down to 1, and the gradients they give.

One sweep backward over a step says what the step sends back to the states before it. One step later the same is what
arrives at the states of step t, beside the gradient of the loss itself; a second sweep takes it through the step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.calculus.backward import Adjoint, Later, adjoint_symbol, sweep, used_in
from symlstm.calculus.derivation import Examined
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
        """The quantities of the forward pass at step t that have to be kept."""
        exprs = [a.expr for a in (*self.adjoints, *self.inputs, *self.initial, *self.parameters)]
        used = {q.name for e in exprs for q in quantities(e) if q.role == "value"}
        at_next = {quantity_at(self.cell, q, t + 1).name: q for q in self.cell.by_name.values()}
        return [q for name, q in at_next.items() if used & {q.name, name}]


def bptt(cell: Cell | str | Callable[..., Any]) -> ThroughTime:
    """Backpropagation through time: recurrences for t = T, ..., 1 and the gradients by everything."""
    cell = find(cell)
    sources = list(dict.fromkeys([*(s.current for s in cell.states), *cell.outputs]))
    once = sweep(cell, sources).adjoints
    unneeded = unneeded_names(cell, once)
    steps: list[Step] = []
    later = _sent_back(cell, fewer_names(cell, once, unneeded), steps)
    swept = sweep(cell, sources, later=later)
    adjoints = fewer_names(cell, swept.adjoints, unneeded)
    steps += [*swept.steps, *_inserted(swept.adjoints, adjoints)]
    by = {a.of: a for a in adjoints if a.quantity.role == "adjoint"}
    through = tuple(a for a in adjoints if cell.equation(a.of) is not None)
    reached = {a.of for a in adjoints}
    inputs = tuple(_at_step(cell, by[q], t, reached) for q in cell.inputs)
    initial = tuple(_at_step(cell, by[s.previous], sp.S.One, reached) for s in cell.states)
    steps += [_first_step(a, by[s.previous]) for a, s in zip(initial, cell.states, strict=True)]
    parameters = tuple(_over_time(by[q], steps) for q in cell.parameters)
    return ThroughTime(
        cell,
        {q: adjoint_symbol(q, "upstream") for q in sources},
        through,
        _boundary(through),
        inputs,
        initial,
        parameters,
        tuple(steps),
    )


def _sent_back(cell: Cell, once: tuple[Adjoint, ...], steps: list[Step]) -> dict[Quantity, Later]:
    """What step t+1 sends back to the states of step t: what step t sends to the states before it, one step later."""
    reached = {a.of for a in once}
    sent: dict[Quantity, Later] = {}
    for state in cell.states:
        own = next(a for a in once if a.of == state.previous)
        if isinstance(own.expr, Zeros):
            continue
        shifted = at_step(cell, own.expr, t + 1)
        users = [quantity_at(cell, q, t + 1) for q in users_of(cell, state.previous) if q in reached]
        sent[state.current] = Later(shifted, tuple(users))
        because = f"as step t sends it to {text(state.previous)}, step t+1 sends it to {text(state.current)}"
        steps.append(Step("sum over all uses", own.quantity, own.expr, own.because, own.quantity))
        steps.append(Step("one step later", own.expr, shifted, because, own.quantity))
    return sent


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


def _at_step(cell: Cell, own: Adjoint, time: sp.Expr, reached: set[Quantity]) -> Adjoint:
    """The gradient by an input or a previous state of step t, at step `time`; used where its columns are used."""
    of = quantity_at(cell, own.of, time)
    users = [text(quantity_at(cell, q, time)) for q in users_of(cell, own.of) if q in reached]
    because = used_in(text(of), [] if isinstance(own.expr, Zeros) else users)
    return Adjoint(adjoint_symbol(of), at_step(cell, own.expr, time), of, because)


def _first_step(made: Adjoint, sent: Adjoint) -> Step:
    because = f"{text(made.of)} is used in step 1 alone, and that step sends back what every step does"
    return Step("first step", sent.expr, made.expr, because, made.quantity)


def _over_time(own: Adjoint, steps: list[Step]) -> Adjoint:
    """The gradient by a parameter: it is the same at every step, so that the gradients of all steps add up."""
    unused = isinstance(own.expr, Zeros)
    because = own.because if unused else f"{own.because}, at every step"
    made = Adjoint(own.quantity, sum_over(own.expr, t, 1, T), own.of, because)
    steps.append(Step("sum over time", own.expr, made.expr, because, made.quantity))
    return made


def _boundary(adjoints: tuple[Adjoint, ...]) -> tuple[Quantity, ...]:
    """What the recurrences take from step t+1 besides values, at step T+1, where it is zero."""
    named = dict.fromkeys(q for a in adjoints for q in quantities(a.expr) if q.role != "value" and q.time == t + 1)
    return tuple(quantity(q.name, q.shape, T + 1, q.role, q.base) for q in named)
