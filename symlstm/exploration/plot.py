"""The picture of a sweep: exponents over the gain with the predicted critical gain, half-lives found over predicted."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from symlstm.emit import write
from symlstm.errors import OutputUnwritable
from symlstm.exploration.described import Row, axes_of, series, varies
from symlstm.gradient_flow.pictures.style import LOOK, SERIES, SOFT, VALUES, matplotlib

if TYPE_CHECKING:
    from symlstm.exploration.explore import Exploration

ENDINGS = (".svg", ".png", ".pdf")
MARKERS = "osD^vPX*<>"
AXES = {
    "gain": "gain of the recurrent weights",
    "forget_bias": "forget bias",
    "chrono": "T_max of the chrono initialisation (steps)",
    "n": "width n",
    "input_std": "standard deviation of the input",
}
"""What can be the horizontal axis, the first with several values, and how it is written."""
MEANINGS: dict[str, dict[str, Any]] = {
    "predicted exponent": {"linewidth": 0.9, "linestyle": ":"},
    "predicted critical gain": {"linewidth": 0.9, "linestyle": "--"},
    "critical gain found": {"linestyle": "", "marker": "|", "markersize": 14, "markeredgewidth": 1.2},
}
"""How what is not a mean of runs is drawn, in the colour of its runs."""
MEASURED = dict(zip(MEANINGS, ("exponent_predicted", "critical_gain_predicted", "critical_gain"), strict=True))
MOST_LINES = 3
"""More predicted critical gains than this for one kind of cell are not drawn as lines."""


def plot(found: Exploration, path: Path | None = None) -> Any:
    """The figure, written to a file where a path is given. Raises OutputUnwritable, ExtraMissing."""
    if path is not None:
        require_ending(path)
    library = matplotlib()
    axis = _axis(found.rows)
    names = [name for name in axes_of(found.rows) if name not in ("gain", "seed", axis) and varies(found.rows, name)]
    kinds = series(found.rows, names)
    styles = _styles(library, len(kinds))
    pairs = [_half_lives(rows) for rows in kinds.values()]
    with library.rc_context(LOOK):
        wide = any(pairs)  # else there is no direct path
        figure = library.figure.Figure((10.5, 5.2) if wide else (7, 5), layout="constrained")
        axes = figure.subplots(1, 1 + wide, width_ratios=(1.5, 1) if wide else (1,), squeeze=False)[0]
        for (label, rows), style in zip(kinds.items(), styles, strict=True):
            _exponents(axes[0], rows, axis, label if len(kinds) > 1 else "exponent", style)
        if axis == "gain":
            _critical_gains(axes[0], zip(kinds.values(), styles, strict=True))
        _describe(axes[0], found, axis)
        if wide:
            _found_over_predicted(axes[1], pairs, styles)
        for name, column in MEASURED.items():
            known = _finite(found.rows, column, least=-np.inf)
            if known and (axis == "gain" or column == "exponent_predicted"):
                axes[0].plot([], [], color=SOFT, label=name, **MEANINGS[name])
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4 if wide else 2)
        if path is not None:
            stream = io.BytesIO()
            own = {"metadata": {"Date": None}} if path.suffix.lower() == ".svg" else {}
            figure.savefig(stream, format=path.suffix[1:].lower(), dpi=150, **own)
            write(path, stream.getvalue())
    return figure


def require_ending(path: Path) -> None:
    """OutputUnwritable where no picture has that ending; ExtraMissing without matplotlib."""
    matplotlib()
    if path.suffix.lower() not in ENDINGS:
        raise OutputUnwritable(f"{path} does not end in {', '.join(ENDINGS)}", "give plot.svg, plot.png or plot.pdf")


def _axis(rows: Iterable[Row]) -> str:
    """The first axis with several values that every run has one of; else the gain."""
    for name in AXES:
        values = {row[name] for row in rows}
        if len(values) > 1 and None not in values:
            return name
    return "gain"


def _styles(library: Any, count: int) -> list[dict[str, Any]]:
    """Colours from dark to light, so that they are told apart in grey, each with a marker of its own."""
    if count <= len(SERIES):
        return [{"color": s["color"], "marker": s["marker"]} for s in SERIES[:count]]
    shades = library.colormaps[VALUES](np.linspace(0.0, 0.85, count))
    return [{"color": shades[k], "marker": MARKERS[k % len(MARKERS)]} for k in range(count)]


def _exponents(axes: Any, rows: list[Row], axis: str, label: str, style: dict[str, Any]) -> None:
    """The mean of the seeds, with their range as a bar, and what is predicted."""
    x, low, mean, high = _by(rows, axis, "exponent")
    if len(x):
        axes.errorbar(x, mean, [mean - low, high - mean], label=label, capsize=2, linewidth=1.2, **style)
    x, _, mean, _ = _by(rows, axis, "exponent_predicted")
    if len(x):
        axes.plot(x, mean, color=style["color"], zorder=0, **MEANINGS["predicted exponent"])


def _critical_gains(axes: Any, kinds: Iterable[tuple[list[Row], dict[str, Any]]]) -> None:
    """As far as gains were swept: the predicted ones as lines with their number, those found as ticks on zero."""
    numbers: dict[str, float] = {}
    for rows, style in kinds:
        last = max((row["gain"] for row in rows if row["gain"] is not None), default=0.0)
        predicted = {f"{v:.5g}": v for v in _finite(rows, "critical_gain_predicted") if v <= last}
        for v in predicted.values() if len(predicted) <= MOST_LINES else ():
            axes.axvline(v, color=style["color"], zorder=0, **MEANINGS["predicted critical gain"])
            numbers |= predicted
        shown = sorted({v for v in _finite(rows, "critical_gain") if v <= last})
        axes.plot(shown, np.zeros(len(shown)), color=style["color"], zorder=0, **MEANINGS["critical gain found"])
    for text, v in numbers.items():
        axes.annotate(text, (v, 0.01), (2, 0), ("data", "axes fraction"), "offset points", fontsize="small")


def _by(rows: list[Row], axis: str, measure: str) -> tuple[Any, ...]:
    """The values of an axis, and smallest, mean and largest of a measure there."""
    known: dict[float, list[float]] = {}
    for row in rows:
        if row[measure] is not None and np.isfinite(row[measure]) and row[axis] is not None:
            known.setdefault(row[axis], []).append(row[measure])
    x = sorted(known)
    return np.array(x), *(np.array([f(known[v]) for v in x]) for f in (np.min, np.mean, np.max))


def _finite(rows: Iterable[Row], name: str, least: float = 0.0) -> list[float]:
    return [row[name] for row in rows if row[name] is not None and np.isfinite(row[name]) and row[name] > least]


def _half_lives(rows: list[Row]) -> list[tuple[float, float]]:
    """(predicted, found), where both are known and neither is zero or infinite."""
    pairs = [(row["half_life_predicted"], row["half_life"]) for row in rows]
    return [p for p in pairs if None not in p and np.isfinite(p).all() and min(p) > 0]


def _found_over_predicted(axes: Any, series: list[list[tuple[float, float]]], styles: list[dict[str, Any]]) -> None:
    for pairs, style in zip(series, styles, strict=True):
        if pairs:
            axes.plot(*zip(*pairs, strict=True), linestyle="", fillstyle="none", **style)
    every = [p for pairs in series for p in pairs]
    ends = np.array([np.min(every) / 1.5, np.max(every) * 1.5])
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    axes.plot(ends, ends, color=SOFT, linewidth=0.9, linestyle="--", zorder=0)
    axes.text(0.04, 0.95, "on the dashes: found = predicted", transform=axes.transAxes, color=SOFT, fontsize="small")
    axes.set(xlabel="half-life predicted, -ln 2 / ln f (steps)", ylabel="half-life found (steps)")
    axes.set_title("direct path, median unit")


def _describe(axes: Any, found: Exploration, axis: str) -> None:
    axes.axhline(0, color=SOFT, linewidth=0.9, zorder=0)
    axes.set(xlabel=AXES[axis], ylabel="first Lyapunov exponent (nats a step)")
    if axis == "chrono":
        axes.set_xscale("log")
    seeds = len({row["seed"] for row in found.rows})
    axes.set_title(f"{found.cell}, {f'mean and range of {seeds} seeds' if seeds > 1 else 'one seed'}",
                   fontsize="medium", loc="left")  # fmt: skip
