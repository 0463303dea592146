"""The direct path against all paths, over the lag, on one axis."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from symlstm.expr.nodes import t
from symlstm.gradient_flow.pictures.picture import Panel, Picture
from symlstm.gradient_flow.pictures.style import SERIES, decades, grid, in_decades, magnitude, percent, room, sign, word


def picture(flow: Any) -> Picture:
    """One panel for each pair of states."""
    pairs = list(dict.fromkeys((row.of, row.wrt) for row in flow.lags))
    panels = []
    said = []
    for of, wrt in pairs:
        rows = [row for row in flow.lags if (row.of, row.wrt) == (of, wrt)]
        last = rows[-1]
        text = f"‖d{word(of)}/d{word(wrt, t - last.lag)}‖ = {magnitude(last.log_total)}"
        if last.share is not None:
            text += f", of which the direct path is {percent(last.share)}"
        said.append(text)
        alt = f"Norm of the derivative of {of} by {wrt} over lags {rows[0].lag} to {last.lag}: {text}."
        panels.append(Panel(f"lags-{of}-{wrt}", alt, partial(_drawn, rows=rows)))
    about = "Largest singular value of the derivative, by every path and by the direct path alone"
    text = f"{about}: at lag {flow.lags[-1].lag}, {'; '.join(said)}." if said else _none(flow)
    return Picture("lags", "Direct and total path", text, tuple(panels))


def _none(flow: Any) -> str:
    return f"No lag fits into {flow.steps} step{'s' * (flow.steps != 1)}."


def _drawn(figure: Any, rows: list[Any]) -> None:
    axes = figure.subplots()
    lags = np.array([row.lag for row in rows])
    axes.plot(lags, decades([row.log_total for row in rows]), label="total: every path", **SERIES[0])
    direct = rows[0].log_direct is not None
    if direct:
        axes.plot(lags, decades([row.log_direct for row in rows]), label="direct path alone", **SERIES[1])
    axes.set_xscale("log")
    axes.set_xlim(lags[0] / 1.35, lags[-1] * 1.35)
    axes.set_ylim(*room(axes.get_ylim(), 2.0))
    in_decades(axes.yaxis)
    kept = _spread(lags)
    labels = [f"{lags[k]:,}\n{percent(rows[k].share)}" if direct else f"{lags[k]:,}" for k in kept]
    axes.set_xticks(lags[kept], labels)
    axes.set_xticks([], minor=True)
    grid(axes)
    axes.legend(loc="best")
    axes.set_xlabel("lag $k$ (steps)" + (", and share of the direct path in the total" if direct else ""))
    axes.set_ylabel("norm of the derivative")
    of, wrt = sign(rows[0].of), sign(rows[0].wrt, t - _k())
    last = rows[-1]
    ends = (
        f"share {percent(last.share)} at lag {last.lag}"
        if direct
        else f"{magnitude(last.log_total, True)} at lag {last.lag}"
    )
    axes.set_title(rf"$\Vert$d{of} / d{wrt}$\Vert$: {ends}")


def _k() -> Any:
    from sympy import Symbol

    return Symbol("k", integer=True)


def _spread(lags: Any) -> list[int]:
    """Those lags whose labels do not touch, the last one among them."""
    width = np.log(lags[-1] / lags[0] * 1.35**2) / 7.5
    kept = [len(lags) - 1]
    for k in range(len(lags) - 2, -1, -1):
        if np.log(lags[kept[-1]] / lags[k]) >= width:
            kept.append(k)
    return kept[::-1]
