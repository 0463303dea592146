"""Running text from strings: formulas between dollars, code between backquotes, [links](target)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symlstm.emit.document import Code, Formula, Link, Prose
from symlstm.emit.untex import untex

_PARTS = re.compile(r"\$`?(?P<latex>[^$]+?)`?\$|`(?P<code>[^`]+)`|\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)")


def prose(source: str | Prose) -> Prose:
    """Running text from a string such as "the gate $f_t$, in code `f`, see [the paper](https://...)"."""
    if not isinstance(source, str):
        return source
    parts: list[str | Formula | Code | Link] = []
    place = 0
    for match in _PARTS.finditer(source):
        if match.start() > place:
            parts.append(source[place : match.start()])
        if match["latex"]:
            parts.append(from_latex(match["latex"]))
        elif match["code"]:
            parts.append(Code(match["code"]))
        else:
            parts.append(Link(match["text"], match["target"]))
        place = match.end()
    if place < len(source):
        parts.append(source[place:])
    return tuple(parts)


def from_latex(latex: str) -> Formula:
    """A formula given in LaTeX."""
    return Formula(latex, untex(latex))


def listed(parts: Iterable[Formula | str], last: str = ", ") -> Prose:
    """a, b, c; `last` goes before the last one (" and ")."""
    items = list(parts)
    out: list[str | Formula | Code | Link] = []
    for k, part in enumerate(items):
        if k:
            out.append(last if k == len(items) - 1 else ", ")
        out.append(part)
    return tuple(out)
