"""Two opinions: what was read as formulas, and what the probe measures; which mistake it is, and where they differ."""

from __future__ import annotations

from dataclasses import replace

from symlstm.checking import compare
from symlstm.checking.convention import Convention
from symlstm.checking.diagnose import Explanation, Seen, explain, seen
from symlstm.checking.formulas import Solved, agrees_with, solve
from symlstm.checking.probe import Probe
from symlstm.checking.reading import Reading, Run, read, run_on_formulas
from symlstm.checking.report import NOTE, Finding
from symlstm.checking.unrolled import Compared, Unrolled, compared, run_unrolled
from symlstm.expr.text import text


def formulas_of(probe: Probe) -> Run | Unrolled | str:
    """One step, or a few of a sequence, run on formulas; else why that does not go."""
    return run_on_formulas(probe) if probe.example.x is None else run_unrolled(probe)


def of_agreement(run: Run | Unrolled | str, convention: Convention, probe: Probe) -> tuple[str, list[Finding]]:
    """What reading says where the probe finds agreement; a finding where reading does not agree."""
    if isinstance(run, Unrolled):
        return _of_sequence(run, convention, probe)
    if isinstance(run, str):
        return _not_read(run), []
    found = read(run, convention, probe)
    if isinstance(found, str):
        return _not_read(found), []
    if agrees_with(found.equations, found, probe):
        return f"{_results(found)} {_for_all(probe)}", []
    solved, _ = solve(run, [convention], probe)
    what = "; ".join(e.message for e in solved.edits) if solved else _departures(found)
    message = f"read symbolically the formulas differ, too little for float64 to show: {what}"
    return message, [Finding("reading_differs", "", "", message, "the probe agrees within its rounding bounds", NOTE)]


def _of_sequence(run: Unrolled, convention: Convention, probe: Probe) -> tuple[str, list[Finding]]:
    found = compared(run, convention, probe)
    if isinstance(found, str):
        return _not_read(found), []
    if not found.differing:
        return _said(run, found, probe), []
    message = f"read symbolically over {run.steps} steps, {', '.join(found.differing)} is another formula: "
    message += "too little for float64 to show"
    return message, [Finding("reading_differs", "", "", message, "the probe agrees within its rounding bounds", NOTE)]


def explanation(conventions: list[Convention], run: Run | Unrolled | str, probe: Probe) -> tuple[Explanation, str]:
    """The explanation of a disagreement, and what reading says of it: formulas first, the probe as second opinion."""
    seconds: list[tuple[Convention, Seen]] = []
    for convention in conventions:
        points = compare.points(convention, probe, True)
        seconds.append((convention, seen(convention, points, compare.sizes_of(convention, probe))))
    if isinstance(run, str):
        return explain(seconds), _not_read(run)
    if isinstance(run, Unrolled):
        best = explain(seconds)
        return best, _of_explained(run, best, probe)
    solved, readings = solve(run, conventions, probe)
    if solved is not None:
        best = _measured(solved, dict((id(c), w) for c, w in seconds))
        if best.complete:
            return best, f"{_results(solved.reading)} {_for_all(probe)} with what was found"
    best = explain(seconds)
    reading = next((r for r in readings if r.convention is best.convention), None)
    if reading is None:
        return best, _not_read("its values do not have the shapes of the cell's")
    if best.complete and agrees_with(best.loop.equations, reading, probe):
        return best, f"{_results(reading)} {_for_all(probe)} with what was found"
    if best.complete:
        return best, f"read symbolically, what was found does not explain all: {_departures(reading)}"
    return best, f"read symbolically: {_departures(reading)}"


def _of_explained(run: Unrolled, best: Explanation, probe: Probe) -> str:
    """What reading says of a sequence in which mistakes were found."""
    found = compared(run, best.convention, probe, best.loop)
    if isinstance(found, str):
        return _not_read(found)
    if found.differing:
        said = f"read symbolically over {run.steps} steps, {', '.join(found.differing)} is another formula"
        return f"{said}, with what was found too" if best.edits else said
    return f"{_said(run, found, probe)} with what was found"


def _said(run: Unrolled, found: Compared, probe: Probe) -> str:
    return (
        f"read symbolically: the formulas of {', '.join(found.results)} over {run.steps} steps agree {_for_all(probe)}"
    )


def _measured(solved: Solved, whats: dict[int, Seen]) -> Explanation:
    convention = solved.reading.convention
    what = whats[id(convention)]
    loop = replace(convention.loop(what.values), equations=solved.equations)
    return Explanation(convention, solved.edits, loop, what.explained(loop), what.pairs, alike=solved.alike)


def _results(reading: Reading) -> str:
    return f"read symbolically: the formulas of {', '.join(reading.results)} agree"


def _for_all(probe: Probe) -> str:
    n, m, _ = probe.example.sizes
    return f"for all inputs (n = {n}, m = {m})"


def _departures(reading: Reading) -> str:
    parts = []
    for d in reading.differences[:3]:
        name = next((name for name, _ in d.values if name), "")
        where = f" ({name} in the code)" if name else ""
        parts.append(f"{d.quantity.name}{where} is not {text(d.expr)} of the values that the code has for these")
    return "; ".join(parts) or "the equations that could be told apart agree"


def _not_read(why: str) -> str:
    return f"not read symbolically: {' '.join(why.split())}"
