"""The search for the fewest edits of a backward pass with which every gradient agrees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from symlstm.checking.backward_edits import backward_edits
from symlstm.checking.backward_loop import Back, BackLoop, forward_trail, parts, scan_back, touched
from symlstm.checking.backward_time_edits import backward_time_edits
from symlstm.checking.calls import Call
from symlstm.checking.convention import Convention
from symlstm.checking.edits import Edit
from symlstm.checking.loop import batch_in
from symlstm.checking.reference import FLOATS
from symlstm.checking.report import Finding
from symlstm.expr.nodes import Quantity

GLANCE = 2.0**-36
GLANCE_AT_FLOAT32 = 2.0**-15
MOST_EDITS, BEAM = 4, 5


@dataclass(frozen=True)
class Block:
    """A part of a returned gradient: what it is the gradient of, the columns of it, and its numbers.

    kind: "parameter", summed over batch and steps: (1, rows, cols); "input": (steps, batch, rows, 1); "initial": of a
    state, (batch, rows, 1).
    """

    name: str
    adjoint: Quantity
    cols: slice | None
    kind: str
    numbers: Any

    def of(self, value: Any) -> Any:
        """The same part of the adjoint, (batch, rows, cols)."""
        return value if self.cols is None else value[..., self.cols]

    def total(self, found: list[Any], batch: int) -> Any:
        """The gradient from what each step gives."""
        each = [self.of(value) for value in found]
        each = [p if len(p) == batch and p.ndim == 3 else np.broadcast_to(p, (batch, *p.shape[-2:])) for p in each]
        if self.kind == "parameter":
            return sum(part.sum(axis=0, keepdims=True) for part in each)
        return np.stack(each) if self.numbers.ndim == 4 else each[0]


@dataclass(frozen=True)
class Point:
    """One call: the leaves, the gradients that came back; findings: what is to be said of these beside their numbers;
    again: that call once more (None: it is not somebody's); meanings: which arguments bring the gradient of which
    state or output."""

    values: dict[Any, Any]
    blocks: list[Block]
    findings: list[Finding] = field(default_factory=list)
    again: Callable[[], Call] | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)

    @property
    def batch(self) -> int:
        return batch_in(self.values)


def _count(block: Block) -> int:
    """How many gradients a block is: those by x at every step."""
    return len(block.numbers) if block.numbers.ndim == 4 else 1


@dataclass(frozen=True)
class Found:
    """edits, in the order in which they were found; loop: with them; alike: other last edits that do as well."""

    edits: tuple[Edit, ...]
    loop: BackLoop
    alike: tuple[str, ...] = ()


@dataclass
class Search:
    """What came back at some points; how many edits were tried, and how many gradients the nearest explain."""

    points: list[Point]
    original: BackLoop
    convention: Convention
    sizes: Mapping[Any, int]
    tried: int = 0
    nearest: int = 0
    trails: list[Back] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.trails = [forward_trail(self.original, p.values, self.sizes, FLOATS) for p in self.points]

    @property
    def first(self) -> int:
        """How many gradients the first point has; those by x at every step."""
        return sum(_count(b) for b in self.points[0].blocks)

    def agrees(self, loop: BackLoop) -> bool:
        """Whether every gradient at every point is explained."""
        total = sum(_count(b) for p in self.points for b in p.blocks)
        return sum(self._explained(k, loop, self._back(k, loop)) for k in range(len(self.points))) == total

    def search(
        self,
        starts: list[tuple[tuple[Edit, ...], BackLoop]],
        in_time: bool = True,
        in_step: bool = True,
        most: int = MOST_EDITS,
    ) -> Found | None:
        """The first set of edits that explains everything, one edit at a time; None where it finds none.

        First of edits that touch no gradient that is right already, then of all.
        """
        options = (starts, in_time, in_step, most)
        return self._search(*options, careful=True) or self._search(*options, careful=False)

    def _search(
        self,
        starts: list[tuple[tuple[Edit, ...], BackLoop]],
        in_time: bool,
        in_step: bool,
        most: int,
        careful: bool,
    ) -> Found | None:
        beam = [(self._explained(0, loop, self._back(0, loop)), before, loop) for before, loop in starts]
        best = max(count for count, _, _ in beam)
        for _ in range(most):
            found = []
            for _, before, current in beam:
                base = self._back(0, current)
                right = self._right(0, current, base, self.points[0].blocks)
                for edit in self._edits(current, in_time, in_step):
                    now = edit.applied_to(current)
                    self.tried += 1
                    if now.equations and (count := self._tried(now, edit, base, right, careful)) is not None:
                        found.append((count, (*before, edit), now))
            found.sort(key=lambda entry: -entry[0])
            if not found or found[0][0] <= best:
                return None
            best, beam = found[0][0], found[:BEAM]
            self.nearest = max(self.nearest, best)
            if best == self.first and self.agrees(found[0][2]):
                edits = found[0][1]
                alike = [e[1][-1].message for e in found[1:4] if e[0] == best and e[1][:-1] == edits[:-1]]
                return Found(edits, found[0][2], tuple(alike))
        return None

    def _edits(self, loop: BackLoop, in_time: bool, in_step: bool) -> list[Edit]:
        forward = {e.quantity for e in self.convention.sites.cell.equations}
        found = backward_time_edits(self.convention, loop) if in_time else []
        whole = (*loop.forward.equations, *loop.equations)
        return [*found, *(backward_edits(self.convention, whole, forward) if in_step else [])]

    def _back(self, k: int, loop: BackLoop, like: Back = (), changed: Any = frozenset()) -> Back:
        return scan_back(loop, self.points[k].values, self.sizes, FLOATS, self.trails[k], like, changed)

    def _tried(self, now: BackLoop, edit: Edit, base: Back, right: dict[Any, int], careful: bool = False) -> int | None:
        """How many gradients of the first point an edit explains; those that it does not touch are known.

        careful: None where it touches one that is right.
        """
        if edit.loop:
            return self._explained(0, now, self._back(0, now))
        changed = {q for q, _ in edit.changes}
        moved = touched(now, changed, len(base))
        blocks = [b for b in self.points[0].blocks if b.adjoint in moved]
        if careful and any(right[k] == _count(b) for k, b in enumerate(self.points[0].blocks) if b.adjoint in moved):
            return None
        still = sum(count for k, count in right.items() if self.points[0].blocks[k].adjoint not in moved)
        if not blocks:
            return still
        return still + sum(self._right(0, now, self._back(0, now, base, changed), blocks).values())

    def _explained(self, k: int, loop: BackLoop, back: Back) -> int:
        return sum(self._right(k, loop, back, self.points[k].blocks).values())

    def _right(self, k: int, loop: BackLoop, back: Back, blocks: list[Block]) -> dict[Any, int]:
        """By place of the block among these: how many of its gradients are explained."""
        made: dict[Any, int] = {}
        batch = self.points[k].batch
        for place, block in enumerate(blocks):
            right = block.total(parts(loop, back, block.adjoint, block.kind), batch)
            single = np.array_equal(block.numbers, block.numbers.astype(np.float32))
            glance = GLANCE_AT_FLOAT32 if single else GLANCE
            close = np.abs(right - block.numbers) <= glance * (1 + np.abs(right).max())
            made[place] = int(close.all(axis=(-1, -2, -3)).sum())
        return made
