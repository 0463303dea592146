"""What else is to be said: states that are not returned, arguments that nothing uses, predictions, doubts."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.checking.compare import sizes_of
from symlstm.checking.convention import Convention
from symlstm.checking.globals import line_of_global
from symlstm.checking.leaves import Path
from symlstm.checking.loop import LAST, Loop, float_results
from symlstm.checking.probe import Probe
from symlstm.checking.report import NOTE, WRONG, Finding
from symlstm.checking.storage import storage


def weights_elsewhere(probe: Probe) -> list[Finding]:
    """Weights that are read from global variables, with the line of each."""
    call = probe.example.call
    places = {name: line_of_global(call.function, name) for name in call.globals}
    if not places:
        return []
    said = [name + (f" (line {place.split(':')[-1]})" if place else "") for name, place in places.items()]
    message = f"reads weights from the global{'s' if len(said) > 1 else ''} {', '.join(said)}"
    where = next((place for place in places.values() if place), "")
    return [Finding("global", "", where, message, "drawn anew for this check, and put back", NOTE)]


def ambiguous(convention: Convention, others: list[Convention]) -> list[Finding]:
    """Other conventions that agree exactly as well."""
    if not others:
        return []
    also = "; ".join(", ".join(o.order) for o in others[:3])
    return [
        Finding(
            "ambiguous_convention",
            "",
            "",
            f"the gate orders {', '.join(convention.order)} and {also} cannot be told apart",
            "all agree within their rounding bounds",
            NOTE,
        )
    ]


def unreturned(convention: Convention, probe: Probe) -> list[Finding]:
    """States that are not returned or not given, a number of steps that is fixed: what hides in them."""
    states = convention.sites.cell.states
    returned = {name.removesuffix(LAST) for name in convention.outputs}
    found = [
        Finding("not_returned", name, "", f"{name} is not returned", "it is seen only through the other results", NOTE)
        for name in (*(s.current.name for s in states), *(q.name for q in convention.sites.cell.outputs))
        if name not in returned
    ]
    found += [
        Finding("not_given", q.name, "", f"{q.name} is not among the arguments", f"what reads {q.name} is not checked")
        for q in convention.sites.others
        if q.name not in convention.others
    ]
    lost = [s.previous for s in states if s.previous.name not in convention.roles]
    if convention.sequence and lost:
        names = " and ".join(q.base for q in lost)
        message = (
            f"the initial {names} {'is' if len(lost) == 1 else 'are'} zero inside: what multiplies "
            f"{'it' if len(lost) == 1 else 'them'} in the first step (recurrent weights, the forget gate) cannot be "
            "seen there, nor whether initial states would be used, or exchanged"
        )
        found.append(Finding("zero_initial_state", "", probe.example.call.line, message, "no argument is one", NOTE))
    elif lost:
        found += [
            Finding(
                "not_given",
                q.name,
                "",
                f"{q.name} is not among the arguments",
                "mistakes in what it multiplies are hidden",
            )
            for q in lost
        ]
    if convention.sequence and probe.example.steps < 3:
        message = f"only {probe.example.steps} steps can be seen: what goes wrong from the third on is hidden"
        found.append(Finding("short_sequence", "", probe.example.call.line, message, "no other length runs", NOTE))
    if convention.sequence and not probe.example.any_length:
        message = f"it runs with {probe.example.steps} steps alone, or not with one: gates are told apart less surely"
        found.append(Finding("fixed_length", "", probe.example.call.line, message, "one step was tried", NOTE))
    if masks := ", ".join(".".join(map(str, path)) for path in probe.example.masks):
        message = f"{masks} is kept at one, as a mask: what it does where it is zero is not checked"
        found.append(Finding("mask", "", masks, message, "it holds ones and zeros, for the batch and the steps", NOTE))
    if convention.confused:
        message = (
            "the axis that the example makes as long as the batch is run along in time, and that of the steps is not"
        )
        found.append(
            Finding(
                "batch_and_time_confused",
                "",
                probe.example.call.line,
                message,
                "one item of the batch was moved: the later ones change; one step was moved: the others do not",
            )
        )
    return found


def rest(convention: Convention, probe: Probe, explained: Loop | None = None) -> list[Finding]:
    """Arguments without effect, and results beside the states; explained: the equations with the mistakes that were
    named: what has no effect in these either is no mistake of its own."""
    before = probe.run(probe.base)
    kept_beside = storage(probe)
    unused = [path for path in probe.base if path in probe.silent and path not in kept_beside]
    found = []
    states = set(convention.outputs.values())
    h_path = None if convention.sequence else convention.outputs.get("h")
    for path, array in before.items():
        top = h_path is not None and len(path) == len(h_path)
        if path not in states and top and not _went_in(array, probe) and h_path is not None:
            found += _prediction(path, array, before[h_path], convention, unused)
    known = {view.path for views in convention.views.values() for view in views} | set(convention.roles.values())
    follows = [path for path in unused if found and path not in known]  # what a prediction would have used
    follows += _without_effect(explained, convention, probe, unused) if explained else []
    for paths, why in (
        ([path for path in unused if path not in follows], ""),
        (follows, ": that follows from the mistakes that are named"),
    ):
        if paths:
            names = ", ".join(".".join(map(str, path)) for path in paths)
            message = f"{names}: nothing that is returned depends on it{why}"
            found.append(Finding("unused", "", names, message, "", NOTE if why else WRONG))
    return found


def _without_effect(loop: Loop, convention: Convention, probe: Probe, paths: list[Path]) -> list[Path]:
    """The arrays that change results of the cell, and none of these equations."""
    sizes, cell = sizes_of(convention, probe), convention.sites.cell

    def heard(path: Path, equations: Loop) -> bool:
        both = [convention.values(arrays, sizes) for arrays in (probe.base, {**probe.base, path: probe.base[path] / 2})]
        before, after = (float_results(equations, values, sizes, convention.outputs, cell) for values in both)
        return any(not np.array_equal(before[name], after[name]) for name in before)

    right = convention.loop(convention.values(probe.base, sizes))
    return [path for path in paths if heard(path, right) and not heard(path, loop)]


def _went_in(array: Any, probe: Probe) -> bool:
    return any(a.shape == array.shape and np.array_equal(a, array) for a in probe.base.values())


def _prediction(path: Path, array: Any, h: Any, convention: Convention, unused: list[Path]) -> list[Finding]:
    """A result beside the states that is softmax(h)."""
    if array.shape != h.shape:
        return []
    axis = -1 if convention.batch in (None, 0) else 0
    e = np.exp(h - h.max(axis=axis, keepdims=True))
    if np.abs(array - e / e.sum(axis=axis, keepdims=True)).max() > 2.0**-40:
        return []
    return [
        Finding(
            "prediction",
            "y",
            f"result {'.'.join(map(str, path))}",
            "the prediction is softmax(h), not softmax(W_y h + b_y)",
            "it agrees with softmax(h) to 12 digits",
        )
    ]
