"""How a quantity is written: its sign, what role it plays (an adjoint, a delta), its subscript, its time."""

from __future__ import annotations

from symlstm.expr.nodes import Quantity
from symlstm.expr.notation import Notation, fill, show_time, symbol_latex, symbol_text

_ROLES = {"adjoint": "d", "delta": "δ", "upstream": "Δ", "tangent": "∂"}
_ACCENTS = {"change": "\u0307"}


def quantity_latex(q: Quantity, notation: Notation) -> tuple[str, bool]:
    """LaTeX, and whether there is a superscript already."""
    if q.role == "value" and q.base in notation.verbatim:
        return notation.verbatim[q.base], False
    sign, subscript = symbol_latex(q.base, notation)
    if q.role == "delta":
        sign, subscript = fill(notation.delta, sign + lowered(subscript)), ""
    elif q.role == "tangent":
        sign = rf"\partial {sign}"
    elif q.role != "value":
        sign = fill(getattr(notation, q.role), sign)
    when = _time(q)
    if not when:
        return sign + lowered(subscript), _raised(sign)
    if "^" in notation.time:
        whole = sign + lowered(subscript)
        return fill(notation.time, f"{{{whole}}}" if _raised(sign) else whole, when), True
    both = _both(subscript, when)
    template = notation.time.replace("{#2}", "#2") if len(both) == 1 else notation.time
    return fill(template, sign, both), _raised(sign)


def quantity_text(q: Quantity, notation: Notation) -> tuple[str, bool]:
    """Plain text, and False: a power after it is never misread."""
    sign, subscript = symbol_text(q.base, notation)
    sign, when = _ROLES.get(q.role, "") + sign + _ACCENTS.get(q.role, ""), _time(q)
    if when and notation.text_time:
        return fill(notation.text_time, sign + lowered(subscript), when), False
    return sign + lowered(_both(subscript, when)), False


def lowered(subscript: str) -> str:
    """A subscript behind its sign."""
    if not subscript:
        return ""
    return f"_{subscript}" if len(subscript) == 1 else f"_{{{subscript}}}"


def _raised(sign: str) -> bool:
    """Whether a sign has a superscript already; a prime is one."""
    return "^" in sign or "'" in sign


def _both(subscript: str, when: str) -> str:
    return ",".join(s for s in (subscript, when) if s)


def _time(q: Quantity) -> str:
    return "" if q.time is None else show_time(q.time)
