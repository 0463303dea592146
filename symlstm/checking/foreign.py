"""Implementations on arrays of other libraries: what is to be said of them, and the same run faster."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.checking.calls import SELF, Call, attempt
from symlstm.checking.convention import Convention
from symlstm.checking.derivatives import NoGradient, derivatives_of
from symlstm.checking.gradient import check_backward
from symlstm.checking.leaves import Path, leaves, own_arrays
from symlstm.checking.probe import Probe
from symlstm.checking.report import NOTE, Finding
from symlstm.checking.tensors import kind_of
from symlstm.errors import ValueUnusable

CUTS = "detach, stop_gradient, .data, no_grad"
CLOSE = 2.0**-36
"""For looking only: compiled and not, the two are the same function."""


def notes(call: Call) -> list[Finding]:
    """What is computed in float32 only, what a module does in training that is not looked at."""
    found = [float32_only(call, "float64 was tried, and it fails")] if call.precision == "single" else []
    holder = kind_of(call.owner) if call.owner is not None else None
    said = holder.notes(call.owner) if holder is not None and holder.holds(call.owner) else []
    return found + [Finding(name, "", call.line, message, "", NOTE) for name, message in said]


def require_bound(thing: Any) -> None:
    """ValueUnusable for a module of Flax (or its class, (module, variables), module.apply) that a user wrote: its
    parameters are not in it."""
    linen = sys.modules.get("flax.linen")
    module = thing[0] if isinstance(thing, tuple) and thing else getattr(thing, "__self__", thing)
    made = module if isinstance(module, type) else type(module)
    if linen is None or not issubclass(made, linen.Module) or getattr(module, "scope", None) is not None:
        return
    raise ValueUnusable(
        f"{made.__name__} is a module of Flax: its parameters are not in it, but in its variables",
        "check a function that takes both, with one example of its arguments: def step(variables, x, h, c): "
        "return module.apply(variables, (h, c), x); sl.check(step, example=dict(variables=variables, x=x, h=h, c=c))",
    )


def float32_only(call: Call, evidence: str) -> Finding:
    """The note of an implementation that is not held to float64."""
    message = "it runs in float32 only: its results are held against the bounds of float32"
    return Finding("float32_only", "", call.line, message, evidence, NOTE)


def differentiated(convention: Convention, probe: Probe) -> tuple[list[Finding], dict[str, Any]]:
    """The gradients that the library gives of the implementation, against the derived ones; and their ulps."""
    call = probe.example.call
    if not call.foreign:
        return [], {}
    own = derivatives_of(call)
    if own is None:
        message = "its gradients were not checked: not all of it can be differentiated by the library, in float64"
        return [Finding("gradients_not_checked", "", call.line, message, "", NOTE)], {}
    try:
        found, ulps = check_backward(own, convention, probe)
        cut = {f: f"{f.message} ({CUTS})" for f in found if f.name == "backward_cut_off"}
        return [replace(f, where=call.line, message=cut.get(f, f.message)) for f in found], ulps
    except NoGradient as problem:
        message = f"{problem.message}: it is cut off ({CUTS}, or a tensor made anew)"
        return [Finding("no_gradient", "", call.line, message, "the sum of all results at random weights")], {}
    except ValueUnusable as problem:
        return [Finding("not_differentiable", "", call.line, problem.message, "")], {}


def quicker(call: Call, arrays: Mapping[Path, Any]) -> Call:
    """The same call compiled by the library, where that goes and gives the same."""
    raw = own_arrays({name: value for name, value in call.inside.items() if (name,) not in call.stacked})
    kind = next((k for _, array in raw if (k := kind_of(array)) is not None), None)
    if kind is None or call.globals or any(path[0] == SELF for path, _ in raw):
        return call
    if len(raw) != len(arrays) or any(kind_of(array) is not kind for _, array in raw):
        return call
    made = replace(call, compiled=kind.compiled(call, dict(raw)))
    try:
        slow, fast = ({leaf.path: leaf.array for leaf in leaves(attempt(c, arrays))} for c in (call, made))
    except ValueUnusable:
        return call
    same = slow.keys() == fast.keys() and all(
        slow[p].shape == fast[p].shape and np.allclose(slow[p], fast[p], CLOSE, CLOSE) for p in slow
    )
    return made if same else call
