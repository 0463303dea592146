"""How much the output at the last step depends on each earlier input and state."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.picture import Panel, Picture, Said, in_words, joined, named
from symlstm.gradient_flow.pictures.style import (
    SERIES,
    blank,
    decades,
    grid,
    in_decades,
    magnitude,
    of_steps,
    room,
    sign,
    whole_steps,
)


def picture(flow: Any) -> Picture:
    """Norms of the gradient over time, of inputs and of states."""
    found = flow.connectivity
    curves = [*found.inputs.items(), *found.states.items()]
    first, last = int(found.steps[0]) + 1, int(found.steps[-1]) + 1
    ends: list[Said] = [("by ", named(name), f": {magnitude(logs[0])}") for name, logs in curves]
    said: Said = ("Norm of the gradient of ", *output(found), f" in earlier steps; at t = {first:,}, ")
    said = (*said, f"{of_steps(last - first)} back, ", *joined(ends, ", "), ".")
    panels = tuple(
        Panel(
            f"connectivity-{kind}",
            f"Over time, {kind} only. {in_words(said)}",
            partial(_drawn, found=found, curves=own, kind=kind),
        )
        for kind, own in (("inputs", found.inputs), ("states", found.states))
        if own
    )
    return Picture("connectivity", "Connectivity to earlier inputs and states", said, panels)


def output(found: Any) -> Said:
    """Of what the gradient is."""
    return ("the loss",) if found.of == "loss" else ("the sum of ", named(found.of, None), " at the last step")


def _drawn(figure: Any, found: Any, curves: dict[str, Any], kind: str) -> None:
    axes = figure.subplots()
    steps = np.asarray(found.steps) + 1
    for k, (name, logs) in enumerate(curves.items()):
        look = SERIES[k % len(SERIES)] | {
            "markevery": (k * len(steps) // 24, max(1, len(steps) // 8)),
            "linewidth": 1.0,
        }
        axes.plot(steps, decades(logs), label=f"by {sign(name)}", **look)
    if not any(np.isfinite(logs).any() for logs in curves.values()):
        blank(axes)
    axes.set_xlim(*room((steps[0], steps[-1]), 1.0))
    axes.set_ylim(*room(axes.get_ylim(), 2.0))
    in_decades(axes.yaxis)
    whole_steps(axes.xaxis)
    grid(axes)
    if len(curves) > 1:
        axes.legend(loc="best")
    axes.set_xlabel("step $t$")
    axes.set_ylabel("norm of the gradient")
    name, logs = next(iter(curves.items()))
    axes.set_title(f"Gradient by {kind}: {magnitude(logs[0], True)} by {sign(name)} at $t$ = {steps[0]:,}")
