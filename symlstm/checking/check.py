"""`check`: is this implementation that cell, and if not, which equation is wrong?"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.checking import compare, extras
from symlstm.checking.calls import manners
from symlstm.checking.convention import Convention
from symlstm.checking.diagnose import Explanation, explain, seen
from symlstm.checking.edits import edits
from symlstm.checking.example import read_example
from symlstm.checking.find import find
from symlstm.checking.findings import imprecise, unexplained, wrong
from symlstm.checking.gradient import check_backward
from symlstm.checking.probe import Probe
from symlstm.checking.reference import FLOATS, bounds, evaluated
from symlstm.checking.report import NOTE, WRONG, Finding, Report
from symlstm.checking.sites import sites_of
from symlstm.errors import CellError
from symlstm.registry import cell as find_cell
from symlstm.registry import function_from_file

NOT_CHECKED = Finding(
    "backward_not_checked", "", "", "the backward function was not checked: the forward step is another cell", "", NOTE
)


def check(implementation: Any, cell: Any = "lstm", *, example: Any = None, backward: Any = None) -> Report:
    """Is this implementation that cell, and if not, which equation is wrong?

    implementation: a function of one step, a method of an object, or "file.py:function". cell: a cell with one input
    and vectors for states, in any form that `sl.cell` takes. example: one call of it, as a dict by argument name, a
    tuple of positional arguments, or a function of (n, m, batch, rng) that gives either (best: the sizes can then be
    chosen); it may be left out where the code can be read as a cell. Its numbers are drawn anew. backward: the gradient
    function, or "file.py:function", of upstream gradients (dh_next, dc_next) and the cache or the forward arguments; it
    gives gradients by name (a dict, or a tuple whose return names them); it is checked where the step is right.

    Raises ValueUnusable where the implementation cannot be called or its convention cannot be found.
    """
    start = time.perf_counter()
    function = function_from_file(implementation) if isinstance(implementation, str) else implementation
    if isinstance(example, str):
        example = function_from_file(example)
    if not callable(function) or isinstance(function, type):
        raise CellError(
            f"{implementation!r} is not a function of one step", "give a function, or a method of an object: cell.step"
        )
    reference = find_cell(cell)
    sites = sites_of(reference)
    probe = Probe(read_example(function, example, len(reference.states)))
    found = manners(probe.example.call, probe.base)
    if any(f.name in ("nondeterministic", "not_finite") for f in found):
        return Report(reference.name, "", tuple(found), seconds=time.perf_counter() - start)
    conventions = find(sites, probe)
    convention, measured = _best(conventions, probe)
    ruled_out: tuple[str, ...] = ()
    if all(m.within for at in measured for m in at.values()):
        alike = [c for c in conventions if c.views != convention.views and c.outputs == convention.outputs]
        found += extras.ambiguous(convention, [c for c in alike if _agrees(c, probe)])
    elif all(m.within_unit(compare.U32) for at in measured for m in at.values()):
        found += [_small(convention, probe, measured)]
    else:
        best = _explained(conventions, probe)
        convention = best.convention
        if best.complete:
            found += wrong(best, probe)
        else:
            found += [unexplained(best, convention, probe, measured)]
            ruled_out = (f"{best.tried} edits of the equations, alone and in sets of up to four",)
        measured = _measured(convention, probe)
    found += extras.unreturned(convention)
    found += extras.rest(convention, probe)
    ulps = compare.ulps(measured)
    if backward is not None:
        if any(f.severity == WRONG and f.equation in ulps for f in found):
            found.append(NOT_CHECKED)
        else:
            given = function_from_file(backward) if isinstance(backward, str) else backward
            more, gradients = check_backward(given, convention, probe)
            found, ulps = [*found, *more], {**ulps, **gradients}
    return Report(reference.name, convention.said(), tuple(found), ulps, ruled_out, time.perf_counter() - start)


def _measured(convention: Convention, probe: Probe) -> list[dict[str, compare.Measured]]:
    return [compare.measure(convention, probe, at) for at in compare.points(convention, probe, False)]


def _agrees(convention: Convention, probe: Probe) -> bool:
    return all(m.within for at in _measured(convention, probe) for m in at.values())


def _best(conventions: list[Convention], probe: Probe) -> tuple[Convention, list[dict[str, compare.Measured]]]:
    """The convention under which it agrees, else the likeliest."""
    first = None
    for convention in conventions:
        measured = _measured(convention, probe)
        if first is None or all(m.within_unit(compare.U32) for at in measured for m in at.values()):
            first = (convention, measured)
            if all(m.within_unit(compare.U32) for at in measured for m in at.values()):
                break
    assert first is not None
    return first


def _explained(conventions: list[Convention], probe: Probe) -> Explanation:
    """The explanation with the fewest edits, of all conventions that remained."""
    candidates = []
    for convention in conventions:
        points = compare.points(convention, probe, True)
        candidates.append((convention, seen(convention, points, compare.sizes_of(convention, probe))))
    return explain(candidates)


def _small(convention: Convention, probe: Probe, measured: Any) -> Finding:
    """A difference no larger than float32 makes: an epsilon in an equation, or float32 itself."""
    at = compare.points(convention, probe, False)
    sizes = compare.sizes_of(convention, probe)
    equations = convention.equations(at[0].values)
    results = {s.current: [p.results.get(s.current.name) for p in at] for s in convention.sites.cell.states}
    for edit in edits(convention.sites, equations):
        if edit.name == "epsilon":
            made = edit.applied(equations)
            limits = [bounds(made, p.values, sizes) for p in at]
            values = [evaluated(made, p.values, sizes, FLOATS) for p in at]
            near = [
                (np.abs(values[k][q] - r) <= 2 * limits[k][q]).all()
                for q, rs in results.items()
                for k, r in enumerate(rs)
                if r is not None
            ]
            if all(near):
                only = Explanation(convention, (edit,), made, len(near), len(near))
                return replace(wrong(only, probe)[0])
    return imprecise(convention, probe, measured)
