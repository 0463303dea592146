"""The gradient of an output or a loss at the last step in every earlier input and state: backwards, one step at a time.

The states of the last steps are kept (a window, so that memory does not grow with T), and the gradient is rescaled on
the way, so that it does not underflow: what is reported are logarithms.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symlstm.codegen.fitting import Given
from symlstm.codegen.streaming import Step, Stream
from symlstm.codegen.upstream import read_upstream
from symlstm.errors import ValueUnusable, unknown
from symlstm.gradient_flow.reading import Array
from symlstm.gradient_flow.record import UNITS, spread, width_of

WINDOW = 1000


@dataclass(frozen=True)
class Connectivity:
    """log of the Euclidean norm of the gradient, for the last W steps, each (W, ...), oldest first.

    steps: their indices, from 0. inputs, states: by name; of a state, the gradient in its value before the step. units:
    of the first example, the largest log|entry| of each unit of a state in bins of `width` steps, (B, units); of wide
    states 256 of `counts` units, evenly spread; not in to_json().
    """

    of: str
    steps: Array
    inputs: dict[str, Array]
    states: dict[str, Array]
    width: int = field(repr=False, metadata={"json": False})
    units: dict[str, Array] = field(repr=False, metadata={"json": False})
    counts: dict[str, int] = field(repr=False, metadata={"json": False})


class ConnectivityRun:
    """Keeps the last steps, then goes back through them."""

    def __init__(self, stream: Stream, of: Any, window: int = WINDOW) -> None:
        self.stream = stream
        self.name, self.seed = _seed(stream, of)
        self.kept: deque[Step] = deque(maxlen=min(window, stream.steps))

    def take(self, step: Step) -> None:
        """Keep one step."""
        self.kept.append(step)

    def result(self) -> Connectivity:
        cell, batch = self.stream.cell, self.stream.batch
        before = {s.previous.name: s.current.name for s in cell.states}
        logs: dict[str, list[Array]] = {q.name: [] for q in cell.inputs} | {name: [] for name in before}
        width = width_of(len(self.kept))
        units: dict[str, list[Array]] = {name: [] for name in before}
        given = self.seed(self.kept[-1])
        upstream, scale = given, np.zeros(batch)
        for place, step in zip(range(len(self.kept) - 1, -1, -1), reversed(self.kept), strict=True):
            found = step.vjp(upstream)
            for name, rows in units.items():
                with np.errstate(divide="ignore"):
                    row = _of_units(scale, found[name], len(batch))
                if rows and place % width != width - 1:
                    row = np.maximum(row, rows.pop())
                rows.append(row)
            for name in logs:
                axes = tuple(range(len(batch), found[name].ndim))
                with np.errstate(divide="ignore"):
                    logs[name].append(scale + np.log(np.sqrt(np.sum(found[name] ** 2, axis=axes))))
            upstream, scale = _rescaled({now: found[name] for name, now in before.items()}, scale, len(batch))
        stacked = {name: np.stack(values[::-1]) for name, values in logs.items()}
        steps = np.array([step.index for step in self.kept])
        own = {q.name: stacked[q.name] for q in cell.inputs}
        counts = dict(zip(before, self.stream.sizes, strict=True))
        binned = {name: np.stack(rows[::-1]) for name, rows in units.items()}
        return Connectivity(self.name, steps, own, {name: stacked[name] for name in before}, width, binned, counts)


def _of_units(scale: Array, gradient: Array, lead: int) -> Array:
    """log|entry| of the first example, of 256 units at most."""
    first = (0,) * lead
    entries = np.broadcast_to(gradient, (*scale.shape, *gradient.shape[lead:]))[first].ravel()
    return scale[first] + np.log(np.abs(entries[spread(len(entries), UNITS)]))


def _rescaled(found: dict[str, Array], scale: Array, lead: int) -> tuple[dict[str, Array], Array]:
    sizes = [np.max(np.abs(a), axis=tuple(range(lead, a.ndim))) for a in found.values()]
    size = np.max(np.stack(sizes), axis=0)
    safe = np.where(size > 0, size, 1.0)
    with np.errstate(divide="ignore"):
        scale = scale + np.log(size)
    return {n: a / safe.reshape(*safe.shape, *(1,) * (a.ndim - lead)) for n, a in found.items()}, scale


def _seed(stream: Stream, of: Any) -> tuple[str, Any]:
    """What the gradient is taken of: the sum of a state or output, or a loss whose gradients are given by name."""
    cell = stream.cell
    known = [s.current.name for s in cell.states] + [q.name for q in cell.outputs]
    if isinstance(of, Mapping):
        if not of:
            raise ValueUnusable("output is an empty dict", f"give the gradients of a loss by name: {', '.join(known)}")
        for name in of:
            if name not in known:
                raise unknown(f"state or output of {cell.name}", str(name), known)

        def given(step: Step) -> dict[str, Array]:
            first = Given(stream.p, (), 0, dict(stream.lengths), {}, stream.batch)
            first.varying = stream.first
            return read_upstream(cell, of, first)

        return "loss", given
    name = known[0] if of is None else str(of)
    if name not in known:
        raise unknown(f"state or output of {cell.name}", name, known)
    return name, lambda step: {name: np.ones_like(step.values[name])}
