"""Findings in words: what is wrong in which equation, with its evidence and LaTeX; what is imprecise; what is open."""

from __future__ import annotations

from typing import Any

import numpy as np

from symlstm.checking import compare
from symlstm.checking.convention import Convention
from symlstm.checking.diagnose import Explanation
from symlstm.checking.edits import Edit
from symlstm.checking.loop import LAST
from symlstm.checking.probe import Probe
from symlstm.checking.report import Finding
from symlstm.checking.source import line_of
from symlstm.expr.latex import latex

VARIANTS = {
    ("activation_identity", "h"): "an LSTM without tanh on the cell state in h",
    ("activation_sigmoid", "c_tilde"): "an LSTM with a sigmoid candidate",
    ("coupled", "c"): "an LSTM with coupled input and forget gates",
}


def wrong(best: Explanation, probe: Probe) -> list[Finding]:
    """One finding an edit; the evidence is measured with all of them at once."""
    at = compare.points(best.convention, probe, False)
    found = compare.ulps([compare.measure(best.convention, probe, p, best.loop) for p in at])
    figures = ", ".join(f"{name} {row['scaled']:.2g} ulp (bound {row['bound']:.2g})" for name, row in found.items())
    together = "with it" if len(best.edits) == 1 else f"with these {len(best.edits)} together"
    evidence = f"{together}, all results agree at {best.of} of {best.of} (point, state) pairs: {figures} scaled"
    if best.alike:
        evidence += "; the same function: " + "; ".join(e.message for e in best.alike[:3])
    if best.otherwise:
        evidence += "; or, were the order of the gates another: " + "; ".join(
            f"{order}: {e.message}" for order, e in best.otherwise[:3]
        )
    return [_finding(edit, best, probe, evidence) for edit in best.edits]


def _finding(edit: Edit, best: Explanation, probe: Probe, evidence: str) -> Finding:
    function = probe.example.call.function
    wheres = [line_of(function, q.name, best.convention.sites) for q, _ in edit.changes]
    where = ", ".join(dict.fromkeys(w for w in wheres if w)) or probe.example.call.line
    variant = VARIANTS.get((edit.name, edit.equation)) if len(best.edits) == 1 else None
    message = f"{edit.message}{_names(edit, best.convention)}"
    if variant:
        return Finding("variant", edit.equation, where, f"this is {variant}: {message}", evidence, latex=_latex(edit))
    return Finding(edit.name, edit.equation, where, message, evidence, latex=_latex(edit))


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


def _latex(edit: Edit) -> str:
    lines = []
    for q, expr in edit.changes:
        written = latex(expr)
        marked = latex(edit.marked) if edit.marked is not None else ""
        if marked and marked in written:
            written = written.replace(marked, rf"\textcolor{{red}}{{{marked}}}", 1)
        lines.append(f"{latex(q)} = {written}")
    return r" \\ ".join(lines)


def imprecise(convention: Convention, probe: Probe, measured: list[dict[str, Any]]) -> Finding:
    """Equations right as far as float32 tells, rounding errors too large for float64."""
    found = compare.ulps(measured)
    figures = ", ".join(f"{name} {row['scaled']:.3g} ulp (bound {row['bound']:.2g})" for name, row in found.items())
    results = [v for p in compare.points(convention, probe, False) for v in p.results.values()]
    single = any(np.array_equal(v, v.astype(np.float32)) for v in results)
    why = (
        "the result holds float32 numbers only"
        if single
        else "as if part of it were computed in float32, or a small term were added"
    )
    return Finding(
        "imprecise",
        "",
        probe.example.call.line,
        f"float64 goes in, and the result is off by more than float64 rounding, by no more than float32's: {why}",
        f"{figures}, scaled",
    )


def unexplained(best: Explanation, convention: Convention, probe: Probe, measured: list[dict[str, Any]]) -> Finding:
    """No set of edits explains it: which quantity departs first, and by how much."""
    order = [e.name for e in convention.sites.cell.equations]
    off: dict[str, float] = {}
    steps: dict[str, int] = {}
    for at in measured:
        for result, m in at.items():
            if not m.within:
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
        line_of(probe.example.call.function, first, convention.sites) or probe.example.call.line,
        f"{first} departs first{when}, by {off.get(first, 0):.3g}; no edit of the equations that was tried explains it",
        f"{tried} {best.explained} of {best.of} (point, state) pairs",
    )
