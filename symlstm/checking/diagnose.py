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
from symlstm.checking.edits import Edit, edits, rarity
from symlstm.checking.loop import Each, Loop, Trail, float_results, scan, shaped_like
from symlstm.checking.reference import FLOATS
from symlstm.checking.time_edits import time_edits
from symlstm.checking.words import ORDERS
from symlstm.equations import Cell

GLANCE = 2.0**-38
"""For looking only, of one plus the largest entry: what looks right is then measured against its bound."""
GLANCE_AT_FLOAT32 = 2.0**-15
MOST_EDITS = 4
BEAM = 10
MOST_IN_TIME = 2
"""Edits of how the steps follow each other that are tried alone, before all others: there are few of these."""
MOST_SEARCHES = 2
"""Conventions in which sets of more than one edit are looked for."""


@dataclass(frozen=True)
class Explanation:
    """edits, in the order in which they were found; alike: other last edits that agree as well at every point;
    otherwise: edits that do in another order of the gates."""

    convention: Convention
    edits: tuple[Edit, ...]
    loop: Loop
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
    """What came back at all points at once: values (points, batch, rows, cols), results likewise, steps first."""

    values: dict[Any, Any]
    results: dict[str, Any]
    sizes: Mapping[Any, int]
    cell: Cell

    @property
    def glance(self) -> float:
        """How near is near enough for looking: of float32 results, nearer than they can be told."""
        single = all(np.array_equal(v, v.astype(np.float32)) for v in self.results.values())
        return GLANCE_AT_FLOAT32 if single else GLANCE

    def explained(self, loop: Loop, like: Trail = (), changed: Any = frozenset()) -> int:
        """How many results at how many points and steps the loop explains; like, changed: as in `scan`."""
        trail = scan(loop, self.values, self.sizes, FLOATS, like, changed)
        found = float_results(loop, self.values, self.sizes, self.results, self.cell, trail)
        count = 0
        for name, result in self.results.items():
            if found[name].shape[-2:] != result.shape[-2:]:
                continue
            value = shaped_like(found[name], result)
            off = np.abs(value - result).max(axis=(-1, -2, -3))
            count += int((off <= self.glance * (1 + np.abs(value).max(axis=(-1, -2, -3)))).sum())
        return count

    @property
    def pairs(self) -> int:
        return sum(int(np.prod(r.shape[:-3])) for r in self.results.values())


def seen(convention: Convention, points: list[Point], sizes: Mapping[Any, int]) -> Seen:
    """All points as one batch."""
    each = {q for q, v in points[0].values.items() if isinstance(v, Each)}
    values = {q: np.stack([p.values[q] for p in points], axis=-4) for q in points[0].values}
    values |= {q: Each(values[q]) for q in each}
    results = {name: np.stack([p.results[name] for p in points], axis=-4) for name in points[0].results}
    return Seen(values, results, sizes, convention.sites.cell)


@dataclass(frozen=True)
class Search:
    """The search in one convention, so many edits deep: the most promising sets so far."""

    convention: Convention
    what: Seen
    beam: tuple[Explanation, ...]
    tried: int = 0

    def deeper(self, only_time: bool = False) -> Search:
        """One more edit in each set; only_time: of how the steps follow each other."""
        found: list[Explanation] = []
        for base in self.beam:
            like = scan(base.loop, self.what.values, self.what.sizes, FLOATS)
            more = time_edits(self.convention, base.loop) if self.convention.sequence else []
            more += [] if only_time else edits(self.convention.sites, base.loop.equations)
            for edit in more:
                loop = edit.applied_to(base.loop)
                count = self.what.explained(loop, () if edit.loop else like, {q for q, _ in edit.changes})
                found.append(Explanation(self.convention, (*base.edits, edit), loop, count, self.what.pairs))
        found.sort(key=lambda e: (-e.explained, rarity(e.edits[-1])))
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
        original = convention.loop(what.values)
        start = what.explained(original)
        searches.append(Search(convention, what, (Explanation(convention, (), original, start, what.pairs),)))
    best = searches[0].best
    if searches[0].convention.sequence:
        in_time = searches
        for _ in range(MOST_IN_TIME):
            in_time = sorted((s.deeper(only_time=True) for s in in_time), key=lambda s: -s.best.explained)
            in_time = in_time[:MOST_SEARCHES]
            if in_time[0].best.complete:
                return in_time[0].best
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
