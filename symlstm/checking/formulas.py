"""The diagnosis of a reading: for each equation that differs the edits that make it the formula that was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symlstm.checking.compare import sizes_of
from symlstm.checking.edits import Edit, edits_of_equation, exchanges, rarity
from symlstm.checking.exponentials import Unreadable
from symlstm.checking.probe import Probe
from symlstm.checking.reading import Batch, Difference, Reading, Run, equal, lead_to, read, value_of
from symlstm.checking.reference import FLOATS, Equations, evaluated, ordered
from symlstm.evidence.interpret import evaluate
from symlstm.evidence.program import Uncheckable

GLANCE = 2.0**-30
"""For looking only, of one plus the largest entry: what looks right is then compared as a formula."""
MOST_AT_TWO = 60
"""Edits of one equation that are combined with a second."""


@dataclass(frozen=True)
class Solved:
    """edits: with which all formulas agree for all inputs. alike: by edit, others that make the same formula."""

    reading: Reading
    edits: tuple[Edit, ...]
    equations: Equations
    alike: tuple[Edit, ...] = ()


def solve(run: Run, conventions: list[Any], probe: Probe) -> tuple[Solved | None, list[Reading]]:
    """The fewest edits with which the formulas agree, in any of the conventions; and the readings in each."""
    readings = [found for c in conventions if isinstance(found := read(run, c, probe), Reading)]
    readings.sort(key=lambda r: len(r.differences))
    best: Solved | None = None
    for at_once in (1, 2):  # two mistakes in one equation are looked for where one in each explains it nowhere
        for reading in readings:
            if best is not None and len(reading.differences) >= len(best.edits):
                break
            solved = _solved(reading, probe, at_once)
            if solved and (best is None or len(solved.edits) < len(best.edits)):
                best = solved
        if best is not None:
            break
    return best, readings


def _solved(reading: Reading, probe: Probe, at_once: int) -> Solved | None:
    sizes = sizes_of(reading.convention, probe)
    own = _equation_by_equation(reading, sizes, at_once)
    if at_once > 1 or (own is not None and len(own.edits) == 1):
        return own
    floats = {q: _floats(v) for q, v in reading.known.items()}
    results = {name: _floats(v) for name, v in reading.results.items()}
    for edit in exchanges(reading.convention.sites, reading.equations):
        made = edit.applied(reading.equations)
        if made and _nearly_agrees(made, floats, results, sizes) and _agrees(made, reading, sizes):
            return Solved(reading, (edit,), made)
    return own


def _nearly_agrees(equations: Equations, floats: Mapping[Any, Any], results: Any, sizes: Mapping[Any, int]) -> bool:
    """Whether equations give every result at the point at which formulas are looked at first."""
    changed = {q for q, _ in equations}
    known = evaluated(equations, {q: v for q, v in floats.items() if q not in changed}, sizes, FLOATS)
    return all(
        known[q].shape[-2:] == results[q.name].shape[-2:]
        and bool((np.abs(known[q] - results[q.name]) <= GLANCE * (1 + np.abs(results[q.name]).max())).all())
        for q, _ in equations
        if q.name in results
    )


def _equation_by_equation(reading: Reading, sizes: Mapping[Any, int], at_once: int) -> Solved | None:
    floats = {q: _floats(v) for q, v in reading.known.items()}
    chosen: list[Edit] = []
    others: list[Edit] = []
    for difference in reading.differences:
        found = _of(difference, reading, floats, sizes, at_once)
        if not found:
            return None
        chosen += found[0]
        others += [edits[0] for edits in found[1:] if len(edits) == len(found[0]) == 1]
    made = _applied(reading.equations, chosen)
    return Solved(reading, tuple(chosen), made, tuple(others)) if made and _agrees(made, reading, sizes) else None


def _applied(equations: Equations, chosen: list[Edit]) -> Equations:
    """All edits at once; of two edits of one equation, the second holds the first already."""
    changes = {q: expr for edit in chosen for q, expr in edit.changes}
    return ordered(tuple((q, changes.get(q, expr)) for q, expr in equations))


def _floats(values: Batch) -> Any:
    return np.stack([np.array([v.at for v in a.reshape(-1)]).reshape(a.shape) for a in values])


def _of(
    difference: Difference, reading: Reading, floats: Mapping[Any, Any], sizes: Mapping[Any, int], at_once: int
) -> list[tuple[Edit, ...]]:
    """Edits of one equation, each alone or two together, that make it one of the formulas that were read."""
    q = difference.quantity
    sites = reading.convention.sites
    targets = [(values, _floats(values)) for _, values in difference.values]
    alone = sorted(edits_of_equation(sites, reading.equations, q), key=rarity)

    def makes_it(edit: Edit) -> bool:
        expr = dict(edit.changes)[q]
        near = _near(expr, floats, targets, sizes)
        return any(_same(expr, values, reading, sizes) for values in near)

    found: list[tuple[Edit, ...]] = [(edit,) for edit in alone if makes_it(edit)]
    if found or at_once == 1:
        return found
    for first in alone[:MOST_AT_TWO]:
        changed = tuple((r, dict(first.changes).get(r, e)) for r, e in reading.equations)
        for second in edits_of_equation(sites, changed, q):
            if makes_it(second):
                return [(first, second)]
    return []


def _near(expr: Any, floats: Mapping[Any, Any], targets: Any, sizes: Mapping[Any, int]) -> Iterator[Batch]:
    with np.errstate(all="ignore"):
        value = evaluate(expr, floats, tuple(sizes.items()), FLOATS)
    for values, at in targets:
        if value.shape[-2:] == at.shape[-2:] and np.abs(value - at).max() <= GLANCE * (1 + np.abs(at).max()):
            yield values


def _same(expr: Any, values: Batch, reading: Reading, sizes: Mapping[Any, int]) -> bool:
    try:
        return equal(value_of(expr, reading.known, sizes), values)
    except (Unreadable, Uncheckable):
        return False


def _agrees(equations: Equations, reading: Reading, sizes: Mapping[Any, int]) -> bool:
    """Whether equations give every result, as formulas."""
    given = {q: v for q, v in reading.known.items() if q not in dict(equations)}
    return lead_to(reading.results, equations, given, sizes)


def agrees_with(equations: Equations, reading: Reading, probe: Probe) -> bool:
    """Whether equations give every result that was read, as formulas."""
    return _agrees(equations, reading, sizes_of(reading.convention, probe))
