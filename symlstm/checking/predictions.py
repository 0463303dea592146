"""Outputs beside the states (a prediction y): their own parameters, their place in what is returned, their axis."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.checking.axes import ONE, M, N
from symlstm.checking.compare import points, sizes_of
from symlstm.checking.convention import Convention
from symlstm.checking.diagnose import seen
from symlstm.checking.example import Example
from symlstm.checking.leaves import Path
from symlstm.checking.probe import Probe
from symlstm.checking.reference import FLOATS, evaluated
from symlstm.checking.report import Finding
from symlstm.checking.sites import Sites
from symlstm.evidence.program import named, subnodes
from symlstm.expr.nodes import Quantity, Whole

SAYS_OUTPUT = re.compile(r"y|out|pred|prob|head|dense|v|logit|softmax", re.IGNORECASE)


def others_of(sites: Sites, example: Example, taken: set[Path]) -> dict[str, tuple[Path, bool]]:
    """The arrays of the parameters that belong to no gate, and whether each is turned: by size, then by name."""
    found: dict[str, tuple[Path, bool]] = {}
    for q in sites.others:
        fitting = []
        for path, axes in example.templates.items():
            core = [axis for axis in axes if axis != ONE]
            says = bool(SAYS_OUTPUT.search(".".join(map(str, path[-2:]))))
            free = [(axis[0] > 1 and not any(axis[1:])) or (axis == M and says) for axis in core]
            if path in taken or path in {p for p, _ in found.values()}:
                continue
            if q.shape[1] == 1 and len(core) == 1 and free[0]:
                fitting.append((path, False))
            elif q.shape[1] == sites.n and len(core) == 2 and N in core and any(free):
                fitting.append((path, core[0] == N))
        fitting.sort(key=lambda entry: not SAYS_OUTPUT.search(str(entry[0][-1])))
        if fitting:
            found[q.name] = fitting[0]
    return found


def output_paths(sites: Sites, probe: Probe, states: Mapping[str, Path], convention: Convention) -> dict[str, Path]:
    """Where each output of the cell stands in what is returned: nearest the top, by name, then by what the states say.

    None where the arrays of its parameters were not found: it cannot be compared.
    """
    computed = len(others_of(sites, probe.example, set())) == len(sites.others)
    before = probe.run(probe.base)
    depth = min((len(p) for p in states.values()), default=1)
    left = [
        path
        for path, array in before.items()
        if path not in states.values()
        and len(path) <= depth
        and array.ndim
        and not any(a.shape == array.shape and np.array_equal(a, array) for a in probe.base.values())
        and not any(np.array_equal(before[p], array) for p in states.values())
    ]
    found: dict[str, Path] = {}
    for q in sites.cell.outputs if computed else ():
        wanted = following(q, replace(convention, outputs=states), probe, before) if len(left) > 1 else None

        def off(path: Path, wanted: Any = wanted) -> float:
            array = convention.rows_first(before[path])
            return float(np.abs(array - wanted).max()) if np.shape(wanted) == array.shape else np.inf

        left.sort(key=lambda path: (str(path[-1]) != q.name if path else False, off(path)))
        if left:
            found[q.name] = left.pop(0)
    return found


def following(q: Quantity, convention: Convention, probe: Probe, returned: Mapping[Path, Any]) -> Any:
    """The output that follows from the returned states, (..., batch, rows); None where not all that it takes is there.

    Logits and their softmax have one shape: only the numbers tell them apart.
    """
    sizes, cell = sizes_of(convention, probe), convention.sites.cell
    states = {s.current.name: s.current for s in cell.states}
    known = dict(convention.values(probe.base, sizes))
    if convention.sequence:
        known = {leaf: value for leaf, value in known.items() if leaf.time is None}
    known |= {
        states[name]: convention.standard(name, returned[path])[..., None]
        for name, path in convention.outputs.items()
        if name in states and path in returned
    }
    expr = next(e.expr for e in cell.equations if e.quantity == q)
    if any(read not in known for read in named(expr)):
        return None
    return evaluated(((q, expr),), known, sizes, FLOATS)[q][..., 0]


def along_the_batch(convention: Convention, probe: Probe) -> Iterator[Finding]:
    """Outputs whose function of a whole vector runs along the axis of the batch, or over everything at once."""
    if convention.sequence or not any(q.name in convention.outputs for q in convention.sites.cell.outputs):
        return
    what = seen(convention, points(convention, probe, False), sizes_of(convention, probe))
    equations = convention.equations(what.values)
    known = evaluated(equations, what.values, what.sizes, FLOATS)
    for q, expr in equations:
        result = what.results.get(q.name)
        node = next((n for n in subnodes(expr) if isinstance(n, Whole) and n == expr), None)
        if result is None or node is None or node.args[0].name != "softmax":
            continue
        z = evaluated(((q, node.args[1]),), {k: v for k, v in known.items() if k != q}, what.sizes, FLOATS)[q]
        if z.shape != result.shape or z.shape[1] == 1:
            continue
        for axes, said in (((1,), "along the batch"), ((1, 2), "over the whole batch at once")):
            e = np.exp(z - z.max(axis=axes, keepdims=True))
            if np.abs(e / e.sum(axis=axes, keepdims=True) - result).max() <= 2.0**-40:
                message = f"{node.args[0].name} runs {said}, not over the entries of each {q.name}"
                yield Finding("wrong_axis", q.name, "", message, "it agrees with that to 12 digits at every point")
                break
