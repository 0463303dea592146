"""`check`: is this implementation that cell, and if not, which equation is wrong?"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from symlstm.checking import compare, extras
from symlstm.checking.classes import Factory, class_of, factory
from symlstm.checking.convention import Convention
from symlstm.checking.diagnose import Explanation
from symlstm.checking.edits import edits
from symlstm.checking.find import find
from symlstm.checking.findings import another_cell, imprecise, unexplained, wrong
from symlstm.checking.foreign import differentiated, float32_only, notes, quicker, require_bound
from symlstm.checking.gradient import check_backward
from symlstm.checking.implementation import read
from symlstm.checking.limits import limited
from symlstm.checking.loop import Loop, bounds, float_results
from symlstm.checking.manners import hidden, manners, overflow
from symlstm.checking.opinions import explanation, formulas_of, of_agreement
from symlstm.checking.predictions import along_the_batch
from symlstm.checking.probe import Probe
from symlstm.checking.report import NOTE, WRONG, Finding, Report
from symlstm.checking.returns import returns
from symlstm.checking.sequence import find_sequence
from symlstm.checking.sites import Sites, sites_of
from symlstm.checking.stated import stated_finder
from symlstm.checking.variants import other_cells
from symlstm.equations import Cell
from symlstm.errors import CellError, RuleMissing, ValueUnusable
from symlstm.plugins import ADAPTERS, registered
from symlstm.registry import cell as find_cell
from symlstm.registry import found_in_file, function_from_file

MOST_OF_OTHERS = 4
"""Conventions in which another cell is looked for."""
NOT_CHECKED = Finding(
    "backward_not_checked", "", "", "the backward function was not checked: the forward step is another cell", "", NOTE
)


def check(
    implementation: Any, cell: Any = "lstm", *, example: Any = None, backward: Any = None, convention: str = ""
) -> Report:
    """Is this implementation that cell, and if not, which equation is wrong?

    implementation: a function of one step or of a whole sequence, a method of an object, or "file.py:function". cell: a
    cell with one input and vectors for states, in any form that `sl.cell` takes. example: one call of it, as a dict by
    argument name, a tuple of positional arguments, or a function that gives either, of (n, m, batch, rng) or, with the
    number of steps, of (n, m, batch, T, rng) (best: the sizes can then be chosen); it may be left out where the code
    can be read as a cell. Its numbers are drawn anew. A whole sequence is one whose x has an axis of steps, in any
    place, or is a list of steps; it may take all initial states, some, or none. backward: the gradient
    function, or "file.py:function", or the name of a method of the same object, of upstream gradients (of one step:
    dh_next, dc_next; of a sequence those of the states at every step, or after the last: dh_last) and the cache or the
    forward arguments; it gives gradients by name (a dict, or a tuple whose return names them, or attributes of its
    object); it is checked where the forward function is right.
    convention: where it is known, in the line that the report prints, or some pieces of it ("gates i, f, o, g stacked
    along axis 1; x @ W"); what is stated is used, the rest is found.

    It may also be a layer or a cell of torch, Keras or Flax, an .onnx file, or a file of weights (symlstm.adapters):
    these are run as they are, on numbers drawn anew, without an example.

    Raises ValueUnusable where the implementation cannot be called or its convention cannot be found.
    """
    thing, name = implementation, None
    if isinstance(implementation, str) and ".py" in implementation:
        thing, name = found_in_file(implementation), implementation
        file = implementation.rpartition(":")[0] or implementation
        if isinstance(example, str) and ":" not in example:
            example = f"{file}:{example}"
        if isinstance(backward, str) and ":" not in backward and inspect.isfunction(thing) and class_of(thing) is None:
            backward = f"{file}:{backward}"
    if (adapter := adapter_for(thing)) is not None:
        if example is not None or backward is not None or convention:
            raise CellError(
                f"{name or type(thing).__name__} needs no example, no backward function and no convention",
                "it is run as it is: all numbers are drawn anew",
            )
        report = adapter.check(thing, cell)
        return replace(report, implementation=name) if name else report
    require_bound(thing)
    conventions = stated_finder(convention, found_by_probing) if convention else found_by_probing
    return examine(thing, cell, example=example, backward=backward, conventions=conventions, name=name)


def adapter_for(thing: Any) -> Any:
    """The adapter whose framework a thing is of, None for a plain function or class."""
    adapters = (point.load() for point in registered(ADAPTERS).values())
    return next((adapter for adapter in adapters if adapter.recognises(thing)), None)


Finder = Callable[[Sites, Probe], list[Convention]]


def found_by_probing(sites: Sites, probe: Probe) -> list[Convention]:
    """The likeliest conventions first; ValueUnusable says what could not be found out."""
    return find_sequence(sites, probe) if probe.example.x is not None else find(sites, probe)


def examine(
    implementation: Any,
    cell: Any = "lstm",
    *,
    example: Any = None,
    backward: Any = None,
    conventions: Finder = found_by_probing,
    name: str | None = None,
) -> Report:
    """`check` where the convention may be known: `conventions` gives those to try (symlstm.checking.known).

    name: what the implementation is called in the report."""
    start = time.perf_counter()
    function = found_in_file(implementation) if isinstance(implementation, str) else implementation
    if isinstance(function, type):
        function = factory(function)
    elif "<locals>" not in getattr(function, "__qualname__", ".") and (owner := class_of(function)) is not None:
        function = factory(owner, function.__name__)
    if isinstance(example, str):
        example = found_in_file(example)
    if not callable(function) and not isinstance(function, Factory):
        raise CellError(
            f"{implementation!r} is not a function of one step or of a sequence",
            "give a function, a class, or a method of an object: cell.step",
        )
    reference = find_cell(cell)
    sites = _gated(reference)
    probe = Probe(read(function, example, len(reference.states)))
    named = name or (implementation if isinstance(implementation, str) else probe.example.call.name)
    found = manners(probe)
    found += extras.weights_elsewhere(probe)
    if any(f.name in ("nondeterministic", "keeps_state", "not_finite") for f in found):
        return Report(reference.name, "", tuple(found), seconds=time.perf_counter() - start, implementation=named)
    found += notes(probe.example.call)
    probe.example = replace(probe.example, call=quicker(probe.example.call, probe.base))
    is_cell = partial(_is_cell, probe=probe, conventions=conventions)
    try:
        candidates = conventions(sites, probe)
    except ValueUnusable:
        if not (other := next(other_cells(reference, is_cell, alike=False), "")):
            raise
        seconds, another = time.perf_counter() - start, another_cell(other, reference.name, probe)
        return Report(reference.name, "", (another,), seconds=seconds, implementation=named)
    convention, measured = _best(candidates, probe)
    if probe.example.call.narrow and _only_float32(convention, measured, probe):
        probe = probe.in_single()
        convention, measured = _best(candidates, probe)
        found.append(float32_only(probe.example.call, "the arrays of the example are float32"))
    ruled_out: tuple[str, ...] = ()
    explained: Loop | None = None
    run, reading = formulas_of(probe), ""
    if compare.within(measured):
        alike = [c for c in candidates if c.views != convention.views and c.outputs == convention.outputs]
        found += extras.ambiguous(convention, [c for c in alike if _agrees(c, probe)])
        reading, more = of_agreement(run, convention, probe)
        found += [*more, *limited(convention, probe)]
    elif compare.roughly(measured, probe):
        found += [_small(convention, probe, measured)]
    else:
        if shared := list(along_the_batch(convention, probe)):
            found += shared
            candidates = [replace(c, outputs=_without(c.outputs, shared)) for c in candidates]
        if is_another := next(other_cells(reference, is_cell), ""):
            found.append(another_cell(is_another, reference.name, probe))
        else:
            best, reading = explanation(candidates, run, probe)
            convention = best.convention
            if best.complete:
                found += wrong(best, probe)
                explained = best.loop
            elif is_another := next(other_cells(reference, is_cell, alike=False), ""):
                found.append(another_cell(is_another, reference.name, probe))
            else:
                found += [unexplained(best, convention, probe, measured)]
                ruled_out = (f"{best.tried} edits of the equations, alone and in sets of up to four",)
            measured = _measured(convention, probe)
    found += returns(convention, probe)
    found += extras.unreturned(convention, probe)
    found += extras.rest(convention, probe, explained)
    found += [*overflow(convention, probe), *hidden(probe)]
    ulps = compare.ulps(measured)
    if backward is not None:
        if any(f.severity == WRONG and f.equation in ulps for f in found):
            found.append(NOT_CHECKED)
        else:
            in_a_file = isinstance(backward, str) and ":" in backward
            given = function_from_file(backward) if in_a_file else backward
            more, gradients = check_backward(given, convention, probe)
            if probe.example.call.narrow and any(f.severity == WRONG for f in more):
                in_float32, again = check_backward(given, convention, probe.in_single())
                if not any(f.severity == WRONG for f in in_float32):
                    note = float32_only(probe.example.call, "the arrays of the example are float32")
                    more, gradients = in_float32 + ([] if note in found else [note]), again
            found, ulps = [*found, *more], {**ulps, **gradients}
    elif not any(f.severity == WRONG for f in found):
        more, gradients = differentiated(convention, probe)
        found, ulps = [*found, *more], {**ulps, **gradients}
    seconds = time.perf_counter() - start
    ordered = tuple(sorted(found, key=lambda f: f.severity != WRONG))
    return Report(reference.name, convention.said(), ordered, ulps, ruled_out, seconds, named, reading, convention)


def _only_float32(convention: Convention, measured: Any, probe: Probe) -> bool:
    """Whether float32 numbers come out of float64 ones, and only these are wrong."""
    if probe.example.call.precision == "single" or compare.within(measured):
        return False
    if compare.float32_numbers(convention, probe):
        return True
    return compare.roughly(measured, probe) and _small(convention, probe, measured).name == "imprecise"


def _without(outputs: Any, findings: list[Finding]) -> dict[str, Any]:
    return {name: path for name, path in outputs.items() if name not in {f.equation for f in findings}}


def _gated(cell: Cell) -> Sites:
    """The sites of a cell; RuleMissing where it has no gates of the size of its state."""
    sites = sites_of(cell)
    if not sites.gates:
        raise RuleMissing(
            f"{cell.name} cannot be checked: none of its parameters has as many rows as its first state",
            "cells with one input vector, and gates of the size of their states, can be",
        )
    return sites


def _is_cell(cell: Cell, probe: Probe, conventions: Finder) -> bool:
    """Whether the implementation is that cell, in a convention that is found."""
    return any(_agrees(convention, probe) for convention in conventions(_gated(cell), probe)[:MOST_OF_OTHERS])


def _measured(convention: Convention, probe: Probe) -> list[dict[str, compare.Measured]]:
    return [compare.measure(convention, probe, at) for at in compare.points(convention, probe, False)]


def _agrees(convention: Convention, probe: Probe) -> bool:
    return compare.within(_measured(convention, probe))


def _best(conventions: list[Convention], probe: Probe) -> tuple[Convention, list[dict[str, compare.Measured]]]:
    """The convention under which it agrees, else the likeliest."""
    first = None
    for convention in conventions:
        measured = _measured(convention, probe)
        if compare.roughly(measured, probe):
            return convention, measured
        first = first or (convention, measured)
    assert first is not None
    return first


def _small(convention: Convention, probe: Probe, measured: Any) -> Finding:
    """A difference no larger than float32 makes: an epsilon in an equation, or float32 itself."""
    at = compare.points(convention, probe, False)
    sizes = compare.sizes_of(convention, probe)
    cell = convention.sites.cell
    loop = convention.loop(at[0].values)
    for edit in edits(convention.sites, loop.equations):
        if edit.name == "epsilon":
            made = edit.applied_to(loop)
            limits = [bounds(made, p.values, sizes, p.results, cell) for p in at]
            values = [float_results(made, p.values, sizes, p.results, cell) for p in at]
            near = [
                (np.abs(values[k][name] - result) <= 2 * limits[k][name]).all()
                for k, p in enumerate(at)
                for name, result in p.results.items()
            ]
            if all(near):
                only = Explanation(convention, (edit,), made, len(near), len(near))
                return replace(wrong(only, probe)[0])
    return imprecise(convention, probe, measured)
