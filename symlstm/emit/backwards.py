"""The backward pass of a step as sections: through the step, inputs and previous states, parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symlstm.calculus.backward import Adjoint, adjoint_symbol
from symlstm.calculus.backward_pass import BackwardPass
from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.derivations import step_blocks
from symlstm.emit.document import Block, Equations, Formula, Paragraph, Prose, Row, Section, formula
from symlstm.emit.inline import where, with_stacked_adjoints
from symlstm.emit.reasons import Words
from symlstm.emit.source import source_aside
from symlstm.expr.notation import Notation

_GROUPS = (
    ("Backward through the step", "through"),
    ("Gradients by the inputs and the previous states", "leaves"),
    ("Gradients by the parameters", "parameters"),
)


def backward_sections(
    b: BackwardPass, notation: Notation, *, steps: bool = False, evidence: Any = None, source: bool = False
) -> tuple[Section, ...]:
    """The adjoint equations in the order of computation, each with its reason.

    source: after what is given, what latexify-py reads in the code of the cell.
    """
    checked = evidence_of(b, evidence)
    about = {"kind": "backward", "cell": b.cell.name, "upstream": [q.name for q in b.upstream]}
    failed = refused(Formula(r"\text{backward pass}", "the backward pass"), checked)
    if failed:
        return (Section(("Backward pass",), (failed,), about),)
    known = {a.of: a.expr for a in b.adjoints if a.quantity.role == "adjoint"}
    notation = with_stacked_adjoints(notation, b.cell, known)
    sections = [Section(("Given",), (Paragraph(_given(b, notation)),), {"kind": "given"}, aside=True)]
    sections += source_aside(b.cell, notation) if source else ()
    if steps:
        sections.append(Section(("Steps",), step_blocks(b.cell, b.steps, notation, by_matrix=True), {"kind": "steps"}))
    words = Words(b.cell, [e for a in b.adjoints for e in (a.expr, a.quantity, a.of)], notation)
    groups: dict[str, list[Row]] = {key: [] for _, key in _GROUPS}
    for a in b.adjoints:
        if not _inside_stack(a, notation):
            groups[_group(a, b, notation)].append(_row(a, notation, words))
    legend = where(b.cell, [a.expr for a in b.adjoints], notation)
    for title, key in _GROUPS:
        if groups[key]:
            blocks: list[Block] = [Equations(tuple(groups[key]), "adjoints")]
            last = key == next(k for _, k in reversed(_GROUPS) if groups[k])
            blocks += legend if last else ()
            blocks += checked if last else ()
            sections.append(Section((title,), tuple(blocks), about | {"group": key}))
    return tuple(sections)


def _row(a: Adjoint, notation: Notation, words: Words) -> Row:
    return Row(formula(a.quantity, notation), formula(a.expr, notation), words(a.because))


def _group(a: Adjoint, b: BackwardPass, notation: Notation) -> str:
    if a.of in b.cell.parameters:
        return "parameters"
    return "leaves" if b.cell.equation(a.of) is None or a.quantity in notation.inline else "through"


def _inside_stack(a: Adjoint, notation: Notation) -> bool:
    """Whether the adjoint is already a part of the column that is the adjoint of a concatenation."""
    return any(a.quantity in stacked.args for whole, stacked in notation.inline.items() if whole.role == "adjoint")


def _given(b: BackwardPass, notation: Notation) -> Prose:
    outside = list(b.upstream.values())
    parts: list[Any] = ["For a loss ", Formula("L", "L"), ", given "]
    for k, q in enumerate(outside):
        parts += [", " if k else "", formula(q, notation)]
    plural = len(outside) > 1
    parts += [": what reaches "]
    for k, q in enumerate(b.upstream):
        parts += [", " if k else "", formula(q, notation)]
    parts += [" from outside the step (from the loss itself and from step ", Formula("t+1", "t+1"), "). "]
    example = next(iter(b.upstream))
    parts += [formula(adjoint_symbol(example), notation), " is the gradient of ", Formula("L", "L")]
    parts += [" by ", formula(example, notation), *deltas_said(b.adjoints, notation, plural)]
    return tuple(p for p in parts if p != "")


def deltas_said(adjoints: Iterable[Adjoint], notation: Notation, plural: bool) -> Prose:
    """The end of the sentence that says what signs mean: what a delta is, if there is one; plural: there are others."""
    delta = next((a for a in adjoints if a.quantity.role == "delta"), None)
    if delta is None:
        return ("; so with the others." if plural else ".",)
    sign, of = formula(delta.quantity, notation), formula(delta.of, notation)
    return (", ", sign, " the one by what the function of ", of, " is applied to; so with the others.")
