"""The way of the state and the fixed points, in the plane of its two largest principal components."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.gradient_flow.pictures.picture import Panel, Picture
from symlstm.gradient_flow.pictures.style import ACCENT, FAILED, INK, PAPER, SOFT, Array, grid, number, percent

MANY = 12
"""Fixed points of which the spectral radius is written beside them, at most."""


def picture(flow: Any) -> Picture:
    """States of the run as a line, fixed points at the mean input: stable ones black, saddles and others red."""
    title = "Fixed points at the mean input"
    found = flow.fixed_points
    if found is None:
        return Picture("fixed_points", title, (f"None: {flow.left_out['fixed points']}.",), ())
    stable = sum(q.stable for q in found.points)
    said = f"None found from {found.starts} starts"
    if found.points:
        said = f"{len(found.points)} found, {stable} of them stable, from {found.converged} of {found.starts} starts"
    radii = ", ".join(number(q.spectral_radius) for q in found.points[:MANY])
    said += f"; spectral radius of J {radii}" + (", …" if len(found.points) > MANY else "") + "." if radii else "."
    size = flow.record.path.shape[1]
    if size < 2:
        return Picture("fixed_points", title, (f"{said} The state is one number, so there is no plane to draw.",), ())
    what = (
        "The line is the state over the run"
        if _every_step(flow)
        else f"Dots are {flow.record.path.shape[0]} states of the run"
    )
    shown = f"{said} {what}, in the two largest principal components"
    shown += "; a filled circle is a stable point, a cross a saddle or an unstable one." if found.points else "."
    panel = Panel("fixed-points", f"Fixed points and the way of the state. {shown}", partial(_drawn, flow=flow), 3.5)
    return Picture("fixed_points", title, (shown,), (panel,))


def _every_step(flow: Any) -> bool:
    """Whether the states that were kept follow each other."""
    return bool(len(flow.record.at) == flow.steps)


def plane(path: Array) -> tuple[Array, Array, Array]:
    """Middle (s,), axes (2, s) and shares of the variance (2,) of the two largest principal components."""
    middle = path.mean(axis=0)
    _, sizes, axes = np.linalg.svd(path - middle, full_matrices=path.shape[0] < 2)
    axes = axes[:2] * np.where(axes[:2, np.argmax(np.abs(axes[:2]), axis=1)].diagonal() < 0, -1, 1)[:, None]
    variance = np.concatenate([sizes**2, [0.0, 0.0]])
    total = variance.sum()
    return middle, axes, variance[:2] / total if total > 0 else np.zeros(2)


def _drawn(figure: Any, flow: Any) -> None:
    axes = figure.subplots()
    path = flow.record.path
    middle, basis, shares = plane(path)
    way = (path - middle) @ basis.T
    if _every_step(flow):
        axes.plot(way[:, 0], way[:, 1], color=SOFT, linewidth=0.6, alpha=0.7)
    axes.plot(way[:, 0], way[:, 1], ".", color=ACCENT, markersize=2.5, label="states of the run")
    points = np.array([np.concatenate(list(q.states.values())) for q in flow.fixed_points.points]).reshape(
        -1, len(middle)
    )
    places = (points - middle) @ basis.T
    for stable, marker, color, label in ((True, "o", INK, "stable"), (False, "X", FAILED, "saddle or unstable")):
        chosen = [k for k, q in enumerate(flow.fixed_points.points) if q.stable == stable]
        if chosen:
            axes.plot(
                places[chosen, 0], places[chosen, 1], marker, color=color, markersize=7.5, markeredgecolor=PAPER,
                markeredgewidth=0.8, label=label, zorder=5,
            )  # fmt: skip
    axes.margins(0.1)
    grid(axes)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, handletextpad=0.3, columnspacing=1.2)
    for k, name in enumerate(("first", "second")):
        (axes.set_xlabel, axes.set_ylabel)[k](f"{name} component ({percent(shares[k])} of variance)")
    axes.set_title(_titled(flow.fixed_points.points))


def _titled(points: Any) -> str:
    if not points:
        return "No fixed point found"
    stable = sum(q.stable for q in points)
    radii = sorted({number(q.spectral_radius): q.spectral_radius for q in points}.items(), key=lambda item: item[1])
    between = " to ".join(dict.fromkeys((radii[0][0], radii[-1][0])))
    return f"{len(points)} found, {stable} stable: spectral radius {between}"
