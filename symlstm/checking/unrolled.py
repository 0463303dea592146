"""Symbolic reading of a whole sequence: what it returns after a few steps, as formulas, against the steps unrolled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from symlstm.checking.compare import sizes_of
from symlstm.checking.convention import Convention
from symlstm.checking.loop import LAST, Loop, batch_in, item_of, joined, scan, shown
from symlstm.checking.objects import FORMULAS, numbers
from symlstm.checking.probe import Probe
from symlstm.checking.reading import Run, run_on_formulas
from symlstm.checking.reference import Equations, reads
from symlstm.errors import SymlstmError
from symlstm.evidence.program import Uncheckable

STEPS = (3, 2)
"""Three steps show all of how they follow each other; two where formulas are inside each other too deep for three."""


@dataclass(frozen=True)
class Unrolled:
    """A sequence of so many steps run on formulas."""

    run: Run
    steps: int


@dataclass(frozen=True)
class Compared:
    """results: what came back and was compared; differing: those of them that are other formulas."""

    results: tuple[str, ...]
    differing: tuple[str, ...]


def run_unrolled(probe: Probe) -> Unrolled | str:
    """The implementation run on formulas over a few steps; where that does not go, why."""
    example = probe.example
    if not example.any_length and example.steps > max(STEPS):
        return f"it takes {example.steps} steps only, and formulas can follow {max(STEPS)}"
    found: Run | str = ""
    for steps in STEPS if example.any_length else (example.steps,):
        found = run_on_formulas(probe.of_length(steps))
        if isinstance(found, Run):
            return Unrolled(found, steps)
    return str(found)


def compared(unrolled: Unrolled, convention: Convention, probe: Probe, loop: Loop | None = None) -> Compared | str:
    """What came back against the cell (or another loop) step by step, for all inputs; or why not."""
    sizes = sizes_of(convention, probe)
    cell, results = convention.sites.cell, unrolled.run.results
    names = [name for name, path in convention.outputs.items() if path in results]
    differing = []
    try:
        values = convention.values(unrolled.run.arrays, sizes)
        loop = _needed(loop or convention.loop(values), names)
        found = {name: convention.standard(name, results[convention.outputs[name]])[..., None] for name in names}
        trails = [scan(loop, item_of(values, k, numbers), sizes, FORMULAS) for k in range(batch_in(values))]
        for name in names:
            wanted = [joined(shown(loop, trail, name, cell), name, values) for trail in trails]
            own = [found[name][..., k, :, :] for k in range(found[name].shape[-3])]
            if not (len(own) == len(wanted) and all(_same(a, b) for a, b in zip(own, wanted, strict=True))):
                differing.append(name)
    except (SymlstmError, Uncheckable, TypeError, ValueError, AttributeError) as error:
        return str(error)
    return Compared(tuple(names), tuple(differing)) if names else "nothing that it returns has the shape of a state"


def _same(a: Any, b: Any) -> bool:
    a = numbers(a)
    return a.shape == b.shape and all(v.same(w) for v, w in zip(a.reshape(-1), b.reshape(-1), strict=True))


def _needed(loop: Loop, names: list[str]) -> Loop:
    """Without the equations of outputs that did not come back: a softmax of them may be too deep a formula."""
    wanted = {carry.source for _, carry in loop.carries} | {current for _, current in loop.shown_as}
    kept: Equations = ()
    for q, expr in reversed(loop.equations):
        if q in wanted or q.name in names or f"{q.name}{LAST}" in names:
            wanted |= reads(expr)
            kept = ((q, expr), *kept)
    return replace(loop, equations=kept)
