"""The gradient of the last output by every unit of every state over time, in decades."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.connectivity import output
from symlstm.gradient_flow.pictures.heatmap import heatmap
from symlstm.gradient_flow.pictures.picture import Panel, Picture, Said, in_words, named
from symlstm.gradient_flow.pictures.style import SIZES, blank, decades, in_decades, magnitude, of_steps, sign

FLOOR = 40
"""Decades below the largest that are still told apart."""


def picture(flow: Any) -> Picture:
    """One panel a state, to be read from the right, where the gradient begins."""
    found = flow.connectivity
    panels = []
    for name in found.states:
        said: Said = ("Size of the gradient of ", *output(found), " by every unit of ", named(name), " over time")
        panels.append(Panel(f"gradients-{name}", f"{in_words(said)}.", partial(_drawn, flow=flow, name=name)))
    text = f" by every unit, over the last {of_steps(len(found.steps))}; to be read from the right. "
    said = ("Size of the gradient of ", *output(found), text, "One scale for all; blank: exactly 0.")
    return Picture("gradients", "Gradients over time", said, tuple(panels))


def _drawn(figure: Any, flow: Any, name: str) -> None:
    found = flow.connectivity
    values = decades(found.units[name])
    every = np.concatenate([decades(a).ravel() for a in found.units.values()])
    every = every[np.isfinite(every)]
    top = np.ceil(every.max()) if every.size else 0.0
    low = max(np.floor(every.min()), top - FLOOR) if every.size else -1.0
    axes, bar = heatmap(
        figure, values, int(found.steps[0]) + 1, found.width, len(found.steps), found.counts[name],
        cmap=SIZES, vmin=low, vmax=max(top, low + 1),
    )  # fmt: skip
    if not np.isfinite(values).any():
        blank(axes)
    in_decades(bar.ax.yaxis)
    axes.set_title(f"|gradient| by {sign(name)}: norm {magnitude(found.states[name][0], True)} at the left edge")
