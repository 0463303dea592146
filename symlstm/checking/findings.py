"""Findings in words: what is wrong in which equation, with its evidence and LaTeX; what is imprecise; what is open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from symlstm.checking import compare
from symlstm.checking.convention import Convention
from symlstm.checking.diagnose import Explanation
from symlstm.checking.edits import Edit
from symlstm.checking.lines import Line, lines
from symlstm.checking.loop import LAST, scan
from symlstm.checking.manners import narrow_line
from symlstm.checking.probe import Probe
from symlstm.checking.reference import FLOATS, Equations
from symlstm.checking.report import Compared, Finding
from symlstm.checking.source import line_of
from symlstm.checking.variants import Variant, variant_of
from symlstm.equations import Cell
from symlstm.evidence.interpret import evaluate
from symlstm.evidence.program import named
from symlstm.expr.marked import around, differing, pointed_at


def wrong(best: Explanation, probe: Probe) -> list[Finding]:
    """One finding an edit; the evidence is measured with all of them at once."""
    at = compare.points(best.convention, probe, False)
    found = compare.ulps([compare.measure(best.convention, probe, p, best.loop) for p in at])
    figures = ", ".join(f"{name} {row['scaled']:.2g} ulp (bound {row['bound']:.2g})" for name, row in found.items())
    together = "with it" if len(best.edits) == 1 else f"with these {len(best.edits)} together"
    evidence = f"{together}, all {best.of} results that were compared agree: {figures}"
    if best.alike:
        evidence += "; the same function: " + "; ".join(e.message for e in best.alike[:3])
    if best.otherwise:
        evidence += "; or, were the order of the gates another: " + "; ".join(
            f"{order}: {e.message}" for order, e in best.otherwise[:3]
        )
    gates = best.convention.sites.gates
    for edits in (best.edits, *([(e,) for e in best.alike] if len(best.edits) == 1 else [])):
        if variant := variant_of(edits, gates):
            return [_as_variant(variant, [_finding(edit, best, probe, evidence) for edit in edits])]
    return [_finding(edit, best, probe, evidence) for edit in best.edits]


def _as_variant(variant: Variant, made: list[Finding]) -> Finding:
    """All findings of a declared variant as one."""
    return replace(
        made[0],
        name=f"variant_{variant.name}",
        equation=", ".join(f.equation for f in made),
        where=", ".join(dict.fromkeys(f.where for f in made)),
        message=f"this is {variant.said}: {'; '.join(f.message for f in made)}",
        code="\n".join(dict.fromkeys(f.code for f in made if f.code)),
        compared=tuple(c for f in made for c in f.compared),
    )


def another_cell(name: str, wanted: str, probe: Probe) -> Finding:
    """The finding for an implementation that is another installed cell."""
    where, evidence = probe.example.call.line, "all results agree with it within their rounding bounds"
    evidence += f": if it is to be one, check it as {name}"
    return Finding(f"variant_{name}", "", where, f"this is {name}, not {wanted}", evidence)


def _finding(edit: Edit, best: Explanation, probe: Probe, evidence: str) -> Finding:
    function, sites = probe.example.call.code, best.convention.sites
    found = _lines(edit.changes, best, probe)
    names = [line_of(function, q.name, sites) for q, _ in edit.changes] if not found else map(str, found)
    where = ", ".join(dict.fromkeys(w for w in names if w)) or probe.example.call.line
    code = "\n".join(f"{line}  {line.text}" for line in found if line.text)
    beside = compared(
        sites.cell,
        [(q, dict(best.loop.equations)[q]) for q, _ in edit.changes],
        best.convention.equations(compare.points(best.convention, probe, False)[0].values),
    )
    message = f"{edit.message}{_names(edit, best.convention)}"
    return Finding(edit.name, edit.equation, where, message, evidence, code=code, compared=beside)


def _names(edit: Edit, convention: Convention) -> str:
    """The user's own names, where the names say something else than what the arrays do."""
    if edit.name != "gates_exchanged" or not convention.by_name:
        return ""
    gates = [
        g for g in convention.sites.gates if f"gate {g} " in edit.message or edit.message.split(" of ")[-1][0] == g
    ]
    said = []
    for gate, other in zip(gates, reversed(gates), strict=True):
        paths = {str(v.path[-1]) for (g, _), views in convention.views.items() if g == gate for v in views}
        said.append(f"{' and '.join(sorted(paths))} act as gate {other}")
    return f" ({'; '.join(said)})"


