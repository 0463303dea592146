"""How the time for all gradients of the LSTM grows with the steps T and the size n (batch of 32, m = n, float64)."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.sequences import OURS, ours, problem
from benchmarks.timing import in_turn, shown
from symlstm.emit import write

STEPS, SIZES = (10, 30, 100, 300, 1000, 3000), (16, 32, 64, 128, 256, 512)
FIXED = {"T": 50, "n": 64}
"""What stays the same while the other one grows."""

BATCH = 32
PICTURE = Path(__file__).with_name("growth.svg")
LOOKS = {"NumPy": ("o", "-", "black"), "Numba": ("s", "--", "0.45")}
EXPECTED = {"T": (1, "∝ T"), "n": (2, "∝ n²")}
"""The power that the products of matrices alone would give."""

Curve = dict[int, dict[str, float]]


def curve(letter: str, values: Sequence[int], rounds: int, budget: float) -> Curve:
    """Seconds (medians) of both backends, for growing T or growing n."""
    found = {}
    for value in values:
        at = {**FIXED, letter: value}
        given = problem((at["T"], BATCH, at["n"], at["n"]), "float64")
        runs = {name: ours(given, name.lower()).run for name in OURS}
        found[value] = {name: t.median for name, t in in_turn(runs, rounds=rounds, budget=budget).items()}
    return found


def powers(points: Curve, name: str) -> list[str]:
    """The power by which the time grew since the point before; nothing for the first."""
    found = [math.log(points[b][name] / points[a][name]) / math.log(b / a) for a, b in pairwise(points)]
    return ["", *(f"{power:.2f}" for power in found)]


def picture(curves: dict[str, Curve]) -> str:
    """SVG: seconds against T and against n, both axes logarithmic; the same numbers give the same text."""
    import matplotlib
    from matplotlib.figure import Figure

    style = {"svg.hashsalt": "growth", "svg.fonttype": "path", "font.size": 9, "axes.linewidth": 0.6}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(7.2, 3.2), layout="constrained", facecolor="white")
        panels = figure.subplots(1, len(curves), sharey=True)
        for axes, (letter, points) in zip(panels, curves.items(), strict=True):
            _panel(axes, letter, points)
        panels[0].set_ylabel("forward and all gradients (ms)")
        panels[0].legend(frameon=False)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _panel(axes: Any, letter: str, points: Curve) -> None:
    values = list(points)
    for name, (marker, line, color) in LOOKS.items():
        times = [points[v][name] * 1e3 for v in values]
        axes.loglog(values, times, line, marker=marker, color=color, markersize=4, linewidth=1.2, label=name)
    power, label = EXPECTED[letter]
    last = max(points[values[-1]].values()) * 1e3
    axes.loglog(values, [2 * last * (v / values[-1]) ** power for v in values], ":", color="0.6", label=None)
    axes.annotate(label, (values[-1], 2 * last), xytext=(-6, -2), textcoords="offset points", ha="right", va="bottom")
    axes.set_xticks(values, [str(v) for v in values], minor=False)
    axes.set_xticks([], minor=True)
    axes.yaxis.set_major_formatter("{x:g}")
    other = next(k for k in FIXED if k != letter)
    axes.set_xlabel({"T": "steps T", "n": "states n (entries)"}[letter] + f", at {other} = {FIXED[other]}")
    axes.grid(True, which="major", color="0.9", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def table(
    steps: Sequence[int] = STEPS, sizes: Sequence[int] = SIZES, rounds: int = 21, budget: float = 6, to: Path = PICTURE
) -> str:
    """A Markdown table, and the picture beside the page; the budget (seconds) is that of one row."""
    curves = {"T": curve("T", steps, rounds, budget), "n": curve("n", sizes, rounds, budget)}
    lines = ["| T | n | NumPy | power | Numba | power |", "|---|---|---|---|---|---|"]
    for letter, points in curves.items():
        numpy_powers, numba_powers = (powers(points, name) for name in OURS)
        for value, of_numpy, of_numba in zip(points, numpy_powers, numba_powers, strict=True):
            at = {**FIXED, letter: value}
            numpy_time, numba_time = (shown(points[value][name]) for name in OURS)
            lines.append(f"| {at['T']} | {at['n']} | {numpy_time} | {of_numpy} | {numba_time} | {of_numba} |")
    write(to, picture(curves))
    said = (
        "A power of 1 is time proportional to T (to n), measured from the row above. The products of matrices alone "
        "give 1 for T and 2 for n."
    )
    alt = "Time of all gradients against T and against n, both axes logarithmic: the numbers of the table"
    return "\n".join([*lines, "", said, "", f"![{alt}]({to.name})"])
