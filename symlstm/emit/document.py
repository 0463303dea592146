"""What is emitted, as plain data: a document of sections of blocks. Built once; an emitter only renders it.

To add a format, write one function `emit(document, **options) -> str` that renders each kind of block, with ENDINGS of
its files beside it, and declare it in the entry-point group `symlstm.emitters`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from symlstm.expr.brackets import unmarked
from symlstm.expr.notation import DEFAULT, Notation
from symlstm.expr.written import written


@dataclass(frozen=True)
class Formula:
    """A formula in LaTeX and in plain text, with marks where a line may be broken (see symlstm.emit.layout)."""

    marked_latex: str
    marked_text: str

    @property
    def latex(self) -> str:
        return unmarked(self.marked_latex)

    @property
    def text(self) -> str:
        return unmarked(self.marked_text)


@dataclass(frozen=True)
class Code:
    """A piece of code in running text."""

    code: str


@dataclass(frozen=True)
class Link:
    """A link in running text."""

    text: str
    target: str


Prose = tuple[str | Formula | Code | Link, ...]
"""Running text: words, formulas, code and links."""


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    prose: Prose


@dataclass(frozen=True)
class Row:
    """left = right, and the reason (or a note) at the right. left=None goes on from the row above.

    relation: "=", "+" (one more term of the sum above), or "↦" (what is sent on).
    """

    left: Formula | None
    right: Formula
    reason: Prose = ()
    relation: str = "="


@dataclass(frozen=True)
class Equations:
    """Rows with their equals signs one above the other. label: equations, steps, results, paths, adjoints."""

    rows: tuple[Row, ...]
    label: str = "equations"


@dataclass(frozen=True)
class Result:
    """What was asked for, in a box."""

    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table of running text; numeric columns are flush right. folded: what a page shows until it is opened."""

    headers: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]
    numeric: bool = False
    folded: str = ""


@dataclass(frozen=True)
class Figure:
    """Pictures side by side, and what is said of them. svg: makes <svg> elements that stand in a page, on demand.

    A format without pictures shows what is said.
    """

    svg: tuple[Callable[[], str], ...]
    said: Prose


@dataclass(frozen=True)
class Listing:
    """Source code."""

    code: str
    language: str = "python"


@dataclass(frozen=True)
class Rung:
    """One check of a formula: what was done, whether it held (None: undecided), what was measured, and how.

    method, measured: the kind of check and its number, from which the checks of several formulas are summed up.
    """

    name: str
    held: bool | None
    figure: str = ""
    detail: str = ""
    method: str = ""
    measured: float | None = None


@dataclass(frozen=True)
class Evidence:
    """What was checked and what came out, in small print."""

    rungs: tuple[Rung, ...]

    @property
    def ok(self) -> bool:
        """Whether no rung failed and at least one held."""
        return all(r.held is not False for r in self.rungs) and any(r.held for r in self.rungs)


@dataclass(frozen=True)
class Refused:
    """In the place of a result that did not pass its evidence."""

    what: Formula
    rungs: tuple[Rung, ...]


Block = Paragraph | Equations | Result | Table | Figure | Listing | Evidence | Refused


@dataclass(frozen=True)
class Section:
    """A title (may be empty) and blocks. about: what it is about, as plain data (kind, names, shapes).

    aside=True: not part of what is pasted into somebody's paper (what is known, tables of shapes, evidence).
    """

    title: Prose
    blocks: tuple[Block, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    aside: bool = False
    level: int = 2


@dataclass(frozen=True)
class Document:
    """A title and sections. about: what it is about, as plain data."""

    title: Prose
    sections: tuple[Section, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def refused(self) -> tuple[Refused, ...]:
        """The results that are not shown, because they did not pass their evidence."""
        return tuple(b for s in self.sections for b in s.blocks if isinstance(b, Refused))


def formula(expr: Any, notation: Notation = DEFAULT) -> Formula:
    """The formula of an expression."""
    return Formula(written(expr, True, notation, marks=True), written(expr, False, notation, marks=True))


def verdict(rung: Rung) -> str:
    """A rung in one line, without its mark; how it was measured is said where it did not hold."""
    said = "; ".join(s for s in (rung.figure, "" if rung.held else rung.detail) if s)
    return f"{rung.name}: {said}" if said else rung.name


MARKS = {True: "✓", False: "✗", None: "–"}
"""Held, failed, could not decide."""


def plain(prose: Prose) -> str:
    """Running text as plain text."""
    return "".join(_plain(part) for part in prose)


def _plain(part: str | Formula | Code | Link) -> str:
    if isinstance(part, Formula):
        return part.text
    if isinstance(part, Code):
        return part.code
    return part.text if isinstance(part, Link) else part
