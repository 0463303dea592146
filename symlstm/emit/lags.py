"""A derivative over several steps as sections: what is asked, the steps, the result, its blocks, the ways through."""

from __future__ import annotations

from typing import Any

from symlstm.calculus.carried import Carried
from symlstm.calculus.lags import JACOBIAN, Lagged, OverSteps
from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.derivations import powers, step_blocks
from symlstm.emit.document import Block, Equations, Formula, Paragraph, Prose, Result, Row, Section, formula
from symlstm.emit.equations import equation_rows
from symlstm.emit.inline import where
from symlstm.emit.prose import listed
from symlstm.emit.source import source_aside
from symlstm.expr.brackets import BREAK_SUM
from symlstm.expr.nodes import Partial, Quantity, t
from symlstm.expr.notation import Notation, show_time, size_text
from symlstm.expr.time import MatmulOver, OverTime
from symlstm.expr.tree import outermost


def lag_sections(
    d: Lagged, notation: Notation, *, steps: bool = False, evidence: Any = None, source: bool = False
) -> tuple[Section, ...]:
    """Everything about one derivative over several steps."""
    checked = evidence_of(d, evidence)
    about = about_lag(d, notation)
    sections = asked(d, _question(d, notation), notation, source)
    failed = refused(formula(d.symbol, notation), checked)
    if failed:
        return (*sections, Section(("Result",), (failed,), about))
    if steps:
        sections.append(Section(("Steps",), step_blocks(d.cell, d.steps, notation), {"kind": "steps"}))
    result: list[Block] = [Result((Row(formula(d.symbol, notation), formula(d.shown, notation)),))]
    result += _explained(d, notation)
    rows = [Row(formula(of, notation), formula(e, notation)) for of, e in d.blocks.items() if not _is_jacobian(of)]
    exprs = [d.shown, *(e for of, e in d.blocks.items() if not _is_jacobian(of))]
    if rows:
        result += [Paragraph(("The blocks, for one step:",)), Equations(tuple(rows), "results")]
    result += [*where(d.cell, exprs, notation), *powers(exprs), *checked]
    sections.append(Section(("Result",), tuple(result), about))
    return (*sections, _ways(d, notation)) if d.ways else tuple(sections)


def asked(d: OverSteps, question: Prose, notation: Notation, source: bool) -> list[Section]:
    """What is known, how the code says it where that is wished, and the question."""
    known = [e for e in d.cell.equations if needed(d, e.quantity)]
    sections = [Section(("Known",), (Equations(equation_rows(known, notation)),), {"kind": "known"}, aside=True)]
    sections += source_aside(d.cell, notation, [e.quantity for e in known]) if source else ()
    return [*sections, Section(("Asked",), (Paragraph(question),), {"kind": "asked"}, aside=True)]


def about_lag(d: Lagged | Carried, notation: Notation) -> dict[str, Any]:
    """The derivative as plain data."""
    return {
        "kind": "lag",
        "cell": d.cell.name,
        "of": d.of.name,
        "wrt": d.state.previous.name,
        "lag": d.lag if isinstance(d.lag, int) else d.lag.name,
        "paths": d.paths_kind,
        "shape": [size_text(s, d.cell.dims) for s in (d.result.shape if isinstance(d, Lagged) else d.wrt.shape)],
    }


def needed(d: OverSteps, q: Quantity) -> bool:
    """Whether an equation is on the way from one step to the next, or to what is asked for."""
    wanted = {s.current for s in d.cell.states} | {d.of}
    for e in reversed(d.cell.equations):
        if e.quantity in wanted:
            wanted |= set(outermost(e.expr, Quantity))
    return q in wanted


def _is_jacobian(of: Any) -> bool:
    return isinstance(of, Quantity) and of.name == JACOBIAN


def _question(d: Lagged, notation: Notation) -> Prose:
    rows, cols = (size_text(s, d.cell.dims) for s in d.result.shape)
    said: list[Any] = [
        formula(d.symbol, notation),
        ", a matrix of ",
        Formula(rf"{rows} \times {cols}", f"{rows} × {cols}"),
    ]
    others = [formula(s.current, notation) for s in d.cell.states if s != d.state]
    if others and d.paths_kind == "partial":
        said += [
            "; ",
            *listed(others, " and "),
            f" {'are' if len(others) > 1 else 'is'} held fixed at every step before ",
        ]
        said.append(formula(d.of, notation))
    elif others:
        said += ["; every path in the unrolled graph counts, with ", formula(d.wrt, notation)]
        said += [" cut free of its own equation: also those through what step ", shown_time(t - d.lag), " makes of it"]
    return (*said, ".")


def shown_time(time: Any) -> Formula:
    """A step as a formula: t-k+1."""
    return Formula(show_time(time), show_time(time))


def _explained(d: Lagged, notation: Notation) -> list[Block]:
    """What the signs of the result mean: the state Jacobian, the order of a product, the last column."""
    found: list[Block] = []
    if any(_is_jacobian(of) for of in d.blocks):
        states = [formula(s.current, notation) for s in d.cell.states]
        before = [formula(s.previous, notation) for s in d.cell.states]
        ratio = [Formula("J_t", "J_t"), " is the Jacobian of the whole state, of ", *listed(states, " and ")]
        ratio += [" by ", *listed(before, " and "), ", one block a pair"]
        ratio += ["; its rows in the brackets are those of ", formula(d.of, notation)] if _is_state(d) else []
        first = [p.args[0] for p in outermost(d.shown, Partial) if p.args[1] == d.wrt]
        ratio += _column(d, first, notation)
        found.append(Paragraph((*ratio, ".")))
    if any(isinstance(over, MatmulOver) for over in outermost(d.shown, OverTime)):
        found.append(Paragraph(("The factors of the product stand from right to left, the latest on the left.",)))
    elif outermost(d.shown, OverTime):
        found.append(Paragraph(("The product is taken entry by entry.",)))
    return found


def _column(d: Lagged, first: list[Quantity], notation: Notation) -> list[Any]:
    if not first:
        return []
    said: list[Any] = [
        "; the column at the right says what step ",
        shown_time(t - d.lag),
        " makes of ",
        formula(d.wrt, notation),
    ]
    return [*said, " in ", *listed([formula(q, notation) for q in first], " and ")]


def _is_state(d: Lagged) -> bool:
    return any(s.current == d.of for s in d.cell.states)


def _ways(d: Lagged, notation: Notation) -> Section:
    """The total derivative by the number of detours; each term was checked by itself, where the result was."""
    rows: list[Row] = []
    for count in sorted({way.detours for way in d.ways}):
        of_count = [way for way in d.ways if way.detours == count]
        terms = [formula(way.shown, notation) for way in of_count]
        plus = f"{BREAK_SUM} + "
        right = Formula(plus.join(f.marked_latex for f in terms), plus.join(f.marked_text for f in terms))
        left = None if rows else formula(d.symbol, notation)
        said = {0: "the direct path", 1: "one detour"}.get(count, f"{count} detours")
        rows.append(Row(left, right, (said,), "+" if rows else "="))
    names = listed([formula(s.current, notation) for s in d.cell.states if s != d.state], " or ")
    times = listed([shown_time(t - back) for back in range(1, d.lag + 1)], " and ")
    text: Prose = ("A path is handed on at ", *times, "; each time that it is handed on by ", *names,
                   " instead of ", formula(d.state.current, notation), " is a detour.")  # fmt: skip
    return Section(("By detours",), (Paragraph(text), Equations(tuple(rows), "paths")), {"kind": "paths"})
