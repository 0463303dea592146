"""Layers, directions and steps in any kind of number: what a stack of one cell gives, and all its gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from symlstm.calculus.backward_pass import backward as derived
from symlstm.checking.reference import Equations, evaluated
from symlstm.equations import Cell
from symlstm.expr.nodes import Quantity

Sizes = Mapping[Any, int]
Values = dict[Quantity, Any]


@dataclass(frozen=True)
class Layer:
    """A layer in one direction: its parameters and initial states by quantity, and its sizes."""

    level: int
    reverse: bool
    parameters: Values
    states: Values
    sizes: Sizes


@dataclass(frozen=True)
class Forward:
    """output: one a step, directions stacked. trails: all values of each layer, in its own order of steps."""

    output: list[Any]
    trails: list[list[Values]]

    def last(self, k: int, state: Quantity) -> Any:
        return self.trails[k][-1][state]


@dataclass(frozen=True)
class Gradients:
    """x: one a step. states, parameters: of each layer, one a step for parameters (their sum is the gradient)."""

    x: list[Any]
    states: list[Values]
    parameters: list[dict[Quantity, list[Any]]]


def forward(cell: Cell, layers: Sequence[Layer], x: list[Any], field: Any) -> Forward:
    """Run all layers over all steps."""
    equations: Equations = tuple((e.quantity, e.expr) for e in cell.equations)
    trails: list[list[Values]] = []
    for level in range(1 + max(layer.level for layer in layers)):
        outputs = []
        for layer in (one for one in layers if one.level == level):
            trail: list[Values] = []
            before = dict(layer.states)
            for step in x[::-1] if layer.reverse else x:
                known = {**layer.parameters, **before, cell.inputs[0]: step}
                trail.append(evaluated(equations, known, layer.sizes, field))
                before = {s.previous: trail[-1][s.current] for s in cell.states}
            h = [values[cell.states[0].current] for values in trail]
            outputs.append(h[::-1] if layer.reverse else h)
            trails.append(trail)
        x = [field.concat(list(parts)) if len(parts) > 1 else parts[0] for parts in zip(*outputs, strict=True)]
    return Forward(x, trails)


def backward(
    cell: Cell, layers: Sequence[Layer], run: Forward, output: list[Any], last: Mapping[Any, Any], field: Any
) -> Gradients:
    """The gradients of sum of <output, h> over the steps plus <last, final states>; last: by (layer, state)."""
    found = derived(cell)
    adjoints = {a.of: a.quantity for a in found.adjoints if a.quantity.role == "adjoint"}
    equations: Equations = tuple((a.quantity, a.expr) for a in found.adjoints)
    h, x = cell.states[0].current, cell.inputs[0]
    states: list[Values] = [{} for _ in layers]
    parameters: list[dict[Quantity, list[Any]]] = [{q: [] for q in cell.parameters} for _ in layers]
    for level in range(max(layer.level for layer in layers), -1, -1):
        below: list[Any] = []
        start = 0
        for k, layer in enumerate(layers):
            if layer.level != level:
                continue
            rows = _rows(h, layer.sizes)
            arriving = [field.block(d, slice(start, start + rows), slice(0, 1)) for d in output]
            start += rows
            arriving = arriving[::-1] if layer.reverse else arriving
            carried = {s.current: last[k, s.current] for s in cell.states}
            down = []
            for values, d in zip(run.trails[k][::-1], arriving[::-1], strict=True):
                above = {**carried, h: field.add(d, carried[h])}
                known = {**values, **{symbol: above[q] for q, symbol in found.upstream.items()}}
                known = evaluated(equations, known, layer.sizes, field)
                carried = {s.current: known[adjoints[s.previous]] for s in cell.states}
                for q in cell.parameters:
                    parameters[k][q].append(known[adjoints[q]])
                down.append(known[adjoints[x]])
            states[k] = {s.previous: carried[s.current] for s in cell.states}
            down = down if layer.reverse else down[::-1]
            below = [field.add(a, b) for a, b in zip(below, down, strict=True)] if below else down
        output = below
    return Gradients(output, states, parameters)


def _rows(q: Quantity, sizes: Sizes) -> int:
    return int(sp.sympify(q.shape[0]).subs(dict(sizes)))
