"""The diagnosis: the fewest edits of the equations with which everything that came back agrees.

Points at which a gate is blind (zero weights, a fixed bias) or sees alone take mistakes apart: a set of edits is built
one at a time, by how many of the (point, state) pairs it explains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from symlstm.checking.compare import Point
from symlstm.checking.convention import Convention
from symlstm.checking.edits import Edit, downstream, edits
from symlstm.checking.reference import FLOATS, Equations, evaluated
from symlstm.checking.words import ORDERS

GLANCE = 2.0**-38
"""For looking only, of one plus the largest entry: what looks right is then measured against its bound."""
MOST_EDITS = 4
BEAM = 10
MOST_SEARCHES = 2
"""Conventions in which sets of more than one edit are looked for."""


@dataclass(frozen=True)
class Explanation:
    """edits, in the order in which they were found; alike: other last edits that agree as well at every point;
    otherwise: edits that do in another order of the gates."""

    convention: Convention
    edits: tuple[Edit, ...]
    equations: Equations
    explained: int
    of: int
    alike: tuple[Edit, ...] = ()
    otherwise: tuple[tuple[str, Edit], ...] = ()
    tried: int = 0

    @property
    def complete(self) -> bool:
        return self.explained == self.of


@dataclass(frozen=True)
class Seen:
    """What came back at all points at once: values (points, batch, rows, cols), results likewise."""

    values: dict[Any, Any]
    results: dict[Any, Any]
    sizes: Mapping[Any, int]

    def explained(self, equations: Equations, known: Mapping[Any, Any] | None = None) -> tuple[int, dict[Any, Any]]:
        """How many (point, state) pairs the equations explain, and all their values."""
        found = evaluated(equations, known or self.values, self.sizes, FLOATS)
        count = 0
        for q, result in self.results.items():
            value = np.broadcast_to(found[q], result.shape)
            off = np.abs(value - result).max(axis=(-1, -2, -3))
            count += int((off <= GLANCE * (1 + np.abs(value).max(axis=(-1, -2, -3)))).sum())
        return count, found

    @property
    def pairs(self) -> int:
        return sum(len(r) for r in self.results.values())


def seen(convention: Convention, points: list[Point], sizes: Mapping[Any, int]) -> Seen:
    """All points as one batch."""
    values = {q: np.stack([p.values[q] for p in points]) for q in points[0].values}
    states = {s.current.name: s.current for s in convention.sites.cell.states}
    results = {states[name]: np.stack([p.results[name] for p in points]) for name in points[0].results}
    return Seen(values, results, sizes)


@dataclass(frozen=True)
class Search:
    """The search in one convention, so many edits deep: the most promising sets so far."""

    convention: Convention
    what: Seen
    beam: tuple[Explanation, ...]
    tried: int = 0

    def deeper(self) -> Search:
        """One more edit in each set."""
        found: list[Explanation] = []
        for base in self.beam:
            _, known = self.what.explained(base.equations)
            for edit in edits(self.convention.sites, base.equations):
                equations = edit.applied(base.equations)
                moved = downstream(equations, {q for q, _ in edit.changes})
                before = {q: v for q, v in known.items() if q not in moved}
                count, _ = self.what.explained(tuple(e for e in equations if e[0] in moved), before)
                found.append(Explanation(self.convention, (*base.edits, edit), equations, count, self.what.pairs))
        found.sort(key=lambda e: -e.explained)
        return Search(self.convention, self.what, tuple(found[:BEAM]), self.tried + len(found))

    @property
    def best(self) -> Explanation:
        first = self.beam[0]
        alike = [
            e.edits[-1] for e in self.beam[1:] if first.complete and e.complete and e.edits[:-1] == first.edits[:-1]
        ]
        return replace(first, alike=tuple(alike), tried=self.tried)


def explain(candidates: list[tuple[Convention, Seen]]) -> Explanation:
    """The smallest set of edits that was found in any of the conventions, of up to four; complete, or the best."""
    searches = []
    for convention, what in candidates:
        original = convention.equations(what.values)
        start, _ = what.explained(original)
        searches.append(Search(convention, what, (Explanation(convention, (), original, start, what.pairs),)))
    best = searches[0].best
    for _ in range(MOST_EDITS):
        searches = [search.deeper() for search in searches]
        searches.sort(key=lambda s: (-s.best.explained, s.convention.order not in ORDERS))
        if searches[0].best.explained <= best.explained and best.edits:
            break
        best = searches[0].best
        if best.complete:
            break
        searches = searches[:MOST_SEARCHES]
    others = [s.best for s in searches if s.convention.order != best.convention.order and best.complete]
    also = [
        (", ".join(e.convention.order), e.edits[0])
        for e in others
        if e.complete and len(e.edits) == len(best.edits) == 1
    ]
    return replace(best, otherwise=tuple(also), tried=sum(s.tried for s in searches))
