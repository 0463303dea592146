"""The fingerprint that tells gates apart: which results respond to a gate while another is blind or a state is zero."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from symlstm.checking.convention import Convention
from symlstm.checking.example import Example
from symlstm.checking.leaves import Path
from symlstm.checking.loop import LAST, Each, float_results, loop_of
from symlstm.checking.probe import OPEN, Probe, draw
from symlstm.checking.reference import computable
from symlstm.checking.sites import Sites

BLIND = {"zero": 0.0, "open": OPEN, "shut": -OPEN}
"""Biases of a gate without weights: sigmoid is then 1/2, 1 or 0, tanh 0, 1 or -1."""

Answers = dict[tuple[str, str], dict[Any, bool]]


def _situations(sites: Sites, given: Collection[str]) -> list[str]:
    states = [s.previous.name for s in sites.cell.states if s.previous.name in given]
    return ["", *states, *(f"{g} {how}" for g in sites.gates for how in BLIND)]


def fingerprint(sites: Sites, probe: Probe, found: Convention, results: list[Path]) -> Answers:
    answers: Answers = {}
    for situation in _situations(sites, found.roles):
        arrays = {path: array.copy() for path, array in probe.base.items()}
        if situation in found.roles:
            arrays[found.roles[situation]][...] = 0.0
        elif situation:
            gate, _, how = situation.rpartition(" ")
            found.set_gate(arrays, gate, BLIND[how])
        before = probe.run(arrays)
        for gate in sites.gates:
            if situation.startswith(gate + " "):
                continue
            moved = {path: array.copy() for path, array in arrays.items()}
            for (g, _), views in found.views.items():
                if g == gate:
                    for view in views:
                        view.take(moved[view.path])[...] *= 1.5
            after = probe.run(moved)
            answers[situation, gate] = {p: _differs(before[p], after[p]) for p in results}
    return answers


def _differs(a: Any, b: Any) -> bool:
    return bool(np.abs(a - b).max() > 1e-9 * (1 + np.abs(a).max()))


def fingerprint_of_the_cell(sites: Sites, example: Example, given: Collection[str], steps: int = 1) -> Answers:
    """The same questions put to the equations, after so many steps; given: the states that are no zeros inside."""
    n, m, batch = example.sizes
    sizes = {sites.n: n, sites.m: m}
    rng = np.random.default_rng(2)
    cell = sites.cell
    base: dict[Any, Any] = {}
    for q in cell.parameters:
        lengths = [
            int(length.subs({**sizes, **{s: 2 for s in length.free_symbols - set(sizes)}})) for length in q.shape
        ]
        base[q] = draw(rng, (1, *lengths))
    for q, length in ((cell.inputs[0], m), *((s.previous, n) for s in cell.states)):
        base[q] = draw(rng, (batch, length, 1)) * (q in cell.inputs or q.name in given)
    x = cell.inputs[0]
    base[x] = Each(draw(rng, (steps, batch, m, 1)))
    answers: Answers = {}
    of_gate = {g: {s.parameter for s in sites.sites if s.gate == g} for g in sites.gates}
    for situation in _situations(sites, given):
        values = dict(base)
        for q in base:
            if q.name == situation:
                values[q] = 0 * base[q]
            gate, _, how = situation.rpartition(" ")
            if how in BLIND and q in of_gate[gate]:
                flat = any(s.parameter == q and s.part == "b" for s in sites.sites)
                values[q] = 0 * base[q] + (BLIND[how] if flat else 0.0)
        loop, names = loop_of(cell, computable(cell, values)), [s.current.name + LAST for s in cell.states]
        before = float_results(loop, values, sizes, names, cell)
        for gate in sites.gates:
            if not situation.startswith(gate + " "):
                moved = {q: v * 1.5 if q in of_gate[gate] else v for q, v in values.items()}
                after = float_results(loop, moved, sizes, names, cell)
                answers[situation, gate] = {
                    name.removesuffix(LAST): _differs(before[name], after[name]) for name in names
                }
    return answers
