"""How sums and products over time are written: a large sign, the range below and above it, the term."""

from __future__ import annotations

from typing import Any

from symlstm.expr.notation import show_time
from symlstm.expr.time import MatmulOver, SumOver

POWER, PRODUCT = 2, 1  # how tightly a piece holds together, as in symlstm.expr.written

_LARGE = {r"\odot": (r"\bigodot", "⨀"), r"\otimes": (r"\bigotimes", "⨂")}
"""The large sign of a product entry by entry, by the small one of the notation."""
_PRODUCT = (r"\prod", "∏")
_LATEST_LEFT = (r"\mathop{\overset{\gets}{\prod}}\limits", "∏←")
"""A product of matrices: the arrow says that the factors are lined up from right to left."""


def over_time(writer: Any, over: Any) -> tuple[str, int]:
    """The node in LaTeX or text, as the other handlers of symlstm.expr.written give it; it holds like a product."""
    if isinstance(over, SumOver):
        signs, at_least = (r"\sum", "Σ"), PRODUCT
    elif isinstance(over, MatmulOver):
        signs, at_least = _LATEST_LEFT, POWER
    else:
        signs, at_least = _LARGE.get(writer.notation.product, _PRODUCT), POWER
    bounds = f"_{{{over.index}={show_time(over.first)}}}^{{{show_time(over.last)}}}"
    return f"{writer.sign(*signs)}{bounds} {writer.inside(over.term, at_least)}", PRODUCT
