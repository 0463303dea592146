"""A derivative over several steps where a matrix takes part, as sections."""

from __future__ import annotations

from typing import Any

from symlstm.calculus.backward import adjoint_symbol
from symlstm.calculus.carried import Carried
from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.derivations import powers, step_blocks
from symlstm.emit.document import Block, Formula, Paragraph, Prose, Result, Row, Section, formula
from symlstm.emit.inline import where
from symlstm.emit.lags import about_lag, asked, shown_time
from symlstm.emit.prose import listed
from symlstm.expr.nodes import t
from symlstm.expr.notation import Notation
from symlstm.expr.time import MatmulOver, OverTime
from symlstm.expr.tree import outermost


def carried_sections(
    d: Carried, notation: Notation, *, steps: bool = False, evidence: Any = None, source: bool = False
) -> tuple[Section, ...]:
    """Everything about one derivative over several steps that is given by what it does."""
    checked = evidence_of(d, evidence)
    about = about_lag(d, notation)
    sections = asked(d, _question(d, notation), notation, source)
    failed = refused(formula(d.symbol, notation), checked)
    if failed:
        return (*sections, Section(("Result",), (failed,), about))
    if steps and d.steps:
        sections.append(Section(("Steps",), step_blocks(d.cell, d.steps, notation), {"kind": "steps"}))
    rows = [Row(formula(symbol, notation), formula(expr, notation)) for symbol, expr in d.rows]
    exprs = [expr for _, expr in d.rows]
    if d.result is not None:
        rows.append(Row(formula(adjoint_symbol(d.wrt), notation), formula(d.result, notation)))
        exprs.append(d.result)
    result: list[Block] = [Result(tuple(rows)), *_explained(d, notation)]
    result += [*where(d.cell, exprs, notation), *powers(exprs), *checked]
    return (*sections, Section(("Result",), tuple(result), about))


def _question(d: Carried, notation: Notation) -> Prose:
    of, wrt = formula(d.of, notation), formula(d.wrt, notation)
    changed = formula(d.change_symbol(d.of), notation)
    said: list[Any] = [formula(d.symbol, notation), ", a linear map: the change ", changed]
    said += [" of ", of, " that a change ", formula(d.moved, notation), " of ", wrt, " makes"]
    if d.result is not None:
        said += ["; and its action on an upstream gradient: with ", formula(d.upstream, notation)]
        said += [" the gradient of a loss by ", of, ", the gradient by ", wrt, " is "]
        said.append(formula(adjoint_symbol(d.wrt), notation))
    others = [formula(s.current, notation) for s in d.cell.states if s != d.state]
    if others and d.paths_kind == "partial":
        said += [
            "; ",
            *listed(others, " and "),
            " are" if len(others) > 1 else " is",
            " held fixed at every step before ",
        ]
        said.append(of)
    elif others:
        said.append("; every path in the unrolled graph counts")
    return (*said, ".")


def _explained(d: Carried, notation: Notation) -> list[Block]:
    """For which steps a recurrence holds; what the products mean."""
    found: list[Block] = []
    if d.onward:
        j, begin = Formula(str(d.index), str(d.index)), shown_time(t - d.lag + 1)
        said: list[Any] = ["From step ", begin, " on, for ", j, " = ", begin, ", ..., ", shown_time(t)]
        found.append(Paragraph((*said, ", in this order.")))
    overs = [over for _, e in d.rows for over in outermost(e, OverTime)]
    if any(isinstance(over, MatmulOver) for over in overs):
        found.append(Paragraph(("The factors of the product stand from right to left, the latest on the left.",)))
    elif overs:
        found.append(Paragraph(("The product is taken entry by entry.",)))
    return found
