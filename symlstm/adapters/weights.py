"""A file of weights, without code: names, shapes, numbers that cannot be right, and the compiled cell run with them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from symlstm.adapters.compared import BATCH, STEPS, Compared
from symlstm.adapters.network import Adapter
from symlstm.checking.loop import Each, bounds, digits, loop_of
from symlstm.checking.probe import draw
from symlstm.checking.reference import difference, equations_of
from symlstm.checking.report import NOTE, Finding, Report
from symlstm.checking.sites import sites_of
from symlstm.checkpoints import SUFFIXES, Layer, read_checkpoint
from symlstm.codegen import compile as compiled
from symlstm.conventions.layout import own_layout
from symlstm.conventions.table import TABLE, layout_of
from symlstm.registry import cell as find_cell

MOST = 24
"""Units and inputs that are run in 50 digits: of a larger layer the first so many."""
UNSEEN = (
    "weights alone do not say in which order the gates are, whether h or x comes first, which activations and which "
    "reset the code has that uses them, nor whether they are transposed where n = m: the names are believed"
)


def recognises(thing: Any) -> bool:
    """Whether it is the name of a file of weights."""
    return isinstance(thing, (str, Path)) and str(thing).lower().endswith(SUFFIXES) and ".onnx" not in str(thing)


def check(thing: Any, cell: Any) -> Report:
    """What weights alone can tell; the finding `not_checked` says what they cannot."""
    start = time.perf_counter()
    asked = find_cell(cell)
    wanted = asked.name if any(known == asked.name for _, known in TABLE) else None
    layers = read_checkpoint(thing)
    findings: list[Finding] = []
    ulps: dict[str, Mapping[str, float]] = {}
    said = []
    for layer in layers:
        if layer.cell != asked.name and (asked.name not in {c for _, c in layer.also} or wanted is None):
            text = f"{layer.label} has the weights of {layer.cell}, not of {asked.name}"
            findings.append(
                Finding("another_cell", "", layer.label, text, f"names and shapes: {', '.join(layer.arrays)}")
            )
        findings += _numbers(layer)
        order = max((a.gates for a in layout_of(layer.convention, layer.cell).arrays), key=len)
        said.append(
            f"{layer.label}: {layer.convention}, {layer.cell}, gates {', '.join(order)}, n = {layer.n}, m = {layer.m}"
        )
        if all(np.isfinite(a).all() for a in layer.arrays.values()):
            found, some = _run(layer)
            findings += some
            ulps |= {f"{c.name} of {layer.label}": c.ulps for c in found}
    findings.append(Finding("not_checked", "", "", UNSEEN, "", NOTE))
    seconds = time.perf_counter() - start
    return Report(asked.name, "; ".join(said), tuple(findings), ulps, (), seconds, Path(thing).name)


def _numbers(layer: Layer) -> list[Finding]:
    """Arrays that hold NaN, nothing but zeros, or two gates alike."""
    found = []
    for name, array in layer.arrays.items():
        if not np.isfinite(array).all():
            text = f"{name} holds {int((~np.isfinite(array)).sum())} numbers that are NaN or infinite"
            found.append(Finding("not_finite", "", name, text, f"the first at {np.argwhere(~np.isfinite(array))[0]}"))
        elif not array.any():
            bias = array.ndim == 1 or "bias" in name
            text = f"{name} is zero throughout"
            found.append(Finding("zero", "", name, text, "", NOTE if bias else "wrong"))
    matrices = {name: a for name, a in layer.parameters.items() if a.ndim == 2 and a.any()}
    names = list(matrices)
    for k, first in enumerate(names):
        for second in names[k + 1 :]:
            if np.array_equal(matrices[first], matrices[second]):
                text = (
                    f"{first} and {second} are equal: one gate's weights were copied over another's, or never trained"
                )
                found.append(Finding("gates_alike", "", layer.label, text, f"all {matrices[first].size} entries"))
    return found


def _run(layer: Layer) -> tuple[list[Compared], list[Finding]]:
    """The compiled cell on these weights, beside 50 digits; of a large layer its first units and inputs."""
    cell = find_cell(layer.cell)
    if len({cell.shapes[s.previous.name] for s in cell.states}) > 1:
        return [], [Finding("not_run", "", layer.label, f"{layer.cell} was not run in 50 digits", "", NOTE)]
    sites = sites_of(cell)
    n, m = min(layer.n, MOST), min(layer.m, MOST)
    own = own_layout(sites)
    full = own.take(layer.parameters, {"n": layer.n, "m": layer.m, "p": layer.n})
    wide = {"h": n, "x": m}
    parts = {key: a[:n] if a.ndim == 1 else a[:n, : wide[key[1]]] for key, a in full.items()}
    p = {name: a.astype(float) for name, a in own.put(parts, {"n": n, "m": m, "p": n}, float).items()}
    rng = np.random.default_rng(41)
    x = draw(rng, (STEPS, BATCH, m))
    states = tuple(draw(rng, (BATCH, n)) for _ in cell.states)
    got = compiled(cell).run(p, x, states)
    values: dict[Any, Any] = {q: p[q.name].reshape(1, n, -1) for q in cell.parameters}
    values |= {s.previous: v[..., None] for s, v in zip(cell.states, states, strict=True)}
    values[cell.inputs[0]] = Each(step[..., None] for step in x)
    sizes = {sites.n: n, sites.m: m}
    loop, names = loop_of(cell, equations_of(cell)), [s.current.name for s in cell.states]
    true, bound = (run(loop, values, sizes, names, cell) for run in (digits, bounds))
    found = []
    for name in names:
        exactly = np.asarray(true[name], dtype=float)
        off = difference(got[name][..., None], true[name])
        found.append(Compared(name, off, np.broadcast_to(bound[name], off.shape), exactly))
    findings = []
    if n < layer.n or m < layer.m:
        text = f"the first {n} of {layer.n} units and {m} of {layer.m} inputs were run in 50 digits"
        findings.append(Finding("part", "", layer.label, text, "", NOTE))
    if wrong := [c.name for c in found if not c.within()]:
        text = f"{', '.join(wrong)} of the compiled cell departs from 50 digits with these weights"
        findings.append(Finding("compiled", "", layer.label, text, "more than the rounding bound"))
    return found, findings


ADAPTER = Adapter(recognises, check)
