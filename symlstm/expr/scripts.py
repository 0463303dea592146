r"""Subscripts and superscripts of a sign given in LaTeX: \phi_{y}, h^{(t)}, W_f'."""

from __future__ import annotations

import re
from functools import lru_cache

_COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)


@lru_cache(maxsize=512)
def without_subscript(latex: str) -> tuple[str, str]:
    r"""The sign with its superscripts, and its subscripts: "F_{a}^{b}" -> ("F^{b}", "a"), "W_\phi" -> ("W", "\phi").

    Only what stands at the end counts; "x_1 y" is a sign as it is.
    """
    pieces = _pieces(latex.strip())
    end = len(pieces)
    while end and pieces[end - 1][0] in "_^'":
        end -= 1
    below = [_bare(piece[1:]) for piece in pieces[end:] if piece[0] == "_"]
    if not end or not all(below):
        return latex, ""
    return "".join(piece for k, piece in enumerate(pieces) if k < end or piece[0] != "_"), ",".join(below)


def _pieces(latex: str) -> list[str]:
    """Cut outside braces: each script with what it sets, everything else as it comes."""
    out, place = [], 0
    while place < len(latex):
        end = _argument(latex, place + 1) if latex[place] in "_^" else _argument(latex, place)
        out.append(latex[place:end])
        place = end
    return out


def _argument(latex: str, start: int) -> int:
    """Where the group, the command with its arguments, or the single sign that starts here ends."""
    while start < len(latex) and latex[start] == " ":
        start += 1
    command = _COMMAND.match(latex, start)
    end = command.end() if command else start
    while end < len(latex) and latex[end] == "{" and (command or end == start):
        end = _closing(latex, end)
        if not command:
            return end
    return max(end, min(start + 1, len(latex)))


def _closing(latex: str, opening: int) -> int:
    depth = 0
    for place in range(opening, len(latex)):
        depth += 0 if latex[place - 1 : place] == "\\" else (latex[place] == "{") - (latex[place] == "}")
        if not depth:
            return place + 1
    return len(latex)


def _bare(argument: str) -> str:
    argument = argument.strip()
    whole = argument.startswith("{") and _closing(argument, 0) == len(argument)
    return argument[1:-1] if whole else argument
