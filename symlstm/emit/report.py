"""Everything about a cell: equations, Jacobians, derivatives by the parameters, backward pass.

What has no closed form (by a matrix within, for one) is named with the reason; the rest is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from symlstm.calculus.backward_pass import backward
from symlstm.calculus.derivation import Derivation, derive
from symlstm.emit.backwards import backward_sections
from symlstm.emit.checked import evidence_of, refused, together
from symlstm.emit.derivations import about_derivation, all_steps, asked, result_rows
from symlstm.emit.document import Block, Equations, Evidence, Formula, Paragraph, Prose, Result, Row, Section, formula
from symlstm.emit.equations import equations_section, shapes_section
from symlstm.emit.inline import where
from symlstm.emit.prose import listed, prose
from symlstm.equations import Cell
from symlstm.errors import RuleMissing
from symlstm.expr.build import partial
from symlstm.expr.latex import latex
from symlstm.expr.nodes import Quantity, Zeros
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
    states = [(s.current.name, s.previous.name) for s in cell.states]
    blocks = [_derived(cell, of, wrt) for of, _ in states for _, wrt in states]
    through = [_derived(cell, of, wrt, "total") for of, _ in states for _, wrt in states]
    through = [d for d, b in zip(through, blocks, strict=True) if _adds(d, b)]
    vectors = all(s.current.shape[1] == 1 for s in cell.states)
    matrix = [Equations((_state_jacobian(cell, notation),))] if len(states) > 1 and vectors else []
    said = prose("With every path in the unrolled graph, those through the other states of the step before as well:")
    groups: list[tuple[Prose, list[Found], list[Block]]] = [
        (("State Jacobian",), blocks, [*matrix]),
        (("Through all paths",), through, [Paragraph(said)]),
        (("Input Jacobians",), [_derived(cell, of, q.name) for of, _ in states for q in cell.inputs], []),
    ]
    for q in cell.outputs:
        if all(q != s.current for s in cell.states):
            by = [_derived(cell, q.name, s.current.name) for s in cell.states]
            groups.append((("Output ", formula(q, notation)), _not_zero(by), []))
    for of, _ in states:
        title = ("Derivatives of ", formula(cell.quantity(of), notation), " by the parameters")
        groups.append((title, _not_zero([_derived(cell, of, p.name) for p in cell.parameters]), []))
    options = {"notation": notation, "steps": steps, "evidence": evidence}
    results = [_group(title, found, first, **options) for title, found, first in groups if found]
    derived = [d for _, found, _ in groups for d in found if isinstance(d, Derivation)]
    legend = where(cell, [d.result for d in derived], notation)
    equations = equations_section(cell, notation)
    first = replace(equations, blocks=(*equations.blocks, *legend))
    last = _backward(cell, notation, steps, evidence)
    return (first, shapes_section(cell, notation), *source, *results, *last)


@dataclass(frozen=True)
class Missing:
    """A derivative that has no closed form here, and why."""

    of: Quantity
    wrt: Quantity
    why: str


Found = Derivation | Missing


def _derived(cell: Cell, of: str, wrt: str, paths: str = "partial") -> Found:
    try:
        return derive(cell, of, wrt, paths=paths)
    except RuleMissing as error:
        return Missing(cell.quantity(of), cell.quantity(wrt), error.message)


def _adds(total: Found, partial: Found) -> bool:
    """Whether the paths through the other states are worth a line of their own."""
    if isinstance(total, Missing):
        return isinstance(partial, Derivation) and not partial.acts
    return isinstance(partial, Missing) or total.result != partial.result


def _backward(cell: Cell, notation: Notation, steps: bool, evidence: Any) -> tuple[Section, ...]:
    title = ("Backward pass",)
    try:
        swept = backward(cell)
    except RuleMissing as error:
        return (Section(title, (Paragraph((f"Not shown: {error.message}.",)),), {"kind": "missing"}),)
    given, *parts = backward_sections(swept, notation, steps=steps, evidence=evidence)
    return (replace(given, title=title), *(replace(s, level=3) for s in parts))


def _not_zero(derivations: list[Found]) -> list[Found]:
    return [d for d in derivations if isinstance(d, Missing) or not isinstance(d.result, Zeros)]


def _not_shown(missing: Iterable[Missing], notation: Notation) -> list[Block]:
    """One line a reason, naming the derivatives that it keeps out."""
    kept: dict[str, list[Formula]] = {}
    for m in missing:
        of, wrt = formula(m.of, notation), formula(m.wrt, notation)
        ratio = Formula(rf"\partial {of.latex} / \partial {wrt.latex}", f"∂{of.text}/∂{wrt.text}")
        kept.setdefault(m.why, []).append(ratio)
    return [Paragraph(("Not shown: ", *listed(names), f" ({why}).")) for why, names in kept.items()]


def _group(
    title: Prose, found: list[Found], first: list[Block], *, notation: Notation, steps: bool, evidence: Any
) -> Section:
    """Several results under one title, with their evidence together; by a matrix only the index form is shown."""
    derivations = [d for d in found if isinstance(d, Derivation)]
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
            blocks += all_steps(d, notation)
        rows.append(result_rows(d, notation)[0])
    if rows:
        blocks.append(Result(tuple(rows)) if len(rows) == 1 else Equations(tuple(rows), "results"))
    blocks += _not_shown([m for m in found if isinstance(m, Missing)], notation)
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
