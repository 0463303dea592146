"""Eigenvalues of the state Jacobian in the complex plane, along the run."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.picture import Panel, Picture
from symlstm.gradient_flow.pictures.style import ACCENT, COLORS, FAILED, INK, SOFT, grid, number

MARKS = (("o", ACCENT), ("s", COLORS["open"]), ("^", FAILED))


def picture(flow: Any) -> Picture:
    """At the first, a middle and the last of the steps that were looked at."""
    found = flow.snapshots
    radius = found.spectral_radius
    where = int(found.steps[int(np.argmax(radius))]) + 1
    said = (
        f"Spectral radius of J_t at {len(found.steps)} steps: from {number(radius.min())} to {number(radius.max())}, "
        f"the largest at t = {where:,}. The circle has radius 1."
    )
    panel = Panel(
        "eigenvalues-run", f"Eigenvalues of J_t in the complex plane. {said}", partial(_run, found=found), 3.7
    )
    return Picture("eigenvalues", "Eigenvalues of the state Jacobian", said, (panel,))


def _run(figure: Any, found: Any) -> None:
    axes = figure.subplots()
    chosen = sorted({0, len(found.steps) // 2, len(found.steps) - 1})
    for k, (marker, color) in zip(chosen, MARKS, strict=False):
        values = found.eigenvalues[k]
        label = f"$t$ = {int(found.steps[k]) + 1:,}, radius {number(found.spectral_radius[k])}"
        axes.plot(values.real, values.imag, marker, color=color, markersize=4, fillstyle="none", label=label)
    plane(axes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=1, handletextpad=0.3)
    axes.set_title(f"$J_t$ along the run: largest radius {number(found.spectral_radius.max())}")


def plane(axes: Any) -> None:
    """The complex plane with the unit circle, one to one."""
    angle = np.linspace(0, 2 * np.pi, 361)
    axes.plot(np.cos(angle), np.sin(angle), color=SOFT, linewidth=0.9)
    axes.axhline(0, color=SOFT, linewidth=0.5)
    axes.axvline(0, color=SOFT, linewidth=0.5)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)
    grid(axes)
    axes.set_xlabel(r"real part of $\mu$", color=INK)
    axes.set_ylabel(r"imaginary part of $\mu$")
