"""Every gate over time, unit by unit: what it lets through, and whether it is saturated."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.factors import BOUNDED
from symlstm.gradient_flow.pictures.heatmap import heatmap
from symlstm.gradient_flow.pictures.picture import Panel, Picture, Said, in_words, joined, named
from symlstm.gradient_flow.pictures.style import VALUES, number, percent, sign


def picture(flow: Any) -> Picture:
    """One panel a gate; its colours go from one end of its range to the other, so that 0 of a tanh is in the middle."""
    title = "Gates over time"
    if not flow.gates:
        return Picture("gates", title, (f"{flow.cell} has no quantity that a sigmoid or a tanh gives.",), ())
    panels, parts = [], []
    for gate in flow.gates:
        said = _said(gate)
        alt = f"Units over steps 1 to {flow.steps}: {in_words(said)}."
        panels.append(Panel(f"gates-{gate.name}", alt, partial(_drawn, flow=flow, gate=gate)))
        parts.append(said)
    last: Said = (". Saturated: within a tenth of the range from one of its ends, of all steps and units.",)
    return Picture("gates", title, (*joined(parts, "; "), *last), tuple(panels))


def saturated(gate: Any) -> float:
    """The share of steps and units at either end."""
    return float(np.mean(gate.low) + np.mean(gate.high))


def _said(gate: Any) -> Said:
    return (named(gate.name), f" has mean {number(np.mean(gate.mean))}, {percent(saturated(gate))} saturated")


def _drawn(figure: Any, flow: Any, gate: Any) -> None:
    record = flow.record
    low, high = BOUNDED[gate.function]
    axes, bar = heatmap(
        figure, record.gates[gate.name], 1, record.width, flow.steps, record.units[gate.name],
        cmap=VALUES, vmin=low, vmax=high,
    )  # fmt: skip
    bar.set_ticks([low, (low + high) / 2, high])
    axes.set_title(f"{sign(gate.name)}: mean {number(np.mean(gate.mean))}, {percent(saturated(gate))} saturated")
