"""Where long formulas and reasons are broken: rows of equations as lines of a given width."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from symlstm.emit.breaking import broken
from symlstm.emit.document import Code, Formula, Link, Prose, Row, plain
from symlstm.expr.brackets import unmarked


@dataclass(frozen=True)
class Line:
    """One line of a row: its left-hand side (first line only), a piece of its right-hand side, a piece of the reason.

    indent: how deep inside brackets the piece starts; -1 for the first one. right=None: only the reason goes on.
    beneath: the reason stands where the formula would go on.
    """

    left: Formula | None
    right: str | None
    reason: Prose
    indent: int = -1
    relation: str = "="
    beneath: bool = False


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
    lefts = [measure.formula(unmarked(measure.show(r.left))) if r.left is not None else 0.0 for r in rows]
    above = [measure.latex and own > width / 3 and own + 8 > width / 2 for own in lefts]
    left = max((own for own, high in zip(lefts, above, strict=True) if not high), default=0.0)
    longest = max((measure.prose(r.reason) for r in rows), default=0.0)
    widest = max(measure.formula(unmarked(measure.show(r.right))) for r in rows)
    room = width - left - 3 * measure.letter
    gap = 4 * measure.letter if longest else 0.0
    reason_room = max(room - widest - gap, min(longest, 0.36 * room))
    right_room = room - gap - reason_room if longest else room
    narrow = bool(longest) and measure.latex  # one column holds them all: a long line would push the reasons out
    pieces = [
        broken(measure.show(r.right), right_room if narrow or r.reason else room, measure.formula, measure.latex)
        for r in rows
    ]
    reasons = [wrapped(row.reason, reason_room, measure) if row.reason else [] for row in rows]
    if narrow:
        widest = max(measure.formula(piece) + (at >= 0) for own in pieces for at, piece in own)
        wide_reason = max(measure.prose(line) for each in reasons for line in each)
        beneath = [
            _left_above(row, high, room, measure) + _reason_beneath(row, high, room, measure)
            for row, high in zip(rows, above, strict=True)
        ]
        beside = sum(max(len(own), len(each)) for own, each in zip(pieces, reasons, strict=True))
        if widest > right_room + 0.5 or wide_reason > reason_room + 0.5 or sum(map(len, beneath)) < beside:
            return beneath
    out = []
    for row, own, said, high in zip(rows, pieces, reasons, above, strict=True):
        lines = _left_above(row, high, right_room if longest else room, measure)
        for k, (piece, reason) in enumerate(zip_longest(own, said)):
            indent, right = piece if piece is not None else (-1, None)
            lines.append(Line(row.left if k == 0 and not high else None, right, reason or (), indent, row.relation))
        out.append(lines)
    return out


def _left_above(row: Row, high: bool, room: float, measure: Measure) -> list[Line]:
    """A left-hand side that would leave no room for the right-hand side, on lines of its own."""
    if row.left is None or not high:
        return []
    pieces = broken(measure.show(row.left), room, measure.formula, measure.latex)
    return [Line(None, piece, (), at, "") for at, piece in pieces]


def _reason_beneath(row: Row, high: bool, room: float, measure: Measure) -> list[Line]:
    """The whole width for the formula, where it needs it; then its reason."""
    pieces = broken(measure.show(row.right), room, measure.formula, measure.latex)
    left = None if high else row.left
    lines = [Line(left if k == 0 else None, p, (), at, row.relation) for k, (at, p) in enumerate(pieces)]
    reasons = wrapped(row.reason, room - 6, measure) if row.reason else []
    return lines + [Line(None, None, reason, 0, beneath=True) for reason in reasons]


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
            for k, (_, piece) in enumerate(broken(measure.show(part), width, measure.formula, measure.latex)):
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
    "\\tanh": 2.3, "\\exp": 1.5, "\\log": 1.3, "\\max": 1.9, "\\min": 1.7, "\\sin": 1.3, "\\cos": 1.4, "\\odot": 1.22,
    "\\otimes": 1.22, "\\oplus": 1.22, "\\cdot": 0.72, "\\to": 1.5, "\\,": 0.17, "\\;": 0.28, "\\quad": 1.0,
    "\\qquad": 2.0, "=": 1.33, "+": 1.22, "-": 1.22, "(": 0.39, ")": 0.39, "[": 0.28, "]": 0.28, ",": 0.45, ";": 0.45,
    " ": 0.0, "&": 0.0, "\\delta": 0.45, "\\sigma": 0.57, "\\partial": 0.56, "\\Delta": 0.83, "\\Gamma": 0.63,
    "\\left": 0.12, "\\right": 0.12, "\\bigl": 0.08, "\\bigr": 0.08, "\\Bigl": 0.24, "\\Bigr": 0.24,
    "\\biggl": 0.35, "\\biggr": 0.35, "\\sqrt": 0.83,
    **dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
        0.75, 0.76, 0.72, 0.83, 0.74, 0.65, 0.79, 0.83, 0.44, 0.56, 0.85, 0.68, 0.97, 0.8, 0.76, 0.65, 0.79, 0.76, 0.62,
        0.59, 0.69, 0.6, 0.95, 0.83, 0.6, 0.69), strict=True)),
    "m": 0.88, "w": 0.72, "i": 0.35, "l": 0.3, "t": 0.37, "j": 0.41,
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
            width += _EM.get(token, 0.53)
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
