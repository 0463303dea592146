"""Backpropagation through time as sections: what is given, the recurrences from t = T to 1, and what they give."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from symlstm.calculus.backward import CLOSED, Adjoint, adjoint_symbol
from symlstm.calculus.through_time import ThroughTime
from symlstm.calculus.timeshift import at_step, quantity_at
from symlstm.emit.backwards import deltas_said
from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.derivations import step_blocks
from symlstm.emit.document import Block, Equations, Formula, Paragraph, Row, Section, formula
from symlstm.emit.inline import where, with_stacked_adjoints
from symlstm.emit.prose import listed
from symlstm.emit.reasons import Words
from symlstm.emit.source import source_aside
from symlstm.expr.brackets import BREAK_SUM
from symlstm.expr.nodes import Quantity, t
from symlstm.expr.notation import Notation

BACKWARD = ("Backward in time, from ", Formula("t = T", "t = T"), " to ", Formula("t = 1", "t = 1"))
_ENDS = (
    ("inputs", ("Gradients by the inputs",)),
    ("initial", ("Gradients by the initial states",)),
    ("parameters", ("Gradients by the parameters",)),
)


def through_time_sections(
    b: ThroughTime, notation: Notation, *, steps: bool = False, evidence: Any = None, source: bool = False
) -> tuple[Section, ...]:
    """The recurrences in the order of computation, each with its reason, then the gradients that they give.

    source: after what is given, what latexify-py reads in the code of the cell.
    """
    notation = _with_columns(b, notation)
    checked = evidence_of(b, evidence)
    about = {"kind": "through time", "cell": b.cell.name, "upstream": [q.name for q in b.upstream]}
    failed = refused(Formula(r"\text{backpropagation through time}", "backpropagation through time"), checked)
    if failed:
        return (Section(("Backpropagation through time",), (failed,), about),)
    sections = [Section(("Given",), _given(b, notation), {"kind": "given"}, aside=True)]
    sections += source_aside(b.cell, notation) if source else ()
    if steps:
        shown = step_blocks(b.cell, b.steps, _stacked(b, notation), by_matrix=True, named=_named(b))
        sections.append(Section(("Steps",), shown, {"kind": "steps"}))
    words = _words(b, notation)
    rows = [*_boundary(b, notation), *_rows(b.adjoints, notation, words)]
    if rows:
        sections.append(Section(BACKWARD, (Equations(tuple(rows), "adjoints"),), about | {"group": "through"}))
    for group, title in _ENDS:
        found: tuple[Adjoint, ...] = getattr(b, group)
        if found:
            blocks: tuple[Block, ...] = (Equations(tuple(_rows(found, notation, words)), "adjoints"),)
            sections.append(Section(title, blocks, about | {"group": group}))
    exprs = [a.expr for a in (*b.adjoints, *b.inputs, *b.initial, *b.parameters)]
    last = sections.pop()
    blocks = (*last.blocks, *where(b.cell, exprs, notation), *checked)
    return (*sections, Section(last.title, blocks, last.about, last.aside))


def _with_columns(b: ThroughTime, notation: Notation) -> Notation:
    """Columns [h; x] are written in place at step t+1 and at step 1 as they are at step t."""
    columns = {e.quantity: e.expr for e in b.cell.equations if e.quantity in notation.inline}
    moved = {
        quantity_at(b.cell, q, time): at_step(b.cell, expr, time)
        for q, expr in columns.items()
        for time in (t + 1, sp.S.One)
    }
    return notation.with_(inline=moved)


def _stacked(b: ThroughTime, notation: Notation) -> Notation:
    """In the steps the adjoint of a column [h; x] is written as the column of their adjoints."""
    symbols = {adjoint_symbol(q): q for q in b.cell.by_name.values()}
    known = {symbols[s.before]: s.after for s in b.steps if s.rule == CLOSED and s.before in symbols}
    return with_stacked_adjoints(notation, b.cell, known)


def _rows(adjoints: Iterable[Adjoint], notation: Notation, words: Words) -> list[Row]:
    return [Row(formula(a.quantity, notation), formula(a.expr, notation), words(a.because)) for a in adjoints]


def _named(b: ThroughTime) -> list[Quantity]:
    """Reasons name quantities of the step after and of the first one too."""
    return [quantity_at(b.cell, q, time) for q in b.cell.by_name.values() for time in (t + 1, sp.S.One)]


def _words(b: ThroughTime, notation: Notation) -> Words:
    exprs = [e for a in (*b.adjoints, *b.inputs, *b.initial, *b.parameters) for e in (a.expr, a.quantity, a.of)]
    return Words(b.cell, [*exprs, *_named(b)], notation)


def _boundary(b: ThroughTime, notation: Notation) -> list[Row]:
    """What is zero at T+1, in one row."""
    if not b.boundary:
        return []
    first, *others = [formula(q, notation) for q in b.boundary]
    others.append(Formula("0", "0"))
    signs = [f"{BREAK_SUM} = ".join(each) for each in zip(*((f.latex, f.text) for f in others), strict=True)]
    return [Row(first, Formula(*signs), ("nothing follows step ", Formula("T", "T")))]


def _given(b: ThroughTime, notation: Notation) -> tuple[Paragraph, ...]:
    """What the signs mean, and what the forward pass has to keep."""
    seen = [formula(q, notation) for q in b.upstream]
    direct = [formula(q, notation) for q in b.upstream.values()]
    example = next(iter(b.upstream))
    bar = adjoint_symbol(example)
    steps = Formula(r"t = 1, \dots, T", "t = 1, ..., T")
    plural = len(seen) > 1
    parts: list[Any] = ["A loss ", Formula("L", "L"), " may depend on ", *listed(seen, " and "), " at every step "]
    parts += [steps, ". ", *listed(direct, " and "), " are its gradients" if plural else " is its gradient"]
    parts += [" by ", "them" if plural else "it", " directly, without what follows from "]
    parts += ["them" if plural else "it", " in this step and later; ", formula(bar, notation)]
    parts += [" is the gradient by ", formula(example, notation), " with everything counted"]
    given = Paragraph((*parts, *deltas_said(b.adjoints, notation, plural)))
    kept = [formula(q, notation) for q in b.depends_on()]
    return (given, Paragraph(("Kept from the forward pass: ", *listed(kept, " and "), "."))) if kept else (given,)
