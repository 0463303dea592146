"""Everything about a cell: equations, Jacobians, derivatives by the parameters, backward pass."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from symlstm.calculus.derivation import Derivation, backward, derive
from symlstm.emit.backwards import backward_sections
from symlstm.emit.checked import evidence_of, refused, together
from symlstm.emit.derivations import about_derivation, asked, result_rows, step_blocks
from symlstm.emit.document import Block, Equations, Evidence, Formula, Paragraph, Prose, Result, Row, Section, formula
from symlstm.emit.equations import equations_section, shapes_section
from symlstm.emit.inline import where
from symlstm.emit.prose import prose
from symlstm.equations import Cell
from symlstm.expr.build import partial
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Zeros
from symlstm.expr.notation import Notation
from symlstm.expr.text import text


@dataclass(frozen=True)
class Report:
    """Everything about a cell, to be given to `emit` or `save`."""

    cell: Cell


def report(cell: Cell) -> Report:
    """Everything about a cell: `emit(report(cell), "markdown")`."""
    return Report(cell)


def report_sections(
    cell: Cell, notation: Notation, *, steps: bool = False, evidence: Any = None, source: tuple[Section, ...] = ()
) -> tuple[Section, ...]:
    """The sections of the report. With steps, every derivation shows them."""
    options = {"notation": notation, "steps": steps, "evidence": evidence}
    states = [(s.current.name, s.previous.name) for s in cell.states]
    blocks = [derive(cell, of, wrt) for of, _ in states for _, wrt in states]
    through = [derive(cell, of, wrt, paths="total") for of, _ in states for _, wrt in states]
    through = [d for d, b in zip(through, blocks, strict=True) if d.result != b.result]
    matrix = [Equations((_state_jacobian(cell, notation),))] if len(states) > 1 else []
    said = prose("With every path in the unrolled graph, those through the other states of the step before as well:")
    groups: list[tuple[Prose, list[Derivation], list[Block]]] = [
        (("State Jacobian",), blocks, [*matrix]),
        (("Through all paths",), through, [Paragraph(said)]),
        (("Input Jacobians",), [derive(cell, of, q.name) for of, _ in states for q in cell.inputs], []),
    ]
    for q in cell.outputs:
        if all(q != s.current for s in cell.states):
            by = [derive(cell, q.name, s.current.name) for s in cell.states]
            groups.append((("Output ", formula(q, notation)), _not_zero(by), []))
    for of, _ in states:
        title = ("Derivatives of ", formula(cell.quantity(of), notation), " by the parameters")
        groups.append((title, _not_zero([derive(cell, of, p.name) for p in cell.parameters]), []))
    options = {"notation": notation, "steps": steps, "evidence": evidence}
    results = [_group(title, found, first, **options) for title, found, first in groups if found]
    legend = where(cell, [d.result for _, found, _ in groups for d in found], notation)
    equations = equations_section(cell, notation)
    first = replace(equations, blocks=(*equations.blocks, *legend))
    given, *parts = backward_sections(backward(cell), notation, steps=steps, evidence=evidence)
    last = (replace(given, title=("Backward pass",)), *(replace(s, level=3) for s in parts))
    return (first, shapes_section(cell, notation), *source, *results, *last)


def _not_zero(derivations: list[Derivation]) -> list[Derivation]:
    return [d for d in derivations if not isinstance(d.result, Zeros)]


def _group(
    title: Prose, derivations: list[Derivation], first: list[Block], *, notation: Notation, steps: bool, evidence: Any
) -> Section:
    """Several results under one title, with their evidence together; by a matrix only the index form is shown."""
    blocks = list(first)
    rows: list[Row] = []
    checked: list[Evidence] = []
    for d in derivations:
        own = evidence_of(d, evidence)
        failed = refused(formula(asked(d), notation), own)
        if failed:
            blocks.append(failed)
            continue
        checked += own
        if steps:
            blocks += step_blocks(d.cell, d.steps, notation, by_matrix=d.by_matrix)
        rows.append(result_rows(d, notation)[0])
    if rows:
        blocks.append(Result(tuple(rows)) if len(rows) == 1 else Equations(tuple(rows), "results"))
    about = {"kind": "derivations", "derivations": [about_derivation(d, notation) for d in derivations]}
    return Section(title, (*blocks, *together(checked)), about)


def _state_jacobian(cell: Cell, notation: Notation) -> Row:
    """J_t as a matrix of blocks."""
    blocks = [[partial(s.current, other.previous) for other in cell.states] for s in cell.states]
    inside = r" \\[2.4ex] ".join(" & ".join(rf"\dfrac{_halves(b, notation)}" for b in row) for row in blocks)
    plain = "; ".join("  ".join(text(b, notation) for b in row) for row in blocks)
    right = Formula(rf"\begin{{bmatrix}} {inside} \end{{bmatrix}}", f"[{plain}]")
    return Row(Formula("J_t", "J_t"), right, ())


def _halves(derivative: Any, notation: Notation) -> str:
    of, wrt = (latex(q, notation) for q in derivative.args)
    return rf"{{\partial {of}}}{{\partial {wrt}}}"
