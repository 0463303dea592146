"""How much the output at the last step depends on each earlier input and state."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.picture import Panel, Picture
from symlstm.gradient_flow.pictures.style import (
    SERIES,
    decades,
    grid,
    in_decades,
    magnitude,
    room,
    sign,
    whole_steps,
    word,
)


def picture(flow: Any) -> Picture:
    """Norms of the gradient over time, of inputs and of states."""
    found = flow.connectivity
    curves = [*found.inputs.items(), *found.states.items()]
    first, last = int(found.steps[0]) + 1, int(found.steps[-1]) + 1
    of = "the loss" if found.of == "loss" else f"the sum of {word(found.of, None)} at the last step"
    ends = [f"by {word(name)} at t = {first}: {magnitude(logs[0])}" for name, logs in curves]
    said = f"Norm of the gradient of {of}, over steps {first:,} to {last:,}: {', '.join(ends)}."
    panels = tuple(
        Panel(
            f"connectivity-{kind}",
            f"{said[:-1]} ({kind} are drawn).",
            partial(_drawn, found=found, curves=own, kind=kind),
        )
        for kind, own in (("inputs", found.inputs), ("states", found.states))
        if own
    )
    return Picture("connectivity", "Connectivity to earlier inputs and states", said, panels)


def _drawn(figure: Any, found: Any, curves: dict[str, Any], kind: str) -> None:
    axes = figure.subplots()
    steps = np.asarray(found.steps) + 1
    for k, (name, logs) in enumerate(curves.items()):
        look = SERIES[k % len(SERIES)] | {"markevery": max(1, len(steps) // 8), "linewidth": 1.0}
        axes.plot(steps, decades(logs), label=f"by {sign(name)}", **look)
    axes.set_xlim(*room((steps[0], steps[-1]), 1.0))
    axes.set_ylim(*room(axes.get_ylim(), 2.0))
    in_decades(axes.yaxis)
    whole_steps(axes.xaxis)
    grid(axes)
    axes.legend(loc="best")
    of = "loss" if found.of == "loss" else rf"$\Sigma\,${sign(found.of, None)}"
    axes.set_xlabel("step $t$")
    axes.set_ylabel("norm of the gradient")
    far = magnitude(next(iter(curves.values()))[0], True)
    axes.set_title(f"{of} at the end by {kind}: {far} over {len(steps) - 1:,} steps")
