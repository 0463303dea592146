"""Lyapunov exponents: all of them with their error bar, and how they settle."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.picture import Panel, Picture
from symlstm.gradient_flow.pictures.style import ACCENT, FAILED, INK, SOFT, grid, number, of_steps, whole_steps

LINES = 24
"""So many exponents are followed at most, evenly spread."""


def picture(flow: Any) -> Picture:
    """All exponents, largest first, and the convergence."""
    found = flow.spectrum
    first, lost = found.exponents[0], int(np.isneginf(found.exponents).sum())
    text = f"First exponent {number(first)} nats a step after {of_steps(found.steps)}: {_meaning(first)}. "
    if found.residual is not None:
        off = f"The sum of all exponents is off the mean of log|det J| by {off_by(found.residual)} nats a step"
        text += f"{off}: the error bar of the spectrum."
    elif lost:
        text += f"{lost} exponents are −∞: J_t is singular, so the sum rule gives no error bar."
    else:
        text += f"Only the leading {len(found.exponents)} were computed, so the sum rule gives no error bar."
    values = f"from {number(first)} down to {number(found.exponents[-1])} nats a step"
    return Picture(
        "spectrum",
        "Lyapunov exponents",
        (text,),
        (
            Panel(
                "spectrum", f"{len(found.exponents)} Lyapunov exponents, {values}.", partial(_exponents, found=found)
            ),
            Panel(
                "convergence",
                f"Running estimates of the exponents over {found.steps} steps; the first ends at {number(first)}.",
                partial(_convergence, found=found),
            ),
        ),
    )


def off_by(residual: float) -> str:
    """A rounding error, to two digits."""
    return f"{abs(residual):.1e}" if residual else "0"


def _meaning(first: float) -> str:
    if first == 0:
        return "small changes neither grow nor shrink"
    what = "small changes and gradients grow" if first > 0 else "small changes and gradients shrink"
    return f"{what} by a factor e in {number(1 / abs(first))} steps" if np.isfinite(first) else what + " to nothing"


def _exponents(figure: Any, found: Any) -> None:
    axes = figure.subplots()
    values = np.asarray(found.exponents)
    index, finite = np.arange(1, len(values) + 1), np.isfinite(values)
    bar = None if found.residual is None else abs(found.residual)
    axes.errorbar(
        index[finite], values[finite], yerr=bar, fmt="o", color=ACCENT, ecolor=INK, capsize=2, elinewidth=0.8,
        markersize=min(4.2, 200 / len(values)) if len(values) > 60 else 4.2,
    )  # fmt: skip
    axes.axhline(0, color=SOFT, linewidth=0.8)
    axes.set_xlim(0.5 - 0.02 * len(values), len(values) + 0.5 + 0.02 * len(values))
    if finite.any():
        low, high = min(0.0, values[finite].min()), max(0.0, values[finite].max())
        room = 0.08 * max(high - low, 1e-3)
        axes.set_ylim(low - (2.5 if not finite.all() else 1) * room, high + room)
    if not finite.all():
        axes.plot(
            index[~finite], np.full((~finite).sum(), 0.03), "v", color=FAILED, markersize=5,
            transform=axes.get_xaxis_transform(), clip_on=False, label=f"−∞ ({(~finite).sum()} of them)",
        )  # fmt: skip
        axes.legend(loc="best")
    grid(axes)
    whole_steps(axes.xaxis)
    axes.set_xlabel("exponent, largest first")
    axes.set_ylabel("exponent (nats a step)")
    axes.set_title(rf"$\lambda_1$ = {number(values[0])} nats a step")


def _convergence(figure: Any, found: Any) -> None:
    axes = figure.subplots()
    steps, history = np.asarray(found.history.steps), np.asarray(found.history.exponents)
    history = np.where(np.isfinite(history), history, np.nan)
    chosen = sorted({round(v) for v in np.linspace(0, history.shape[-1] - 1, min(LINES, history.shape[-1]))})
    for k in reversed(chosen):
        look: dict[str, Any] = {"color": SOFT, "linewidth": 0.7} if k else {"color": ACCENT, "linewidth": 1.8}
        axes.plot(steps, history[:, k], marker="o" if len(steps) == 1 else None, **look)
    axes.axhline(0, color=SOFT, linewidth=0.8, linestyle=":")
    if len(steps) > 1:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
    else:
        axes.set_xticks(steps)
    grid(axes)
    axes.set_xlabel("steps counted")
    axes.set_ylabel("estimate so far (nats a step)")
    shown = "" if len(chosen) == history.shape[-1] else f", {len(chosen)} of {history.shape[-1]} shown"
    axes.set_title("Convergence" + f", the first one thick{shown}" * (len(chosen) > 1))
