"""Eigenvalues of the state Jacobian: at the origin, with the region that is predicted there, and along the run."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.picture import Panel, Picture
from symlstm.gradient_flow.pictures.style import ACCENT, COLORS, FAILED, INK, SOFT, grid, number, of_steps

ACROSS = 120
"""Points of the grid on which a region is drawn."""
MARKS = (("o", ACCENT), ("s", COLORS["open"]), ("^", FAILED))


def picture(flow: Any) -> Picture:
    """At zero states and zero input, and at the first, a middle and the last of the steps that were looked at."""
    found = flow.snapshots
    radius = found.spectral_radius
    where = int(found.steps[int(np.argmax(radius))]) + 1
    said = (
        f"Spectral radius of J along the run, at {of_steps(len(found.steps))}: from {number(radius.min())} to "
        f"{number(radius.max())}, the largest at t = {where:,}. The grey circle has radius 1."
    )
    panels = [Panel("eigenvalues-run", f"Eigenvalues in the complex plane. {said}", partial(_run, found=found), 3.9)]
    if flow.origin is not None:
        about = predicted(flow.origin)
        said = f"{about} {said}"
        alt = f"Eigenvalues in the complex plane at the origin. {about}"
        panels.insert(0, Panel("eigenvalues-origin", alt, partial(_origin, found=flow.origin), 3.9))
    return Picture("eigenvalues", "Eigenvalues of the state Jacobian", (said,), tuple(panels))


def predicted(found: Any) -> str:
    """What random weights of the same size predict at the origin, in words."""
    what = "a fixed point" if found.fixed else "not a fixed point of this cell"
    said = f"At zero states and zero input ({what}) the spectral radius of J is {number(found.spectral_radius)}."
    if found.region is None:
        return f"{said} No region is predicted: {found.why}."
    one = f"gain {number(next(iter(found.gains.values())))}" if len(found.gains) == 1 else "same gains"
    said += f" Independent random weights of {'' if len(found.gains) == 1 else 'the '}{one} fill "
    if found.radius is not None:
        said += f"the disc about {number(found.centre)} of radius {number(found.radius)}"
    else:
        said += "the region within the dashed line"
    if found.critical is not None:
        said += f", which reaches 1 when they are multiplied by {number(found.critical)}"
    return said + "."


def _origin(figure: Any, found: Any) -> None:
    axes = figure.subplots()
    values = found.eigenvalues
    axes.plot(values.real, values.imag, "o", color=ACCENT, markersize=4, fillstyle="none", label="eigenvalues")
    plane(axes)
    if found.radius is not None:
        ring = found.centre + found.radius * np.exp(1j * np.linspace(0, 2 * np.pi, 181))
        axes.fill(ring.real, ring.imag, color=ACCENT, alpha=0.12, linewidth=0)
        axes.plot(ring.real, ring.imag, "--", color=INK, linewidth=1.1, label="predicted disc")
    elif found.region is not None:
        _region(axes, found.region)
        axes.plot([], [], "--", color=INK, linewidth=1.1, label="predicted region")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, handletextpad=0.4)
    axes.set_title(f"At the origin: largest radius {number(found.spectral_radius)}")


def _region(axes: Any, region: Any) -> None:
    """Its outline on the part of the plane that is to be seen; it is the same above and below the real axis."""
    axes.apply_aspect()
    left, end = axes.get_xlim()
    right, upper = np.linspace(left, end, ACROSS), np.linspace(0, max(axes.get_ylim()), ACROSS // 2)
    x, y = np.meshgrid(right, upper)
    with np.errstate(divide="ignore"):
        level = np.log(region.level((x + 1j * y).ravel())).reshape(x.shape)
    level = np.clip(np.concatenate([level[:0:-1], level]), -10, 10)
    upper = np.concatenate([-upper[:0:-1], upper])
    axes.contourf(right, upper, level, levels=[0, 11], colors=[ACCENT], alpha=0.12)
    axes.contour(right, upper, level, levels=[0], colors=[INK], linewidths=1.1, linestyles="--")


def _run(figure: Any, found: Any) -> None:
    axes = figure.subplots()
    chosen = sorted({0, len(found.steps) // 2, len(found.steps) - 1})
    for k, (marker, color) in zip(chosen, MARKS, strict=False):
        values = found.eigenvalues[k]
        label = f"$t$ = {int(found.steps[k]) + 1:,}"
        axes.plot(values.real, values.imag, marker, color=color, markersize=4, fillstyle="none", label=label)
    plane(axes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17), ncols=3, handletextpad=0.2)
    axes.set_title(f"Along the run: largest radius {number(found.spectral_radius.max())}")


def plane(axes: Any) -> None:
    """The complex plane with the unit circle, one to one."""
    angle = np.linspace(0, 2 * np.pi, 361)
    axes.plot(np.cos(angle), np.sin(angle), color=SOFT, linewidth=0.9)
    axes.axhline(0, color=SOFT, linewidth=0.5)
    axes.axvline(0, color=SOFT, linewidth=0.5)
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)
    grid(axes)
    axes.set_xlabel(r"real part of $\mu$")
    axes.set_ylabel(r"imaginary part of $\mu$")
