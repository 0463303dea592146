"""Limits: clipped states, pre-activations and gradients, which numbers of size one do not reach."""

from __future__ import annotations

import numpy as np

from symlstm.checking import compare
from symlstm.checking.convention import Convention
from symlstm.checking.probe import Probe, drawn
from symlstm.checking.report import Finding
from symlstm.errors import ValueUnusable

LARGE = 32.0
"""What x and the states are multiplied by: beyond all limits in use, and short of where exp overflows."""
LARGE_UPSTREAM = 2.0**14


def limited(convention: Convention, probe: Probe) -> list[Finding]:
    """Results that agree near zero and no longer where x and the states are large: something is clipped.

    Gates are open or shut there, so that what counts is a difference beside an open gate, of more than float32 rounds.
    """
    arrays = drawn(np.random.default_rng(13), probe.example)
    arrays |= {path: LARGE * arrays[path] for path in convention.roles.values()}
    off = {}
    try:
        large = compare.point(convention, probe, arrays)
    except ValueUnusable as problem:
        if isinstance(problem.__cause__, OverflowError):  # of Python's own exponential: manners.overflow says so
            return []
        raise
    for name, m in compare.measure(convention, probe, large).items():
        worst = float(np.abs(m.difference).max())
        unit = compare.U32 * max(1.0, m.size)
        bound = float(np.nan_to_num(m.bound, nan=np.inf).max())  # so wide a sum may have no bound: zero times infinity
        if not worst <= unit + bound:
            off[name] = worst
    if not off:
        return []
    name, worst = max(off.items(), key=lambda item: item[1])
    message = (
        f"{' and '.join(off)} are right near zero and wrong where x and the states are large: something is clipped"
    )
    evidence = f"with x and the states {LARGE:g} times as large, {name} is off by {worst:.2g}"
    return [Finding("limited", name, probe.example.call.line, message, evidence)]


def limited_gradients(names: list[str], worst: float) -> Finding:
    """The finding for gradients that are right for small gradients from outside alone."""
    said = ", ".join(names)
    message = f"the gradients {said} are right where those from outside are small and not where they are large: clipped"
    evidence = (
        f"with gradients from outside {LARGE_UPSTREAM:g} times as large, the largest relative difference is {worst:.2g}"
    )
    return Finding("backward_limited", "", said, message, evidence)
