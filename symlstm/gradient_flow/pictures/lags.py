"""The direct path against all paths, over the lag, on one axis."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sympy import Symbol

from symlstm.expr.nodes import t
from symlstm.gradient_flow.pictures.picture import Panel, Picture, Said, in_words, joined, named
from symlstm.gradient_flow.pictures.style import (
    SERIES,
    blank,
    decades,
    grid,
    in_decades,
    magnitude,
    of_steps,
    percent,
    room,
    short_percent,
    sign,
)


def picture(flow: Any) -> Picture:
    """One panel for each pair of states."""
    title = "Direct and total path"
    if "norms over a lag" in flow.left_out:
        return Picture("lags", title, (f"None: {flow.left_out['norms over a lag']}.",), ())
    if not flow.lags:
        return Picture("lags", title, (f"No lag fits into {of_steps(flow.steps)}.",), ())
    panels, said = [], []
    for of, wrt in dict.fromkeys((row.of, row.wrt) for row in flow.lags):
        rows = [row for row in flow.lags if (row.of, row.wrt) == (of, wrt)]
        text = _said(rows[-1])
        about = f"Norm of the derivative of {of} by {wrt} over lags {rows[0].lag} to {rows[-1].lag}: {in_words(text)}."
        panels.append(Panel(f"lags-{of}-{wrt}", about, partial(_drawn, rows=rows)))
        said.append(text)
    first = "Largest singular value of the derivative over a lag, by every path and by the direct path alone: "
    return Picture("lags", title, (first, *joined(said, "; "), "."), tuple(panels))


def _said(row: Any) -> Said:
    text: Said = ("‖d", named(row.of), " / d", named(row.wrt, t - row.lag), f"‖ = {magnitude(row.log_total)}")
    return text if row.share is None else (*text, f", of which the direct path is {percent(row.share)}")


def _drawn(figure: Any, rows: list[Any]) -> None:
    axes = figure.subplots()
    lags = np.array([row.lag for row in rows])
    axes.plot(lags, decades([row.log_total for row in rows]), label="total: every path", **SERIES[0])
    direct = rows[0].log_direct is not None
    if direct:
        axes.plot(lags, decades([row.log_direct for row in rows]), label="direct path alone", **SERIES[1])
    if not np.isfinite([row.log_total for row in rows]).any():
        blank(axes, "exactly 0 at every lag")
    axes.set_xscale("log")
    axes.set_xlim(lags[0] / 1.35, lags[-1] * 1.35)
    axes.set_ylim(*room(axes.get_ylim(), 2.0))
    in_decades(axes.yaxis)
    kept = _spread(lags)
    labels = [f"{lags[k]:,}\n{short_percent(rows[k].share)}" if direct else f"{lags[k]:,}" for k in kept]
    axes.set_xticks(lags[kept], labels)
    axes.set_xticks([], minor=True)
    grid(axes)
    if direct:
        axes.legend(loc="best")
    axes.set_xlabel("lag $k$ (steps)" + (", and share of the direct path in the total" if direct else ""))
    axes.set_ylabel("norm of the derivative")
    of, wrt = sign(rows[0].of), sign(rows[0].wrt, t - Symbol("k", integer=True))
    last = rows[-1]
    end = f"direct share {percent(last.share)}" if direct else f"total {magnitude(last.log_total, True)}"
    axes.set_title(rf"$\Vert$d{of} / d{wrt}$\Vert$: {end} at $k$ = {last.lag:,}")


def _spread(lags: Any) -> list[int]:
    """Those lags whose labels do not touch, the last one among them."""
    width = np.log(lags[-1] / lags[0] * 1.35**2) / 8.5
    kept = [len(lags) - 1]
    for k in range(len(lags) - 2, -1, -1):
        if np.log(lags[kept[-1]] / lags[k]) >= width:
            kept.append(k)
    return kept[::-1]
