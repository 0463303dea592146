"""An output that an implementation computes from h beside the cell (y = W_y h + b_y): the cell with that output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sympy as sp

from symlstm.checking import compare
from symlstm.checking.backward_call import upstream_of
from symlstm.checking.backward_loop import BackLoop, derived
from symlstm.checking.convention import Convention
from symlstm.checking.find import with_outputs
from symlstm.checking.predictions import others_of
from symlstm.checking.probe import Probe
from symlstm.checking.report import NOTE, Finding
from symlstm.checking.sequence import with_predictions
from symlstm.checking.sites import sites_of
from symlstm.checking.tensors import signature_of
from symlstm.checking.words import LOGITS, says_output
from symlstm.equations import Cell, Equation
from symlstm.errors import RuleMissing
from symlstm.evidence.program import named
from symlstm.expr import build
from symlstm.expr.nodes import quantity, t

HEADS: dict[str, tuple[bool, Callable[[Any], Any]]] = {
    "W_y h + b_y": (True, lambda z: z),
    "softmax(W_y h + b_y)": (True, lambda z: build.whole("softmax", z)),
    "σ(W_y h + b_y)": (True, lambda z: build.apply("sigmoid", z)),
    "W_y h": (False, lambda z: z),
    "softmax(W_y h)": (False, lambda z: build.whole("softmax", z)),
}
"""What it is called -> whether there is a bias, what is done last."""


@lru_cache(maxsize=32)
def with_head(cell: Cell, kind: str) -> Cell:
    """The cell with an output y that is computed from its first state; its sizes have a letter of their own."""
    bias, last = HEADS[kind]
    h = cell.states[0].current
    rows = sp.Symbol("p_y", integer=True, positive=True)
    w, b = quantity("W_y", (rows, h.shape[0])), quantity("b_y", (rows, 1))
    z = build.matmul(w, h)
    y = quantity("y", (rows, 1), t)
    shapes = {**cell.shapes, "W_y": (rows, h.shape[0]), "y": (rows,)} | ({"b_y": (rows,)} if bias else {})
    return replace(
        cell,
        name=f"{cell.name} and {kind}",
        equations=(*cell.equations, Equation(y, last(build.add(z, b) if bias else z))),
        parameters=(*cell.parameters, w, *([b] if bias else [])),
        outputs=(*cell.outputs, y),
        shapes=shapes,
    )


def headed(convention: Convention, probe: Probe) -> tuple[Convention, str] | None:
    """The convention with the output that the implementation has beside the states, and what that is; None: none."""
    cell = convention.sites.cell
    if cell.outputs or any(q.name in ("W_y", "b_y") for q in cell.parameters) or "y" in cell.by_name:
        return None
    taken = {*convention.roles.values(), *(view.path for views in convention.views.values() for view in views)}
    for kind in HEADS:
        try:
            sites = sites_of(with_head(cell, kind))
        except RuleMissing:
            return None
        others = others_of(sites, probe.example, taken)
        if len(others) < len(sites.others):
            continue
        found = replace(convention, sites=sites, others=others)
        found = with_predictions(found, probe) if found.sequence else with_outputs(found, probe)
        if "y" in found.outputs:
            at = compare.points(found, probe, False)
            if all(compare.measure(found, probe, p)["y"].within() for p in at):
                return found, kind
    return None


def without_lost_outputs(convention: Convention) -> Convention:
    """Without the outputs of the cell whose parameters the implementation does not have: no gradient goes through."""
    lost = {q for q in convention.sites.others if q.name not in convention.others}
    if not lost:
        return convention
    cell, gone = convention.sites.cell, set(lost)
    for e in cell.equations:
        if not gone.isdisjoint(named(e.expr)):
            gone.add(e.quantity)
    kept = replace(
        cell,
        name=f"{cell.name} without {', '.join(sorted(q.name for q in gone - lost))}",
        equations=tuple(e for e in cell.equations if e.quantity not in gone),
        parameters=tuple(q for q in cell.parameters if q not in lost),
        outputs=tuple(q for q in cell.outputs if q not in gone),
    )
    outputs = {name: path for name, path in convention.outputs.items() if name not in {q.name for q in gone}}
    return replace(convention, sites=sites_of(kept), outputs=outputs)


def upstream_outputs(function: Any, convention: Convention, probe: Probe) -> tuple[Convention, list[Finding]]:
    """The convention with which a backward function is checked, and what is to be said of the gradients that it takes.

    An argument that is called like the gradient of an output is one where the cell has an output, or the
    implementation a head that is found; else it is taken as that by the first state.
    """
    convention = without_lost_outputs(convention)
    if isinstance(function, str):
        function = getattr(probe.example.call.owner, function, None)
    try:
        names = [name for name in signature_of(function).parameters if says_output(name) and upstream_of(name) is None]
    except (TypeError, ValueError):
        return convention, []
    if not names or any(q.name in convention.outputs for q in convention.sites.cell.outputs):
        return convention, []
    listed = " and ".join(names)
    if (found := headed(convention, probe)) is not None:
        with_it, said = found
        place = ".".join(str(part) for part in with_it.outputs["y"])
        message = f"{listed}: the gradient by an output, y = {said}, that the implementation has beside the states"
        evidence = f"result {place} agrees with it within the bound of rounding errors, its gradients are checked"
        return with_it, [Finding("head", "y", "", message, evidence, NOTE)]
    h = convention.sites.cell.states[0].current.name
    message = (
        f"{listed} {'is' if len(names) == 1 else 'are'} taken as the gradient by {h}: neither the cell nor the results "
        f"have an output that is computed from {h}; what lies between {h} and such an output is not checked"
    )
    return convention, [Finding("upstream_taken_as", h, "", message, "by the names of the arguments", NOTE)]


def before_activations(loop: BackLoop, meanings: Mapping[str, str], cell: Cell) -> tuple[BackLoop, list[Finding]]:
    """The backward pass where dlogits or dscores is given and the output is their softmax."""
    found = []
    for name, output in meanings.items():
        of = next((q for q in cell.outputs if q.name == output), None)
        delta = next((a.quantity for a in derived(cell).adjoints if a.of == of and a.quantity.role == "delta"), None)
        if of is None or delta is None or not LOGITS.search(name):
            continue
        up = derived(cell).upstream[of]
        loop = loop.with_equations(tuple((q, up if q == delta else expr) for q, expr in loop.equations))
        message = f"{name} is taken as the gradient by what the activation of {output} is applied to"
        found.append(Finding("upstream_taken_as", output, "", message, "by its name", NOTE))
    return loop, found
