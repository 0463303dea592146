"""Whole sequences: the equations of one step, and how the steps follow each other. One step is the case T = 1.

What varies from step to step is an `Each` among the values; all else is the same at every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from symlstm.checking.reference import ANY_ORDER, FLOATS, PROMISED, Equations, downstream, evaluated, numbers
from symlstm.equations import Cell
from symlstm.evidence.digits import FIELD as DIGITS
from symlstm.evidence.running import exact
from symlstm.expr.nodes import Quantity

LAST = "_last"
"""h is the state at every step, h_last the one after the last step."""

Values = Mapping[Quantity, Any]
Trail = Sequence[dict[Quantity, Any]]


class Each(tuple[Any, ...]):
    """The values of one quantity at every step."""


@dataclass(frozen=True)
class Carry:
    """What a previous state is at step t: `source` at step t - lag (None: nothing is carried), before that `start`.

    start: the previous state whose initial value it is; None: zero.
    """

    source: Quantity | None
    start: Quantity | None
    lag: int = 1


@dataclass(frozen=True)
class Loop:
    """The equations of a step, what is carried from step to step, which input a step reads, and what is shown."""

    equations: Equations
    carries: tuple[tuple[Quantity, Carry], ...]
    reads: str = "own"
    last: str = "last"
    shows: tuple[tuple[Quantity, str], ...] = ()
    shown_as: tuple[tuple[Quantity, Quantity], ...] = ()

    def with_equations(self, equations: Equations) -> Loop:
        return replace(self, equations=equations)

    def carry(self, previous: Quantity, **changes: Any) -> Loop:
        """The loop in which a state is carried in another way."""
        return replace(self, carries=tuple((q, replace(c, **changes) if q == previous else c) for q, c in self.carries))


READS: dict[str, Callable[[int, int], int]] = {
    "own": lambda t, steps: t,
    "reversed": lambda t, steps: steps - 1 - t,
    "first": lambda t, steps: 0,
    "last": lambda t, steps: steps - 1,
    "before": lambda t, steps: max(t - 1, 0),
    "before_around": lambda t, steps: (t - 1) % steps,
    "next": lambda t, steps: min(t + 1, steps - 1),
    "next_around": lambda t, steps: (t + 1) % steps,
}
"""Which input step t reads, of `steps`; counted from 0."""
SHOWS: dict[str, Callable[[int, int], int]] = {
    **READS,
    "late": lambda t, steps: t - 1,
}
"""The state of which step is shown as that of step t; -1 is the initial state."""
LASTS: dict[str, Callable[[int], int]] = {
    "last": lambda steps: steps - 1,
    "first": lambda steps: 0,
    "one_early": lambda steps: steps - 2,
}


def loop_of(cell: Cell, equations: Equations) -> Loop:
    """The loop as it should be."""
    return Loop(equations, tuple((s.previous, Carry(s.current, s.previous)) for s in cell.states))


def steps_in(values: Values) -> int:
    return max((len(v) for v in values.values() if isinstance(v, Each)), default=1)


def mapped(values: Values, act: Callable[[Any], Any]) -> dict[Quantity, Any]:
    """Values with something done to every array."""
    return {q: Each(act(part) for part in v) if isinstance(v, Each) else act(v) for q, v in values.items()}


def item_of(values: Values, k: int, made: Callable[[Any], Any]) -> dict[Quantity, Any]:
    """One item of the batch, its arrays made numbers of another kind; what has no batch is in every item."""
    return mapped(values, lambda v: made(v[k if len(v) > 1 else 0]))


def scan(
    loop: Loop, values: Values, sizes: Mapping[Any, int], field: Any, like: Trail = (), changed: Any = frozenset()
) -> Trail:
    """All quantities at every step, in the numbers of a field; what is carried is among them.

    like, changed: the trail of a loop that differs in the equations of the changed quantities alone; what does not
    depend on these is taken from there.
    """
    steps = steps_in(values)
    constant = {q: v for q, v in values.items() if not isinstance(v, Each)}
    varying = {q: v for q, v in values.items() if isinstance(v, Each)}
    read = READS[loop.reads]
    trail: list[dict[Quantity, Any]] = []
    moved: list[set[Quantity]] = []
    for t in range(steps):
        known = constant | {q: v[read(t, steps)] for q, v in varying.items()}
        for previous, carry in loop.carries:
            known[previous] = _carried(previous, carry, t, trail, constant, field)
        equations = loop.equations
        if like:
            carried = {q for q, carry in loop.carries if t >= carry.lag and carry.source in moved[t - carry.lag]}
            moved.append(downstream(equations, {*changed, *carried}))
            known |= {q: v for q, v in like[t].items() if q not in known and q not in moved[-1]}
            equations = tuple(e for e in equations if e[0] in moved[-1])
        trail.append(evaluated(equations, known, sizes, field))
    return trail


def _carried(previous: Quantity, carry: Carry, t: int, trail: Trail, constant: Values, field: Any) -> Any:
    if carry.source is not None and t >= carry.lag:
        return trail[t - carry.lag][carry.source]
    if carry.start is None:
        with np.errstate(all="ignore"):
            return field.scale(sp.Integer(0), constant[previous])
    return constant[carry.start]


def shown(loop: Loop, trail: Trail, name: str, cell: Cell) -> list[Any]:
    """What is returned under a name: the state at every step, or after the last one."""
    if output := next((q for q in cell.outputs if q.name == name), None):
        return [at[output] for at in trail]
    state = next(s for s in cell.states if s.current.name == name.removesuffix(LAST))
    current = dict(loop.shown_as).get(state.current, state.current)
    steps = len(trail)
    if name.endswith(LAST):
        return [trail[LASTS[loop.last](steps)][current]]
    places = [SHOWS[dict(loop.shows).get(state.current, "own")](t, steps) for t in range(steps)]
    return [trail[k][current] if k >= 0 else trail[0][state.previous] for k in places]


def shaped_like(found: Any, result: Any) -> Any:
    """What was found under the axes of what came back: it may depend on no item of the batch."""
    if found.ndim < result.ndim and found.ndim > 2:  # steps first
        found = found.reshape(found.shape[0], *(1,) * (result.ndim - found.ndim), *found.shape[1:])
    return np.broadcast_to(found, result.shape)


def joined(parts: list[Any], name: str, values: Values) -> Any:
    """What is shown at every step as one array, steps first; a single step has no axis of steps."""
    alone = name.endswith(LAST) or not any(isinstance(v, Each) for v in values.values())
    return parts[0] if alone else np.stack(np.broadcast_arrays(*parts))


def float_results(
    loop: Loop, values: Values, sizes: Mapping[Any, int], names: Any, cell: Cell, trail: Trail = ()
) -> dict[str, Any]:
    """What is returned, in float64."""
    trail = trail or scan(loop, values, sizes, FLOATS)
    return {name: joined(shown(loop, trail, name, cell), name, values) for name in names}


def bounds(
    loop: Loop, values: Values, sizes: Mapping[Any, int], names: Any, cell: Cell, field: Any = ANY_ORDER
) -> dict[str, Any]:
    """How far rounding can carry each result through the whole sequence, to first order; how far it typically does, in
    the field TYPICAL."""
    trail = scan(loop, mapped(values, exact), sizes, field)
    return {name: joined([v.real for v in shown(loop, trail, name, cell)], name, values) for name in names}


def digits(loop: Loop, values: Values, sizes: Mapping[Any, int], names: Any, cell: Cell) -> dict[str, Any]:
    """The results in 50 digits: object arrays, from the float64 leaves taken as exact."""
    found: dict[str, list[Any]] = {name: [] for name in names}
    with mpmath.workdps(PROMISED + 10):
        for k in range(batch_in(values)):
            trail = scan(loop, item_of(values, k, numbers), sizes, DIGITS)
            for name in names:
                found[name].append(joined(shown(loop, trail, name, cell), name, values))
    return {name: np.stack(parts, axis=-3) for name, parts in found.items()}


def batch_in(values: Values) -> int:
    return max(len(part) for v in values.values() for part in (v if isinstance(v, Each) else (v,)))
