"""One look for all pictures: colours that a page replaces by its own, type, axes in decades, what differs without hue.

Lines differ in dash and marker, colour maps in luminance, so that a page in grey says the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from symlstm.errors import ExtraMissing
from symlstm.expr.nodes import t
from symlstm.expr.notation import DEFAULT
from symlstm.expr.signs import quantity_latex
from symlstm.gradient_flow.pictures.picture import named

Array = np.ndarray[Any, Any]

COLORS = {
    "ink": "#1c1c1e",
    "soft": "#5c5c66",
    "line": "#d9d9d2",
    "paper": "#fdfdfb",
    "accent": "#1f5fa8",
    "failed": "#b3261e",
    "held": "#1d7a3a",
    "open": "#8a6100",
}
"""Those of the page in its light scheme (symlstm/emit/page.html.j2), by the names of its variables."""
INK, SOFT, LINE, PAPER, ACCENT, FAILED = (COLORS[k] for k in ("ink", "soft", "line", "paper", "accent", "failed"))
SERIES = [
    {"color": ACCENT, "linestyle": "-", "marker": "o"},
    {"color": COLORS["open"], "linestyle": "--", "marker": "s"},
    {"color": COLORS["held"], "linestyle": ":", "marker": "^"},
    {"color": FAILED, "linestyle": "-.", "marker": "D"},
]
VALUES, SIZES = "cividis", "magma"
"""Colour maps, dark to light: of values (grey in the middle), and of sizes in decades."""
LOOK = {
    "font.family": "STIXGeneral",
    "mathtext.fontset": "stix",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "legend.fontsize": 9.5,
    "legend.frameon": False,
    "axes.linewidth": 0.7,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.edgecolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    "savefig.facecolor": PAPER,
    "axes.unicode_minus": True,
    "svg.fonttype": "path",
    "svg.hashsalt": "symlstm",
    "image.interpolation": "none",
}


def matplotlib() -> Any:
    """The library; ExtraMissing says how to install it."""
    try:
        import matplotlib
        import matplotlib.figure
    except ModuleNotFoundError as error:
        raise ExtraMissing(f"pictures need {error.name}", "pip install 'symlstm[plots]'") from None
    return matplotlib


def sign(name: str, time: Any = t) -> str:
    """A quantity's name as matplotlib's mathematics: c_tilde is c̃ at t; as it is typed where that is not possible."""
    from matplotlib.mathtext import MathTextParser

    latex = f"${quantity_latex(named(name, time), DEFAULT)[0]}$"
    try:
        MathTextParser("path").parse(latex)
    except ValueError:
        return name.replace("$", r"\$")
    return latex


def number(value: Any) -> str:
    """Four digits, as everywhere on the page."""
    value = float(value)
    return f"{value:.4g}".replace("-", "−") if np.isfinite(value) else {np.inf: "∞", -np.inf: "−∞"}.get(value, "–")


def magnitude(logarithm: Any, tex: bool = False) -> str:
    """exp(logarithm) in four digits; as a power of ten where it is too small or too large for that."""
    logarithm = float(logarithm)
    if np.isinf(logarithm) or abs(logarithm) < 700:
        return number(np.exp(logarithm))
    power = f"{logarithm / np.log(10):.1f}"
    return f"$10^{{{power}}}$" if tex else f"10^{power}"


def percent(share: Any) -> str:
    """A share in percent, three digits; below 0.0001% as a plain number."""
    share = float(share)
    if 0 < share < 1e-6:
        return number(float(f"{share:.3g}"))
    return f"{100 * share:.3g}%" if np.isfinite(share) else number(share)


def short_percent(share: Any) -> str:
    """The same where there is little room: one digit and a power of ten below 0.01%."""
    share = float(share)
    if not 0 < share < 1e-4:
        return f"{100 * share:.2g}%" if share < 0.995 else percent(share)
    digit, power = f"{share:.0e}".split("e")
    return rf"${digit}\!\cdot\!10^{{{int(power)}}}$"


def blank(axes: Any, said: str = "exactly 0 at every step") -> None:
    """Says why nothing is drawn."""
    axes.text(0.5, 0.5, said, transform=axes.transAxes, ha="center", va="center", color=SOFT)


def of_steps(count: int) -> str:
    """1 step, 2 steps."""
    return f"{count:,} step{'s' * (count != 1)}"


def decades(logarithms: Any) -> Array:
    """Powers of ten from natural logarithms; NaN, which is not drawn, where they are infinite."""
    found = np.asarray(logarithms, float) / np.log(10)
    return np.where(np.isfinite(found), found, np.nan)


def in_decades(axis: Any) -> None:
    """Ticks of an axis whose numbers are powers of ten."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axis.set_major_formatter(FuncFormatter(_power))


def _power(value: float, _: Any = None) -> str:
    return f"$10^{{{value:.0f}}}$" if abs(value - round(value)) < 1e-9 else ""


def whole_steps(axis: Any) -> None:
    """Ticks at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axis.set_major_formatter("{x:,.0f}")


def grid(axes: Any) -> None:
    axes.grid(True, which="major")


def room(axis_limits: Iterable[float], least: float) -> tuple[float, float]:
    """Limits that are not narrower than `least`, about the same middle."""
    low, high = axis_limits
    spare = max(0.0, (least - (high - low)) / 2)
    return low - spare, high + spare