def compared(cell: Cell, changes: Iterable[tuple[Any, Any]], original: Equations) -> tuple[Compared, ...]:
    """Equations of the cell beside those that are in their place."""
    right = dict(original)
    return tuple(Compared(cell, q, right[q], expr) for q, expr in changes)


def _lines(changes: Iterable[tuple[Any, Any]], best: Explanation, probe: Probe) -> list[Line]:
    """The lines of the source that compute what is wrong: the innermost terms around it that have a variable."""
    at = compare.points(best.convention, probe, False)[0]
    sizes = compare.sizes_of(best.convention, probe)
    *_, known = scan(best.loop, at.values, sizes, FLOATS)[:2]  # of a sequence the second step: all that is carried acts
    original = dict(best.convention.equations(at.values))
    every = [known[q] for q, _ in best.loop.equations]
    found = []
    for q, _ in changes:
        terms = around(differing(original[q], dict(best.loop.equations)[q])[1])
        readers = [expr for _, expr in best.loop.equations if q in named(expr)]
        terms += [term for expr in readers for term in around(pointed_at(expr, q))]  # where it has no variable itself
        wanted = [evaluate(term, known, tuple(sizes.items()), FLOATS) for term in terms]
        places = lines(probe.example.call, at.arrays, [*wanted, *every])[: len(terms)]
        found += [place for place in places if place is not None][:1]
    return list(dict.fromkeys(found))


def imprecise(convention: Convention, probe: Probe, measured: list[dict[str, Any]]) -> Finding:
    """Equations right as far as float32 tells, rounding errors too large for float64."""
    found = compare.ulps(measured)
    figures = ", ".join(f"{name} {row['scaled']:.3g} ulp (bound {row['bound']:.2g})" for name, row in found.items())
    single = compare.float32_numbers(convention, probe)
    why = (
        "the result holds float32 numbers only"
        if single
        else "as if part of it were computed in float32, or a small term were added"
    )
    where, code = narrow_line(probe.example.call)
    return Finding(
        "imprecise",
        "",
        where or probe.example.call.line,
        f"float64 goes in, and the result is off by more than float64 rounding, by no more than float32's: {why}",
        figures,
        code=f"{where}  {code}" if code else "",
    )


def unexplained(best: Explanation, convention: Convention, probe: Probe, measured: list[dict[str, Any]]) -> Finding:
    """No set of edits explains it: which quantity departs first, and by how much."""
    order = [e.name for e in convention.sites.cell.equations]
    off: dict[str, float] = {}
    steps: dict[str, int] = {}
    for at in measured:
        for result, m in at.items():
            if not m.within():
                name = result.removesuffix(LAST)
                off[name] = max(off.get(name, 0.0), float(np.abs(m.difference).max()))
                late = m.difference.shape[0] if m.difference.ndim == 4 else 0
                at_step = [k for k in range(late) if not (np.abs(m.difference[k]) <= m.bound[k]).all()]
                steps[name] = min([steps.get(name, late), *at_step])
    first = min(off, key=lambda name: (steps[name], order.index(name))) if off else ""
    when = f" at step {steps[first] + 1}" if first and convention.sequence and f"{first}" in convention.outputs else ""
    tried = f"the nearest, {'; '.join(e.message for e in best.edits)}, explains" if best.edits else "the cell explains"
    return Finding(
        "unexplained",
        first,
        line_of(probe.example.call.code, first, convention.sites) or probe.example.call.line,
        f"{first} departs first{when}, by {off.get(first, 0):.3g}; no edit of the equations that was tried explains it",
        f"{tried} {best.explained} of {best.of} (point, state) pairs",
    )
