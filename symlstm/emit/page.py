"""Pages by hand: prose, results and tables of numbers in one document.

    from symlstm.emit import Page
    page = (
        Page("The forget gate")
        .text("The gate $f_t$ multiplies the cell state entry by entry.")   # $LaTeX$, `code`, [link](target)
        .equations(cell)
        .section("The derivative")
        .derivation(sl.derive(cell, "c", "c_prev"), steps=True, evidence=True)
        .table(["gate", "value"], [["$f_t$", "0.475"]])
        .code("f = sigmoid(W_f @ hx + b_f)")
    )
    save(page, "derivations/forget_gate.md")

Every method returns a page with one thing more; pages are never changed in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symlstm.calculus.backward_pass import BackwardPass
from symlstm.calculus.derivation import Derivation
from symlstm.calculus.through_time import ThroughTime
from symlstm.emit.backwards import backward_sections
from symlstm.emit.derivations import derivation_sections
from symlstm.emit.document import Block, Document, Equations, Formula, Listing, Paragraph, Prose, Row, Section, Table
from symlstm.emit.equations import equation_rows, shapes_section
from symlstm.emit.inline import cell_notation
from symlstm.emit.prose import from_latex, prose
from symlstm.emit.readynotations import notation as read_notation
from symlstm.emit.results import titled
from symlstm.emit.through_time import through_time_sections
from symlstm.equations import Cell
from symlstm.errors import SymlstmError
from symlstm.expr.notation import Notation


@dataclass(frozen=True)
class Page:
    """A document made by hand. notation: for everything on the page, unless a method is given another."""

    title: str
    notation: Any = None
    sections: tuple[Section, ...] = ()

    def section(self, title: str, level: int = 2) -> Page:
        """Start a section."""
        return replace(self, sections=(*self.sections, Section(prose(title), (), {"kind": "section"}, level=level)))

    def block(self, *blocks: Block) -> Page:
        """Add blocks to the section at hand."""
        if not self.sections:
            return replace(self, sections=(Section((), blocks, {"kind": "section"}),))
        last = self.sections[-1]
        return replace(self, sections=(*self.sections[:-1], replace(last, blocks=(*last.blocks, *blocks))))

    def text(self, *paragraphs: str) -> Page:
        """Add paragraphs; $...$ is LaTeX, `...` code, [text](target) a link."""
        return self.block(*(Paragraph(prose(" ".join(p.split()))) for p in paragraphs))

    def formula(self, left: str, right: str, reason: str = "") -> Page:
        """Add one displayed equation given in LaTeX."""
        return self.formulas([(left, right, reason)])

    def formulas(self, rows: Iterable[Sequence[str]]) -> Page:
        """Add displayed equations given in LaTeX: (left, right) or (left, right, reason); left may be empty."""
        return self.block(Equations(tuple(_row(row) for row in rows)))

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[Any]], numeric: bool = False) -> Page:
        """Add a table; cells are texts (as in `text`) or anything that str() shows."""
        cells = tuple(tuple(prose(str(c)) for c in row) for row in rows)
        return self.block(Table(tuple(prose(h) for h in headers), cells, numeric))

    def code(self, code: str, language: str = "python") -> Page:
        """Add source code."""
        return self.block(Listing(code.strip("\n"), language))

    def equations(self, cell: Cell, only: Iterable[str] | None = None, notation: Any = None) -> Page:
        """Add the equations of a cell, or only those of some quantities (by name)."""
        own = self._notation(cell, notation)
        wanted = None if only is None else {cell.quantity(name) for name in only}
        chosen = [e for e in cell.equations if wanted is None or e.quantity in wanted]
        return self.block(Equations(equation_rows(chosen, own)))

    def shapes(self, cell: Cell, notation: Any = None) -> Page:
        """Add the table of symbols, sizes and meanings."""
        return self.block(*shapes_section(cell, self._notation(cell, notation)).blocks)

    def derivation(
        self, d: Derivation, *, steps: bool = False, paths: bool = False, evidence: Any = None, known: bool = True,
        notation: Any = None,
    ) -> Page:  # fmt: skip
        """Add a derivation: what is known, what is asked, the steps, the result, the paths, the evidence.

        known=False leaves out what is known and asked; the result alone has no heading of its own.
        """
        own = self._notation(d.cell, notation)
        sections = derivation_sections(d, own, steps=steps, paths=paths, evidence=evidence)
        shown = [s for s in sections if known or s.about.get("kind") not in ("known", "asked")]
        return self._run_in([replace(s, title=()) for s in shown] if len(shown) == 1 else shown)

    def result(
        self, result: Any, *, steps: bool = False, evidence: Any = None, known: bool = True, notation: Any = None
    ) -> Page:
        """Add a derivative over several steps, a solution or cases; known=False leaves out what is known and asked."""
        found = titled(
            result, read_notation(self.notation if notation is None else notation), steps=steps, evidence=evidence
        )
        if found is None:
            raise SymlstmError(f"{type(result).__name__} is shown by another method of a page", "such as derivation")
        shown = [s for s in found[1] if known or s.about.get("kind") not in ("known", "asked")]
        return self._run_in([replace(s, title=()) for s in shown] if len(shown) == 1 else shown)

    def backward(self, b: BackwardPass, *, steps: bool = False, evidence: Any = None, notation: Any = None) -> Page:
        """Add a backward pass."""
        return self._run_in(backward_sections(b, self._notation(b.cell, notation), steps=steps, evidence=evidence))

    def through_time(self, b: ThroughTime, *, steps: bool = False, evidence: Any = None, notation: Any = None) -> Page:
        """Add backpropagation through time."""
        own = self._notation(b.cell, notation)
        return self._run_in(through_time_sections(b, own, steps=steps, evidence=evidence))

    def document(self, notation: Any = None, **options: Any) -> Document:
        """The page as a document."""
        return Document(prose(self.title), self.sections, {"kind": "page"})

    def _run_in(self, sections: Iterable[Section]) -> Page:
        """Sections of a result as sections one level below the one at hand."""
        level = max((s.level for s in self.sections if s.about.get("kind") == "section"), default=1) + 1
        return replace(self, sections=(*self.sections, *(replace(s, level=level) for s in sections)))

    def _notation(self, cell: Cell, own: Any) -> Notation:
        return cell_notation(cell, read_notation(self.notation if own is None else own))


def _row(row: Sequence[str]) -> Row:
    left: Formula | None = from_latex(row[0]) if row[0] else None
    reason: Prose = prose(row[2]) if len(row) > 2 else ()
    return Row(left, from_latex(row[1]), reason)
