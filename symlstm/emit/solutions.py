"""The solution of a recurrence as sections: the recurrence, the induction, the result, what is taken as given."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symlstm.calculus.solution import Solution
from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.derivations import powers, step_blocks
from symlstm.emit.document import Equations, Formula, Paragraph, Prose, Result, Row, Section, formula
from symlstm.emit.equations import equation_rows
from symlstm.emit.prose import listed
from symlstm.emit.source import source_aside
from symlstm.expr.notation import Notation, show_time
from symlstm.expr.time import OverTime
from symlstm.expr.tree import outermost


def solution_sections(
    s: Solution, notation: Notation, *, steps: bool = False, evidence: Any = None, source: bool = False
) -> tuple[Section, ...]:
    """The closed form of a state, its proof by induction, and what it takes as given (the proof is always shown)."""
    checked = evidence_of(s, evidence)
    about = {"kind": "solution", "cell": s.cell.name, "state": s.state.current.name, "start": str(s.start),
             "given": [q.name for q in s.given]}  # fmt: skip
    state = formula(s.state.current, notation)
    known = [e for e in s.cell.equations if e.quantity == s.state.current or e.quantity in s.given]
    sections = [Section(("Known",), (Equations(equation_rows(known, notation)),), {"kind": "known"}, aside=True)]
    sections += source_aside(s.cell, notation, [e.quantity for e in known]) if source else ()
    failed = refused(Formula(rf"\text{{the solution for }} {state.latex}", f"the solution for {state.text}"), checked)
    if failed:
        return (*sections, Section(("Solution",), (failed,), about))
    if s.steps[0].rule != "beginning":
        blocks = (*step_blocks(s.cell, s.steps, notation), *checked)
        return (*sections, _box(s, notation, about), Section(("Step by step",), blocks, {"kind": "steps"}))
    first, *others = s.steps
    proof = (
        Paragraph(("Beginning: at time ", _start(s), " nothing is summed, and the product of no factors is 1.",)),
        *((Equations((Row(formula(first.after, notation), formula(first.of, notation)),), "steps"),)
          if first.after != first.of else ()),
        Paragraph(("Step: let it hold at time ", Formula("t-1", "t-1"), *_same_beginning(s, notation), ".")),
        *step_blocks(s.cell, others, notation),
    )  # fmt: skip
    return (
        *sections,
        _box(s, notation, about),
        Section(("Proof by induction",), (*proof, *checked), {"kind": "steps"}),
    )


def _box(s: Solution, notation: Notation, about: dict[str, Any]) -> Section:
    box = Result((Row(formula(s.state.current, notation), formula(s.result, notation)),))
    return Section(("Solution",), (box, *_given(s, notation), *powers([s.result])), about)


def _start(s: Solution) -> Formula:
    return Formula(show_time(s.start), show_time(s.start))


def _same_beginning(s: Solution, notation: Notation) -> Prose:
    """Where the beginning is said relative to t, that it stays."""
    first = formula(s.cell.at(s.state.current, s.start), notation)
    return (", from the same beginning ", first) if s.start.free_symbols else ()


def _given(s: Solution, notation: Notation) -> tuple[Paragraph, ...]:
    """What the closed form is a solution of: the recurrence, with the gates as known sequences."""
    fixed: list[Any] = []
    for q, number in s.values:
        left = formula(s.cell.at(q, sp.Symbol("j", integer=True)) if q.time is not None else q, notation)
        fixed += [", " if fixed else "", Formula(f"{left.latex} = {number}", f"{left.text} = {number}")]
    if fixed:
        return (
            Paragraph(
                ("With ", *(p for p in fixed if p), " at every step."),
            ),
        )
    said: Prose = ("Products over a range are taken entry by entry, and a product of no factors is 1. ",)
    said = said if outermost(s.result, OverTime) else ()
    if not s.given:
        return (Paragraph(said),) if said else ()
    names = listed([formula(q, notation) for q in s.given], " and ")
    plural = len(s.given) > 1
    before = listed([formula(t_.previous, notation) for t_ in s.cell.states], " and ")
    more: list[Any] = ["It is the solution given ", *names, ": ", "they" if plural else "it"]
    more += [" are" if plural else " is", " taken as known at every step, although ", "they" if plural else "it"]
    more += [" depend" if plural else " depends", " on the states before (", *before, ")."]
    return (Paragraph((*said, *more)),)
