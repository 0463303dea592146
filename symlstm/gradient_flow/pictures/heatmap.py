"""A heatmap of units over time with its colour bar, and its axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.style import Array, whole_steps

WANTED_ROWS = 6


def heatmap(figure: Any, values: Array, first: int, width: int, steps: int, units: int, **look: Any) -> tuple[Any, Any]:
    """values (bins, units): drawn with time to the right. first: step of the left edge, from 1; steps: how many.

    Bins are `width` steps wide; the last one may be shorter. units: how many there are, also where fewer are drawn.
    Returns the axes and the colour bar.
    """
    axes = figure.subplots()
    edge = first - 0.5 + np.minimum(np.arange(len(values) + 1) * width, steps)
    between = np.linspace(0.5, units + 0.5, values.shape[1] + 1)
    image = axes.pcolormesh(edge, between, values.T, rasterized=True, **look)
    axes.set_ylim(units + 0.5, 0.5)
    axes.set_xlim(edge[0], edge[-1])
    whole_steps(axes.xaxis)
    whole_steps(axes.yaxis)
    axes.set_xlabel("step $t$" + (f" (bins of {width:,})" if width > 1 else ""))
    axes.set_ylabel("unit" + (f" ({values.shape[1]} of {units:,})" if values.shape[1] < units else ""))
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=24)
    bar.outline.set_linewidth(0.5)
    return axes, bar
