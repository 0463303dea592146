"""The backward pass of whole sequences: the adjoints of one step, from the last step to the first; one is T = 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.calculus.backward_pass import BackwardPass, backward
from symlstm.checking.loop import READS, Each, Loop, Values, scan, steps_in
from symlstm.checking.reference import Equations, downstream, evaluated
from symlstm.equations import Cell
from symlstm.expr.nodes import Quantity

Back = Sequence[dict[Quantity, Any]]
"""What is known at each step: the values of the forward pass and the adjoints."""


@lru_cache(maxsize=32)
def derived(cell: Cell) -> BackwardPass:
    """The backward pass of one step, derived once."""
    return backward(cell)


@dataclass(frozen=True)
class BackLoop:
    """The adjoints of a step, and how the steps hang together.

    carries: (the gradient that arrives at a state from outside a step, what the step after sends back to it; None:
    nothing). arrives: which step's gradient of the loss is used in a step; "last_only": none but in the last. columns:
    the x and the states of which step multiply the deltas in the gradients of parameters. steps: which steps the
    gradients of parameters are added up over; shows: in which order those of x are returned. initial: of which step the
    gradient of the initial states is.
    """

    forward: Loop
    equations: Equations
    carries: tuple[tuple[Quantity, Quantity | None], ...]
    parameters: frozenset[Quantity]
    arrives: str = "own"
    columns: str = "own"
    steps: str = "all"
    shows: str = "own"
    initial: str = "first"

    def with_equations(self, equations: Equations) -> BackLoop:
        return replace(self, equations=equations)

    def carry(self, *changes: tuple[Quantity, Quantity | None]) -> BackLoop:
        """The same with something else carried."""
        new = dict(changes)
        return replace(self, carries=tuple((up, new.get(up, sent)) for up, sent in self.carries))


STEPS: dict[str, Callable[[int], list[int]]] = {
    "all": lambda steps: list(range(steps)),
    "last": lambda steps: [steps - 1],
    "first": lambda steps: [0],
    "but_first": lambda steps: list(range(1, steps)),
    "but_last": lambda steps: list(range(steps - 1)),
}
LAST_ONLY = "last_only"


def back_loop(cell: Cell, forward: Loop) -> BackLoop:
    """The backward pass as it should be."""
    found = derived(cell)
    adjoints = {a.of: a.quantity for a in found.adjoints if a.quantity.role == "adjoint"}
    carries = tuple((found.upstream[s.current], adjoints.get(s.previous)) for s in cell.states)
    parameters = frozenset(adjoints[q] for q in cell.parameters if q in adjoints)
    return BackLoop(forward, tuple((a.quantity, a.expr) for a in found.adjoints), carries, parameters)


def forward_trail(loop: BackLoop, values: Values, sizes: Mapping[Any, int], field: Any) -> Back:
    """The forward pass, and what arrives at each step from outside."""
    symbols = {up for up, _ in loop.carries}
    inside = {q: v for q, v in values.items() if q not in symbols}
    return scan(loop.forward, inside, sizes, field)


def scan_back(
    loop: BackLoop,
    values: Values,
    sizes: Mapping[Any, int],
    field: Any,
    trail: Back = (),
    like: Back = (),
    changed: Any = frozenset(),
) -> Back:
    """All adjoints at every step; trail: the forward pass; like, changed: as in `symlstm.checking.loop.scan`."""
    trail = trail or forward_trail(loop, values, sizes, field)
    steps = steps_in(values)
    found: list[dict[Quantity, Any]] = [{}] * steps
    moved: list[set[Quantity]] = [set()] * steps
    for t in reversed(range(steps)):
        known = dict(trail[t])
        differs = set(changed)
        for up, sent in loop.carries:
            known[up] = _arriving(loop, up, values, t, steps, field)
            if sent is not None and t + 1 < steps:
                known[up] = field.add(known[up], found[t + 1][sent])
                differs |= {up} if sent in moved[t + 1] else set()
        equations = loop.equations
        if like:
            moved[t] = downstream(equations, differs)
            known |= {q: v for q, v in like[t].items() if q not in known and q not in moved[t]}
            equations = tuple(e for e in equations if e[0] in moved[t])
        if loop.columns == "own":
            found[t] = evaluated(equations, known, sizes, field)
        else:
            own = tuple(e for e in equations if e[0] not in loop.parameters)
            found[t] = evaluated(own, known, sizes, field)
            other = trail[READS[loop.columns](t, steps)]
            sums = tuple(e for e in equations if e[0] in loop.parameters)
            found[t] = {**found[t], **evaluated(sums, {**found[t], **other}, sizes, field)}
    return found


def touched(loop: BackLoop, changed: set[Quantity], steps: int) -> set[Quantity]:
    """What differs at some of so many steps when the equations of these do."""
    found = downstream(loop.equations, changed)
    while steps > 1 and (more := {up for up, sent in loop.carries if sent in found and up not in found}):
        found = downstream(loop.equations, found | more)
    return found


def _arriving(loop: BackLoop, up: Quantity, values: Values, t: int, steps: int, field: Any) -> Any:
    given = values[up]
    if not isinstance(given, Each):
        return given
    if loop.arrives == LAST_ONLY:
        return given[t] if t == steps - 1 else field.scale(sp.Integer(0), given[t])
    return given[READS[loop.arrives](t, steps)]


def parts(loop: BackLoop, found: Back, adjoint: Quantity, kind: str) -> list[Any]:
    """The gradient step by step: of a parameter what is to be added up; of x in order; of an initial state, alone."""
    steps = len(found)
    if kind == "parameter":
        return [found[t][adjoint] for t in STEPS[loop.steps](steps)]
    if kind == "input":
        return [found[READS[loop.shows](t, steps)][adjoint] for t in range(steps)]
    return [found[0 if loop.initial == "first" else steps - 1][adjoint]]
