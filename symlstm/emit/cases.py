"""Cases as sections: for each, what is left of the equations, and the blocks of the state Jacobian."""

from __future__ import annotations

from typing import Any

from symlstm.calculus.cases import Case, Cases
from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.derivations import powers
from symlstm.emit.document import Block, Equations, Formula, Paragraph, Prose, Row, Section, formula
from symlstm.emit.equations import equation_rows
from symlstm.emit.inline import where
from symlstm.emit.source import source_aside
from symlstm.expr.nodes import Zeros
from symlstm.expr.notation import Notation, number_latex, number_text


def case_sections(
    c: Cases, notation: Notation, *, steps: bool = False, evidence: Any = None, source: bool = False
) -> tuple[Section, ...]:
    """One section a case; with steps, also those of every block."""
    checked = evidence_of(c, evidence)
    known = Section(("Known",), (Equations(equation_rows(c.cell.equations, notation)),), {"kind": "known"}, aside=True)
    sections = [known, *(source_aside(c.cell, notation) if source else ())]
    failed = refused(Formula(r"\text{the cases}", "the cases"), checked)
    if failed:
        return (*sections, Section(("Cases",), (failed,), {"kind": "cases"}))
    for k, case in enumerate(c.cases):
        blocks = [*_case(case, c, notation), *(checked if k == len(c.cases) - 1 else ())]
        about = {"kind": "cases", "values": {q.name: str(number) for q, number in case.values.items()}}
        sections.append(Section(_title(case, notation), tuple(blocks), about))
    return tuple(sections)


def _title(case: Case, notation: Notation) -> Prose:
    out: list[Any] = []
    for q, number in case.values.items():
        left = formula(q, notation)
        shown = Formula(f"{left.latex} = {number_latex(number)}", f"{left.text} = {number_text(number)}")
        out += [", " if out else "", shown]
    return tuple(p for p in out if p != "")


def _case(case: Case, c: Cases, notation: Notation) -> list[Block]:
    """The equations that are left, then the blocks that are not zero, then those that are."""
    states = [e for e in case.cell.equations if any(e.quantity == s.current for s in c.cell.states)]
    rows = [Row(formula(d.symbol, notation), formula(d.result, notation)) for d in case.jacobians]
    exprs = [d.result for d in case.jacobians]
    zero = [d for d in case.jacobians if isinstance(d.result, Zeros)]
    blocks: list[Block] = [Equations(equation_rows(states, notation))]
    if not rows:
        return blocks
    if len(zero) == len(rows):
        return [*blocks, Paragraph(("Nothing of the step before is left: the whole state Jacobian is 0.",))]
    return [*blocks, Equations(tuple(rows), "results"), *where(c.cell, exprs, notation), *powers(exprs)]
