"""What else is to be said: states that are not returned, arguments that nothing uses, predictions, doubts."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.checking.convention import Convention
from symlstm.checking.leaves import Path
from symlstm.checking.probe import Probe
from symlstm.checking.report import NOTE, Finding


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


def unreturned(convention: Convention) -> list[Finding]:
    """States that are not returned: what hides in them."""
    missing = [s.current.name for s in convention.sites.cell.states if s.current.name not in convention.outputs]
    lost = [s.previous.name for s in convention.sites.cell.states if s.previous.name not in convention.roles]
    found = [
        Finding("not_returned", name, "", f"{name} is not returned", "it is seen only through the other results", NOTE)
        for name in missing
    ]
    return found + [
        Finding(
            "not_given", name, "", f"{name} is not among the arguments", "mistakes in what it multiplies are hidden"
        )
        for name in lost
    ]


def rest(convention: Convention, probe: Probe) -> list[Finding]:
    """Arguments without effect, and results beside the states."""
    before = probe.run(probe.base)
    unused = [path for path in probe.base if not _matters(path, probe, before)]
    found = []
    states = set(convention.outputs.values())
    h_path = convention.outputs.get("h")
    for path, array in before.items():
        top = h_path is not None and len(path) == len(h_path)
        if path not in states and top and not _went_in(array, probe) and h_path is not None:
            found += _prediction(path, array, before[h_path], convention, unused)
    if unused:
        names = ", ".join(".".join(map(str, path)) for path in unused)
        found.append(
            Finding("unused", "", names, f"{names}: nothing that is returned depends on it", "each was changed")
        )
    return found


def _went_in(array: Any, probe: Probe) -> bool:
    return any(a.shape == array.shape and np.array_equal(a, array) for a in probe.base.values())


def _matters(path: Path, probe: Probe, before: dict[Path, Any]) -> bool:
    moved = {**probe.base, path: probe.base[path] * 1.25}
    after = probe.run(moved)
    passed_on = {p for p, a in before.items() if np.array_equal(a, probe.base[path])}
    return any(p not in passed_on and not np.array_equal(before[p], after[p]) for p in before if p in after)


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
