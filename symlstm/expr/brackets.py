"""Brackets of the right size, and the marks at which a long formula may be broken."""

from __future__ import annotations

import re

BREAK_SUM = "\u200b"
BREAK_PRODUCT = "\u200c"
BREAK_FACTOR = "\u2060"
"""Before a term, before an operator or the next of a list, and between two factors that stand side by side."""
_MARKS = re.compile(f"[{BREAK_SUM}{BREAK_PRODUCT}{BREAK_FACTOR}]")
_TALL = ("\\frac", "\\begin", "\\sqrt", "\\left")
_OVER_A_RANGE = ("\\sum", "\\prod", "\\bigodot", "\\bigotimes")
_SIZES = ("", "", "\\big", "\\Big")


def unmarked(formula: str) -> str:
    """The formula without marks."""
    return _MARKS.sub("", formula)


def bracketed(content: str, opening: str, closing: str, latex: bool) -> str:
    """The content in brackets. In LaTeX they grow with the brackets inside, and stretch around fractions."""
    if not latex:
        return f"{opening}{content}{closing}"
    if any(sign in content for sign in _TALL):
        inside = unmarked(content) if "\\begin" in content else content
        return rf"\left{opening}{inside}\right{closing}"
    if any(sign in content for sign in _OVER_A_RANGE):
        return rf"\biggl{opening}{content}\biggr{closing}"
    size = _SIZES[min(_depth(content), len(_SIZES) - 1)]
    if not size:
        return f"{opening}{content}{closing}"
    return f"{size}l{opening}{content}{size}r{closing}"


def _depth(content: str) -> int:
    """How many round brackets are open at once, at most."""
    most = now = 0
    for sign in content:
        if sign == "(":
            now += 1
            most = max(most, now)
        elif sign == ")":
            now -= 1
    return most
