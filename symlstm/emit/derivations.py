"""One derivative as sections: what is known, what is asked, the steps, the result, the paths, the evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from symlstm.calculus.backward import adjoint_symbol
from symlstm.calculus.derivation import Derivation
from symlstm.calculus.graph import Graph, earlier_equations
from symlstm.calculus.steps import Step
from symlstm.emit.checked import evidence_of, refused
from symlstm.emit.document import Block, Equations, Formula, Paragraph, Prose, Result, Row, Section, formula
from symlstm.emit.equations import equation_rows, functions_in
from symlstm.emit.inline import where
from symlstm.emit.prose import listed, prose
from symlstm.emit.reasons import Words, reason_of
from symlstm.emit.source import source_aside
from symlstm.equations import Cell
from symlstm.expr.brackets import BREAK_SUM, bracketed, unmarked
from symlstm.expr.build import partial, total
from symlstm.expr.nodes import Quantity, Total
from symlstm.expr.notation import Notation, size_text

_INSERTED = ("sum over all uses", "name", "insert", "first step", "sum over time")
"""Steps of a backward sweep that are equations; the others say what is sent on to which argument."""


def asked(d: Derivation) -> Any:
    """The derivative that was asked for, as a symbol."""
    through_time = d.paths_kind == "total" and any(d.wrt == s.previous for s in d.cell.states)
    return (total if through_time else partial)(d.of, d.wrt)


def result_rows(d: Derivation, notation: Notation) -> tuple[Row, ...]:
    """The result; by a matrix, its index form and its action on an upstream gradient."""
    if not d.by_matrix:
        return (Row(formula(asked(d), notation), formula(d.result, notation)),)
    rows = [Row(_index_left(d, notation), index_right(d, notation))] if d.index else []
    return (*rows, Row(_gradient(d, d.wrt, notation), formula(d.result, notation)))


def _gradient(d: Derivation, q: Quantity, notation: Notation) -> Formula:
    return formula(adjoint_symbol(q), notation)


def _index_left(d: Derivation, notation: Notation) -> Formula:
    of, wrt = formula(d.of, notation), formula(d.wrt, notation)
    if "_" in wrt.latex or "^" in wrt.latex:
        wrt = Formula(f"({wrt.latex})", f"({wrt.text})")
    return Formula(
        rf"\frac{{\partial ({of.latex})_i}}{{\partial {wrt.latex}_{{jk}}}}", f"∂({of.text})_i/∂{wrt.text}_{{jk}}"
    )


def index_right(d: Derivation, notation: Notation) -> Formula:
    """The index form of a derivative by a matrix: delta_ij (...)_i (...)_k."""
    terms = [_index_term(term, notation) for term in d.index]
    plus = f"{BREAK_SUM} + "
    return Formula(plus.join(t[0] for t in terms), plus.join(t[1] for t in terms))


def _index_term(term: Any, notation: Notation) -> tuple[str, str]:
    j, k = ("k", "j") if term.turned else ("j", "k")
    factors: list[tuple[Any, str]] = []
    delta = term.identity or term.diagonal is not None
    if term.diagonal is not None:
        factors.append((term.diagonal, "i"))
    elif not term.identity:
        factors.append((term.matrix, f"i{j}"))
    factors.append((term.vector, k))
    out = []
    for as_latex in (True, False):
        sign = (r"\delta" if as_latex else "δ") + f"_{{i{j}}}"
        pieces = [sign] if delta else []
        for expr, at in factors:
            inner = formula(expr, notation)
            marked = inner.marked_latex if as_latex else inner.marked_text
            held = marked if marked.startswith("[") and marked.endswith("]") else bracketed(marked, "(", ")", as_latex)
            pieces.append(f"{held}_{at}" if len(at) == 1 else f"{held}_{{{at}}}")
        out.append((r"\, " if as_latex else " ").join(pieces))
    return out[0], out[1]


def derivation_sections(
    d: Derivation,
    notation: Notation,
    *,
    steps: bool = False,
    paths: bool = False,
    evidence: Any = None,
    source: bool = False,
) -> tuple[Section, ...]:
    """Everything about one derivative; with evidence that failed, the failure in the place of the result.

    source: after what is known, what latexify-py reads in the code of these equations.
    """
    checked = evidence_of(d, evidence)
    about = about_derivation(d, notation)
    known = d.graph.relevant(d.of)
    sections = [Section(("Known",), (Equations(equation_rows(known, notation)),), {"kind": "known"}, aside=True)]
    if not known:
        sections = []
    if known and source:
        sections += source_aside(d.cell, notation, [e.quantity for e in known])
    sections.append(Section(("Asked",), (Paragraph(_question(d, notation)),), {"kind": "asked"}, aside=True))
    shown = formula(asked(d), notation)
    failed = refused(shown, checked)
    if failed:
        return (*sections, Section(("Result",), (failed,), about))
    if steps:
        blocks = step_blocks(d.cell, d.steps, notation, by_matrix=d.by_matrix)
        sections.append(Section(("Steps",), blocks, {"kind": "steps"}))
    blocks_ = [Result(result_rows(d, notation))]
    exprs = [d.result, *(t.matrix for t in d.index), *(s.after for s in d.steps if steps)]
    legend = (*where(d.cell, exprs, notation), *powers(exprs))
    sections.append(Section(("Result",), (*blocks_, *legend, *checked), about))
    if paths and len(d.paths) > 1:
        sections.append(_paths_section(d, notation))
    return tuple(sections)


def powers(exprs: Iterable[Any]) -> tuple[Paragraph, ...]:
    """How powers of vectors are meant, if there are any."""
    raised = any("power" in functions_in(e) for e in exprs)
    return (Paragraph(("Powers of vectors are taken entry by entry.",)),) if raised else ()


def about_derivation(d: Derivation, notation: Notation) -> dict[str, Any]:
    order = d.cell.dims
    return {
        "kind": "derivation",
        "cell": d.cell.name,
        "of": d.of.name,
        "wrt": d.wrt.name,
        "paths": d.paths_kind,
        "by_matrix": d.by_matrix,
        "shape": [size_text(s, order) for s in d.result.shape],
    }


def _question(d: Derivation, notation: Notation) -> Prose:
    of, wrt = formula(d.of, notation), formula(d.wrt, notation)
    if d.by_matrix:
        return (
            slashed(d, notation), ", which has three indices, and its action on an upstream gradient: with ",
            _gradient(d, d.of, notation), " the gradient of a loss by ", of, ", the gradient by ", wrt, " is ",
            _gradient(d, d.wrt, notation), ".",
        )  # fmt: skip
    rows, cols = (size_text(s, d.cell.dims) for s in (d.of.shape[0], d.wrt.shape[0]))
    out: list[Any] = [slashed(d, notation), ", a matrix of ", Formula(rf"{rows} \times {cols}", f"{rows} × {cols}")]
    out += [" with the entries ", slashed(d, notation, entries=True)]
    others = [s.previous for s in d.cell.states if s.previous != d.wrt]
    if others and any(s.previous == d.wrt for s in d.cell.states):
        if d.paths_kind == "partial":
            out += ["; ", *_those(others, notation), f" {'are' if len(others) > 1 else 'is'} held fixed"]
        else:
            out += _through_other_states(d, others, notation)
    return (*out, ".")


def _through_other_states(d: Derivation, others: Iterable[Quantity], notation: Notation) -> list[Any]:
    """Which of the other states step t-1 made of the state that is differentiated by."""
    before = Graph(earlier_equations(d.cell), d.wrt)
    made = [q for q in others if before.relevant(q)]
    free = [q for q in others if q not in made]
    wrt, counts = formula(d.wrt, notation), "; every path in the unrolled graph counts"
    independent = [*_those(free, notation), f" {'do' if len(free) > 1 else 'does'} not"]
    if not made:
        return [f"{counts}; ", *independent, " depend on ", wrt, ", so the paths are those of this step alone"]
    verb = "depend" if len(made) > 1 else "depends"
    out = [f"{counts}, so ", *_those(made, notation), f" {verb} on ", wrt, " as well"]
    return [*out, ", ", *independent] if free else out


def _those(quantities: Iterable[Quantity], notation: Notation) -> list[Any]:
    return list(listed([formula(q, notation) for q in quantities], " and "))


def slashed(d: Derivation, notation: Notation, entries: bool = False) -> Formula:
    """The derivative that was asked for on one line: d c_t / d c_{t-1}."""
    straight = isinstance(asked(d), Total)
    above, below = formula(d.of, notation), formula(d.wrt, notation)
    if entries:
        above, below = (Formula(f"({f.latex})_{k}", f"({f.text})_{k}") for f, k in ((above, "i"), (below, "j")))
    sign = r"\mathrm{d} " if straight else r"\partial "
    mark = "d" if straight else "∂"
    return Formula(f"{sign}{above.latex} / {sign}{below.latex}", f"{mark}{above.text}/{mark}{below.text}")


def step_blocks(
    cell: Cell, steps: Iterable[Step], notation: Notation, by_matrix: bool = False, named: Iterable[Any] = ()
) -> tuple[Block, ...]:
    """One chain of equalities for each quantity on the way, one rule a line. named: what reasons may name besides."""
    steps = tuple(steps)
    words = Words(cell, [*named, *(e for s in steps for e in (s.before, s.after, s.of))], notation)
    blocks: list[Block] = []
    rows: list[Row] = []
    chain: Any = None
    last = ""
    for step in steps:
        relation = "=" if not by_matrix or step.rule in _INSERTED else "↦"
        right = formula(step.after, notation)
        if by_matrix and relation == "↦" and right.text == formula(step.before, notation).text:
            continue
        new = step.of != chain or by_matrix
        left = formula(step.of, notation) if new else None
        if new and rows and not by_matrix:
            blocks.append(Equations(tuple(rows), "steps"))
            rows = []
        if new:
            chain, last = step.of, unmarked(formula(step.of, notation).text)
        if right.text == last or (step.rule == "definition" and step.before.args[0] in notation.inline):
            continue
        if left is None and not rows:
            left = formula(step.of, notation)
        rows.append(Row(left, right, reason_of(step, notation, words), relation))
        last = right.text
    if rows:
        blocks.append(Equations(tuple(rows), "steps"))
    return tuple(blocks)


def _paths_section(d: Derivation, notation: Notation) -> Section:
    rows = []
    for k, path in enumerate(d.paths):
        product = formula(path.product, notation)
        if k and product.text.startswith("-"):
            product = Formula(
                bracketed(product.marked_latex, "(", ")", True), bracketed(product.marked_text, "(", ")", False)
            )
        trail = [formula(q, notation) for q in path.quantities if q not in notation.inline]
        along = Formula(
            f"{BREAK_SUM} \\to ".join(f.latex for f in trail), f"{BREAK_SUM} → ".join(f.text for f in trail)
        )
        left = formula(asked(d), notation) if k == 0 else None
        rows.append(Row(left, product, (along,), "+" if k else "="))
    count = len(rows)
    said = prose(f"The {count} paths, one a line; they add up to the result.")
    return Section(("Paths",), (Paragraph(said), Equations(tuple(rows), "paths")), {"kind": "paths"})
