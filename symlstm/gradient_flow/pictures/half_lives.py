"""How long each unit remembers along the direct path."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.picture import Panel, Picture, Said, in_words, joined, named
from symlstm.gradient_flow.pictures.style import (
    ACCENT,
    FAILED,
    INK,
    decades,
    grid,
    in_decades,
    number,
    of_steps,
    room,
    sign,
)


def picture(flow: Any) -> Picture:
    """One panel for each state with a direct path: its units, from the shortest half-life to the longest."""
    title = "Half-lives of the direct path"
    if not flow.half_lives:
        why = "; ".join(reason for what, reason in flow.left_out.items() if what.startswith("half-life"))
        return Picture("half_lives", title, (f"None: {why}.",), ())
    panels, parts = [], []
    for found in flow.half_lives:
        said = _said(found)
        panels.append(Panel(f"half-lives-{found.state}", f"{in_words(said)}.", partial(_drawn, found=found)))
        parts.append(said)
    first = "Half-life of what a state carries over by itself, from the mean of the logarithm of its factor over "
    return Picture("half_lives", title, (f"{first}{of_steps(flow.steps)}: ", *joined(parts, "; "), "."), tuple(panels))


def median(values: Any) -> float:
    """One of the values, also where some are infinite."""
    return float(np.quantile(values, 0.5, method="nearest"))


def _said(found: Any) -> Said:
    low, middle, high = (float(np.quantile(found.half_life, q, method="nearest")) for q in (0, 0.5, 1))
    text = f" has median {number(middle)} steps over {found.half_life.size} units, from {number(low)} to {number(high)}"
    return (named(found.state, None), text)


def _drawn(figure: Any, found: Any) -> None:
    axes = figure.subplots()
    values = np.sort(found.half_life.ravel())
    index = np.arange(1, len(values) + 1)
    with np.errstate(divide="ignore"):
        shown = decades(np.log(values))
    axes.plot(index, shown, "o", color=ACCENT, markersize=4.2 if len(values) <= 60 else 3, clip_on=False)
    for lost, place, marker, label in ((np.isposinf(values), 0.97, "^", "infinite"), (values == 0, 0.03, "v", "zero")):
        if lost.any():
            axes.plot(
                index[lost], np.full(lost.sum(), place), marker, color=FAILED, transform=axes.get_xaxis_transform(),
                clip_on=False, label=f"{label} ({lost.sum()} of them)",
            )  # fmt: skip
    middle = median(values)
    if 0 < middle < np.inf:
        axes.axhline(np.log10(middle), color=INK, linewidth=0.9, linestyle="--", label="median")
    axes.set_ylim(*room(axes.get_ylim(), 2.0))
    axes.set_xlim(0.4, len(values) + 0.6)
    in_decades(axes.yaxis)
    axes.xaxis.get_major_locator().set_params(integer=True)
    grid(axes)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best")
    axes.set_xlabel("unit, shortest first")
    axes.set_ylabel("half-life (steps)")
    axes.set_title(f"{sign(found.state, None)}: median {number(middle)} steps")
