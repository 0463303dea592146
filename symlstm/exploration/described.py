"""A sweep in words and numbers, for the terminal: one line for each kind of cell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Row = dict[str, Any]
SHORT = {"forget_bias": "forget bias", "chrono": "chrono T_max", "input_std": "input std"}


def axes_of(rows: Sequence[Row]) -> list[str]:
    """The columns that are axes: all before the first measure."""
    names = list(rows[0])
    return names[: names.index("exponent")]


def varies(rows: Iterable[Row], name: str) -> bool:
    """Whether an axis has several values."""
    return len({row[name] for row in rows}) > 1


def series(rows: Sequence[Row], names: Sequence[str]) -> dict[str, list[Row]]:
    """The runs by what tells them apart, in words: forget bias = 1, n = 64."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        parts = [f"{SHORT.get(name, name)} = {row[name]:g}" for name in names if row[name] is not None]
        found.setdefault(", ".join(parts), []).append(row)
    return found


def described(cell: str, rows: Sequence[Row], notes: Sequence[str]) -> str:
    """Critical gain, half-life and exponents of each kind of cell, found beside predicted."""
    names = [name for name in axes_of(rows) if name not in ("gain", "seed")]
    lines = [f"{cell}, {len(rows)} runs"]
    for label, own in series(rows, [name for name in names if name == "n" or varies(rows, name)]).items():
        lines.append(f"  {label}")
        gains = sorted({row["gain"] for row in own if row["gain"] is not None})
        critical = f"critical gain {_range(own, 'critical_gain')}{_predicted(own, 'critical_gain_predicted')}"
        lines += [f"    {critical}"] if any(row["critical_gain"] is not None for row in own) else []
        for gain in dict.fromkeys(gains[:1] + gains[-1:]) or [None]:
            at = [row for row in own if row["gain"] == gain]
            what = f"exponent {_range(at, 'exponent')}{_predicted(at, 'exponent_predicted')}"
            half = f"; half-life {_range(at, 'half_life')} steps{_predicted(at, 'half_life_predicted')}"
            known = any(row["half_life"] is not None for row in at)
            lines.append(f"    {'' if gain is None else f'gain {gain:g}: '}{what}{half if known else ''}")
    return "\n".join([*lines, *(f"  note: {note}" for note in notes)])


def _values(rows: Iterable[Row], name: str) -> list[float]:
    return [row[name] for row in rows if row[name] is not None]


def _range(rows: Iterable[Row], name: str) -> str:
    """The mean of the seeds, and their range."""
    found = _values(rows, name)
    if not found:
        return "not known"
    low, high = min(found), max(found)
    mean = float(np.mean(found)) if np.isfinite(found).all() else found[0]
    return f"{mean:.4g}" + (f" ({low:.4g} to {high:.4g})" if high > low else "")


def _predicted(rows: Iterable[Row], name: str) -> str:
    found = _values(rows, name)
    return f", predicted {np.median(found):.6g}" if found else ""
