"""log|det J_t| as sections: what is known, the steps, the result, what it says and where it holds, the evidence."""

from __future__ import annotations

from typing import Any

from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.derivations import powers, step_blocks
from symlstm.emit.document import Block, Equations, Paragraph, Prose, Result, Row, Section, formula
from symlstm.emit.equations import equation_rows
from symlstm.emit.inline import where
from symlstm.emit.prose import listed
from symlstm.emit.source import source_aside
from symlstm.expr.notation import Notation
from symlstm.gradient_flow.determinant import LogDet


def determinant_sections(
    d: LogDet, notation: Notation, *, steps: bool = False, evidence: Any = None, source: bool = False
) -> tuple[Section, ...]:
    """The closed form; with steps, how the determinant is taken apart."""
    checked = evidence_of(d, evidence)
    about = {"kind": "determinant", "cell": d.cell.name, "closed": d.closed, "singular": d.singular}
    known = Section(("Known",), (Equations(equation_rows(d.cell.equations, notation)),), {"kind": "known"}, aside=True)
    sections = [known, *(source_aside(d.cell, notation) if source else ())]
    left = formula(d.symbol, notation)
    failed = refused(left, checked)
    if failed:
        return (*sections, Section(("Result",), (failed,), about))
    if steps:
        sections.append(Section(("Step by step",), tuple(step_blocks(d.cell, d.steps, notation)), {"kind": "steps"}))
    box = Result((Row(left, formula(d.result, notation)),))
    exprs = [d.result]
    blocks: list[Block] = [box, *where(d.cell, exprs, notation), *powers(exprs), Paragraph(_said(d, notation))]
    return (*sections, Section(("Result",), (*blocks, *checked), about))


def _said(d: LogDet, notation: Notation) -> Prose:
    if d.singular:
        return (
            "A row of blocks is zero once what it contains of other new states is taken off: the state Jacobian is "
            "singular at every step, and its determinant has no logarithm.",
        )
    out: list[Any] = ["The sum of all Lyapunov exponents is its average over time."]
    if not d.closed:
        out.append(" No closed form is found: the determinant of a matrix that changes with t is left.")
    elif d.matrices:
        out.append(" The matrices whose determinants are left do not change with time.")
    if d.divided_by:
        names = listed([formula(v, notation) for v in d.divided_by], " and ")
        out += [" It holds where no entry of ", *names, " is zero."]
    return tuple(out)
