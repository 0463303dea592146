"""One derivative as sections: what is known, what is asked, the steps, the result, the paths, the evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from symlstm.calculus.backward import adjoint_symbol
from symlstm.calculus.derivation import Derivation
from symlstm.calculus.graph import Graph, earlier_equations
from symlstm.calculus.indexform import IndexTerm, diagonal_of, is_identity, letters_of
from symlstm.calculus.rewriting import change_symbol
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
from symlstm.expr.build import partial, split_number, total
from symlstm.expr.nodes import Ones, Quantity, Spread, Total
from symlstm.expr.notation import Notation, number_latex, number_text, size_text

_INSERTED = ("sum over all uses", "name", "insert", "first step", "sum over time")
"""Steps of a backward sweep that are equations; the others say what is sent on to which argument."""


def asked(d: Derivation) -> Any:
    """The derivative that was asked for, as a symbol."""
    through_time = d.paths_kind == "total" and any(d.wrt == s.previous for s in d.cell.states)
    return (total if through_time else partial)(d.of, d.wrt)


def result_rows(d: Derivation, notation: Notation) -> tuple[Row, ...]:
    """The result; with more than two indices, its form by index and its actions."""
    if d.change is None:
        return (Row(formula(asked(d), notation), formula(d.result, notation)),)
    rows = [Row(_index_left(d, notation), index_right(d, notation))] if d.index else []
    if _changes(d):
        rows.append(Row(formula(change_symbol(d.of), notation), formula(d.change, notation)))
    return (*rows, Row(formula(adjoint_symbol(d.wrt), notation), formula(d.result, notation)))


def _changes(d: Derivation) -> bool:
    """Whether the action on a change is shown: not for a vector by a weight, where the other two say it all."""
    return not (d.index and d.wrt in d.cell.parameters and d.of.shape[1] == 1)


def _index_left(d: Derivation, notation: Notation) -> Formula:
    parts = [formula(q, notation) for q in (d.of, d.wrt)]
    latex, text_ = [], []
    letters = list(letters_of(d.of, d.wrt).values())
    counts = [sum(size != 1 for size in q.shape) for q in (d.of, d.wrt)]
    for k, (q, count) in enumerate(zip(parts, counts, strict=True)):
        own = "".join(letters[:count] if k == 0 else letters[counts[0] :])
        bare = not count or (not ("_" in q.latex or "^" in q.latex) and k)
        lowered_ = "" if not count else f"_{own}" if count == 1 else f"_{{{own}}}"
        latex.append((q.latex if bare else f"({q.latex})") + lowered_)
        text_.append((q.text if bare else f"({q.text})") + lowered_)
    sign, mark = (r"\mathrm{d}", "d") if isinstance(asked(d), Total) else (r"\partial", "∂")
    return Formula(rf"\frac{{{sign} {latex[0]}}}{{{sign} {latex[1]}}}", f"{mark}{text_[0]}/{mark}{text_[1]}")


def index_right(d: Derivation, notation: Notation) -> Formula:
    """The form by index: delta_ij (...)_i (...)_k."""
    terms = [_index_term(term, notation) for term in d.index]
    out = []
    for shown in zip(*terms, strict=True):
        first, *others = shown
        signed = [f"{BREAK_SUM} - {s[1:]}" if s.startswith("-") else f"{BREAK_SUM} + {s}" for s in others]
        out.append(first + "".join(signed))
    return Formula(out[0], out[1])


def _index_term(term: IndexTerm, notation: Notation) -> tuple[str, str]:
    deltas = [at for array, at in term.factors if len(at) == 2 and _diagonal(array)]
    number, factors = sp.S.One, []
    for array, at in term.factors:
        own, rest = split_number(array)
        diagonal = diagonal_of(rest) if at in deltas else None
        own_, vector = (sp.S.One, None) if diagonal is None else split_number(diagonal)
        number = number * own * own_
        if at not in deltas and not isinstance(rest, Ones):
            factors.append((rest, at))
        elif vector is not None and not isinstance(vector, Ones):
            factors.append((vector.args[0], "") if isinstance(vector, Spread) else (vector, at[0]))
    out = []
    for as_latex in (True, False):
        sign = r"\delta" if as_latex else "δ"
        minus = number.could_extract_minus_sign()
        shown = number_latex(abs(number)) if as_latex else number_text(abs(number))
        pieces = [shown] if abs(number) != 1 or not (deltas or factors) else []
        pieces += [f"{sign}_{{{at}}}" for at in deltas]
        for expr, at in sorted(factors, key=lambda factor: len(factor[1]) != 0):
            inner = formula(expr, notation)
            marked = inner.marked_latex if as_latex else inner.marked_text
            held = marked if marked.startswith("[") and marked.endswith("]") else bracketed(marked, "(", ")", as_latex)
            held = marked if not at and isinstance(expr, Quantity) else held
            pieces.append(held + ("" if not at else f"_{at}" if len(at) == 1 else f"_{{{at}}}"))
        out.append(("-" if minus else "") + (r"\, " if as_latex else " ").join(pieces))
    return out[0], out[1]


def _diagonal(array: Any) -> bool:
    return is_identity(array) or diagonal_of(split_number(array)[1]) is not None


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
        blocks = all_steps(d, notation)
        sections.append(Section(("Steps",), blocks, {"kind": "steps"}))
    blocks_ = [Result(result_rows(d, notation))]
    exprs = [d.result, *(a for t in d.index for a in t.matrices), *(s.after for s in d.steps if steps)]
    exprs += [d.change] if d.change is not None and _changes(d) else []
    legend = (*where(d.cell, exprs, notation), *powers(exprs))
    sections.append(Section(("Result",), (*blocks_, *legend, *checked), about))
    if paths and len(d.paths) > 1:
        sections.append(_paths_section(d, notation))
    return tuple(sections)


def powers(exprs: Iterable[Any]) -> tuple[Paragraph, ...]:
    """How powers of vectors are meant, if there are any."""
    raised = any("power" in functions_in(e) for e in exprs)
    return (Paragraph(("Powers of vectors are taken entry by entry.",)),) if raised else ()


def all_steps(d: Derivation, notation: Notation) -> tuple[Block, ...]:
    """The steps of a derivative: of its action on a change, where that is shown, and of its result."""
    first = step_blocks(d.cell, d.change_steps, notation) if d.acts and _changes(d) else ()
    return (*first, *step_blocks(d.cell, d.steps, notation, by_matrix=d.acts))


def about_derivation(d: Derivation, notation: Notation) -> dict[str, Any]:
    order = d.cell.dims
    return {
        "kind": "derivation",
        "cell": d.cell.name,
        "of": d.of.name,
        "wrt": d.wrt.name,
        "paths": d.paths_kind,
        "by_matrix": d.acts,
        "shape": [size_text(s, order) for s in d.result.shape],
    }


def _question(d: Derivation, notation: Notation) -> Prose:
    of, wrt = formula(d.of, notation), formula(d.wrt, notation)
    if d.acts:
        count = sum(size != 1 for q in (d.of, d.wrt) for size in q.shape)
        has = {3: ", which has three indices", 4: ", which has four indices"}.get(count, "")
        said: list[Any] = [slashed(d, notation), has]
        if _changes(d):
            said += [": by index, where that can be written; " if d.index else ": "]
            said += ["as the change ", formula(change_symbol(d.of), notation), " that it makes of a change "]
            said += [formula(d.moved, notation), " of ", wrt, "; and as"]
        else:
            said += [", and"]
        said += [" its action on an upstream gradient: with ", formula(d.upstream, notation)]
        said += [" the gradient of a loss by ", of, ", the gradient by ", wrt, " is "]
        return (*(p for p in said if p), formula(adjoint_symbol(d.wrt), notation), ".")
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
