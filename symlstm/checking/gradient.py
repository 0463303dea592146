"""A backward function against the derived one: each gradient in 50 digits with its bound, and the diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import mpmath
import numpy as np

from symlstm.checking.backward_call import Called, batch_of, called
from symlstm.checking.backward_findings import in_place, mistakes
from symlstm.checking.backward_loop import Back, BackLoop, back_loop, derived, parts, scan_back
from symlstm.checking.backward_search import Block, Point, Search
from symlstm.checking.compare import FEW_STEPS, sizes_of, unit_of
from symlstm.checking.convention import Convention
from symlstm.checking.derivatives import Derivatives
from symlstm.checking.edits import Edit
from symlstm.checking.head import before_activations, upstream_outputs
from symlstm.checking.leaves import Path
from symlstm.checking.limits import LARGE_UPSTREAM, limited_gradients
from symlstm.checking.loop import Each, item_of, mapped, steps_in
from symlstm.checking.probe import Probe, drawn
from symlstm.checking.reference import GRADIENTS, PROMISED, difference, numbers
from symlstm.checking.report import Finding
from symlstm.checking.returned import gradients_of, misshapen, uncompared
from symlstm.checking.sites import columns
from symlstm.errors import ValueUnusable
from symlstm.evidence.digits import FIELD as DIGITS
from symlstm.evidence.running import U, exact
from symlstm.expr.nodes import Quantity

Backward = Callable[..., Any] | str | Derivatives
"""A function, the name of a method of the same object, or what the library of the arrays gives."""
POINTS = 3
NEAR = range(POINTS - 1)
"""Points whose gradients from outside are of size one; those of the last are large."""
MOST_IN_TIME = 2


def check_backward(function: Backward, convention: Convention, probe: Probe) -> tuple[list[Finding], dict[str, Any]]:
    """What is wrong with a backward function (or method, by name), and its ulps by gradient."""
    convention, notes = upstream_outputs(function, convention, probe)
    free = convention.sequence and probe.example.any_length
    points = _points(function, convention, probe.of_length(FEW_STEPS) if free else probe)
    loop = back_loop(convention.sites.cell, convention.loop(points[0].values))
    loop, more = before_activations(loop, points[0].meanings, convention.sites.cell)
    sizes = sizes_of(convention, probe)
    ulps: dict[str, Any] = {}
    wrong: dict[str, float] = {}
    near: set[str] = set()
    for k, point in enumerate(points):
        for block, off, bound, size in _measured(point, loop, sizes, unit_of(probe) / U):
            one = np.spacing(size) if size else 2 * U
            row = ulps.setdefault(block.name, {"scaled": 0.0, "elementwise": 0.0, "bound": 0.0})
            row["scaled"] = max(row["scaled"], float(np.abs(off).max() / one))
            row["bound"] = max(row["bound"], float(bound.max() / one))
            entries = np.spacing(np.maximum(np.abs(block.numbers), U * max(size, U)))
            row["elementwise"] = max(row["elementwise"], float((np.abs(off) / entries).max()))
            if not (np.abs(off) <= bound).all():
                near |= {block.name} if k in NEAR else set()
                wrong[block.name] = max(wrong.get(block.name, 0.0), float(np.abs(off).max() / max(size, U)))
    found = [*points[0].findings, *in_place(points[0].again, probe), *notes, *more]
    if wrong and not near:
        found = [limited_gradients(list(wrong), max(wrong.values())), *found]
    elif wrong:
        found = [*_diagnosed(function, points, loop, convention, probe if free else None, sizes, wrong), *found]
    return found, ulps


def _points(function: Backward, convention: Convention, probe: Probe) -> list[Point]:
    return [_point(function, convention, probe, k) for k in range(POINTS)]


def _point(function: Backward, convention: Convention, probe: Probe, k: int) -> Point:
    rng = np.random.default_rng(100 + k)
    cell, example = convention.sites.cell, probe.example
    arrays = drawn(rng, example)
    if isinstance(function, Derivatives):
        given = function.called(convention, probe, arrays, rng)
    else:
        given = called(function, convention, probe, arrays, rng, 1.0 if k in NEAR else LARGE_UPSTREAM)
    values = convention.values(arrays, sizes_of(convention, probe))
    steps = steps_in(values)
    for q, symbol in derived(cell).upstream.items():
        total = [np.zeros((batch_of(convention, probe), _rows(q, values), 1)) for _ in range(steps)]
        for number in given.above.get(q.name, []):
            for t, part in enumerate(number) if number.ndim == 3 else [(steps - 1, number)]:
                total[t] = total[t] + part[..., None]
        values[symbol] = Each(total) if convention.sequence else total[0]
    blocks = list(_blocks(convention, arrays, given))
    found = misshapen(convention, arrays, given)
    if not blocks and not found:
        raise ValueUnusable(
            f"none of the results of the backward function has the name of a gradient ({', '.join(given.gradients)})",
            "return a dict by name (dWf, db_f, dx), or name the variables in its return statement so",
        )
    if not isinstance(function, Derivatives):
        found += uncompared(convention, arrays, given)
    return Point(values, blocks, found, given.again, given.meanings)


def _rows(q: Quantity, values: Mapping[Any, Any]) -> int:
    """The length of a quantity, from the arrays that have its size."""
    like = next((r, k) for r in values for k, size in enumerate(r.shape) if size == q.shape[0] and r.time is None)
    return int(np.shape(values[like[0]])[like[1] - 2])


def _blocks(convention: Convention, arrays: Mapping[Path, Any], given: Called) -> Iterator[Block]:
    """Every part of every returned gradient of which the cell has one."""
    cell, sites = convention.sites.cell, convention.sites
    adjoints = {a.of.name: a.quantity for a in derived(cell).adjoints if a.quantity.role == "adjoint"}
    roles = {path: q for q, path in convention.roles.items()}
    inputs = {q.name for q in cell.inputs}
    for returned in gradients_of(convention, arrays, given):
        name, path, gradient = returned.name, returned.path, returned.array
        if path is None or not returned.fits:
            continue
        if path in roles:
            kind = "input" if roles[path] in inputs else "initial"
            own = convention.standard(roles[path], gradient)[..., None]
            yield Block(name, adjoints[roles[path]], None, kind, own)
            continue
        for other, (of_other, turned) in convention.others.items():
            if of_other == path:
                own = gradient.T if turned else gradient
                yield Block(name, adjoints[other], None, "parameter", own.reshape(len(own), -1)[None])
        for (gate, part), views in convention.views.items():
            site = sites.of(gate, part)
            for view in views:
                if view.path == path and site is not None:
                    own = view.take(np.ascontiguousarray(gradient))
                    own = own.reshape(len(own), -1)[None]
                    lengths = {sites.n: own.shape[1], sites.m: _length(convention, arrays)}
                    yield Block(name, adjoints[site.parameter.name], columns(site, lengths, sites), "parameter", own)


def _length(convention: Convention, arrays: Mapping[Path, Any]) -> int:
    x = convention.sites.cell.inputs[0].name
    return int(convention.standard(x, arrays[convention.roles[x]]).shape[-1])


def _measured(
    point: Point, loop: BackLoop, sizes: Mapping[Any, int], unit: float
) -> Iterator[tuple[Block, Any, Any, float]]:
    """(block, difference from 50 digits, bound, largest size) of each block; unit: of rounding, in that of float64."""
    true = _digits(point, loop, sizes)
    running = scan_back(loop, mapped(point.values, exact), sizes, GRADIENTS)
    for block in point.blocks:
        with mpmath.workdps(PROMISED + 10):
            right = block.total(parts(loop, true, block.adjoint, block.kind), point.batch)
        terms = parts(loop, running, block.adjoint, block.kind)
        bound = block.total([v.real for v in terms], point.batch)
        if block.kind == "parameter":
            sizes_of_terms = block.total([np.abs(v.value.real) for v in terms], point.batch)
            bound = bound + (point.batch * len(terms) + 1) * U * sizes_of_terms
        off = difference(np.asarray(block.numbers, dtype=float), right)
        yield block, off, np.broadcast_to(unit * bound, off.shape), float(np.abs(np.asarray(right, dtype=float)).max())


def _digits(point: Point, loop: BackLoop, sizes: Mapping[Any, int]) -> Back:
    """The adjoints that are compared in 50 digits, step by step: (batch, rows, cols)."""
    wanted = list(dict.fromkeys(b.adjoint for b in point.blocks))
    with mpmath.workdps(PROMISED + 10):
        found = []
        for k in range(point.batch):
            found.append(scan_back(loop, item_of(point.values, k, numbers), sizes, DIGITS))
        return [{q: np.stack([item[t][q] for item in found]) for q in wanted} for t in range(len(found[0]))]


def _diagnosed(
    function: Backward,
    points: list[Point],
    loop: BackLoop,
    convention: Convention,
    probe: Probe | None,
    sizes: Mapping[Any, int],
    wrong: dict[str, float],
) -> list[Finding]:
    """The fewest edits of the backward pass that explain every gradient; else the gradients that are wrong.

    Mistakes in how the steps hang together are looked for first; then, where the probe can be one step long, those in a
    step at a single one, with which the whole sequence is looked at again.
    """
    names = ", ".join(wrong)
    worst = f"the largest relative difference is {max(wrong.values()):.2g}"
    whole = Search(points, loop, convention, sizes)
    if whole.agrees(loop):
        message = f"the gradients {names} are off by more than rounding, by less than any mistake that was tried makes"
        return [Finding("backward_imprecise", "", names, message, worst)]
    found = whole.search([((), loop)], in_time=True, in_step=False, most=MOST_IN_TIME) if convention.sequence else None
    starts: list[tuple[tuple[Edit, ...], BackLoop]] = [((), loop)]
    if found is None and probe is not None:
        alone = Search(_points(function, convention, probe.of_length(1)), loop, convention, sizes)
        if not alone.agrees(loop) and (step := alone.search(starts, in_time=False)) is not None:
            starts = [(step.edits, step.loop), *starts]
            found = step if whole.agrees(step.loop) else None
            found = found or whole.search(starts[:1], in_step=False, most=MOST_IN_TIME)
        whole.tried += alone.tried
    found = found or whole.search(starts, in_time=convention.sequence)
    if found is None:
        nearest = f"the nearest explains {whole.nearest} of {whole.first} gradients at one point"
        evidence = f"{worst}; {whole.tried} edits were tried, {nearest}"
        return [Finding("backward_wrong", "", names, f"the gradients {names} are wrong", evidence)]
    return mistakes(found, whole, f"{names} are off; {worst}")
