"""Where long formulas and reasons are broken: rows of equations as lines of a given width."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from symlstm.emit.document import Code, Formula, Link, Prose, Row, plain
from symlstm.expr.brackets import BREAK_PRODUCT, BREAK_SUM, unmarked

_MARK = re.compile(f"([{BREAK_SUM}{BREAK_PRODUCT}])")


@dataclass(frozen=True)
class Line:
    """One line of a row: its left-hand side (first line only), a piece of its right-hand side, a piece of the reason.

    indent: how deep inside brackets the piece starts; -1 for the first one. right=None: only the reason goes on.
    """

    left: Formula | None
    right: str | None
    reason: Prose
    indent: int = -1
    relation: str = "="


@dataclass(frozen=True)
class Measure:
    """How wide formulas and words are, in the units of one emitter."""

    latex: bool
    formula: Callable[[str], float]
    letter: float

    def show(self, formula: Formula) -> str:
        return formula.marked_latex if self.latex else formula.marked_text

    def prose(self, prose: Prose) -> float:
        if not self.latex:
            return self.formula(plain(prose))
        return sum(self.formula(p.latex) if isinstance(p, Formula) else self.letter * len(plain((p,))) for p in prose)


def text_width(text: str) -> float:
    """Columns on a terminal."""
    return float(sum(not unicodedata.combining(c) and unicodedata.category(c) != "Cf" for c in text))


def lay_out(rows: tuple[Row, ...], width: float, measure: Measure) -> list[list[Line]]:
    """The lines of each row, so that left + right + reason fit into the width."""
    left = max((measure.formula(unmarked(measure.show(r.left))) for r in rows if r.left is not None), default=0.0)
    longest = max((measure.prose(r.reason) for r in rows), default=0.0)
    widest = max(measure.formula(unmarked(measure.show(r.right))) for r in rows)
    room = width - left - 3 * measure.letter
    gap = 4 * measure.letter if longest else 0.0
    reason_room = max(room - widest - gap, min(longest, 0.36 * room))
    right_room = room - gap - reason_room if longest else room
    out = []
    for row in rows:
        own_room = right_room if row.reason else room
        pieces = broken(measure.show(row.right), own_room, measure.formula)
        reasons = wrapped(row.reason, reason_room, measure) if row.reason else []
        lines = []
        for k, (piece, reason) in enumerate(zip_longest(pieces, reasons)):
            indent, right = piece if piece is not None else (-1, None)
            lines.append(Line(row.left if k == 0 else None, right, reason or (), indent, row.relation))
        out.append(lines)
    return out


def broken(marked: str, width: float, measure: Callable[[str], float]) -> list[tuple[int, str]]:
    """A formula as lines of at most that width where possible, each with the depth of brackets that it starts in."""
    width += 0.01  # sums of widths are rounded
    if measure(unmarked(marked)) <= width:
        return [(-1, unmarked(marked))]
    parts = _MARK.split(marked)
    pieces: list[tuple[int, int, str]] = [(0, 0, parts[0])]  # cost of breaking before it, depth, piece
    depth = _opened(parts[0])
    for mark, part in zip(parts[1::2], parts[2::2], strict=True):
        pieces.append((2 * depth + (mark == BREAK_PRODUCT), depth, part))
        depth += _opened(part)
    lines = _filled(pieces, width, measure)
    return [(-1 if k == 0 else at, line.strip().removeprefix(r"\, ")) for k, (at, line) in enumerate(lines)]


def _filled(pieces: list[tuple[int, int, str]], width: float, measure: Callable[[str], float]) -> list[tuple[int, str]]:
    whole = "".join(p for _, _, p in pieces)
    if len(pieces) == 1 or measure(whole) <= width:
        return [(pieces[0][1], whole)]
    cheapest = min(cost for cost, _, _ in pieces[1:])
    groups: list[list[tuple[int, int, str]]] = [[pieces[0]]]
    for piece in pieces[1:]:
        if piece[0] == cheapest:
            groups.append([piece])
        else:
            groups[-1].append(piece)
    lines: list[tuple[int, str]] = []
    one_a_line = cheapest % 2 == 0  # a sum: once it is broken, every term has a line of its own
    was_broken = False
    for group in groups:
        sub = _filled(group, width, measure)
        apart = one_a_line or (was_broken and measure(sub[0][1]) > width / 8)
        fits = lines and not apart and measure(lines[-1][1] + sub[0][1]) <= width
        was_broken = len(sub) > 1
        if fits:
            lines[-1] = (lines[-1][0], lines[-1][1] + sub[0][1])
            sub = sub[1:]
        lines += sub
    return lines


def _opened(piece: str) -> int:
    return sum((c in "([") - (c in ")]") for c in piece)


def wrapped(prose: Prose, width: float, measure: Measure) -> list[Prose]:
    """Running text as lines of at most that width."""
    lines: list[list[str | Formula | Code | Link]] = [[]]
    for word in _words(_with_short_formulas(prose, width, measure)):
        candidate = (*lines[-1], *word)
        if lines[-1] and measure.prose(_stripped(candidate)) > width:
            lines.append([])
        lines[-1] += word
    return [_stripped(tuple(line)) for line in lines]


def _with_short_formulas(prose: Prose, width: float, measure: Measure) -> Prose:
    """The text with every formula that is too long for a line cut where it may be broken."""
    out: list[str | Formula | Code | Link] = []
    for part in prose:
        if isinstance(part, Formula) and measure.prose((part,)) > width:
            for k, (_, piece) in enumerate(broken(measure.show(part), width, measure.formula)):
                out += [" "] if k else []
                out.append(Formula(piece, piece))
        else:
            out.append(part)
    return tuple(out)


def _words(prose: Prose) -> Iterator[list[str | Formula | Code | Link]]:
    """Pieces between blanks; a formula sticks to the punctuation around it."""
    word: list[str | Formula | Code | Link] = []
    for part in prose:
        if not isinstance(part, str):
            word.append(part)
            continue
        for piece in re.findall(r"\s+|\S+", part):
            if piece.isspace():
                if word:
                    yield [*word, " "]
                word = []
            else:
                word.append(piece)
    if word:
        yield word


def _stripped(prose: Prose) -> Prose:
    """The line without the blank at its end, words that follow each other in one piece."""
    out: list[str | Formula | Code | Link] = []
    for part in prose[:-1] if prose and prose[-1] == " " else prose:
        if isinstance(part, str) and out and isinstance(out[-1], str):
            out[-1] += part
        else:
            out.append(part)
    return tuple(out)


_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|[{}_^&]|.", re.DOTALL)
_EM = {
    "\\tanh": 2.1, "\\exp": 1.5, "\\log": 1.3, "\\max": 1.9, "\\min": 1.7, "\\sin": 1.3, "\\cos": 1.4, "\\odot": 1.22,
    "\\otimes": 1.22, "\\oplus": 1.22, "\\cdot": 0.72, "\\to": 1.5, "\\,": 0.17, "\\;": 0.28, "\\quad": 1.0,
    "\\qquad": 2.0, "=": 1.33, "+": 1.22, "-": 1.22, "(": 0.39, ")": 0.39, "[": 0.28, "]": 0.28, ",": 0.45, ";": 0.45,
    " ": 0.0, "&": 0.0, "\\delta": 0.45, "\\sigma": 0.57, "\\partial": 0.56, "\\Delta": 0.83, "\\Gamma": 0.63,
    "\\left": 0.12, "\\right": 0.12, "\\bigl": 0.08, "\\bigr": 0.08, "\\Bigl": 0.2, "\\Bigr": 0.2,
    "\\biggl": 0.35, "\\biggr": 0.35,
}  # fmt: skip
_WIDTHLESS = {"\\mathrm", "\\mathbf", "\\mathbb", "\\text", "\\tilde", "\\bar", "\\hat", "\\dot", "\\overline"}


@lru_cache(maxsize=8192)
def latex_width(latex: str) -> float:
    """About how many em a formula is wide."""
    return _sequence(_TOKEN.findall(latex), 0)[0]


def _sequence(tokens: list[str], at: int) -> tuple[float, int]:
    width, script = 0.0, 0.0
    while at < len(tokens) and tokens[at] != "}":
        token = tokens[at]
        if token in "_^" and len(token) == 1:
            inner, at = _argument(tokens, at + 1)
            width, script = width - script + max(script, 0.7 * inner), max(script, 0.7 * inner)
            continue
        script = 0.0
        if token == "{":
            inner, at = _argument(tokens, at)
            width += inner
        elif token in ("\\frac", "\\dfrac"):
            above, at = _argument(tokens, at + 1)
            below, at = _argument(tokens, at)
            width += max(above, below) + 0.25
        elif token in ("\\begin", "\\end"):
            _, at = _argument(tokens, at + 1)
            width += 0.6
        elif token in _WIDTHLESS:
            at += 1
        else:
            width += _EM.get(token, 0.75 if token.isupper() and len(token) == 1 else 0.53)
            at += 1
    return width, at


def _argument(tokens: list[str], at: int) -> tuple[float, int]:
    while at < len(tokens) and tokens[at] == " ":
        at += 1
    if at >= len(tokens):
        return 0.0, at
    if tokens[at] == "{":
        inner, at = _sequence(tokens, at + 1)
        return inner, at + 1
    return _EM.get(tokens[at], 0.53), at + 1


TERMINAL = Measure(False, text_width, 1.0)
LATEX = Measure(True, latex_width, 0.43)
